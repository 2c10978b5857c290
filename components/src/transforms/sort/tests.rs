//! The sort against a plain stable sort of the same rows, at any partitioning, batch size and memory limit.

use std::{cmp::Ordering, sync::Arc};

use arrow::{
    array::{
        ArrayRef, AsArray, Decimal128Array, FixedSizeBinaryArray, Float64Array, Int32Array,
        StringViewArray, UInt64Array,
    },
    compute::concat_batches,
    datatypes::{DataType, Field, Float64Type, Int32Type, Schema, SchemaRef, UInt64Type},
    record_batch::RecordBatch,
};
use datafusion_physical_plan::{ExecutionPlan, collect};
use futures::StreamExt;

use super::*;
use crate::transforms::given::{context, partitioned};

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("mode", DataType::Utf8View, true),
        Field::new("price", DataType::Decimal128(15, 2), true),
        Field::new("rate", DataType::Float64, true),
        Field::new("number", DataType::UInt64, false),
        Field::new("note", DataType::Utf8View, true),
        Field::new("small", DataType::Int32, true),
        Field::new("id", DataType::FixedSizeBinary(16), true),
    ]))
}

fn rows(count: usize) -> RecordBatch {
    let modes = [
        "AIR",
        "air",
        "Truck",
        "",
        "a rather long mode of shipping",
        "Öl",
        "Zug",
    ];
    let mix = |row: usize, salt: usize| (row * 7919 + salt * 104_729) % 65_537;
    let ids: Vec<Option<[u8; 16]>> = (0..count)
        .map(|row| (row % 11 != 0).then(|| ((mix(row, 6) as u128) << 100 | 7).to_be_bytes()))
        .collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(
            (0..count)
                .map(|row| modes.get(mix(row, 1) % 9).copied())
                .collect::<StringViewArray>(),
        ),
        Arc::new(
            (0..count)
                .map(|row| (row % 5 != 0).then(|| mix(row, 2) as i128 % 50 - 25))
                .collect::<Decimal128Array>()
                .with_precision_and_scale(15, 2)
                .unwrap(),
        ),
        Arc::new(
            (0..count)
                .map(|row| (row % 3 != 0).then(|| (mix(row, 3) % 7) as f64 - 3.5))
                .collect::<Float64Array>(),
        ),
        Arc::new((0..count as u64).collect::<UInt64Array>()),
        Arc::new(
            (0..count)
                .map(|row| (row % 4 != 0).then(|| format!("note {} of row", row * 31)))
                .collect::<StringViewArray>(),
        ),
        Arc::new(
            (0..count)
                .map(|row| (row % 13 != 0).then_some(row as i32 - 40))
                .collect::<Int32Array>(),
        ),
        Arc::new(
            FixedSizeBinaryArray::try_from_sparse_iter_with_size(
                ids.iter().map(Option::as_ref),
                16,
            )
            .unwrap(),
        ),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

fn key(column: usize, descending: bool, comparison_flags: u32) -> SortKey {
    SortKey {
        column,
        descending,
        comparison_flags,
    }
}

fn settings(keys: Vec<SortKey>, eliminate_duplicates: bool) -> SortSettings {
    SortSettings {
        keys,
        locale_id: 1033,
        output_columns: vec![3, 0, 1, 2, 4, 5, 6],
        eliminate_duplicates,
    }
}

async fn sorted(
    input: &RecordBatch,
    settings: &SortSettings,
    threads: usize,
    batch_size: usize,
    memory: Option<usize>,
) -> (Vec<RecordBatch>, bool) {
    let output = Arc::new(schema().project(&settings.output_columns).unwrap());
    let source = partitioned(input, threads, 5);
    let plan: Arc<dyn ExecutionPlan> =
        Arc::new(SortOperator::try_new(source, settings.clone(), output).unwrap());
    let batches = collect(Arc::clone(&plan), context(batch_size, memory))
        .await
        .unwrap();
    let metrics = plan.metrics().unwrap();
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let dropped = metrics.sum_by_name("dropped_rows").unwrap().as_usize();
    assert_eq!(
        rows + dropped,
        input.num_rows(),
        "rows in = rows out + dropped"
    );
    (batches, metrics.spill_count().unwrap() > 0)
}

fn compare<T: PartialOrd>(left: Option<T>, right: Option<T>) -> Ordering {
    left.partial_cmp(&right).unwrap()
}

#[tokio::test]
async fn equals_a_stable_sort_by_number_and_date_keys() {
    let input = rows(700);
    let mut expected: Vec<usize> = (0..700).collect();
    let rates: Vec<_> = input
        .column(2)
        .as_primitive::<Float64Type>()
        .iter()
        .collect();
    let smalls: Vec<_> = input.column(5).as_primitive::<Int32Type>().iter().collect();
    expected.sort_by(|left, right| {
        compare(rates[*right], rates[*left]).then_with(|| {
            compare(
                smalls[*left].map(|s| s / 10),
                smalls[*right].map(|s| s / 10),
            )
        })
    });
    // The second key is the first digits of `small`: sort by a column that has them.
    let tens: Int32Array = smalls
        .iter()
        .map(|small| small.map(|small| small / 10))
        .collect();
    let mut columns = input.columns().to_vec();
    columns[5] = Arc::new(tens);
    let input = RecordBatch::try_new(input.schema(), columns).unwrap();
    let (batches, _) = sorted(
        &input,
        &settings(vec![key(2, true, 0), key(5, false, 0)], false),
        3,
        100,
        None,
    )
    .await;
    let output = concat_batches(&batches[0].schema(), &batches).unwrap();
    let found: Vec<usize> = output
        .column(0)
        .as_primitive::<UInt64Type>()
        .values()
        .iter()
        .map(|row| *row as usize)
        .collect();
    assert_eq!(found, expected);
    let taken = arrow::compute::take_record_batch(
        &input,
        &expected
            .iter()
            .map(|row| *row as u64)
            .collect::<UInt64Array>(),
    );
    assert_eq!(
        output,
        taken.unwrap().project(&[3, 0, 1, 2, 4, 5, 6]).unwrap()
    );
}

#[tokio::test]
async fn text_is_in_linguistic_order_with_null_first() {
    let input = rows(60);
    let (batches, _) = sorted(
        &input,
        &settings(vec![key(0, false, 0)], true),
        2,
        100,
        None,
    )
    .await;
    let modes: Vec<Option<&str>> = batches[0].column(1).as_string_view().iter().collect();
    let expected = [
        None,
        Some(""),
        Some("a rather long mode of shipping"),
        Some("air"),
        Some("AIR"),
        Some("Öl"),
        Some("Truck"),
        Some("Zug"),
    ];
    assert_eq!(modes, expected);
    let (batches, _) = sorted(&input, &settings(vec![key(0, true, 1)], true), 2, 100, None).await;
    let modes: Vec<Option<String>> = batches[0]
        .column(1)
        .as_string_view()
        .iter()
        .map(|mode| mode.map(str::to_lowercase))
        .collect();
    assert_eq!(modes.len(), 7, "air and AIR are one key without case");
    assert_eq!(
        (modes[0].as_deref(), modes[6].as_deref()),
        (Some("zug"), None)
    );
}

#[tokio::test]
async fn the_output_is_the_same_at_any_partitioning_and_memory_limit() {
    let input = rows(300);
    let keys = [
        vec![key(0, false, 1), key(1, true, 0)],
        vec![key(6, true, 0)],
        vec![key(4, true, 0), key(0, false, 0)],
        vec![
            key(6, false, 0),
            key(1, true, 0),
            key(2, false, 0),
            key(4, false, 0),
        ],
    ];
    for keys in keys {
        for distinct in [false, true] {
            let settings = settings(keys.clone(), distinct);
            for batch_size in [1, 3, 8192] {
                let (expected, spilled) = sorted(&input, &settings, 1, batch_size, None).await;
                assert!(!spilled);
                for threads in [1, 2, 7] {
                    for memory in [Some(1 << 10), Some(16 << 10), None] {
                        let (found, spilled) =
                            sorted(&input, &settings, threads, batch_size, memory).await;
                        assert_eq!(
                            found, expected,
                            "{threads} threads, {batch_size} rows, {memory:?} bytes"
                        );
                        assert_eq!(spilled, memory.is_some(), "{memory:?} bytes");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn no_rows_make_no_batches() {
    let (batches, _) = sorted(
        &rows(0),
        &settings(vec![key(0, false, 0)], false),
        2,
        100,
        None,
    )
    .await;
    assert!(batches.is_empty());
}

#[test]
fn settings_that_do_not_fit_the_input_are_named() {
    let source = partitioned(&rows(1), 1, 1);
    let output = Arc::new(schema().project(&[3]).unwrap());
    let mut wrong = settings(vec![], false);
    let error =
        SortOperator::try_new(Arc::clone(&source), wrong.clone(), Arc::clone(&output)).unwrap_err();
    assert!(error.to_string().contains("0xC0208009"), "{error}");
    wrong.keys = vec![key(7, false, 0)];
    let error = SortOperator::try_new(source, wrong, output).unwrap_err();
    assert!(error.to_string().contains("column 7"), "{error}");
}

#[tokio::test]
async fn dropping_the_output_gives_back_memory_and_disk() {
    let settings = settings(vec![key(0, false, 0)], false);
    let output = Arc::new(schema().project(&settings.output_columns).unwrap());
    for memory in [32 << 10, 1 << 30] {
        let source = partitioned(&rows(500), 3, 20);
        let plan = SortOperator::try_new(source, settings.clone(), Arc::clone(&output)).unwrap();
        let context = context(10, Some(memory));
        let mut stream = plan.execute(0, Arc::clone(&context)).unwrap();
        stream.next().await.unwrap().unwrap();
        let held = || {
            context.memory_pool().reserved() as u64
                + context.runtime_env().disk_manager.used_disk_space()
        };
        assert!(held() > 0);
        drop(stream);
        while held() > 0 {
            tokio::task::yield_now().await;
        }
    }
}
