//! CAST, CONVERT with its styles, and FORMAT with a plain pattern.

use super::super::{Dialect, kinds::Known, type_names::TypeName};

/// A conversion of one value.
#[derive(Debug)]
pub(crate) struct Conversion<'a> {
    /// The value, in the target's words.
    pub(crate) value: &'a str,
    pub(crate) from: Known,
    pub(crate) to: &'a TypeName,
    pub(crate) style: Option<i64>,
    /// NULL in place of an error.
    pub(crate) is_try: bool,
}

/// A pattern of dates: what T-SQL's styles look like.
static STYLES: &[(i64, &str)] = &[
    (1, "MM/dd/yy"),
    (2, "yy.MM.dd"),
    (3, "dd/MM/yy"),
    (4, "dd.MM.yy"),
    (5, "dd-MM-yy"),
    (8, "HH:mm:ss"),
    (10, "MM-dd-yy"),
    (11, "yy/MM/dd"),
    (12, "yyMMdd"),
    (20, "yyyy-MM-dd HH:mm:ss"),
    (21, "yyyy-MM-dd HH:mm:ss.fff"),
    (23, "yyyy-MM-dd"),
    (24, "HH:mm:ss"),
    (25, "yyyy-MM-dd HH:mm:ss.fff"),
    (101, "MM/dd/yyyy"),
    (102, "yyyy.MM.dd"),
    (103, "dd/MM/yyyy"),
    (104, "dd.MM.yyyy"),
    (105, "dd-MM-yyyy"),
    (106, "dd MMM yyyy"),
    (107, "MMM dd, yyyy"),
    (108, "HH:mm:ss"),
    (110, "MM-dd-yyyy"),
    (111, "yyyy/MM/dd"),
    (112, "yyyyMMdd"),
    (114, "HH:mm:ss:fff"),
    (120, "yyyy-MM-dd HH:mm:ss"),
    (121, "yyyy-MM-dd HH:mm:ss.fff"),
    (126, "yyyy-MM-ddTHH:mm:ss.fff"),
];

/// The pattern of a style, in the letters of FORMAT.
pub(crate) fn pattern_of(style: i64) -> Option<&'static str> {
    STYLES
        .iter()
        .find(|(known, _)| *known == style)
        .map(|(_, pattern)| *pattern)
}

/// The conversion in the target's words; none where the target has none.
pub(crate) fn convert(conversion: &Conversion<'_>, target: Dialect) -> Option<String> {
    let Conversion { value, to, .. } = conversion;
    if target == Dialect::Sqlite {
        let function = if conversion.is_try {
            "tsql_try_convert"
        } else {
            "tsql_convert"
        };
        let style = conversion
            .style
            .map(|style| format!(", {style}"))
            .unwrap_or_default();
        to.in_target(target)?;
        // Binary data and money know 0, 1 and 2.
        let known = conversion
            .style
            .is_none_or(|style| matches!(style, 0..=2) || pattern_of(style).is_some());
        known.then_some(())?;
        return Some(format!("{function}('{}', {value}{style})", to.for_cast()));
    }
    let is_text = matches!(
        to.name.as_str(),
        "char" | "varchar" | "nchar" | "nvarchar" | "text" | "ntext" | "sysname"
    );
    let is_date = matches!(
        to.name.as_str(),
        "date" | "datetime" | "datetime2" | "smalldatetime"
    );
    if conversion.is_try && target != Dialect::DuckDb {
        return None;
    }
    match conversion.style {
        Some(style)
            if is_text
                && conversion.from != Known::Text
                && (style > 2 || conversion.from == Known::Date) =>
        {
            let text = formatted(value, pattern_of(style)?, target)?;
            Some(cut(text, pattern_of(style)?, to, target))
        }
        Some(style)
            if is_date
                && conversion.from != Known::Date
                && !matches!(style, 0 | 100 | 120 | 121 | 126 | 23) =>
        {
            parsed(value, pattern_of(style)?, to, target)
        }
        _ => plain(conversion, target),
    }
}

fn plain(conversion: &Conversion<'_>, target: Dialect) -> Option<String> {
    let Conversion { value, to, .. } = conversion;
    let name = match target {
        Dialect::MySql => to.in_mysql_cast()?,
        // Without a length a cast gives 30 characters.
        Dialect::Postgres
            if to.arguments.is_empty()
                && matches!(to.name.as_str(), "varchar" | "nvarchar" | "char" | "nchar") =>
        {
            "varchar(30)".to_owned()
        }
        _ => to.in_target(target)?,
    };
    let is_integer = matches!(to.name.as_str(), "int" | "bigint" | "smallint" | "tinyint");
    let may_have_fraction = matches!(conversion.from, Known::Number);
    if is_integer && may_have_fraction {
        // T-SQL cuts the fraction off, the targets round.
        return match target {
            Dialect::MySql => Some(format!("CAST(TRUNCATE({value}, 0) AS {name})")),
            _ => Some(format!("CAST(trunc({value}) AS {name})")),
        };
    }
    let cast = if conversion.is_try {
        "TRY_CAST"
    } else {
        "CAST"
    };
    let text = format!("{cast}({value} AS {name})");
    match (
        target,
        name.as_str(),
        to.length().or((!to.is_max()).then_some(30)),
    ) {
        (Dialect::DuckDb, "VARCHAR", Some(length))
            if matches!(to.name.as_str(), "varchar" | "nvarchar" | "char" | "nchar") =>
        {
            Some(format!("left({text}, {length})"))
        }
        _ => Some(text),
    }
}

/// CONVERT(varchar(10), d, 120) is the date alone.
fn cut(text: String, pattern: &str, to: &TypeName, target: Dialect) -> String {
    match to.length() {
        Some(length) if usize::try_from(length).is_ok_and(|length| length < pattern.len()) => {
            match target {
                Dialect::MySql => format!("LEFT({text}, {length})"),
                _ => format!("left({text}, {length})"),
            }
        }
        _ => text,
    }
}

/// A date as text, by a pattern in the letters of FORMAT.
pub(crate) fn formatted(value: &str, pattern: &str, target: Dialect) -> Option<String> {
    let words = words(pattern, target)?;
    let text = match target {
        Dialect::Sqlite => format!("tsql_format({value}, '{}')", pattern.replace('\'', "''")),
        Dialect::Postgres => format!("to_char(CAST({value} AS timestamp), '{words}')"),
        Dialect::DuckDb => format!("strftime(CAST({value} AS TIMESTAMP), '{words}')"),
        Dialect::MySql if pattern.contains('f') => return None,
        Dialect::MySql => format!("DATE_FORMAT({value}, '{words}')"),
        Dialect::MsSql | Dialect::Other => return None,
    };
    Some(text)
}

fn parsed(value: &str, pattern: &str, to: &TypeName, target: Dialect) -> Option<String> {
    let words = words(pattern, target)?;
    let text = match target {
        Dialect::Postgres => format!("to_timestamp({value}, '{words}')"),
        Dialect::DuckDb => format!("strptime({value}, '{words}')"),
        Dialect::MySql => format!("STR_TO_DATE({value}, '{words}')"),
        _ => return None,
    };
    let name = to.in_target(target)?;
    Some(format!("CAST({text} AS {name})"))
}

/// The pattern in the target's letters.
fn words(pattern: &str, target: Dialect) -> Option<String> {
    let mut words = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let run = rest
            .chars()
            .take_while(|character| *character == first)
            .count();
        let (token, after) = rest.split_at_checked(run * first.len_utf8())?;
        rest = after;
        if !first.is_ascii_alphabetic() {
            if matches!(first, '\'' | '"' | '%' | '\\') {
                return None;
            }
            words.push_str(token);
            continue;
        }
        let [sqlite, postgres, duckdb, mysql] = match token {
            "yyyy" => ["yyyy", "YYYY", "%Y", "%Y"],
            "yy" => ["yy", "YY", "%y", "%y"],
            "MMMM" => ["MMMM", "FMMonth", "%B", "%M"],
            "MMM" => ["MMM", "Mon", "%b", "%b"],
            "MM" => ["MM", "MM", "%m", "%m"],
            "M" => ["M", "FMMM", "%-m", "%c"],
            "dddd" => ["dddd", "FMDay", "%A", "%W"],
            "ddd" => ["ddd", "Dy", "%a", "%a"],
            "dd" => ["dd", "DD", "%d", "%d"],
            "d" => ["d", "FMDD", "%-d", "%e"],
            "HH" => ["HH", "HH24", "%H", "%H"],
            "hh" => ["hh", "HH12", "%I", "%h"],
            "mm" => ["mm", "MI", "%M", "%i"],
            "ss" => ["ss", "SS", "%S", "%s"],
            "fff" => ["fff", "MS", "%g", "%f"],
            "tt" => ["tt", "AM", "%p", "%p"],
            "T" => ["T", "\"T\"", "T", "T"],
            _ => return None,
        };
        words.push_str(match target {
            Dialect::Sqlite => sqlite,
            Dialect::Postgres => postgres,
            Dialect::DuckDb => duckdb,
            _ => mysql,
        });
    }
    Some(words)
}
