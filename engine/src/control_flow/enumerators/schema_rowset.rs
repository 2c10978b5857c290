//! Foreach ADO.NET Schema Rowset: the tables, views or columns of a database.
//!
//! ```text
//!  Schema (a GUID of OLE DB) ──▶ catalog of the database ──restrictions──▶ rows in OLE DB's columns
//! ```
//!
//! **Columns** are at OLE DB's places (TABLE_CATALOG 0, TABLE_SCHEMA 1, TABLE_NAME 2, TABLE_TYPE or COLUMN_NAME 3, ...). A
//! variable that takes one which is not listed here is a finding. **Restrictions** compare texts without regard to case.
//! The database's own tables and views are left out. Databases without schemas call theirs `dbo`.
//!
//! **Not supported**: other schemas, by name.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, new_null_array},
    compute::{cast, filter_record_batch},
    datatypes::{DataType as ArrowType, Field, Schema},
};
use dtsx::{ForeachLoop, SsisCode};
use fletching_components::{Finding, FindingKind};
use fletching_connections::{
    database::{ResultSet, Statement},
    sql::Dialect,
};

use super::{Enumeration, EnumeratorClass, Rounds, blocking, property};
use crate::{control_flow::loops::MAPPING, task::TaskHost};

pub(super) static CLASS: EnumeratorClass = EnumeratorClass {
    name: "ForEachSchemaRowsetEnumerator",
    element: "FEESchemaRowset",
    properties: &[("Connection", "Connection"), ("SchemaID", "Schema")],
    check,
    rounds: |enumeration| blocking(enumeration, rounds),
};

/// A schema of OLE DB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SchemaRowset {
    Tables,
    Views,
    Columns,
}

/// GUID without braces, name, and what it is here if it is supported.
const SCHEMAS: [(&str, &str, Option<SchemaRowset>); 12] = [
    (
        "c8b52229-5cf3-11ce-ade5-00aa0044773d",
        "Tables",
        Some(SchemaRowset::Tables),
    ),
    (
        "c8b5222d-5cf3-11ce-ade5-00aa0044773d",
        "Views",
        Some(SchemaRowset::Views),
    ),
    (
        "c8b52214-5cf3-11ce-ade5-00aa0044773d",
        "Columns",
        Some(SchemaRowset::Columns),
    ),
    ("c8b52211-5cf3-11ce-ade5-00aa0044773d", "Catalogs", None),
    ("c8b52225-5cf3-11ce-ade5-00aa0044773d", "Schemata", None),
    ("c8b52224-5cf3-11ce-ade5-00aa0044773d", "Procedures", None),
    (
        "c8b522b8-5cf3-11ce-ade5-00aa0044773d",
        "Procedure_Parameters",
        None,
    ),
    (
        "c8b522c9-5cf3-11ce-ade5-00aa0044773d",
        "Procedure_Columns",
        None,
    ),
    ("c8b5221e-5cf3-11ce-ade5-00aa0044773d", "Indexes", None),
    ("c8b522c5-5cf3-11ce-ade5-00aa0044773d", "Primary_Keys", None),
    ("c8b522c4-5cf3-11ce-ade5-00aa0044773d", "Foreign_Keys", None),
    (
        "c8b5222c-5cf3-11ce-ade5-00aa0044773d",
        "Provider_Types",
        None,
    ),
];

impl SchemaRowset {
    fn of(foreach: &ForeachLoop) -> Result<Self, String> {
        let id = property(foreach, "Schema").trim();
        let bare = id.trim_matches(['{', '}']);
        let mut known = SCHEMAS.iter();
        match known.find(|(guid, ..)| bare.eq_ignore_ascii_case(guid)) {
            Some((_, _, Some(schema))) => Ok(*schema),
            Some((_, name, None)) => Err(format!(
                "the schema {name} is not supported: Tables, Views and Columns are"
            )),
            None => Err(format!(
                "the schema `{id}` is not known: Tables, Views and Columns are supported"
            )),
        }
    }

    /// OLE DB's columns that are supported: place and name.
    fn columns(self) -> &'static [(usize, &'static str)] {
        match self {
            Self::Tables => &[
                (0, "TABLE_CATALOG"),
                (1, "TABLE_SCHEMA"),
                (2, "TABLE_NAME"),
                (3, "TABLE_TYPE"),
            ],
            Self::Views => &[(0, "TABLE_CATALOG"), (1, "TABLE_SCHEMA"), (2, "TABLE_NAME")],
            Self::Columns => &[
                (0, "TABLE_CATALOG"),
                (1, "TABLE_SCHEMA"),
                (2, "TABLE_NAME"),
                (3, "COLUMN_NAME"),
                (6, "ORDINAL_POSITION"),
            ],
        }
    }

    /// The statement that yields [`columns`](Self::columns), in order, for a database.
    fn statement(self, dialect: Dialect) -> String {
        let text = |name: &str| match dialect {
            Dialect::MySql => format!("CAST({name} AS CHAR(250))"),
            _ => format!("CAST({name} AS varchar(250))"),
        };
        let place = match dialect {
            Dialect::MySql => "CAST(c.ORDINAL_POSITION AS SIGNED)",
            _ => "CAST(c.ORDINAL_POSITION AS bigint)",
        };
        let (catalog, schema, name) = (
            text("t.TABLE_CATALOG"),
            text("t.TABLE_SCHEMA"),
            text("t.TABLE_NAME"),
        );
        let kind = "CASE t.TABLE_TYPE WHEN 'BASE TABLE' THEN 'TABLE' WHEN 'VIEW' THEN 'VIEW' ELSE t.TABLE_TYPE END";
        let own = match dialect {
            Dialect::MySql => "t.TABLE_SCHEMA = DATABASE()",
            _ => "lower(t.TABLE_SCHEMA) NOT IN ('information_schema', 'sys', 'pg_catalog')",
        };
        match (self, dialect) {
            (Self::Columns, Dialect::Sqlite) => format!(
                "SELECT NULL, {SQLITE_SCHEMA}, {SQLITE_NAME}, c.name, CAST(c.cid + 1 AS bigint) \
                 FROM sqlite_master t, pragma_table_info(t.name) c \
                 WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 2, 3, 5"
            ),
            (_, Dialect::Sqlite) => {
                let (column, kinds) = match self {
                    Self::Views => ("", "'view'"),
                    _ => (", upper(t.type)", "'table', 'view'"),
                };
                format!(
                    "SELECT NULL, {SQLITE_SCHEMA}, {SQLITE_NAME}{column} FROM sqlite_master t \
                     WHERE t.type IN ({kinds}) AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY t.type, 2, 3"
                )
            }
            (Self::Tables, _) => format!(
                "SELECT {catalog}, {schema}, {name}, {kind} FROM INFORMATION_SCHEMA.TABLES t WHERE {own} ORDER BY 4, 2, 3"
            ),
            (Self::Views, _) => format!(
                "SELECT {catalog}, {schema}, {name} FROM INFORMATION_SCHEMA.TABLES t \
                 WHERE t.TABLE_TYPE = 'VIEW' AND {own} ORDER BY 2, 3"
            ),
            (Self::Columns, _) => format!(
                "SELECT {catalog}, {schema}, {name}, {}, {place} FROM INFORMATION_SCHEMA.TABLES t \
                 JOIN INFORMATION_SCHEMA.COLUMNS c ON c.TABLE_SCHEMA = t.TABLE_SCHEMA AND c.TABLE_NAME = t.TABLE_NAME \
                 WHERE {own} ORDER BY 2, 3, 5",
                text("c.COLUMN_NAME")
            ),
        }
    }
}

/// A table called `Sales.Orders` is `Orders` of the schema `Sales`.
const SQLITE_SCHEMA: &str =
    "CASE instr(t.name, '.') WHEN 0 THEN 'dbo' ELSE substr(t.name, 1, instr(t.name, '.') - 1) END";
const SQLITE_NAME: &str = "substr(t.name, instr(t.name, '.') + 1)";

/// Place and text of each restriction; an empty text restricts nothing.
fn restrictions(foreach: &ForeachLoop) -> Result<Vec<(usize, String)>, String> {
    let mut found = Vec::new();
    for item in &foreach.items {
        let known = ["Index", "Value"];
        let strange = item
            .properties
            .iter()
            .find(|property| !known.contains(&property.name.as_str()));
        if let Some(strange) = strange {
            return Err(format!(
                "a restriction says {}=`{}`, which is not supported: a text is",
                strange.name, strange.value
            ));
        }
        let index = item.properties.get("Index").unwrap_or_default().trim();
        let place = index.parse();
        let place = place.map_err(|_| format!("a restriction is on column `{index}`"))?;
        let text = item.properties.get("Value").unwrap_or_default();
        if !text.is_empty() {
            found.push((place, text.to_owned()));
        }
    }
    Ok(found)
}

fn check(host: &TaskHost<'_>, foreach: &ForeachLoop) -> Vec<Finding> {
    let mut findings = Vec::new();
    let schema = match SchemaRowset::of(foreach) {
        Ok(schema) => Some(schema),
        Err(message) => {
            findings.push(host.unsupported(message));
            None
        }
    };
    let restricted = match restrictions(foreach) {
        Ok(restrictions) => restrictions,
        Err(message) => {
            findings.push(host.unsupported(message));
            Vec::new()
        }
    };
    if let Some(schema) = schema {
        let has = |place: usize| schema.columns().iter().any(|(at, _)| *at == place);
        let names: Vec<String> = schema
            .columns()
            .iter()
            .map(|(at, name)| format!("{at} {name}"))
            .collect();
        let names = names.join(", ");
        for (place, _) in restricted.iter().filter(|(place, _)| !has(*place)) {
            let message = format!(
                "a restriction on column {place} of {schema:?} is not supported; supported are {names}"
            );
            findings.push(host.unsupported(message));
        }
        let mappings = foreach.mappings.iter();
        for mapping in mappings.filter(|mapping| !has(mapping.value_index as usize)) {
            let message = format!(
                "variable `{}` takes column {} of {schema:?}, which is not supported; supported are {names}",
                mapping.variable, mapping.value_index
            );
            findings.push(host.finding(FindingKind::Unsupported, Some(MAPPING), message));
        }
    }
    match host.connections() {
        Ok(connections) => {
            if let Err(error) = connections.database(property(foreach, "Connection")) {
                // DTS_E_CANNOTACQUIRECONNECTIONFROMCONNECTIONMANAGER
                let code = Some(SsisCode(0xC020_801C));
                findings.push(host.finding(FindingKind::Invalid, code, error.to_string()));
            }
        }
        // Said of the connection manager itself.
        Err(_) => return findings,
    }
    findings
}

fn rounds(enumeration: &Enumeration) -> Result<Rounds, String> {
    let foreach = &enumeration.foreach;
    let schema = SchemaRowset::of(foreach)?;
    let restrictions = restrictions(foreach)?;
    let connection = enumeration
        .connections
        .database(property(foreach, "Connection"))
        .map_err(|error| error.to_string())?;
    let wrong = |error| format!("connection manager `{}`: {error}", connection.manager);
    let mut session = enumeration
        .sessions
        .acquire(&connection)
        .map_err(|error| wrong(error.to_string()))?;
    let dialect = session.dialect();
    let statement = schema.statement(dialect);
    let executed = session
        .execute(&Statement::new(&statement))
        .map_err(|error| wrong(error.to_string()))?;
    let set = executed.result_sets.into_iter().next();
    let set = set.ok_or_else(|| wrong("its catalog yields no rows".to_owned()))?;
    let batches = placed(&set, schema, &restrictions)?;
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let path = &enumeration.path;
    let warning = match rows {
        0 => Some(format!(
            "{path}: `{}` has no {schema:?} that fit: the loop has nothing to do",
            connection.manager
        )),
        _ if schema == SchemaRowset::Tables && !restrictions.iter().any(|(at, _)| *at == 3) => {
            Some(format!(
                "{path}: system tables and views are left out; SSIS goes over them too unless TABLE_TYPE is restricted"
            ))
        }
        _ => None,
    };
    Ok(Rounds::of_rows(Arc::new(batches)).with_warning(warning))
}

/// The rows that fit, their columns at OLE DB's places.
fn placed(
    set: &ResultSet,
    schema: SchemaRowset,
    restrictions: &[(usize, String)],
) -> Result<Vec<RecordBatch>, String> {
    let columns = schema.columns();
    let count = columns
        .iter()
        .map(|(place, _)| place + 1)
        .max()
        .unwrap_or(0);
    let one = |batch: &RecordBatch| {
        let rows = batch.num_rows();
        let mut placed = vec![new_null_array(&ArrowType::Utf8View, rows); count];
        for (at, (place, _)) in columns.iter().enumerate() {
            let column = batch
                .columns()
                .get(at)
                .ok_or("the catalog lacks a column")?;
            placed[*place] = match column.data_type() {
                ArrowType::Int64 => Arc::clone(column),
                _ => cast(column, &ArrowType::Utf8View).map_err(|error| error.to_string())?,
            };
        }
        let mut fits = BooleanArray::from(vec![true; rows]);
        for (place, text) in restrictions {
            let column: &ArrayRef = placed.get(*place).ok_or("a restriction on no column")?;
            let column = cast(column, &ArrowType::Utf8View).map_err(|error| error.to_string())?;
            let same = column
                .as_string_view()
                .iter()
                .map(|value| Some(value.is_some_and(|value| value.eq_ignore_ascii_case(text))));
            fits =
                arrow::compute::and(&fits, &same.collect()).map_err(|error| error.to_string())?;
        }
        let fields: Vec<Field> = placed
            .iter()
            .enumerate()
            .map(|(at, column)| {
                let mut named = columns.iter();
                let name = named.find(|(place, _)| *place == at);
                let name = name.map_or_else(|| at.to_string(), |(_, name)| (*name).to_owned());
                Field::new(name, column.data_type().clone(), true)
            })
            .collect();
        let all = RecordBatch::try_new(Arc::new(Schema::new(fields)), placed)
            .map_err(|error| error.to_string())?;
        filter_record_batch(&all, &fits).map_err(|error| error.to_string())
    };
    set.batches.iter().map(one).collect()
}
