//! What is known of a package without running it.

use fletching_components::{Finding, FindingKind};
use fletching_engine::{RunError, Settings};

use crate::{LoadError, Package, SealedValue};

/// One package of `fletch check`.
#[derive(Debug, Clone)]
pub struct CheckReport {
    /// File, or file and entry for a package of an `.ispac`.
    pub package: String,
    /// PackageFormatVersion.
    pub format: Option<u32>,
    /// The document is sound.
    pub loads: bool,
    /// Everything in it is supported and bound: it could run.
    pub plans: bool,
    /// What is not supported, and what is wrong.
    pub findings: Vec<Finding>,
    /// What is encrypted in it, and whether it was given.
    pub sealed: Vec<SealedValue>,
    /// It has a digital signature, which nobody has checked.
    pub is_signed: bool,
    /// Why it does not load, or another problem that has no place in the package.
    pub error: Option<String>,
}

impl CheckReport {
    pub(crate) fn of(
        name: String,
        package: Result<Package, LoadError>,
        settings: Settings,
    ) -> Self {
        let mut report = Self {
            package: name,
            format: None,
            loads: false,
            plans: false,
            findings: Vec::new(),
            sealed: Vec::new(),
            is_signed: false,
            error: None,
        };
        match package {
            Err(error) => report.error = Some(error.to_string()),
            Ok(package) => {
                report.loads = true;
                report.sealed = package.sealed();
                report.is_signed = package.document.is_signed();
                report.format = Some(package.document.format_version());
                let settings = Settings {
                    base_dir: package.base_dir().to_owned(),
                    offline: true,
                    ..settings
                };
                match package.prepare(settings) {
                    Ok(_) => report.plans = true,
                    Err(RunError::Findings(findings)) => report.findings = findings.0,
                    Err(error) => report.error = Some(error.to_string()),
                }
            }
        }
        report
    }

    /// Findings of one kind.
    pub fn of_kind(&self, kind: FindingKind) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(move |finding| finding.kind == kind)
    }
}
