//! Rows of a statement as batches.
//!
//! A column has one type for the whole query: what the caller wants of it, where it says so ([`ReadOptions::wanted`]), or
//! what the column's declaration says, or, for an expression, what its first value is.
//!
//! | declared, or wanted | read as |
//! |---|---|
//! | contains `INT`; integers | `Int64` |
//! | `BIT`, `BOOL...`; boolean | `Boolean` |
//! | `REAL`, `FLOAT`, `DOUBLE`; floats | `Float64` |
//! | `BLOB`, `...BINARY`, `IMAGE`, `ROWVERSION`; binary | `BinaryView` |
//! | `UNIQUEIDENTIFIER`, `UUID`; 16 bytes | `FixedSizeBinary(16)` |
//! | all others: text, dates, decimals | `Utf8View` |
//!
//! A value of another kind is converted where nothing is lost (5 in a text column is `5`); what is not is an error that
//! names column and row.

use std::{ops::ControlFlow, sync::Arc};

use arrow::{
    array::{
        ArrayRef, BinaryViewBuilder, BooleanBuilder, FixedSizeBinaryBuilder, Float64Builder,
        Int64Builder, RecordBatch, StringViewBuilder,
    },
    datatypes::{DataType, Field, Schema, SchemaRef},
    error::ArrowError,
};
use rusqlite::{Row, Statement, types::ValueRef};
use uuid::Uuid;

use super::failure::Refusal;
use crate::database::{ReadOptions, RowSink};

/// The type of a column by its declaration.
pub(in crate::database) fn natural_type(declared: &str) -> DataType {
    let declared = declared.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
    if has(&["point"]) {
        DataType::Utf8View
    } else if has(&["int"]) {
        DataType::Int64
    } else if has(&["bool"]) || declared == "bit" {
        DataType::Boolean
    } else if has(&["real", "floa", "doub"]) {
        DataType::Float64
    } else if has(&["blob", "binary", "image", "rowversion"]) {
        DataType::BinaryView
    } else if has(&["uniqueidentifier", "uuid", "guid"]) {
        DataType::FixedSizeBinary(16)
    } else {
        DataType::Utf8View
    }
}

/// How a column that somebody wants as `wanted` is read.
fn read_as(wanted: &DataType) -> DataType {
    match wanted {
        DataType::Boolean | DataType::BinaryView => wanted.clone(),
        DataType::FixedSizeBinary(16) => wanted.clone(),
        DataType::Float32 | DataType::Float64 => DataType::Float64,
        wanted if wanted.is_integer() => DataType::Int64,
        _ => DataType::Utf8View,
    }
}

/// Steps through a statement whose parameters are bound.
pub(super) fn read(
    statement: &mut Statement<'_>,
    options: &ReadOptions,
    sink: &mut dyn RowSink,
) -> Result<(), Refusal> {
    let columns: Vec<(String, Option<DataType>)> = statement
        .columns()
        .iter()
        .map(|column| {
            (
                column.name().to_owned(),
                column.decl_type().map(natural_type),
            )
        })
        .collect();
    let types: Vec<Option<DataType>> = (columns.iter().enumerate())
        .map(|(at, (name, declared))| {
            let wanted = options.wanted_type(at, name).map(read_as);
            wanted.or_else(|| declared.clone())
        })
        .collect();
    let mut rows = statement.raw_query();
    let mut row = rows.next()?;
    let fields = columns
        .iter()
        .zip(types)
        .enumerate()
        .map(|(at, ((name, _), found))| {
            let of_value = || row.and_then(|row| row.get_ref(at).ok()).map(type_of_value);
            let data_type = found.or_else(of_value).unwrap_or(DataType::Utf8View);
            Field::new(name, data_type, true)
        });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    if sink.start(&schema).is_break() {
        return Ok(());
    }
    let batch_rows = options.batch_rows.max(1);
    let mut building = Building::new(&schema, batch_rows);
    let mut number = 0_u64;
    while let Some(cells) = row {
        number += 1;
        building.add(cells, number)?;
        if building.rows == batch_rows && building.hand(sink)?.is_break() {
            return Ok(());
        }
        row = rows.next()?;
    }
    if building.rows > 0 {
        // Nothing follows.
        let _last: ControlFlow<()> = building.hand(sink)?;
    }
    Ok(())
}

fn type_of_value(value: ValueRef<'_>) -> DataType {
    match value {
        ValueRef::Integer(_) => DataType::Int64,
        ValueRef::Real(_) => DataType::Float64,
        ValueRef::Blob(_) => DataType::BinaryView,
        ValueRef::Text(_) | ValueRef::Null => DataType::Utf8View,
    }
}

/// A batch on its way.
struct Building {
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: usize,
}

impl Building {
    fn new(schema: &SchemaRef, rows: usize) -> Self {
        let columns = schema.fields().iter();
        Self {
            schema: Arc::clone(schema),
            columns: columns
                .map(|field| Column::new(field.data_type(), rows))
                .collect(),
            rows: 0,
        }
    }

    fn add(&mut self, cells: &Row<'_>, number: u64) -> Result<(), Refusal> {
        for (at, column) in self.columns.iter_mut().enumerate() {
            let value = cells.get_ref(at)?;
            if !column.append(value) {
                let field = self.schema.field(at);
                return Err(Refusal::Value(format!(
                    "row {number}, column `{}`: {} is no {}",
                    field.name(),
                    shown(value),
                    called(field.data_type())
                )));
            }
        }
        self.rows += 1;
        Ok(())
    }

    fn hand(&mut self, sink: &mut dyn RowSink) -> Result<ControlFlow<()>, Refusal> {
        self.rows = 0;
        let arrays = self.columns.iter_mut().map(Column::finish).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays)
            .map_err(|error: ArrowError| Refusal::Value(error.to_string()))?;
        Ok(sink.batch(batch))
    }
}

enum Column {
    Integer(Int64Builder),
    Boolean(BooleanBuilder),
    Real(Float64Builder),
    Text(StringViewBuilder),
    Binary(BinaryViewBuilder),
    Guid(FixedSizeBinaryBuilder),
}

impl Column {
    fn new(data_type: &DataType, rows: usize) -> Self {
        match data_type {
            DataType::Int64 => Self::Integer(Int64Builder::with_capacity(rows)),
            DataType::Boolean => Self::Boolean(BooleanBuilder::with_capacity(rows)),
            DataType::Float64 => Self::Real(Float64Builder::with_capacity(rows)),
            DataType::BinaryView => Self::Binary(BinaryViewBuilder::with_capacity(rows)),
            DataType::FixedSizeBinary(_) => {
                Self::Guid(FixedSizeBinaryBuilder::with_capacity(rows, 16))
            }
            _ => Self::Text(StringViewBuilder::with_capacity(rows)),
        }
    }

    /// False if the value is of another kind and would lose something.
    fn append(&mut self, value: ValueRef<'_>) -> bool {
        match self {
            Self::Integer(builder) => {
                let number = integer(value);
                builder.append_option(number);
                number.is_some() || value == ValueRef::Null
            }
            Self::Boolean(builder) => {
                let number = integer(value).or_else(|| truth(value));
                builder.append_option(number.map(|number| number != 0));
                number.is_some() || value == ValueRef::Null
            }
            Self::Real(builder) => {
                let number = match value {
                    ValueRef::Real(number) => Some(number),
                    ValueRef::Integer(number) => Some(number as f64),
                    ValueRef::Text(text) => parsed(text),
                    _ => None,
                };
                builder.append_option(number);
                number.is_some() || value == ValueRef::Null
            }
            Self::Text(builder) => append_text(builder, value),
            Self::Binary(builder) => match value {
                ValueRef::Null => {
                    builder.append_null();
                    true
                }
                ValueRef::Blob(bytes) | ValueRef::Text(bytes) => {
                    builder.append_value(bytes);
                    true
                }
                _ => false,
            },
            Self::Guid(builder) => {
                let guid = match value {
                    ValueRef::Text(text) => Uuid::try_parse_ascii(text).ok(),
                    ValueRef::Blob(bytes) => Uuid::from_slice(bytes).ok(),
                    _ => None,
                };
                match guid {
                    Some(guid) => builder.append_value(guid.as_bytes()).is_ok(),
                    None => {
                        builder.append_null();
                        value == ValueRef::Null
                    }
                }
            }
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Real(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Binary(builder) => Arc::new(builder.finish()),
            Self::Guid(builder) => Arc::new(builder.finish()),
        }
    }
}

fn append_text(builder: &mut StringViewBuilder, value: ValueRef<'_>) -> bool {
    match value {
        ValueRef::Null => builder.append_null(),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => builder.append_value(text),
            Err(_) => return false,
        },
        ValueRef::Integer(number) => builder.append_value(number.to_string()),
        ValueRef::Real(number) => builder.append_value(number.to_string()),
        ValueRef::Blob(_) => return false,
    }
    true
}

fn integer(value: ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::Integer(number) => Some(number),
        // Whole, and exact.
        ValueRef::Real(number) if number.trunc() == number && number.abs() <= 9e15 => {
            Some(number as i64)
        }
        ValueRef::Text(text) => parsed(text),
        _ => None,
    }
}

fn truth(value: ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::Text(text) if text.eq_ignore_ascii_case(b"true") => Some(1),
        ValueRef::Text(text) if text.eq_ignore_ascii_case(b"false") => Some(0),
        _ => None,
    }
}

fn parsed<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

fn called(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Int64 => "integer",
        DataType::Boolean => "boolean",
        DataType::Float64 => "number",
        DataType::BinaryView => "binary value",
        DataType::FixedSizeBinary(_) => "GUID",
        _ => "text",
    }
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => format!("`{number}`"),
        ValueRef::Real(number) => format!("`{number}`"),
        ValueRef::Text(text) => {
            let text = String::from_utf8_lossy(text);
            format!("the text `{}`", text.chars().take(80).collect::<String>())
        }
        ValueRef::Blob(bytes) => format!("a value of {} bytes", bytes.len()),
    }
}
