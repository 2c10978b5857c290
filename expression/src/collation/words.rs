//! Word sort, in which Windows compares text: hyphens and apostrophes do not count until all else is equal, so that "co-op" stands
//! beside "coop". They then count by where they are, and by which they are.
//!
//! Sources: "Handling Sorting in Your Applications" (Windows documentation), \[MS-UCODEREF\] 3.1.5.2.14. ICU has no such order: it
//! counts hyphens as it counts any other punctuation.

use std::borrow::Cow;

/// Ends what ICU makes a key of; smaller than whatever may follow in its place in another key.
const SEPARATOR: u8 = 1;

/// A hyphen or dash, or an apostrophe.
pub(super) fn is_mark(character: char) -> bool {
    matches!(
        character,
        '\'' | '-' | '\u{2010}'
            ..='\u{2015}'
                | '\u{207B}'
                | '\u{208B}'
                | '\u{FE58}'
                | '\u{FE63}'
                | '\u{FF07}'
                | '\u{FF0D}'
    )
}

/// The text without its marks.
pub(super) fn unmarked(text: &str) -> Cow<'_, str> {
    match may_have_marks(text) && text.contains(is_mark) {
        true => Cow::Owned(text.replace(is_mark, "")),
        false => Cow::Borrowed(text),
    }
}

/// By the first bytes of marks, all bytes at once.
fn may_have_marks(text: &str) -> bool {
    let is_first = |byte| matches!(byte, b'\'' | b'-' | 0xE2 | 0xEF);
    text.bytes().fold(false, |may, byte| may | is_first(byte))
}

/// How many characters are before each mark, and which it is.
pub(super) fn marks(text: &str) -> impl Iterator<Item = (u32, char)> {
    let marked = text
        .chars()
        .zip(0..)
        .filter(|(character, _)| is_mark(*character));
    marked
        .zip(0..)
        .map(|((mark, at), before)| (at - before, mark))
}

/// Appends the marks of a text to the key of what is left of it.
pub(super) fn push_marks(text: &str, key: &mut Vec<u8>) {
    let mut separator = Some(SEPARATOR);
    for (before, mark) in marks(text) {
        key.extend(separator.take());
        key.extend_from_slice(&before.to_be_bytes());
        key.extend_from_slice(&u32::from(mark).to_be_bytes());
    }
}
