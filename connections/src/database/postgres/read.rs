//! Statements, and the rows that come back.

use std::{ops::ControlFlow, pin::pin, sync::Arc};

use arrow::{
    array::RecordBatch,
    datatypes::{Field, Fields, Schema, SchemaRef},
};
use futures::{StreamExt, TryStreamExt};
use tokio_postgres::{Column, Statement as Prepared};

use super::{
    decode::{CopyStream, Rows},
    kind::Kind,
    parameters::{Encoded, Markers, Raw},
    session::{Patience, Talk},
    statements::{first_word, split},
};
use crate::database::{
    Collected, DatabaseError, Direction, Executed, Fault, Parameter, ReadOptions, RowSink,
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
        let kinds = columns.iter().map(|column| Kind::of(column.type_(), column.type_modifier()));
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

/// Statements before the one that yields rows prepare it; those after it run too.
pub(super) async fn query(
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
        let prepared = talk.wait(&mut patience, talk.client.prepare(&text)).await?;
        let values = take_values(talk, &prepared, &mut parameters)?;
        if prepared.columns().is_empty() || found {
            talk.wait(&mut patience, talk.client.execute_raw(&prepared, values))
                .await?;
            continue;
        }
        found = true;
        let shape = Shape::of(prepared.columns());
        if sink.start(&shape.schema).is_break() {
            continue;
        }
        let mut reading = Reading {
            talk,
            patience: &mut patience,
            rows: Rows::new(Arc::clone(&shape.schema), &shape.kinds),
            batch_rows: options.batch_rows.max(1),
            sink,
            within,
        };
        let selection = is_selection(&first_word(&text));
        let shown = shape.as_text(&text).filter(|_| selection);
        if values.is_empty() && selection {
            reading.copy(shown.as_deref().unwrap_or(&text)).await?;
        } else {
            reading.extended(&prepared, shown, values).await?;
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

/// Rows on their way from the server to a sink.
struct Reading<'r, 's> {
    talk: Talk<'s>,
    patience: &'r mut Patience,
    rows: Rows,
    batch_rows: usize,
    sink: &'r mut dyn RowSink,
    within: bool,
}

impl Reading<'_, '_> {
    async fn copy(&mut self, sql: &str) -> Result<(), DatabaseError> {
        let copy = format!("COPY (\n{sql}\n) TO STDOUT (FORMAT binary)");
        let talk = self.talk;
        let stream = talk.wait(self.patience, talk.client.copy_out(&copy)).await?;
        let mut stream = pin!(stream);
        let mut bytes = CopyStream::default();
        while let Some(part) = talk.wait(self.patience, stream.try_next()).await? {
            let mut whole = None;
            bytes
                .feed::<String>(&part, |values| {
                    for (at, value) in values.enumerate() {
                        self.rows.put(at, value)?;
                    }
                    self.rows.count += 1;
                    if self.rows.count >= self.batch_rows {
                        whole = Some(self.rows.take().map_err(|error| error.to_string())?);
                    }
                    Ok(())
                })
                .map_err(|message| talk.refuse(Fault::Value, message))?;
            if let Some(batch) = whole
                && self.sink.batch(batch).is_break()
            {
                return self.finish(stream).await;
            }
        }
        self.last()
    }

    async fn extended(
        &mut self,
        prepared: &Prepared,
        shown: Option<String>,
        values: Vec<Encoded>,
    ) -> Result<(), DatabaseError> {
        let talk = self.talk;
        let again = match shown {
            Some(sql) => Some(talk.wait(self.patience, talk.client.prepare(&sql)).await?),
            None => None,
        };
        let prepared = again.as_ref().unwrap_or(prepared);
        if prepared.columns().iter().any(|column| Kind::of(column.type_(), -1) == Kind::Other) {
            let message = "a column of the result has a type that is not known here: cast it to text";
            return Err(talk.refuse(Fault::Unsupported, message));
        }
        let stream = talk.wait(self.patience, talk.client.query_raw(prepared, values)).await?;
        let mut stream = pin!(stream);
        while let Some(row) = talk.wait(self.patience, stream.try_next()).await? {
            for at in 0..row.len() {
                let value: Option<Raw<'_>> = row.try_get(at).map_err(|error| talk.fail(&error))?;
                self.rows
                    .put(at, value.map(|value| value.0))
                    .map_err(|message| talk.refuse(Fault::Value, message))?;
            }
            self.rows.count += 1;
            if self.rows.count >= self.batch_rows && self.hand_over()?.is_break() {
                return self.finish(stream).await;
            }
        }
        self.last()
    }

    fn hand_over(&mut self) -> Result<ControlFlow<()>, DatabaseError> {
        let batch = self.rows.take();
        let batch = batch.map_err(|error| self.talk.refuse(Fault::Other, error.to_string()))?;
        Ok(self.sink.batch(batch))
    }

    fn last(&mut self) -> Result<(), DatabaseError> {
        if self.rows.count > 0 {
            // There is nothing left to break off.
            let _: ControlFlow<()> = self.hand_over()?;
        }
        Ok(())
    }

    /// Nobody wants the rest. A transaction would end with the query, so within one the rest is read and dropped.
    async fn finish<T>(
        &self,
        mut stream: impl futures::Stream<Item = Result<T, tokio_postgres::Error>> + Unpin,
    ) -> Result<(), DatabaseError> {
        if !self.within {
            self.talk.stop().await;
        }
        while let Some(Ok(_)) = stream.next().await {}
        if !self.within {
            // Should the request to stop come late, it stops this.
            drop(self.talk.client.batch_execute("SELECT 1").await);
        }
        Ok(())
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
            let message = "PostgreSQL has no output parameters: read them from the row that CALL yields";
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
        let mut collected = Collected::default();
        let _: ControlFlow<()> = collected.start(&shape.schema);
        let word = first_word(&text);
        let shown = shape.as_text(&text).filter(|_| is_selection(&word));
        let mut reading = Reading {
            talk,
            patience: &mut patience,
            rows: Rows::new(Arc::clone(&shape.schema), &shape.kinds),
            batch_rows: ReadOptions::default().batch_rows,
            sink: &mut collected,
            within: true,
        };
        reading.extended(&prepared, shown, values).await?;
        if let Some(set) = collected.0 {
            if matches!(word.as_str(), "insert" | "update" | "delete" | "merge") {
                let rows = set.batches.iter().map(|batch| batch.num_rows() as u64);
                executed.rows_affected += rows.sum::<u64>();
            }
            executed.result_sets.push(set);
        }
    }
    Ok(executed)
}

/// Runs rows up to the next savepoint; where one fails, those before it are run again without it.
pub(super) async fn execute_each(
    talk: Talk<'_>,
    rows: &RecordBatch,
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
    async fn run(&mut self, begin: usize, end: usize) -> Result<Option<DatabaseError>, DatabaseError> {
        let slice = self.rows.slice(begin, end - begin);
        let columns = self.prepared.params().iter().zip(slice.columns());
        let markers: Result<Vec<_>, _> = columns.map(|(known, array)| Markers::new(known, array)).collect();
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
            let values: Result<Vec<_>, _> = markers.iter().map(|markers| markers.value(row)).collect();
            let values = match values {
                Ok(values) => values,
                Err(message) => return Ok(Some(self.talk.refuse(Fault::Value, message))),
            };
            match self.talk.client.execute_raw(self.prepared, values).await {
                Ok(count) => self.done.push(Ok(count)),
                Err(error) => {
                    let error = self.talk.fail(&error);
                    return match error.is_fatal() {
                        true => Err(error),
                        false => Ok(Some(error)),
                    };
                }
            }
        }
        Ok(None)
    }
}
