//! `SSIS:Project`: `@Project.manifest` of an archive, and the copy of it inside a `.dtproj`.

use crate::{
    Element, Error, ProtectionLevel,
    project::{DeploymentModel, has_extension},
    read::{attribute, has_salt},
};

/// What a project lists.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    pub(super) name: String,
    pub(super) deployment_model: DeploymentModel,
    pub(super) protection_level: i32,
    pub(super) target_server_version: String,
    pub(super) packages: Vec<String>,
    pub(super) entry_points: Vec<String>,
    pub(super) connection_managers: Vec<String>,
}

impl Manifest {
    /// Reads `SSIS:Project`.
    pub(super) fn read(root: Element<'_>) -> Result<Self, Error> {
        if root.local_name() != "Project" {
            return Err(Error::WrongRoot {
                position: root.position(),
                found: root.name().to_owned(),
                wanted: "SSIS:Project, the root of a project manifest",
            });
        }
        if has_salt(root) {
            return Err(Error::PackagePassword {
                detail: "no password was given",
            });
        }
        let level = attribute(root, "ProtectionLevel");
        let packages = || items(root, "Packages", "Package");
        let entry_points = packages()
            .filter(|package| crate::parse_bool(&attribute(*package, "EntryPoint")) == Some(true));
        Ok(Self {
            name: property(root, "Name"),
            deployment_model: DeploymentModel::Project,
            protection_level: protection_level(&level).ok_or_else(|| Error::Value {
                position: root.position(),
                name: "SSIS:ProtectionLevel".to_owned(),
                found: level.clone(),
                wanted: "DontSaveSensitive, EncryptSensitiveWithUserKey, ..., or 0 to 5",
            })?,
            target_server_version: property(root, "TargetServerVersion"),
            packages: packages()
                .map(|package| attribute(package, "Name"))
                .collect(),
            entry_points: entry_points
                .map(|package| attribute(package, "Name"))
                .collect(),
            connection_managers: items(root, "ConnectionManagers", "ConnectionManager")
                .map(|manager| attribute(manager, "Name"))
                .collect(),
        })
    }

    /// The project of a folder without a project file.
    pub(super) fn of_folder(names: &[String]) -> Self {
        let with = |extension| {
            names
                .iter()
                .filter(|name| has_extension(name, extension))
                .cloned()
                .collect::<Vec<_>>()
        };
        Self {
            protection_level: 1,
            entry_points: with("dtsx"),
            packages: with("dtsx"),
            connection_managers: with("conmgr"),
            ..Self::default()
        }
    }
}

/// The text of a property in `SSIS:Properties`, without the line breaks of indented empty ones.
pub(super) fn property(element: Element<'_>, name: &str) -> String {
    items(element, "Properties", "Property")
        .find(|property| attribute(*property, "Name") == name)
        .map(|property| property.text().trim().to_owned())
        .unwrap_or_default()
}

/// Elements in a collection element.
pub(super) fn items<'a>(
    element: Element<'a>,
    group: &'a str,
    item: &'a str,
) -> impl Iterator<Item = Element<'a>> {
    element
        .children()
        .filter(move |child| child.local_name() == group)
        .flat_map(Element::children)
        .filter(move |child| child.local_name() == item)
}

/// By name or number; absent means EncryptSensitiveWithUserKey.
fn protection_level(level: &str) -> Option<i32> {
    if level.is_empty() {
        return Some(ProtectionLevel::EncryptSensitiveWithUserKey.number());
    }
    ProtectionLevel::parse(level).map(ProtectionLevel::number)
}
