//! Values of what is there: an attribute in the form of format 8, a property element in that of formats 2 and 3.

use super::{
    collections::{append, prefixed},
    missing,
    tag::Tag,
};
use crate::{Edits, Element, Error, Package};

/// Where an object keeps a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyOf {
    /// With the object itself: `DTS:Disabled`.
    Object,
    /// With what is in its `DTS:ObjectData`.
    Payload,
}

impl Package {
    /// Sets a property of an executable, by the name of its attribute.
    ///
    /// # Errors
    /// [`Error::Edit`] for an executable that is not there, or has no settings of its own.
    pub fn set_executable_property(
        &mut self,
        path: &str,
        place: PropertyOf,
        attribute: &str,
        value: &str,
    ) -> Result<(), Error> {
        self.edit(|package, edits| {
            let element = package.element_at(path)?;
            let element = match place {
                PropertyOf::Object => Some(element),
                PropertyOf::Payload => payload(element),
            };
            let element = element.ok_or_else(|| missing("settings of", path))?;
            set(edits, element, attribute, value);
            Ok(())
        })
    }

    /// Sets a property of a connection manager, by the name of its attribute.
    ///
    /// # Errors
    /// [`Error::Edit`] for one that is not there.
    pub fn set_connection_property(
        &mut self,
        manager: &str,
        attribute: &str,
        value: &str,
    ) -> Result<(), Error> {
        const OWN: [&str; 4] = ["ObjectName", "Description", "DelayValidation", "DTSID"];
        self.edit(|package, edits| {
            let element = package.manager_element(manager);
            let element = element.ok_or_else(|| missing("connection manager", manager))?;
            if OWN.contains(&attribute) {
                set(edits, element, attribute, value);
                return Ok(());
            }
            let payload = payload(element);
            let payload = payload.ok_or_else(|| missing("settings of", manager))?;
            // What wraps the settings of HTTP and FTP, where it holds them.
            let inner = payload
                .children()
                .find(|child| ["HttpConnection", "FtpConnection"].contains(&child.local_name()));
            set(edits, inner.unwrap_or(payload), attribute, value);
            Ok(())
        })
    }

    /// Sets the value of a variable.
    ///
    /// # Errors
    /// [`Error::Edit`] for one that is not there.
    pub fn set_variable_value(
        &mut self,
        container: &str,
        namespace: &str,
        name: &str,
        value: &str,
    ) -> Result<(), Error> {
        self.edit(|package, edits| {
            let owner = package.element_at(container)?;
            let variable = package.variable_element(owner, namespace, name);
            let held = variable.and_then(|variable| variable.child("VariableValue"));
            let held = held.ok_or_else(|| missing("variable", name))?;
            edits.set_text(held.id(), value);
            Ok(())
        })
    }

    /// Sets an attribute of a variable: `Expression`, `EvaluateAsExpression`, `ReadOnly`, ...
    ///
    /// # Errors
    /// [`Error::Edit`] for one that is not there.
    pub fn set_variable_property(
        &mut self,
        container: &str,
        (namespace, name): (&str, &str),
        attribute: &str,
        value: &str,
    ) -> Result<(), Error> {
        self.edit(|package, edits| {
            let owner = package.element_at(container)?;
            let variable = package.variable_element(owner, namespace, name);
            let variable = variable.ok_or_else(|| missing("variable", name))?;
            set(edits, variable, attribute, value);
            Ok(())
        })
    }

    /// Sets the default value of a parameter.
    ///
    /// # Errors
    /// [`Error::Edit`] for one that is not there.
    pub fn set_parameter_value(&mut self, name: &str, value: &str) -> Result<(), Error> {
        self.edit(|package, edits| {
            let parameters = package.document().root().child("PackageParameters");
            let parameter = parameters.iter().flat_map(|group| group.children());
            let parameter = parameter
                .into_iter()
                .find(|one| one.attribute("ObjectName").as_deref() == Some(name));
            let held = parameter.and_then(|parameter| parameter.child("Property"));
            let held = held.ok_or_else(|| missing("parameter", name))?;
            edits.set_text(held.id(), value);
            Ok(())
        })
    }

    pub(super) fn element_at(&self, path: &str) -> Result<Element<'_>, Error> {
        self.element(self.found(path)?)
            .ok_or_else(|| missing("container or task", path))
    }

    pub(super) fn manager_element(&self, reference: &str) -> Option<Element<'_>> {
        let name = &self.connection_manager(reference)?.name;
        let root = self.document().root();
        let managers = crate::read::collection(root, "ConnectionManagers", "ConnectionManager");
        managers
            .into_iter()
            .find(|manager| held(*manager, "ObjectName").as_deref() == Some(name))
    }

    pub(super) fn variable_element<'a>(
        &self,
        owner: Element<'a>,
        namespace: &str,
        name: &str,
    ) -> Option<Element<'a>> {
        let is = |element: &Element<'a>| {
            let own = held(*element, "Namespace").unwrap_or_else(|| "User".to_owned());
            own.eq_ignore_ascii_case(namespace)
                && held(*element, "ObjectName").as_deref() == Some(name)
        };
        crate::read::collection(owner, "Variables", "Variable").find(is)
    }
}

fn payload(element: Element<'_>) -> Option<Element<'_>> {
    element.child("ObjectData")?.children().next()
}

/// The value of a property of a node of either form.
fn held(element: Element<'_>, name: &str) -> Option<String> {
    match element.attribute(name) {
        Some(value) => Some(value.into_owned()),
        None => property_element(element, name).map(|found| found.text().into_owned()),
    }
}

/// `<DTS:Property DTS:Name="...">`, the form of formats 2 and 3.
fn property_element<'a>(element: Element<'a>, name: &str) -> Option<Element<'a>> {
    let mut properties = element
        .children()
        .filter(|child| child.local_name() == "Property");
    properties.find(|child| {
        child
            .attribute("Name")
            .is_some_and(|found| found.eq_ignore_ascii_case(name))
    })
}

/// Sets a property where the node keeps it, or as its form has it.
fn set(edits: &mut Edits, element: Element<'_>, name: &str, value: &str) {
    let attribute = element
        .attributes()
        .find(|one| !one.is_declaration() && one.local_name().eq_ignore_ascii_case(name));
    let leaf = element.children().find(|child| {
        child.local_name().eq_ignore_ascii_case(name)
            && child.attributes().all(|one| one.is_declaration())
    });
    let in_elements = |child: Element<'_>| {
        child.local_name() == "Property"
            && child.attribute("Name").as_deref() != Some("PackageFormatVersion")
    };
    if let Some(attribute) = attribute {
        edits.set_attribute(element.id(), attribute.name(), value);
    } else if let Some(property) = property_element(element, name).or(leaf) {
        edits.set_text(property.id(), value);
    } else if element.local_name() == "ExecutePackageTask" {
        append(edits, element, &Tag::new(name).text(value));
    } else if element.children().any(in_elements) {
        let tag = Tag::new(&prefixed(element, "Property"))
            .attribute(&prefixed(element, "Name"), name)
            .text(value);
        append(edits, element, &tag);
    } else {
        edits.set_attribute(element.id(), &prefixed(element, name), value);
    }
}
