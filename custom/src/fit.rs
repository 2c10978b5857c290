//! Arrays as the design wants them: the same values in its Arrow types.
//!
//! Who makes an array in C, pyarrow or polars has types of its own: `large_string` for `Utf8View`, `int64` for `int32`. A value
//! goes over if it comes back unchanged; one that does not is an error. Only a double as a float is rounded, as SSIS does.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, RecordBatch, RecordBatchOptions},
    compute::{CastOptions, cast_with_options},
    datatypes::{DataType, Field, SchemaRef},
    util::display::FormatOptions,
};

use crate::{Applied, CustomError};

const CAST: CastOptions<'static> = CastOptions {
    safe: false,
    format_options: FormatOptions::new(),
};

/// The array with this type.
///
/// # Errors
/// A type that does not go over, or a value that would be another one.
pub fn fit(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, CustomError> {
    let found = array.data_type();
    if found == wanted {
        return Ok(Arc::clone(array));
    }
    if !goes_over(found, wanted) {
        return Err(CustomError::new(format!(
            "values of {found} where {wanted} is wanted"
        )));
    }
    let cast = cast_with_options(array, wanted, &CAST).map_err(|error| {
        CustomError::new(format!(
            "values of {found} do not fit into {wanted}: {error}"
        ))
    })?;
    let rounded = found == &DataType::Float64 && wanted == &DataType::Float32;
    if found.is_null() || rounded || is_text(found) || is_binary(found) {
        return Ok(cast);
    }
    let back = cast_with_options(&cast, found, &CAST)?;
    // The data of both: without the bytes below NULLs, which may differ.
    let row = (0..array.len()).find(|row| array.slice(*row, 1) != back.slice(*row, 1));
    if *array == back {
        return Ok(cast);
    }
    Err(CustomError::new(format!(
        "the value of row {} does not fit from {found} into {wanted} without loss",
        row.unwrap_or_default()
    )))
}

/// The batch with this schema: columns by name.
///
/// # Errors
/// Other columns than are wanted, or one that does not fit.
pub fn fit_batch(batch: &RecordBatch, wanted: &SchemaRef) -> Result<RecordBatch, CustomError> {
    let found = batch.schema();
    if found.fields() == wanted.fields() {
        return Ok(batch.clone());
    }
    let names = |schema: &SchemaRef| {
        let fields = schema.fields().iter();
        let names: Vec<&str> = fields.map(|field| field.name().as_str()).collect();
        format!("`{}`", names.join("`, `"))
    };
    let columns = wanted.fields().iter().map(|field| {
        let column = batch.column_by_name(field.name())?;
        Some(fit_column(column, field))
    });
    let columns: Option<Vec<_>> = columns.collect();
    match columns {
        Some(columns) if found.fields().len() == wanted.fields().len() => {
            let columns = columns.into_iter().collect::<Result<Vec<ArrayRef>, _>>()?;
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            let fitted = RecordBatch::try_new_with_options(Arc::clone(wanted), columns, &options)?;
            Ok(fitted)
        }
        _ => Err(CustomError::new(format!(
            "a batch with the columns {} where {} are wanted",
            names(&found),
            names(wanted)
        ))),
    }
}

impl Applied {
    /// The results with the types of the design: columns of those that the component makes, new values of those of its
    /// input.
    ///
    /// # Errors
    /// Another number of columns, or one that does not fit.
    pub fn fitted(
        mut self,
        made: &SchemaRef,
        input: Option<&SchemaRef>,
    ) -> Result<Self, CustomError> {
        let (found, wanted) = (self.columns.len(), made.fields().len());
        if found != wanted {
            let message = format!("{found} columns where its output has {wanted}");
            return Err(CustomError::new(message));
        }
        for (column, field) in self.columns.iter_mut().zip(made.fields()) {
            *column = fit_column(column, field)?;
        }
        for (position, column) in &mut self.replaced {
            let field = input.and_then(|schema| schema.fields().get(*position));
            let Some(field) = field else {
                let message = format!("new values of input column {position}, which is not there");
                return Err(CustomError::new(message));
            };
            *column = fit_column(column, field)?;
        }
        Ok(self)
    }
}

fn fit_column(column: &ArrayRef, field: &Field) -> Result<ArrayRef, CustomError> {
    fit(column, field.data_type()).map_err(|error| CustomError {
        message: format!("column `{}`: {error}", field.name()),
        ..error
    })
}

fn is_text(of: &DataType) -> bool {
    match of {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

fn is_binary(of: &DataType) -> bool {
    use DataType::{Binary, BinaryView, FixedSizeBinary, LargeBinary};
    matches!(of, Binary | LargeBinary | BinaryView | FixedSizeBinary(_))
}

fn goes_over(found: &DataType, wanted: &DataType) -> bool {
    use DataType::{Date32, Date64, Time32, Time64, Timestamp};
    found.is_null()
        || (is_text(found) && is_text(wanted))
        || (is_binary(found) && is_binary(wanted))
        || (found.is_numeric() && wanted.is_numeric())
        || match (found, wanted) {
            (Timestamp(_, found), Timestamp(_, wanted)) => found.is_some() == wanted.is_some(),
            (Date32 | Date64 | Timestamp(_, None), Date32 | Date64 | Timestamp(_, None)) => true,
            (Time32(_) | Time64(_), Time32(_) | Time64(_)) => true,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        Decimal128Array, Float64Array, Int64Array, LargeStringArray, NullArray, StringViewArray,
    };

    use super::*;

    #[test]
    fn a_value_goes_over_unchanged_or_not_at_all() {
        let whole: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), None]));
        let fitted = fit(&whole, &DataType::Int32).unwrap();
        assert_eq!(fitted.data_type(), &DataType::Int32);
        assert_eq!(fitted.null_count(), 1);
        let large: ArrayRef = Arc::new(Int64Array::from(vec![1, i64::MAX]));
        let error = fit(&large, &DataType::Int32).unwrap_err();
        assert!(error.message.contains("do not fit into Int32"), "{error}");
        let parts: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.5]));
        let error = fit(&parts, &DataType::Int32).unwrap_err();
        assert!(error.message.contains("row 1"), "{error}");
        let money: ArrayRef = Arc::new(
            Decimal128Array::from(vec![12345])
                .with_precision_and_scale(10, 3)
                .unwrap(),
        );
        let error = fit(&money, &DataType::Decimal128(10, 2)).unwrap_err();
        assert!(error.message.contains("without loss"), "{error}");
    }

    #[test]
    fn texts_of_any_layout_are_texts() {
        let texts: ArrayRef = Arc::new(LargeStringArray::from(vec![Some("a"), None]));
        let wanted: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a"), None]));
        assert_eq!(&fit(&texts, &DataType::Utf8View).unwrap(), &wanted);
        let error = fit(&texts, &DataType::Int32).unwrap_err();
        assert_eq!(error.message, "values of LargeUtf8 where Int32 is wanted");
        let nothing: ArrayRef = Arc::new(NullArray::new(2));
        assert_eq!(fit(&nothing, &DataType::Int32).unwrap().null_count(), 2);
    }
}
