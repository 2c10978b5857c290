//! What holds for any expression over any rows.
//!
//! * [`row_by_row`]: a batch gives what its rows give one by one, and what their values give as variables.
//! * [`sharing`]: parts that are worked out once give what they give apart.
//! * [`printing`]: what is printed parses into the tree that was printed.
//! * [`limits`]: any text gives an error or a value, however long or deep it is.
//!
//! Seeds are fixed, so that a change that did not break anything does not fail. To look further:
//! `PROPTEST_CASES=100000 PROPTEST_RNG_SEED=1 cargo test --release -p fletching-expression --test properties`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong"
)]

mod generate;
mod limits;
mod printing;
mod row_by_row;
mod sharing;

use arrow::array::{ArrayRef, RecordBatch};
use fletching_expression::{Evaluated, Expression, RowFailure};
use proptest::test_runner::{Config, RngSeed};

/// As the environment has it, or quick and the same each time.
fn config() -> Config {
    let given = Config::default();
    Config {
        rng_seed: match given.rng_seed {
            RngSeed::Random => RngSeed::Fixed(20_050_711),
            fixed => fixed,
        },
        failure_persistence: None,
        max_shrink_iters: 3_000,
        ..given
    }
}

/// So many bytes of a case decide about the expression, and about the rows.
const EXPRESSION_BYTES: usize = 160;
const ROW_BYTES: usize = 2_000;

fn evaluate(expression: &Expression, batch: &RecordBatch) -> Evaluated {
    let evaluated = expression.evaluate(batch).expect("the batch fits");
    assert_eq!(evaluated.array.len(), batch.num_rows(), "{expression}");
    evaluated
}

/// The failures of a row, as if it were the first row of a batch.
fn failures(evaluated: &Evaluated, row: usize) -> Vec<RowFailure> {
    let of_row = evaluated
        .errors
        .iter()
        .filter(|failure| failure.row as usize == row);
    of_row
        .map(|failure| RowFailure { row: 0, ..*failure })
        .collect()
}

fn value(evaluated: &Evaluated, row: usize) -> ArrayRef {
    evaluated.array.slice(row, 1)
}
