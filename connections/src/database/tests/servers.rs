//! Which databases there are, and how a table is declared there.

use std::path::Path;

use crate::database::{Session, Target, open};

/// A database under test.
#[derive(Debug, Clone, Copy)]
pub(super) struct Database {
    pub(super) name: &'static str,
    /// What says where it is; none for what is always there.
    variable: Option<&'static str>,
    /// An address, from the variable's value and a folder of the test's own.
    address: fn(&str, &Path) -> String,
    pub(super) family: Family,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Sqlite,
    Postgres,
    MariaDb,
    DuckDb,
}

pub(super) const DATABASES: [Database; 8] = [
    Database {
        name: "sqlite",
        variable: None,
        address: |_, folder| format!("sqlite:{}/a.db", folder.display()),
        family: Family::Sqlite,
    },
    Database {
        name: "sqlite-odbc",
        variable: Some("FLETCHING_TEST_SQLITE_ODBC"),
        address: |text, folder| format!("odbc:{text};Database={}/a.db", folder.display()),
        family: Family::Sqlite,
    },
    Database {
        name: "sqlite-adbc",
        variable: Some("FLETCHING_TEST_ADBC_SQLITE"),
        address: |text, folder| format!("adbc:{text}?uri={}/a.db", folder.display()),
        family: Family::Sqlite,
    },
    Database {
        name: "postgres",
        variable: Some("FLETCHING_TEST_POSTGRES"),
        address: |text, _| text.to_owned(),
        family: Family::Postgres,
    },
    Database {
        name: "postgres-odbc",
        variable: Some("FLETCHING_TEST_POSTGRES_ODBC"),
        address: |text, _| format!("odbc:{text}"),
        family: Family::Postgres,
    },
    Database {
        name: "postgres-adbc",
        variable: Some("FLETCHING_TEST_ADBC_POSTGRES"),
        address: |text, _| {
            let server = value("FLETCHING_TEST_POSTGRES").unwrap_or_default();
            format!("adbc:{text}?uri={server}")
        },
        family: Family::Postgres,
    },
    Database {
        name: "mariadb-odbc",
        variable: Some("FLETCHING_TEST_MARIADB_ODBC"),
        address: |text, _| format!("odbc:{text}"),
        family: Family::MariaDb,
    },
    Database {
        name: "duckdb-adbc",
        variable: Some("FLETCHING_TEST_ADBC_DUCKDB"),
        address: |text, folder| format!("adbc:{text}?path={}/a.duckdb", folder.display()),
        family: Family::DuckDb,
    },
];

fn value(variable: &str) -> Option<String> {
    std::env::var(variable)
        .ok()
        .filter(|value| !value.is_empty())
}

impl Database {
    pub(super) fn named(name: &str) -> Self {
        *DATABASES
            .iter()
            .find(|database| database.name == name)
            .unwrap()
    }

    /// `None` if it is not set up, which only a machine that is no CI may be.
    pub(super) fn address(&self, folder: &Path) -> Option<String> {
        let text = match self.variable {
            None => String::new(),
            Some(variable) => match value(variable) {
                Some(text) => text,
                None => {
                    assert!(
                        std::env::var("CI").as_deref() != Ok("true"),
                        "{variable} is not set: run scripts/setup ci and `. target/servers/env`"
                    );
                    eprintln!(
                        "skipped: {variable} is not set (scripts/setup ci; . target/servers/env)"
                    );
                    return None;
                }
            },
        };
        Some((self.address)(&text, folder))
    }

    pub(super) fn open(&self, folder: &Path) -> Option<Box<dyn Session>> {
        let address = self.address(folder)?;
        Some(open(&Target::parse(&address, "OLEDB", None).unwrap()).unwrap())
    }
}
