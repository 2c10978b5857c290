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
        destination::{DatabaseDestination, Way, batch_size},
        table_name,
    },
    transforms::settings::{Known, reject_unknown_everywhere},
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.ADONETDestination",
    kind: ComponentKind::Destination,
    read,
};

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let mut findings = Findings::default();
    let known = Known {
        component: &[
            "TableOrViewName",
            "BatchSize",
            "UseBulkInsertWhenPossible",
            "CommandTimeout",
            "UserComponentTypeName",
        ],
        ..Known::default()
    };
    reject_unknown_everywhere(binding, known, &mut findings);
    let properties = &binding.component.properties;
    let access = DatabaseAccess::read(binding, "CommandTimeout");
    let table = table_name(
        binding,
        properties.get("TableOrViewName").unwrap_or_default(),
    );
    let columns = DatabaseDestination::columns(binding);
    let size = batch_size(binding, "BatchSize");
    match (access, table, columns, size) {
        (Ok(access), Ok(table), Ok(columns), Ok(size)) => {
            let (on_error, error_output) = DatabaseDestination::error_handling(binding)?;
            let bulk = properties.bool("UseBulkInsertWhenPossible").unwrap_or(true);
            findings.none_or(Box::new(DatabaseDestination {
                access,
                table,
                columns,
                way: if bulk { Way::Bulk(size) } else { Way::RowByRow },
                options: LoadOptions {
                    check_constraints: !bulk,
                    fire_triggers: !bulk,
                    ..LoadOptions::default()
                },
                on_error,
                error_output,
                operator: "AdoNetDestination",
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
