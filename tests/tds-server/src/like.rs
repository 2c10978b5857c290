//! LIKE with T-SQL's signs: `%`, `_`, `[a-f]`, `[^x]` and an escape.

/// Whether all of a text is what a pattern says; both are in lower case already.
pub(crate) fn matches(pattern: &[char], text: &[char], escape: Option<char>) -> bool {
    let Some((sign, rest)) = pattern.split_first() else {
        return text.is_empty();
    };
    if Some(*sign) == escape {
        let literal = rest.split_first().zip(text.split_first());
        return literal.is_some_and(|((wanted, rest), (found, text))| {
            wanted == found && matches(rest, text, escape)
        });
    }
    if *sign == '%' {
        return (0..=text.len())
            .any(|skip| matches(rest, text.get(skip..).unwrap_or_default(), escape));
    }
    let Some((found, after)) = text.split_first() else {
        return false;
    };
    match *sign {
        '_' => matches(rest, after, escape),
        '[' => set(rest)
            .is_some_and(|(set, rest)| contains(set, *found) && matches(rest, after, escape)),
        sign => sign == *found && matches(rest, after, escape),
    }
}

/// What stands before the closing bracket, and the pattern after it.
fn set(pattern: &[char]) -> Option<(&[char], &[char])> {
    let close = pattern.iter().skip(1).position(|sign| *sign == ']')? + 1;
    Some((pattern.get(..close)?, pattern.get(close + 1..)?))
}

fn contains(set: &[char], found: char) -> bool {
    let (negated, set) = match set.split_first() {
        Some(('^', rest)) => (true, rest),
        _ => (false, set),
    };
    let mut at = 0;
    let mut inside = false;
    while let Some(from) = set.get(at) {
        match (set.get(at + 1), set.get(at + 2)) {
            (Some('-'), Some(to)) => {
                inside |= (*from..=*to).contains(&found);
                at += 3;
            }
            _ => {
                inside |= *from == found;
                at += 1;
            }
        }
    }
    inside != negated
}

#[cfg(test)]
mod tests {
    #[test]
    fn signs() {
        let like = |text: &str, pattern: &str| {
            let [pattern, text] = [pattern, text].map(|part| part.chars().collect::<Vec<_>>());
            super::matches(&pattern, &text, Some('!'))
        };
        assert!(like("abc", "a%c") && like("abc", "%") && like("abc", "___") && like("", "%"));
        assert!(
            like("b1", "[a-c][0-9]")
                && like("x", "[^a-c]")
                && like("50%", "50!%")
                && like("[", "[[]")
        );
        assert!(
            !like("abc", "ab")
                && !like("d", "[a-c]")
                && !like("501", "50!%")
                && !like("b", "[^a-c]")
        );
    }
}
