//! Floating point, in casts: the shortest digits that read back as the same value, laid out as .NET's "R" form.
//!
//! Plain notation while the decimal exponent lies above -5 and below the precision, which is 15 (`DT_R8`) or 7 (`DT_R4`),
//! or 17 and 9 for values that need more digits than that; else `d.dddE+XX` with two exponent digits at least. So `1000`,
//! `0.0001`, `123456789.125`, but `1E-05`, `1E+15` and, for `DT_R4`, `1E+07`. Negative zero is `0`.
//!
//! A flat file has a `DT_R4` with eight digits at most, and with an exponent once more than eight of them would follow the
//! point: `0.15000001`, `0.00154321`, but `5.0000001E-2`, `1.500938E-3`. So have the files that SSIS is known to have written,
//! all with values below one. None with a `DT_R8`, or with a `DT_R4` from 100000000, is known: these are as in casts.

use std::io::Write as _;

/// The text of a `DT_R8`.
pub fn append_f64(value: f64, out: &mut Vec<u8>) {
    let mut buffer = ryu::Buffer::new();
    if value.is_finite() {
        append_shortest(buffer.format_finite(value).as_bytes(), (15, 17), out);
    } else {
        append_not_finite(value.is_nan(), value < 0.0, out);
    }
}

/// The text of a `DT_R4`.
pub fn append_f32(value: f32, out: &mut Vec<u8>) {
    let mut buffer = ryu::Buffer::new();
    if value.is_finite() {
        append_shortest(buffer.format_finite(value).as_bytes(), (7, 9), out);
    } else {
        append_not_finite(value.is_nan(), value < 0.0, out);
    }
}

/// Most digits of a `DT_R4` in a flat file, and most of them behind its point.
const FILE_DIGITS: usize = 8;

/// The text of a `DT_R4` in a flat file.
pub fn append_f32_of_file(value: f32, out: &mut Vec<u8>) {
    // A digit, a point, seven more, and the exponent of ten: `1.5009380e-3`.
    let mut written = [0; 24];
    let mut free = written.as_mut_slice();
    let is_written = write!(free, "{:.*e}", FILE_DIGITS - 1, value.abs()).is_ok();
    let left = free.len();
    if !is_written || !value.is_finite() || value.abs() >= 1e8 {
        return append_f32(value, out);
    }
    let written = written.get(..written.len() - left).unwrap_or_default();
    let mut parts = written.split(|byte| *byte == b'e');
    let (digits, power) = (parts.next(), parts.next());
    let power = exponent(power.unwrap_or_default());
    let mut bare = [b'0'; FILE_DIGITS];
    let digits = digits
        .unwrap_or_default()
        .iter()
        .filter(|byte| **byte != b'.');
    bare.iter_mut()
        .zip(digits)
        .for_each(|(slot, digit)| *slot = *digit);
    let count = bare
        .iter()
        .rposition(|digit| *digit != b'0')
        .map_or(0, |last| last + 1);
    let digits = bare.get(..count).unwrap_or_default();
    let Some((first, rest)) = digits.split_first() else {
        out.push(b'0');
        return;
    };
    if value < 0.0 {
        out.push(b'-');
    }
    if count as i32 - 1 - power <= FILE_DIGITS as i32 {
        append_plain(digits, power + 1, out);
        return;
    }
    out.push(*first);
    if !rest.is_empty() {
        out.push(b'.');
        out.extend_from_slice(rest);
    }
    out.extend_from_slice(b"E-");
    super::append_u64(power.unsigned_abs().into(), out);
}

fn append_not_finite(nan: bool, negative: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(match (nan, negative) {
        (true, _) => b"NaN",
        (_, true) => b"-Infinity",
        (_, false) => b"Infinity",
    });
}

/// Digits and exponent out of Rust's shortest form (`-12.5`, `1.5e-7`, `1e20`), then laid out anew.
fn append_shortest(text: &[u8], (short, long): (i32, i32), out: &mut Vec<u8>) {
    let mut digits = [0u8; 20];
    let mut count = 0; // digits kept, leading zeros dropped
    let mut point: i32 = 0; // value = 0.digits * 10^point
    let (mut after_point, mut negative) = (false, false);
    let mut bytes = text.iter();
    for byte in bytes.by_ref() {
        match byte {
            b'-' => negative = true,
            b'.' => after_point = true,
            b'e' => break,
            b'0' if count == 0 => point -= i32::from(after_point),
            digit => {
                if let Some(slot) = digits.get_mut(count) {
                    *slot = *digit;
                    count += 1;
                }
                point += i32::from(!after_point);
            }
        }
    }
    point += exponent(bytes.as_slice());
    while count > 0 && digits.get(count - 1) == Some(&b'0') {
        count -= 1;
    }
    let digits = digits.get(..count).unwrap_or_default();
    let Some((first, rest)) = digits.split_first() else {
        out.push(b'0');
        return;
    };
    if negative {
        out.push(b'-');
    }
    let precision = if count as i32 <= short { short } else { long };
    let exponent = point - 1;
    if exponent > -5 && exponent < precision {
        append_plain(digits, point, out);
    } else {
        out.push(*first);
        if !rest.is_empty() {
            out.push(b'.');
            out.extend_from_slice(rest);
        }
        out.extend_from_slice(if exponent < 0 { b"E-" } else { b"E+" });
        if exponent.unsigned_abs() < 10 {
            out.push(b'0');
        }
        super::append_u64(exponent.unsigned_abs().into(), out);
    }
}

fn append_plain(digits: &[u8], point: i32, out: &mut Vec<u8>) {
    if point <= 0 {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', point.unsigned_abs() as usize));
        out.extend_from_slice(digits);
        return;
    }
    let point = point as usize;
    match digits.split_at_checked(point) {
        Some((whole, part)) => {
            out.extend_from_slice(whole);
            if !part.is_empty() {
                out.push(b'.');
                out.extend_from_slice(part);
            }
        }
        None => {
            out.extend_from_slice(digits);
            out.extend(std::iter::repeat_n(b'0', point - digits.len()));
        }
    }
}

/// The number behind the `e`; 0 if there is none.
fn exponent(text: &[u8]) -> i32 {
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    };
    let value = digits
        .iter()
        .fold(0, |value, digit| value * 10 + i32::from(digit - b'0'));
    if negative { -value } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn r8(value: f64) -> String {
        let mut out = Vec::new();
        append_f64(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn r4(value: f32) -> String {
        let mut out = Vec::new();
        append_f32(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn layouts() {
        for (value, text) in [
            (1e3, "1000"),
            (0.1, "0.1"),
            (0.0, "0"),
            (-0.0, "0"),
            (-12.5, "-12.5"),
            (0.0001, "0.0001"),
            (0.00001, "1E-05"),
            (1.5e-7, "1.5E-07"),
            (1e14, "100000000000000"),
            (1e15, "1E+15"),
            (123456789.125, "123456789.125"),
            (1234567890123456.0, "1234567890123456"),
            (0.1 + 0.2, "0.30000000000000004"),
            (f64::MAX, "1.7976931348623157E+308"),
            (5e-324, "5E-324"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(r8(value), text);
        }
        for (value, text) in [
            (0.1, "0.1"),
            (1e7, "1E+07"),
            (16777216.0, "16777216"),
            (-2.5, "-2.5"),
            (100.0, "100"),
        ] {
            assert_eq!(r4(value), text);
        }
    }

    /// As SSIS wrote them.
    #[test]
    fn single_precision_in_files() {
        for (value, text) in [
            (0.05, "5.0000001E-2"),
            (0.03, "2.9999999E-2"),
            (0.01, "9.9999998E-3"),
            (0.15, "0.15000001"),
            (0.25, "0.25"),
            (0.1, "0.1"),
            (0.00149, "1.4900001E-3"),
            (0.00158, "0.00158"),
            (0.00154321, "0.00154321"),
            (0.001500938, "1.500938E-3"),
            (0.0007, "6.9999998E-4"),
            (0.000734, "0.000734"),
            (0.0, "0"),
            // The same rule where no file shows it.
            (-0.0, "0"),
            (-0.05, "-5.0000001E-2"),
            (34.8, "34.799999"),
            (100.0, "100"),
            (12345678.0, "12345678"),
            (1e8, "1E+08"),
            (f32::NAN, "NaN"),
        ] {
            let mut out = Vec::new();
            append_f32_of_file(value, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    #[test]
    fn reads_back_as_the_same_value() {
        let mut bits = 0x9E37_79B9_7F4A_7C15u64;
        for _ in 0..20_000 {
            bits = bits
                .wrapping_mul(0x5851_F42D_4C95_7F2D)
                .wrapping_add(0x1405_7B7E_F767_814F);
            let value = f64::from_bits(bits);
            if value.is_finite() {
                assert_eq!(r8(value).parse::<f64>().unwrap(), value);
            }
            let value = f32::from_bits((bits >> 32) as u32);
            if value.is_finite() {
                assert_eq!(r4(value).parse::<f32>().unwrap(), value);
            }
        }
    }
}
