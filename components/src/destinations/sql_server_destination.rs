//! SQL Server Destination: a bulk load into a server on the same machine; here into any that the connection leads to.
//!
//! **Rows**: in source order. See [`database`](crate::database) for transactions.
//!
//! **Properties**:
//!
//! | property | type | default | meaning |
//! |---|---|---|---|
//! | `BulkInsertTableName` | name | | a table or view |
//! | `BulkInsertCheckConstraints`, `BulkInsertFireTriggers`, `BulkInsertKeepIdentity`, `BulkInsertKeepNulls`, `BulkInsertTablock` | bool | | options of the load |
//! | `BulkInsertOrder` | list | | the order in which rows arrive: `a ASC, b DESC` |
//! | `MaxInsertCommitSize` | rows | 0 | a transaction for so many rows; 0: for all |
//! | `Timeout` | seconds | 30 | that the database may take for a batch of rows; 0 for any time |
//! | `DefaultCodePage`, `AlwaysUseDefaultCodePage` | | | text leaves as Unicode whatever they say |
//!
//! **Not supported**: loading a range of rows (`BulkInsertFirstRow`, `BulkInsertLastRow`) and tolerating errors
//! (`BulkInsertMaxErrors`), but for -1, which is none.

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
    name: "Microsoft.SQLServerDestination",
    kind: ComponentKind::Destination,
    read,
};

const RANGES: [&str; 3] = [
    "BulkInsertFirstRow",
    "BulkInsertLastRow",
    "BulkInsertMaxErrors",
];

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let mut findings = Findings::default();
    let known = Known {
        component: &[
            "BulkInsertTableName",
            "BulkInsertCheckConstraints",
            "BulkInsertFireTriggers",
            "BulkInsertKeepIdentity",
            "BulkInsertKeepNulls",
            "BulkInsertTablock",
            "BulkInsertOrder",
            "BulkInsertFirstRow",
            "BulkInsertLastRow",
            "BulkInsertMaxErrors",
            "MaxInsertCommitSize",
            "Timeout",
            "DefaultCodePage",
            "AlwaysUseDefaultCodePage",
        ],
        ..Known::default()
    };
    reject_unknown_everywhere(binding, known, &mut findings);
    let properties = &binding.component.properties;
    let text = |name: &str| properties.get(name).unwrap_or_default().trim();
    for range in RANGES {
        if !matches!(text(range), "" | "-1" | "0") {
            findings.push(binding.unsupported(format!(
                "{range} is `{}`: a part of the rows is not supported",
                text(range)
            )));
        }
    }
    let access = DatabaseAccess::read(binding, "Timeout");
    let table = table_name(binding, text("BulkInsertTableName"));
    let columns = DatabaseDestination::columns(binding);
    let size = batch_size(binding, "MaxInsertCommitSize");
    match (access, table, columns, size) {
        (Ok(access), Ok(table), Ok(columns), Ok(size)) => {
            let (on_error, error_output) = DatabaseDestination::error_handling(binding)?;
            let flag = |name: &str| properties.bool(name).unwrap_or(false);
            let order = text("BulkInsertOrder");
            findings.none_or(Box::new(DatabaseDestination {
                access,
                table,
                columns,
                way: Way::Bulk(size),
                options: LoadOptions {
                    keep_identity: flag("BulkInsertKeepIdentity"),
                    keep_nulls: flag("BulkInsertKeepNulls"),
                    table_lock: flag("BulkInsertTablock"),
                    check_constraints: flag("BulkInsertCheckConstraints"),
                    fire_triggers: flag("BulkInsertFireTriggers"),
                    rows_per_batch: None,
                    order: (!order.is_empty()).then(|| order.to_owned()),
                },
                on_error,
                error_output,
                operator: "SqlServerDestination",
            }))
        }
        (access, table, columns, size) => {
            let own = [access.err(), table.err(), size.err()];
            findings.0.extend(own.into_iter().flatten());
            findings.0.extend(columns.err().unwrap_or_default().0);
            Err(findings)
        }
    }
}
