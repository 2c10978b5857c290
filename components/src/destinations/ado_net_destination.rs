//! ADO NET Destination: rows into a table, through a managed provider.
//!
//! **Rows**: in source order. See [`database`](crate::database) for transactions and failing rows.
//!
//! **Properties**:
//!
//! | property | type | default | meaning |
//! |---|---|---|---|
//! | `TableOrViewName` | name | | its parts in double quotes |
//! | `BatchSize` | rows | 0 | a transaction for so many rows; 0: for all |
//! | `UseBulkInsertWhenPossible` | bool | true | false: each row is judged alone |
//! | `CommandTimeout` | seconds | 30 | that the database may take for a batch of rows; 0 for any time |

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
    name: "Microsoft.ADONETDestination",
    kind: ComponentKind::Destination,
    read,
};

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let findings = unknown_properties(
        binding,
        &[
            "TableOrViewName",
            "BatchSize",
            "UseBulkInsertWhenPossible",
            "CommandTimeout",
            "UserComponentTypeName",
        ],
    );
    let properties = &binding.component.properties;
    let bulk = properties.bool("UseBulkInsertWhenPossible").unwrap_or(true);
    let options = LoadOptions {
        check_constraints: !bulk,
        fire_triggers: !bulk,
        ..LoadOptions::default()
    };
    let way = batch_size(binding, "BatchSize").map(|size| match bulk {
        true => Way::Bulk(size),
        false => Way::RowByRow,
    });
    let parts = Parts {
        access: DatabaseAccess::read(binding, "CommandTimeout"),
        table: table_name(
            binding,
            properties.get("TableOrViewName").unwrap_or_default(),
        ),
        columns: DatabaseDestination::columns(binding),
        load: way.map(|way| (way, options)),
        operator: "AdoNetDestination",
    };
    parts.into_component(binding, findings)
}
