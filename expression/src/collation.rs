//! Collation keys: bytes whose order and equality are those of text under a locale and SSIS comparison flags.

use icu_collator::{
    Collator, CollatorBorrowed, CollatorPreferences,
    options::{AlternateHandling, CaseLevel, CollatorOptions, MaxVariable, Strength},
};
use icu_locale_core::Locale;

const IGNORE_CASE: u32 = 0x1;
const IGNORE_NON_SPACING: u32 = 0x2;
const IGNORE_SYMBOLS: u32 = 0x4;

/// A locale whose collation is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("locale id {0} has no known collation; set the component's LocaleID to a known one, such as 1033")]
pub struct CollationError(pub u32);

/// Text order of one locale (LCID) under one set of comparison flags (`ssis-semantics` 3.2, 3.3).
#[derive(Debug)]
pub struct Collation {
    collator: CollatorBorrowed<'static>,
}

impl Collation {
    /// Fails for a locale whose collation is not known.
    pub fn try_new(locale_id: u32, comparison_flags: u32) -> Result<Self, CollationError> {
        let mut options = CollatorOptions::default();
        let (case, accents) = (
            comparison_flags & IGNORE_CASE != 0,
            comparison_flags & IGNORE_NON_SPACING != 0,
        );
        options.strength = Some(match (case, accents) {
            (false, false) => Strength::Tertiary,
            (true, false) => Strength::Secondary,
            (_, true) => Strength::Primary,
        });
        if accents && !case {
            options.case_level = Some(CaseLevel::On);
        }
        if comparison_flags & IGNORE_SYMBOLS != 0 {
            options.alternate_handling = Some(AlternateHandling::Shifted);
            options.max_variable = Some(MaxVariable::Symbol);
        }
        let preferences = CollatorPreferences::from(&locale(locale_id)?);
        let collator = Collator::try_new(preferences, options).map_err(|_| CollationError(locale_id))?;
        Ok(Self { collator })
    }

    /// The order of two texts.
    pub fn compare(&self, left: &str, right: &str) -> std::cmp::Ordering {
        self.collator.compare(left, right)
    }

    /// Appends the key of `text`.
    pub fn key(&self, text: &str, out: &mut Vec<u8>) {
        let Ok(()) = self.collator.write_sort_key_to(text, out);
    }
}

fn locale(locale_id: u32) -> Result<Locale, CollationError> {
    let name = match locale_id & 0x3FF {
        _ if locale_id == 0 || locale_id == 127 => "und",
        0x05 => "cs",
        0x06 => "da",
        0x07 => "de",
        0x09 => "en",
        0x0A => "es",
        0x0B => "fi",
        0x0C => "fr",
        0x10 => "it",
        0x11 => "ja",
        0x13 => "nl",
        0x14 => "nb",
        0x15 => "pl",
        0x16 => "pt",
        0x1D => "sv",
        _ => "",
    };
    match Locale::try_from_str(name) {
        Ok(locale) if !name.is_empty() => Ok(locale),
        _ => Err(CollationError(locale_id)),
    }
}
