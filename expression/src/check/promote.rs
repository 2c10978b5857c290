//! Types of operands that meet (semantics 1.1).

use dtsx::DataType;

use crate::syntax::BinaryOperator;

pub(crate) fn is_integer(data_type: &DataType) -> bool {
    bits(data_type).is_some()
}

pub(crate) fn is_numeric(data_type: &DataType) -> bool {
    is_integer(data_type)
        || matches!(
            data_type,
            DataType::R4
                | DataType::R8
                | DataType::Cy
                | DataType::Decimal { .. }
                | DataType::Numeric { .. }
        )
}

pub(crate) fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Str { .. } | DataType::WStr { .. } | DataType::Text { .. } | DataType::NText
    )
}

fn is_date(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Date
            | DataType::DbDate
            | DataType::DbTimeStamp
            | DataType::DbTimeStamp2 { .. }
            | DataType::FileTime
    )
}

/// (bits, signed) of an integer.
fn bits(data_type: &DataType) -> Option<(u8, bool)> {
    Some(match data_type {
        DataType::I1 => (8, true),
        DataType::I2 => (16, true),
        DataType::I4 => (32, true),
        DataType::I8 => (64, true),
        DataType::UI1 => (8, false),
        DataType::UI2 => (16, false),
        DataType::UI4 => (32, false),
        DataType::UI8 => (64, false),
        _ => return None,
    })
}

pub(super) fn is_unsigned(data_type: &DataType) -> bool {
    matches!(bits(data_type), Some((_, false)))
}

fn integer(bits: u8, signed: bool) -> DataType {
    match (bits, signed) {
        (8, true) => DataType::I1,
        (16, true) => DataType::I2,
        (32, true) => DataType::I4,
        (_, true) => DataType::I8,
        (8, false) => DataType::UI1,
        (16, false) => DataType::UI2,
        (32, false) => DataType::UI4,
        (_, false) => DataType::UI8,
    }
}

/// Precision and scale of an exact number.
pub(crate) fn decimal_shape(data_type: &DataType) -> Option<(u8, u8)> {
    Some(match *data_type {
        DataType::Numeric { precision, scale } => (precision, scale),
        DataType::Decimal { scale } => (29, scale),
        DataType::Cy => (19, 4),
        DataType::I1 | DataType::UI1 => (3, 0),
        DataType::I2 | DataType::UI2 => (5, 0),
        DataType::I4 | DataType::UI4 => (10, 0),
        DataType::I8 => (19, 0),
        DataType::UI8 => (20, 0),
        _ => return None,
    })
}

fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::R4 | DataType::R8)
}

/// The type in which two operands meet: comparisons and the branches of `?:`. `None` if they do not (semantics 1.1.1 to
/// 1.1.6).
pub(crate) fn common(left: &DataType, right: &DataType) -> Option<DataType> {
    if left == right {
        return Some(*left);
    }
    if is_numeric(left) && is_numeric(right) {
        return common_number(left, right);
    }
    if let (Some(left), Some(right)) = (text_length(left), text_length(right)) {
        let length = left.max(right);
        return Some(DataType::WStr { length });
    }
    if is_date(left) && is_date(right) {
        let scale = fraction(left).max(fraction(right));
        let precise = |one: &DataType| matches!(one, DataType::DbTimeStamp2 { .. });
        return Some(match precise(left) || precise(right) {
            true => DataType::DbTimeStamp2 { scale },
            false => DataType::DbTimeStamp,
        });
    }
    match (left, right) {
        (DataType::DbTimeStampOffset { .. }, other)
        | (other, DataType::DbTimeStampOffset { .. }) => {
            // No offset means UTC (semantics 1.5.8).
            let fits = is_date(other) || matches!(other, DataType::DbTimeStampOffset { .. });
            let scale = fraction(left).max(fraction(right));
            fits.then_some(DataType::DbTimeStampOffset { scale })
        }
        (
            DataType::DbTime | DataType::DbTime2 { .. },
            DataType::DbTime | DataType::DbTime2 { .. },
        ) => Some(DataType::DbTime2 {
            scale: fraction(left).max(fraction(right)),
        }),
        (DataType::Bytes { length: left }, DataType::Bytes { length: right }) => {
            Some(DataType::Bytes {
                length: *left.max(right),
            })
        }
        _ => None,
    }
}

/// The type of `?:` from those of its branches: two DT_DECIMAL give DT_NUMERIC, as in arithmetic (semantics
/// 1.1.6), and where 38 digits do not hold both branches, decimals give way to whole digits as in a sum (1.1.7).
pub(crate) fn branches(yes: &DataType, no: &DataType) -> Option<DataType> {
    let meet = common(yes, no)?;
    Some(match (meet, decimal_shape(&meet)) {
        (DataType::Decimal { .. }, Some((precision, scale))) => {
            DataType::Numeric { precision, scale }
        }
        (DataType::Numeric { .. }, _) => {
            let (whole, scale) = digits(yes, no)?;
            numeric((whole + scale).min(38), scale.min(38 - whole.min(38)))
        }
        _ => meet,
    })
}

/// Digits before and behind the point that hold all exact numbers of two types.
fn digits(left: &DataType, right: &DataType) -> Option<(u32, u32)> {
    let ((p1, s1), (p2, s2)) = (decimal_shape(left)?, decimal_shape(right)?);
    let whole = p1.saturating_sub(s1).max(p2.saturating_sub(s2));
    Some((whole.into(), s1.max(s2).into()))
}

/// Whether exact numbers of two types have no type that holds both: they are compared as they are.
pub(super) fn meet_nowhere(left: &DataType, right: &DataType) -> bool {
    digits(left, right).is_some_and(|(whole, scale)| whole + scale > 38)
}

/// Digits of a second that a moment has.
fn fraction(data_type: &DataType) -> u8 {
    match *data_type {
        DataType::DbTime2 { scale }
        | DataType::DbTimeStamp2 { scale }
        | DataType::DbTimeStampOffset { scale } => scale,
        DataType::DbTimeStamp => 3,
        DataType::FileTime => 7,
        _ => 0,
    }
}

fn common_number(left: &DataType, right: &DataType) -> Option<DataType> {
    if is_float(left) || is_float(right) {
        // The page "Data Types in Expressions" draws every number but DT_R8 into DT_R4.
        return Some(match DataType::R8 {
            wide if *left == wide || *right == wide => wide,
            _ => DataType::R4,
        });
    }
    if let (Some((a, signed_a)), Some((b, signed_b))) = (bits(left), bits(right)) {
        return match (signed_a, signed_b) {
            (true, true) | (false, false) => Some(integer(a.max(b), signed_a)),
            _ => {
                let (signed, unsigned) = if signed_a { (a, b) } else { (b, a) };
                if unsigned == 64 {
                    return None;
                }
                Some(integer(signed.max(unsigned * 2), true))
            }
        };
    }
    let (whole, scale) = digits(left, right)?;
    Some(numeric((whole + scale).min(38), scale))
}

/// The result type of `+ - * / %` on numbers; for decimals by the T-SQL rules (semantics 1.1.7).
pub(crate) fn arithmetic(
    operator: BinaryOperator,
    left: &DataType,
    right: &DataType,
) -> Option<DataType> {
    let integers = is_integer(left) && is_integer(right);
    if operator == BinaryOperator::Modulo && !integers {
        return None;
    }
    if integers || is_float(left) || is_float(right) {
        return common_number(left, right);
    }
    if (left, right) == (&DataType::Cy, &DataType::Cy) {
        return Some(DataType::Cy);
    }
    let ((p1, s1), (p2, s2)) = (decimal_shape(left)?, decimal_shape(right)?);
    let (p1, s1, p2, s2) = (u32::from(p1), u32::from(s1), u32::from(p2), u32::from(s2));
    let (precision, scale) = match operator {
        BinaryOperator::Multiply => (p1 + p2 + 1, s1 + s2),
        BinaryOperator::Divide => {
            let scale = (s1 + p2 + 1).max(6);
            (p1 - s1 + s2 + scale, scale)
        }
        _ => {
            let scale = s1.max(s2);
            let whole = (p1 - s1).max(p2 - s2) + 1;
            // Sums give up decimals for whole digits.
            return Some(match whole + scale > 38 {
                true => numeric(38, scale.min(38_u32.saturating_sub(whole - 1))),
                false => numeric(whole + scale, scale),
            });
        }
    };
    Some(cap(precision, scale))
}

/// A precision beyond 38 takes digits from the scale, down to 6.
fn cap(precision: u32, scale: u32) -> DataType {
    if precision <= 38 {
        return numeric(precision, scale);
    }
    let whole = precision - scale;
    let least = scale.min(6);
    numeric(38, scale.min(38_u32.saturating_sub(whole)).max(least))
}

fn numeric(precision: u32, scale: u32) -> DataType {
    DataType::Numeric {
        precision: precision as u8,
        scale: scale as u8,
    }
}

/// Characters that a text of this type can have; `None` for the long types.
pub(crate) fn text_length(data_type: &DataType) -> Option<u32> {
    match *data_type {
        DataType::Str { length, .. } | DataType::WStr { length } => Some(length),
        _ => None,
    }
}
