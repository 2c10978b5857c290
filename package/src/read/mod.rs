//! Document to typed view. Each file reads one kind of node; all branch on the shape of the node (property elements or
//! attributes), never on the version of the format.

mod column;
mod connection;
mod control_flow;
mod data_flow;
mod executable;
mod foreach;
mod logging;
mod reference;
mod sealed;
mod shape;
mod sql_task;

pub(crate) use connection::read_connection_manager;
pub(crate) use control_flow::read_parameter;
pub(crate) use executable::read_executable;
pub(crate) use logging::{read_configuration, read_log_provider};
pub use reference::{ReferenceColumn, reference_columns};
pub(crate) use sealed::{SSIS, describe, has_salt, sealed_values};
pub use sealed::{Sealed, SealedBy};
pub(crate) use shape::{attribute, collection, is_encrypted, own_properties};
