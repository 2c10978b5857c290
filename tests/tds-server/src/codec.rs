//! Values on the wire: encoded for a result, decoded from a parameter or a bulk row.

use rusqlite::types::Value;

use crate::convert::{self, Fit, convert};
use crate::decimal::Decimal;
use crate::error::SqlError;
use crate::moment::{DAYS_TO_1900, Moment, TICKS_PER_SECOND};
use crate::sql_type::{Layout, SqlType, WireType, decimal_size};
use crate::wire::{Read, Reader, Short, put_u16, put_u32, put_u64, utf16_bytes, utf16_text};

/// Appends a value in a type's form; what the type cannot hold is an error and appends nothing.
pub(crate) fn put_value(out: &mut Vec<u8>, value: Value, ty: SqlType) -> Result<(), SqlError> {
    let value = convert(value, ty, Fit::Store)?;
    if value == Value::Null {
        put_null(out, ty);
        return Ok(());
    }
    match (&value, ty) {
        (Value::Integer(number), _) => {
            let size = match ty {
                SqlType::Bit | SqlType::TinyInt => 1,
                SqlType::SmallInt => 2,
                SqlType::Int => 4,
                _ => 8,
            };
            put_short(out, number.to_le_bytes().get(..size).unwrap_or_default());
        }
        (Value::Real(number), SqlType::Real) => put_short(out, &(*number as f32).to_le_bytes()),
        (Value::Real(number), SqlType::Float) => put_short(out, &number.to_le_bytes()),
        (_, SqlType::Decimal(..) | SqlType::Money | SqlType::SmallMoney) => {
            put_decimal(out, convert::decimal(&value, ty)?, ty)
        }
        (Value::Text(text), SqlType::Guid) => {
            put_short(out, &convert::guid_bytes(text).unwrap_or_default())
        }
        (Value::Text(_), _) if ty.is_moment() => put_moment(out, convert::moment(&value, ty)?, ty),
        (Value::Text(text), SqlType::Char(_) | SqlType::VarChar(_) | SqlType::Text) => {
            put_bytes(
                out,
                &encoding_rs::WINDOWS_1252
                    .encode(&replace_unmappable(text))
                    .0,
                ty,
            );
        }
        (Value::Text(text), _) => put_bytes(out, &utf16_bytes(text), ty),
        (Value::Blob(bytes), _) => put_bytes(out, bytes, ty),
        _ => return Err(SqlError::unsupported(format_args!("this value as {ty}"))),
    }
    Ok(())
}

/// encoding_rs writes what a code page lacks as `&#1234;`; SQL Server writes a question mark.
fn replace_unmappable(text: &str) -> String {
    text.chars()
        .map(|character| {
            let mut buffer = [0; 4];
            let lacks = !character.is_ascii()
                && encoding_rs::WINDOWS_1252
                    .encode(character.encode_utf8(&mut buffer))
                    .2;
            if lacks { '?' } else { character }
        })
        .collect()
}

fn put_null(out: &mut Vec<u8>, ty: SqlType) {
    match ty {
        _ if ty.is_parts() => put_u64(out, u64::MAX),
        SqlType::Char(_) | SqlType::VarChar(_) | SqlType::NChar(_) | SqlType::NVarChar(_) => {
            put_u16(out, u16::MAX)
        }
        SqlType::Binary(_) | SqlType::VarBinary(_) => put_u16(out, u16::MAX),
        _ => out.push(0),
    }
}

fn put_short(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(u8::try_from(bytes.len()).unwrap_or_default());
    out.extend_from_slice(bytes);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8], ty: SqlType) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    match ty {
        _ if ty.is_parts() => {
            put_u64(out, u64::from(length));
            if length > 0 {
                put_u32(out, length);
                out.extend_from_slice(bytes);
            }
            put_u32(out, 0);
        }
        SqlType::Text | SqlType::NText | SqlType::Image => {
            out.push(16);
            out.extend_from_slice(&[0xFF; 24]);
            put_u32(out, length);
            out.extend_from_slice(bytes);
        }
        _ => {
            put_u16(out, u16::try_from(length).unwrap_or(u16::MAX - 1));
            out.extend_from_slice(bytes);
        }
    }
}

fn put_decimal(out: &mut Vec<u8>, decimal: Decimal, ty: SqlType) {
    match ty {
        SqlType::Decimal(precision, _) => {
            let size = usize::from(decimal_size(precision));
            out.push(decimal_size(precision));
            out.push(u8::from(decimal.unscaled >= 0));
            let bytes = decimal.unscaled.unsigned_abs().to_le_bytes();
            out.extend_from_slice(bytes.get(..size - 1).unwrap_or_default());
        }
        SqlType::SmallMoney => put_short(
            out,
            &i32::try_from(decimal.unscaled)
                .unwrap_or_default()
                .to_le_bytes(),
        ),
        _ => {
            let units = i64::try_from(decimal.unscaled)
                .unwrap_or_default()
                .to_le_bytes();
            out.push(8);
            out.extend_from_slice(units.get(4..).unwrap_or_default());
            out.extend_from_slice(units.get(..4).unwrap_or_default());
        }
    }
}

fn put_moment(out: &mut Vec<u8>, moment: Moment, ty: SqlType) {
    let moment = moment.rounded(ty);
    let days = |moment: Moment| u32::try_from(moment.days).unwrap_or_default().to_le_bytes();
    let mut body = Vec::with_capacity(10);
    match ty {
        SqlType::Date => body.extend_from_slice(days(moment).get(..3).unwrap_or_default()),
        SqlType::SmallDateTime => {
            put_u16(
                &mut body,
                u16::try_from(moment.days - DAYS_TO_1900).unwrap_or_default(),
            );
            put_u16(
                &mut body,
                u16::try_from(moment.ticks / TICKS_PER_SECOND / 60).unwrap_or_default(),
            );
        }
        SqlType::DateTime => {
            let days = i32::try_from(moment.days - DAYS_TO_1900).unwrap_or_default();
            body.extend_from_slice(&days.to_le_bytes());
            put_u32(
                &mut body,
                u32::try_from((moment.ticks * 3 + 50_000) / 100_000).unwrap_or_default(),
            );
        }
        SqlType::Time(scale) => put_ticks(&mut body, moment.ticks, scale),
        SqlType::DateTime2(scale) => {
            put_ticks(&mut body, moment.ticks, scale);
            body.extend_from_slice(days(moment).get(..3).unwrap_or_default());
        }
        SqlType::DateTimeOffset(scale) => {
            let offset = moment.offset.unwrap_or_default();
            let utc = Moment::from_ticks(moment.total() - offset * 60 * TICKS_PER_SECOND, None);
            put_ticks(&mut body, utc.ticks, scale);
            body.extend_from_slice(days(utc).get(..3).unwrap_or_default());
            body.extend_from_slice(&i16::try_from(offset).unwrap_or_default().to_le_bytes());
        }
        _ => {}
    }
    put_short(out, &body);
}

fn put_ticks(out: &mut Vec<u8>, ticks: i64, scale: u8) {
    let units = ticks / 10_i64.pow(7 - u32::from(scale.min(7)));
    out.extend_from_slice(
        units
            .to_le_bytes()
            .get(..ticks_size(scale))
            .unwrap_or_default(),
    );
}

fn ticks_size(scale: u8) -> usize {
    match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    }
}

impl WireType {
    /// Reads one value into the form it is kept in.
    pub(crate) fn read_value(self, reader: &mut Reader<'_>) -> Read<Value> {
        let size = match self.layout {
            Layout::Fixed(0) => return Ok(Value::Null),
            Layout::Fixed(size) => usize::from(size),
            Layout::Byte => match reader.u8()? {
                0 => return Ok(Value::Null),
                size => usize::from(size),
            },
            Layout::Word => match reader.u16()? {
                u16::MAX => return Ok(Value::Null),
                size => usize::from(size),
            },
            Layout::Pointer => {
                let pointer = reader.u8()?;
                if pointer == 0 {
                    return Ok(Value::Null);
                }
                reader.take(usize::from(pointer) + 8)?;
                reader.u32()? as usize
            }
            Layout::Long => match reader.u32()? {
                u32::MAX => return Ok(Value::Null),
                size => size as usize,
            },
            Layout::Parts => return self.read_parts(reader),
        };
        self.decode(reader.take(size)?)
    }

    fn read_parts(self, reader: &mut Reader<'_>) -> Read<Value> {
        if reader.u64()? == u64::MAX {
            return Ok(Value::Null);
        }
        let mut bytes = Vec::new();
        loop {
            match reader.u32()? {
                0 => return self.decode(&bytes),
                part => bytes.extend_from_slice(reader.take(part as usize)?),
            }
        }
    }

    fn decode(self, bytes: &[u8]) -> Read<Value> {
        let mut reader = Reader::new(bytes);
        let unsigned = |bytes: &[u8]| {
            bytes
                .iter()
                .rev()
                .fold(0_u64, |all, byte| (all << 8) | u64::from(*byte))
        };
        Ok(match self.ty {
            SqlType::Bit | SqlType::TinyInt => Value::Integer(i64::from(reader.u8()?)),
            SqlType::SmallInt => Value::Integer(i64::from(reader.u16()?.cast_signed())),
            SqlType::Int => Value::Integer(i64::from(reader.u32()?.cast_signed())),
            SqlType::BigInt => Value::Integer(reader.u64()?.cast_signed()),
            SqlType::Real => Value::Real(f64::from(f32::from_bits(reader.u32()?))),
            SqlType::Float => Value::Real(f64::from_bits(reader.u64()?)),
            SqlType::Money => {
                let high = reader.u32()?;
                kept(
                    (i64::from(high.cast_signed()) << 32) | i64::from(reader.u32()?),
                    4,
                    self.ty,
                )?
            }
            SqlType::SmallMoney => kept(i64::from(reader.u32()?.cast_signed()), 4, self.ty)?,
            SqlType::Decimal(_, scale) => {
                let positive = reader.u8()? != 0;
                let digits = bytes
                    .get(1..)
                    .unwrap_or_default()
                    .iter()
                    .rev()
                    .fold(0_i128, |all, byte| (all << 8) | i128::from(*byte));
                kept(if positive { digits } else { -digits }, scale, self.ty)?
            }
            SqlType::Guid => Value::Text(convert::guid_text(
                bytes.try_into().map_err(|_| Short::End)?,
            )),
            SqlType::Char(_) | SqlType::VarChar(_) | SqlType::Text if self.utf8 => {
                Value::Text(String::from_utf8_lossy(bytes).into_owned())
            }
            SqlType::Char(_) | SqlType::VarChar(_) | SqlType::Text => Value::Text(
                encoding_rs::WINDOWS_1252
                    .decode_without_bom_handling(bytes)
                    .0
                    .into_owned(),
            ),
            SqlType::NChar(_) | SqlType::NVarChar(_) | SqlType::NText | SqlType::Xml => {
                Value::Text(utf16_text(
                    bytes.strip_prefix(&[0xFF, 0xFE]).unwrap_or(bytes),
                ))
            }
            SqlType::Binary(_) | SqlType::VarBinary(_) | SqlType::Image => {
                Value::Blob(bytes.to_vec())
            }
            _ => {
                let total = unsigned(bytes.get(..bytes.len().min(8)).unwrap_or_default());
                Value::Text(read_moment(&mut reader, bytes.len(), self.ty, total)?.text(self.ty))
            }
        })
    }
}

fn kept(unscaled: impl Into<i128>, scale: u8, ty: SqlType) -> Read<Value> {
    let text = Decimal {
        unscaled: unscaled.into(),
        scale,
    }
    .to_string();
    convert(Value::Text(text), ty, Fit::Store).map_err(|error| Short::Wrong(error.message))
}

fn read_moment(reader: &mut Reader<'_>, size: usize, ty: SqlType, total: u64) -> Read<Moment> {
    let ticks = |units: u64, scale: u8| {
        i64::try_from(units).unwrap_or_default() * 10_i64.pow(7 - u32::from(scale.min(7)))
    };
    let days = |units: u64| i64::try_from(units).unwrap_or_default();
    Ok(match ty {
        SqlType::Date => Moment {
            days: days(total),
            ticks: 0,
            offset: None,
        },
        SqlType::Time(scale) => Moment {
            days: DAYS_TO_1900,
            ticks: ticks(reader.uint(size)?, scale),
            offset: None,
        },
        SqlType::SmallDateTime => {
            let day = i64::from(reader.u16()?) + DAYS_TO_1900;
            Moment {
                days: day,
                ticks: i64::from(reader.u16()?) * 60 * TICKS_PER_SECOND,
                offset: None,
            }
        }
        SqlType::DateTime => {
            let day = i64::from(reader.u32()?.cast_signed()) + DAYS_TO_1900;
            Moment {
                days: day,
                ticks: (i64::from(reader.u32()?) * 100_000 + 1) / 3,
                offset: None,
            }
        }
        SqlType::DateTime2(scale) => {
            let time = ticks(reader.uint(size.saturating_sub(3))?, scale);
            Moment {
                days: days(reader.uint(3)?),
                ticks: time,
                offset: None,
            }
        }
        _ => {
            let scale = if let SqlType::DateTimeOffset(scale) = ty {
                scale
            } else {
                7
            };
            let time = ticks(reader.uint(size.saturating_sub(5))?, scale);
            let utc = Moment {
                days: days(reader.uint(3)?),
                ticks: time,
                offset: None,
            };
            let offset = i64::from(reader.u16()?.cast_signed());
            Moment::from_ticks(utc.total() + offset * 60 * TICKS_PER_SECOND, Some(offset))
        }
    })
}
