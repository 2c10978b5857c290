//! Rows as the spec files have them: `name:type` in the first line, then values; an empty value is NULL, `""` is empty.

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use dtsx::{DataType, SsisCode};
use fletching_expression::{format::ColumnText, types};

/// A type as spec files write it: `i4`, `str(10)`, `numeric(9,2)`; `str` is of code page 65001 where none is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeText {
    pub name: String,
    pub length: u32,
    pub precision: u32,
    pub scale: u32,
    pub code_page: u32,
}

impl TypeText {
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, arguments) = text.split_once('(').unwrap_or((text, ")"));
        let arguments = arguments
            .strip_suffix(')')
            .ok_or_else(|| format!("`{text}`: no `)`"))?;
        let numbers = arguments.split(',').filter(|one| !one.is_empty());
        let numbers: Result<Vec<u32>, _> = numbers.map(|one| one.trim().parse()).collect();
        let numbers = numbers.map_err(|error| format!("`{text}`: {error}"))?;
        let at = |place: usize, default| numbers.get(place).copied().unwrap_or(default);
        let mut found = Self {
            name: name.to_ascii_lowercase(),
            length: 0,
            precision: 0,
            scale: 0,
            code_page: 0,
        };
        match found.name.as_str() {
            "numeric" => (found.precision, found.scale) = (at(0, 18), at(1, 0)),
            "decimal" | "dbtime2" | "dbtimestamp2" | "dbtimestampoffset" => found.scale = at(0, 0),
            "str" => (found.length, found.code_page) = (at(0, 50), at(1, 65001)),
            "text" => found.code_page = at(0, 65001),
            _ => found.length = at(0, 0),
        }
        found
            .data_type()
            .map(|_| found)
            .ok_or_else(|| format!("`{text}` is no type"))
    }

    pub fn data_type(&self) -> Option<DataType> {
        DataType::from_xml(
            &self.name,
            self.length,
            self.precision,
            self.scale,
            self.code_page,
        )
    }

    /// The number by which a flat file column has this type.
    pub fn code(&self) -> u32 {
        let named = |code| {
            DataType::from_code(
                code,
                self.length,
                self.precision,
                self.scale,
                self.code_page,
            )
        };
        (0..400)
            .find(|code| named(*code) == self.data_type())
            .expect("every type has a code")
    }
}

/// One column of a header: `amount:numeric(9,2):1` is the first sort key, `:-1` the first, descending.
#[derive(Debug, Clone)]
pub struct HeaderColumn {
    pub name: String,
    pub type_text: String,
    pub sort_key: i32,
}

pub fn header(line: &str) -> Result<Vec<HeaderColumn>, String> {
    let mut depth = 0;
    let parts = line.split(|character: char| {
        depth += i32::from(character == '(') - i32::from(character == ')');
        character == ',' && depth == 0
    });
    parts
        .map(|part| {
            let mut pieces = part.split(':');
            let (name, type_text) = (pieces.next().unwrap_or_default(), pieces.next());
            let sort_key = pieces
                .next()
                .map_or(Ok(0), str::parse)
                .map_err(|error| format!("`{part}`: {error}"))?;
            Ok(HeaderColumn {
                name: name.trim().to_owned(),
                type_text: type_text
                    .ok_or_else(|| format!("`{part}` has no type: write name:type"))?
                    .to_owned(),
                sort_key,
            })
        })
        .collect()
}

/// The rows that an output delivered, in the form of the spec files.
pub fn print(schema: &SchemaRef, batches: &[RecordBatch]) -> String {
    let names: Vec<String> = schema
        .fields()
        .iter()
        .map(|field| {
            let kind = types::data_type(field)
                .map_or_else(|| field.data_type().to_string(), |kind| shown_type(&kind));
            format!("{}:{kind}", field.name())
        })
        .collect();
    let mut text = names.join(",") + "\n";
    for batch in batches {
        let columns: Vec<(&str, ColumnText<'_>)> = batch
            .columns()
            .iter()
            .zip(schema.fields())
            .map(|(column, field)| {
                let kind = types::data_type(field).expect("a pipeline column");
                (
                    field.name().as_str(),
                    ColumnText::new(column, &kind).unwrap(),
                )
            })
            .collect();
        for row in 0..batch.num_rows() {
            let values: Vec<String> = columns
                .iter()
                .zip(batch.columns())
                .map(|((name, values), column)| {
                    let mut bytes = Vec::new();
                    if column.is_null(row) {
                        return String::new();
                    }
                    values.append(row, &mut bytes);
                    shown_value(name, &String::from_utf8_lossy(&bytes))
                })
                .collect();
            text.push_str(&values.join(","));
            text.push('\n');
        }
    }
    text
}

fn shown_type(kind: &DataType) -> String {
    let base = kind.name().trim_start_matches("DT_").to_ascii_lowercase();
    match kind {
        DataType::Str {
            length,
            code_page: 65001,
        } => format!("str({length})"),
        DataType::Str { length, code_page } => format!("str({length},{code_page})"),
        DataType::WStr { length } => format!("wstr({length})"),
        DataType::Text { code_page: 65001 } => "text".to_owned(),
        DataType::Text { code_page } => format!("text({code_page})"),
        DataType::Bytes { length } => format!("bytes({length})"),
        DataType::Numeric { precision, scale } => format!("numeric({precision},{scale})"),
        DataType::Decimal { scale } => format!("decimal({scale})"),
        DataType::DbTime2 { scale }
        | DataType::DbTimeStamp2 { scale }
        | DataType::DbTimeStampOffset { scale } => {
            format!("{base}({scale})")
        }
        _ => base,
    }
}

/// Quoted where it must be; error codes by their symbol.
fn shown_value(column: &str, text: &str) -> String {
    if column == "ErrorCode"
        && let Ok(code) = text.parse::<i32>()
    {
        return SsisCode(code as u32).symbol().to_owned();
    }
    if text.is_empty() || text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}
