//! The columns that generated expressions are about: of every type, some twice so that they meet.

use dtsx::DataType;
use fletching_expression::{ColumnReference, Scalar, Scope};

pub(crate) const COLUMNS: &[(&str, DataType)] = &[
    ("i1", DataType::I1),
    ("i2", DataType::I2),
    ("i4", DataType::I4),
    ("j4", DataType::I4),
    ("i8", DataType::I8),
    ("u1", DataType::UI1),
    ("u2", DataType::UI2),
    ("u4", DataType::UI4),
    ("u8", DataType::UI8),
    ("r4", DataType::R4),
    ("r8", DataType::R8),
    ("cy", DataType::Cy),
    ("dec", DataType::Decimal { scale: 5 }),
    ("n0", numeric(5, 0)),
    ("n9", numeric(9, 9)),
    ("n18", numeric(18, 2)),
    ("m18", numeric(18, 4)),
    ("n38", numeric(38, 10)),
    ("flag", DataType::Bool),
    ("mark", DataType::Bool),
    ("name", DataType::WStr { length: 50 }),
    ("word", DataType::WStr { length: 12 }),
    ("memo", DataType::WStr { length: 4000 }),
    (
        "code",
        DataType::Str {
            length: 20,
            code_page: 1252,
        },
    ),
    ("text", DataType::Text { code_page: 1252 }),
    ("ntext", DataType::NText),
    ("bytes", DataType::Bytes { length: 16 }),
    ("image", DataType::Image),
    ("guid", DataType::Guid),
    ("date", DataType::Date),
    ("day", DataType::DbDate),
    ("birth", DataType::DbDate),
    ("time", DataType::DbTime),
    ("time2", DataType::DbTime2 { scale: 7 }),
    ("stamp", DataType::DbTimeStamp),
    ("stamp2", DataType::DbTimeStamp2 { scale: 6 }),
    ("stamp0", DataType::DbTimeStamp2 { scale: 0 }),
    ("zoned", DataType::DbTimeStampOffset { scale: 6 }),
    ("file", DataType::FileTime),
];

const fn numeric(precision: u8, scale: u8) -> DataType {
    DataType::Numeric { precision, scale }
}

/// [`COLUMNS`] as names, each by itself.
#[derive(Debug)]
pub(crate) struct Columns;

impl Scope for Columns {
    fn column(&self, reference: &ColumnReference) -> Option<(usize, DataType)> {
        let (ColumnReference::Name { name, .. } | ColumnReference::Lineage(name)) = reference;
        let index = COLUMNS.iter().position(|(known, _)| known == name)?;
        Some((index, COLUMNS[index].1))
    }

    fn variable(&self, _namespace: Option<&str>, name: &str) -> Option<Scalar> {
        match name {
            "Count" => Some(Scalar::from(3)),
            "Name" => Some(Scalar::from("Zoë")),
            "Nothing" => Some(Scalar::null(DataType::I4)),
            _ => None,
        }
    }

    fn column_names(&self) -> Vec<String> {
        COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    fn variable_names(&self) -> Vec<String> {
        Vec::new()
    }
}
