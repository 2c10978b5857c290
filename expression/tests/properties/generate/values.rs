//! Values of each type: everyday ones, those at the ends of the type, and those on which fast ways divide.

use super::Choices;

pub(crate) const MICROS_PER_DAY: i64 = 86_400_000_000;
/// 0001-01-01 and the end of 9999-12-31.
const FIRST_DAY: i64 = -719_162;
const LAST_DAY: i64 = 2_932_896;

/// Year 1, 1600-02-29, 1601, 1753, 1899-12-30, 1900-02-28 and 03-01, 1970, 2000-02-29, 2023-12-31, 2024-02-29, 2100-02-28, 9999.
const DAYS: &[i64] = &[
    19_782, 0, FIRST_DAY, LAST_DAY, -135_080, -134_774, -79_258, -25_569, -25_510, -25_509, 11_016,
    19_722, 47_540, -1,
];

/// Parts of a day: its ends, and on either side of a second, a millisecond and 1/300 of a second.
const MICROS: &[i64] = &[
    0,
    1,
    MICROS_PER_DAY - 1,
    43_200_000_000,
    3_599_999_999,
    999_000,
    456_000,
    1_666_666,
    86_399_999_000,
];

const TEXTS: &[&str] = &[
    "",
    "a",
    "Anna",
    "  pad ",
    " ",
    "a,b;c,,d",
    "twelve bytes",
    "thirteen byte",
    "é",
    "ÀÉÎÕÜ straße",
    "7",
    "-12",
    " +3 ",
    "12.50",
    "1e3",
    "99999999999",
    "true",
    "FALSE",
    "2024-02-29",
    "0001-01-01 00:00:00",
    "1899-12-30 23:59:59.9999999",
    "12/31/9999",
    "13:05:59",
    "2000-02-29 12:34:56.789 +05:30",
    "{00112233-4455-6677-8899-AABBCCDDEEFF}",
    "aaaaaaaaaaaaaaaaaaaa",
    "\"quoted\\\"",
    "€\u{a0}1",
];

/// Beyond code page 1252.
const WIDE_TEXTS: &[&str] = &[
    "日本語",
    "日本語テキスト",
    "😀",
    "a😀b😀c",
    "e\u{301}",
    "İıſß",
    "\u{1F1E6}\u{1F1E7} flags and more",
    "Ωμέγα, Ωμέγα; Ωμέγα",
];

/// How far values of a column go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    Small,
    Edges,
    Any,
}

/// A whole number from `-most - one_more` to `most`.
pub(crate) fn integer(choices: &mut Choices<'_>, range: Range, least: i128, most: i128) -> i128 {
    let found = match range {
        Range::Small => choices.below(24) as i128 - 3,
        Range::Edges => match choices.below(10) {
            0 => 0,
            1 => 1,
            2 => -1,
            3 => most,
            4 => least,
            5 => most - 1,
            6 => i128::from(i64::MAX) + choices.below(2) as i128,
            7 => i128::from(i64::MIN) - choices.below(2) as i128,
            8 => 10_i128.pow(choices.below(39) as u32) / 2,
            _ => most / 2,
        },
        Range::Any => {
            let wide = i128::from(choices.word()) << 64 | i128::from(choices.word());
            wide >> choices.below(128)
        }
    };
    if (least..=most).contains(&found) {
        return found;
    }
    match most.checked_add(1) {
        Some(bound) => (found % bound).max(least),
        None => found.max(least),
    }
}

pub(crate) fn float(choices: &mut Choices<'_>, range: Range) -> f64 {
    match range {
        Range::Small => choices.below(40) as f64 / 4.0 - 2.0,
        Range::Edges => choices.of(&[
            0.0,
            -0.0,
            1.0,
            -1.5,
            0.1,
            2.5,
            1e15,
            -1e16,
            1e38,
            3.4e38,
            5e-324,
            1.8e19,
            2_147_483_647.5,
            1e308,
            -1e308,
        ]),
        Range::Any => {
            let any = f64::from_bits(choices.word());
            if any.is_finite() { any } else { 0.25 }
        }
    }
}

/// Days since 1970-01-01.
pub(crate) fn day(choices: &mut Choices<'_>, range: Range) -> i64 {
    match range {
        Range::Small => 19_000 + choices.below(256) as i64 * 7,
        Range::Edges => choices.of(DAYS),
        Range::Any => {
            let days = LAST_DAY - FIRST_DAY + 1;
            FIRST_DAY + (choices.word() % days as u64) as i64
        }
    }
}

/// A part of a day with so many digits of a second.
pub(crate) fn micros(choices: &mut Choices<'_>, range: Range, digits: u8) -> i64 {
    let micros = match range {
        Range::Small => choices.below(24) as i64 * 3_600_000_000,
        Range::Edges => choices.of(MICROS),
        Range::Any => (choices.word() % MICROS_PER_DAY as u64) as i64,
    };
    let step = 10_i64.pow(6_u32.saturating_sub(u32::from(digits)));
    micros / step * step
}

/// No longer than `length` UTF-16 code units, or bytes in code page 1252.
pub(crate) fn text(choices: &mut Choices<'_>, range: Range, length: usize, wide: bool) -> String {
    let text = match range {
        Range::Small => choices.of(&TEXTS[..8]).to_owned(),
        Range::Edges if wide && choices.one_in(2) => choices.of(WIDE_TEXTS).to_owned(),
        Range::Edges => choices.of(TEXTS).to_owned(),
        Range::Any => {
            let count = 1 + choices.below(5);
            let parts = (0..count).map(|_| match wide && choices.one_in(3) {
                true => choices.of(WIDE_TEXTS),
                false => choices.of(TEXTS),
            });
            let joined: String = parts.collect();
            match choices.one_in(16) {
                true => joined.repeat(1 + 4000 / (joined.len() + 1)),
                false => joined,
            }
        }
    };
    let mut units = 0;
    text.chars()
        .take_while(|character| {
            units += character.len_utf16();
            units <= length
        })
        .collect()
}
