//! Did you mean: the known name that is nearest to an unknown one.

/// `; did you mean ...?` or the known names, if they are few.
pub(super) fn nearest(name: &str, known: &[String]) -> String {
    nearest_by(name, known, |name| name)
}

/// As [`nearest`], told apart by a part of the names.
fn nearest_by(name: &str, known: &[String], part: fn(&str) -> &str) -> String {
    let lower = part(name).to_lowercase();
    let best = known
        .iter()
        .map(|candidate| {
            let candidate_part = part(candidate).to_lowercase();
            (distance(&lower, &candidate_part), candidate)
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= (lower.chars().count() / 3).max(1));
    match best {
        Some((_, candidate)) => format!("; did you mean `{candidate}`?"),
        None if known.is_empty() => String::new(),
        None if known.len() <= 30 => format!("; there are {}", known.join(", ")),
        None => String::new(),
    }
}

/// What to say of a variable or parameter that is not known: the nearest name, or those there are; the system's only if one
/// of them is meant. Parameters of a project come with it.
pub fn variable_advice(name: &str, known: &[String]) -> String {
    let of_project = |name: &str| name.starts_with("$Project::");
    if of_project(name) && !known.iter().any(|known| of_project(known)) {
        return "; no parameter of a project is known: the package is to be loaded with its project (`--project`)".to_owned();
    }
    let of_system = |name: &str| name.starts_with("System::");
    let shown = known
        .iter()
        .filter(|known| of_system(name) || !of_system(known));
    nearest_by(name, &shown.cloned().collect::<Vec<_>>(), bare)
}

/// A name without its namespace.
fn bare(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

/// Levenshtein distance.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = if x == *y {
                diagonal
            } else {
                diagonal.min(row[j]).min(row[j + 1]) + 1
            };
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::variable_advice;

    #[test]
    fn what_is_said_of_unknown_variables() {
        let known = ["User::Folder", "System::TaskName", "System::TaskID"].map(str::to_owned);
        for (name, advice) in [
            ("User::Gone", "; there are User::Folder"),
            ("User::folder", "; did you mean `User::Folder`?"),
            (
                "System::Gone",
                "; there are User::Folder, System::TaskName, System::TaskID",
            ),
            (
                "$Project::Server",
                "; no parameter of a project is known: the package is to be loaded with its project (`--project`)",
            ),
        ] {
            assert_eq!(variable_advice(name, &known), advice);
        }
    }
}
