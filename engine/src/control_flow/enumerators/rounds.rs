//! The rounds of a Foreach loop: made one by one, so that a recordset of millions of rows is not held a second time.

use std::sync::Arc;

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use fletching_components::database::natural_type;
use fletching_expression::Scalar;

/// One value of a round.
#[derive(Debug, Clone)]
pub(crate) enum ForeachValue {
    Scalar(Scalar),
    /// Rows, as an Object variable holds them.
    Rows(SchemaRef, Arc<Vec<RecordBatch>>),
}

impl From<&str> for ForeachValue {
    fn from(text: &str) -> Self {
        Self::Scalar(Scalar::from(text))
    }
}

/// What one round gives.
#[derive(Debug, Clone)]
pub(crate) enum Round {
    Values(Vec<ForeachValue>),
    Row(RecordBatchRow),
}

/// A row of a recordset.
#[derive(Debug, Clone)]
pub(crate) struct RecordBatchRow {
    batches: Arc<Vec<RecordBatch>>,
    batch: usize,
    row: usize,
}

impl Round {
    /// The value at a place, from 0.
    ///
    /// # Errors
    /// There is none: for a person.
    pub(crate) fn value(&self, place: usize) -> Result<ForeachValue, String> {
        let missing = |count: usize| format!("value {place} is wanted; there are {count}");
        match self {
            Self::Values(values) => {
                let value = values.get(place).cloned();
                value.ok_or_else(|| missing(values.len()))
            }
            Self::Row(at) => {
                let batch = at.batches.get(at.batch).ok_or_else(|| missing(0))?;
                let column = batch.columns().get(place);
                let column = column.ok_or_else(|| missing(batch.num_columns()))?;
                let data_type = natural_type(column.data_type()).ok_or_else(|| {
                    let name = batch.schema_ref().field(place).name();
                    format!(
                        "column `{name}` of type {} cannot go to a variable",
                        column.data_type()
                    )
                })?;
                let array = column.slice(at.row, 1);
                Ok(ForeachValue::Scalar(Scalar { data_type, array }))
            }
        }
    }
}

/// All that a loop goes over.
pub(crate) struct Rounds {
    pub(crate) values: Box<dyn Iterator<Item = Round> + Send>,
    /// What the user should know: nothing was found.
    pub(crate) warnings: Vec<String>,
}

impl Rounds {
    pub(super) fn new(values: Vec<Vec<ForeachValue>>) -> Self {
        Self {
            values: Box::new(values.into_iter().map(Round::Values)),
            warnings: Vec::new(),
        }
    }

    /// A round for each row.
    pub(super) fn of_rows(batches: Arc<Vec<RecordBatch>>) -> Self {
        let sizes: Vec<usize> = batches.iter().map(RecordBatch::num_rows).collect();
        let places = sizes
            .into_iter()
            .enumerate()
            .flat_map(|(batch, rows)| (0..rows).map(move |row| (batch, row)));
        let rows = places.map(move |(batch, row)| {
            let batches = Arc::clone(&batches);
            Round::Row(RecordBatchRow {
                batches,
                batch,
                row,
            })
        });
        Self {
            values: Box::new(rows),
            warnings: Vec::new(),
        }
    }

    pub(super) fn with_warning(mut self, warning: Option<String>) -> Self {
        self.warnings.extend(warning);
        self
    }
}
