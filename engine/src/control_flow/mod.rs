//! The control flow: which tasks run, in which order.
//!
//! Data Flow tasks and Sequence containers run one after the other in the order of their success constraints. Everything
//! else that a package can ask for is a finding: named, located, before any row moves.

mod connections;
mod order;
mod unsupported;

pub use connections::{check_property, connections};
pub use order::task_order;
pub use unsupported::unsupported;

use dtsx::DataType;
use fletching_components::Variables;
use fletching_expression::{ColumnReference, ExpressionError, Scalar, Scope, compile};

/// Evaluates an expression that sees variables but no columns: property expressions, variables.
pub fn evaluate(expression: &str, variables: &dyn Variables) -> Result<Scalar, ExpressionError> {
    compile(expression, &VariableScope(variables))?.evaluate_scalar()
}

struct VariableScope<'a>(&'a dyn Variables);

impl Scope for VariableScope<'_> {
    fn column(&self, _reference: &ColumnReference) -> Option<(usize, DataType)> {
        None
    }

    fn variable(&self, namespace: Option<&str>, name: &str) -> Option<Scalar> {
        self.0.value(namespace, name)
    }

    fn variable_fault(&self, namespace: Option<&str>, name: &str) -> Option<String> {
        self.0.fault(namespace, name)
    }

    fn column_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn variable_names(&self) -> Vec<String> {
        self.0.names()
    }
}
