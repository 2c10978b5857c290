//! The report of a run as dictionaries, which `fletching.results` shows.

use fletching::{ComponentReport, ExecutionResult, FlowReport, RunReport, TaskOutcome, TaskResult};
use pyo3::{prelude::*, types::PyDict};

use crate::errors::Raised;

pub(crate) fn report<'py>(py: Python<'py>, report: RunReport) -> PyResult<Bound<'py, PyDict>> {
    let known = PyDict::new(py);
    known.set_item("package", report.package)?;
    let result = match report.result {
        ExecutionResult::Success => "success",
        ExecutionResult::Failure => "failure",
        ExecutionResult::Canceled => "canceled",
    };
    known.set_item("result", result)?;
    known.set_item("elapsed", report.elapsed.as_secs_f64())?;
    let errors = report.errors.into_iter();
    let errors = errors.map(|error| Raised::in_run(error).exception(py));
    known.set_item("errors", errors.collect::<PyResult<Vec<_>>>()?)?;
    known.set_item("warnings", report.warnings)?;
    known.set_item("variables", report.variables)?;
    let tasks = report.tasks.iter().map(|outcome| task(py, outcome));
    known.set_item("tasks", tasks.collect::<PyResult<Vec<_>>>()?)?;
    Ok(known)
}

fn task<'py>(py: Python<'py>, outcome: &TaskOutcome) -> PyResult<Bound<'py, PyDict>> {
    let known = PyDict::new(py);
    known.set_item("path", &outcome.path)?;
    known.set_item("elapsed", outcome.elapsed.as_secs_f64())?;
    known.set_item("result", result_of(&outcome.result))?;
    known.set_item("detail", detail(&outcome.result))?;
    let components = match &outcome.result {
        TaskResult::Flow(flow) => components(py, flow)?,
        _ => Vec::new(),
    };
    known.set_item("components", components)?;
    Ok(known)
}

fn result_of(result: &TaskResult) -> &'static str {
    match result {
        TaskResult::Disabled => "disabled",
        TaskResult::Skipped(_) => "skipped",
        TaskResult::Failed => "failure",
        TaskResult::Package(package) => match package.result {
            ExecutionResult::Success => "success",
            ExecutionResult::Failure => "failure",
            ExecutionResult::Canceled => "canceled",
        },
        _ => "success",
    }
}

/// What it did, in a few words.
fn detail(result: &TaskResult) -> String {
    match result {
        TaskResult::Skipped(why) => why.clone(),
        TaskResult::Flow(flow) => {
            let written = flow.components.iter().filter_map(|one| one.written);
            format!("{} rows written", written.sum::<u64>())
        }
        TaskResult::Sql(sql) => match sql.rows {
            Some(rows) => format!("{} statements, {rows} rows read", sql.statements),
            None => format!(
                "{} statements, {} rows affected",
                sql.statements, sql.rows_affected
            ),
        },
        TaskResult::Bulk(bulk) => format!("{} rows, {} skipped", bulk.rows, bulk.skipped),
        TaskResult::Package(package) => package.package.clone(),
        TaskResult::Process(process) => {
            format!("{} ended with {}", process.program, process.exit_code)
        }
        TaskResult::Files(files) => format!("{} files, {} folders", files.files, files.folders),
        TaskResult::Sent => "sent".to_owned(),
        TaskResult::CdcState(state) => state.clone(),
        _ => String::new(),
    }
}

fn components<'py>(py: Python<'py>, flow: &FlowReport) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let component = |report: &ComponentReport| {
        let known = PyDict::new(py);
        known.set_item("name", &report.name)?;
        known.set_item("class_name", &report.class)?;
        known.set_item("rows_in", report.rows_in)?;
        let outputs: Vec<(&str, u64, Option<&str>)> = report
            .outputs
            .iter()
            .map(|output| {
                (
                    output.name.as_str(),
                    output.rows,
                    output.leads_to.as_deref(),
                )
            })
            .collect();
        known.set_item("outputs", outputs)?;
        known.set_item("redirected", report.redirected)?;
        known.set_item("dropped", report.dropped)?;
        known.set_item("written", report.written)?;
        known.set_item("elapsed", report.elapsed.as_secs_f64())?;
        Ok(known)
    };
    flow.components.iter().map(component).collect()
}
