//! Encoding 16 columns of an order line table to delimited text: bytes of text per second of one core.
//!
//! `cargo bench -p fletching-components --bench flat_file_encode`

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement: prints, reads /proc, stops at the first fault"
)]

mod throughput;

use std::{hint::black_box, sync::Arc};

use arrow::{
    array::{
        ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch,
        StringViewArray,
    },
    datatypes::Schema,
};
use dtsx::DataType;
use fletching_components::destinations::flat_file::{
    ColumnShape, FlatFileEncoder, FlatFileOutputColumn, FlatFileOutputLayout, TextEncoding,
};
use fletching_expression::types::field;
use throughput::report;

const ROWS: i64 = 8192;
/// Batches a round.
const BATCHES: usize = 100;

/// A sequence without pattern, the same in every run.
fn noise(row: i64, salt: i64, below: i64) -> i64 {
    let mixed = ((row * 31 + salt) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((mixed >> 33) as i64) % below
}

fn lines() -> RecordBatch {
    let money = DataType::Numeric {
        precision: 15,
        scale: 2,
    };
    let text = |length| DataType::WStr { length };
    let int = |salt, below| -> ArrayRef {
        Arc::new(Int32Array::from_iter_values(
            (0..ROWS).map(|row| noise(row, salt, below) as i32),
        ))
    };
    let decimal = |salt, below| -> ArrayRef {
        let values = Decimal128Array::from_iter_values(
            (0..ROWS).map(|row| i128::from(noise(row, salt, below))),
        );
        Arc::new(values.with_precision_and_scale(15, 2).unwrap())
    };
    let date = |salt| -> ArrayRef {
        Arc::new(Date32Array::from_iter_values(
            (0..ROWS).map(|row| 8036 + noise(row, salt, 2526) as i32),
        ))
    };
    let words = |salt, choices: &[&'static str]| -> ArrayRef {
        let count = choices.len() as i64;
        Arc::new(StringViewArray::from_iter_values(
            (0..ROWS).map(|row| choices[noise(row, salt, count) as usize]),
        ))
    };
    let comments = StringViewArray::from_iter_values((0..ROWS).map(|row| {
        let text = "regular courts above the furiously final deposits; ironic";
        text.split_at(10 + noise(row, 9, 34) as usize).0
    }));
    let columns: Vec<(&str, DataType, ArrayRef)> = vec![
        (
            "orderkey",
            DataType::I8,
            Arc::new(Int64Array::from_iter_values(
                (0..ROWS).map(|row| 1_000_000 + row / 4),
            )),
        ),
        ("partkey", DataType::I4, int(1, 200_000)),
        ("suppkey", DataType::I4, int(2, 10_000)),
        ("linenumber", DataType::I4, int(3, 7)),
        ("quantity", money, decimal(4, 5_000)),
        ("extendedprice", money, decimal(5, 10_000_000)),
        ("discount", money, decimal(6, 11)),
        ("tax", money, decimal(7, 9)),
        ("returnflag", text(1), words(8, &["A", "N", "R"])),
        ("linestatus", text(1), words(9, &["F", "O"])),
        ("shipdate", DataType::DbDate, date(10)),
        ("commitdate", DataType::DbDate, date(11)),
        ("receiptdate", DataType::DbDate, date(12)),
        (
            "shipinstruct",
            text(25),
            words(
                13,
                &[
                    "DELIVER IN PERSON",
                    "COLLECT COD",
                    "NONE",
                    "TAKE BACK RETURN",
                ],
            ),
        ),
        (
            "shipmode",
            text(10),
            words(
                14,
                &["REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"],
            ),
        ),
        ("comment", text(44), Arc::new(comments)),
    ];
    let fields: Vec<_> = columns
        .iter()
        .map(|(name, data_type, _)| field(name, data_type))
        .collect();
    let arrays = columns.into_iter().map(|(_, _, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

fn layout(batch: &RecordBatch, qualifier: &str) -> FlatFileOutputLayout {
    let schema = batch.schema();
    let columns: Vec<_> = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(index, field)| FlatFileOutputColumn {
            name: field.name().clone(),
            shape: ColumnShape::Delimited(if index == 15 { "\r\n" } else { "," }.to_owned()),
            text_qualified: index >= 13,
            data_type: DataType::WStr { length: 50 },
            source: Some(index),
        })
        .collect();
    FlatFileOutputLayout {
        encoding: TextEncoding::Utf8,
        columns,
        text_qualifier: qualifier.to_owned(),
        escape_qualifier: true,
        header: String::new(),
        header_row_delimiter: String::new(),
        column_names_in_first_row: false,
        lossy: false,
    }
}

fn main() {
    let batch = lines();
    for (name, qualifier, code_page) in [
        ("plain", "", 65001),
        ("qualified", "\"", 1252),
        ("utf16", "", 1200),
    ] {
        let mut layout = layout(&batch, qualifier);
        layout.encoding = TextEncoding::from_code_page(code_page).unwrap();
        let encoder = FlatFileEncoder::new(&layout, &batch.schema()).unwrap();
        let mut out = Vec::new();
        encoder.encode(&batch, &mut out).unwrap();
        let len = out.len();
        report(name, len * BATCHES, || {
            for _ in 0..BATCHES {
                out.clear();
                encoder.encode(black_box(&batch), &mut out).unwrap();
            }
            out.len()
        });
    }
}
