//! What is encrypted in a document and therefore not available.

use crate::{
    Document, Element,
    read::shape::{attribute, is_encrypted},
};

/// Names of all encrypted elements: the path or name of what holds it, and its own name.
pub(crate) fn sealed_names(document: &Document) -> Vec<String> {
    document
        .elements()
        .filter(|element| is_encrypted(*element))
        .map(|element| {
            let own = match attribute(element, "Name") {
                name if name.is_empty() => element.local_name().to_owned(),
                name => name,
            };
            match owner(element) {
                Some(owner) => format!("{owner}.{own}"),
                None => own,
            }
        })
        .collect()
}

/// refId or name of the nearest element around that has one.
fn owner(element: Element<'_>) -> Option<String> {
    let around = std::iter::successors(element.parent(), |element| element.parent());
    around.into_iter().find_map(|element| {
        let attributes = ["refId", "ObjectName", "name"]
            .iter()
            .map(|name| attribute(element, name));
        let property = element
            .children()
            .find(|child| {
                child.local_name() == "Property" && attribute(*child, "Name") == "ObjectName"
            })
            .map(|child| child.text().into_owned());
        attributes.chain(property).find(|name| !name.is_empty())
    })
}
