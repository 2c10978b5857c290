//! The kernel of a Lookup: 10 million keys in batches of 8192 against 1,000 and a million rows of reference, nine of ten
//! keys with a match, in random order; each match copies an integer and a text. Rows for each second of one core.
//!
//! Million keys found for each second of one core, on two loaded cores of an AMD EPYC, against 1,000 rows and a million:
//! i32, dense 602 and 114; i64, sparse 98 and 28; i32 and i64 45 and 14; text of ten characters 79 and 19, of thirty 37 and
//! 7; text and i32 50 and 11.
//!
//! `cargo bench -p fletching-components --bench lookup -- [part of a name]`

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement: prints, reads /proc, stops at the first fault"
)]

use std::{hint::black_box, sync::Arc, time::Instant};

use arrow::{
    array::{Array, ArrayRef, Int32Array, Int64Array, StringViewArray, UInt32Array},
    compute::take,
};
use fletching_components::transforms::lookup::{KeyTable, NONE};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PROBES: usize = 10_000_000;
const BATCH_ROWS: usize = 8192;
const ROUNDS: usize = 5;

/// The key columns of rows of the reference, by their number.
type Keys = fn(&[u64]) -> Vec<ArrayRef>;

const KINDS: [(&str, Keys); 6] = [
    ("i32, dense", |rows| vec![dense(rows)]),
    ("i64, sparse", |rows| vec![sparse(rows)]),
    ("two columns, i32 and i64", |rows| {
        vec![dense(rows), sparse(rows)]
    }),
    ("text of 10 characters", |rows| vec![text(rows, "C")]),
    ("text of 30 characters", |rows| {
        vec![text(rows, "the beginning of it, ")]
    }),
    ("text of 10 and i32", |rows| {
        vec![text(rows, "C"), dense(rows)]
    }),
];

fn dense(rows: &[u64]) -> ArrayRef {
    Arc::new(
        rows.iter()
            .map(|row| Some(*row as i32))
            .collect::<Int32Array>(),
    )
}

fn sparse(rows: &[u64]) -> ArrayRef {
    let scattered = |row: &u64| row.wrapping_mul(0x9E37_79B9_7F4A_7C15) as i64 >> 2;
    Arc::new(
        rows.iter()
            .map(|row| Some(scattered(row)))
            .collect::<Int64Array>(),
    )
}

fn text(rows: &[u64], start: &str) -> ArrayRef {
    let texts = rows.iter().map(|row| Some(format!("{start}{row:09}")));
    Arc::new(texts.collect::<StringViewArray>())
}

/// Seconds that this thread has run, without the time in which others had its processor.
fn cpu_seconds(start: Instant) -> f64 {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = statistics
        .split(' ')
        .next()
        .unwrap_or_default()
        .parse::<f64>();
    nanos.map_or_else(|_| start.elapsed().as_secs_f64(), |nanos| nanos / 1e9)
}

fn main() {
    let part = std::env::args().skip(1).find(|one| !one.starts_with('-'));
    for (name, keys) in KINDS {
        for rows in [1_000, 1_000_000] {
            let name = format!("{name}, {rows} rows");
            if part.as_ref().is_none_or(|part| name.contains(part)) {
                measure(&name, keys, rows);
            }
        }
    }
}

fn measure(name: &str, keys: Keys, rows: u64) {
    let start = Instant::now();
    let numbers: Vec<u64> = (0..rows).collect();
    let reference = keys(&numbers);
    let copied = [dense(&numbers), text(&numbers, "a name of some length ")];
    let before = cpu_seconds(start);
    let (table, duplicates) = KeyTable::build(&reference).unwrap();
    let built = cpu_seconds(start) - before;
    assert_eq!(duplicates, 0);
    let batches = probes(keys, rows);
    let rounds = |run: &dyn Fn(&[ArrayRef]) -> usize| {
        let rounds = (0..ROUNDS).map(|_| {
            let before = cpu_seconds(start);
            let matched: usize = batches.iter().map(|batch| run(batch)).sum();
            assert!(matched > PROBES / 20 * 17 && matched < PROBES / 20 * 19);
            cpu_seconds(start) - before
        });
        rounds.fold(f64::INFINITY, f64::min)
    };
    let find = rounds(&|batch| {
        let found = table.find(batch).unwrap();
        found.iter().filter(|row| **row != NONE).count()
    });
    let copy = rounds(&|batch| {
        let found = table.find(batch).unwrap();
        let places = found.iter().map(|row| (*row != NONE).then_some(*row));
        let places: UInt32Array = places.collect();
        for column in &copied {
            black_box(take(column, &places, None).unwrap());
        }
        places.len() - places.null_count()
    });
    let rate = |seconds: f64| PROBES as f64 / seconds / 1e6;
    println!(
        "{name:42} {:7} built in {:6.1} ms, {:5.1} MiB  find {:7.1} M/s  with copies {:7.1} M/s",
        table.kind(),
        built * 1e3,
        table.size() as f64 / 1_048_576.0,
        rate(find),
        rate(copy),
    );
}

/// Batches of keys, one in ten of none of the rows.
fn probes(keys: Keys, rows: u64) -> Vec<Vec<ArrayRef>> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let batches = (0..PROBES.div_ceil(BATCH_ROWS)).map(|batch| {
        let count = BATCH_ROWS.min(PROBES - batch * BATCH_ROWS);
        let number = |_| match next() % 10 {
            0 => rows + next() % rows,
            _ => next() % rows,
        };
        keys(&(0..count).map(number).collect::<Vec<_>>())
    });
    batches.collect()
}
