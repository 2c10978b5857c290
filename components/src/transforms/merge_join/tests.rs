//! The join against a nested loop, for every kind of join, key, cut of the inputs, number of threads and memory limit.

use std::{cmp::Ordering, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, StringViewArray},
    datatypes::{DataType, Field, Int64Type, Schema, SchemaRef},
    record_batch::RecordBatch,
};
use datafusion_physical_plan::ExecutionPlan;

use super::{JoinColumn, JoinKind, JoinSide, MergeJoin, MergeJoinExec, MergeKey};
use crate::{
    flow::{FlowError, GatherExec},
    transforms::given::{Given, collect, context, cut, dealt},
};

/// Texts in linguistic order, which is not the order of their bytes.
const TEXTS: [&str; 6] = ["", "a", "A", "ä", "b", "B"];

/// The type of the keys; values are small numbers in the order of the key.
#[derive(Debug, Clone, Copy, PartialEq)]
enum KeyKind {
    Int64,
    Int32Descending,
    Text,
}

/// A key as the reference sees it: two columns, the second used by `KeyKind::Text` only.
type Key = (Option<i64>, Option<i64>);

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

impl KeyKind {
    fn compare(self, a: &Key, b: &Key) -> Ordering {
        match self {
            Self::Int64 => a.0.cmp(&b.0),
            Self::Int32Descending => b.0.cmp(&a.0),
            Self::Text => a.0.cmp(&b.0).then(b.1.cmp(&a.1)),
        }
    }

    fn keys(self, random: &mut Random, rows: u64, range: u64) -> Vec<Key> {
        let mut value = |range: u64| match random.below(8) {
            0 => None,
            _ => Some(random.below(range) as i64),
        };
        let mut keys: Vec<Key> = (0..rows)
            .map(|_| match self {
                Self::Text => (value(6), value(range.min(3))),
                _ => (value(range), None),
            })
            .collect();
        keys.sort_by(|a, b| self.compare(a, b));
        keys
    }

    fn columns(self, keys: &[Key]) -> Vec<ArrayRef> {
        match self {
            Self::Int64 => vec![Arc::new(
                keys.iter().map(|key| key.0).collect::<Int64Array>(),
            )],
            Self::Int32Descending => {
                vec![Arc::new(
                    keys.iter()
                        .map(|key| key.0.map(|value| value as i32))
                        .collect::<Int32Array>(),
                )]
            }
            Self::Text => vec![
                Arc::new(
                    keys.iter()
                        .map(|key| key.0.map(|rank| TEXTS[rank as usize]))
                        .collect::<StringViewArray>(),
                ),
                Arc::new(keys.iter().map(|key| key.1).collect::<Int64Array>()),
            ],
        }
    }

    fn merge_keys(self) -> Vec<MergeKey> {
        let key = |column, descending| MergeKey {
            left: column,
            right: column,
            descending,
            comparison_flags: 0,
        };
        match self {
            Self::Int64 => vec![key(0, false)],
            Self::Int32Descending => vec![key(0, true)],
            Self::Text => vec![key(0, false), key(1, true)],
        }
    }
}

/// The key columns, then the row number, then a text that no view holds inline.
fn table(kind: KeyKind, keys: &[Key]) -> RecordBatch {
    let mut columns = kind.columns(keys);
    columns.push(Arc::new(Int64Array::from_iter_values(0..keys.len() as i64)));
    columns.push(Arc::new(StringViewArray::from_iter_values(
        (0..keys.len()).map(text),
    )));
    let fields = columns
        .iter()
        .enumerate()
        .map(|(at, column)| Field::new(format!("c{at}"), column.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    RecordBatch::try_new(schema, columns).unwrap()
}

fn text(row: usize) -> String {
    format!("text of row number {row}")
}

/// Row numbers of each pair, by definition.
fn reference(
    kind: JoinKind,
    key_kind: KeyKind,
    nulls_equal: bool,
    left: &[Key],
    right: &[Key],
) -> Vec<(Option<usize>, Option<usize>)> {
    let has_null = |key: &Key| key.0.is_none() || (key_kind == KeyKind::Text && key.1.is_none());
    let equal = |a: &Key, b: &Key| a == b && (nulls_equal || !has_null(a));
    let mut pairs = Vec::new();
    for (l, key) in left.iter().enumerate() {
        let before = pairs.len();
        for (r, other) in right.iter().enumerate() {
            if equal(key, other) {
                pairs.push((*key, Some(l), Some(r)));
            }
        }
        if pairs.len() == before && kind != JoinKind::Inner {
            pairs.push((*key, Some(l), None));
        }
    }
    if kind == JoinKind::Full {
        for (r, key) in right.iter().enumerate() {
            if !left.iter().any(|other| equal(key, other)) {
                pairs.push((*key, None, Some(r)));
            }
        }
        pairs.sort_by(|a, b| key_kind.compare(&a.0, &b.0));
    }
    pairs.into_iter().map(|(_, l, r)| (l, r)).collect()
}

fn settings(kind: JoinKind, key_kind: KeyKind, nulls_equal: bool) -> (MergeJoin, SchemaRef) {
    let number = key_kind.merge_keys().len();
    let output = [
        (
            "right_text",
            JoinSide::Right,
            number + 1,
            DataType::Utf8View,
        ),
        ("left", JoinSide::Left, number, DataType::Int64),
        ("right", JoinSide::Right, number, DataType::Int64),
        ("left_text", JoinSide::Left, number + 1, DataType::Utf8View),
    ];
    let fields: Vec<Field> = output
        .iter()
        .map(|(name, _, _, data_type)| Field::new(*name, data_type.clone(), true))
        .collect();
    let settings = MergeJoin {
        component: "Package\\Flow\\Merge Join".to_owned(),
        input_names: ["Left Input".to_owned(), "Right Input".to_owned()],
        kind,
        keys: key_kind.merge_keys(),
        nulls_equal,
        output: output
            .iter()
            .map(|(_, side, column, _)| JoinColumn {
                side: *side,
                column: *column,
            })
            .collect(),
        locale_id: 1033,
    };
    (settings, Arc::new(Schema::new(fields)))
}

fn join(
    left: (Vec<Given>, SchemaRef),
    right: (Vec<Given>, SchemaRef),
    threads: usize,
    of: &(MergeJoin, SchemaRef),
) -> MergeJoinExec {
    let [left, right] = [left, right].map(|(items, schema)| -> Arc<dyn ExecutionPlan> {
        Arc::new(GatherExec::try_new(dealt(&schema, items, threads)).unwrap())
    });
    MergeJoinExec::try_new(left, right, of.0.clone(), Arc::clone(&of.1)).unwrap()
}

/// The pairs of row numbers in batches, whose texts must belong to the rows.
fn pairs(batches: &[RecordBatch]) -> Vec<(Option<usize>, Option<usize>)> {
    let mut pairs = Vec::new();
    for batch in batches {
        for (number, texts) in [(1, 3), (2, 0)] {
            let (numbers, texts) = (
                batch.column(number).as_primitive::<Int64Type>(),
                batch.column(texts).as_string_view(),
            );
            for row in 0..batch.num_rows() {
                let expected = numbers
                    .is_valid(row)
                    .then(|| text(numbers.value(row) as usize));
                assert_eq!(
                    texts.is_valid(row).then(|| texts.value(row).to_owned()),
                    expected
                );
            }
        }
        let (left, right) = (
            batch.column(1).as_primitive::<Int64Type>(),
            batch.column(2).as_primitive::<Int64Type>(),
        );
        pairs.extend(
            left.iter()
                .zip(right)
                .map(|(l, r)| (l.map(|l| l as usize), r.map(|r| r as usize))),
        );
    }
    pairs
}

fn count(plan: &dyn ExecutionPlan, name: &str, input: &str) -> usize {
    let metrics = plan.metrics().unwrap();
    let found = metrics.iter().filter(|metric| {
        metric.value().name() == name && metric.labels().iter().any(|label| label.value() == input)
    });
    found.map(|metric| metric.value().as_usize()).sum()
}

/// The rows of the two inputs that were joined.
type Pair = (Option<usize>, Option<usize>);

async fn check(seed: u64, rows: u64, range: u64) {
    let mut random = Random(seed);
    for key_kind in [KeyKind::Int64, KeyKind::Int32Descending, KeyKind::Text] {
        let (left_rows, right_rows) = (random.below(rows + 1), random.below(rows + 1));
        let left = key_kind.keys(&mut random, left_rows, range);
        let right = key_kind.keys(&mut random, right_rows, range);
        let (left_table, right_table) = (table(key_kind, &left), table(key_kind, &right));
        for kind in [JoinKind::Inner, JoinKind::Left, JoinKind::Full] {
            for nulls_equal in [true, false] {
                let expected = reference(kind, key_kind, nulls_equal, &left, &right);
                let of = settings(kind, key_kind, nulls_equal);
                for (threads, batch_size, memory) in [
                    (1, 1, None),
                    (2, 3, Some(1)),
                    (7, 8192, None),
                    (2, 8192, Some(1)),
                ] {
                    let rows_max = 1 + random.below(2 * rows) as usize;
                    let plan = join(
                        (cut(&left_table, rows_max), left_table.schema()),
                        (cut(&right_table, rows_max.min(5)), right_table.schema()),
                        threads,
                        &of,
                    );
                    let what = format!(
                        "seed {seed}, {key_kind:?}, {kind:?}, {nulls_equal}, {threads}, {batch_size}"
                    );
                    let batches = collect(&plan, 0, &context(batch_size, memory))
                        .await
                        .unwrap();
                    assert_eq!(pairs(&batches), expected, "{what}");
                    let full = batches.len().saturating_sub(1);
                    assert!(
                        batches[..full]
                            .iter()
                            .all(|batch| batch.num_rows() == batch_size),
                        "{what}"
                    );
                    assert_eq!(count(&plan, "rows_in", "left"), left.len(), "{what}");
                    assert_eq!(count(&plan, "rows_in", "right"), right.len(), "{what}");
                    let kept = |side: fn(&Pair) -> Option<usize>| {
                        let mut kept: Vec<usize> = expected.iter().filter_map(side).collect();
                        kept.sort_unstable();
                        kept.dedup();
                        kept.len()
                    };
                    assert_eq!(
                        count(&plan, "unmatched_rows", "left"),
                        left.len() - kept(|pair| pair.0),
                        "{what}"
                    );
                    assert_eq!(
                        count(&plan, "unmatched_rows", "right"),
                        right.len() - kept(|pair| pair.1),
                        "{what}"
                    );
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joins_as_a_nested_loop_does() {
    for seed in 0..12 {
        check(seed, 40, 12).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joins_few_keys_with_many_rows() {
    for seed in 100..106 {
        check(seed, 60, 2).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spills_a_group_that_exceeds_memory() {
    let keys = vec![(Some(7), None); 500];
    let of = settings(JoinKind::Inner, KeyKind::Int64, true);
    let rows = table(KeyKind::Int64, &keys);
    let left = table(KeyKind::Int64, &keys[..20]);
    let run = |memory| {
        let plan = join(
            (cut(&left, 7), left.schema()),
            (cut(&rows, 16), rows.schema()),
            2,
            &of,
        );
        async move {
            let batches = collect(&plan, 0, &context(100, memory)).await.unwrap();
            let metrics = plan.metrics().unwrap();
            (batches, metrics.spilled_rows().unwrap())
        }
    };
    let (free, tight) = (run(None).await, run(Some(2000)).await);
    assert_eq!((free.1, tight.1), (0, 500));
    assert_eq!(free.0, tight.0);
    assert_eq!(
        pairs(&free.0),
        reference(JoinKind::Inner, KeyKind::Int64, true, &keys[..20], &keys)
    );
}

#[tokio::test]
async fn an_input_out_of_order_stops_the_run() {
    let of = settings(JoinKind::Left, KeyKind::Int64, true);
    let sorted = table(KeyKind::Int64, &[(Some(1), None)]);
    let keys: Vec<Key> = [None, Some(3), Some(5), Some(4)]
        .map(|key| (key, None))
        .to_vec();
    let unsorted = table(KeyKind::Int64, &keys);
    for rows in [1, 2, 3, 10] {
        let batches = (0..4)
            .step_by(rows)
            .map(|at| Given::Batch(unsorted.slice(at, rows.min(4 - at))))
            .collect();
        let plan = join(
            (cut(&sorted, 5), sorted.schema()),
            (batches, unsorted.schema()),
            1,
            &of,
        );
        let error = collect(&plan, 0, &context(8, None)).await.unwrap_err();
        let error = match &error {
            datafusion_common::DataFusionError::External(error) => {
                error.downcast_ref::<FlowError>().unwrap()
            }
            other => panic!("{other}"),
        };
        assert_eq!(error.code, Some(dtsx::SsisCode::INPUT_MUST_BE_SORTED));
        assert_eq!(error.row, Some(4));
        let message = "Right Input: input is declared sorted but row 4 (`c0` = 4) is smaller than row 3 (`c0` = 5)";
        assert!(error.message.starts_with(message), "{error}");
    }
}

#[tokio::test]
async fn an_error_of_an_input_follows_the_rows_before_it() {
    use futures::StreamExt;
    let of = settings(JoinKind::Inner, KeyKind::Int64, true);
    let rows = table(KeyKind::Int64, &[(Some(1), None), (Some(2), None)]);
    let broken = vec![Given::Batch(rows.clone()), Given::Error("the disk is gone")];
    let plan = join(
        (broken, rows.schema()),
        (cut(&rows, 5), rows.schema()),
        1,
        &of,
    );
    let outcome: Vec<_> = plan.execute(0, context(1, None)).unwrap().collect().await;
    let rows: Vec<_> = outcome
        .iter()
        .flatten()
        .map(RecordBatch::num_rows)
        .collect();
    assert_eq!(rows, [1, 1]);
    assert!(
        outcome
            .last()
            .unwrap()
            .as_ref()
            .unwrap_err()
            .to_string()
            .contains("the disk is gone")
    );
}

#[test]
fn columns_that_do_not_fit_are_named() {
    let of = settings(JoinKind::Inner, KeyKind::Int64, true);
    let (numbers, texts) = (table(KeyKind::Int64, &[]), table(KeyKind::Text, &[]));
    let left = dealt(&numbers.schema(), Vec::new(), 1);
    let right = dealt(&texts.schema(), Vec::new(), 1);
    let error = MergeJoinExec::try_new(left, right, of.0, of.1)
        .unwrap_err()
        .to_string();
    let wanted =
        "key 1: column `c0` of the first input is Int64, column `c0` of the second is Utf8View";
    assert!(error.contains(wanted), "{error}");
}
