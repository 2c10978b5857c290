//! A slow, obvious splitter beside the fast ones, and random files that hold them together at every morsel size.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use dtsx::{DataType, Disposition};

use super::*;

/// A layout of text columns with these delimiters; the last ends the row.
pub(super) fn layout(
    delimiters: &[&str],
    qualifier: Option<&str>,
    always_check: bool,
) -> FlatFileLayout {
    let name = |index: usize| format!("c{index}");
    FlatFileLayout {
        format: Format::Delimited,
        encoding: Encoding::CodePage(65001),
        header_rows_to_skip: 0,
        header_row_delimiter: "\n".to_owned(),
        column_names_in_first_data_row: false,
        data_rows_to_skip: 0,
        row_delimiter: delimiters.last().copied().unwrap_or_default().to_owned(),
        text_qualifier: qualifier.map(str::to_owned),
        always_check_for_row_delimiters: always_check,
        retain_nulls: false,
        locale_id: 1033,
        file_columns: (0..delimiters.len())
            .map(|index| FileColumn {
                name: name(index),
                delimiter: delimiters[index].to_owned(),
                text_qualified: true,
                ..FileColumn::default()
            })
            .collect(),
        output_columns: (0..delimiters.len())
            .map(|index| DecodedColumn {
                file_column: index,
                name: name(index),
                data_type: DataType::WStr { length: 4000 },
                fast_parse: false,
                use_binary_format: false,
                error: Disposition::FailComponent,
                truncation: Disposition::FailComponent,
            })
            .collect(),
    }
}

/// Every morsel of `data`, decoded; or the message of the first error.
pub(super) fn decode(
    layout: &FlatFileLayout,
    data: &[u8],
    morsel: usize,
) -> Result<Vec<Decoded>, String> {
    let decoder =
        Arc::new(FlatFileDecoder::try_new(layout.clone()).map_err(|error| error.to_string())?);
    let options = CutterOptions {
        morsel_bytes: morsel,
        row_bytes_max: 1 << 20,
    };
    let mut cutter = Cutter::try_new(decoder, data, options).map_err(|error| error.to_string())?;
    let (mut all, mut scratch) = (Vec::new(), Scratch::default());
    while let Some(morsel) = cutter.next_morsel().map_err(|error| error.to_string())? {
        all.push(
            cutter
                .decoder()
                .decode(&morsel, &mut scratch)
                .map_err(|error| error.to_string())?,
        );
    }
    Ok(all)
}

/// The rows of text columns, `None` for NULL.
pub(super) fn rows(decoded: &[Decoded]) -> Vec<Vec<Option<String>>> {
    let mut rows = Vec::new();
    for batch in decoded.iter().map(|decoded| &decoded.batch) {
        for row in 0..batch.num_rows() {
            let cell = |column: &arrow::array::ArrayRef| {
                let column = column.as_string_view();
                column.is_valid(row).then(|| column.value(row).to_owned())
            };
            rows.push(batch.columns().iter().map(cell).collect());
        }
    }
    rows
}

/// The reference: reads a file of text from the left, one character after the other. `Err` for a stray or open qualifier.
fn split_slowly(layout: &FlatFileLayout, text: &str) -> Result<Vec<Vec<Option<String>>>, ()> {
    let qualifier = layout.text_qualifier.as_deref().unwrap_or_default();
    let (row_delimiter, count) = (layout.row_delimiter.as_str(), layout.file_columns.len());
    let always_check = layout.always_check_for_row_delimiters;
    let (mut rest, mut rows) = (text, Vec::new());
    while !rest.is_empty() {
        let mut row: Vec<Option<String>> = Vec::new();
        let mut complete = false;
        while row.len() < count {
            let own = layout.file_columns[row.len()].delimiter.as_str();
            let early = always_check && row.len() + 1 < count && own != row_delimiter;
            let mut field = String::new();
            let qualified = !qualifier.is_empty() && rest.starts_with(qualifier);
            if qualified {
                rest = rest.strip_prefix(qualifier).unwrap();
                loop {
                    if let Some(tail) = rest.strip_prefix(qualifier) {
                        rest = tail;
                        match rest.strip_prefix(qualifier) {
                            Some(tail) => (rest, field) = (tail, field + qualifier),
                            None => break,
                        }
                    } else {
                        let (next, tail) = first(rest).ok_or(())?;
                        field.push(next);
                        rest = tail;
                    }
                }
            }
            let end = loop {
                let is_row = early && rest.starts_with(row_delimiter);
                if is_row && !(rest.starts_with(own) && own.len() > row_delimiter.len()) {
                    break (row_delimiter.len(), true);
                } else if rest.starts_with(own) {
                    break (own.len(), false);
                }
                let Some((next, tail)) = first(rest) else {
                    break (0, true);
                };
                if qualified {
                    return Err(());
                }
                field.push(next);
                rest = tail;
            };
            let at_end = rest.is_empty() && end.0 == 0;
            rest = rest.split_at(end.0).1;
            row.push(Some(field));
            complete = row.len() == count || !at_end || always_check;
            if end.1 {
                row.resize(count, Some(String::new()));
            }
        }
        if complete {
            rows.push(row);
        }
    }
    Ok(rows)
}

#[test]
fn every_splitter_and_every_morsel_size_gives_the_rows_of_the_reference() {
    let layouts: &[(&[&str], Option<&str>)] = &[
        (&[",", ",", "\n"], None),
        (&[",", ",", "\r\n"], None),
        (&[",", ",", "\n"], Some("\"")),
        (&[",", ",", "\r\n"], Some("\"")),
        (&["\n"], Some("\"")),
        (&["\r\n"], None),
        (&[",", "\""], None),
        (&["ä", ",", "\r\n"], Some("\"")),
        (&[",", "\n", "\r\n"], Some("\"")),
        (&["\n", "\n", "\n"], None),
        (&[",,", ",", ",\n"], Some("''")),
        (&[",", ",\n", "\n\n"], None),
    ];
    let pieces = [
        "a",
        "b1",
        ",",
        ",",
        "\n",
        "\r\n",
        "\"",
        "\"",
        "\r",
        "ä",
        "",
        "''",
        "\n",
        "0123456789abcdef",
        ",,",
    ];
    let mut seed = 42u64;
    let mut random = move |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let (mut split, mut refused) = (0, 0);
    for round in 0..4000 {
        let (delimiters, qualifier) = layouts[round % layouts.len()];
        let layout = layout(delimiters, qualifier, random(2) == 0);
        // Half of the files are mostly well formed.
        let mut text = String::new();
        for _ in 0..random(8) {
            if random(2) == 0 {
                for delimiter in delimiters {
                    let word = pieces[random(2)];
                    let quote = if random(2) == 0 {
                        qualifier.unwrap_or_default()
                    } else {
                        ""
                    };
                    text += &format!("{quote}{word}{quote}{delimiter}");
                }
            } else {
                (0..random(10)).for_each(|_| text += pieces[random(pieces.len())]);
            }
        }
        let declared = FlatFileDecoder::try_new(layout.clone()).unwrap();
        let want = match row_ends::decoder_for(&declared, text.as_bytes()) {
            Some(by_line_feed) => split_slowly(by_line_feed.layout(), &text),
            None => split_slowly(&layout, &text),
        };
        for morsel in [1, 2, 3, 7, 16, 64, 4096] {
            let found = decode(&layout, text.as_bytes(), morsel).map(|decoded| rows(&decoded));
            match (&want, found) {
                (Ok(want), Ok(found)) => {
                    assert_eq!(&found, want, "{text:?} at {morsel} by {layout:?}")
                }
                (Err(()), Err(_)) => {}
                (want, found) => panic!("{text:?} at {morsel}: {want:?}, {found:?} by {layout:?}"),
            }
        }
        if want.is_ok() {
            split += 1
        } else {
            refused += 1
        }
    }
    assert!(split > 1000 && refused > 100, "{split} {refused}");
}

/// The first character, and what follows it.
fn first(text: &str) -> Option<(char, &str)> {
    let mut rest = text.chars();
    Some((rest.next()?, rest.as_str()))
}
