//! From a data flow of a package to physical plans, as small passes.
//!
//! ```text
//!  dtsx::DataFlow ──bind──▶ DataFlowGraph ──check──▶ CheckedDataFlow ──lower──▶ DataFlowPlan
//!                   lineage ids become     every component          operators, routers and
//!                   column positions       reads its settings       the roots to run
//! ```
//!
//! Opens nothing, runs nothing, has no clock. Each pass reports all the problems it sees as
//! [`Findings`](fletching_components::Findings), with their place in the package.

mod bind;
mod check;
mod explain;
mod graph;
mod live;
mod lower;

pub use bind::bind;
pub use check::{CheckedDataFlow, check};
pub use explain::explain;
pub use graph::{DataFlowGraph, Edge, GraphComponent};
pub use lower::{DataFlowPlan, Measure, Operator, OperatorOutput, Root, RootKind, lower};
