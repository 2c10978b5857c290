//! Any expression over a few rows of every type gives a value or a failure for each row, and the same value for the row by
//! itself.
#![no_main]

#[allow(dead_code, unused_imports, reason = "property tests use more of it")]
#[path = "../../expression/tests/properties/generate/mod.rs"]
mod generate;

use fletching_expression::compile;
use generate::{Choices, Columns, Typed, batch, over_columns};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (first, rest) = bytes.split_at(bytes.len() / 2);
    // Text as it is, or an expression whose types fit.
    let text = match (first.first(), std::str::from_utf8(first)) {
        (Some(byte), Ok(text)) if byte.is_ascii_graphic() => text.to_owned(),
        _ => over_columns(&Typed::new(&mut Choices::new(first)).any(4)),
    };
    // The clock goes on between two evaluations.
    if text.to_ascii_uppercase().contains("GETDATE") || text.to_ascii_uppercase().contains("GETUTC")
    {
        return;
    }
    let Ok(expression) = compile(&text, &Columns) else {
        return;
    };
    let rows = 5;
    let batch = batch(&mut Choices::new(rest), rows);
    let all = expression.evaluate(&batch).expect("the batch fits");
    assert_eq!(all.array.len(), rows);
    for row in 0..rows {
        let one = expression
            .evaluate(&batch.slice(row, 1))
            .expect("a row fits");
        let failures = all
            .errors
            .iter()
            .filter(|failure| failure.row as usize == row);
        let codes = failures.map(|failure| (failure.code, failure.truncation));
        let alone = one
            .errors
            .iter()
            .map(|failure| (failure.code, failure.truncation));
        assert!(
            alone.eq(codes),
            "row {row} of {text}: {:?} {:?}",
            one.errors,
            all.errors
        );
        assert_eq!(&one.array, &all.array.slice(row, 1), "{text}");
    }
});
