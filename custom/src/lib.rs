//! Objects of your own: components, tasks, connection managers, Foreach enumerators and log providers.
//!
//! ```text
//!  package ──class id──▶ Extensions ──▶ dyn ComponentClass ──read(ComponentSpec)──▶ Component ──▶ batches
//!                             │         dyn TaskClass ──────read(TaskSpec)───────▶ dyn Task ──run──▶ variables, events
//!                             │         dyn ConnectionManagerClass ──────────────▶ an address
//!                             │         dyn EnumeratorClass ─────────────────────▶ rounds
//!                             └         dyn LogProviderClass ────────────────────▶ dyn Log
//! ```
//!
//! A package names its objects by class ids: a GUID, a ProgID or the name of a .NET type. Whoever registers a class under
//! such a [`ClassNames`] in [`Extensions`] runs the packages that name it. A class reads the settings of one object of one
//! package, names *every* problem with them before anything runs, and makes the object that runs.
//!
//! The contract knows Arrow and nothing else of the engine: the same traits are met by Rust in this process, by a plug-in
//! behind a C border, and by functions of Python. All of it blocks; the engine calls it on threads that may.

#![deny(missing_docs)]

#[expect(
    unsafe_code,
    reason = "which structures the border knows is promised to be so"
)]
pub mod abi;
#[cfg_attr(
    not(feature = "host"),
    expect(dead_code, reason = "the host's half of it")
)]
#[expect(
    unsafe_code,
    reason = "the border to plug-ins: each block says what the other side keeps"
)]
mod border;
mod component;
mod connection_manager;
mod enumerator;
mod error;
mod extensions;
mod fit;
mod guard;
#[cfg(feature = "host")]
#[expect(
    unsafe_code,
    reason = "the border to plug-ins: each block says what the other side keeps"
)]
pub mod host;
mod log_provider;
mod names;
#[expect(
    unsafe_code,
    reason = "the border to plug-ins: each block says what the other side keeps"
)]
pub mod plugin;
mod task;

pub use component::{
    Applied, Asynchronous, Column, Component, ComponentClass, ComponentKind, ComponentSpec,
    Destination, InputSpec, NewOutput, OutputSpec, Process, RowFailure, Source, Synchronous,
    Writer,
};
pub use connection_manager::{ConnectionManagerClass, ConnectionManagerSpec};
pub use enumerator::{Enumerator, EnumeratorClass, EnumeratorSpec};
pub use error::CustomError;
pub use extensions::{Extensions, Taken};
pub use fit::{fit, fit_batch};
pub use guard::guarded;
pub use log_provider::{Log, LogEntry, LogProviderClass, LogProviderSpec};
pub use names::ClassNames;
pub use task::{Host, Message, Task, TaskClass, TaskSpec};

/// Properties of an object as the package stores them, in its order: name and text.
pub type Properties = Vec<(String, String)>;

/// A stream of batches that blocks; an error ends it.
pub type Batches = Box<dyn Iterator<Item = Result<arrow::array::RecordBatch, CustomError>> + Send>;
