//! Turns the key columns of a batch into [`Keys`](super::Keys).
//!
//! One integer, date or time column stays a slice of integers; everything else goes through the row format of Arrow, text
//! as collation keys.

use std::sync::Arc;

use arrow::compute::SortOptions;
use arrow::{
    array::{Array, ArrayRef, AsArray, BinaryBuilder, PrimitiveArray},
    buffer::{NullBuffer, ScalarBuffer},
    compute::cast,
    datatypes::{ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int64Type},
    row::{RowConverter, SortField},
};
use datafusion_common::{DataFusionError, Result, exec_err};

use fletching_expression::collation::Collation;

use super::{IntegerKeys, KeyColumn, Keys, RowKeys};

/// Encodes the key columns of one input.
#[derive(Debug)]
pub(crate) struct KeyEncoder {
    columns: Vec<KeyColumn>,
    /// For each key, if it is text.
    collations: Vec<Option<Collation>>,
    /// `None` for integer keys.
    converter: Option<RowConverter>,
}

impl KeyEncoder {
    /// `types` are those of `columns`. Fails for a locale or flags without a collation.
    pub(crate) fn try_new(
        columns: Vec<KeyColumn>,
        types: &[DataType],
        locale_id: u32,
    ) -> Result<Self> {
        let collations = columns
            .iter()
            .zip(types)
            .map(|(key, data_type)| match is_text(data_type) {
                true => Collation::try_new(locale_id, key.comparison_flags)
                    .map(Some)
                    .map_err(|error| DataFusionError::Configuration(error.to_string())),
                false => Ok(None),
            })
            .collect::<Result<_>>()?;
        let converter = if has_integer_keys(types) {
            None
        } else {
            let fields = columns.iter().zip(types).map(|(key, data_type)| {
                // NULL is the smallest value: last when descending.
                let options = SortOptions {
                    descending: key.descending,
                    nulls_first: !key.descending,
                };
                SortField::new_with_options(compared_type(data_type), options)
            });
            Some(RowConverter::new(fields.collect())?)
        };
        Ok(Self {
            columns,
            collations,
            converter,
        })
    }

    /// Whether any key is text whose hyphens and apostrophes count.
    pub(crate) fn has_signs(&self) -> bool {
        self.collations.iter().flatten().any(Collation::has_signs)
    }

    pub(crate) fn columns(&self) -> &[KeyColumn] {
        &self.columns
    }

    fn row_keys(&self, columns: &[ArrayRef]) -> Result<RowKeys> {
        let Some(converter) = &self.converter else {
            return exec_err!("integer keys are not encoded as rows");
        };
        let nulls = columns.iter().fold(None, |nulls, column| {
            NullBuffer::union(nulls.as_ref(), column.logical_nulls().as_ref())
        });
        let compared = columns
            .iter()
            .zip(&self.collations)
            .map(|(column, collation)| match collation {
                Some(collation) => collation_keys(column, collation),
                None => comparable(column),
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(RowKeys::new(converter.convert_columns(&compared)?, nulls))
    }
}

/// Keys that an encoder makes of key columns.
pub(crate) trait EncodedKeys: Keys {
    fn encode(encoder: &KeyEncoder, columns: &[ArrayRef]) -> Result<Self>;
}

impl EncodedKeys for IntegerKeys {
    fn encode(encoder: &KeyEncoder, columns: &[ArrayRef]) -> Result<Self> {
        let ([key], [column]) = (&encoder.columns[..], columns) else {
            return exec_err!("integer keys are made of one column, not {}", columns.len());
        };
        Ok(Self::new(
            integers(column)?,
            column.nulls().cloned(),
            key.descending,
        ))
    }
}

impl EncodedKeys for RowKeys {
    fn encode(encoder: &KeyEncoder, columns: &[ArrayRef]) -> Result<Self> {
        encoder.row_keys(columns)
    }
}

/// Whether keys of these types are [`IntegerKeys`].
pub(crate) fn has_integer_keys(types: &[DataType]) -> bool {
    match types {
        [DataType::UInt64] => false,
        [data_type] => data_type.is_integer() || is_instant(data_type),
        _ => false,
    }
}

/// Whether rows can be sorted by a column of this type.
pub(crate) fn is_ordered(data_type: &DataType) -> bool {
    data_type.is_numeric()
        || is_text(data_type)
        || is_instant(data_type)
        || matches!(
            data_type,
            DataType::Boolean | DataType::FixedSizeBinary(_) | DataType::BinaryView
        )
        || instant_with_offset(data_type).is_some()
}

fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8View | DataType::Utf8 | DataType::LargeUtf8
    )
}

fn is_instant(data_type: &DataType) -> bool {
    use DataType::{Date32, Date64, Time32, Time64, Timestamp};
    matches!(
        data_type,
        Date32 | Date64 | Time32(_) | Time64(_) | Timestamp(..)
    )
}

/// The type of the instant in a timestamp with offset (`fletching_expression::types`).
fn instant_with_offset(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::Struct(fields) => match &fields[..] {
            [instant, offset]
                if is_instant(instant.data_type()) && offset.data_type().is_integer() =>
            {
                Some(instant.data_type())
            }
            _ => None,
        },
        _ => None,
    }
}

/// The type that is compared in place of a column's.
fn compared_type(data_type: &DataType) -> DataType {
    match instant_with_offset(data_type) {
        Some(instant) => instant.clone(),
        None if is_text(data_type) => DataType::Binary,
        None => data_type.clone(),
    }
}

/// A column that is not text as it is compared: timestamps with offset by their instant, 0.0 equal to -0.0.
fn comparable(column: &ArrayRef) -> Result<ArrayRef> {
    Ok(match column.data_type() {
        DataType::Struct(_) => {
            let parts = column.as_struct();
            let instants = parts.column(0).to_data().into_builder();
            let nulls = NullBuffer::union(parts.nulls(), parts.column(0).nulls());
            arrow::array::make_array(instants.nulls(nulls).build()?)
        }
        DataType::Float32 => Arc::new(
            column
                .as_primitive::<Float32Type>()
                .unary::<_, Float32Type>(|x| x + 0.0),
        ),
        DataType::Float64 => Arc::new(
            column
                .as_primitive::<Float64Type>()
                .unary::<_, Float64Type>(|x| x + 0.0),
        ),
        _ => Arc::clone(column),
    })
}

/// Bytes whose order is that of the texts. Equal neighbours, frequent in a sorted input, are encoded once.
fn collation_keys(column: &ArrayRef, collation: &Collation) -> Result<ArrayRef> {
    let texts = cast(column, &DataType::Utf8View)?;
    let texts = texts.as_string_view();
    let mut keys = BinaryBuilder::with_capacity(texts.len(), texts.len() * 16);
    let (mut key, mut encoded) = (Vec::new(), None);
    for text in texts {
        let Some(text) = text else {
            keys.append_null();
            continue;
        };
        if encoded != Some(text) {
            key.clear();
            collation.sort_key(text, &mut key);
            encoded = Some(text);
        }
        keys.append_value(&key);
    }
    Ok(Arc::new(keys.finish()))
}

/// The values of an integer, date or time column; those of 64 bits are not copied.
fn integers(column: &ArrayRef) -> Result<ScalarBuffer<i64>> {
    use DataType::{Date32, Date64, Int64, Time32, Time64, Timestamp};
    Ok(match column.data_type() {
        Int64 | Date64 | Time64(_) | Timestamp(..) => native::<Int64Type>(column)?.values().clone(),
        Date32 | Time32(_) => {
            let values = native::<arrow::datatypes::Int32Type>(column)?;
            values
                .values()
                .iter()
                .map(|value| i64::from(*value))
                .collect()
        }
        _ => cast(column, &Int64)?
            .as_primitive::<Int64Type>()
            .values()
            .clone(),
    })
}

/// The same bits as integers.
fn native<T: ArrowPrimitiveType>(column: &ArrayRef) -> Result<PrimitiveArray<T>> {
    Ok(PrimitiveArray::from(
        column
            .to_data()
            .into_builder()
            .data_type(T::DATA_TYPE)
            .build()?,
    ))
}
