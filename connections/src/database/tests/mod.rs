//! The same tests of every database that `scripts/setup ci` sets up, and of SQLite.

mod faults;
mod outputs;
mod postgres;
mod retained;
mod round_trip;
mod servers;
mod sessions;
mod timeouts;
mod transactions;
