//! What is in a package, as dictionaries: the tree of executables, variables, parameters, connection managers.

use fletching::dtsx::{
    ConnectionManager, ConstraintValue, EvalOp, Executable, ExecutableKind, Parameter, Payload,
    PrecedenceConstraint, Variable,
};
use pyo3::{prelude::*, types::PyDict};

use crate::data_type::variable_type_name;

type Dict<'py> = PyResult<Bound<'py, PyDict>>;

/// An executable with all in it.
pub(crate) fn executable<'py>(py: Python<'py>, one: &Executable) -> Dict<'py> {
    let known = PyDict::new(py);
    known.set_item("path", &one.path)?;
    known.set_item("name", &one.name)?;
    known.set_item("kind", kind(one))?;
    known.set_item("class_name", class_name(one))?;
    known.set_item("description", &one.description)?;
    known.set_item("disabled", one.disabled)?;
    let components: Vec<(&str, &str)> = match &one.payload {
        Payload::DataFlow(flow) => flow
            .components
            .iter()
            .map(|component| {
                let class = component.class.unwrap_or(&component.class_id);
                (component.name.as_str(), class)
            })
            .collect(),
        _ => Vec::new(),
    };
    known.set_item("components", components)?;
    let children = one.executables.iter().map(|child| executable(py, child));
    known.set_item("executables", children.collect::<PyResult<Vec<_>>>()?)?;
    let constraints = one.precedence_constraints.iter();
    let constraints = constraints.map(|one| constraint(py, one));
    known.set_item("constraints", constraints.collect::<PyResult<Vec<_>>>()?)?;
    let handlers = one.event_handlers.iter().map(|handler| {
        let container = executable(py, &handler.container)?;
        Ok((handler.event_name.as_str(), container))
    });
    known.set_item("event_handlers", handlers.collect::<PyResult<Vec<_>>>()?)?;
    Ok(known)
}

fn kind(one: &Executable) -> &'static str {
    match one.kind {
        ExecutableKind::Package => "package",
        ExecutableKind::Sequence => "sequence",
        ExecutableKind::ForLoop => "for loop",
        ExecutableKind::ForeachLoop => "foreach loop",
        ExecutableKind::Task(_) => "task",
    }
}

fn class_name(one: &Executable) -> &str {
    match one.kind {
        ExecutableKind::Task(Some(class)) => class,
        _ => &one.class_id,
    }
}

fn constraint<'py>(py: Python<'py>, one: &PrecedenceConstraint) -> Dict<'py> {
    let known = PyDict::new(py);
    known.set_item("name", &one.name)?;
    known.set_item("before", &one.from)?;
    known.set_item("after", &one.to)?;
    let value = match one.value {
        ConstraintValue::Success => "success",
        ConstraintValue::Failure => "failure",
        ConstraintValue::Completion => "completion",
        ConstraintValue::Canceled => "canceled",
    };
    known.set_item("value", value)?;
    let operation = match one.eval_op {
        EvalOp::Expression => "expression",
        EvalOp::Constraint => "constraint",
        EvalOp::ExpressionAndConstraint => "expression and constraint",
        EvalOp::ExpressionOrConstraint => "expression or constraint",
    };
    known.set_item("evaluates", operation)?;
    known.set_item("logical_and", one.logical_and)?;
    known.set_item("expression", one.expression.as_deref())?;
    Ok(known)
}

/// Shown instead of a value that is a secret.
fn shown(value: &str, sensitive: bool) -> Option<&str> {
    (!sensitive).then_some(value)
}

pub(crate) fn variable<'py>(py: Python<'py>, container: &str, one: &Variable) -> Dict<'py> {
    let known = PyDict::new(py);
    known.set_item("name", format!("{}::{}", one.namespace, one.name))?;
    known.set_item("container", container)?;
    known.set_item("data_type", variable_type_name(one.data_type))?;
    known.set_item("value", shown(&one.value, one.sensitive))?;
    let expression = one.expression.as_deref();
    known.set_item(
        "expression",
        expression.filter(|_| one.evaluate_as_expression),
    )?;
    known.set_item("read_only", one.read_only)?;
    known.set_item("sensitive", one.sensitive)?;
    Ok(known)
}

pub(crate) fn parameter<'py>(py: Python<'py>, one: &Parameter) -> Dict<'py> {
    let known = PyDict::new(py);
    known.set_item("name", &one.name)?;
    known.set_item("data_type", variable_type_name(one.data_type))?;
    known.set_item("value", shown(&one.value, one.sensitive))?;
    known.set_item("required", one.required)?;
    known.set_item("sensitive", one.sensitive)?;
    Ok(known)
}

/// Its connection string may hold a password, which no list shows: ask for the property by its path.
pub(crate) fn connection_manager<'py>(py: Python<'py>, one: &ConnectionManager) -> Dict<'py> {
    let known = PyDict::new(py);
    known.set_item("name", &one.name)?;
    known.set_item("creation_name", &one.creation_name)?;
    known.set_item("description", &one.description)?;
    let columns: Vec<(&str, String)> = one
        .flat_file_columns
        .iter()
        .map(|column| (column.name.as_str(), column.data_type.to_string()))
        .collect();
    known.set_item("columns", columns)?;
    Ok(known)
}
