//! Runs SSIS packages from Rust.
//!
//! ```text
//!  Application::load ──▶ Package ──prepare(Settings)──▶ Prepared ──▶ Execution ──run──▶ RunReport
//!                            └─reader("DataReaderDest")──▶ Reader        └─reader("DataReaderDest")──▶ ReaderBatches
//! ```
//!
//! [`Application`] finds and loads packages, with the project around them. [`Package::prepare`] applies overrides and
//! checks everything that can be checked before a row moves. [`Execution`] runs; a reader attached to it receives the
//! record batches of a DataReader destination while the package runs.

#![deny(missing_docs)]

mod application;
mod check;
mod config;
mod connections;
mod design;
pub mod dtexec;
mod execution;
mod infos;
mod library;
mod load_options;
mod package;
mod package_folder;
mod package_store;
mod reader;
mod running;
mod script;
mod sealed;
mod statements;

pub use application::{Application, LoadError, read_file, read_package};
pub use check::CheckReport;
pub use config::{Config, ConfigError, from_folder, name_and_value, parse_size};
pub use connections::{ConnectionReport, providers, schemes};
pub use design::{Aggregation, DesignError, JoinType, Pipeline};
/// The package document.
pub use dtsx;
pub use execution::{Execution, runtime};
pub use fletching_components::{
    ComponentKind, Drift, Finding, FindingKind, Findings, flow::FlowError,
};
pub use fletching_connections::{
    LogFile, PathError, PathMap, PathRule, StagedFile, run_sockets::RunSocketError,
};
/// Objects of one's own: components, tasks, connection managers, Foreach enumerators, log providers.
pub use fletching_custom as custom;
pub use fletching_engine::{
    BulkReport, CheckpointOverrides, ComponentReport, Event, EventKind, EventListener, EventSource,
    ExecutionResult, FileReport, FlowReport, LibraryError, LoadedPackage, LoggingOverrides,
    OutputReport, PackageLibrary, PackageReference, PackageReport, ProcessReport, Progress,
    ProgressRow, ReaderBatches, Restart, Rounds, RunError, RunIdentity, RunReport, RunningPackage,
    Settings, SqlReport, TaskOutcome, TaskResult, now,
};
/// The expression language.
pub use fletching_expression::{self as expression};
pub use infos::ClassInfo;
pub use load_options::LoadOptions;
pub use package::{Package, Prepared};
pub use package_folder::{FolderError, FolderPackage, PackageFolder};
pub use package_store::{
    PackageStore, StoreEntry, StoreError, delete_package, is_same_file, move_package,
    package_exists, save_package,
};
pub use reader::{Reader, ReaderError};
pub use running::Running;
pub use script::{ScriptError, ScriptReport, run_script};
pub use sealed::SealedValue;
pub use statements::StatementReport;
