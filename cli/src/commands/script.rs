//! `fletch script`: runs files of T-SQL on a database, in the database's own SQL.

use std::path::PathBuf;

use clap::Args;
use fletching::{from_folder, read_file, run_script};

use crate::{
    exit::{Exit, Failure},
    render,
};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The database: `sqlite:FILE`, `mssql://...`, or another address that --connection takes.
    database: String,
    /// Files of T-SQL, in the order in which they are run.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Say what was rewritten.
    #[arg(long)]
    changes: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    let database = from_folder(&here, arguments.database);
    for file in &arguments.files {
        let fail =
            |message: String| Failure::new(Exit::Failed, format!("{}: {message}", file.display()));
        let bytes = read_file(file).map_err(|error| fail(error.to_string()))?;
        let report =
            run_script(&database, &decoded(&bytes)).map_err(|error| fail(error.to_string()))?;
        let mut text = format!(
            "{}: {} statements, {} rows\n",
            file.display(),
            report.statements,
            report.rows_affected
        );
        if arguments.changes {
            let changes = report.changes.iter();
            text.extend(changes.map(|change| format!("  {change}\n")));
        }
        render::text(&text)?;
    }
    Ok(Exit::Success)
}

/// Scripts of Management Studio are UTF-16 with a byte order mark, others UTF-8 or Windows-1252.
fn decoded(bytes: &[u8]) -> String {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [0xFF, 0xFE, rest @ ..] => {
            let units = rest
                .chunks_exact(2)
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
            char::decode_utf16(units)
                .map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        bytes => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
        },
    }
}
