//! Where Windows orders text otherwise than ICU does.
//!
//! * Words: hyphens and apostrophes do not count until all else is equal, so that "co-op" stands beside "coop". They then count
//!   by where they are, and by which they are. ICU counts a hyphen as it counts any other punctuation. Sources: "Handling
//!   Sorting in Your Applications" (Windows documentation), \[MS-UCODEREF\] 3.1.5.2.14.
//! * The other signs of ASCII stand in the order of their codes, `+ < = >` behind them, where ICU begins with the underscore.
//!   Source: <https://superuser.com/questions/681322>, where it was measured.

use std::borrow::Cow;

/// The signs of ASCII but for hyphen and apostrophe, in the order of Windows.
const WINDOWS: &[u8; 30] = b"!\"#$%&()*,./:;?@[\\]^_`{|}~+<=>";
/// The same in the order of ICU.
pub(super) const ICU: &[u8; 30] = b"_,;:!?.\"()[]{}@*/\\&#%`^+<=>|~$";

/// For each character of ASCII that whose place by ICU is its own by Windows.
const IN_ICU: [u8; 128] = {
    let mut table = [0; 128];
    let mut at = 0;
    while at < table.len() {
        table[at] = at as u8;
        at += 1;
    }
    let mut rank = 0;
    while rank < WINDOWS.len() {
        table[WINDOWS[rank] as usize] = ICU[rank];
        rank += 1;
    }
    table
};

/// From a character of ASCII to its full width.
const TO_FULL_WIDTH: u32 = 0xFEE0;

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

/// The character whose place by ICU is that of this one by Windows.
pub(super) fn in_icu(character: char) -> char {
    let code = u32::from(character);
    let (ascii, shift) = match character {
        '\u{FF01}'..='\u{FF5E}' => (code - TO_FULL_WIDTH, TO_FULL_WIDTH),
        _ => (code, 0),
    };
    let found = IN_ICU.get(ascii as usize);
    let found = found.and_then(|found| char::from_u32(u32::from(*found) + shift));
    found.unwrap_or(character)
}

/// The text that ICU orders as Windows orders this one, marks apart.
pub(super) fn text_in_icu(text: &str) -> Cow<'_, str> {
    match may_differ(text) {
        true => Cow::Owned(
            text.chars()
                .filter(|one| !is_mark(*one))
                .map(in_icu)
                .collect(),
        ),
        false => Cow::Borrowed(text),
    }
}

/// By its bytes: signs of ASCII, and the first bytes of others.
fn may_differ(text: &str) -> bool {
    let is_first = |byte: u8| byte.is_ascii_punctuation() || matches!(byte, 0xE2 | 0xEF);
    text.bytes().fold(false, |may, byte| may | is_first(byte))
}

/// How many characters are before each mark, and which it is.
pub(super) fn marks(text: &str) -> impl Iterator<Item = (u32, char)> {
    let marked = text.chars().zip(0..).filter(|(one, _)| is_mark(*one));
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
