//! The command line of a program: cut as Windows programs cut theirs, Windows paths in it turned into local ones.
//!
//! **Cutting** is that of the C runtime: blanks and tabs divide, quotes hold them together, 2n backslashes before a quote
//! are n and the quote is one that divides, 2n+1 are n and a quote, `""` within quotes is a quote. Backslashes elsewhere
//! are what they are.
//! **Paths** are mapped where a rule of the path map covers them: an argument, or what follows an option in one
//! (`-oD:\out`, `file=D:\in.csv`), up to its end or to what no list of paths has in a name (`;`). Others are passed as they are, and the user is told.

use fletching_connections::{PathError, PathMap};

/// The arguments of a command line that has no program in it.
pub(super) fn cut(line: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut current: Option<String> = None;
    let mut quoted = false;
    let mut rest = line.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            ' ' | '\t' if !quoted => arguments.extend(current.take()),
            '"' => {
                let argument = current.get_or_insert_default();
                if quoted && rest.next_if_eq(&'"').is_some() {
                    argument.push('"');
                } else {
                    quoted = !quoted;
                }
            }
            '\\' => {
                let mut count = 1;
                while rest.next_if_eq(&'\\').is_some() {
                    count += 1;
                }
                let argument = current.get_or_insert_default();
                let before_quote = rest.peek() == Some(&'"');
                let kept = if before_quote { count / 2 } else { count };
                argument.extend(std::iter::repeat_n('\\', kept));
                if before_quote && count % 2 == 1 {
                    argument.extend(rest.next());
                }
            }
            other => current.get_or_insert_default().push(other),
        }
    }
    arguments.extend(current);
    arguments
}

/// The arguments with local paths, and of those that no rule maps a word for the user.
///
/// # Errors
/// A path that stands for several local names.
pub(super) fn mapped(
    arguments: Vec<String>,
    map: &PathMap,
) -> Result<(Vec<String>, Vec<String>), PathError> {
    let mut unmapped = Vec::new();
    let mut local = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let Some((option, path, after)) = windows_path(&argument) else {
            local.push(argument);
            continue;
        };
        match map.resolve(path) {
            Ok(found) => {
                let slash = if path.ends_with('\\') { "/" } else { "" };
                // The program runs in another folder.
                let found = std::path::absolute(&found).unwrap_or(found);
                let found = found.display();
                local.push(format!("{option}{found}{slash}{after}"));
            }
            Err(error @ PathError::Ambiguous { .. }) => return Err(error),
            Err(error @ PathError::Unmapped { .. }) => {
                unmapped.push(format!("an argument is passed as it is: {error}"));
                local.push(argument);
            }
            Err(PathError::Malformed { .. }) => local.push(argument),
        }
    }
    Ok((local, unmapped))
}

/// Where a drive or a share begins in an argument: what stands before it, the path, and what follows.
fn windows_path(argument: &str) -> Option<(&str, &str, &str)> {
    let drive = argument.find(":\\").and_then(|colon| {
        let before = argument.get(..colon)?;
        let letter = before.char_indices().next_back()?;
        letter.1.is_ascii_alphabetic().then_some(letter.0)
    });
    let share = argument.find("\\\\").filter(|start| {
        let after = argument.get(start + 2..).unwrap_or_default();
        after.starts_with(|first: char| first.is_alphanumeric())
    });
    let start = match (drive, share) {
        (Some(drive), Some(share)) => drive.min(share),
        (drive, share) => drive.or(share)?,
    };
    let (before, path) = argument.split_at_checked(start)?;
    let end = path.find([';', '"', '|', '<', '>']).unwrap_or(path.len());
    let (path, after) = path.split_at_checked(end)?;
    Some((before, path, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_as_windows_does() {
        let cases: [(&str, &[&str]); 12] = [
            ("", &[]),
            ("  a \t b ", &["a", "b"]),
            (r#""a b" c"#, &["a b", "c"]),
            (r#"a"b c"d"#, &["ab cd"]),
            (r#""" x"#, &["", "x"]),
            (r"C:\a\b \\srv\s", &[r"C:\a\b", r"\\srv\s"]),
            (r#""C:\a b\\" c"#, &[r"C:\a b\", "c"]),
            (r#""C:\a b\" c"#, &[r#"C:\a b" c"#]),
            (r#"a\\\"b"#, &[r#"a\"b"#]),
            (r#"a\\\\"b c" d"#, &[r"a\\b c", "d"]),
            (r#""a ""b"" c""#, &[r#"a "b" c"#]),
            (r#"-o"D:\x y" é"#, &[r"-oD:\x y", "é"]),
        ];
        for (line, wanted) in cases {
            assert_eq!(cut(line), wanted, "{line}");
        }
    }

    #[test]
    fn paths_are_mapped_where_a_rule_covers_them() {
        let map = ["D:\\in=/srv/in", r"\\buss\import=/mnt/buss"]
            .iter()
            .fold(PathMap::new("/base"), |map, rule| {
                map.with_rule(PathMap::parse_rule(rule).unwrap())
            });
        let cases = [
            (r"D:\in\a.zip", "/srv/in/a.zip"),
            (r"-oD:\In\out\", "-o/srv/in/out/"),
            (r"output_file=D:\in\x.csv", "output_file=/srv/in/x.csv"),
            (r"-o\\buss\import\x y", "-o/mnt/buss/x y"),
            (
                r"File=D:\in\x.mdf;Password=p",
                "File=/srv/in/x.mdf;Password=p",
            ),
            ("http://x/y", "http://x/y"),
            (r"a\b", r"a\b"),
            ("/c", "/c"),
            ("é:\\x", "é:\\x"),
        ];
        for (argument, wanted) in cases {
            let (local, unmapped) = mapped(vec![argument.to_owned()], &map).unwrap();
            assert_eq!(local, [wanted]);
            assert!(unmapped.is_empty(), "{unmapped:?}");
        }
        let (local, unmapped) = mapped(vec![r"E:\x\y".to_owned()], &map).unwrap();
        assert_eq!(local, [r"E:\x\y"]);
        assert!(unmapped[0].contains(r"--path-map 'E:\x="), "{unmapped:?}");
    }
}
