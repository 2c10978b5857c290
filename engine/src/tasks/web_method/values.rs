//! Values of parameters as XML Schema writes them.
//!
//! Packages and variables have them as .NET and SSIS write them: `True`, `2024-12-31 23:59:59`.

use dtsx::{DataType, SsisCode};
use fletching_connections::http::{SoapContent, SoapMethod};
use fletching_expression::Scalar;

use super::Problem;

/// `DTS_E_WEBSERVICETASK_CONVERT_FAILED`, `..._ENUM_VALUE_NOT_FOUND`, `..._DATATYPE_NOT_SUPPORTED`.
const NOT_CONVERTED: SsisCode = SsisCode(0xC002_923C);
const NO_MEMBER: SsisCode = SsisCode(0xC002_923A);
const OTHER_TYPE: SsisCode = SsisCode(0xC002_9218);

/// The value of a variable as text, moments in the form of XML; `None`: NULL.
pub(super) fn text(value: &Scalar) -> Option<String> {
    if value.is_null() {
        return None;
    }
    let is_moment = matches!(
        value.data_type,
        DataType::Date | DataType::DbDate | DataType::DbTimeStamp | DataType::DbTimeStamp2 { .. }
    );
    let written = is_moment
        .then(|| arrow::util::display::array_value_to_string(&value.array, 0).ok())
        .flatten();
    Some(written.unwrap_or_else(|| value.to_string()))
}

/// The value of a parameter for a message.
///
/// # Errors
/// It is no value of the parameter's type. A parameter that the method has not is left to whoever writes the message.
pub(super) fn lexical(method: &SoapMethod, name: &str, text: &str) -> Result<String, Problem> {
    let Some(parameter) = method.parameters.iter().find(|one| one.name == name) else {
        return Ok(text.to_owned());
    };
    let data_type = parameter.data_type.as_str();
    match &parameter.content {
        SoapContent::Simple => simple(data_type, text).ok_or_else(|| {
            let advice = match data_type {
                "dateTime" => "; write it as 2024-12-31T23:59:59",
                _ => "",
            };
            let message =
                format!("its parameter `{name}` is `{text}`, which is no {data_type}{advice}");
            (NOT_CONVERTED, message)
        }),
        SoapContent::Enumeration(members) => match members.iter().any(|member| member == text) {
            true => Ok(text.to_owned()),
            false => {
                let known = members.join(", ");
                let message =
                    format!("its parameter `{name}` is `{text}`; {data_type} has: {known}");
                Err((NO_MEMBER, message))
            }
        },
        SoapContent::Structured => {
            let message = format!(
                "its parameter `{name}` is a list or holds elements ({data_type}), which is not supported: simple types and enumerations are"
            );
            Err((OTHER_TYPE, message))
        }
    }
}

/// The value of a type of XML Schema; `None` if it is none of that type.
fn simple(data_type: &str, text: &str) -> Option<String> {
    let trimmed = text.trim();
    let whole = |range: std::ops::RangeInclusive<i128>| {
        let number: i128 = trimmed.parse().ok()?;
        range.contains(&number).then(|| number.to_string())
    };
    match data_type {
        "boolean" => match trimmed.to_ascii_lowercase().as_str() {
            "true" | "1" | "-1" => Some("true".to_owned()),
            "false" | "0" => Some("false".to_owned()),
            _ => None,
        },
        "byte" => whole(i8::MIN.into()..=i8::MAX.into()),
        "short" => whole(i16::MIN.into()..=i16::MAX.into()),
        "int" => whole(i32::MIN.into()..=i32::MAX.into()),
        "long" => whole(i64::MIN.into()..=i64::MAX.into()),
        "unsignedByte" => whole(0..=u8::MAX.into()),
        "unsignedShort" | "char" => whole(0..=u16::MAX.into()),
        "unsignedInt" => whole(0..=u32::MAX.into()),
        "unsignedLong" => whole(0..=u64::MAX.into()),
        "integer" => whole(i128::MIN..=i128::MAX),
        "nonNegativeInteger" => whole(0..=i128::MAX),
        "positiveInteger" => whole(1..=i128::MAX),
        "nonPositiveInteger" => whole(i128::MIN..=0),
        "negativeInteger" => whole(i128::MIN..=-1),
        "decimal" => {
            let digits = trimmed.trim_start_matches(['+', '-']);
            let is_number = !digits.is_empty()
                && digits
                    .bytes()
                    .all(|one| one.is_ascii_digit() || one == b'.')
                && trimmed.parse::<f64>().is_ok();
            is_number.then(|| trimmed.to_owned())
        }
        "float" | "double" => match trimmed {
            "INF" | "-INF" | "NaN" => Some(trimmed.to_owned()),
            _ => {
                let number: f64 = trimmed.parse().ok()?;
                number.is_finite().then(|| trimmed.to_owned())
            }
        },
        "dateTime" => moment(trimmed),
        "date" => {
            let date = trimmed.split(['T', ' ']).next().unwrap_or_default();
            is_date(date).then(|| date.to_owned())
        }
        _ => Some(text.to_owned()),
    }
}

/// `2024-12-31T23:59:59` of a date with or without a time.
fn moment(text: &str) -> Option<String> {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, time.trim()),
        None => (text, "00:00:00"),
    };
    let clock = time.trim_end_matches('Z');
    let clock = match clock.rfind(['+', '-']) {
        Some(at) => clock.get(..at)?,
        None => clock,
    };
    let is_time = chrono::NaiveTime::parse_from_str(clock, "%H:%M:%S%.f").is_ok();
    (is_date(date) && is_time).then(|| format!("{date}T{time}"))
}

fn is_date(text: &str) -> bool {
    chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_simple_types() {
        for (data_type, text, wanted) in [
            ("boolean", "True", Some("true")),
            ("boolean", " 0", Some("false")),
            ("boolean", "yes", None),
            ("int", "+7 ", Some("7")),
            ("int", "2147483648", None),
            ("int", "", None),
            ("unsignedByte", "-1", None),
            ("decimal", "-12.50", Some("-12.50")),
            ("decimal", "1.2.3", None),
            ("decimal", "1e3", None),
            ("double", "1e3", Some("1e3")),
            ("double", "inf", None),
            ("double", "INF", Some("INF")),
            ("dateTime", "2024-12-31", Some("2024-12-31T00:00:00")),
            (
                "dateTime",
                "2024-12-31 23:59:59.5",
                Some("2024-12-31T23:59:59.5"),
            ),
            (
                "dateTime",
                "2024-12-31T23:59:59+02:00",
                Some("2024-12-31T23:59:59+02:00"),
            ),
            ("dateTime", "12/31/2024", None),
            ("dateTime", "2024-02-30", None),
            ("date", "2024-12-31T00:00:00", Some("2024-12-31")),
            ("string", " a ", Some(" a ")),
        ] {
            assert_eq!(
                simple(data_type, text).as_deref(),
                wanted,
                "{data_type} {text}"
            );
        }
    }

    #[test]
    fn values_of_variables() {
        assert_eq!(text(&Scalar::from("x")).as_deref(), Some("x"));
        assert_eq!(text(&Scalar::null(DataType::I4)), None);
        let moment = Scalar::date_micros(1_704_067_200_000_000);
        assert_eq!(text(&moment).as_deref(), Some("2024-01-01T00:00:00"));
    }
}
