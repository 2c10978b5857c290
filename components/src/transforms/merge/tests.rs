//! Merging by hand-written rows: order, ties, and columns that one input lacks.

use arrow::{
    array::{AsArray, Int64Array, StringViewArray},
    datatypes::{Field, Int64Type, Schema},
};

use super::*;
use crate::{
    flow::GatherExec,
    transforms::given::{collect, context, cut, dealt},
};

fn schema() -> SchemaRef {
    let field = |name, data_type| Field::new(name, data_type, true);
    Arc::new(Schema::new(vec![
        field("key", DataType::Int64),
        field("text", DataType::Utf8View),
    ]))
}

/// `rows` rows of an input: pseudo-random keys, sorted, NULL the smallest, and a text that names the row.
fn input(name: &str, rows: u64, descending: bool) -> (Vec<Option<i64>>, RecordBatch) {
    let mut keys: Vec<Option<i64>> = (0..rows)
        .map(|row| row * row * 7 % 11)
        .map(|key| (key > 0).then_some(key as i64))
        .collect();
    keys.sort_unstable();
    if descending {
        keys.reverse();
    }
    let texts =
        StringViewArray::from_iter_values((0..rows).map(|row| format!("{name}, row number {row}")));
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(keys.clone())), Arc::new(texts)];
    (keys, RecordBatch::try_new(schema(), columns).unwrap())
}

fn settings(descending: bool) -> Merge {
    Merge {
        component: "Package\\Flow\\Merge".to_owned(),
        input_names: ["Merge Input 1".to_owned(), "Merge Input 2".to_owned()],
        keys: vec![MergeKey {
            left: 0,
            right: 0,
            descending,
            comparison_flags: 0,
        }],
        mapping: [vec![Some(0), Some(1)], vec![Some(0), Some(1)]],
        locale_id: 1033,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_come_in_key_order_and_ties_from_input_1_first() {
    for (first_rows, second_rows, descending) in
        [(40, 30, false), (25, 60, true), (0, 9, false), (9, 0, true)]
    {
        let (first_keys, first) = input("first", first_rows, descending);
        let (second_keys, second) = input("second", second_rows, descending);
        let mut expected: Vec<(Option<i64>, String)> =
            [("first", first_keys), ("second", second_keys)]
                .into_iter()
                .flat_map(|(name, keys)| {
                    keys.into_iter()
                        .enumerate()
                        .map(move |(row, key)| (key, format!("{name}, row number {row}")))
                })
                .collect();
        expected.sort_by(|a, b| {
            if descending {
                b.0.cmp(&a.0)
            } else {
                a.0.cmp(&b.0)
            }
        });
        for (threads, batch_size) in [(1, 1), (2, 3), (7, 8192), (2, 1), (1, 10)] {
            for rows_max in [1, 4, 100] {
                let inputs = [&first, &second].map(|rows| -> Arc<dyn ExecutionPlan> {
                    Arc::new(
                        GatherExec::try_new(dealt(&schema(), cut(rows, rows_max), threads))
                            .unwrap(),
                    )
                });
                let plan = MergeExec::try_new(inputs, settings(descending), schema()).unwrap();
                let batches = collect(&plan, 0, &context(batch_size, None)).await.unwrap();
                let rows: Vec<(Option<i64>, String)> = batches
                    .iter()
                    .flat_map(|batch| {
                        let keys = batch.column(0).as_primitive::<Int64Type>();
                        keys.iter().zip(batch.column(1).as_string_view())
                    })
                    .map(|(key, text)| (key, text.unwrap().to_owned()))
                    .collect();
                assert_eq!(
                    rows, expected,
                    "{threads} threads, batches of {batch_size}, cut to {rows_max}"
                );
                let full = batches.len().saturating_sub(1);
                assert!(
                    batches[..full]
                        .iter()
                        .all(|batch| batch.num_rows() == batch_size)
                );
            }
        }
    }
}

#[tokio::test]
async fn an_input_out_of_order_is_named() {
    let (_, ascending) = input("first", 20, false);
    let inputs = [&ascending, &ascending]
        .map(|rows| -> Arc<dyn ExecutionPlan> { dealt(&schema(), cut(rows, 100), 1) });
    let plan = MergeExec::try_new(inputs, settings(true), schema()).unwrap();
    let error = collect(&plan, 0, &context(8192, None))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("Merge Input 1: input is declared sorted but row"),
        "{error}"
    );
    assert!(error.contains("is larger than row"), "{error}");
}
