//! The encoder: constants prepared once, then batches. Shared by all partitions: `encode` takes `&self`.

use arrow::{array::RecordBatch, buffer::NullBuffer, datatypes::Schema};
use dtsx::DataType;
use fletching_expression::{format::ColumnText, types};

use super::{
    careful::{self, CarefulColumn},
    code_page::{TextEncoding, append_utf16},
    error::{EncodeError, EncodeFault, LayoutError},
    gap::Gap,
    layout::{ColumnShape, FlatFileOutputColumn, FlatFileOutputLayout},
    page::Page,
};

/// Turns batches of one schema into the bytes of a flat file.
#[derive(Debug)]
pub struct FlatFileEncoder {
    layout: FlatFileOutputLayout,
    columns: Vec<EncodedColumn>,
    /// Before the first value of a row.
    lead: Gap,
    /// Times that the qualifier's first byte stands in the gaps of a row.
    qualifier_bytes: usize,
}

/// What is known of a column before the first batch.
#[derive(Debug)]
pub(super) struct EncodedColumn {
    pub(super) name: String,
    pub(super) source: Option<(usize, DataType)>,
    /// Width to pad to; 0 for a delimited column.
    pub(super) width: usize,
    /// Longest text that the file column takes.
    pub(super) limit: usize,
    pub(super) qualified: bool,
    /// Qualifier and delimiter behind the value, and the qualifier before the next one.
    gap: Gap,
}

/// Rows between asking for a text and writing it: long enough for memory to answer.
const AHEAD: usize = 8;

impl FlatFileEncoder {
    /// # Errors
    /// [`LayoutError`] for what can be told before the first row: missing columns or types, widths of 0, names, header or
    /// delimiters that the code page lacks.
    pub fn new(layout: &FlatFileOutputLayout, schema: &Schema) -> Result<Self, LayoutError> {
        if layout.columns.is_empty() {
            return Err(LayoutError::NoColumns);
        }
        let constants = Constants { layout };
        let mut columns = Vec::with_capacity(layout.columns.len());
        for (index, column) in layout.columns.iter().enumerate() {
            let mut gap = constants.qualifier(column)?;
            if let ColumnShape::Delimited(delimiter) = &column.shape {
                constants.append(
                    delimiter,
                    || format!("the delimiter of column `{}`", column.name),
                    &mut gap,
                )?;
            }
            if let Some(next) = layout.columns.get(index + 1) {
                gap.extend(constants.qualifier(next)?);
            }
            let source = input(column, schema)?;
            let width = match column.shape {
                ColumnShape::FixedWidth(0) => {
                    return Err(LayoutError::NoWidth(column.name.clone()));
                }
                ColumnShape::FixedWidth(width) => width as usize,
                ColumnShape::Delimited(_) => 0,
            };
            columns.push(EncodedColumn {
                name: column.name.clone(),
                limit: limit(
                    column,
                    source.map(|(_, data_type)| data_type),
                    &layout.encoding,
                ),
                source,
                width,
                qualified: column.text_qualified && !layout.text_qualifier.is_empty(),
                gap: Gap::new(gap),
            });
        }
        let lead = match layout.columns.first() {
            Some(first) => Gap::new(constants.qualifier(first)?),
            None => Gap::default(),
        };
        let mut encoder = Self {
            layout: layout.clone(),
            columns,
            lead,
            qualifier_bytes: 0,
        };
        encoder.qualifier_bytes = encoder.count_qualifier_bytes();
        encoder.prologue_text()?; // names and header are checked here, once
        Ok(encoder)
    }

    /// What stands before the rows: the byte order mark (only `at_start_of_file`), the header text, the column names.
    ///
    /// # Errors
    /// None that [`new`](Self::new) has not reported.
    pub fn prologue(&self, at_start_of_file: bool, out: &mut Vec<u8>) -> Result<(), LayoutError> {
        let text = self.prologue_text()?;
        if let TextEncoding::Utf16Le = self.layout.encoding {
            if at_start_of_file {
                out.extend_from_slice(&[0xFF, 0xFE]);
            }
            append_utf16(&String::from_utf8_lossy(&text), out);
        } else {
            out.extend_from_slice(&text);
        }
        Ok(())
    }

    /// Adds the rows of a batch to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] for the first value that the file cannot take; `out` is then as it was before.
    pub fn encode(&self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if let TextEncoding::Utf16Le = self.layout.encoding {
            let mut text = Vec::new();
            self.encode_text(batch, &mut text)?;
            out.reserve(text.len() * 2);
            append_utf16(&String::from_utf8_lossy(&text), out);
            return Ok(());
        }
        self.encode_text(batch, out)
    }

    fn encode_text(&self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let columns = self.bind(batch)?;
        let start = out.len();
        out.reserve(estimate(batch));
        if self.fast(&columns, batch.num_rows(), out)
            && self.is_right(batch.num_rows(), out.get(start..))
        {
            return Ok(());
        }
        out.truncate(start);
        let careful: Vec<CarefulColumn<'_>> = self
            .columns
            .iter()
            .zip(&columns)
            .map(|(column, bound)| CarefulColumn {
                column,
                values: bound.values,
                nulls: bound.nulls.as_ref(),
                gap: bound.gap.bytes(),
            })
            .collect();
        careful::encode(
            &self.layout,
            self.lead.bytes(),
            &careful,
            batch.num_rows(),
            out,
        )
        .inspect_err(|_| out.truncate(start))
    }

    fn bind<'a>(&'a self, batch: &'a RecordBatch) -> Result<Vec<BoundColumn<'a>>, EncodeError> {
        self.columns
            .iter()
            .map(|column| {
                let array = column
                    .source
                    .and_then(|(index, data_type)| Some((batch.columns().get(index)?, data_type)));
                let values = match &array {
                    Some((array, data_type)) => {
                        ColumnText::of_file(array, data_type).map_err(|error| EncodeError {
                            row: 0,
                            column: column.name.clone(),
                            value: String::new(),
                            fault: EncodeFault::Carrier(error),
                        })?
                    }
                    None => ColumnText::Null,
                };
                let nulls = array.and_then(|(array, _)| array.logical_nulls());
                Ok(BoundColumn {
                    values,
                    nulls: nulls.filter(|nulls| nulls.null_count() > 0),
                    gap: &column.gap,
                    width: column.width,
                    limit: column.limit,
                })
            })
            .collect()
    }

    /// Writes the values as they are, as UTF-8. `false`: one is longer than its column in UTF-8, look closer.
    fn fast(&self, columns: &[BoundColumn<'_>], rows: usize, out: &mut Vec<u8>) -> bool {
        let mut page = Page::new(out);
        let apart: Vec<&ColumnText<'_>> = columns
            .iter()
            .map(|column| &column.values)
            .filter(|values| values.is_apart())
            .collect();
        for row in 0..rows {
            page.gap(&self.lead);
            for values in &apart {
                values.prefetch(row + AHEAD);
            }
            for column in columns {
                let is_valid = column
                    .nulls
                    .as_ref()
                    .is_none_or(|nulls| nulls.is_valid(row));
                let len = if is_valid {
                    page.put(|field| column.values.put(row, field))
                        .unwrap_or_else(|| page.append(|out| column.values.append(row, out)))
                } else {
                    0
                };
                if len > column.limit {
                    return false;
                }
                if column.width > len {
                    page.append(|out| out.extend(std::iter::repeat_n(b' ', column.width - len)));
                }
                page.gap(column.gap);
            }
        }
        page.flush();
        true
    }

    /// Whether what the fast pass wrote can stand: no character that needs its code page or has another length there, no
    /// qualifier but those around values.
    fn is_right(&self, rows: usize, written: Option<&[u8]>) -> bool {
        let written = written.unwrap_or_default();
        let is_utf8 = matches!(self.layout.encoding, TextEncoding::Utf8);
        let counts_units = self.columns.iter().any(|column| column.limit < usize::MAX);
        let any_text = is_utf8 || (self.layout.encoding.takes_any_text() && !counts_units);
        if !any_text && !written.is_ascii() {
            return false;
        }
        match self.layout.text_qualifier.as_bytes().first() {
            Some(first) if self.layout.escape_qualifier => {
                memchr::memchr_iter(*first, written).count() == self.qualifier_bytes * rows
            }
            _ => true,
        }
    }

    fn count_qualifier_bytes(&self) -> usize {
        let Some(first) = self.layout.text_qualifier.as_bytes().first() else {
            return 0;
        };
        let gaps = std::iter::once(&self.lead).chain(self.columns.iter().map(|column| &column.gap));
        gaps.flat_map(Gap::bytes)
            .filter(|byte| *byte == first)
            .count()
    }

    /// Header and names in the file's encoding (UTF-16: still UTF-8).
    fn prologue_text(&self) -> Result<Vec<u8>, LayoutError> {
        let constants = Constants {
            layout: &self.layout,
        };
        let mut out = Vec::new();
        if !self.layout.header.is_empty() {
            constants.append(&self.layout.header, || "the header".to_owned(), &mut out)?;
            constants.append(
                &self.layout.header_row_delimiter,
                || "the header row delimiter".to_owned(),
                &mut out,
            )?;
        }
        if self.layout.column_names_in_first_row {
            out.extend_from_slice(self.lead.bytes());
            for column in &self.columns {
                let from = out.len();
                constants.append(
                    &column.name,
                    || format!("the name of column `{}`", column.name),
                    &mut out,
                )?;
                let units =
                    careful::units(&self.layout.encoding, out.get(from..).unwrap_or_default());
                if column.width > 0 && units > column.width {
                    return Err(LayoutError::NameTooLong {
                        name: column.name.clone(),
                        width: column.width,
                    });
                }
                out.extend(std::iter::repeat_n(
                    b' ',
                    column.width.saturating_sub(units),
                ));
                out.extend_from_slice(column.gap.bytes());
            }
        }
        Ok(out)
    }
}

struct BoundColumn<'a> {
    values: ColumnText<'a>,
    /// Only if there is a NULL.
    nulls: Option<NullBuffer>,
    gap: &'a Gap,
    width: usize,
    limit: usize,
}

/// Texts of the layout in the file's code page.
struct Constants<'a> {
    layout: &'a FlatFileOutputLayout,
}

impl Constants<'_> {
    fn append(
        &self,
        text: &str,
        what: impl FnOnce() -> String,
        out: &mut Vec<u8>,
    ) -> Result<(), LayoutError> {
        let encoding = &self.layout.encoding;
        encoding
            .append(text, self.layout.lossy, out)
            .map_err(|character| LayoutError::NotInCodePage {
                what: what(),
                character,
                code_page: encoding.code_page(),
            })
    }

    /// The qualifier if the column has it.
    fn qualifier(&self, column: &FlatFileOutputColumn) -> Result<Vec<u8>, LayoutError> {
        let mut out = Vec::new();
        if column.text_qualified {
            self.append(
                &self.layout.text_qualifier,
                || "the text qualifier".to_owned(),
                &mut out,
            )?;
        }
        Ok(out)
    }
}

/// Position and type of the input column that feeds a file column.
fn input(
    column: &FlatFileOutputColumn,
    schema: &Schema,
) -> Result<Option<(usize, DataType)>, LayoutError> {
    let Some(index) = column.source else {
        return Ok(None);
    };
    let field = schema
        .fields()
        .get(index)
        .ok_or_else(|| LayoutError::NoInputColumn {
            name: column.name.clone(),
            index,
            count: schema.fields().len(),
        })?;
    match types::data_type(field) {
        Some(data_type) => Ok(Some((index, data_type))),
        None => Err(LayoutError::NoType {
            name: field.name().clone(),
            arrow: Box::new(field.data_type().clone()),
        }),
    }
}

/// The longest text a column takes; no limit where the input's declared type cannot exceed it.
fn limit(column: &FlatFileOutputColumn, input: Option<DataType>, encoding: &TextEncoding) -> usize {
    let declared = match column.data_type {
        DataType::Str { length, .. } | DataType::WStr { length } if length > 0 => length as usize,
        _ => usize::MAX,
    };
    let fits = match (input, encoding) {
        (Some(DataType::Str { length, .. }), TextEncoding::Utf16Le) => length as usize <= declared,
        (Some(DataType::WStr { length }), TextEncoding::Utf16Le) => length as usize <= declared,
        (Some(DataType::Str { length, code_page }), _) => {
            length as usize <= declared && code_page == encoding.code_page()
        }
        _ => false,
    };
    match column.shape {
        ColumnShape::FixedWidth(width) => {
            (width as usize).min(if fits { usize::MAX } else { declared })
        }
        ColumnShape::Delimited(_) if fits => usize::MAX,
        ColumnShape::Delimited(_) => declared,
    }
}

/// Bytes that the batch will take, generously.
fn estimate(batch: &RecordBatch) -> usize {
    batch.num_rows() * batch.num_columns().max(1) * 16 + 256
}
