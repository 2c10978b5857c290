//! The settings of the task as packages hold them: attributes, `MethodInfo`, and a `ParamInfo` for each parameter.
//!
//! A value stands in an element of `ParamInfo`, `PrimitiveValue` as a rule; for ParamType Variable it names the variable.

use std::fmt;

use dtsx::{Executable, Payload, Properties, SsisCode};
use fletching_components::{Finding, FindingKind};

use crate::task::TaskHost;

/// `DTS_E_WEBSERVICETASK_SERVICE_NULL`, `..._METHODNAME_NULL`, `..._WEBMETHODINFO_NULL`, `..._OUTPUTLOC_NULL`.
const NO_SERVICE: SsisCode = SsisCode(0xC002_9207);
const NO_METHOD: SsisCode = SsisCode(0xC002_9208);
const NO_METHOD_INFO: SsisCode = SsisCode(0xC002_9209);
const NO_OUTPUT: SsisCode = SsisCode(0xC002_920A);
/// `DTS_E_WEBSERVICETASK_PARAMTYPE_NOT_SUPPORTED`.
const OTHER_PARAMETER: SsisCode = SsisCode(0xC002_9219);
/// `DTS_E_WEBSERVICETASK_SELECTED_VALUE_NULL`.
const NOT_SELECTED: SsisCode = SsisCode(0xC002_9238);

/// Attributes of the task that mean something here.
const KNOWN: [&str; 6] = [
    "ConnectionName",
    "Service",
    "WSDLFile",
    "OverwriteWSDLFile",
    "OutputType",
    "OutputLocation",
];
/// What `ParamInfo` says beside the value.
const BESIDE_VALUE: [&str; 4] = ["Name", "Datatype", "ParamType", "SeqNumber"];

/// The settings, read.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) connection: String,
    pub(super) service: String,
    pub(super) wsdl_file: String,
    pub(super) method: String,
    pub(super) parameters: Vec<Parameter>,
    pub(super) output: Output,
    /// What cannot be read as it stands.
    wrong: Vec<Wrong>,
}

/// Where the result goes.
#[derive(Debug, Default)]
pub(super) enum Output {
    /// It is not said.
    #[default]
    Nowhere,
    /// A FILE connection manager.
    File(String),
    Variable(String),
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("nothing"),
            Self::File(name) => write!(f, "the file of `{name}`"),
            Self::Variable(name) => write!(f, "variable `{name}`"),
        }
    }
}

#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Text(String),
    /// The variable that holds it.
    Variable(String),
    /// It is left out.
    Nothing,
    /// Of a kind that is not supported.
    Refused,
}

#[derive(Debug)]
struct Wrong {
    kind: FindingKind,
    code: SsisCode,
    message: String,
}

impl Settings {
    /// `None` if the task was never configured.
    pub(super) fn of(executable: &Executable) -> Option<Self> {
        let Payload::Other(data) = &executable.payload else {
            return None;
        };
        if data.element != "WebServiceTaskData" {
            return None;
        }
        let text = |name: &str| data.properties.get(name).unwrap_or_default().to_owned();
        let mut settings = Self {
            connection: text("ConnectionName"),
            service: text("Service"),
            wsdl_file: text("WSDLFile"),
            ..Self::default()
        };
        for property in data.properties.iter() {
            let name = property.name.as_str();
            if !KNOWN.contains(&name) && !name.starts_with("xmlns") {
                settings.refuse(
                    SsisCode::VALIDATION_FAILED,
                    format!("`{name}` is not supported"),
                );
            }
        }
        settings.read_output(&text("OutputType"), text("OutputLocation"));
        let mut items = data.items.iter().peekable();
        let mut has_method = false;
        while let Some((element, properties)) = items.next() {
            match element.as_str() {
                "MethodInfo" => {
                    has_method = true;
                    settings.read_method(properties);
                }
                "ParamInfo" => {
                    let mut inner = Vec::new();
                    while let Some(one) = items.next_if(|(element, _)| element != "ParamInfo") {
                        inner.push(one);
                    }
                    settings.read_parameter(properties, &inner);
                }
                other => {
                    let message = format!("`{other}` is not supported");
                    settings.refuse(SsisCode::VALIDATION_FAILED, message);
                }
            }
        }
        settings.miss(
            !has_method,
            NO_METHOD_INFO,
            "it calls no method (WebMethodInfo)",
        );
        let missing = has_method && settings.method.is_empty();
        settings.miss(missing, NO_METHOD, "it names no method (MethodName)");
        let missing = settings.service.trim().is_empty();
        settings.miss(missing, NO_SERVICE, "it names no service (ServiceName)");
        Some(settings)
    }

    /// What is wrong with what the package holds.
    pub(super) fn problems(&self, host: &TaskHost<'_>) -> Vec<Finding> {
        let wrong = self.wrong.iter();
        wrong
            .map(|one| host.finding(one.kind, Some(one.code), one.message.clone()))
            .collect()
    }

    fn read_output(&mut self, kind: &str, location: String) {
        let is_empty = location.trim().is_empty();
        self.miss(
            is_empty,
            NO_OUTPUT,
            "it puts the result nowhere (OutputLocation)",
        );
        self.output = match kind.trim() {
            _ if is_empty => Output::Nowhere,
            "" | "0" | "File" | "FileConnection" => Output::File(location),
            "1" | "Variable" => Output::Variable(location),
            other => {
                let message = format!("OutputType is `{other}`: File or Variable is wanted");
                self.miss(true, SsisCode::VALIDATION_FAILED, &message);
                Output::Nowhere
            }
        };
    }

    fn read_method(&mut self, properties: &Properties) {
        let text = |name: &str| properties.get(name).unwrap_or_default().trim();
        text("MethodName").clone_into(&mut self.method);
        let message = text("MessageName");
        if !message.is_empty() && message != self.method {
            let message = format!(
                "the method `{}` by the name of its message (MessageName `{message}`) is not supported",
                self.method
            );
            self.refuse(SsisCode::VALIDATION_FAILED, message);
        }
    }

    /// `inner`: elements within that hold more than text.
    fn read_parameter(&mut self, properties: &Properties, inner: &[&(String, Properties)]) {
        let text = |name: &str| properties.get(name).unwrap_or_default().trim();
        let name = text("Name").to_owned();
        let beside = |name: &str| BESIDE_VALUE.contains(&name) || name.starts_with("xmlns");
        let own = properties.iter().find(|one| !beside(&one.name));
        let own = own.map(|property| property.value.clone());
        let value = match text("ParamType") {
            "Primitive" | "" if inner.is_empty() => own.map_or(Value::Nothing, Value::Text),
            "Variable" if inner.is_empty() => match own.filter(|own| !own.trim().is_empty()) {
                Some(variable) => Value::Variable(variable.trim().to_owned()),
                None => {
                    let message = format!("its parameter `{name}` names no variable");
                    self.miss(true, super::NO_VARIABLE, &message);
                    Value::Refused
                }
            },
            "Enum" => {
                let selected = inner
                    .iter()
                    .find_map(|(_, properties)| properties.get("SelectedValue"))
                    .map(str::to_owned);
                match selected.or(own) {
                    Some(selected) => Value::Text(selected),
                    None => {
                        let message = format!("its parameter `{name}`: no value is selected");
                        self.miss(true, NOT_SELECTED, &message);
                        Value::Refused
                    }
                }
            }
            kind => {
                let message = format!(
                    "its parameter `{name}` is of kind {kind}, which is not supported: Primitive, Enum and Variable are"
                );
                self.refuse(OTHER_PARAMETER, message);
                Value::Refused
            }
        };
        self.parameters.push(Parameter { name, value });
    }

    fn refuse(&mut self, code: SsisCode, message: String) {
        let kind = FindingKind::Unsupported;
        self.wrong.push(Wrong {
            kind,
            code,
            message,
        });
    }

    fn miss(&mut self, missing: bool, code: SsisCode, message: &str) {
        if missing {
            self.wrong.push(Wrong {
                kind: FindingKind::Invalid,
                code,
                message: message.to_owned(),
            });
        }
    }
}
