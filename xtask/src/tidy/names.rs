//! Names that say what a thing is: no grab-bag modules, no type named for being a helper.

use crate::{
    tidy::{Breach, source::Source},
    tree::Tree,
};

/// Modules that would hold whatever has no other place.
const GRAB_BAGS: &[&str] = &[
    "common", "helper", "helpers", "misc", "shared", "types", "util", "utils",
];

/// Modules of such a name that have one subject.
const GRAB_BAGS_ALLOWED: &[(&str, &str)] = &[(
    "expression/src/types.rs",
    "its subject is types: those of SSIS as those of Arrow",
)];

/// Words that say nothing, as the last one of a name.
const EMPTY_WORDS: &[&str] = &[
    "Base", "Helper", "Helpers", "Manager", "Service", "Util", "Utils",
];

/// SSIS's own word: its connection managers, and the settings of one kind of them.
const MANAGERS_ALLOWED: &[&str] = &["ConnectionManager", "FlatFileManager"];

/// A function that makes or finds a connection manager.
const CONNECTION_MANAGER: &str = "manager";

/// After one of these comes a name that we give.
const DECLARING: &[&[u8]] = &[
    b"const", b"enum", b"fn", b"mod", b"static", b"struct", b"trait", b"type", b"union",
];

pub(crate) fn check(tree: &Tree) -> Vec<Breach> {
    let grab_bags = tree.sources().filter_map(grab_bag);
    grab_bags
        .chain(tree.sources().flat_map(empty_words))
        .collect()
}

/// Names that a trait of another crate gives to what implements it: arrow-flight's associated type.
const OF_OTHERS: &[&str] = &["FlightService"];

fn grab_bag(source: &Source) -> Option<Breach> {
    let module = source.path.trim_end_matches(".rs").trim_end_matches("/mod");
    let name = module.rsplit('/').next()?;
    let allowed = GRAB_BAGS_ALLOWED
        .iter()
        .any(|(path, _)| *path == source.path);
    (GRAB_BAGS.contains(&name) && !allowed).then(|| Breach {
        path: source.path.clone(),
        line: 1,
        advice: format!("`{name}` would hold anything: name the module after its one subject"),
    })
}

fn empty_words(source: &Source) -> Vec<Breach> {
    let tests = source.test_items();
    let mut breaches = Vec::new();
    let mut declares = false;
    for word in source.words() {
        let name = String::from_utf8_lossy(word.text);
        let in_test = tests.iter().any(|item| item.contains(&word.start));
        if declares
            && !in_test
            && let Some(empty) = empty_word(&name)
        {
            breaches.push(Breach {
                path: source.path.clone(),
                line: source.line_of(word.start),
                advice: format!("`{name}`: `{empty}` says nothing; name what it holds or does"),
            });
        }
        declares = DECLARING.contains(&word.text);
    }
    breaches
}

/// The empty word that a name ends with.
fn empty_word(name: &str) -> Option<&'static str> {
    let camel: String = name.split('_').map(capitalised).collect();
    let allowed = MANAGERS_ALLOWED.iter().any(|end| camel.ends_with(end));
    if allowed || name == CONNECTION_MANAGER || OF_OTHERS.contains(&name) {
        return None;
    }
    // A whole word: `Database` does not end with `Base`.
    EMPTY_WORDS
        .iter()
        .copied()
        .find(|empty| camel.ends_with(empty))
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(letters)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_words_are_whole_words() {
        for (name, empty) in [
            ("BatchManager", Some("Manager")),
            ("date_helper", Some("Helper")),
            ("Database", None),
            ("database", None),
            ("manager", None),
            ("Manager", Some("Manager")),
            ("ConnectionManager", None),
            ("read_connection_manager", None),
            ("ServiceName", None),
        ] {
            assert_eq!(empty_word(name), empty, "{name}");
        }
    }
}
