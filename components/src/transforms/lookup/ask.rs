//! A reference that stays in the database: keys that are not known are asked for.
//!
//! ```text
//!  keys of a batch ──distinct──▶ known? ──no──▶ SqlCommandParam ──first row──▶ kept answers
//!                                  └──yes──────────────────────────────────────▶ columns of the batch
//! ```
//!
//! A statement asks for one key; for many if it is the designer's own and its columns are no text, for then there is no
//! doubt which row is whose.
//!
//! The database compares. Answers are kept by the exact key that was asked for, so that two spellings which its collation
//! holds equal are asked for twice, and answered alike. One partition asks at a time: they share the answers.

use std::{sync::Arc, thread};

use arrow::{
    array::{Array, ArrayRef, RecordBatch, UInt32Array},
    compute::{concat_batches, take},
    row::{RowConverter, Rows, SortField},
};
use datafusion_common::{DataFusionError, Result};
use fletching_expression::types;
use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::{
    component::{Lookup, Source, Wanted},
    probe::Matches,
    question::{Asked, Question},
    recent::Recent,
    reference::{ReferenceColumn, joined},
    table::{KeyTable, NONE},
};
use crate::{PlanContext, flow::FlowError};

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
    session: Option<Asked>,
    keys: Option<RowConverter>,
    /// Of the copied columns; one of no columns cannot be.
    answers: RowConverter,
    hits: Recent,
    misses: Recent,
}

/// A key, or an answer, as a row of Arrow's row format.
type Bytes = Arc<[u8]>;

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

    /// What is asked, and whether answers are kept from batch to batch.
    fn question(&self) -> Result<(Question<'_>, bool), FlowError> {
        let path = &self.settings.path;
        let Source::Asked {
            access,
            sql,
            parameters,
            equality,
            kept,
        } = &self.settings.source
        else {
            return Err(FlowError::new(path, None, "has no query of one key"));
        };
        let question = Question {
            access,
            sql,
            parameters,
            equality: equality.as_ref(),
            declared: self
                .settings
                .declared
                .as_ref()
                .filter(|_| equality.is_some()),
        };
        Ok((question, kept.is_some()))
    }

    /// The rows that the database has for the keys of a batch.
    pub(super) fn matches(&self, batch: &RecordBatch) -> Result<Matches> {
        let (question, keeps) = self.question()?;
        let mut locked = self.state.lock();
        let state = &mut *locked;
        if !keeps {
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
        let mut answers: Vec<Bytes> = Vec::new();
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
            let known = match question.equality.is_some() && is_null {
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

    fn columns(&self, state: &State, answers: &[Bytes], rows: Vec<u32>) -> Result<Matches> {
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
    ) -> Result<Vec<Option<Bytes>>> {
        if unknown.is_empty() {
            return Ok(Vec::new());
        }
        if state.session.is_none() {
            state.session = Some(Asked::open(question, &self.context)?);
        }
        let State {
            session: Some(asked),
            answers,
            ..
        } = state
        else {
            return datafusion_common::internal_err!("a session is gone");
        };
        let rows: Vec<usize> = unknown.iter().map(|(row, _)| *row).collect();
        let together = question.equality.and_then(|found| found.columns.as_deref());
        let given = match together {
            Some(equal) => self.ask_together(question, equal, asked, answers, keys, &rows)?,
            None => self.ask_each(question, asked, answers, keys, &rows)?,
        };
        for ((_, key), answer) in unknown.iter().zip(&given) {
            match answer {
                Some(answer) => state.hits.insert(Arc::from(*key), Arc::clone(answer)),
                None => state.misses.insert(Arc::from(*key), Arc::default()),
            }
        }
        Ok(given)
    }

    /// Each key by itself.
    fn ask_each(
        &self,
        question: &Question<'_>,
        asked: &mut Asked,
        answers: &RowConverter,
        keys: &[ArrayRef],
        rows: &[usize],
    ) -> Result<Vec<Option<Bytes>>> {
        let mut places: Vec<u32> = Vec::with_capacity(rows.len());
        let mut first_rows: Vec<RecordBatch> = Vec::new();
        for row in rows {
            let first = asked.first_row(question, keys, *row)?;
            places.push(first.as_ref().map_or(NONE, |_| first_rows.len() as u32));
            first_rows.extend(first);
        }
        let columns = self.converted(&self.answer, &first_rows)?;
        self.coded_answers(answers, &columns, &places)
    }

    /// Many keys with each statement; which row is whose is found here.
    fn ask_together(
        &self,
        question: &Question<'_>,
        equal: &[usize],
        asked: &mut Asked,
        answers: &RowConverter,
        keys: &[ArrayRef],
        rows: &[usize],
    ) -> Result<Vec<Option<Bytes>>> {
        let equal = equal.iter().map(|at| self.settings.columns[*at].clone());
        let equal: Vec<Wanted> = equal.collect();
        let mut given = Vec::with_capacity(rows.len());
        for rows in rows.chunks(question.keys_max()) {
            let set = asked.rows(question, keys, rows)?;
            let batches = set.map(|set| set.batches).unwrap_or_default();
            let (table, _) = KeyTable::build(&self.converted(&equal, &batches)?)?;
            let chosen = UInt32Array::from_iter_values(rows.iter().map(|row| *row as u32));
            let chosen = keys.iter().map(|key| take(key.as_ref(), &chosen, None));
            let places = table.find(&chosen.collect::<Result<Vec<_>, _>>()?)?;
            let columns = self.converted(&self.answer, &batches)?;
            given.extend(self.coded_answers(answers, &columns, &places)?);
        }
        Ok(given)
    }

    /// Columns of rows of the database in the types of the package.
    fn converted(&self, wanted: &[Wanted], batches: &[RecordBatch]) -> Result<Vec<ArrayRef>> {
        let mut pieces: Vec<Vec<ArrayRef>> = vec![Vec::new(); wanted.len()];
        // A database without types may say something else of each row.
        for batches in batches.chunk_by(|one, other| one.schema() == other.schema()) {
            let schema = batches[0].schema();
            let rows = concat_batches(&schema, batches)?;
            let columns = ReferenceColumn::of(&self.settings, wanted, &schema)?;
            for ((column, wanted), pieces) in columns.iter().zip(wanted).zip(&mut pieces) {
                pieces.push(column.take(&self.settings, wanted, &rows, 0)?);
            }
        }
        let pieces = pieces.into_iter().zip(wanted);
        pieces
            .map(|(pieces, wanted)| joined(pieces, wanted))
            .collect()
    }

    /// The answers at some places; one of no columns is empty.
    fn coded_answers(
        &self,
        answers: &RowConverter,
        columns: &[ArrayRef],
        places: &[u32],
    ) -> Result<Vec<Option<Bytes>>> {
        let coded = match columns.is_empty() {
            true => None,
            false => Some(answers.convert_columns(columns)?),
        };
        let answer = |place: &u32| match (*place, &coded) {
            (NONE, _) => None,
            (place, Some(rows)) => Some(Bytes::from(rows.row(place as usize).data())),
            (_, None) => Some(Bytes::default()),
        };
        Ok(places.iter().map(answer).collect())
    }
}

impl State {
    /// Whether the database has a row for a key, and which; `None` if it has not been asked, or long ago.
    fn known(&mut self, key: &[u8]) -> Option<Option<Bytes>> {
        match self.hits.get(key) {
            Some(answer) => Some(Some(answer)),
            None => self.misses.get(key).map(|_| None),
        }
    }
}

fn numbered(answers: &mut Vec<Bytes>, answer: Bytes) -> u32 {
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
