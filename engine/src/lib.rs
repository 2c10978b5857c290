//! Running packages: the control flow orders the tasks, the data-flow executor runs their plans.
//!
//! ```text
//!  dtsx::Package + Settings ──prepare──▶ PreparedPackage ──run──▶ RunReport
//!                             overrides,                   │ per task, in order of its constraints; a data flow:
//!                             variables, every check       │ plan ──▶ tokio tasks ──▶ commit files, set variables
//!                             before any row moves         └─▶ Readers: batches of DataReader destinations, while it runs
//! ```
//!
//! The engine never asks which class a component is, and never prints. Dropping a run cancels it: its tasks stop and its
//! unfinished files are removed.

mod assigned_values;
mod caller;
mod clock;
mod configurations;
mod control_flow;
mod custom_host;
mod data_flow;
mod error;
mod evaluated_variables;
mod events;
mod library;
mod logging;
mod prepare;
mod reader;
mod report;
mod rounds;
mod run;
mod running_packages;
mod scoped_variables;
mod settings;
mod state;
mod stored_property;
mod stored_value;
mod system_variables;
mod task;
mod tasks;
mod variables;
mod xml;

pub use clock::now;
pub use control_flow::{ExecutionResult, PlanObserver, enumerator_names};
pub use data_flow::{Progress, ProgressRow};
pub use error::RunError;
pub use events::{Event, EventKind, EventListener, EventSource};
pub use library::{LibraryError, LoadedPackage, PackageLibrary, PackageReference};
pub use logging::{RunIdentity, log_provider_names};
pub use prepare::{PreparedPackage, connections_of, prepare, variables_of};
pub use reader::{ReaderBatches, ReaderHub};
pub use report::{
    BulkReport, ComponentReport, FileReport, FlowReport, OutputReport, PackageReport,
    ProcessReport, RunReport, SqlReport, TaskOutcome, TaskResult,
};
pub use rounds::Rounds;
pub use run::Observers;
pub use running_packages::{RunningPackage, running_packages};
pub use settings::{CheckpointOverrides, LoggingOverrides, Restart, Settings};
pub use stored_property::{StoredProperty, check_property_value};
pub use tasks::task_names;
pub use variables::VariableStore;
