//! /VerifyBuild, /VerifyPackageID, /VerifyVersionID: whether it is the package that was meant.

use super::command_line::CommandLine;
use crate::Package;

impl CommandLine {
    /// What does not agree with the package; `None` if all does.
    pub fn mismatch(&self, package: &Package) -> Option<String> {
        mismatch(self, package)
    }
}

fn mismatch(line: &CommandLine, package: &Package) -> Option<String> {
    let root = package.document().root();
    let number = |name: &str| root.properties.int(name).unwrap_or(0);
    let build = [
        ("VersionMajor", number("VersionMajor")),
        ("VersionMinor", number("VersionMinor")),
        ("VersionBuild", number("VersionBuild")),
    ];
    for (wanted, (name, found)) in line.verify_build.iter().zip(build) {
        if *wanted != found {
            return Some(format!(
                "/VerifyBuild: {name} of the package is {found}, {wanted} is wanted"
            ));
        }
    }
    let version = root.properties.get("VersionGUID").unwrap_or_default();
    let ids = [
        (
            "/VerifyPackageID: the id",
            &line.verify_package,
            root.dtsid.as_str(),
        ),
        (
            "/VerifyVersionID: the version id",
            &line.verify_version,
            version,
        ),
    ];
    for (what, wanted, found) in ids {
        if let Some(wanted) = wanted
            && bare(wanted) != bare(found)
        {
            return Some(format!(
                "{what} of the package is {found}, {wanted} is wanted"
            ));
        }
    }
    None
}

fn bare(id: &str) -> String {
    let id = id.trim().trim_start_matches('{').trim_end_matches('}');
    id.to_ascii_lowercase()
}
