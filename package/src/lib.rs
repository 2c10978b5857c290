//! The SSIS package document.

mod class;
mod data_flow;
mod data_type;
mod document;
mod error;
mod executable;
mod limits;
mod package;
mod project;
mod properties;
mod read;
mod ssis_code;

pub use class::{resolve_component, resolve_task};
pub use data_flow::*;
pub use data_type::DataType;
pub use document::{Attribute, Document, Edits, Element, NodeId};
pub use error::{Error, Position};
pub use executable::*;
pub use limits::Limits;
pub use package::Package;
pub use project::{DeploymentModel, FileSource, Project};
pub use properties::*;
pub use ssis_code::SsisCode;
