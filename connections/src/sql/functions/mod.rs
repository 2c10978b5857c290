//! Functions of T-SQL in the words of the targets: one line a function in [`table`], dates in [`dates`], CONVERT in
//! [`convert`].
//!
//! A translation is a text in which `$0` is the first argument and `%0` the same in parentheses where it needs them. What a
//! translation gives is an atom: a call, or something in parentheses.

mod calls;
pub(super) mod convert;
pub(super) mod dates;
pub(crate) mod random;
pub(super) mod table;

/// Fills in a translation.
pub(super) fn fill(template: &str, arguments: &[String]) -> String {
    let mut text =
        String::with_capacity(template.len() + arguments.iter().map(String::len).sum::<usize>());
    let mut characters = template.chars().peekable();
    while let Some(character) = characters.next() {
        let argument = match character {
            '$' | '%' => characters
                .peek()
                .and_then(|digit| digit.to_digit(10))
                .and_then(|digit| arguments.get(usize::try_from(digit).ok()?)),
            _ => None,
        };
        let Some(argument) = argument else {
            text.push(character);
            continue;
        };
        characters.next();
        if character == '%' && !is_atom(argument) {
            text.push('(');
            text.push_str(argument);
            text.push(')');
        } else {
            text.push_str(argument);
        }
    }
    text
}

/// Whether operators may stand beside the text without changing what it means: a name, a number, a literal, a call.
pub(super) fn is_atom(text: &str) -> bool {
    if text.starts_with('\'') {
        return text.len() > 1
            && text.ends_with('\'')
            && !text
                .get(1..text.len() - 1)
                .unwrap_or_default()
                .contains('\'');
    }
    let plain = |character: char| {
        character.is_alphanumeric() || matches!(character, '_' | '.' | '@' | '?' | '"' | '`')
    };
    let Some(rest) = text
        .find(|character| !plain(character))
        .and_then(|end| text.get(end..))
    else {
        return true;
    };
    rest.starts_with('(') && closes_at_the_end(rest)
}

/// Whether the parenthesis that opens a text is closed by the last one.
fn closes_at_the_end(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1 == text.len();
                }
            }
            _ => {}
        }
    }
    false
}

/// A literal's text without quotes.
pub(super) fn literal(text: &str) -> Option<String> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    Some(inner.replace("''", "'"))
}
