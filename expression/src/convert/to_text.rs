//! The declared length and code page of text (semantics 1.3.3 and 1.3.4).

use std::{borrow::Cow, sync::Arc};

use arrow::array::{Array, ArrayRef, AsArray, StringViewBuilder};
use dtsx::{DataType, SsisCode};

use crate::{arrays::are_ascii, code_page::CodePage, error::EvaluateError, evaluate::RowFailure};

/// Cuts what is too long, puts `?` for what the code page lacks, and reports both. The common case, nothing too long and all ASCII, looks at lengths only.
pub(super) fn limit(
    text: &ArrayRef,
    from: &DataType,
    to: &DataType,
    errors: &mut Vec<RowFailure>,
) -> Result<ArrayRef, EvaluateError> {
    let (length, code_page) = match *to {
        DataType::WStr { length } => (length as usize, None),
        DataType::Str { length, code_page } => (length as usize, Some(code_page)),
        DataType::Text { code_page } => (usize::MAX, Some(code_page)),
        _ => return Ok(Arc::clone(text)),
    };
    let Some(array) = text.as_string_view_opt() else {
        return Err(EvaluateError::Carrier {
            found: text.data_type().to_string(),
            wanted: "Utf8View".into(),
        });
    };
    let short = array
        .views()
        .iter()
        .all(|view| (*view as u32) as usize <= length);
    if short && (fits_as_it_is(from, code_page) || are_ascii(array)) {
        return Ok(Arc::clone(text));
    }
    let page = match code_page.filter(|page| *page != 0) {
        Some(number) => Some(
            CodePage::from_number(number)
                .map_err(|error| EvaluateError::CodePage(error.to_string()))?,
        ),
        None => None,
    };
    let mut builder = StringViewBuilder::with_capacity(array.len());
    for row in 0..array.len() {
        if array.is_null(row) {
            builder.append_null();
            continue;
        }
        let value = array.value(row);
        let (cut, lossy) = cut(value, length, page.as_ref());
        let as_stored = match &page {
            Some(page) if lossy => Cow::Owned(page.decode(&page.encode(cut).0).into_owned()),
            _ => Cow::Borrowed(cut),
        };
        if cut.len() < value.len() || lossy {
            let code = SsisCode::INDUCED_FAILURE_ON_TRUNCATION;
            errors.push(RowFailure {
                row: row as u32,
                code,
                truncation: true,
            });
        }
        builder.append_value(as_stored);
    }
    Ok(Arc::new(builder.finish()))
}

/// Whether text of this type, no longer in UTF-8 than allowed, fits whatever its characters are: UTF-16 and the code pages
/// that it may come from take no more units than UTF-8 takes bytes. GB 18030 (54936) may.
fn fits_as_it_is(from: &DataType, code_page: Option<u32>) -> bool {
    match (from, code_page) {
        (_, None | Some(65001)) => true,
        (DataType::Str { code_page: has, .. }, Some(wanted)) => *has == wanted && wanted != 54936,
        _ => false,
    }
}

/// The longest beginning that fits, and whether the code page lacks a character of it.
fn cut<'a>(value: &'a str, length: usize, page: Option<&CodePage>) -> (&'a str, bool) {
    let mut used = 0;
    let mut end = 0;
    let mut lossy = false;
    for (at, character) in value.char_indices() {
        let size = match page {
            None => character.len_utf16(),
            Some(_) if character.is_ascii() => 1,
            Some(page) => {
                let (bytes, lost) = page.encode(character.encode_utf8(&mut [0; 4]));
                lossy |= lost;
                bytes.len().max(1)
            }
        };
        if used + size > length {
            break;
        }
        used += size;
        end = at + character.len_utf8();
    }
    (value.get(..end).unwrap_or(value), lossy)
}
