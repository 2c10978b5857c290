//! Messages of SOAP 1.1: written for a call, read for what came back.

use dtsx::{Document, Element};

use super::{
    HttpResponse,
    soap::{SoapError, SoapMethod, SoapResult},
};

const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
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
    let (prefix, wrapper) = match method.qualified {
        true => (
            format!("<{} xmlns=\"{namespace}\">", method.wrapper),
            method.wrapper.clone(),
        ),
        false => (
            format!("<m:{} xmlns:m=\"{namespace}\">", method.wrapper),
            format!("m:{}", method.wrapper),
        ),
    };
    let mut body = prefix;
    for parameter in &method.parameters {
        let name = &parameter.name;
        let specified = format!("{name}Specified");
        let is_left_out = !has(&specified)
            && value(&specified).is_some_and(|said| said.trim().eq_ignore_ascii_case("false"));
        match value(name).filter(|_| !is_left_out) {
            Some(value) => body.push_str(&format!("<{name}>{}</{name}>", escaped(value))),
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
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"{ENVELOPE}\"><s:Body>{body}</{wrapper}></s:Body>\
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
        let shown: String = text.trim().chars().take(SHOWN_CHARS_MAX).collect();
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
    let (Some(result), Some(returns)) = (answer.children().next(), &method.returns) else {
        return Ok(None);
    };
    Ok(Some(stored(result, returns)))
}

/// A value as the task stores it: in an element with the name of its type.
fn stored(result: Element<'_>, returns: &str) -> SoapResult {
    let inner = result.inner_xml();
    let namespace = match result.children().next() {
        Some(child) if !child.namespace().is_empty() => {
            format!(" xmlns=\"{}\"", escaped(child.namespace()))
        }
        _ => String::new(),
    };
    SoapResult {
        xml: format!("<{returns}{namespace}>{inner}</{returns}>"),
        text: result.text().into_owned(),
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
