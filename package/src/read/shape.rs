//! The two shapes of a `DTS:` node: `<DTS:Property DTS:Name="X">v</DTS:Property>` children in formats 2/3, `DTS:X="v"`
//! attributes in 6/8. Upgraded files mix them, so both are read everywhere.

use crate::{
    Element, Error, Properties, Property, parse_bool,
    read::sealed::{has_salt, has_user_key_cipher},
};

/// The own properties of a node: attributes first, then property elements.
pub(crate) fn own_properties(element: Element<'_>) -> Properties {
    let attributes = element
        .attributes()
        .filter(|attribute| !attribute.is_declaration())
        .map(|attribute| Property {
            name: attribute.local_name().to_owned(),
            value: attribute.value().into_owned(),
            ..Property::default()
        });
    let elements = element
        .children()
        .filter(|child| child.local_name() == "Property")
        .map(|child| Property {
            name: attribute(child, "Name"),
            value: if is_encrypted(child) {
                String::new()
            } else {
                child.text().into_owned()
            },
            data_type: attribute(child, "DataType"),
            ..Property::default()
        });
    Properties::new(attributes.chain(elements).collect())
}

/// Children of a kind: direct ones (formats 2/3) and those in their collection element (6/8).
pub(crate) fn collection<'a>(
    element: Element<'a>,
    group: &'a str,
    item: &'a str,
) -> impl Iterator<Item = Element<'a>> {
    let inside = element
        .children()
        .filter(move |child| child.local_name() == group)
        .flat_map(Element::children);
    element
        .children()
        .chain(inside)
        .filter(move |child| child.local_name() == item)
}

/// Whether an element is a cipher; see [`sealed`](super::sealed) for its forms.
pub(crate) fn is_encrypted(element: Element<'_>) -> bool {
    element.local_name() == "EncryptedData"
        || element
            .attribute("Encrypted")
            .is_some_and(|value| parse_bool(&value) == Some(true))
        || has_salt(element)
        || has_user_key_cipher(element)
}

/// An attribute's value, empty if it is absent.
pub(crate) fn attribute(element: Element<'_>, name: &str) -> String {
    element
        .attribute(name)
        .map(std::borrow::Cow::into_owned)
        .unwrap_or_default()
}

/// A text, empty if it is absent.
pub(crate) fn text(properties: &Properties, name: &str) -> String {
    properties.get(name).unwrap_or_default().to_owned()
}

/// A boolean in any of its spellings; `default` if it is absent or empty.
pub(crate) fn boolean(
    element: Element<'_>,
    properties: &Properties,
    name: &str,
    default: bool,
) -> Result<bool, Error> {
    match properties.get(name) {
        None | Some("") => Ok(default),
        Some(found) => parse_bool(found)
            .ok_or_else(|| value_error(element, name, found, "True, False, -1, 1 or 0")),
    }
}

/// A whole number; `default` if it is absent or empty.
pub(crate) fn number<N>(
    element: Element<'_>,
    properties: &Properties,
    name: &str,
    default: N,
) -> Result<N, Error>
where
    N: std::str::FromStr,
{
    match properties.get(name) {
        None | Some("") => Ok(default),
        Some(found) => found
            .trim()
            .parse()
            .map_err(|_| value_error(element, name, found, "a whole number in range")),
    }
}

/// An error about a value of an element.
pub(crate) fn value_error(
    element: Element<'_>,
    name: &str,
    found: &str,
    wanted: &'static str,
) -> Error {
    Error::Value {
        position: element.position(),
        name: format!("{} {name}", element.name()),
        found: found.chars().take(200).collect(),
        wanted,
    }
}
