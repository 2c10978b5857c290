//! Places for values in the printed text: `?0` and `@name` become what the target calls them.

use super::{Dialect, Parameter};

/// The text with the target's markers, and what is bound to them in order.
pub(super) fn renumber(text: &str, to: Dialect) -> (String, Vec<Parameter>) {
    let mut out = String::with_capacity(text.len());
    let mut parameters = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(['\'', '"', '`', '?', '@']) {
        let (before, from) = rest.split_at_checked(start).unwrap_or((rest, ""));
        out.push_str(before);
        let first = from.chars().next().unwrap_or_default();
        let length = match first {
            '?' | '@' => 1 + word_length(from.get(1..).unwrap_or_default()),
            quote => quoted_length(from, quote),
        };
        let (token, after) = from.split_at_checked(length).unwrap_or((from, ""));
        rest = after;
        match parameter(token) {
            Some(parameter) => marker(parameter, to, &mut out, &mut parameters),
            None => out.push_str(token),
        }
    }
    out.push_str(rest);
    (out, parameters)
}

fn parameter(token: &str) -> Option<Parameter> {
    match token.split_at_checked(1)? {
        ("?", number) => number.parse().ok().map(Parameter::Ordinal),
        ("@", name) if !name.is_empty() && !name.starts_with('@') => {
            Some(Parameter::Named(token.to_owned()))
        }
        _ => None,
    }
}

/// PostgreSQL and DuckDB number their markers, SQLite names some; a value that is used twice is bound once there.
fn marker(parameter: Parameter, to: Dialect, out: &mut String, parameters: &mut Vec<Parameter>) {
    let known = parameters.iter().position(|known| *known == parameter);
    match (to, &parameter) {
        (Dialect::Postgres | Dialect::DuckDb, _) => {
            let number = known.unwrap_or(parameters.len()) + 1;
            out.push_str(&format!("${number}"));
            if known.is_none() {
                parameters.push(parameter);
            }
        }
        (Dialect::Sqlite, Parameter::Named(name)) => {
            out.push_str(name);
            if known.is_none() {
                parameters.push(parameter);
            }
        }
        _ => {
            out.push('?');
            parameters.push(parameter);
        }
    }
}

fn word_length(text: &str) -> usize {
    text.find(|character: char| {
        !character.is_alphanumeric() && !matches!(character, '_' | '@' | '$' | '#')
    })
    .unwrap_or(text.len())
}

/// As far as the closing quote. A doubled one closes and opens again.
fn quoted_length(text: &str, quote: char) -> usize {
    text.char_indices()
        .skip(1)
        .find(|(_, character)| *character == quote)
        .map_or(text.len(), |(at, _)| at + quote.len_utf8())
}
