//! The tasks that are no data flow, a file each.

mod bulk_insert;
mod execute_sql;
mod expression;

pub(crate) use bulk_insert::BulkInsertTask;
pub(crate) use execute_sql::{ExecuteSqlTask, is_execute_sql};
pub(crate) use expression::ExpressionTask;
