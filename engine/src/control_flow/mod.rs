//! The control flow: which tasks run, in which order.
//!
//! Data Flow, Execute SQL, Bulk Insert and Expression tasks and Sequence containers run one after the other in the order of their success constraints. Everything
//! else that a package can ask for is a finding: named, located, before any row moves.

mod connections;
mod order;
mod unsupported;

pub use connections::{check_property, connections};
pub use order::task_order;
pub use unsupported::unsupported;

use dtsx::DataType;
use fletching_components::Variables;
use fletching_expression::{ColumnReference, ExpressionError, Parsed, Scalar, Scope, compile};

/// Evaluates an expression that sees variables but no columns: property expressions, variables.
pub fn evaluate(
    expression: &str,
    variables: &dyn Variables,
    locale_id: u32,
) -> Result<Scalar, ExpressionError> {
    let scope = VariableScope {
        variables,
        locale_id,
    };
    compile(expression, &scope)?.evaluate_scalar()
}

/// As [`evaluate`], of what an assignment assigns.
pub fn evaluate_parsed(
    parsed: &Parsed,
    variables: &dyn Variables,
    locale_id: u32,
) -> Result<Scalar, ExpressionError> {
    let scope = VariableScope {
        variables,
        locale_id,
    };
    parsed.compile_value(&scope)?.evaluate_scalar()
}

struct VariableScope<'a> {
    variables: &'a dyn Variables,
    locale_id: u32,
}

impl Scope for VariableScope<'_> {
    fn column(&self, _reference: &ColumnReference) -> Option<(usize, DataType)> {
        None
    }

    fn variable(&self, namespace: Option<&str>, name: &str) -> Option<Scalar> {
        self.variables.value(namespace, name)
    }

    fn locale_id(&self) -> u32 {
        self.locale_id
    }

    fn variable_fault(&self, namespace: Option<&str>, name: &str) -> Option<String> {
        self.variables.fault(namespace, name)
    }

    fn column_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn variable_names(&self) -> Vec<String> {
        self.variables.names()
    }
}
