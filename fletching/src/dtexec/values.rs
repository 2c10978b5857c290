//! Values of options: what stands between semicolons, with or without quotes.

/// What is before the first `;` outside of quotes, bare; and what is after it, as it is.
pub(super) fn head(text: &str) -> (String, Option<&str>) {
    let mut quoted = false;
    let at = text.char_indices().find(|(_, one)| {
        quoted ^= *one == '"';
        *one == ';' && !quoted
    });
    match at.and_then(|(at, _)| Some((text.get(..at)?, text.get(at + 1..)?))) {
        Some((head, rest)) => (bare(head), Some(rest)),
        None => (bare(text), None),
    }
}

/// Everything between semicolons outside of quotes, bare.
pub(super) fn pieces(text: &str) -> Vec<String> {
    let (mut pieces, mut rest) = (Vec::new(), Some(text));
    while let Some(text) = rest {
        let (piece, after) = head(text);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// Without blanks around it, and without quotes if it is quoted as a whole; `""` in it is a quote.
pub(super) fn bare(text: &str) -> String {
    let text = text.trim();
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    match inner {
        Some(inner) => inner.replace("\"\"", "\""),
        None => text.to_owned(),
    }
}

/// Names and values: `name;value`, and further pairs where the value is in quotes. A value without quotes is all that
/// follows, as a connection string has semicolons of its own. `None` for a name without a value.
pub(super) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let (mut pairs, mut rest) = (Vec::new(), text);
    loop {
        let (name, value) = head(rest);
        let value = value?;
        if name.is_empty() {
            return None;
        }
        if !value.trim_start().starts_with('"') {
            pairs.push((name, value.trim().to_owned()));
            return Some(pairs);
        }
        let (value, after) = head(value);
        pairs.push((name, value));
        match after.map(str::trim).filter(|after| !after.is_empty()) {
            Some(after) => rest = after,
            None => return Some(pairs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_and_quotes() {
        assert_eq!(pieces("NM;I;A;B"), ["NM", "I", "A", "B"]);
        assert_eq!(pieces(r#""a;b" ; c"#), ["a;b", "c"]);
        assert_eq!(pieces(""), [""]);
        assert_eq!(
            head(r"\P.V[x].Value;a;b"),
            (r"\P.V[x].Value".to_owned(), Some("a;b"))
        );
        assert_eq!(bare(r#" "say ""so""" "#), r#"say "so""#);
        assert_eq!(bare("\""), "\"");
    }

    #[test]
    fn connection_strings_have_semicolons() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            pairs("Db;Data Source=x;User ID=y"),
            Some(vec![pair("Db", "Data Source=x;User ID=y")])
        );
        assert_eq!(
            pairs(r#""My Db";"Data Source=x;User ID=y";Other;"z""#),
            Some(vec![
                pair("My Db", "Data Source=x;User ID=y"),
                pair("Other", "z")
            ])
        );
        assert_eq!(pairs("Db"), None);
        assert_eq!(pairs(";x"), None);
        assert_eq!(pairs(r#"Db;"x";"#), Some(vec![pair("Db", "x")]));
    }
}
