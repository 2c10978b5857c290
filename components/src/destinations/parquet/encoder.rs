//! Encoding row groups, and putting them in a file in order.

use std::{io::Write, sync::Arc};

use arrow::array::RecordBatch;
use parquet::{
    arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves},
    file::writer::SerializedFileWriter,
};

use super::{error::ParquetError, plan::ParquetPlan};

/// Tells which batch ends a row group.
#[derive(Debug)]
pub struct RowGroupCut {
    rows: usize,
    rows_max: usize,
}

impl RowGroupCut {
    pub fn new(plan: &ParquetPlan) -> Self {
        Self {
            rows: 0,
            rows_max: plan.row_group_rows,
        }
    }

    /// Counts a batch, in the order of the file; `true` if it is the last of its row group.
    pub fn add(&mut self, rows: usize) -> bool {
        self.rows += rows;
        let full = self.rows >= self.rows_max;
        if full {
            self.rows = 0;
        }
        full
    }
}

/// Encodes the batches of one row group. Send: one task a group.
pub struct RowGroupEncoder {
    plan: Arc<ParquetPlan>,
    writers: Vec<ArrowColumnWriter>,
    rows: usize,
}

impl std::fmt::Debug for RowGroupEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { writers, rows, .. } = self;
        f.debug_struct("RowGroupEncoder")
            .field("columns", &writers.len())
            .field("rows", rows)
            .finish_non_exhaustive()
    }
}

impl RowGroupEncoder {
    pub fn new(plan: &Arc<ParquetPlan>) -> Result<Self, ParquetError> {
        Ok(Self {
            plan: Arc::clone(plan),
            // the index matters to encryption only
            writers: plan
                .factory
                .create_column_writers(0)
                .map_err(ParquetError::Write)?,
            rows: 0,
        })
    }

    /// Encodes a batch; it can be dropped afterwards.
    ///
    /// # Errors
    /// [`ParquetError`] naming the column. The group is then not to be used.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        let columns = self.plan.columns(batch)?;
        let mut writers = self.writers.iter_mut();
        for (field, array) in self.plan.schema.fields().iter().zip(&columns) {
            let fail = |error| ParquetError::Encode {
                column: field.name().clone(),
                error,
            };
            let leaves = compute_leaves(field, array).map_err(fail)?;
            for (leaf, writer) in leaves.iter().zip(writers.by_ref()) {
                writer.write(leaf).map_err(fail)?;
            }
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes that the group holds now: to be reserved from the memory pool.
    pub fn memory_size(&self) -> usize {
        self.writers
            .iter()
            .map(ArrowColumnWriter::memory_size)
            .sum()
    }

    /// # Errors
    /// [`ParquetError::Encode`] naming the column.
    pub fn finish(self) -> Result<EncodedRowGroup, ParquetError> {
        let chunks = self.writers.into_iter().map(ArrowColumnWriter::close);
        Ok(EncodedRowGroup {
            chunks: chunks
                .collect::<Result<_, _>>()
                .map_err(ParquetError::Write)?,
            rows: self.rows,
        })
    }
}

/// The pages of a row group, ready to be put in a file.
#[derive(Debug)]
pub struct EncodedRowGroup {
    chunks: Vec<ArrowColumnChunk>,
    rows: usize,
}

/// Writes row groups in the order in which they are appended.
pub struct ParquetFileWriter<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    rows: usize,
}

impl<W: Write + Send> std::fmt::Debug for ParquetFileWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetFileWriter")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl<W: Write + Send> ParquetFileWriter<W> {
    /// # Errors
    /// [`ParquetError::Write`] if the file's first bytes cannot be written.
    pub fn new(plan: &ParquetPlan, file: W) -> Result<Self, ParquetError> {
        let writer =
            SerializedFileWriter::new(file, Arc::clone(&plan.root), Arc::clone(&plan.properties));
        Ok(Self {
            writer: writer.map_err(ParquetError::Write)?,
            rows: 0,
        })
    }

    /// Appends a row group; one without rows is left out.
    ///
    /// # Errors
    /// [`ParquetError::Write`].
    pub fn append(&mut self, group: EncodedRowGroup) -> Result<(), ParquetError> {
        if group.rows == 0 {
            return Ok(());
        }
        let mut writer = self.writer.next_row_group().map_err(ParquetError::Write)?;
        for chunk in group.chunks {
            chunk
                .append_to_row_group(&mut writer)
                .map_err(ParquetError::Write)?;
        }
        writer.close().map_err(ParquetError::Write)?;
        self.rows += group.rows;
        Ok(())
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Writes the footer and returns the file, not yet committed.
    ///
    /// # Errors
    /// [`ParquetError::Write`].
    pub fn close(self) -> Result<W, ParquetError> {
        self.writer.into_inner().map_err(ParquetError::Write)
    }
}

#[cfg(test)]
mod tests {
    use arrow::{
        array::{
            Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray,
            Float64Array, Int16Array, Int64Array, StringViewArray, StructArray, Time32SecondArray,
            TimestampMicrosecondArray,
        },
        datatypes::{DataType as ArrowType, Field, IntervalUnit, Schema},
    };
    use bytes::Bytes;
    use dtsx::DataType;
    use fletching_expression::types::{self, field};
    use parquet::{
        arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
        basic::{Encoding, Type},
    };

    use super::{
        super::{ParquetCompression, ParquetOptions},
        *,
    };

    const ROWS: i64 = 1000;

    fn sample(from: i64) -> RecordBatch {
        let rows = from..from + ROWS;
        let numeric = |precision, below: i64| -> ArrayRef {
            let values = Decimal128Array::from_iter(
                rows.clone()
                    .map(|row| (row % 5 != 0).then_some(i128::from(row % below))),
            );
            Arc::new(values.with_precision_and_scale(precision, 2).unwrap())
        };
        let offset = DataType::DbTimeStampOffset { scale: 7 };
        let ArrowType::Struct(parts) = types::arrow_type(&offset) else {
            panic!()
        };
        let stamps = TimestampMicrosecondArray::from_iter_values(rows.clone());
        let columns: Vec<(&str, DataType, ArrayRef)> = vec![
            (
                "key",
                DataType::I8,
                Arc::new(Int64Array::from_iter_values(rows.clone())),
            ),
            (
                "few",
                DataType::WStr { length: 5 },
                Arc::new(StringViewArray::from_iter_values(
                    rows.clone().map(|row| ["a", "b"][row as usize % 2]),
                )),
            ),
            (
                "long",
                DataType::NText,
                Arc::new(StringViewArray::from_iter_values(
                    rows.clone()
                        .map(|row| format!("text of some length, number {row}")),
                )),
            ),
            (
                "small",
                DataType::Numeric {
                    precision: 9,
                    scale: 2,
                },
                numeric(9, 7),
            ),
            (
                "money",
                DataType::Numeric {
                    precision: 18,
                    scale: 2,
                },
                numeric(18, 1_000_000),
            ),
            (
                "large",
                DataType::Numeric {
                    precision: 38,
                    scale: 2,
                },
                numeric(38, 1_000_000),
            ),
            (
                "day",
                DataType::DbDate,
                Arc::new(Date32Array::from_iter_values(
                    rows.clone().map(|row| row as i32),
                )),
            ),
            (
                "clock",
                DataType::DbTime,
                Arc::new(Time32SecondArray::from_iter_values(
                    rows.clone().map(|row| row as i32),
                )),
            ),
            (
                "flag",
                DataType::Bool,
                Arc::new(BooleanArray::from_iter(
                    rows.clone().map(|row| Some(row % 3 == 0)),
                )),
            ),
            (
                "real",
                DataType::R8,
                Arc::new(Float64Array::from_iter_values(
                    rows.clone().map(|row| row as f64 / 3.0),
                )),
            ),
            (
                "id",
                DataType::Guid,
                Arc::new(
                    FixedSizeBinaryArray::try_from_iter(
                        rows.clone().map(|row| u128::to_be_bytes(row as u128)),
                    )
                    .unwrap(),
                ),
            ),
            (
                "stamp",
                offset,
                Arc::new(StructArray::new(
                    parts,
                    vec![
                        Arc::new(stamps.with_timezone("UTC")),
                        Arc::new(Int16Array::from_iter_values(rows.map(|_| 60))),
                    ],
                    None,
                )),
            ),
        ];
        let fields: Vec<_> = columns
            .iter()
            .map(|(name, data_type, _)| field(name, data_type))
            .collect();
        RecordBatch::try_new(
            Arc::new(Schema::new(fields)),
            columns.into_iter().map(|(_, _, array)| array).collect(),
        )
        .unwrap()
    }

    /// Groups encoded one after the other (`last_first`: the last one first) and appended in order.
    fn write(batches: &[RecordBatch], options: &ParquetOptions, last_first: bool) -> Bytes {
        let plan = Arc::new(ParquetPlan::new(&batches[0].schema(), &batches[0], options).unwrap());
        let mut groups = vec![Vec::new()];
        let mut cut = RowGroupCut::new(&plan);
        for batch in batches {
            groups.last_mut().unwrap().push(batch);
            if cut.add(batch.num_rows()) {
                groups.push(Vec::new());
            }
        }
        let encode = |group: &Vec<&RecordBatch>| {
            let mut encoder = RowGroupEncoder::new(&plan).unwrap();
            group.iter().for_each(|batch| encoder.write(batch).unwrap());
            encoder.finish().unwrap()
        };
        let mut encoded: Vec<_> = if last_first {
            groups.iter().rev().map(encode).collect()
        } else {
            groups.iter().map(encode).collect()
        };
        if last_first {
            encoded.reverse();
        }
        let mut writer = ParquetFileWriter::new(&plan, Vec::new()).unwrap();
        encoded
            .into_iter()
            .for_each(|group| writer.append(group).unwrap());
        assert_eq!(
            writer.rows(),
            batches.iter().map(RecordBatch::num_rows).sum::<usize>()
        );
        writer.close().unwrap().into()
    }

    #[test]
    fn reads_back_with_types_whatever_the_order_of_encoding() {
        let batches: Vec<_> = (0..5).map(|batch| sample(batch * ROWS)).collect();
        for compression in [
            ParquetCompression::None,
            ParquetCompression::Snappy,
            ParquetCompression::Zstd(1),
        ] {
            let options = ParquetOptions {
                compression,
                row_group_rows: 2000,
            };
            let file = write(&batches, &options, false);
            assert_eq!(file, write(&batches, &options, true));
            let reader = ParquetRecordBatchReaderBuilder::try_new(file)
                .unwrap()
                .with_batch_size(1000);
            let groups: Vec<_> = reader
                .metadata()
                .row_groups()
                .iter()
                .map(|group| group.num_rows())
                .collect();
            assert_eq!(groups, [2000, 2000, 1000]);
            for (index, read) in reader.build().unwrap().enumerate() {
                let read = read.unwrap();
                for (written, found) in batches[index].columns().iter().zip(read.columns()) {
                    if !matches!(written.data_type(), ArrowType::Time32(_)) {
                        assert_eq!(written, found);
                    }
                }
                assert_eq!(
                    types::data_type(read.schema().field(4)),
                    Some(DataType::Numeric {
                        precision: 18,
                        scale: 2
                    })
                );
                assert_eq!(
                    read.schema().field(7).data_type(),
                    &ArrowType::Time32(arrow::datatypes::TimeUnit::Millisecond)
                );
            }
        }
    }

    #[test]
    fn encodings_follow_types_and_values() {
        let file = write(&[sample(0)], &ParquetOptions::default(), false);
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let group = reader.metadata().row_group(0);
        let column = |name: &str| {
            let mut columns = group.columns().iter();
            columns
                .find(|column| column.column_path().string() == name)
                .unwrap()
        };
        let has = |name: &str, encoding| column(name).encodings().any(|found| found == encoding);
        for name in ["key", "money", "day", "clock", "stamp.timestamp"] {
            assert!(has(name, Encoding::DELTA_BINARY_PACKED), "{name}");
        }
        for name in ["few", "small", "stamp.offset_minutes"] {
            assert!(has(name, Encoding::RLE_DICTIONARY), "{name}");
        }
        assert!(!has("long", Encoding::RLE_DICTIONARY));
        assert!(column("long").statistics().is_none() && column("key").statistics().is_some());
        assert_eq!(column("small").column_type(), Type::INT32);
        assert_eq!(column("money").column_type(), Type::INT64);
    }

    #[test]
    fn an_empty_file_and_a_type_that_parquet_lacks() {
        let empty = sample(0).slice(0, 0);
        let file = write(&[empty], &ParquetOptions::default(), false);
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        assert_eq!(
            (
                reader.metadata().num_row_groups(),
                reader.schema().fields().len()
            ),
            (0, 12)
        );
        let interval = Field::new("gap", ArrowType::Interval(IntervalUnit::MonthDayNano), true);
        let schema = Arc::new(Schema::new(vec![interval]));
        let error = ParquetPlan::new(
            &schema,
            &RecordBatch::new_empty(Arc::clone(&schema)),
            &ParquetOptions::default(),
        );
        assert!(
            matches!(error.unwrap_err(), ParquetError::Unsupported { column, .. } if column == "gap")
        );
    }

    #[test]
    fn encoders_can_move_to_a_task() {
        fn is_send<T: Send + Sync>() {}
        is_send::<Arc<ParquetPlan>>();
        fn can_move<T: Send>() {}
        can_move::<RowGroupEncoder>();
        can_move::<EncodedRowGroup>();
        assert_eq!(sample(0).column(0).len(), 1000);
    }
}
