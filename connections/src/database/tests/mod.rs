//! The same tests of every database that `scripts/setup ci` sets up, and of SQLite.

mod faults;
mod postgres;
mod round_trip;
mod servers;
mod sessions;
mod transactions;
