//! The result of a run: rows of each path, time of each component.

use std::{collections::BTreeMap, time::Duration};

use fletching::{
    BulkReport, ComponentReport, ExecutionResult, FileReport, FlowReport, PackageReport,
    ProcessReport, Rounds, RunReport, SqlReport, TaskOutcome, TaskResult,
};
use serde_json::{Value, json};

use crate::exit::Failure;

/// As a table for people.
pub(crate) fn report(report: &RunReport) -> Result<(), Failure> {
    let mut text: String = report.tasks.iter().map(task_lines).collect();
    for (name, value) in &report.variables {
        text.push_str(&format!("  {name} = {value}\n"));
    }
    // A failure tells its warnings itself.
    let result = match report.result {
        ExecutionResult::Success => "succeeded",
        ExecutionResult::Failure => "failed",
        ExecutionResult::Canceled => "was cancelled",
    };
    if report.result == ExecutionResult::Success {
        for warning in &report.warnings {
            text.push_str(&format!("warning: {warning}\n"));
        }
    }
    text.push_str(&format!(
        "{} {result} in {}\n",
        report.package,
        seconds(report.elapsed)
    ));
    super::text(&text)
}

/// A task: a line, and what it did.
fn task_lines(task: &TaskOutcome) -> String {
    match &task.result {
        TaskResult::Disabled => format!("{}  disabled\n", task.path),
        TaskResult::Sql(sql) => sql_line(task, sql),
        TaskResult::Bulk(bulk) => bulk_lines(task, *bulk),
        TaskResult::Package(package) => package_line(task, package),
        TaskResult::Process(process) => process_lines(task, process),
        TaskResult::Files(files) => file_lines(task, *files),
        TaskResult::CdcState(state) => format!("{}\n  {state}\n", head(task)),
        TaskResult::Skipped(why) => {
            let rounds = match task.rounds.total() {
                1 => String::new(),
                total => format!(" in {} rounds, at last", group(total)),
            };
            format!("{}  not run{rounds}: {why}\n", task.path)
        }
        TaskResult::Failed if task.rounds.total() == 1 => {
            format!("{}  failed  {}\n", task.path, seconds(task.elapsed))
        }
        TaskResult::Flow(flow) => flow_lines(task, flow),
        _ => format!("{}\n", head(task)),
    }
}

/// `Package\Loop\Load  12 rounds, 1 failed  0.123 s`
fn head(task: &TaskOutcome) -> String {
    let rounds = &task.rounds;
    let mut told = match rounds.total() {
        1 => String::new(),
        total => format!("  {} rounds", group(total)),
    };
    for (count, what) in [(rounds.failed, "failed"), (rounds.not_run(), "not run")] {
        if count > 0 && rounds.total() > 1 {
            told.push_str(&format!(", {} {what}", group(count)));
        }
    }
    format!("{}{told}  {}", task.path, seconds(task.elapsed))
}

fn flow_lines(task: &TaskOutcome, flow: &FlowReport) -> String {
    let mut text = format!("{}\n", head(task));
    let lines: Vec<[String; 4]> = flow.components.iter().flat_map(lines).collect();
    let mut widths = [0; 4];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let [a, b, c, d] = widths;
    for [component, path, rows, time] in &lines {
        let line = format!("  {component:a$}  {path:b$}  {rows:>c$}  {time:>d$}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn sql_line(task: &TaskOutcome, sql: &SqlReport) -> String {
    let rows = match sql.rows {
        Some(rows) => format!(", {} rows kept", group(rows)),
        None => String::new(),
    };
    format!(
        "{}\n  {} statements, {} rows affected{rows}\n",
        head(task),
        group(sql.statements),
        group(sql.rows_affected)
    )
}

fn bulk_lines(task: &TaskOutcome, bulk: BulkReport) -> String {
    let skipped = match bulk.skipped {
        0 => String::new(),
        rows => format!(", {} skipped", group(rows)),
    };
    format!(
        "{}\n  {} rows loaded{skipped}\n",
        head(task),
        group(bulk.rows)
    )
}

fn package_line(task: &TaskOutcome, package: &PackageReport) -> String {
    let failed = package.result != ExecutionResult::Success && task.rounds.total() == 1;
    let head = match failed {
        true => format!("{}  failed  {}", task.path, seconds(task.elapsed)),
        false => head(task),
    };
    format!("{head}\n  ran {}\n", package.package)
}

fn process_lines(task: &TaskOutcome, process: &ProcessReport) -> String {
    format!(
        "{}\n  {} ended with {}\n",
        head(task),
        process.program,
        process.exit_code
    )
}

fn file_lines(task: &TaskOutcome, report: FileReport) -> String {
    format!(
        "{}\n  {} files, {} folders\n",
        head(task),
        group(report.files),
        group(report.folders)
    )
}

/// Component, path, rows, time: one line per path that leads away, one for what is written, redirected or dropped.
fn lines(component: &ComponentReport) -> Vec<[String; 4]> {
    let mut lines = Vec::new();
    let mut push = |what: String, rows: u64| {
        let first = lines.is_empty();
        let name = if first {
            component.name.clone()
        } else {
            String::new()
        };
        let time = if first {
            seconds(component.elapsed)
        } else {
            String::new()
        };
        lines.push([name, what, format!("{} rows", group(rows)), time]);
    };
    for output in &component.outputs {
        match &output.leads_to {
            Some(target) => push(format!("{} -> {target}", output.name), output.rows),
            None if output.rows > 0 => push(format!("{} -> (no path)", output.name), output.rows),
            None => {}
        }
    }
    if let Some(rows) = component.written {
        push("written".into(), rows);
    }
    if component.dropped > 0 {
        push("dropped".into(), component.dropped);
    }
    lines
}

/// As one JSON object.
pub(crate) fn report_json(report: &RunReport) -> Result<(), Failure> {
    let tasks: Vec<Value> = report
        .tasks
        .iter()
        .map(|task| {
            let mut value = json!({
                "path": task.path,
                "disabled": matches!(task.result, TaskResult::Disabled),
                "seconds": task.elapsed.as_secs_f64(),
                "components": Value::Null,
            });
            match &task.result {
                TaskResult::Skipped(why) => value["not_run"] = json!(why),
                TaskResult::Failed => value["failed"] = json!(true),
                TaskResult::Flow(flow) => {
                    value["components"] = flow.components.iter().map(component).collect();
                }
                TaskResult::Sql(sql) => {
                    value["statements"] = json!(sql.statements);
                    value["rows_affected"] = json!(sql.rows_affected);
                    value["rows"] = json!(sql.rows);
                }
                TaskResult::Package(package) => {
                    value["package"] = json!(package.package);
                    value["failed"] = json!(package.result != ExecutionResult::Success);
                }
                TaskResult::Bulk(bulk) => {
                    value["rows_loaded"] = json!(bulk.rows);
                    value["rows_skipped"] = json!(bulk.skipped);
                }
                TaskResult::Process(process) => {
                    value["program"] = json!(process.program);
                    value["exit_code"] = json!(process.exit_code);
                }
                TaskResult::Files(report) => {
                    value["files"] = json!(report.files);
                    value["folders"] = json!(report.folders);
                }
                TaskResult::CdcState(state) => value["cdc_state"] = json!(state),
                _ => {}
            }
            if task.rounds.total() > 1 {
                value["rounds"] = rounds(&task.rounds);
            }
            value
        })
        .collect();
    super::json_line(&json!({
        "package": report.package,
        "result": "success",
        "seconds": report.elapsed.as_secs_f64(),
        "variables": report.variables.iter().cloned().collect::<BTreeMap<_, _>>(),
        "warnings": report.warnings,
        "tasks": tasks,
    }))
}

fn rounds(rounds: &Rounds) -> Value {
    json!({
        "succeeded": rounds.succeeded,
        "failed": rounds.failed,
        "skipped": rounds.skipped,
        "disabled": rounds.disabled,
    })
}

fn component(component: &ComponentReport) -> Value {
    let outputs: Vec<Value> = component
        .outputs
        .iter()
        .map(|output| json!({"name": output.name, "rows": output.rows, "to": output.leads_to}))
        .collect();
    json!({
        "name": component.name,
        "class": component.class,
        "rows_in": component.rows_in,
        "outputs": outputs,
        "redirected": component.redirected,
        "dropped": component.dropped,
        "written": component.written,
        "cpu_seconds": component.elapsed.as_secs_f64(),
    })
}

fn seconds(elapsed: Duration) -> String {
    format!("{:.3} s", elapsed.as_secs_f64())
}

/// 6001215 -> 6,001,215
fn group(rows: u64) -> String {
    let digits = rows.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
