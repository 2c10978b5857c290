//! The SSIS package document.

mod data_flow;
mod data_type;
mod executable;
mod properties;
mod ssis_code;

pub use data_flow::*;
pub use data_type::DataType;
pub use executable::*;
pub use properties::*;
pub use ssis_code::SsisCode;
