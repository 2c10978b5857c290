//! Rows like TPC-H's `lineitem`, made once and repeated, as a source with partitions; and what a run costs.

use std::{fmt, sync::Arc, time::Instant};

use arrow::{
    array::{
        ArrayRef, AsArray, Date32Array, Decimal128Array, Int32Array, Int64Array, StringViewBuilder,
    },
    datatypes::{DataType, Field, Int32Type, Schema, SchemaRef},
    record_batch::RecordBatch,
};
use datafusion_common::{Result, tree_node::TreeNodeRecursion};
use datafusion_execution::{
    SendableRecordBatchStream, TaskContext,
    config::SessionConfig,
    memory_pool::{GreedyMemoryPool, UnboundedMemoryPool},
    runtime_env::RuntimeEnvBuilder,
};
use datafusion_physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
    execution_plan::{Boundedness, EmissionType},
    stream::RecordBatchStreamAdapter,
};
use futures::StreamExt;

pub(crate) const ROWS_PER_BATCH: usize = 8192;
const DISTINCT_BATCHES: usize = 64;
const PARTS: i32 = 200_000;
const SHIP_MODES: [&str; 7] = ["AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK"];
const INSTRUCTIONS: [&str; 4] = [
    "COLLECT COD",
    "DELIVER IN PERSON",
    "NONE",
    "TAKE BACK RETURN",
];
const WORDS: [&str; 12] = [
    "carefully",
    "final",
    "deposits",
    "quickly",
    "bold",
    "requests",
    "sleep",
    "furiously",
    "even",
    "ideas",
    "the",
    "among",
];

/// The columns of `lineitem`, then the year of the ship date.
pub(crate) fn schema() -> SchemaRef {
    let price = || DataType::Decimal128(15, 2);
    let fields = [
        ("l_orderkey", DataType::Int64),
        ("l_partkey", DataType::Int32),
        ("l_suppkey", DataType::Int32),
        ("l_linenumber", DataType::Int32),
        ("l_quantity", price()),
        ("l_extendedprice", price()),
        ("l_discount", price()),
        ("l_tax", price()),
        ("l_returnflag", DataType::Utf8View),
        ("l_linestatus", DataType::Utf8View),
        ("l_shipdate", DataType::Date32),
        ("l_commitdate", DataType::Date32),
        ("l_receiptdate", DataType::Date32),
        ("l_shipinstruct", DataType::Utf8View),
        ("l_shipmode", DataType::Utf8View),
        ("l_comment", DataType::Utf8View),
        ("year", DataType::Int32),
    ];
    Arc::new(Schema::new(
        fields
            .map(|(name, data_type)| Field::new(name, data_type, true))
            .to_vec(),
    ))
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

fn batch(number: usize, schema: &SchemaRef) -> RecordBatch {
    let mut random = Random(0x9E37_79B9_7F4A_7C15 ^ (number as u64 + 1).wrapping_mul(0xD129_0CD3));
    let rows = ROWS_PER_BATCH;
    let mut ints =
        |limit: u64| -> Vec<i32> { (0..rows).map(|_| random.below(limit) as i32).collect() };
    let (part, supp, line) = (ints(PARTS as u64), ints(10_000), ints(7));
    let decimals: Vec<Vec<i32>> = vec![ints(5000), ints(10_404_950), ints(11), ints(9)];
    let dates = ints(2526);
    let texts = [ints(3), ints(2), ints(4), ints(7)];
    let comments: Vec<Vec<i32>> = (0..rows)
        .map(|_| (0..4).map(|_| random.below(12) as i32).collect())
        .collect();
    let decimal = |values: &Vec<i32>| -> ArrayRef {
        let array: Decimal128Array = values
            .iter()
            .map(|value| Some(i128::from(*value) + 100))
            .collect();
        Arc::new(array.with_precision_and_scale(15, 2).unwrap())
    };
    let text = |values: &[i32], names: &[&str]| -> ArrayRef {
        let mut builder = StringViewBuilder::new();
        values
            .iter()
            .for_each(|value| builder.append_value(names[*value as usize]));
        Arc::new(builder.finish())
    };
    let mut comment = StringViewBuilder::new().with_fixed_block_size(1 << 20);
    for words in &comments {
        comment.append_value(
            words
                .iter()
                .map(|word| WORDS[*word as usize])
                .collect::<Vec<_>>()
                .join(" "),
        );
    }
    let date = |add: i32| -> ArrayRef {
        Arc::new(
            dates
                .iter()
                .map(|date| Some(8036 + date + add))
                .collect::<Date32Array>(),
        )
    };
    let order: Int64Array = (0..rows)
        .map(|row| Some((number * rows + row) as i64 / 4 * 3))
        .collect();
    let year: Int32Array = dates.iter().map(|date| Some(1992 + date / 365)).collect();
    let mut columns: Vec<ArrayRef> = vec![Arc::new(order)];
    columns.extend([part, supp, line].map(|values| Arc::new(Int32Array::from(values)) as ArrayRef));
    columns.extend(decimals.iter().map(decimal));
    columns.push(text(&texts[0], &["A", "N", "R"]));
    columns.push(text(&texts[1], &["F", "O"]));
    columns.extend([0, 40, 50].map(date));
    columns.push(text(&texts[2], &INSTRUCTIONS));
    columns.push(text(&texts[3], &SHIP_MODES));
    columns.push(Arc::new(comment.finish()));
    columns.push(Arc::new(year));
    RecordBatch::try_new(Arc::clone(schema), columns).unwrap()
}

/// One of the batches made, with other parts than in its last turn.
fn repeated(distinct: &[RecordBatch], number: usize) -> RecordBatch {
    let batch = &distinct[number % DISTINCT_BATCHES];
    let add = (number / DISTINCT_BATCHES * 7919) as i32 % PARTS;
    let turned = |part: i32| {
        if part + add < PARTS {
            part + add
        } else {
            part + add - PARTS
        }
    };
    let mut columns = batch.columns().to_vec();
    columns[1] = Arc::new(
        columns[1]
            .as_primitive::<Int32Type>()
            .unary::<_, Int32Type>(turned),
    );
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}

/// `batches` batches in `partitions` partitions.
#[derive(Debug)]
pub(crate) struct LineItems {
    distinct: Arc<Vec<RecordBatch>>,
    batches: usize,
    properties: Arc<PlanProperties>,
}

impl LineItems {
    pub(crate) fn new(rows: usize, partitions: usize) -> Self {
        let schema = schema();
        let distinct = Arc::new(
            (0..DISTINCT_BATCHES)
                .map(|number| batch(number, &schema))
                .collect(),
        );
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Self {
            distinct,
            batches: rows / ROWS_PER_BATCH,
            properties,
        }
    }
}

impl DisplayAs for LineItems {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "LineItems")
    }
}

impl ExecutionPlan for LineItems {
    fn name(&self) -> &str {
        "LineItems"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        _context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let partitions = self.properties.partitioning.partition_count();
        let distinct = Arc::clone(&self.distinct);
        let numbers = (partition..self.batches).step_by(partitions);
        let batches =
            futures::stream::iter(numbers.map(move |number| Ok(repeated(&distinct, number))));
        let schema = Arc::clone(self.properties.eq_properties.schema());
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn memory_mib(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(key)).unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        / 1024
}

/// Runs the plan, drops its output, and prints what that took.
pub(crate) fn measure(
    name: &str,
    threads: usize,
    memory: Option<usize>,
    plan: impl Fn() -> Arc<dyn ExecutionPlan>,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .build()
        .unwrap();
    let mut environment = RuntimeEnvBuilder::new();
    environment = match memory {
        None => environment.with_memory_pool(Arc::new(UnboundedMemoryPool::default())),
        Some(limit) => environment.with_memory_pool(Arc::new(GreedyMemoryPool::new(limit))),
    };
    let context = Arc::new(
        TaskContext::default()
            .with_session_config(SessionConfig::new().with_batch_size(8192))
            .with_runtime(environment.build_arc().unwrap()),
    );
    let plan = plan();
    let before = memory_mib("VmRSS");
    let (cpu, wall) = (cpu_seconds(), Instant::now());
    let rows = runtime.block_on(async {
        let mut stream = plan.execute(0, context).unwrap();
        let mut rows = 0;
        while let Some(batch) = stream.next().await {
            rows += batch.unwrap().num_rows();
        }
        rows
    });
    println!(
        "{name} threads={threads} memory={memory:?}: {rows} rows out, {:.2} CPU-s, {:.2} s, peak {} MiB (source {before} MiB)",
        cpu_seconds() - cpu,
        wall.elapsed().as_secs_f64(),
        memory_mib("VmHWM"),
    );
    println!("  {}", plan.metrics().unwrap().aggregate_by_name());
}
