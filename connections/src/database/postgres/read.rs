//! Statements, and the rows that come back.

use std::{collections::VecDeque, pin::Pin, sync::Arc};

use arrow::{
    array::RecordBatch,
    datatypes::{Field, Fields, Schema, SchemaRef},
};
use futures::{StreamExt, TryStreamExt};
use tokio_postgres::{Column, CopyOutStream, RowStream, Statement as Prepared};

use super::{
    decode::{CopyStream, Rows, Values},
    kind::Kind,
    parameters::{Encoded, Markers, Raw},
    session::{Patience, Talk},
    statements::{first_word, split},
};
use crate::database::{
    DatabaseError, Direction, Executed, Fault, Parameter, ReadOptions, ResultSet, RowSink,
    Statement,
};

/// Rows of a statement that is run for each row of a batch, between savepoints.
const ROWS_BETWEEN_SAVEPOINTS: usize = 256;

/// The columns of a result.
struct Shape {
    schema: SchemaRef,
    kinds: Vec<Kind>,
}

impl Shape {
    fn of(columns: &[Column]) -> Self {
        let kinds = columns
            .iter()
            .map(|column| Kind::of(column.type_(), column.type_modifier()));
        let kinds: Vec<Kind> = kinds.collect();
        let fields = columns
            .iter()
            .zip(&kinds)
            .map(|(column, kind)| Field::new(column.name(), kind.natural(), true));
        Self {
            schema: Arc::new(Schema::new(fields.collect::<Fields>())),
            kinds,
        }
    }

    /// The query with columns of unknown types as text, if it has any.
    fn as_text(&self, sql: &str) -> Option<String> {
        if !self.kinds.contains(&Kind::Other) {
            return None;
        }
        let columns = self.kinds.iter().enumerate().map(|(at, kind)| match kind {
            Kind::Other => format!("q.c{at}::text"),
            _ => format!("q.c{at}"),
        });
        let names = (0..self.kinds.len()).map(|at| format!("c{at}"));
        Some(format!(
            "SELECT {} FROM (\n{sql}\n) AS q ({})",
            columns.collect::<Vec<_>>().join(", "),
            names.collect::<Vec<_>>().join(", ")
        ))
    }
}

fn is_selection(word: &str) -> bool {
    matches!(word, "select" | "with" | "values" | "table")
}

/// Statements before the one that yields rows prepare it; those after it run too. The sink is called outside of the
/// runtime, so that it may wait.
pub(super) fn query(
    talk: Talk<'_>,
    statement: &Statement<'_>,
    options: &ReadOptions,
    sink: &mut dyn RowSink,
    within: bool,
) -> Result<(), DatabaseError> {
    let mut patience = Patience::new(statement.timeout_seconds);
    let mut parameters = statement.parameters;
    let mut found = false;
    for text in split(statement.sql, !statement.parameters.is_empty()) {
        let prepared = talk.block(talk.wait(&mut patience, talk.client.prepare(&text)))?;
        let values = take_values(talk, &prepared, &mut parameters)?;
        if prepared.columns().is_empty() || found {
            talk.block(talk.wait(&mut patience, talk.client.execute_raw(&prepared, values)))?;
            continue;
        }
        found = true;
        let shape = Shape::of(prepared.columns());
        if sink.start(&shape.schema).is_break() {
            continue;
        }
        let open = Reading::open(talk, &mut patience, (&text, &prepared), values, &shape);
        let mut reading = talk.block(open)?;
        reading.batch_rows = options.batch_rows.max(1);
        while let Some(batch) = talk.block(reading.next(&mut patience))? {
            if sink.batch(batch).is_break() {
                talk.block(reading.finish(within));
                break;
            }
        }
    }
    match found {
        true => Ok(()),
        false => Err(talk.refuse(
            Fault::Syntax,
            "the statement yields no rows, a query was wanted",
        )),
    }
}

enum Stream {
    Copy(Pin<Box<CopyOutStream>>, CopyStream),
    Extended(Pin<Box<RowStream>>),
    Ended,
}

/// Rows on their way from the server.
struct Reading<'s> {
    talk: Talk<'s>,
    stream: Stream,
    rows: Rows,
    batch_rows: usize,
    /// What a message of several rows left beyond a batch.
    ready: VecDeque<RecordBatch>,
}

impl<'s> Reading<'s> {
    async fn open(
        talk: Talk<'s>,
        patience: &mut Patience,
        (text, prepared): (&str, &Prepared),
        values: Vec<Encoded>,
        shape: &Shape,
    ) -> Result<Self, DatabaseError> {
        let selection = is_selection(&first_word(text));
        let shown = shape.as_text(text).filter(|_| selection);
        let stream = if values.is_empty() && selection {
            let text = shown.as_deref().unwrap_or(text);
            let copy = format!("COPY (\n{text}\n) TO STDOUT (FORMAT binary)");
            let stream = talk.wait(patience, talk.client.copy_out(&copy)).await?;
            Stream::Copy(Box::pin(stream), CopyStream::default())
        } else {
            let again = match shown {
                Some(sql) => Some(talk.wait(patience, talk.client.prepare(&sql)).await?),
                None => None,
            };
            let prepared = again.as_ref().unwrap_or(prepared);
            let unknown = |column: &Column| Kind::of(column.type_(), -1) == Kind::Other;
            if prepared.columns().iter().any(unknown) {
                let message =
                    "a column of the result has a type that is not known here: cast it to text";
                return Err(talk.refuse(Fault::Unsupported, message));
            }
            let stream = talk
                .wait(patience, talk.client.query_raw(prepared, values))
                .await?;
            Stream::Extended(Box::pin(stream))
        };
        Ok(Self {
            talk,
            stream,
            rows: Rows::new(Arc::clone(&shape.schema), &shape.kinds),
            batch_rows: ReadOptions::default().batch_rows,
            ready: VecDeque::new(),
        })
    }

    /// The next batch; none at the end.
    async fn next(
        &mut self,
        patience: &mut Patience,
    ) -> Result<Option<RecordBatch>, DatabaseError> {
        let talk = self.talk;
        while self.ready.is_empty() {
            let more = match &mut self.stream {
                Stream::Copy(stream, bytes) => {
                    match talk.wait(patience, stream.try_next()).await? {
                        Some(part) => {
                            let row = |values: Values<'_>| {
                                self.rows.row(values, self.batch_rows, &mut self.ready)
                            };
                            bytes
                                .feed(&part, row)
                                .map_err(|message| talk.refuse(Fault::Value, message))?;
                            true
                        }
                        None => false,
                    }
                }
                Stream::Extended(stream) => match talk.wait(patience, stream.try_next()).await? {
                    Some(row) => {
                        let values = (0..row.len()).map(|at| {
                            let value: Result<Option<Raw<'_>>, _> = row.try_get(at);
                            value.ok().flatten().map(|value| value.0)
                        });
                        let done = self.rows.row(values, self.batch_rows, &mut self.ready);
                        done.map_err(|message| talk.refuse(Fault::Value, message))?;
                        true
                    }
                    None => false,
                },
                Stream::Ended => return Ok(None),
            };
            if !more {
                self.stream = Stream::Ended;
                if self.rows.count > 0 {
                    let last = self.rows.take();
                    let last =
                        last.map_err(|error| talk.refuse(Fault::Other, error.to_string()))?;
                    self.ready.push_back(last);
                }
            }
        }
        Ok(self.ready.pop_front())
    }

    /// Nobody wants the rest. A transaction would end with the query, so within one the rest is read and dropped.
    async fn finish(&mut self, within: bool) {
        if !within && !matches!(self.stream, Stream::Ended) {
            self.talk.stop().await;
        }
        match &mut self.stream {
            Stream::Copy(stream, _) => while let Some(Ok(_)) = stream.next().await {},
            Stream::Extended(stream) => while let Some(Ok(_)) = stream.next().await {},
            Stream::Ended => {}
        }
        if !within {
            // Should the request to stop come late, it stops this.
            drop(self.talk.client.batch_execute("SELECT 1").await);
        }
    }
}

/// The values for the markers of a statement, off the front of the parameters.
fn take_values(
    talk: Talk<'_>,
    prepared: &Prepared,
    parameters: &mut &[Parameter],
) -> Result<Vec<Encoded>, DatabaseError> {
    let wanted = prepared.params();
    let Some((own, rest)) = parameters.split_at_checked(wanted.len()) else {
        let message = format!(
            "the statement has {} parameter markers, {} values are left for them",
            wanted.len(),
            parameters.len()
        );
        return Err(talk.refuse(Fault::Syntax, message));
    };
    *parameters = rest;
    let values = wanted.iter().zip(own).map(|(known, parameter)| {
        if parameter.direction != Direction::Input {
            let message =
                "PostgreSQL has no output parameters: read them from the row that CALL yields";
            return Err(talk.refuse(Fault::Unsupported, message));
        }
        Markers::new(known, &parameter.value)
            .and_then(|markers| markers.value(0))
            .map_err(|message| talk.refuse(Fault::Value, message))
    });
    values.collect()
}

pub(super) async fn execute(
    talk: Talk<'_>,
    statement: &Statement<'_>,
) -> Result<Executed, DatabaseError> {
    let mut patience = Patience::new(statement.timeout_seconds);
    let mut parameters = statement.parameters;
    let mut executed = Executed::default();
    for text in split(statement.sql, !statement.parameters.is_empty()) {
        let prepared = talk.wait(&mut patience, talk.client.prepare(&text)).await?;
        let values = take_values(talk, &prepared, &mut parameters)?;
        if prepared.columns().is_empty() {
            let run = talk.client.execute_raw(&prepared, values);
            executed.rows_affected += talk.wait(&mut patience, run).await?;
            continue;
        }
        let shape = Shape::of(prepared.columns());
        let open = Reading::open(talk, &mut patience, (&text, &prepared), values, &shape);
        let mut reading = open.await?;
        let mut batches = Vec::new();
        while let Some(batch) = reading.next(&mut patience).await? {
            batches.push(batch);
        }
        let set = ResultSet {
            schema: shape.schema,
            batches,
        };
        let word = first_word(&text);
        if matches!(word.as_str(), "insert" | "update" | "delete" | "merge") {
            let rows = set.batches.iter().map(|batch| batch.num_rows() as u64);
            executed.rows_affected += rows.sum::<u64>();
        }
        executed.result_sets.push(set);
    }
    Ok(executed)
}

/// Runs rows up to the next savepoint; where one fails, those before it are run again without it.
pub(super) async fn execute_each(
    talk: Talk<'_>,
    (rows, seconds): (&RecordBatch, u32),
    go_on: bool,
    own: bool,
) -> Result<Vec<Result<u64, DatabaseError>>, DatabaseError> {
    let [text] = split(talk.sql, rows.num_columns() > 0)
        .try_into()
        .map_err(|_| talk.refuse(Fault::Unsupported, "one statement was wanted for each row"))?;
    let prepared = talk.client.prepare(&text).await;
    let prepared = prepared.map_err(|error| talk.fail(&error))?;
    let wanted = prepared.params();
    if wanted.len() != rows.num_columns() {
        let message = format!(
            "the statement has {} parameter markers, {} columns are mapped to them",
            wanted.len(),
            rows.num_columns()
        );
        return Err(talk.refuse(Fault::Syntax, message));
    }
    if own {
        talk.run("BEGIN").await?;
    }
    let mut each = Each {
        talk,
        prepared: &prepared,
        rows,
        seconds,
        done: Vec::with_capacity(rows.num_rows()),
    };
    let ended = each.all(go_on).await;
    let done = each.done;
    match (&ended, own) {
        (Ok(()), true) => talk.run("COMMIT").await?,
        // The connection may be gone, and with it the transaction.
        (Err(_), true) => drop(talk.run("ROLLBACK").await),
        _ => {}
    }
    ended.map(|()| done)
}

struct Each<'e, 's> {
    talk: Talk<'s>,
    prepared: &'e Prepared,
    rows: &'e RecordBatch,
    /// That a row may take.
    seconds: u32,
    done: Vec<Result<u64, DatabaseError>>,
}

impl Each<'_, '_> {
    async fn all(&mut self, go_on: bool) -> Result<(), DatabaseError> {
        while self.done.len() < self.rows.num_rows() {
            let begin = self.done.len();
            let end = self.rows.num_rows().min(begin + ROWS_BETWEEN_SAVEPOINTS);
            self.talk.run("SAVEPOINT fletching_rows").await?;
            let Some(error) = self.run(begin, end).await? else {
                self.talk.run("RELEASE fletching_rows").await?;
                continue;
            };
            let failed = self.done.len();
            self.done.truncate(begin);
            self.talk.run("ROLLBACK TO fletching_rows").await?;
            if let Some(error) = self.run(begin, failed).await? {
                return Err(error);
            }
            self.talk.run("RELEASE fletching_rows").await?;
            self.done.push(Err(error));
            if !go_on {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Runs the rows of a range; gives the failure of the first that fails.
    async fn run(
        &mut self,
        begin: usize,
        end: usize,
    ) -> Result<Option<DatabaseError>, DatabaseError> {
        let slice = self.rows.slice(begin, end - begin);
        let columns = self.prepared.params().iter().zip(slice.columns());
        let markers: Result<Vec<_>, _> = columns
            .map(|(known, array)| Markers::new(known, array))
            .collect();
        let markers = match markers {
            Ok(markers) => markers,
            // A value of some row does not fit: row by row shows whose it is.
            Err(message) if end - begin == 1 => {
                return Ok(Some(self.talk.refuse(Fault::Value, message)));
            }
            Err(_) => {
                for row in begin..end {
                    if let Some(error) = Box::pin(self.run(row, row + 1)).await? {
                        return Ok(Some(error));
                    }
                }
                return Ok(None);
            }
        };
        for row in 0..slice.num_rows() {
            let values: Result<Vec<_>, _> =
                markers.iter().map(|markers| markers.value(row)).collect();
            let values = match values {
                Ok(values) => values,
                Err(message) => return Ok(Some(self.talk.refuse(Fault::Value, message))),
            };
            let work = self.talk.client.execute_raw(self.prepared, values);
            let mut patience = Patience::new(self.seconds);
            match self.talk.wait(&mut patience, work).await {
                Ok(count) => self.done.push(Ok(count)),
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => return Ok(Some(error)),
            }
        }
        Ok(None)
    }
}
