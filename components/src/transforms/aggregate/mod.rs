//! Aggregate.
