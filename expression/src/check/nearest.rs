//! Did you mean: the known name that is nearest to an unknown one.

/// `; did you mean ...?` or the known names, if they are few.
pub(super) fn nearest(name: &str, known: &[String]) -> String {
    let lower = name.to_lowercase();
    let best = known
        .iter()
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= (name.chars().count() / 3).max(1));
    match best {
        Some((_, candidate)) => format!("; did you mean `{candidate}`?"),
        None if known.is_empty() => String::new(),
        None if known.len() <= 30 => format!("; there are {}", known.join(", ")),
        None => String::new(),
    }
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
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
