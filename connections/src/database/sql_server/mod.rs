//! SQL Server, over TDS by Microsoft's `mssql-tds`.
//!
//! ```text
//!  query ──▶ tokens ──RowWriter──▶ builders, one a column ──▶ batch ──▶ sink        (read.rs)
//!  load  ──▶ batch ──▶ bytes of a whole batch's rows, checked first ──▶ INSERT BULK  (bulk.rs, load.rs)
//!  ?     ──▶ @P1, with its type ──▶ sp_executesql, sp_prepexec, or the procedure     (markers.rs, parameters.rs)
//! ```
//!
//! The client is async; [`link`] owns it together with a runtime of one thread and waits for it. Sinks are called outside of
//! that runtime, so that they may wait for whatever they like. Statements of one session follow each other: there is no MARS.
//!
//! **Types.** [`types`] has the table. Text is decoded by the code page of its collation. `datetime` counts in 1/300 s and is
//! rounded to milliseconds as SQL Server shows it; of `datetime2(7)` and `datetimeoffset(7)` microseconds are kept.
//! `sql_variant` is refused by name: its values have a type each.
//! **Loads** are `INSERT BULK` statements, one for each written batch, in one transaction; values are turned into the column's
//! own type here, because the server takes no other. Hints about order and size do not reach the server ([`load`]).

mod bulk;
mod column_types;
mod connect;
mod describe;
mod each;
mod encode;
mod failure;
mod link;
mod load;
mod markers;
mod parameters;
mod read;
mod session;
mod text;

pub(super) use markers::pieces as between_markers;
pub(super) use session::SqlServerSession;

#[cfg(test)]
mod tests;
