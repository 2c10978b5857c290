//! Whatever has an ODBC driver, by the driver manager of this machine (unixODBC).
//!
//! ```text
//!  query ─┬─ columns of known width ─▶ row sets bound by column ─▶ batch        (arrow-odbc)
//!         └─ a long one among them ──▶ row by row, value by value ─▶ batch       (rows.rs)
//!  execute: places for parameters that come back ─▶ results to their end ─▶ what is in them   (call.rs, places.rs)
//!  load: batch ─▶ arrays of parameters ─▶ INSERT ... VALUES (?, ...), within a savepoint      (write.rs, load.rs)
//! ```
//!
//! **Types** are those that the driver reports ([`shape`]). Text travels as UTF-16, but as UTF-8 with SQLite's driver, which
//! knows no other well.
//! **Long columns.** Text and binary that the driver calls long, of which it knows no width, or wider than 4,000, are read
//! value by value. Drivers of PostgreSQL are told to say that what has no width is wide (`MaxVarcharSize=65536`), and to
//! report booleans as such (`BoolsAsChar=0`), unless the connection string says otherwise.
//! **Savepoints** are SQL, so they depend on the dialect; a database that has none undoes all rows since the last commit
//! when a batch fails, and the load is over.
//! **Cancel** is `SQLCancel` from the other thread; a driver that does not heed it is stopped between two row sets.
//! **Timeout**: the driver is told, and a clock of our own cancels, for drivers that do not care.
//! **Memory**: most drivers keep a whole result unless told otherwise: `UseDeclareFetch=1` (PostgreSQL), `NO_CACHE=1;
//! FORWARDONLY=1` (MariaDB).

mod call;
mod describe;
mod failure;
mod load;
mod places;
mod raw;
mod read;
mod rows;
mod session;
mod shape;
mod write;

pub(super) use session::OdbcSession;
