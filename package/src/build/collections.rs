//! Where a new object goes: into the collection of its kind, which is made in its place among the others if it is not there.

use super::tag::Tag;
use crate::{Edits, Element};

/// Children of an executable, in the order in which the designer writes them.
const ORDER: [&str; 14] = [
    "Property",
    "ForEachEnumerator",
    "ConnectionManagers",
    "Configurations",
    "LogProviders",
    "PackageParameters",
    "Variables",
    "LoggingOptions",
    "PropertyExpression",
    "Executables",
    "PrecedenceConstraints",
    "ForEachVariableMappings",
    "EventHandlers",
    "ObjectData",
];

/// Adds `tag` to the collection `group` of `element`.
pub(super) fn add(edits: &mut Edits, element: Element<'_>, group: &str, tag: Tag) {
    match element.child(group) {
        Some(collection) => append(edits, collection, &tag),
        None => {
            let name = prefixed(element, group);
            insert(edits, element, group, &Tag::new(&name).child(tag));
        }
    }
}

/// Puts a child in its place among the children of an executable.
pub(super) fn insert(edits: &mut Edits, element: Element<'_>, kind: &str, tag: &Tag) {
    let place = |name: &str| ORDER.iter().position(|known| *known == name);
    let own = place(kind).unwrap_or(ORDER.len());
    let after = element
        .children()
        .find(|child| place(child.local_name()).unwrap_or(ORDER.len()) > own);
    match after {
        Some(sibling) => before(edits, sibling, tag),
        None => append(edits, element, tag),
    }
}

/// Puts a tag in front of an element.
pub(super) fn before(edits: &mut Edits, element: Element<'_>, tag: &Tag) {
    let depth = depth(element);
    let xml = format!("{}{}", tag.write(depth), line(depth));
    edits.insert_before(element.id(), &xml);
}

/// Adds a child behind the others.
pub(super) fn append(edits: &mut Edits, element: Element<'_>, tag: &Tag) {
    let depth = depth(element);
    let xml = match element.children().next() {
        // The end tag stands on a line of its own, indented already.
        Some(_) => format!("  {}{}", tag.write(depth + 1), line(depth)),
        None => format!("{}{}{}", line(depth + 1), tag.write(depth + 1), line(depth)),
    };
    edits.append_xml(element.id(), &xml);
}

/// Puts a tag in the place of an element.
pub(super) fn replace(edits: &mut Edits, element: Element<'_>, tag: &Tag) {
    edits.replace_xml(element.id(), &tag.write(depth(element)));
}

/// A name with the prefix of an element.
pub(super) fn prefixed(element: Element<'_>, name: &str) -> String {
    match element.name().split_once(':') {
        Some((prefix, _)) => format!("{prefix}:{name}"),
        None => name.to_owned(),
    }
}

fn depth(element: Element<'_>) -> usize {
    std::iter::successors(element.parent(), |parent| parent.parent()).count()
}

fn line(depth: usize) -> String {
    format!("\n{}", "  ".repeat(depth))
}
