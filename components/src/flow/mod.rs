//! The operators that no package names: what gathers and scatters the batches of a flow.

mod error;
mod gather;
mod scatter;

pub use error::FlowError;
pub use gather::GatherExec;
pub use scatter::ScatterExec;
