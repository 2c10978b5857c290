//! PostgreSQL, by its own protocol.
//!
//! ```text
//!  query ─┬─ no parameters ─▶ COPY (query) TO STDOUT BINARY ─┬─▶ builders, one a column ─▶ batch     (read.rs, decode.rs)
//!         └─ parameters ────▶ extended protocol ─────────────┘
//!  load: batch ─▶ bytes, row by row ─▶ COPY table (columns) FROM STDIN BINARY, within a savepoint     (load.rs, encode.rs)
//! ```
//!
//! A session owns its client and a runtime of one thread on which it waits ([`session`]).
//!
//! **Types** ([`kind`]). `numeric(p,s)` is a decimal where Arrow has one of that size, any other `numeric` is text; the
//! instants of `timestamptz` are told in UTC. What has no type of ours (intervals, arrays, enumerations, ranges, addresses)
//! is read as the server writes it, and loaded as text. Text cannot hold U+0000.
//! **Markers** of parameters are `$1`; where a statement has none and values are given, its `?` are.
//! **Names.** A table is looked for as it is written, then in lower case; schema `dbo`, if there is none, is where the
//! session looks. Columns are found without regard to case, if that is clear.
//! **Options of a load.** `table_lock`, `check_constraints`, `fire_triggers` and the hints change nothing: COPY
//! takes the lock it needs, and constraints and triggers are always on.

mod decode;
mod describe;
mod encode;
mod failure;
mod kind;
mod load;
mod numeric;
mod parameters;
mod read;
mod session;
mod statements;

pub(super) use session::PostgresSession;
