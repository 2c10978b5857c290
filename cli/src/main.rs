//! `fletch`: runs, reads, checks and explains SSIS packages, and evaluates their expressions. Renders what the API gives; does nothing of its own.

mod allocator;
mod ask;
mod commands;
mod dtexec;
mod dtutil;
mod exit;
mod faces;
mod log_json;
mod options;
mod plugins;
mod processor;
mod protection;
mod render;
mod signals;
mod traces;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs SQL Server Integration Services packages on Apache Arrow.
#[derive(Debug, Parser)]
#[command(name = "fletch", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a package.
    Run(commands::run::Arguments),
    /// Stream the rows of a DataReader destination while the package runs.
    Read(commands::read::Arguments),
    /// List the packages that you run on this machine, and stop one.
    Running(commands::running::Arguments),
    /// Say of each package whether it loads and plans, and what is not supported.
    Check(commands::check::Arguments),
    /// Say of each connection manager what it leads to, and whether that can be reached.
    Connections(commands::connections::Arguments),
    /// Show how connection strings are mapped to databases, and what --connection takes.
    Providers,
    /// Run a file of T-SQL on a database, in the database's own SQL.
    Script(commands::script::Arguments),
    /// Serve the DataReader destinations of a folder of packages over Arrow Flight SQL.
    #[cfg(feature = "serve")]
    Serve(commands::serve::Arguments),
    /// Query DataReader destinations in SQL: SELECT ... FROM package('Load.dtsx', 'Orders').
    #[cfg(feature = "sql")]
    Sql(commands::sql::Arguments),
    /// Show the physical plan of each data flow.
    Explain(commands::explain::Arguments),
    /// Evaluate an SSIS expression, or run a file of expressions with known results.
    Eval(commands::eval::Arguments),
    /// Copy, move, delete and encrypt packages, with the options of dtutil.
    Dtutil(dtutil::Arguments),
    /// Run a package with the options of SSIS's dtexec.
    Dtexec(dtexec::Arguments),
}

fn main() -> ExitCode {
    if let Some(missing) = processor::lacks() {
        render::error(&exit::Failure::new(exit::Exit::Failed, missing));
        return exit::Exit::Failed.into();
    }
    allocator::keep_freed_memory();
    if let Some(exit) = faces::face(std::env::args_os()) {
        return exit;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let help = !error.use_stderr();
            // A closed pipe is the only way this fails, and there is nobody left to tell.
            drop(error.print());
            return if help {
                ExitCode::SUCCESS
            } else {
                exit::Exit::BadCommandLine.into()
            };
        }
    };
    let outcome = match cli.command {
        Command::Run(arguments) => commands::run::run(arguments),
        Command::Read(arguments) => commands::read::run(arguments),
        Command::Running(arguments) => commands::running::run(arguments),
        Command::Check(arguments) => commands::check::run(arguments),
        Command::Connections(arguments) => commands::connections::run(arguments),
        Command::Providers => commands::providers::run(),
        Command::Script(arguments) => commands::script::run(arguments),
        #[cfg(feature = "serve")]
        Command::Serve(arguments) => commands::serve::run(arguments),
        #[cfg(feature = "sql")]
        Command::Sql(arguments) => commands::sql::run(arguments),
        Command::Explain(arguments) => commands::explain::run(arguments),
        Command::Eval(arguments) => commands::eval::run(arguments),
        Command::Dtutil(arguments) => dtutil::run_command(arguments),
        Command::Dtexec(arguments) => Ok(dtexec::run_command(arguments)),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            render::error(&failure);
            failure.exit.into()
        }
    }
}
