//! What would fit where types do not: the second half of a message.

use dtsx::{DataType, SsisCode};

use super::{is_integer, is_numeric, is_text, promote};
use crate::{scalar::Scalar, syntax::BinaryOperator};

/// Code and message for operands that an operator does not take.
pub(super) fn operands(
    operator: BinaryOperator,
    left: &DataType,
    right: &DataType,
) -> (SsisCode, String) {
    let symbol = operator.symbol();
    let bitwise = matches!(
        operator,
        BinaryOperator::BitAnd | BinaryOperator::BitOr | BinaryOperator::BitXor
    );
    let integers = is_integer(left) && is_integer(right);
    let signs = integers && (bitwise || promote::common(left, right).is_none());
    let code = match operator {
        _ if signs => SsisCode::EXPRESSION_SIGN_MISMATCH,
        _ if left == right => SsisCode::EXPRESSION_BINARY_TYPE,
        _ => SsisCode::EXPRESSION_BINARY_TYPE_MISMATCH,
    };
    let advice = match operator {
        BinaryOperator::And | BinaryOperator::Or => {
            let other = if *left == DataType::Bool { right } else { left };
            format!("it wants two DT_BOOL{}", condition(other))
        }
        BinaryOperator::BitXor if !signs => "it wants two integers".to_owned(),
        _ if bitwise && !signs => {
            format!("it wants two integers; `{symbol}{symbol}` joins conditions")
        }
        _ if bitwise => {
            let (unsigned, signed) = match promote::is_unsigned(left) {
                true => (left, right),
                false => (right, left),
            };
            format!(
                "both are to be signed or both unsigned: cast one with ({signed}) or ({unsigned})"
            )
        }
        BinaryOperator::Modulo if !signs => {
            "it wants two integers: cast with (DT_I4) or (DT_I8)".to_owned()
        }
        BinaryOperator::Less
        | BinaryOperator::LessEqual
        | BinaryOperator::Greater
        | BinaryOperator::GreaterEqual
            if left == right =>
        {
            "values of this type have no order, only == and !=".to_owned()
        }
        BinaryOperator::Subtract if is_moment(left) && is_moment(right) => {
            "DATEDIFF(\"day\", from, to) counts what lies between".to_owned()
        }
        BinaryOperator::Add | BinaryOperator::Subtract if is_moment(left) && is_numeric(right) => {
            "DATEADD(\"day\", number, date) moves a date".to_owned()
        }
        _ if left == right => "it has no meaning for values of this type".to_owned(),
        BinaryOperator::Subtract | BinaryOperator::Multiply | BinaryOperator::Divide
            if is_text(left) || is_text(right) =>
        {
            "it wants two numbers: cast text with (DT_I4), (DT_NUMERIC,18,2) or (DT_R8)".to_owned()
        }
        _ => advice(left, right),
    };
    (
        code,
        format!("`{symbol}` does not take {left} and {right}: {advice}"),
    )
}

/// A value that a type does not hold: `abc` cannot become DT_I4.
pub(crate) fn cannot_become(value: &Scalar, origin: &str, data_type: &DataType) -> String {
    let shown = match value.to_string().as_str() {
        "" => "empty text".to_owned(),
        value => format!("`{value}`"),
    };
    format!(
        "{shown}{origin} cannot become {data_type}{}",
        form(data_type)
    )
}

/// How text of a type is written, for a message about one that is not.
fn form(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::DbDate => ": a date is written 2024-12-31",
        DataType::DbTime | DataType::DbTime2 { .. } => ": a time is written 13:05:00",
        DataType::Date | DataType::DbTimeStamp | DataType::DbTimeStamp2 { .. } => {
            ": a moment is written 2024-12-31 13:05:00"
        }
        DataType::DbTimeStampOffset { .. } => ": a moment is written 2024-12-31 13:05:00 +01:00",
        DataType::Guid => ": it is written {00112233-4455-6677-8899-AABBCCDDEEFF}",
        DataType::Bool => ": it is written True or False, or as a number",
        other if is_integer(other) => ": a whole number in the range of the type is wanted",
        other if is_numeric(other) => ": a number in the range of the type is wanted",
        _ => "",
    }
}

/// How to make two types meet.
pub(super) fn advice(left: &DataType, right: &DataType) -> String {
    let (text, other) = match (is_text(left), is_text(right)) {
        (true, false) => (true, right),
        (false, true) => (true, left),
        _ => (false, left),
    };
    if text && is_numeric(other) {
        let (number, text) = (cast_of(other), text_cast(other));
        return format!("cast the number with ({text}), or the text with ({number})");
    }
    if text {
        let (from, to) = (text_cast(other), cast_of(other));
        return format!(
            "cast the {} with ({from}), or the text with ({to})",
            other.name()
        );
    }
    if is_integer(left) && is_integer(right) {
        return "a signed and an unsigned 64 bit integer have no common type: cast one with (DT_I8) or (DT_UI8)"
            .to_owned();
    }
    if (*left == DataType::Bool && is_numeric(right))
        || (*right == DataType::Bool && is_numeric(left))
    {
        return "cast the DT_BOOL with (DT_I4), TRUE is -1; or compare the number, as in `x != 0`"
            .to_owned();
    }
    let time = |one: &DataType| matches!(one, DataType::DbTime | DataType::DbTime2 { .. });
    if is_moment(left) && is_moment(right) && time(left) != time(right) {
        return "a time of day and a date have nothing in common: cast both to text, or the date with (DT_DBTIME)".to_owned();
    }
    // Dates have numbers, but seldom the ones that are meant.
    let (a, b) = (cast_of(left), cast_of(right));
    let useful = |from: &DataType, to: &DataType| {
        crate::convert::converts(from, to)
            && !(is_moment(from) && is_numeric(to))
            && !(is_numeric(from) && is_moment(to))
    };
    match (useful(right, &a), useful(left, &b)) {
        (true, true) => format!("cast one with ({a}) or ({b})"),
        (true, false) => format!("cast the {} with ({a})", right.name()),
        (false, true) => format!("cast the {} with ({b})", left.name()),
        (false, false) => "they have no common type".to_owned(),
    }
}

/// What makes a condition of a value that is none.
pub(super) fn condition(found: &DataType) -> &'static str {
    if is_numeric(found) {
        ": compare the number, as in `x != 0`"
    } else if is_text(found) {
        ": compare the text, as in `x == \"Y\"`"
    } else {
        ""
    }
}

/// The type of text that holds any value of a type: `DT_WSTR,11`.
pub(crate) fn text_cast(data_type: &DataType) -> DataType {
    let length = match data_type {
        DataType::Bool => 5,
        DataType::I1 | DataType::UI1 => 4,
        DataType::I2 | DataType::UI2 => 6,
        DataType::I4 | DataType::UI4 => 11,
        DataType::DbDate => 10,
        DataType::DbTime => 8,
        DataType::DbTime2 { .. } => 16,
        DataType::Numeric { .. } | DataType::Decimal { .. } | DataType::Guid => 40,
        DataType::Text { .. } | DataType::NText | DataType::Image => 4000,
        DataType::Bytes { length } => length.saturating_mul(2).min(4000),
        _ => 30,
    };
    DataType::WStr { length }
}

/// The type as a cast names it; text in its Unicode form.
fn cast_of(data_type: &DataType) -> DataType {
    match *data_type {
        DataType::Str { length, .. } => DataType::WStr { length },
        other => other,
    }
}

fn is_moment(data_type: &DataType) -> bool {
    super::build::is_moment(data_type)
}
