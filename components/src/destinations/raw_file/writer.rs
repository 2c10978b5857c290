//! Writing raw files.

use std::{path::Path, sync::Arc};

use arrow::{
    array::RecordBatch,
    datatypes::{DataType as ArrowType, Field, Schema, SchemaRef},
    ipc::writer::FileWriter,
};
use dtsx::DataType;
use fletching_connections::{Files, StagedFile};
use fletching_expression::types;

use super::{
    RAW_FILE_KEY, RAW_FILE_VERSION,
    error::{ColumnDifference, RawFileError},
    reader::RawFileReader,
};

/// The destination's WriteOption property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOption {
    CreateAlways = 0,
    CreateOnce = 1,
    Append = 2,
    TruncateAndAppend = 3,
}

impl WriteOption {
    /// From the property's number.
    pub fn from_property(value: i64) -> Option<Self> {
        Some(match value {
            0 => Self::CreateAlways,
            1 => Self::CreateOnce,
            2 => Self::Append,
            3 => Self::TruncateAndAppend,
            _ => return None,
        })
    }
}

/// Writes batches to a raw file, which appears on [`commit`](Self::commit).
pub struct RawFileWriter {
    writer: FileWriter<StagedFile>,
    schema: SchemaRef,
    rows: u64,
}

impl std::fmt::Debug for RawFileWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawFileWriter")
            .field("file", self.writer.get_ref())
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl RawFileWriter {
    /// # Errors
    /// [`RawFileError`] where the WriteOption forbids it, where columns differ from those of the file, for long types,
    /// or where the file cannot be opened.
    pub fn open(
        files: &Arc<dyn Files>,
        path: &Path,
        schema: &SchemaRef,
        option: WriteOption,
    ) -> Result<Self, RawFileError> {
        check_columns(schema)?;
        let exists = files.kind(path).is_ok();
        match option {
            WriteOption::CreateOnce if exists => return Err(RawFileError::Exists(path.to_owned())),
            WriteOption::TruncateAndAppend if !exists => {
                return Err(RawFileError::NothingToTruncate(path.to_owned()));
            }
            _ => {}
        }
        let continues =
            matches!(option, WriteOption::Append | WriteOption::TruncateAndAppend) && exists;
        let old = match continues {
            true => Some(RawFileReader::open(&**files, path)?),
            false => None,
        };
        if let Some(difference) = old
            .as_ref()
            .and_then(|old| difference(old.schema(), schema))
        {
            return Err(RawFileError::OtherColumns {
                path: path.to_owned(),
                difference,
            });
        }
        let schema = old.as_ref().map_or(schema, |old| old.schema());
        let mut metadata = schema.metadata().clone();
        metadata.insert(RAW_FILE_KEY.to_owned(), RAW_FILE_VERSION.to_owned());
        let schema = Arc::new(Schema::new_with_metadata(schema.fields().clone(), metadata));
        let staged = StagedFile::create(files, path)?;
        let mut created = Self {
            writer: FileWriter::try_new(staged, &schema)
                .map_err(|error| write_error(path, error))?,
            schema,
            rows: 0,
        };
        if let Some(old) = old.filter(|_| option == WriteOption::Append) {
            for batch in old {
                created.write(&batch?)?;
            }
            created.rows = 0;
        }
        Ok(created)
    }

    /// # Errors
    /// [`RawFileError::Write`].
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), RawFileError> {
        let fail =
            |writer: &FileWriter<StagedFile>, error| write_error(writer.get_ref().target(), error);
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), batch.columns().to_vec())
            .map_err(|error| fail(&self.writer, error))?;
        self.writer
            .write(&batch)
            .map_err(|error| fail(&self.writer, error))?;
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Completes the file, which is still to be [put in place](StagedFile::commit); returns it with the number of rows
    /// written, those of an appended-to file not counted.
    ///
    /// # Errors
    /// [`RawFileError::Write`]; the old file is then as it was.
    pub fn finish(mut self) -> Result<(StagedFile, u64), RawFileError> {
        let path = self.writer.get_ref().target().to_owned();
        self.writer
            .finish()
            .map_err(|error| write_error(&path, error))?;
        let file = self
            .writer
            .into_inner()
            .map_err(|error| write_error(&path, error))?;
        Ok((file, self.rows))
    }

    /// As [`finish`](Self::finish), and puts the file in place.
    ///
    /// # Errors
    /// [`RawFileError`]; the old file is then as it was.
    pub fn commit(self) -> Result<u64, RawFileError> {
        let (file, rows) = self.finish()?;
        file.commit()?;
        Ok(rows)
    }
}

/// Whether a raw file takes these columns.
///
/// # Errors
/// [`RawFileError::LongType`], [`RawFileError::NoType`] for the first that it does not take.
pub fn check_columns(schema: &Schema) -> Result<(), RawFileError> {
    schema
        .fields()
        .iter()
        .try_for_each(|field| check_type(field))
}

fn write_error(path: &Path, error: arrow::error::ArrowError) -> RawFileError {
    RawFileError::Write {
        path: path.to_owned(),
        error,
    }
}

fn check_type(field: &Field) -> Result<(), RawFileError> {
    match types::data_type(field) {
        None => Err(RawFileError::NoType(field.name().clone())),
        Some(data_type @ (DataType::Text { .. } | DataType::NText | DataType::Image)) => {
            Err(RawFileError::LongType {
                column: field.name().clone(),
                data_type,
            })
        }
        // a field whose Arrow type is not the carrier of its SSIS type could not be read again
        Some(data_type) if !carries(field.data_type(), &data_type) => {
            Err(RawFileError::NoType(field.name().clone()))
        }
        Some(_) => Ok(()),
    }
}

fn carries(arrow: &ArrowType, data_type: &DataType) -> bool {
    *arrow == types::arrow_type(data_type)
}

/// Sort flags are left out: an append may break the order, in SSIS too.
fn difference(file: &Schema, input: &Schema) -> Option<ColumnDifference> {
    if file.fields().len() != input.fields().len() {
        return Some(ColumnDifference::Count {
            file: file.fields().len(),
            input: input.fields().len(),
        });
    }
    let mut pairs = file.fields().iter().zip(input.fields()).enumerate();
    pairs.find_map(|(position, (file, input))| {
        if file.name() != input.name() {
            return Some(ColumnDifference::Name {
                position: position + 1,
                file: file.name().clone(),
                input: input.name().clone(),
            });
        }
        let (file_type, input_type) = (types::data_type(file)?, types::data_type(input)?);
        (file_type != input_type).then(|| ColumnDifference::Type {
            column: file.name().clone(),
            file: file_type,
            input: input_type,
        })
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use arrow::array::{ArrayRef, Int32Array, StringViewArray};
    use fletching_connections::LocalFiles;
    use fletching_expression::types::field;

    use super::{super::SORT_KEY_POSITION, *};

    fn files() -> Arc<dyn Files> {
        Arc::new(LocalFiles)
    }

    fn batch(ids: &[i32], length: u32) -> RecordBatch {
        let mut id = field("id", &DataType::I4);
        id.metadata_mut()
            .insert(SORT_KEY_POSITION.to_owned(), "1".to_owned());
        let name = field(
            "name",
            &DataType::Str {
                length,
                code_page: 1252,
            },
        );
        let names = ids
            .iter()
            .map(|id| (id % 2 == 0).then(|| format!("name of more than twelve bytes {id}")));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from(ids.to_vec())),
            Arc::new(StringViewArray::from_iter(names)),
        ];
        RecordBatch::try_new(Arc::new(Schema::new(vec![id, name])), columns).unwrap()
    }

    fn write(path: &Path, batch: &RecordBatch, option: WriteOption) -> Result<u64, RawFileError> {
        let mut writer = RawFileWriter::open(&files(), path, &batch.schema(), option)?;
        writer.write(batch)?;
        writer.commit()
    }

    fn ids(path: &Path) -> Vec<i32> {
        let reader = RawFileReader::open(&LocalFiles, path).unwrap();
        reader
            .flat_map(|batch| {
                let batch = batch.unwrap();
                let ids = batch
                    .column(0)
                    .as_any()
                    .downcast_ref::<Int32Array>()
                    .unwrap();
                ids.values().to_vec()
            })
            .collect()
    }

    #[test]
    fn write_options() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.raw");
        let wanted = batch(&[1, 2, 3], 50);
        assert!(matches!(
            write(&path, &wanted, WriteOption::TruncateAndAppend),
            Err(RawFileError::NothingToTruncate(_))
        ));
        assert_eq!(write(&path, &wanted, WriteOption::CreateOnce).unwrap(), 3);
        let error = write(&path, &wanted, WriteOption::CreateOnce).unwrap_err();
        assert_eq!(error.code().symbol(), "DTS_E_RAWEXISTSCREATEONCE");
        let mut reader = RawFileReader::open(&LocalFiles, &path).unwrap();
        assert_eq!(reader.schema().fields(), wanted.schema().fields());
        assert_eq!(reader.next().unwrap().unwrap().columns(), wanted.columns());
        assert!(reader.next().is_none());
        assert_eq!(
            write(&path, &batch(&[4], 50), WriteOption::Append).unwrap(),
            1
        );
        assert_eq!(ids(&path), [1, 2, 3, 4]);
        write(&path, &batch(&[5], 50), WriteOption::TruncateAndAppend).unwrap();
        assert_eq!(ids(&path), [5]);
        write(&path, &batch(&[6], 20), WriteOption::CreateAlways).unwrap();
        assert_eq!(ids(&path), [6]);
    }

    #[test]
    fn an_append_needs_the_same_columns_and_leaves_the_file_alone_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.raw");
        write(&path, &batch(&[1], 50), WriteOption::CreateAlways).unwrap();
        let error = write(&path, &batch(&[2], 40), WriteOption::Append).unwrap_err();
        assert_eq!(error.code().symbol(), "DTS_E_RAWMETADATAMISMATCHSIZE");
        let one = batch(&[2], 50).project(&[0]).unwrap();
        let error = write(&path, &one, WriteOption::Append).unwrap_err();
        assert_eq!(error.code().symbol(), "DTS_E_RAWMETADATACOUNTMISMATCH");
        let mut unfinished = RawFileWriter::open(
            &files(),
            &path,
            &batch(&[], 50).schema(),
            WriteOption::Append,
        )
        .unwrap();
        unfinished.write(&batch(&[9], 50)).unwrap();
        drop(unfinished);
        assert_eq!(ids(&path), [1]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn foreign_and_damaged_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.raw");
        fs::write(&path, [7u8; 300]).unwrap();
        let error = RawFileReader::open(&LocalFiles, &path).unwrap_err();
        assert!(matches!(error, RawFileError::NotOurs(_)), "{error}");
        write(&path, &batch(&[1, 2, 3, 4], 50), WriteOption::CreateAlways).unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in [0, 7, 20, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..cut]).unwrap();
            assert!(RawFileReader::open(&LocalFiles, &path).is_err(), "{cut}");
        }
        // no changed byte may cause more than an error
        for position in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[position] ^= 0x7F;
            fs::write(&path, &bytes).unwrap();
            if let Ok(reader) = RawFileReader::open(&LocalFiles, &path) {
                reader.take(10).for_each(drop);
            }
        }
    }

    #[test]
    fn long_types_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let schema = Arc::new(Schema::new(vec![field("memo", &DataType::NText)]));
        let error = RawFileWriter::open(
            &files(),
            &folder.path().join("a"),
            &schema,
            WriteOption::CreateAlways,
        );
        assert!(
            matches!(error.unwrap_err(), RawFileError::LongType { column, .. } if column == "memo")
        );
    }
}
