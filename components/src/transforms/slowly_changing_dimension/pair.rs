//! An input column and the dimension's column that it is compared with.

use arrow::array::{ArrayRef, RecordBatch};
use datafusion_common::Result;
use dtsx::DataType;
use fletching_expression::{EvaluateError, types::arrow_type};

use crate::{database::ColumnCast, flow::FlowError, transforms::lookup::same_but_length};

/// An input column and the dimension's column that it is compared with.
#[derive(Debug)]
pub struct Pair {
    pub name: String,
    /// Position in the batch.
    pub input: usize,
    /// Position among the dimension's columns that are read.
    pub column: usize,
    /// What brings the input column to the type in which they are compared; `None`: it has that type.
    cast: Option<ColumnCast>,
}

impl Pair {
    /// `from` is the type of the input column, `to` the one in which both are compared.
    pub(super) fn new(
        name: &str,
        input: usize,
        column: usize,
        (from, to): (DataType, DataType),
        locale_id: u32,
    ) -> Result<Self, EvaluateError> {
        let cast = match arrow_type(&from) == arrow_type(&to) {
            true => None,
            false => Some(ColumnCast::new(from, to, locale_id)?),
        };
        Ok(Self {
            name: name.to_owned(),
            input,
            column,
            cast,
        })
    }

    /// The input column in the type of the comparison.
    pub(super) fn arriving(&self, batch: &RecordBatch, path: &str) -> Result<ArrayRef> {
        let array = batch.column(self.input);
        let Some(cast) = &self.cast else {
            return Ok(ArrayRef::clone(array));
        };
        let fail = |code, message: String| FlowError::new(path, code, message);
        let done = cast
            .apply(array)
            .map_err(|error| fail(error.code(), format!("column `{}`: {error}", self.name)))?;
        match done.errors.first() {
            None => Ok(done.array),
            Some(failure) => {
                let message = format!("column `{}` does not fit {}", self.name, cast.to());
                Err(fail(Some(failure.code), message).into())
            }
        }
    }
}

/// The type in which a column is compared with one of the dimension; `None`: SSIS does not map one to the other.
pub(super) fn common(arriving: &DataType, dimension: &DataType) -> Option<DataType> {
    match (*arriving, *dimension) {
        (
            DataType::Numeric { precision, scale },
            DataType::Numeric {
                precision: other_precision,
                scale: other_scale,
            },
        ) => {
            let whole = precision
                .saturating_sub(scale)
                .max(other_precision.saturating_sub(other_scale));
            let scale = scale.max(other_scale);
            let precision = whole.saturating_add(scale).min(38);
            Some(DataType::Numeric { precision, scale })
        }
        (DataType::Str { .. }, DataType::WStr { .. })
        | (DataType::WStr { .. }, DataType::Str { .. })
        | (DataType::DbTime2 { .. }, DataType::DbTime2 { .. })
        | (DataType::DbTimeStamp2 { .. }, DataType::DbTimeStamp2 { .. })
        | (DataType::DbTimeStampOffset { .. }, DataType::DbTimeStampOffset { .. }) => {
            Some(*dimension)
        }
        _ => same_but_length(arriving, dimension).then_some(*dimension),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_meet_where_both_fit() {
        let numeric = |precision, scale| DataType::Numeric { precision, scale };
        let both = common(&numeric(10, 0), &numeric(6, 2));
        assert_eq!(both, Some(numeric(12, 2)));
        assert_eq!(
            common(&numeric(38, 0), &numeric(38, 10)),
            Some(numeric(38, 10))
        );
        assert_eq!(common(&DataType::I4, &DataType::I8), None);
    }

    #[test]
    fn texts_of_both_kinds_meet() {
        let (narrow, wide) = (
            DataType::Str {
                length: 5,
                code_page: 1252,
            },
            DataType::WStr { length: 9 },
        );
        assert_eq!(common(&narrow, &wide), Some(wide));
        assert_eq!(common(&narrow, &DataType::NText), None);
    }
}
