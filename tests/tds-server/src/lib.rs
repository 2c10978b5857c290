//! A test server, not a database: it speaks TDS 7.4 to SQL Server's clients and keeps its tables in SQLite.
//!
//! It is there so that sources, destinations and tasks can be tested against clients and a protocol that are real.
//! What a real SQL Server does beyond that stays untested: locks, plans, most of T-SQL, exact arithmetic of decimals
//! in expressions (SQLite computes with REAL and rounds at the end).
//!
//! ```text
//! client ─packets─▶ packet ─▶ login ─▶ connection ─┬─ batch ──▶ script ─▶ session ─▶ rewrite ─▶ SQLite
//!                                                  ├─ call ───▶ calls ───▶ session      │
//!                                                  ├─ bulk ───▶ bulk ───────────────────┤
//!                                                  └─ BEGIN, COMMIT ────▶ session       ▼
//! client ◀─packets─ packet ◀─ tokens ◀─ codec ◀───────────────────────── result ◀─── values
//! ```
//!
//! A client may say nothing while it is answered but that it wants no more, so a connection is one blocking thread
//! that looks at its socket between packets and between steps of SQLite; there is no runtime to start.
//!
//! Each connection has its own thread and its own SQLite connection to one file. All database names mean that file;
//! the schema `dbo` is left out of names and others are part of them. How types are kept is told in `convert`.
//! T-SQL that is not understood is an ERROR token, never silence.

mod applies;
mod bulk;
mod calls;
mod catalog;
mod codec;
mod connection;
mod convert;
mod dates;
mod ddl;
mod decimal;
mod error;
mod functions;
mod infer;
mod like;
mod login;
mod merge;
mod moment;
mod odbc;
mod packet;
mod procedure;
mod result;
mod result_sets;
mod rewrite;
mod script;
mod server;
mod session;
mod sql_type;
mod state;
mod statement;
mod tls;
mod tokens;
mod transactions;
mod wire;

pub use error::{NOT_SUPPORTED, SqlError};
pub use procedure::{Answer, Procedure};
pub use rusqlite::types::Value;
pub use server::{Bulk, Faults, Options, Recorded, Server};
