//! A table's name in parts.

use std::fmt;

/// `[Sales].[Order Lines]`, `"dbo"."Orders"`, `Orders`: up to four parts, the table last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    /// Without quotes; server, database and schema before the table where they are given.
    pub parts: Vec<String>,
}

impl TableName {
    /// Reads a name as SSIS stores it: brackets or double quotes around parts, points between them. A part that is left
    /// out (`db..table`) is empty.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text.trim();
        loop {
            let (part, after) = part(rest)?;
            parts.push(part);
            rest = after.trim_start();
            match rest.strip_prefix('.') {
                Some(after) => rest = after.trim_start(),
                None if rest.is_empty() => break,
                None => return None,
            }
        }
        let named = parts.last().is_some_and(|table| !table.is_empty());
        (named && parts.len() <= 4).then_some(Self { parts })
    }

    pub fn table(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }

    /// `None` where it is not said.
    pub fn schema(&self) -> Option<&str> {
        let at = self.parts.len().checked_sub(2)?;
        self.parts
            .get(at)
            .map(String::as_str)
            .filter(|schema| !schema.is_empty())
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts.join("."))
    }
}

/// The first part, and what follows it.
fn part(text: &str) -> Option<(String, &str)> {
    let close = match text.chars().next() {
        Some('[') => ']',
        Some('"') => '"',
        Some('`') => '`',
        _ => {
            let end = text.find('.').unwrap_or(text.len());
            let (part, after) = text.split_at_checked(end)?;
            return Some((part.trim().to_owned(), after));
        }
    };
    let mut name = String::new();
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter != close {
            name.push(letter);
        } else if letters.next_if(|(_, next)| *next == close).is_some() {
            name.push(close); // doubled: one of them belongs to the name
        } else {
            return Some((name, text.get(at + close.len_utf8()..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_packages_have_them() {
        let parts = |text: &str| TableName::parse(text).map(|name| name.parts.join("|"));
        assert_eq!(
            parts("[dbo].[Order Lines]").as_deref(),
            Some("dbo|Order Lines")
        );
        assert_eq!(parts(r#""dbo"."a""b""#).as_deref(), Some("dbo|a\"b"));
        assert_eq!(parts("[a]]b]").as_deref(), Some("a]b"));
        assert_eq!(parts("db..t").as_deref(), Some("db||t"));
        assert_eq!(parts(" Sales . Orders ").as_deref(), Some("Sales|Orders"));
        assert_eq!(parts("[a"), None);
        assert_eq!(parts(""), None);
        assert_eq!(parts("[a] b"), None);
        assert_eq!(TableName::parse("x.y").unwrap().schema(), Some("x"));
    }
}
