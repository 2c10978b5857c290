//! Real packages: every one loads, and what does not plan says why.
//!
//! The packages lie outside the repository, in `$FLETCHING_SHARED/corpus`, else in `shared/corpus` beside the repository.
//! Without them the trial says so; in CI it fails.

use std::path::{Path, PathBuf};

use fletching::{Application, CheckReport};
use libtest_mimic::{Failed, Trial};

pub fn trials() -> Vec<Trial> {
    vec![Trial::test(
        "corpus: every package loads, and says what it lacks",
        || check().map_err(Failed::from),
    )]
}

/// `None`, and a word, where it is absent.
pub fn folder() -> Result<Option<PathBuf>, String> {
    let shared = std::env::var_os("FLETCHING_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let corpus = shared.join("corpus");
    if !corpus.is_dir() {
        println!("the corpus is absent: no {}", corpus.display());
        return match std::env::var_os("CI") {
            Some(_) => Err("the corpus must be present in CI".to_owned()),
            None => Ok(None),
        };
    }
    Ok(Some(corpus))
}

fn check() -> Result<(), String> {
    let Some(corpus) = folder()? else {
        return Ok(());
    };
    let reports = Application::check(&[corpus]).map_err(|error| error.to_string())?;
    if reports.is_empty() {
        return Err("the corpus has no package".to_owned());
    }
    let broken: Vec<String> = reports
        .iter()
        .filter(|report| !report.loads)
        .map(|report| {
            format!(
                "{}: {}",
                report.package,
                report.error.as_deref().unwrap_or_default()
            )
        })
        .collect();
    if !broken.is_empty() {
        return Err(broken.join("\n"));
    }
    let silent = |report: &&CheckReport| {
        !report.plans && report.findings.is_empty() && report.error.is_none()
    };
    if let Some(report) = reports.iter().find(silent) {
        return Err(format!(
            "{} does not plan and does not say why",
            report.package
        ));
    }
    Ok(())
}
