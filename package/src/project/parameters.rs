//! `Project.params`: the parameters of a project.

use crate::{
    Element, Error, Parameter, parse_bool,
    project::manifest::{items, property},
    read::{attribute, has_salt},
};

/// Parameters, and the names of those whose value is encrypted; `by_user_key`: the project has level 1 or 4.
pub(super) fn read(
    root: Element<'_>,
    by_user_key: bool,
) -> Result<(Vec<Parameter>, Vec<String>), Error> {
    if root.local_name() != "Parameters" {
        return Err(Error::WrongRoot {
            position: root.position(),
            found: root.name().to_owned(),
            wanted: "SSIS:Parameters, the root of Project.params",
        });
    }
    let mut sealed = Vec::new();
    let mut parameters = Vec::new();
    for element in root
        .children()
        .filter(|child| child.local_name() == "Parameter")
    {
        let mut parameter = read_parameter(element)?;
        if has_cipher(element, by_user_key) {
            parameter.value.clear();
            sealed.push(format!("Project::{}", parameter.name));
        }
        parameters.push(parameter);
    }
    Ok((parameters, sealed))
}

fn read_parameter(element: Element<'_>) -> Result<Parameter, Error> {
    let code = property(element, "DataType");
    let value = items(element, "Properties", "Property")
        .find(|property| attribute(*property, "Name") == "Value");
    let data_type = vartype(&code).ok_or_else(|| Error::Value {
        position: element.position(),
        name: "SSIS:Parameter DataType".to_owned(),
        found: code.clone(),
        wanted: "the number of a .NET TypeCode (3 Boolean, 9 Int32, 18 String, ...)",
    })?;
    Ok(Parameter {
        name: attribute(element, "Name"),
        dtsid: property(element, "ID"),
        data_type,
        value: value
            .map(|value| value.text().into_owned())
            .unwrap_or_default(),
        required: parse_bool(&property(element, "Required")).unwrap_or(false),
        sensitive: parse_bool(&property(element, "Sensitive")).unwrap_or(false),
    })
}

/// Whether the value is a cipher: one of a password says so itself, one of a user's key is a value marked as sensitive.
fn has_cipher(element: Element<'_>, by_user_key: bool) -> bool {
    items(element, "Properties", "Property").any(|property| {
        let by_key = || {
            by_user_key
                && parse_bool(&attribute(property, "Sensitive")) == Some(true)
                && !property.text().trim().is_empty()
        };
        attribute(property, "Name") == "Value" && (has_salt(property) || by_key())
    })
}

/// .NET TypeCode to VARTYPE.
fn vartype(type_code: &str) -> Option<u16> {
    Some(match type_code.parse::<u16>().ok()? {
        0 => 0,
        1 => 13,
        2 => 1,
        3 => 11,
        4 | 8 => 18,
        5 => 16,
        6 => 17,
        7 => 2,
        9 => 3,
        10 => 19,
        11 => 20,
        12 => 21,
        13 => 4,
        14 => 5,
        15 => 14,
        16 => 7,
        18 => 8,
        _ => return None,
    })
}
