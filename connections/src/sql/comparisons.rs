//! Comparisons of a number with a text, or with what may be one: T-SQL makes a number of the text, SQLite compares text with
//! text or takes any text for greater than any number.
//!
//! ```text
//!  [Month] = 1        Month = CAST(1 AS INTEGER)                 a column's type is not known here: an operand that is
//!  [Month] IN (1, 2)  Month IN (SELECT CAST(column1 AS …) …)     declared a number makes SQLite convert the other one,
//!                                                                and an index of a column of numbers stays of use
//!  RIGHT(a, 1) = 1    tsql_number(tsql_right(a, 1)) = …          a text by its expression: no number in it is an error
//! ```
//!
//! A column of texts that are no numbers is unequal to any here, where T-SQL fails. The other databases have types as T-SQL
//! has, and say where they do not compare.

use sqlparser::ast::{BinaryOperator, CaseWhen, Expr, Function, FunctionArguments, Ident, Value};

use super::{
    Dialect,
    expressions::{call, taken},
    kinds::{Known, argument, kind},
    rewriter::Rewriter,
};

/// The names of translations in the table of functions.
const DECLARED_INTEGER: &str = "TSQL_AS_INTEGER";
const DECLARED_NUMBER: &str = "TSQL_AS_NUMBER";
const NUMBER_OF_TEXT: &str = "TSQL_NUMBER";
const NULL_IF: &str = "TSQL_NULLIF";
/// The values of a list as rows of a query, from which SQLite takes a type.
pub(super) const DECLARED_LIST: &str = "TSQL_LIST";

/// Says which operands are numbers, before those are rewritten.
pub(super) fn compare_numbers(expr: &mut Expr) {
    match expr {
        Expr::BinaryOp { left, op, right } if compares(op) => pair(left, right),
        Expr::Between {
            expr, low, high, ..
        } => between(expr, [low, high]),
        Expr::InList { expr, list, .. } => among(expr, list),
        Expr::Case {
            operand: Some(operand),
            conditions,
            ..
        } => choices(operand, conditions),
        Expr::Function(function) => nullif(function),
        _ => {}
    }
}

fn compares(op: &BinaryOperator) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq)
}

fn is_number(expr: &Expr) -> bool {
    matches!(kind(expr), Known::Integer | Known::Number)
}

fn may_be_text(expr: &Expr) -> bool {
    let is_null = matches!(expr, Expr::Value(value) if matches!(value.value, Value::Null));
    !is_null && matches!(kind(expr), Known::Text | Known::Nothing)
}

fn is_mixed(one: &Expr, other: &Expr) -> bool {
    is_number(one) && may_be_text(other) || is_number(other) && may_be_text(one)
}

fn pair(left: &mut Expr, right: &mut Expr) {
    if !is_mixed(left, right) {
        return;
    }
    let (number, other) = match is_number(left) {
        true => (left, right),
        false => (right, left),
    };
    declare(number);
    convert_text(other);
}

fn between(value: &mut Expr, ends: [&mut Box<Expr>; 2]) {
    let mixed = ends.iter().any(|end| is_mixed(value, end));
    if !mixed {
        return;
    }
    let is_of_numbers = is_number(value);
    for end in ends {
        match is_number(end) {
            true => declare(end),
            false if is_of_numbers => convert_text(end),
            false => {}
        }
    }
    match is_of_numbers {
        true => declare(value),
        false => convert_text(value),
    }
}

/// All values of a list become numbers when one is.
fn among(value: &mut Expr, list: &mut Vec<Expr>) {
    if !list.iter().any(|item| is_mixed(value, item)) {
        return;
    }
    let declared = declaration(list.iter().filter(|item| is_number(item)));
    let is_of_numbers = is_number(value);
    list.iter_mut().for_each(convert_text);
    convert_text(value);
    if is_of_numbers {
        // The other values are columns, or texts that are numbers now: what is on the left decides.
        return declare(value);
    }
    let mut items = vec![Expr::Identifier(Ident::new(declared))];
    items.append(list);
    list.push(call(DECLARED_LIST, items));
}

fn choices(operand: &mut Expr, conditions: &mut [CaseWhen]) {
    let mixed = |when: &CaseWhen| is_mixed(operand, &when.condition);
    if !conditions.iter().any(mixed) {
        return;
    }
    let is_of_numbers = is_number(operand);
    for when in conditions {
        match is_number(&when.condition) {
            true => declare(&mut when.condition),
            false if is_of_numbers => convert_text(&mut when.condition),
            false => {}
        }
    }
    match is_of_numbers {
        true => declare(operand),
        false => convert_text(operand),
    }
}

fn nullif(function: &mut Function) {
    if !function.name.to_string().eq_ignore_ascii_case("NULLIF") {
        return;
    }
    let mixed = argument(function, 0)
        .zip(argument(function, 1))
        .is_some_and(|(value, other)| is_mixed(value, other));
    if mixed && matches!(function.args, FunctionArguments::List(_)) {
        function.name = vec![Ident::new(NULL_IF)].into();
    }
}

fn declaration<'a>(mut numbers: impl Iterator<Item = &'a Expr>) -> &'static str {
    match numbers.all(|number| kind(number) == Known::Integer) {
        true => "INTEGER",
        false => "NUMERIC",
    }
}

/// A number that SQLite takes for the column of one.
fn declare(expr: &mut Expr) {
    let name = match kind(expr) {
        Known::Integer => DECLARED_INTEGER,
        _ => DECLARED_NUMBER,
    };
    *expr = call(name, vec![taken(expr)]);
}

fn convert_text(expr: &mut Expr) {
    if kind(expr) == Known::Text {
        *expr = call(NUMBER_OF_TEXT, vec![taken(expr)]);
    }
}

impl Rewriter<'_> {
    /// `SELECT CAST(column1 AS INTEGER) FROM (VALUES (1), (2))`.
    pub(super) fn declared_list(&self, arguments: &[String]) -> Option<String> {
        let (declared, values) = arguments.split_first()?;
        let rows: Vec<String> = values.iter().map(|value| format!("({value})")).collect();
        let rows = rows.join(", ");
        (self.to == Dialect::Sqlite)
            .then(|| format!("SELECT CAST(column1 AS {declared}) FROM (VALUES {rows})"))
    }
}
