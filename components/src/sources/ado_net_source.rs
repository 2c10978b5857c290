//! ADO NET Source: the rows of a table, a view or a query, through a managed provider.
//!
//! **Rows**: in the order of the database. See [`database`](crate::database) for columns, types and errors.
//!
//! **Properties**:
//!
//! | property | type | default | meaning |
//! |---|---|---|---|
//! | `AccessMode` | 0, 2 | | says which of the next two the designer shows; the one that is filled in counts |
//! | `TableOrViewName` | name | | its parts in double quotes |
//! | `SqlCommand` | SQL | | |
//! | `CommandTimeout` | seconds | 30 | 0 for any time |
//! | `AllowImplicitStringConversion` | bool | true | text that arrives as another type is text all the same |

use crate::{
    Binding, Component, ComponentClass, ComponentKind, Findings,
    database::{
        DatabaseAccess, Sql,
        source::{DatabaseSource, RowsOf},
        table_name,
    },
    transforms::settings::unknown_properties,
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.DataReaderSourceAdapter",
    kind: ComponentKind::Source,
    read,
};

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let findings = unknown_properties(
        binding,
        &[
            "AccessMode",
            "TableOrViewName",
            "SqlCommand",
            "CommandTimeout",
            "AllowImplicitStringConversion",
            "UserComponentTypeName",
        ],
    );
    let access = DatabaseAccess::read(binding, "CommandTimeout");
    let properties = &binding.component.properties;
    let text = |name: &str| properties.get(name).unwrap_or_default().trim();
    // The numbers of AccessMode are not documented alike everywhere (spec `ssis-matrix.md`, ADO NET Source).
    let is_table = text("SqlCommand").is_empty()
        || text("AccessMode") == "0" && !text("TableOrViewName").is_empty();
    let rows_of = match is_table {
        true => table_name(binding, text("TableOrViewName")).map(RowsOf::Table),
        false => Ok(RowsOf::Query(Sql::new(text("SqlCommand")))),
    };
    DatabaseSource::component(
        binding,
        "AdoNetSource",
        access,
        rows_of.map_err(Findings::from),
        findings,
    )
}
