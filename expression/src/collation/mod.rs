//! The order of text under a locale and comparison flags, and bytes that have it (`ssis-semantics` 3.2, 3.3): that of ICU, with
//! hyphens, apostrophes and signs in the places that Windows gives them.

mod ascii;
mod windows;

use std::{borrow::Cow, cmp::Ordering};

use ascii::AsciiOrder;

use icu_collator::{
    Collator, CollatorBorrowed, CollatorPreferences,
    options::{AlternateHandling, CaseLevel, CollatorOptions, MaxVariable, Strength},
};
use icu_locale_core::Locale;

const CASE: u32 = 0x1;
const NON_SPACING: u32 = 0x2;
const SYMBOLS: u32 = 0x4;
const KANA: u32 = 0x1_0000;
const WIDTH: u32 = 0x2_0000;

/// A locale or a set of comparison flags whose order is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CollationError(String);

/// The order of text in one locale under one set of flags.
#[derive(Debug)]
pub struct Collation {
    collator: CollatorBorrowed<'static>,
    /// Case is ignored while kana and width, which ICU ranks with it, are not.
    fold_case: bool,
    /// Signs count, as they do in Windows; else they are ignored.
    has_signs: bool,
    /// The same mark in another width is another.
    is_exact: bool,
    /// Where the locale orders ASCII as the root does, and nothing is ignored.
    ascii: Option<Box<AsciiOrder>>,
}

impl Collation {
    /// Fails for a locale, or a set of flags, whose order is not known.
    pub fn try_new(locale_id: u32, flags: u32) -> Result<Self, CollationError> {
        let mut options = CollatorOptions::default();
        // ICU ranks case, kana and width as one level.
        let level = flags & (CASE | KANA | WIDTH);
        let (strength, fold_case) = match (flags & NON_SPACING != 0, level) {
            (false, 0) => (Strength::Tertiary, false),
            (false, CASE) => (Strength::Tertiary, true),
            (false, level) if level == CASE | KANA | WIDTH => (Strength::Secondary, false),
            (true, 0) => {
                options.case_level = Some(CaseLevel::On);
                (Strength::Primary, false)
            }
            (true, level) if level & CASE != 0 => (Strength::Primary, false),
            _ => {
                return Err(unknown(format!(
                    "comparison flags 0x{flags:X} are not supported"
                )));
            }
        };
        if flags & !(NON_SPACING | SYMBOLS | CASE | KANA | WIDTH) != 0 {
            return Err(unknown(format!(
                "comparison flags 0x{flags:X} are not supported"
            )));
        }
        options.strength = Some(strength);
        // Thai would ignore signs.
        options.alternate_handling = Some(AlternateHandling::NonIgnorable);
        if flags & SYMBOLS != 0 {
            options.alternate_handling = Some(AlternateHandling::Shifted);
            options.max_variable = Some(MaxVariable::Currency);
        }
        let preferences = CollatorPreferences::from(&locale(locale_id)?);
        let collator = Collator::try_new(preferences, options)
            .map_err(|error| unknown(format!("the order of locale {locale_id}: {error}")))?;
        let ascii = match (flags, locale_id & 0x3FF) {
            (0, 0x00 | 0x7F | 0x09) => {
                options.strength = Some(Strength::Primary);
                let letters = Collator::try_new(preferences, options);
                letters
                    .ok()
                    .map(|letters| Box::new(AsciiOrder::new(&letters, &collator)))
            }
            _ => None,
        };
        Ok(Self {
            collator,
            fold_case,
            has_signs: flags & SYMBOLS == 0,
            is_exact: strength == Strength::Tertiary,
            ascii,
        })
    }

    /// The order of two texts.
    #[inline]
    pub fn compare(&self, left: &str, right: &str) -> Ordering {
        let ascii = self.ascii.as_ref();
        let order = ascii.and_then(|ascii| ascii.compare(left.as_bytes(), right.as_bytes()));
        order.unwrap_or_else(|| self.compare_by_icu(left, right))
    }

    #[inline(never)]
    fn compare_by_icu(&self, left: &str, right: &str) -> Ordering {
        let (left, right) = (self.folded(left), self.folded(right));
        if !self.is_by_windows(&left) && !self.is_by_windows(&right) {
            return self.collator.compare(&left, &right);
        }
        // Where no sign has another place, the marks are all that is Windows's own.
        let (x, y) = (windows::unmarked(&left), windows::unmarked(&right));
        if [&x, &y]
            .iter()
            .all(|text| windows::text_in_icu(text) == ***text)
        {
            let order = self.collator.compare(&x, &y);
            if order != Ordering::Equal {
                return order;
            }
        }
        let key = |text: &str| {
            let mut key = Vec::new();
            self.folded_key(text, &mut key);
            key
        };
        key(&left).cmp(&key(&right))
    }

    /// Appends the key of `text`.
    pub fn sort_key(&self, text: &str, key: &mut Vec<u8>) {
        self.folded_key(&self.folded(text), key);
    }

    /// Whether hyphens and apostrophes count.
    pub fn has_signs(&self) -> bool {
        self.has_signs
    }

    fn folded<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.fold_case {
            true => Cow::Owned(text.to_lowercase()),
            false => Cow::Borrowed(text),
        }
    }

    fn is_by_windows(&self, text: &str) -> bool {
        self.has_signs && windows::may_have_signs(text)
    }

    /// ```text
    ///  primary level, signs as Windows has them │ 1 │ other levels, as ICU has them │ 1 │ marks, if there are any
    /// ```
    fn folded_key(&self, text: &str, key: &mut Vec<u8>) {
        let icu_key = |text: &str, key: &mut Vec<u8>| {
            let Ok(()) = self.collator.write_sort_key_to(text, key);
        };
        if !self.is_by_windows(text) {
            return icu_key(text, key);
        }
        let start = key.len();
        let unmarked = windows::unmarked(text);
        icu_key(&unmarked, key);
        let mut part = Vec::new();
        let moved = windows::text_in_icu(&unmarked);
        if moved != *unmarked {
            icu_key(&moved, &mut part);
            let own = start..start + primary(&key[start..]);
            key.splice(own, part.drain(..primary(&part)));
        }

        let mut before = 0_u32;
        let mut separator = Some(LEVEL);
        let marks = text.matches(windows::is_mark).flat_map(str::chars);
        for (segment, mark) in text.split(windows::is_mark).zip(marks) {
            part.clear();
            icu_key(segment, &mut part);
            before = before.saturating_add(primary(&part) as u32);
            key.extend(separator.take());
            key.extend_from_slice(&before.to_be_bytes());
            let mark = match self.is_exact {
                true => mark,
                false => windows::plain_mark(mark),
            };
            key.extend_from_slice(&(u32::from(mark) as u16).to_be_bytes());
        }
    }
}

/// Between the levels of a key; smaller than what they are made of.
const LEVEL: u8 = 1;

/// Bytes of the primary level of a key.
fn primary(key: &[u8]) -> usize {
    key.iter()
        .position(|byte| *byte == LEVEL)
        .unwrap_or(key.len())
}

fn unknown(message: String) -> CollationError {
    CollationError(message)
}

/// The locale of an LCID's primary language; sublanguages sort alike in those listed.
fn locale(locale_id: u32) -> Result<Locale, CollationError> {
    let name = match locale_id & 0x3FF {
        0x00 | 0x7F => "und",
        0x01 => "ar",
        0x02 => "bg",
        0x03 => "ca",
        0x04 => "zh",
        0x05 => "cs",
        0x06 => "da",
        0x07 => "de",
        0x08 => "el",
        0x09 => "en",
        0x0A => "es",
        0x0B => "fi",
        0x0C => "fr",
        0x0D => "he",
        0x0E => "hu",
        0x0F => "is",
        0x10 => "it",
        0x11 => "ja",
        0x12 => "ko",
        0x13 => "nl",
        0x14 => "nb",
        0x15 => "pl",
        0x16 => "pt",
        0x18 => "ro",
        0x19 => "ru",
        0x1A => "hr",
        0x1B => "sk",
        0x1D => "sv",
        0x1E => "th",
        0x1F => "tr",
        0x21 => "id",
        0x22 => "uk",
        0x24 => "sl",
        0x25 => "et",
        0x26 => "lv",
        0x27 => "lt",
        0x2A => "vi",
        0x39 => "hi",
        0x3E => "ms",
        _ => {
            return Err(unknown(format!(
                "the order of text of locale {locale_id} is not known; use LocaleID 1033"
            )));
        }
    };
    Locale::try_from_str(name).map_err(|error| unknown(format!("locale {name}: {error}")))
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::OnceLock};

    use icu_normalizer::ComposingNormalizer;
    use proptest::prelude::*;

    use super::*;

    static INVARIANT: OnceLock<Collation> = OnceLock::new();

    #[test]
    fn ascii_has_an_order() {
        assert!(Collation::try_new(127, 0).unwrap().ascii.is_some());
    }

    /// The first two lists are those of winnls.h.
    #[test]
    fn words_stand_together() {
        for (words, flags) in [
            (
                ["co_op", "coat", "comb", "coop", "co-op", "cork"].as_slice(),
                0,
            ),
            (&["went", "were", "we're"], 0),
            (&["coop", "c-oop", "co'op", "co-op", "co--op", "Coop"], 0),
            (&["coop", "Co-op", "cork"], CASE),
            // As SQL Server orders them: ask.sqlservercentral.com/questions/109765.
            (
                &["_'_", "_-_", "_+_", "_0_", "A+A", "A0A", "A'A", "A-A"],
                CASE,
            ),
            (&["öre", "ö-re", "öre\u{2013}", "öresund"], 0),
            (&["öre", "Ö-RE", "Öre\u{2013}", "öresund"], CASE),
        ] {
            let collation = Collation::try_new(1033, flags).unwrap();
            for pair in words.windows(2) {
                let order = collation.compare(pair[0], pair[1]);
                assert_eq!(order, Ordering::Less, "{pair:?}, flags {flags}");
            }
        }
    }

    #[test]
    fn ignored_symbols_do_not_count_at_all() {
        let collation = Collation::try_new(1033, SYMBOLS).unwrap();
        for text in ["co-op", "co_op", "c$oop", "c€oop", "coop!", "co op"] {
            assert_eq!(collation.compare(text, "coop"), Ordering::Equal, "{text}");
        }
    }

    #[test]
    fn signs_of_ascii_stand_as_in_windows() {
        let signs = b" !\"#$%&()*,./:;?@[\\]^_`{|}~+<=>09aB";
        for pair in signs.windows(2) {
            let [first, second] = [pair[0], pair[1]].map(char::from);
            for locale in [127, 1033, 1031, 1041, 1054] {
                let collation = Collation::try_new(locale, 0).unwrap();
                // The second pair goes by ICU.
                for (x, y) in [
                    (format!("x{first}"), format!("x{second}")),
                    (format!("é{first}"), format!("é{second}")),
                ] {
                    assert_eq!(collation.compare(&x, &y), Ordering::Less, "{x} {y}");
                }
            }
        }
    }

    /// By which the places of Windows are found.
    #[test]
    fn signs_of_ascii_are_known_as_icu_orders_them() {
        let collation = INVARIANT.get_or_init(|| Collation::try_new(127, 0).unwrap());
        for pair in windows::ICU.windows(2) {
            let [first, second] = [pair[0], pair[1]].map(|one| char::from(one).to_string());
            assert_eq!(
                collation.collator.compare(&first, &second),
                Ordering::Less,
                "{first} {second}"
            );
        }
    }

    /// What ICU holds to be a sign goes where the sign goes.
    #[test]
    fn what_is_made_of_a_sign_stands_with_it() {
        let collation = Collation::try_new(127, CASE | NON_SPACING).unwrap();
        let by_icu = |text: &str| {
            let mut key = Vec::new();
            let Ok(()) = collation.collator.write_sort_key_to(text, &mut key);
            key
        };
        let key = |text: &str| {
            let mut key = Vec::new();
            collation.sort_key(text, &mut key);
            key
        };
        let signs = windows::ICU
            .iter()
            .map(|sign| char::from(*sign).to_string());
        let signs: HashMap<_, _> = signs.map(|sign| (by_icu(&sign), sign)).collect();
        for character in (0x80..=0x10_FFFF).filter_map(char::from_u32) {
            let text = character.to_string();
            if let Some(sign) = signs.get(&by_icu(&text)) {
                assert_eq!(key(&text), key(sign), "{text} {sign}");
            }
            let differs = windows::is_mark(character) || windows::text_in_icu(&text) != text;
            assert!(!differs || windows::may_have_signs(&text), "{text}");
        }
    }

    #[test]
    fn equal_texts_stay_equal() {
        let all = CASE | KANA | WIDTH;
        for (locale, flags, left, right) in [
            (1033, 0, "a\u{301}-b", "\u{E1}-b"),
            (1033, 0, "a-b", "a\u{1}-b"),
            (1033, 0, "a;", "a\u{37E}"),
            (1033, 0, "a=\u{338}", "a\u{2260}"),
            (1033, 0, "ガ-x", "カ\u{3099}-x"),
            (1033, all, "a-b", "a－b"),
            (1033, all, "O'N", "O＇N"),
            (1033, all, "a!_1", "a！＿1"),
            (1033, all, "...", "…"),
            (1033, all, "ﬁ-x", "fi-x"),
            (1033, all, "c/o", "℅"),
            (1033, all, "(1)", "⑴"),
            (1033, NON_SPACING, "a\u{301}-b", "a-b"),
            (1033, NON_SPACING, "+", "⁺"),
            (1033, CASE | NON_SPACING, "Æ-a", "ae-a"),
            (1033, CASE, "ΑΣ-Α", "ας-α"),
            (1037, NON_SPACING, "א״א", "א\"א"),
        ] {
            let collation = Collation::try_new(locale, flags).unwrap();
            let order = collation.compare(left, right);
            assert_eq!(order, Ordering::Equal, "{left} {right} {flags:#X}");
        }
    }

    #[test]
    fn different_texts_stay_different() {
        for (locale, flags, less, greater) in [
            (1033, 0, "a#", "a\u{37E}"),
            (1033, 0, "Wait(((a", "Wait…"),
            (1033, 0, "...", "…"),
            (1033, 0, "a-b", "a－b"),
            (1033, NON_SPACING, "(((", "…"),
            (1030, 0, "data-analyse", "data-zone"),
            (1029, 0, "c-h", "cz"),
            (1038, 0, "c-s", "cz"),
            (1054, 0, "x", "x!"),
            (1054, 0, "x!", "x$"),
        ] {
            let collation = Collation::try_new(locale, flags).unwrap();
            let order = collation.compare(less, greater);
            assert_eq!(order, Ordering::Less, "{less} {greater} {flags:#X}");
        }
    }

    proptest! {
        #[test]
        fn the_table_orders_as_icu_does(a in "[ -~\\t\\n\u{1}\u{7F}é\u{301}·lL]{0,6}", b in "[ -~\\t\\n\u{1}\u{7F}é\u{301}·lL]{0,6}") {
            let collation = INVARIANT.get_or_init(|| Collation::try_new(127, 0).unwrap());
            prop_assert_eq!(collation.compare(&a, &b), collation.compare_by_icu(&a, &b));
        }

        #[test]
        fn keys_order_as_texts_do(
            a in "[a-cA'_!\u{2010}ö\u{301}－…;\u{37E}ßs-]{0,6}",
            b in "[a-cA'_!\u{2010}ö\u{301}－…;\u{37E}ßs-]{0,6}",
            flags in 0_u32..8,
        ) {
            let Ok(collation) = Collation::try_new(1033, flags) else {
                return Ok(());
            };
            let key = |text: &str| {
                let mut key = Vec::new();
                collation.sort_key(text, &mut key);
                key
            };
            prop_assert_eq!(collation.compare(&a, &b), key(&a).cmp(&key(&b)));
            // A text and its composed form are equal.
            let composed = ComposingNormalizer::new_nfc().normalize(&a).into_owned();
            prop_assert_eq!(collation.compare(&a, &composed), Ordering::Equal);
        }
    }
}
