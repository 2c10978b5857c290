//! The typed view of a Bulk Insert task (`BulkInsertTaskData`): which file goes into which table, and where it is cut.
//!
//! Formats 2 and 3 store every attribute, later ones only those that differ from the task's defaults, which stand in here.

use crate::{Properties, parse_bool};

/// What a Bulk Insert task does.
#[derive(Debug, Clone)]
pub struct BulkInsert {
    /// DTSID, refId or name of the file's connection manager.
    pub source: String,
    /// DTSID, refId or name of the database's connection manager.
    pub destination: String,
    /// The table as the package writes it.
    pub table: String,
    /// Ends every field but the last of a row.
    pub field_terminator: String,
    /// Ends a row.
    pub row_terminator: String,
    /// The first row that is loaded, from 1.
    pub first_row: u64,
    /// The last row that is loaded.
    pub last_row: Option<u64>,
    /// Rows of a transaction; `None` for all.
    pub batch_rows: Option<u64>,
    /// Rows that may be bad.
    pub maximum_errors: u64,
    /// Of a file of type [`BulkFileType::Char`].
    pub code_page: BulkCodePage,
    /// What the file holds.
    pub file_type: BulkFileType,
    /// A format file, where one is used.
    pub format_file: Option<String>,
    /// The order of the file's rows: `a ASC, b DESC`; empty if not said.
    pub sorted: String,
    /// Whether identity columns take the file's values.
    pub keep_identity: bool,
    /// Whether empty fields are NULL also where the column has a default.
    pub keep_nulls: bool,
    /// Whether constraints are looked at.
    pub check_constraints: bool,
    /// Whether the table is locked.
    pub table_lock: bool,
    /// Whether triggers are run.
    pub fire_triggers: bool,
    /// All attributes as text.
    pub properties: Properties,
}

/// The code page of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkCodePage {
    /// Bytes go to the server as they are.
    Raw,
    /// That of Windows.
    Ansi,
    /// That of the console.
    Oem,
    /// By number.
    Number(u32),
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkFileType {
    /// Text in a code page.
    Char,
    /// Values as SQL Server stores them.
    Native,
    /// UTF-16.
    WideChar,
    /// As `Native`, with texts in UTF-16.
    WideNative,
}

/// An attribute whose value is none that the task knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkInsertValue {
    /// Name of the attribute.
    pub name: &'static str,
    /// Its value.
    pub found: String,
    /// What is possible.
    pub wanted: &'static str,
}

impl BulkInsert {
    /// Reads the attributes; property expressions have set theirs before.
    ///
    /// # Errors
    /// The first attribute that makes no sense.
    pub fn new(properties: Properties) -> Result<Self, BulkInsertValue> {
        let text = |name: &str| properties.get(name).unwrap_or_default().to_owned();
        let flag = |name, default| flag(&properties, name, default);
        let count = |name, default| count(&properties, name, default);
        let some = |number: u64| Some(number).filter(|number| *number != 0);
        Ok(Self {
            source: text("SourceConnectionName"),
            destination: text("DestinationConnectionName"),
            table: text("DestinationTableName"),
            field_terminator: terminator(properties.get("FieldTerminator").unwrap_or("Tab")),
            row_terminator: match properties.get("RowTerminator") {
                // BULK INSERT takes it so.
                None | Some("\\n") => "\r\n".to_owned(),
                Some(found) => terminator(found),
            },
            first_row: count("FirstRow", 1)?.max(1),
            last_row: some(count("LastRow", 0)?),
            batch_rows: some(count("BatchSize", 0)?),
            maximum_errors: count("MaximumErrors", 0)?,
            code_page: code_page(&text("CodePage"))?,
            file_type: file_type(&text("DataFileType"))?,
            format_file: flag("UseFormatFile", false)?.then(|| text("FormatFile")),
            sorted: text("SortedData").trim().to_owned(),
            keep_identity: flag("KeepIdentity", false)?,
            keep_nulls: flag("KeepNulls", false)?,
            check_constraints: flag("CheckConstraints", true)?,
            table_lock: flag("TableLock", false)?,
            fire_triggers: flag("FireTriggers", false)?,
            properties,
        })
    }
}

fn flag(
    properties: &Properties,
    name: &'static str,
    default: bool,
) -> Result<bool, BulkInsertValue> {
    match properties.get(name) {
        None | Some("") => Ok(default),
        Some(found) => parse_bool(found).ok_or_else(|| BulkInsertValue {
            name,
            found: found.to_owned(),
            wanted: "True, False, -1, 1 or 0",
        }),
    }
}

fn count(
    properties: &Properties,
    name: &'static str,
    default: u64,
) -> Result<u64, BulkInsertValue> {
    match properties.get(name) {
        None | Some("") => Ok(default),
        Some(found) => found.trim().parse().map_err(|_| BulkInsertValue {
            name,
            found: found.to_owned(),
            wanted: "a number of rows",
        }),
    }
}

fn code_page(found: &str) -> Result<BulkCodePage, BulkInsertValue> {
    Ok(match found.trim().to_ascii_uppercase().as_str() {
        "" | "RAW" => BulkCodePage::Raw,
        "ACP" => BulkCodePage::Ansi,
        "OEM" => BulkCodePage::Oem,
        number => BulkCodePage::Number(number.parse().map_err(|_| BulkInsertValue {
            name: "CodePage",
            found: found.to_owned(),
            wanted: "RAW, ACP, OEM or a number",
        })?),
    })
}

fn file_type(found: &str) -> Result<BulkFileType, BulkInsertValue> {
    let found = found.trim();
    let bare = found.strip_prefix("DTSBulkInsert_DataFileType_");
    Ok(match bare.unwrap_or(found).to_ascii_lowercase().as_str() {
        "" | "char" | "0" => BulkFileType::Char,
        "native" | "1" => BulkFileType::Native,
        "widechar" | "2" => BulkFileType::WideChar,
        "widenative" | "3" => BulkFileType::WideNative,
        _ => {
            return Err(BulkInsertValue {
                name: "DataFileType",
                found: found.to_owned(),
                wanted: "Char, Native, WideChar or WideNative",
            });
        }
    })
}

/// `Comma {,}` -> `,`; `{CR}{LF}`, `\t` and `0x0A` too; anything else is itself.
fn terminator(text: &str) -> String {
    if text.eq_ignore_ascii_case("tab") {
        return "\t".to_owned();
    }
    let names = ["Comma", "Tab", "Semicolon", "Vertical Bar", "Colon"];
    let named = text.split_once(" {").and_then(|(name, rest)| {
        let known = names.iter().any(|one| one.eq_ignore_ascii_case(name));
        rest.strip_suffix('}').filter(|_| known)
    });
    match named {
        Some("t" | "T") => return "\t".to_owned(),
        Some(letter) => return letter.to_owned(),
        None => {}
    }
    if let Some(bytes) = text.strip_prefix("0x").and_then(hexadecimal) {
        return bytes;
    }
    let mut out = text.to_owned();
    for (written, meant) in [
        ("{CR}", "\r"),
        ("{LF}", "\n"),
        ("{t}", "\t"),
        ("\\r", "\r"),
        ("\\n", "\n"),
        ("\\t", "\t"),
        ("\\0", "\0"),
    ] {
        out = out.replace(written, meant);
    }
    out
}

/// `0D0A` -> CR LF.
fn hexadecimal(digits: &str) -> Option<String> {
    let digits: Option<Vec<u32>> = digits.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| !digits.is_empty() && digits.len() % 2 == 0)?;
    let pairs = digits.chunks_exact(2);
    pairs
        .map(|pair| char::from_u32(pair.iter().fold(0, |byte, digit| byte * 16 + digit)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Property;

    fn read(attributes: &[(&str, &str)]) -> Result<BulkInsert, BulkInsertValue> {
        let attributes = attributes.iter().map(|(name, value)| Property {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
            ..Property::default()
        });
        BulkInsert::new(Properties::new(attributes.collect()))
    }

    #[test]
    fn what_a_new_package_leaves_out_has_the_defaults_of_the_task() {
        let found = read(&[("SourceConnectionName", "{A}"), ("FirstRow", "2")]).unwrap();
        assert_eq!(found.source, "{A}");
        assert_eq!(found.field_terminator, "\t");
        assert_eq!(found.row_terminator, "\r\n");
        assert_eq!((found.first_row, found.last_row), (2, None));
        assert_eq!((found.batch_rows, found.maximum_errors), (None, 0));
        assert_eq!(found.code_page, BulkCodePage::Raw);
        assert_eq!(found.file_type, BulkFileType::Char);
        assert_eq!(found.format_file, None);
        assert!(found.check_constraints);
        assert!(!found.keep_identity && !found.keep_nulls && !found.table_lock);
    }

    #[test]
    fn what_an_old_package_stores() {
        let found = read(&[
            ("DataFileType", "DTSBulkInsert_DataFileType_WideChar"),
            ("LastRow", "9"),
            ("BatchSize", "500"),
            ("CodePage", "65001"),
            ("CheckConstraints", "False"),
            ("UseFormatFile", "True"),
            ("FormatFile", "x.fmt"),
        ])
        .unwrap();
        assert_eq!(found.file_type, BulkFileType::WideChar);
        assert_eq!((found.last_row, found.batch_rows), (Some(9), Some(500)));
        assert_eq!(found.code_page, BulkCodePage::Number(65001));
        assert!(!found.check_constraints);
        assert_eq!(found.format_file.as_deref(), Some("x.fmt"));
        assert_eq!(read(&[("CodePage", "latin")]).unwrap_err().name, "CodePage");
        assert_eq!(read(&[("FirstRow", "-1")]).unwrap_err().name, "FirstRow");
    }

    #[test]
    fn terminators_as_the_designer_names_them() {
        for (written, meant) in [
            ("Comma {,}", ","),
            ("Tab", "\t"),
            ("Tab {t}", "\t"),
            ("Semicolon {;}", ";"),
            ("Vertical Bar {|}", "|"),
            ("Colon {:}", ":"),
            ("{CR}{LF}", "\r\n"),
            ("{LF}", "\n"),
            ("{CR}", "\r"),
            (";\\r\\n", ";\r\n"),
            ("0x0D0A", "\r\n"),
            ("||", "||"),
            ("{", "{"),
            ("", ""),
        ] {
            assert_eq!(terminator(written), meant, "{written}");
        }
        assert_eq!(
            read(&[("RowTerminator", "\\n")]).unwrap().row_terminator,
            "\r\n"
        );
    }
}
