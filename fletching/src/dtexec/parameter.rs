//! Values of /Parameter: `[$Package::|$Project::]name[(type)];value`, and `CM.manager.property;value`.

use super::values::{bare, head};

/// What a value sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Parameter {
    Value {
        name: String,
        value: String,
    },
    /// Of a connection manager, by its path.
    Property {
        path: String,
        value: String,
    },
}

/// Reads one.
///
/// # Errors
/// What is wanted.
pub(super) fn read(text: &str) -> Result<Parameter, String> {
    let (name, value) = head(text);
    let Some(value) = value else {
        return Err("name;value".to_owned());
    };
    let value = bare(value);
    let (name, kind) = match name
        .strip_suffix(')')
        .and_then(|name| name.rsplit_once('('))
    {
        Some((name, kind)) => (name.trim().to_owned(), Some(kind)),
        None => (name, None),
    };
    if let Some(kind) = kind {
        check(kind.trim(), &value)?;
    }
    let start = |prefix: &str| {
        let start = name.get(..prefix.len())?;
        start
            .eq_ignore_ascii_case(prefix)
            .then(|| name.get(prefix.len()..))?
    };
    if start("$ServerOption::").is_some() {
        return Err("a parameter of the package or the project (the options of a server are of the SSIS catalog, which is not there)".to_owned());
    }
    if let Some(rest) = start("CM.") {
        return match rest.rsplit_once('.') {
            Some((manager, property)) if !manager.is_empty() && !property.is_empty() => {
                let path = format!("\\Package.Connections[{manager}].Properties[{property}]");
                Ok(Parameter::Property { path, value })
            }
            _ => Err("CM.manager.property;value".to_owned()),
        };
    }
    // As the engine knows the two namespaces.
    let name = match (start("$Package::"), start("$Project::")) {
        (Some(name), _) => format!("$Package::{name}"),
        (_, Some(name)) => format!("$Project::{name}"),
        _ => name,
    };
    match name.is_empty() {
        true => Err("name;value".to_owned()),
        false => Ok(Parameter::Value { name, value }),
    }
}

/// Whether a value is one of a CLR type, by the name of its TypeCode.
fn check(kind: &str, value: &str) -> Result<(), String> {
    let value = value.trim();
    let is = match kind.to_ascii_lowercase().as_str() {
        "boolean" => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
        "byte" => value.parse::<u8>().is_ok(),
        "sbyte" => value.parse::<i8>().is_ok(),
        "int16" => value.parse::<i16>().is_ok(),
        "int32" => value.parse::<i32>().is_ok(),
        "int64" => value.parse::<i64>().is_ok(),
        "uint16" => value.parse::<u16>().is_ok(),
        "uint32" => value.parse::<u32>().is_ok(),
        "uint64" => value.parse::<u64>().is_ok(),
        "single" | "double" | "decimal" => value.parse::<f64>().is_ok(),
        "char" => value.chars().count() == 1,
        // The parameter's own type says what a date is.
        "datetime" => !value.is_empty(),
        "string" => true,
        _ => {
            return Err(format!(
                "a type that there is (`{kind}` is none; Boolean, Byte, Char, DateTime, Decimal, Double, Int16, Int32, Int64, SByte, Single, String, UInt16, UInt32, UInt64)"
            ));
        }
    };
    match is {
        true => Ok(()),
        false => Err(format!("a value of type {kind}")),
    }
}
