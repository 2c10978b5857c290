//! What the connection managers of a package lead to.

use fletching_connections::{
    Connections, LeadsTo,
    database::{self, Keywords, PROVIDERS, SCHEMES},
    manager_kind,
};
use fletching_engine::{RunError, Settings, connections_of};

use crate::Package;

/// One connection manager.
#[derive(Debug, Clone)]
pub struct ConnectionReport {
    /// Its name.
    pub name: String,
    /// Its kind: `OLEDB`, `FLATFILE`, ...
    pub kind: String,
    /// The connection string of the package, secrets masked.
    pub original: String,
    /// What a run uses, without secrets; or why there is nothing to use.
    pub used: Result<String, String>,
    /// Whether that can be reached, or why not; `None` where nobody tried.
    pub reached: Option<Result<(), String>>,
}

impl Package {
    /// The connection managers, those of its project among them, as a run with these settings would have them. With
    /// `reach` each is opened; this blocks.
    pub fn connections(
        &self,
        settings: &Settings,
        reach: bool,
    ) -> Result<Vec<ConnectionReport>, RunError> {
        let settings = Settings {
            offline: !reach,
            ..self.extended(settings.clone())
        };
        let (originals, connections) = connections_of(
            &self.document,
            &self.shared_parameters,
            &self.shared_managers,
            &settings,
        )?;
        let reports = originals.iter().map(|manager| {
            let original = manager.properties.get("ConnectionString");
            let original = original.unwrap_or_default();
            let mut report = ConnectionReport {
                name: manager.name.clone(),
                kind: manager.creation_name.clone(),
                original: match original.contains('=') {
                    true => Keywords::parse(original).masked(),
                    false => original.to_owned(),
                },
                used: Ok(String::new()),
                reached: None,
            };
            look(&connections, &mut report, reach);
            report
        });
        Ok(reports.collect())
    }
}

/// Follows a manager to its end.
fn look(connections: &Connections, report: &mut ConnectionReport, reach: bool) {
    match manager_kind(&report.kind).map(|kind| kind.leads_to) {
        Some(LeadsTo::Database) => match connections.database(&report.name) {
            Ok(found) => {
                report.used = Ok(found.target.to_string());
                report.reached = reach.then(|| {
                    let opened = database::open(&found.target);
                    opened.map(|_| ()).map_err(|error| error.to_string())
                });
            }
            Err(error) => report.used = Err(error.to_string()),
        },
        Some(LeadsTo::File) => match connections.file(&report.name) {
            Ok(file) => {
                let files = connections.path_map.files();
                report.reached = reach.then(|| {
                    let kind = files.kind(&file);
                    kind.map(|_| ()).map_err(|error| error.to_string())
                });
                report.used = Ok(file.display().to_string());
            }
            Err(error) => report.used = Err(error.to_string()),
        },
        _ => {
            let kind = report.kind.split(':').next().unwrap_or_default();
            report.used = Ok(format!("(managers of kind {kind} are not followed)"));
        }
    }
}

/// The table of providers: kind of manager, provider, what it leads to, a note.
pub fn providers() -> impl Iterator<Item = [&'static str; 4]> {
    PROVIDERS.iter().map(|line| {
        let leads_to = match line.leads_to {
            database::LeadsTo::SqlServer => "SQL Server (TDS)",
            database::LeadsTo::Odbc => "ODBC",
            database::LeadsTo::Nothing => "-",
        };
        [line.kind, line.name, leads_to, line.note]
    })
}

/// What `--connection NAME=...` takes, with what it leads to.
pub fn schemes() -> &'static [(&'static str, &'static str)] {
    &SCHEMES
}
