//! A morsel to a record batch: finds the fields by the quickest way that holds, then decodes column by column.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, RecordBatch, RecordBatchOptions, StringViewArray, StringViewBuilder},
    buffer::Buffer,
    datatypes::{Schema, SchemaRef},
};
use dtsx::DataType;
use fletching_expression::{
    code_page::{CodePage, StreamDecoder},
    text::Locale,
    types::field,
};

use super::{
    column::{self, ColumnContext},
    cutter::Morsel,
    error::{DecodeError, LayoutError},
    fields::{Fields, Indexed, SpanSink, Spanned, Spans, TEXT_MAX},
    indexed, kernel,
    kernel::{PADDING, Seen},
    layout::{Encoding, FlatFileLayout, Format},
    report::{CellError, Report},
    rules::{SplitRules, WidthUnit},
    split::{Consumed, split},
    text_column::TextMode,
};

/// Decodes the morsels of files of one layout. Immutable; shared by all threads.
#[derive(Debug)]
pub struct FlatFileDecoder {
    layout: FlatFileLayout,
    schema: SchemaRef,
    code_page: CodePage,
    locale: Locale,
    /// Of the bytes of a morsel.
    cut_rules: SplitRules,
    /// Of a morsel that was transcoded to UTF-8.
    utf8_rules: SplitRules,
    header_row_delimiter: Box<[u8]>,
    /// Fields are split in the bytes of the code page, because a column wants them as they are.
    keeps_bytes: bool,
}

/// What one thread keeps between morsels.
#[derive(Debug, Default)]
pub struct Scratch {
    separators: Vec<u32>,
    spans: Spans,
    /// The last morsel had quotes: look for them at once.
    expects_quotes: bool,
}

/// The rows of one morsel.
#[derive(Debug)]
pub struct Decoded {
    /// The output columns. A failing cell is NULL, a truncated one holds the cut value.
    pub batch: RecordBatch,
    /// By row, then column.
    pub errors: Vec<CellError>,
    /// A last row that the file cut off, and that was dropped (DTS_W_PARTIALROWFOUNDATENDOFFILE, semantics 9.8).
    pub partial_row: Option<PartialRow>,
    /// How many values had a non-zero digit finer than a microsecond, which was dropped.
    pub dropped_digits: u64,
    text: Buffer,
    row_starts: Vec<u32>,
    row_delimiter: Box<[u8]>,
    code_page: Option<CodePage>,
}

/// A row without its last columns at the end of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialRow {
    /// From the start of the morsel.
    pub offset: usize,
    /// The file column in which the file ended.
    pub column: usize,
}

impl Decoded {
    /// The bytes of a row without its delimiter: UTF-8 for text that was transcoded, else those of the file.
    pub fn row_bytes(&self, row: usize) -> &[u8] {
        let range = self.row_starts.get(row).zip(self.row_starts.get(row + 1));
        let bytes = range.and_then(|(start, end)| self.text.get(*start as usize..*end as usize));
        let bytes = bytes.unwrap_or_default();
        if self.row_delimiter.is_empty() {
            return bytes;
        }
        bytes.strip_suffix(&*self.row_delimiter).unwrap_or(bytes)
    }

    /// The whole text of some rows, for the column of an error output that holds it.
    pub fn row_texts(&self, rows: impl IntoIterator<Item = u32>) -> StringViewArray {
        let mut builder = StringViewBuilder::new();
        for row in rows {
            let bytes = self.row_bytes(row as usize);
            match &self.code_page {
                Some(code_page) => builder.append_value(code_page.decode(bytes)),
                None => builder.append_value(String::from_utf8_lossy(bytes)),
            }
        }
        builder.finish()
    }
}

/// The text of a morsel, ready to split.
struct Text<'a> {
    buffer: Buffer,
    length: usize,
    rules: &'a SplitRules,
    unit: WidthUnit,
    mode: TextMode<'a>,
    has_nul: bool,
    ascii: bool,
}

impl FlatFileDecoder {
    /// Checks a layout and makes it ready.
    ///
    /// # Errors
    /// [`LayoutError`] for the first setting that describes no readable file.
    pub fn try_new(layout: FlatFileLayout) -> Result<Self, LayoutError> {
        let code_page = CodePage::from_number(match layout.encoding {
            Encoding::CodePage(number) => number,
            Encoding::Utf16Le => 1200,
        })?;
        let locale = Locale::from_lcid(layout.locale_id)?;
        check(&layout, &code_page)?;
        let utf8_unit = match code_page.number() {
            1200 => WidthUnit::CodeUnits,
            _ => WidthUnit::Characters,
        };
        let utf8 = |text: &str| Ok(text.as_bytes().to_vec());
        let utf8_rules = SplitRules::try_new(&layout, utf8_unit, &utf8)?;
        let bytes = |text: &str| match code_page.encode(text) {
            (bytes, false) => Ok(bytes),
            (_, true) => Err(LayoutError::NotInCodePage {
                text: text.to_owned(),
                code_page: code_page.number(),
            }),
        };
        let header = &layout.header_row_delimiter;
        let (cut_rules, header_row_delimiter) = if code_page.is_single_byte() {
            (
                SplitRules::try_new(&layout, WidthUnit::Bytes, &bytes)?,
                bytes(header)?,
            )
        } else {
            (utf8_rules.clone(), header.as_bytes().to_vec())
        };
        let fields: Vec<_> = layout
            .output_columns
            .iter()
            .map(|column| field(&column.name, &column.data_type))
            .collect();
        Ok(Self {
            schema: Arc::new(Schema::new(fields)),
            keeps_bytes: layout
                .output_columns
                .iter()
                .any(|column| column.use_binary_format),
            layout,
            code_page,
            locale,
            cut_rules,
            utf8_rules,
            header_row_delimiter: header_row_delimiter.into(),
        })
    }

    /// The settings.
    pub fn layout(&self) -> &FlatFileLayout {
        &self.layout
    }

    /// The schema of every batch.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(super) fn cut_rules(&self) -> &SplitRules {
        &self.cut_rules
    }

    pub(super) fn header_row_delimiter(&self) -> &[u8] {
        &self.header_row_delimiter
    }

    pub(super) fn is_unicode(&self) -> bool {
        matches!(self.code_page.number(), 1200 | 65001)
    }

    /// For encodings in which an ASCII byte may be half of a character.
    pub(super) fn stream_decoder(&self) -> Option<StreamDecoder> {
        (!self.code_page.is_ascii_safe()).then(|| self.code_page.stream_decoder())
    }

    /// Decodes one morsel.
    ///
    /// # Errors
    /// [`DecodeError`] when its rows cannot be told apart. Cells that fail are no error here but [`Decoded::errors`].
    pub fn decode(&self, morsel: &Morsel, scratch: &mut Scratch) -> Result<Decoded, DecodeError> {
        let mut text = self.morsel_text(morsel);
        if let Some(bytes) = &text.rules.one_byte {
            let mut seen = self.index(&text, bytes, scratch);
            if seen.non_ascii {
                self.make_utf8(morsel, &mut text)?;
                if text.length != morsel.length {
                    seen = self.index(&text, bytes, scratch);
                }
            }
            text.has_nul = seen.nul;
            text.ascii = !seen.non_ascii;
            if seen.quote && !scratch.expects_quotes {
                scratch.expects_quotes = true;
                self.index(&text, bytes, scratch);
            } else {
                scratch.expects_quotes = seen.quote;
            }
            if !seen.quote
                && let Some(row_starts) = regular_rows(&text, bytes, &mut scratch.separators, seen)
            {
                let fields = Indexed {
                    padded: &text.buffer,
                    separators: &scratch.separators,
                    width: text.rules.columns.len(),
                    row_trim: usize::from(bytes.carriage_return),
                };
                return self.columns(&text, &fields, row_starts, None);
            }
        } else {
            let body = morsel.bytes();
            text.ascii = body.is_ascii();
            text.has_nul = memchr::memchr(0, body).is_some();
            if text.ascii {
                text.unit = WidthUnit::Bytes;
            } else {
                self.make_utf8(morsel, &mut text)?;
            }
        }
        self.decode_spans(morsel, &text, scratch)
    }

    fn morsel_text(&self, morsel: &Morsel) -> Text<'_> {
        Text {
            buffer: morsel.buffer.clone(),
            length: morsel.length,
            rules: &self.cut_rules,
            unit: self.cut_rules.width_unit,
            mode: TextMode::Utf8,
            has_nul: false,
            ascii: true,
        }
    }

    /// Of a text with bytes from 0x80: transcodes it, or checks that it is UTF-8.
    fn make_utf8<'a>(&'a self, morsel: &Morsel, text: &mut Text<'a>) -> Result<(), DecodeError> {
        if self.keeps_bytes {
            text.mode = TextMode::CodePage(&self.code_page);
            return Ok(());
        }
        if self.code_page.is_single_byte() {
            let mut utf8 = Vec::with_capacity(morsel.length * 5 / 4 + PADDING);
            self.code_page.transcode(morsel.bytes(), &mut utf8);
            if utf8.len() > TEXT_MAX {
                let (length, limit) = (utf8.len(), TEXT_MAX);
                return Err(DecodeError::MorselTooLarge { length, limit });
            }
            text.length = utf8.len();
            utf8.resize(utf8.len() + PADDING, 0);
            text.buffer = Buffer::from_vec(utf8);
            text.rules = &self.utf8_rules;
            text.unit = self.utf8_rules.width_unit;
        }
        let valid = std::str::from_utf8(text.buffer.get(..text.length).unwrap_or_default()).is_ok();
        text.mode = if valid {
            TextMode::Utf8
        } else {
            TextMode::Unchecked
        };
        Ok(())
    }

    fn index(&self, text: &Text<'_>, bytes: &super::rules::OneByte, scratch: &mut Scratch) -> Seen {
        scratch.separators.clear();
        // Stands for a separator before the text.
        scratch.separators.push(u32::MAX);
        let needles = bytes.needles(scratch.expects_quotes);
        kernel::index(&text.buffer, text.length, needles, &mut scratch.separators)
    }

    fn decode_spans(
        &self,
        morsel: &Morsel,
        text: &Text<'_>,
        scratch: &mut Scratch,
    ) -> Result<Decoded, DecodeError> {
        let body = text.buffer.get(..text.length).unwrap_or_default();
        let width = text.rules.columns.len();
        let mut sink = SpanSink::new(body, &text.rules.qualifier, &mut scratch.spans);
        // A morsel ends with a row; only the last may end with a row that has no delimiter.
        let consumed = match &text.rules.one_byte {
            Some(bytes) => {
                let positions = scratch.separators.get(1..).unwrap_or_default();
                indexed::walk(text.rules, bytes, body, positions, true, &mut sink)
            }
            None => split(text.rules, text.unit, body, true, &mut sink),
        };
        let Consumed {
            end,
            partial_column,
        } = consumed.map_err(|error| error.at(morsel.offset))?;
        sink.finish(width);
        let partial_row = partial_column.map(|column| PartialRow {
            offset: end,
            column,
        });
        let fields = Spanned {
            padded: &text.buffer,
            spans: &scratch.spans,
            width,
        };
        self.columns(text, &fields, scratch.spans.row_starts.clone(), partial_row)
    }

    fn columns<F: Fields>(
        &self,
        text: &Text<'_>,
        fields: &F,
        row_starts: Vec<u32>,
        partial_row: Option<PartialRow>,
    ) -> Result<Decoded, DecodeError> {
        let mut report = Report::default();
        // Only delimited files can tell empty from blank (semantics 9.9).
        let retain_nulls = self.layout.retain_nulls && self.layout.format == Format::Delimited;
        let mut side_buffer = None;
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.layout.output_columns.len());
        for (index, column) in self.layout.output_columns.iter().enumerate() {
            report.column = index as u32;
            let mut context = ColumnContext {
                column,
                locale: &self.locale,
                retain_nulls,
                text: &text.buffer,
                mode: text.mode,
                has_nul: text.has_nul,
                ascii: text.ascii,
                file_code_page: &self.code_page,
                side_buffer: &mut side_buffer,
                report: &mut report,
            };
            arrays.push(column::decode(fields, &mut context)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(fields.rows()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)?;
        Ok(Decoded {
            batch,
            dropped_digits: report.dropped_digits,
            errors: report.into_errors(),
            partial_row,
            text: text.buffer.clone(),
            row_starts,
            row_delimiter: text.rules.row_delimiter.clone(),
            code_page: matches!(text.mode, TextMode::CodePage(_)).then(|| self.code_page.clone()),
        })
    }
}

/// Whether every row has all its columns and no more: then the separators alone tell the fields. Adds the separator of a
/// last row without delimiter. Gives the row starts.
fn regular_rows(
    text: &Text<'_>,
    bytes: &super::rules::OneByte,
    separators: &mut Vec<u32>,
    seen: Seen,
) -> Option<Vec<u32>> {
    let body: &[u8] = text.buffer.get(..text.length)?;
    let width = text.rules.columns.len();
    let mut rows = seen.rows;
    let trim = usize::from(bytes.carriage_return);
    let tail = !body.ends_with(&text.rules.row_delimiter);
    if tail {
        // A lone LF at the end of a CRLF file is data, and left to the walk.
        if body.last() == Some(&bytes.row) {
            return None;
        }
        rows += 1;
        separators.push((text.length + trim) as u32);
    }
    if separators.len() - 1 != rows * width {
        return None;
    }
    let mut row_starts = Vec::with_capacity(rows + 1);
    row_starts.push(0);
    let whole = rows - usize::from(tail);
    let mut regular = true;
    let mut start = 0usize;
    for row in 1..=whole {
        let at = separators[row * width] as usize;
        regular &= body[at] == bytes.row;
        if bytes.carriage_return {
            regular &= at > start && body[at - 1] == b'\r';
        }
        start = at + 1;
        row_starts.push(start as u32);
    }
    if tail {
        row_starts.push(text.length as u32);
    }
    regular.then_some(row_starts)
}

fn check(layout: &FlatFileLayout, code_page: &CodePage) -> Result<(), LayoutError> {
    if layout.header_rows_to_skip > 0 && layout.header_row_delimiter.is_empty() {
        let rows = layout.header_rows_to_skip;
        return Err(LayoutError::NoHeaderRowDelimiter { rows });
    }
    for column in &layout.output_columns {
        let (name, data_type) = (column.name.clone(), column.data_type.to_string());
        if column.file_column >= layout.file_columns.len() {
            return Err(LayoutError::NoSuchFileColumn {
                column: name,
                file_column: column.file_column,
                count: layout.file_columns.len(),
            });
        }
        if let DataType::Null | DataType::Empty = column.data_type {
            return Err(LayoutError::Type {
                column: name,
                data_type,
            });
        }
        if let DataType::Str { code_page, .. } = column.data_type
            && code_page != 0
        {
            CodePage::from_number(code_page)?;
        }
        if column.use_binary_format {
            if !matches!(column.data_type, DataType::Bytes { .. }) {
                return Err(LayoutError::BinaryFormatType {
                    column: name,
                    data_type,
                });
            }
            if !code_page.is_ascii_safe() {
                let code_page = code_page.number();
                return Err(LayoutError::BinaryFormatEncoding {
                    column: name,
                    code_page,
                });
            }
        }
    }
    Ok(())
}
