//! Crate edges: a crate uses only those to its right, and the two lowest build without the engine below us.
//!
//! Development dependencies are free: tests and benches may use all.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    tidy::Breach,
    tree::{Crate, Tree},
};

/// What each crate may use of ours. A crate that is not named here may use nothing.
const ALLOWED: &[(&str, &[&str])] = &[
    (
        "fletching-cli",
        &["fletching", "fletching-server", "fletching-sql"],
    ),
    ("fletching-server", &["fletching"]),
    ("fletching-sql", &["fletching"]),
    ("fletching-c", &["fletching"]),
    ("fletching-python", &["fletching"]),
    (
        "fletching",
        &[
            "fletching-engine",
            "fletching-planner",
            "fletching-components",
            "fletching-connections",
            "fletching-expression",
            "fletching-custom",
            "dtsx",
        ],
    ),
    (
        "fletching-engine",
        &[
            "fletching-planner",
            "fletching-components",
            "fletching-connections",
            "fletching-expression",
            "fletching-custom",
            "dtsx",
        ],
    ),
    (
        "fletching-planner",
        &[
            "fletching-components",
            "fletching-connections",
            "fletching-expression",
            "fletching-custom",
            "dtsx",
        ],
    ),
    (
        "fletching-components",
        &[
            "fletching-expression",
            "fletching-connections",
            "fletching-custom",
            "dtsx",
        ],
    ),
    ("fletching-connections", &["dtsx"]),
    ("fletching-expression", &["dtsx"]),
    ("fletching-custom", &[]),
    ("custom-objects", &["fletching"]),
    ("dtsx", &[]),
];

/// What must not be reached, however far away: by the start of its name.
const OUT_OF_REACH: &[(&str, &[&str])] = &[
    ("dtsx", &["datafusion", "arrow", "parquet"]),
    ("fletching-expression", &["datafusion", "parquet"]),
];

pub(crate) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = direct(tree);
    breaches.extend(reached(tree));
    breaches
}

fn direct(tree: &Tree) -> Vec<Breach> {
    let ours: BTreeSet<&str> = tree.crates.iter().map(|member| &*member.name).collect();
    let mut breaches = Vec::new();
    for member in &tree.crates {
        if member.is_free() {
            continue;
        }
        let allowed = ALLOWED
            .iter()
            .find(|(name, _)| *name == member.name)
            .map_or(&[][..], |(_, allowed)| allowed);
        for used in dependencies(member) {
            if ours.contains(used) && !allowed.contains(&used) {
                breaches.push(Breach {
                    path: member.manifest.path.clone(),
                    line: member.manifest.line_of_entry(used),
                    advice: format!(
                        "`{}` must not use `{used}`: move what it needs to the right, or pass it in (xtask/src/tidy/edges.rs)",
                        member.name
                    ),
                });
            }
        }
    }
    breaches
}

fn reached(tree: &Tree) -> Vec<Breach> {
    let lock = locked(tree);
    let mut breaches = Vec::new();
    for (name, barred) in OUT_OF_REACH {
        let Some(member) = tree.crates.iter().find(|member| member.name == *name) else {
            continue;
        };
        for first in dependencies(member) {
            let Some(way) = way_to(first, barred, tree, &lock) else {
                continue;
            };
            breaches.push(Breach {
                path: member.manifest.path.clone(),
                line: member.manifest.line_of_entry(first),
                advice: format!(
                    "`{name}` must not reach {}: drop the dependency or the feature that leads there",
                    way.join(" -> ")
                ),
            });
        }
    }
    breaches
}

/// The names from `first` to a barred package, if there is a way.
fn way_to<'a>(
    first: &'a str,
    barred: &[&str],
    tree: &'a Tree,
    lock: &BTreeMap<&'a str, BTreeSet<&'a str>>,
) -> Option<Vec<&'a str>> {
    let mut seen = BTreeSet::from([first]);
    let mut open = vec![vec![first]];
    while let Some(way) = open.pop() {
        let last = *way.last()?;
        if barred.iter().any(|start| last.starts_with(start)) {
            return Some(way);
        }
        // Cargo.lock lists the development dependencies of our own crates too; their Cargo.toml tells them apart.
        let next: Vec<&str> = match tree.crates.iter().find(|member| member.name == last) {
            Some(member) => dependencies(member),
            None => lock.get(last).into_iter().flatten().copied().collect(),
        };
        for name in next {
            if seen.insert(name) {
                open.push(way.iter().copied().chain([name]).collect());
            }
        }
    }
    None
}

/// The packages of Cargo.lock and what each depends on, over all of its versions.
fn locked(tree: &Tree) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut packages: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let entries = tree
        .lock
        .table
        .get("package")
        .and_then(|all| all.as_array());
    for entry in entries.into_iter().flatten() {
        let Some(name) = entry.get("name").and_then(|name| name.as_str()) else {
            continue;
        };
        let uses = entry
            .get("dependencies")
            .and_then(|uses| uses.as_array())
            .into_iter()
            .flatten()
            // "name", or "name version" where there are several.
            .filter_map(|used| used.as_str()?.split(' ').next());
        packages.entry(name).or_default().extend(uses);
    }
    packages
}

/// What a crate depends on when it is built, target by target, by package name.
fn dependencies(member: &Crate) -> Vec<&str> {
    let table = &member.manifest.table;
    let targets = table
        .get("target")
        .and_then(|targets| targets.as_table())
        .into_iter()
        .flat_map(|targets| targets.values().filter_map(|target| target.as_table()));
    std::iter::once(table)
        .chain(targets)
        .flat_map(|table| [table.get("dependencies"), table.get("build-dependencies")])
        .filter_map(|section| section?.as_table())
        .flatten()
        .map(|(name, entry)| {
            let renamed = entry.get("package").and_then(|package| package.as_str());
            renamed.unwrap_or(name)
        })
        .collect()
}
