//! What standard parsing needs to know of a locale: signs of numbers, the order of dates, names of months. What writing
//! needs: pictures of a date and a time.
//!
//! The table for reading goes by the language part of the LCID, with countries that differ from their language listed first.
//! The one for writing ([`Written`]) goes by the whole LCID and has those whose pictures in Windows are well known; measured
//! are 1033 and 1045. In all others a date is written as ISO has it: `2024-02-29 13:05:09`.

/// The order in which day, month and year are written as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DateOrder {
    /// 8/6/2003 is 6 August.
    MonthDayYear,
    /// 8/6/2003 is 8 June.
    DayMonthYear,
    /// 2003/8/6.
    YearMonthDay,
}

/// The conventions of one LCID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locale {
    /// The LCID, as the package has it.
    pub lcid: u32,
    /// The order of numeric dates.
    pub date_order: DateOrder,
    /// The decimal sign: `.` or `,`.
    pub decimal: u8,
    groups: &'static [&'static str],
    currencies: &'static [&'static str],
    months: Option<&'static [&'static str; 12]>,
}

/// An LCID that is not in the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "locale id {0} is not known; set LocaleID to a Windows locale such as 1033 (English, United States)"
)]
pub struct UnknownLocale(pub u32);

const COMMA: &[&str] = &[","];
const POINT: &[&str] = &["."];
/// Blank, no-break blank, narrow no-break blank.
const BLANK: &[&str] = &[" ", "\u{a0}", "\u{202f}"];
const APOSTROPHE: &[&str] = &["'", "\u{2019}"];

use DateOrder::{DayMonthYear as Dmy, MonthDayYear as Mdy, YearMonthDay as Ymd};

type Row = (
    u32,
    DateOrder,
    u8,
    &'static [&'static str],
    &'static [&'static str],
);

/// Whole LCIDs that differ from the first country of their language.
#[rustfmt::skip]
static COUNTRIES: &[Row] = &[
    (0x007F, Mdy, b'.', COMMA, &["\u{a4}"]),          // invariant
    (0x0409, Mdy, b'.', COMMA, &["$"]),               // en-US
    (0x3409, Mdy, b'.', COMMA, &["₱"]),               // en-PH
    (0x1009, Ymd, b'.', COMMA, &["$"]),               // en-CA
    (0x1C09, Ymd, b',', BLANK, &["R"]),               // en-ZA
    (0x4009, Dmy, b'.', COMMA, &["₹", "Rs."]),        // en-IN
    (0x0C09, Dmy, b'.', COMMA, &["$"]),               // en-AU
    (0x1409, Dmy, b'.', COMMA, &["$"]),               // en-NZ
    (0x0807, Dmy, b'.', APOSTROPHE, &["CHF", "Fr."]), // de-CH
    (0x100C, Dmy, b'.', APOSTROPHE, &["CHF", "fr."]), // fr-CH
    (0x0810, Dmy, b'.', APOSTROPHE, &["CHF", "fr."]), // it-CH
    (0x0C0C, Ymd, b',', BLANK, &["$"]),               // fr-CA
    (0x080A, Dmy, b'.', COMMA, &["$"]),               // es-MX
    (0x540A, Mdy, b'.', COMMA, &["$"]),               // es-US
    (0x0816, Dmy, b',', BLANK, &["€"]),               // pt-PT
];

/// By the language part (the low ten bits) of the LCID.
#[rustfmt::skip]
static LANGUAGES: &[Row] = &[
    (0x01, Dmy, b'.', COMMA, &[]),                    // Arabic
    (0x02, Dmy, b',', BLANK, &["лв."]),               // Bulgarian
    (0x03, Dmy, b',', POINT, &["€"]),                 // Catalan
    (0x04, Ymd, b'.', COMMA, &["¥", "￥", "NT$", "HK$"]), // Chinese
    (0x05, Dmy, b',', BLANK, &["Kč"]),                // Czech
    (0x06, Dmy, b',', POINT, &["kr.", "kr"]),         // Danish
    (0x07, Dmy, b',', POINT, &["€"]),                 // German
    (0x08, Dmy, b',', POINT, &["€"]),                 // Greek
    (0x09, Dmy, b'.', COMMA, &["£", "€", "$"]),       // English
    (0x0A, Dmy, b',', POINT, &["€", "$"]),            // Spanish
    (0x0B, Dmy, b',', BLANK, &["€"]),                 // Finnish
    (0x0C, Dmy, b',', BLANK, &["€"]),                 // French
    (0x0D, Dmy, b'.', COMMA, &["₪"]),                 // Hebrew
    (0x0E, Ymd, b',', BLANK, &["Ft"]),                // Hungarian
    (0x0F, Dmy, b',', POINT, &["kr."]),               // Icelandic
    (0x10, Dmy, b',', POINT, &["€"]),                 // Italian
    (0x11, Ymd, b'.', COMMA, &["¥", "￥"]),           // Japanese
    (0x12, Ymd, b'.', COMMA, &["₩", "￦"]),           // Korean
    (0x13, Dmy, b',', POINT, &["€"]),                 // Dutch
    (0x14, Dmy, b',', BLANK, &["kr"]),                // Norwegian
    (0x15, Dmy, b',', BLANK, &["zł"]),                // Polish
    (0x16, Dmy, b',', POINT, &["R$"]),                // Portuguese
    (0x18, Dmy, b',', POINT, &["lei"]),               // Romanian
    (0x19, Dmy, b',', BLANK, &["₽", "р."]),           // Russian
    (0x1A, Dmy, b',', POINT, &["€", "kn"]),           // Croatian, Serbian
    (0x1B, Dmy, b',', BLANK, &["€"]),                 // Slovak
    (0x1D, Ymd, b',', BLANK, &["kr"]),                // Swedish
    (0x1E, Dmy, b'.', COMMA, &["฿"]),                 // Thai
    (0x1F, Dmy, b',', POINT, &["₺", "TL"]),           // Turkish
    (0x21, Dmy, b',', POINT, &["Rp"]),                // Indonesian
    (0x22, Dmy, b',', BLANK, &["₴"]),                 // Ukrainian
    (0x24, Dmy, b',', POINT, &["€"]),                 // Slovenian
    (0x25, Dmy, b',', BLANK, &["€"]),                 // Estonian
    (0x26, Dmy, b',', BLANK, &["€"]),                 // Latvian
    (0x27, Ymd, b',', BLANK, &["€"]),                 // Lithuanian
    (0x2A, Dmy, b',', POINT, &["₫"]),                 // Vietnamese
    (0x39, Dmy, b'.', COMMA, &["₹"]),                 // Hindi
    (0x3E, Dmy, b'.', COMMA, &["RM"]),                // Malay
];

/// How a locale writes a moment: the short date and the long time of Windows.
#[derive(Debug)]
pub(crate) struct Written {
    /// `dd.MM.yyyy`: a letter once for no leading zeros.
    pub(crate) date: &'static str,
    /// `HH:mm:ss`; `h` counts to 12, `tt` is the half of the day.
    pub(crate) time: &'static str,
    /// Before noon and from noon on.
    pub(crate) halves: [&'static str; 2],
}

impl Written {
    /// By a Windows locale id, of which 0, 0x400 and 0x800 are the invariant locale, as in [`Locale::from_lcid`].
    pub(crate) fn by(lcid: u32) -> &'static Self {
        let key = key(lcid);
        let found = WRITTEN.iter().find(|(lcids, _)| lcids.contains(&key));
        found.map_or(&ISO, |(_, written)| written)
    }
}

const fn day(date: &'static str, time: &'static str) -> Written {
    let halves = ["AM", "PM"];
    Written { date, time, halves }
}

static ISO: Written = day("yyyy-MM-dd", "HH:mm:ss");

/// Those of pl-PL and en-US are as packages store them, the others as Windows is known to write them.
#[rustfmt::skip]
static WRITTEN: &[(&[u32], Written)] = &[
    (&[0x007F], day("MM/dd/yyyy", "HH:mm:ss")),                       // invariant
    (&[0x0409, 0x540A], day("M/d/yyyy", "h:mm:ss tt")),               // en-US, es-US
    (&[0x0C09], day("d/MM/yyyy", "h:mm:ss tt")),                      // en-AU
    (&[0x0009, 0x0809, 0x1809], day("dd/MM/yyyy", "HH:mm:ss")),       // English of the world, of GB, IE
    (&[0x4009, 0x0439], day("dd-MM-yyyy", "HH:mm:ss")),               // en-IN, hi-IN
    (&[0x0407, 0x0C07, 0x0807], day("dd.MM.yyyy", "HH:mm:ss")),       // German of DE, AT, CH
    (&[0x040C], day("dd/MM/yyyy", "HH:mm:ss")),                       // fr-FR
    (&[0x100C, 0x0810], day("dd.MM.yyyy", "HH:mm:ss")),               // French and Italian of CH
    (&[0x0C0C], day("yyyy-MM-dd", "HH:mm:ss")),                       // fr-CA
    (&[0x040A, 0x0C0A], day("dd/MM/yyyy", "H:mm:ss")),                // es-ES
    (&[0x0410, 0x0416, 0x0816], day("dd/MM/yyyy", "HH:mm:ss")),       // it-IT, pt-BR, pt-PT
    (&[0x0413], day("d-M-yyyy", "HH:mm:ss")),                         // nl-NL
    (&[0x0406], day("dd-MM-yyyy", "HH:mm:ss")),                       // da-DK
    (&[0x0414, 0x0415, 0x0418], day("dd.MM.yyyy", "HH:mm:ss")),       // nb-NO, pl-PL, ro-RO
    (&[0x041D, 0x0427], day("yyyy-MM-dd", "HH:mm:ss")),               // sv-SE, lt-LT
    (&[0x0419], day("dd.MM.yyyy", "H:mm:ss")),                        // ru-RU
    (&[0x040D], day("dd/MM/yyyy", "HH:mm:ss")),                       // he-IL
    (&[0x0411], day("yyyy/MM/dd", "H:mm:ss")),                        // ja-JP
    (&[0x0804], day("yyyy/M/d", "H:mm:ss")),                          // zh-CN
    (&[0x0412], Written { halves: ["오전", "오후"], ..day("yyyy-MM-dd", "tt h:mm:ss") }), // ko-KR
    (&[0x0408], Written { halves: ["πμ", "μμ"], ..day("d/M/yyyy", "h:mm:ss tt") }),      // el-GR
];

#[rustfmt::skip]
static ENGLISH: [&str; 12] = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
#[rustfmt::skip]
static GERMAN: [&str; 12] = ["januar", "februar", "märz", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "dezember"];
#[rustfmt::skip]
static FRENCH: [&str; 12] = ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"];
#[rustfmt::skip]
static SPANISH: [&str; 12] = ["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"];
#[rustfmt::skip]
static ITALIAN: [&str; 12] = ["gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"];
#[rustfmt::skip]
static DUTCH: [&str; 12] = ["januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"];
#[rustfmt::skip]
static PORTUGUESE: [&str; 12] = ["janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"];

impl Locale {
    /// The conventions of a Windows locale id. 0, 0x400 and 0x800 (the machine's own) read as the invariant locale: a
    /// package must mean the same on every machine.
    ///
    /// # Errors
    /// [`UnknownLocale`] for an LCID whose language is not in the table.
    pub fn from_lcid(lcid: u32) -> Result<Self, UnknownLocale> {
        let key = key(lcid);
        let row = COUNTRIES
            .iter()
            .find(|row| row.0 == key)
            .or_else(|| LANGUAGES.iter().find(|row| row.0 == key & 0x3FF))
            .ok_or(UnknownLocale(lcid))?;
        let &(_, date_order, decimal, groups, currencies) = row;
        Ok(Self {
            lcid,
            date_order,
            decimal,
            groups,
            currencies,
            months: match key & 0x3FF {
                0x07 => Some(&GERMAN),
                0x0C => Some(&FRENCH),
                0x0A => Some(&SPANISH),
                0x10 => Some(&ITALIAN),
                0x13 => Some(&DUTCH),
                0x16 => Some(&PORTUGUESE),
                _ => None,
            },
        })
    }

    /// `text` without the group sign it starts with.
    pub(super) fn strip_group<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        strip_any(text, self.groups, strip_start)
    }

    /// `text` without the currency sign at its start or end.
    pub(super) fn strip_currency<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        strip_any(text, self.currencies, strip_start)
            .or_else(|| strip_any(text, self.currencies, strip_end))
    }

    /// The month (1 to 12) of a name or its abbreviation (three letters or more), in the locale's language or English.
    pub(super) fn month(&self, word: &str) -> Option<u32> {
        let word = word.to_lowercase();
        let find = |names: &[&str; 12]| {
            // An abbreviation must name one month only: `jui` is both juin and juillet.
            let mut found = (1u32..)
                .zip(names)
                .filter(|(_, name)| name.starts_with(&word));
            let exact = (1u32..).zip(names).find(|(_, name)| **name == word);
            let (first, second) = (found.next(), found.next());
            exact
                .or(first.filter(|_| second.is_none()))
                .map(|(month, _)| month)
        };
        if word.chars().count() < 3 {
            return None;
        }
        self.months.and_then(find).or_else(|| find(&ENGLISH))
    }
}

/// The LCID as the tables have it.
fn key(lcid: u32) -> u32 {
    match lcid & 0xFFFF {
        0 | 0x400 | 0x800 => 0x007F,
        _ if is_custom(lcid) => ENGLISH_WORLD,
        other => other,
    }
}

/// Whether Windows gives an LCID to locales that have none of their own (0x0C00, 0x1000, 0x1400 and on): which one it was
/// stayed on the machine that saved the package. They are read as English (World): day, month, year.
pub fn is_custom(lcid: u32) -> bool {
    let id = lcid & 0xFFFF;
    id & 0x3FF == 0 && id >= 0x0C00
}

/// The language of English alone: its first country is day, month, year.
const ENGLISH_WORLD: u32 = 0x0009;

type Strip = for<'a, 'b> fn(&'a [u8], &'b [u8]) -> Option<&'a [u8]>;

fn strip_start<'a>(text: &'a [u8], sign: &[u8]) -> Option<&'a [u8]> {
    text.strip_prefix(sign)
}

fn strip_end<'a>(text: &'a [u8], sign: &[u8]) -> Option<&'a [u8]> {
    text.strip_suffix(sign)
}

fn strip_any<'a>(text: &'a [u8], signs: &[&str], strip: Strip) -> Option<&'a [u8]> {
    signs.iter().find_map(|sign| strip(text, sign.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_come_before_languages() {
        assert_eq!(
            Locale::from_lcid(1033).unwrap().date_order,
            DateOrder::MonthDayYear
        );
        assert_eq!(
            Locale::from_lcid(2057).unwrap().date_order,
            DateOrder::DayMonthYear
        );
        assert_eq!(Locale::from_lcid(2055).unwrap().decimal, b'.');
        assert_eq!(Locale::from_lcid(1031).unwrap().decimal, b',');
        assert_eq!(
            Locale::from_lcid(8192).unwrap().date_order,
            DateOrder::DayMonthYear
        );
        assert!(!is_custom(0x0800) && !is_custom(1033) && is_custom(0x0C00));
        assert_eq!(Locale::from_lcid(0x3FE), Err(UnknownLocale(0x3FE)));
    }

    #[test]
    fn months_by_name_and_abbreviation() {
        let french = Locale::from_lcid(1036).unwrap();
        assert_eq!(french.month("Août"), Some(8));
        assert_eq!(french.month("juil"), Some(7));
        assert_eq!(french.month("jui"), None);
        assert_eq!(french.month("August"), Some(8));
        assert_eq!(french.month("au"), None);
        assert_eq!(Locale::from_lcid(1031).unwrap().month("märz"), Some(3));
    }
}
