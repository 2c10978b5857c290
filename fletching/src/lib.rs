//! Runs SSIS packages from Rust.
//!
//! ```text
//!  Application::load ──▶ Package ──prepare(Settings)──▶ Prepared ──▶ Execution ──run──▶ RunReport
//!                                                                       └─reader("DataReaderDest")──▶ ReaderBatches
//! ```
//!
//! [`Application`] finds and loads packages, with the project around them. [`Package::prepare`] applies overrides and
//! checks everything that can be checked before a row moves. [`Execution`] runs; a reader attached to it receives the
//! record batches of a DataReader destination while the package runs.

#![deny(missing_docs)]

mod application;
mod check;
mod configuration_file;
mod connections;
mod execution;
mod package;
mod script;
mod statements;

pub use application::{Application, LoadError, read_file};
pub use check::CheckReport;
pub use configuration_file::read_configuration_file;
pub use connections::{ConnectionReport, providers, schemes};
pub use execution::{Execution, runtime};
pub use fletching_components::{Drift, Finding, FindingKind, Findings, flow::FlowError};
pub use fletching_connections::{LogFile, PathMap, PathRule, StagedFile};
pub use fletching_engine::{
    BulkReport, ComponentReport, Event, EventKind, EventListener, EventSource, ExecutionResult,
    FlowReport, LoggingOverrides, OutputReport, Progress, ProgressRow, ReaderBatches, RunError,
    RunIdentity, RunReport, Settings, SqlReport, TaskOutcome, TaskResult, now,
};
/// The expression language.
pub use fletching_expression::{self as expression};
pub use package::{Package, Prepared};
pub use script::{ScriptError, ScriptReport, run_script};
pub use statements::StatementReport;
