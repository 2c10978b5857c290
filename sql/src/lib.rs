//! Packages in SQL: a table function of DataFusion, `package('Load.dtsx', 'Orders', 'Year=2026')`, whose rows are those of a
//! DataReader destination.
//!
//! ```text
//! SQL ─▶ PackageFunction: package loaded and prepared, schema known ─▶ PackageTable ──scan──▶ PackageExec
//!                                                                        a run for each scan, when it is read ◀┘
//!  Runs: waits for the ends of runs, knows their warnings ◀──────── its rows, while the package runs; dropped: cancelled
//! ```
//!
//! ```no_run
//! # #[cfg(feature = "datafusion")]
//! # async fn example() -> datafusion::error::Result<()> {
//! use datafusion::prelude::SessionContext;
//! use fletching_sql::PackageFunction;
//!
//! let context = SessionContext::new();
//! PackageFunction::default().register(&context);
//! let frame = context
//!     .sql("SELECT region, sum(total) FROM package('examples/report/Report.dtsx') GROUP BY region")
//!     .await?;
//! frame.show().await
//! # }
//! ```
//!
//! Each scan is a run: a query that names a package twice runs it twice. A package is held back by a query that reads
//! slowly, for as long as it takes; a query that ends early (`LIMIT`) cancels it; a package that fails, however late, fails
//! the query. [`session`] and [`query()`] are what `fletch sql` is made of.
//!
//! The crate is empty without the feature `datafusion`.

#![cfg(feature = "datafusion")]
#![deny(missing_docs)]

mod arguments;
mod error;
mod function;
mod place;
mod query;
mod runs;
mod scan;
mod table;

pub use error::{Fault, PackageError};
pub use function::PackageFunction;
pub use place::Place;
pub use query::{Rows, SessionOptions, SqlError, query, session};
pub use runs::Runs;

/// The name of the function.
pub const NAME: &str = "package";
