//! Bytes for each second of one core: the best and the median of a few rounds, each long enough for the clock of the
//! scheduler, which moves by milliseconds.

use std::{hint::black_box, time::Instant};

const ROUNDS: usize = 7;
const ROUND_SECONDS: f64 = 0.25;

/// Seconds that this thread has run, without the time in which others had its processor.
fn cpu_seconds(start: Instant) -> f64 {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = statistics
        .split(' ')
        .next()
        .and_then(|text| text.parse::<f64>().ok());
    nanos.map_or_else(|| start.elapsed().as_secs_f64(), |nanos| nanos / 1e9)
}

/// Measures `run` over `bytes` bytes, and prints.
pub(crate) fn report(name: &str, bytes: usize, mut run: impl FnMut() -> usize) {
    let start = Instant::now();
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let before = cpu_seconds(start);
            let mut runs = 0;
            loop {
                black_box(run());
                runs += 1;
                let seconds = cpu_seconds(start) - before;
                if seconds >= ROUND_SECONDS {
                    return seconds / f64::from(runs);
                }
            }
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    let rate = |seconds: f64| bytes as f64 / seconds / 1e9;
    let (best, median) = (rate(rounds[0]), rate(rounds[ROUNDS / 2]));
    println!("{name:40} best {best:7.3}  median {median:7.3}  GB per CPU-second");
}
