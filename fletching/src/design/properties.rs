//! Properties by their paths, in the document.

use dtsx::Property;
use fletching_engine::{StoredProperty, check_property_value};

use super::DesignError;
use crate::Package;

impl Package {
    /// The value of a property as the document has it; empty where it has none, which stands for the default. Paths are
    /// those of dtexec's /Set: `\Package.Variables[User::X].Value`, `\Package.Connections[A].Properties[ConnectionString]`,
    /// `\Package\Task.Properties[Disable]`, `\Package\Flow.Properties[[Component].[Property]]`.
    ///
    /// # Errors
    /// A path that leads nowhere.
    pub fn property(&self, path: &str) -> Result<String, DesignError> {
        let stored = StoredProperty::find(&self.document, path)?;
        Ok(stored.read(&self.document))
    }

    /// Sets a property in the document, so that it is saved with the package.
    ///
    /// # Errors
    /// A path that leads nowhere, or a value that does not fit.
    pub fn set_property(&mut self, path: &str, value: &str) -> Result<(), DesignError> {
        let stored = StoredProperty::find(&self.document, path)?;
        check_property_value(&self.document, path, value)?;
        let document = &mut self.document;
        match stored {
            StoredProperty::Variable {
                container,
                namespace,
                name,
            } => document.set_variable_value(&container, &namespace, &name, value)?,
            StoredProperty::Connection { manager, attribute } => {
                document.set_connection_property(&manager, &attribute, value)?;
            }
            StoredProperty::Executable {
                path,
                place,
                attribute,
            } => document.set_executable_property(&path, place, &attribute, value)?,
            StoredProperty::Component {
                task,
                component,
                property,
            } => {
                let flow = document.data_flow(&task)?;
                let component = flow.components.iter().find(|one| one.name == component);
                let found = component.and_then(|component| {
                    let property = component.properties.property(&property)?;
                    Some((component.id.clone(), property.clone()))
                });
                let (id, found) = found
                    .ok_or_else(|| DesignError::missing("property", &property, [].into_iter()))?;
                let property = Property {
                    value: value.to_owned(),
                    ..found
                };
                document.set_pipeline_property(&task, &id, &property)?;
            }
        }
        Ok(())
    }
}
