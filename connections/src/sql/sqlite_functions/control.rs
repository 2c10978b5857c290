//! Loops and branches of a script: `tsql_while` and `tsql_if` run the statements that they are given.
//!
//! ```text
//!  INSERT INTO tsql_rounds SELECT tsql_while('SELECT condition', 'statement; statement')
//! ```
//!
//! SQLite has neither. A function may run other statements on its connection; within an INSERT they are one transaction, or a
//! part of the one that is open. A statement is prepared when it is first reached, since those before it may make its tables.
#![expect(
    unsafe_code,
    reason = "the connection of a call, of which rusqlite has no safe form"
)]

use rusqlite::{
    Batch, Connection, Statement, fallible_iterator::FallibleIterator, functions::FunctionFlags,
};

pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    // Not for views and triggers of a file that somebody else made.
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("tsql_while", 2, flags, |context| {
        let (condition, body): (String, String) = (context.get(0)?, context.get(1)?);
        // SAFETY: the connection is that of the call: it lives for as long as the call does, and is used by this thread only.
        let connection = unsafe { context.get_connection()? };
        run_while(&connection, &condition, &body)
    })?;
    connection.create_scalar_function("tsql_if", 3, flags, |context| {
        let condition: String = context.get(0)?;
        // SAFETY: as above.
        let connection = unsafe { context.get_connection()? };
        let holds = holds(&mut connection.prepare(&condition)?)?;
        let branch: String = context.get(if holds { 1 } else { 2 })?;
        connection.execute_batch(&branch)?;
        Ok(holds)
    })
}

fn holds(condition: &mut Statement<'_>) -> rusqlite::Result<bool> {
    let holds: Option<bool> = condition.query_row([], |row| row.get(0))?;
    Ok(holds == Some(true))
}

/// How often the body ran.
fn run_while(connection: &Connection, condition: &str, body: &str) -> rusqlite::Result<i64> {
    let mut condition = connection.prepare(condition)?;
    if !holds(&mut condition)? {
        return Ok(0);
    }
    let mut statements = Vec::new();
    let mut batch = Batch::new(connection, body);
    while let Some(mut statement) = batch.next()? {
        statement.raw_execute()?;
        statements.push(statement);
    }
    let mut rounds = 1;
    while holds(&mut condition)? {
        for statement in &mut statements {
            statement.raw_execute()?;
        }
        rounds += 1;
    }
    Ok(rounds)
}
