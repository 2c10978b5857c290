//! Expressions that see variables but no columns: property expressions, variables, precedence constraints, loops.

use arrow::array::AsArray;
use dtsx::{DataType, SsisCode};
use fletching_components::Variables;
use fletching_expression::{
    ColumnReference, ExpressionError, Parsed, Scalar, Scope, compile, parse,
};

use crate::{state::PackageState, variables::Handed};

/// Evaluates an expression that sees variables but no columns: property expressions, variables.
pub(crate) fn evaluate(
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
pub(crate) fn evaluate_parsed(
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

/// The type of an expression's values, without evaluating it.
pub(crate) fn type_of(
    expression: &str,
    variables: &dyn Variables,
    locale_id: u32,
) -> Result<DataType, ExpressionError> {
    let scope = VariableScope {
        variables,
        locale_id,
    };
    Ok(compile(expression, &scope)?.data_type())
}

/// Why an assignment cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum AssignmentError {
    #[error(transparent)]
    Expression(#[from] ExpressionError),
    /// Of its target.
    #[error("{0}")]
    Variable(String),
}

impl AssignmentError {
    pub(crate) fn code(&self) -> Option<SsisCode> {
        match self {
            Self::Expression(error) => error.code,
            Self::Variable(_) => Some(SsisCode::VARIABLE_NOT_FOUND),
        }
    }
}

/// What an assignment as things stand now gives to its variable, seen from the container at `path`; nothing is given yet.
pub(crate) fn assignment(
    parsed: &Parsed,
    state: &PackageState,
    path: &str,
) -> Result<Option<Handed>, AssignmentError> {
    let variables = state.variables();
    let value = evaluate_parsed(parsed, &variables.scope(path), state.locale_id)?;
    let Some((namespace, name)) = parsed.target() else {
        return Ok(None);
    };
    let variable = match namespace {
        Some(namespace) => format!("{namespace}::{name}"),
        None => name.to_owned(),
    };
    let said = (variable.clone(), value.to_string());
    let assignment = variables
        .assigned_value(path, &variable, value.data_type, &value.array)
        .map_err(AssignmentError::Variable)?;
    Ok(Some((assignment, said)))
}

/// As [`assignment`], of text; `None` if it assigns nothing.
pub(crate) fn assignment_of(
    text: &str,
    state: &PackageState,
    path: &str,
) -> Result<Option<Handed>, AssignmentError> {
    assignment(&parse(text)?, state, path)
}

/// Why a condition is neither true nor false.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum ConditionError {
    #[error(transparent)]
    Expression(#[from] ExpressionError),
    #[error("the expression is `{text}`, which is `{value}`: True or False is wanted")]
    NoBoolean { text: String, value: String },
}

impl ConditionError {
    pub(crate) fn code(&self) -> Option<SsisCode> {
        match self {
            Self::Expression(error) => error.code,
            Self::NoBoolean { .. } => Some(SsisCode::VALIDATION_FAILED),
        }
    }
}

/// Whether an expression is true.
pub(crate) fn condition(
    text: &str,
    variables: &dyn Variables,
    locale_id: u32,
) -> Result<bool, ConditionError> {
    let value = evaluate(text, variables, locale_id)?;
    match value.array.as_boolean_opt() {
        Some(truth) if !value.is_null() => Ok(truth.value(0)),
        _ => Err(ConditionError::NoBoolean {
            text: text.to_owned(),
            value: value.to_string(),
        }),
    }
}

/// Whether an expression that failed so may succeed with other values of its variables.
pub(crate) fn is_of_values(code: Option<SsisCode>) -> bool {
    let values = [
        SsisCode::EXPRESSION_DIVIDE_BY_ZERO,
        SsisCode::EXPRESSION_OVERFLOW,
        SsisCode::EXPRESSION_UNARY_OVERFLOW,
    ];
    code.is_some_and(|code| values.contains(&code))
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
