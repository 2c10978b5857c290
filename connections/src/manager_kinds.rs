//! The kinds of connection managers that packages have, and which of them lead somewhere.
//!
//! ```text
//! CreationName `ADO.NET:System...` ──manager_kind──▶ ManagerKind ──leads_to──▶ what Connections makes of it
//! ```

use crate::database::Target;

/// What a connection manager is opened as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeadsTo {
    /// A file or a folder: [`Connections::file`](crate::Connections::file).
    File,
    /// A database: [`Connections::database`](crate::Connections::database).
    Database,
    /// A server of files: [`Connections::ftp`](crate::Connections::ftp).
    FileServer,
    /// A server of mail: [`Connections::smtp`](crate::Connections::smtp).
    MailServer,
    /// A server of pages: [`Connections::http`](crate::Connections::http).
    PageServer,
    /// The rows of a Cache Transform, in memory or in a file.
    Cache,
    /// Nothing that can be opened.
    Nothing,
}

/// A kind of connection manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManagerKind {
    /// As packages name it, without what follows a colon.
    pub name: &'static str,
    /// As the designer shows it.
    pub title: &'static str,
    /// What it is opened as.
    pub leads_to: LeadsTo,
    /// Connection strings of the kind as packages have them, of databases.
    examples: &'static [(&'static str, &'static str)],
}

impl ManagerKind {
    const fn new(name: &'static str, title: &'static str, leads_to: LeadsTo) -> Self {
        Self {
            name,
            title,
            leads_to,
            examples: &[],
        }
    }

    const fn database(
        name: &'static str,
        title: &'static str,
        examples: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self {
            name,
            title,
            leads_to: LeadsTo::Database,
            examples,
        }
    }

    /// Whether managers of this kind can be opened as they stand in packages. One of a database that cannot (EXCEL) can be
    /// pointed to another one.
    pub fn opens(&self) -> bool {
        match self.leads_to {
            LeadsTo::Nothing => false,
            LeadsTo::Database => {
                let mut examples = self.examples.iter();
                examples.any(|(text, kind)| Target::parse(text, kind, None).is_ok())
            }
            _ => true,
        }
    }
}

/// All kinds that are known.
pub static MANAGER_KINDS: [ManagerKind; 21] = [
    ManagerKind::database(
        "ADO",
        "Connection manager for ADO connections",
        &[("Data Source=localhost;Provider=SQLOLEDB.1", "ADO")],
    ),
    ManagerKind::database(
        "ADO.NET",
        "Connection manager for ADO.NET connections",
        &[("Data Source=localhost", "ADO.NET:SQL")],
    ),
    ManagerKind::new("CACHE", "Connection manager for cache", LeadsTo::Cache),
    ManagerKind::new("DQS", "Connection manager for DQS server", LeadsTo::Nothing),
    ManagerKind::database(
        "EXCEL",
        "Connection manager for Excel files",
        &[
            (
                "Provider=Microsoft.ACE.OLEDB.12.0;Data Source=a.xlsx;Extended Properties=\"EXCEL 12.0 XML\"",
                "EXCEL",
            ),
            (
                "Provider=Microsoft.Jet.OLEDB.4.0;Data Source=a.xls;Extended Properties=\"EXCEL 8.0\"",
                "EXCEL",
            ),
        ],
    ),
    ManagerKind::new("FILE", "Connection manager for files", LeadsTo::File),
    ManagerKind::new(
        "FLATFILE",
        "Connection manager for flat files",
        LeadsTo::File,
    ),
    ManagerKind::new(
        "FTP",
        "Connection manager for FTP connections",
        LeadsTo::FileServer,
    ),
    ManagerKind::new("Hadoop", "Connection manager for Hadoop", LeadsTo::Nothing),
    ManagerKind::new(
        "HTTP",
        "Connection manager for HTTP connections",
        LeadsTo::PageServer,
    ),
    ManagerKind::new(
        "MSMQ",
        "Connection manager for the Message Queue task",
        LeadsTo::Nothing,
    ),
    ManagerKind::new(
        "MSOLAP100",
        "Connection manager for Analysis Services connections",
        LeadsTo::Nothing,
    ),
    ManagerKind::new(
        "MULTIFILE",
        "Connection manager for multiple files",
        LeadsTo::Nothing,
    ),
    ManagerKind::new(
        "MULTIFLATFILE",
        "Connection manager for multiple flat files",
        LeadsTo::Nothing,
    ),
    ManagerKind::new(
        "ODATA",
        "Connection manager for OData services",
        LeadsTo::Nothing,
    ),
    ManagerKind::database(
        "ODBC",
        "Connection manager for ODBC connections",
        &[("Dsn=Sales", "ODBC")],
    ),
    ManagerKind::database(
        "OLEDB",
        "Connection manager for OLE DB connections",
        &[("Data Source=localhost;Provider=MSOLEDBSQL.1", "OLEDB")],
    ),
    ManagerKind::new(
        "SMOServer",
        "Connection manager for SQL Server transfer tasks",
        LeadsTo::Nothing,
    ),
    ManagerKind::new(
        "SMTP",
        "Connection manager for the Send Mail task",
        LeadsTo::MailServer,
    ),
    ManagerKind::new(
        "SQLMOBILE",
        "Connection manager for SQL Server Compact connections",
        LeadsTo::Nothing,
    ),
    ManagerKind::new(
        "WMI",
        "Connection manager for the WMI tasks",
        LeadsTo::Nothing,
    ),
];

/// The kind of a CreationName: `OLEDB`, `ADO.NET:System.Data.SqlClient.SqlConnection, ...`. `None` for one that is not
/// known.
pub fn manager_kind(creation_name: &str) -> Option<&'static ManagerKind> {
    let name = creation_name.split(':').next().unwrap_or_default().trim();
    let mut kinds = MANAGER_KINDS.iter();
    kinds.find(|kind| kind.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use dtsx::{ConnectionManager, Properties};

    use super::*;
    use crate::Connections;

    #[test]
    fn a_kind_is_what_a_creation_name_begins_with() {
        let leads_to = |name| manager_kind(name).map(|kind| kind.leads_to);
        let sql = "ADO.NET:System.Data.SqlClient.SqlConnection, System.Data, Version=4.0.0.0";
        assert_eq!(leads_to(sql), Some(LeadsTo::Database));
        assert_eq!(leads_to("flatfile"), Some(LeadsTo::File));
        assert_eq!(leads_to("SFORCE"), None);
        let names: Vec<&str> = MANAGER_KINDS.iter().map(|kind| kind.name).collect();
        assert!(
            names.is_sorted_by_key(|name| name.to_lowercase()),
            "{names:?}"
        );
    }

    #[test]
    fn what_opens_is_what_connections_open() {
        for kind in &MANAGER_KINDS {
            let mut manager = ConnectionManager {
                ref_id: "Package.ConnectionManagers[It]".to_owned(),
                dtsid: String::new(),
                name: "It".to_owned(),
                creation_name: kind.name.to_owned(),
                description: String::new(),
                delay_validation: false,
                properties: Properties::default(),
                property_expressions: Vec::new(),
                flat_file_columns: Vec::new(),
                cache_columns: Vec::new(),
                sealed: Vec::new(),
            };
            for (property, value) in [
                ("ServerName", "localhost"),
                ("ServerURL", "http://localhost/"),
                ("ConnectionString", "SmtpServer=localhost"),
            ] {
                manager.properties.set(property, value);
            }
            let connections = Connections::new(vec![manager]);
            let is = |leads_to| kind.leads_to == leads_to;
            assert_eq!(
                connections.ftp("It").is_ok(),
                is(LeadsTo::FileServer),
                "{kind:?}"
            );
            assert_eq!(
                connections.smtp("It").is_ok(),
                is(LeadsTo::MailServer),
                "{kind:?}"
            );
            assert_eq!(
                connections.http("It").is_ok(),
                is(LeadsTo::PageServer),
                "{kind:?}"
            );
        }
        let opens = |name| manager_kind(name).map(ManagerKind::opens);
        for name in ["ADO", "ADO.NET", "ODBC", "OLEDB", "CACHE", "FILE", "FTP"] {
            assert_eq!(opens(name), Some(true), "{name}");
        }
        for name in ["EXCEL", "MSOLAP100", "MULTIFLATFILE", "WMI"] {
            assert_eq!(opens(name), Some(false), "{name}");
        }
    }
}
