//! The table that keeps CDC states between runs: a row for each name, the columns `name` and `state`.

use super::settings::Kept;
use crate::{
    RunError,
    task::TaskRun,
    tasks::on_session::{Work, first_text, on_session},
};

/// The state under its name; empty where there is none.
///
/// # Errors
/// What the database says.
pub(super) async fn read(run: &TaskRun<'_>, kept: &Kept, timeout: u32) -> Result<String, RunError> {
    let name = kept.name.clone();
    let text = format!("SELECT [state] FROM {} WHERE [name] = ?", kept.table);
    let work = move |work: &mut Work| {
        let rows = work.rows(&text, &[&name])?;
        Ok(first_text(&rows)?.unwrap_or_default())
    };
    on_session(run, kept.connection.clone(), timeout, work).await
}

/// Keeps the state under its name.
///
/// # Errors
/// What the database says.
pub(super) async fn write(
    run: &TaskRun<'_>,
    kept: &Kept,
    timeout: u32,
    state: &str,
) -> Result<(), RunError> {
    let (name, state) = (kept.name.clone(), state.to_owned());
    let update = format!("UPDATE {} SET [state] = ? WHERE [name] = ?", kept.table);
    let insert = format!("INSERT INTO {} ([name], [state]) VALUES (?, ?)", kept.table);
    let work = move |work: &mut Work| {
        if work.execute(&update, &[&state, &name])?.rows_affected == 0 {
            work.execute(&insert, &[&name, &state])?;
        }
        Ok(())
    };
    on_session(run, kept.connection.clone(), timeout, work).await
}
