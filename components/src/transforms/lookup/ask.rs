//! A reference that stays in the database: keys that are not known are asked for, one statement with parameters each.
//!
//! ```text
//!  keys of a batch ──distinct──▶ known? ──no──▶ SqlCommandParam ──first row──▶ kept answers
//!                                  └──yes──────────────────────────────────────▶ columns of the batch
//! ```
//!
//! The database compares. Answers are kept by the exact key that was asked for, so that two spellings which its collation
//! holds equal are asked for twice, and answered alike. One partition asks at a time: they share the answers.

use std::{collections::HashMap, sync::Arc, thread};

use arrow::{
    array::{Array, ArrayRef, RecordBatch},
    compute::concat_batches,
    row::{RowConverter, Rows, SortField},
};
use datafusion_common::{DataFusionError, Result};
use dtsx::SsisCode;
use fletching_connections::database::{
    Collected, Direction, Lease, Parameter, ReadOptions, Statement,
};
use fletching_expression::types;
use parking_lot::Mutex;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::{
    component::{Lookup, Source, Wanted},
    probe::Matches,
    recent::Recent,
    reference::ReferenceColumn,
    table::NONE,
};
use crate::{PlanContext, database::DatabaseAccess, flow::FlowError};

/// Asks a database for the reference rows of a run.
#[derive(Debug)]
pub(super) struct Asker {
    settings: Arc<Lookup>,
    context: PlanContext,
    /// The copied columns, and their positions among the wanted ones.
    answer: Vec<Wanted>,
    positions: Vec<usize>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    session: Option<Open>,
    keys: Option<RowConverter>,
    /// Of the copied columns; one of no columns cannot be.
    answers: RowConverter,
    hits: Recent,
    misses: Recent,
}

#[derive(Debug)]
struct Open {
    lease: Lease,
    /// In the database's own SQL.
    sql: String,
    /// For each `?` of it the key that it takes.
    order: Vec<usize>,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
struct Question<'a> {
    access: &'a DatabaseAccess,
    sql: &'a str,
    parameters: &'a [usize],
    by_equality: bool,
    keeps: bool,
}

impl Asker {
    pub(super) fn new(settings: Arc<Lookup>, context: PlanContext) -> Result<Self> {
        let mut positions: Vec<usize> = settings.copies.iter().map(|one| one.column).collect();
        positions.sort_unstable();
        positions.dedup();
        let answer: Vec<Wanted> = positions
            .iter()
            .map(|at| settings.columns[*at].clone())
            .collect();
        let fields = answer
            .iter()
            .map(|wanted| SortField::new(types::arrow_type(&wanted.data_type)));
        let kept = match &settings.source {
            Source::Asked { kept, .. } => kept.unwrap_or((usize::MAX, usize::MAX)),
            _ => (0, 0),
        };
        let state = State {
            session: None,
            keys: None,
            answers: RowConverter::new(fields.collect())?,
            hits: Recent::new(kept.0),
            misses: Recent::new(kept.1),
        };
        Ok(Self {
            settings,
            context,
            answer,
            positions,
            state: Mutex::new(state),
        })
    }

    fn question(&self) -> Result<Question<'_>, FlowError> {
        match &self.settings.source {
            Source::Asked {
                access,
                sql,
                parameters,
                by_equality,
                kept,
            } => Ok(Question {
                access,
                sql,
                parameters,
                by_equality: *by_equality,
                keeps: kept.is_some(),
            }),
            _ => Err(FlowError::new(
                &self.settings.path,
                None,
                "has no query of one key",
            )),
        }
    }

    /// The rows that the database has for the keys of a batch.
    pub(super) fn matches(&self, batch: &RecordBatch) -> Result<Matches> {
        let question = self.question()?;
        let mut locked = self.state.lock();
        let state = &mut *locked;
        if !question.keeps {
            state.hits = Recent::new(usize::MAX);
            state.misses = Recent::new(usize::MAX);
        }
        let keys: Vec<ArrayRef> = question
            .parameters
            .iter()
            .map(|at| Arc::clone(batch.column(*at)))
            .collect();
        let coded = coded(&mut state.keys, &keys)?;
        let mut numbers: HashMap<&[u8], u32> = HashMap::new();
        let mut answers: Vec<Arc<[u8]>> = Vec::new();
        let mut rows = Vec::with_capacity(batch.num_rows());
        let mut unknown: Vec<(usize, &[u8])> = Vec::new();
        let mut waiting: Vec<(usize, usize)> = Vec::new();
        let mut asked: HashMap<&[u8], usize> = HashMap::new();
        for row in 0..batch.num_rows() {
            let key = coded.row(row).data();
            if let Some(number) = numbers.get(key) {
                rows.push(*number);
                continue;
            }
            let is_null = keys.iter().any(|column| column.is_null(row));
            let known = match question.by_equality && is_null {
                true => Some(None),
                false => state.known(key),
            };
            match known {
                Some(answer) => {
                    let number = answer.map_or(NONE, |answer| numbered(&mut answers, answer));
                    numbers.insert(key, number);
                    rows.push(number);
                }
                None => {
                    let at = *asked.entry(key).or_insert_with(|| {
                        unknown.push((row, key));
                        unknown.len() - 1
                    });
                    waiting.push((row, at));
                    rows.push(NONE);
                }
            }
        }
        let new = blocking(|| self.ask(&question, state, &keys, &unknown))?;
        let new: Vec<u32> = new
            .into_iter()
            .map(|answer| answer.map_or(NONE, |answer| numbered(&mut answers, answer)))
            .collect();
        for (row, at) in waiting {
            rows[row] = new[at];
        }
        self.columns(state, &answers, rows)
    }

    fn columns(&self, state: &State, answers: &[Arc<[u8]>], rows: Vec<u32>) -> Result<Matches> {
        let mut columns = vec![None; self.settings.columns.len()];
        if !self.positions.is_empty() {
            let parser = state.answers.parser();
            let parsed = answers.iter().map(|bytes| parser.parse(bytes));
            let arrays = state.answers.convert_rows(parsed)?;
            for (at, array) in self.positions.iter().zip(arrays) {
                columns[*at] = Some(array);
            }
        }
        Ok(Matches { rows, columns })
    }

    /// Asks for keys, and keeps the answers.
    fn ask(
        &self,
        question: &Question<'_>,
        state: &mut State,
        keys: &[ArrayRef],
        unknown: &[(usize, &[u8])],
    ) -> Result<Vec<Option<Arc<[u8]>>>> {
        if unknown.is_empty() {
            return Ok(Vec::new());
        }
        if state.session.is_none() {
            state.session = Some(self.open(question)?);
        }
        let State {
            session: Some(open),
            answers,
            ..
        } = state
        else {
            return datafusion_common::internal_err!("a session is gone");
        };
        let mut found: Vec<Option<usize>> = Vec::with_capacity(unknown.len());
        let mut first_rows: Vec<RecordBatch> = Vec::new();
        for (row, _) in unknown {
            let first = self.ask_one(question, open, keys, *row)?;
            found.push(first.map(|first| {
                first_rows.push(first);
                first_rows.len() - 1
            }));
        }
        let coded = self.coded_answers(&first_rows, answers)?;
        let mut given = Vec::with_capacity(unknown.len());
        for ((_, key), at) in unknown.iter().zip(found) {
            let answer: Option<Arc<[u8]>> = match (at, &coded) {
                (Some(at), Some(rows)) => Some(Arc::from(rows.row(at).data())),
                (Some(_), None) => Some(Arc::default()),
                (None, _) => None,
            };
            match &answer {
                Some(answer) => state.hits.insert(Arc::from(*key), Arc::clone(answer)),
                None => state.misses.insert(Arc::from(*key), Arc::default()),
            }
            given.push(answer);
        }
        Ok(given)
    }

    fn open(&self, question: &Question<'_>) -> Result<Open, FlowError> {
        let access = question.access;
        let connection = access.connection(&self.context)?;
        let lease = self
            .context
            .sessions
            .acquire(&connection)
            .map_err(|error| access.error(&error))?;
        let count = question.parameters.len();
        let adapted = connection.adapt_markers(lease.dialect(), question.sql, count);
        let fail = |message: String| {
            let code = Some(SsisCode(0xC020_2009)); // DTS_E_OLEDBERROR
            FlowError::new(&self.settings.path, code, message)
        };
        let adapted = adapted.map_err(|error| fail(error.to_string()))?;
        let [(sql, order)] = &adapted[..] else {
            return Err(fail(format!(
                "SqlCommandParam is {} statements, one query is wanted",
                adapted.len()
            )));
        };
        Ok(Open {
            lease,
            sql: sql.clone(),
            order: order.clone(),
        })
    }

    /// The first row for the key of a row.
    fn ask_one(
        &self,
        question: &Question<'_>,
        open: &mut Open,
        keys: &[ArrayRef],
        row: usize,
    ) -> Result<Option<RecordBatch>, FlowError> {
        let values = open.order.iter().filter_map(|at| keys.get(*at));
        let parameters: Vec<Parameter> = values
            .map(|column| Parameter {
                name: None,
                direction: Direction::Input,
                value: column.slice(row, 1),
                size: 0,
            })
            .collect();
        let mut rows = Collected::default();
        let options = ReadOptions {
            batch_rows: 1,
            wanted: self.settings.declared.clone(),
        };
        let mut first = FirstRow(&mut rows);
        let statement = Statement {
            parameters: &parameters,
            timeout_seconds: question.access.timeout_seconds,
            ..Statement::new(&open.sql)
        };
        open.lease
            .query(&statement, &options, &mut first)
            .map_err(|error| question.access.error(&error))?;
        Ok(rows.0.and_then(|set| set.batches.into_iter().next()))
    }

    /// The answers in the types of the package, a row each; `None` if nothing is copied.
    fn coded_answers(
        &self,
        first_rows: &[RecordBatch],
        answers: &RowConverter,
    ) -> Result<Option<Rows>> {
        let Some(first) = first_rows.first().filter(|_| !self.answer.is_empty()) else {
            return Ok(None);
        };
        let schema = first.schema();
        let rows = concat_batches(&schema, first_rows)?;
        let columns = ReferenceColumn::of(&self.settings, &self.answer, &schema)?;
        let arrays = columns
            .iter()
            .zip(&self.answer)
            .map(|(column, wanted)| column.take(&self.settings, wanted, &rows, 0));
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        Ok(Some(answers.convert_columns(&arrays)?))
    }
}

impl State {
    /// Whether the database has a row for a key, and which; `None` if it has not been asked, or long ago.
    fn known(&mut self, key: &[u8]) -> Option<Option<Arc<[u8]>>> {
        match self.hits.get(key) {
            Some(answer) => Some(Some(answer)),
            None => self.misses.get(key).map(|_| None),
        }
    }
}

fn numbered(answers: &mut Vec<Arc<[u8]>>, answer: Arc<[u8]>) -> u32 {
    answers.push(answer);
    (answers.len() - 1) as u32
}

fn coded(converter: &mut Option<RowConverter>, keys: &[ArrayRef]) -> Result<Rows> {
    let converter = match converter {
        Some(converter) => converter,
        none => {
            let fields = keys
                .iter()
                .map(|key| SortField::new(key.data_type().clone()));
            none.insert(RowConverter::new(fields.collect())?)
        }
    };
    Ok(converter.convert_columns(keys)?)
}

/// Takes one row, and has enough.
struct FirstRow<'a>(&'a mut Collected);

impl fletching_connections::database::RowSink for FirstRow<'_> {
    fn start(&mut self, schema: &arrow::datatypes::SchemaRef) -> std::ops::ControlFlow<()> {
        self.0.start(schema)
    }

    fn batch(&mut self, batch: RecordBatch) -> std::ops::ControlFlow<()> {
        let first = batch.slice(0, 1);
        self.0.batch(first)?;
        std::ops::ControlFlow::Break(())
    }
}

/// Runs what blocks, on a thread that may.
fn blocking<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Err(_) => work(),
        Ok(RuntimeFlavor::CurrentThread) => {
            let joined = thread::scope(|scope| scope.spawn(work).join());
            joined.unwrap_or_else(|_| {
                let message = "a query of one key ended before its answer".to_owned();
                Err(DataFusionError::Internal(message))
            })
        }
        Ok(_) => tokio::task::block_in_place(work),
    }
}
