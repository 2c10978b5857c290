//! Execute Process task: runs a program.
//!
//! ```text
//!  Executable ──path map, PATH──▶ program ─┐                      ┌─▶ StandardOutputVariable
//!  Arguments ──cut as Windows does──▶ ... ─┼─ connections::process ─▶ StandardErrorVariable
//!  StandardInputVariable ──────▶ its input ┘                      └─▶ exit code, ExecValueVariable
//! ```
//!
//! **Program** and **arguments**: see [`program`] and [`arguments`]. WindowStyle has no meaning here.
//! **Working folder**: that of the package, if WorkingDirectory is empty.
//! **Streams** are UTF-8. Output that no variable takes is dropped; the last line of the error output goes into the
//! message of a failure.
//! **Failure**: an exit code other than SuccessValue (FailTaskIfReturnCodeIsNotSuccessValue), once variables have what it
//! wrote. Linux has exit codes from 0 to 255: -1 is 255 there. A program that a signal ended has 128 and the signal.
//! **Time** (TimeOut): the task fails. The program is ended, or goes on if TerminateProcessAfterTimeOut is False, and
//! then its streams cannot be taken (`DTS_E_EXECPROCTASK_CANTREDIRECTIO`).

mod arguments;
mod program;

use async_trait::async_trait;
use dtsx::{Executable, Payload, Properties, SsisCode};
use fletching_components::{Finding, FindingKind, Variables};
use fletching_connections::{
    Connections,
    process::{self, Ended, Launch, ProcessError, TimeLimit},
};

use crate::{
    ProcessReport, RunError, TaskResult,
    task::{self, Task, TaskHost, TaskRun},
    variables::split,
};

/// `DTS_E_EXECPROCTASK_INVALIDTIMEOUT`.
const BAD_TIME: SsisCode = SsisCode(0xC002_914A);
/// `DTS_E_EXECPROCTASK_CANTREDIRECTIO`.
const CANNOT_REDIRECT: SsisCode = SsisCode(0xC002_914B);
/// `DTS_E_EXECPROCTASK_PROCESSHASTIMEDOUT`.
const TIMED_OUT: SsisCode = SsisCode(0xC002_914C);
/// `DTS_E_EXECPROCTASK_EXECUTABLENOTSPECIFIED`.
const NO_EXECUTABLE: SsisCode = SsisCode(0xC002_914D);
/// `DTS_E_EXECPROCTASK_STDOUTVARREADONLY`.
const OUTPUT_LOCKED: SsisCode = SsisCode(0xC002_914E);
/// `DTS_E_EXECPROCTASK_STDERRVARREADONLY`.
const ERROR_LOCKED: SsisCode = SsisCode(0xC002_914F);
/// `DTS_E_EXECPROCTASK_PROCESSEXITCODEEXCEEDS`.
const BAD_EXIT_CODE: SsisCode = SsisCode(0xC002_9151);
/// `DTS_E_EXECPROCTASK_WORKINGDIRDOESNOTEXIST`.
const NO_FOLDER: SsisCode = SsisCode(0xC002_9152);
/// `DTS_E_EXECPROCTASK_FILEDOESNOTEXIST`.
const NO_FILE: SsisCode = SsisCode(0xC002_9153);
/// `DTS_E_EXECPROCTASK_FILENOTINPATH`.
const NOT_ON_PATH: SsisCode = SsisCode(0xC002_9154);

/// Properties that an expression can set, and the attributes that hold them.
pub(super) const PROPERTIES: &[(&str, &str)] = &[
    ("Arguments", "Arguments"),
    ("Executable", "Executable"),
    (
        "FailTaskIfReturnCodeIsNotSuccessValue",
        "FailTaskIfReturnCodeIsNotSuccessValue",
    ),
    ("RequireFullFileName", "RequireFullFileName"),
    ("StandardErrorVariable", "StandardErrorVariable"),
    ("StandardInputVariable", "StandardInputVariable"),
    ("StandardOutputVariable", "StandardOutputVariable"),
    ("SuccessValue", "SuccessValue"),
    ("TerminateProcessAfterTimeOut", "TerminateAfterTimeout"),
    ("TimeOut", "TimeOut"),
    ("WindowStyle", "WindowStyle"),
    ("WorkingDirectory", "WorkingDirectory"),
];

/// The longest TimeOut that SSIS takes: 2^31 - 1 milliseconds.
const SECONDS_MAX: u64 = 2_147_483;

/// The task as the package has it.
#[derive(Debug)]
struct ExecuteProcessTask {
    properties: Properties,
}

/// Its settings, read.
#[derive(Debug)]
struct Settings {
    executable: String,
    arguments: String,
    folder: String,
    /// Names of variables.
    input: Option<String>,
    output: Option<String>,
    error: Option<String>,
    requires_file: bool,
    /// The exit code without which the task fails.
    success: Option<i32>,
    limit: Option<TimeLimit>,
}

pub(super) fn new(executable: &Executable) -> Option<Box<dyn Task>> {
    match &executable.payload {
        Payload::Other(data) if data.element == "ExecuteProcessData" => {
            Some(Box::new(ExecuteProcessTask {
                properties: data.properties.clone(),
            }))
        }
        _ => None,
    }
}

#[async_trait]
impl Task for ExecuteProcessTask {
    fn check(&self, host: &TaskHost<'_>) -> Result<(), RunError> {
        let (settings, mut findings) = self.read(host);
        findings.extend(problems(&settings, host));
        task::all(findings)
    }

    async fn run(&self, run: &TaskRun<'_>) -> Result<TaskResult, RunError> {
        let (settings, findings) = self.read(run);
        task::all(findings)?;
        let connections = run.connections()?;
        let (launch, unmapped) = settings.launch(run, &connections)?;
        for message in unmapped {
            run.warn(None, format!("{}: {message}", run.path())).await;
        }
        let program = launch.program.display().to_string();
        let started = format!("{program} in {}", launch.folder.display());
        run.log("ExecuteProcessExecutingProcess", started).await;
        for (stream, variable) in settings.routes() {
            let message = format!("{stream}: {variable}");
            run.log("ExecuteProcessVariableRouting", message).await;
        }
        let ended = process::run(launch).await;
        let ended = ended.map_err(|error| {
            let code = match error {
                ProcessError::TimedOut { .. } => Some(TIMED_OUT),
                ProcessError::Start { .. } => Some(NO_FILE),
                _ => None,
            };
            run.failure(code, error.to_string())
        })?;
        let exited = format!("{program} has ended with {}", ended.code);
        run.log("ExecuteProcessExecutingProcess", exited).await;
        for (variable, bytes) in [
            (&settings.output, &ended.output),
            (&settings.error, &ended.error),
        ] {
            if let Some(variable) = variable {
                give(run, variable, bytes).await?;
            }
        }
        settings.judge(run, &program, &ended).await?;
        Ok(TaskResult::Process(ProcessReport {
            program,
            exit_code: ended.code,
        }))
    }
}

impl ExecuteProcessTask {
    /// The settings, and what is wrong with those that are replaced by their defaults.
    fn read(&self, host: &TaskHost<'_>) -> (Settings, Vec<Finding>) {
        let text = |name: &str| self.properties.get(name).unwrap_or_default();
        let mut findings = Vec::new();
        let mut flag = |name: &str| {
            let value = self.properties.get(name).unwrap_or_default().trim();
            match dtsx::parse_bool(value) {
                _ if value.is_empty() => true,
                Some(flag) => flag,
                None => {
                    let message = format!("{name} is `{value}`: True or False is wanted");
                    findings.push(host.invalid(message));
                    true
                }
            }
        };
        let kills = flag("TerminateAfterTimeout");
        let requires_file = flag("RequireFullFileName");
        let fails = flag("FailTaskIfReturnCodeIsNotSuccessValue");
        let mut number = |name: &str, code: SsisCode, wanted: &str, range: (i64, i64)| {
            let value = text(name).trim();
            let parsed = match value {
                "" => Some(0),
                value => value.parse().ok(),
            };
            let found = parsed.filter(|number| (range.0..=range.1).contains(number));
            if found.is_none() {
                let message = format!("{name} is `{value}`: {wanted} is wanted");
                findings.push(host.finding(FindingKind::Invalid, Some(code), message));
            }
            found.unwrap_or_default()
        };
        let seconds = "a number of seconds from 0 (any time) to 2147483";
        let seconds = number("TimeOut", BAD_TIME, seconds, (0, SECONDS_MAX as i64));
        let codes = (i64::from(i32::MIN), i64::from(u32::MAX));
        let invalid = SsisCode::VALIDATION_FAILED;
        let success = number("SuccessValue", invalid, "an exit code", codes);
        let variable = |name: &str| {
            let name = text(name).trim();
            (!name.is_empty()).then(|| name.to_owned())
        };
        let settings = Settings {
            executable: text("Executable").trim().to_owned(),
            arguments: text("Arguments").to_owned(),
            folder: text("WorkingDirectory").trim().to_owned(),
            input: variable("StandardInputVariable"),
            output: variable("StandardOutputVariable"),
            error: variable("StandardErrorVariable"),
            requires_file,
            success: fails.then(|| exit_code(success)),
            limit: match u64::try_from(seconds) {
                Ok(seconds) if seconds > 0 => Some(TimeLimit { seconds, kills }),
                _ => None,
            },
        };
        (settings, findings)
    }
}

/// What Linux makes of an exit code: its lowest byte.
fn exit_code(code: i64) -> i32 {
    i32::from(code.to_le_bytes()[0])
}

/// What the settings have against them before anything runs. Which program they lead to is looked at when it starts.
fn problems(settings: &Settings, host: &TaskHost<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |code, message: String| {
        findings.push(host.finding(FindingKind::Invalid, Some(code), message));
    };
    if settings.executable.is_empty() {
        let message = "it names no program (Executable)";
        wrong(NO_EXECUTABLE, message.to_owned());
    }
    for (_, variable) in settings.routes() {
        if let Err(message) = host.has_variable(variable) {
            wrong(SsisCode::VARIABLE_NOT_FOUND, message);
        }
    }
    let outputs = [
        (&settings.output, OUTPUT_LOCKED),
        (&settings.error, ERROR_LOCKED),
    ];
    for (variable, code) in outputs {
        let Some(variable) = variable else { continue };
        let (namespace, name) = split(variable);
        if let Some(why) = host.variables().locked(namespace, name) {
            wrong(
                code,
                format!("variable `{variable}` cannot be set: it {why}"),
            );
        }
    }
    let goes_on = settings.limit.is_some_and(|limit| !limit.kills);
    if goes_on && settings.routes().next().is_some() {
        let message = "its streams cannot go to variables while the program may go on without the task: set \
                       TerminateProcessAfterTimeOut to True, or TimeOut to 0";
        wrong(CANNOT_REDIRECT, message.to_owned());
    }
    findings
}

impl Settings {
    /// The streams that variables give and take.
    fn routes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let streams = [
            ("stdin", &self.input),
            ("stdout", &self.output),
            ("stderr", &self.error),
        ];
        streams
            .into_iter()
            .filter_map(|(stream, variable)| Some((stream, variable.as_deref()?)))
    }

    /// How the program is started, and what the user should know of its arguments.
    fn launch(
        &self,
        run: &TaskRun<'_>,
        connections: &Connections,
    ) -> Result<(Launch, Vec<String>), RunError> {
        let map = &connections.path_map;
        let program = program::find(run.path(), &self.executable, self.requires_file, map)
            .map_err(|(code, message)| run.failure(Some(code), message))?;
        let folder = match self.folder.is_empty() {
            true => map.base_dir().to_owned(),
            false => map
                .resolve(&self.folder)
                .map_err(|error| run.failure(Some(NO_FOLDER), error.to_string()))?,
        };
        if !matches!(
            map.files().kind(&folder),
            Ok(fletching_connections::FileKind::Folder)
        ) {
            let message = format!(
                "its working folder `{}` is none (WorkingDirectory): create it or name another one",
                folder.display()
            );
            return Err(run.failure(Some(NO_FOLDER), message));
        }
        let (arguments, unmapped) = arguments::mapped(arguments::cut(&self.arguments), map)
            .map_err(|error| run.failure(None, error.to_string()))?;
        let input = match &self.input {
            Some(variable) => {
                let value = run.variable(variable);
                let value = value.map_err(|message| run.failure(None, message))?;
                Some(value.to_string().into_bytes())
            }
            None => None,
        };
        let launch = Launch {
            program,
            arguments,
            folder,
            input,
            output: self.output.is_some(),
            error: self.error.is_some(),
            limit: self.limit,
        };
        Ok((launch, unmapped))
    }

    /// # Errors
    /// The exit code is not the wanted one.
    async fn judge(&self, run: &TaskRun<'_>, program: &str, ended: &Ended) -> Result<(), RunError> {
        let Some(wanted) = self.success.filter(|wanted| *wanted != ended.code) else {
            return Ok(());
        };
        let failed = TaskResult::Process(ProcessReport {
            program: program.to_owned(),
            exit_code: ended.code,
        });
        run.keep_value(&failed).await;
        let said = match &self.error {
            Some(variable) => format!("; what it said is in `{variable}`"),
            None => match last_line(&ended.error) {
                Some(line) => format!("; it said: {line}"),
                None => String::new(),
            },
        };
        let message = format!(
            "`{program}` has ended with {}, and {wanted} is wanted (SuccessValue){said}",
            ended.code
        );
        Err(run.failure(Some(BAD_EXIT_CODE), message))
    }
}

/// The last line that is not empty.
fn last_line(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line.trim().to_owned())
}

/// Gives a variable what a program wrote.
async fn give(run: &TaskRun<'_>, variable: &str, bytes: &[u8]) -> Result<(), RunError> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(error) => {
            let message = format!(
                "{}: what goes into `{variable}` is not UTF-8 at byte {}: such bytes become U+FFFD",
                run.path(),
                error.valid_up_to()
            );
            run.warn(None, message).await;
            String::from_utf8_lossy(bytes)
        }
    };
    let assigned = run.assign_text(variable, &text).await;
    assigned.map_err(|message| run.failure(None, message))
}
