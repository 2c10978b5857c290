//! Decimals: an integer and a scale. The declared scale is kept (spec `ssis-semantics.md` 1.1.7).

use super::{
    field::{FIELD, Field, store},
    integer::{ASCII, append_u64, eight, eight_digits, put_digits},
};

/// `-12.50` for (-1250, 2); `0.05` for (5, 2). Returns where it ends; `None` for more than 16 digits or places.
#[inline]
pub fn put_decimal(value: i128, scale: i8, field: &mut Field) -> Option<usize> {
    store(field, 0, [b'-']);
    let at = usize::from(value < 0);
    let magnitude = value.unsigned_abs();
    match scale {
        1..=7 if magnitude < 100_000_000 => {
            Some(put_short(magnitude as u32, scale as u32, field, at))
        }
        1..=15 if magnitude < 10_000_000_000_000_000 => {
            Some(put_medium(magnitude as u64, scale as u32, field, at))
        }
        0 => u64::try_from(magnitude)
            .ok()
            .map(|digits| put_digits(digits, field, at)),
        _ => None,
    }
}

/// Eight digits at most, 1 to 7 of them behind the point: two stores, no division by the scale.
#[inline]
fn put_short(magnitude: u32, scale: u32, field: &mut Field, at: usize) -> usize {
    let digits = eight_digits(magnitude);
    let point = 8 - scale;
    let skip = (digits.trailing_zeros() / 8).min(point - 1);
    let text = digits | ASCII;
    store(field, at, (text >> (8 * skip)).to_le_bytes());
    let at = at + (point - skip) as usize;
    store(field, at, [b'.']);
    store(field, at + 1, (text >> (8 * point)).to_le_bytes());
    at + 1 + scale as usize
}

/// As [`put_short`], sixteen digits at most, 1 to 15 of them behind the point.
#[inline]
fn put_medium(magnitude: u64, scale: u32, field: &mut Field, at: usize) -> usize {
    let high = eight_digits((magnitude / 100_000_000) as u32);
    let low = eight_digits((magnitude % 100_000_000) as u32);
    let digits = u128::from(high) | u128::from(low) << 64;
    let point = 16 - scale;
    let skip = (digits.trailing_zeros() / 8).min(point - 1);
    let text = digits | u128::from(ASCII) | u128::from(ASCII) << 64;
    store(field, at, (text >> (8 * skip)).to_le_bytes());
    let at = at + (point - skip) as usize;
    store(field, at, [b'.']);
    store(field, at + 1, (text >> (8 * point)).to_le_bytes());
    at + 1 + scale as usize
}

/// As [`put_decimal`], of any length; a negative scale appends zeros.
pub fn append_decimal(value: i128, scale: i8, out: &mut Vec<u8>) {
    let mut field = [0; FIELD];
    if let Some(end) = put_decimal(value, scale, &mut field) {
        out.extend_from_slice(field.get(..end).unwrap_or_default());
        return;
    }
    if value < 0 {
        out.push(b'-');
    }
    append_long(value.unsigned_abs(), scale, out);
}

/// All digits, then zeros and the point put in between.
fn append_long(magnitude: u128, scale: i8, out: &mut Vec<u8>) {
    let start = out.len();
    append_u128(magnitude, out);
    if scale <= 0 {
        if magnitude != 0 {
            out.resize(out.len() + usize::from(scale.unsigned_abs()), b'0');
        }
        return;
    }
    let scale = usize::from(scale.unsigned_abs());
    let count = out.len() - start;
    if count <= scale {
        out.splice(start..start, std::iter::repeat_n(b'0', scale + 1 - count));
    }
    let point = out.len() - scale;
    out.insert(point, b'.');
}

fn append_u128(magnitude: u128, out: &mut Vec<u8>) {
    const E16: u128 = 10_000_000_000_000_000;
    match u64::try_from(magnitude) {
        Ok(small) => append_u64(small, out),
        Err(_) => {
            append_u128(magnitude / E16, out);
            let low = (magnitude % E16) as u64;
            out.extend_from_slice(&eight((low / 100_000_000) as u32));
            out.extend_from_slice(&eight((low % 100_000_000) as u32));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: i128, scale: i8) -> String {
        let mut out = b"x".to_vec();
        append_decimal(value, scale, &mut out);
        String::from_utf8(out.split_off(1)).unwrap()
    }

    /// Digit by digit: slow and obvious.
    fn reference(value: i128, scale: usize) -> String {
        let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
        let (whole, part) = digits.split_at(digits.len() - scale);
        let sign = if value < 0 { "-" } else { "" };
        if scale == 0 {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{part}")
        }
    }

    #[test]
    fn agrees_with_the_reference_at_every_length_and_scale() {
        for scale in 0..=38u8 {
            let mut power = 1i128;
            for _ in 0..38 {
                for value in [
                    power - 1,
                    power,
                    power + 1,
                    power / 7 * 3,
                    -power,
                    1 - power,
                ] {
                    assert_eq!(
                        text(value, scale as i8),
                        reference(value, scale.into()),
                        "{value} {scale}"
                    );
                }
                power *= 10;
            }
        }
        assert_eq!(text(i128::MIN, 2), reference(i128::MIN, 2));
        assert_eq!(text(12, -2), "1200");
        assert_eq!(text(0, -2), "0");
    }
}
