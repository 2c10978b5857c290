//! Every component of the registry has a file of cases.

use crate::{
    tidy::{
        Breach,
        source::{Source, find},
    },
    tree::Tree,
};

const REGISTRY: &str = "components/src/registry.rs";
const SPEC: &str = "tests/spec";

pub(crate) fn check(tree: &Tree) -> Vec<Breach> {
    let registry = tree.sources().find(|source| source.path == REGISTRY);
    let Some(registry) = registry.filter(|_| tree.root.join(SPEC).is_dir()) else {
        return Vec::new();
    };
    entries(&registry.text)
        .into_iter()
        .filter_map(|(line, entry)| {
            let advice = match class_name(tree, entry) {
                None => format!(
                    "no `static` of this name with `name: \"Microsoft.…\"` found for `{entry}`"
                ),
                Some(class) => {
                    let spec = spec_path(entry, class);
                    if tree.root.join(&spec).is_file() {
                        return None;
                    }
                    format!("`{class}` has no cases: write {spec}")
                }
            };
            Some(Breach {
                path: REGISTRY.to_owned(),
                line,
                advice,
            })
        })
        .collect()
}

/// The entries of the list, such as `transforms::sort::CLASS`, with their lines.
fn entries(registry: &str) -> Vec<(usize, &str)> {
    (1..)
        .zip(registry.lines())
        .skip_while(|(_, line)| !line.contains("COMPONENTS:"))
        .skip(1)
        .map_while(|(number, line)| Some((number, line.trim().strip_suffix(',')?)))
        .filter_map(|(number, line)| Some((number, line.strip_prefix('&')?)))
        .collect()
}

/// The class name that an entry's `static` gives, in its module's file or folder.
fn class_name<'a>(tree: &'a Tree, entry: &str) -> Option<&'a str> {
    let (module, constant) = entry.rsplit_once("::")?;
    let module = format!("components/src/{}", module.replace("::", "/"));
    tree.sources()
        .filter(|source| {
            let rest = source.path.strip_prefix(&module);
            rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        })
        .find_map(|source| declared_name(source, constant))
}

fn declared_name<'a>(source: &'a Source, constant: &str) -> Option<&'a str> {
    let wanted = format!("static {constant}: ComponentClass");
    let start = find(&source.code, wanted.as_bytes(), 0)?;
    let item = source.text.get(source.item(start))?;
    let (_, name) = item.split_once("name: \"")?;
    Some(name.split_once('"')?.0)
}

/// `transforms::x::CLASS` of `Microsoft.DerivedColumn`: `tests/spec/transforms/derived_column.md`.
fn spec_path(entry: &str, class: &str) -> String {
    let kind = entry.split("::").next().unwrap_or_default();
    let name = class.rsplit('.').next().unwrap_or(class);
    format!("{SPEC}/{kind}/{}.md", snake(name))
}

/// `OLEDBSource` as `oledb_source`: a word begins after a small letter, or before one.
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let is_small = |index: usize| letters.get(index).is_some_and(|c| !c.is_uppercase());
    let mut snake = String::new();
    for (index, letter) in letters.iter().enumerate() {
        if index > 0
            && letter.is_uppercase()
            && (is_small(index - 1) || is_small(index + 1))
            && index + 1 < letters.len()
        {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spec_files_are_named_after_the_class() {
        for (class, file) in [
            ("Microsoft.DerivedColumn", "derived_column"),
            ("Microsoft.OLEDBSource", "oledb_source"),
            ("Microsoft.Sort", "sort"),
            ("Microsoft.SCD", "scd"),
        ] {
            let wanted = format!("tests/spec/transforms/{file}.md");
            assert_eq!(spec_path("transforms::x::CLASS", class), wanted);
        }
    }

    #[test]
    fn entries_are_those_of_the_list() {
        let registry = "use a;\n\npub static COMPONENTS: &[&C] = &[\n    &sources::a::CLASS,\n    &transforms::b::B,\n];\n\nfn f() { g(&x::Y,) }\n";
        assert_eq!(
            entries(registry),
            [(4, "sources::a::CLASS"), (5, "transforms::b::B")]
        );
    }
}
