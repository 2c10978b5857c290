//! Columns to text by the conventions of a locale, as casts and Data Conversion write them: `DT_DATE` in full, `DT_R4` and
//! `DT_R8` with its decimal sign. All other types are written alike everywhere.
//!
//! `DT_DATE` goes as OLE automation writes it: to the second, without the time at midnight, without the date on day zero
//! (1899-12-30).

use std::convert::Infallible;

use arrow::array::{Array, ArrayRef};
use dtsx::DataType;

use super::{ColumnText, FormatError, append_f32, append_f64, format_array};
use crate::{
    arrays::TextBuilder,
    text::{Locale, Written, civil_from_days},
};

const DAY: i64 = 86_400;
/// 1899-12-30, in days from 1970-01-01.
const OLE_ZERO: i64 = -25_569;
/// The years 1 to 9999, in days from 1970-01-01.
const YEARS: std::ops::RangeInclusive<i64> = -719_162..=2_932_896;

/// As [`format_array`], by the conventions of an LCID. One that is not known writes as the invariant locale does, and dates
/// as ISO has them.
///
/// # Errors
/// [`FormatError`] if the array is not the carrier of `data_type`.
pub fn format_local(
    array: &ArrayRef,
    data_type: &DataType,
    locale_id: u32,
) -> Result<ArrayRef, FormatError> {
    if !matches!(data_type, DataType::Date | DataType::R4 | DataType::R8) {
        return format_array(array, data_type);
    }
    let decimal = decimal_sign(locale_id);
    let column = ColumnText::new(array, data_type)?;
    let nulls = array.logical_nulls();
    let mut builder = TextBuilder::new(array.len());
    let mut number = Vec::new();
    let written = Written::by(locale_id);
    for row in 0..array.len() {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            builder.empty();
            continue;
        }
        match &column {
            ColumnText::OleDate(values) => {
                let micros = values.get(row).copied().unwrap_or_default();
                let Ok(()) = builder.write(|out| {
                    push_moment(micros, written, out);
                    Ok::<(), Infallible>(())
                });
                continue;
            }
            ColumnText::F32(values) => append_f32(values[row], &mut number),
            ColumnText::F64(values) => append_f64(values[row], &mut number),
            _ => {}
        }
        if let Some(point) = number.iter_mut().find(|byte| **byte == b'.') {
            *point = decimal;
        }
        builder.push(&String::from_utf8_lossy(&number)); // ASCII always: borrowed, not copied
        number.clear();
    }
    Ok(std::sync::Arc::new(builder.finish(nulls)))
}

/// The decimal sign of DT_R4 and DT_R8 in text.
pub(crate) fn decimal_sign(locale_id: u32) -> u8 {
    Locale::from_lcid(locale_id).map_or(b'.', |locale| locale.decimal)
}

/// A moment from microseconds since 1970-01-01.
fn push_moment(micros: i64, written: &Written, out: &mut String) {
    let at_midnight = micros.rem_euclid(DAY * 1_000_000) == 0;
    let seconds = micros.saturating_add(500_000).div_euclid(1_000_000);
    let days = seconds.div_euclid(DAY).clamp(*YEARS.start(), *YEARS.end());
    let moment = Moment {
        date: civil_from_days(days as i32),
        second: seconds.rem_euclid(DAY) as u32,
        halves: written.halves,
    };
    let dated = days != OLE_ZERO;
    if dated {
        moment.push(written.date, out);
    }
    if dated && at_midnight {
        return;
    }
    if dated {
        out.push(' ');
    }
    moment.push(written.time, out);
}

/// What the letters of a picture stand for.
struct Moment {
    /// Year, month and day.
    date: (u32, u32, u32),
    /// Of the day.
    second: u32,
    halves: [&'static str; 2],
}

impl Moment {
    /// Writes a picture of Windows: `dd.MM.yyyy`, `h:mm:ss tt`.
    fn push(&self, picture: &str, out: &mut String) {
        let (year, month, day) = self.date;
        let hour = self.second / 3600;
        let mut rest = picture;
        while let Some(letter) = rest.chars().next() {
            let after = rest.trim_start_matches(letter);
            let digits = rest.len() - after.len();
            rest = after;
            let number = match letter {
                'y' => year,
                'M' => month,
                'd' => day,
                'H' => hour,
                'h' => (hour + 11) % 12 + 1,
                'm' => self.second / 60 % 60,
                's' => self.second % 60,
                't' => {
                    out.push_str(self.halves[usize::from(hour >= 12)]);
                    continue;
                }
                sign => {
                    out.push(sign);
                    continue;
                }
            };
            push_number(number, digits, out);
        }
    }
}

/// A number of at least so many digits.
fn push_number(number: u32, digits: usize, out: &mut String) {
    let mut place = 1000;
    for left in (1..=4).rev() {
        if left <= digits || number >= place {
            out.push(char::from(b'0' + (number / place % 10) as u8));
        }
        place /= 10;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Float64Array, TimestampMicrosecondArray};
    use chrono::NaiveDateTime;

    use super::*;

    fn date(text: &str, locale_id: u32) -> String {
        let at = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").unwrap();
        let array: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![
            at.and_utc().timestamp_micros(),
        ]));
        let texts = format_local(&array, &DataType::Date, locale_id).unwrap();
        texts.as_string_view().value(0).to_owned()
    }

    #[test]
    fn dates_by_locale() {
        // As packages store them.
        assert_eq!(date("2020-06-02 10:27:29", 1045), "02.06.2020 10:27:29");
        assert_eq!(date("2020-05-02 00:00:00", 1045), "02.05.2020");
        assert_eq!(date("2016-09-07 19:14:43", 1033), "9/7/2016 7:14:43 PM");
        assert_eq!(date("2016-11-30 11:28:51", 1033), "11/30/2016 11:28:51 AM");
        // As Windows has them.
        assert_eq!(date("2022-08-18 09:46:04", 0), "08/18/2022 09:46:04");
        assert_eq!(date("2022-08-18 09:46:04", 127), "08/18/2022 09:46:04");
        assert_eq!(date("2022-08-18 09:46:04", 2057), "18/08/2022 09:46:04");
        assert_eq!(date("2022-08-08 09:46:04", 1041), "2022/08/08 9:46:04");
        assert_eq!(date("2022-08-08 00:00:04", 1033), "8/8/2022 12:00:04 AM");
        assert_eq!(date("2022-08-08 12:00:04", 1033), "8/8/2022 12:00:04 PM");
        assert_eq!(date("2022-08-08 13:00:04", 1042), "2022-08-08 오후 1:00:04");
        assert_eq!(date("0999-08-08 13:00:04", 1031), "08.08.0999 13:00:04");
        // Arabic: not known.
        assert_eq!(date("2022-08-18 09:46:04", 1025), "2022-08-18 09:46:04");
        assert_eq!(date("2022-08-18 00:00:00", 0x3FE), "2022-08-18");
    }

    #[test]
    fn day_zero_and_parts_of_seconds() {
        assert_eq!(date("1899-12-30 00:00:00", 1033), "12:00:00 AM");
        assert_eq!(date("1899-12-30 18:30:00", 1045), "18:30:00");
        assert_eq!(date("2022-08-18 09:46:04.499", 1045), "18.08.2022 09:46:04");
        assert_eq!(date("2022-08-18 09:46:04.500", 1045), "18.08.2022 09:46:05");
        assert_eq!(date("2022-08-18 23:59:59.900", 1045), "19.08.2022 00:00:00");
    }

    #[test]
    fn floats_by_locale() {
        let array: ArrayRef = Arc::new(Float64Array::from(vec![
            Some(184.44),
            None,
            Some(-1.5e-7),
            Some(3.0),
        ]));
        let texts = |locale_id| {
            let texts = format_local(&array, &DataType::R8, locale_id).unwrap();
            let texts = texts.as_string_view();
            texts
                .iter()
                .map(|text| text.unwrap_or("NULL").to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(1045), ["184,44", "NULL", "-1,5E-07", "3"]);
        assert_eq!(texts(1033), ["184.44", "NULL", "-1.5E-07", "3"]);
        assert_eq!(texts(0x3FE), texts(0));
    }
}
