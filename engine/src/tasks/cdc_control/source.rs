//! What the database knows of its log: LSNs for the operations.
//!
//! SQL Server's capture job writes the LSN and the time of each transaction into `cdc.lsn_time_mapping`; the functions and
//! queries here read that table.

use std::time::Duration;

use arrow::{
    array::{Array, AsArray},
    compute::cast,
    datatypes::DataType,
};
use fletching_connections::{database::ResultSet, sql::Dialect};

use super::{
    settings::{Settings, Start},
    state::Lsn,
    transitions::Operation,
};
use crate::{
    RunError,
    task::TaskRun,
    tasks::on_session::{SessionError, Work, first_text, on_session},
};

const LAST: &str = "SELECT sys.fn_cdc_get_max_lsn()";
/// In the form that every language setting reads as the same time.
const NOW: &str = "SELECT CONVERT(varchar(23), GETDATE(), 126)";
const AFTER: &str = "SELECT TOP (1) start_lsn FROM cdc.lsn_time_mapping WHERE tran_end_time > CONVERT(datetime, ?, 126) \
                     ORDER BY start_lsn";

/// The LSN that an operation needs; `None` where the database has none, and for an operation that needs none.
///
/// # Errors
/// What the database says.
pub(super) async fn lsn(run: &TaskRun<'_>, settings: &Settings) -> Result<Option<Lsn>, RunError> {
    match (settings.operation, &settings.start) {
        (Operation::MarkProcessedRange, _) => Ok(None),
        (Operation::MarkInitialLoadEnd, _) => after_now(run, settings).await,
        (Operation::MarkCdcStart, Start::At(lsn)) => Ok(Some(*lsn)),
        (Operation::MarkCdcStart, Start::Snapshot(name)) => {
            ask(run, settings, snapshot(name)).await
        }
        _ => ask(run, settings, LAST.to_owned()).await,
    }
}

async fn ask(
    run: &TaskRun<'_>,
    settings: &Settings,
    text: String,
) -> Result<Option<Lsn>, RunError> {
    let (connection, timeout) = (settings.connection.clone(), settings.timeout_seconds);
    let work = move |work: &mut Work| {
        of_sql_server(work)?;
        first_lsn(&work.rows(&text, &[])?)
    };
    on_session(run, connection, timeout, work).await
}

/// A driver may lead anywhere; what it led to is known when it is there.
fn of_sql_server(work: &Work) -> Result<(), SessionError> {
    match work.dialect() {
        Dialect::MsSql | Dialect::Other => Ok(()),
        _ => Err(SessionError::Other(
            "it captures no changes: SQL Server is wanted".to_owned(),
        )),
    }
}

/// The first change after this moment: all that was loaded before it is behind it. The capture job may be late, so that it
/// is waited for.
async fn after_now(run: &TaskRun<'_>, settings: &Settings) -> Result<Option<Lsn>, RunError> {
    let timeout = settings.timeout_seconds;
    let connection = || settings.connection.clone();
    let work = |work: &mut Work| {
        of_sql_server(work)?;
        first_text(&work.rows(NOW, &[])?)
    };
    let now = on_session(run, connection(), timeout, work).await?;
    let now = now.ok_or_else(|| run.failure(None, "the database does not tell its time"))?;
    let mut waited = Duration::ZERO;
    loop {
        let time = now.clone();
        let work = move |work: &mut Work| first_lsn(&work.rows(AFTER, &[&time])?);
        let found = on_session(run, connection(), timeout, work).await?;
        if found.is_some() {
            return Ok(found);
        }
        if waited >= settings.patience {
            return Err(run.failure(
                None,
                format!(
                    "no change after {now} came into cdc.lsn_time_mapping within {} seconds (ChangeDetectionTimeout): does \
                     the capture job run? On a database that nobody changes, use MarkCdcStart instead",
                    settings.patience.as_secs()
                ),
            ));
        }
        let pause = settings.interval.min(settings.patience - waited);
        tokio::time::sleep(pause).await;
        waited += pause;
    }
}

/// The LSN at which a database snapshot was made.
fn snapshot(name: &str) -> String {
    format!(
        "DECLARE @lsn binary(10), @lsn_text nvarchar(42); EXEC sys.sp_cdc_dbsnapshotLSN N'{}', @lsn OUTPUT, @lsn_text \
         OUTPUT; SELECT @lsn",
        name.replace('\'', "''")
    )
}

fn first_lsn(set: &ResultSet) -> Result<Option<Lsn>, SessionError> {
    let batch = set.batches.iter().find(|batch| batch.num_rows() > 0);
    let Some(column) = batch.and_then(|batch| batch.columns().first()) else {
        return Ok(None);
    };
    if column.is_null(0) {
        return Ok(None);
    }
    let other = |error: String| SessionError::Other(error);
    let bytes = cast(column, &DataType::BinaryView).map_err(|error| other(error.to_string()))?;
    let bytes = bytes.as_binary_view().value(0);
    Lsn::from_bytes(bytes).map(Some).ok_or_else(|| {
        let length = bytes.len();
        other(format!("an LSN has {length} bytes, ten are wanted"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_asked_for_by_its_name() {
        assert_eq!(
            snapshot("Sal'es"),
            "DECLARE @lsn binary(10), @lsn_text nvarchar(42); EXEC sys.sp_cdc_dbsnapshotLSN N'Sal''es', @lsn OUTPUT, \
             @lsn_text OUTPUT; SELECT @lsn"
        );
    }
}
