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
        destination::{DatabaseDestination, Way, batch_size},
        table_name,
    },
    transforms::settings::{Known, reject_unknown_everywhere},
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.SSISODBCDst",
    kind: ComponentKind::Destination,
    read,
};

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let mut findings = Findings::default();
    let known = Known {
        component: &[
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
        ..Known::default()
    };
    reject_unknown_everywhere(binding, known, &mut findings);
    let properties = &binding.component.properties;
    let text = |name: &str| properties.get(name).unwrap_or_default().trim();
    let access = DatabaseAccess::read(binding, "StatementTimeout");
    let table = table_name(binding, text("TableName"));
    let columns = DatabaseDestination::columns(binding);
    let way = match text("InsertMethod") {
        "" | "0" => batch_size(binding, "TransactionSize").map(Way::Bulk),
        "1" => Ok(Way::RowByRow),
        other => Err(binding.finding(format!("InsertMethod is `{other}`: 0 or 1 is wanted"))),
    };
    match (access, table, columns, way) {
        (Ok(access), Ok(table), Ok(columns), Ok(way)) => {
            let (on_error, error_output) = DatabaseDestination::error_handling(binding)?;
            findings.none_or(Box::new(DatabaseDestination {
                access,
                table,
                columns,
                way,
                options: LoadOptions {
                    check_constraints: true,
                    fire_triggers: true,
                    keep_nulls: true,
                    keep_identity: true,
                    ..LoadOptions::default()
                },
                on_error,
                error_output,
                operator: "OdbcDestination",
            }))
        }
        (access, table, columns, way) => {
            let own = [access.err(), table.err(), way.err()];
            findings.0.extend(own.into_iter().flatten());
            findings.0.extend(columns.err().unwrap_or_default().0);
            Err(findings)
        }
    }
}
