//! The expressions of `benches/expressions/expressions.tsv` over the rows of an Arrow file, batch by batch on one thread.
//!
//! `cargo bench -p fletching-expression --bench expressions -- FILE [NAME [ROUNDS]]`: for each expression (whose name
//! has NAME in it) the seconds of the best and of the median round, then how many values are not NULL and their sum, by
//! which `benches/expressions/peers.py` compares. With `serve` for NAME it reads names from its input instead, and runs a
//! round for each; `check` and a name gives the sum. Seconds are those of the processor.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    unsafe_code,
    reason = "a measurement: prints, reads /proc, stops at the first fault, sets an option of a C library"
)]

use std::{fs::File, hint::black_box, io::BufRead, sync::Arc, time::Instant};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array},
    compute::{cast, take},
    datatypes::{
        DataType as ArrowType, Decimal128Type, Float64Type, Int64Type, SchemaRef, TimeUnit,
    },
    ipc::reader::FileReader,
};
use dtsx::DataType;
use fletching_expression::{ColumnReference, Expression, Scalar, Scope, compile, types};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EXPRESSIONS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../benches/expressions/expressions.tsv"
);
const ROUNDS: usize = 5;
/// A round evaluates again until it has run for so long: the clock of the scheduler moves by milliseconds.
const ROUND_SECONDS: f64 = 0.2;

/// `mi_option_purge_delay` in mimalloc's list of options: milliseconds, -1 for never. As the program sets it.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

fn main() {
    // SAFETY: a known option; nothing else runs yet, which is what the function asks for.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) };
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let file = arguments.first().unwrap();
    let filter = arguments.get(1).map_or("", String::as_str);
    let rounds = arguments
        .get(2)
        .map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let table = Table::read(file);
    let expressions = table.expressions();
    if filter == "serve" {
        return serve(&table, &expressions);
    }
    for (name, expression) in &expressions {
        if !name.contains(filter) {
            continue;
        }
        let rows = table.rows_of(expression);
        seconds_of(expression, &rows);
        let mut seconds: Vec<f64> = (0..rounds).map(|_| seconds_of(expression, &rows)).collect();
        seconds.sort_by(f64::total_cmp);
        let (best, median) = (seconds[0], seconds[rounds / 2]);
        let sum = table.sum(expression);
        println!("{name}\t{best:.4}\t{median:.4}\t{sum}");
    }
}

/// A line of answer for each line of the input.
fn serve(table: &Table, expressions: &[(String, Expression)]) {
    let find = |wanted: &str| {
        let found = expressions.iter().find(|(name, _)| name == wanted);
        &found.unwrap().1
    };
    let mut loaded = (String::new(), Vec::new());
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        if let Some((_, name)) = line.split_once('\t') {
            println!("{}", table.sum(find(name)));
            continue;
        }
        let expression = find(&line);
        if loaded.0 != line {
            loaded = (line, table.rows_of(expression));
        }
        println!("{:.6}", seconds_of(expression, &loaded.1));
    }
}

/// The rows, and the scope in which their columns have their names.
struct Table {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl Table {
    fn read(path: &str) -> Self {
        let reader = FileReader::try_new_buffered(File::open(path).unwrap(), None).unwrap();
        Self {
            schema: reader.schema(),
            batches: reader.collect::<Result<_, _>>().unwrap(),
        }
    }

    fn expressions(&self) -> Vec<(String, Expression)> {
        let text = std::fs::read_to_string(EXPRESSIONS).unwrap();
        let lines = text.lines().skip(1);
        let fields = lines.map(|line| line.split('\t').collect::<Vec<_>>());
        fields
            .map(|fields| (fields[0].to_owned(), compile(fields[1], self).unwrap()))
            .collect()
    }

    /// The rows; the columns that an expression names lie by themselves, as a source of just these would have made them.
    fn rows_of(&self, expression: &Expression) -> Vec<RecordBatch> {
        let text = expression.to_string();
        let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let words: Vec<&str> = words.collect();
        let own = |batch: &RecordBatch| {
            let rows = UInt32Array::from_iter_values(0..batch.num_rows() as u32);
            let named = self.schema.fields().iter().zip(batch.columns());
            let columns = named.map(|(field, column)| -> ArrayRef {
                match column.as_string_view_opt() {
                    _ if !words.contains(&field.name().as_str()) => Arc::clone(column),
                    Some(texts) => Arc::new(texts.gc()),
                    None => take(column, &rows, None).unwrap(),
                }
            });
            RecordBatch::try_new(Arc::clone(&self.schema), columns.collect()).unwrap()
        };
        self.batches.iter().map(own).collect()
    }

    /// How many values are not NULL, and their sum in whatever order.
    fn sum(&self, expression: &Expression) -> String {
        let arrays = self
            .batches
            .iter()
            .map(|batch| expression.evaluate(batch).unwrap().array);
        let (mut count, mut sum, mut scale) = (0, 0, 0);
        for array in arrays {
            count += array.len() - array.null_count();
            sum += sum_of(&array);
            if let ArrowType::Decimal128(_, digits) = array.data_type() {
                scale = *digits;
            }
        }
        while scale > 0 && sum % 10 == 0 {
            (sum, scale) = (sum / 10, scale - 1);
        }
        format!("{count}\t{sum}e-{scale}")
    }
}

/// Seconds of the processor for all rows once.
fn seconds_of(expression: &Expression, rows: &[RecordBatch]) -> f64 {
    let start = Instant::now();
    let before = cpu_seconds(start);
    let mut runs = 0;
    loop {
        for batch in rows {
            let evaluated = black_box(expression.evaluate(batch).unwrap());
            assert!(evaluated.errors.is_empty(), "{expression}: rows fail");
        }
        runs += 1;
        let seconds = cpu_seconds(start) - before;
        if seconds >= ROUND_SECONDS {
            return seconds / f64::from(runs);
        }
    }
}

/// Whole numbers, microseconds of dates, digits of decimals, bits of floats, bytes of text weighed by their place.
fn sum_of(array: &ArrayRef) -> i128 {
    match array.data_type() {
        ArrowType::Float64 => {
            let values = array.as_primitive::<Float64Type>().iter().flatten();
            values.map(|value| i128::from(value.to_bits())).sum()
        }
        ArrowType::Decimal128(..) => {
            let values = array.as_primitive::<Decimal128Type>().iter();
            values.flatten().sum()
        }
        ArrowType::Utf8View => {
            let texts = array.as_string_view().iter().flatten();
            texts
                .map(|text| {
                    let weighed = text.bytes().zip((1_i128..).step_by(2));
                    weighed
                        .map(|(byte, weight)| i128::from(byte) * weight)
                        .sum::<i128>()
                })
                .sum()
        }
        ArrowType::Date32 => {
            sum_of(&cast(array, &ArrowType::Timestamp(TimeUnit::Microsecond, None)).unwrap())
        }
        _ => {
            let numbers = cast(array, &ArrowType::Int64).unwrap();
            let values = numbers.as_primitive::<Int64Type>().iter().flatten();
            values.map(i128::from).sum()
        }
    }
}

/// Seconds that this thread has run, without the time in which others had its processor.
fn cpu_seconds(start: Instant) -> f64 {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = statistics
        .split(' ')
        .next()
        .and_then(|text| text.parse::<f64>().ok());
    nanos.map_or_else(|| start.elapsed().as_secs_f64(), |nanos| nanos / 1e9)
}

impl Scope for Table {
    fn column(&self, reference: &ColumnReference) -> Option<(usize, DataType)> {
        let ColumnReference::Name { name, .. } = reference else {
            return None;
        };
        let (at, field) = self.schema.column_with_name(name)?;
        Some((at, types::data_type(field)?))
    }

    fn variable(&self, _: Option<&str>, _: &str) -> Option<Scalar> {
        None
    }

    fn locale_id(&self) -> u32 {
        1033
    }

    fn column_names(&self) -> Vec<String> {
        let fields = self.schema.fields();
        fields.iter().map(|field| field.name().clone()).collect()
    }

    fn variable_names(&self) -> Vec<String> {
        Vec::new()
    }
}
