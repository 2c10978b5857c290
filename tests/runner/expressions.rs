//! The case files of the expression language (`fletching_expression::cases` says what a line is), a trial for each line.

use std::{collections::BTreeMap, fs, path::Path};

use fletching_expression::{
    cases::{self, Case, LOCALE_ID},
    values::Values,
};
use libtest_mimic::{Failed, Trial};

use super::{files, stem};

/// A trial for each line of each file, but for those of `misses.tsv`, which must still miss.
pub fn trials(folder: &Path) -> Vec<Trial> {
    let known: BTreeMap<String, String> = lines(&folder.join("misses.tsv"))
        .into_iter()
        .map(|case| (case.expression, case.result))
        .collect();
    let mut trials = Vec::new();
    for path in files(folder, "tsv") {
        if stem(&path) == "misses" {
            continue;
        }
        for case in lines(&path) {
            let miss = known.get(&case.expression).cloned();
            // The start says which it is; some are of 4,000 characters.
            let start: String = case.expression.chars().take(150).collect();
            let name = format!("expression/{}:{}: {start}", stem(&path), case.line);
            trials.push(Trial::test(name, move || {
                outcome(&case, miss).map_err(Failed::from)
            }));
        }
    }
    trials
}

fn lines(path: &Path) -> Vec<Case> {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    cases::read(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// `miss` is why it is known to miss.
fn outcome(case: &Case, miss: Option<String>) -> Result<(), String> {
    match (case.check(&Values::new(LOCALE_ID)), miss) {
        (Ok(()), Some(reason)) => Err(format!(
            "it holds now: take it out of misses.tsv ({reason})"
        )),
        (Err(_), Some(_)) => Ok(()),
        (result, None) => result,
    }
}
