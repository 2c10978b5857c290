//! Keys of text as SQL Server compares them: without trailing blanks and, in most collations, without case.
//!
//! ```text
//!  first row ──▶ ask: lower(key) = upper(key), in each row? 'a' = 'a '? ──▶ fold the dimension's keys ──▶ key table
//!  batch ──▶ fold its keys ──▶ find
//! ```
//!
//! The column's own collation answers: where it tells case, a key with letters is unequal, and keys without letters are the
//! same folded. Whether it also ignores accents or width is not asked.

use std::{ops::ControlFlow, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray},
    compute::cast,
    datatypes::{DataType as ArrowType, Int64Type, SchemaRef},
};
use datafusion_common::Result;
use datafusion_execution::{
    TaskContext,
    memory_pool::{MemoryConsumer, MemoryReservation},
};
use dtsx::DataType;
use fletching_connections::{
    database::{ReadOptions, RowSink},
    sql::Dialect,
};

use super::component::Dimension;
use crate::{
    PlanContext,
    database::Sql,
    flow::FlowError,
    transforms::lookup::{KeyTable, Reference, Source, no_memory},
};

/// The keys of the dimension, folded.
#[derive(Debug)]
pub(super) struct Folded {
    folds: Vec<Fold>,
    table: KeyTable,
    _reservation: MemoryReservation,
}

/// What the database makes no difference of in a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Fold {
    case: bool,
    blanks: bool,
}

impl Folded {
    /// `None`: keys are compared as they are. Blocks.
    pub(super) fn build(
        dimension: &Dimension,
        reference: &Reference,
        context: &PlanContext,
        task: &Arc<TaskContext>,
    ) -> Result<Option<Self>, FlowError> {
        let folds = ask(dimension, context)?;
        if folds.iter().all(|fold| *fold == Fold::default()) {
            return Ok(None);
        }
        let path = &dimension.reference.path;
        let fail = |error| no_memory(path, 0, &error);
        let columns = reference.columns();
        let keys = dimension.keys.iter();
        let keys = keys.filter_map(|key| columns.get(key.column)?.clone());
        let keys = folded(&folds, &keys.collect::<Vec<_>>());
        let held: usize = keys.iter().map(Array::get_array_memory_size).sum();
        let reservation =
            MemoryConsumer::new(format!("the keys of {path}")).register(task.memory_pool());
        reservation.try_grow(held).map_err(fail)?;
        let (table, _) = KeyTable::build(&keys).map_err(fail)?;
        reservation.try_grow(table.size()).map_err(fail)?;
        Ok(Some(Self {
            folds,
            table,
            _reservation: reservation,
        }))
    }

    /// For each row the first row of the dimension that the database would find.
    pub(super) fn find(&self, keys: &[ArrayRef]) -> Result<Vec<u32>> {
        self.table.find(&folded(&self.folds, keys))
    }
}

/// How the database compares the keys; nothing is folded where it is not SQL Server.
fn ask(dimension: &Dimension, context: &PlanContext) -> Result<Vec<Fold>, FlowError> {
    let mut folds = vec![Fold::default(); dimension.keys.len()];
    let wanted = &dimension.reference.columns;
    let is_text = |at: usize| {
        let data_type = wanted.get(dimension.keys[at].column)?.data_type;
        matches!(data_type, DataType::Str { .. } | DataType::WStr { .. }).then_some(at)
    };
    let texts: Vec<usize> = (0..folds.len()).filter_map(is_text).collect();
    let (Source::Query { access, sql }, false) = (&dimension.reference.source, texts.is_empty())
    else {
        return Ok(folds);
    };
    let connection = access.connection(context)?;
    let mut session = access.acquire(&context.sessions, &connection, &context.run)?;
    if session.dialect() != Dialect::MsSql {
        return Ok(folds);
    }
    let same = texts.iter().map(|at| {
        let name = wanted[dimension.keys[*at].column].name.replace(']', "]]");
        format!("min(case when lower([{name}]) = upper([{name}]) then 1 else 0 end) as k{at}")
    });
    let mut asked: Vec<String> = same.collect();
    asked.push("min(case when 'a' = 'a ' then 1 else 0 end) as blanks".to_owned());
    let sql = format!("select {} from (\n{sql}\n) [dimension]", asked.join(", "));
    let mut answer = Answer::default();
    let options = ReadOptions::default();
    let sql = Sql::new(sql);
    if let Err(error) = access.query(&connection, &mut session, &sql, &options, &mut answer) {
        let path = &access.path;
        let message = format!(
            "{path}: the database does not say how it compares keys of text, they are compared as they are: {}",
            error.message
        );
        context.run.warn(message);
        return Ok(folds);
    }
    let blanks = answer.0.get(texts.len()).copied().unwrap_or(false);
    for (at, case) in texts.into_iter().zip(answer.0) {
        folds[at] = Fold { case, blanks };
    }
    Ok(folds)
}

/// The one row of an answer: which columns are 1.
#[derive(Default)]
struct Answer(Vec<bool>);

impl RowSink for Answer {
    fn start(&mut self, _schema: &SchemaRef) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn batch(&mut self, batch: RecordBatch) -> ControlFlow<()> {
        let is_one = |column: &ArrayRef| {
            let number = cast(column, &ArrowType::Int64).ok()?;
            let number = number.as_primitive_opt::<Int64Type>()?;
            Some(!number.is_empty() && number.is_valid(0) && number.value(0) == 1)
        };
        let columns = batch.columns().iter();
        self.0 = columns
            .map(|column| is_one(column).unwrap_or(false))
            .collect();
        ControlFlow::Break(())
    }
}

fn folded(folds: &[Fold], keys: &[ArrayRef]) -> Vec<ArrayRef> {
    let pairs = keys.iter().zip(folds);
    pairs.map(|(key, fold)| fold.apply(key)).collect()
}

impl Fold {
    fn apply(self, key: &ArrayRef) -> ArrayRef {
        let (false, Some(texts)) = (self == Self::default(), key.as_string_view_opt()) else {
            return Arc::clone(key);
        };
        let fold = |text: &str| {
            let text = match self.blanks {
                true => text.trim_end_matches(' '),
                false => text,
            };
            match self.case {
                true => text.to_lowercase(),
                false => text.to_owned(),
            }
        };
        let folded: StringViewArray = texts.iter().map(|text| text.map(fold)).collect();
        Arc::new(folded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_database_does_not_tell_apart_is_the_same() {
        let keys: ArrayRef = Arc::new(StringViewArray::from(vec![
            Some("Ab  "),
            None,
            Some(" \u{c9}"),
        ]));
        let fold = |case, blanks| {
            let folded = Fold { case, blanks }.apply(&keys);
            let texts: Vec<String> = folded
                .as_string_view()
                .iter()
                .map(|text| text.unwrap_or("NULL").to_owned())
                .collect();
            texts.join("|")
        };
        assert_eq!(fold(true, true), "ab|NULL| \u{e9}");
        assert_eq!(fold(false, true), "Ab|NULL| \u{c9}");
        assert_eq!(fold(false, false), "Ab  |NULL| \u{c9}");
    }
}
