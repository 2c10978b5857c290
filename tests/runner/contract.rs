//! What holds for every component of the registry, checked from outside.

use std::path::Path;

use fletching_components::{ComponentKind, registry::COMPONENTS};
use libtest_mimic::{Failed, Trial};

use super::markdown;

/// A trial for each class: it has spec cases, and they use it.
pub fn trials(spec: &Path) -> Vec<Trial> {
    let trial = |class: &'static fletching_components::ComponentClass| {
        let folder = match class.kind {
            ComponentKind::Source => "sources",
            ComponentKind::Transform => "transforms",
            ComponentKind::Destination => "destinations",
        };
        let path = spec.join(folder).join(format!("{}.md", snake(class.name)));
        Trial::test(
            format!("contract/{}: has spec cases", class.name),
            move || {
                if !path.is_file() {
                    return Err(Failed::from(format!("{} is missing", path.display())));
                }
                let used = |case: &markdown::Case| {
                    case.of("toml").any(|fence| fence.text.contains(class.name))
                };
                let cases = markdown::cases(&path);
                match cases.iter().filter(|case| used(case)).count() {
                    0 => Err(Failed::from(format!(
                        "no case of {} is about {}",
                        path.display(),
                        class.name
                    ))),
                    _ => Ok(()),
                }
            },
        )
    };
    COMPONENTS.iter().copied().map(trial).collect()
}

/// `Microsoft.OLEDBSource` -> `oledb_source`: a word begins after a small letter, or before one, as `cargo xtask tidy` has it.
fn snake(class: &str) -> String {
    let letters: Vec<char> = class.trim_start_matches("Microsoft.").chars().collect();
    let is_small = |index: usize| letters.get(index).is_some_and(|c| !c.is_uppercase());
    let mut name = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let begins = index > 0 && letter.is_uppercase() && index + 1 < letters.len();
        if begins && (is_small(index - 1) || is_small(index + 1)) {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}
