//! A Rust file as the checks read it: its text, and the same text with comments and literals blanked out, so that a
//! search for braces or names finds code only.

use std::ops::Range;

/// A Rust file.
pub(crate) struct Source {
    /// Relative to the root of the repository.
    pub(crate) path: String,
    pub(crate) text: String,
    /// `text` byte for byte, with a space for each byte of a comment or a literal. Line ends stay.
    pub(crate) code: Vec<u8>,
}

/// A part of the file's code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) start: usize,
}

impl Source {
    pub(crate) fn new(text: String, path: String) -> Self {
        let code = blank(text.as_bytes());
        Self { path, text, code }
    }

    /// The number of the line that holds a position.
    pub(crate) fn line_of(&self, position: usize) -> usize {
        let before = self.code.iter().take(position);
        before.filter(|byte| **byte == b'\n').count() + 1
    }

    /// Identifiers, keywords and numbers, in order.
    pub(crate) fn words(&self) -> impl Iterator<Item = Word<'_>> {
        let mut rest = 0;
        std::iter::from_fn(move || {
            let start = rest + self.code.get(rest..)?.iter().position(|b| is_word(*b))?;
            let word = self.code.get(start..)?;
            let len = word.iter().position(|b| !is_word(*b));
            let text = word.get(..len.unwrap_or(word.len()))?;
            rest = start + text.len();
            Some(Word { text, start })
        })
    }

    /// From `start` to the end of the item there: its closing brace, or its semicolon.
    pub(crate) fn item(&self, start: usize) -> Range<usize> {
        let (mut brackets, mut braces) = (0usize, 0usize);
        for (position, byte) in self.code.iter().enumerate().skip(start) {
            match byte {
                b'(' | b'[' => brackets += 1,
                b')' | b']' => brackets = brackets.saturating_sub(1),
                b'{' => braces += 1,
                b'}' if braces <= 1 && brackets == 0 => return start..position + 1,
                b'}' => braces = braces.saturating_sub(1),
                b';' if braces == 0 && brackets == 0 => return start..position + 1,
                _ => {}
            }
        }
        start..self.code.len()
    }

    /// The items under `#[cfg(test)]`, and the whole file if it opens with `#![cfg(test)]`.
    pub(crate) fn test_items(&self) -> Vec<Range<usize>> {
        const MARK: &[u8] = b"#[cfg(test)]";
        let whole = find(&self.code, b"#![cfg(test)]", 0).map(|_| 0..self.code.len());
        let mut items: Vec<_> = whole.into_iter().collect();
        let mut from = 0;
        while let Some(mark) = find(&self.code, MARK, from) {
            let item = self.item(mark + MARK.len());
            from = item.end;
            items.push(mark..item.end);
        }
        items
    }
}

/// Where `wanted` stands, at `from` or later.
pub(crate) fn find(code: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let found = code.get(from..)?.windows(wanted.len());
    Some(from + found.into_iter().position(|window| window == wanted)?)
}

fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

/// Blanks comments and literals.
fn blank(text: &[u8]) -> Vec<u8> {
    let mut code = text.to_vec();
    let mut at = 0;
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        let skipped = opaque(rest, before.is_some_and(|byte| is_word(*byte)));
        for byte in code.iter_mut().skip(at).take(skipped) {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at += skipped.max(1);
    }
    code
}

/// The length of the comment or literal at the start of `rest`; 0 if there is none.
fn opaque(rest: &[u8], inside_word: bool) -> usize {
    match rest {
        [b'/', b'/', ..] => rest.iter().take_while(|byte| **byte != b'\n').count(),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => quoted(rest, b'"'),
        [b'\'', b'\\', ..] => quoted(rest, b'\''),
        [b'\'', next, ..] => character(rest, *next),
        [b'r' | b'b' | b'c', ..] if !inside_word => raw(rest),
        _ => 0,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    loop {
        match rest.get(at..).unwrap_or_default() {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            [] => return rest.len(),
            _ => at += 1,
        }
    }
}

/// A literal with escapes, from its opening quote.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    loop {
        match rest.get(at) {
            Some(b'\\') => at += 2,
            Some(byte) if *byte == quote => return at + 1,
            Some(_) => at += 1,
            None => return rest.len(),
        }
    }
}

/// A character literal without an escape; a lifetime is code.
fn character(rest: &[u8], first: u8) -> usize {
    let width = match first {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    };
    match rest.get(1 + width) {
        Some(b'\'') => width + 2,
        _ => 0,
    }
}

/// A raw string with its prefix: `r"`, `br#"`, `cr##"`. Other prefixes are a word before an ordinary literal.
fn raw(rest: &[u8]) -> usize {
    let prefix = match rest {
        [b'b' | b'c', b'r', ..] => 2,
        [b'r', ..] => 1,
        _ => return 0,
    };
    let marks = rest.iter().skip(prefix).take_while(|b| **b == b'#').count();
    let open = prefix + marks;
    if rest.get(open) != Some(&b'"') {
        return 0;
    }
    let mut close = vec![b'"'];
    close.resize(marks + 1, b'#');
    find(rest, &close, open + 1).map_or(rest.len(), |found| found + close.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::new(text.to_owned(), "x.rs".to_owned())
    }

    fn code(text: &str) -> String {
        String::from_utf8(source(text).code).unwrap()
    }

    #[test]
    fn comments_and_literals_are_blank() {
        for (text, wanted) in [
            ("a // {\nb", "a     \nb"),
            ("a/* { /* { */ { */b", "a                 b"),
            (r#"f("{\"{", b"{")"#, "f(      , b   )"),
            (r##"f(r#"{"{"#, br"{")"##, "f(        ,      )"),
            (
                r"f('{', '\'', b'{', '\u{7B}')",
                "f(   ,     , b   ,         )",
            ),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
            ("'é' for r in bar {", "     for r in bar {"),
        ] {
            assert_eq!(code(text).trim_end(), wanted.trim_end(), "{text}");
        }
    }

    #[test]
    fn an_item_ends_with_its_brace_or_semicolon() {
        let text = "fn f(x: [u8; 2]) -> u8 { if a { b } else { c } } fn g();";
        let source = source(text);
        assert_eq!(source.item(0).end, text.find(" fn g").unwrap());
        assert_eq!(source.item(text.find("fn g").unwrap()).end, text.len());
    }

    #[test]
    fn test_items_are_found() {
        let text = "fn f() {}\n#[cfg(test)]\nmod tests { fn g() {} }\nfn h() {}";
        let items = source(text).test_items();
        assert_eq!(items, vec![10..text.find("\nfn h").unwrap()]);
    }
}
