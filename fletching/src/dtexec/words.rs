//! The words of a command file, as Windows takes a command line apart: a shell has done that for the others.
//!
//! Blanks and line breaks divide words. Quotes keep blanks; `\"` is a quote, and within quotes `""` is one too. Other
//! backslashes stand for themselves.

/// The words of a text.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut rest = text.chars().peekable();
    while let Some(one) = rest.next() {
        match one {
            '\\' => {
                let mut backslashes = 1;
                while rest.next_if_eq(&'\\').is_some() {
                    backslashes += 1;
                }
                let word = word.get_or_insert_default();
                if rest.peek() != Some(&'"') {
                    word.extend(std::iter::repeat_n('\\', backslashes));
                    continue;
                }
                word.extend(std::iter::repeat_n('\\', backslashes / 2));
                if backslashes % 2 == 1 {
                    rest.next();
                    word.push('"');
                }
            }
            '"' if quoted && rest.next_if_eq(&'"').is_some() => {
                word.get_or_insert_default().push('"');
            }
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            blank if blank.is_whitespace() && !quoted => words.extend(word.take()),
            one => word.get_or_insert_default().push(one),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes() {
        for (text, wanted) in [
            ("", &[][..]),
            (" /F  a.dtsx\r\n/VA ", &["/F", "a.dtsx", "/VA"]),
            (
                r#"/FILE "C:\my packages\a.dtsx""#,
                &["/FILE", r"C:\my packages\a.dtsx"],
            ),
            (
                r#"/SET "\Package.Variables[User::X].Value";"a b""#,
                &["/SET", r"\Package.Variables[User::X].Value;a b"],
            ),
            (
                r#"/CONN Db;"\"Data Source=x;Initial Catalog=y\"""#,
                &["/CONN", r#"Db;"Data Source=x;Initial Catalog=y""#],
            ),
            (r#""say ""so""" ''"#, &[r#"say "so""#, "''"]),
            (r#""C:\dir\\" b"#, &[r"C:\dir\", "b"]),
            (r#"/REM """#, &["/REM", ""]),
            (r#""not closed"#, &["not closed"]),
        ] {
            assert_eq!(words(text), wanted, "{text}");
        }
    }
}
