//! The control flow: which executables run, when, and what becomes of their failures.
//!
//! ```text
//!  validate ──▶ findings                 before anything runs: the whole tree
//!  Executor::execute(package)
//!     └─ container ──Schedule──▶ children, at once as far as their constraints let them
//!           ├─ task       ──▶ tasks::task, made anew from property expressions
//!           ├─ loop       ──▶ the same container, round after round
//!           └─ event      ──▶ handlers of the source, its containers, the package; then listeners
//! ```
//!
//! A future per executable, no threads of its own: what computes or blocks is the task's affair, and dropping the future
//! of the package stops all of it. Tasks take one of MaxConcurrentExecutables permits; containers and what event
//! handlers run take none, or they would wait for permits that wait for them.

mod checkpoints;
mod connections;
mod container_settings;
mod enumerators;
mod executor;
mod expressions;
mod logs;
mod loops;
mod order;
mod packages;
mod properties;
mod raise;
mod schedule;
#[cfg(test)]
mod tests;
mod transactions;
mod unsupported;
mod validate;

pub(crate) use connections::{check_property, connections, is_named};
pub(crate) use container_settings::{ContainerSettings, TransactionOption};
pub use enumerators::enumerator_names;
pub(crate) use enumerators::fits;
pub use executor::PlanObserver;
pub(crate) use executor::{Executor, Frame};
pub(crate) use expressions::evaluate;
pub(crate) use expressions::{
    AssignmentError, assignment_of, check_assignment, condition, evaluate_assigned, qualified,
    type_of, type_of_condition, waits_for_values,
};
pub(crate) use order::data_flows;
pub(crate) use properties::{
    PropertyError, evaluated, kept, names as property_names, of_component, set,
};
pub use schedule::ExecutionResult;
pub(crate) use unsupported::unsupported;
pub(crate) use validate::validate;
