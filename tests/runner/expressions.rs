//! Expressions with known results: one a line, `expression  bindings  result  type  source  note`, separated by tabs.
//!
//! Bindings give names a value: `ListPrice=500:i4; Name="Anna":wstr(50); X=NULL:i4; U="a":wstr(5)`; each is both a variable
//! and a column. Results are the text SSIS shows, `NULL`, or `ERROR`; an empty result or type is not compared, nor is
//! `NONDET`, what a clock gives. Every case
//! runs as a scalar, and in batches of 1 and 3 rows.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use arrow::{
    array::{ArrayRef, RecordBatch, RecordBatchOptions, StringViewArray, UInt32Array},
    compute::take,
    datatypes::Schema,
};
use dtsx::DataType;
use fletching_expression::{
    ColumnReference, ConvertOptions, Scalar, Scope, compile, convert, format::ColumnText, types,
};
use libtest_mimic::{Failed, Trial};

use super::{files, stem, table::TypeText};

/// A trial for each line of each file, but for those of `misses.tsv`, which must still miss.
pub fn trials(folder: &Path) -> Vec<Trial> {
    let known: BTreeMap<String, String> = lines(&folder.join("misses.tsv"))
        .into_iter()
        .map(|(_, fields)| (fields[0].clone(), fields[1].clone()))
        .collect();
    let mut trials = Vec::new();
    for path in files(folder, "tsv") {
        if stem(&path) == "misses" {
            continue;
        }
        for (number, fields) in lines(&path) {
            let miss = known.get(&fields[0]).cloned();
            let name = format!("expression/{}:{number}: {}", stem(&path), fields[0]);
            trials.push(Trial::test(name, move || {
                outcome(&fields, miss).map_err(Failed::from)
            }));
        }
    }
    trials
}

/// Line number and fields, without the first line.
fn lines(path: &Path) -> Vec<(usize, Vec<String>)> {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = text
        .lines()
        .enumerate()
        .skip(1)
        .filter(|(_, line)| !line.is_empty());
    lines
        .map(|(number, line)| {
            let mut fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
            fields.resize(6, String::new());
            (number + 1, fields)
        })
        .collect()
}

fn outcome(fields: &[String], miss: Option<String>) -> Result<(), String> {
    match (check(fields), miss) {
        (Ok(()), Some(reason)) => Err(format!(
            "it holds now: take it out of misses.tsv ({reason})"
        )),
        (Err(_), Some(_)) => Ok(()),
        (result, None) => result,
    }
}

fn check(fields: &[String]) -> Result<(), String> {
    let [text, bindings, expected, data_type, _, _] = fields else {
        return Err("six fields are wanted".to_owned());
    };
    let scope = Bound::parse(bindings)?;
    let compiled = match compile(text, &scope) {
        Ok(compiled) => compiled,
        Err(_) if expected == "ERROR" => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    let found_type = compiled.data_type();
    if !data_type.is_empty() && found_type.name() != data_type && expected != "ERROR" {
        return Err(format!("its type is {found_type}, {data_type} is wanted"));
    }
    for rows in [1, 3] {
        let evaluated = compiled
            .evaluate(&scope.batch(rows))
            .map_err(|error| error.to_string())?;
        for row in 0..rows {
            let failed = evaluated
                .errors
                .iter()
                .any(|failure| failure.row as usize == row);
            let found = if failed {
                "ERROR".to_owned()
            } else {
                shown(&evaluated.array, &found_type, row)
            };
            if !expected.is_empty() && expected != "NONDET" && !same(expected, &found, &found_type)
            {
                return Err(format!(
                    "row {row} of {rows} is {found}, {expected} is wanted"
                ));
            }
        }
    }
    Ok(())
}

fn shown(array: &ArrayRef, data_type: &DataType, row: usize) -> String {
    if array.is_null(row) {
        return "NULL".to_owned();
    }
    let mut bytes = Vec::new();
    ColumnText::new(array, data_type)
        .unwrap()
        .append(row, &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Text for text; numbers by value, floating ones to 13 digits.
fn same(expected: &str, found: &str, data_type: &DataType) -> bool {
    let numbers = || Some((expected.parse::<f64>().ok()?, found.parse::<f64>().ok()?));
    match (data_type, numbers()) {
        (DataType::R4 | DataType::R8, Some((one, other))) => {
            (one - other).abs() <= one.abs() * 1e-13
        }
        (DataType::Numeric { .. } | DataType::Decimal { .. } | DataType::Cy, Some(_)) => {
            let plain = |text: &str| {
                text.trim_start_matches('-')
                    .trim_start_matches('0')
                    .to_owned()
            };
            plain(expected) == plain(found) && expected.starts_with('-') == found.starts_with('-')
        }
        (DataType::Bool, _) => expected.eq_ignore_ascii_case(found),
        _ => expected == found,
    }
}

/// Names with their values.
struct Bound(Vec<(String, Scalar)>);

impl Bound {
    fn parse(text: &str) -> Result<Self, String> {
        let bindings = text
            .split("; ")
            .filter(|one| !one.is_empty())
            .map(|binding| {
                let wrong = || format!("`{binding}`: write name=value:type");
                let (name, rest) = binding.split_once('=').ok_or_else(wrong)?;
                let (value, kind) = rest.rsplit_once(':').ok_or_else(wrong)?;
                let kind = TypeText::parse(kind)?.data_type().ok_or_else(wrong)?;
                let value = match value {
                    "NULL" => Scalar::null(kind),
                    text => typed(text.trim_matches('"'), kind)?,
                };
                Ok::<_, String>((name.to_owned(), value))
            });
        Ok(Self(bindings.collect::<Result<_, _>>()?))
    }

    /// The bound values as columns of so many rows.
    fn batch(&self, rows: usize) -> RecordBatch {
        let fields: Vec<_> = self
            .0
            .iter()
            .map(|(name, value)| types::field(name, &value.data_type))
            .collect();
        let first = UInt32Array::from(vec![0; rows]);
        let columns = self
            .0
            .iter()
            .map(|(_, value)| take(&value.array, &first, None).unwrap())
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).unwrap()
    }
}

fn typed(text: &str, kind: DataType) -> Result<Scalar, String> {
    let array: ArrayRef = Arc::new(StringViewArray::from(vec![text]));
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let converted = convert(
        &array,
        &DataType::WStr { length },
        &kind,
        &ConvertOptions::cast(1033),
    )
    .map_err(|error| error.to_string())?;
    match converted.errors.first() {
        Some(failure) => Err(format!("`{text}` is no {kind}: {:?}", failure.code)),
        None => Ok(Scalar {
            data_type: kind,
            array: converted.array,
        }),
    }
}

impl Scope for Bound {
    fn column(&self, reference: &ColumnReference) -> Option<(usize, DataType)> {
        let ColumnReference::Name { name, .. } = reference else {
            return None;
        };
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some((at, self.0[at].1.data_type))
    }

    fn variable(&self, namespace: Option<&str>, name: &str) -> Option<Scalar> {
        let full = namespace.map_or(name.to_owned(), |namespace| format!("{namespace}::{name}"));
        self.0
            .iter()
            .find(|(known, _)| *known == full)
            .map(|(_, value)| value.clone())
    }

    fn locale_id(&self) -> u32 {
        1033
    }

    fn column_names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }

    fn variable_names(&self) -> Vec<String> {
        self.column_names()
    }
}
