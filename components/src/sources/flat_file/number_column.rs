//! Integers, decimals and floats: short plain numbers by words of eight digits, the rest by the parsers of
//! `fletching_expression::text`.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, ArrowPrimitiveType, Decimal128Array, PrimitiveArray},
    datatypes::*,
    error::ArrowError,
};
use dtsx::DataType as Type;
use fletching_expression::{
    text::{ParseError, parse_decimal, parse_f32, parse_f64, parse_i64, parse_u64},
    types::{arrow_type, exact_range},
};

use super::{
    column::{ColumnContext, primitive},
    fields::Fields,
    kernel::{digits16, load8},
};

/// Decodes a column of a numeric type.
pub(super) fn decode<F: Fields>(
    fields: &F,
    context: &mut ColumnContext<'_>,
) -> Result<ArrayRef, ArrowError> {
    Ok(match context.column.data_type {
        Type::I1 => signed::<F, Int8Type>(fields, context),
        Type::I2 => signed::<F, Int16Type>(fields, context),
        Type::I4 => signed::<F, Int32Type>(fields, context),
        Type::I8 => signed::<F, Int64Type>(fields, context),
        Type::UI1 => unsigned::<F, UInt8Type>(fields, context),
        Type::UI2 => unsigned::<F, UInt16Type>(fields, context),
        Type::UI4 => unsigned::<F, UInt32Type>(fields, context),
        Type::UI8 => unsigned::<F, UInt64Type>(fields, context),
        Type::R4 => floats32(fields, context),
        Type::R8 => floats64(fields, context),
        Type::Cy => decimals(fields, context, 4),
        Type::Decimal { scale } | Type::Numeric { scale, .. } => decimals(fields, context, scale),
        other => {
            return Err(ArrowError::NotYetImplemented(format!(
                "a column of type {other} cannot be decoded from text"
            )));
        }
    })
}

fn signed<F: Fields, P>(fields: &F, context: &mut ColumnContext<'_>) -> ArrayRef
where
    P: ArrowPrimitiveType,
    P::Native: TryFrom<i64> + Default,
{
    let style = context.style();
    let quick = |padded: &[u8], start: usize, length: usize| {
        P::Native::try_from(plain_integer(padded, start, length)?).ok()
    };
    let slow = |text: &[u8]| {
        let value = parse_i64(text, style);
        value
            .and_then(|value| P::Native::try_from(value).map_err(|_| ParseError::Overflow))
            .into()
    };
    let (values, nulls) = primitive(fields, context, Some(P::Native::default()), quick, slow);
    Arc::new(PrimitiveArray::<P>::new(values.into(), nulls))
}

fn unsigned<F: Fields, P>(fields: &F, context: &mut ColumnContext<'_>) -> ArrayRef
where
    P: ArrowPrimitiveType,
    P::Native: TryFrom<u64> + Default,
{
    let style = context.style();
    let quick = |padded: &[u8], start: usize, length: usize| {
        P::Native::try_from(digits16(padded, start, length)?).ok()
    };
    let slow = |text: &[u8]| {
        let value = parse_u64(text, style);
        value
            .and_then(|value| P::Native::try_from(value).map_err(|_| ParseError::Overflow))
            .into()
    };
    let (values, nulls) = primitive(fields, context, Some(P::Native::default()), quick, slow);
    Arc::new(PrimitiveArray::<P>::new(values.into(), nulls))
}

/// `[-]` and 1 to 16 digits.
#[inline(always)]
fn plain_integer(padded: &[u8], start: usize, length: usize) -> Option<i64> {
    let negative = length > 1 && load8(padded, start) as u8 == b'-';
    let sign = usize::from(negative);
    let magnitude = digits16(padded, start + sign, length - sign)? as i64;
    Some(if negative { -magnitude } else { magnitude })
}

const POWERS: [u64; 20] = {
    let mut powers = [1u64; 20];
    let mut at = 1;
    while at < 20 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

fn decimals<F: Fields>(fields: &F, context: &mut ColumnContext<'_>, scale: u8) -> ArrayRef {
    let style = context.standard();
    let data_type = context.column.data_type;
    let range = exact_range(&data_type);
    let plain = PlainDecimal {
        point: context.locale.decimal,
        scale: usize::from(scale),
        most: u64::try_from(*range.end()).unwrap_or(u64::MAX),
    };
    let quick = |padded: &[u8], start: usize, length: usize| plain.read(padded, start, length);
    let slow = |text: &[u8]| parse_decimal(text, &range, scale, style).into();
    let (values, nulls) = primitive(fields, context, Some(0i128), quick, slow);
    let array = Decimal128Array::new(values.into(), nulls);
    Arc::new(array.with_data_type(arrow_type(&data_type)))
}

/// Decimals of at most 16 digits before the point and no more behind it than the scale.
struct PlainDecimal {
    point: u8,
    scale: usize,
    /// The largest number of the type, where 64 bits hold it.
    most: u64,
}

impl PlainDecimal {
    #[inline(always)]
    fn read(&self, padded: &[u8], start: usize, length: usize) -> Option<i128> {
        let negative = length > 1 && load8(padded, start) as u8 == b'-';
        let sign = usize::from(negative);
        let (start, length) = (start + sign, length - sign);
        let (whole, fraction) = self.parts(padded, start, length)?;
        // 64 bits hold 19 digits.
        if whole + self.scale > 19 || fraction > 8 {
            return None;
        }
        let mut value = digits16(padded, start, whole)? * POWERS[self.scale];
        if fraction > 0 {
            let digits = digits16(padded, start + whole + 1, fraction)?;
            value = value.checked_add(digits * POWERS[self.scale - fraction])?;
        }
        if value > self.most {
            return None;
        }
        let value = i128::from(value);
        Some(if negative { -value } else { value })
    }

    /// How many digits stand before and behind the point: looks for it from the scale's place towards the end.
    #[inline(always)]
    fn parts(&self, padded: &[u8], start: usize, length: usize) -> Option<(usize, usize)> {
        let end = start + length;
        for fraction in (1..=self.scale.min(8)).rev() {
            if fraction + 1 < length && padded.get(end - fraction - 1) == Some(&self.point) {
                return Some((length - fraction - 1, fraction));
            }
        }
        Some((length, 0))
    }
}

fn floats32<F: Fields>(fields: &F, context: &mut ColumnContext<'_>) -> ArrayRef {
    let (style, point) = (context.standard(), context.locale.decimal);
    // Both the digits and the power of ten are exact, so that one division rounds once.
    let quick = |padded: &[u8], start: usize, length: usize| {
        let (mantissa, places, negative) = mantissa(padded, start, length, point)?;
        let exact = mantissa < 1 << 24 && places <= 10;
        let value = exact.then(|| mantissa as f32 / POWERS[places] as f32)?;
        Some(if negative { -value } else { value })
    };
    let slow = |text: &[u8]| parse_f32(text, style).into();
    let (values, nulls) = primitive(fields, context, Some(0f32), quick, slow);
    Arc::new(PrimitiveArray::<Float32Type>::new(values.into(), nulls))
}

fn floats64<F: Fields>(fields: &F, context: &mut ColumnContext<'_>) -> ArrayRef {
    let (style, point) = (context.standard(), context.locale.decimal);
    let quick = |padded: &[u8], start: usize, length: usize| {
        let (mantissa, places, negative) = mantissa(padded, start, length, point)?;
        let value = (mantissa < 1 << 53).then(|| mantissa as f64 / POWERS[places] as f64)?;
        Some(if negative { -value } else { value })
    };
    let slow = |text: &[u8]| parse_f64(text, style).into();
    let (values, nulls) = primitive(fields, context, Some(0f64), quick, slow);
    Arc::new(PrimitiveArray::<Float64Type>::new(values.into(), nulls))
}

/// The digits of a number of at most 17 digits without its point, the places behind the point, the sign.
#[inline(always)]
fn mantissa(padded: &[u8], start: usize, length: usize, point: u8) -> Option<(u64, usize, bool)> {
    let text = padded.get(start..start + length)?;
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let (mut value, mut places, mut seen_point, mut count) = (0u64, 0, false, 0);
    for &byte in digits {
        if byte == point && !seen_point {
            seen_point = true;
        } else {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            value = value * 10 + u64::from(digit);
            places += usize::from(seen_point);
            count += 1;
        }
    }
    (count > 0).then_some((value, places, negative))
}
