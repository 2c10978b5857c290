//! Fletching from Python: the native half of the package `fletching`, which `../fletching` wraps.
//!
//! ```text
//!  fletching (Python) ──▶ _native ─┬─ Package ──▶ Pipeline: reads and changes the document
//!   Package, Result,               ├─ Run: waits without the GIL, hears events, answers Ctrl-C
//!   connect, errors                └─ Reader ──▶ ArrowArrayStream in a capsule, or RecordBatch by RecordBatch
//! ```
//!
//! What crosses the border is plain: texts, numbers, tuples, dictionaries; rows as Arrow's C structures, without a copy.
//! Every wait lets other threads of Python run, and looks for signals a few times a second.

mod batch;
mod control_flow;
mod custom;
mod data_type;
mod document;
mod errors;
mod package;
mod pipeline;
mod reader;
mod report;
mod run;
mod running;
mod settings;
mod store;
mod values;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::batch::{RecordBatch, Schema};
    #[pymodule_export]
    use crate::custom::{
        Extensions,
        arrays::{Array, columns},
        host::RunHost,
    };
    #[pymodule_export]
    use crate::package::{Package, check, component_classes};
    #[pymodule_export]
    use crate::pipeline::Pipeline;
    #[pymodule_export]
    use crate::reader::Reader;
    #[pymodule_export]
    use crate::run::Run;
    #[pymodule_export]
    use crate::running::{RunningPackage, class_infos, running_packages};
    #[pymodule_export]
    use crate::store::Store;

    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}
