//! A text of several statements, cut into them, with `?` made `$1`.

/// The statements of a text, without their semicolons; none that are empty. With `markers`, `?` outside of quotes and
/// comments becomes `$1`, `$2` and so on, counted anew in each statement, unless the text has such markers itself.
pub(super) fn split(text: &str, markers: bool) -> Vec<String> {
    let has_own = has_numbered_marker(text);
    let mut statements = Vec::new();
    let mut current = String::new();
    let mut solid = false;
    let mut count = 0;
    for piece in Pieces(text) {
        match piece {
            ";" => {
                if std::mem::take(&mut solid) {
                    statements.push(std::mem::take(&mut current));
                }
                current.clear();
                count = 0;
            }
            "?" if markers && !has_own => {
                count += 1;
                current.push_str(&format!("${count}"));
            }
            _ => {
                solid |= !piece.trim().is_empty() && !is_comment(piece);
                current.push_str(piece);
            }
        }
    }
    if solid {
        statements.push(current);
    }
    statements
}

fn has_numbered_marker(text: &str) -> bool {
    let mut pieces = Pieces(text).peekable();
    while let Some(piece) = pieces.next() {
        let number = |next: &&str| next.starts_with(|letter: char| letter.is_ascii_digit());
        if piece == "$" && pieces.peek().is_some_and(number) {
            return true;
        }
    }
    false
}

/// The first word of a statement, in lower case.
pub(super) fn first_word(statement: &str) -> String {
    let word = |piece: &&str| piece.starts_with(char::is_alphanumeric);
    let piece = Pieces(statement).find(word);
    piece.unwrap_or_default().to_ascii_lowercase()
}

fn is_comment(piece: &str) -> bool {
    piece.starts_with("--") || piece.starts_with("/*")
}

/// Cuts a text into quoted parts, comments, `;`, `?`, `$`, and what is between them.
struct Pieces<'t>(&'t str);

impl<'t> Iterator for Pieces<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let text = self.0;
        let first = text.chars().next()?;
        let length = match first {
            '\'' => quoted(text, '\'', false),
            '"' => quoted(text, '"', false),
            'e' | 'E' if text.chars().nth(1) == Some('\'') => quoted(text, '\'', true),
            '-' if text.starts_with("--") => text.find('\n').map_or(text.len(), |end| end + 1),
            '/' if text.starts_with("/*") => comment(text),
            '$' => dollar(text),
            ';' | '?' => 1,
            letter if letter.is_alphanumeric() || letter == '_' => text
                .find(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '_' | '$'))
                .unwrap_or(text.len()),
            letter => letter.len_utf8(),
        };
        let (piece, rest) = text.split_at_checked(length).unwrap_or((text, ""));
        self.0 = rest;
        Some(piece)
    }
}

/// Length of a quoted part that `text` begins with; doubled quotes fall into two parts, which is as good.
fn quoted(text: &str, quote: char, escapes: bool) -> usize {
    let mut letters = text.char_indices().skip(1 + usize::from(escapes));
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' if escapes => {
                letters.next();
            }
            _ if letter == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Comments nest.
fn comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|(_, letter)| *letter);
        match (letter, next) {
            ('/', Some('*')) => {
                depth += 1;
                letters.next();
            }
            ('*', Some('/')) => {
                depth = depth.saturating_sub(1);
                letters.next();
                if depth == 0 {
                    return at + 2;
                }
            }
            _ => {}
        }
    }
    text.len()
}

/// `$tag$ ... $tag$`, or a lone `$`.
fn dollar(text: &str) -> usize {
    let tag = text
        .get(1..)
        .and_then(|after| after.find('$'))
        .and_then(|end| text.get(..end + 2));
    let Some(tag) = tag else { return 1 };
    let word = tag.trim_matches('$');
    let is_name = word
        .chars()
        .all(|letter| letter.is_alphanumeric() || letter == '_')
        && !word.starts_with(|letter: char| letter.is_ascii_digit());
    if !is_name {
        return 1;
    }
    let body = text.get(tag.len()..).unwrap_or_default();
    body.find(tag).map_or(text.len(), |end| end + 2 * tag.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_comments_and_markers() {
        let parts = |text: &str| split(text, true).join("|");
        assert_eq!(parts("SELECT 1; SELECT 2;"), "SELECT 1| SELECT 2");
        assert_eq!(
            parts("SELECT ';?', \"a;?\" -- ; ?\n, ?"),
            "SELECT ';?', \"a;?\" -- ; ?\n, $1"
        );
        assert_eq!(
            parts("DO $x$ BEGIN; END $x$; SELECT ?, ?"),
            "DO $x$ BEGIN; END $x$| SELECT $1, $2"
        );
        assert_eq!(
            parts("SELECT a ? 'b' WHERE c = $1"),
            "SELECT a ? 'b' WHERE c = $1"
        );
        assert_eq!(
            parts("SELECT E'\\';?' /* /* ; */ ? */"),
            "SELECT E'\\';?' /* /* ; */ ? */"
        );
        assert_eq!(parts("; -- nothing\n;"), "");
        assert_eq!(first_word(" /* x */ (Select 1)"), "select");
        assert_eq!(first_word("-- x\nWITH a AS"), "with");
    }
}
