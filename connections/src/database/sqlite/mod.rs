//! SQLite, built in: the embedded default.
//!
//! ```text
//!  query ──step──▶ cells ──▶ builders, one a column ──▶ batch          load: batch ──▶ cells ──bind──▶ insert, row by row
//!                            (read.rs)                                       (write.rs)  (load.rs)
//! ```
//!
//! **Types.** SQLite keeps a type with each value, and declares one for each column. A column is read as its declared type
//! says ([`read`]); dates are ISO text (`YYYY-MM-DD`, `YYYY-MM-DD HH:MM:SS.ffffff`), which sorts as time does.
//! **Locks.** One session at a time writes to a file. A file is switched to write-ahead logging, so that a reader need not
//! wait for a writer; a load that shares its file with another load collects its rows in a temporary table and moves them in
//! one short transaction ([`load`]), so that two destinations of one data flow cannot wait for each other.

mod deadline;
mod digits;
mod failure;
mod load;
mod read;
mod session;
mod texts;
mod write;

pub(super) use digits::check as check_digits;
pub(super) use read::natural_type;
pub(super) use session::SqliteSession;

#[cfg(test)]
mod tests;
