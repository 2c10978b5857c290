//! Whatever has an ADBC driver: DuckDB, PostgreSQL, SQLite, Snowflake, BigQuery, Flight SQL.
//!
//! ```text
//!  driver ── name or file ──▶ library ──▶ database ──▶ connection ─┬─ query ─▶ Arrow stream ─▶ our types ─▶ batch
//!                                                                  └─ load: batch ─▶ the table's types ─▶ bulk ingest
//! ```
//!
//! **Drivers** are shared libraries, found at run time ([`driver`]): a file, or a name that the driver manager looks for
//! (manifests, `ADBC_DRIVER_PATH`) and then the system's loader (`LD_LIBRARY_PATH`).
//! **Types** are the driver's; text, binary, dates and times as everywhere else ([`natural`](super::natural)). `numeric` of
//! PostgreSQL arrives as text.
//! **Load** appends by bulk ingest: by name, so a part of the columns will do; what is left out has its default. Rows that
//! leave different columns to their defaults go in different ingests. DuckDB's appends by position and checks no key: its
//! rows go to a temporary table, and from there by INSERT.
//! **Savepoints** are SQL's. DuckDB has none, and PostgreSQL's driver runs nothing after a failure: there the batches since
//! the last commit are kept, up to 256 MB, and written again after one of them failed. Beyond that the load ends.
//! **Several statements** in one text are for the driver to understand: DuckDB and SQLite do, PostgreSQL does not when rows
//! come back.
//! **Cancel** and the clock of a timeout use the driver's own cancel; it has an effect at the next batch at the latest. That
//! of SQLite has none, so a long step of it is waited for.

mod describe;
mod driver;
mod failure;
mod load;
mod session;

pub(super) use session::AdbcSession;
