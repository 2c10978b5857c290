//! Parts of dates and arithmetic with them (semantics 1.5).

mod add;
mod moments;
mod unit;

use std::sync::Arc;

use arrow::{
    array::TimestampMicrosecondArray,
    datatypes::{Int32Type, TimestampMicrosecondType},
};
use chrono::NaiveDateTime;
use dtsx::{DataType, SsisCode};

use self::{
    moments::{Moments, civil_day, on_grid},
    unit::Unit,
};
use super::{
    Argument, Function, Mismatch, Signature, integer_argument, mismatch,
    rows::{Rows, integers, texts},
};
use crate::{
    error::EvaluateError,
    evaluate::{Context, Value},
    text::{MICROS_PER_DAY, civil_from_days, months_from_days},
};

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;

/// A type that has a day; a moment with an offset becomes one at UTC.
fn date_argument(arguments: &[Argument<'_>], at: usize) -> Result<DataType, Mismatch> {
    match arguments[at].data_type {
        same @ (DataType::DbDate
        | DataType::Date
        | DataType::DbTimeStamp
        | DataType::DbTimeStamp2 { .. }
        | DataType::FileTime) => Ok(same),
        DataType::DbTimeStampOffset { scale } => Ok(DataType::DbTimeStamp2 { scale }),
        other => Err(mismatch(
            at,
            &other,
            "a date is wanted: cast it with (DT_DBTIMESTAMP) or (DT_DBDATE)",
        )),
    }
}

/// As [`date_argument`]; a time is one of today.
fn moment_argument(arguments: &[Argument<'_>], at: usize) -> Result<DataType, Mismatch> {
    match arguments[at].data_type {
        DataType::DbTime | DataType::DbTime2 { .. } => Ok(DataType::DbTimeStamp2 { scale: 7 }),
        _ => date_argument(arguments, at),
    }
}

/// The date part of argument 0, which does not depend on the row.
fn unit_argument(arguments: &[Argument<'_>]) -> Result<DataType, Mismatch> {
    let Argument {
        data_type,
        constant,
        is_literal,
    } = arguments[0];
    let refuse = |code, message: String| Mismatch {
        argument: 0,
        code,
        message,
    };
    let constant = constant.filter(|_| is_literal && crate::check::is_text(&data_type));
    let Some(name) = constant else {
        let message = "is the date part: it stands in quotes, as in \"day\"";
        return Err(refuse(
            SsisCode::EXPRESSION_DATE_PART_NODE,
            message.to_owned(),
        ));
    };
    let name = name.to_string();
    if Unit::named(&name).is_none() {
        let message = format!("is the date part `{name}`: there are {}", unit::NAMES);
        return Err(refuse(SsisCode::EXPRESSION_INVALID_DATE_PART, message));
    }
    Ok(data_type)
}

/// The unit in argument 0; `None` if that is NULL.
fn unit(values: &[Value]) -> Result<Option<Unit>, EvaluateError> {
    let names = texts(&values[0]);
    if values[0].is_null(0) {
        return Ok(None);
    }
    let name = names.value(0);
    let unknown = || EvaluateError::Constant(SsisCode::EXPRESSION_INVALID_DATE_PART);
    Unit::named(name).map(Some).ok_or_else(unknown)
}

fn one_date(arguments: &[Argument<'_>]) -> Result<Signature, Mismatch> {
    let Argument {
        data_type,
        constant,
        ..
    } = arguments[0];
    let refused = matches!(
        data_type,
        DataType::DbTimeStamp2 { .. } | DataType::DbTimeStampOffset { .. }
    );
    // Documented (semantics 1.5.9).
    if constant.is_some() && refused {
        return Err(mismatch(
            0,
            &data_type,
            "a literal of this type is not taken: cast it with (DT_DBTIMESTAMP)",
        ));
    }
    Ok(Signature {
        arguments: vec![date_argument(arguments, 0)?],
        result: DataType::I4,
    })
}

/// Whether a name is one that DATEPART takes.
pub(crate) fn is_date_part(name: &str) -> bool {
    Unit::named(name).is_some()
}

macro_rules! part_of_date {
    ($name:ident, $text:literal, $part:tt) => {
        pub(super) const $name: Function = Function {
            name: $text,
            arguments: 1,
            deterministic: true,
            check: one_date,
            apply: |values, _, _| {
                let days = |day: i32| civil_from_days(day).$part as i32;
                // As DATEPART, which has the grid.
                Ok(Moments::of(&values[0])?
                    .numbers(days, |micros| days(civil_day(on_grid(micros)))))
            },
        };
    };
}

part_of_date!(YEAR, "YEAR", 0);
part_of_date!(MONTH, "MONTH", 1);
part_of_date!(DAY_OF_MONTH, "DAY", 2);

pub(super) const DATEPART: Function = Function {
    name: "DATEPART",
    arguments: 2,
    deterministic: true,
    check: |arguments| {
        Ok(Signature {
            arguments: vec![unit_argument(arguments)?, moment_argument(arguments, 1)?],
            result: DataType::I4,
        })
    },
    apply: |values, _, context| {
        let Some(unit) = unit(values)? else {
            return Ok(nothing(values, context));
        };
        let moments = Moments::of(&values[1])?;
        let of_day =
            |part: fn(i32) -> i32| moments.numbers(part, |micros| part(civil_day(on_grid(micros))));
        let of_time = |size: i64, count: i64| {
            let part = move |micros: i64| (on_grid(micros).rem_euclid(size * count) / size) as i32;
            moments.numbers(|_| 0, part)
        };
        Ok(match unit {
            Unit::Year => of_day(|day| civil_from_days(day).0 as i32),
            Unit::Quarter => of_day(|day| (civil_from_days(day).1 as i32 + 2) / 3),
            Unit::Month => of_day(|day| civil_from_days(day).1 as i32),
            Unit::Day => of_day(|day| civil_from_days(day).2 as i32),
            Unit::DayOfYear => of_day(moments::day_of_year),
            Unit::Week => of_day(moments::week_of_year),
            Unit::Weekday => of_day(|day| moments::weekday(day) + 1),
            Unit::Hour => of_time(HOUR, 24),
            Unit::Minute => of_time(MINUTE, 60),
            Unit::Second => of_time(1_000_000, 60),
            Unit::Millisecond => of_time(1000, 1000),
        })
    },
};

/// NULL in every row.
fn nothing(values: &[Value], context: &mut Context<'_>) -> Value {
    Rows::of(values, context).numbers::<Int32Type>(context, |_| Ok(0))
}

pub(super) const DATEDIFF: Function = Function {
    name: "DATEDIFF",
    arguments: 3,
    deterministic: true,
    check: |arguments| {
        let types = [
            moment_argument(arguments, 1)?,
            moment_argument(arguments, 2)?,
        ];
        let [from, to] = types;
        Ok(Signature {
            arguments: vec![unit_argument(arguments)?, from, to],
            result: DataType::I4,
        })
    },
    apply: |values, _, context| {
        let Some(unit) = unit(values)? else {
            return Ok(nothing(values, context));
        };
        let (from, to) = (Moments::of(&values[1])?, Moments::of(&values[2])?);
        let rows = Rows::of(values, context);
        let size = match unit {
            Unit::Hour => HOUR,
            Unit::Minute => MINUTE,
            Unit::Second => 1_000_000,
            Unit::Millisecond => 1000,
            _ => return Ok(rows.known::<Int32Type>(days_between(unit, &from, &to))),
        };
        Ok(rows.numbers::<Int32Type>(context, |row| {
            let count = to.micros(row).div_euclid(size) - from.micros(row).div_euclid(size);
            i32::try_from(count).map_err(|_| SsisCode::EXPRESSION_FUNCTION_OVERFLOW)
        }))
    },
};

/// Boundaries of a unit of one day or more; those of the whole calendar are no overflow.
fn days_between(unit: Unit, from: &Moments<'_>, to: &Moments<'_>) -> Vec<i32> {
    match unit {
        Unit::Year => from.until(to, |day| months_from_days(day) / 12),
        Unit::Quarter => from.until(to, |day| months_from_days(day) / 3),
        Unit::Month => from.until(to, months_from_days),
        // 1970-01-01 was a Thursday; weeks begin on Sunday.
        Unit::Week => from.until(to, |day| day.wrapping_add(4).div_euclid(7)),
        _ => from.until(to, |day| day),
    }
}

/// Always DT_DBTIMESTAMP; months clamp to their end (semantics 1.5.4).
pub(super) const DATEADD: Function = Function {
    name: "DATEADD",
    arguments: 3,
    deterministic: true,
    check: |arguments| {
        Ok(Signature {
            arguments: vec![
                unit_argument(arguments)?,
                integer_argument(arguments, 1)?,
                moment_argument(arguments, 2)?,
            ],
            result: DataType::DbTimeStamp,
        })
    },
    apply: |values, _, context| {
        let Some(unit) = unit(values)? else {
            let rows = Rows::of(values, context);
            return Ok(rows.numbers::<TimestampMicrosecondType>(context, |_| Ok(0)));
        };
        let (counts, moments) = (integers(&values[1]), Moments::of(&values[2])?);
        let rows = Rows::of(values, context);
        if let Some(size) = fixed_size(unit)
            && let Some(moved) = add::all_fixed(&values[1], &moments, size)
        {
            return Ok(rows.known::<TimestampMicrosecondType>(moved));
        }
        let overflow = SsisCode::EXPRESSION_FUNCTION_OVERFLOW;
        let fixed = |size: i64| {
            let (counts, moments) = (&counts, &moments);
            move |row| {
                add::fixed(moments.micros_on_grid(row), i64::from(counts(row)), size)
                    .ok_or(overflow)
            }
        };
        let months = |size: i64| {
            let (counts, moments) = (&counts, &moments);
            move |row| {
                add::months(moments.micros_on_grid(row), i64::from(counts(row)) * size)
                    .ok_or(overflow)
            }
        };
        Ok(match unit {
            Unit::Year => rows.numbers::<TimestampMicrosecondType>(context, months(12)),
            Unit::Quarter => rows.numbers::<TimestampMicrosecondType>(context, months(3)),
            Unit::Month => rows.numbers::<TimestampMicrosecondType>(context, months(1)),
            _ => {
                let size = fixed_size(unit).unwrap_or_default();
                rows.numbers::<TimestampMicrosecondType>(context, fixed(size))
            }
        })
    },
};

/// Microseconds of a unit that always has as many.
fn fixed_size(unit: Unit) -> Option<i64> {
    Some(match unit {
        Unit::Year | Unit::Quarter | Unit::Month => return None,
        Unit::Day | Unit::DayOfYear | Unit::Weekday => MICROS_PER_DAY,
        Unit::Week => 7 * MICROS_PER_DAY,
        Unit::Hour => HOUR,
        Unit::Minute => MINUTE,
        Unit::Second => 1_000_000,
        Unit::Millisecond => 1000,
    })
}

/// Evaluated for each batch (semantics 1.5.12 has it per row: rows of a batch share the moment).
macro_rules! clock {
    ($name:ident, $now:expr) => {
        #[expect(
            clippy::disallowed_methods,
            reason = "the function that asks the clock"
        )]
        pub(super) const $name: Function = Function {
            name: stringify!($name),
            arguments: 0,
            deterministic: false,
            check: |_| {
                Ok(Signature {
                    arguments: Vec::new(),
                    result: DataType::DbTimeStamp,
                })
            },
            apply: |_, _, _| Ok(now($now)),
        };
    };
}

clock!(GETDATE, chrono::Local::now().naive_local());
clock!(GETUTCDATE, chrono::Utc::now().naive_utc());

fn now(moment: NaiveDateTime) -> Value {
    let millis = moment.and_utc().timestamp_millis();
    Value {
        array: Arc::new(TimestampMicrosecondArray::from(vec![millis * 1000])),
        is_scalar: true,
    }
}
