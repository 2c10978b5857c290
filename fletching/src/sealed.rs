//! The secrets of a package that are not in it in the clear, one by one, and how a run gets them.

use dtsx::{ConnectionManager, Parameter, SealedBy, Secrets, secret_name};

use crate::Package;

/// A value that the package or its project keeps encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedValue {
    /// Owner and property: `Package.ConnectionManagers[Sales DB].Password`.
    pub place: String,
    /// The name under which a run takes it: `SALES_DB`. `None` for a secret of a task, which cannot be given.
    pub secret: Option<String>,
    /// Whether it was given.
    pub given: bool,
    /// Whether the password of the package opens it; else only the Windows user who saved it can.
    pub by_password: bool,
}

impl Package {
    /// All values that are encrypted, those of the project behind those of the package.
    pub fn sealed(&self) -> Vec<SealedValue> {
        let managers = self.document.connection_managers();
        let parameters = self.document.parameters();
        let variables = || {
            let executables = self.document.executables();
            executables.flat_map(|executable| &executable.variables)
        };
        let own = self.document.sealed().iter().map(|sealed| {
            let manager = managers.iter().find(|one| is_owner(&sealed.owner, one));
            let parameter = parameters.iter().find(|one| one.name == sealed.name);
            let given = match (manager, parameter) {
                (Some(manager), _) => Some(manager.sealed.is_empty()),
                (None, Some(parameter)) => Some(!parameter.value.is_empty()),
                (None, None) => variables()
                    .find(|one| one.name == sealed.name)
                    .map(|variable| !variable.value.is_empty()),
            };
            SealedValue {
                place: sealed.to_string(),
                secret: given.map(|_| secret_name(&sealed.name)),
                given: given.unwrap_or(false),
                by_password: sealed.by == SealedBy::Password,
            }
        });
        let shared = self.shared_managers.iter().flat_map(of_connection);
        let project = self.shared_parameters.iter().filter_map(of_parameter);
        own.chain(shared).chain(project).collect()
    }
}

impl Package {
    /// Supplies secrets to the package and to what it has of its project.
    pub(crate) fn supply(&mut self, secrets: &Secrets) {
        self.document.supply(secrets);
        let managers = self.shared_managers.iter_mut();
        managers.for_each(|manager| secrets.supply_connection(manager));
        let parameters = self.shared_parameters.iter_mut();
        parameters.for_each(|parameter| secrets.supply_parameter(parameter));
    }
}

/// By refId, or in old formats by name.
fn is_owner(owner: &str, manager: &ConnectionManager) -> bool {
    manager.ref_id == owner || manager.name == owner
}

/// What of a connection manager of the project is still closed.
fn of_connection(manager: &ConnectionManager) -> impl Iterator<Item = SealedValue> {
    manager.sealed.iter().map(|property| SealedValue {
        place: format!("{}.{property}", manager.ref_id),
        secret: Some(secret_name(&manager.name)),
        given: false,
        by_password: false,
    })
}

/// A sensitive parameter of the project without a value.
fn of_parameter(parameter: &Parameter) -> Option<SealedValue> {
    (parameter.sensitive && parameter.value.is_empty()).then(|| SealedValue {
        place: format!("$Project::{}", parameter.name),
        secret: Some(secret_name(&parameter.name)),
        given: false,
        by_password: false,
    })
}
