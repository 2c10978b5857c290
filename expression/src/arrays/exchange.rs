//! One ASCII character for another in all texts of an array. Kernel module: it promises Arrow that the texts stay UTF-8.
#![expect(
    unsafe_code,
    reason = "ASCII for ASCII leaves UTF-8 as it is; checking each text again costs more than the exchange"
)]

use arrow::{
    array::StringViewArray,
    buffer::{Buffer, NullBuffer},
};

use super::{
    span::Span,
    views::{INLINE, ONES, equal_bytes, low_bytes},
};

/// The texts with `new` for `old`, NULL where `nulls` says so; `None` if either is not ASCII, or the long texts do not lie
/// together.
pub(crate) fn exchanged(
    array: &StringViewArray,
    old: u8,
    new: u8,
    nulls: Option<NullBuffer>,
) -> Option<StringViewArray> {
    if !old.is_ascii() || !new.is_ascii() {
        return None;
    }
    let span = Span::of(array)?;
    let buffer = Buffer::from(bytes(span.bytes, old, new));
    let views = views(array.views(), &span, old, new);
    // SAFETY: each text is as long as it was and lies in the copy of the span where it lay in the span; ASCII became ASCII.
    Some(unsafe { StringViewArray::new_unchecked(views.into(), vec![buffer], nulls) })
}

fn bytes(bytes: &[u8], old: u8, new: u8) -> Vec<u8> {
    bytes
        .iter()
        .map(move |byte| if *byte == old { new } else { *byte })
        .collect()
}

fn views(views: &[u128], span: &Span<'_>, old: u8, new: u8) -> Vec<u128> {
    let change = ONES * u128::from(old ^ new);
    let exchange = move |view: &u128| {
        let length = *view as u32;
        let text = view >> 32;
        // Of a long text the first four bytes.
        let seen = low_bytes(if length <= INLINE { length } else { 4 });
        let text = text ^ (equal_bytes(text, old) & seen & change);
        let place = match length <= INLINE {
            true => text,
            false => text & 0xFFFF_FFFF | (span.place(*view).0 as u128) << 64,
        };
        u128::from(length) | place << 32
    };
    views.iter().map(exchange).collect()
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;

    use super::*;

    #[test]
    fn every_character_of_every_text() {
        let texts = vec![
            "-a-text-of-more-than-twelve-bytes-",
            "-short-",
            "",
            "ünï-ünï-ünï-ünï",
            "none",
            "none that is longer than twelve",
        ];
        let array = StringViewArray::from(texts.clone());
        for (old, new) in [(b'-', b' '), (b'n', b'n'), (b'\0', b'x'), (b'e', b'\0')] {
            let found = exchanged(&array, old, new, None).unwrap();
            found.to_data().validate_full().unwrap();
            let (from, to) = (char::from(old), char::from(new).to_string());
            let wanted: Vec<_> = texts.iter().map(|text| text.replace(from, &to)).collect();
            assert_eq!(found.iter().flatten().collect::<Vec<_>>(), wanted);
        }
        assert!(exchanged(&array, 0xC3, b' ', None).is_none());
    }
}
