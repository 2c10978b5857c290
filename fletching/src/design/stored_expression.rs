//! The form in which packages store expressions of data flows: columns by their lineage, `#{...}`, all else as it was typed.

use std::iter::Peekable;

/// An expression with each column that `lineage_of` knows replaced. Texts in quotes, variables and functions stay.
pub(super) fn stored(text: &str, lineage_of: &dyn Fn(&str) -> Option<String>) -> String {
    let mut stored = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(&one) = rest.peek() {
        match one {
            '"' => quoted(&mut rest, &mut stored),
            '@' => {
                stored.push('@');
                rest.next();
                match rest.peek() {
                    Some('[') => stored.push_str(&bracketed(&mut rest)),
                    _ => stored.push_str(&word(&mut rest)),
                }
            }
            '[' => {
                let mut name = bracketed(&mut rest);
                let mut column = bare(&name);
                // `[Source].[Column]`
                while rest.next_if_eq(&'.').is_some() {
                    let part = match rest.peek() {
                        Some('[') => bracketed(&mut rest),
                        _ => word(&mut rest),
                    };
                    column = bare(&part);
                    name = format!("{name}.{part}");
                }
                stored.push_str(&replaced(&column, name, lineage_of));
            }
            one if one.is_alphabetic() || one == '_' => {
                let name = word(&mut rest);
                let blanks: String =
                    std::iter::from_fn(|| rest.next_if(|c| c.is_whitespace())).collect();
                let text = match rest.peek() {
                    Some('(') => name,
                    _ => replaced(&name.clone(), name, lineage_of),
                };
                stored.push_str(&text);
                stored.push_str(&blanks);
            }
            // A number takes what follows it: `10u`, `1e5`.
            one if one.is_ascii_digit() => stored.push_str(&word(&mut rest)),
            one => {
                stored.push(one);
                rest.next();
            }
        }
    }
    stored
}

fn replaced(column: &str, text: String, lineage_of: &dyn Fn(&str) -> Option<String>) -> String {
    match lineage_of(column) {
        Some(lineage) => format!("#{{{lineage}}}"),
        None => text,
    }
}

fn quoted(rest: &mut Peekable<std::str::Chars<'_>>, stored: &mut String) {
    stored.extend(rest.next());
    while let Some(one) = rest.next() {
        stored.push(one);
        match one {
            '\\' => stored.extend(rest.next()),
            '"' => break,
            _ => {}
        }
    }
}

/// `[...]`, brackets included.
fn bracketed(rest: &mut Peekable<std::str::Chars<'_>>) -> String {
    let mut text = String::new();
    for one in rest.by_ref() {
        text.push(one);
        if one == ']' {
            break;
        }
    }
    text
}

fn bare(part: &str) -> String {
    part.trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned()
}

fn word(rest: &mut Peekable<std::str::Chars<'_>>) -> String {
    std::iter::from_fn(|| rest.next_if(|one| one.is_alphanumeric() || *one == '_')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_nothing_else() {
        let known = |name: &str| {
            ["a", "b c", "YEAR"]
                .contains(&name)
                .then(|| format!("L.{name}"))
        };
        for (typed, wanted) in [
            ("[a] + a", "#{L.a} + #{L.a}"),
            (r#""[a] a \" a" + [a]"#, r##""[a] a \" a" + #{L.a}"##),
            ("@[a] + @a + [b c]", "@[a] + @a + #{L.b c}"),
            ("@[User::a] == [S].[a]", "@[User::a] == #{L.a}"),
            ("YEAR(a) == YEAR", "YEAR(#{L.a}) == #{L.YEAR}"),
            ("YEAR (a)", "YEAR (#{L.a})"),
            ("(DT_WSTR,10)ab + 1a", "(DT_WSTR,10)ab + 1a"),
            ("[a", "#{L.a}"),
            ("", ""),
        ] {
            assert_eq!(stored(typed, &known), wanted, "{typed}");
        }
    }
}
