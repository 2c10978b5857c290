//! The list of functions.

use super::super::Dialect;

/// The same in the target.
pub(crate) const SAME: &str = "=";
/// The target has nothing like it.
pub(crate) const NONE: &str = "!";

/// Name, number of arguments, and the words of SQLite, PostgreSQL, DuckDB and MySQL.
type Row = (
    &'static str,
    usize,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const SQLITE_NOW: &str = "strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')";
const SQLITE_UTC: &str = "strftime('%Y-%m-%d %H:%M:%f', 'now')";
const SQLITE_UUID: &str = "tsql_newid()";

#[rustfmt::skip]
static ROWS: &[Row] = &[
    // Texts.
    ("ASCII", 1, "tsql_ascii($0)", "ascii($0)", "ascii($0)", "ASCII($0)"),
    ("CHAR", 1, "tsql_char($0)", "chr($0)", "chr($0)", "CHAR($0 USING utf8mb4)"),
    ("NCHAR", 1, "char($0)", "chr($0)", "chr($0)", "CHAR($0 USING utf32)"),
    ("UNICODE", 1, "unicode($0)", "ascii($0)", "unicode($0)", "ORD($0)"),
    ("CHARINDEX", 2, "tsql_charindex($0, $1)", "strpos($1, $0)", "strpos($1, $0)", "LOCATE($0, $1)"),
    ("CHARINDEX", 3, "tsql_charindex($0, $1, $2)",
        "coalesce(nullif(strpos(substr($1, greatest($2, 1)), $0), 0) + greatest($2, 1) - 1, 0)",
        "coalesce(nullif(strpos(substr($1, greatest($2, 1)), $0), 0) + greatest($2, 1) - 1, 0)",
        "LOCATE($0, $1, GREATEST($2, 1))"),
    ("DATALENGTH", 1, "tsql_datalength($0)", "octet_length(CAST($0 AS text))", "octet_length(encode(CAST($0 AS VARCHAR)))", "LENGTH($0)"),
    ("LEFT", 2, "tsql_left($0, $1)", "left($0, $1)", "left($0, $1)", "LEFT($0, $1)"),
    ("LEN", 1, "tsql_len($0)", "length(rtrim(CAST($0 AS text), ' '))", "length(rtrim(CAST($0 AS VARCHAR), ' '))", "CHAR_LENGTH(RTRIM($0))"),
    ("LOWER", 1, "tsql_lower($0)", "lower($0)", "lower($0)", "LOWER($0)"),
    ("LTRIM", 1, "ltrim($0)", "ltrim($0)", "ltrim($0)", "LTRIM($0)"),
    ("PATINDEX", 2, "tsql_patindex($0, $1)", NONE, NONE, NONE),
    ("QUOTENAME", 1, "('[' || replace($0, ']', ']]') || ']')", "('[' || replace($0, ']', ']]') || ']')",
        "('[' || replace($0, ']', ']]') || ']')", "CONCAT('[', REPLACE($0, ']', ']]'), ']')"),
    ("REPLACE", 3, "replace($0, $1, $2)", "replace($0, $1, $2)", "replace($0, $1, $2)", "REPLACE($0, $1, $2)"),
    ("REPLICATE", 2, "tsql_replicate($0, $1)", "repeat($0, $1)", "repeat($0, $1)", "REPEAT($0, $1)"),
    ("REVERSE", 1, "tsql_reverse($0)", "reverse($0)", "reverse($0)", "REVERSE($0)"),
    ("RIGHT", 2, "tsql_right($0, $1)", "right($0, $1)", "right($0, $1)", "RIGHT($0, $1)"),
    ("RTRIM", 1, "rtrim($0)", "rtrim($0)", "rtrim($0)", "RTRIM($0)"),
    ("TRIM", 1, "trim($0)", "trim($0)", "trim($0)", "TRIM($0)"),
    ("SPACE", 1, "tsql_replicate(' ', $0)", "repeat(' ', $0)", "repeat(' ', $0)", "SPACE($0)"),
    ("STR", 1, "tsql_str($0)", "lpad(CAST(round(CAST($0 AS numeric)) AS text), 10)", NONE, "LPAD(ROUND($0), 10, ' ')"),
    ("STR", 2, "tsql_str($0, $1)", "lpad(CAST(round(CAST($0 AS numeric)) AS text), $1)", NONE, "LPAD(ROUND($0), $1, ' ')"),
    ("STR", 3, "tsql_str($0, $1, $2)", "lpad(CAST(round(CAST($0 AS numeric), $2) AS text), $1)", NONE, "LPAD(ROUND($0, $2), $1, ' ')"),
    ("STUFF", 4, "tsql_stuff($0, $1, $2, $3)", "overlay($0 placing $3 from $1 for $2)",
        "(left($0, %1 - 1) || $3 || substr($0, %1 + %2))", "INSERT($0, $1, $2, $3)"),
    ("SUBSTRING", 3, "tsql_substring($0, $1, $2)", "substr($0, $1, $2)", "substr($0, $1, $2)", "SUBSTR($0, $1, $2)"),
    ("TRANSLATE", 3, "tsql_translate($0, $1, $2)", "translate($0, $1, $2)", "translate($0, $1, $2)", NONE),
    ("UPPER", 1, "tsql_upper($0)", "upper($0)", "upper($0)", "UPPER($0)"),
    // Comparisons with numbers, of `comparisons`.
    ("TSQL_AS_INTEGER", 1, "CAST($0 AS INTEGER)", NONE, NONE, NONE),
    ("TSQL_AS_NUMBER", 1, "CAST($0 AS NUMERIC)", NONE, NONE, NONE),
    ("TSQL_NUMBER", 1, "tsql_number($0)", NONE, NONE, NONE),
    ("TSQL_NULLIF", 2, "tsql_nullif($0, $1)", NONE, NONE, NONE),
    // Nothing and choices.
    ("IIF", 3, "(CASE WHEN $0 THEN $1 ELSE $2 END)", "(CASE WHEN $0 THEN $1 ELSE $2 END)",
        "(CASE WHEN $0 THEN $1 ELSE $2 END)", "(CASE WHEN $0 THEN $1 ELSE $2 END)"),
    ("ISNULL", 2, "coalesce($0, $1)", "coalesce($0, $1)", "coalesce($0, $1)", "COALESCE($0, $1)"),
    ("NULLIF", 2, "nullif($0, $1)", "nullif($0, $1)", "nullif($0, $1)", "NULLIF($0, $1)"),
    ("ISNUMERIC", 1, "tsql_isnumeric($0)", NONE, "(CASE WHEN TRY_CAST($0 AS DOUBLE) IS NULL THEN 0 ELSE 1 END)", NONE),
    ("ISDATE", 1, "tsql_isdate($0)", NONE, "(CASE WHEN TRY_CAST($0 AS TIMESTAMP) IS NULL THEN 0 ELSE 1 END)", NONE),
    // Numbers.
    ("ABS", 1, SAME, SAME, SAME, SAME),
    ("CEILING", 1, "tsql_ceiling($0)", "ceil($0)", "ceil($0)", "CEILING($0)"),
    ("FLOOR", 1, "tsql_floor($0)", "floor($0)", "floor($0)", "FLOOR($0)"),
    ("EXP", 1, "tsql_exp($0)", SAME, SAME, SAME),
    ("LOG", 1, "tsql_log($0)", "ln(CAST($0 AS double precision))", "ln($0)", "LN($0)"),
    ("LOG", 2, "tsql_log($0, $1)", "(ln(CAST($0 AS double precision)) / ln(CAST($1 AS double precision)))", "(ln($0) / ln($1))", "LOG($1, $0)"),
    ("LOG10", 1, "tsql_log($0, 10)", "log(CAST($0 AS double precision))", "log10($0)", "LOG10($0)"),
    ("PI", 0, "3.141592653589793", SAME, SAME, SAME),
    ("POWER", 2, "tsql_power($0, $1)", SAME, SAME, SAME),
    ("ROUND", 2, "tsql_round($0, $1)", "round(CAST($0 AS numeric), $1)", SAME, SAME),
    ("ROUND", 3, "tsql_round($0, $1, $2)", "(CASE WHEN $2 = 0 THEN round(CAST($0 AS numeric), $1) ELSE trunc(CAST($0 AS numeric), $1) END)",
        NONE, "(CASE WHEN $2 = 0 THEN ROUND($0, $1) ELSE TRUNCATE($0, $1) END)"),
    ("SIGN", 1, "tsql_sign($0)", SAME, SAME, SAME),
    ("SQRT", 1, "tsql_sqrt($0)", SAME, SAME, SAME),
    ("SQUARE", 1, "tsql_square($0)", "power($0, 2)", "power($0, 2)", "POWER($0, 2)"),
    // Dates. Those with a part are in `dates`.
    ("GETDATE", 0, SQLITE_NOW, "LOCALTIMESTAMP(3)", "current_localtimestamp()", "NOW(3)"),
    ("CURRENT_TIMESTAMP", 0, SQLITE_NOW, "LOCALTIMESTAMP(3)", "current_localtimestamp()", "NOW(3)"),
    ("SYSDATETIME", 0, SQLITE_NOW, "LOCALTIMESTAMP", "current_localtimestamp()", "NOW(6)"),
    ("GETUTCDATE", 0, SQLITE_UTC, "(CURRENT_TIMESTAMP(3) AT TIME ZONE 'UTC')", "(now() AT TIME ZONE 'UTC')", "UTC_TIMESTAMP(3)"),
    ("SYSUTCDATETIME", 0, SQLITE_UTC, "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')", "(now() AT TIME ZONE 'UTC')", "UTC_TIMESTAMP(6)"),
    ("SYSDATETIMEOFFSET", 0, NONE, "CURRENT_TIMESTAMP", "now()", NONE),
    ("DATEFROMPARTS", 3, "tsql_datefromparts($0, $1, $2)", "make_date($0, $1, $2)", "make_date($0, $1, $2)",
        "STR_TO_DATE(CONCAT_WS('-', $0, $1, $2), '%Y-%m-%d')"),
    ("EOMONTH", 1, "tsql_eomonth($0)", "CAST(date_trunc('month', CAST($0 AS timestamp)) + interval '1 month - 1 day' AS date)",
        "last_day(CAST($0 AS DATE))", "LAST_DAY($0)"),
    ("EOMONTH", 2, "tsql_eomonth($0, $1)",
        "CAST(date_trunc('month', CAST($0 AS timestamp)) + (%1 + 1) * interval '1 month' - interval '1 day' AS date)",
        "last_day(CAST($0 AS DATE) + to_months($1))", "LAST_DAY(DATE_ADD($0, INTERVAL $1 MONTH))"),
    // Identities, keys, sessions.
    ("NEWID", 0, SQLITE_UUID, "gen_random_uuid()", "uuid()", "UUID()"),
    ("NEWSEQUENTIALID", 0, SQLITE_UUID, "gen_random_uuid()", "uuid()", "UUID()"),
    ("SCOPE_IDENTITY", 0, "last_insert_rowid()", "lastval()", NONE, "LAST_INSERT_ID()"),
    ("SUSER_SNAME", 0, NONE, "CAST(session_user AS text)", "current_user", "CURRENT_USER()"),
    ("SUSER_NAME", 0, NONE, "CAST(session_user AS text)", "current_user", "CURRENT_USER()"),
    ("SYSTEM_USER", 0, NONE, "CAST(session_user AS text)", "current_user", "CURRENT_USER()"),
    ("USER_NAME", 0, NONE, "CAST(current_user AS text)", "current_user", "CURRENT_USER()"),
    ("DB_NAME", 0, NONE, "CAST(current_database() AS text)", "current_database()", "DATABASE()"),
    // Aggregates and windows.
    ("COUNT_BIG", 1, "count($0)", "count($0)", "count($0)", "COUNT($0)"),
    ("STDEV", 1, NONE, "stddev_samp($0)", "stddev_samp($0)", "STDDEV_SAMP($0)"),
    ("STDEVP", 1, NONE, "stddev_pop($0)", "stddev_pop($0)", "STDDEV_POP($0)"),
    ("VAR", 1, NONE, "var_samp($0)", "var_samp($0)", "VAR_SAMP($0)"),
    ("VARP", 1, NONE, "var_pop($0)", "var_pop($0)", "VAR_POP($0)"),
];

/// Called alike everywhere, with any number of arguments.
static SAME_EVERYWHERE: &[&str] = &[
    "AVG",
    "COALESCE",
    "COUNT",
    "CUME_DIST",
    "DENSE_RANK",
    "FIRST_VALUE",
    "LAG",
    "LAST_VALUE",
    "LEAD",
    "MAX",
    "MIN",
    "NTILE",
    "PERCENT_RANK",
    "RANK",
    "ROW_NUMBER",
    "SUM",
    "GREATEST",
    "LEAST",
];

/// How the target says it: [`SAME`], [`NONE`], or a translation. None for a function that is not T-SQL's.
pub(crate) fn translation(name: &str, arguments: usize, to: Dialect) -> Option<&'static str> {
    if SAME_EVERYWHERE.contains(&name) {
        return match (name, to) {
            ("GREATEST", Dialect::Sqlite) | ("LEAST", Dialect::Sqlite) => Some(NONE),
            _ => Some(SAME),
        };
    }
    let row = ROWS
        .iter()
        .find(|row| row.0 == name && row.1 == arguments)?;
    match to {
        Dialect::Sqlite => Some(row.2),
        Dialect::Postgres => Some(row.3),
        Dialect::DuckDb => Some(row.4),
        Dialect::MySql => Some(row.5),
        Dialect::MsSql | Dialect::Other => Some(SAME),
    }
}

/// Translations that name an aggregate keep what follows the call (OVER).
pub(crate) fn renamed(name: &str, to: Dialect) -> Option<&'static str> {
    if to == Dialect::Sqlite && name != "COUNT_BIG" {
        return None;
    }
    match name {
        "COUNT_BIG" => Some("count"),
        "STDEV" => Some("stddev_samp"),
        "STDEVP" => Some("stddev_pop"),
        "VAR" => Some("var_samp"),
        "VARP" => Some("var_pop"),
        _ => None,
    }
}
