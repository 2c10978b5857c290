//! DATEADD, DATEDIFF, DATEPART and DATENAME: the part is a word, not a value.
//!
//! DATEDIFF counts the boundaries that are crossed: from 23:59 to 00:01 is one day.

use super::{super::Dialect, fill};

/// A part by any of its names.
pub(crate) fn part(word: &str) -> Option<&'static str> {
    let part = match word.to_ascii_lowercase().as_str() {
        "year" | "yy" | "yyyy" => "year",
        "quarter" | "qq" | "q" => "quarter",
        "month" | "mm" | "m" => "month",
        "dayofyear" | "dy" | "y" => "dayofyear",
        "day" | "dd" | "d" => "day",
        "week" | "wk" | "ww" => "week",
        "iso_week" | "isowk" | "isoww" => "iso_week",
        "weekday" | "dw" | "w" => "weekday",
        "hour" | "hh" => "hour",
        "minute" | "mi" | "n" => "minute",
        "second" | "ss" | "s" => "second",
        "millisecond" | "ms" => "millisecond",
        "microsecond" | "mcs" => "microsecond",
        "nanosecond" | "ns" => "nanosecond",
        _ => return None,
    };
    Some(part)
}

pub(crate) fn is_date_function(name: &str) -> bool {
    matches!(
        name,
        "DATEADD"
            | "DATEDIFF"
            | "DATEDIFF_BIG"
            | "DATEPART"
            | "DATENAME"
            | "YEAR"
            | "MONTH"
            | "DAY"
    )
}

/// The call in the target; `arguments` without the part.
pub(crate) fn translate(
    name: &str,
    part: &str,
    arguments: &[String],
    to: Dialect,
) -> Option<String> {
    let template = match (name, to) {
        (_, Dialect::Sqlite) => return sqlite(name, part, arguments),
        ("DATEADD", _) => add(part, to)?,
        ("DATEDIFF" | "DATEDIFF_BIG", Dialect::Postgres) => postgres_difference(part)?,
        ("DATEDIFF" | "DATEDIFF_BIG", Dialect::DuckDb) => duckdb_difference(part)?,
        ("DATEDIFF" | "DATEDIFF_BIG", Dialect::MySql) => mysql_difference(part)?,
        ("DATEPART", _) => part_of(part, to)?,
        ("DATENAME", _) => name_of(part, to)?,
        _ => return None,
    };
    Some(fill(&template, arguments))
}

fn sqlite(name: &str, part: &str, arguments: &[String]) -> Option<String> {
    if matches!(part, "microsecond" | "nanosecond") {
        return None;
    }
    let function = match name {
        "DATEADD" => "tsql_dateadd",
        "DATEDIFF" | "DATEDIFF_BIG" => "tsql_datediff",
        "DATEPART" => "tsql_datepart",
        "DATENAME" => "tsql_datename",
        _ => return None,
    };
    Some(format!("{function}('{part}', {})", arguments.join(", ")))
}

fn add(part: &str, to: Dialect) -> Option<String> {
    // A weekday and a day of the year are days when added.
    let (unit, times) = match part {
        "quarter" => ("month", " * 3"),
        "dayofyear" | "weekday" => ("day", ""),
        "iso_week" | "nanosecond" => return None,
        "millisecond" if to == Dialect::MySql => ("microsecond", " * 1000"),
        part => (part, ""),
    };
    let template = match to {
        Dialect::Postgres => format!("(CAST($1 AS timestamp) + %0{times} * interval '1 {unit}')"),
        Dialect::DuckDb => {
            format!("(CAST($1 AS TIMESTAMP) + to_{unit}s(CAST(%0{times} AS INTEGER)))")
        }
        _ => format!("DATE_ADD($1, INTERVAL (%0{times}) {})", unit.to_uppercase()),
    };
    Some(template)
}

fn postgres_difference(part: &str) -> Option<String> {
    let year =
        "(extract(year from CAST($1 AS timestamp)) - extract(year from CAST($0 AS timestamp)))";
    let within = |field: &str| {
        format!(
            "(extract({field} from CAST($1 AS timestamp)) - extract({field} from CAST($0 AS timestamp)))"
        )
    };
    let seconds = |unit: &str, each: &str| {
        format!(
            "CAST(extract(epoch from date_trunc('{unit}', CAST($1 AS timestamp)) - date_trunc('{unit}', CAST($0 AS timestamp))){each} AS bigint)"
        )
    };
    let template = match part {
        "year" => format!("CAST({year} AS integer)"),
        "quarter" => format!("CAST({year} * 4 + {} AS integer)", within("quarter")),
        "month" => format!("CAST({year} * 12 + {} AS integer)", within("month")),
        "day" | "dayofyear" | "weekday" => "(CAST($1 AS date) - CAST($0 AS date))".to_owned(),
        // Weeks begin on Sunday, whatever DATEFIRST is.
        "week" => "((CAST(date_trunc('week', CAST($1 AS date) + 1) AS date) - CAST(date_trunc('week', CAST($0 AS date) + 1) AS date)) / 7)".to_owned(),
        "hour" => seconds("hour", " / 3600"),
        "minute" => seconds("minute", " / 60"),
        "second" => seconds("second", ""),
        "millisecond" => seconds("milliseconds", " * 1000"),
        _ => return None,
    };
    Some(template)
}

fn duckdb_difference(part: &str) -> Option<String> {
    let template = match part {
        "dayofyear" | "weekday" => "date_diff('day', CAST($0 AS TIMESTAMP), CAST($1 AS TIMESTAMP))".to_owned(),
        "week" => "date_diff('week', CAST($0 AS TIMESTAMP) + INTERVAL 1 DAY, CAST($1 AS TIMESTAMP) + INTERVAL 1 DAY)".to_owned(),
        "iso_week" | "nanosecond" => return None,
        part => format!("date_diff('{part}', CAST($0 AS TIMESTAMP), CAST($1 AS TIMESTAMP))"),
    };
    Some(template)
}

fn mysql_difference(part: &str) -> Option<String> {
    let text = match part {
        "year" => "(YEAR($1) - YEAR($0))",
        "quarter" => "((YEAR($1) - YEAR($0)) * 4 + QUARTER($1) - QUARTER($0))",
        "month" => "((YEAR($1) - YEAR($0)) * 12 + MONTH($1) - MONTH($0))",
        "day" | "dayofyear" | "weekday" => "DATEDIFF($1, $0)",
        "week" => "((TO_DAYS($1) + 6) DIV 7 - (TO_DAYS($0) + 6) DIV 7)",
        "hour" => {
            "TIMESTAMPDIFF(HOUR, DATE_FORMAT($0, '%Y-%m-%d %H:00:00'), DATE_FORMAT($1, '%Y-%m-%d %H:00:00'))"
        }
        "minute" => {
            "TIMESTAMPDIFF(MINUTE, DATE_FORMAT($0, '%Y-%m-%d %H:%i:00'), DATE_FORMAT($1, '%Y-%m-%d %H:%i:00'))"
        }
        "second" => {
            "TIMESTAMPDIFF(SECOND, DATE_FORMAT($0, '%Y-%m-%d %H:%i:%s'), DATE_FORMAT($1, '%Y-%m-%d %H:%i:%s'))"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn part_of(part: &str, to: Dialect) -> Option<String> {
    let template = match to {
        Dialect::Postgres => {
            let from = "from CAST($0 AS timestamp)";
            match part {
                "weekday" => format!("CAST(extract(dow {from}) + 1 AS integer)"),
                "dayofyear" => format!("CAST(extract(doy {from}) AS integer)"),
                "iso_week" => format!("CAST(extract(week {from}) AS integer)"),
                "second" => format!("CAST(floor(extract(second {from})) AS integer)"),
                "millisecond" => format!("(CAST(extract(milliseconds {from}) AS integer) % 1000)"),
                "year" | "quarter" | "month" | "day" | "hour" | "minute" => {
                    format!("CAST(extract({part} {from}) AS integer)")
                }
                _ => return None,
            }
        }
        Dialect::DuckDb => match part {
            "weekday" => "(dayofweek(CAST($0 AS TIMESTAMP)) + 1)".to_owned(),
            "iso_week" => "weekofyear(CAST($0 AS TIMESTAMP))".to_owned(),
            "millisecond" => "(millisecond(CAST($0 AS TIMESTAMP)) % 1000)".to_owned(),
            "week" | "microsecond" | "nanosecond" => return None,
            part => format!("{part}(CAST($0 AS TIMESTAMP))"),
        },
        _ => match part {
            "weekday" => "DAYOFWEEK($0)".to_owned(),
            "iso_week" => "WEEK($0, 3)".to_owned(),
            "millisecond" => "(MICROSECOND($0) DIV 1000)".to_owned(),
            "week" | "microsecond" | "nanosecond" => return None,
            part => format!("{}($0)", part.to_uppercase()),
        },
    };
    Some(template)
}

fn name_of(part: &str, to: Dialect) -> Option<String> {
    let template = match (part, to) {
        ("month", Dialect::Postgres) => "to_char(CAST($0 AS timestamp), 'FMMonth')".to_owned(),
        ("weekday", Dialect::Postgres) => "to_char(CAST($0 AS timestamp), 'FMDay')".to_owned(),
        ("month", Dialect::DuckDb) => "monthname(CAST($0 AS TIMESTAMP))".to_owned(),
        ("weekday", Dialect::DuckDb) => "dayname(CAST($0 AS TIMESTAMP))".to_owned(),
        ("month", _) => "MONTHNAME($0)".to_owned(),
        ("weekday", _) => "DAYNAME($0)".to_owned(),
        (part, Dialect::Postgres) => format!("CAST({} AS text)", part_of(part, to)?),
        (part, Dialect::DuckDb) => format!("CAST({} AS VARCHAR)", part_of(part, to)?),
        (part, _) => format!("CAST({} AS char)", part_of(part, to)?),
    };
    Some(template)
}
