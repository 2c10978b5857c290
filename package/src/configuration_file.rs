//! `.dtsConfig`: an XML file of the package deployment model that sets properties of a package by their paths.

use crate::{Document, Error, Limits};

/// A value of a configuration and the property that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredValue {
    /// `\Package.Variables[User::X].Properties[Value]`.
    pub path: String,
    /// Text of the value.
    pub value: String,
}

impl ConfiguredValue {
    /// Reads a `.dtsConfig`: its values in document order.
    ///
    /// # Errors
    /// As [`Document::read`]; [`Error::WrongRoot`] if it is no configuration file.
    pub fn read_file(bytes: &[u8]) -> Result<Vec<Self>, Error> {
        let document = Document::read_with(bytes, &Limits::default())?;
        let root = document.root();
        if root.local_name() != "DTSConfiguration" {
            return Err(Error::WrongRoot {
                position: root.position(),
                found: root.name().to_owned(),
                wanted: "DTSConfiguration, the root of a .dtsConfig file",
            });
        }
        let entries = root
            .children()
            .filter(|child| child.local_name() == "Configuration");
        let values = entries.filter_map(|entry| {
            let value = entry.child("ConfiguredValue");
            Some(Self {
                path: entry.attribute("Path")?.into_owned(),
                value: value.map_or(String::new(), |value| value.text().into_owned()),
            })
        });
        Ok(values.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_order_and_nothing_else() {
        let file = br#"<?xml version="1.0"?><DTSConfiguration><DTSConfigurationHeading>
            <DTSConfigurationFileInfo GeneratedBy="x"/></DTSConfigurationHeading>
            <Configuration ConfiguredType="Property" Path="\Package.Variables[User::A].Properties[Value]" ValueType="String">
              <ConfiguredValue>a &amp; b</ConfiguredValue></Configuration>
            <Configuration ConfiguredType="Property" Path="\Package.Properties[Description]" ValueType="String"/>
            </DTSConfiguration>"#;
        let values = ConfiguredValue::read_file(file).unwrap();
        let values: Vec<_> = values
            .iter()
            .map(|one| (one.path.as_str(), one.value.as_str()))
            .collect();
        assert_eq!(
            values,
            [
                (r"\Package.Variables[User::A].Properties[Value]", "a & b"),
                (r"\Package.Properties[Description]", "")
            ]
        );
        let error = ConfiguredValue::read_file(b"<Project/>").unwrap_err();
        assert!(matches!(error, Error::WrongRoot { .. }), "{error}");
    }
}
