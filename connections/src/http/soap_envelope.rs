//! Messages of SOAP 1.1: written for a call, read for what came back.

use dtsx::{Document, Element};

use super::{
    HttpResponse,
    soap::{SoapMethod, SoapResult},
    soap_error::SoapError,
};

const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// How encoded values are written (SOAP 1.1, section 5).
const ENCODING: &str = "http://schemas.xmlsoap.org/soap/encoding/";
/// Namespace of `xsi:nil` and `xsi:type`.
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// Part of an answer that is no SOAP that an error shows, in characters.
const SHOWN_CHARS_MAX: usize = 200;

/// The message that calls a method.
pub(super) fn write(method: &SoapMethod, values: &[(&str, &str)]) -> Result<String, SoapError> {
    let value = |name: &str| {
        let found = values.iter().find(|(given, _)| *given == name);
        found.map(|(_, value)| *value)
    };
    let has = |name: &str| method.parameters.iter().any(|found| found.name == name);
    for (name, _) in values {
        let base = name.strip_suffix("Specified");
        if !has(name) && !base.is_some_and(has) {
            let known: Vec<&str> = method
                .parameters
                .iter()
                .map(|found| found.name.as_str())
                .collect();
            return Err(SoapError::UnknownParameter {
                method: method.name.clone(),
                name: (*name).to_owned(),
                known: known.join(", "),
            });
        }
    }
    let namespace = escaped(&method.namespace);
    let wrapper = &method.wrapper;
    let form = match method.encoded {
        true => format!(" s:encodingStyle=\"{ENCODING}\" xmlns:i=\"{INSTANCE}\""),
        false => String::new(),
    };
    let mut body = format!("<m:{wrapper} xmlns:m=\"{namespace}\"{form}>");
    for parameter in &method.parameters {
        let name = &parameter.name;
        let specified = format!("{name}Specified");
        let is_left_out = !has(&specified)
            && value(&specified).is_some_and(|said| said.trim().eq_ignore_ascii_case("false"));
        match value(name).filter(|_| !is_left_out) {
            Some(value) => {
                let namespace = declaration(&parameter.namespace);
                let (name_of_type, space) = &parameter.xsi_type;
                let says = match method.encoded {
                    true => format!(
                        " i:type=\"t:{name_of_type}\" xmlns:t=\"{}\"",
                        escaped(space)
                    ),
                    false => String::new(),
                };
                body.push_str(&format!(
                    "<{name}{namespace}{says}>{}</{name}>",
                    escaped(value)
                ));
            }
            None if parameter.optional || is_left_out => {}
            None => {
                return Err(SoapError::NoValue {
                    method: method.name.clone(),
                    name: name.clone(),
                });
            }
        }
    }
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"{ENVELOPE}\"><s:Body>{body}</m:{wrapper}></s:Body>\
         </s:Envelope>"
    ))
}

/// What came back.
pub(super) fn read(
    method: &SoapMethod,
    response: &HttpResponse,
) -> Result<Option<SoapResult>, SoapError> {
    let no_answer = |reason: String| {
        let text = String::from_utf8_lossy(&response.body);
        let text: Vec<&str> = text.split_whitespace().collect();
        let shown: String = text.join(" ").chars().take(SHOWN_CHARS_MAX).collect();
        SoapError::NoAnswer {
            method: method.name.clone(),
            status: response.status,
            reason: format!("{reason}; it begins: {shown}"),
        }
    };
    let document = Document::read(&response.body).map_err(|error| no_answer(error.to_string()))?;
    let envelope = document.root();
    let body = Some(envelope)
        .filter(|envelope| envelope.namespace() == ENVELOPE)
        .and_then(|envelope| envelope.child("Body"))
        .ok_or_else(|| no_answer("no SOAP 1.1 envelope with a body".to_owned()))?;
    let Some(answer) = body.children().next() else {
        return Ok(None);
    };
    if answer.local_name() == "Fault" {
        let words = |name: &str| answer.child(name).map(|part| part.text().trim().to_owned());
        return Err(SoapError::Fault {
            method: method.name.clone(),
            reason: words("faultstring")
                .or(words("faultcode"))
                .unwrap_or_default(),
        });
    }
    if !(200..300).contains(&response.status) {
        return Err(no_answer("no fault".to_owned()));
    }
    let Some(returns) = &method.returns else {
        return Ok(None);
    };
    let mut values = answer.children();
    let result = match values.next() {
        None => nothing(returns),
        Some(value) => stored(referred(body, value).map_err(no_answer)?, returns),
    };
    Ok(Some(SoapResult {
        left_out: values.map(|value| value.local_name().to_owned()).collect(),
        ..result
    }))
}

/// Encoded answers may keep a value apart: `<AddReturn href="#id0"/>`, and `<multiRef id="id0">` beside the answer.
fn referred<'d>(body: Element<'d>, value: Element<'d>) -> Result<Element<'d>, String> {
    let Some(href) = value.attribute("href") else {
        return Ok(value);
    };
    let id = href.strip_prefix('#');
    let mut kept = body.children();
    let found = kept.find(|one| one.attribute("id").as_deref() == id && id.is_some());
    found.ok_or_else(|| format!("its value is said to be at `{href}`, and is not there"))
}

/// NULL of a type.
fn nothing(returns: &str) -> SoapResult {
    SoapResult {
        xml: format!("<{returns} xmlns:xsi=\"{INSTANCE}\" xsi:nil=\"true\" />"),
        text: String::new(),
        left_out: Vec::new(),
    }
}

/// A value as the task stores it: in an element with the name of its type, which has no namespace. So have the elements of a
/// list, .NET's `ArrayOf...`; all others keep theirs.
fn stored(value: Element<'_>, returns: &str) -> SoapResult {
    let is_nil = value.attributes().any(|one| {
        one.local_name() == "nil" && one.namespace() == INSTANCE && one.value() == "true"
    });
    if is_nil {
        return nothing(returns);
    }
    let text = value.text().into_owned();
    let xml = match value.children().next() {
        // Quotes stay in content.
        None => format!(
            "<{returns}>{}</{returns}>",
            escaped(&text).replace("&quot;", "\"")
        ),
        Some(_) => {
            let mut xml = format!("<{returns}");
            for (prefix, namespace) in prefixes(value) {
                xml.push_str(&format!(" xmlns:{prefix}=\"{}\"", escaped(&namespace)));
            }
            xml.push('>');
            let is_list = returns.starts_with("ArrayOf");
            copy_content(value, is_list, &mut xml);
            xml + &format!("</{returns}>")
        }
    };
    SoapResult {
        xml,
        text,
        left_out: Vec::new(),
    }
}

/// The content of an element, whose place has no default namespace: each element in it says its own.
fn copy_content(around: Element<'_>, bare: bool, xml: &mut String) {
    let inner = around.inner_xml();
    let mut at = 0;
    for child in around.children() {
        let whole = child.outer_xml();
        // Both are parts of one text.
        let start = whole.as_ptr().addr() - inner.as_ptr().addr();
        xml.push_str(inner.get(at..start).unwrap_or_default());
        at = start + whole.len();
        let is_default = !child.name().contains(':');
        if bare {
            let name = child.local_name();
            xml.push_str(&format!("<{name}"));
            for attribute in child.attributes().filter(|one| one.name() != "xmlns") {
                let value = escaped(&attribute.value());
                xml.push_str(&format!(" {}=\"{value}\"", attribute.name()));
            }
            xml.push('>');
            copy_content(child, false, xml);
            xml.push_str(&format!("</{name}>"));
        } else if is_default && !child.attributes().any(|one| one.name() == "xmlns") {
            let rest = whole.get(1 + child.name().len()..).unwrap_or_default();
            xml.push_str(&format!(
                "<{}{}{rest}",
                child.name(),
                declaration(child.namespace())
            ));
        } else {
            xml.push_str(whole);
        }
    }
    xml.push_str(inner.get(at..).unwrap_or_default());
}

/// The prefixes that the content of an element may use, with what they stand for around it.
fn prefixes(element: Element<'_>) -> Vec<(String, String)> {
    let inner = element.inner_xml();
    let mut found: Vec<(String, String)> = Vec::new();
    let mut around = Some(element);
    while let Some(one) = around {
        for attribute in one.attributes().filter(|one| one.is_declaration()) {
            let Some(prefix) = attribute.name().strip_prefix("xmlns:") else {
                continue;
            };
            let is_new = !found.iter().any(|(known, _)| known == prefix);
            if is_new && inner.contains(&format!("{prefix}:")) {
                found.push((prefix.to_owned(), attribute.value().into_owned()));
            }
        }
        around = one.parent();
    }
    found
}

/// ` xmlns="..."`, or nothing.
fn declaration(namespace: &str) -> String {
    match namespace.is_empty() {
        true => String::new(),
        false => format!(" xmlns=\"{}\"", escaped(namespace)),
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no way to say these.
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' => escaped.push('\u{fffd}'),
            _ => escaped.push(letter),
        }
    }
    escaped
}
