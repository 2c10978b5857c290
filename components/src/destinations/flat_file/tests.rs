//! Bytes of small files, format by format.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Date32Array, Decimal128Array, Int32Array, RecordBatch, StringViewArray},
    datatypes::Schema,
};
use dtsx::DataType;
use fletching_expression::types::field;

use super::*;

const TEXT: DataType = DataType::WStr { length: 50 };

fn batch(columns: Vec<(&str, DataType, ArrayRef)>) -> RecordBatch {
    let fields: Vec<_> = columns
        .iter()
        .map(|(name, data_type, _)| field(name, data_type))
        .collect();
    let arrays = columns.into_iter().map(|(_, _, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringViewArray::from(values.to_vec()))
}

fn orders(names: &[Option<&str>]) -> RecordBatch {
    let rows = names.len() as i32;
    let amounts = Decimal128Array::from_iter(
        (0..rows).map(|row| (row % 2 == 0).then_some(i128::from(row) * 100 + 5)),
    );
    batch(vec![
        (
            "id",
            DataType::I4,
            Arc::new(Int32Array::from_iter_values(1..=rows)),
        ),
        ("name", TEXT, texts(names)),
        (
            "amount",
            DataType::Numeric {
                precision: 10,
                scale: 2,
            },
            Arc::new(amounts.with_precision_and_scale(10, 2).unwrap()),
        ),
    ])
}

fn column(name: &str, source: usize, shape: ColumnShape) -> FlatFileOutputColumn {
    FlatFileOutputColumn {
        name: name.to_owned(),
        shape,
        text_qualified: false,
        data_type: TEXT,
        source: Some(source),
    }
}

fn delimited(code_page: u32) -> FlatFileOutputLayout {
    let by = |text: &str| ColumnShape::Delimited(text.to_owned());
    FlatFileOutputLayout {
        encoding: TextEncoding::from_code_page(code_page).unwrap(),
        columns: vec![
            column("id", 0, by(",")),
            column("name", 1, by(",")),
            column("amount", 2, by("\r\n")),
        ],
        text_qualifier: String::new(),
        escape_qualifier: false,
        header: String::new(),
        header_row_delimiter: "\r\n".to_owned(),
        column_names_in_first_row: false,
        lossy: false,
    }
}

fn fixed(widths: [u32; 3]) -> FlatFileOutputLayout {
    let mut layout = delimited(1252);
    for (column, width) in layout.columns.iter_mut().zip(widths) {
        column.shape = ColumnShape::FixedWidth(width);
    }
    layout
}

fn write(layout: &FlatFileOutputLayout, batch: &RecordBatch) -> Result<Vec<u8>, EncodeError> {
    let encoder = FlatFileEncoder::new(layout, &batch.schema()).unwrap();
    let mut out = Vec::new();
    encoder.prologue(true, &mut out).unwrap();
    encoder.encode(batch, &mut out)?;
    Ok(out)
}

fn text(layout: &FlatFileOutputLayout, batch: &RecordBatch) -> String {
    String::from_utf8(write(layout, batch).unwrap()).unwrap()
}

#[test]
fn delimited_rows_with_header_names_and_nulls() {
    let mut layout = delimited(65001);
    layout.header = "Orders of today".to_owned();
    layout.column_names_in_first_row = true;
    assert_eq!(
        text(
            &layout,
            &orders(&[Some("a,b"), None, Some("a name of more than twelve")])
        ),
        "Orders of today\r\nid,name,amount\r\n1,a,b,0.05\r\n2,,\r\n3,a name of more than twelve,2.05\r\n"
    );
}

#[test]
fn an_unmapped_column_and_another_order() {
    let mut layout = delimited(65001);
    layout.columns[0].source = Some(2);
    layout.columns[1].source = None;
    layout.columns[2].source = Some(0);
    assert_eq!(text(&layout, &orders(&[None])), "0.05,,1\r\n");
}

#[test]
fn qualifiers_stand_around_names_values_and_nulls() {
    let mut layout = delimited(1252);
    layout.text_qualifier = "\"".to_owned();
    layout.columns[1].text_qualified = true;
    layout.column_names_in_first_row = true;
    let batch = orders(&[Some("a,b"), None, Some("5\" nail")]);
    let plain = "id,\"name\",amount\r\n1,\"a,b\",0.05\r\n2,\"\",\r\n";
    assert_eq!(
        text(&layout, &batch),
        format!("{plain}3,\"5\" nail\",2.05\r\n")
    );
    layout.escape_qualifier = true;
    assert_eq!(
        text(&layout, &batch),
        format!("{plain}3,\"5\"\" nail\",2.05\r\n")
    );
    layout.text_qualifier = "''".to_owned();
    let batch = orders(&[Some("it's"), Some("a''b")]);
    let wanted = "id,''name'',amount\r\n1,''it's'',0.05\r\n2,''a''''b'',\r\n";
    assert_eq!(text(&layout, &batch), wanted);
}

#[test]
fn fixed_width_pads_and_never_cuts() {
    let batch = orders(&[Some("ab"), None]);
    assert_eq!(
        text(&fixed([3, 5, 6]), &batch),
        "1  ab   0.05  2             "
    );
    let error = write(&fixed([3, 1, 6]), &batch).unwrap_err();
    assert_eq!(
        (error.row, error.column.as_str(), error.value.as_str()),
        (0, "name", "ab")
    );
    assert!(matches!(
        error.fault,
        EncodeFault::TooLong {
            len: 2,
            limit: 1,
            ..
        }
    ));
    assert_eq!(error.code().0, 0xC020_20A1);
}

#[test]
fn ragged_right_and_fixed_width_with_row_delimiters() {
    let mut layout = fixed([3, 5, 1]);
    layout.columns[2].shape = ColumnShape::Delimited("\r\n".to_owned());
    let batch = orders(&[Some("é"), None]);
    assert_eq!(
        write(&layout, &batch).unwrap(),
        b"1  \xE9    0.05\r\n2       \r\n"
    );
    layout.columns[2].shape = ColumnShape::FixedWidth(5);
    let mut dummy = column(
        "Row delimiter column",
        0,
        ColumnShape::Delimited("\r\n".to_owned()),
    );
    dummy.source = None;
    layout.columns.push(dummy);
    assert_eq!(
        write(&layout, &batch).unwrap(),
        b"1  \xE9    0.05 \r\n2            \r\n"
    );
}

#[test]
fn unicode_is_utf16_with_a_mark_and_widths_in_code_units() {
    let mut layout = fixed([2, 3, 5]);
    layout.encoding = TextEncoding::Utf16Le;
    let out = write(&layout, &orders(&[Some("😀"), Some("日本")])).unwrap();
    let units: Vec<u16> = out
        .chunks(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    assert_eq!(
        String::from_utf16(&units).unwrap(),
        "\u{FEFF}1 😀 0.05 2 日本      "
    );
    let error = write(&layout, &orders(&[Some("😀😀")])).unwrap_err();
    assert!(matches!(
        error.fault,
        EncodeFault::TooLong {
            len: 4,
            limit: 3,
            ..
        }
    ));
}

#[test]
fn characters_that_the_code_page_lacks() {
    let mut layout = delimited(1252);
    let batch = orders(&[Some("café"), Some("日")]);
    let error = write(&layout, &batch).unwrap_err();
    assert_eq!(
        (error.row, &error.fault),
        (
            1,
            &EncodeFault::NotInCodePage {
                character: '日',
                code_page: 1252
            }
        )
    );
    layout.lossy = true;
    assert_eq!(
        write(&layout, &batch).unwrap(),
        b"1,caf\xE9,0.05\r\n2,?,\r\n"
    );
    layout.lossy = false;
    layout.header = "日".to_owned();
    assert!(matches!(
        FlatFileEncoder::new(&layout, &batch.schema()),
        Err(LayoutError::NotInCodePage { .. })
    ));
}

#[test]
fn text_longer_than_the_file_column_is_an_error_and_leaves_the_output_alone() {
    let mut layout = delimited(1252);
    layout.columns[1].data_type = DataType::Str {
        length: 3,
        code_page: 1252,
    };
    let batch = orders(&[Some("été"), Some("abcd")]);
    let encoder = FlatFileEncoder::new(&layout, &batch.schema()).unwrap();
    let mut out = b"before".to_vec();
    let error = encoder.encode(&batch, &mut out).unwrap_err();
    assert_eq!(error.row, 1);
    assert_eq!(out, b"before");
    encoder.encode(&orders(&[Some("été")]), &mut out).unwrap();
    assert_eq!(out, b"before1,\xE9t\xE9,0.05\r\n");
}

#[test]
fn layouts_that_cannot_be_written() {
    let schema = orders(&[]).schema();
    let error = |layout: &FlatFileOutputLayout| FlatFileEncoder::new(layout, &schema).unwrap_err();
    assert!(matches!(error(&fixed([1, 0, 1])), LayoutError::NoWidth(_)));
    let mut layout = fixed([1, 5, 6]);
    layout.column_names_in_first_row = true;
    assert!(matches!(
        error(&layout),
        LayoutError::NameTooLong { width: 1, .. }
    ));
    let mut layout = delimited(1252);
    layout.columns[0].source = Some(7);
    assert!(matches!(
        error(&layout),
        LayoutError::NoInputColumn { index: 7, .. }
    ));
    layout.columns.clear();
    assert!(matches!(error(&layout), LayoutError::NoColumns));
}

#[test]
fn slices_and_dates() {
    let dates = batch(vec![
        (
            "d",
            DataType::DbDate,
            Arc::new(Date32Array::from(vec![Some(0), None, Some(19_782)])),
        ),
        (
            "t",
            TEXT,
            texts(&[Some("first"), Some("second text, longer"), None]),
        ),
    ]);
    let mut layout = delimited(65001);
    layout.columns.truncate(2);
    layout.columns[1].shape = ColumnShape::Delimited("\n".to_owned());
    assert_eq!(
        text(&layout, &dates.slice(1, 2)),
        ",second text, longer\n2024-02-29,\n"
    );
}
