//! A batch in parts: halves of one that fails, and rows that leave the same columns to their defaults.

use std::{collections::BTreeMap, ops::Range};

use arrow::{
    array::{Array, RecordBatch, UInt64Array},
    compute::take_record_batch,
    error::ArrowError,
};

use super::DatabaseError;

/// Writes as many rows of a range as go in: a range that fails is cut in two, down to the rows that fail, which are
/// returned with the reason. Without `go_on` the first of them ends it.
///
/// `write` writes all rows of a range or none of them, and says why none; its error ends everything.
pub(super) fn halves(
    rows: Range<usize>,
    go_on: bool,
    write: &mut dyn FnMut(Range<usize>) -> Result<Option<DatabaseError>, DatabaseError>,
) -> Result<Vec<(usize, DatabaseError)>, DatabaseError> {
    let mut failed = Vec::new();
    // Halves that are to be written, the first of them last.
    let mut left = vec![rows];
    while let Some(rows) = left.pop() {
        if rows.is_empty() {
            continue;
        }
        let Some(error) = write(rows.clone())? else {
            continue;
        };
        if rows.len() == 1 {
            failed.push((rows.start, error));
            if !go_on {
                break;
            }
            continue;
        }
        let middle = rows.start + rows.len() / 2;
        left.push(middle..rows.end);
        left.push(rows.start..middle);
    }
    Ok(failed)
}

/// Inserts all rows or none, and says whether the load can go on.
type Insert<'a> = dyn FnMut(&RecordBatch) -> (Result<(), DatabaseError>, bool) + 'a;

/// [`halves`] of a batch, by what inserts its parts; a failure that ends the load is the error.
pub(super) fn insert_halves(
    rows: &RecordBatch,
    go_on: bool,
    insert: &mut Insert<'_>,
) -> Result<Vec<(usize, DatabaseError)>, DatabaseError> {
    halves(
        0..rows.num_rows(),
        go_on,
        &mut |part| match insert(&rows.slice(part.start, part.len())) {
            (Ok(()), _) => Ok(None),
            (Err(error), goes_on) if error.ends_load() || !goes_on => Err(error),
            (Err(error), _) => Ok(Some(error)),
        },
    )
}

/// A column of a batch on its way into a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given {
    /// Its place in the batch.
    pub(super) at: usize,
    /// NULL becomes the column's default.
    pub(super) defaults: bool,
}

/// The rows of a batch in groups, each with the columns that its rows give values to, by their places in `columns`; one
/// column at least, since a row of nothing but defaults has no form that all databases know.
pub(super) fn by_given(
    rows: &RecordBatch,
    columns: &[Given],
) -> Result<Vec<(Vec<usize>, RecordBatch)>, ArrowError> {
    if !columns.iter().any(|column| column.defaults) {
        return Ok(vec![((0..columns.len()).collect(), rows.clone())]);
    }
    let mut groups: BTreeMap<Vec<usize>, Vec<u64>> = BTreeMap::new();
    for (row, number) in (0..rows.num_rows()).zip(0_u64..) {
        let given = columns.iter().enumerate().filter(|(_, column)| {
            let array = rows.columns().get(column.at);
            !column.defaults || array.is_none_or(|array| array.is_valid(row))
        });
        let mut given: Vec<usize> = given.map(|(at, _)| at).collect();
        if given.is_empty() {
            given.push(0);
        }
        groups.entry(given).or_default().push(number);
    }
    let groups = groups.into_iter().map(|(given, members)| {
        let part = take_record_batch(rows, &UInt64Array::from(members))?;
        Ok((given, part))
    });
    groups.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Fault;

    /// Writes the rows but for those that are `bad`; the ranges that were tried, and the rows that failed.
    fn tried(
        count: usize,
        bad: &[usize],
        go_on: bool,
    ) -> (Vec<Range<usize>>, Vec<usize>, Vec<usize>) {
        let (mut ranges, mut written) = (Vec::new(), Vec::new());
        let failed = halves(0..count, go_on, &mut |rows| {
            ranges.push(rows.clone());
            if bad.iter().any(|row| rows.contains(row)) {
                return Ok(Some(DatabaseError::new("x", Fault::Value, "bad")));
            }
            written.extend(rows);
            Ok(None)
        });
        let failed = failed.unwrap().into_iter().map(|(row, _)| row).collect();
        (ranges, written, failed)
    }

    #[test]
    fn rows_that_fail_are_found_and_the_others_written_in_order() {
        let (ranges, written, failed) = tried(6, &[4], true);
        assert_eq!(ranges, [0..6, 0..3, 3..6, 3..4, 4..6, 4..5, 5..6]);
        assert_eq!((written, failed), (vec![0, 1, 2, 3, 5], vec![4]));
        let (_, written, failed) = tried(5, &[0, 2, 4], true);
        assert_eq!((written, failed), (vec![1, 3], vec![0, 2, 4]));
    }

    #[test]
    fn the_first_failure_may_end_it() {
        let (_, written, failed) = tried(8, &[3, 5], false);
        assert_eq!((written, failed), (vec![0, 1, 2], vec![3]));
        assert_eq!(tried(0, &[], true), (vec![], vec![], vec![]));
    }

    #[test]
    fn what_ends_everything_is_the_error() {
        let ended = halves(0..4, true, &mut |rows| match rows.len() {
            4 => Ok(Some(DatabaseError::new("x", Fault::Value, "bad"))),
            _ => Err(DatabaseError::new("x", Fault::Lost, "gone")),
        });
        assert_eq!(ended.unwrap_err().fault, Fault::Lost);
    }
}
