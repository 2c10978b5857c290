//! Text to nodes. The text is known to be well-formed and to declare no entities.

use std::rc::Rc;

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

use super::{Attribute, DocumentType, Id, Kind, Name, Tree, XML, XMLNS, deeper};
use crate::xml::XmlError;

/// Prefixes are looked up one by one, so there must be few.
const SCOPE_MAX: usize = 512;

/// Decodes the bytes of a document by its byte order mark or its declaration.
pub(in crate::xml) fn decoded(bytes: &[u8]) -> Result<String, XmlError> {
    let encoding = encoding_rs::Encoding::for_bom(bytes)
        .map(|(encoding, _)| encoding)
        .or_else(|| declared(bytes))
        .unwrap_or(encoding_rs::UTF_8);
    let (text, _, wrong) = encoding.decode(bytes);
    match wrong {
        true => Err(XmlError::Syntax(format!(
            "it is not in the encoding {}",
            encoding.name()
        ))),
        false => Ok(text.into_owned()),
    }
}

/// The encoding that a declaration in ASCII names.
fn declared(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let end = bytes.windows(2).take(512).position(|two| two == b"?>")?;
    let declaration = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|one| "\"'".contains(*one))?;
    let label = value.split(quote).nth(1)?;
    encoding_rs::Encoding::for_label(label.as_bytes())
}

impl Tree {
    /// # Errors
    /// What is not XML, or more than the limits allow.
    pub(in crate::xml) fn read(text: &str) -> Result<Self, XmlError> {
        let mut builder = Builder {
            tree: Self::new(),
            open: vec![Open {
                id: Id::DOCUMENT,
                scope: 2,
                preserves: false,
            }],
            scope: vec![
                (Rc::from(""), Rc::from("")),
                (Rc::from("xml"), Rc::from(XML)),
            ],
            text: String::new(),
        };
        let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
        reader.config_mut().check_comments = false;
        loop {
            let event = reader.read_event();
            let event = event.map_err(|error| XmlError::Syntax(error.to_string()))?;
            if matches!(event, Event::Eof) {
                builder.flush()?;
                return Ok(builder.tree);
            }
            builder.take(&event)?;
        }
    }
}

/// An element whose end tag has not come.
struct Open {
    id: Id,
    /// Length of the scope outside.
    scope: usize,
    preserves: bool,
}

struct Builder {
    tree: Tree,
    open: Vec<Open>,
    /// Prefix and namespace, innermost last.
    scope: Vec<(Rc<str>, Rc<str>)>,
    /// Text whose end has not come.
    text: String,
}

impl Builder {
    fn take(&mut self, event: &Event<'_>) -> Result<(), XmlError> {
        match event {
            Event::Text(text) => self.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => self.text.push(match &*reference.xml10_content() {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "apos" => '\'',
                "quot" => '"',
                _ => {
                    let found = reference.resolve_char_ref();
                    found.ok().flatten().ok_or(XmlError::Entities)?
                }
            }),
            Event::CData(text) => self.leaf(Kind::CData(text.xml10_content().as_ref().into()))?,
            Event::Comment(text) => {
                self.leaf(Kind::Comment(text.xml10_content().as_ref().into()))?;
            }
            Event::PI(one) => {
                let data = one.content().trim_start();
                self.leaf(Kind::Instruction(one.target().into(), data.into()))?;
            }
            Event::Decl(one) => {
                let inner = one.strip_prefix("xml").unwrap_or(one).trim();
                self.leaf(Kind::Declaration(inner.into()))?;
            }
            Event::DocType(text) => {
                let kind = Kind::DocumentType(document_type(&text.xml10_content())?);
                self.leaf(kind)?;
            }
            Event::Start(tag) => self.start(tag, false)?,
            Event::Empty(tag) => self.start(tag, true)?,
            Event::End(_) => {
                self.flush()?;
                if let Some(open) = self.open.pop() {
                    self.scope.truncate(open.scope);
                }
            }
            Event::Eof => {}
        }
        Ok(())
    }

    fn innermost(&self) -> (Id, bool) {
        let innermost = self.open.last();
        innermost.map_or((Id::DOCUMENT, false), |open| (open.id, open.preserves))
    }

    fn leaf(&mut self, kind: Kind) -> Result<(), XmlError> {
        self.flush()?;
        let (parent, _) = self.innermost();
        self.tree.append(parent, kind).map(|_| ())
    }

    /// Ends the text that has come so far.
    fn flush(&mut self) -> Result<(), XmlError> {
        let (parent, preserves) = self.innermost();
        let is_space = self.text.chars().all(is_space);
        let kind = match (is_space, preserves) {
            _ if self.text.is_empty() => return Ok(()),
            (true, false) => None,
            (true, true) => Some(Kind::Space(self.text.as_str().into())),
            (false, _) => Some(Kind::Text(self.text.as_str().into())),
        };
        self.text.clear();
        match kind {
            Some(kind) => self.tree.append(parent, kind).map(|_| ()),
            None => Ok(()),
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>, is_empty: bool) -> Result<(), XmlError> {
        self.flush()?;
        deeper(u32::try_from(self.open.len()).unwrap_or(u32::MAX))?;
        let syntax = |error: &dyn std::fmt::Display| XmlError::Syntax(error.to_string());
        let (parent, mut preserves) = self.innermost();
        let scope = self.scope.len();
        let mut attributes = Vec::new();
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| syntax(&error))?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value: Rc<str> = value.map_err(|error| syntax(&error))?.as_ref().into();
            let name = attribute.key.as_ref().to_owned();
            if name == "xmlns" || name.starts_with("xmlns:") {
                let prefix = name.strip_prefix("xmlns:").unwrap_or_default();
                self.scope.push((prefix.into(), Rc::clone(&value)));
                if self.scope.len() > SCOPE_MAX {
                    let message = format!("more than {SCOPE_MAX} namespaces at one place");
                    return Err(XmlError::Limit(message));
                }
            }
            if name == "xml:space" {
                preserves = &*value == "preserve";
            }
            attributes.push((name, value));
        }
        let mut named = Vec::with_capacity(attributes.len());
        for (name, value) in attributes {
            let name = match name.split_once(':') {
                Some(("xmlns", local)) => Name::new("xmlns", local, XMLNS),
                Some((prefix, local)) => Name::new(prefix, local, &self.resolve(prefix)?),
                None if name == "xmlns" => Name::new("", "xmlns", XMLNS),
                None => Name::plain(&name),
            };
            named.push(Attribute { name, value });
        }
        let name = tag.name();
        let (prefix, local) = name.as_ref().split_once(':').unwrap_or(("", name.as_ref()));
        let name = Name::new(prefix, local, &self.resolve(prefix)?);
        let id = self.tree.append(parent, Kind::Element(name, named))?;
        match is_empty {
            true => self.scope.truncate(scope),
            false => self.open.push(Open {
                id,
                scope,
                preserves,
            }),
        }
        Ok(())
    }

    fn resolve(&self, prefix: &str) -> Result<Rc<str>, XmlError> {
        let declared = self.scope.iter().rev().find(|(one, _)| **one == *prefix);
        declared
            .map(|(_, namespace)| Rc::clone(namespace))
            .ok_or_else(|| XmlError::Syntax(format!("the prefix `{prefix}` is not declared")))
    }
}

pub(in crate::xml) fn is_space(one: char) -> bool {
    matches!(one, ' ' | '\t' | '\n' | '\r')
}

/// `name PUBLIC "public" "system" [subset]`.
fn document_type(text: &str) -> Result<DocumentType, XmlError> {
    let wrong = || XmlError::Syntax(format!("the document type `{text}` is not understood"));
    let text = text.trim();
    let end = text
        .find(|one: char| is_space(one) || one == '[')
        .unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    let mut found = DocumentType {
        name: name.into(),
        ..DocumentType::default()
    };
    rest = rest.trim_start();
    if let Some(after) = rest.strip_prefix("PUBLIC") {
        let (public, after) = literal(after).ok_or_else(wrong)?;
        let (system, after) = literal(after).ok_or_else(wrong)?;
        (found.public, found.system) = (Some(public), Some(system));
        rest = after;
    } else if let Some(after) = rest.strip_prefix("SYSTEM") {
        let (system, after) = literal(after).ok_or_else(wrong)?;
        found.system = Some(system);
        rest = after;
    }
    match rest.trim() {
        "" => {}
        subset => {
            let subset = subset.strip_prefix('[');
            let subset = subset.and_then(|one| one.strip_suffix(']'));
            found.subset = Some(subset.ok_or_else(wrong)?.into());
        }
    }
    Ok(found)
}

fn literal(text: &str) -> Option<(Rc<str>, &str)> {
    let text = text.trim_start();
    let quote = text.chars().next().filter(|one| "\"'".contains(*one))?;
    let (value, rest) = text.strip_prefix(quote)?.split_once(quote)?;
    Some((value.into(), rest))
}
