//! Values that SQLite keeps as text, a column at a time into one buffer.
//!
//! Dates and times are ISO text, with the fraction only where there is one; decimals are all their digits; a GUID is
//! without braces, in capitals. The text of a value that has none, as of a date beyond the calendar, is empty.

use std::fmt::Write;

use arrow::{
    array::{
        Array, ArrayAccessor, AsArray, FixedSizeBinaryArray, PrimitiveArray, StringArray,
        StringBuilder, StructArray,
    },
    datatypes::{
        ArrowPrimitiveType, Date32Type, Decimal128Type, Int16Type, Time32SecondType,
        Time64NanosecondType, TimestampMicrosecondType,
    },
};
use chrono::{Datelike, NaiveDate};
use itoa::Buffer;
use uuid::Uuid;

/// Days from the first of January of the year 1 to that of 1970, and one.
const DAYS_TO_1970: i32 = 719_163;
const MICROS_PER_DAY: i64 = 86_400_000_000;

fn each<A: ArrayAccessor>(
    values: A,
    push: impl Fn(&mut StringBuilder, A::Item) -> Option<()>,
) -> StringArray {
    let mut texts = StringBuilder::with_capacity(values.len(), values.len() * 16);
    for row in 0..values.len() {
        if values.is_null(row) {
            texts.append_null();
            continue;
        }
        // What there is none of has pushed nothing.
        let _none = push(&mut texts, values.value(row));
        texts.append_value("");
    }
    texts.finish()
}

fn of<T: ArrowPrimitiveType>(
    values: &PrimitiveArray<T>,
    push: impl Fn(&mut StringBuilder, T::Native) -> Option<()>,
) -> StringArray {
    each(values, push)
}

pub(super) fn guids(values: &FixedSizeBinaryArray) -> StringArray {
    each(values, |text, bytes| {
        write!(text, "{:X}", Uuid::from_slice(bytes).ok()?).ok()
    })
}

pub(super) fn decimals(values: &PrimitiveArray<Decimal128Type>, scale: i8) -> StringArray {
    of(values, |text, number| push_decimal(text, number, scale))
}

pub(super) fn dates(values: &PrimitiveArray<Date32Type>) -> StringArray {
    of(values, push_date)
}

pub(super) fn seconds(values: &PrimitiveArray<Time32SecondType>) -> StringArray {
    of(values, |text, seconds| push_time(text, i64::from(seconds)))
}

pub(super) fn nanos(values: &PrimitiveArray<Time64NanosecondType>) -> StringArray {
    of(values, |text, nanos| {
        push_time(text, nanos / 1_000_000_000)?;
        push_fraction(text, nanos % 1_000_000_000, 9)
    })
}

pub(super) fn timestamps(values: &PrimitiveArray<TimestampMicrosecondType>) -> StringArray {
    of(values, push_timestamp)
}

/// Moments of UTC with their offset in minutes, shown as local times; `None` if the array is something else.
pub(super) fn with_offsets(values: &StructArray) -> Option<StringArray> {
    let (moments, offsets) = match values.columns() {
        [moments, offsets] => (
            moments.as_primitive_opt::<TimestampMicrosecondType>()?,
            offsets.as_primitive_opt::<Int16Type>()?,
        ),
        _ => return None,
    };
    let mut texts = StringBuilder::with_capacity(values.len(), values.len() * 26);
    for row in 0..values.len() {
        if values.is_null(row) {
            texts.append_null();
            continue;
        }
        let offset = offsets.value(row);
        let local = moments
            .value(row)
            .checked_add(i64::from(offset) * 60_000_000);
        if local
            .and_then(|local| push_timestamp(&mut texts, local))
            .is_some()
        {
            let sign = if offset < 0 { '-' } else { '+' };
            let minutes = offset.unsigned_abs();
            // A builder takes all text.
            let _done = write!(texts, " {sign}{:02}:{:02}", minutes / 60, minutes % 60);
        }
        texts.append_value("");
    }
    Some(texts.finish())
}

/// The digits of a decimal, as many behind the point as its scale says.
pub(super) fn push_decimal(text: &mut impl Write, number: i128, scale: i8) -> Option<()> {
    let scale = usize::from(scale.unsigned_abs());
    let mut buffer = Buffer::new();
    let digits = match u64::try_from(number.unsigned_abs()) {
        Ok(number) => buffer.format(number),
        Err(_) => buffer.format(number.unsigned_abs()),
    };
    if number < 0 {
        text.write_char('-').ok()?;
    }
    let whole = digits.len().saturating_sub(scale);
    let (whole, fraction) = digits.split_at(whole);
    text.write_str(if whole.is_empty() { "0" } else { whole })
        .ok()?;
    if scale > 0 {
        text.write_char('.').ok()?;
        for _ in fraction.len()..scale {
            text.write_char('0').ok()?;
        }
        text.write_str(fraction).ok()?;
    }
    Some(())
}

/// Two digits of a number below 100.
fn two(number: u32) -> [u8; 2] {
    let digit = |number: u32| b'0' + (number % 10) as u8;
    [digit(number / 10), digit(number)]
}

fn push_ascii(text: &mut impl Write, bytes: &[u8]) -> Option<()> {
    text.write_str(std::str::from_utf8(bytes).ok()?).ok()
}

fn push_date(text: &mut StringBuilder, days: i32) -> Option<()> {
    let days = days.checked_add(DAYS_TO_1970)?;
    let date = NaiveDate::from_num_days_from_ce_opt(days)?;
    let Some(year) = u32::try_from(date.year()).ok().filter(|year| *year <= 9999) else {
        return write!(text, "{date}").ok();
    };
    let ([a, b], [c, d]) = (two(year / 100), two(year % 100));
    let ([e, f], [g, h]) = (two(date.month()), two(date.day()));
    push_ascii(text, &[a, b, c, d, b'-', e, f, b'-', g, h])
}

/// Of the seconds of a day.
fn push_time(text: &mut StringBuilder, seconds: i64) -> Option<()> {
    let seconds = u32::try_from(seconds)
        .ok()
        .filter(|seconds| *seconds < 360_000)?;
    let ([a, b], [c, d]) = (two(seconds / 3600), two(seconds / 60 % 60));
    let [e, f] = two(seconds % 60);
    push_ascii(text, &[a, b, b':', c, d, b':', e, f])
}

fn push_timestamp(text: &mut StringBuilder, micros: i64) -> Option<()> {
    let days = i32::try_from(micros.div_euclid(MICROS_PER_DAY)).ok()?;
    let micros = micros.rem_euclid(MICROS_PER_DAY);
    push_date(text, days)?;
    text.write_char(' ').ok()?;
    push_time(text, micros / 1_000_000)?;
    push_fraction(text, micros % 1_000_000, 6)
}

/// Digits of a fraction, without zeros at the end.
fn push_fraction(text: &mut StringBuilder, fraction: i64, digits: usize) -> Option<()> {
    if fraction == 0 {
        return Some(());
    }
    let mut buffer = Buffer::new();
    let found = buffer.format(fraction.unsigned_abs());
    text.write_char('.').ok()?;
    for _ in found.len()..digits {
        text.write_char('0').ok()?;
    }
    text.write_str(found.trim_end_matches('0')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_as_text() {
        let decimal = |number, scale| decimals(&[number].into_iter().collect(), scale);
        let cases = [(-5, 2, "-0.05"), (12_345, 2, "123.45"), (0, 2, "0.00")];
        for (number, scale, text) in cases {
            assert_eq!(decimal(Some(number), scale).value(0), text);
        }
        assert_eq!(decimal(Some(7), 0).value(0), "7");
        let wide = decimal(Some(i128::MAX), 38);
        assert_eq!(wide.value(0), "1.70141183460469231731687303715884105727");
        let day = |days: i32| dates(&vec![days].into());
        assert_eq!(day(0).value(0), "1970-01-01");
        assert_eq!(day(-719_162).value(0), "0001-01-01");
        assert_eq!(day(2_932_897).value(0), "+10000-01-01");
        assert_eq!(day(i32::MAX).value(0), "");
        let at = |micros: i64| timestamps(&vec![micros].into());
        assert_eq!(at(-1).value(0), "1969-12-31 23:59:59.999999");
        assert_eq!(at(1_500_000).value(0), "1970-01-01 00:00:01.5");
        assert_eq!(seconds(&vec![3661].into()).value(0), "01:01:01");
        assert_eq!(nanos(&vec![500_000_000].into()).value(0), "00:00:00.5");
        assert_eq!(nanos(&vec![3_661_000_000_000].into()).value(0), "01:01:01");
        assert!(nanos(&[None].into_iter().collect()).is_null(0));
    }
}
