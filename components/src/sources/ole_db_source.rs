//! OLE DB Source: the rows of a table, a view or a query.
//!
//! **Rows**: in the order of the database. See [`database::source`](crate::database) for columns, types and errors.
//!
//! **Properties**:
//!
//! | property | type | default | meaning |
//! |---|---|---|---|
//! | `AccessMode` | 0 to 3 | 0 | the table in `OpenRowset` (0), the table that a variable names (1), the text in `SqlCommand` (2), the text in a variable (3) |
//! | `OpenRowset` | name | | a table or view, its parts in brackets or double quotes |
//! | `OpenRowsetVariable` | variable | | holds the table's name |
//! | `SqlCommand` | SQL | | `?` are parameters |
//! | `SqlCommandVariable` | variable | | holds the text |
//! | `ParameterMapping` | text | | `"Parameter0:Input",{variable};...` |
//! | `CommandTimeout` | seconds | 0 | 0 for any time |
//! | `DefaultCodePage`, `AlwaysUseDefaultCodePage` | | | text arrives as Unicode whatever they say |

use crate::{
    Binding, Component, ComponentClass, ComponentKind, Finding, Findings,
    database::{
        DatabaseAccess, Sql, mapped_parameters,
        source::{DatabaseSource, RowsOf},
        table_name, variable_text,
    },
    transforms::settings::unknown_properties,
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.OLEDBSource",
    kind: ComponentKind::Source,
    read,
};

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let findings = unknown_properties(
        binding,
        &[
            "AccessMode",
            "OpenRowset",
            "OpenRowsetVariable",
            "SqlCommand",
            "SqlCommandVariable",
            "ParameterMapping",
            "CommandTimeout",
            "DefaultCodePage",
            "AlwaysUseDefaultCodePage",
        ],
    );
    let access = DatabaseAccess::read(binding, "CommandTimeout");
    let rows_of = rows_of(binding);
    DatabaseSource::component(binding, "OleDbSource", access, rows_of, findings)
}

fn rows_of(binding: &Binding<'_>) -> Result<RowsOf, Findings> {
    let properties = &binding.component.properties;
    let text = |name: &str| properties.get(name).unwrap_or_default();
    let mode = text("AccessMode").trim();
    let query = |sql: &str| -> Result<RowsOf, Findings> {
        if sql.trim().is_empty() {
            return Err(binding.finding("its SQL command is empty").into());
        }
        let mut parameters = mapped_parameters(binding, text("ParameterMapping"))?;
        if sql.contains('?') {
            // Names are those of the parameters of a procedure that is called with markers: mapped in its order.
            for parameter in &mut parameters {
                parameter.name = None;
            }
        }
        Ok(RowsOf::Query(Sql {
            text: sql.to_owned(),
            parameters,
        }))
    };
    match mode {
        "" | "0" => Ok(RowsOf::Table(table_name(binding, text("OpenRowset"))?)),
        "1" => {
            let name = variable_text(binding, text("OpenRowsetVariable"))?;
            Ok(RowsOf::Table(table_name(binding, &name)?))
        }
        "2" => query(text("SqlCommand")),
        "3" => query(&variable_text(binding, text("SqlCommandVariable"))?),
        _ => Err(Finding::from_mode(binding, mode, "0 to 3").into()),
    }
}
