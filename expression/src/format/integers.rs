//! Columns of integers and decimals as text: the digits of a block of numbers at a time, each then moved to its place in a view.

use super::{
    decimal::append_decimal,
    field::FIELD,
    integer::{ASCII, eight_digits, put_i64, put_u64},
};
use crate::arrays::TextBuilder;

/// Rows of a block.
const BLOCK: usize = 256;
/// Of eight digits.
const E8: u64 = 100_000_000;
/// From here on a number and its sign may not be inside a view.
const LONG: u64 = 100_000_000_000;

/// The digits of a block of numbers.
struct Digits {
    /// What is before the last eight digits.
    high: [u32; BLOCK],
    /// The last eight, the first of them lowest.
    low: [u64; BLOCK],
}

/// Appends the text of each number. What is below NULL has any text.
pub(super) fn append_signed<T: Copy + Into<i64>>(values: &[T], builder: &mut TextBuilder<'_>) {
    let long = |value: T, builder: &mut TextBuilder<'_>| {
        let mut field = [0; FIELD];
        let end = put_i64(value.into(), &mut field);
        builder.field(&field, end);
    };
    append(
        values,
        |value| value.into().unsigned_abs(),
        |value| value.into() < 0,
        long,
        builder,
    );
}

/// As [`append_signed`].
pub(super) fn append_unsigned(values: &[u64], builder: &mut TextBuilder<'_>) {
    let long = |value, builder: &mut TextBuilder<'_>| {
        let mut field = [0; FIELD];
        let end = put_u64(value, &mut field);
        builder.field(&field, end);
    };
    append(values, |value| value, |_| false, long, builder);
}

/// Appends the text of each decimal of 1 to 7 places; false for other scales. What is below NULL has any text.
pub(super) fn append_decimals(values: &[i128], scale: i8, builder: &mut TextBuilder<'_>) -> bool {
    let scale = match scale {
        1..=7 => scale as u32,
        _ => return false,
    };
    let magnitude = |value: i128| u64::try_from(value.unsigned_abs()).unwrap_or(u64::MAX);
    let mut digits = Digits {
        high: [0; BLOCK],
        low: [0; BLOCK],
    };
    let mut long = Vec::new();
    for values in values.chunks(BLOCK) {
        split(values, &magnitude, &mut digits);
        for (row, value) in values.iter().enumerate() {
            if magnitude(*value) >= E8 {
                long.clear();
                append_decimal(*value, scale as i8, &mut long);
                builder.push(&String::from_utf8_lossy(&long)); // ASCII always: borrowed, not copied
                continue;
            }
            let (length, text) = pointed(digits.low[row], scale);
            match *value < 0 {
                true => builder.ascii(length + 1, text << 8 | u128::from(b'-')),
                false => builder.ascii(length, text),
            }
        }
    }
    true
}

/// Eight digits, `scale` of them behind the point, and one before it at least: how many characters, and the characters.
#[inline(always)]
fn pointed(digits: u64, scale: u32) -> (u32, u128) {
    let point = 8 - scale;
    let skip = (digits.trailing_zeros() / 8).min(point - 1);
    let text = digits | ASCII;
    let (whole, behind) = (point - skip, text >> (8 * point));
    let before = text << (8 * scale) >> (8 * scale) >> (8 * skip);
    let before = u128::from(before) | u128::from(b'.') << (8 * whole);
    (
        whole + 1 + scale,
        before | u128::from(behind) << (8 * (whole + 1)),
    )
}

fn append<T: Copy>(
    values: &[T],
    magnitude: impl Fn(T) -> u64,
    is_negative: impl Fn(T) -> bool,
    long: impl Fn(T, &mut TextBuilder<'_>),
    builder: &mut TextBuilder<'_>,
) {
    let mut digits = Digits {
        high: [0; BLOCK],
        low: [0; BLOCK],
    };
    for values in values.chunks(BLOCK) {
        let largest = split(values, &magnitude, &mut digits);
        if largest < E8 {
            let digits = values.iter().zip(&digits.low);
            builder.all_ascii(digits.map(|(value, digits)| {
                let (length, text) = eight(*digits);
                match is_negative(*value) {
                    true => (length + 1, u128::from(text) << 8 | u128::from(b'-')),
                    false => (length, u128::from(text)),
                }
            }));
            continue;
        }
        for (row, value) in values.iter().enumerate() {
            if largest >= LONG && magnitude(*value) >= LONG {
                long(*value, builder);
                continue;
            }
            let (length, text) = joined(digits.high[row], digits.low[row]);
            match is_negative(*value) {
                true => builder.ascii(length + 1, text << 8 | u128::from(b'-')),
                false => builder.ascii(length, text),
            }
        }
    }
}

/// Fills in the digits; no number is larger than what it returns.
fn split<T: Copy, F: Fn(T) -> u64>(values: &[T], magnitude: &F, digits: &mut Digits) -> u64 {
    let numbers = values.iter().map(|value| magnitude(*value));
    let largest = numbers.clone().fold(0, |largest, number| largest | number);
    let parts = numbers.zip(digits.high.iter_mut().zip(&mut digits.low));
    if largest < E8 {
        parts.for_each(|(number, (high, low))| (*high, *low) = (0, number));
    } else {
        parts.for_each(|(number, (high, low))| {
            (*high, *low) = ((number / E8) as u32, number % E8);
        });
    }
    for low in &mut digits.low {
        *low = eight_digits(*low as u32);
    }
    largest
}

/// How many characters, and the characters, the first one lowest.
#[inline(always)]
fn joined(high: u32, low: u64) -> (u32, u128) {
    if high == 0 {
        let (length, text) = eight(low);
        return (length, u128::from(text));
    }
    let (length, before) = THREE_DIGITS[high as usize % 1000];
    (
        8 + length,
        u128::from(before) | u128::from(low | ASCII) << (8 * length),
    )
}

/// As [`joined`], of the last eight digits without leading zeros.
#[inline(always)]
fn eight(digits: u64) -> (u32, u64) {
    let skip = (digits.trailing_zeros() / 8).min(7);
    (8 - skip, (digits | ASCII) >> (8 * skip))
}

/// Length and characters of the numbers below 1000.
static THREE_DIGITS: [(u32, u32); 1000] = {
    let mut table = [(0, 0); 1000];
    let mut number = 0;
    while number < 1000 {
        let (mut rest, mut text, mut length) = (number as u32, 0, 0);
        while length == 0 || rest > 0 {
            text = text << 8 | (rest % 10 + 0x30);
            rest /= 10;
            length += 1;
        }
        table[number] = (length, text);
        number += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length() {
        let mut numbers = vec![0, i64::MIN, i64::MAX];
        for power in 0..19 {
            let unit = 10_i64.pow(power);
            numbers.extend([unit - 1, unit, unit + 1, unit / 7 * 3, -unit, 1 - unit]);
        }
        let mut builder = TextBuilder::new(0);
        append_signed(&numbers, &mut builder);
        let wanted: Vec<_> = numbers.iter().map(i64::to_string).collect();
        let found = builder.finish(None);
        assert!(found.iter().flatten().eq(wanted.iter().map(String::as_str)));
        let decimals: Vec<_> = numbers
            .iter()
            .map(|number| i128::from(*number) * 3)
            .collect();
        for scale in 1..=7 {
            let mut builder = TextBuilder::new(0);
            assert!(append_decimals(&decimals, scale, &mut builder));
            let text = |decimal: &i128| {
                let mut text = Vec::new();
                append_decimal(*decimal, scale, &mut text);
                String::from_utf8(text).unwrap()
            };
            let wanted: Vec<_> = decimals.iter().map(text).collect();
            let found = builder.finish(None);
            assert!(
                found.iter().flatten().eq(wanted.iter().map(String::as_str)),
                "{scale}"
            );
        }
        let numbers: Vec<_> = numbers.iter().map(|number| *number as u64).collect();
        let mut builder = TextBuilder::new(0);
        append_unsigned(&numbers, &mut builder);
        let wanted: Vec<_> = numbers.iter().map(u64::to_string).collect();
        let found = builder.finish(None);
        assert!(found.iter().flatten().eq(wanted.iter().map(String::as_str)));
    }
}
