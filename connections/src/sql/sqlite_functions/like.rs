//! Patterns of T-SQL: `%`, `_`, `[a-f]`, `[^a-f]`. Case does not matter, as in SQLite's own LIKE.

use rusqlite::types::Value;

use super::{Arguments, Result, texts::count};

#[derive(Debug)]
enum Piece {
    Any,
    One,
    Is(char),
    Set {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
}

pub(super) fn like(arguments: &Arguments<'_>) -> Result<Value> {
    let text: Vec<char> = folded(&arguments.text(0));
    let pieces = pieces(&arguments.text(1));
    Ok(Value::Integer(i64::from(matches(&text, &pieces))))
}

/// Where the pattern is first found.
pub(super) fn patindex(arguments: &Arguments<'_>) -> Result<Value> {
    let pieces = pieces(&arguments.text(0));
    let text: Vec<char> = folded(&arguments.text(1));
    let Some((Piece::Any, rest)) = pieces.split_first() else {
        return Ok(Value::Integer(i64::from(matches(&text, &pieces))));
    };
    let start =
        (0..=text.len()).find(|start| matches(text.get(*start..).unwrap_or_default(), rest));
    Ok(start.map_or(Value::Integer(0), |start| count(start + 1)))
}

fn folded(text: &str) -> Vec<char> {
    text.chars()
        .map(|character| character.to_ascii_lowercase())
        .collect()
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let pattern = folded(pattern);
    let mut pieces = Vec::new();
    let mut rest = pattern.as_slice();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let piece = match first {
            '%' => Piece::Any,
            '_' => Piece::One,
            '[' => match after.iter().position(|character| *character == ']') {
                Some(end) => {
                    let set = after.get(..end).unwrap_or_default();
                    rest = after.get(end + 1..).unwrap_or_default();
                    set_of(set)
                }
                None => Piece::Is('['),
            },
            other => Piece::Is(*other),
        };
        pieces.push(piece);
    }
    pieces
}

fn set_of(set: &[char]) -> Piece {
    let (negated, mut rest) = match set.split_first() {
        Some(('^', rest)) => (true, rest),
        _ => (false, set),
    };
    let mut ranges = Vec::new();
    loop {
        match rest {
            [from, '-', to, after @ ..] => {
                ranges.push((*from, *to));
                rest = after;
            }
            [one, after @ ..] => {
                ranges.push((*one, *one));
                rest = after;
            }
            [] => return Piece::Set { ranges, negated },
        }
    }
}

/// Goes back to the last `%` only: the time is that of text times pattern.
fn matches(text: &[char], pieces: &[Piece]) -> bool {
    let (mut at, mut piece) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        match (text.get(at), pieces.get(piece)) {
            (None, None) => return true,
            (_, Some(Piece::Any)) => {
                back = Some((at, piece));
                piece += 1;
                continue;
            }
            (Some(character), Some(wanted)) if fits(*character, wanted) => {
                at += 1;
                piece += 1;
                continue;
            }
            _ => {}
        }
        match &mut back {
            Some((from, any)) if *from < text.len() => {
                *from += 1;
                at = *from;
                piece = *any + 1;
            }
            _ => return false,
        }
    }
}

fn fits(character: char, piece: &Piece) -> bool {
    match piece {
        Piece::Any => false,
        Piece::One => true,
        Piece::Is(wanted) => character == *wanted,
        Piece::Set { ranges, negated } => {
            ranges
                .iter()
                .any(|(from, to)| (*from..=*to).contains(&character))
                != *negated
        }
    }
}
