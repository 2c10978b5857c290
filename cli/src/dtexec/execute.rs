//! From a command line to an exit code: load, configure, verify, validate, run.

use std::{path::Path, sync::Arc};

use clap::Parser;
use fletching::{
    Config, Execution, ExecutionResult, PackageStore, PathMap, Progress, RunError, Settings,
    dtexec::{CommandLine, Reporting, Source, local_path},
};

use super::console::{self, Clock, Console, problem, say};
use crate::{
    commands::cancellable,
    exit::{Exit, Failure},
    options::{PackageOptions, path_rule},
    protection::package_store,
};

/// `DTS_E_PACKAGENOTFOUND`, `DTS_E_LOADPACKAGEXML`.
const NOT_FOUND: u32 = 0xC001_000A;
const NOT_LOADED: u32 = 0xC001_1003;
/// `DTS_E_PACKAGEVERIFICATIONFAILED`.
const NOT_VERIFIED: u32 = 0xC001_4030;
/// `DTS_E_VALIDATIONFAILED`.
const NOT_VALID: u32 = 0xC004_700D;

/// The options of `fletch run` that follow those of SSIS.
#[derive(Debug, Parser)]
#[command(name = "dtexec")]
struct Own {
    #[command(flatten)]
    package: PackageOptions,
}

/// Does what a command line says.
pub(super) fn execute(line: &CommandLine) -> Exit {
    let clock = Clock::start();
    let exit = match run(line) {
        Ok(exit) => exit,
        Err(failure) => {
            say(&format!("{}\n", failure.message));
            failure.exit
        }
    };
    clock.stop();
    exit
}

fn run(line: &CommandLine) -> Result<Exit, Failure> {
    let (own, paths) = own(line)?;
    let package = match own.load() {
        Ok(package) => package,
        Err(failure) => {
            let code = match failure.exit {
                Exit::NotFound => NOT_FOUND,
                _ => NOT_LOADED,
            };
            let name = own.package.display();
            let message = format!(
                "Could not load package \"{name}\" because of error 0x{code:08X}.\nDescription: {}",
                failure.message
            );
            return Err(Failure::new(failure.exit, message));
        }
    };
    let reporting = match own.quiet {
        true => Reporting::errors(),
        false => line.reporting.clone(),
    };
    let mut settings = own.settings(&package)?;
    line.configure(&mut settings, &package, &paths)?;
    if let Some(mismatch) = line.mismatch(&package) {
        if reporting.shows_errors() {
            problem("Error", NOT_VERIFIED, package.document().name(), &mismatch);
        }
        console::result(ExecutionResult::Failure);
        return Ok(Exit::Failed);
    }
    let threads = settings.threads;
    let prepared = match package.prepare(settings) {
        Ok(prepared) => prepared,
        Err(RunError::Findings(findings)) => {
            for finding in findings.0.iter().filter(|_| reporting.shows_errors()) {
                let code = finding.code.map_or(NOT_VALID, |code| code.0);
                let source = format!("{} {}", finding.path, finding.class);
                problem("Error", code, &source, &finding.message);
            }
            console::result(ExecutionResult::Failure);
            return Ok(Exit::Failed);
        }
        Err(error) => {
            let failure = Failure::from(error);
            let message = format!(
                "DTExec: Could not set what the options say: {}",
                failure.message
            );
            return Err(Failure { message, ..failure });
        }
    };
    if line.validate {
        console::result(ExecutionResult::Success);
        return Ok(Exit::Success);
    }
    let console = Arc::new(Console::new(
        reporting.clone(),
        line.console_log.clone(),
        prepared.identity(),
    ));
    let execution =
        Execution::new(prepared, Progress::default()).listener(Arc::<Console>::clone(&console));
    finish(
        line,
        &console,
        &reporting,
        cancellable(threads, async { Ok(execution.report().await) }),
    )
}

/// Says what came of a run.
fn finish(
    line: &CommandLine,
    console: &Console,
    reporting: &Reporting,
    outcome: Result<fletching::RunReport, Failure>,
) -> Result<Exit, Failure> {
    let report = match outcome {
        Ok(report) => report,
        Err(failure) if failure.exit == Exit::Cancelled => {
            console::result(ExecutionResult::Canceled);
            return Ok(Exit::Cancelled);
        }
        Err(failure) => return Err(failure),
    };
    if line.sum {
        console::sums(&report);
    }
    if !console.has_errors() && reporting.shows_errors() {
        for error in &report.errors {
            let code = error.code().map_or(NOT_VALID, |code| code.0);
            problem("Error", code, &report.package, &error.to_string());
        }
    }
    let mut result = report.result;
    if line.warn_as_error && result == ExecutionResult::Success && !report.warnings.is_empty() {
        let count = report.warnings.len();
        let message = format!("/WarnAsError: there were {count} warnings: the package has failed");
        if reporting.shows_errors() {
            problem("Error", NOT_VALID, &report.package, &message);
        }
        result = ExecutionResult::Failure;
    }
    console::result(result);
    Ok(match result {
        ExecutionResult::Success => Exit::Success,
        ExecutionResult::Failure => Exit::Failed,
        ExecutionResult::Canceled => Exit::Cancelled,
    })
}

/// The options of `fletch run` with the package in its place; and where Windows paths lead.
fn own(line: &CommandLine) -> Result<(PackageOptions, PathMap), Failure> {
    let parse = |package: &str, project: Option<&str>| {
        let project = project.map(|project| format!("--project={project}"));
        let password = line.decrypt.as_ref();
        let password = password.map(|password| format!("--decrypt={}", password.reveal()));
        let words = ["dtexec".to_owned(), package.to_owned()].into_iter();
        let words = words.chain(project).chain(password);
        let words = words.chain(line.own.clone());
        Own::try_parse_from(words).map(|own| own.package)
    };
    let bad = |error: clap::Error| Failure::new(Exit::BadCommandLine, error.to_string());
    let first = parse("-", None).map_err(bad)?;
    let mut settings = Settings::default();
    if let Some(file) = &first.config {
        Config::find(Some(file), Path::new("."))?.apply(&mut settings)?;
    }
    for rule in &first.path_map {
        settings.path_rules.push(path_rule(rule)?);
    }
    let rules = settings.path_rules.into_iter();
    let paths = rules.fold(PathMap::new("."), PathMap::with_rule);
    let find = |file: &str| {
        let found = local_path(file, &paths);
        found.map_err(|error| Failure::new(Exit::BadCommandLine, error.to_string()))
    };
    let own = match (&line.source, &line.package) {
        (Some(Source::Project(project)), Some(package)) => {
            let project = find(project)?;
            parse(package, Some(&project.display().to_string()))
        }
        (Some(Source::Store(path)), _) => {
            let Some(folder) = package_store() else {
                let message = "/DTS: there is no package store; name its folder with FLETCHING_STORE, or use /FILE";
                return Err(Failure::new(Exit::BadCommandLine, message));
            };
            let file = PackageStore::open(&folder)?.package(path)?;
            parse(&file.display().to_string(), None)
        }
        (Some(Source::File(file)), _) => parse(&find(file)?.display().to_string(), None),
        _ => parse("-", None),
    };
    Ok((own.map_err(bad)?, paths))
}
