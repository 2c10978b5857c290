//! Where Windows orders text otherwise than ICU does.
//!
//! * Words: hyphens and apostrophes do not count until all else is equal, so that "co-op" stands beside "coop". They then count
//!   by where they are, and by which they are. ICU counts a hyphen as it counts any other punctuation. Sources: "Handling
//!   Sorting in Your Applications" (Windows documentation), \[MS-UCODEREF\] 3.1.5.2.14.
//! * The other signs of ASCII stand in the order of their codes, `+ < = >` behind them, where ICU begins with the underscore.
//!   Source: <https://superuser.com/questions/681322>, where it was measured.

use std::borrow::Cow;

use icu_normalizer::{DecomposingNormalizer, DecomposingNormalizerBorrowed};

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

/// Counts for nothing, but keeps what is before it and behind it apart, as a mark does.
const JOINER: &str = "\u{34F}";

const DECOMPOSING: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizer::new_nfkd();

/// A hyphen or dash, or an apostrophe.
pub(super) fn is_mark(character: char) -> bool {
    matches!(character, '\'' | '-' | '\u{2010}'..='\u{2015}') || plain_mark(character) != character
}

/// The mark that this one is in another width or place.
pub(super) fn plain_mark(mark: char) -> char {
    match mark {
        '\u{FF07}' => '\'',
        '\u{FE63}' | '\u{FF0D}' => '-',
        '\u{2011}' => '\u{2010}',
        '\u{FE32}' => '\u{2013}',
        '\u{FE31}' | '\u{FE58}' => '\u{2014}',
        _ => mark,
    }
}

/// The character of ASCII whose place by ICU is that of this one by Windows; others are their own.
pub(super) fn in_icu(character: char) -> char {
    let found = IN_ICU.get(character as usize);
    found.map_or(character, |found| char::from(*found))
}

/// Whether signs or marks, or what is made of them, may be in the text: first by its bytes, all at once.
pub(super) fn may_have_signs(text: &str) -> bool {
    let is_first = |byte: u8| {
        byte.is_ascii_punctuation() || matches!(byte, 0xCD | 0xD7 | 0xE1..=0xE3 | 0xEF | 0xF0)
    };
    let is_among = |character: char| {
        matches!(
            character,
            '\u{37E}'
                | '\u{5F4}'
                | '\u{1FEF}'
                | '\u{2010}'..='\u{2E7F}'
                | '\u{3000}'..='\u{303F}'
                | '\u{3200}'..='\u{33FF}'
                | '\u{FB29}'
                | '\u{FE10}'..='\u{FFEF}'
                | '\u{1F100}'..='\u{1F2FF}'
        ) || character.is_ascii_punctuation()
    };
    let first = text.bytes().fold(false, |may, byte| may | is_first(byte));
    first && text.chars().any(is_among)
}

/// The text without its marks.
pub(super) fn unmarked(text: &str) -> Cow<'_, str> {
    match text.contains(is_mark) {
        true => Cow::Owned(text.replace(is_mark, JOINER)),
        false => Cow::Borrowed(text),
    }
}

/// A text without marks, its signs and what is made of them in the places that Windows gives them: ICU's primary order of these
/// is that of Windows.
pub(super) fn text_in_icu(unmarked: &str) -> String {
    let mut moved = String::with_capacity(unmarked.len());
    for character in unmarked.chars() {
        match character {
            _ if character.is_ascii() => moved.push(in_icu(character)),
            // ICU has these where the quotation mark is.
            '\u{5F4}' | '\u{201C}'..='\u{201F}' | '\u{2E42}' | '\u{301D}'..='\u{301F}' => {
                moved.push(in_icu('"'));
            }
            _ => {
                let parts = || DECOMPOSING.normalize_iter(std::iter::once(character));
                match parts().any(|part| in_icu(part) != part) {
                    true => moved.extend(parts().map(in_icu)),
                    false => moved.push(character),
                }
            }
        }
    }
    moved
}
