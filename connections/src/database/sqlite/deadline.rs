//! What a statement may take: SQLite looks at the clock between its steps. Time that it waits for another's lock counts, but
//! the wait is not cut short.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::failure::failure;
use crate::database::{DatabaseError, Fault};

/// Steps of SQLite's machine between looks at the clock.
const STEPS_BETWEEN_LOOKS: i32 = 1000;

/// Runs `work` with a deadline, if there is one; `sql` is for errors.
pub(super) fn timed<T>(
    connection: &Connection,
    (name, sql): (&str, &str),
    seconds: u32,
    work: impl FnOnce() -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    if seconds == 0 {
        return work();
    }
    let deadline = Instant::now() + Duration::from_secs(seconds.into());
    let late = move || Instant::now() > deadline;
    let watch = |handler: Option<Box<dyn FnMut() -> bool + Send>>| {
        let set = connection.progress_handler(STEPS_BETWEEN_LOOKS, handler);
        set.map_err(|error| failure(name, &error).with_statement(sql))
    };
    watch(Some(Box::new(late)))?;
    let done = work();
    watch(None)?;
    done.map_err(|error| match error.fault {
        Fault::Cancelled if Instant::now() > deadline => error.into_late(seconds),
        _ => error,
    })
}
