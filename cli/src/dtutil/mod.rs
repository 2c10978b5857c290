//! `dtutil`: SSIS's program for packages as files, with its options, spellings and exit codes (documentation of the dtutil
//! utility).
//!
//! ```text
//! arguments ─command_line─▶ options, each with its value ─request─▶ Request ─┬─packages─▶ a package copied, encrypted, ...
//!            (options.rs:                (one source,                         ├─folders──▶ folders of the store
//!             the table)                  one action)                         └─help
//! ```
//!
//! Packages are files, or lie in a package store in the file system (`--store DIR`, or FLETCHING_STORE), which is where
//! `/DTS` paths lead. What needs an instance of SQL Server, a certificate or a debugger is refused by name.

mod command_line;
mod folders;
mod help;
mod location;
mod options;
mod packages;
mod request;

use std::{ffi::OsString, process::ExitCode};

use clap::Args;

use crate::{
    exit::{Exit, Failure},
    render,
};
use request::Request;

#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Options of dtutil: `/FILE a.dtsx /COPY FILE;b.dtsx`. `/HELP` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// `fletch dtutil`.
pub(crate) fn run_command(arguments: Arguments) -> Result<Exit, Failure> {
    execute(arguments.options)
}

/// The program started as `dtutil`.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    match execute(arguments) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            render::error(&failure);
            failure.exit.into()
        }
    }
}

fn execute(arguments: Vec<OsString>) -> Result<Exit, Failure> {
    match request::read(command_line::parse(arguments)?)? {
        Request::Help(option) => help::show(option.as_deref()),
        Request::Folder(action, setting) => folders::run(action, &setting),
        Request::Package(job, setting) => packages::run(job, &setting),
    }
}

/// A command line that says nothing that can be done (exit code 6).
fn bad(message: impl Into<String>) -> Failure {
    Failure::new(Exit::BadCommandLine, message)
}

/// Said when all went well.
fn completed() -> Result<Exit, Failure> {
    render::text("The operation completed successfully.\n")?;
    Ok(Exit::Success)
}
