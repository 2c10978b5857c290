//! What somebody meant who writes SQL, Visual Basic or C: the end of a message.

use super::TokenKind;

/// For a token that does not belong where it is, with the one before it.
pub(super) fn of(before: Option<&TokenKind>, found: &TokenKind) -> &'static str {
    match (before, found) {
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
        "POW" => "; write POWER(number, exponent)",
        "DATENAME" => "; write (DT_WSTR,10)DATEPART(part, date)",
        _ => "",
    }
}
