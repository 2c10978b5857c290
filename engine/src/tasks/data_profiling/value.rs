//! Values as a profile has them: those of a column in, text out.

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{DataType, Float32Type, Float64Type},
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions},
};

/// The values of an array, as text.
pub(super) struct Values<'a> {
    array: &'a ArrayRef,
    formatter: ArrayFormatter<'a>,
}

/// Arrow has nine digits of a second, SSIS seven.
const TIMESTAMP: &str = "%Y-%m-%dT%H:%M:%S%.9f";

impl<'a> Values<'a> {
    pub(super) fn new(array: &'a ArrayRef) -> Result<Self, ArrowError> {
        let options = FormatOptions::default().with_timestamp_format(Some(TIMESTAMP));
        let formatter = ArrayFormatter::try_new(array.as_ref(), &options)?;
        Ok(Self { array, formatter })
    }

    pub(super) fn text(&self, at: usize) -> Result<String, ArrowError> {
        Ok(match self.array.data_type() {
            DataType::Float32 => {
                let value = self.array.as_primitive::<Float32Type>().value(at);
                number(f64::from(value), 7)
            }
            DataType::Float64 => number(self.array.as_primitive::<Float64Type>().value(at), 15),
            DataType::Timestamp(_, None) => {
                let mut text = self.formatter.value(at).try_to_string()?;
                text.truncate(text.len().saturating_sub(2));
                text
            }
            _ => self.formatter.value(at).try_to_string()?,
        })
    }
}

/// A number with so many significant digits, as .NET Framework's format G has it.
pub(super) fn number(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return match value {
            0.0 => "0".to_owned(),
            other => other.to_string(),
        };
    }
    let text = format!("{:.*e}", digits.saturating_sub(1), value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let figures: String = mantissa.chars().filter(|one| *one != '.').collect();
    let figures = figures.trim_end_matches('0');
    let sign = if value < 0.0 { "-" } else { "" };
    let point = |before: usize| match figures.split_at_checked(before) {
        Some((whole, "")) => whole.to_owned(),
        Some((whole, part)) => format!("{whole}.{part}"),
        None => format!("{figures:0<before$}"),
    };
    let is_plain = exponent > -5 && usize::try_from(exponent.max(0)).is_ok_and(|one| one < digits);
    match (is_plain, usize::try_from(exponent)) {
        (true, Ok(exponent)) => format!("{sign}{}", point(exponent + 1)),
        (true, Err(_)) => {
            let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
            format!("{sign}0.{zeros}{figures}")
        }
        (false, _) => format!("{sign}{}E{exponent:+03}", point(1)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float32Array, TimestampMicrosecondArray};

    use super::*;

    #[test]
    fn numbers_have_fifteen_digits() {
        let cases = [
            (0.0, "0"),
            (3.0, "3"),
            (-40.5, "-40.5"),
            (1.118_033_988_749_895, "1.11803398874989"),
            (0.25, "0.25"),
            (0.000_12, "0.00012"),
            (0.000_012, "1.2E-05"),
            (1e14, "100000000000000"),
            (1.5e20, "1.5E+20"),
        ];
        for (value, wanted) in cases {
            assert_eq!(number(value, 15), wanted);
        }
    }

    #[test]
    fn values_are_written_as_ssis_does() {
        let array: ArrayRef =
            Arc::new(TimestampMicrosecondArray::from(vec![1_467_590_400_500_000]));
        let text = Values::new(&array).unwrap().text(0).unwrap();
        assert_eq!(text, "2016-07-04T00:00:00.5000000");
        let array: ArrayRef = Arc::new(Float32Array::from(vec![0.1]));
        assert_eq!(Values::new(&array).unwrap().text(0).unwrap(), "0.1");
    }
}
