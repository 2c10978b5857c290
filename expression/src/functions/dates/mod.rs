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
    text::{MICROS_PER_DAY, civil_from_days},
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
        let count =
            |count: i64| i32::try_from(count).map_err(|_| SsisCode::EXPRESSION_FUNCTION_OVERFLOW);
        let days = |position: fn(i32) -> i64| {
            let (from, to) = (&from, &to);
            move |row| count(position(to.day(row)) - position(from.day(row)))
        };
        Ok(match unit {
            Unit::Day | Unit::DayOfYear | Unit::Weekday => {
                rows.numbers::<Int32Type>(context, days(i64::from))
            }
            // 1970-01-01 was a Thursday; weeks begin on Sunday.
            Unit::Week => {
                rows.numbers::<Int32Type>(context, days(|day| i64::from(day + 4).div_euclid(7)))
            }
            Unit::Year => {
                rows.numbers::<Int32Type>(context, days(|day| moments::months(day).div_euclid(12)))
            }
            Unit::Quarter => {
                rows.numbers::<Int32Type>(context, days(|day| moments::months(day).div_euclid(3)))
            }
            Unit::Month => rows.numbers::<Int32Type>(context, days(moments::months)),
            Unit::Hour | Unit::Minute | Unit::Second | Unit::Millisecond => {
                let size = match unit {
                    Unit::Hour => HOUR,
                    Unit::Minute => MINUTE,
                    Unit::Second => 1_000_000,
                    _ => 1000,
                };
                rows.numbers::<Int32Type>(context, |row| {
                    count(to.micros(row).div_euclid(size) - from.micros(row).div_euclid(size))
                })
            }
        })
    },
};

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
            Unit::Day | Unit::DayOfYear | Unit::Weekday => {
                rows.numbers::<TimestampMicrosecondType>(context, fixed(MICROS_PER_DAY))
            }
            Unit::Week => {
                rows.numbers::<TimestampMicrosecondType>(context, fixed(7 * MICROS_PER_DAY))
            }
            Unit::Hour => rows.numbers::<TimestampMicrosecondType>(context, fixed(HOUR)),
            Unit::Minute => rows.numbers::<TimestampMicrosecondType>(context, fixed(MINUTE)),
            Unit::Second => rows.numbers::<TimestampMicrosecondType>(context, fixed(1_000_000)),
            Unit::Millisecond => rows.numbers::<TimestampMicrosecondType>(context, fixed(1000)),
        })
    },
};

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
