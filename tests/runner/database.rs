//! The SQLite database of a case: made anew before each run, queried after it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use arrow::datatypes::{Field, Schema};
use fletching_components::database::natural_type;
use fletching_connections::database::{
    Collected, ReadOptions, Session, SqliteTarget, Statement, Target, open,
};
use fletching_expression::types;

use super::{document::DATABASE, table};

/// Removes what an earlier run left and carries out the statements. The path of the database.
pub fn fresh(folder: &Path, setup: &str) -> Result<PathBuf, String> {
    let path = folder.join(DATABASE);
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(folder.join(format!("{DATABASE}{ending}")));
    }
    let done = session(&path)?.execute(&Statement::new(setup));
    done.map_err(|error| format!("sql setup: {error}"))?;
    Ok(path)
}

/// The rows of a query, in the form of the spec files, with the types that are natural for the database.
pub fn queried(path: &Path, query: &str) -> Result<String, String> {
    let mut rows = Collected::default();
    session(path)?
        .query(&Statement::new(query), &ReadOptions::default(), &mut rows)
        .map_err(|error| format!("{query}: {error}"))?;
    let rows = rows.0.ok_or_else(|| format!("{query} yields no rows"))?;
    let fields: Vec<Field> = rows
        .schema
        .fields()
        .iter()
        .map(|field| {
            let kind = natural_type(field.data_type());
            types::field(field.name(), &kind.expect("a database has it"))
        })
        .collect();
    Ok(table::print(&Schema::new(fields).into(), &rows.batches))
}

fn session(path: &Path) -> Result<Box<dyn Session>, String> {
    let file = Some(path.to_owned());
    open(&Target::Sqlite(SqliteTarget { file })).map_err(|error| error.to_string())
}
