//! Statements with parameters that come back, and procedures by their names.
//!
//! ```text
//!  SQL Server, PostgreSQL, others:  {? = call p(?, ?)} ─▶ places ─▶ SQLExecDirect ─▶ all results ─▶ what is in the places
//!  MariaDB, MySQL:                  CALL p(?, ?), all bound as inputs ─▶ the last result is the row that comes back
//!                                   {? = call f(?)} calls a function: SELECT f(?)
//! ```
//!
//! What comes back is there when all results are out, not before. The text is not prepared: PostgreSQL's driver then knows of
//! no value that a function returns. MariaDB's driver fills places without a look at their types, so it gets none.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, Int32Array},
    datatypes::Int32Type,
};
use arrow_odbc::odbc_api::handles::AsStatementRef;

use super::{
    places::places,
    raw::Places,
    read::{all_results, direct},
    session::OdbcSession,
};
use crate::{
    database::{
        DatabaseError, Direction, Executed, Fault, Parameter, ResultSet, Statement,
        sql_server::between_markers, watch::Watch,
    },
    sql::Dialect,
};

/// Hands one back, by a driver that does so of any statement: FreeTDS does of `{call p(?)}` only.
const PROBE: &str = "SELECT ? = 1";
const NOTHING_BACK: &str = "the driver hands back nothing of this call: write `{? = call p(?, ?)}`, with parameters by the \
                            numbers of their places";

/// A statement as it is sent, and its parameters in the order of its markers.
struct Call {
    sql: String,
    parameters: Vec<Parameter>,
    /// For each of them its place among those of the statement.
    given: Vec<usize>,
}

/// # Errors
/// What cannot be said in ODBC, or not to this database.
fn call(statement: &Statement<'_>, dialect: Dialect) -> Result<Call, String> {
    if matches!(dialect, Dialect::Sqlite | Dialect::DuckDb) {
        return Err(
            "the database has no procedures, and its parameters do not come back".to_owned(),
        );
    }
    let call = match statement.is_procedure {
        true => by_name(statement, dialect)?,
        false => Call {
            sql: match dialect {
                Dialect::MsSql => without_output(statement.sql),
                _ => statement.sql.to_owned(),
            },
            parameters: statement.parameters.to_vec(),
            given: (0..statement.parameters.len()).collect(),
        },
    };
    let markers = between_markers(&call.sql).len() - 1;
    let given = call.parameters.len();
    if markers != given {
        return Err(format!(
            "the statement has {markers} parameter markers, {given} values are given"
        ));
    }
    Ok(call)
}

/// A text without the word OUTPUT behind its markers: Microsoft's driver puts it there by itself, and would have it twice.
fn without_output(sql: &str) -> String {
    let pieces = between_markers(sql).into_iter().enumerate();
    let pieces = pieces.map(|(at, piece)| {
        let after = piece.trim_start();
        let end = after.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let (word, rest) = after.split_at(end.unwrap_or(after.len()));
        let is_output = ["OUTPUT", "OUT"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(word));
        match at > 0 && is_output {
            true => rest.to_owned(),
            false => piece,
        }
    });
    pieces.collect::<Vec<_>>().join("?")
}

/// The call of a procedure by its name. What it returns is its first marker.
fn by_name(statement: &Statement<'_>, dialect: Dialect) -> Result<Call, String> {
    let name = statement.sql.trim();
    let parameters = statement.parameters.iter().cloned();
    let (returned, others): (Vec<_>, Vec<_>) = parameters
        .enumerate()
        .partition(|(_, one)| one.direction == Direction::ReturnValue);
    let returns = match returned.len() {
        0 => "",
        1 => "? = ",
        many => {
            return Err(format!(
                "{many} return values are wanted, a procedure has one"
            ));
        }
    };
    let named = others.iter().any(|(_, one)| one.name.is_some());
    let markers = vec!["?"; others.len()].join(", ");
    let sql = match dialect {
        Dialect::MsSql if named => {
            let arguments: Vec<String> = others.iter().map(|(_, one)| argument(one)).collect();
            format!("EXEC {returns}{name} {}", arguments.join(", "))
        }
        _ if named => {
            return Err(
                "parameters of a procedure go by their places here: give them the numbers of their places as names"
                    .to_owned(),
            );
        }
        Dialect::Postgres | Dialect::MySql if returns.is_empty() => {
            format!("CALL {name}({markers})")
        }
        _ if others.is_empty() => format!("{{{returns}call {name}}}"),
        _ => format!("{{{returns}call {name}({markers})}}"),
    };
    let (given, parameters) = returned.into_iter().chain(others).unzip();
    Ok(Call {
        sql,
        parameters,
        given,
    })
}

/// `@total = ?`; the driver adds OUTPUT where it is wanted.
fn argument(parameter: &Parameter) -> String {
    let name = parameter.name.as_deref().unwrap_or_default();
    let name = name.trim_start_matches('@');
    let before = match name {
        "" => String::new(),
        name => format!("@{name} = "),
    };
    format!("{before}?")
}

/// What `{? = call f(?)}` calls.
fn called(sql: &str) -> Option<&str> {
    let inside = sql.trim().trim_start_matches('{').trim_end_matches('}');
    let after = inside.trim().strip_prefix('?')?.trim_start();
    let after = after.strip_prefix('=')?.trim_start();
    let (word, function) = after.split_at_checked("call".len())?;
    let is_call = word.eq_ignore_ascii_case("call") && function.starts_with(char::is_whitespace);
    is_call.then(|| function.trim())
}

impl OdbcSession {
    pub(super) fn call(
        &self,
        statement: &Statement<'_>,
        watch: Option<&Watch>,
    ) -> Result<Executed, DatabaseError> {
        let call = call(statement, self.dialect).map_err(|message| {
            let talk = self.talk(statement.sql);
            talk.refuse(Fault::Unsupported, message)
        })?;
        match self.dialect {
            Dialect::MySql => self.call_by_row(&call, statement.timeout_seconds, watch),
            _ => {
                let done = self.call_by_places(&call, statement.timeout_seconds);
                done.map_err(|error| self.told(error, statement.timeout_seconds, watch))
            }
        }
    }

    /// Refuses a call of which the driver would hand nothing back, and not say so.
    fn probe(&self, call: &Call, seconds: u32) -> Result<(), DatabaseError> {
        let mut ways = call.parameters.iter().map(|one| one.direction);
        let is_escaped = call.sql.trim().starts_with('{');
        if self.dialect != Dialect::MsSql || is_escaped || ways.all(|way| way == Direction::Input) {
            return Ok(());
        }
        let zero = Parameter {
            name: None,
            direction: Direction::Output,
            value: Arc::new(Int32Array::from(vec![0])),
            size: 0,
        };
        let probe = Call {
            sql: PROBE.to_owned(),
            parameters: vec![zero],
            given: vec![0],
        };
        let found = self.placed(&probe, seconds)?.outputs;
        let one = found
            .first()
            .and_then(|one| one.as_primitive_opt::<Int32Type>());
        match one.is_some_and(|one| one.values().first() == Some(&1)) {
            true => Ok(()),
            false => Err(self
                .talk(&call.sql)
                .refuse(Fault::Unsupported, NOTHING_BACK)),
        }
    }

    fn call_by_places(&self, call: &Call, seconds: u32) -> Result<Executed, DatabaseError> {
        self.probe(call, seconds)?;
        self.placed(call, seconds)
    }

    fn placed(&self, call: &Call, seconds: u32) -> Result<Executed, DatabaseError> {
        let talk = self.talk(&call.sql);
        let refuse = |message| talk.refuse(Fault::Value, message);
        // PostgreSQL's driver takes all that goes in for arguments of a function.
        let only_comes = self.dialect == Dialect::Postgres && call.sql.trim().starts_with('{');
        let places = places(&call.parameters, self.habits.loose, only_comes);
        let mut places = Places(places.map_err(refuse)?);
        let mut handle = self.handle(talk, seconds)?;
        let running = self.interrupt.enter(&handle.as_stmt_ref());
        let done = direct(talk, &mut handle, &mut places, |at| all_results(talk, at));
        drop(running);
        let mut executed = done?;
        let mut outputs = Vec::new();
        for (at, place) in places.0.iter().enumerate() {
            if place.is_input() {
                continue;
            }
            let came = place
                .came()
                .map_err(|reason| refuse(format!("parameter {}: {reason}", at + 1)))?;
            if let Some(units) = came.cut {
                executed.messages.push(format!(
                    "parameter {} was cut to the {units} characters of its declared size",
                    at + 1
                ));
            }
            let given = call.given.get(at).copied();
            outputs.push((given, came.value));
        }
        outputs.sort_by_key(|(given, _)| *given);
        executed.outputs = outputs.into_iter().map(|(_, value)| value).collect();
        Ok(executed)
    }

    fn call_by_row(
        &self,
        call: &Call,
        seconds: u32,
        watch: Option<&Watch>,
    ) -> Result<Executed, DatabaseError> {
        let function = called(&call.sql).map(|function| match function.contains('(') {
            true => format!("SELECT {function}"),
            false => format!("SELECT {function}()"),
        });
        let sql = function.as_deref().unwrap_or(&call.sql);
        let wanted = call.parameters.iter().map(|one| one.direction);
        let wanted = wanted.filter(|way| *way != Direction::Input).count();
        let inputs = call.parameters.iter().filter(|one| {
            // A function's value has no marker any more.
            function.is_none() || one.direction != Direction::ReturnValue
        });
        let inputs: Vec<Parameter> = inputs
            .map(|one| Parameter {
                direction: Direction::Input,
                ..one.clone()
            })
            .collect();
        let statement = Statement {
            parameters: &inputs,
            timeout_seconds: seconds,
            ..Statement::new(sql)
        };
        let mut executed = self.perform(&statement, watch, all_results)?;
        if wanted == 0 {
            return Ok(executed);
        }
        let row = executed
            .result_sets
            .pop()
            .and_then(|set| only_row(&set, wanted));
        executed.outputs = row.ok_or_else(|| {
            let message = format!(
                "{wanted} parameters are to come back, and the statement does not end with so many values: what a \
                 procedure declares OUT or INOUT comes back"
            );
            self.talk(sql).refuse(Fault::Unsupported, message)
        })?;
        Ok(executed)
    }
}

/// The values of a result that is one row of so many columns.
fn only_row(set: &ResultSet, columns: usize) -> Option<Vec<ArrayRef>> {
    match set.batches.as_slice() {
        [batch] if batch.num_rows() == 1 && batch.num_columns() == columns => {
            Some(batch.columns().to_vec())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(name: &str, direction: Direction) -> Parameter {
        Parameter {
            name: (!name.is_empty()).then(|| name.to_owned()),
            direction,
            value: Arc::new(Int32Array::from(vec![1])),
            size: 0,
        }
    }

    fn worded(dialect: Dialect, parameters: &[Parameter]) -> Result<String, String> {
        let statement = Statement {
            is_procedure: true,
            parameters,
            ..Statement::new(" dbo.add_up ")
        };
        call(&statement, dialect).map(|call| call.sql)
    }

    #[test]
    fn procedures_by_their_names() {
        use Direction::{Input, Output, ReturnValue};
        let by_place = [parameter("", Input), parameter("", Output)];
        let word = |dialect| worded(dialect, &by_place).unwrap();
        assert_eq!(word(Dialect::MsSql), "{call dbo.add_up(?, ?)}");
        assert_eq!(word(Dialect::Postgres), "CALL dbo.add_up(?, ?)");
        assert_eq!(word(Dialect::MySql), "CALL dbo.add_up(?, ?)");
        assert_eq!(worded(Dialect::Other, &[]).unwrap(), "{call dbo.add_up}");
        let named = [
            parameter("@b", Output),
            parameter("a", Input),
            parameter("r", ReturnValue),
        ];
        assert_eq!(
            worded(Dialect::MsSql, &named).unwrap(),
            "EXEC ? = dbo.add_up @b = ?, @a = ?"
        );
        assert!(worded(Dialect::MySql, &named).is_err());
        let returned = [parameter("", Input), parameter("", ReturnValue)];
        assert_eq!(
            worded(Dialect::Postgres, &returned).unwrap(),
            "{? = call dbo.add_up(?)}"
        );
        assert!(worded(Dialect::Sqlite, &[]).is_err());
    }

    #[test]
    fn the_driver_says_output_itself() {
        for (sql, wanted) in [
            ("exec p ?, ? OUTPUT, ? out", "exec p ?, ?, ?"),
            (
                "EXEC p ?  OUTPUT;\nSELECT '? OUTPUT'",
                "EXEC p ?;\nSELECT '? OUTPUT'",
            ),
            ("SELECT ? = a FROM t", "SELECT ? = a FROM t"),
            ("EXEC p ?outer, ? , OUTPUT", "EXEC p ?outer, ? , OUTPUT"),
        ] {
            assert_eq!(without_output(sql), wanted);
        }
    }

    #[test]
    fn functions_that_are_called() {
        for sql in ["{? = call f(?)}", " {?=CALL  f(?) } ", "? = call f(?)"] {
            assert_eq!(called(sql), Some("f(?)"), "{sql}");
        }
        for sql in ["{call p(?)}", "CALL p(?)", "? = called f(?)", "SELECT ?"] {
            assert_eq!(called(sql), None, "{sql}");
        }
    }
}
