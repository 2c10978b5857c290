//! XML configuration files (`.dtsConfig`): property paths and values.

use std::path::Path;

use dtsx::{Document, Limits};

use crate::{LoadError, read_file};

/// The property paths of a configuration file and their values, in order.
///
/// # Errors
/// [`LoadError`]: it is not there, or no such file.
pub fn read_configuration_file(path: &Path) -> Result<Vec<(String, String)>, LoadError> {
    let bytes = read_file(path)?;
    let wrong = |source| LoadError::Document {
        path: path.to_owned(),
        source: Box::new(source),
    };
    let document = Document::read_with(&bytes, &Limits::default()).map_err(wrong)?;
    let root = document.root();
    if root.local_name() != "DTSConfiguration" {
        return Err(wrong(dtsx::Error::WrongRoot {
            position: root.position(),
            found: root.name().to_owned(),
            wanted: "DTSConfiguration, the root of a configuration file",
        }));
    }
    let configurations = root
        .children()
        .filter(|child| child.local_name() == "Configuration");
    let entries = configurations.filter_map(|one| {
        let path = one.attribute("Path").filter(|path| !path.is_empty())?;
        let value = one.child("ConfiguredValue");
        let value = value.map(|value| value.text().into_owned());
        Some((path.into_owned(), value.unwrap_or_default()))
    });
    Ok(entries.collect())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the test makes its own file")]
mod tests {
    use super::*;

    #[test]
    fn paths_and_values_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.dtsConfig");
        let text = r#"<?xml version="1.0"?><DTSConfiguration><DTSConfigurationHeading><DTSConfigurationFileInfo/></DTSConfigurationHeading>
            <Configuration ConfiguredType="Property" Path="\Package.Variables[User::X].Properties[Value]" ValueType="Int32"><ConfiguredValue>5</ConfiguredValue></Configuration>
            <Configuration ConfiguredType="Property" Path="\Package.Properties[Disable]" ValueType="Boolean"><ConfiguredValue/></Configuration></DTSConfiguration>"#;
        std::fs::write(&file, text).unwrap();
        let entries = read_configuration_file(&file).unwrap();
        assert_eq!(entries[0].1, "5");
        assert_eq!(
            entries[1],
            (r"\Package.Properties[Disable]".to_owned(), String::new())
        );
        std::fs::write(&file, "<DTS/>").unwrap();
        let error = read_configuration_file(&file).unwrap_err().to_string();
        assert!(error.contains("DTSConfiguration"), "{error}");
    }
}
