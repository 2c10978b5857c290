//! The columns of a table, and what a field of the file becomes in each.
//!
//! The file has a field for every column of the table, in the table's order; those of identity columns (unless their values
//! are kept) and of columns that the database works out are read and left out. An empty field is NULL, which the database
//! turns into the column's default unless NULLs are kept. Texts longer than their column are errors, as they are for
//! BULK INSERT. Numbers and dates are read by the locale of the task, where BULK INSERT goes by the login's language.
//!
//! A database without types for dates and decimals (SQLite) has texts for them: there the declared type decides.

use arrow::datatypes::DataType as ArrowType;
use dtsx::{BulkInsert, DataType, SsisCode};
use fletching_components::database::{ColumnCast, natural_type};
use fletching_connections::database::TableColumn;

/// A column that is written.
#[derive(Debug)]
pub(super) struct Column {
    /// The place of its field in a row.
    pub(super) field: usize,
    pub(super) name: String,
    pub(super) declared: String,
    pub(super) cast: ColumnCast,
    /// Has no room for NULL.
    required: bool,
    /// Most letters of a text; for national types in UTF-16.
    width: Option<usize>,
    national: bool,
}

/// What a field must be: code and words.
pub(super) type Wrong = (SsisCode, &'static str);

/// `DTS_E_OLEDBDESTINATIONADAPTERSTATIC_CANTCONVERTVALUE`.
pub(super) const CANNOT_CONVERT: SsisCode = SsisCode(0xC020_9077);
/// `DTS_E_OLEDBDESTINATIONADAPTERSTATIC_TRUNCATED`.
const TRUNCATED: SsisCode = SsisCode(0xC020_9078);
/// `DTS_E_OLEDBDESTINATIONADAPTERSTATIC_INTEGRITYVIOLATION`.
const INTEGRITY: SsisCode = SsisCode(0xC020_907D);

/// The columns of a table that are written; or what is against one of them.
pub(super) fn columns(
    table: &[TableColumn],
    settings: &BulkInsert,
    locale_id: u32,
) -> Result<Vec<Column>, String> {
    let mut columns = Vec::new();
    for (field, column) in table.iter().enumerate() {
        if column.computed || column.identity && !settings.keep_identity {
            continue;
        }
        let (to, width) = wanted(column).ok_or_else(|| {
            format!(
                "column `{}` is of type {}, which a text cannot be turned into",
                column.name, column.declared
            )
        })?;
        let from = match to {
            DataType::NText => DataType::NText,
            _ => DataType::WStr { length: 4000 },
        };
        let cast = ColumnCast::new(from, to, locale_id)
            .map_err(|error| format!("column `{}` ({}): {error}", column.name, column.declared))?;
        let defaults = column.has_default && !settings.keep_nulls;
        columns.push(Column {
            field,
            name: column.name.clone(),
            declared: column.declared.clone(),
            cast,
            required: !column.nullable && !defaults,
            width,
            national: matches!(column.declared.as_bytes(), [b'n' | b'N', ..]),
        });
    }
    Ok(columns)
}

impl Column {
    /// The text of a field; `None` for NULL.
    pub(super) fn text<'a>(&self, field: &'a [u8]) -> Result<Option<&'a str>, Wrong> {
        if field.is_empty() {
            return match self.required {
                true => Err((INTEGRITY, "is empty, and the column takes no NULL")),
                false => Ok(None),
            };
        }
        let text = std::str::from_utf8(field)
            .map_err(|_| (CANNOT_CONVERT, "is no text in the file's code page"))?;
        if let Some(width) = self.width.filter(|width| *width < text.len()) {
            let length = match self.national {
                true => text.encode_utf16().count(),
                false => text.chars().count(),
            };
            if length > width {
                return Err((TRUNCATED, "is longer than the column"));
            }
        }
        Ok(Some(text))
    }
}

/// The type of a column's values, and the length of its texts.
fn wanted(column: &TableColumn) -> Option<(DataType, Option<usize>)> {
    let natural = match column.data_type {
        // Converted as SSIS converts texts to dates: in the forms of the locale, too.
        ArrowType::Timestamp(..) => DataType::DbTimeStamp,
        _ => natural_type(&column.data_type)?,
    };
    if natural != DataType::NText {
        return Some((natural, None));
    }
    let declared = column.declared.to_ascii_lowercase();
    let (word, arguments) = match declared.split_once('(') {
        Some((word, rest)) => (word.trim(), rest.trim_end_matches([')', ' '])),
        None => (declared.trim(), ""),
    };
    let mut numbers = arguments
        .split(',')
        .map(|one| one.trim().parse::<u8>().ok());
    let (first, second) = (numbers.next().flatten(), numbers.next().flatten());
    let data_type = match word {
        "date" => DataType::DbDate,
        "datetime" | "datetime2" | "smalldatetime" | "timestamp" => DataType::DbTimeStamp,
        "time" => DataType::DbTime2 { scale: 7 },
        "decimal" | "numeric" => DataType::Numeric {
            precision: first
                .filter(|digits| (1..=38).contains(digits))
                .unwrap_or(18),
            scale: second.unwrap_or(0),
        },
        "money" => DataType::Numeric {
            precision: 19,
            scale: 4,
        },
        "smallmoney" => DataType::Numeric {
            precision: 10,
            scale: 4,
        },
        _ => DataType::NText,
    };
    let has_length = data_type == DataType::NText && word.contains("char");
    let width = arguments.trim().parse().ok().filter(|_| has_length);
    Some((data_type, width))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(declared: &str, data_type: ArrowType) -> TableColumn {
        TableColumn {
            name: "c".to_owned(),
            declared: declared.to_owned(),
            data_type,
            nullable: true,
            identity: false,
            has_default: false,
            computed: false,
        }
    }

    #[test]
    fn types_of_columns() {
        let of = |declared: &str| wanted(&column(declared, ArrowType::Utf8View)).unwrap();
        let numeric = |precision, scale| (DataType::Numeric { precision, scale }, None);
        assert_eq!(of("nvarchar(50)"), (DataType::NText, Some(50)));
        assert_eq!(of("VARCHAR(max)"), (DataType::NText, None));
        assert_eq!(of("text"), (DataType::NText, None));
        assert_eq!(of("Decimal(10, 2)"), numeric(10, 2));
        assert_eq!(of("numeric"), numeric(18, 0));
        assert_eq!(of("money"), numeric(19, 4));
        assert_eq!(of("date"), (DataType::DbDate, None));
        assert_eq!(
            wanted(&column("int", ArrowType::Int32)),
            Some((DataType::I4, None))
        );
    }

    #[test]
    fn fields_that_do_not_fit() {
        let settings = BulkInsert::new(dtsx::Properties::default()).unwrap();
        let mut table = column("nvarchar(2)", ArrowType::Utf8View);
        table.nullable = false;
        let found = columns(&[table], &settings, 1033).unwrap();
        let text = |field: &'static str| match found[0].text(field.as_bytes()) {
            Ok(text) => Ok(text),
            Err((code, _)) => Err(code),
        };
        assert_eq!(text("öä"), Ok(Some("öä")));
        assert_eq!(text("öäü"), Err(TRUNCATED));
        assert_eq!(text("😀a"), Err(TRUNCATED));
        assert!(found[0].text(b"\xff").is_err());
        assert_eq!(text(""), Err(INTEGRITY));
    }
}
