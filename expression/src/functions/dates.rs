//! Parts of dates and arithmetic with them (semantics 1.5).

use std::sync::Arc;

use arrow::{
    array::{Array, AsArray, Int32Array, TimestampMicrosecondArray},
    compute::{DatePart, date_part},
    datatypes::{Date32Type, Int32Type, TimestampMicrosecondType},
};
use chrono::{DateTime, Datelike, Months, NaiveDateTime, Timelike};
use dtsx::{DataType, SsisCode};

use super::{Function, Signature, integer_argument, text_argument};
use crate::{
    error::EvaluateError,
    evaluate::{Context, Value},
    text::civil_from_days,
};

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn moment_argument(position: usize, data_type: &DataType) -> Result<DataType, String> {
    match data_type {
        DataType::DbDate => Ok(DataType::DbDate),
        DataType::Date
        | DataType::DbTimeStamp
        | DataType::DbTimeStamp2 { .. }
        | DataType::DbTimeStampOffset { .. }
        | DataType::FileTime => Ok(DataType::DbTimeStamp),
        // A string literal that meets a date becomes one.
        DataType::WStr { .. } | DataType::Str { .. } => Ok(DataType::DbTimeStamp),
        other => Err(format!("argument {position} is {other}, a date is wanted")),
    }
}

fn one_date(types: &[DataType]) -> Result<Signature, String> {
    Ok(Signature {
        arguments: vec![moment_argument(1, &types[0])?],
        result: DataType::I4,
    })
}

/// Days since 1970-01-01 of a date or a moment, and its other parts by arrow's kernel.
fn part(value: &Value, part: DatePart, of_date: fn(i32) -> i32) -> Result<Value, EvaluateError> {
    let array = match value.array.as_primitive_opt::<Date32Type>() {
        Some(dates) => Arc::new(dates.unary::<_, Int32Type>(of_date)) as arrow::array::ArrayRef,
        None => date_part(value.array.as_ref(), part)?,
    };
    Ok(Value {
        array,
        is_scalar: value.is_scalar,
    })
}

pub(super) const YEAR: Function = Function {
    name: "YEAR",
    arguments: 1,
    deterministic: true,
    check: one_date,
    apply: |values, _, _| {
        part(&values[0], DatePart::Year, |days| {
            civil_from_days(days).0 as i32
        })
    },
};

pub(super) const MONTH: Function = Function {
    name: "MONTH",
    arguments: 1,
    deterministic: true,
    check: one_date,
    apply: |values, _, _| {
        part(&values[0], DatePart::Month, |days| {
            civil_from_days(days).1 as i32
        })
    },
};

pub(super) const DAY_OF_MONTH: Function = Function {
    name: "DAY",
    arguments: 1,
    deterministic: true,
    check: one_date,
    apply: |values, _, _| {
        part(&values[0], DatePart::Day, |days| {
            civil_from_days(days).2 as i32
        })
    },
};

/// The units of DATEPART, DATEADD and DATEDIFF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Year,
    Quarter,
    Month,
    DayOfYear,
    Day,
    Week,
    Weekday,
    Hour,
    Minute,
    Second,
    Millisecond,
}

fn unit(name: &str) -> Option<Unit> {
    Some(match name.trim().to_ascii_lowercase().as_str() {
        "year" | "yy" | "yyyy" => Unit::Year,
        "quarter" | "qq" | "q" => Unit::Quarter,
        "month" | "mm" | "m" => Unit::Month,
        "dayofyear" | "dy" | "y" => Unit::DayOfYear,
        "day" | "dd" | "d" => Unit::Day,
        "week" | "wk" | "ww" => Unit::Week,
        "weekday" | "dw" | "w" => Unit::Weekday,
        "hour" | "hh" => Unit::Hour,
        "minute" | "mi" | "n" => Unit::Minute,
        "second" | "ss" | "s" => Unit::Second,
        "millisecond" | "ms" => Unit::Millisecond,
        _ => return None,
    })
}

fn to_moments(types: &[DataType], first: usize) -> Result<Vec<DataType>, String> {
    types
        .iter()
        .enumerate()
        .skip(first)
        .map(|(at, one)| match one {
            // A time is one of today.
            DataType::DbTime | DataType::DbTime2 { .. } => Ok(DataType::DbTimeStamp),
            other => moment_argument(at + 1, other).map(|_| DataType::DbTimeStamp),
        })
        .collect()
}

pub(super) const DATEPART: Function = Function {
    name: "DATEPART",
    arguments: 2,
    deterministic: true,
    check: |types| {
        let mut arguments = vec![text_argument(1, &types[0])?];
        arguments.extend(to_moments(types, 1)?);
        Ok(Signature {
            arguments,
            result: DataType::I4,
        })
    },
    apply: |values, _, context| {
        let moments = values[1].array.as_primitive::<TimestampMicrosecondType>();
        per_row(values, 0, context, |unit, row| {
            date_part_of(unit, moments.value(values[1].at(row)))
        })
    },
};

pub(super) const DATEDIFF: Function = Function {
    name: "DATEDIFF",
    arguments: 3,
    deterministic: true,
    check: |types| {
        let mut arguments = vec![text_argument(1, &types[0])?];
        arguments.extend(to_moments(types, 1)?);
        Ok(Signature {
            arguments,
            result: DataType::I4,
        })
    },
    apply: |values, _, context| {
        let moments = |at: usize| values[at].array.as_primitive::<TimestampMicrosecondType>();
        let (from, to) = (moments(1), moments(2));
        per_row(values, 0, context, |unit, row| {
            difference(
                unit,
                from.value(values[1].at(row)),
                to.value(values[2].at(row)),
            )
        })
    },
};

/// An integer per row from the unit in argument `at`; `None` fails the row.
fn per_row(
    values: &[Value],
    at: usize,
    context: &mut Context<'_>,
    result: impl Fn(Unit, usize) -> Option<i32>,
) -> Result<Value, EvaluateError> {
    let names = values[at].array.as_string_view();
    let constant = (values[at].is_scalar && !values[at].is_null(0)).then(|| unit(names.value(0)));
    let is_scalar = values.iter().all(|value| value.is_scalar);
    let rows = if is_scalar { 1 } else { context.rows() };
    let no_nulls = values.iter().all(|value| value.array.null_count() == 0);
    if let (Some(Some(unit)), true) = (constant, no_nulls)
        && let Some(numbers) = (0..rows).map(|row| result(unit, row)).collect()
    {
        let array = Arc::new(Int32Array::new(numbers, None));
        return Ok(Value { array, is_scalar });
    }
    let mut numbers = Vec::with_capacity(rows);
    for row in 0..rows {
        if values.iter().any(|value| value.is_null(row)) {
            numbers.push(None);
            continue;
        }
        let unit = constant.unwrap_or_else(|| unit(names.value(values[at].at(row))));
        let number = unit.and_then(|unit| result(unit, row));
        if number.is_none() {
            context.fail(row, SsisCode::EXPRESSION_EVALUATION_FAILED);
        }
        numbers.push(number);
    }
    Ok(Value {
        array: Arc::new(Int32Array::from(numbers)),
        is_scalar,
    })
}

fn civil(micros: i64) -> Option<NaiveDateTime> {
    Some(DateTime::from_timestamp_micros(micros)?.naive_utc())
}

/// Milliseconds on a grid of 1/300 s (semantics 1.5.5).
fn on_grid(micros: i64) -> i64 {
    let second = micros.rem_euclid(1_000_000);
    let ticks = (second * 3 + 5_000) / 10_000;
    micros - second + (ticks * 10_000 + 1) / 3
}

fn date_part_of(unit: Unit, micros: i64) -> Option<i32> {
    let moment = civil(on_grid(micros))?;
    Some(match unit {
        Unit::Year => moment.year(),
        Unit::Quarter => (moment.month0() / 3 + 1) as i32,
        Unit::Month => moment.month() as i32,
        Unit::DayOfYear => moment.ordinal() as i32,
        Unit::Day => moment.day() as i32,
        Unit::Week => {
            let first = moment
                .date()
                .with_ordinal(1)?
                .weekday()
                .num_days_from_sunday();
            ((moment.ordinal0() + first) / 7 + 1) as i32
        }
        Unit::Weekday => moment.weekday().number_from_sunday() as i32,
        Unit::Hour => moment.hour() as i32,
        Unit::Minute => moment.minute() as i32,
        Unit::Second => moment.second() as i32,
        Unit::Millisecond => ((on_grid(micros).rem_euclid(1_000_000) + 500) / 1000) as i32,
    })
}

/// Boundaries crossed from one moment to another (semantics 1.5.6).
fn difference(unit: Unit, from: i64, to: i64) -> Option<i32> {
    let span = |size: i64| to.div_euclid(size) - from.div_euclid(size);
    let count = match unit {
        Unit::Day | Unit::DayOfYear | Unit::Weekday => span(DAY),
        Unit::Hour => span(HOUR),
        Unit::Minute => span(MINUTE),
        Unit::Second => span(1_000_000),
        Unit::Millisecond => span(1000),
        // 1970-01-01 was a Thursday; weeks begin on Sunday.
        Unit::Week => (to + 4 * DAY).div_euclid(7 * DAY) - (from + 4 * DAY).div_euclid(7 * DAY),
        Unit::Year | Unit::Quarter | Unit::Month => {
            let (from, to) = (civil(from)?, civil(to)?);
            let years = i64::from(to.year()) - i64::from(from.year());
            match unit {
                Unit::Year => years,
                Unit::Month => years * 12 + i64::from(to.month()) - i64::from(from.month()),
                _ => years * 4 + i64::from(to.month0() / 3) - i64::from(from.month0() / 3),
            }
        }
    };
    i32::try_from(count).ok()
}

/// Always DT_DBTIMESTAMP; months clamp to their end (semantics 1.5.4).
pub(super) const DATEADD: Function = Function {
    name: "DATEADD",
    arguments: 3,
    deterministic: true,
    check: |types| {
        let mut arguments = vec![
            text_argument(1, &types[0])?,
            integer_argument(2, &types[1])?,
        ];
        arguments.extend(to_moments(types, 2)?);
        Ok(Signature {
            arguments,
            result: DataType::DbTimeStamp,
        })
    },
    apply: |values, _, context| {
        let names = values[0].array.as_string_view();
        let counts = super::text::integers(&values[1]);
        let moments = values[2].array.as_primitive::<TimestampMicrosecondType>();
        let is_scalar = values.iter().all(|value| value.is_scalar);
        let rows = if is_scalar { 1 } else { context.rows() };
        let mut results = Vec::with_capacity(rows);
        for row in 0..rows {
            if values.iter().any(|value| value.is_null(row)) {
                results.push(None);
                continue;
            }
            let count = i64::from(counts.value(values[1].at(row)));
            let moment = moments.value(values[2].at(row));
            let result =
                unit(names.value(values[0].at(row))).and_then(|unit| add(unit, count, moment));
            if result.is_none() {
                context.fail(row, SsisCode::EXPRESSION_EVALUATION_FAILED);
            }
            results.push(result);
        }
        Ok(Value {
            array: Arc::new(TimestampMicrosecondArray::from(results)),
            is_scalar,
        })
    },
};

fn add(unit: Unit, count: i64, micros: i64) -> Option<i64> {
    let micros = on_grid(micros);
    let months = match unit {
        Unit::Year => count.checked_mul(12)?,
        Unit::Quarter => count.checked_mul(3)?,
        Unit::Month => count,
        _ => {
            let size = match unit {
                Unit::Week => 7 * DAY,
                Unit::Hour => HOUR,
                Unit::Minute => MINUTE,
                Unit::Second => 1_000_000,
                Unit::Millisecond => 1000,
                _ => DAY,
            };
            return in_range(micros.checked_add(count.checked_mul(size)?)?);
        }
    };
    let moment = civil(micros)?;
    let step = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
    let moved = if months < 0 {
        moment.checked_sub_months(step)?
    } else {
        moment.checked_add_months(step)?
    };
    in_range(moved.and_utc().timestamp_micros())
}

/// Years 1 to 9999.
fn in_range(micros: i64) -> Option<i64> {
    civil(micros)
        .filter(|moment| (1..=9999).contains(&moment.year()))
        .map(|_| micros)
}

/// Evaluated for each batch (semantics 1.5.12 has it per row: rows of a batch share the moment).
#[expect(
    clippy::disallowed_methods,
    reason = "the function that asks the clock"
)]
pub(super) const GETDATE: Function = Function {
    name: "GETDATE",
    arguments: 0,
    deterministic: false,
    check: |_| {
        Ok(Signature {
            arguments: Vec::new(),
            result: DataType::DbTimeStamp,
        })
    },
    apply: |_, _, _| Ok(now(chrono::Local::now().naive_local())),
};

#[expect(
    clippy::disallowed_methods,
    reason = "the function that asks the clock"
)]
pub(super) const GETUTCDATE: Function = Function {
    name: "GETUTCDATE",
    arguments: 0,
    deterministic: false,
    check: |_| {
        Ok(Signature {
            arguments: Vec::new(),
            result: DataType::DbTimeStamp,
        })
    },
    apply: |_, _, _| Ok(now(chrono::Utc::now().naive_utc())),
};

fn now(moment: NaiveDateTime) -> Value {
    let millis = moment.and_utc().timestamp_millis();
    Value {
        array: Arc::new(TimestampMicrosecondArray::from(vec![millis * 1000])),
        is_scalar: true,
    }
}
