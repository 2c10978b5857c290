//! How fast a flat file of sixteen typed columns is decoded, by one thread, from memory.
//!
//! `cargo bench -p fletching-components --bench flat_file_decode [-- FILE]`: FILE is a `lineitem` table as text, 16 columns
//! delimited by `|`, rows by LF; without it a table is made up. Prints gigabytes of text for each CPU-second (Linux; wall
//! time elsewhere): the best and the median round.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement: prints, reads /proc, stops at the first fault"
)]

mod throughput;

use std::sync::Arc;

use dtsx::{DataType, Disposition};
use fletching_components::sources::flat_file::{
    Cutter, CutterOptions, DecodedColumn, Encoding, FileColumn, FlatFileDecoder, FlatFileLayout,
    Morsel, Scratch,
};
use throughput::report;

fn columns() -> Vec<(&'static str, DataType)> {
    let decimal = DataType::Numeric {
        precision: 15,
        scale: 2,
    };
    let text = |length| DataType::Str {
        length,
        code_page: 65001,
    };
    vec![
        ("l_orderkey", DataType::I8),
        ("l_partkey", DataType::I4),
        ("l_suppkey", DataType::I4),
        ("l_linenumber", DataType::I4),
        ("l_quantity", decimal),
        ("l_extendedprice", decimal),
        ("l_discount", decimal),
        ("l_tax", decimal),
        ("l_returnflag", text(1)),
        ("l_linestatus", text(1)),
        ("l_shipdate", DataType::DbDate),
        ("l_commitdate", DataType::DbDate),
        ("l_receiptdate", DataType::DbDate),
        ("l_shipinstruct", text(25)),
        ("l_shipmode", text(10)),
        ("l_comment", text(44)),
    ]
}

fn decoder(qualifier: Option<&str>) -> FlatFileDecoder {
    let columns = columns();
    let last = columns.len() - 1;
    let layout = FlatFileLayout {
        format: Default::default(),
        encoding: Encoding::CodePage(65001),
        header_rows_to_skip: 0,
        header_row_delimiter: "\n".to_owned(),
        column_names_in_first_data_row: false,
        data_rows_to_skip: 0,
        row_delimiter: "\n".to_owned(),
        text_qualifier: qualifier.map(str::to_owned),
        always_check_for_row_delimiters: true,
        retain_nulls: false,
        locale_id: 1033,
        file_columns: (0..=last)
            .map(|index| FileColumn {
                name: columns[index].0.to_owned(),
                delimiter: if index == last { "\n" } else { "|" }.to_owned(),
                text_qualified: true,
                ..FileColumn::default()
            })
            .collect(),
        output_columns: (0..=last)
            .map(|index| DecodedColumn {
                file_column: index,
                name: columns[index].0.to_owned(),
                data_type: columns[index].1,
                fast_parse: false,
                use_binary_format: false,
                error: Disposition::FailComponent,
                truncation: Disposition::FailComponent,
            })
            .collect(),
    };
    FlatFileDecoder::try_new(layout).unwrap()
}

/// Rows of the shape of `lineitem`, `quote` around every text.
fn made_up(quote: &str) -> Vec<u8> {
    let mut seed = 1u64;
    let mut random = |below: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut text = String::new();
    for row in 0..200_000u64 {
        let (part, supplier, quantity) = (random(200_000), random(10_000), random(50) + 1);
        let price = random(10_000_000) + 90_000;
        let mut date = || {
            format!(
                "199{}-{:02}-{:02}",
                random(8),
                random(12) + 1,
                random(28) + 1
            )
        };
        let dates = [date(), date(), date()].join("|");
        let comment = "carefully final deposits sleep furiously along";
        let length = 10 + random(34) as usize;
        let comment: String = comment.chars().take(length).collect();
        text += &format!(
            "{}|{part}|{supplier}|{}|{quantity}|{}.{:02}|0.0{}|0.0{}|{quote}N{quote}|{quote}O{quote}|{dates}|\
             {quote}DELIVER IN PERSON{quote}|{quote}TRUCK{quote}|{quote}{comment}{quote}\n",
            row / 4,
            row % 7,
            price / 100,
            price % 100,
            row % 10,
            row % 9
        );
    }
    text.into_bytes()
}

fn cut(decoder: &Arc<FlatFileDecoder>, data: &[u8]) -> Vec<Morsel> {
    let mut cutter = Cutter::try_new(Arc::clone(decoder), data, CutterOptions::default()).unwrap();
    std::iter::from_fn(|| cutter.next_morsel().unwrap()).collect()
}

fn main() {
    let file = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"));
    let plain = file.map_or_else(|| made_up(""), |path| std::fs::read(path).unwrap());
    for (name, qualifier, data) in [
        ("plain", None, &plain),
        ("qualifier set, none in the file", Some("\""), &plain),
        ("every text qualified", Some("\""), &made_up("\"")),
    ] {
        let decoder = Arc::new(decoder(qualifier));
        report(&format!("cut: {name}"), data.len(), || {
            cut(&decoder, data).len()
        });
        let morsels = cut(&decoder, data);
        let mut scratch = Scratch::default();
        report(&format!("decode: {name}"), data.len(), || {
            let decode = |morsel| {
                let decoded = decoder.decode(morsel, &mut scratch).unwrap();
                assert!(decoded.errors.is_empty());
                decoded.batch.num_rows()
            };
            morsels.iter().map(decode).sum()
        });
    }
}
