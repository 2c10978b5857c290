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
        let (x, y) = (self.counted(left), self.counted(right));
        let order = self.collator.compare(&x, &y);
        match self.has_signs {
            true => order.then_with(|| windows::marks(left).cmp(windows::marks(right))),
            false => order,
        }
    }

    /// Appends the key of `text`.
    pub fn sort_key(&self, text: &str, key: &mut Vec<u8>) {
        let Ok(()) = self.collator.write_sort_key_to(&self.counted(text), key);
        if self.has_signs {
            windows::push_marks(text, key);
        }
    }

    /// What of a text ICU is to count.
    fn counted<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let text = match self.has_signs {
            true => windows::text_in_icu(text),
            false => Cow::Borrowed(text),
        };
        match self.fold_case {
            true => Cow::Owned(text.to_lowercase()),
            false => text,
        }
    }
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
    use std::sync::OnceLock;

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
        for text in ["co-op", "co_op", "c$oop", "coop!", "co op"] {
            assert_eq!(collation.compare(text, "coop"), Ordering::Equal, "{text}");
        }
    }

    #[test]
    fn signs_of_ascii_stand_as_in_windows() {
        let signs = b" !\"#$%&()*,./:;?@[\\]^_`{|}~+<=>09aB";
        for pair in signs.windows(2) {
            let [first, second] = [pair[0], pair[1]].map(char::from);
            for locale in [127, 1033, 1031, 1041] {
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
        let collation = Collation::try_new(1033, CASE | KANA | WIDTH).unwrap();
        assert_eq!(collation.compare("a!_1", "a！＿1"), Ordering::Equal);
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

    proptest! {
        #[test]
        fn the_table_orders_as_icu_does(a in "[ -~\\t\\n\u{1}\u{7F}é\u{301}·lL]{0,6}", b in "[ -~\\t\\n\u{1}\u{7F}é\u{301}·lL]{0,6}") {
            let collation = INVARIANT.get_or_init(|| Collation::try_new(127, 0).unwrap());
            let order = collation.collator.compare(&windows::text_in_icu(&a), &windows::text_in_icu(&b));
            let marks = windows::marks(&a).cmp(windows::marks(&b));
            prop_assert_eq!(collation.compare(&a, &b), order.then(marks));
        }

        #[test]
        fn keys_order_as_texts_do(a in "[a-cA'_!\u{2010}ö-]{0,6}", b in "[a-cA'_!\u{2010}ö-]{0,6}", flags in 0_u32..8) {
            let Ok(collation) = Collation::try_new(1033, flags) else {
                return Ok(());
            };
            let key = |text: &str| {
                let mut key = Vec::new();
                collation.sort_key(text, &mut key);
                key
            };
            prop_assert_eq!(collation.compare(&a, &b), key(&a).cmp(&key(&b)));
        }
    }
}
