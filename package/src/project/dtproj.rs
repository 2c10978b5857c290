//! `.dtproj`: the project file of the designer, in both deployment models.

use crate::{
    Element, Error,
    project::{
        DeploymentModel,
        manifest::{Manifest, items},
    },
};

/// Reads the project file; `file_name` names the project if the file does not.
pub(super) fn read(root: Element<'_>, file_name: &str) -> Result<Manifest, Error> {
    if root.local_name() != "Project" {
        return Err(Error::WrongRoot {
            position: root.position(),
            found: root.name().to_owned(),
            wanted: "Project, the root of a .dtproj file",
        });
    }
    let manifest = root
        .child("DeploymentModelSpecificContent")
        .and_then(|content| content.child("Manifest"))
        .and_then(|manifest| manifest.child("Project"));
    let mut manifest = match manifest {
        Some(manifest) => Manifest::read(manifest)?,
        None => package_model(root),
    };
    if manifest.name.is_empty() {
        let file = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
        file.rsplit_once('.')
            .map_or(file, |(stem, _)| stem)
            .clone_into(&mut manifest.name);
    }
    if manifest.target_server_version.is_empty() {
        manifest.target_server_version = items(root, "Configurations", "Configuration")
            .filter_map(|configuration| {
                configuration.child("Options")?.child("TargetServerVersion")
            })
            .map(|version| version.text().into_owned())
            .next()
            .unwrap_or_default();
    }
    Ok(manifest)
}

fn package_model(root: Element<'_>) -> Manifest {
    // Before 2012 the list is directly in the root.
    let content = root.child("DeploymentModelSpecificContent").unwrap_or(root);
    let packages: Vec<String> = items(content, "DTSPackages", "DtsPackage")
        .chain(items(root, "DTSPackages", "DtsPackage"))
        .filter_map(|package| package.child("FullPath").or_else(|| package.child("Name")))
        .map(|name| name.text().trim().to_owned())
        .fold(Vec::new(), |mut names, name| {
            if !names.contains(&name) {
                names.push(name);
            }
            names
        });
    Manifest {
        deployment_model: DeploymentModel::Package,
        protection_level: 1,
        entry_points: packages.clone(),
        packages,
        ..Manifest::default()
    }
}
