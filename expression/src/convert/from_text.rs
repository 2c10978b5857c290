//! Text to values, a column at a time.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, ArrowPrimitiveType, BinaryViewBuilder, BooleanBuilder,
        FixedSizeBinaryBuilder, Int16Array, PrimitiveArray, StringViewArray, StructArray,
        TimestampMicrosecondArray,
    },
    buffer::NullBuffer,
    datatypes::*,
};
use dtsx::{DataType as SsisType, SsisCode};

use super::{fail, short_text::Short};
use crate::{
    error::EvaluateError,
    evaluate::RowFailure,
    text::{self, ParseError, Style},
    types::{arrow_type, exact_range},
};

pub(super) fn parse(
    texts: &StringViewArray,
    to: &SsisType,
    style: Style<'_>,
    errors: &mut Vec<RowFailure>,
) -> Result<ArrayRef, EvaluateError> {
    // Year, month, day in all orders of numeric dates: the year has four digits and comes first.
    let iso_days = |short: Short| {
        let (year, month, day) = short.iso_date()?;
        text::days_from_civil(year, month, day)
    };
    let moment = |bytes: &[u8]| date_time(bytes, to, style);
    Ok(match *to {
        SsisType::I1 => signed::<Int8Type>(texts, to, style, errors),
        SsisType::I2 => signed::<Int16Type>(texts, to, style, errors),
        SsisType::I4 => signed::<Int32Type>(texts, to, style, errors),
        SsisType::I8 => signed::<Int64Type>(texts, to, style, errors),
        SsisType::UI1 => unsigned::<UInt8Type>(texts, to, style, errors),
        SsisType::UI2 => unsigned::<UInt16Type>(texts, to, style, errors),
        SsisType::UI4 => unsigned::<UInt32Type>(texts, to, style, errors),
        SsisType::UI8 => unsigned::<UInt64Type>(texts, to, style, errors),
        SsisType::R4 => primitive::<Float32Type>(texts, to, errors, none, |bytes| {
            text::parse_f32(bytes, style)
        }),
        SsisType::R8 => primitive::<Float64Type>(texts, to, errors, none, |bytes| {
            text::parse_f64(bytes, style)
        }),
        SsisType::Cy => decimal(texts, to, 4, style, errors),
        SsisType::Decimal { scale } | SsisType::Numeric { scale, .. } => {
            decimal(texts, to, scale, style, errors)
        }
        SsisType::Bool => boolean(texts, style, errors),
        SsisType::DbDate => {
            primitive::<Date32Type>(texts, to, errors, iso_days, |bytes| Ok(moment(bytes)?.days))
        }
        SsisType::DbTime => primitive::<Time32SecondType>(texts, to, errors, none, |bytes| {
            Ok((time(bytes, style)?.nanos / 1_000_000_000) as i32)
        }),
        SsisType::DbTime2 { .. } => {
            primitive::<Time64NanosecondType>(texts, to, errors, none, |bytes| {
                Ok(time(bytes, style)?.nanos)
            })
        }
        SsisType::Date
        | SsisType::DbTimeStamp
        | SsisType::DbTimeStamp2 { .. }
        | SsisType::FileTime => {
            primitive::<TimestampMicrosecondType>(texts, to, errors, none, |bytes| {
                let micros = moment(bytes)?.to_utc()?.micros();
                super::dates::in_range(micros, to).ok_or(ParseError::Overflow)
            })
        }
        SsisType::DbTimeStampOffset { .. } => offsets(texts, to, &moment, errors)?,
        SsisType::Guid => guids(texts, errors)?,
        SsisType::Bytes { .. } | SsisType::Image => bytes(texts, errors),
        _ => {
            return Err(EvaluateError::NoConversion {
                from: SsisType::NText,
                to: *to,
            });
        }
    })
}

/// Numbers as a cast writes them under a locale, with its decimal sign, brought to a point; one with a point keeps it.
pub(super) fn with_points(texts: &StringViewArray, decimal: u8) -> StringViewArray {
    let decimal = char::from(decimal);
    let plain = |text: &str| match text.contains('.') {
        true => text.to_owned(),
        false => text.replace(decimal, "."),
    };
    texts.iter().map(|text| text.map(plain)).collect()
}

fn signed<T: ArrowPrimitiveType>(
    texts: &StringViewArray,
    to: &SsisType,
    style: Style<'_>,
    errors: &mut Vec<RowFailure>,
) -> ArrayRef
where
    T::Native: TryFrom<i64>,
{
    primitive::<T>(
        texts,
        to,
        errors,
        |short| T::Native::try_from(short.integer()?).ok(),
        |bytes| {
            T::Native::try_from(text::parse_i64(bytes, style)?).map_err(|_| ParseError::Overflow)
        },
    )
}

fn unsigned<T: ArrowPrimitiveType>(
    texts: &StringViewArray,
    to: &SsisType,
    style: Style<'_>,
    errors: &mut Vec<RowFailure>,
) -> ArrayRef
where
    T::Native: TryFrom<i64> + TryFrom<u64>,
{
    primitive::<T>(
        texts,
        to,
        errors,
        |short| T::Native::try_from(short.integer()?).ok(),
        |bytes| {
            T::Native::try_from(text::parse_u64(bytes, style)?).map_err(|_| ParseError::Overflow)
        },
    )
}

fn date_time(bytes: &[u8], to: &SsisType, style: Style<'_>) -> Result<text::DateTime, ParseError> {
    match (style, to) {
        (Style::Fast, _) => text::parse_fast_date_time(bytes),
        (_, SsisType::DbTimeStamp2 { .. }) => match apart(bytes) {
            Some(apart) => text::parse_date_time(&apart, style),
            None => text::parse_date_time(bytes, style),
        },
        _ => text::parse_date_time(bytes, style),
    }
}

fn time(bytes: &[u8], style: Style<'_>) -> Result<text::DateTime, ParseError> {
    match style {
        Style::Fast => text::parse_fast_time(bytes),
        other => text::parse_date_time(bytes, other),
    }
}

/// `2020-01-1500:00:00` with a blank between date and time. SSIS takes it for DT_DBTIMESTAMP2: a public package that fails on
/// errors is built on it (inferred, not measured).
fn apart(bytes: &[u8]) -> Option<[u8; 19]> {
    let form = b"0000-00-0000:00:00";
    let bytes: &[u8; 18] = text::trim(bytes).try_into().ok()?;
    let fits = form.iter().zip(bytes).all(|(wanted, found)| match wanted {
        b'0' => found.is_ascii_digit(),
        sign => sign == found,
    });
    let mut apart = [b' '; 19];
    apart[..10].copy_from_slice(&bytes[..10]);
    apart[11..].copy_from_slice(&bytes[10..]);
    fits.then_some(apart)
}

fn code(error: ParseError) -> SsisCode {
    match error {
        ParseError::Syntax => SsisCode::DATA_CONVERSION_FAILED,
        ParseError::Overflow | ParseError::SignMismatch => SsisCode::EXPRESSION_CONVERSION_OVERFLOW,
    }
}

fn primitive<T: ArrowPrimitiveType>(
    texts: &StringViewArray,
    to: &SsisType,
    errors: &mut Vec<RowFailure>,
    quick: impl Fn(Short) -> Option<T::Native>,
    parse: impl Fn(&[u8]) -> Result<T::Native, ParseError>,
) -> ArrayRef {
    let first = errors.len();
    // Out of the loop over plain values: a NULL, whose view may hold anything, or a text for the parser.
    #[inline(never)]
    fn rest<T: Default>(
        texts: &StringViewArray,
        row: usize,
        errors: &mut Vec<RowFailure>,
        parse: &impl Fn(&[u8]) -> Result<T, ParseError>,
    ) -> T {
        if texts.is_null(row) {
            return T::default();
        }
        parse(texts.value(row).as_bytes()).unwrap_or_else(|error| {
            fail(errors, row, code(error));
            T::default()
        })
    }
    let views = texts.views().iter().enumerate();
    let values: Vec<T::Native> = views
        .map(|(row, view)| match Short::of(*view).and_then(&quick) {
            Some(value) => value,
            None => rest(texts, row, errors, &parse),
        })
        .collect();
    let nulls = nulls(texts, errors.get(first..).unwrap_or_default());
    Arc::new(PrimitiveArray::<T>::new(values.into(), nulls).with_data_type(arrow_type(to)))
}

/// No short form: every text goes to the parser.
fn none<T>(_: Short) -> Option<T> {
    None
}

/// NULL where the text was NULL or failed.
fn nulls(texts: &StringViewArray, failures: &[RowFailure]) -> Option<NullBuffer> {
    if failures.is_empty() {
        return texts.nulls().cloned();
    }
    let mut valid = vec![true; texts.len()];
    for failure in failures {
        valid[failure.row as usize] = false;
    }
    NullBuffer::union(texts.nulls(), Some(&NullBuffer::from(valid)))
}

fn decimal(
    texts: &StringViewArray,
    to: &SsisType,
    scale: u8,
    style: Style<'_>,
    errors: &mut Vec<RowFailure>,
) -> ArrayRef {
    let has_point = match style {
        Style::Cast | Style::Fast => true,
        Style::Standard(locale) => locale.decimal == b'.',
    };
    let range = exact_range(to);
    let most = i64::try_from(*range.end()).unwrap_or(i64::MAX);
    let quick = |short: Short| {
        let value = if has_point {
            short.decimal(scale.into())?
        } else {
            return None;
        };
        (value.abs() <= most).then_some(value.into())
    };
    primitive::<Decimal128Type>(texts, to, errors, quick, |bytes| {
        text::parse_decimal(bytes, &range, scale, style)
    })
}

fn boolean(texts: &StringViewArray, style: Style<'_>, errors: &mut Vec<RowFailure>) -> ArrayRef {
    let mut builder = BooleanBuilder::with_capacity(texts.len());
    for row in 0..texts.len() {
        if texts.is_null(row) {
            builder.append_null();
            continue;
        }
        match text::parse_bool(texts.value(row).as_bytes(), style) {
            Ok(value) => builder.append_value(value),
            Err(error) => {
                fail(errors, row, code(error));
                builder.append_null();
            }
        }
    }
    Arc::new(builder.finish())
}

fn offsets(
    texts: &StringViewArray,
    to: &SsisType,
    moment: &dyn Fn(&[u8]) -> Result<text::DateTime, ParseError>,
    errors: &mut Vec<RowFailure>,
) -> Result<ArrayRef, EvaluateError> {
    let first = errors.len();
    let mut micros = Vec::with_capacity(texts.len());
    let mut minutes = Vec::with_capacity(texts.len());
    for row in 0..texts.len() {
        let parsed = if texts.is_null(row) {
            Ok(text::DateTime::default())
        } else {
            moment(texts.value(row).as_bytes())
        };
        let utc = parsed.and_then(|parsed| {
            Ok((
                parsed.to_utc()?.micros(),
                parsed.offset_minutes.unwrap_or(0),
            ))
        });
        let (at, offset) = utc.unwrap_or_else(|error| {
            fail(errors, row, code(error));
            (0, 0)
        });
        micros.push(at);
        minutes.push(offset);
    }
    let nulls = nulls(texts, errors.get(first..).unwrap_or_default());
    let DataType::Struct(fields) = arrow_type(to) else {
        return Err(EvaluateError::NoConversion {
            from: SsisType::NText,
            to: *to,
        });
    };
    let micros: ArrayRef = Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC"));
    let minutes: ArrayRef = Arc::new(Int16Array::from(minutes));
    Ok(Arc::new(StructArray::try_new(
        fields,
        vec![micros, minutes],
        nulls,
    )?))
}

fn guids(texts: &StringViewArray, errors: &mut Vec<RowFailure>) -> Result<ArrayRef, EvaluateError> {
    let mut builder = FixedSizeBinaryBuilder::with_capacity(texts.len(), 16);
    for row in 0..texts.len() {
        if texts.is_null(row) {
            builder.append_null();
            continue;
        }
        match text::parse_guid(texts.value(row).as_bytes()) {
            Ok(guid) => builder.append_value(guid)?,
            Err(error) => {
                fail(errors, row, code(error));
                builder.append_null();
            }
        }
    }
    Ok(Arc::new(builder.finish()))
}

fn bytes(texts: &StringViewArray, errors: &mut Vec<RowFailure>) -> ArrayRef {
    let mut builder = BinaryViewBuilder::with_capacity(texts.len());
    let mut out = Vec::new();
    for row in 0..texts.len() {
        if texts.is_null(row) {
            builder.append_null();
            continue;
        }
        out.clear();
        match text::parse_hex(texts.value(row).as_bytes(), &mut out) {
            Ok(()) => builder.append_value(&out),
            Err(error) => {
                fail(errors, row, code(error));
                builder.append_null();
            }
        }
    }
    Arc::new(builder.finish())
}
