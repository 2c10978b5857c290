//! Work of a task with a session of a database: on a thread that may block, stopped when the task is dropped.
//!
//! ```text
//!  task ──on_session──▶ blocking thread: acquire ─▶ work(Work) ─▶ statements, adapted and sent ──▶ answer
//!    └──dropped──▶ the statement is cancelled, the next one is not sent
//! ```

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, RecordBatch, StringArray},
    compute::cast,
    datatypes::DataType as ArrowType,
};
use datafusion_common_runtime::SpawnedTask;
use fletching_components::{database::database_error, flow::FlowError};
use fletching_connections::{
    database::{
        AdaptError, Cancel, DatabaseConnection, DatabaseError, Direction, Executed, Lease,
        Parameter, ResultSet, Statement,
    },
    sql::Dialect,
};
use parking_lot::Mutex;

use crate::{RunError, task::TaskRun};

/// Why the work was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Adapt(#[from] AdaptError),
    #[error("{0}")]
    Other(String),
}

/// A session and what led to it.
pub(super) struct Work {
    session: Lease,
    connection: DatabaseConnection,
    running: Arc<Mutex<Running>>,
    timeout_seconds: u32,
    /// Statements sent, and what they changed.
    pub(super) statements: u64,
    pub(super) rows_affected: u64,
    /// What the database said on the way.
    pub(super) messages: Vec<String>,
}

#[derive(Default)]
struct Running {
    cancel: Option<Arc<dyn Cancel>>,
    stopped: bool,
}

/// Stops the work when the task is dropped.
struct Guard(Arc<Mutex<Running>>);

impl Drop for Guard {
    fn drop(&mut self) {
        let mut running = self.0.lock();
        running.stopped = true;
        if let Some(cancel) = &running.cancel {
            cancel.cancel();
        }
    }
}

/// Does the work with a session of a connection manager.
///
/// # Errors
/// What stopped it: the control flow raises it as OnError.
pub(super) async fn on_session<T: Send + 'static>(
    run: &TaskRun<'_>,
    connection: DatabaseConnection,
    timeout_seconds: u32,
    work: impl FnOnce(&mut Work) -> Result<T, SessionError> + Send + 'static,
) -> Result<T, RunError> {
    let running = Arc::<Mutex<Running>>::default();
    let guard = Guard(Arc::clone(&running));
    let (path, sessions) = (run.path().to_owned(), run.sessions());
    let done = SpawnedTask::spawn_blocking(move || {
        let manager = connection.manager.clone();
        let failed = |error: SessionError| match error {
            SessionError::Database(error) => database_error(&path, &manager, &error),
            other => {
                let message = format!("connection manager `{manager}`: {other}");
                FlowError::new(&path, None, message)
            }
        };
        let session = sessions.acquire(&connection);
        let session = session.map_err(|error| failed(error.into()))?;
        let cancel = session.canceller();
        running.lock().cancel = Some(cancel);
        let mut its = Work {
            session,
            connection,
            running,
            timeout_seconds,
            statements: 0,
            rows_affected: 0,
            messages: Vec::new(),
        };
        let done = work(&mut its).map_err(failed);
        its.running.lock().cancel = None;
        done
    });
    let done = done
        .join()
        .await
        .map_err(|error| run.failure(None, format!("its thread is gone: {error}")))?;
    drop(guard);
    done.map_err(|error| run.failed(error))
}

impl Work {
    pub(super) fn dialect(&self) -> Dialect {
        self.session.dialect()
    }

    /// Sends T-SQL, in the database's own SQL, with texts for its markers.
    pub(super) fn execute(&mut self, text: &str, texts: &[&str]) -> Result<Executed, SessionError> {
        let parameters: Vec<Parameter> = texts.iter().map(|text| parameter(text)).collect();
        let dialect = self.session.dialect();
        let mut all = Executed::default();
        for one in self.connection.adapt(dialect, text, &parameters)? {
            if self.running.lock().stopped {
                return Err(SessionError::Other("the run was stopped".to_owned()));
            }
            let statement = Statement {
                parameters: &one.parameters,
                timeout_seconds: self.timeout_seconds,
                ..Statement::new(&one.text)
            };
            let executed = self.session.execute(&statement)?;
            self.statements += 1;
            self.rows_affected += executed.rows_affected;
            self.messages.extend(executed.messages);
            all.rows_affected += executed.rows_affected;
            all.result_sets.extend(executed.result_sets);
        }
        Ok(all)
    }

    /// As [`execute`](Self::execute): the rows of the last result set.
    pub(super) fn rows(&mut self, text: &str, texts: &[&str]) -> Result<ResultSet, SessionError> {
        let executed = self.execute(text, texts)?;
        let last = executed.result_sets.into_iter().next_back();
        last.ok_or_else(|| SessionError::Other(format!("`{text}` yields no rows")))
    }
}

fn parameter(text: &str) -> Parameter {
    Parameter {
        name: None,
        direction: Direction::Input,
        value: Arc::new(StringArray::from(vec![text])) as ArrayRef,
        size: 0,
    }
}

/// The values of each row as text; NULL is `None`.
pub(super) fn texts(set: &ResultSet) -> Result<Vec<Vec<Option<String>>>, SessionError> {
    let mut rows = Vec::new();
    for batch in &set.batches {
        let columns = text_columns(batch)?;
        rows.extend((0..batch.num_rows()).map(|row| {
            let values = columns.iter().map(|column| {
                let column = column.as_string_view();
                column.iter().nth(row).flatten().map(str::to_owned)
            });
            values.collect::<Vec<_>>()
        }));
    }
    Ok(rows)
}

fn text_columns(batch: &RecordBatch) -> Result<Vec<ArrayRef>, SessionError> {
    let columns = batch
        .columns()
        .iter()
        .map(|column| cast(column, &ArrowType::Utf8View));
    columns
        .collect::<Result<_, _>>()
        .map_err(|error| SessionError::Other(error.to_string()))
}

/// The first value of the first row, `None` where there is no row, or a NULL.
pub(super) fn first_text(set: &ResultSet) -> Result<Option<String>, SessionError> {
    Ok(texts(set)?.into_iter().flatten().next().flatten())
}
