//! ODBC Destination: rows into a table, through an ODBC driver.
//!
//! **Rows**: in source order. See [`database`](crate::database) for transactions and failing rows.
//!
//! **Properties**:
//!
//! | property | type | default | meaning |
//! |---|---|---|---|
//! | `TableName` | name | | its parts in double quotes |
//! | `InsertMethod` | 0, 1 | 0 | in batches (0) or row by row (1) |
//! | `TransactionSize` | rows | 0 | a transaction for so many rows; 0: for all |
//! | `StatementTimeout` | seconds | 0 | that the database may take for a batch of rows; 0 for any time |
//! | `BatchSize`, `LobChunkSize`, `BindNumericAs`, `BindCharColumnsAs`, `DefaultCodePage` | | | how the driver is fed: rows go in batches and text as Unicode whatever they say |

use fletching_connections::database::LoadOptions;

use crate::{
    Binding, Component, ComponentClass, ComponentKind, Findings,
    database::{
        DatabaseAccess,
        destination::{DatabaseDestination, Parts, Way, batch_size},
        table_name,
    },
    transforms::settings::unknown_properties,
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.SSISODBCDst",
    kind: ComponentKind::Destination,
    read,
};

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let findings = unknown_properties(
        binding,
        &[
            "TableName",
            "InsertMethod",
            "TransactionSize",
            "StatementTimeout",
            "BatchSize",
            "LobChunkSize",
            "BindNumericAs",
            "BindCharColumnsAs",
            "DefaultCodePage",
        ],
    );
    let properties = &binding.component.properties;
    let text = |name: &str| properties.get(name).unwrap_or_default().trim();
    let way = match text("InsertMethod") {
        "" | "0" => batch_size(binding, "TransactionSize").map(Way::Bulk),
        "1" => Ok(Way::RowByRow),
        other => Err(binding.finding(format!("InsertMethod is `{other}`: 0 or 1 is wanted"))),
    };
    let options = LoadOptions {
        check_constraints: true,
        fire_triggers: true,
        keep_nulls: true,
        keep_identity: true,
        ..LoadOptions::default()
    };
    let parts = Parts {
        access: DatabaseAccess::read(binding, "StatementTimeout"),
        table: table_name(binding, text("TableName")),
        columns: DatabaseDestination::columns(binding),
        load: way.map(|way| (way, options)),
        operator: "OdbcDestination",
    };
    parts.into_component(binding, findings)
}
