//! The keys of a batch, comparable row by row, also with the keys of other batches and of the other input.

use std::cmp::Ordering;

use arrow::{
    buffer::{NullBuffer, ScalarBuffer},
    row::Rows,
};

/// Keys whose order is the declared order: ascending, whatever the directions of the columns.
pub(crate) trait Keys: Sized + Send + Sync + 'static {
    fn len(&self) -> usize;

    /// Compares a row with a row of other keys made by an encoder with the same settings.
    fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering;

    /// Whether one of the key columns is NULL in this row.
    fn has_null(&self, row: usize) -> bool;

    /// Where each run of equal keys starts, and the number of rows at the end.
    ///
    /// # Errors
    ///
    /// The first row that is smaller than the one before it.
    fn run_starts(&self) -> Result<Vec<u32>, usize> {
        compared_run_starts(self)
    }
}

/// One integer, date or time column.
#[derive(Debug)]
pub(crate) struct IntegerKeys {
    /// Descending columns are complemented.
    values: ScalarBuffer<i64>,
    nulls: Option<NullBuffer>,
    /// What NULL, the smallest value, is to a value in the declared order.
    null_to_value: Ordering,
}

impl IntegerKeys {
    pub(crate) fn new(
        values: ScalarBuffer<i64>,
        nulls: Option<NullBuffer>,
        descending: bool,
    ) -> Self {
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
        let (values, null_to_value) = if descending {
            (
                values.iter().map(|value| !value).collect(),
                Ordering::Greater,
            )
        } else {
            (values, Ordering::Less)
        };
        Self {
            values,
            nulls,
            null_to_value,
        }
    }
}

impl Keys for IntegerKeys {
    fn len(&self) -> usize {
        self.values.len()
    }

    #[inline]
    fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        if self.nulls.is_some() || other.nulls.is_some() {
            match (self.has_null(row), other.has_null(other_row)) {
                (false, false) => {}
                (true, true) => return Ordering::Equal,
                (true, false) => return self.null_to_value,
                (false, true) => return self.null_to_value.reverse(),
            }
        }
        self.values[row].cmp(&other.values[other_row])
    }

    #[inline]
    fn has_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    fn run_starts(&self) -> Result<Vec<u32>, usize> {
        if self.nulls.is_none() {
            return run_starts_of(&self.values);
        }
        compared_run_starts(self)
    }
}

fn compared_run_starts<K: Keys>(keys: &K) -> Result<Vec<u32>, usize> {
    let len = keys.len();
    let mut starts = vec![0];
    for row in 1..len {
        match keys.compare(row - 1, keys, row) {
            Ordering::Less => starts.push(row as u32),
            Ordering::Equal => {}
            Ordering::Greater => return Err(row),
        }
    }
    starts.push(len as u32);
    Ok(starts)
}

/// Without a branch per row: where runs start cannot be predicted.
fn run_starts_of(values: &[i64]) -> Result<Vec<u32>, usize> {
    let mut starts = vec![0_u32; values.len() + 1];
    let (mut count, mut in_order) = (1, true);
    for (row, pair) in values.array_windows::<2>().enumerate() {
        starts[count] = row as u32 + 1;
        count += usize::from(pair[0] != pair[1]);
        in_order &= pair[0] <= pair[1];
    }
    if !in_order {
        return Err(values
            .array_windows::<2>()
            .position(|pair| pair[0] > pair[1])
            .map_or(0, |row| row + 1));
    }
    starts.truncate(count);
    starts.push(values.len() as u32);
    Ok(starts)
}

/// Any columns, as byte strings in the row format of Arrow.
#[derive(Debug)]
pub(crate) struct RowKeys {
    rows: Rows,
    nulls: Option<NullBuffer>,
}

impl RowKeys {
    /// `nulls`: rows in which a key column is NULL.
    pub(crate) fn new(rows: Rows, nulls: Option<NullBuffer>) -> Self {
        Self {
            rows,
            nulls: nulls.filter(|nulls| nulls.null_count() > 0),
        }
    }
}

impl Keys for RowKeys {
    fn len(&self) -> usize {
        self.rows.num_rows()
    }

    fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        self.rows.row(row).cmp(&other.rows.row(other_row))
    }

    fn has_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }
}
