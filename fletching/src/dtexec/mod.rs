//! dtexec's command lines (spec `ssis-matrix.md` section 16): what they say, and a package set up as they say.
//!
//! ```text
//!  words, or one text ──options, values──▶ CommandLine ──configure──▶ Settings
//!    ▲ command files                          └────────Client::open──▶ Client ──reader("DataReaderDest")──▶ Reader
//! ```
//!
//! What a command line asks for and there is not (a server, its catalog, a debugger) is refused by name.

mod client;
mod command_line;
mod configure;
mod console_log;
mod help;
mod options;
mod parameter;
mod reporting;
mod values;
mod verify;
mod words;

pub use client::{Client, ClientError};
pub use command_line::{Change, CommandLine, CommandLineError, Secret, Source};
pub use configure::{ConfigureError, local_path};
pub use console_log::ConsoleLog;
pub use help::help;
pub use reporting::Reporting;

use std::path::Path;

use crate::read_file;

/// Command files larger than this are none.
const TEXT_BYTES_MAX: usize = 16 << 20;

impl CommandLine {
    /// Reads words, as a shell has taken them apart.
    ///
    /// # Errors
    /// [`CommandLineError`], also for a command file that is not there.
    pub fn parse(words: Vec<String>) -> Result<Self, CommandLineError> {
        command_line::parse(words, &mut |file| {
            text_of(Path::new(&file.replace('\\', "/")))
        })
    }

    /// Reads one text, as Windows takes a command line apart.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_text(text: &str) -> Result<Self, CommandLineError> {
        Self::parse(words::words(text))
    }
}

/// The text of a command file.
fn text_of(path: &Path) -> Result<String, String> {
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
