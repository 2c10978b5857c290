//! Candidate keys: which columns are looked at, how often their values are there, and what of it is reported.
//!
//! ```text
//!  KeyColumns ──candidates──▶ sets of columns ──rows──▶ Keys ──finish──▶ Key: strength and violations, if strong enough
//! ```

use std::collections::{BTreeSet, HashMap};

use arrow::{
    array::{Array, ArrayRef},
    datatypes::DataType,
    error::ArrowError,
};
use fletching_connections::database::TableColumn;

use super::{input::Threshold, value::Values};

/// Sets of columns of a request.
const CANDIDATES_MAX: usize = 1000;

/// The sets of columns that a request is about: the named ones with as many others as there are wildcards, or fewer.
///
/// # Errors
/// What is wrong with it, for a person.
pub(super) fn candidates<'c>(
    named: Vec<&'c TableColumn>,
    suited: &[&'c TableColumn],
    wildcards: usize,
) -> Result<Vec<Vec<&'c TableColumn>>, String> {
    if wildcards == 0 {
        let mut key: Vec<&TableColumn> = Vec::new();
        for column in named {
            if !key.iter().any(|one| one.name == column.name) {
                key.push(column);
            }
        }
        return Ok(vec![key]);
    }
    let is_named = |column: &TableColumn| named.iter().any(|one| one.name == column.name);
    let fixed = (0..suited.len()).filter(|at| suited.get(*at).is_some_and(|one| is_named(one)));
    let fixed: BTreeSet<usize> = fixed.collect();
    let mut all = Vec::new();
    let mut sets = vec![fixed.clone()];
    for _ in 0..wildcards.min(suited.len() - fixed.len()) {
        let mut longer = Vec::new();
        for set in &sets {
            // In ascending order, so that each set comes once.
            let last = set.difference(&fixed).max().copied();
            for at in last.map_or(0, |last| last + 1)..suited.len() {
                if !fixed.contains(&at) {
                    let mut set = set.clone();
                    set.insert(at);
                    longer.push(set);
                }
            }
            if all.len() + longer.len() > CANDIDATES_MAX {
                return Err(format!(
                    "its wildcards stand for more than {CANDIDATES_MAX} keys: name more of the columns"
                ));
            }
        }
        all.append(&mut sets);
        sets = longer;
    }
    all.append(&mut sets);
    let keys = all.into_iter().filter(|set| !set.is_empty()).map(|set| {
        let columns = set.into_iter().filter_map(|at| suited.get(at).copied());
        columns.collect()
    });
    Ok(keys.collect())
}

/// How often the values of a key are there; NULL is one of them.
#[derive(Debug, Default)]
pub(super) struct Keys {
    counts: HashMap<Vec<Option<String>>, u64>,
    has_bits: bool,
}

/// A key that is reported.
#[derive(Debug, PartialEq)]
pub(super) struct Key {
    /// `None`: exact.
    pub(super) strength: Option<f64>,
    /// Values that are there more than once, the most frequent first.
    pub(super) violations: Vec<(Vec<String>, u64)>,
}

impl Keys {
    pub(super) fn count(&self) -> usize {
        self.counts.len()
    }

    /// Takes the values of some rows; gives the bytes that are kept of them.
    pub(super) fn add(&mut self, arrays: &[&ArrayRef]) -> Result<usize, ArrowError> {
        let mut kept = 0;
        let mut columns = Vec::new();
        for array in arrays {
            self.has_bits |= *array.data_type() == DataType::Boolean;
            columns.push((array, Values::new(array)?));
        }
        for at in 0..arrays.first().map_or(0, |array| array.len()) {
            let mut key = Vec::with_capacity(columns.len());
            for (array, values) in &columns {
                let value = array.is_valid(at).then(|| values.text(at));
                key.push(value.transpose()?);
            }
            if let Some(count) = self.counts.get_mut(&key) {
                *count += 1;
                continue;
            }
            kept += key.iter().flatten().map(String::len).sum::<usize>() + 64;
            self.counts.insert(key, 1);
        }
        Ok(kept)
    }

    /// The key, if it is to be reported: different values for each row make its strength.
    ///
    /// # Errors
    /// A violation that there is no way to write, for a person.
    pub(super) fn finish(
        self,
        rows: u64,
        threshold: Threshold,
        violations_max: usize,
    ) -> Result<Option<Key>, String> {
        let different = self.counts.len() as u64;
        if different == rows {
            return Ok(Some(Key {
                strength: None,
                violations: Vec::new(),
            }));
        }
        let strength = different as f64 / rows as f64;
        let is_reported = match threshold {
            Threshold::None => true,
            Threshold::Specified(least) => strength > least,
            Threshold::Exact => false,
        };
        if !is_reported {
            return Ok(None);
        }
        let mut violations: Vec<_> = self.counts.into_iter().collect();
        violations.retain(|(_, count)| *count > 1);
        violations.sort_unstable_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
        violations.truncate(violations_max);
        if self.has_bits && !violations.is_empty() {
            return Err("values of a bit column violate the key, and how SSIS writes these is not known: name the columns of the key without it, or set ThresholdSetting to Exact".to_owned());
        }
        let violations = violations.into_iter().map(|(key, count)| {
            let key: Option<Vec<String>> = key.into_iter().collect();
            Some((key?, count))
        });
        let violations: Option<Vec<_>> = violations.collect();
        let violations = violations.ok_or("NULLs violate the key, and how SSIS writes these is not known: set ThresholdSetting to Exact, or the threshold higher")?;
        Ok(Some(Key {
            strength: Some(strength),
            violations,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, StringArray};

    use super::*;

    fn column(name: &str) -> TableColumn {
        TableColumn {
            name: name.to_owned(),
            declared: "int".to_owned(),
            data_type: DataType::Int32,
            nullable: false,
            identity: false,
            has_default: false,
            computed: false,
        }
    }

    #[test]
    fn wildcards_stand_for_what_the_documentation_says() {
        let columns = ["A", "B", "C"].map(column);
        let columns: Vec<&TableColumn> = columns.iter().collect();
        let all = |named: &[usize], wildcards| {
            let named = named.iter().map(|at| columns[*at]).collect();
            let keys = candidates(named, &columns, wildcards).unwrap();
            let names = keys.iter().map(|key| {
                let names = key.iter().map(|one| one.name.as_str());
                names.collect::<String>()
            });
            names.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(all(&[], 1), "A B C");
        assert_eq!(all(&[2], 1), "C AC BC");
        assert_eq!(all(&[], 2), "A B C AB AC BC");
        assert_eq!(all(&[2, 0, 2], 0), "CA");
        assert_eq!(all(&[], 9), "A B C AB AC BC ABC");
        let many: Vec<TableColumn> = (0..60).map(|at| column(&at.to_string())).collect();
        let many: Vec<&TableColumn> = many.iter().collect();
        assert!(candidates(Vec::new(), &many, 3).is_err());
    }

    #[test]
    fn a_key_is_as_strong_as_its_values_are_different() {
        let keys = || {
            let mut keys = Keys::default();
            let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1, 1, 1, 2]));
            let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "a", "b", "b"]));
            keys.add(&[&numbers, &texts]).unwrap();
            keys
        };
        let key = keys().finish(4, Threshold::Specified(0.7), 100).unwrap();
        let violation = (vec!["1".to_owned(), "a".to_owned()], 2);
        assert_eq!(
            key,
            Some(Key {
                strength: Some(0.75),
                violations: vec![violation]
            })
        );
        let left_out = [Threshold::Exact, Threshold::Specified(0.75)];
        for threshold in left_out {
            assert_eq!(keys().finish(4, threshold, 100).unwrap(), None);
        }
        let key = keys().finish(4, Threshold::None, 0).unwrap().unwrap();
        assert!(key.violations.is_empty());
        let mut keys = Keys::default();
        let texts: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>, None]));
        keys.add(&[&texts]).unwrap();
        assert!(keys.finish(2, Threshold::None, 1).is_err());
    }
}
