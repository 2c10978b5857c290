//! What executables carry: variables, parameters, property expressions, precedence constraints.

use crate::{
    ConstraintValue, Element, Error, EvalOp, Executable, Parameter, PrecedenceConstraint,
    PropertyExpression, Variable,
    read::shape::{
        attribute, boolean, collection, is_encrypted, number, own_properties, text, value_error,
    },
};

const VARTYPE_STRING: u16 = 8;

pub(super) fn read_property_expressions(element: Element<'_>) -> Vec<PropertyExpression> {
    collection(element, "PropertyExpressions", "PropertyExpression")
        .map(|child| PropertyExpression {
            property: attribute(child, "Name"),
            expression: child.text().into_owned(),
        })
        .collect()
}

pub(super) fn read_variables(element: Element<'_>) -> Result<Vec<Variable>, Error> {
    collection(element, "Variables", "Variable")
        .map(read_variable)
        .collect()
}

fn read_variable(element: Element<'_>) -> Result<Variable, Error> {
    let properties = own_properties(element);
    let value = element.child("VariableValue");
    let data_type = match value.and_then(|value| value.attribute("DataType")) {
        None => VARTYPE_STRING,
        Some(found) => vartype(element, &found)?,
    };
    let expression = text(&properties, "Expression");
    Ok(Variable {
        namespace: properties
            .get("Namespace")
            .filter(|name| !name.is_empty())
            .unwrap_or("User")
            .to_owned(),
        name: text(&properties, "ObjectName"),
        dtsid: text(&properties, "DTSID"),
        data_type,
        value: value
            .filter(|value| !is_encrypted(*value))
            .map(content)
            .unwrap_or_default(),
        expression: Some(expression).filter(|expression| !expression.is_empty()),
        evaluate_as_expression: boolean(element, &properties, "EvaluateAsExpression", false)?,
        read_only: boolean(element, &properties, "ReadOnly", false)?,
        sensitive: boolean(element, &properties, "Sensitive", false)?,
        raise_changed_event: boolean(element, &properties, "RaiseChangedEvent", false)?,
    })
}

/// Text, or the XML of an object's envelope.
fn content(element: Element<'_>) -> String {
    match element.children().next() {
        Some(_) => element.inner_xml().to_owned(),
        None => element.text().into_owned(),
    }
}

/// A parameter of a package.
pub(crate) fn read_parameter(element: Element<'_>) -> Result<Parameter, Error> {
    let properties = own_properties(element);
    let value = element.children().find(|child| {
        child.local_name() == "Property" && attribute(*child, "Name") == "ParameterValue"
    });
    let data_type = properties
        .get("DataType")
        .map(str::to_owned)
        .or_else(|| value.map(|value| attribute(value, "DataType")))
        .filter(|found| !found.is_empty());
    Ok(Parameter {
        name: text(&properties, "ObjectName"),
        dtsid: text(&properties, "DTSID"),
        data_type: match data_type {
            None => VARTYPE_STRING,
            Some(found) => vartype(element, &found)?,
        },
        value: value
            .filter(|value| !is_encrypted(*value) && value.child("EncryptedData").is_none())
            .map(content)
            .unwrap_or_default(),
        required: boolean(element, &properties, "Required", false)?,
        sensitive: boolean(element, &properties, "Sensitive", false)?,
    })
}

fn vartype(element: Element<'_>, found: &str) -> Result<u16, Error> {
    found
        .trim()
        .parse()
        .map_err(|_| value_error(element, "DataType", found, "a VARTYPE number"))
}

/// Constraints between the executables of a container; ends that name none of them stay as they are written.
pub(super) fn read_constraints(
    element: Element<'_>,
    executables: &[Executable],
) -> Result<Vec<PrecedenceConstraint>, Error> {
    collection(element, "PrecedenceConstraints", "PrecedenceConstraint")
        .map(|child| read_constraint(child, executables))
        .collect()
}

fn read_constraint(
    element: Element<'_>,
    executables: &[Executable],
) -> Result<PrecedenceConstraint, Error> {
    let properties = own_properties(element);
    let (mut from, mut to) = (text(&properties, "From"), text(&properties, "To"));
    for end in element
        .children()
        .filter(|child| child.local_name() == "Executable")
    {
        let is_from = attribute(end, "IsFrom");
        match crate::parse_bool(&is_from) {
            Some(true) => from = attribute(end, "IDREF"),
            Some(false) => to = attribute(end, "IDREF"),
            None => return Err(value_error(end, "IsFrom", &is_from, "-1 or 0")),
        }
    }
    let expression = text(&properties, "Expression");
    Ok(PrecedenceConstraint {
        name: text(&properties, "ObjectName"),
        from: executable_path(&from, executables),
        to: executable_path(&to, executables),
        value: match number(element, &properties, "Value", 0)? {
            0 => ConstraintValue::Success,
            1 => ConstraintValue::Failure,
            2 => ConstraintValue::Completion,
            3 => ConstraintValue::Canceled,
            _ => {
                return Err(value_error(
                    element,
                    "Value",
                    &text(&properties, "Value"),
                    "0 to 3",
                ));
            }
        },
        eval_op: match number(element, &properties, "EvalOp", 2)? {
            1 => EvalOp::Expression,
            2 => EvalOp::Constraint,
            3 => EvalOp::ExpressionAndConstraint,
            4 => EvalOp::ExpressionOrConstraint,
            _ => {
                return Err(value_error(
                    element,
                    "EvalOp",
                    &text(&properties, "EvalOp"),
                    "1 to 4",
                ));
            }
        },
        logical_and: boolean(element, &properties, "LogicalAnd", false)?,
        expression: Some(expression).filter(|expression| !expression.is_empty()),
    })
}

/// By refId, else DTSID, else name.
fn executable_path(reference: &str, executables: &[Executable]) -> String {
    let find = |matches: &dyn Fn(&Executable) -> bool| {
        executables.iter().find(|executable| matches(executable))
    };
    find(&|executable| executable.path == reference)
        .or_else(|| {
            find(&|executable| {
                !reference.is_empty() && executable.dtsid.eq_ignore_ascii_case(reference)
            })
        })
        .or_else(|| find(&|executable| executable.name == reference))
        .map_or_else(
            || reference.to_owned(),
            |executable| executable.path.clone(),
        )
}
