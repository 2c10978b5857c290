//! Reading raw files: the schema, then one batch for each that was written.
//!
//! Everything in the file is checked before it is used: positions and lengths against the file, buffers against their
//! block, so that a damaged file gives an error and no large allocation. The Arrow types come from the SSIS types that the
//! fields state, not from the file's word.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{
    array::RecordBatch,
    buffer::{Buffer, MutableBuffer},
    datatypes::{Field, Schema, SchemaRef},
    ipc::{Block, MetadataVersion, reader::FileDecoder, root_as_footer},
};
use dtsx::DataType;
use fletching_connections::{Files, InputFile, OpenFault};
use fletching_expression::types;

use super::{
    COMPARISON_FLAGS, RAW_FILE_KEY, RAW_FILE_VERSION, SORT_KEY_POSITION, batch_check,
    error::RawFileError,
};

const MAGIC: &[u8; 6] = b"ARROW1";
/// Footer length and closing magic.
const TAIL_BYTES: u64 = 10;

/// An open raw file: its schema and its batches by number, which any thread may read. As an iterator it yields them in the
/// order they were written.
#[derive(Debug)]
pub struct RawFileReader {
    path: PathBuf,
    file: InputFile,
    schema: SchemaRef,
    decoder: FileDecoder,
    blocks: Vec<Block>,
    /// Number of the batch that the iterator yields next.
    next: usize,
}

impl RawFileReader {
    /// # Errors
    /// [`RawFileError`]: no such file, a genuine SSIS raw file or another kind of file, a damaged one.
    pub fn open(files: &dyn Files, path: &Path) -> Result<Self, RawFileError> {
        let file = InputFile::open_in(files, path).map_err(|error| match error.fault {
            OpenFault::Missing => RawFileError::Missing(path.to_owned()),
            _ => error.into(),
        })?;
        let footer = footer_bytes(&file, path)?;
        let damaged = |reason: String| RawFileError::Damaged {
            path: path.to_owned(),
            reason,
        };
        let footer = root_as_footer(&footer).map_err(|error| damaged(error.to_string()))?;
        let schema = footer
            .schema()
            .ok_or_else(|| damaged("it has no schema".to_owned()))?;
        let marks = schema.custom_metadata();
        let version = marks
            .iter()
            .flatten()
            .find(|entry| entry.key() == Some(RAW_FILE_KEY))
            .and_then(|entry| entry.value());
        match version {
            Some(RAW_FILE_VERSION) => {}
            Some(other) => {
                return Err(RawFileError::Version {
                    path: path.to_owned(),
                    found: other.to_owned(),
                });
            }
            None => return Err(RawFileError::NotOurs(path.to_owned())),
        }
        let fields: Vec<Field> = schema
            .fields()
            .iter()
            .flatten()
            .map(|field| {
                read_field(&field)
                    .ok_or_else(|| damaged("a column has no name or SSIS type".to_owned()))
            })
            .collect::<Result<_, _>>()?;
        if footer
            .dictionaries()
            .is_some_and(|blocks| !blocks.is_empty())
        {
            return Err(damaged("it holds dictionaries".to_owned()));
        }
        let blocks: Vec<Block> = footer.recordBatches().iter().flatten().copied().collect();
        let schema = Arc::new(Schema::new(fields));
        Ok(Self {
            path: path.to_owned(),
            file,
            decoder: FileDecoder::new(Arc::clone(&schema), MetadataVersion::V5),
            schema,
            blocks,
            next: 0,
        })
    }

    /// Columns with their SSIS types and sort flags.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// How many batches the file holds.
    pub fn batch_count(&self) -> usize {
        self.blocks.len()
    }

    /// Reads and decodes one batch, counted from 0.
    ///
    /// # Errors
    /// [`RawFileError`]: there is no such batch, or it is damaged or cannot be read.
    pub fn batch(&self, number: usize) -> Result<RecordBatch, RawFileError> {
        let damaged = |reason: String| RawFileError::Damaged {
            path: self.path.clone(),
            reason,
        };
        let Some(block) = self.blocks.get(number) else {
            return Err(damaged(format!("it has no batch {number}")));
        };
        let size = |value: i64| {
            u64::try_from(value).map_err(|_| damaged("a length is negative".to_owned()))
        };
        let start = size(block.offset())?;
        let head = size(block.metaDataLength().into())?;
        let length = head.saturating_add(size(block.bodyLength())?);
        if start.saturating_add(length) > self.file.len().unwrap_or(0) {
            return Err(damaged("a batch reaches past its end".to_owned()));
        }
        let mut bytes = MutableBuffer::from_len_zeroed(length as usize);
        read_exact_at(&self.file, &self.path, bytes.as_slice_mut(), start)?;
        let bytes = Buffer::from(bytes);
        batch_check::check(&bytes, head as usize, &self.schema).map_err(damaged)?;
        self.decoder
            .read_record_batch(block, &bytes)
            .map_err(|error| damaged(error.to_string()))?
            .ok_or_else(|| damaged("a batch is empty of content".to_owned()))
    }
}

impl Iterator for RawFileReader {
    type Item = Result<RecordBatch, RawFileError>;

    fn next(&mut self) -> Option<Self::Item> {
        let number = self.next;
        self.next += 1;
        (number < self.blocks.len()).then(|| self.batch(number))
    }
}

/// The footer, from the end of the file; tells other files from ours.
fn footer_bytes(file: &InputFile, path: &Path) -> Result<Vec<u8>, RawFileError> {
    let len = file.len().unwrap_or(0);
    let mut magic = [0; 6];
    let mut tail = [0; TAIL_BYTES as usize];
    let Some(tail_at) = len.checked_sub(TAIL_BYTES).filter(|at| *at >= 8) else {
        return Err(RawFileError::NotOurs(path.to_owned()));
    };
    read_exact_at(file, path, &mut magic, 0)?;
    if &magic != MAGIC {
        return Err(RawFileError::NotOurs(path.to_owned()));
    }
    read_exact_at(file, path, &mut tail, tail_at)?;
    let [l0, l1, l2, l3, end @ ..] = tail;
    let length = u64::try_from(i32::from_le_bytes([l0, l1, l2, l3])).ok();
    match length.and_then(|length| tail_at.checked_sub(length).map(|start| (start, length))) {
        Some((start, length)) if &end == MAGIC => {
            let mut footer = vec![0; length as usize];
            read_exact_at(file, path, &mut footer, start)?;
            Ok(footer)
        }
        _ => Err(RawFileError::Damaged {
            path: path.to_owned(),
            reason: "its end is missing".to_owned(),
        }),
    }
}

/// Name, SSIS type and sort flags of a column.
fn read_field(field: &arrow::ipc::Field<'_>) -> Option<Field> {
    let entries = field.custom_metadata()?;
    let value = |key: &str| {
        let mut entries = entries.iter();
        entries.find(|entry| entry.key() == Some(key))?.value()
    };
    let data_type: DataType = value(types::TYPE_KEY)?.parse().ok()?;
    let mut read = types::field(field.name()?, &data_type);
    for key in [SORT_KEY_POSITION, COMPARISON_FLAGS] {
        if let Some(flag) = value(key) {
            read.metadata_mut().insert(key.to_owned(), flag.to_owned());
        }
    }
    Some(read)
}

fn read_exact_at(
    file: &InputFile,
    path: &Path,
    buffer: &mut [u8],
    position: u64,
) -> Result<(), RawFileError> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let count = file
            .read_at(rest, position + done as u64)
            .map_err(|error| RawFileError::Read {
                path: path.to_owned(),
                error,
            })?;
        if count == 0 {
            return Err(RawFileError::Damaged {
                path: path.to_owned(),
                reason: "it ends early".to_owned(),
            });
        }
        done += count;
    }
    Ok(())
}
