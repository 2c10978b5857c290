//! What is encrypted in a document and therefore not available.
//!
//! ```text
//!                   with a password                            with the key of a Windows user (DPAPI)
//! .dtsx             EncryptedData in the element's place       Encrypted="1", the cipher as text
//! .conmgr, .params  SSIS:Salt, SSIS:IV, the cipher as text     the cipher as text, nothing else
//! ```

use std::fmt;

use crate::{
    Document, Element, Position, parse_bool,
    read::shape::{attribute, is_encrypted},
};

/// Namespace of project files, and of the attributes of their ciphers.
pub(crate) const SSIS: &str = "www.microsoft.com/SqlServer/SSIS";
/// How a blob of the Windows data protection API starts, in Base64: its version and the GUID of the provider.
const DPAPI: &str = "AQAAANCMnd8BFdERjHoA";

/// What closes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SealedBy {
    /// The password of the package or project.
    Password,
    /// The key of a Windows user: no other machine opens it.
    UserKey,
}

/// A value that is encrypted. Shown as `owner.property`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// refId of what holds it, its name in formats 2 and 3; empty for a document as a whole.
    pub owner: String,
    /// Name of what holds it: of a connection manager, a parameter, a variable or a task.
    pub name: String,
    /// The property; `EncryptedData` where the cipher hides the property's name too.
    pub property: String,
    /// What closes it.
    pub by: SealedBy,
    /// Where it stands.
    pub position: Position,
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.owner.is_empty() {
            write!(f, "{}.", self.owner)?;
        }
        f.write_str(&self.property)
    }
}

/// All encrypted elements, in document order.
pub(crate) fn sealed_values(document: &Document) -> Vec<Sealed> {
    document
        .elements()
        .filter(|element| is_encrypted(*element))
        .map(describe)
        .collect()
}

/// An encrypted element by its owner and property.
pub(crate) fn describe(element: Element<'_>) -> Sealed {
    let own = attribute(element, "Name");
    let around = element.parent().filter(|parent| {
        element.local_name() == "EncryptedData" && parent.local_name() == "Property"
    });
    let property = match around {
        Some(parent) => attribute(parent, "Name"),
        None if own.is_empty() => element.local_name().to_owned(),
        None => own,
    };
    let owner = owner(element);
    let (owner, name) = owner.unwrap_or_default();
    Sealed {
        owner,
        name,
        property,
        by: sealed_by(element),
        position: element.position(),
    }
}

fn sealed_by(element: Element<'_>) -> SealedBy {
    if element.local_name() == "EncryptedData" || has_salt(element) {
        SealedBy::Password
    } else {
        SealedBy::UserKey
    }
}

/// Whether an element of a project file holds a cipher of a password.
pub(crate) fn has_salt(element: Element<'_>) -> bool {
    element
        .attributes()
        .any(|attribute| attribute.local_name() == "Salt" && attribute.namespace() == SSIS)
}

/// Whether an element of a project file holds a cipher of a Windows user.
pub(crate) fn has_user_key_cipher(element: Element<'_>) -> bool {
    let sensitive = element.attribute("Sensitive");
    sensitive.is_some_and(|value| parse_bool(&value) == Some(true))
        && element.text().trim_start().starts_with(DPAPI)
}

/// refId, or else name, and the name of the nearest element around that has one.
fn owner(element: Element<'_>) -> Option<(String, String)> {
    let around = std::iter::successors(element.parent(), |element| element.parent());
    around.into_iter().find_map(|element| {
        let property = element
            .children()
            .find(|child| {
                child.local_name() == "Property" && attribute(*child, "Name") == "ObjectName"
            })
            .map(|child| child.text().into_owned());
        let name = ["ObjectName", "name"]
            .iter()
            .map(|name| attribute(element, name))
            .chain(property)
            .find(|name| !name.is_empty());
        let path = Some(attribute(element, "refId")).filter(|path| !path.is_empty());
        let path = path.or_else(|| name.clone())?;
        Some((path.clone(), name.unwrap_or(path)))
    })
}
