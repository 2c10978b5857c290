//! Parameter markers: `?` becomes `@P1`, `@P2`, ... outside of strings, names and comments.

/// A statement with its markers named.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Marked {
    pub(super) sql: String,
    /// How many there were.
    pub(super) count: usize,
}

/// Name of a marker, counted from 1.
pub(super) fn marker(number: usize) -> String {
    format!("@P{number}")
}

/// Where a text of SQL is that has no markers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Code,
    /// Until this letter; doubled it is a letter.
    Quotes(char),
    Line,
    /// Comments nest.
    Block(usize),
}

/// The pieces of a text between its markers.
pub(in crate::database) fn pieces(sql: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for letter in marked(sql, None).sql.chars() {
        match (letter, pieces.last_mut()) {
            (MARK, _) => pieces.push(String::new()),
            (_, Some(piece)) => piece.push(letter),
            _ => {}
        }
    }
    pieces
}

/// Stands for a marker. No text has it: it is no letter.
const MARK: char = '\u{FFFF}';

pub(super) fn named(sql: &str) -> Marked {
    marked(sql, Some(&marker))
}

/// The text with names for its markers, or [`MARK`].
fn marked(sql: &str, name: Option<&dyn Fn(usize) -> String>) -> Marked {
    let mut marked = Marked {
        sql: String::with_capacity(sql.len() + 16),
        count: 0,
    };
    let mut within = Within::Code;
    let mut letters = sql.chars().peekable();
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied();
        let mut pair = false;
        within = match (within, letter, next) {
            (Within::Code, '\'' | '"', _) => Within::Quotes(letter),
            (Within::Code, '[', _) => Within::Quotes(']'),
            (Within::Code, '-', Some('-')) => Within::Line,
            (Within::Code, '/', Some('*')) => {
                pair = true;
                Within::Block(1)
            }
            (Within::Code, '?', _) => {
                marked.count += 1;
                match name {
                    Some(name) => marked.sql.push_str(&name(marked.count)),
                    None => marked.sql.push(MARK),
                }
                continue;
            }
            (Within::Quotes(']'), ']', Some(']')) => {
                pair = true;
                Within::Quotes(']')
            }
            // Another doubled quote ends the text and begins the next: the same without looking ahead.
            (Within::Quotes(end), letter, _) if letter == end => Within::Code,
            (Within::Line, '\n', _) => Within::Code,
            (Within::Block(depth), '/', Some('*')) => {
                pair = true;
                Within::Block(depth + 1)
            }
            (Within::Block(depth), '*', Some('/')) => {
                pair = true;
                match depth {
                    1 => Within::Code,
                    _ => Within::Block(depth - 1),
                }
            }
            (same, _, _) => same,
        };
        marked.sql.push(letter);
        if pair && let Some(second) = letters.next() {
            marked.sql.push(second);
        }
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_markers_are_named() {
        let shown = |sql: &str| {
            let marked = named(sql);
            (marked.sql, marked.count)
        };
        assert_eq!(
            shown("SELECT ? WHERE a=?"),
            ("SELECT @P1 WHERE a=@P2".to_owned(), 2)
        );
        assert_eq!(
            pieces("EXEC p ?, '?', ? OUTPUT"),
            ["EXEC p ", ", '?', ", " OUTPUT"]
        );
        let none = [
            "SELECT '?', 'it''s ?'",
            "SELECT [a?]]?] FROM \"t?\"",
            "SELECT 1 -- ?",
            "SELECT /* ? /* ? */ ? */ 1",
            "SELECT '--' /*'*/",
        ];
        for sql in none {
            assert_eq!(shown(sql), (sql.to_owned(), 0));
        }
        assert_eq!(
            shown("-- ?\nEXEC ? = p ?, N'?'"),
            ("-- ?\nEXEC @P1 = p @P2, N'?'".to_owned(), 2)
        );
        assert_eq!(shown("a[?]]b]?"), ("a[?]]b]@P1".to_owned(), 1));
        assert_eq!(
            shown("SELECT N'ä?', ?"),
            ("SELECT N'ä?', @P1".to_owned(), 1)
        );
    }
}
