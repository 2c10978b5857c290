//! `fletch running`: the packages that this user runs on this machine, and how to stop one.

use clap::Args;
use fletching::{Application, RunSocketError, RunningPackage};
use serde_json::{Value, json};

use crate::{
    exit::{Exit, Failure},
    options::OutputFormat,
    render,
};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Stop the run of this id, or of the only one that begins so: it is cancelled as by Ctrl-C.
    #[arg(long, value_name = "ID")]
    stop: Option<String>,
    #[arg(long, value_enum, default_value = "text")]
    format: OutputFormat,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let json = arguments.format == OutputFormat::Json;
    let shown = match &arguments.stop {
        None => list(json),
        Some(id) => stop(id, json),
    };
    shown.map_err(|failure| failure.with_json(json))
}

impl From<RunSocketError> for Failure {
    fn from(error: RunSocketError) -> Self {
        let exit = match error {
            RunSocketError::Ended(_) => Exit::NotFound,
            _ => Exit::Failed,
        };
        Self::new(exit, error.to_string())
    }
}

fn list(json: bool) -> Result<Exit, Failure> {
    let running = Application::running_packages()?;
    for one in &running {
        match json {
            true => render::json_line(&as_json(one))?,
            false => render::text(&as_text(one))?,
        }
    }
    if running.is_empty() && !json {
        render::text("no package is running\n")?;
    }
    Ok(Exit::Success)
}

fn stop(id: &str, json: bool) -> Result<Exit, Failure> {
    let running = Application::running_packages()?;
    let wanted = bare(id);
    let named: Vec<&RunningPackage> = running
        .iter()
        .filter(|one| !wanted.is_empty() && bare(&one.instance_id).starts_with(&wanted))
        .collect();
    let [one] = named.as_slice() else {
        let ids = |all: &mut dyn Iterator<Item = &RunningPackage>| {
            let ids: Vec<&str> = all.map(|one| &*one.instance_id).collect();
            ids.join(", ")
        };
        let message = match (named.is_empty(), running.is_empty()) {
            (true, true) => format!("--stop {id}: no package is running"),
            (true, false) => {
                let all = ids(&mut running.iter());
                format!("--stop {id}: no run has this id; there are: {all}")
            }
            (false, _) => {
                let all = ids(&mut named.iter().copied());
                format!("--stop {id}: several ids begin so: {all}")
            }
        };
        return Err(Failure::new(Exit::NotFound, message));
    };
    one.stop()?;
    match json {
        true => render::json_line(&as_json(one))?,
        false => render::text(&format!(
            "{} of {} was asked to stop\n",
            one.instance_id, one.package_name
        ))?,
    }
    Ok(Exit::Success)
}

/// An id without braces, in one case.
fn bare(id: &str) -> String {
    id.trim_matches(['{', '}']).to_ascii_uppercase()
}

/// A line, and one more for the description.
fn as_text(one: &RunningPackage) -> String {
    let Some(start) = one.execution_start_time else {
        return format!(
            "{}  process {} does not answer\n",
            one.instance_id, one.process_id
        );
    };
    let mut text = format!(
        "{}  {}  process {}  {}  since {}, {:.1} s\n",
        one.instance_id,
        one.package_name,
        one.process_id,
        one.user_name,
        start.format("%Y-%m-%d %H:%M:%S"),
        one.execution_duration.as_secs_f64(),
    );
    if !one.package_description.is_empty() {
        let lines = one.package_description.split_whitespace();
        let line = lines.collect::<Vec<_>>().join(" ");
        text.push_str(&format!("  {line}\n"));
    }
    text
}

fn as_json(one: &RunningPackage) -> Value {
    json!({
        "instance_id": one.instance_id,
        "package_id": one.package_id,
        "package_name": one.package_name,
        "package_description": one.package_description,
        "user_name": one.user_name,
        "execution_start_time": one.execution_start_time.map(|time| time.to_rfc3339()),
        "execution_duration": one.execution_duration.as_secs_f64(),
        "process_id": one.process_id,
        "answers": one.execution_start_time.is_some(),
    })
}
