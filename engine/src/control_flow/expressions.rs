//! Expressions that see variables but no columns: property expressions, variables, precedence constraints, loops.

use arrow::array::AsArray;
use dtsx::{DataType, SsisCode};
use fletching_components::Variables;
use fletching_expression::{
    ColumnReference, Expression, ExpressionError, Parsed, Scalar, Scope, parse,
};

use crate::{assigned_values::Handed, state::PackageState};

/// Evaluates an expression that sees variables but no columns: property expressions, variables.
pub(crate) fn evaluate(
    expression: &str,
    variables: &dyn Variables,
    locale_id: u32,
) -> Result<Scalar, ExpressionError> {
    evaluate_value(&parse(expression)?, variables, locale_id, Parsed::compile)
}

/// As [`evaluate`], of what an assignment assigns.
pub(crate) fn evaluate_assigned(
    parsed: &Parsed,
    variables: &dyn Variables,
    locale_id: u32,
) -> Result<Scalar, ExpressionError> {
    evaluate_value(parsed, variables, locale_id, Parsed::compile_value)
}

/// With the values that variables have now.
fn evaluate_value(
    parsed: &Parsed,
    variables: &dyn Variables,
    locale_id: u32,
    compile: fn(&Parsed, &dyn Scope) -> Result<Expression, ExpressionError>,
) -> Result<Scalar, ExpressionError> {
    let scope = VariableScope {
        variables,
        locale_id,
        may_change: false,
    };
    compile(parsed, &scope)?.evaluate_scalar()
}

/// The type of an expression's values, or of what an assignment assigns, without evaluating it.
pub(crate) fn type_of(
    parsed: &Parsed,
    variables: &dyn Variables,
    locale_id: u32,
) -> Result<DataType, ExpressionError> {
    let scope = VariableScope {
        variables,
        locale_id,
        may_change: variables.may_change(),
    };
    Ok(parsed.compile_value(&scope)?.data_type())
}

/// As [`type_of`], of an expression that is to be true or false.
pub(crate) fn type_of_condition(
    text: &str,
    variables: &dyn Variables,
    locale_id: u32,
) -> Result<DataType, ExpressionError> {
    let parsed = parse(text)?;
    match parsed.target() {
        // Its error is that it is an assignment.
        Some(_) => evaluate(text, variables, locale_id).map(|value| value.data_type),
        None => type_of(&parsed, variables, locale_id),
    }
}

/// Whether an expression fails until tasks have set the variables that it names.
pub(crate) fn waits_for_values(text: &str, variables: &dyn Variables, locale_id: u32) -> bool {
    let Ok(parsed) = parse(text) else {
        return false;
    };
    variables.may_change()
        && !parsed.variables().is_empty()
        && evaluate(text, variables, locale_id).is_err()
        && type_of(&parsed, variables, locale_id).is_ok()
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
    let value = evaluate_assigned(parsed, &variables.scope(path), state.locale_id)?;
    let Some((namespace, name)) = parsed.target() else {
        return Ok(None);
    };
    let variable = qualified(namespace, name);
    let said = (variable.clone(), value.to_string());
    let assignment = variables
        .assigned_value(path, &variable, value.data_type, &value.array)
        .map_err(AssignmentError::Variable)?;
    Ok(Some((assignment, said)))
}

/// What is known of an assignment before tasks have set the variables that it reads.
pub(crate) fn check_assignment(
    text: &str,
    state: &PackageState,
    path: &str,
) -> Result<(), AssignmentError> {
    let parsed = parse(text)?;
    if parsed.variables().is_empty() {
        return assignment(&parsed, state, path).map(|_| ());
    }
    let variables = state.variables();
    let data_type = type_of(&parsed, &variables.scope(path), state.locale_id)?;
    match parsed.target() {
        None => Ok(()),
        Some((namespace, name)) => variables
            .assignable(path, &qualified(namespace, name), data_type)
            .map_err(AssignmentError::Variable),
    }
}

/// `User::X`, or `X` where no namespace is written.
pub(crate) fn qualified(namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{namespace}::{name}"),
        None => name.to_owned(),
    }
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

struct VariableScope<'a> {
    variables: &'a dyn Variables,
    locale_id: u32,
    may_change: bool,
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

    fn variables_may_change(&self) -> bool {
        self.may_change
    }

    fn has_long_texts(&self) -> bool {
        true
    }

    fn column_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn variable_names(&self) -> Vec<String> {
        self.variables.names()
    }
}
