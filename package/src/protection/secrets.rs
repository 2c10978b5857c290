//! Values that a user supplies for what is sealed or was never saved, by names that environment variables can have.
//!
//! ```text
//! connection manager `Sales DB` ─secret_name─▶ SALES_DB            its password
//!                                              SALES_DB_USERNAME   its property `UserName`
//! parameter `$Package::Key`, variable `User::Key` ─▶ KEY           its value, where it is marked as sensitive
//! ```

use std::{collections::BTreeMap, fmt};

use crate::{ConnectionManager, Executable, Parameter, Sealed};

/// Secrets by name. Shows their names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeMap<String, String>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The name of a secret: upper case, with `_` for what is neither letter nor digit.
pub fn secret_name(name: &str) -> String {
    name.chars()
        .map(|letter| match letter {
            letter if letter.is_alphanumeric() => letter.to_uppercase().to_string(),
            _ => "_".to_owned(),
        })
        .collect()
}

impl Secrets {
    /// Adds one by the name of what it is for; replaces one of the same name.
    pub fn insert(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(secret_name(name), value.into());
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds lines of `NAME=value`; blank lines and lines that start with `#` are left out. A value goes to the end of
    /// its line.
    ///
    /// # Errors
    /// The number of the first line, from 1, that is none of these.
    pub fn add_lines(&mut self, text: &str) -> Result<(), usize> {
        for (number, line) in (1usize..).zip(text.lines()) {
            let line = line.trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.split_once('=') {
                Some((name, value)) if !name.trim().is_empty() => self.insert(name.trim(), value),
                _ => return Err(number),
            }
        }
        Ok(())
    }

    /// The value for a property of an object: of the name of both, else of the object's name.
    pub fn get(&self, object: &str, property: &str) -> Option<&str> {
        let name = secret_name(object);
        let both = format!("{name}_{}", secret_name(property));
        self.0
            .get(&both)
            .or_else(|| self.0.get(&name))
            .map(String::as_str)
    }

    /// Whether there is a value for what is sealed.
    pub fn has(&self, sealed: &Sealed) -> bool {
        self.get(&sealed.name, &sealed.property).is_some()
    }

    /// Sets the properties of a connection manager that are sealed, and its password. What is supplied is sealed no more.
    pub fn supply_connection(&self, manager: &mut ConnectionManager) {
        let password = match manager.creation_name.to_ascii_uppercase().as_str() {
            "FTP" | "HTTP" => "ServerPassword",
            _ => "Password",
        };
        let mut sealed = std::mem::take(&mut manager.sealed);
        let hidden = |property: &str| property == "EncryptedData";
        let named = sealed.iter().filter(|property| !hidden(property));
        let mut properties: Vec<String> = named.cloned().collect();
        if !properties.iter().any(|property| property == password) {
            properties.push(password.to_owned());
        }
        let mut supplied = Vec::new();
        for property in properties {
            if let Some(value) = self.get(&manager.name, &property) {
                manager.properties.set(&property, value);
                supplied.push(property);
            }
        }
        sealed.retain(|property| {
            let opened = supplied.contains(property) || (hidden(property) && !supplied.is_empty());
            !opened
        });
        manager.sealed = sealed;
    }

    /// Sets the value of a parameter that is marked as sensitive.
    pub fn supply_parameter(&self, parameter: &mut Parameter) {
        let value = self.get(&parameter.name, "ParameterValue");
        if let Some(value) = value.filter(|_| parameter.sensitive) {
            value.clone_into(&mut parameter.value);
        }
    }

    /// Sets the values of sensitive variables of an executable and of all inside it.
    pub(crate) fn supply_variables(&self, executable: &mut Executable) {
        for variable in executable.variables.iter_mut().filter(|one| one.sensitive) {
            if let Some(value) = self.get(&variable.name, "VariableValue") {
                value.clone_into(&mut variable.value);
            }
        }
        let handlers = executable.event_handlers.iter_mut();
        handlers.for_each(|handler| self.supply_variables(&mut handler.container));
        let inside = executable.executables.iter_mut();
        inside.for_each(|child| self.supply_variables(child));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_lines() {
        assert_eq!(secret_name("Sales DB (é).x"), "SALES_DB__É__X");
        let mut secrets = Secrets::default();
        secrets
            .add_lines("# comment\n\n SALES_DB =p=1 \nsales db.user=u\n")
            .unwrap();
        assert_eq!(secrets.get("Sales DB", "Password"), Some("p=1 "));
        assert_eq!(secrets.get("Sales DB", "User"), Some("u"));
        assert_eq!(secrets.get("Sales", "Password"), None);
        assert_eq!(format!("{secrets:?}"), r#"{"SALES_DB", "SALES_DB_USER"}"#);
        assert_eq!(secrets.add_lines("A=1\nno pair"), Err(2));
        assert_eq!(secrets.add_lines("=x"), Err(1));
    }
}
