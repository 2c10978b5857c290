//! What a run leaves: the outcome of each task, and for data flows the rows of each path and the time of each component.

use std::time::Duration;

#[derive(Debug, Clone, Default)]
pub struct RunReport {
    pub package: String,
    pub tasks: Vec<TaskOutcome>,
    pub elapsed: Duration,
    /// Variables that components have set (Row Count, Recordset), and their values as text.
    pub variables: Vec<(String, String)>,
    /// What the user should know although the run succeeded.
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct TaskOutcome {
    /// Path of the task.
    pub path: String,
    pub result: TaskResult,
    pub elapsed: Duration,
}

/// What a task did.
#[derive(Debug, Clone)]
pub enum TaskResult {
    Disabled,
    Flow(FlowReport),
    Sql(SqlReport),
    Expression,
    Bulk(BulkReport),
}

/// What an Execute SQL task did.
#[derive(Debug, Clone, Default)]
pub struct SqlReport {
    pub statements: u64,
    pub rows_affected: u64,
    /// Rows of the result that was kept; `None` if none was.
    pub rows: Option<u64>,
}

/// What a Bulk Insert task did.
#[derive(Debug, Clone, Copy, Default)]
pub struct BulkReport {
    pub rows: u64,
    /// Bad rows, which MaximumErrors lets pass.
    pub skipped: u64,
}

#[derive(Debug, Clone, Default)]
pub struct FlowReport {
    /// In the order rows travel.
    pub components: Vec<ComponentReport>,
}

#[derive(Debug, Clone)]
pub struct ComponentReport {
    pub name: String,
    pub class: &'static str,
    /// 0 for a source.
    pub rows_in: u64,
    pub outputs: Vec<OutputReport>,
    pub redirected: u64,
    /// Ended here by a named rule (unconnected output, duplicate removed).
    pub dropped: u64,
    /// Rows written by a destination.
    pub written: Option<u64>,
    /// CPU time of its operators, summed over threads.
    pub elapsed: Duration,
}

#[derive(Debug, Clone)]
pub struct OutputReport {
    pub name: String,
    pub rows: u64,
    /// Name of the component that the path leads to; `None` if there is no path.
    pub leads_to: Option<String>,
}
