//! The SSIS package document: `.dtsx` of formats 2, 3, 6 and 8, `.ispac`, `.conmgr`, `.params`, `.dtproj`.
//!
//! ```text
//! bytes ─▶ Document (lossless) ─▶ Package (typed view: executables, data flows, connection managers, ...)
//!             ▲        └─▶ bytes, those that were read where nothing was edited
//!             └─ Edits
//! ```
//!
//! ```
//! let text = r#"<DTS:Executable xmlns:DTS="www.microsoft.com/SqlServer/Dts" DTS:ObjectName="Load"/>"#;
//! let package = dtsx::Package::read(text.as_bytes())?;
//! assert_eq!(package.name(), "Load");
//! assert_eq!(package.write(), text.as_bytes());
//! # Ok::<(), dtsx::Error>(())
//! ```

#![deny(missing_docs)]

mod build;
mod bulk_insert;
mod class;
mod configuration_file;
mod data_flow;
mod data_type;
mod document;
mod error;
mod executable;
mod identity;
mod limits;
mod package;
mod project;
mod properties;
mod protection;
mod read;
mod script;
mod sql_task;
mod ssis_code;

pub use build::*;
pub use bulk_insert::*;
pub use class::{
    component_classes, log_provider_classes, resolve_component, resolve_log_provider, resolve_task,
    task_classes,
};
pub use configuration_file::ConfiguredValue;
pub use data_flow::*;
pub use data_type::{DataType, Shape};
pub use document::{Attribute, Document, Edits, Element, NodeId, escape_attribute};
pub use error::{Error, Position};
pub use executable::*;
pub use limits::Limits;
pub use package::Package;
pub use project::{DeploymentModel, FileSource, Project};
pub use properties::*;
pub use protection::{ProtectionLevel, Secrets, secret_name};
pub use read::{ReferenceColumn, Sealed, SealedBy, reference_columns};
pub use script::*;
pub use sql_task::*;
pub use ssis_code::SsisCode;
