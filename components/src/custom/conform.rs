//! What custom code hands back, checked against what the package says: nothing is cast but between forms of one type.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions},
    compute::cast,
    datatypes::{DataType as ArrowType, Decimal128Type, Field, SchemaRef},
};
use dtsx::DataType;
use fletching_expression::types;

use super::Owner;
use crate::flow::FlowError;

/// A batch in the schema of the package.
pub(super) fn batch(
    owner: &Owner,
    batch: &RecordBatch,
    wanted: &SchemaRef,
) -> Result<RecordBatch, FlowError> {
    let found = batch.schema();
    let (found_count, wanted_count) = (found.fields().len(), wanted.fields().len());
    if found_count != wanted_count {
        let names = |schema: &SchemaRef| {
            let names = schema.fields().iter().map(|field| field.name().as_str());
            names.collect::<Vec<_>>().join(", ")
        };
        return Err(owner.unfit(format!(
            "a batch of {found_count} columns ({}); {wanted_count} are wanted ({})",
            names(&found),
            names(wanted)
        )));
    }
    let mut columns = Vec::with_capacity(wanted_count);
    for (at, (found, wanted)) in found.fields().iter().zip(wanted.fields()).enumerate() {
        if found.name() != wanted.name() {
            return Err(owner.unfit(format!(
                "a batch whose column {} is `{}`; `{}` is wanted",
                at + 1,
                found.name(),
                wanted.name()
            )));
        }
        columns.push(column(owner, batch.column(at), wanted, batch.num_rows())?);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(wanted), columns, &options)
        .map_err(|error| owner.unfit(format!("a batch that does not hold together: {error}")))
}

/// A column of `rows` rows in the type of the package.
pub(super) fn column(
    owner: &Owner,
    array: &ArrayRef,
    wanted: &Field,
    rows: usize,
) -> Result<ArrayRef, FlowError> {
    let unfit = |message: String| owner.unfit(message).with_column(wanted.name());
    if array.len() != rows {
        return Err(unfit(format!(
            "a column of {} rows; {rows} are wanted",
            array.len()
        )));
    }
    let array = same_form(array, wanted.data_type()).map_err(|found| {
        unfit(format!(
            "a column of type {found}; {} is wanted",
            wanted.data_type()
        ))
    })?;
    if !wanted.is_nullable() && array.logical_null_count() > 0 {
        return Err(unfit("a NULL in a column that takes none".to_owned()));
    }
    match too_long(&array, wanted) {
        None => Ok(array),
        Some((row, message)) => Err(unfit(message).with_row(row as u64 + 1)),
    }
}

/// The same values in the form that the engine has them in.
fn same_form(array: &ArrayRef, wanted: &ArrowType) -> Result<ArrayRef, ArrowType> {
    let found = array.data_type();
    if found == wanted {
        return Ok(Arc::clone(array));
    }
    let other = || found.clone();
    match (found, wanted) {
        (ArrowType::Dictionary(_, value), _) => {
            let plain = cast(array, value).map_err(|_| other())?;
            same_form(&plain, wanted)
        }
        (ArrowType::Utf8 | ArrowType::LargeUtf8, ArrowType::Utf8View)
        | (ArrowType::Binary | ArrowType::LargeBinary, ArrowType::BinaryView) => {
            cast(array, wanted).map_err(|_| other())
        }
        _ => Err(other()),
    }
}

/// The first value that its type has no room for.
fn too_long(array: &ArrayRef, wanted: &Field) -> Option<(usize, String)> {
    match types::data_type(wanted)? {
        DataType::WStr { length } | DataType::Str { length, .. } => {
            let length = length as usize;
            let texts = array.as_string_view_opt()?;
            texts.iter().enumerate().find_map(|(row, text)| {
                // Bytes first: they are no fewer than characters.
                let text = text.filter(|text| text.len() > length)?;
                let count = text.chars().count();
                (count > length).then(|| {
                    let message =
                        format!("a text of {count} characters; the column takes {length} of them");
                    (row, message)
                })
            })
        }
        DataType::Bytes { length } => {
            let length = length as usize;
            let values = array.as_binary_view_opt()?;
            values.iter().enumerate().find_map(|(row, value)| {
                let count = value?.len();
                (count > length).then(|| {
                    (
                        row,
                        format!("{count} bytes; the column takes {length} of them"),
                    )
                })
            })
        }
        _ => match wanted.data_type() {
            ArrowType::Decimal128(precision, scale) => {
                let numbers = array.as_primitive_opt::<Decimal128Type>()?;
                let limit = 10_i128.checked_pow(u32::from(*precision))?;
                numbers.iter().enumerate().find_map(|(row, number)| {
                    let number = number?;
                    (number.unsigned_abs() >= limit.unsigned_abs()).then(|| {
                        let message = format!(
                            "a number of more than {precision} digits ({scale} of them behind the point)"
                        );
                        (row, message)
                    })
                })
            }
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{DictionaryArray, Int32Array, Int64Array, StringArray, types::Int32Type};

    use super::*;

    fn owner() -> Owner {
        Owner {
            path: "Package\\Flow\\Own".to_owned(),
            class: "Contoso.Own".to_owned(),
        }
    }

    #[test]
    fn forms_of_one_type_are_taken_and_other_types_are_not() {
        let text = types::field("t", &DataType::WStr { length: 3 });
        let plain: ArrayRef = Arc::new(StringArray::from(vec!["ab", "äöü"]));
        let coded: DictionaryArray<Int32Type> = ["ab", "ab"].into_iter().collect();
        for array in [plain, Arc::new(coded)] {
            let made = column(&owner(), &array, &text, 2).unwrap();
            assert_eq!(made.data_type(), &ArrowType::Utf8View);
        }
        let number: ArrayRef = Arc::new(Int32Array::from(vec![1]));
        let error = column(&owner(), &number, &text, 1).unwrap_err().to_string();
        assert!(
            error.contains("column `t`") && error.contains("type Int32; Utf8View is wanted"),
            "{error}"
        );
        let wide: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let narrow = types::field("n", &DataType::I4);
        assert!(column(&owner(), &wide, &narrow, 1).is_err());
        assert!(column(&owner(), &number, &narrow, 2).is_err());
    }

    #[test]
    fn what_has_no_room_is_refused_with_its_row() {
        let text = types::field("t", &DataType::WStr { length: 3 });
        let long: ArrayRef = Arc::new(StringArray::from(vec!["ab", "abcd"]));
        let error = column(&owner(), &long, &text, 2).unwrap_err();
        assert_eq!(error.row, Some(2));
        assert!(error.message.contains("4 characters"), "{error}");
    }
}
