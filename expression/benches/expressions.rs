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
    array::{Array, ArrayRef, AsArray, RecordBatch},
    compute::{cast, concat_batches},
    datatypes::{DataType as ArrowType, Decimal128Type, Float64Type, Int64Type, TimeUnit},
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
/// Bytes of a text file that travel as one batch, as in the engine unless it is told otherwise.
const MORSEL_BYTES: usize = 1 << 20;
/// Rows by which their width in a text file is told.
const SAMPLE_ROWS: usize = 100_000;
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
    let text = std::fs::read_to_string(EXPRESSIONS).unwrap();
    let lines = text.lines().skip(1);
    let fields = lines.map(|line| line.split('\t').collect::<Vec<_>>());
    let expressions: Vec<(&str, &str)> = fields.map(|fields| (fields[0], fields[1])).collect();
    if filter == "serve" {
        return serve(file, &expressions);
    }
    for (name, text) in &expressions {
        if !name.contains(filter) {
            continue;
        }
        let work = Work::load(file, text);
        work.seconds();
        let mut seconds: Vec<f64> = (0..rounds).map(|_| work.seconds()).collect();
        seconds.sort_by(f64::total_cmp);
        let (best, median) = (seconds[0], seconds[rounds / 2]);
        println!("{name}\t{best:.4}\t{median:.4}\t{}", work.sum());
    }
}

/// A line of answer for each line of the input.
fn serve(file: &str, expressions: &[(&str, &str)]) {
    let text_of = |name: &str| {
        let found = expressions.iter().find(|(own, _)| *own == name);
        found.unwrap().1
    };
    let mut loaded = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let (command, name) = line.split_once('\t').unwrap_or(("", &line));
        let work = match loaded.take() {
            Some((of, work)) if of == name => work,
            _ => Work::load(file, text_of(name)),
        };
        match command {
            "" => println!("{:.6}", work.seconds()),
            _ => println!("{}", work.sum()),
        }
        loaded = Some((name.to_owned(), work));
    }
}

/// An expression and all rows of the columns that it names, each column in one piece.
struct Work {
    expression: Expression,
    rows: RecordBatch,
    batch_rows: usize,
}

impl Work {
    fn load(file: &str, text: &str) -> Self {
        let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let words: Vec<&str> = words.collect();
        let open = |columns| FileReader::try_new_buffered(File::open(file).unwrap(), columns);
        let schema = open(None).unwrap().schema();
        let fields = schema.fields().iter().enumerate();
        let named = fields.filter(|(_, field)| words.contains(&field.name().as_str()));
        let reader = open(Some(named.map(|(at, _)| at).collect())).unwrap();
        let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().unwrap();
        let schema = batches[0].schema();
        let mut columns = concat_batches(&schema, &batches)
            .unwrap()
            .columns()
            .to_vec();
        for column in &mut columns {
            if let Some(texts) = column.as_string_view_opt() {
                *column = Arc::new(texts.gc());
            }
        }
        let rows = RecordBatch::try_new(schema, columns).unwrap();
        let expression = compile(text, &Columns(&rows)).unwrap();
        let batch_rows = batch_rows(&rows.slice(0, rows.num_rows().min(SAMPLE_ROWS)));
        Self {
            expression,
            rows,
            batch_rows,
        }
    }

    /// The values, batch by batch.
    fn arrays(&self) -> impl Iterator<Item = ArrayRef> {
        let rows = self.rows.num_rows();
        (0..rows).step_by(self.batch_rows).map(move |start| {
            let batch = self.rows.slice(start, self.batch_rows.min(rows - start));
            let evaluated = self.expression.evaluate(&batch).unwrap();
            assert!(
                evaluated.errors.is_empty(),
                "{}: rows fail",
                self.expression
            );
            evaluated.array
        })
    }

    /// Of the processor for all rows once.
    fn seconds(&self) -> f64 {
        let start = Instant::now();
        let before = cpu_seconds(start);
        let mut runs = 0;
        loop {
            for array in self.arrays() {
                black_box(array);
            }
            runs += 1;
            let seconds = cpu_seconds(start) - before;
            if seconds >= ROUND_SECONDS {
                return seconds / f64::from(runs);
            }
        }
    }

    /// How many values are not NULL, and their sum in whatever order.
    fn sum(&self) -> String {
        let (mut count, mut sum, mut scale) = (0, 0, 0);
        for array in self.arrays() {
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

/// How many rows a source would make of a morsel of text that has just these columns, by the first rows.
fn batch_rows(sample: &RecordBatch) -> usize {
    let texts = sample
        .columns()
        .iter()
        .map(|column| cast(column, &ArrowType::Utf8).unwrap());
    // Each value has a delimiter behind it.
    let bytes = texts.map(|text| text.as_string::<i32>().value_data().len() + text.len());
    MORSEL_BYTES * sample.num_rows() / bytes.sum::<usize>()
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

/// The columns of rows by their names.
struct Columns<'r>(&'r RecordBatch);

impl Scope for Columns<'_> {
    fn column(&self, reference: &ColumnReference) -> Option<(usize, DataType)> {
        let ColumnReference::Name { name, .. } = reference else {
            return None;
        };
        let (at, field) = self.0.schema_ref().column_with_name(name)?;
        Some((at, types::data_type(field)?))
    }

    fn variable(&self, _: Option<&str>, _: &str) -> Option<Scalar> {
        None
    }

    fn locale_id(&self) -> u32 {
        1033
    }

    fn column_names(&self) -> Vec<String> {
        let schema = self.0.schema_ref();
        schema
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect()
    }

    fn variable_names(&self) -> Vec<String> {
        Vec::new()
    }
}
