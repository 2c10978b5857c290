//! OLE DB Destination: rows into a table.
//!
//! **Rows**: in source order. See [`database`](crate::database) for transactions and failing rows; the error output has
//! the columns as they arrived.
//!
//! **Properties**:
//!
//! | property | type | default | meaning |
//! |---|---|---|---|
//! | `AccessMode` | 0 to 4 | 0 | row by row into the table in `OpenRowset` (0), of a variable (1) or behind the query in `SqlCommand` (2); fast load into the table in `OpenRowset` (3) or of a variable (4) |
//! | `OpenRowset` | name | | a table or view, its parts in brackets or double quotes |
//! | `OpenRowsetVariable` | variable | | holds the table's name |
//! | `SqlCommand` | SQL | | `SELECT columns FROM table`: what it names is inserted into |
//! | `FastLoadKeepIdentity` | bool | false | values for identity columns are taken |
//! | `FastLoadKeepNulls` | bool | false | NULL stays NULL where a column has a default |
//! | `FastLoadOptions` | list | | `TABLOCK`, `CHECK_CONSTRAINTS`, `FIRE_TRIGGERS`; the hints `ROWS_PER_BATCH = n`, `KILOBYTES_PER_BATCH = n` and `ORDER(...)`, which the database is not told: the run warns |
//! | `FastLoadMaxInsertCommitSize` | rows | 0 | a transaction for so many rows; 0 and 2147483647: for all |
//! | `CommandTimeout` | seconds | 0 | that the database may take for a batch of rows; 0 for any time |
//! | `DefaultCodePage`, `AlwaysUseDefaultCodePage` | | | text leaves as Unicode whatever they say |
//!
//! **Not supported**: AccessMode 2 with a query that is not a plain one of a single table.

use fletching_connections::{
    database::{LoadOptions, TableName},
    sql::rowset_target,
};

use crate::{
    Binding, Component, ComponentClass, ComponentKind, Finding, Findings,
    database::{
        DatabaseAccess,
        destination::{DatabaseDestination, Parts, Way, batch_size, through_rowset},
        table_name, variable_text,
    },
    transforms::settings::unknown_properties,
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.OLEDBDestination",
    kind: ComponentKind::Destination,
    read,
};

const OPTIONS: &str = "FastLoadOptions";
const COMMIT_SIZE: &str = "FastLoadMaxInsertCommitSize";

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let findings = unknown_properties(
        binding,
        &[
            "AccessMode",
            "OpenRowset",
            "OpenRowsetVariable",
            "SqlCommand",
            "FastLoadKeepIdentity",
            "FastLoadKeepNulls",
            OPTIONS,
            COMMIT_SIZE,
            "CommandTimeout",
            "DefaultCodePage",
            "AlwaysUseDefaultCodePage",
        ],
    );
    let target = target(binding);
    let fast = target.as_ref().is_ok_and(|target| target.fast);
    let rowset = target
        .as_ref()
        .ok()
        .and_then(|target| target.rowset.clone());
    let load = options(binding).map(|(options, way)| match fast {
        true => (way, options),
        // A rowset is held to everything that the table demands.
        false => {
            let options = LoadOptions {
                check_constraints: true,
                fire_triggers: true,
                ..LoadOptions::default()
            };
            (Way::RowByRow, options)
        }
    });
    let parts = Parts {
        access: DatabaseAccess::read(binding, "CommandTimeout"),
        table: target.map(|target| target.table),
        columns: DatabaseDestination::columns(binding)
            .and_then(|columns| through_rowset(binding, columns, rowset.as_deref())),
        load,
        operator: "OleDbDestination",
    };
    parts.into_component(binding, findings)
}

/// Where rows go.
struct Target {
    table: TableName,
    /// Whether it is loaded fast.
    fast: bool,
    /// The columns of a rowset, each with the table's column behind it.
    rowset: Option<Vec<(String, String)>>,
}

fn target(binding: &Binding<'_>) -> Result<Target, Finding> {
    let properties = &binding.component.properties;
    let text = |name: &str| properties.get(name).unwrap_or_default();
    let named = |name: &str, fast| {
        let table = table_name(binding, name)?;
        Ok(Target {
            table,
            fast,
            rowset: None,
        })
    };
    let of_variable = || variable_text(binding, text("OpenRowsetVariable"));
    match text("AccessMode").trim() {
        "" | "0" => named(text("OpenRowset"), false),
        "1" => named(&of_variable()?, false),
        "2" => through_query(binding, text("SqlCommand")),
        "3" => named(text("OpenRowset"), true),
        "4" => named(&of_variable()?, true),
        mode => Err(Finding::from_mode(binding, mode, "0 to 4")),
    }
}

/// The table and the columns that a plain query names: rows are inserted through its rowset.
fn through_query(binding: &Binding<'_>, sql: &str) -> Result<Target, Finding> {
    let target = rowset_target(sql).map_err(|error| {
        binding.unsupported(format!(
            "AccessMode 2 inserts through `SELECT columns FROM table`: {error}"
        ))
    })?;
    let parts = target
        .table
        .iter()
        .map(|part| format!("[{}]", part.replace(']', "]]")));
    let table = table_name(binding, &parts.collect::<Vec<_>>().join("."))?;
    Ok(Target {
        table,
        fast: false,
        rowset: target.columns,
    })
}

fn options(binding: &Binding<'_>) -> Result<(LoadOptions, Way), Finding> {
    let properties = &binding.component.properties;
    let flag = |name: &str| properties.bool(name).unwrap_or(false);
    let mut options = LoadOptions {
        keep_identity: flag("FastLoadKeepIdentity"),
        keep_nulls: flag("FastLoadKeepNulls"),
        ..LoadOptions::default()
    };
    for option in listed(properties.get(OPTIONS).unwrap_or_default()) {
        if let Some(order) = order(&option) {
            options.order = Some(order.to_owned());
            continue;
        }
        let (name, value) = option.split_once('=').unwrap_or((&option, ""));
        match name.trim().to_ascii_uppercase().as_str() {
            "TABLOCK" => options.table_lock = true,
            "CHECK_CONSTRAINTS" => options.check_constraints = true,
            "FIRE_TRIGGERS" => options.fire_triggers = true,
            "ROWS_PER_BATCH" => options.rows_per_batch = Some(number(binding, &option, value)?),
            "KILOBYTES_PER_BATCH" => {
                options.kilobytes_per_batch = Some(number(binding, &option, value)?);
            }
            "KEEP_NULLS" => options.keep_nulls = true,
            _ => {
                return Err(
                    binding.unsupported(format!("option `{option}` of {OPTIONS} is not known"))
                );
            }
        }
    }
    let rows = batch_size(binding, COMMIT_SIZE)?;
    Ok((options, Way::Bulk(rows)))
}

fn number(binding: &Binding<'_>, option: &str, value: &str) -> Result<u64, Finding> {
    let number = value.trim().parse();
    number.map_err(|_| {
        binding.finding(format!(
            "option `{option}` of {OPTIONS} has no number of 0 or more"
        ))
    })
}

/// What stands between the brackets of `ORDER(a ASC, b DESC)`.
fn order(option: &str) -> Option<&str> {
    let (word, rest) = option.split_at_checked("ORDER".len())?;
    let inside = rest.trim().strip_prefix('(')?.strip_suffix(')')?;
    word.eq_ignore_ascii_case("ORDER").then(|| inside.trim())
}

/// The parts of a list divided by commas; those inside brackets belong to a part.
fn listed(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for letter in text.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        match (letter, parts.last_mut()) {
            (',', _) if depth == 0 => parts.push(String::new()),
            (_, Some(part)) => part.push(letter),
            _ => {}
        }
    }
    parts
        .iter_mut()
        .for_each(|part| *part = part.trim().to_owned());
    parts.retain(|part| !part.is_empty());
    parts
}
