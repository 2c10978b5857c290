//! Windows wildcards in names: `*` any run of characters, `?` one.

/// Whether a pattern matches the whole of a name. Case counts: who folds it, folds both.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut at, mut in_name) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while let Some(&letter) = name.get(in_name) {
        match pattern.get(at) {
            Some('*') => {
                last_star = Some((at, in_name));
                at += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == letter => {
                at += 1;
                in_name += 1;
            }
            _ => match last_star {
                // let the last star swallow one more
                Some((star, from)) => {
                    last_star = Some((star, from + 1));
                    at = star + 1;
                    in_name = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern
        .get(at..)
        .is_none_or(|rest| rest.iter().all(|&letter| letter == '*'))
}

/// Whether a name is a pattern.
pub(crate) fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, wanted) in [
            ("*.csv", "a.csv", true),
            ("*.csv", "a.csv.bak", false),
            ("a?.t*", "aß.txt", true),
            ("a?.t*", "a.txt", false),
            ("*a*b*", "xxaxxbxx", true),
            ("A*", "a", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), wanted, "{pattern} {name}");
        }
    }
}
