//! The spec files and journeys: one binary, a trial for each case, named by where it stands.
//!
//! ```text
//!  spec/expression/*.tsv                             one expression a line ──▶ compiled, evaluated, compared
//!  spec/{sources,transforms,destinations}/*.md       a component and its rows ──▶ a package ──▶ run under a matrix of
//!                                                    threads, batch sizes and memory limits ──▶ compared
//!  journeys/*.md                                     commands of a user ──▶ what they print and leave behind
//!  transactions                                      data flows in transactions ──▶ what is in the tables afterwards
//!  interrupted, killed                               runs stopped at any moment ──▶ nothing half done; the next one is whole
//!  running                                           packages in other processes ──▶ listed, stopped, gone
//!  faults                                            the example of a database against a server that fails
//!  full_disk                                         packages on a disk that fills ──▶ nothing half done
//!  programs                                          packages built and read through the API
//!  custom                                            objects of one's own, in packages built through the API
//!  corpus (outside the repository)                   real packages: load, round trip, plan
//!  tutorial                                          Microsoft's lessons ──▶ rows, and the file that SSIS wrote
//!  corpus/databases.toml                             real packages and databases ──▶ run ──▶ rows counted
//! ```
//!
//! `FLETCHING_BLESS=1 cargo test --test spec` rewrites what the Markdown files expect; read the diff before you keep it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::let_underscore_must_use,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test binary: makes its own files, writes into strings, and stops at the first fault"
)]

mod runner;

use std::{path::Path, process::ExitCode};

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests"));
    let mut trials = runner::expressions::trials(&root.join("spec/expression"));
    for kind in ["sources", "transforms", "destinations"] {
        trials.extend(runner::components::trials(
            &root.join("spec").join(kind),
            kind,
        ));
    }
    trials.extend(runner::contract::trials(&root.join("spec")));
    trials.extend(runner::journeys::trials(&root.join("journeys")));
    trials.extend(runner::corpus::trials());
    trials.extend(runner::databases::trials(
        &root.join("corpus/databases.toml"),
    ));
    trials.extend(runner::faults::trials());
    trials.extend(runner::full_disk::trials());
    trials.extend(runner::killed::trials());
    trials.extend(runner::programs::trials());
    trials.extend(runner::custom::trials());
    trials.extend(runner::interrupted::trials());
    trials.extend(runner::running::trials());
    trials.extend(runner::waiting::trials());
    trials.extend(runner::transactions::trials());
    trials.extend(runner::tutorial::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}
