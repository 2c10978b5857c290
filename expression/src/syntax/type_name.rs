//! `DT_NUMERIC, 10, 2`: the types that casts and NULL() name, with their arguments (spec `ssis-matrix.md` 5.4).

use dtsx::{DataType, SsisCode};

use super::hints;
use crate::code_page::CodePage;

/// What is wrong with the type of a cast or of NULL().
pub(crate) type Wrong = (SsisCode, String);

/// An argument of a type, and the values that it may have.
enum Argument {
    /// Most bytes or characters.
    Length(u32),
    Precision,
    /// Digits after the point; of DT_NUMERIC no more than its precision, which is the argument before.
    Scale(u32),
    CodePage,
}

pub(crate) fn data_type(name: &str, arguments: &[u32], of_cast: bool) -> Result<DataType, Wrong> {
    let prefix = name.get(..3).unwrap_or_default();
    let bare = match prefix.eq_ignore_ascii_case("DT_") {
        true => name.get(3..).unwrap_or_default().to_ascii_lowercase(),
        false => String::new(),
    };
    let wanted: &[Argument] = match bare.as_str() {
        "str" => &[Argument::Length(8000), Argument::CodePage],
        "wstr" => &[Argument::Length(4000)],
        "bytes" => &[Argument::Length(8000)],
        "numeric" => &[Argument::Precision, Argument::Scale(38)],
        "decimal" => &[Argument::Scale(28)],
        "dbtime2" | "dbtimestamp2" | "dbtimestampoffset" => &[Argument::Scale(7)],
        "text" => &[Argument::CodePage],
        _ => &[],
    };
    let [cast, null] = [
        SsisCode::EXPRESSION_INVALID_CAST,
        SsisCode::EXPRESSION_NULL_TYPE,
    ];
    let [cast_arguments, null_arguments] = [
        SsisCode::EXPRESSION_CAST_ARGUMENTS,
        SsisCode::EXPRESSION_NULL_ARGUMENTS,
    ];
    let (unknown, count) = match of_cast {
        true => (cast, cast_arguments),
        false => (null, null_arguments),
    };
    let at = |index: usize| arguments.get(index).copied().unwrap_or(0);
    let found = match bare.as_str() {
        "null" | "empty" | "datetime" => None,
        "str" => DataType::from_xml("str", at(0), 0, 0, at(1)),
        "text" => DataType::from_xml("text", 0, 0, 0, at(0)),
        "wstr" | "bytes" => DataType::from_xml(&bare, at(0), 0, 0, 0),
        "numeric" => DataType::from_xml("numeric", 0, at(0), at(1), 0),
        _ => DataType::from_xml(&bare, 0, 0, at(0), 0),
    };
    let Some(data_type) = found else {
        let hint = hints::data_type(&bare);
        return Err((unknown, format!("`{name}` is not a data type{hint}")));
    };
    if arguments.len() != wanted.len() {
        let names: Vec<&str> = wanted.iter().map(Argument::name).collect();
        let given = arguments.len();
        let message = match names[..] {
            [] => format!("{name} takes no arguments"),
            _ => format!(
                "{name} takes {}; arguments given: {given}",
                names.join(" and ")
            ),
        };
        return Err((count, message));
    }
    for (position, (argument, value)) in wanted.iter().zip(arguments).enumerate() {
        let before = position.checked_sub(1).map(at);
        argument
            .check(*value, before)
            .map_err(|message| (argument.code(of_cast), format!("{name}: {message}")))?;
    }
    Ok(data_type)
}

impl Argument {
    fn name(&self) -> &'static str {
        match self {
            Self::Length(_) => "a length",
            Self::Precision => "a precision",
            Self::Scale(_) => "a scale",
            Self::CodePage => "a code page",
        }
    }

    /// The code for one that does not fit, of a cast or of NULL().
    fn code(&self, of_cast: bool) -> SsisCode {
        match (self, of_cast) {
            (Self::Length(_), true) => SsisCode::EXPRESSION_CAST_LENGTH,
            (Self::Length(_), false) => SsisCode::EXPRESSION_NULL_LENGTH,
            (Self::Precision, true) => SsisCode::EXPRESSION_CAST_PRECISION,
            (Self::Precision, false) => SsisCode::EXPRESSION_NULL_PRECISION,
            (Self::Scale(_), true) => SsisCode::EXPRESSION_CAST_SCALE,
            (Self::Scale(_), false) => SsisCode::EXPRESSION_NULL_SCALE,
            (Self::CodePage, true) => SsisCode::EXPRESSION_CAST_CODE_PAGE,
            (Self::CodePage, false) => SsisCode::EXPRESSION_NULL_CODE_PAGE,
        }
    }

    fn check(&self, value: u32, before: Option<u32>) -> Result<(), String> {
        let (least, most) = match self {
            Self::Length(most) => (0, *most),
            Self::Precision => (1, 38),
            Self::Scale(most) => (0, before.unwrap_or(*most)),
            Self::CodePage => {
                return match CodePage::from_number(value) {
                    Ok(_) => Ok(()),
                    Err(error) => Err(error.to_string()),
                };
            }
        };
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(format!(
            "{} is {least} to {most}, {value} is given",
            self.name()
        ))
    }
}
