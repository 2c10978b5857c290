//! One Arrow: two versions in one program cannot pass each other an array.

use crate::{tidy::Breach, tree::Tree};

const ONE_VERSION: &[&str] = &[
    "arrow",
    "arrow-array",
    "arrow-schema",
    "parquet",
    "datafusion-common",
];

pub(crate) fn check(tree: &Tree) -> Vec<Breach> {
    ONE_VERSION
        .iter()
        .filter_map(|name| {
            let entry = format!("name = \"{name}\"");
            let lines: Vec<usize> = (1..)
                .zip(tree.lock.text.lines())
                .filter(|(_, line)| *line == entry)
                .map(|(number, _)| number)
                .collect();
            (lines.len() != 1).then(|| Breach {
                path: tree.lock.path.clone(),
                line: lines.last().copied().unwrap_or(1),
                advice: format!(
                    "{} versions of `{name}`: `cargo tree -i {name}` says who asks; bring all to one",
                    lines.len()
                ),
            })
        })
        .collect()
}
