//! From a command line to an exit code: load, configure, verify, validate, run.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Parser;
use fletching::{
    CheckpointOverrides, Execution, ExecutionResult, Package, PackageStore, PathMap, Progress,
    Restart, RunError, Settings, dtsx::ConfiguredValue, read_file,
};

use super::{
    command_line::{Change, CommandLine, Secret, Source},
    console::{self, Clock, Console, problem, say},
    reporting::Reporting,
    verify,
};
use crate::{
    commands::cancellable,
    config::Config,
    exit::{Exit, Failure},
    options::{PackageOptions, from_folder, path_rule},
    protection::package_store,
};

/// `DTS_E_PACKAGENOTFOUND`, `DTS_E_LOADPACKAGEXML`.
const NOT_FOUND: u32 = 0xC001_000A;
const NOT_LOADED: u32 = 0xC001_1003;
/// `DTS_E_PACKAGEVERIFICATIONFAILED`.
const NOT_VERIFIED: u32 = 0xC001_4030;
/// `DTS_E_VALIDATIONFAILED`.
const NOT_VALID: u32 = 0xC004_700D;
/// Command files and configurations larger than this are none.
const TEXT_BYTES_MAX: usize = 16 << 20;

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
    configure(line, &mut settings, &package, &paths)?;
    if let Some(mismatch) = verify::mismatch(line, &package) {
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
        let password = password.map(|Secret(password)| format!("--decrypt={password}"));
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
    let find = |file: &str| local(file, &paths);
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

/// The local path of one that may be of Windows.
pub(super) fn local(file: &str, paths: &PathMap) -> Result<PathBuf, Failure> {
    let is_windows = file.contains('\\') || file.get(1..2) == Some(":");
    match is_windows {
        false => Ok(PathBuf::from(file)),
        true => paths
            .resolve(file)
            .map_err(|error| Failure::new(Exit::BadCommandLine, error.to_string())),
    }
}

/// The text of a file that an option names.
pub(super) fn text_of(path: &Path) -> Result<String, String> {
    let bytes = read_file(path).map_err(|error| error.to_string())?;
    if bytes.len() > TEXT_BYTES_MAX {
        return Err(format!(
            "{}: it is larger than {TEXT_BYTES_MAX} bytes",
            path.display()
        ));
    }
    let text = String::from_utf8(bytes);
    text.map_err(|_| format!("{}: it is not UTF-8", path.display()))
}

/// Puts into the settings what the options change.
fn configure(
    line: &CommandLine,
    settings: &mut Settings,
    package: &Package,
    paths: &PathMap,
) -> Result<(), Failure> {
    for (at, change) in line.changes.iter().enumerate() {
        match change {
            Change::Set { path, value } => {
                let later = line.changes.get(at..).unwrap_or_default();
                if !is_configured(path, later, paths)? {
                    settings.set.push((path.clone(), value.clone()));
                }
            }
            Change::ConfigFile(file) => {
                let file = local(file, paths)?;
                let file = std::path::absolute(&file).unwrap_or(file);
                settings.config_files.push(file);
            }
        }
    }
    settings.parameters.extend(line.parameters.iter().cloned());
    let here = std::env::current_dir().unwrap_or_default();
    let connections = line.connections.iter();
    settings
        .connections
        .extend(connections.map(|(name, value)| (name.clone(), from_folder(&here, value.clone()))));
    let mut property = |name: &str, value: String| {
        let path = format!("\\Package.Properties[{name}]");
        settings.set.push((path, value));
    };
    if let Some(most) = line.max_concurrent {
        property("MaxConcurrentExecutables", most.to_string());
    }
    if line.check_file.as_deref() == Some("") {
        property("CheckpointFileName", String::new());
    }
    settings.checkpoint = checkpoint(line, paths)?;
    add_logs(line, settings, package, paths)
}

/// What the options say of checkpoints.
fn checkpoint(line: &CommandLine, paths: &PathMap) -> Result<CheckpointOverrides, Failure> {
    let file = line.check_file.as_deref().filter(|file| !file.is_empty());
    Ok(CheckpointOverrides {
        on: line.check_pointing,
        file: file.map(|file| local(file, paths)).transpose()?,
        restart: line.restart.map(|usage| match usage {
            0 => Restart::Deny,
            1 => Restart::IfPossible,
            _ => Restart::Force,
        }),
    })
}

/// Whether a later configuration file gives the property its value: files are applied before what /Set sets.
fn is_configured(path: &str, later: &[Change], paths: &PathMap) -> Result<bool, Failure> {
    for change in later {
        let Change::ConfigFile(file) = change else {
            continue;
        };
        // A file that is not there, or is none, is told when it is applied.
        let bytes = read_file(&local(file, paths)?).unwrap_or_default();
        let values = ConfiguredValue::read_file(&bytes).unwrap_or_default();
        if values.iter().any(|value| plain(&value.path) == plain(path)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A property path in one spelling.
fn plain(path: &str) -> String {
    let path = path.trim().trim_start_matches('\\').to_lowercase();
    let value = [".properties[value]", ".value"]
        .iter()
        .find_map(|end| path.strip_suffix(end));
    match (value, path.strip_suffix(".connectionstring")) {
        (Some(variable), _) => variable.to_owned(),
        (None, Some(manager)) => format!("{manager}.properties[connectionstring]"),
        (None, None) => path,
    }
}

/// The logs that the options add. A file is found from where the user is, as the package is.
fn add_logs(
    line: &CommandLine,
    settings: &mut Settings,
    package: &Package,
    paths: &PathMap,
) -> Result<(), Failure> {
    let found = |file: &str| -> Result<String, Failure> {
        let file = local(file, paths)?;
        let file = std::path::absolute(&file).unwrap_or(file);
        Ok(file.display().to_string())
    };
    let offline = Settings {
        offline: true,
        ..settings.clone()
    };
    let managers = package.connections(&offline, false).unwrap_or_default();
    for (class, configuration) in &line.loggers {
        let mut managers = managers.iter();
        let is_manager = managers.any(|one| one.name.eq_ignore_ascii_case(configuration));
        let is_file = !is_manager && configuration.contains(['/', '\\', '.']);
        let configuration = match is_file {
            true => found(configuration)?,
            false => configuration.clone(),
        };
        settings
            .logging
            .providers
            .push((class.clone(), configuration));
    }
    if let Some(file) = &line.verbose_log {
        settings.logging.everything = true;
        if let Some(file) = file {
            let text_file = "Microsoft.LogProviderTextFile".to_owned();
            settings.logging.providers.push((text_file, found(file)?));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_properties_in_one_spelling() {
        let variable = plain(r"\Package.Variables[User::X].Properties[Value]");
        assert_eq!(plain(r"Package.Variables[User::x].Value"), variable);
        assert_eq!(plain(r"\Package.Variables[User::X]"), variable);
        assert_eq!(
            plain(r"\Package.Connections[A].ConnectionString"),
            plain(r"\Package.Connections[A].Properties[ConnectionString]")
        );
    }
}
