//! Rows into a table.
//!
//! ```text
//!  input ──▶ CastExec ──▶ GatherExec ──▶ settle what failed ──▶ channel ──▶ blocking thread: session ──write──▶ table
//!            (any number of threads)          └── rows that fail ──────────────────┴──▶ error output, or stop, or dropped and counted
//! ```
//!
//! **Rows** are written in source order. A bulk load is one transaction, which is committed when the last row is in;
//! where failing rows are redirected or ignored, or a commit size is given, each batch is one. A batch that fails is
//! redirected as a whole, also its good rows (spec `ssis-semantics.md` 8.3). Without bulk load every row is judged alone.

use std::{fmt, ops::ControlFlow, sync::Arc};

use arrow::{
    array::{BooleanArray, Int32Array, RecordBatch, UInt32Array},
    compute::{filter_record_batch, take_record_batch},
    datatypes::SchemaRef,
};
use async_trait::async_trait;
use datafusion_common::{Result, internal_err};
use datafusion_common_runtime::SpawnedTask;
use datafusion_datasource::sink::DataSink;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType,
    metrics::{Count, ExecutionPlanMetricsSet, MetricsSet, Time},
};
use dtsx::{DataType, Disposition, SsisCode};
use fletching_connections::database::{
    Cancel, DatabaseConnection, DatabaseError, Fault, Load, LoadOptions, Sessions, TableName,
};
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::{
    DatabaseAccess,
    cast_exec::{Casts, Divided, Uncast},
    destination::{LoadColumn, Way},
    spool::Spool,
};
use crate::{
    flow::{FlowError, RunState},
    transforms::computed::shown_value,
};

/// What stops the call that is running, if one is.
type RunningCall = Mutex<Option<Arc<dyn Cancel>>>;

/// One load of a run.
pub(super) struct Loading {
    pub(super) access: DatabaseAccess,
    pub(super) connection: DatabaseConnection,
    pub(super) sessions: Arc<Sessions>,
    pub(super) run: Arc<RunState>,
    /// All rows are there before the session is taken.
    pub(super) shares: bool,
    pub(super) table: TableName,
    pub(super) columns: Vec<LoadColumn>,
    pub(super) way: Way,
    pub(super) options: LoadOptions,
    pub(super) on_error: Disposition,
    pub(super) operator: &'static str,
    /// Time of the database, and of what feeds it here.
    pub(super) elapsed: Time,
    pub(super) written: Count,
    pub(super) dropped: Count,
    pub(super) metrics: ExecutionPlanMetricsSet,
    pub(super) casts: Arc<Casts>,
    /// Of the rows that arrive, with what they were cast to.
    pub(super) schema: SchemaRef,
}

impl fmt::Debug for Loading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loading")
            .field("table", &self.table)
            .field("way", &self.way)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Loading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: [{}] {} {}, {} columns, {}",
            self.operator,
            self.access.path,
            self.connection.target,
            self.table,
            self.columns.len(),
            match self.way {
                Way::Bulk(None) => "bulk".to_owned(),
                Way::Bulk(Some(rows)) => format!("bulk, {rows} rows a transaction"),
                Way::RowByRow => "row by row".to_owned(),
            }
        )
    }
}

/// What the blocking thread is told.
enum Work {
    /// Rows as they arrived, and as they are written.
    Rows(RecordBatch, RecordBatch),
    /// All rows were sent: without it the load was cancelled.
    End,
}

/// Rows that failed, as they arrived, with the code of each.
struct Failed {
    rows: RecordBatch,
    codes: Vec<SsisCode>,
}

/// Where failing rows go.
#[derive(Clone)]
pub(super) struct ErrorOutput {
    pub(super) schema: SchemaRef,
    pub(super) sender: Sender<RecordBatch>,
}

/// Stops the thread's statement when the load is dropped before its end.
struct Guard(Arc<Mutex<Option<Arc<dyn Cancel>>>>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(cancel) = &*self.0.lock() {
            cancel.cancel();
        }
    }
}

/// Batches between the stream and the thread.
const CAPACITY: usize = 2;

impl Loading {
    /// Writes all rows. How many rows are in the table.
    pub(super) async fn run(
        self: Arc<Self>,
        mut rows: SendableRecordBatchStream,
        errors: Option<ErrorOutput>,
        context: Arc<TaskContext>,
    ) -> Result<u64> {
        let (sender, receiver) = channel(CAPACITY);
        let running = Arc::default();
        let guard = Guard(Arc::clone(&running));
        let thread = {
            let (loading, errors) = (Arc::clone(&self), errors.clone());
            SpawnedTask::spawn_blocking(move || {
                loading.write_all(receiver, errors.as_ref(), (&running, &context))
            })
        };
        let mut fed = Ok(());
        while let Some(batch) = rows.next().await {
            let work = match batch {
                Ok(batch) => self.settled(&batch, errors.as_ref()).await,
                Err(error) => Err(error),
            };
            match work {
                Ok(Some(work)) => {
                    if sender.send(work).await.is_err() {
                        break; // The thread has failed, and says why.
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    fed = Err(error);
                    break;
                }
            }
        }
        if fed.is_ok() {
            // As above.
            drop(sender.send(Work::End).await);
        }
        drop(sender);
        let written = match thread.join().await {
            Ok(written) => written,
            Err(error) => {
                return internal_err!("the writer of {} is gone: {error}", self.access.path);
            }
        };
        drop(guard);
        fed?;
        let written = written?;
        self.written.add(written as usize);
        Ok(written)
    }

    /// The rows of a batch that could be cast; those that could not are settled here.
    async fn settled(
        &self,
        batch: &RecordBatch,
        errors: Option<&ErrorOutput>,
    ) -> Result<Option<Work>> {
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let Divided {
            arrived,
            written,
            failed,
        } = self.casts.divide(batch)?;
        let Some(first) = failed.first() else {
            return Ok(Some(Work::Rows(arrived, written)));
        };
        if !self.goes_on() {
            return Err(self.cast_failure(&arrived, *first).into());
        }
        let bad: Vec<u32> = failed.iter().map(|one| one.row as u32).collect();
        let good: BooleanArray = (0..arrived.num_rows() as u32)
            .map(|row| Some(bad.binary_search(&row).is_err()))
            .collect();
        let refused = Failed {
            rows: take_record_batch(&arrived, &UInt32Array::from(bad))?,
            codes: failed.iter().map(|one| one.code).collect(),
        };
        if let Some(rows) = self.settle(refused, errors)?
            && let Some(output) = errors
        {
            // A reader that is gone has cancelled the flow.
            drop(output.sender.send(rows).await);
        }
        Ok(Some(Work::Rows(
            filter_record_batch(&arrived, &good)?,
            filter_record_batch(&written, &good)?,
        )))
    }

    fn cast_failure(&self, batch: &RecordBatch, Uncast { row, code, column }: Uncast) -> FlowError {
        let Some(column) = self.columns.get(column) else {
            return FlowError::new(&self.access.path, Some(code), "a row failed");
        };
        let shown = shown_value(batch, column.input, row as u32);
        let (from, to): (&DataType, &DataType) = (column.cast.from(), column.cast.to());
        let message = format!(
            "{shown} ({from}) does not fit column `{}` ({to}) of {}: correct the data, or redirect failing rows to the error \
             output",
            column.external, self.table
        );
        FlowError::new(&self.access.path, Some(code), message).with_column(&column.name)
    }

    /// Whether a failing row does not stop the flow.
    fn goes_on(&self) -> bool {
        matches!(
            self.on_error,
            Disposition::RedirectRow | Disposition::IgnoreFailure
        )
    }

    /// The rows for the error output; counted as dropped where there is none.
    fn settle(&self, failed: Failed, errors: Option<&ErrorOutput>) -> Result<Option<RecordBatch>> {
        let redirect = self.on_error == Disposition::RedirectRow;
        let Some(output) = errors.filter(|_| redirect) else {
            self.dropped.add(failed.rows.num_rows());
            return Ok(None);
        };
        let codes = failed.codes.iter().map(|code| code.as_i32());
        let mut columns = failed.rows.columns().to_vec();
        columns.push(Arc::new(codes.collect::<Int32Array>()));
        columns.push(Arc::new(Int32Array::from(vec![0; failed.rows.num_rows()])));
        Ok(Some(RecordBatch::try_new(
            Arc::clone(&output.schema),
            columns,
        )?))
    }

    /// The thread: opens the database, writes what comes, commits at the end.
    fn write_all(
        &self,
        mut work: Receiver<Work>,
        errors: Option<&ErrorOutput>,
        (running, context): (&RunningCall, &Arc<TaskContext>),
    ) -> Result<u64> {
        let fail = |error: DatabaseError| self.access.error(&error);
        let Some(spooled) = self.spooled(&mut work, context)? else {
            return Ok(0); // It was cancelled.
        };
        let (access, connection) = (&self.access, &self.connection);
        let mut session = access.acquire(&self.sessions, connection, &self.run)?;
        *running.lock() = Some(session.canceller());
        let names: Vec<String> = self
            .columns
            .iter()
            .map(|column| column.external.clone())
            .collect();
        let loaded = session
            .load(&self.table, &names, &self.options)
            .map_err(fail)
            .map_err(Into::into)
            .and_then(|mut load| {
                load.allow(self.access.timeout_seconds);
                let mut writing = Writing {
                    loading: self,
                    errors,
                    written: 0,
                };
                if let Some(spool) = spooled {
                    // Failing rows lead nowhere here; as many stand for those that arrived.
                    spool.hand_over(|rows| {
                        let _timer = self.elapsed.timer();
                        let written = writing.write(load.as_mut(), &rows, &rows);
                        written.map(|()| ControlFlow::Continue(()))
                    })?;
                    load.commit().map_err(fail)?;
                    return Ok(writing.written);
                }
                loop {
                    match work.blocking_recv() {
                        Some(Work::Rows(arrived, rows)) => {
                            let _timer = self.elapsed.timer();
                            writing.write(load.as_mut(), &arrived, &rows)?;
                        }
                        Some(Work::End) => {
                            let _timer = self.elapsed.timer();
                            load.commit().map_err(fail)?;
                            return Ok(writing.written);
                        }
                        // What was written and not committed goes with the load.
                        None => return Ok(writing.written),
                    }
                }
            });
        *running.lock() = None;
        loaded
    }
}

impl Loading {
    /// All rows, where they are to be there before the session is taken; `None` if they come no more.
    fn spooled(
        &self,
        work: &mut Receiver<Work>,
        context: &Arc<TaskContext>,
    ) -> Result<Option<Option<Spool>>> {
        if !self.shares {
            return Ok(Some(None));
        }
        let mut spool = Spool::new(&self.access.path, context);
        loop {
            match work.blocking_recv() {
                Some(Work::Rows(_, rows)) => spool.push(rows)?,
                Some(Work::End) => return Ok(Some(Some(spool))),
                None => return Ok(None),
            }
        }
    }
}

/// The thread's work.
struct Writing<'a> {
    loading: &'a Loading,
    errors: Option<&'a ErrorOutput>,
    written: u64,
}

impl Writing<'_> {
    fn write(
        &mut self,
        load: &mut dyn Load,
        arrived: &RecordBatch,
        rows: &RecordBatch,
    ) -> Result<()> {
        match self.loading.way {
            Way::RowByRow => self.row_by_row(load, arrived, rows),
            Way::Bulk(size) => {
                let size = size.unwrap_or(usize::MAX).max(1);
                let mut start = 0;
                while start < rows.num_rows() {
                    let count = size.min(rows.num_rows() - start);
                    self.bulk(
                        load,
                        &arrived.slice(start, count),
                        &rows.slice(start, count),
                    )?;
                    start += count;
                }
                Ok(())
            }
        }
    }

    /// A batch, which is in or fails as a whole.
    fn bulk(
        &mut self,
        load: &mut dyn Load,
        arrived: &RecordBatch,
        rows: &RecordBatch,
    ) -> Result<()> {
        let loading = self.loading;
        let alone = loading.goes_on() || loading.way != Way::Bulk(None);
        let done = load.write(rows).and_then(|()| match alone {
            true => load.commit(),
            false => Ok(()),
        });
        let Err(error) = done else {
            self.written += rows.num_rows() as u64;
            return Ok(());
        };
        if !loading.goes_on() || error.ends_load() {
            let first = self.written + 1;
            let last = self.written + rows.num_rows() as u64;
            let mut failure = loading.access.error(&error);
            failure
                .message
                .push_str(&format!("; it is among rows {first} to {last}"));
            return Err(failure.into());
        }
        let codes = vec![code_of(&error); arrived.num_rows()];
        self.refuse(Failed {
            rows: arrived.clone(),
            codes,
        })
    }

    fn row_by_row(
        &mut self,
        load: &mut dyn Load,
        arrived: &RecordBatch,
        rows: &RecordBatch,
    ) -> Result<()> {
        let loading = self.loading;
        let fail = |error: &DatabaseError| loading.access.error(error);
        let failed = load
            .write_each(rows, loading.goes_on())
            .map_err(|error| fail(&error))?;
        if let (false, Some((row, error))) = (loading.goes_on(), failed.first()) {
            return Err(fail(error).with_row(self.written + *row as u64 + 1).into());
        }
        load.commit().map_err(|error| fail(&error))?;
        self.written += (rows.num_rows() - failed.len()) as u64;
        if failed.is_empty() {
            return Ok(());
        }
        let bad: Vec<u32> = failed.iter().map(|(row, _)| *row as u32).collect();
        let refused = Failed {
            rows: take_record_batch(arrived, &UInt32Array::from(bad))?,
            codes: failed.iter().map(|(_, error)| code_of(error)).collect(),
        };
        self.refuse(refused)
    }

    fn refuse(&self, failed: Failed) -> Result<()> {
        if let Some(rows) = self.loading.settle(failed, self.errors)?
            && let Some(output) = self.errors
        {
            // A reader that is gone has cancelled the flow.
            drop(output.sender.blocking_send(rows));
        }
        Ok(())
    }
}

/// What the error output shows of a row that the database refused.
fn code_of(error: &DatabaseError) -> SsisCode {
    SsisCode(match error.fault {
        Fault::Constraint => 0xC020_907D, // DTS_E_OLEDBDESTINATIONADAPTERSTATIC_INTEGRITYVIOLATION
        Fault::Value => 0xC020_9077,      // DTS_E_OLEDBDESTINATIONADAPTERSTATIC_CANTCONVERTVALUE
        Fault::Denied => 0xC020_907C,     // DTS_E_OLEDBDESTINATIONADAPTERSTATIC_PERMISSIONDENIED
        _ => 0xC020_907B,                 // DTS_E_OLEDBDESTINATIONADAPTERSTATIC_UNAVAILABLE
    })
}

/// A load whose failing rows lead nowhere.
#[derive(Debug)]
pub(super) struct LoadSink(pub(super) Arc<Loading>);

impl DisplayAs for LoadSink {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[async_trait]
impl DataSink for LoadSink {
    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.0.metrics.clone_inner())
    }

    fn schema(&self) -> &SchemaRef {
        &self.0.schema
    }

    async fn write_all(
        &self,
        data: SendableRecordBatchStream,
        context: &Arc<TaskContext>,
    ) -> Result<u64> {
        Arc::clone(&self.0)
            .run(data, None, Arc::clone(context))
            .await
    }
}
