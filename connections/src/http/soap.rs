//! Services that describe themselves (WSDL 1.1) and are called by SOAP 1.1: what the Web Service task needs.
//!
//! ```text
//!  WSDL ──Wsdl::read──▶ services, methods ──SoapMethod::envelope──▶ HttpClient::post ──SoapMethod::result──▶ SoapResult
//! ```
//!
//! Methods of document style with a wrapping element, and of RPC style, literal or encoded, with parameters of simple types
//! and enumerations; of encoded answers, too, only such values are read. Names within a description are told apart by their
//! local part; a description that imports others is refused by name. Ports of HTTP GET and POST and of SOAP 1.2 are passed
//! over, as SSIS does: its errors know the port of SOAP alone.

use dtsx::{Document, Element};

use super::{HttpResponse, soap_envelope as envelope, soap_error::SoapError};

/// Namespaces of what SOAP 1.1, SOAP 1.2 and HTTP add to WSDL.
const BINDING: &str = "http://schemas.xmlsoap.org/wsdl/soap/";
const BINDING_12: &str = "http://schemas.xmlsoap.org/wsdl/soap12/";
const BINDING_HTTP: &str = "http://schemas.xmlsoap.org/wsdl/http/";

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
    /// Each value says its type (`use="encoded"`).
    pub(super) encoded: bool,
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
    pub content: SoapContent,
    pub optional: bool,
    /// Namespace of its element; empty if it has none.
    pub(super) namespace: String,
    /// Name and namespace of its type, as an encoded value says them.
    pub(super) xsi_type: (String, String),
}

/// What an element of a type holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SoapContent {
    /// Text of a type of XML Schema.
    Simple,
    /// One of these texts.
    Enumeration(Vec<String>),
    /// Elements, or anything.
    Structured,
}

/// What a method returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoapResult {
    /// An element with the name of the value's type around the value, `<string>...</string>`, as .NET serialises it.
    pub xml: String,
    /// The value, if it is a simple one.
    pub text: String,
    /// What else came back: names of values that the task does not keep.
    pub left_out: Vec<String>,
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
        let is_rpc = style.as_deref() == Some("rpc");
        let input = operation.child("input");
        let form = input.and_then(|input| soap(input, "body", "use"));
        let encoded = form.as_deref() == Some("encoded");
        if encoded && !is_rpc {
            return Err(SoapError::Unsupported {
                what: format!("`{method}`, encoded in document style"),
                advice: "encoded messages are sent in RPC style",
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
        let target = self.document.root().attribute("targetNamespace");
        let mut found = SoapMethod {
            name: method.to_owned(),
            address,
            action: soap(operation, "operation", "soapAction").unwrap_or_default(),
            namespace: target.unwrap_or_default().into_owned(),
            wrapper: method.to_owned(),
            encoded,
            parameters: Vec::new(),
            returns: None,
        };
        if is_rpc {
            if let Some(namespace) = input.and_then(|input| soap(input, "body", "namespace")) {
                found.namespace = namespace;
            }
            self.by_parts(&mut found, &sent, &returned)?;
            return Ok(found);
        }
        self.wrapped(&mut found, &sent)?;
        if let Some(part) = returned.first() {
            let around = self.element(*part)?;
            if let Some((value, _)) = self.fields(around)?.into_iter().next() {
                found.returns = Some(self.returned(method, named(around.0), value)?);
            }
        }
        Ok(found)
    }

    /// The parts of a method of RPC style are its parameters, and what it returns.
    fn by_parts(
        &self,
        method: &mut SoapMethod,
        sent: &[Element<'_>],
        returned: &[Element<'_>],
    ) -> Result<(), SoapError> {
        let sent = sent.iter();
        let sent = sent.map(|part| self.parameter(*part, String::new()));
        method.parameters = sent.collect::<Result<_, _>>()?;
        let Some(part) = returned.first() else {
            return Ok(());
        };
        let returns = type_of(*part);
        if method.encoded && self.content(*part)?.1 == SoapContent::Structured {
            return Err(SoapError::Unsupported {
                what: format!("`{}`, which returns `{returns}` encoded", method.name),
                advice: "simple types and enumerations are read from encoded answers",
            });
        }
        method.returns = Some(returns);
        Ok(())
    }

    /// The name of what a method returns, as .NET has it.
    fn returned(
        &self,
        method: &str,
        around: String,
        value: Element<'_>,
    ) -> Result<String, SoapError> {
        if value
            .attribute("maxOccurs")
            .is_some_and(|count| count != "1")
        {
            return Err(SoapError::Unsupported {
                what: format!("`{method}`, which returns a list without an element around it"),
                advice: "one element around all values is wanted",
            });
        }
        let data_type = type_of(value);
        if !data_type.is_empty() {
            return Ok(data_type);
        }
        let inner = value.child("complexType");
        let inner = inner.and_then(|inner| inner.child("sequence"));
        let is_data_set = inner.is_some_and(|inner| {
            let parts: Vec<String> = below(inner, "element")
                .map(|part| local(part.attribute("ref")))
                .collect();
            parts == ["schema"] && inner.child("any").is_some()
        });
        Ok(match is_data_set {
            true => "DataSet".to_owned(),
            false => around + &named(value),
        })
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
        method.namespace = of_schema(schema, "targetNamespace");
        let fields = self.fields((element, schema))?.into_iter();
        let parameters = fields.map(|(field, namespace)| self.parameter(field, namespace));
        method.parameters = parameters.collect::<Result<_, _>>()?;
        Ok(())
    }

    fn parameter(
        &self,
        element: Element<'_>,
        namespace: String,
    ) -> Result<SoapParameter, SoapError> {
        let is =
            |name: &str, value: &str| element.attribute(name).is_some_and(|found| found == value);
        let (data_type, content) = self.content(element)?;
        Ok(SoapParameter {
            name: named(element),
            data_type,
            content,
            optional: is("minOccurs", "0") || is("nillable", "true"),
            namespace,
            xsi_type: (type_of(element), namespace_of_type(element)),
        })
    }

    /// The type of an element, and what it holds; a type that only narrows a type of XML Schema is that one.
    fn content(&self, element: Element<'_>) -> Result<(String, SoapContent), SoapError> {
        let several = element
            .attribute("maxOccurs")
            .is_some_and(|count| count != "1");
        let data_type = type_of(element);
        if several {
            return Ok((data_type, SoapContent::Structured));
        }
        let simple = match data_type.as_str() {
            "" => element.child("simpleType"),
            name => match self.declared("simpleType", name) {
                Ok((found, _)) => Some(found),
                Err(_) => match self.declared("complexType", name) {
                    Err(error) if !is_of_schema(name) => return Err(error),
                    _ => None,
                },
            },
        };
        let Some(restriction) = simple.and_then(|simple| simple.child("restriction")) else {
            let is_simple = simple.is_none() && is_of_schema(&data_type);
            return Ok((
                data_type,
                match is_simple {
                    true => SoapContent::Simple,
                    false => SoapContent::Structured,
                },
            ));
        };
        let members: Vec<String> = below(restriction, "enumeration")
            .map(|member| member.attribute("value").unwrap_or_default().into_owned())
            .collect();
        if members.is_empty() {
            return Ok((local(restriction.attribute("base")), SoapContent::Simple));
        }
        Ok((data_type, SoapContent::Enumeration(members)))
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
        let ports = below(found, "port").map(|port| {
            let address = port.children().find(|one| one.local_name() == "address");
            let kind = match address.map(Element::namespace) {
                Some(BINDING_HTTP) => "HTTP",
                Some(BINDING_12) => "SOAP 1.2",
                _ => "of another kind",
            };
            format!("{} ({kind})", named(port))
        });
        Err(SoapError::NoSoapPort {
            service: service.to_owned(),
            ports: ports.collect::<Vec<_>>().join(", "),
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

    /// The elements in an element, by its own type or the one that it names, and the namespace of each.
    fn fields<'d>(
        &'d self,
        (element, schema): (Element<'d>, Element<'d>),
    ) -> Result<Vec<(Element<'d>, String)>, SoapError> {
        let (of_type, schema) = match element.attribute("type") {
            Some(name) => {
                let (of_type, schema) = self.declared("complexType", &local(Some(name)))?;
                (Some(of_type), schema)
            }
            None => (element.child("complexType"), schema),
        };
        let mut fields = Vec::new();
        for part in of_type.into_iter().flat_map(Element::children) {
            match part.local_name() {
                "annotation" => {}
                "sequence" | "all" => {
                    for field in below(part, "element") {
                        fields.push(self.field(field, schema)?);
                    }
                }
                other => {
                    return Err(SoapError::Unsupported {
                        what: format!("`{}`, described by `{other}`", named(element)),
                        advice: "a sequence of elements is wanted",
                    });
                }
            }
        }
        Ok(fields)
    }

    /// An element in a type, or the one that it refers to, and its namespace.
    fn field<'d>(
        &'d self,
        field: Element<'d>,
        schema: Element<'d>,
    ) -> Result<(Element<'d>, String), SoapError> {
        if let Some(name) = field.attribute("ref") {
            let (found, schema) = self.declared("element", &local(Some(name)))?;
            return Ok((found, of_schema(schema, "targetNamespace")));
        }
        let form = field.attribute("form").map(std::borrow::Cow::into_owned);
        let form = form.unwrap_or_else(|| of_schema(schema, "elementFormDefault"));
        let namespace = match form.as_str() {
            "qualified" => of_schema(schema, "targetNamespace"),
            _ => String::new(),
        };
        Ok((field, namespace))
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

/// Types of XML Schema whose values are text.
const OF_SCHEMA: [&str; 33] = [
    "string",
    "normalizedString",
    "token",
    "language",
    "Name",
    "NCName",
    "NMTOKEN",
    "anyURI",
    "QName",
    "ID",
    "boolean",
    "byte",
    "short",
    "int",
    "long",
    "integer",
    "unsignedByte",
    "unsignedShort",
    "unsignedInt",
    "unsignedLong",
    "nonNegativeInteger",
    "positiveInteger",
    "negativeInteger",
    "nonPositiveInteger",
    "decimal",
    "float",
    "double",
    "dateTime",
    "date",
    "time",
    "duration",
    "base64Binary",
    "hexBinary",
];

/// `guid` and `char` are those of .NET.
fn is_of_schema(name: &str) -> bool {
    OF_SCHEMA.contains(&name) || matches!(name, "guid" | "char" | "gYear" | "gMonth" | "gDay")
}

fn of_schema(schema: Element<'_>, attribute: &str) -> String {
    schema.attribute(attribute).unwrap_or_default().into_owned()
}

fn type_of(element: Element<'_>) -> String {
    local(element.attribute("type"))
}

/// What the prefix of the type's name stands for.
fn namespace_of_type(element: Element<'_>) -> String {
    let name = element.attribute("type").unwrap_or_default();
    let declaration = match name.split_once(':') {
        Some((prefix, _)) => format!("xmlns:{prefix}"),
        None => "xmlns".to_owned(),
    };
    let mut around = Some(element);
    while let Some(one) = around {
        if let Some(found) = one.attributes().find(|found| found.name() == declaration) {
            return found.value().into_owned();
        }
        around = one.parent();
    }
    String::new()
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
