//! What a session knows besides its tables: variables, counters, settings.

use std::collections::HashMap;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension};
use sqlparser::ast::Value as Literal;

use crate::error::SqlError;
use crate::rewrite::{Column, Facts, quoted, table_name};
use crate::sql_type::{Declared, SqlType};

pub(crate) type Variables = HashMap<String, (SqlType, Value)>;

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) variables: Variables,
    pub(crate) database: String,
    pub(crate) user: String,
    pub(crate) host: String,
    pub(crate) application: String,
    pub(crate) process: i16,
    pub(crate) row_count: u64,
    pub(crate) identity: Option<i64>,
    pub(crate) transactions: i64,
    /// Savepoints of the open transaction, the last one last.
    pub(crate) savepoints: Vec<String>,
    /// Number of the open transaction.
    pub(crate) transaction: u64,
    pub(crate) error: i32,
    pub(crate) caught: Option<SqlError>,
    pub(crate) no_count: bool,
    pub(crate) format_only: bool,
    pub(crate) abort: bool,
    pub(crate) identity_insert: Option<String>,
    pub(crate) lock_timeout: i64,
    pub(crate) status: i32,
}

/// The state beside the tables.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) state: &'a State,
}

const VERSION: &str = "tds-server, a test server over SQLite, which says it is Microsoft SQL Server 2022 - 16.0.4096.0";

impl View<'_> {
    fn object(&self, name: &str) -> Option<i64> {
        let name = name.replace(['[', ']', '"'], "");
        let table = table_name(&name.split('.').collect::<Vec<_>>());
        let found: Option<i64> = self
            .db
            .query_row(
                "SELECT rowid FROM sqlite_master WHERE name = ?1 COLLATE NOCASE AND type IN ('table', 'view') \
                 UNION ALL SELECT -rowid FROM sqlite_temp_master WHERE name = ?1 COLLATE NOCASE AND type IN ('table', 'view')",
                [&table],
                |row| row.get(0),
            )
            .optional()
            .ok()?;
        found.map(|row| 1_000_000 + row)
    }

    fn caught(&self, name: &str) -> Option<Literal> {
        let Some(error) = &self.state.caught else {
            return Some(Literal::Null);
        };
        Some(match name {
            "ERROR_NUMBER" => number(error.number),
            "ERROR_MESSAGE" => text(&error.message),
            "ERROR_SEVERITY" => number(error.class),
            "ERROR_STATE" => number(error.state),
            "ERROR_LINE" => number(error.line),
            _ => Literal::Null,
        })
    }
}

fn number(value: impl ToString) -> Literal {
    Literal::Number(value.to_string(), false)
}

fn text(value: &str) -> Literal {
    Literal::NationalStringLiteral(value.to_owned())
}

fn property(name: &str) -> Literal {
    match name.to_ascii_lowercase().as_str() {
        "productversion" => text("16.0.4096.0"),
        "productlevel" => text("RTM"),
        "edition" => text("tds-server"),
        "engineedition" => number(3),
        "collation" => text("SQL_Latin1_General_CP1_CI_AS"),
        "servername" | "machinename" => text("tds-server"),
        "isclustered" | "ishadrenabled" | "isintegratedsecurityonly" => number(0),
        _ => Literal::Null,
    }
}

impl Facts for View<'_> {
    fn columns(&self, table: &str) -> Option<Vec<Column>> {
        let sql = format!("PRAGMA table_info({})", quoted(table));
        let mut statement = self.db.prepare(&sql).ok()?;
        let columns = statement.query_map([], |row| {
            let declared: String = row.get(2)?;
            Ok(Column {
                name: row.get(1)?,
                declared: Declared::parse(&declared),
                default: row.get(4)?,
            })
        });
        let columns: Vec<Column> = columns.ok()?.flatten().collect();
        (!columns.is_empty()).then_some(columns)
    }

    fn known(&self, name: &str, argument: Option<&str>) -> Option<Literal> {
        let state = self.state;
        Some(match (name, argument) {
            ("@@ROWCOUNT" | "ROWCOUNT_BIG", None) => number(state.row_count),
            ("@@TRANCOUNT", None) => number(state.transactions),
            ("XACT_STATE", None) => number(i64::from(state.transactions > 0)),
            ("@@ERROR", None) => number(state.error),
            ("@@SPID", None) => number(state.process),
            ("@@VERSION", None) => text(VERSION),
            ("@@SERVERNAME", None) => text("tds-server"),
            ("@@LANGUAGE", None) => text("us_english"),
            ("@@MICROSOFTVERSION", None) => number(0x1000_1000),
            ("@@OPTIONS" | "@@FETCH_STATUS" | "@@NESTLEVEL" | "@@DBTS", None) => number(0),
            ("@@DATEFIRST", None) => number(7),
            ("@@MAX_PRECISION", None) => number(38),
            ("@@LOCK_TIMEOUT", None) => number(state.lock_timeout),
            ("@@IDENTITY" | "SCOPE_IDENTITY", None) | ("IDENT_CURRENT", Some(_)) => {
                state.identity.map_or(Literal::Null, number)
            }
            ("DB_NAME", None) => text(&state.database),
            ("DB_ID", None) => number(5),
            ("SUSER_SNAME" | "SUSER_NAME" | "ORIGINAL_LOGIN" | "SYSTEM_USER", None) => {
                text(&state.user)
            }
            ("USER_NAME" | "SCHEMA_NAME" | "CURRENT_USER" | "SESSION_USER" | "USER", None) => {
                text("dbo")
            }
            ("APP_NAME", None) => text(&state.application),
            ("HOST_NAME", None) => text(&state.host),
            ("SERVERPROPERTY", Some(name)) => property(name),
            ("DATABASEPROPERTYEX", Some(_))
            | ("CONNECTIONPROPERTY" | "SESSIONPROPERTY", Some(_)) => Literal::Null,
            ("OBJECT_ID", Some(name)) => self.object(name).map_or(Literal::Null, number),
            (
                "ERROR_NUMBER" | "ERROR_MESSAGE" | "ERROR_SEVERITY" | "ERROR_STATE" | "ERROR_LINE"
                | "ERROR_PROCEDURE",
                None,
            ) => self.caught(name)?,
            _ => return None,
        })
    }

    fn variable(&self, name: &str) -> Option<SqlType> {
        self.state.variables.get(name).map(|(ty, _)| *ty)
    }

    fn identity_insert(&self, table: &str) -> bool {
        self.state
            .identity_insert
            .as_ref()
            .is_some_and(|allowed| allowed.eq_ignore_ascii_case(table))
    }
}
