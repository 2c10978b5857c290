//! `fletch connections`: what each connection manager leads to, and whether that can be reached.

use clap::Args;
use fletching::{ConnectionReport, StatementReport};
use serde_json::{Value, json};

use crate::{
    exit::{Exit, Failure},
    options::{OutputFormat, PackageOptions},
    render,
};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    package: PackageOptions,
    /// Show the statements of the package as their databases get them, and what was rewritten.
    #[arg(long)]
    statements: bool,
    /// Open nothing.
    #[arg(long)]
    offline: bool,
    #[arg(long, value_enum, default_value = "text")]
    format: OutputFormat,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let package = arguments.package.load()?;
    let settings = arguments.package.settings(&package)?;
    let connections = package.connections(&settings, !arguments.offline)?;
    let statements = match arguments.statements {
        true => package.statements(&settings)?,
        false => Vec::new(),
    };
    match arguments.format {
        OutputFormat::Json => {
            for report in &connections {
                render::json_line(&connection_json(report))?;
            }
            for report in &statements {
                render::json_line(&statement_json(report))?;
            }
        }
        OutputFormat::Text => {
            if connections.is_empty() {
                render::text("the package has no connection managers\n")?;
            }
            let connections = connections.iter().map(connection_text);
            let statements = statements.iter().map(statement_text);
            render::text(&connections.chain(statements).collect::<String>())?;
        }
    }
    let fine = connections
        .iter()
        .all(|report| report.used.is_ok() && !matches!(report.reached, Some(Err(_))));
    Ok(if fine { Exit::Success } else { Exit::Failed })
}

fn connection_text(report: &ConnectionReport) -> String {
    // An assembly's version and key say nothing here.
    let kind = report.kind.split(',').next().unwrap_or_default();
    let mut text = format!("{} ({kind})\n  {}\n", report.name, report.original);
    match &report.used {
        Ok(used) => text.push_str(&format!("  -> {used}\n")),
        Err(error) => text.push_str(&format!("  -> nothing: {error}\n")),
    }
    match &report.reached {
        Some(Ok(())) => text.push_str("  reachable\n"),
        Some(Err(error)) => text.push_str(&format!("  not reachable: {error}\n")),
        None => {}
    }
    text
}

fn statement_text(report: &StatementReport) -> String {
    let mut text = format!(
        "{} ({}, {})\n{}\n",
        report.path,
        report.property,
        report.manager,
        indented(&report.original)
    );
    match &report.rewritten {
        None => text.push_str("  as it is\n"),
        Some(Err(error)) => text.push_str(&format!("  cannot be rewritten: {error}\n")),
        Some(Ok((sql, changes))) => {
            text.push_str(&format!("  ->\n{}\n", indented(sql)));
            text.extend(changes.iter().map(|change| format!("  {change}\n")));
        }
    }
    text
}

fn indented(text: &str) -> String {
    let lines = text.trim().lines().map(|line| format!("    {line}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn connection_json(report: &ConnectionReport) -> Value {
    json!({
        "connection": report.name,
        "kind": report.kind,
        "original": report.original,
        "used": report.used.as_ref().ok(),
        "reachable": report.reached.as_ref().map(Result::is_ok),
        "error": report.used.as_ref().err().or(report.reached.as_ref().and_then(|reached| reached.as_ref().err())),
    })
}

fn statement_json(report: &StatementReport) -> Value {
    let rewritten = report.rewritten.as_ref().and_then(|one| one.as_ref().ok());
    json!({
        "path": report.path,
        "property": report.property,
        "connection": report.manager,
        "original": report.original,
        "rewritten": rewritten.map(|(sql, _)| sql),
        "changes": rewritten.map(|(_, changes)| changes),
        "error": report.rewritten.as_ref().and_then(|one| one.as_ref().err()),
    })
}
