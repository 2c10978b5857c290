//! Text columns: views into the morsel, no copies. Kernel module: it promises Arrow that the views are UTF-8.
//!
//! ```text
//!  one pass: a view and the longest length ──▶ all fit, text is valid ──▶ done
//!                                          └─▶ field by field: NUL, validity, code page, length
//! ```
#![expect(
    unsafe_code,
    reason = "views into text that was validated once for the whole morsel"
)]

use std::{borrow::Cow, sync::Arc};

use arrow::{
    array::{ArrayRef, StringViewArray},
    buffer::{Buffer, NullBuffer},
};
use dtsx::DataType;
use fletching_expression::code_page::CodePage;

use super::{
    column::{ColumnContext, null_buffer},
    fields::{Field, Fields},
    kernel::load16,
    report::CANNOT_CONVERT,
};

/// What the bytes of a morsel are.
#[derive(Debug, Clone, Copy)]
pub(super) enum TextMode<'a> {
    /// Valid UTF-8 all through, and so is every field: delimiters and widths end at characters.
    Utf8,
    /// UTF-8 with faults somewhere: each field is checked.
    Unchecked,
    /// Bytes of a single-byte code page (or UTF-8) as the file has them: each field is decoded.
    CodePage(&'a CodePage),
}

/// Text of at most this many bytes is inside its view.
const INLINE: usize = 12;

/// Decodes a text column.
pub(super) fn decode<F: Fields>(fields: &F, context: &mut ColumnContext<'_>) -> ArrayRef {
    let quick = views(fields, context.column.file_column);
    let limit = Limit::of(context);
    let as_is = matches!(context.mode, TextMode::Utf8)
        && !(context.has_nul && limit.cuts_at_nul)
        && quick.longest <= limit.length
        && (context.ascii || !limit.foreign);
    if !as_is {
        return field_by_field(fields, context, &limit);
    }
    let nulls = if context.retain_nulls && quick.empties > 0 {
        let rows = 0..fields.rows() as u32;
        let empty = |row: &u32| quick.views[*row as usize] as u32 == 0;
        null_buffer(fields.rows(), &rows.filter(empty).collect::<Vec<_>>())
    } else {
        None
    };
    string_views(quick.views, buffers(fields, context), nulls)
}

struct Views {
    views: Vec<u128>,
    longest: usize,
    empties: usize,
}

fn views<F: Fields>(fields: &F, column: usize) -> Views {
    let (mut longest, mut empties) = (0, 0);
    let views = (0..fields.rows())
        .map(|row| {
            let field = fields.field(row, column);
            longest = longest.max(field.length);
            empties += usize::from(field.length == 0);
            view_of(&field, field.length)
        })
        .collect();
    Views {
        views,
        longest,
        empties,
    }
}

/// The view of the first `length` bytes of a field.
#[inline(always)]
fn view_of(field: &Field<'_>, length: usize) -> u128 {
    view(
        load16(field.padded, field.start),
        length,
        u32::from(field.in_side),
        field.start,
    )
}

/// `head`: the first sixteen bytes, of which only `length` count.
#[inline(always)]
fn view(head: u128, length: usize, buffer: u32, start: usize) -> u128 {
    if length <= INLINE {
        let text = head & ((1 << (length * 8)) - 1);
        text << 32 | length as u128
    } else {
        u128::from(head as u32) << 32
            | length as u128
            | u128::from(buffer) << 64
            | (start as u128) << 96
    }
}

/// The morsel's text and, if there are any, the unescaped fields.
fn buffers<F: Fields>(fields: &F, context: &mut ColumnContext<'_>) -> Vec<Buffer> {
    let mut buffers = vec![context.text.clone()];
    if !fields.side().is_empty() {
        let side = context
            .side_buffer
            .get_or_insert_with(|| Buffer::from_slice_ref(fields.side()));
        buffers.push(side.clone());
    }
    buffers
}

fn string_views(views: Vec<u128>, buffers: Vec<Buffer>, nulls: Option<NullBuffer>) -> ArrayRef {
    // SAFETY: each view was made from a field inside one of the buffers, in order 0 text, 1 side, 2 decoded; and each
    // field is valid UTF-8: whole morsels are validated and fields end at characters, or the field itself was validated.
    Arc::new(unsafe { StringViewArray::new_unchecked(views.into(), buffers, nulls) })
}

/// How long a text of the column may be.
struct Limit {
    length: usize,
    unit: Unit,
    /// Blobs keep NUL characters, strings end at the first (semantics 1.3.6).
    cuts_at_nul: bool,
    /// The column's code page is not the file's: its characters must be looked up.
    foreign: bool,
}

enum Unit {
    Bytes(Option<CodePage>),
    CodeUnits,
}

impl Limit {
    fn of(context: &ColumnContext<'_>) -> Self {
        let file = context.file_code_page;
        let page = |number: u32| match number {
            0 => Some(file.clone()),
            same if same == file.number() => Some(file.clone()),
            _ => CodePage::from_number(number).ok(),
        };
        let (length, unit, cuts_at_nul) = match context.column.data_type {
            DataType::Str { length, code_page } => {
                (length as usize, Unit::Bytes(page(code_page)), true)
            }
            DataType::WStr { length } => (length as usize, Unit::CodeUnits, true),
            DataType::Text { code_page } => (usize::MAX, Unit::Bytes(page(code_page)), false),
            _ => (usize::MAX, Unit::CodeUnits, false),
        };
        let foreign = match &unit {
            Unit::Bytes(Some(page)) => page != file && page.number() != 65001,
            Unit::Bytes(None) | Unit::CodeUnits => false,
        };
        Self {
            length,
            unit,
            cuts_at_nul,
            foreign,
        }
    }

    /// Bytes of UTF-8 that fit; `None` when all do.
    fn cut(&self, text: &str) -> Option<usize> {
        // No encoding here takes more bytes or code units than UTF-8 takes bytes.
        if text.len() <= self.length {
            return None;
        }
        let mut left = self.length;
        for (at, character) in text.char_indices() {
            let mut utf8 = [0; 4];
            let takes = match &self.unit {
                Unit::CodeUnits => character.len_utf16(),
                Unit::Bytes(Some(page)) => page.encoded_length(character.encode_utf8(&mut utf8)),
                Unit::Bytes(None) => character.len_utf8(),
            };
            match left.checked_sub(takes) {
                Some(rest) => left = rest,
                None => return Some(at),
            }
        }
        None
    }

    /// Whether the column's code page has all characters of the text.
    fn has(&self, text: &str) -> bool {
        match &self.unit {
            Unit::Bytes(Some(page)) if self.foreign && !text.is_ascii() => !page.encode(text).1,
            _ => true,
        }
    }
}

/// The slow way: one field at a time, with every rule.
fn field_by_field<F: Fields>(
    fields: &F,
    context: &mut ColumnContext<'_>,
    limit: &Limit,
) -> ArrayRef {
    let mut buffers = buffers(fields, context);
    let mut decoded: Vec<u8> = Vec::new();
    let decoded_buffer = buffers.len() as u32;
    let mut views = Vec::with_capacity(fields.rows());
    let mut nulls = Vec::new();
    for row in 0..fields.rows() {
        let field = fields.field(row, context.column.file_column);
        let bytes = field.bytes();
        if bytes.is_empty() && context.retain_nulls {
            nulls.push(row as u32);
            views.push(0);
            continue;
        }
        let text = match context.mode {
            TextMode::Utf8 | TextMode::Unchecked => {
                std::str::from_utf8(bytes).map(Cow::Borrowed).ok()
            }
            TextMode::CodePage(page) => page.decode_strict(bytes).ok(),
        };
        let Some(text) = text.filter(|text| limit.has(text)) else {
            context.report.fail(row, CANNOT_CONVERT);
            nulls.push(row as u32);
            views.push(0);
            continue;
        };
        let end = match memchr::memchr(0, text.as_bytes()) {
            Some(end) if limit.cuts_at_nul => end,
            _ => text.len(),
        };
        let kept = text.get(..end).unwrap_or_default();
        let length = match limit.cut(kept) {
            Some(length) => {
                context.report.truncate(row);
                length
            }
            None => end,
        };
        views.push(match &text {
            Cow::Borrowed(_) => view_of(&field, length),
            Cow::Owned(text) => {
                let start = decoded.len();
                decoded.extend_from_slice(text.as_bytes().get(..length).unwrap_or_default());
                let mut head = [0; 16];
                let short = length.min(16);
                head[..short].copy_from_slice(text.as_bytes().get(..short).unwrap_or_default());
                view(u128::from_le_bytes(head), length, decoded_buffer, start)
            }
        });
    }
    if !decoded.is_empty() {
        buffers.push(Buffer::from_vec(decoded));
    }
    let nulls = null_buffer(fields.rows(), &nulls);
    string_views(views, buffers, nulls)
}
