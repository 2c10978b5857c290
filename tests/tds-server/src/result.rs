//! Rows of a SQLite statement as a result set.
//!
//! A column's type is its declared type, or what [`crate::infer`] knows; where neither says anything, the values
//! of the first rows decide, so those rows wait until the columns are described.

use rusqlite::types::Value;
use rusqlite::{Row, Statement};

use crate::error::SqlError;
use crate::infer::Hints;
use crate::sql_type::{Declared, MAX, SqlType};
use crate::tokens::{Replies, ResultColumn, Stop};

/// How many rows may wait for a type.
const WAITING_ROWS_MAX: usize = 500;

/// Counts what a connection has moved, for a fault after so many.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) sent: u64,
    pub(crate) close_after: Option<u64>,
    pub(crate) bulk_batches: u64,
}

impl Counts {
    fn count(&mut self, replies: &mut Replies) -> Result<(), Stop> {
        if self.close_after.is_some_and(|limit| self.sent >= limit) {
            replies.channel.finish()?;
            return Err(Stop::Close);
        }
        self.sent += 1;
        Ok(())
    }
}

/// A column whose type may still be open.
struct Open {
    column: ResultColumn,
    decided: bool,
}

fn open_columns(statement: &Statement<'_>, hints: &Hints) -> Vec<Open> {
    let columns = statement.columns();
    let count = columns.len();
    let describe = |(at, column): (usize, &rusqlite::Column<'_>)| {
        let declared = column.decl_type().and_then(Declared::parse);
        let hint = hints.of(at, count);
        let ty = declared.map(|declared| declared.ty).or(hint.ty);
        let name = if hint.unnamed && declared.is_none() {
            String::new()
        } else {
            column.name().to_owned()
        };
        let column = ResultColumn {
            name,
            ty: ty.unwrap_or(SqlType::NVarChar(4000)),
            nullable: declared.is_none_or(|declared| !declared.not_null),
            identity: declared.is_some_and(|declared| declared.identity.is_some()),
        };
        Open {
            column,
            decided: ty.is_some(),
        }
    };
    columns.iter().enumerate().map(describe).collect()
}

/// The columns of a statement that is not run.
pub(crate) fn described(statement: &Statement<'_>, hints: &Hints) -> Vec<ResultColumn> {
    open_columns(statement, hints)
        .into_iter()
        .map(|open| open.column)
        .collect()
}

/// Does as `WITH RESULT SETS` says of the next result.
pub(crate) fn rename(columns: &mut [ResultColumn], replies: &mut Replies) -> Result<(), SqlError> {
    let Some(set) = replies.sets.pop_front() else {
        return Ok(());
    };
    if set.len() != columns.len() {
        let (said, sent) = (set.len(), columns.len());
        return Err(SqlError::new(
            11537,
            format!(
                "EXECUTE statement failed because its WITH RESULT SETS clause specified {said} column(s), but the statement \
                 sent {sent} column(s) at run time."
            ),
        ));
    }
    for (column, (name, ty)) in columns.iter_mut().zip(set) {
        (column.name, column.ty) = (name, ty);
    }
    Ok(())
}

fn values(row: &Row<'_>, count: usize) -> Result<Vec<Value>, Stop> {
    (0..count).map(|at| Ok(row.get(at)?)).collect()
}

/// The narrowest type for all values seen; nothing when all are null.
fn decide(seen: &[Vec<Value>], at: usize) -> Option<SqlType> {
    let kinds = seen
        .iter()
        .filter_map(|row| row.get(at))
        .filter_map(|value| match value {
            Value::Null => None,
            Value::Integer(number) if i32::try_from(*number).is_ok() => Some(SqlType::Int),
            Value::Integer(_) => Some(SqlType::BigInt),
            Value::Real(_) => Some(SqlType::Float),
            Value::Text(text) if text.len() <= 4000 => Some(SqlType::NVarChar(4000)),
            Value::Text(_) => Some(SqlType::NVarChar(MAX)),
            Value::Blob(bytes) if bytes.len() <= 8000 => Some(SqlType::VarBinary(8000)),
            Value::Blob(_) => Some(SqlType::VarBinary(MAX)),
        });
    let order = |ty: &SqlType| match ty {
        SqlType::Int => 0,
        SqlType::BigInt => 1,
        SqlType::Float => 2,
        SqlType::VarBinary(MAX) => 4,
        SqlType::VarBinary(_) => 3,
        SqlType::NVarChar(MAX) => 6,
        _ => 5,
    };
    kinds.max_by_key(order)
}

/// Runs a bound statement and reads rows until every type is known.
fn start(
    rows: &mut rusqlite::Rows<'_>,
    open: &mut [Open],
) -> Result<(Vec<Vec<Value>>, bool), Stop> {
    let mut waiting = Vec::new();
    while open.iter().any(|open| !open.decided) && waiting.len() < WAITING_ROWS_MAX {
        let Some(row) = rows.next()? else {
            decide_all(open, &waiting);
            return Ok((waiting, true));
        };
        waiting.push(values(row, open.len())?);
    }
    decide_all(open, &waiting);
    Ok((waiting, false))
}

fn decide_all(open: &mut [Open], waiting: &[Vec<Value>]) {
    for (at, open) in open
        .iter_mut()
        .enumerate()
        .filter(|(_, open)| !open.decided)
    {
        if let Some(ty) = decide(waiting, at) {
            open.column.ty = ty;
        }
    }
}

/// Sends a result set; the number of its rows.
pub(crate) fn send(
    statement: &mut Statement<'_>,
    hints: &Hints,
    replies: &mut Replies,
    fault: &mut Counts,
) -> Result<u64, Stop> {
    let mut open = open_columns(statement, hints);
    if !replies.sets.is_empty() {
        // Types that are said need no row.
        open.iter_mut().for_each(|open| open.decided = true);
    }
    let mut rows = statement.raw_query();
    let (waiting, ended) = start(&mut rows, &mut open)?;
    // The first row is asked for before the columns are described, so that an error comes alone.
    let mut next = if ended {
        None
    } else {
        rows.next()?
            .map(|row| values(row, open.len()))
            .transpose()?
    };
    let mut columns: Vec<ResultColumn> = open.into_iter().map(|open| open.column).collect();
    rename(&mut columns, replies)?;
    replies.columns(&columns);
    let mut count = 0;
    for row in waiting {
        fault.count(replies)?;
        replies.row(&columns, row)?;
        count += 1;
    }
    while let Some(row) = next {
        fault.count(replies)?;
        replies.row(&columns, row)?;
        count += 1;
        next = rows
            .next()?
            .map(|row| values(row, columns.len()))
            .transpose()?;
    }
    Ok(count)
}

/// The columns `SELECT ... INTO` makes, as SQLite declares them.
pub(crate) fn declarations(statement: &mut Statement<'_>, hints: &Hints) -> Result<String, Stop> {
    let mut open = open_columns(statement, hints);
    let mut rows = statement.raw_query();
    start(&mut rows, &mut open)?;
    let lines: Result<Vec<String>, SqlError> = open
        .into_iter()
        .map(|Open { column, .. }| {
            if column.name.is_empty() {
                return Err(SqlError::new(
                    1038,
                    "An object or column name is missing or empty.",
                ));
            }
            let identity = column.identity.then_some((1, 1));
            let declared = Declared {
                ty: column.ty,
                not_null: !column.nullable,
                identity,
            };
            let nulls = if column.nullable { "" } else { " NOT NULL" };
            Ok(format!(
                "{} {}{nulls}",
                crate::rewrite::quoted(&column.name),
                declared.text()
            ))
        })
        .collect();
    Ok(lines?.join(", "))
}
