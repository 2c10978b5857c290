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
//! | `BulkInsertOrder` | list | | a hint, the order in which rows arrive: `a ASC, b DESC`. The database is not told: the run warns |
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
        destination::{DatabaseDestination, Parts, Way, batch_size},
        table_name,
    },
    transforms::settings::unknown_properties,
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
    let mut findings = unknown_properties(
        binding,
        &[
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
    );
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
    let flag = |name: &str| properties.bool(name).unwrap_or(false);
    let order = text("BulkInsertOrder");
    let options = LoadOptions {
        keep_identity: flag("BulkInsertKeepIdentity"),
        keep_nulls: flag("BulkInsertKeepNulls"),
        table_lock: flag("BulkInsertTablock"),
        check_constraints: flag("BulkInsertCheckConstraints"),
        fire_triggers: flag("BulkInsertFireTriggers"),
        order: (!order.is_empty()).then(|| order.to_owned()),
        ..LoadOptions::default()
    };
    let size = batch_size(binding, "MaxInsertCommitSize");
    let parts = Parts {
        access: DatabaseAccess::read(binding, "Timeout"),
        table: table_name(binding, text("BulkInsertTableName")),
        columns: DatabaseDestination::columns(binding),
        load: size.map(|size| (Way::Bulk(size), options)),
        operator: "SqlServerDestination",
    };
    parts.into_component(binding, findings)
}
