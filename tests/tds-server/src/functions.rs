//! Functions and collations of T-SQL that SQLite lacks, registered on every connection to it.

use std::cmp::Ordering;

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::Value;
use rusqlite::{Connection, Error, Result};

use crate::convert::{Fit, convert, moment, text};
use crate::dates;
use crate::decimal::Decimal;
use crate::error::SqlError;
use crate::moment::Moment;
use crate::sql_type::{Declared, SqlType};

pub(crate) type Answer = std::result::Result<Value, SqlError>;

pub(crate) fn register(db: &Connection) -> Result<()> {
    db.create_collation("TDS_CI", case_insensitive)?;
    db.create_collation("TDS_MOMENT", by_moment)?;
    db.create_collation("TDS_NUMBER", by_number)?;
    let stable = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    for (name, count, function) in FUNCTIONS {
        db.create_scalar_function(*name, *count, stable, |context| run(context, *function))?;
    }
    for (name, ty) in NOW {
        db.create_scalar_function(*name, 0, FunctionFlags::SQLITE_UTF8, |_| {
            Ok(Moment::now().text(*ty))
        })?;
    }
    db.create_scalar_function("newid", 0, FunctionFlags::SQLITE_UTF8, |_| {
        let mut bytes = [0; 16];
        openssl::rand::rand_bytes(&mut bytes)
            .map_err(|error| Error::UserFunctionError(error.into()))?;
        Ok(crate::convert::guid_text(bytes))
    })
}

const NOW: &[(&str, SqlType)] = &[
    ("getdate", SqlType::DateTime),
    ("getutcdate", SqlType::DateTime),
    ("sysdatetime", SqlType::DateTime2(7)),
    ("sysutcdatetime", SqlType::DateTime2(7)),
    ("sysdatetimeoffset", SqlType::DateTimeOffset(7)),
];

type Function = fn(&[Value]) -> Answer;

const FUNCTIONS: &[(&str, i32, Function)] = &[
    ("tds_store", 3, store),
    ("tds_cast", 2, cast),
    ("tds_cast", 3, cast),
    ("tds_try_cast", 2, try_cast),
    ("tds_try_cast", 3, try_cast),
    ("tds_add", 2, add),
    ("tds_subtract", 2, subtract),
    ("like", 2, like),
    ("like", 3, like),
    ("tds_divide", 2, divide),
    ("tds_modulo", 2, modulo),
    ("tds_type", 2, type_part),
    ("len", 1, len),
    ("datalength", 1, data_length),
    ("left", 2, left),
    ("right", 2, right),
    ("charindex", 2, char_index),
    ("charindex", 3, char_index),
    ("reverse", 1, |values| {
        Ok(Value::Text(text(arg(values, 0)).chars().rev().collect()))
    }),
    ("replicate", 2, |values| {
        Ok(Value::Text(
            text(arg(values, 0)).repeat(count(values, 1).min(8000)),
        ))
    }),
    ("space", 1, |values| {
        Ok(Value::Text(" ".repeat(count(values, 0).min(8000))))
    }),
    ("quotename", 1, |values| {
        Ok(Value::Text(format!(
            "[{}]",
            text(arg(values, 0)).replace(']', "]]")
        )))
    }),
    ("stuff", 4, stuff),
    ("upper", 1, |values| {
        Ok(Value::Text(text(arg(values, 0)).to_uppercase()))
    }),
    ("lower", 1, |values| {
        Ok(Value::Text(text(arg(values, 0)).to_lowercase()))
    }),
    ("ceiling", 1, |values| rounded(values, f64::ceil)),
    ("floor", 1, |values| rounded(values, f64::floor)),
    ("sqrt", 1, |values| Ok(Value::Real(real(values, 0)?.sqrt()))),
    ("power", 2, |values| {
        Ok(Value::Real(real(values, 0)?.powf(real(values, 1)?)))
    }),
    ("year", 1, |values| dates::part_of("year", &arg(values, 0))),
    ("month", 1, |values| {
        dates::part_of("month", &arg(values, 0))
    }),
    ("day", 1, |values| dates::part_of("day", &arg(values, 0))),
    ("datepart", 2, |values| {
        dates::part_of(&text(arg(values, 0)), &arg(values, 1))
    }),
    ("datename", 2, |values| {
        dates::name_of(&text(arg(values, 0)), &arg(values, 1))
    }),
    ("dateadd", 3, |values| {
        dates::add(&text(arg(values, 0)), whole(values, 1)?, &arg(values, 2))
    }),
    ("datediff", 3, |values| {
        dates::difference(&text(arg(values, 0)), &arg(values, 1), &arg(values, 2))
    }),
    ("datediff_big", 3, |values| {
        dates::difference(&text(arg(values, 0)), &arg(values, 1), &arg(values, 2))
    }),
    ("checksum", 1, |values| {
        let text = text(arg(values, 0));
        let hash = text.bytes().fold(0_u32, |hash, byte| {
            hash.rotate_left(4) ^ u32::from(byte).wrapping_mul(0x9E37_79B1)
        });
        Ok(Value::Integer(i64::from(hash.cast_signed())))
    }),
    // Once for each statement, as SQL Server has it: SQLite takes it for a constant.
    ("rand", 0, |_| {
        let mut bytes = [0; 4];
        openssl::rand::rand_bytes(&mut bytes)
            .map_err(|error| SqlError::new(50_000, error.to_string()))?;
        let drawn = f64::from(u32::from_le_bytes(bytes));
        Ok(Value::Real(drawn / 4_294_967_296.0))
    }),
    ("eomonth", 1, |values| dates::end_of_month(&arg(values, 0))),
    ("format", 2, |values| {
        dates::patterned(&arg(values, 0), &text(arg(values, 1)))
    }),
    ("isnumeric", 1, |values| {
        Ok(Value::Integer(i64::from(
            Decimal::parse(&text(arg(values, 0))).is_some(),
        )))
    }),
    ("isdate", 1, |values| {
        Ok(Value::Integer(i64::from(
            Moment::parse(&text(arg(values, 0))).is_some(),
        )))
    }),
];

fn run(context: &Context<'_>, function: Function) -> Result<Value> {
    let mut values = Vec::with_capacity(context.len());
    for at in 0..context.len() {
        values.push(context.get::<Value>(at)?);
    }
    // A null among the arguments makes the result null, in all of these.
    if values.contains(&Value::Null) {
        return Ok(Value::Null);
    }
    function(&values).map_err(|error| Error::UserFunctionError(error.marked().into()))
}

fn arg(values: &[Value], at: usize) -> Value {
    values.get(at).cloned().unwrap_or(Value::Null)
}

fn whole(values: &[Value], at: usize) -> std::result::Result<i64, SqlError> {
    match convert(arg(values, at), SqlType::BigInt, Fit::Cut)? {
        Value::Integer(number) => Ok(number),
        _ => Ok(0),
    }
}

fn count(values: &[Value], at: usize) -> usize {
    whole(values, at)
        .ok()
        .and_then(|number| usize::try_from(number).ok())
        .unwrap_or_default()
}

fn real(values: &[Value], at: usize) -> std::result::Result<f64, SqlError> {
    crate::convert::float(&arg(values, at), SqlType::Float)
}

fn named_type(value: &Value) -> std::result::Result<SqlType, SqlError> {
    let name = text(value.clone());
    SqlType::parse(&name)
        .ok_or_else(|| SqlError::new(243, format!("Type {name} is not a defined system type.")))
}

fn store(values: &[Value]) -> Answer {
    convert(arg(values, 0), named_type(&arg(values, 1))?, Fit::Store).map_err(|mut error| {
        if error.number == 2628 {
            error.message = format!("{} Column '{}'.", error.message, text(arg(values, 2)));
        }
        error
    })
}

fn cast(values: &[Value]) -> Answer {
    let ty = named_type(&arg(values, 1))?;
    if ty.is_text() && values.len() == 3 {
        let style = whole(values, 2)?;
        return convert(
            Value::Text(dates::styled(&arg(values, 0), style)?),
            ty,
            Fit::Cut,
        );
    }
    convert(arg(values, 0), ty, Fit::Cut)
}

fn try_cast(values: &[Value]) -> Answer {
    Ok(cast(values).unwrap_or(Value::Null))
}

/// `+`: texts are joined, numbers added, and days added to a moment.
fn add(values: &[Value]) -> Answer {
    match (arg(values, 0), arg(values, 1)) {
        (Value::Integer(a), Value::Integer(b)) => {
            a.checked_add(b).map(Value::Integer).ok_or_else(overflow)
        }
        (Value::Text(a), Value::Text(b)) => Ok(Value::Text(a + &b)),
        (Value::Blob(mut a), Value::Blob(b)) => {
            a.extend_from_slice(&b);
            Ok(Value::Blob(a))
        }
        (Value::Text(date), days) | (days, Value::Text(date))
            if Moment::parse(&date).is_some() && date.contains('-') =>
        {
            dates::add_days(&date, &days, 1.0)
        }
        _ => Ok(Value::Real(real(values, 0)? + real(values, 1)?)),
    }
}

fn subtract(values: &[Value]) -> Answer {
    match (arg(values, 0), arg(values, 1)) {
        (Value::Integer(a), Value::Integer(b)) => {
            a.checked_sub(b).map(Value::Integer).ok_or_else(overflow)
        }
        (Value::Text(date), days) if Moment::parse(&date).is_some() && date.contains('-') => {
            dates::add_days(&date, &days, -1.0)
        }
        _ => Ok(Value::Real(real(values, 0)? - real(values, 1)?)),
    }
}

fn divide(values: &[Value]) -> Answer {
    match (arg(values, 0), arg(values, 1)) {
        (_, Value::Integer(0)) => Err(by_zero()),
        (Value::Integer(a), Value::Integer(b)) => {
            a.checked_div(b).map(Value::Integer).ok_or_else(overflow)
        }
        _ if real(values, 1)? == 0.0 => Err(by_zero()),
        _ => Ok(Value::Real(real(values, 0)? / real(values, 1)?)),
    }
}

fn modulo(values: &[Value]) -> Answer {
    match (arg(values, 0), arg(values, 1)) {
        (_, Value::Integer(0)) => Err(by_zero()),
        (Value::Integer(a), Value::Integer(b)) => {
            Ok(Value::Integer(a.checked_rem(b).unwrap_or_default()))
        }
        _ if real(values, 1)? == 0.0 => Err(by_zero()),
        _ => Ok(Value::Real(real(values, 0)? % real(values, 1)?)),
    }
}

/// SQLite calls it with the pattern first.
fn like(values: &[Value]) -> Answer {
    let folded = |at: usize| {
        text(arg(values, at))
            .to_lowercase()
            .chars()
            .collect::<Vec<char>>()
    };
    let escape = folded(2).first().copied();
    Ok(Value::Integer(i64::from(crate::like::matches(
        &folded(0),
        &folded(1),
        escape,
    ))))
}

fn by_zero() -> SqlError {
    SqlError::new(8134, "Divide by zero error encountered.")
}

fn overflow() -> SqlError {
    SqlError::new(
        8115,
        "Arithmetic overflow error converting expression to data type bigint.",
    )
}

fn len(values: &[Value]) -> Answer {
    let length = match arg(values, 0) {
        Value::Blob(bytes) => bytes.len(),
        other => text(other).trim_end_matches(' ').encode_utf16().count(),
    };
    Ok(Value::Integer(i64::try_from(length).unwrap_or_default()))
}

fn data_length(values: &[Value]) -> Answer {
    let length = match arg(values, 0) {
        Value::Blob(bytes) => bytes.len(),
        Value::Text(text) => text.encode_utf16().count() * 2,
        _ => 8,
    };
    Ok(Value::Integer(i64::try_from(length).unwrap_or_default()))
}

fn left(values: &[Value]) -> Answer {
    Ok(Value::Text(
        text(arg(values, 0))
            .chars()
            .take(count(values, 1))
            .collect(),
    ))
}

fn right(values: &[Value]) -> Answer {
    let text = text(arg(values, 0));
    let skip = text.chars().count().saturating_sub(count(values, 1));
    Ok(Value::Text(text.chars().skip(skip).collect()))
}

fn char_index(values: &[Value]) -> Answer {
    let wanted = text(arg(values, 0)).to_lowercase();
    let text = text(arg(values, 1)).to_lowercase();
    let skip = count(values, 2).saturating_sub(1);
    let rest: String = text.chars().skip(skip).collect();
    let at = rest
        .find(&wanted)
        .and_then(|at| rest.get(..at))
        .map(|before| before.chars().count() + skip + 1);
    Ok(Value::Integer(
        i64::try_from(at.unwrap_or_default()).unwrap_or_default(),
    ))
}

fn stuff(values: &[Value]) -> Answer {
    let original = text(arg(values, 0));
    let Some(start) = count(values, 1).checked_sub(1) else {
        return Ok(Value::Null);
    };
    let head = original.chars().take(start);
    let tail = original.chars().skip(start + count(values, 2));
    Ok(Value::Text(
        head.chain(text(arg(values, 3)).chars())
            .chain(tail)
            .collect(),
    ))
}

fn rounded(values: &[Value], round: fn(f64) -> f64) -> Answer {
    match arg(values, 0) {
        Value::Integer(number) => Ok(Value::Integer(number)),
        _ => Ok(Value::Real(round(real(values, 0)?))),
    }
}

/// What a catalog view shows of a declared type.
fn type_part(values: &[Value]) -> Answer {
    let Some(declared) = Declared::parse(&text(arg(values, 0))) else {
        return Ok(Value::Null);
    };
    let ty = declared.ty;
    let length = |length: u16| {
        if length == crate::sql_type::MAX {
            -1
        } else {
            i64::from(length)
        }
    };
    let number = match text(arg(values, 1)).as_str() {
        "name" => return Ok(Value::Text(ty.name())),
        "identity" => Some(i64::from(declared.identity.is_some())),
        "length" => match ty {
            SqlType::Char(size)
            | SqlType::VarChar(size)
            | SqlType::NChar(size)
            | SqlType::NVarChar(size) => Some(length(size)),
            SqlType::Binary(size) | SqlType::VarBinary(size) => Some(length(size)),
            SqlType::Text | SqlType::Image => Some(2_147_483_647),
            SqlType::NText => Some(1_073_741_823),
            SqlType::Xml => Some(-1),
            _ => None,
        },
        "precision" => precision(ty).map(|(precision, _)| precision),
        "scale" => precision(ty).map(|(_, scale)| scale),
        "odbc" => Some(crate::odbc::code(ty)),
        "size" => Some(crate::odbc::column_size(ty)),
        "fraction" => match ty {
            SqlType::Time(scale) | SqlType::DateTime2(scale) | SqlType::DateTimeOffset(scale) => {
                Some(i64::from(scale))
            }
            SqlType::DateTime => Some(3),
            SqlType::Date | SqlType::SmallDateTime => Some(0),
            _ => None,
        },
        _ => None,
    };
    Ok(number.map_or(Value::Null, Value::Integer))
}

pub(crate) fn precision(ty: SqlType) -> Option<(i64, i64)> {
    Some(match ty {
        SqlType::TinyInt => (3, 0),
        SqlType::SmallInt => (5, 0),
        SqlType::Int => (10, 0),
        SqlType::BigInt => (19, 0),
        SqlType::Real => (24, 0),
        SqlType::Float => (53, 0),
        SqlType::Decimal(precision, scale) => (i64::from(precision), i64::from(scale)),
        SqlType::Money => (19, 4),
        SqlType::SmallMoney => (10, 4),
        _ => return None,
    })
}

/// Upper and lower case are the same, and so are blanks at the end.
fn case_insensitive(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_end_matches(' '), b.trim_end_matches(' '));
    a.chars()
        .flat_map(char::to_lowercase)
        .cmp(b.chars().flat_map(char::to_lowercase))
}

/// `2024-02-29` is the same as `2024-02-29 00:00:00.000`.
fn by_moment(a: &str, b: &str) -> Ordering {
    let read = |text: &str| moment(&Value::Text(text.to_owned()), SqlType::DateTime2(7)).ok();
    match (a == b, read(a), read(b)) {
        (false, Some(a), Some(b)) => {
            let utc =
                |moment: Moment| moment.total() - moment.offset.unwrap_or_default() * 600_000_000;
            utc(a).cmp(&utc(b))
        }
        _ => a.cmp(b),
    }
}

/// Decimals kept as text have more digits than a REAL.
fn by_number(a: &str, b: &str) -> Ordering {
    match (Decimal::parse(a), Decimal::parse(b)) {
        (Some(x), Some(y)) => {
            let scale = x.scale.max(y.scale);
            match (x.rescale(scale), y.rescale(scale)) {
                (Some(x), Some(y)) => x.unscaled.cmp(&y.unscaled),
                _ => a.cmp(b),
            }
        }
        _ => a.cmp(b),
    }
}
