//! Decimals: an integer and a scale. The declared scale is kept (spec `ssis-semantics.md` 1.1.7).

use super::integer::{ASCII, append_eight, append_u64, eight_digits};

/// `-12.50` for (-1250, 2); `0.05` for (5, 2); a negative scale appends zeros.
#[inline]
pub fn append_decimal(value: i128, scale: i8, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    let magnitude = value.unsigned_abs();
    match scale {
        1..=7 if magnitude < 100_000_000 => append_short(magnitude as u32, scale as u32, out),
        1..=15 if magnitude < 10_000_000_000_000_000 => {
            append_medium(magnitude as u64, scale as u32, out);
        }
        0 if magnitude <= u128::from(u64::MAX) => append_u64(magnitude as u64, out),
        _ => append_long(magnitude, scale, out),
    }
}

/// Eight digits at most, 1 to 7 of them behind the point: two stores, no division by the scale.
#[inline]
fn append_short(magnitude: u32, scale: u32, out: &mut Vec<u8>) {
    let digits = eight_digits(magnitude);
    let point = 8 - scale;
    let skip = (digits.trailing_zeros() / 8).min(point - 1);
    let text = digits | ASCII;
    let end_of_whole = out.len() + (point - skip) as usize;
    out.extend_from_slice(&(text >> (8 * skip)).to_le_bytes());
    out.truncate(end_of_whole);
    let [b0, b1, b2, b3, b4, b5, b6, b7] = (text >> (8 * point)).to_le_bytes();
    out.extend_from_slice(&[b'.', b0, b1, b2, b3, b4, b5, b6, b7]);
    out.truncate(end_of_whole + 1 + scale as usize);
}

/// As [`append_short`], sixteen digits at most, 1 to 15 of them behind the point.
#[inline]
fn append_medium(magnitude: u64, scale: u32, out: &mut Vec<u8>) {
    let high = eight_digits((magnitude / 100_000_000) as u32);
    let low = eight_digits((magnitude % 100_000_000) as u32);
    let digits = u128::from(high) | u128::from(low) << 64;
    let point = 16 - scale;
    let skip = (digits.trailing_zeros() / 8).min(point - 1);
    let text = digits | u128::from(ASCII) | u128::from(ASCII) << 64;
    let end_of_whole = out.len() + (point - skip) as usize;
    out.extend_from_slice(&(text >> (8 * skip)).to_le_bytes());
    out.truncate(end_of_whole);
    out.push(b'.');
    out.extend_from_slice(&(text >> (8 * point)).to_le_bytes());
    out.truncate(end_of_whole + 1 + scale as usize);
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
            append_eight((low / 100_000_000) as u32, out);
            append_eight((low % 100_000_000) as u32, out);
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
