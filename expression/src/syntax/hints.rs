//! What somebody meant who writes SQL, Visual Basic or C: the end of a message.

use super::TokenKind;

/// For a token that does not belong where it is, with the one before it.
pub(super) fn of(before: Option<&TokenKind>, found: &TokenKind) -> &'static str {
    match (before, found) {
        (Some(TokenKind::Name(before)), _) if before.eq_ignore_ascii_case("NOT") => {
            ": write ! to negate a condition"
        }
        (_, TokenKind::Name(name)) => match name.to_ascii_uppercase().as_str() {
            "AND" => ": write && to join conditions",
            "OR" => ": write || to join conditions",
            "NOT" => ": write ! to negate a condition",
            "IS" => ": write ISNULL(x)",
            "LIKE" => ": write FINDSTRING(text, part, 1) > 0",
            "IN" => ": write x == 1 || x == 2",
            "WHEN" | "THEN" => ": write condition ? yes : no",
            _ => "",
        },
        (Some(TokenKind::Symbol("<")), TokenKind::Symbol(">")) => ": write != for unequal",
        (Some(TokenKind::Symbol("<" | ">" | "!")), TokenKind::Symbol("=")) => {
            ": an operator is written without a blank inside"
        }
        (Some(TokenKind::Symbol("/")), TokenKind::Symbol("*" | "/")) => {
            ": an expression has no comments"
        }
        _ => "",
    }
}

/// The data types, and what others call them.
const TYPES: [(&str, &str); 46] = [
    ("i1", "DT_I1"),
    ("i2", "DT_I2"),
    ("i4", "DT_I4"),
    ("i8", "DT_I8"),
    ("ui1", "DT_UI1"),
    ("ui2", "DT_UI2"),
    ("ui4", "DT_UI4"),
    ("ui8", "DT_UI8"),
    ("r4", "DT_R4"),
    ("r8", "DT_R8"),
    ("cy", "DT_CY"),
    ("bool", "DT_BOOL"),
    ("str", "DT_STR"),
    ("wstr", "DT_WSTR"),
    ("text", "DT_TEXT"),
    ("ntext", "DT_NTEXT"),
    ("bytes", "DT_BYTES"),
    ("image", "DT_IMAGE"),
    ("guid", "DT_GUID"),
    ("numeric", "DT_NUMERIC"),
    ("decimal", "DT_DECIMAL"),
    ("date", "DT_DATE"),
    ("dbdate", "DT_DBDATE"),
    ("dbtime", "DT_DBTIME"),
    ("dbtime2", "DT_DBTIME2"),
    ("dbtimestamp", "DT_DBTIMESTAMP"),
    ("dbtimestamp2", "DT_DBTIMESTAMP2"),
    ("dbtimestampoffset", "DT_DBTIMESTAMPOFFSET"),
    ("filetime", "DT_FILETIME"),
    ("int", "DT_I4"),
    ("integer", "DT_I4"),
    ("bigint", "DT_I8"),
    ("smallint", "DT_I2"),
    ("tinyint", "DT_UI1"),
    ("bit", "DT_BOOL"),
    ("boolean", "DT_BOOL"),
    ("float", "DT_R8"),
    ("double", "DT_R8"),
    ("real", "DT_R4"),
    ("money", "DT_CY"),
    ("char", "DT_STR"),
    ("varchar", "DT_STR"),
    ("nvarchar", "DT_WSTR"),
    ("string", "DT_WSTR"),
    ("datetime", "DT_DBTIMESTAMP"),
    ("time", "DT_DBTIME"),
];

/// For a data type that is not there, by its name in lower case without `DT_`: the nearest one.
pub(super) fn data_type(bare: &str) -> String {
    let near = TYPES
        .iter()
        .map(|(name, meant)| (crate::check::distance(bare, name), meant))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= (bare.chars().count() / 3).max(1));
    match near {
        Some((_, meant)) => format!("; did you mean {meant}?"),
        None => String::new(),
    }
}

/// For a function that is not there, by its name in upper case.
pub(crate) fn function(name: &str) -> &'static str {
    match name {
        "IIF" | "IF" | "CASE" | "DECODE" => "; write condition ? yes : no",
        "COALESCE" | "NVL" | "IFNULL" | "NZ" => "; write REPLACENULL(value, other)",
        "CAST" | "CONVERT" | "TRY_CAST" | "TO_CHAR" | "TO_NUMBER" | "STR" => {
            "; write the type before the value, as in (DT_I4)x"
        }
        "CONCAT" => "; write a + b",
        "NOW" | "SYSDATE" | "GETDATETIME" | "CURRENT_TIMESTAMP" => "; write GETDATE()",
        "CHARINDEX" | "INSTR" | "INDEXOF" | "CONTAINS" => "; write FINDSTRING(text, part, 1)",
        "SUBSTR" | "MID" => "; write SUBSTRING(text, start, length)",
        "LENGTH" => "; write LEN(text)",
        "FORMAT" => "; write a cast to text, and RIGHT(\"0\" + text, 2) to fill up",
        "MOD" => "; write a % b",
        "TOUPPER" | "UCASE" => "; write UPPER(text)",
        "TOLOWER" | "LCASE" => "; write LOWER(text)",
        "LOG10" => "; write LOG(number)",
        "POW" => "; write POWER(number, exponent)",
        "DATENAME" => "; write (DT_WSTR,10)DATEPART(part, date)",
        _ => "",
    }
}
