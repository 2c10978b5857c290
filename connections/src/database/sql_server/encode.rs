//! Values of a column as `INSERT BULK` carries them.
//!
//! An array is turned into the column's own type first, whole; values that do not fit are found then, or when their bytes are
//! made. So nothing is sent of a batch that the server could not read.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Decimal128Array},
    compute::cast,
    datatypes::{
        DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type,
        Int64Type, Time64NanosecondType, TimestampMicrosecondType, UInt8Type,
    },
};
use mssql_tds::{
    datatypes::{
        bulk_copy_metadata::{BulkCopyColumnMetadata, SqlDbType},
        sql_string::EncodingType,
    },
    token::tokens::SqlCollation,
};
use uuid::Uuid;

use super::{
    column_types::natural_type,
    parameters::{days, normal, offset_parts},
    read::{DAYS_1900_TO_EPOCH, MICROS_PER_DAY},
    text,
};

/// NULL of a value whose length is two bytes, and of one that comes in chunks.
const NULL_LONG: [u8; 2] = [0xFF; 2];
const NULL_CHUNKS: [u8; 8] = [0xFF; 8];
/// A value in chunks whose length is not said before.
const UNKNOWN_LENGTH: u64 = 0xFFFF_FFFF_FFFF_FFFE;
/// A text pointer and a timestamp that mean nothing, before a value of the old large types.
const LARGE_HEADER: [u8; 25] = {
    let mut header = [0xFF; 25];
    header[0] = 16;
    header
};
/// Days from 1900-01-01 to 1753-01-01, 10000-01-01 and 2079-06-07.
const DATETIME_DAYS: std::ops::Range<i64> = -53_690..2_958_464;
const SMALLDATETIME_DAYS: std::ops::Range<i64> = 0..65_536;
const TICKS_PER_DAY: i64 = 24 * 60 * 60 * 300;

/// A column on its way to the server.
pub(super) struct Encoder {
    name: String,
    sql_type: SqlDbType,
    /// As the array came, for NULLs and for what did not fit.
    source: ArrayRef,
    values: ArrayRef,
    /// Bytes, unless the value comes in chunks.
    length: usize,
    chunks: bool,
    precision: u8,
    scale: u8,
    code_page: EncodingType,
}

impl Encoder {
    /// # Errors
    /// The column and the types that do not go together.
    pub(super) fn new(
        column: &BulkCopyColumnMetadata,
        array: &ArrayRef,
        collation: SqlCollation,
    ) -> Result<Self, String> {
        let name = &column.column_name;
        let wanted = natural_type(column)
            .map_err(|kind| format!("column `{name}` is of type {kind}, which is not written"))?;
        let cannot = |error: String| {
            format!(
                "values of type {} cannot be written to column `{name}` of type {}: {error}",
                array.data_type(),
                super::column_types::declared(column)
            )
        };
        let source = normal(array).map_err(cannot)?;
        let values = converted(&source, &wanted).map_err(cannot)?;
        Ok(Self {
            name: name.clone(),
            sql_type: column.sql_type,
            source,
            values,
            length: usize::try_from(column.length).unwrap_or_default(),
            chunks: column.is_plp() || matches!(column.sql_type, SqlDbType::Xml | SqlDbType::Json),
            precision: column.precision,
            scale: column.scale,
            code_page: EncodingType::LcidBased(column.collation.unwrap_or(collation)),
        })
    }

    /// Appends the value of a row.
    ///
    /// # Errors
    /// Why the value cannot be in the column.
    pub(super) fn push(&self, row: usize, out: &mut Vec<u8>) -> Result<(), String> {
        if self.source.is_null(row) {
            out.extend_from_slice(self.null());
            return Ok(());
        }
        let pushed = match self.values.is_null(row) {
            true => Err("the value does not fit".to_owned()),
            false => self.value(row, out),
        };
        pushed.map_err(|reason| format!("column `{}`: {reason}", self.name))
    }

    fn null(&self) -> &'static [u8] {
        match self.sql_type {
            SqlDbType::Char
            | SqlDbType::VarChar
            | SqlDbType::NChar
            | SqlDbType::NVarChar
            | SqlDbType::Binary
            | SqlDbType::VarBinary
            | SqlDbType::Udt
            | SqlDbType::Xml
            | SqlDbType::Json => match self.chunks {
                true => &NULL_CHUNKS,
                false => &NULL_LONG,
            },
            _ => &[0],
        }
    }

    fn value(&self, row: usize, out: &mut Vec<u8>) -> Result<(), String> {
        let values = &self.values;
        macro_rules! sized {
            ($kind:ty) => {{
                let bytes = values.as_primitive::<$kind>().value(row).to_le_bytes();
                sized(&bytes, out)
            }};
        }
        match self.sql_type {
            SqlDbType::TinyInt => sized!(UInt8Type),
            SqlDbType::SmallInt => sized!(Int16Type),
            SqlDbType::Int => sized!(Int32Type),
            SqlDbType::BigInt => sized!(Int64Type),
            SqlDbType::Real => sized!(Float32Type),
            SqlDbType::Float => sized!(Float64Type),
            SqlDbType::Bit => sized(&[u8::from(values.as_boolean().value(row))], out),
            SqlDbType::Decimal | SqlDbType::Numeric => self.decimal(row, out),
            SqlDbType::Money | SqlDbType::SmallMoney => self.money(row, out),
            SqlDbType::UniqueIdentifier => {
                let bytes = values.as_fixed_size_binary().value(row);
                let guid = Uuid::from_slice(bytes).map_err(|error| error.to_string())?;
                sized(&guid.to_bytes_le(), out)
            }
            SqlDbType::Date => {
                let since_1970 = values.as_primitive::<Date32Type>().value(row);
                let [a, b, c, _] = days(i64::from(since_1970))?.to_le_bytes();
                sized(&[a, b, c], out)
            }
            SqlDbType::Time => {
                let nanos = values.as_primitive::<Time64NanosecondType>().value(row);
                let (carry, units) = self.units(nanos);
                match carry {
                    0 => sized(self.time(units).as_slice(), out),
                    _ => Err("a time rounds to 24 hours".to_owned()),
                }
            }
            SqlDbType::DateTime | SqlDbType::SmallDateTime | SqlDbType::DateTime2 => {
                let micros = values.as_primitive::<TimestampMicrosecondType>().value(row);
                self.moment(micros, out)
            }
            SqlDbType::DateTimeOffset => {
                let (micros, offset) =
                    offset_parts(values, row).ok_or("it is no time with an offset")?;
                let mut bytes = self.datetime2(micros)?;
                bytes.extend_from_slice(&offset.to_le_bytes());
                sized(&bytes, out)
            }
            SqlDbType::Binary | SqlDbType::VarBinary | SqlDbType::Image | SqlDbType::Udt => {
                let bytes = values.as_binary_view().value(row);
                self.framed(bytes.len(), |out| out.extend_from_slice(bytes), out)
            }
            _ => self.text(values.as_string_view().value(row), out),
        }
    }

    fn decimal(&self, row: usize, out: &mut Vec<u8>) -> Result<(), String> {
        let value = self.values.as_primitive::<Decimal128Type>().value(row);
        let size = match self.precision {
            ..=9 => 4,
            10..=19 => 8,
            20..=28 => 12,
            _ => 16,
        };
        let magnitude = value.unsigned_abs().to_le_bytes();
        out.push(size + 1);
        out.push(u8::from(value >= 0));
        out.extend(magnitude.iter().take(usize::from(size)));
        Ok(())
    }

    fn money(&self, row: usize, out: &mut Vec<u8>) -> Result<(), String> {
        let value = self.values.as_primitive::<Decimal128Type>().value(row);
        let outside = |_| "the amount does not fit".to_owned();
        if self.sql_type == SqlDbType::SmallMoney {
            let value = i32::try_from(value).map_err(outside)?;
            return sized(&value.to_le_bytes(), out);
        }
        let value = i64::try_from(value).map_err(outside)?;
        let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
        // The upper half first, each half for itself from its lowest byte.
        sized(&[e, f, g, h, a, b, c, d], out)
    }

    /// Nanoseconds of a day in the column's units, rounded; and whether that is the next day.
    fn units(&self, nanos: i64) -> (i64, i64) {
        let unit = 10_i64.pow(9 - u32::from(self.scale.min(7)));
        let units = (nanos + unit / 2) / unit;
        let per_day = 86_400 * 10_i64.pow(u32::from(self.scale.min(7)));
        (units / per_day, units % per_day)
    }

    fn time(&self, units: i64) -> Vec<u8> {
        let size = match self.scale {
            ..=2 => 3,
            3 | 4 => 4,
            _ => 5,
        };
        units.to_le_bytes().into_iter().take(size).collect()
    }

    fn datetime2(&self, micros: i64) -> Result<Vec<u8>, String> {
        let (carry, units) = self.units(micros.rem_euclid(MICROS_PER_DAY) * 1000);
        let mut bytes = self.time(units);
        let [a, b, c, _] = days(micros.div_euclid(MICROS_PER_DAY) + carry)?.to_le_bytes();
        bytes.extend_from_slice(&[a, b, c]);
        Ok(bytes)
    }

    fn moment(&self, micros: i64, out: &mut Vec<u8>) -> Result<(), String> {
        let days_1900 = micros.div_euclid(MICROS_PER_DAY) + DAYS_1900_TO_EPOCH;
        let within = micros.rem_euclid(MICROS_PER_DAY);
        match self.sql_type {
            SqlDbType::DateTime => {
                let ticks = (within * 300 + 500_000) / 1_000_000;
                let day = days_1900 + ticks / TICKS_PER_DAY;
                if !DATETIME_DAYS.contains(&day) {
                    return Err("a date is not between the years 1753 and 9999".to_owned());
                }
                let mut bytes = [0; 8];
                let (left, right) = bytes.split_at_mut(4);
                left.copy_from_slice(&low::<4>(day));
                right.copy_from_slice(&low::<4>(ticks % TICKS_PER_DAY));
                sized(&bytes, out)
            }
            SqlDbType::SmallDateTime => {
                // Half a minute belongs to the next one from 29.999 s on.
                let minutes = (within + 30_001_000) / 60_000_000;
                let day = days_1900 + minutes / 1440;
                if !SMALLDATETIME_DAYS.contains(&day) {
                    return Err("a date is not between 1900-01-01 and 2079-06-06".to_owned());
                }
                let ([a, b], [c, d]) = (low::<2>(day), low::<2>(minutes % 1440));
                sized(&[a, b, c, d], out)
            }
            _ => sized(&self.datetime2(micros)?, out),
        }
    }

    fn text(&self, value: &str, out: &mut Vec<u8>) -> Result<(), String> {
        match self.sql_type {
            SqlDbType::Char | SqlDbType::VarChar | SqlDbType::Text => {
                let bytes = text::to_narrow(value, self.code_page)
                    .ok_or("the code page of its collation is not known")?;
                self.framed(bytes.len(), |out| out.extend_from_slice(&bytes), out)
            }
            _ => {
                let length = 2 * text::utf16_len(value);
                self.framed(length, |out| text::push_utf16(value, out), out)
            }
        }
    }

    /// A value of changing length, with what stands before and after it.
    fn framed(
        &self,
        length: usize,
        push: impl FnOnce(&mut Vec<u8>),
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let too_long =
            |most: usize| format!("the value is too long: {length} bytes, the column takes {most}");
        let long = u32::try_from(length).map_err(|_| too_long(i32::MAX as usize))?;
        if matches!(
            self.sql_type,
            SqlDbType::Text | SqlDbType::NText | SqlDbType::Image
        ) {
            out.extend_from_slice(&LARGE_HEADER);
            out.extend_from_slice(&long.to_le_bytes());
            push(out);
            return Ok(());
        }
        if self.chunks {
            out.extend_from_slice(&UNKNOWN_LENGTH.to_le_bytes());
            if length > 0 {
                out.extend_from_slice(&long.to_le_bytes());
                push(out);
            }
            out.extend_from_slice(&[0; 4]);
            return Ok(());
        }
        let short = u16::try_from(length).ok();
        let short = short.filter(|short| usize::from(*short) <= self.length);
        out.extend_from_slice(&short.ok_or_else(|| too_long(self.length))?.to_le_bytes());
        push(out);
        Ok(())
    }
}

/// A value whose length is one byte.
fn sized(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    out.push(u8::try_from(bytes.len()).unwrap_or_default());
    out.extend_from_slice(bytes);
    Ok(())
}

/// The lowest bytes of a number.
fn low<const N: usize>(number: i64) -> [u8; N] {
    let mut bytes = [0; N];
    for (to, from) in bytes.iter_mut().zip(number.to_le_bytes()) {
        *to = from;
    }
    bytes
}

/// An array in the type of its column; a value that does not fit is NULL afterwards.
fn converted(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, String> {
    let rounded = match (array.data_type(), wanted.is_integer()) {
        (DataType::Float32, true) => Arc::new(
            array
                .as_primitive::<Float32Type>()
                .unary::<_, Float32Type>(f32::round_ties_even),
        ) as ArrayRef,
        (DataType::Float64, true) => Arc::new(
            array
                .as_primitive::<Float64Type>()
                .unary::<_, Float64Type>(f64::round_ties_even),
        ),
        (DataType::Decimal128(_, scale @ 1..), true) => {
            let scale = *scale;
            let whole: Decimal128Array = array
                .as_primitive::<Decimal128Type>()
                .unary(|value| whole(value, scale));
            let whole = whole.with_precision_and_scale(38, 0);
            Arc::new(whole.map_err(|error| error.to_string())?)
        }
        (DataType::Utf8View, false) if *wanted == DataType::FixedSizeBinary(16) => guids(array)?,
        _ => Arc::clone(array),
    };
    match (rounded.data_type(), wanted) {
        (same, wanted) if same == wanted => Ok(rounded),
        (DataType::Struct(_), DataType::Struct(_)) => Ok(rounded),
        _ => cast(&rounded, wanted).map_err(|error| error.to_string()),
    }
}

/// A decimal to the nearest whole number, halves to the even one.
fn whole(value: i128, scale: i8) -> i128 {
    let unit = 10_i128.pow(u32::from(scale.unsigned_abs()).min(38));
    let (down, rest) = (value.div_euclid(unit), value.rem_euclid(unit));
    match (rest * 2).cmp(&unit) {
        std::cmp::Ordering::Less => down,
        std::cmp::Ordering::Equal => down + down.rem_euclid(2),
        std::cmp::Ordering::Greater => down + 1,
    }
}

/// Texts as GUIDs, with or without braces.
fn guids(texts: &ArrayRef) -> Result<ArrayRef, String> {
    let guids = texts.as_string_view().iter().map(|text| {
        let guid = text.and_then(|text| Uuid::try_parse(text.trim()).ok());
        guid.map(|guid| *guid.as_bytes())
    });
    arrow::array::FixedSizeBinaryArray::try_from_sparse_iter_with_size(guids, 16)
        .map(|guids| Arc::new(guids) as ArrayRef)
        .map_err(|error| error.to_string())
}
