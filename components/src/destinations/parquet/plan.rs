//! What is decided before the first row group: the file's schema and each column's encoding.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    datatypes::{DataType as ArrowType, Field, Schema, SchemaRef, TimeUnit},
};
use parquet::{
    arrow::{
        ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata,
        arrow_writer::ArrowRowGroupWriterFactory,
    },
    basic::{Compression, Encoding, ZstdLevel},
    file::{
        properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder},
        writer::SerializedFileWriter,
    },
    schema::types::{ColumnPath, TypePtr},
};

use super::error::ParquetError;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ParquetCompression {
    None,
    #[default]
    Snappy,
    /// Level 1 to 22.
    Zstd(i32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParquetOptions {
    pub compression: ParquetCompression,
    /// A row group ends with the batch that reaches this.
    pub row_group_rows: usize,
}

impl Default for ParquetOptions {
    /// Snappy, 131,072 rows.
    fn default() -> Self {
        Self {
            compression: ParquetCompression::Snappy,
            row_group_rows: 65_536,
        }
    }
}

/// Shared by all encoders and the writer of one file.
#[derive(Debug)]
pub struct ParquetPlan {
    input: SchemaRef,
    pub(super) schema: SchemaRef,
    pub(super) properties: Arc<WriterProperties>,
    pub(super) root: TypePtr,
    pub(super) factory: ArrowRowGroupWriterFactory,
    pub(super) row_group_rows: usize,
}

/// Rows of the first batch that are looked at.
const SAMPLE_ROWS: usize = 8192;
/// A dictionary pays if at most one value in this many is distinct; else delta or plain is smaller and quicker.
const DICTIONARY_SHARE: usize = 8;
/// Text of this average length gets no statistics: nobody prunes by it and it makes the footer large. Nor does text of few
/// distinct values: every row group has them all.
const LONG_TEXT_BYTES: usize = 24;

impl ParquetPlan {
    /// Plans a file of this schema. `sample` is the first batch, or an empty one where there are no rows.
    ///
    /// # Errors
    /// [`ParquetError`] for a type that Parquet cannot hold or an unknown compression level.
    pub fn new(
        schema: &SchemaRef,
        sample: &RecordBatch,
        options: &ParquetOptions,
    ) -> Result<Self, ParquetError> {
        let fields: Vec<Field> = schema
            .fields()
            .iter()
            .map(|field| file_field(field))
            .collect();
        for field in &fields {
            check(field)?;
        }
        let file_schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        let descriptor = ArrowSchemaConverter::new()
            .convert(&file_schema)
            .map_err(ParquetError::Write)?;
        let mut properties = properties(&file_schema, sample, options)?;
        add_encoded_arrow_schema_to_metadata(&file_schema, &mut properties);
        let properties = Arc::new(properties);
        let root = descriptor.root_schema_ptr();
        // the factory takes schema and properties from a writer; this one writes nowhere
        let nowhere =
            SerializedFileWriter::new(std::io::sink(), Arc::clone(&root), Arc::clone(&properties))
                .map_err(ParquetError::Write)?;
        Ok(Self {
            input: Arc::clone(schema),
            factory: ArrowRowGroupWriterFactory::new(&nowhere, Arc::clone(&file_schema)),
            schema: file_schema,
            properties,
            root,
            row_group_rows: options.row_group_rows.max(1),
        })
    }

    /// The schema of the file.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The columns of a batch as the file takes them.
    pub(super) fn columns(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>, ParquetError> {
        if batch.num_columns() != self.input.fields().len() {
            return Err(ParquetError::ColumnCount {
                found: batch.num_columns(),
                wanted: self.input.fields().len(),
            });
        }
        let fields = self.input.fields().iter();
        fields
            .zip(batch.columns())
            .map(|(field, array)| {
                if array.data_type() != field.data_type() {
                    return Err(ParquetError::ColumnType {
                        column: field.name().clone(),
                        found: Box::new(array.data_type().clone()),
                        wanted: Box::new(field.data_type().clone()),
                    });
                }
                Ok(
                    match array.as_primitive_opt::<arrow::datatypes::Time32SecondType>() {
                        Some(seconds) => {
                            Arc::new(seconds.unary::<_, arrow::datatypes::Time32MillisecondType>(
                                |value| value.wrapping_mul(1000),
                            ))
                        }
                        None => Arc::clone(array),
                    },
                )
            })
            .collect()
    }
}

/// Seconds of the day as milliseconds; everything else as it is.
fn file_field(field: &Field) -> Field {
    match field.data_type() {
        ArrowType::Time32(TimeUnit::Second) => field
            .clone()
            .with_data_type(ArrowType::Time32(TimeUnit::Millisecond)),
        _ => field.clone(),
    }
}

/// One column at a time, so that the error can name it. Types that the pipeline never carries are refused, though the
/// library would store some of them in its own way.
fn check(field: &Field) -> Result<(), ParquetError> {
    let fail = |reason: String| ParquetError::Unsupported {
        column: field.name().clone(),
        arrow: Box::new(field.data_type().clone()),
        reason,
    };
    match field.data_type() {
        ArrowType::Interval(_)
        | ArrowType::Duration(_)
        | ArrowType::Union(..)
        | ArrowType::RunEndEncoded(..) => Err(fail("no Parquet type stands for it".to_owned())),
        _ => match ArrowSchemaConverter::new().convert(&Schema::new(vec![field.clone()])) {
            Ok(_) => Ok(()),
            Err(error) => Err(fail(error.to_string())),
        },
    }
}

fn properties(
    schema: &Schema,
    sample: &RecordBatch,
    options: &ParquetOptions,
) -> Result<WriterProperties, ParquetError> {
    let compression = match options.compression {
        ParquetCompression::None => Compression::UNCOMPRESSED,
        ParquetCompression::Snappy => Compression::SNAPPY,
        ParquetCompression::Zstd(level) => Compression::ZSTD(
            ZstdLevel::try_new(level).map_err(|_| ParquetError::ZstdLevel(level))?,
        ),
    };
    let mut builder = WriterProperties::builder()
        .set_compression(compression)
        .set_dictionary_enabled(true)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for (index, field) in schema.fields().iter().enumerate() {
        let path = vec![field.name().clone()];
        let array = sample.columns().get(index);
        builder = match (
            field.data_type(),
            array.and_then(|array| array.as_struct_opt()),
        ) {
            (ArrowType::Struct(children), parts) => {
                let mut built = builder;
                for (position, child) in children.iter().enumerate() {
                    let path = vec![field.name().clone(), child.name().clone()];
                    let part = parts.and_then(|parts| parts.columns().get(position));
                    built = column(built, path, child.data_type(), part);
                }
                built
            }
            (data_type, _) => column(builder, path, data_type, array),
        };
    }
    Ok(builder.build())
}

/// The encoding of one leaf column.
fn column(
    builder: WriterPropertiesBuilder,
    path: Vec<String>,
    data_type: &ArrowType,
    sample: Option<&ArrayRef>,
) -> WriterPropertiesBuilder {
    let path = ColumnPath::new(path);
    let sample = sample.map(|array| array.slice(0, array.len().min(SAMPLE_ROWS)));
    let mut builder = builder;
    let repeats = sample.as_ref().is_none_or(repeats);
    let is_pruned_by = |array: &ArrayRef| !is_text(array) || !(repeats || has_long_text(array));
    if !sample.as_ref().is_none_or(is_pruned_by) {
        builder = builder.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
    }
    if repeats {
        return builder;
    }
    builder = builder.set_column_dictionary_enabled(path.clone(), false);
    match delta_pays(data_type) {
        true => builder.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
        false => builder,
    }
}

/// Types that are INT32 or INT64 in the file.
fn delta_pays(data_type: &ArrowType) -> bool {
    match data_type {
        ArrowType::Decimal128(precision, _) => *precision <= 18,
        ArrowType::Date32
        | ArrowType::Time32(_)
        | ArrowType::Time64(_)
        | ArrowType::Timestamp(..) => true,
        other => other.is_integer(),
    }
}

/// Whether few of the values are distinct. Counted exactly, so that the file does not depend on a hash seed.
fn repeats(array: &ArrayRef) -> bool {
    let valid = array.len() - array.null_count();
    if valid == 0 {
        return true;
    }
    let distinct = match array.data_type() {
        ArrowType::Boolean => return true,
        ArrowType::Utf8View => distinct(array.as_string_view().iter().flatten()),
        ArrowType::BinaryView => distinct(array.as_binary_view().iter().flatten()),
        ArrowType::FixedSizeBinary(_) => distinct(array.as_fixed_size_binary().iter().flatten()),
        _ => match widened(array) {
            Some(values) => distinct(values.into_iter()),
            None => return true, // the writer falls back to plain by itself when the dictionary grows
        },
    };
    distinct.saturating_mul(DICTIONARY_SHARE) <= valid
}

fn distinct<T: Ord>(values: impl Iterator<Item = T>) -> usize {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.dedup();
    values.len()
}

/// The valid values of an array of numbers or dates.
fn widened(array: &ArrayRef) -> Option<Vec<i128>> {
    use arrow::datatypes::*;
    macro_rules! of {
        ($($kind:pat => $carrier:ty),* $(,)?) => {
            match array.data_type() {
                $($kind => Some(array.as_primitive::<$carrier>().iter().flatten().map(i128::from).collect()),)*
                ArrowType::Float32 => {
                    let values = array.as_primitive::<Float32Type>().iter();
                    Some(values.flatten().map(|value| i128::from(value.to_bits())).collect())
                }
                ArrowType::Float64 => {
                    let values = array.as_primitive::<Float64Type>().iter();
                    Some(values.flatten().map(|value| i128::from(value.to_bits())).collect())
                }
                _ => None,
            }
        };
    }
    of! {
        ArrowType::Int8 => Int8Type,
        ArrowType::Int16 => Int16Type,
        ArrowType::Int32 => Int32Type,
        ArrowType::Int64 => Int64Type,
        ArrowType::UInt8 => UInt8Type,
        ArrowType::UInt16 => UInt16Type,
        ArrowType::UInt32 => UInt32Type,
        ArrowType::UInt64 => UInt64Type,
        ArrowType::Decimal128(..) => Decimal128Type,
        ArrowType::Date32 => Date32Type,
        ArrowType::Time32(TimeUnit::Second) => Time32SecondType,
        ArrowType::Time64(TimeUnit::Nanosecond) => Time64NanosecondType,
        ArrowType::Timestamp(TimeUnit::Microsecond, _) => TimestampMicrosecondType,
    }
}

fn is_text(array: &ArrayRef) -> bool {
    matches!(
        array.data_type(),
        ArrowType::Utf8View | ArrowType::BinaryView
    )
}

fn has_long_text(array: &ArrayRef) -> bool {
    let bytes: usize = match array.data_type() {
        ArrowType::Utf8View => array.as_string_view().iter().flatten().map(str::len).sum(),
        ArrowType::BinaryView => array
            .as_binary_view()
            .iter()
            .flatten()
            .map(<[u8]>::len)
            .sum(),
        _ => return false,
    };
    bytes > LONG_TEXT_BYTES * (array.len() - array.null_count())
}
