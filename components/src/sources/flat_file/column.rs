//! One output column: picks the kernel of its type, and holds what all of them share: one pass over the rows with a quick
//! reader for plain values, and a slow way out for everything else.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, BinaryViewBuilder, BooleanArray, FixedSizeBinaryArray},
    buffer::{BooleanBuffer, Buffer, MutableBuffer, NullBuffer},
    error::ArrowError,
};
use dtsx::DataType;
use fletching_expression::{
    code_page::CodePage,
    text::{Locale, ParseError, Style, parse_bool, parse_guid, parse_hex},
};

use super::{
    date_column,
    fields::{Field, Fields},
    layout::DecodedColumn,
    number_column,
    report::{CANNOT_CONVERT, Report, code_of},
    text_column,
    text_column::TextMode,
};

/// What a column is decoded with.
pub(super) struct ColumnContext<'a> {
    pub(super) column: &'a DecodedColumn,
    pub(super) locale: &'a Locale,
    /// An empty field is NULL.
    pub(super) retain_nulls: bool,
    /// The padded text of the morsel.
    pub(super) text: &'a Buffer,
    pub(super) mode: TextMode<'a>,
    pub(super) has_nul: bool,
    /// The text is ASCII only.
    pub(super) ascii: bool,
    pub(super) file_code_page: &'a CodePage,
    /// The unescaped fields as Arrow has them, made by the first text column that needs them.
    pub(super) side_buffer: &'a mut Option<Buffer>,
    pub(super) report: &'a mut Report,
}

impl<'a> ColumnContext<'a> {
    /// Of integers, dates and times.
    pub(super) fn style(&self) -> Style<'a> {
        if self.column.fast_parse {
            Style::Fast
        } else {
            self.standard()
        }
    }

    /// Of the types that FastParse does not know.
    pub(super) fn standard(&self) -> Style<'a> {
        Style::Standard(self.locale)
    }
}

/// What the slow reader made of a text.
pub(super) enum Read<T> {
    Value(T),
    /// A value whose finest digits Arrow cannot hold.
    Dropped(T),
    /// A value cut to the scale of the column.
    Truncated(T),
    Failed(ParseError),
}

impl<T> From<Result<T, ParseError>> for Read<T> {
    fn from(result: Result<T, ParseError>) -> Self {
        match result {
            Ok(value) => Self::Value(value),
            Err(error) => Self::Failed(error),
        }
    }
}

/// Decodes one output column.
pub(super) fn decode<F: Fields>(
    fields: &F,
    context: &mut ColumnContext<'_>,
) -> Result<ArrayRef, ArrowError> {
    match context.column.data_type {
        DataType::Str { .. } | DataType::WStr { .. } | DataType::Text { .. } | DataType::NText => {
            Ok(text_column::decode(fields, context))
        }
        DataType::Bool => Ok(booleans(fields, context)),
        DataType::Guid => guids(fields, context),
        DataType::Bytes { .. } | DataType::Image => Ok(binary(fields, context)),
        DataType::DbDate
        | DataType::DbTime
        | DataType::DbTime2 { .. }
        | DataType::Date
        | DataType::DbTimeStamp
        | DataType::DbTimeStamp2 { .. }
        | DataType::FileTime
        | DataType::DbTimeStampOffset { .. } => date_column::decode(fields, context),
        _ => number_column::decode(fields, context),
    }
}

/// Reads every field of the column: `quick` for plain values (padded text, start, length), `slow` for the rest; `empty` is
/// the value of an empty field, if the type has one (semantics 9.9).
#[inline(always)]
pub(super) fn primitive<F: Fields, T: Copy + Default>(
    fields: &F,
    context: &mut ColumnContext<'_>,
    empty: Option<T>,
    quick: impl Fn(&[u8], usize, usize) -> Option<T>,
    slow: impl Fn(&[u8]) -> Read<T>,
) -> (Vec<T>, Option<NullBuffer>) {
    let column = context.column.file_column;
    let mut rest = SlowWay {
        report: context.report,
        retain_nulls: context.retain_nulls,
        empty,
        nulls: Vec::new(),
    };
    let values = (0..fields.rows())
        .map(|row| {
            let field = fields.field(row, column);
            match quick(field.padded, field.start, field.length) {
                Some(value) => value,
                None => rest.read(row, field, &slow),
            }
        })
        .collect();
    let nulls = null_buffer(fields.rows(), &rest.nulls);
    (values, nulls)
}

struct SlowWay<'r, T> {
    report: &'r mut Report,
    retain_nulls: bool,
    empty: Option<T>,
    nulls: Vec<u32>,
}

impl<T: Copy + Default> SlowWay<'_, T> {
    #[inline(never)]
    fn read(&mut self, row: usize, field: Field<'_>, slow: &impl Fn(&[u8]) -> Read<T>) -> T {
        if field.length == 0 {
            return match self.empty {
                _ if self.retain_nulls => self.null(row),
                Some(value) => value,
                None => {
                    self.report.fail(row, CANNOT_CONVERT);
                    self.null(row)
                }
            };
        }
        match slow(field.bytes()) {
            Read::Value(value) => value,
            Read::Dropped(value) => {
                self.report.dropped_digits += 1;
                value
            }
            Read::Truncated(value) => {
                self.report.truncate(row);
                value
            }
            Read::Failed(error) => {
                self.report.fail(row, code_of(error));
                self.null(row)
            }
        }
    }

    fn null(&mut self, row: usize) -> T {
        self.nulls.push(row as u32);
        T::default()
    }
}

/// All valid but `nulls`; none for no nulls.
pub(super) fn null_buffer(rows: usize, nulls: &[u32]) -> Option<NullBuffer> {
    if nulls.is_empty() {
        return None;
    }
    let mut bits = MutableBuffer::new_null(rows);
    bits.as_slice_mut().fill(0xFF);
    for row in nulls {
        if let Some(byte) = bits.as_slice_mut().get_mut(*row as usize / 8) {
            *byte &= !(1 << (row % 8));
        }
    }
    Some(NullBuffer::new(BooleanBuffer::new(bits.into(), 0, rows)))
}

fn booleans<F: Fields>(fields: &F, context: &mut ColumnContext<'_>) -> ArrayRef {
    let style = context.standard();
    let quick = |padded: &[u8], start: usize, length: usize| match (length, padded.get(start)) {
        (1, Some(b'0')) => Some(false),
        (1, Some(b'1')) => Some(true),
        _ => None,
    };
    let slow = |text: &[u8]| parse_bool(text, style).into();
    let (values, nulls) = primitive(fields, context, Some(false), quick, slow);
    Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls))
}

fn guids<F: Fields>(fields: &F, context: &mut ColumnContext<'_>) -> Result<ArrayRef, ArrowError> {
    let slow = |text: &[u8]| parse_guid(text).into();
    let (values, nulls) = primitive(fields, context, None, |_, _, _| None, slow);
    let values: Vec<[u8; 16]> = values;
    let bytes = Buffer::from_vec(values.into_flattened());
    Ok(Arc::new(FixedSizeBinaryArray::try_new(16, bytes, nulls)?))
}

/// Hexadecimal text, or the bytes of the file as they are; cut to the length of the column.
fn binary<F: Fields>(fields: &F, context: &mut ColumnContext<'_>) -> ArrayRef {
    let limit = match context.column.data_type {
        DataType::Bytes { length } => length as usize,
        _ => usize::MAX,
    };
    let mut builder = BinaryViewBuilder::with_capacity(fields.rows());
    let mut value = Vec::new();
    for row in 0..fields.rows() {
        let bytes = fields.field(row, context.column.file_column).bytes();
        if bytes.is_empty() && context.retain_nulls {
            builder.append_null();
            continue;
        }
        value.clear();
        if context.column.use_binary_format {
            value.extend_from_slice(bytes);
        } else if let Err(error) = parse_hex(bytes, &mut value) {
            context.report.fail(row, code_of(error));
            builder.append_null();
            continue;
        }
        if value.len() > limit {
            context.report.truncate(row);
            value.truncate(limit);
        }
        builder.append_value(&value);
    }
    let array = builder.finish();
    debug_assert_eq!(array.len(), fields.rows());
    Arc::new(array)
}
