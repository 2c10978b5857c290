//! Services that describe themselves (WSDL 1.1) and are called by SOAP 1.1: what the Web Service task needs.
//!
//! ```text
//!  WSDL ──Wsdl::read──▶ services, methods ──SoapMethod::envelope──▶ HttpClient::post ──SoapMethod::result──▶ SoapResult
//! ```
//!
//! Methods of document style with a wrapping element and of RPC style, both literal, with parameters of simple types.
//! Names within a description are told apart by their local part; a description that imports others is refused by name.

use dtsx::{Document, Element, SsisCode};

use super::{HttpResponse, soap_envelope as envelope};

/// Namespace of what SOAP 1.1 adds to WSDL.
const BINDING: &str = "http://schemas.xmlsoap.org/wsdl/soap/";

/// A service's description.
#[derive(Debug)]
pub struct Wsdl {
    document: Document,
}

/// A method that can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoapMethod {
    pub name: String,
    /// Where it is called, by the description: the connection manager says otherwise, if at all.
    pub address: String,
    /// The value of the header `SOAPAction`, without quotes.
    pub action: String,
    /// Namespace and name of the element around the parameters.
    pub(super) namespace: String,
    pub(super) wrapper: String,
    /// Parameters have the namespace too.
    pub(super) qualified: bool,
    pub parameters: Vec<SoapParameter>,
    /// Type of what it returns: `string`, `int`, a name of the description; `None`: it returns nothing.
    pub returns: Option<String>,
}

/// A parameter of a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoapParameter {
    pub name: String,
    /// `int`, `string`, a name of the description.
    pub data_type: String,
    pub optional: bool,
}

/// What a method returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoapResult {
    /// An element with the name of the value's type around the value: `<string>...</string>`, as the task stores it.
    pub xml: String,
    /// The value, if it is a simple one.
    pub text: String,
}

/// A description that says no service, a call that cannot be made, or one that failed there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SoapError {
    #[error("{what} is no description of a service (WSDL 1.1): {reason}")]
    NotWsdl { what: &'static str, reason: String },
    #[error("the description has no {kind} `{name}`; it has: {known}")]
    Missing {
        kind: &'static str,
        name: String,
        known: String,
    },
    #[error("{what} is not supported: {advice}")]
    Unsupported { what: String, advice: &'static str },
    #[error("`{method}` has no parameter `{name}`; it has: {known}")]
    UnknownParameter {
        method: String,
        name: String,
        known: String,
    },
    #[error("`{method}` needs a value for its parameter `{name}`")]
    NoValue { method: String, name: String },
    /// The service's own words.
    #[error("`{method}` failed at the service: {reason}")]
    Fault { method: String, reason: String },
    #[error("`{method}` answered with status {status} and something that is no SOAP: {reason}")]
    NoAnswer {
        method: String,
        status: u16,
        reason: String,
    },
}

impl SoapError {
    /// `DTS_E_WEBSERVICETASK_...`.
    pub fn code(&self) -> SsisCode {
        SsisCode(match self {
            Self::NotWsdl { .. } => 0xC002_9243,
            Self::Missing { kind, .. } => match *kind {
                "service" => 0xC002_9227,
                "port" => 0xC002_9228,
                "binding" => 0xC002_9229,
                "portType" => 0xC002_922A,
                "message" => 0xC002_922B,
                _ => 0xC002_9230,
            },
            Self::Unsupported { .. } => 0xC002_9218,
            Self::UnknownParameter { .. } | Self::NoValue { .. } => 0xC002_9230,
            Self::Fault { .. } | Self::NoAnswer { .. } => 0xC002_922F,
        })
    }
}

impl Wsdl {
    /// Reads a description.
    ///
    /// # Errors
    /// [`SoapError::NotWsdl`]
    pub fn read(bytes: &[u8]) -> Result<Self, SoapError> {
        let not = |reason: String| SoapError::NotWsdl {
            what: "the file",
            reason,
        };
        let document = Document::read(bytes).map_err(|error| not(error.to_string()))?;
        let root = document.root();
        if root.local_name() != "definitions" {
            let found = root.local_name();
            return Err(not(format!("it begins with `{found}`, not `definitions`")));
        }
        Ok(Self { document })
    }

    /// Names of services, in order.
    pub fn services(&self) -> Vec<String> {
        self.all("service").map(|service| named(service)).collect()
    }

    /// Names of a service's methods, in order.
    ///
    /// # Errors
    /// [`SoapError::Missing`]
    pub fn methods(&self, service: &str) -> Result<Vec<String>, SoapError> {
        let (binding, _) = self.binding(service)?;
        Ok(below(binding, "operation").map(named).collect())
    }

    /// A method of a service.
    ///
    /// # Errors
    /// [`SoapError::Missing`] names what the description lacks; [`SoapError::Unsupported`].
    pub fn method(&self, service: &str, method: &str) -> Result<SoapMethod, SoapError> {
        let (binding, address) = self.binding(service)?;
        let operation = find("method", below(binding, "operation"), method)?;
        let port_type = local(binding.attribute("type"));
        let port_type = find("portType", self.all("portType"), &port_type)?;
        let interface = find("method", below(port_type, "operation"), method)?;
        let soap = |of: Element<'_>, name: &str, attribute: &str| {
            let mut found = below(of, name).filter(|found| found.namespace() == BINDING);
            let value = found.next()?.attribute(attribute)?.into_owned();
            Some(value).filter(|value| !value.is_empty())
        };
        let style = soap(operation, "operation", "style").or(soap(binding, "binding", "style"));
        let input = operation.child("input");
        if input
            .and_then(|input| soap(input, "body", "use"))
            .as_deref()
            == Some("encoded")
        {
            return Err(SoapError::Unsupported {
                what: format!("the encoded form of `{method}`"),
                advice: "only literal messages are sent",
            });
        }
        let parts = |direction: &str| -> Result<Vec<Element<'_>>, SoapError> {
            let Some(of) = interface.child(direction) else {
                return Ok(Vec::new());
            };
            let message = local(of.attribute("message"));
            let message = find("message", self.all("message"), &message)?;
            Ok(below(message, "part").collect())
        };
        let (sent, returned) = (parts("input")?, parts("output")?);
        let mut found = SoapMethod {
            name: method.to_owned(),
            address,
            action: soap(operation, "operation", "soapAction").unwrap_or_default(),
            namespace: self
                .document
                .root()
                .attribute("targetNamespace")
                .unwrap_or_default()
                .into_owned(),
            wrapper: method.to_owned(),
            qualified: false,
            parameters: Vec::new(),
            returns: None,
        };
        if style.as_deref() == Some("rpc") {
            if let Some(namespace) = input.and_then(|input| soap(input, "body", "namespace")) {
                found.namespace = namespace;
            }
            found.parameters = sent.into_iter().map(parameter).collect();
            found.returns = returned.into_iter().next().map(type_of);
            return Ok(found);
        }
        self.wrapped(&mut found, &sent)?;
        if let Some(part) = returned.first() {
            let (element, _) = self.element(*part)?;
            found.returns = self.fields(element)?.into_iter().next().map(type_of);
        }
        Ok(found)
    }

    /// What a method of document style wraps its parameters in.
    fn wrapped(&self, method: &mut SoapMethod, sent: &[Element<'_>]) -> Result<(), SoapError> {
        let [part] = sent else {
            return Err(SoapError::Unsupported {
                what: format!("`{}`, a method with {} parts", method.name, sent.len()),
                advice: "one element around all parameters is wanted",
            });
        };
        let (element, schema) = self.element(*part)?;
        method.wrapper = named(element);
        let of_schema = |name: &str| schema.attribute(name).unwrap_or_default().into_owned();
        method.namespace = of_schema("targetNamespace");
        method.qualified = of_schema("elementFormDefault") == "qualified";
        method.parameters = self.fields(element)?.into_iter().map(parameter).collect();
        Ok(())
    }

    /// The binding of SOAP 1.1 of a service, and the address of its port.
    fn binding(&self, service: &str) -> Result<(Element<'_>, String), SoapError> {
        let found = find("service", self.all("service"), service)?;
        for port in below(found, "port") {
            let mut addresses = below(port, "address");
            let Some(address) = addresses.find(|found| found.namespace() == BINDING) else {
                continue;
            };
            let binding = local(port.attribute("binding"));
            let binding = find("binding", self.all("binding"), &binding)?;
            let address = address.attribute("location").unwrap_or_default();
            return Ok((binding, address.into_owned()));
        }
        Err(SoapError::Missing {
            kind: "port",
            name: format!("of SOAP 1.1 in the service {service}"),
            known: below(found, "port")
                .map(named)
                .collect::<Vec<_>>()
                .join(", "),
        })
    }

    /// The declaration of a part's element, and the schema that it stands in.
    fn element(&self, part: Element<'_>) -> Result<(Element<'_>, Element<'_>), SoapError> {
        self.declared("element", &local(part.attribute("element")))
    }

    fn declared(
        &self,
        kind: &'static str,
        name: &str,
    ) -> Result<(Element<'_>, Element<'_>), SoapError> {
        let types = self.document.root().child("types");
        let schemas = types.into_iter().flat_map(|types| below(types, "schema"));
        for schema in schemas {
            if let Some(found) = below(schema, kind).find(|found| named(*found) == name) {
                return Ok((found, schema));
            }
            if below(schema, "import").any(|import| import.attribute("schemaLocation").is_some()) {
                return Err(SoapError::Unsupported {
                    what: format!("a description that imports `{name}` from another file"),
                    advice: "put all of it into one file",
                });
            }
        }
        Err(SoapError::Missing {
            kind,
            name: name.to_owned(),
            known: "others".to_owned(),
        })
    }

    /// The elements in an element, by its own type or the one that it names.
    fn fields<'d>(&'d self, element: Element<'d>) -> Result<Vec<Element<'d>>, SoapError> {
        let of_type = match element.attribute("type") {
            Some(name) => Some(self.declared("complexType", &local(Some(name)))?.0),
            None => element.child("complexType"),
        };
        let sequence = of_type.and_then(|of_type| of_type.child("sequence"));
        Ok(sequence
            .into_iter()
            .flat_map(|sequence| below(sequence, "element"))
            .collect())
    }

    fn all<'d>(&'d self, name: &'d str) -> impl Iterator<Item = Element<'d>> {
        below(self.document.root(), name)
    }
}

impl SoapMethod {
    /// The message that calls the method; values by the names of parameters, as text. A value that is named
    /// `...Specified` says whether the optional parameter of that name is sent, as .NET has it.
    ///
    /// # Errors
    /// [`SoapError::UnknownParameter`], [`SoapError::NoValue`]
    pub fn envelope(&self, values: &[(&str, &str)]) -> Result<String, SoapError> {
        envelope::write(self, values)
    }

    /// Headers that go with the message.
    pub fn headers(&self) -> [(&'static str, String); 2] {
        [
            ("Content-Type", "text/xml; charset=utf-8".to_owned()),
            ("SOAPAction", format!("\"{}\"", self.action)),
        ]
    }

    /// What the method returned; `None` if it returns nothing.
    ///
    /// # Errors
    /// [`SoapError::Fault`] with the service's words, [`SoapError::NoAnswer`].
    pub fn result(&self, response: &HttpResponse) -> Result<Option<SoapResult>, SoapError> {
        envelope::read(self, response)
    }
}

fn parameter(element: Element<'_>) -> SoapParameter {
    let is = |name: &str, value: &str| element.attribute(name).is_some_and(|found| found == value);
    SoapParameter {
        name: named(element),
        data_type: type_of(element),
        optional: is("minOccurs", "0") || is("nillable", "true"),
    }
}

fn type_of(element: Element<'_>) -> String {
    local(element.attribute("type"))
}

fn below<'d>(element: Element<'d>, name: &'d str) -> impl Iterator<Item = Element<'d>> {
    element
        .children()
        .filter(move |child| child.local_name() == name)
}

fn named(element: Element<'_>) -> String {
    element.attribute("name").unwrap_or_default().into_owned()
}

/// `Add` of `tns:Add`.
fn local(name: Option<std::borrow::Cow<'_, str>>) -> String {
    let name = name.unwrap_or_default();
    let (_, local) = name.split_once(':').unwrap_or(("", &name));
    local.to_owned()
}

fn find<'d>(
    kind: &'static str,
    among: impl Iterator<Item = Element<'d>>,
    name: &str,
) -> Result<Element<'d>, SoapError> {
    let mut known = Vec::new();
    for element in among {
        let found = named(element);
        if found == name {
            return Ok(element);
        }
        known.push(found);
    }
    Err(SoapError::Missing {
        kind,
        name: name.to_owned(),
        known: known.join(", "),
    })
}
