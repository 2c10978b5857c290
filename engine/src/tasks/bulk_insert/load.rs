//! The task's thread: reads rows, turns fields into values, writes batches, counts what is bad.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
};

use arrow::{
    array::{ArrayRef, BooleanArray, RecordBatch, StringViewBuilder},
    compute::filter_record_batch,
    datatypes::Schema,
};
use dtsx::{BulkInsert, SsisCode};
use fletching_components::{
    database::{database_error, not_told},
    flow::FlowError,
};
use fletching_connections::database::{
    DatabaseConnection, DatabaseError, Load, LoadOptions, Sessions, TableName,
};
use fletching_expression::{code_page::CodePage, types};
use memchr::memmem;

use super::{
    Stop,
    columns::{CANNOT_CONVERT, Column, columns},
    rows::{RowReader, cut},
};
use crate::BulkReport;

/// One run of the task.
pub(super) struct Loading {
    pub(super) path: String,
    pub(super) file: PathBuf,
    pub(super) connection: DatabaseConnection,
    pub(super) sessions: Arc<Sessions>,
    pub(super) table: TableName,
    pub(super) code_page: CodePage,
    pub(super) settings: BulkInsert,
    pub(super) locale_id: u32,
    /// Rows of a record batch.
    pub(super) batch_rows: usize,
    pub(super) stop: Arc<Stop>,
}

/// `DTS_E_COLUMNDELIMITERNOTFOUND`.
const TOO_FEW_FIELDS: SsisCode = SsisCode(0xC020_2055);

/// Rows that were read, as text.
struct Rows {
    columns: Vec<StringViewBuilder>,
    /// Their numbers in the file.
    numbers: Vec<u64>,
    bad: Vec<Bad>,
    /// No rows follow.
    ended: bool,
}

/// A row that is not loaded.
struct Bad {
    row: u64,
    code: SsisCode,
    column: Option<String>,
    message: String,
}

/// What is wrong with a row: column, code, words.
type Refusal = (Option<String>, SsisCode, String);

/// Bad rows of the whole file.
#[derive(Default)]
struct Skipped {
    count: u64,
    first: Option<FlowError>,
}

impl Loading {
    /// Loads the file; what it did, and what the user should know.
    pub(super) fn run(&self) -> Result<(BulkReport, Vec<String>), FlowError> {
        let mut reader = RowReader::open(
            &self.path,
            &self.file,
            &self.code_page,
            &self.settings.row_terminator,
        )?;
        let fail = |error: DatabaseError| self.database(&error);
        let mut session = self.sessions.acquire(&self.connection).map_err(fail)?;
        *self.stop.running.lock() = Some(session.canceller());
        let table = session.describe(&self.table).map_err(fail)?;
        let targets = columns(&table, &self.settings, self.locale_id)
            .map_err(|message| FlowError::new(&self.path, None, message))?;
        let names: Vec<String> = targets.iter().map(|one| one.name.clone()).collect();
        let mut load = session
            .load(&self.table, &names, &self.options())
            .map_err(fail)?;
        let mut skipped = Skipped::default();
        let written = self.all(
            &mut reader,
            load.as_mut(),
            (&targets, table.len()),
            &mut skipped,
        );
        *self.stop.running.lock() = None;
        let report = BulkReport {
            rows: written?,
            skipped: skipped.count,
        };
        let hints = self.options().hints();
        let hints = hints.iter().map(|hint| not_told(&self.path, hint));
        let mut warnings: Vec<String> = reader.warning().into_iter().chain(hints).collect();
        if let Some(first) = &skipped.first {
            warnings.push(format!(
                "{}: {} rows were not loaded (MaximumErrors is {}); the first: {first}",
                self.path, skipped.count, self.settings.maximum_errors
            ));
        }
        Ok((report, warnings))
    }

    fn options(&self) -> LoadOptions {
        let settings = &self.settings;
        LoadOptions {
            keep_identity: settings.keep_identity,
            keep_nulls: settings.keep_nulls,
            table_lock: settings.table_lock,
            check_constraints: settings.check_constraints,
            fire_triggers: settings.fire_triggers,
            order: Some(settings.sorted.clone()).filter(|order| !order.is_empty()),
            ..LoadOptions::default()
        }
    }

    fn database(&self, error: &DatabaseError) -> FlowError {
        database_error(&self.path, &self.connection.manager, error)
    }

    /// All rows; how many were written. `fields`: of a row.
    fn all(
        &self,
        reader: &mut RowReader,
        load: &mut dyn Load,
        (targets, fields): (&[Column], usize),
        skipped: &mut Skipped,
    ) -> Result<u64, FlowError> {
        let transaction = self.settings.batch_rows;
        let (mut written, mut open) = (0, 0);
        loop {
            if self.stop.stopped.load(Ordering::Relaxed) {
                return Ok(written); // Nobody waits for it, and what is not committed goes.
            }
            let room = transaction.map_or(usize::MAX, |rows| {
                usize::try_from(rows - open).unwrap_or(usize::MAX)
            });
            let most = room.min(self.batch_rows);
            let rows = self.read(reader, targets, fields, most)?;
            let (ended, last) = (rows.ended, reader.number);
            let first = rows.numbers.first().copied().unwrap_or(last);
            let batch = self.values(rows, targets, reader, skipped)?;
            if batch.num_rows() > 0 {
                load.write(&batch).map_err(|error| {
                    let mut failure = self.database(&error);
                    let rows = format!("; it is among rows {first} to {last}");
                    failure.message.push_str(&rows);
                    failure.with_file(self.file.display().to_string())
                })?;
            }
            written += batch.num_rows() as u64;
            open += batch.num_rows() as u64;
            if ended || transaction == Some(open) {
                load.commit().map_err(|error| self.database(&error))?;
                open = 0;
            }
            if ended {
                return Ok(written);
            }
        }
    }

    /// Up to `most` rows, good and bad.
    fn read(
        &self,
        reader: &mut RowReader,
        targets: &[Column],
        fields: usize,
        most: usize,
    ) -> Result<Rows, FlowError> {
        let mut rows = Rows {
            columns: targets.iter().map(|_| StringViewBuilder::new()).collect(),
            numbers: Vec::new(),
            bad: Vec::new(),
            ended: false,
        };
        let end = memmem::Finder::new(&self.settings.field_terminator);
        let last = self.settings.last_row.unwrap_or(u64::MAX);
        while rows.numbers.len() + rows.bad.len() < most {
            let number = reader.number + 1;
            let row = match number > last {
                true => None,
                false => reader.row()?,
            };
            let Some(row) = row else {
                rows.ended = true;
                break;
            };
            if number < self.settings.first_row {
                continue;
            }
            match fields_of(row, &end, fields, targets) {
                Ok(texts) => {
                    rows.numbers.push(number);
                    for (column, text) in rows.columns.iter_mut().zip(texts) {
                        column.append_option(text);
                    }
                }
                Err((column, code, message)) => rows.bad.push(Bad {
                    row: number,
                    code,
                    column,
                    message,
                }),
            }
        }
        Ok(rows)
    }

    /// The values of rows whose fields all have one; the other rows are skipped.
    fn values(
        &self,
        mut rows: Rows,
        targets: &[Column],
        reader: &RowReader,
        skipped: &mut Skipped,
    ) -> Result<RecordBatch, FlowError> {
        let mut good = vec![true; rows.numbers.len()];
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(targets.len());
        for (column, builder) in targets.iter().zip(&mut rows.columns) {
            let texts = builder.finish();
            let shown = texts.clone();
            let array: ArrayRef = Arc::new(texts);
            let evaluated = column.cast.apply(&array).map_err(|error| {
                FlowError::new(&self.path, error.code(), error.to_string())
                    .with_column(&column.name)
            })?;
            for failure in &evaluated.errors {
                let at = failure.row as usize;
                let (Some(good), Some(row)) = (good.get_mut(at), rows.numbers.get(at)) else {
                    continue;
                };
                if std::mem::replace(good, false) {
                    let text = shown.value(at);
                    let message = format!("{} is no {}", quoted(text), column.declared);
                    rows.bad.push(Bad {
                        row: *row,
                        code: CANNOT_CONVERT,
                        column: Some(column.name.clone()),
                        message,
                    });
                }
            }
            arrays.push(evaluated.array);
        }
        rows.bad.sort_by_key(|bad| bad.row);
        for bad in rows.bad {
            skipped.add(bad, reader, self.settings.maximum_errors)?;
        }
        let fields = targets
            .iter()
            .map(|column| types::field(&column.name, column.cast.to()));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let engine =
            |error: arrow::error::ArrowError| FlowError::new(&self.path, None, error.to_string());
        let batch = RecordBatch::try_new(schema, arrays).map_err(engine)?;
        match good.contains(&false) {
            true => filter_record_batch(&batch, &BooleanArray::from(good)).map_err(engine),
            false => Ok(batch),
        }
    }
}

impl Skipped {
    /// Counts a bad row; an error if it is one too many.
    fn add(&mut self, bad: Bad, reader: &RowReader, most: u64) -> Result<(), FlowError> {
        self.count += 1;
        if self.first.is_some() && self.count <= most {
            return Ok(());
        }
        let mut failure = reader.failure(Some(bad.code), bad.row, bad.message);
        failure.column = bad.column;
        if self.count > most {
            if most > 0 {
                let before = format!("; {most} bad rows before it were skipped (MaximumErrors)");
                failure.message.push_str(&before);
            }
            return Err(failure);
        }
        self.first = Some(failure);
        Ok(())
    }
}

/// The texts of the columns, or what is wrong with the row: column, code, words.
fn fields_of<'a>(
    row: &'a [u8],
    end: &memmem::Finder<'_>,
    count: usize,
    targets: &[Column],
) -> Result<Vec<Option<&'a str>>, Refusal> {
    let mut fields = Vec::with_capacity(count);
    cut(row, end, count, &mut fields).map_err(|found| {
        let message = format!(
            "the row {} has {found} of {count} fields: each column of the table needs one, and FieldTerminator {:?} between \
             them",
            quoted(&String::from_utf8_lossy(row)),
            String::from_utf8_lossy(end.needle())
        );
        (None, TOO_FEW_FIELDS, message)
    })?;
    let texts = targets.iter().map(|column| {
        let field = fields.get(column.field).copied().unwrap_or_default();
        column.text(field).map_err(|(code, why)| {
            let shown = match field.is_empty() {
                true => "the field".to_owned(),
                false => quoted(&String::from_utf8_lossy(field)),
            };
            let message = format!("{shown} {why} ({})", column.declared);
            (Some(column.name.clone()), code, message)
        })
    });
    texts.collect()
}

/// A value in a message, its line ends as `\r\n`.
fn quoted(text: &str) -> String {
    const LETTERS: usize = 60;
    let more = if text.chars().count() > LETTERS {
        "..."
    } else {
        ""
    };
    let mut shown = String::new();
    for letter in text.chars().take(LETTERS) {
        match letter.is_control() {
            true => shown.extend(letter.escape_default()),
            false => shown.push(letter),
        }
    }
    format!("`{shown}{more}`")
}
