//! Tasks of the house itself: `cargo xtask tidy` checks the rules that neither the compiler nor clippy can see.
//!
//! ```text
//!  files of the repository ──Tree──▶ one check a file under tidy/ ──Breach──▶ printed; exit code 1 if there is one
//! ```

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool of the house"
)]

mod tidy;
mod tree;

use std::process::ExitCode;

use tree::Tree;

const USAGE: &str = "usage: cargo xtask tidy";

fn main() -> ExitCode {
    if !std::env::args().skip(1).eq(["tidy"]) {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    let tree = match Tree::read() {
        Ok(tree) => tree,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let breaches = tidy::check(&tree);
    for breach in &breaches {
        println!("{breach}");
    }
    if breaches.is_empty() {
        println!("tidy: {} files", tree.file_count());
        ExitCode::SUCCESS
    } else {
        println!("tidy: {} to mend", breaches.len());
        ExitCode::FAILURE
    }
}
