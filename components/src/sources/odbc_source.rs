//! ODBC Source: the rows of a table, a view or a query, through an ODBC driver.
//!
//! **Rows**: in the order of the database. See [`database`](crate::database) for columns, types and errors.
//!
//! **Properties**:
//!
//! | property | type | default | meaning |
//! |---|---|---|---|
//! | `AccessMode` | 0, 1 | 0 | the table in `TableName` (0) or the text in `SqlCommand` (1) |
//! | `TableName` | name | | its parts in double quotes |
//! | `SqlCommand` | SQL | | |
//! | `StatementTimeout` | seconds | 0 | 0 for any time |
//! | `BatchSize`, `LobChunkSize`, `FetchMethod`, `BindNumericAs`, `BindCharColumnsAs`, `ExposeCharColumnsAsUnicode`, `DefaultCodePage` | | | how the driver is asked: rows come in batches and text as Unicode whatever they say |

use crate::{
    Binding, Component, ComponentClass, ComponentKind, Finding, Findings,
    database::{
        DatabaseAccess, Sql,
        source::{DatabaseSource, RowsOf},
        table_name,
    },
    transforms::settings::unknown_properties,
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.SSISODBCSrc",
    kind: ComponentKind::Source,
    read,
};

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let findings = unknown_properties(
        binding,
        &[
            "AccessMode",
            "TableName",
            "SqlCommand",
            "StatementTimeout",
            "BatchSize",
            "LobChunkSize",
            "FetchMethod",
            "BindNumericAs",
            "BindCharColumnsAs",
            "ExposeCharColumnsAsUnicode",
            "DefaultCodePage",
        ],
    );
    let access = DatabaseAccess::read(binding, "StatementTimeout");
    let properties = &binding.component.properties;
    let text = |name: &str| properties.get(name).unwrap_or_default().trim();
    let rows_of = match text("AccessMode") {
        "" | "0" => table_name(binding, text("TableName")).map(RowsOf::Table),
        "1" if text("SqlCommand").is_empty() => Err(binding.finding("its SQL command is empty")),
        "1" => Ok(RowsOf::Query(Sql::new(text("SqlCommand")))),
        mode => Err(Finding::from_mode(binding, mode, "0 or 1")),
    };
    DatabaseSource::component(
        binding,
        "OdbcSource",
        access,
        rows_of.map_err(Findings::from),
        findings,
    )
}
