//! Each rule of section 9 of the semantics, on a small file.

use std::fmt::Write;

use arrow::util::display::array_value_to_string;
use dtsx::DataType;

use super::{
    reference::{decode, layout, rows},
    *,
};

/// Decodes as one batch and shows every cell; errors as `row:column:code[!]`, `!` for a truncation.
fn show(layout: &FlatFileLayout, data: &[u8]) -> (Vec<String>, String) {
    let decoded = decode(layout, data, 1 << 16).unwrap();
    let (mut lines, mut errors) = (Vec::new(), String::new());
    for decoded in &decoded {
        for row in 0..decoded.batch.num_rows() {
            let cell =
                |column: &arrow::array::ArrayRef| array_value_to_string(column, row).unwrap();
            let cells: Vec<_> = decoded.batch.columns().iter().map(cell).collect();
            lines.push(cells.join("|"));
        }
        for error in &decoded.errors {
            let mark = if error.truncation { "!" } else { "" };
            write!(
                errors,
                "{}:{}:{:X}{mark} ",
                error.row,
                error.column,
                error.code.0 & 0xFFFF
            )
            .unwrap();
        }
    }
    (lines, errors)
}

fn typed(types: &[DataType]) -> FlatFileLayout {
    let mut delimiters = vec![","; types.len()];
    *delimiters.last_mut().unwrap() = "\n";
    let mut layout = layout(&delimiters, Some("\""), true);
    for (column, data_type) in layout.output_columns.iter_mut().zip(types) {
        column.data_type = *data_type;
    }
    layout
}

fn widths(format: Format, widths: &[u32]) -> FlatFileLayout {
    let mut delimiters = vec![""; widths.len()];
    if format == Format::RaggedRight {
        *delimiters.last_mut().unwrap() = "\r\n";
    }
    let mut layout = layout(&delimiters, None, true);
    layout.format = format;
    for (column, width) in layout.file_columns.iter_mut().zip(widths) {
        column.width = *width;
        column.column_type = if *width > 0 {
            ColumnType::FixedWidth
        } else {
            ColumnType::Delimited
        };
    }
    layout
}

#[test]
fn fixed_width_keeps_blanks_and_counts_characters() {
    let fixed = widths(Format::FixedWidth, &[3, 2]);
    assert_eq!(show(&fixed, b"ab 12 c 34").0, ["ab |12", " c |34"]);
    assert_eq!(
        show(&fixed, "äbc12ü  34".as_bytes()).0,
        ["äbc|12", "ü  |34"]
    );
    // What is left at the end is no row, and said so.
    let decoded = decode(&fixed, b"ab 12\r\n", 4096).unwrap();
    assert_eq!(decoded[0].batch.num_rows(), 1);
    assert_eq!(
        decoded[0].partial_row,
        Some(PartialRow {
            offset: 5,
            column: 0
        })
    );
    let mut latin = fixed;
    latin.encoding = Encoding::CodePage(1252);
    latin.retain_nulls = true;
    assert_eq!(show(&latin, b"\xe4bc12     ").0, ["äbc|12", "   |  "]);
}

#[test]
fn ragged_right_ends_at_the_row_delimiter() {
    let mut ragged = widths(Format::RaggedRight, &[2, 2, 0]);
    assert_eq!(
        show(&ragged, b"aabbcc c\r\nddee\r\nf\r\n").0,
        ["aa|bb|cc c", "dd|ee|", "f||"]
    );
    ragged.always_check_for_row_delimiters = false;
    assert_eq!(
        show(&ragged, b"aabbc\r\nf\r\ngg\r\n").0,
        ["aa|bb|c", "f\r|\ng|g"]
    );
}

#[test]
fn headers_names_and_rows_are_skipped_in_order() {
    let mut skipping = layout(&[",", "\r\n"], Some("\""), true);
    skipping.header_rows_to_skip = 2;
    skipping.header_row_delimiter = "\n".to_owned();
    skipping.column_names_in_first_data_row = true;
    skipping.data_rows_to_skip = 1;
    let data = b"\xEF\xBB\xBFlone \"\nheader\n\"a\r\nname\",b\r\nskip,me\r\n1,2\r\n";
    for morsel in [1, 5, 4096] {
        let decoded = decode(&skipping, data, morsel).unwrap();
        assert_eq!(
            rows(&decoded),
            [[Some("1".to_owned()), Some("2".to_owned())]]
        );
    }
    assert!(decode(&skipping, b"only\n", 4096).unwrap().is_empty());
}

#[test]
fn qualifiers_hide_delimiters_and_doubled_ones_are_one() {
    let quoted = layout(&[",", "\n"], Some("\""), true);
    let data = b"\"a,\n\"\"x\"\"\",b\n5\" pipe,c\n\"\",\"d\"";
    assert_eq!(show(&quoted, data).0, ["a,\n\"x\"|b", "5\" pipe|c", "|d"]);
    let mut unqualified = quoted.clone();
    unqualified.file_columns[0].text_qualified = false;
    assert_eq!(show(&unqualified, b"\"a\",\"b\"\n").0, ["\"a\"|b"]);
    assert!(
        decode(&quoted, b"\"a\"x,b\n", 64)
            .unwrap_err()
            .contains("followed by other text")
    );
    assert!(
        decode(&quoted, b"a,\"b\n", 64)
            .unwrap_err()
            .contains("was not found")
    );
}

#[test]
fn short_and_long_rows() {
    let mut checked = layout(&[",", ",", "\n"], None, true);
    assert_eq!(
        show(&checked, b"1\n2,3,4,5\n6,7").0,
        ["1||", "2|3|4,5", "6|7|"]
    );
    checked.always_check_for_row_delimiters = false;
    let decoded = decode(&checked, b"1\n2,3,4,5\n6,7", 4096).unwrap();
    assert_eq!(show(&checked, b"1\n2,3,4,5\n6,7").0, ["1\n2|3|4,5"]);
    assert_eq!(
        decoded[0].partial_row,
        Some(PartialRow {
            offset: 10,
            column: 1
        })
    );
}

#[test]
fn empty_fields_are_null_or_the_default_of_the_type() {
    let types = [
        DataType::I4,
        DataType::R8,
        DataType::Bool,
        DataType::WStr { length: 5 },
        DataType::DbDate,
    ];
    let mut defaults = typed(&types);
    assert_eq!(
        show(&defaults, b",,,,\n"),
        (vec!["0|0.0|false||".to_owned()], "0:4:9084 ".to_owned())
    );
    defaults.retain_nulls = true;
    let decoded = decode(&defaults, b",,,,\n", 64).unwrap();
    assert!(
        decoded[0]
            .batch
            .columns()
            .iter()
            .all(|column| column.null_count() == 1)
    );
    assert!(decoded[0].errors.is_empty());
}

#[test]
fn numbers_of_every_type() {
    let types = [
        DataType::UI1,
        DataType::I8,
        DataType::Cy,
        DataType::Numeric {
            precision: 5,
            scale: 2,
        },
        DataType::R4,
    ];
    let data =
        b"255,-9223372036854775808,$1.5,-12.345,1.25\n256,1e3,x,1000,1e99\n-1, 12 ,\"1,234.5\",.5,-0.1\n";
    let (lines, errors) = show(&typed(&types), data);
    assert_eq!(
        lines,
        [
            "255|-9223372036854775808|1.5000|-12.34|1.25",
            "||||",
            "|12|1234.5000|0.50|-0.1"
        ]
    );
    assert_eq!(
        errors,
        "1:0:9087 1:1:9084 1:2:9084 1:3:9087 1:4:9087 2:0:9086 "
    );
}

#[test]
fn dates_standard_and_fast() {
    let types = [
        DataType::DbDate,
        DataType::DbTimeStamp,
        DataType::DbTime2 { scale: 3 },
        DataType::DbTimeStampOffset { scale: 7 },
    ];
    let mut dates = typed(&types);
    dates.locale_id = 2057;
    let data =
        b"8/6/2003,2003-08-06 14:05:09.123,2:05:09.1239 PM,2003-08-06 01:00:00 +02:00\n2003-02-30,x,,\n";
    let (lines, errors) = show(&dates, data);
    assert!(
        lines[0].starts_with("2003-06-08|2003-08-06T14:05:09.123|14:05:09.123|"),
        "{lines:?}"
    );
    assert!(
        lines[0].contains("2003-08-05T23:00:00Z") && lines[0].contains("120"),
        "{lines:?}"
    );
    assert_eq!(errors, "0:2:9085! 1:0:9084 1:1:9084 1:2:9084 1:3:9084 ");
    dates
        .output_columns
        .iter_mut()
        .for_each(|column| column.fast_parse = true);
    let (lines, errors) = show(
        &dates,
        b"20030608,2003-08-06T140509,140509,2003\n8/6/2003,2003-08-06 14:05:09,2 PM,x\n",
    );
    assert!(
        lines[0].starts_with("2003-06-08|2003-08-06T14:05:09|14:05:09|"),
        "{lines:?}"
    );
    assert_eq!(errors, "1:0:9084 1:1:9084 1:2:9084 1:3:9084 ");
}

#[test]
fn long_text_is_cut_and_told() {
    let types = [
        DataType::Str {
            length: 3,
            code_page: 65001,
        },
        DataType::WStr { length: 3 },
    ];
    let (lines, errors) = show(
        &typed(&types),
        "ääb,äöü\n\u{1F600}a,a\u{1F600}\u{1F600}\nabc,a\0c\n".as_bytes(),
    );
    assert_eq!(lines, ["ä|äöü", "|a\u{1F600}", "abc|a"]);
    assert_eq!(errors, "0:0:9085! 1:0:9085! 1:1:9085! ");
    let long = "a text of more than twelve bytes";
    let wide = typed(&[DataType::WStr { length: 20 }, DataType::NText]);
    let (lines, errors) = show(&wide, format!("{long},{long}\n").as_bytes());
    assert_eq!(lines, [format!("a text of more than |{long}")]);
    assert_eq!(errors, "0:0:9085! ");
}

#[test]
fn every_encoding_gives_the_same_rows() {
    let text = "ключ,значение подлиннее\r\nа,\"б\"\"в\"\r\n";
    for encoding in [
        Encoding::Utf16Le,
        Encoding::CodePage(1251),
        Encoding::CodePage(65001),
        Encoding::CodePage(932),
    ] {
        let mut layout = layout(&[",", "\r\n"], Some("\""), true);
        layout.encoding = encoding;
        let number = match encoding {
            Encoding::CodePage(number) => number,
            Encoding::Utf16Le => 1200,
        };
        let page = fletching_expression::code_page::CodePage::from_number(number).unwrap();
        let mut bytes = page.encode(text).0;
        if number == 1200 {
            bytes.splice(0..0, [0xFF, 0xFE]);
        }
        for morsel in [1, 9, 4096] {
            let decoded = decode(&layout, &bytes, morsel).unwrap();
            let found: Vec<_> = rows(&decoded).concat().into_iter().flatten().collect();
            assert_eq!(
                found,
                ["ключ", "значение подлиннее", "а", "б\"в"],
                "{encoding:?} {morsel}"
            );
        }
    }
}

#[test]
fn bad_bytes_fail_their_own_cell_only() {
    let (lines, errors) = show(
        &layout(&[",", "\n"], None, true),
        b"a\xFFb,ok\n\xC3\xA4,b\n",
    );
    assert_eq!(
        (lines, errors.as_str()),
        (vec!["|ok".to_owned(), "ä|b".to_owned()], "0:0:9084 ")
    );
    let mut unicode = layout(&[",", "\n"], None, true);
    unicode.encoding = Encoding::Utf16Le;
    assert!(
        decode(&unicode, b"\xFE\xFF\0a", 64)
            .unwrap_err()
            .contains("high byte first")
    );
}

#[test]
fn binary_columns_take_text_or_the_bytes_of_the_file() {
    let mut binary = typed(&[
        DataType::Bytes { length: 2 },
        DataType::Bytes { length: 2 },
        DataType::WStr { length: 9 },
    ]);
    binary.encoding = Encoding::CodePage(1252);
    binary.output_columns[1].use_binary_format = true;
    let (lines, errors) = show(&binary, b"0aFF,\x12\xFC,\xe4\n0aFF01,abc,x\nzz,,\n");
    assert_eq!(lines, ["0aff|12fc|ä", "0aff|6162|x", "||"]);
    assert_eq!(errors, "1:0:9085! 1:1:9085! 2:0:9084 ");
}

#[test]
fn rows_keep_their_text_for_the_error_output() {
    let decoded = decode(
        &typed(&[DataType::I4, DataType::I4]),
        b"1,2\n\"x\",3\n4\n",
        4096,
    )
    .unwrap();
    let texts = decoded[0].row_texts(decoded[0].errors.iter().map(|error| error.row));
    assert_eq!(texts.iter().flatten().collect::<Vec<_>>(), ["\"x\",3"]);
    assert_eq!(decoded[0].row_bytes(2), b"4");
}

#[test]
fn limits_are_kept() {
    let mut layout = layout(&[",", "\n"], None, true);
    let long = vec![b'a'; (1 << 20) + 1];
    assert!(
        decode(&layout, &long, 4096)
            .unwrap_err()
            .contains("longer than")
    );
    layout.encoding = Encoding::CodePage(4711);
    assert!(decode(&layout, b"", 64).unwrap_err().contains("4711"));
}

#[test]
fn money_and_decimals_end_where_their_types_do() {
    let types = [DataType::Cy, DataType::Decimal { scale: 0 }];
    let data = b"922337203685477.5807,79228162514264337593543950335\n922337203685477.5808,79228162514264337593543950336\n-922337203685477.5808,-79228162514264337593543950335\n999999999999999.9999,99999999999999999999999999999\n";
    let (lines, errors) = show(&typed(&types), data);
    assert_eq!(
        lines,
        [
            "922337203685477.5807|79228162514264337593543950335",
            "|",
            "-922337203685477.5808|-79228162514264337593543950335",
            "|"
        ]
    );
    assert_eq!(errors, "1:0:9087 1:1:9087 3:0:9087 3:1:9087 ");
}
