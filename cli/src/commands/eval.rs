//! `fletch eval`: one expression over values from the command line, or the cases of a file.

use std::path::{Path, PathBuf};

use clap::Args;
use fletching::expression::{
    ExpressionError, Scalar,
    cases::{self, LOCALE_ID},
    parse,
    text::Locale,
    values::{ValueError, Values},
};
use serde::Serialize;

use crate::{
    exit::{Exit, Failure},
    options::OutputFormat,
    render,
};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The expression: '(DT_WSTR,10)@[User::Year] + "-Q" + Quarter'. Of an assignment, what it assigns.
    #[arg(required_unless_present = "file", allow_hyphen_values = true)]
    expression: Option<String>,
    /// Give a variable or parameter a value: 'User::X:DT_I4=5', '$Project::Region:DT_WSTR(20)=North'. Repeatable.
    #[arg(long, value_name = "NAME:TYPE=VALUE")]
    var: Vec<String>,
    /// Give a column a value: 'Name:DT_WSTR(10)=abc', 'Source.Name:DT_BYTES=0x0102', '#12:DT_I4=5'; NULL is NULL. Repeatable.
    #[arg(long, value_name = "NAME:TYPE=VALUE")]
    column: Vec<String>,
    /// Locale by which text becomes dates: 1033 is English (United States).
    #[arg(long, value_name = "LCID", default_value_t = LOCALE_ID)]
    locale: u32,
    #[arg(long, value_enum, default_value = "text")]
    format: OutputFormat,
    /// Run the cases of a file and print those that miss: a line each, `expression`, `bindings`, `result`, `type`.
    #[arg(long, value_name = "CASES.tsv", conflicts_with = "expression")]
    file: Option<PathBuf>,
}

/// `--format json`, of a value.
#[derive(Debug, Serialize)]
struct Value<'a> {
    #[serde(rename = "type")]
    data_type: String,
    value: Option<&'a str>,
}

/// `--format json`, of an expression that fails.
#[derive(Debug, Serialize)]
struct Failed<'a> {
    error: Fault<'a>,
}

#[derive(Debug, Serialize)]
struct Fault<'a> {
    code: Option<String>,
    symbol: Option<&'static str>,
    message: &'a str,
    /// The first character that is wrong, from 1.
    position: usize,
}

/// `--file --format json`: a case that misses.
#[derive(Debug, Serialize)]
struct Miss<'a> {
    line: usize,
    expression: &'a str,
    miss: &'a str,
}

/// `--file --format json`: how many did.
#[derive(Debug, Serialize)]
struct Count {
    cases: usize,
    misses: usize,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let json = arguments.format == OutputFormat::Json;
    let values = values(&arguments).map_err(|failure| failure.with_json(json))?;
    match &arguments.file {
        Some(file) => check(file, &values, json).map_err(|failure| failure.with_json(json)),
        None => evaluate(
            arguments.expression.as_deref().unwrap_or_default(),
            &values,
            json,
        ),
    }
}

fn values(arguments: &Arguments) -> Result<Values, Failure> {
    let wrong = |message: String| Failure::new(Exit::BadCommandLine, message);
    Locale::from_lcid(arguments.locale).map_err(|error| wrong(format!("--locale: {error}")))?;
    let mut values = Values::new(arguments.locale);
    let variables = arguments.var.iter();
    let variables = variables.map(|one| Values::parse_variable(one, arguments.locale));
    for (name, value) in bound("--var", variables).map_err(wrong)? {
        values.add_variable(name.trim(), value);
    }
    let columns = arguments.column.iter();
    let columns = columns.map(|one| Values::parse_binding(one, arguments.locale));
    for (name, value) in bound("--column", columns).map_err(wrong)? {
        values.add_column(name, value);
    }
    Ok(values)
}

/// Names and their values, each name once.
fn bound<'a>(
    option: &str,
    bindings: impl Iterator<Item = Result<(&'a str, Scalar), ValueError>>,
) -> Result<Vec<(&'a str, Scalar)>, String> {
    let mut bound: Vec<(&str, Scalar)> = Vec::new();
    for binding in bindings {
        let (name, value) = binding.map_err(|error| format!("{option} {error}"))?;
        if bound.iter().any(|(known, _)| *known == name) {
            return Err(format!("{option} `{name}` is given twice"));
        }
        bound.push((name, value));
    }
    Ok(bound)
}

fn evaluate(expression: &str, values: &Values, json: bool) -> Result<Exit, Failure> {
    match value(expression, values) {
        Ok(value) => {
            let text = value.to_string();
            let shown = (!value.is_null()).then_some(text.as_str());
            if json {
                render::json_line(&Value {
                    data_type: value.data_type.to_string(),
                    value: shown,
                })?;
            } else {
                render::text(&format!(
                    "{}\t{}\n",
                    value.data_type,
                    shown.unwrap_or("NULL")
                ))?;
            }
            Ok(Exit::Success)
        }
        Err(error) if json => {
            render::json_line(&Failed {
                error: Fault {
                    code: error.code.map(|code| format!("0x{:08X}", code.0)),
                    symbol: error.code.map(|code| code.symbol()),
                    message: &error.message,
                    position: error.start + 1,
                },
            })?;
            Ok(Exit::Failed)
        }
        Err(error) => {
            let code = error
                .code
                .map_or(String::new(), |code| format!(" [{code}]"));
            let message = format!("{}{code}\n{}", error.message, error.caret());
            Err(Failure::new(Exit::Failed, message))
        }
    }
}

/// The value for a row of the given columns.
fn value(expression: &str, values: &Values) -> Result<Scalar, ExpressionError> {
    parse(expression)?
        .compile_value(values)?
        .evaluate_row(values)
}

/// Prints each case that misses, and how many did.
fn check(file: &Path, values: &Values, json: bool) -> Result<Exit, Failure> {
    let shown = file.display();
    let text = fletching::read_file(file)?;
    let text = String::from_utf8_lossy(&text);
    let cases = cases::read(&text)
        .map_err(|error| Failure::new(Exit::BadCommandLine, format!("`{shown}`: {error}")))?;
    let mut misses = 0;
    for case in &cases {
        let Err(miss) = case.check(values) else {
            continue;
        };
        misses += 1;
        if json {
            render::json_line(&Miss {
                line: case.line,
                expression: &case.expression,
                miss: &miss,
            })?;
        } else {
            render::text(&format!(
                "{shown}:{}: {}\n    {miss}\n",
                case.line, case.expression
            ))?;
        }
    }
    let count = Count {
        cases: cases.len(),
        misses,
    };
    if json {
        render::json_line(&count)?;
    } else {
        render::text(&format!("{} cases, {misses} misses\n", count.cases))?;
    }
    Ok(if misses == 0 {
        Exit::Success
    } else {
        Exit::Failed
    })
}
