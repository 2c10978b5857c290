//! A batch gives what its rows give one by one: as slices of it, as batches of their own, and as variables.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array},
    compute::{concat_batches, take},
    datatypes::Decimal128Type,
};
use dtsx::DataType;
use fletching_expression::{Evaluated, Expression, Scalar, compile, types, values::Values};
use proptest::{collection::vec, prelude::*};

use crate::{
    EXPRESSION_BYTES, ROW_BYTES, config, evaluate, failures,
    generate::{COLUMNS, Choices, Columns, Typed, batch, extremes, over_columns, over_variables},
    value,
};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_batch_gives_what_its_rows_give(
        expression in vec(any::<u8>(), 0..EXPRESSION_BYTES),
        rows in vec(any::<u8>(), 0..ROW_BYTES),
        place in (0_usize..9, 1_usize..40),
    ) {
        let text = Typed::new(&mut Choices::new(&expression)).any(4);
        let Ok(compiled) = compile(&over_columns(&text), &Columns) else {
            return Ok(());
        };
        let (before, count) = place;
        // Its buffers begin before its first row, and end after its last.
        let whole = batch(&mut Choices::new(&rows), before + count + before / 2);
        let batch = whole.slice(before, count);
        same_by_row(&compiled, &text, &batch);
    }
}

/// What was wrong once.
#[test]
fn a_failing_row_fails_alone() {
    let rows: Vec<u8> = (0..4000_u32).map(|at| ((at * 7919) >> 3) as u8).collect();
    let batch = batch(&mut Choices::new(&rows), 40);
    for text in [
        "REPLACENULL(1, [i4] / [j4])",
        "ISNULL([i4] / [j4]) ? 1 : 1",
        "ROUND([n18] / [i4], NULL(DT_I4))",
        "ISNULL((DT_I4)[name])",
        "REPLACENULL((DT_I4)[name], 0)",
        "(DT_I4)(DT_WSTR,2)[name]",
        "(DT_I4)(DT_WSTR,2)\"abc\" + [i4]",
        "CEILING([cy])",
        "CEILING([n38])",
        "FLOOR([cy])",
        "-[i8]",
        "[u8] * [u8]",
        "18446744073709551615UL * [u8]",
        "ABS([i8])",
    ] {
        let compiled = compile(text, &Columns).expect("it compiles");
        same_by_row(&compiled, &text.replace('[', "\u{1}["), &batch);
    }
}

/// Numbers go in blocks, decimals of 64 rows and others of 128: whole ones, and what is left of the last. Some rows fail, by
/// themselves and within their block.
#[test]
fn blocks_of_any_number_of_rows() {
    let rows: Vec<u8> = (0..90_000_u32).map(|at| ((at * 7919) >> 3) as u8).collect();
    let whole = batch(&mut Choices::new(&rows), 270);
    for text in [
        "((DT_NUMERIC,9,2)[i4] - 1.5) * (1 - (DT_NUMERIC,9,3)[i4])",
        "ROUND((DT_NUMERIC,18,4)[i4] * 3.7, 1)",
        "(DT_NUMERIC,18,2)[i4] + 1.25 > (DT_NUMERIC,18,2)[j4]",
        "[n18] - 2 * [cy]",
        "[i4] * [j4] + [i4]",
        "[i4] % 1000 * ([j4] % 1000) - [i2]",
        "-([i4] / 3) - 7",
        "7 - [i8] / 2 + [u1]",
        "[u8] / 3UL + [u4] - [u2]",
        "[r8] * 2.0 - [r4] / [j4]",
        "1.0 / ([i2] - 3.0) + [r8]",
        "[r4] * [r4] - [i1]",
    ] {
        let compiled = compile(text, &Columns).expect("it compiles");
        for count in [1, 63, 64, 65, 128, 133, 256, 260] {
            let batch = whole.slice(3, count);
            let all = evaluate(&compiled, &batch);
            for row in 0..count {
                let one = evaluate(&compiled, &batch.slice(row, 1));
                assert_eq!(&one.array, &value(&all, row), "row {row} of {compiled}");
                assert_eq!(
                    failures(&one, 0),
                    failures(&all, row),
                    "row {row} of {compiled}"
                );
            }
        }
    }
}

fn same_by_row(compiled: &Expression, text: &str, batch: &RecordBatch) {
    let all = evaluate(compiled, batch);
    carries_its_type(&all, compiled);
    // In company that fast ways give up for.
    let wide = concat_batches(batch.schema_ref(), [batch, &extremes()]).expect("the same columns");
    let wide = evaluate(compiled, &wide);
    carries_its_type(&wide, compiled);
    let rows = batch.num_rows();
    assert_eq!(
        &wide.array.slice(0, rows),
        &all.array,
        "beside extremes: {compiled}"
    );
    for row in 0..rows {
        assert_eq!(
            failures(&wide, row),
            failures(&all, row),
            "row {row} of {compiled}"
        );
    }
    for row in 0..batch.num_rows() {
        let (wanted, failed) = (value(&all, row), failures(&all, row));
        let slice = batch.slice(row, 1);
        let alone = apart(&slice);
        for batch in [slice, alone.clone()] {
            let one = evaluate(compiled, &batch);
            assert_eq!(failures(&one, 0), failed, "row {row} of {compiled}");
            assert_eq!(&one.array, &wanted, "row {row} of {compiled}");
        }
        if row % 4 == 0 {
            as_variables(text, &alone, !failed.is_empty(), &wanted);
        }
    }
}

/// A batch of one row whose buffers hold nothing else.
fn apart(row: &RecordBatch) -> RecordBatch {
    let columns = row.columns().iter().map(|column| taken(column));
    RecordBatch::try_new(row.schema(), columns.collect()).expect("columns of one length")
}

fn taken(column: &ArrayRef) -> ArrayRef {
    take(column, &UInt32Array::from(vec![0]), None).expect("a row")
}

/// The row as constants. Some constants are refused that a row may hold, and a constant that fails does so also where it
/// is not chosen; but a value is the value of the row.
fn as_variables(text: &str, row: &RecordBatch, failed: bool, wanted: &ArrayRef) {
    let mut variables = Values::new(0);
    variables.add_variable("User::Name", Scalar::from("Zoë"));
    for ((name, data_type), column) in COLUMNS.iter().zip(row.columns()) {
        let value = Scalar {
            data_type: *data_type,
            array: Arc::clone(column),
        };
        variables.add_variable(name, value);
    }
    let text = over_variables(text);
    let scalar = compile(&text, &variables).and_then(|compiled| compiled.evaluate_scalar());
    match scalar {
        Ok(scalar) => {
            assert!(
                !failed,
                "the row fails, as variables it is {scalar}: {text}"
            );
            assert_eq!(&scalar.array, wanted, "{text}");
        }
        Err(error) => {
            let excused = failed || EXCUSES.iter().any(|excuse| text.contains(excuse));
            assert!(excused, "the row is {wanted:?}: {error}");
        }
    }
}

/// Where constants are checked before any row, or a part is not asked.
const EXCUSES: &[&str] = &[
    "?",
    "&&",
    "||",
    "/",
    "%",
    "SUBSTRING",
    "LEFT",
    "RIGHT",
    "FINDSTRING",
    "TOKEN",
    "REPLICATE",
    "ROUND",
    "YEAR",
    "MONTH",
    "DAY",
];

/// The array is of the Arrow type of its SSIS type, and holds only values of that.
fn carries_its_type(evaluated: &Evaluated, expression: &Expression) {
    let data_type = expression.data_type();
    let array = &evaluated.array;
    assert_eq!(
        array.data_type(),
        &types::arrow_type(&data_type),
        "{expression}"
    );
    for failure in evaluated
        .errors
        .iter()
        .filter(|failure| !failure.truncation)
    {
        assert!(array.is_null(failure.row as usize), "{expression}");
    }
    match data_type {
        DataType::Numeric { .. } | DataType::Decimal { .. } => {
            let numbers = array.as_primitive::<Decimal128Type>();
            let precision = numbers.precision();
            let fits = numbers.validate_decimal_precision(precision);
            assert!(fits.is_ok(), "{expression}: {fits:?}");
        }
        DataType::WStr { length } => {
            for text in array.as_string_view().iter().flatten() {
                let units = text.encode_utf16().count();
                assert!(
                    units <= length as usize,
                    "{data_type} {units} {text:?}: {expression}"
                );
            }
        }
        _ => {}
    }
}
