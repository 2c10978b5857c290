//! The mappings of characters themselves: case, width, kana and byte order. Pure functions of text.
//!
//! Each mapping turns one character into one or two, or two into one (full-width kana with a sound mark). The order is
//! fixed: width first when widening, then kana, then narrowing, then case, so that `Katakana + Half width` maps hiragana too.

use dtsx::SsisCode;

/// The mappings of one column, as typed flags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mapping {
    pub case: Option<Case>,
    /// Casing follows the language: dotted and dotless i in Turkish and Azeri.
    pub turkic: bool,
    pub kana: Option<Kana>,
    pub width: Option<Width>,
    pub reverse_bytes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Lower,
    Upper,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kana {
    Hiragana,
    Katakana,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    Half,
    Full,
}

/// A reversed code unit that is half of a surrogate pair: DTS_E_TXCHARMAPLCMAPFAILED.
pub(super) const MAPPING_FAILED: SsisCode = SsisCode(0xC020_90BA);

/// Full-width forms of U+FF61 to U+FF9F, in order.
const KANA: [char; 63] = [
    '。', '「', '」', '、', '・', 'ヲ', 'ァ', 'ィ', 'ゥ', 'ェ', 'ォ', 'ャ', 'ュ', 'ョ', 'ッ', 'ー',
    'ア', 'イ', 'ウ', 'エ', 'オ', 'カ', 'キ', 'ク', 'ケ', 'コ', 'サ', 'シ', 'ス', 'セ', 'ソ', 'タ',
    'チ', 'ツ', 'テ', 'ト', 'ナ', 'ニ', 'ヌ', 'ネ', 'ノ', 'ハ', 'ヒ', 'フ', 'ヘ', 'ホ', 'マ', 'ミ',
    'ム', 'メ', 'モ', 'ヤ', 'ユ', 'ヨ', 'ラ', 'リ', 'ル', 'レ', 'ロ', 'ワ', 'ン', '゛', '゜',
];
/// Signs that have a wide form, narrow and wide.
const SIGNS: [(char, char); 6] = [
    ('¢', '￠'),
    ('£', '￡'),
    ('¬', '￢'),
    ('¯', '￣'),
    ('¦', '￤'),
    ('¥', '￥'),
];
const HALF_VOICED: char = '\u{FF9E}';
const HALF_SEMI_VOICED: char = '\u{FF9F}';

impl Mapping {
    /// Appends the mapped text to `out` (which is not cleared). Fails where reversed bytes are no text.
    pub fn map(&self, text: &str, out: &mut String) -> Result<(), SsisCode> {
        if self.reverse_bytes {
            return reverse_bytes(text, out);
        }
        let mut chars = text.chars().peekable();
        while let Some(mut c) = chars.next() {
            if self.width == Some(Width::Full) {
                c = widen(c);
                if let Some(joined) = chars.peek().and_then(|mark| join_mark(c, *mark)) {
                    c = joined;
                    chars.next();
                }
            }
            c = match self.kana {
                Some(Kana::Hiragana) => hiragana(c),
                Some(Kana::Katakana) => katakana(c),
                None => c,
            };
            if self.width == Some(Width::Half) {
                let (narrow, mark) = narrow(c);
                out.push(self.cased(narrow));
                out.extend(mark);
            } else {
                out.push(self.cased(c));
            }
        }
        Ok(())
    }

    /// Simple casing: one character for one (no `SS` for sharp s).
    fn cased(&self, c: char) -> char {
        match (self.case, c) {
            (None, _) => c,
            (Some(Case::Lower), 'I') if self.turkic => 'ı',
            (Some(Case::Lower), 'İ') if self.turkic => 'i',
            (Some(Case::Upper), 'i') if self.turkic => 'İ',
            (Some(Case::Upper), 'ı') if self.turkic => 'I',
            // Outside the Turkic languages these two keep apart from i and I.
            (Some(Case::Upper), 'ı') | (Some(Case::Lower), 'İ') => c,
            (Some(Case::Lower), _) => single(c.to_lowercase(), c),
            (Some(Case::Upper), _) => single(c.to_uppercase(), c),
        }
    }
}

fn single(mut mapped: impl ExactSizeIterator<Item = char>, c: char) -> char {
    if mapped.len() == 1 {
        mapped.next().unwrap_or(c)
    } else {
        c
    }
}

fn hiragana(c: char) -> char {
    match c {
        'ァ'..='ヶ' | 'ヽ' | 'ヾ' => shifted(c, -0x60),
        _ => c,
    }
}

fn katakana(c: char) -> char {
    match c {
        'ぁ'..='ゖ' | 'ゝ' | 'ゞ' => shifted(c, 0x60),
        _ => c,
    }
}

fn shifted(c: char, by: i32) -> char {
    u32::from(c)
        .checked_add_signed(by)
        .and_then(char::from_u32)
        .unwrap_or(c)
}

fn widen(c: char) -> char {
    match c {
        ' ' => '\u{3000}',
        '!'..='~' => shifted(c, 0xFEE0),
        '\u{FF61}'..='\u{FF9F}' => KANA.get(c as usize - 0xFF61).copied().unwrap_or(c),
        _ => SIGNS
            .iter()
            .find(|(narrow, _)| *narrow == c)
            .map_or(c, |(_, wide)| *wide),
    }
}

/// A full-width kana and the half-width sound mark after it, as one character.
fn join_mark(kana: char, mark: char) -> Option<char> {
    match (kana, mark) {
        ('ウ', HALF_VOICED) => Some('ヴ'),
        ('カ'..='ト' | 'ハ'..='ホ', HALF_VOICED) if takes_mark(kana) => Some(shifted(kana, 1)),
        ('ハ'..='ホ', HALF_SEMI_VOICED) if takes_mark(kana) => Some(shifted(kana, 2)),
        _ => None,
    }
}

/// An unvoiced kana that has a voiced form.
fn takes_mark(kana: char) -> bool {
    matches!(
        kana,
        'カ' | 'キ'
            | 'ク'
            | 'ケ'
            | 'コ'
            | 'サ'
            | 'シ'
            | 'ス'
            | 'セ'
            | 'ソ'
            | 'タ'
            | 'チ'
            | 'ツ'
            | 'テ'
            | 'ト'
    ) || matches!(kana, 'ハ' | 'ヒ' | 'フ' | 'ヘ' | 'ホ')
}

/// The half-width form, with a sound mark where the full-width one includes it.
fn narrow(c: char) -> (char, Option<char>) {
    let plain = |c: char| {
        let found = KANA.iter().position(|wide| *wide == c);
        found.and_then(|index| char::from_u32(0xFF61 + index as u32))
    };
    match c {
        '\u{3000}' => (' ', None),
        '！'..='～' => (shifted(c, -0xFEE0), None),
        'ヴ' => ('ｳ', Some(HALF_VOICED)),
        'カ'..='ホ'
        | '、'
        | '。'
        | '「'
        | '」'
        | '゛'
        | '゜'
        | 'ァ'..='オ'
        | 'マ'..='ヲ'
        | 'ン'
        | '・'
        | 'ー'
        | 'ポ' => {
            if let Some(narrow) = plain(c) {
                return (narrow, None);
            }
            let marked = [(1, HALF_VOICED), (2, HALF_SEMI_VOICED)]
                .into_iter()
                .find_map(|(by, mark)| {
                    let base = shifted(c, -by);
                    takes_mark(base)
                        .then(|| plain(base))
                        .flatten()
                        .map(|base| (base, Some(mark)))
                });
            marked.unwrap_or((c, None))
        }
        _ => (
            SIGNS
                .iter()
                .find(|(_, wide)| *wide == c)
                .map_or(c, |(narrow, _)| *narrow),
            None,
        ),
    }
}

/// Swaps the two bytes of each UTF-16 code unit.
fn reverse_bytes(text: &str, out: &mut String) -> Result<(), SsisCode> {
    let swapped = char::decode_utf16(text.encode_utf16().map(u16::swap_bytes));
    for c in swapped {
        out.push(c.map_err(|_| MAPPING_FAILED)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(mapping: Mapping, text: &str) -> String {
        let mut out = String::new();
        mapping.map(text, &mut out).unwrap();
        out
    }

    #[test]
    fn widening_and_narrowing_are_inverse() {
        let full = Mapping {
            width: Some(Width::Full),
            ..Mapping::default()
        };
        let half = Mapping {
            width: Some(Width::Half),
            ..Mapping::default()
        };
        let wide: String = KANA.iter().collect::<String>()
            + "ガギグゲゴザジズゼゾダヂヅデドバビブベボパピプペポヴＡｚ０～　￡";
        assert_eq!(mapped(full, &mapped(half, &wide)), wide);
        assert_eq!(mapped(half, "ガパッ"), "ｶﾞﾊﾟｯ");
    }

    #[test]
    fn reversed_bytes_that_are_no_text_fail() {
        let reverse = Mapping {
            reverse_bytes: true,
            ..Mapping::default()
        };
        assert_eq!(mapped(reverse, "a"), "\u{6100}");
        let mut out = String::new();
        assert_eq!(reverse.map("\u{D8}", &mut out), Err(MAPPING_FAILED));
    }
}
