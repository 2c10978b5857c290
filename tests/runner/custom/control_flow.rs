//! The task, the connection manager, the enumerator and the log provider of `examples/custom`, in a package as others write
//! them; and tasks that fail, panic, or are cancelled.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use fletching::{
    Application, Execution, ExecutionResult, LoadOptions, Package, Progress,
    custom::{ClassNames, CustomError, Extensions, Host, Message, Task, TaskClass, TaskSpec},
};
use rusqlite::Connection;
use tempfile::TempDir;

use super::{
    super::packages::sql, Outcome, Program, check, examples, failed, run, settings, succeeded, text,
};

pub(super) const TRIALS: &[(&str, Program)] = &[
    ("a task in a loop over an enumerator, with a log", beats),
    ("a connection manager", managed),
    ("a package that a package runs has the same classes", child),
    (
        "classes of the control flow that are not registered",
        unknown,
    ),
    ("a task that fails or panics", fails),
    ("a task that is cancelled", cancelled),
];

/// A task as .NET tasks are saved.
fn task(path: &str, class: &str, expressions: &str, properties: &[(&str, &str)]) -> String {
    let name = path.rsplit('\\').next().unwrap_or(path);
    let properties = properties
        .iter()
        .map(|(name, value)| format!("<{name} Type=\"8\" Value=\"{value}\" />"));
    format!(
        r#"<DTS:Executable DTS:refId="{path}" DTS:DTSID="{{{path}}}" DTS:ExecutableType="{class}, Contoso.Ssis, Version=1.0.0.0, Culture=neutral" DTS:ObjectName="{name}">{expressions}<DTS:ObjectData><InnerObject>{}</InnerObject></DTS:ObjectData></DTS:Executable>"#,
        properties.collect::<String>()
    )
}

/// A package in a folder; `managers` and `executables` as XML.
fn package(
    folder: &Path,
    managers: &str,
    executables: &str,
    extensions: Extensions,
) -> Result<Package, Box<dyn std::error::Error>> {
    let file = folder.join("Package.dtsx");
    let xml = format!(
        r#"<?xml version="1.0"?>
<DTS:Executable xmlns:DTS="www.microsoft.com/SqlServer/Dts" DTS:refId="Package" DTS:DTSID="{{P}}" DTS:ExecutableType="Microsoft.Package" DTS:ObjectName="Package" DTS:LocaleID="1033">
<DTS:Property DTS:Name="PackageFormatVersion">8</DTS:Property>
<DTS:ConnectionManagers>{managers}</DTS:ConnectionManagers>
<DTS:LogProviders><DTS:LogProvider DTS:ConfigString="Log" DTS:CreationName="Contoso.Ssis.JsonLog, Contoso.Ssis" DTS:DTSID="{{L}}" DTS:ObjectName="Json"><DTS:ObjectData><InnerObject /></DTS:ObjectData></DTS:LogProvider></DTS:LogProviders>
<DTS:Variables>
<DTS:Variable DTS:Namespace="User" DTS:ObjectName="Beats"><DTS:VariableValue DTS:DataType="3">0</DTS:VariableValue></DTS:Variable>
<DTS:Variable DTS:Namespace="User" DTS:ObjectName="To"><DTS:VariableValue DTS:DataType="8">2026-11-30</DTS:VariableValue></DTS:Variable>
<DTS:Variable DTS:Namespace="User" DTS:ObjectName="Day"><DTS:VariableValue DTS:DataType="7">1/1/2026</DTS:VariableValue></DTS:Variable>
</DTS:Variables>
<DTS:LoggingOptions DTS:LoggingMode="1" DTS:FilterKind="0"><DTS:Property DTS:DataType="8" DTS:Name="EventFilter">2,13,OnInformation,7,OnError</DTS:Property><DTS:SelectedLogProviders><DTS:SelectedLogProvider DTS:InstanceID="{{L}}" /></DTS:SelectedLogProviders></DTS:LoggingOptions>
<DTS:Executables>{executables}</DTS:Executables>
</DTS:Executable>
"#
    );
    fs::write(&file, xml)?;
    let options = LoadOptions {
        extensions,
        ..LoadOptions::default()
    };
    Ok(Application::load_with(&file, &options)?)
}

const LOG: &str = r#"<DTS:ConnectionManager DTS:refId="Package.ConnectionManagers[Log]" DTS:CreationName="FILE" DTS:DTSID="{F}" DTS:ObjectName="Log"><DTS:ObjectData><DTS:ConnectionManager DTS:FileUsageType="1" DTS:ConnectionString="log.jsonl" /></DTS:ObjectData></DTS:ConnectionManager>"#;
const NEWEST: &str = r#"<DTS:ConnectionManager DTS:refId="Package.ConnectionManagers[Newest]" DTS:CreationName="CONTOSO.NEWEST" DTS:DTSID="{N}" DTS:ObjectName="Newest"><DTS:ObjectData><InnerObject ConnectionString="in/*.db" /></DTS:ObjectData></DTS:ConnectionManager>"#;

const LOOP: &str = r#"<DTS:Executable DTS:refId="Package\Days" DTS:DTSID="{D}" DTS:ExecutableType="STOCK:FOREACHLOOP" DTS:ObjectName="Days">
<DTS:ForEachEnumerator DTS:CreationName="Contoso.Ssis.Days, Contoso.Ssis" DTS:DTSID="{E}" DTS:ObjectName="{E}"><DTS:PropertyExpression DTS:Name="To">@[User::To]</DTS:PropertyExpression><DTS:ObjectData><Span From="2026-11-28" To="" /></DTS:ObjectData></DTS:ForEachEnumerator>
<DTS:Executables>TASK</DTS:Executables>
<DTS:ForEachVariableMappings><DTS:ForEachVariableMapping DTS:ValueIndex="0" DTS:VariableName="User::Day" /></DTS:ForEachVariableMappings>
</DTS:Executable>"#;

fn loop_of_beats() -> String {
    let expression = r#"<DTS:PropertyExpression DTS:Name="Text">(DT_WSTR,30)(DT_DBDATE)@[User::Day]</DTS:PropertyExpression>"#;
    let properties = [("File", "beat.txt"), ("Text", ""), ("Count", "User::Beats")];
    let beat = task(
        "Package\\Days\\Beat",
        "Contoso.Ssis.Heartbeat",
        expression,
        &properties,
    );
    LOOP.replace("TASK", &beat)
}

fn beats() -> Outcome {
    let folder = TempDir::new()?;
    let package = package(folder.path(), LOG, &loop_of_beats(), examples()?)?;
    let report = succeeded(run(&package, settings(&package)?)?)?;
    let beat = text(folder.path(), "beat.txt")?;
    check(
        beat.starts_with("3 ") && beat.ends_with(" 2026-11-30\n"),
        beat,
    )?;
    let count = report
        .variables
        .iter()
        .find(|(name, _)| name == "User::Beats");
    check(
        count.is_some_and(|(_, value)| value == "3"),
        format!("{:?}", report.variables),
    )?;
    let log = text(folder.path(), "log.jsonl")?;
    let lines: Vec<&str> = log.lines().collect();
    check(lines.len() == 5, log.clone())?;
    check(lines[0].contains("\"event\":\"PackageStart\""), lines[0])?;
    check(
        lines[1].contains("\"event\":\"OnInformation\",\"source\":\"Beat\"")
            && lines[1].contains("\"message\":\"beat 1: 2026-11-28\""),
        lines[1],
    )?;
    check(lines[4].contains("\"event\":\"PackageEnd\""), lines[4])
}

fn managed() -> Outcome {
    let folder = TempDir::new()?;
    fs::create_dir(folder.path().join("in"))?;
    let insert = sql("Package\\Insert", "Newest", "INSERT INTO t VALUES (1)", "");
    let managers = format!("{LOG}{NEWEST}");
    let package = package(folder.path(), &managers, &insert, examples()?)?;
    // A manager that leads nowhere is the matter of whoever uses it.
    let error = match package.prepare(settings(&package)?) {
        Ok(_) => return Err("it is prepared".into()),
        Err(error) => error.to_string(),
    };
    check(
        error.contains("connection manager `Newest`: `CONTOSO.NEWEST`")
            && error.contains("there is no file `*.db`"),
        error,
    )?;
    let count = |name: &str| -> Result<i64, Box<dyn std::error::Error>> {
        let database = Connection::open(folder.path().join(name))?;
        Ok(database.query_row("SELECT COUNT(*) FROM t", [], |row| row.get(0))?)
    };
    for name in ["in/2026-01.db", "in/2026-02.db", "other.db"] {
        Connection::open(folder.path().join(name))?.execute_batch("CREATE TABLE t (n INTEGER)")?;
    }
    succeeded(run(&package, settings(&package)?)?)?;
    check(
        count("in/2026-01.db")? == 0 && count("in/2026-02.db")? == 1,
        "another file was taken",
    )?;
    // Who re-points the manager has the last word.
    let mut given = settings(&package)?;
    given
        .connections
        .push(("Newest".to_owned(), "sqlite:other.db".to_owned()));
    succeeded(run(&package, given)?)?;
    check(
        count("in/2026-02.db")? == 1 && count("other.db")? == 1,
        "it was not re-pointed",
    )
}

fn child() -> Outcome {
    let folder = TempDir::new()?;
    let inner = package(folder.path(), LOG, &loop_of_beats(), examples()?)?;
    inner.save(&folder.path().join("Inner.dtsx"))?;
    let outer = r#"<DTS:Executable DTS:refId="Package\Run" DTS:DTSID="{R}" DTS:ExecutableType="Microsoft.ExecutePackageTask" DTS:ObjectName="Run"><DTS:ObjectData><ExecutePackageTask><UseProjectReference>True</UseProjectReference><PackageName>Inner.dtsx</PackageName></ExecutePackageTask></DTS:ObjectData></DTS:Executable>"#;
    let outer = package(folder.path(), LOG, outer, examples()?)?;
    succeeded(run(&outer, settings(&outer)?)?)?;
    let beat = text(folder.path(), "beat.txt")?;
    check(beat.starts_with("3 "), beat)
}

fn unknown() -> Outcome {
    let folder = TempDir::new()?;
    let insert = sql("Package\\Insert", "Newest", "INSERT INTO t VALUES (1)", "");
    let executables = loop_of_beats() + &insert;
    let managers = format!("{LOG}{NEWEST}");
    let package = package(
        folder.path(),
        &managers,
        &executables,
        Extensions::default(),
    )?;
    let Err(error) = package.prepare(settings(&package)?) else {
        return Err("it is prepared".into());
    };
    let error = error.to_string();
    for part in [
        "the enumerator `Contoso.Ssis.Days, Contoso.Ssis` is not supported; register a class of this name",
        "the task class `Contoso.Ssis.Heartbeat, Contoso.Ssis, Version=1.0.0.0, Culture=neutral` is not known",
        "the log provider class `Contoso.Ssis.JsonLog, Contoso.Ssis` is not known",
    ] {
        check(error.contains(part), format!("no `{part}` in: {error}"))?;
    }
    Ok(())
}

/// A task made of a function.
#[derive(Debug, Clone)]
struct Own(ClassNames, fn(&dyn Host) -> Result<(), CustomError>);

impl TaskClass for Own {
    fn names(&self) -> &ClassNames {
        &self.0
    }

    fn read(&self, _: &TaskSpec) -> Result<Box<dyn Task>, Vec<String>> {
        Ok(Box::new(self.clone()))
    }
}

impl Task for Own {
    fn run(&self, host: &dyn Host) -> Result<(), CustomError> {
        (self.1)(host)
    }
}

fn with_task(
    folder: &Path,
    run: fn(&dyn Host) -> Result<(), CustomError>,
) -> Result<Package, Box<dyn std::error::Error>> {
    let mut all = examples()?;
    all.add_task(Arc::new(Own(ClassNames::new("Test.Own", "Own"), run)))?;
    package(folder, LOG, &task("Package\\Own", "Test.Own", "", &[]), all)
}

fn fails() -> Outcome {
    type Case = (fn(&dyn Host) -> Result<(), CustomError>, &'static str);
    let cases: [Case; 4] = [
        (
            |_| Err(CustomError::new("the disk is full").with_code(0xC002_9183)),
            "Package\\Own: `Test.Own`: the disk is full [0xC0029183",
        ),
        (
            |_| panic!("a defect"),
            "`Test.Own`: its code panicked (a defect)",
        ),
        (
            |host| {
                let text: arrow::array::ArrayRef =
                    Arc::new(arrow::array::StringArray::from(vec!["many"]));
                host.set_variable("User::Beats", &text)
            },
            "variable `User::Beats` cannot take it",
        ),
        (
            |host| {
                host.say(Message::Warning, "look out");
                match host.variable("User::Nothing") {
                    Some(_) => Ok(()),
                    None => Err(CustomError::new("there is no such variable")),
                }
            },
            "there is no such variable",
        ),
    ];
    for (work, wanted) in cases {
        let folder = TempDir::new()?;
        let package = with_task(folder.path(), work)?;
        let report = run(&package, settings(&package)?)?;
        let error = failed(&report)?;
        check(error.contains(wanted), format!("no `{wanted}` in: {error}"))?;
        let warned = report.warnings.iter().any(|one| one == "look out");
        check(
            warned == (wanted == "there is no such variable"),
            format!("{:?}", report.warnings),
        )?;
    }
    Ok(())
}

static BEGUN: AtomicBool = AtomicBool::new(false);
static ENDED: AtomicBool = AtomicBool::new(false);

fn cancelled() -> Outcome {
    let folder = TempDir::new()?;
    let package = with_task(folder.path(), |host| {
        BEGUN.store(true, Ordering::Release);
        while !host.is_canceled() {
            std::thread::sleep(Duration::from_millis(5));
        }
        ENDED.store(true, Ordering::Release);
        Ok(())
    })?;
    let prepared = package.prepare(settings(&package)?)?;
    let running = Execution::new(prepared, Progress::default()).start()?;
    let wait = |flag: &AtomicBool| {
        let since = Instant::now();
        while !flag.load(Ordering::Acquire) && since.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(5));
        }
        flag.load(Ordering::Acquire)
    };
    check(wait(&BEGUN), "it does not begin")?;
    running.cancel();
    let report = running
        .wait_for(Duration::from_secs(20))
        .ok_or("it does not end")?;
    check(
        report.result == ExecutionResult::Canceled,
        format!("{:?}", report.result),
    )?;
    check(wait(&ENDED), "its thread does not end")
}
