//! Where in the text of a query an error comes from.

use std::ops::ControlFlow;

use datafusion::{
    error::DataFusionError,
    sql::sqlparser::{
        ast::{
            Expr, FunctionArg, FunctionArgExpr, TableFactor, Value, ValueWithSpan, Visit, Visitor,
        },
        dialect::GenericDialect,
        parser::Parser,
        tokenizer::Location,
    },
};

use crate::{NAME, PackageError};

/// A place in a text, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The character in it.
    pub column: u64,
}

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        Self {
            line: location.line,
            column: location.column,
        }
    }
}

impl Place {
    /// Where an error is, if that is known.
    pub(crate) fn of(sql: &str, error: &DataFusionError) -> Option<Self> {
        if let Some(package) = PackageError::find(error) {
            return call(sql, package);
        }
        if let Some(span) = error.diagnostic().and_then(|found| found.span) {
            return Some(Self {
                line: span.start.line,
                column: span.start.column,
            });
        }
        match error.find_root() {
            DataFusionError::SQL(error, _) => told(&error.to_string()),
            _ => None,
        }
    }

    /// The line of the text, and a mark below the place.
    pub fn shown(&self, sql: &str) -> String {
        let at = usize::try_from(self.line.saturating_sub(1)).unwrap_or_default();
        let line = sql.lines().nth(at).unwrap_or_default().replace('\t', " ");
        let length = line.chars().count();
        let before = usize::try_from(self.column.saturating_sub(1)).unwrap_or_default();
        format!("{line}\n{}^", " ".repeat(before.min(length)))
    }
}

/// What the parser says at the end of its messages: ` at Line: 1, Column: 8`.
fn told(message: &str) -> Option<Place> {
    let (_, place) = message.rsplit_once(" at Line: ")?;
    let (line, rest) = place.split_once(", Column: ")?;
    let digits = rest.chars().take_while(char::is_ascii_digit);
    Some(Place {
        line: line.parse().ok()?,
        column: digits.collect::<String>().parse().ok()?,
    })
}

/// The call of the function that an error is of.
fn call(sql: &str, error: &PackageError) -> Option<Place> {
    struct Calls<'a>(&'a PackageError);
    impl Visitor for Calls<'_> {
        type Break = Place;

        fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Place> {
            let TableFactor::Table {
                name,
                args: Some(arguments),
                ..
            } = factor
            else {
                return ControlFlow::Continue(());
            };
            let first = name.0.first().and_then(|name| name.as_ident());
            let Some(name) = first.filter(|name| name.value.eq_ignore_ascii_case(NAME)) else {
                return ControlFlow::Continue(());
            };
            let texts: Vec<&str> = arguments.args.iter().filter_map(text).collect();
            match self.0.call.is_empty() || self.0.call.iter().eq(texts) {
                true => ControlFlow::Break(name.span.start.into()),
                false => ControlFlow::Continue(()),
            }
        }
    }
    let statements = Parser::parse_sql(&GenericDialect {}, sql).ok()?;
    match statements.visit(&mut Calls(error)) {
        ControlFlow::Break(place) => Some(place),
        ControlFlow::Continue(()) => None,
    }
}

fn text(argument: &FunctionArg) -> Option<&str> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(ValueWithSpan {
            value: Value::SingleQuotedString(text),
            ..
        }))) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Fault;

    #[test]
    fn the_call_of_an_error_is_found() {
        let sql = "SELECT *\nFROM package('a.dtsx') a\nJOIN package('b.dtsx', 'R') b ON a.x = b.x";
        let of = |call: &[&str]| {
            let call: Vec<String> = call.iter().map(|text| (*text).to_owned()).collect();
            let error = PackageError {
                call: call.into(),
                fault: Fault::NoReader,
            };
            Place::of(sql, &error.external()).map(|place| (place.line, place.column))
        };
        assert_eq!(of(&["a.dtsx"]), Some((2, 6)));
        assert_eq!(of(&["b.dtsx", "R"]), Some((3, 6)));
        assert_eq!(of(&["c.dtsx"]), None);
        let error = DataFusionError::Shared(Arc::new(DataFusionError::Plan("no".to_owned())));
        assert_eq!(Place::of(sql, &error), None);
        assert_eq!(
            Place { line: 2, column: 6 }.shown(sql),
            "FROM package('a.dtsx') a\n     ^"
        );
    }

    #[test]
    fn the_parser_tells_its_place() {
        let place = told("Expected: (, found: x at Line: 12, Column: 8");
        assert_eq!(
            place,
            Some(Place {
                line: 12,
                column: 8
            })
        );
    }
}
