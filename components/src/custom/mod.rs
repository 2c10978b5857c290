//! Components of the caller's own: the contract of `fletching-custom` met by the operators of the data flow.
//!
//! ```text
//!  Binding ──spec──▶ ComponentSpec ──ComponentClass::read──▶ Component ─┬─ Source ───────▶ FeedExec ──▶ CustomRows
//!                                                                       ├─ Synchronous ──▶ CustomRows: row-wise, parallel
//!                                                                       ├─ Asynchronous ─▶ ProcessExec: a thread, two queues
//!                                                                       └─ Destination ──▶ WriterSink: a thread, one queue
//! ```
//!
//! What comes back from such code is checked before anybody else sees it ([`conform`]): number of rows and columns, names,
//! types, lengths of texts. Its panics are errors of the component.

mod asynchronous;
mod conform;
mod destination;
mod source;
mod spec;
mod synchronous;

use std::sync::Arc;

use dtsx::SsisCode;
use fletching_custom::{ComponentClass, CustomError, guarded};

use crate::{Binding, Component, ComponentKind, Findings, flow::FlowError};

use self::{
    asynchronous::AsynchronousComponent, destination::DestinationComponent,
    source::SourceComponent, synchronous::SynchronousComponent,
};

/// Whose code it is, for errors and for EXPLAIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Path of the component.
    pub(crate) path: String,
    /// What the package names its class by.
    pub(crate) class: String,
}

impl Owner {
    /// An error of the component's code.
    pub(crate) fn failed(&self, doing: &str, error: &CustomError) -> FlowError {
        FlowError::new(
            &self.path,
            code(error),
            format!("`{}` {doing}: {}", self.class, error.message),
        )
    }

    /// Calls the component's code.
    pub(crate) fn call<T>(
        &self,
        doing: &str,
        work: impl FnOnce() -> Result<T, CustomError>,
    ) -> Result<T, FlowError> {
        guarded(work).map_err(|error| self.failed(doing, &error))
    }

    /// What it made cannot be taken.
    pub(crate) fn unfit(&self, message: impl Into<String>) -> FlowError {
        let message = format!("`{}` made {}", self.class, message.into());
        FlowError::new(&self.path, Some(SsisCode::VALIDATION_FAILED), message)
    }
}

fn code(error: &CustomError) -> Option<SsisCode> {
    (error.code != 0).then_some(SsisCode(error.code))
}

/// What a class of the caller's own makes of a component.
///
/// # Errors
/// All that the class and the shape of the component have against it.
pub fn read(
    class: &Arc<dyn ComponentClass>,
    binding: &Binding<'_>,
) -> Result<Box<dyn Component>, Findings> {
    let mut findings = Findings::default();
    let spec = spec::of(binding, &mut findings);
    let made = guarded(|| Ok(class.read(&spec)));
    let made = match made {
        Ok(Ok(made)) => Some(made),
        Ok(Err(problems)) => {
            if problems.is_empty() {
                findings.push(binding.finding("its class refuses it, and does not say why"));
            }
            let problems = problems.into_iter();
            findings
                .0
                .extend(problems.map(|problem| binding.finding(problem)));
            None
        }
        Err(panic) => {
            findings.push(binding.finding(panic.message));
            None
        }
    };
    let owner = Owner {
        path: binding.path.to_owned(),
        class: class.names().id().to_owned(),
    };
    let component: Option<Box<dyn Component>> = match made {
        None => None,
        Some(made) => {
            if kind_of(&made) != kind(class.kind()) {
                findings.push(binding.finding(format!(
                    "its class says that it is a {:?} and makes another kind of component",
                    class.kind()
                )));
            }
            match made {
                fletching_custom::Component::Source(source) => {
                    SourceComponent::read(owner, source, binding, &mut findings)
                }
                fletching_custom::Component::Synchronous(inner) => {
                    SynchronousComponent::read(owner, inner, &spec, binding, &mut findings)
                }
                fletching_custom::Component::Asynchronous(inner) => {
                    AsynchronousComponent::read(owner, inner, binding, &mut findings)
                }
                fletching_custom::Component::Destination(inner) => {
                    DestinationComponent::read(owner, inner, binding, &mut findings)
                }
            }
        }
    };
    match component {
        Some(component) => findings.none_or(component),
        None => {
            if findings.is_empty() {
                findings.push(binding.finding("its inputs and outputs are not those of its kind"));
            }
            Err(findings)
        }
    }
}

/// The engine's word for what a class says of its components.
pub fn kind(kind: fletching_custom::ComponentKind) -> ComponentKind {
    match kind {
        fletching_custom::ComponentKind::Source => ComponentKind::Source,
        fletching_custom::ComponentKind::Transform => ComponentKind::Transform,
        fletching_custom::ComponentKind::Destination => ComponentKind::Destination,
    }
}

fn kind_of(made: &fletching_custom::Component) -> ComponentKind {
    match made {
        fletching_custom::Component::Source(_) => ComponentKind::Source,
        fletching_custom::Component::Synchronous(_)
        | fletching_custom::Component::Asynchronous(_) => ComponentKind::Transform,
        fletching_custom::Component::Destination(_) => ComponentKind::Destination,
    }
}

/// The columns of an input that the package selects, by position and name.
fn selected(binding: &Binding<'_>, input: usize) -> Vec<(usize, String)> {
    let (Some(document), Some(Some(bound))) = (
        binding.component.inputs.get(input),
        binding.inputs.get(input),
    ) else {
        return Vec::new();
    };
    spec::selected(document, bound)
        .map(|(_, at)| (at, bound.columns[at].name.clone()))
        .collect()
}

/// No row can leave by an error output.
fn reject_errors(binding: &Binding<'_>, what: &str, findings: &mut Findings) {
    for output in binding.outputs.iter().filter(|one| one.is_error) {
        if output.connected {
            findings.push(binding.unsupported(format!(
                "a path leads away from its error output `{}`, and {what} has no rows for it: remove the path",
                output.name
            )));
        }
    }
}
