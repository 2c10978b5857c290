//! `fletch sql`: one query over the DataReader destinations of packages, its rows written out as they come.

use std::{path::PathBuf, time::Duration};

use clap::{ArgGroup, Args};
use fletching::{from_folder, parse_size, read_file};
use fletching_sql::{
    Fault, PackageError, PackageFunction, Rows, SessionOptions, SqlError, query, session,
};

use super::read::RowFormat;
use crate::{
    exit::{Exit, Failure},
    options::{pairs, path_rule},
    protection::ProtectionOptions,
    render::{self, RowWriter, WriteError},
};

/// How long cancelled packages may take to undo what they began.
const UNDO: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("text").required(true).args(["query", "file"])))]
pub(crate) struct Arguments {
    /// The query: SELECT * FROM package('Load.dtsx', 'DataReader destination', 'Name=value', ...).
    query: Option<String>,
    /// File with the query.
    #[arg(long, value_name = "FILE.sql")]
    file: Option<PathBuf>,
    /// Form of the rows.
    #[arg(long, value_enum, default_value = "table")]
    format: RowFormat,
    /// File to write to; standard output otherwise.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Re-point a connection manager, which all packages of the query must have. Repeatable.
    #[arg(long, value_name = "NAME=STRING")]
    connection: Vec<String>,
    /// Map Windows paths to local ones: 'C:\data=/srv/data'. Repeatable.
    #[arg(long, value_name = "WIN=LOCAL")]
    path_map: Vec<String>,
    /// Memory that the query, and each of its packages, may hold before it spills: 512MiB, 2GiB.
    #[arg(long, visible_alias = "memory-limit", value_name = "SIZE", value_parser = parse_size)]
    memory: Option<usize>,
    /// Threads of the query, and of each of its packages (default: all cores).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    #[command(flatten)]
    protection: ProtectionOptions,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let text = text(&arguments)?;
    let function = function(&arguments)?;
    let options = SessionOptions {
        threads: arguments.threads.map(usize::from),
        memory_limit_bytes: arguments.memory,
    };
    let context = session(&options, &function)
        .map_err(|error| Failure::new(Exit::Failed, error.strip_backtrace()))?;
    let threads = options.threads.unwrap_or_else(|| {
        let cores = std::thread::available_parallelism();
        cores.map_or(1, usize::from)
    });
    let outcome = super::cancellable(threads, async {
        let rows = query(&context, &text).await;
        let rows = rows.map_err(|error| failure(&error, &text))?;
        write(rows, &arguments, &text).await
    });
    // A package that was cancelled removes what it began; one that has ended tells its warnings.
    function.runs().wait(UNDO);
    let warnings = function.runs().take_warnings();
    match outcome {
        Err(failure) => Err(Failure {
            warnings,
            ..failure
        }),
        Ok(written) => {
            render::warnings(&warnings);
            match written {
                // Nobody reads on (`| head`): that is the end, not a failure.
                Some(failure) if !failure.closed_pipe => Err(failure.into()),
                _ => Ok(Exit::Success),
            }
        }
    }
}

fn text(arguments: &Arguments) -> Result<String, Failure> {
    match (&arguments.query, &arguments.file) {
        (Some(query), _) => Ok(query.clone()),
        (None, Some(file)) => String::from_utf8(read_file(file)?).map_err(|error| {
            let message = format!("{}: {error}; a query is UTF-8", file.display());
            Failure::new(Exit::BadCommandLine, message)
        }),
        (None, None) => Ok(String::new()),
    }
}

/// `package(...)` with what the options say of each run.
fn function(arguments: &Arguments) -> Result<PackageFunction, Failure> {
    if arguments.protection.ask {
        let message = "--ask: a query asks for nothing; give --decrypt and --secrets, or their environment variables";
        return Err(Failure::new(Exit::BadCommandLine, message));
    }
    let load = arguments.protection.load_options(None)?;
    let here = std::env::current_dir().unwrap_or_default();
    let connections = pairs("--connection", &arguments.connection)?.into_iter();
    let connections: Vec<(String, String)> = connections
        .map(|(name, value)| (name, from_folder(&here, value)))
        .collect();
    let rules = arguments.path_map.iter().map(|rule| path_rule(rule));
    let rules = rules.collect::<Result<Vec<_>, _>>()?;
    let (memory, threads) = (arguments.memory, arguments.threads.map(usize::from));
    let function = PackageFunction::default().load_options(load);
    Ok(function.settings(move |settings| {
        settings.connections.extend(connections.iter().cloned());
        settings.path_rules.extend(rules.iter().cloned());
        settings.memory_limit_bytes = memory.or(settings.memory_limit_bytes);
        settings.threads = threads.unwrap_or(settings.threads);
    }))
}

/// What could not be written, if anything.
async fn write(
    mut rows: Rows,
    arguments: &Arguments,
    text: &str,
) -> Result<Option<WriteError>, Failure> {
    let output = arguments.output.as_deref();
    let Some(mut writer) = RowWriter::create(arguments.format, output, rows.schema())? else {
        return Ok(None);
    };
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(|error| failure(&error, text))?;
        if let Err(error) = writer.write(&batch) {
            return Ok(Some(error));
        }
    }
    Ok(writer.finish().err())
}

/// An error with the place in the query that it comes from.
fn failure(error: &SqlError, text: &str) -> Failure {
    let package = error.package();
    let exit = match package {
        None if error.place.is_some() => Exit::BadCommandLine,
        None => Exit::Failed,
        Some(package) => exit(package),
    };
    let mut failure = Failure::new(exit, error.to_string());
    // Errors of runs have their codes in the text.
    if let Some(code) = package.and_then(PackageError::code) {
        failure.code = Some(format!("0x{:08X}", code.0));
        failure.symbol = Some(code.symbol());
    }
    if let Some(place) = &error.place {
        failure.message.push('\n');
        failure.message.push_str(&place.shown(text));
    }
    failure
}

fn exit(error: &PackageError) -> Exit {
    match &error.fault {
        _ if error.is_cancelled() => Exit::Cancelled,
        _ if error.is_not_found() => Exit::NotFound,
        Fault::Load(_) => Exit::NotLoadable,
        Fault::Arguments(_)
        | Fault::Config(_)
        | Fault::NoReader
        | Fault::SeveralReaders(_)
        | Fault::UnknownReader { .. }
        | Fault::Run(fletching::RunError::UnknownOverride { .. })
        | Fault::Run(fletching::RunError::BadValue { .. }) => Exit::BadCommandLine,
        _ => Exit::Failed,
    }
}
