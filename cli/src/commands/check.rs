//! `fletch check`: for each package under the given paths, whether it loads, whether it plans, and what is missing.

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;
use fletching::{Application, CheckReport, FindingKind, SealedValue};
use serde::Serialize;

use crate::{
    exit::{Exit, Failure},
    options::OutputFormat,
    plugins::PluginOptions,
    protection::{ProtectionOptions, secret_variable},
    render,
};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Packages (.dtsx), projects (.ispac) and folders.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    protection: ProtectionOptions,
    #[command(flatten)]
    plugins: PluginOptions,
    #[arg(long, value_enum, default_value = "text")]
    format: OutputFormat,
}

/// One line of `--format json`.
#[derive(Debug, Serialize)]
struct Line<'a> {
    package: &'a str,
    format: Option<u32>,
    loads: bool,
    plans: bool,
    unsupported: Vec<Unsupported<'a>>,
    sealed: Vec<Sealed<'a>>,
    /// With a signature, which is not checked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    signed: bool,
    error: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Unsupported<'a> {
    path: &'a str,
    kind: &'static str,
    class: &'a str,
    reason: &'a str,
}

#[derive(Debug, Serialize)]
struct Sealed<'a> {
    place: &'a str,
    secret: Option<&'a str>,
    given: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let json = arguments.format == OutputFormat::Json;
    let mut options = arguments.protection.load_options(None)?;
    arguments.plugins.load_into(&mut options)?;
    let reports = Application::check_with(&arguments.paths, &options)?;
    if json {
        for report in &reports {
            render::json_line(&line(report))?;
        }
    } else {
        render::text(&summary(&reports))?;
    }
    let all_plan = reports.iter().all(|report| report.plans);
    Ok(if all_plan {
        Exit::Success
    } else {
        Exit::Failed
    })
}

fn line(report: &CheckReport) -> Line<'_> {
    Line {
        package: &report.package,
        format: report.format,
        loads: report.loads,
        plans: report.plans,
        unsupported: report
            .findings
            .iter()
            .map(|finding| Unsupported {
                path: &finding.path,
                kind: kind(finding.kind),
                class: &finding.class,
                reason: &finding.message,
            })
            .collect(),
        sealed: report
            .sealed
            .iter()
            .map(|sealed| Sealed {
                place: &sealed.place,
                secret: sealed.secret.as_deref(),
                given: sealed.given,
            })
            .collect(),
        signed: report.is_signed,
        error: report.error.as_deref(),
    }
}

fn kind(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Unsupported => "unsupported",
        FindingKind::Invalid => "invalid",
    }
}

fn summary(reports: &[CheckReport]) -> String {
    let loads = reports.iter().filter(|report| report.loads).count();
    let plans = reports.iter().filter(|report| report.plans).count();
    let mut text = format!("{} packages: {loads} load, {plans} plan\n", reports.len());
    let unlocks = unlocks(reports);
    if !unlocks.is_empty() {
        text.push_str("\nWhat is missing, by the packages that it alone holds back:\n");
        for (class, (alone, all)) in unlocks.iter().take(15) {
            text.push_str(&format!("  {alone:>5} of {all:>5}  {class}\n"));
        }
    }
    let is_sealed = |report: &CheckReport| report.sealed.iter().any(|sealed| !sealed.given);
    let shown = |report: &&CheckReport| !report.plans || report.is_signed || is_sealed(report);
    for report in reports.iter().filter(shown) {
        text.push_str(&format!("\n{}\n", report.package));
        if let Some(error) = &report.error {
            text.push_str(&format!("  does not load: {error}\n"));
        }
        for finding in &report.findings {
            text.push_str(&format!("  {} {finding}\n", kind(finding.kind)));
        }
        if report.is_signed {
            text.push_str("  signed: the digital signature is not checked\n");
        }
        for sealed in report.sealed.iter().filter(|sealed| !sealed.given) {
            text.push_str(&format!("  sealed {}: {}\n", sealed.place, how(sealed)));
        }
    }
    text
}

/// How a run gets a value that the package keeps closed.
fn how(sealed: &SealedValue) -> String {
    let password = match sealed.by_password {
        true => "open it with --decrypt PASSWORD, or ",
        false => "",
    };
    match &sealed.secret {
        Some(name) => {
            let variable = secret_variable(name);
            format!(
                "{password}give it as {variable} in the environment or {name}=VALUE in a --secrets FILE"
            )
        }
        None if sealed.by_password => "open it with --decrypt PASSWORD".to_owned(),
        None => "only the Windows user who saved it can open it".to_owned(),
    }
}

/// Class -> (packages whose only missing class it is, packages that need it), most unlocking first.
fn unlocks(reports: &[CheckReport]) -> Vec<(String, (usize, usize))> {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for report in reports {
        let mut classes: Vec<&str> = report
            .findings
            .iter()
            .map(|finding| finding.class.as_str())
            .collect();
        classes.sort_unstable();
        classes.dedup();
        for class in &classes {
            let entry = counts.entry((*class).to_owned()).or_default();
            entry.1 += 1;
            if classes.len() == 1 {
                entry.0 += 1;
            }
        }
    }
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort_by_key(|(class, (alone, all))| (std::cmp::Reverse((*alone, *all)), class.clone()));
    sorted
}
