//! A package: its document and the typed view of it.

use crate::{
    Configuration, ConnectionManager, Document, Edits, Element, Error, Executable, Limits,
    LogProvider, Parameter, ProtectionLevel, Sealed, Secrets, parse_bool,
    protection::{check_open, seal, unseal},
    read::{
        collection, own_properties, read_configuration, read_connection_manager, read_executable,
        read_log_provider, read_parameter, sealed_values,
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
    sealed: Vec<Sealed>,
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

    /// Reads a package and opens what `password` closes in it; see [`decrypt`](Self::decrypt).
    ///
    /// # Errors
    /// As [`Package::read_with`] and [`Package::decrypt`].
    pub fn read_with_password(
        bytes: &[u8],
        password: &str,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let document = Document::read_with(bytes, limits)?;
        Self::new(unseal(&document, password, limits)?)
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
            protection_level: match root.local_name() {
                "EncryptedData" => ProtectionLevel::EncryptAllWithPassword.number(),
                _ => number("ProtectionLevel")
                    .and_then(|found| found.try_into().ok())
                    .unwrap_or(1),
            },
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
            sealed: sealed_values(&document),
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

    /// The package with all that a password closes in the clear; its protection level stays as the document has it.
    /// What the key of a Windows user closes stays closed. A package without ciphers is unchanged, whatever the password.
    ///
    /// # Errors
    /// [`Error::Password`] and [`Error::PackagePassword`] if the password is another one; [`Error::Cipher`] for a damaged
    /// cipher; [`Error::Limit`]; those of [`Package::new`].
    pub fn decrypt(&self, password: &str) -> Result<Self, Error> {
        Self::new(unseal(&self.document, password, self.document.limits())?)
    }

    /// The package at a protection level: 0 leaves secrets out, 2 closes them with the password, 3 all of the package,
    /// with the cipher that the SSIS which last saved it reads. A signature no longer holds and is left out.
    ///
    /// # Errors
    /// [`Error::Level`] for levels 1, 4 and 5; [`Error::PasswordMissing`]; [`Error::Sealed`] if values are closed that must
    /// be kept.
    pub fn encrypt(&self, level: ProtectionLevel, password: Option<&str>) -> Result<Self, Error> {
        Self::new(seal(&self.document, level, password)?)
    }

    /// Refuses a package of which all is closed, so that nothing but its ciphers is known.
    ///
    /// # Errors
    /// [`Error::PackagePassword`] and [`Error::PackageUserKey`].
    pub fn check_open(&self) -> Result<(), Error> {
        check_open(self.document.root())
    }

    /// Sets what is sealed, or was never saved, in the typed view: passwords of connection managers, sensitive parameters
    /// and variables. The document is not changed.
    pub fn supply(&mut self, secrets: &Secrets) {
        let managers = self.connection_managers.iter_mut();
        managers.for_each(|manager| secrets.supply_connection(manager));
        let parameters = self.parameters.iter_mut();
        parameters.for_each(|parameter| secrets.supply_parameter(parameter));
        secrets.supply_variables(&mut self.root);
    }

    /// As [`ProtectionLevel`] numbers them, from 0 to 5; 1 is the default.
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

    /// What is encrypted in the document and so not available.
    pub fn sealed(&self) -> &[Sealed] {
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
