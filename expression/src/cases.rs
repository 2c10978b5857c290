//! Expressions with known results, one a line, separated by tabs under a first line that names the columns:
//!
//! | column | |
//! |---|---|
//! | `expression` | `␊` is a line end in it, `␉` a tab |
//! | `bindings` | values of names, each both a variable and a column: `Price=500:i4; Name="Anna":wstr(50); X=NULL:i4` |
//! | `result` | the text SSIS shows; `NULL`; `ERROR`, also with the symbol of its code; nothing or `NONDET` if it is not compared |
//! | `type` | `DT_NUMERIC`, or with its arguments `DT_NUMERIC,5,2`; not compared if empty |
//!
//! Other columns, such as `source` and `note`, are for people. Every case runs in batches of 1 and 3 rows, and as a scalar if
//! it names no column.

use std::collections::HashMap;

use dtsx::DataType;

use crate::{
    ColumnReference, Expression, ExpressionError, Scalar, Scope, compile,
    values::{ValueError, Values, parse_type, parse_value},
};

/// LCID by which cases read dates: English, United States.
pub const LOCALE_ID: u32 = 1033;

/// A line of a case file.
#[derive(Debug, Clone)]
pub struct Case {
    /// From 1.
    pub line: usize,
    /// The expression.
    pub expression: String,
    /// As written: `Price=500:i4; Name="Anna":wstr(50)`.
    pub bindings: String,
    /// What it gives, in the text SSIS shows.
    pub result: String,
    /// The type of that.
    pub data_type: String,
}

/// A file that holds no cases.
#[derive(Debug, thiserror::Error)]
#[error(
    "the first line names no column `{0}`: `expression` and `result` are wanted, separated by tabs"
)]
pub struct NoCases(&'static str);

/// The cases of a file.
///
/// # Errors
/// [`NoCases`] if its first line is not one of names.
pub fn read(text: &str) -> Result<Vec<Case>, NoCases> {
    let mut lines = text.lines().enumerate();
    let names = lines
        .next()
        .map_or("", |(_, line)| line.trim_start_matches('\u{feff}'));
    let names: HashMap<&str, usize> = names
        .split('\t')
        .enumerate()
        .map(|(at, name)| (name, at))
        .collect();
    let place = |name: &'static str| names.get(name).copied().ok_or(NoCases(name));
    let (expression, result) = (place("expression")?, place("result")?);
    let (bindings, data_type) = (names.get("bindings"), names.get("type"));
    let cases = lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            let fields: Vec<&str> = line.split('\t').collect();
            let field = |at: Option<&usize>| {
                at.and_then(|at| fields.get(*at))
                    .copied()
                    .unwrap_or_default()
                    .to_owned()
            };
            Case {
                line: number + 1,
                expression: field(Some(&expression))
                    .replace('␊', "\n")
                    .replace('␉', "\t"),
                bindings: field(bindings),
                result: field(Some(&result)),
                data_type: field(data_type),
            }
        });
    Ok(cases.collect())
}

impl Case {
    /// Runs it; `given` has values beside those that are bound here.
    ///
    /// # Errors
    /// What it gave, and what was wanted.
    pub fn check(&self, given: &Values) -> Result<(), String> {
        let scope = self.scope(given).map_err(|error| error.to_string())?;
        let compiled = match compile(&self.expression, &scope) {
            Ok(compiled) => compiled,
            Err(error) => return self.failed(&error),
        };
        let error_wanted = self.result.split(' ').next() == Some("ERROR");
        let found = compiled.data_type();
        let shown = match self.data_type.contains(',') {
            true => found.to_string(),
            false => found.name().to_owned(),
        };
        if !self.data_type.is_empty() && shown != self.data_type && !error_wanted {
            return Err(format!("its type is {shown}, {} is wanted", self.data_type));
        }
        for rows in [1, 3] {
            self.batch(&compiled, &scope, rows)?;
        }
        self.scalar(&scope)
    }

    fn scope(&self, given: &Values) -> Result<Values, ValueError> {
        let mut scope = given.clone();
        for binding in self
            .bindings
            .split("; ")
            .filter(|one| !one.trim().is_empty())
        {
            let wrong = || ValueError::Form(binding.to_owned());
            let (name, rest) = binding.split_once('=').ok_or_else(wrong)?;
            let (value, kind) = rest.rsplit_once(':').ok_or_else(wrong)?;
            let value = parse_value(value, parse_type(kind, value.trim_matches('"'))?, LOCALE_ID)?;
            scope.add_column(name.trim(), value.clone());
            scope.add_variable(name.trim(), value);
        }
        Ok(scope)
    }

    /// It did not compile, or its scalar failed.
    fn failed(&self, error: &ExpressionError) -> Result<(), String> {
        match self.result.split_once(' ') {
            None if self.result == "ERROR" => Ok(()),
            Some(("ERROR", symbol)) => {
                let found = error.code.map_or("", |code| code.symbol());
                if found == symbol {
                    return Ok(());
                }
                Err(format!(
                    "the error is {found} ({error}), {symbol} is wanted"
                ))
            }
            _ => Err(format!(
                "{error} [{}]",
                error.code.map_or("", |code| code.symbol())
            )),
        }
    }

    fn batch(&self, compiled: &Expression, scope: &Values, rows: usize) -> Result<(), String> {
        let batch = scope.batch(rows).map_err(|error| error.to_string())?;
        let evaluated = compiled
            .evaluate(&batch)
            .map_err(|error| error.to_string())?;
        for row in 0..rows {
            let failure = evaluated
                .errors
                .iter()
                .find(|failure| failure.row as usize == row);
            let found = match failure {
                Some(failure) => format!("ERROR {}", failure.code.symbol()),
                None => shown(&Scalar {
                    data_type: compiled.data_type(),
                    array: evaluated.array.slice(row, 1),
                }),
            };
            self.compare(&found, &compiled.data_type())
                .map_err(|miss| format!("row {row} of {rows}: {miss}"))?;
        }
        Ok(())
    }

    /// Once more without columns, where it names none.
    fn scalar(&self, scope: &Values) -> Result<(), String> {
        let Ok(compiled) = compile(&self.expression, &Variables(scope)) else {
            return Ok(());
        };
        match compiled.evaluate_scalar() {
            Ok(value) => self.compare(&shown(&value), &value.data_type),
            Err(error) => self.failed(&error),
        }
        .map_err(|miss| format!("as a scalar: {miss}"))
    }

    fn compare(&self, found: &str, data_type: &DataType) -> Result<(), String> {
        let wanted = self.result.as_str();
        let held = match wanted {
            "" | "NONDET" => true,
            "ERROR" => found.starts_with("ERROR "),
            _ => same(wanted, found, data_type),
        };
        match held {
            true => Ok(()),
            false => Err(format!("it is `{found}`, `{wanted}` is wanted")),
        }
    }
}

/// The text SSIS shows, or `NULL`.
fn shown(value: &Scalar) -> String {
    match value.is_null() {
        true => "NULL".to_owned(),
        false => value.to_string(),
    }
}

/// Text for text; numbers by value, floating ones to 13 digits.
fn same(wanted: &str, found: &str, data_type: &DataType) -> bool {
    let numbers = || Some((wanted.parse::<f64>().ok()?, found.parse::<f64>().ok()?));
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
            plain(wanted) == plain(found) && wanted.starts_with('-') == found.starts_with('-')
        }
        (DataType::Bool, _) => wanted.eq_ignore_ascii_case(found),
        _ => wanted == found,
    }
}

/// The variables alone.
struct Variables<'a>(&'a Values);

impl Scope for Variables<'_> {
    fn column(&self, _reference: &ColumnReference) -> Option<(usize, DataType)> {
        None
    }

    fn variable(&self, namespace: Option<&str>, name: &str) -> Option<Scalar> {
        self.0.variable(namespace, name)
    }

    fn locale_id(&self) -> u32 {
        self.0.locale_id()
    }

    fn has_long_texts(&self) -> bool {
        true
    }

    fn column_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn variable_names(&self) -> Vec<String> {
        self.0.variable_names()
    }
}
