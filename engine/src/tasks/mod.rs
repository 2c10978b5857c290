//! The tasks that are no data flow, a file each.

mod execute_sql;

pub(crate) use execute_sql::{ExecuteSqlTask, is_execute_sql};
