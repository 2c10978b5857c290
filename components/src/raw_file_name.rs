//! Where a raw file is, as its source and destination both say it: a path, or a variable that holds one.

use std::path::PathBuf;

use arrow::array::AsArray;
use dtsx::{DataType, SsisCode};
use fletching_connections::PathMap;

use crate::{
    Binding, Finding,
    flow::FlowError,
    transforms::settings::{namespace_and_name, settable_names},
};

pub(crate) const ACCESS_MODE: &str = "AccessMode";
pub(crate) const FILE_NAME: &str = "FileName";
pub(crate) const FILE_NAME_VARIABLE: &str = "FileNameVariable";

const NAME_REQUIRED: SsisCode = SsisCode(0xC020_205A); // DTS_E_RAWFILENAMEREQUIRED
const NAME_INVALID: SsisCode = SsisCode(0xC020_2070); // DTS_E_RAWFILENAMEINVALID

/// AccessMode, FileName and FileNameVariable, with the variable's value as the data flow starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RawFileName {
    Stated(String),
    /// A variable may be empty until an earlier task or an override fills it.
    Variable {
        name: String,
        value: String,
    },
}

impl RawFileName {
    /// # Errors
    /// A finding: no such mode, no name, no such variable or none of text.
    pub(crate) fn read(binding: &Binding<'_>) -> Result<Self, Finding> {
        let properties = &binding.component.properties;
        let text = |name: &str| properties.get(name).unwrap_or_default().trim();
        match text(ACCESS_MODE) {
            "" | "0" => match text(FILE_NAME) {
                "" => Err(Finding {
                    code: Some(NAME_REQUIRED),
                    ..binding.finding(format!("{FILE_NAME} is empty: name the raw file"))
                }),
                name => Ok(Self::Stated(name.to_owned())),
            },
            "1" => variable(binding, text(FILE_NAME_VARIABLE)),
            other => Err(binding.unsupported(format!(
                "{ACCESS_MODE} `{other}` is not known: 0 takes the file's name from {FILE_NAME}, 1 from the variable in \
                 {FILE_NAME_VARIABLE}"
            ))),
        }
    }

    /// The local path. The file need not exist.
    pub(crate) fn resolve(&self, component: &str, map: &PathMap) -> Result<PathBuf, FlowError> {
        let text = match self {
            Self::Variable { name, value } if value.trim().is_empty() => {
                let message = format!(
                    "variable `{name}` holds no file name: set it with `--set '\\Package.Variables[{name}].Value=PATH'`"
                );
                return Err(FlowError::new(component, Some(NAME_REQUIRED), message));
            }
            Self::Stated(text) | Self::Variable { value: text, .. } => text,
        };
        map.resolve(text)
            .map_err(|error| FlowError::new(component, Some(NAME_INVALID), error.to_string()))
    }
}

fn variable(binding: &Binding<'_>, variable: &str) -> Result<RawFileName, Finding> {
    if variable.is_empty() {
        let message =
            format!("{ACCESS_MODE} is 1 and {FILE_NAME_VARIABLE} is empty: name a variable");
        return Err(Finding {
            code: Some(NAME_REQUIRED),
            ..binding.finding(message)
        });
    }
    let (namespace, name) = namespace_and_name(variable);
    let Some(value) = binding.variables.value(namespace, name) else {
        if let Some(fault) = binding.variables.fault(namespace, name) {
            return Err(binding.finding(format!(
                "variable `{variable}`, which names the raw file, {fault}"
            )));
        }
        let known = settable_names(binding).join(", ");
        return Err(Finding {
            code: Some(SsisCode::VARIABLE_NOT_FOUND),
            ..binding.finding(format!(
                "variable `{variable}`, which names the raw file, does not exist; in scope are: {known}"
            ))
        });
    };
    let text = match value.data_type {
        DataType::WStr { .. } | DataType::Str { .. } => value.array.as_string_view_opt(),
        _ => None,
    };
    let Some(text) = text else {
        return Err(binding.finding(format!(
            "variable `{variable}` holds {}: a file name is text",
            value.data_type
        )));
    };
    Ok(RawFileName::Variable {
        name: variable.to_owned(),
        value: text.iter().flatten().next().unwrap_or_default().to_owned(),
    })
}
