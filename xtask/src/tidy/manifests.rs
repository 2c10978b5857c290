//! Each crate inherits the lints and the versions of the workspace, and names no dependency that it does not use.
//!
//! A dependency is used where its name stands before `::`; one that only tests use belongs to `[dev-dependencies]`.

use std::collections::BTreeSet;

use crate::{
    tidy::{Breach, length},
    tree::{Crate, Manifest, Tree},
};

pub(crate) fn check(tree: &Tree) -> Vec<Breach> {
    let tests = length::test_files(tree);
    let mut breaches = Vec::new();
    for member in &tree.crates {
        breaches.extend(inherits(member));
        let (production, all) = used(member, &tests);
        for (section, used) in [("dependencies", &production), ("dev-dependencies", &all)] {
            breaches.extend(unused(&member.manifest, section, used));
        }
    }
    breaches.extend(asked_by_nobody(tree));
    breaches
}

fn inherits(member: &Crate) -> Vec<Breach> {
    let manifest = &member.manifest;
    let mut breaches = Vec::new();
    let lints = manifest.table.get("lints");
    if lints.and_then(|lints| lints.get("workspace")?.as_bool()) != Some(true) {
        breaches.push(breach(
            manifest,
            "[package]",
            "add `[lints]` with `workspace = true`".to_owned(),
        ));
    }
    for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
        for (name, entry) in entries(manifest, section) {
            let inherited = entry.get("workspace").and_then(|value| value.as_bool());
            if inherited != Some(true) {
                let advice = format!(
                    "`{name}`: give its version once, in [workspace.dependencies], and inherit it"
                );
                breaches.push(breach(manifest, name, advice));
            }
        }
    }
    breaches
}

fn unused(manifest: &Manifest, section: &str, used: &BTreeSet<Vec<u8>>) -> Vec<Breach> {
    entries(manifest, section)
        .filter(|(name, _)| !used.contains(name.replace('-', "_").as_bytes()))
        .map(|(name, _)| {
            let advice = format!(
                "`{name}` of [{section}] is not used there: drop it, or move it to where it is"
            );
            breach(manifest, name, advice)
        })
        .collect()
}

/// What stands before `::` in the crate: in production code, and anywhere.
fn used(member: &Crate, tests: &BTreeSet<String>) -> (BTreeSet<Vec<u8>>, BTreeSet<Vec<u8>>) {
    let (mut production, mut all) = (BTreeSet::new(), BTreeSet::new());
    for source in &member.files {
        let test_items = source.test_items();
        let is_built = member.is_free() || length::is_production(source);
        let is_production = is_built && !tests.contains(&source.path);
        for word in source.words() {
            let end = word.start + word.text.len();
            if !source
                .code
                .get(end..)
                .is_some_and(|rest| rest.starts_with(b"::"))
            {
                continue;
            }
            all.insert(word.text.to_vec());
            if is_production && !test_items.iter().any(|item| item.contains(&word.start)) {
                production.insert(word.text.to_vec());
            }
        }
    }
    (production, all)
}

/// Entries of `[workspace.dependencies]` that no crate inherits.
fn asked_by_nobody(tree: &Tree) -> Vec<Breach> {
    let asked: BTreeSet<&str> = tree
        .crates
        .iter()
        .flat_map(|member| {
            ["dependencies", "build-dependencies", "dev-dependencies"]
                .into_iter()
                .flat_map(|section| entries(&member.manifest, section))
        })
        .map(|(name, _)| name)
        .collect();
    let shared = tree.workspace.table.get("workspace");
    let shared = shared.and_then(|workspace| workspace.get("dependencies")?.as_table());
    shared
        .into_iter()
        .flat_map(|table| table.keys())
        .filter(|name| !asked.contains(name.as_str()))
        .map(|name| {
            breach(
                &tree.workspace,
                name,
                format!("no crate asks for `{name}`: drop it"),
            )
        })
        .collect()
}

fn entries<'a>(
    manifest: &'a Manifest,
    section: &str,
) -> impl Iterator<Item = (&'a str, &'a toml::Value)> {
    let table = manifest.table.get(section).and_then(|all| all.as_table());
    table
        .into_iter()
        .flatten()
        .map(|(name, entry)| (name.as_str(), entry))
}

fn breach(manifest: &Manifest, name: &str, advice: String) -> Breach {
    Breach {
        path: manifest.path.clone(),
        line: manifest.line_of_entry(name),
        advice,
    }
}
