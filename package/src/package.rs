//! A package: its document and the typed view of it.

use crate::{
    Configuration, ConnectionManager, Document, Edits, Element, Error, Executable, Limits,
    LogProvider, Parameter, parse_bool,
    read::{
        collection, own_properties, read_configuration, read_connection_manager, read_executable,
        read_log_provider, read_parameter, sealed_names,
    },
};

/// An SSIS package of any format from 2 (SQL Server 2005) to 8 (2014 and later).
#[derive(Debug, Clone)]
pub struct Package {
    document: Document,
    format_version: u32,
    protection_level: i32,
    root: Executable,
    connection_managers: Vec<ConnectionManager>,
    parameters: Vec<Parameter>,
    configurations: Vec<Configuration>,
    log_providers: Vec<LogProvider>,
    sealed: Vec<String>,
}

impl Package {
    /// Reads a package within the default [`Limits`].
    ///
    /// # Errors
    /// See [`Package::read_with`].
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        Self::read_with(bytes, &Limits::default())
    }

    /// Reads a package. Unknown components, tasks, properties and attributes are kept; encrypted ones are listed by
    /// [`sealed`](Self::sealed).
    ///
    /// # Errors
    /// As [`Document::read_with`]; [`Error::WrongRoot`] if the document is not a package; [`Error::Value`] for a
    /// number, boolean, type or choice that is none.
    pub fn read_with(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        Self::new(Document::read_with(bytes, limits)?)
    }

    /// The typed view of a document.
    ///
    /// # Errors
    /// [`Error::WrongRoot`] and [`Error::Value`].
    pub fn new(document: Document) -> Result<Self, Error> {
        let root = document.root();
        if !["Executable", "EncryptedData"].contains(&root.local_name()) {
            return Err(Error::WrongRoot {
                position: root.position(),
                found: root.name().to_owned(),
                wanted: "DTS:Executable, the root of a package",
            });
        }
        let properties = own_properties(root);
        let number = |name: &str| properties.int(name);
        let connection_managers = collection(root, "ConnectionManagers", "ConnectionManager")
            .map(|element| read_connection_manager(element, "Package"));
        Ok(Self {
            format_version: number("PackageFormatVersion")
                .and_then(|found| found.try_into().ok())
                .unwrap_or(0),
            protection_level: number("ProtectionLevel")
                .and_then(|found| found.try_into().ok())
                .unwrap_or(1),
            root: read_executable(root)?,
            connection_managers: connection_managers.collect::<Result<_, _>>()?,
            parameters: collection(root, "PackageParameters", "PackageParameter")
                .map(read_parameter)
                .collect::<Result<_, _>>()?,
            configurations: collection(root, "Configurations", "Configuration")
                .map(read_configuration)
                .collect::<Result<_, _>>()?,
            log_providers: collection(root, "LogProviders", "LogProvider")
                .map(read_log_provider)
                .collect(),
            sealed: sealed_names(&document),
            document,
        })
    }

    /// The package as bytes; those that were read, if nothing was edited.
    pub fn write(&self) -> Vec<u8> {
        self.document.write()
    }

    /// The package with changes made to its document.
    ///
    /// # Errors
    /// As [`Document::apply`] and [`Package::new`].
    pub fn apply(&self, edits: &Edits) -> Result<Self, Error> {
        Self::new(self.document.apply(edits)?)
    }

    /// The document under the typed view.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// `ObjectName` of the package.
    pub fn name(&self) -> &str {
        &self.root.name
    }

    /// `PackageFormatVersion`; 0 if the document does not say. For reports only: the shape of each node decides how it
    /// is read.
    pub fn format_version(&self) -> u32 {
        self.format_version
    }

    /// 0 DontSaveSensitive, 1 EncryptSensitiveWithUserKey (the default), 2 EncryptSensitiveWithPassword,
    /// 3 EncryptAllWithPassword, 4 EncryptAllWithUserKey, 5 ServerStorage.
    pub fn protection_level(&self) -> i32 {
        self.protection_level
    }

    /// The package as a container; empty if all of it is encrypted.
    pub fn root(&self) -> &Executable {
        &self.root
    }

    /// Connection managers of the package; those of its project are not among them.
    pub fn connection_managers(&self) -> &[ConnectionManager] {
        &self.connection_managers
    }

    /// The connection manager that a reference means: refId, else DTSID, else name.
    pub fn connection_manager(&self, reference: &str) -> Option<&ConnectionManager> {
        let find = |matches: &dyn Fn(&ConnectionManager) -> bool| {
            self.connection_managers
                .iter()
                .find(|manager| matches(manager))
        };
        find(&|manager| manager.ref_id == reference)
            .or_else(|| {
                find(&|manager| {
                    !reference.is_empty() && manager.dtsid.eq_ignore_ascii_case(reference)
                })
            })
            .or_else(|| find(&|manager| manager.name == reference))
    }

    /// Parameters of the package.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Configurations of the package deployment model.
    pub fn configurations(&self) -> &[Configuration] {
        &self.configurations
    }

    /// Whether configurations are used (`EnableConfig`).
    pub fn configurations_enabled(&self) -> bool {
        self.root
            .properties
            .get("EnableConfig")
            .and_then(parse_bool)
            .unwrap_or(false)
    }

    /// Log providers of the package.
    pub fn log_providers(&self) -> &[LogProvider] {
        &self.log_providers
    }

    /// What is encrypted and so not available: the path or name of its owner, and its own name.
    pub fn sealed(&self) -> &[String] {
        &self.sealed
    }

    /// All executables, depth first in document order, the package itself first; after its children, the containers
    /// of an executable's event handlers.
    pub fn executables(&self) -> impl Iterator<Item = &Executable> {
        let mut rest = vec![&self.root];
        std::iter::from_fn(move || {
            let next = rest.pop()?;
            rest.extend(
                next.event_handlers
                    .iter()
                    .rev()
                    .map(|handler| &*handler.container),
            );
            rest.extend(next.executables.iter().rev());
            Some(next)
        })
    }

    /// The element inside an executable's `DTS:ObjectData`: what a task reads its settings from.
    pub fn payload(&self, executable: &Executable) -> Option<Element<'_>> {
        self.element(executable)?
            .child("ObjectData")?
            .children()
            .next()
    }

    /// The element of an executable of this package.
    pub fn element(&self, executable: &Executable) -> Option<Element<'_>> {
        self.document.element(executable.node?)
    }
}
