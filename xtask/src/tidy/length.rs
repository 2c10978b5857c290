//! Files and functions that can be read in one go. Tests are free.
//!
//! The lists of what is longer today are a ratchet: an entry that is no longer needed is a breach itself.

use std::collections::BTreeSet;

use crate::{
    tidy::{Breach, source::Source},
    tree::Tree,
};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

/// Longer files, with their lines today and the reason.
const LONGER_FILES: &[(&str, usize, &str)] = &[];

/// Longer functions, with their file, their lines today and the reason.
const LONGER_FUNCTIONS: &[(&str, &str, usize, &str)] = &[];

pub(crate) fn check(tree: &Tree) -> Vec<Breach> {
    let tests = test_files(tree);
    let production = tree
        .sources()
        .filter(|source| is_production(source) && !tests.contains(&*source.path));
    let mut breaches = Vec::new();
    for source in production {
        let test_items = source.test_items();
        let lines = source.text.lines().count();
        let test_lines: usize = test_items
            .iter()
            .map(|item| source.line_of(item.end) - source.line_of(item.start) + 1)
            .sum();
        breaches.extend(file(source, lines.saturating_sub(test_lines)));
        for (name, start, lines) in functions(source) {
            if !test_items.iter().any(|item| item.contains(&start)) {
                breaches.extend(function(source, name, start, lines));
            }
        }
    }
    breaches
}

fn file(source: &Source, lines: usize) -> Option<Breach> {
    let listed = LONGER_FILES.iter().find(|entry| entry.0 == source.path);
    let advice = match listed {
        Some((_, most, reason)) if lines > *most => {
            format!("{lines} lines, {most} when it was listed ({reason}): split it by subject")
        }
        Some(_) if lines <= FILE_LINES_MAX => {
            "short enough now: take it off the list in xtask/src/tidy/length.rs".to_owned()
        }
        None if lines > FILE_LINES_MAX => {
            format!(
                "{lines} lines, at most {FILE_LINES_MAX}: make a folder of it, one subject a file"
            )
        }
        _ => return None,
    };
    Some(Breach {
        path: source.path.clone(),
        line: 1,
        advice,
    })
}

fn function(source: &Source, name: &str, start: usize, lines: usize) -> Option<Breach> {
    let listed = LONGER_FUNCTIONS
        .iter()
        .find(|entry| entry.0 == source.path && entry.1 == name);
    let advice = match listed {
        Some((.., most, reason)) if lines > *most => {
            format!("`{name}` has {lines} lines, {most} when it was listed ({reason}): split it")
        }
        Some(_) if lines <= FUNCTION_LINES_MAX => {
            format!(
                "`{name}` is short enough now: take it off the list in xtask/src/tidy/length.rs"
            )
        }
        None if lines > FUNCTION_LINES_MAX => format!(
            "`{name}` has {lines} lines, at most {FUNCTION_LINES_MAX}: keep the branching, move the loops into functions"
        ),
        _ => return None,
    };
    Some(Breach {
        path: source.path.clone(),
        line: source.line_of(start),
        advice,
    })
}

/// Each function with a body: name, position, lines from `fn` to its closing brace.
fn functions(source: &Source) -> Vec<(&str, usize, usize)> {
    let mut words = source.words().peekable();
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        if word.text != b"fn" {
            continue;
        }
        // `fn(` is a type.
        let is_named = source.code.get(word.start + 2) != Some(&b'(');
        let Some(name) = words.peek().filter(|_| is_named) else {
            continue;
        };
        let item = source.item(word.start);
        let lines = source.line_of(item.end) - source.line_of(item.start) + 1;
        let name = source.text.get(name.start..name.start + name.text.len());
        found.push((name.unwrap_or_default(), word.start, lines));
    }
    found
}

/// Code that is built for use, as far as its path tells.
pub(crate) fn is_production(source: &Source) -> bool {
    source.path.contains("/src/") && !source.path.ends_with("/tests.rs")
}

/// Files that belong to a module under `#[cfg(test)]`.
pub(crate) fn test_files(tree: &Tree) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for source in tree.sources() {
        let folder = match source.path.rsplit_once('/') {
            Some((folder, "mod.rs" | "lib.rs" | "main.rs")) => folder,
            _ => source.path.trim_end_matches(".rs"),
        };
        for item in source.test_items() {
            let text = source.text.get(item).unwrap_or_default();
            let Some(name) = text
                .strip_suffix(';')
                .and_then(|text| text.split_once("mod "))
            else {
                continue;
            };
            let inside = format!("{folder}/{}/", name.1);
            files.insert(format!("{folder}/{}.rs", name.1));
            files.extend(
                tree.sources()
                    .filter(|source| source.path.starts_with(&inside))
                    .map(|source| source.path.clone()),
            );
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: String) -> Source {
        Source::new(text, "x/src/x.rs".to_owned())
    }

    #[test]
    fn a_function_is_as_long_as_from_fn_to_brace() {
        let text = "struct S { f: fn(u8) -> u8 }\nimpl S {\n    fn f() {\n        g(\"}\");\n    }\n}\ntrait T { fn h(); }\n";
        assert_eq!(
            functions(&source(text.to_owned())),
            [("f", 42, 3), ("h", 85, 1)]
        );
    }

    #[test]
    fn the_limits_hold_their_own_length() {
        let long = |lines: usize| source(format!("fn f() {{{}}}", "\n".repeat(lines - 1)));
        for (lines, breaches) in [(FUNCTION_LINES_MAX, 0), (FUNCTION_LINES_MAX + 1, 1)] {
            let source = long(lines);
            let found = functions(&source)
                .into_iter()
                .filter_map(|(name, start, lines)| function(&source, name, start, lines));
            assert_eq!(found.count(), breaches, "{lines}");
        }
        assert_eq!(file(&long(1), FILE_LINES_MAX), None);
        assert!(file(&long(1), FILE_LINES_MAX + 1).is_some());
    }
}
