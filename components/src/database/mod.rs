//! What components that talk to a database share.
//!
//! ```text
//!  source:       Session ──rows──▶ natural types ──ColumnCasts──▶ the types that the package declares
//!  destination:  the types that arrive ──ColumnCasts──▶ those of the external columns ──load──▶ Session
//! ```
//!
//! [`access`]: which database, which statement, with which parameters; [`casts`]: types on the way in and out.

pub mod access;
mod cast_exec;
pub mod casts;
pub mod destination;
mod lengths;
mod load_exec;
mod loading;
pub(crate) mod source;
mod spool;

pub use access::{
    DatabaseAccess, Sql, database_error, mapped_parameters, table_name, variable_text,
    variable_value,
};
pub use casts::{ColumnCast, natural_type};
pub use destination::{OUTPUT_REDIRECT_IN_TRANSACTION, not_told};
