//! `dtexec`: runs packages with SSIS's command line, console output and exit codes (spec `ssis-matrix.md` section 16).
//!
//! ```text
//!  words ──options, values──▶ CommandLine ──load, configure, verify, validate──▶ run ──Console──▶ blocks of text
//!    ▲ command files                                                              └──▶ exit code 0 1 3 4 5 6
//! ```
//!
//! The command line is read by [`CommandLine`]. Options of `fletch run` follow those of SSIS: `--path-map` and others, and a
//! `fletching.toml` beside the package counts here too.

mod console;
mod execute;

use std::{ffi::OsString, process::ExitCode};

use clap::Args;
use fletching::dtexec::{CommandLine, help};

use crate::exit::Exit;

#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Options of dtexec: /FILE Package.dtsx /SET path;value ... (/Help shows them)
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// As `fletch dtexec`.
pub(crate) fn run_command(arguments: Arguments) -> Exit {
    dtexec(arguments.options)
}

/// As `dtexec`.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    dtexec(arguments).into()
}

fn dtexec(arguments: Vec<OsString>) -> Exit {
    let words = arguments
        .into_iter()
        .map(|word| word.to_string_lossy().into_owned());
    match CommandLine::parse(words.collect()) {
        Ok(line) => match &line.help {
            Some(of) => {
                console::say(&help(of.as_deref()));
                Exit::Success
            }
            None => execute::execute(&line),
        },
        Err(error) => {
            console::say(&format!(
                "{error}\nThe command line parameters are invalid.\n"
            ));
            Exit::BadCommandLine
        }
    }
}
