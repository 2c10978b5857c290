//! Merge Join of 1.5 million orders with 6 million of their lines on a 64-bit key, seven columns out: CPU time.
//!
//! `cargo bench -p fletching-components --bench merge_join`

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement: prints and reads /proc"
)]

use std::{error::Error, sync::Arc};

use arrow::{
    array::{
        ArrayRef, Date32Array, Decimal128Array, Int64Array, StringViewArray, StringViewBuilder,
    },
    datatypes::{Field, Schema, SchemaRef},
    record_batch::RecordBatch,
};
use datafusion_datasource::memory::MemorySourceConfig;
use datafusion_execution::TaskContext;
use datafusion_physical_plan::ExecutionPlan;
use fletching_components::transforms::merge_join::{
    JoinColumn, JoinKind, JoinSide, MergeJoin, MergeJoinExec, MergeKey,
};
use futures::TryStreamExt;

const ORDERS: i64 = 1_500_000;
const BATCH: usize = 8192;
const PRIORITIES: [&str; 5] = ["1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"];

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let orders: Vec<i64> = (0..ORDERS).collect();
    // 1 to 7 lines an order.
    let lines: Vec<i64> = orders
        .iter()
        .flat_map(|key| std::iter::repeat_n(*key, lines_of(*key)))
        .collect();
    let (orders, lines) = (batches(&orders)?, batches(&lines)?);
    for _ in 0..5 {
        let plan = join(&orders, &lines)?;
        let before = cpu_ns()?;
        let rows = runtime.block_on(async {
            let stream = plan.execute(0, Arc::new(TaskContext::default()))?;
            stream
                .try_fold(0, |rows, batch| async move { Ok(rows + batch.num_rows()) })
                .await
        })?;
        println!(
            "merge_join: {rows} rows, {:.3} CPU seconds",
            (cpu_ns()? - before) as f64 / 1e9
        );
    }
    Ok(())
}

fn lines_of(key: i64) -> usize {
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64) as u64 >> 33) as usize % 7 + 1
}

/// Batches of key, two numbers, a decimal, a date and two texts, one of them views into a buffer.
fn batches(keys: &[i64]) -> Result<Vec<RecordBatch>, Box<dyn Error>> {
    let batches = keys.chunks(BATCH).map(|keys| {
        let mut comments = StringViewBuilder::new();
        keys.iter()
            .for_each(|key| comments.append_value(format!("furiously regular deposit {key}")));
        let priorities = keys.iter().map(|key| PRIORITIES[(*key % 5) as usize]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("key", Arc::new(Int64Array::from(keys.to_vec()))),
            (
                "number",
                Arc::new(Int64Array::from_iter_values(
                    keys.iter().map(|key| key % 1000),
                )),
            ),
            (
                "price",
                Arc::new(Decimal128Array::from_iter_values(
                    keys.iter().map(|key| i128::from(*key)),
                )),
            ),
            (
                "date",
                Arc::new(Date32Array::from_iter_values(
                    keys.iter().map(|key| *key as i32 % 9000),
                )),
            ),
            (
                "priority",
                Arc::new(StringViewArray::from_iter_values(priorities)),
            ),
            ("comment", Arc::new(comments.finish())),
        ];
        Ok(RecordBatch::try_from_iter(columns)?)
    });
    batches.collect()
}

fn join(orders: &[RecordBatch], lines: &[RecordBatch]) -> Result<MergeJoinExec, Box<dyn Error>> {
    use JoinSide::{Left, Right};
    let input = |batches: &[RecordBatch]| -> Result<Arc<dyn ExecutionPlan>, Box<dyn Error>> {
        Ok(MemorySourceConfig::try_new_exec(
            &[batches.to_vec()],
            batches[0].schema(),
            None,
        )?)
    };
    let output = [
        (Left, 0),
        (Left, 3),
        (Left, 4),
        (Right, 1),
        (Right, 2),
        (Right, 4),
        (Right, 5),
    ];
    let from = batches_schema(orders);
    let fields = output.iter().enumerate().map(|(at, (_, column))| {
        Field::new(
            format!("c{at}"),
            from.field(*column).data_type().clone(),
            true,
        )
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let settings = MergeJoin {
        component: "Merge Join".to_owned(),
        input_names: ["orders".to_owned(), "lines".to_owned()],
        kind: JoinKind::Inner,
        keys: vec![MergeKey {
            left: 0,
            right: 0,
            descending: false,
            comparison_flags: 0,
        }],
        nulls_equal: true,
        output: output
            .iter()
            .map(|(side, column)| JoinColumn {
                side: *side,
                column: *column,
            })
            .collect(),
        locale_id: 1033,
    };
    Ok(MergeJoinExec::try_new(
        input(orders)?,
        input(lines)?,
        settings,
        schema,
    )?)
}

fn batches_schema(batches: &[RecordBatch]) -> SchemaRef {
    batches[0].schema()
}

/// CPU time of this thread.
fn cpu_ns() -> Result<u64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(stat.split(' ').next().unwrap_or_default().parse()?)
}
