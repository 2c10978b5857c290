//! Words that have a meaning: for the targets, where a name must be quoted; in T-SQL, which hints and options say nothing to
//! another database.

use sqlparser::{
    keywords::Keyword,
    tokenizer::{Token, Word},
};

use super::Dialect;

/// Words that are reserved in one of the targets and may be the name of a column or table in a package.
static RESERVED: &[&str] = &[
    "ADD",
    "ALL",
    "ALTER",
    "ANALYSE",
    "ANALYZE",
    "AND",
    "ANY",
    "AS",
    "ASC",
    "BEGIN",
    "BETWEEN",
    "BOTH",
    "BY",
    "CASE",
    "CAST",
    "CHANGE",
    "CHECK",
    "COLLATE",
    "COLUMN",
    "COMMIT",
    "CONDITION",
    "CONSTRAINT",
    "CREATE",
    "CROSS",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "CURRENT_USER",
    "DATABASE",
    "DEFAULT",
    "DEFERRABLE",
    "DELETE",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "DIV",
    "DO",
    "DROP",
    "DUAL",
    "EACH",
    "ELSE",
    "END",
    "ESCAPE",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "FALSE",
    "FETCH",
    "FOR",
    "FOREIGN",
    "FROM",
    "FULL",
    "GLOB",
    "GRANT",
    "GROUP",
    "GROUPS",
    "HAVING",
    "IF",
    "IN",
    "INDEX",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTERVAL",
    "INTO",
    "IS",
    "ISNULL",
    "JOIN",
    "KEY",
    "KEYS",
    "LATERAL",
    "LEADING",
    "LEAVE",
    "LEFT",
    "LIKE",
    "LIMIT",
    "LOAD",
    "LOCK",
    "LOOP",
    "MAXVALUE",
    "MOD",
    "NATURAL",
    "NOT",
    "NOTHING",
    "NOTNULL",
    "NULL",
    "OFFSET",
    "ON",
    "ONLY",
    "OPTION",
    "OR",
    "ORDER",
    "OUT",
    "OUTER",
    "OVER",
    "PARTITION",
    "PIVOT",
    "PRIMARY",
    "PROCEDURE",
    "QUALIFY",
    "RANGE",
    "RANK",
    "READ",
    "READS",
    "RECURSIVE",
    "REFERENCES",
    "REGEXP",
    "RELEASE",
    "RENAME",
    "REPEAT",
    "RETURN",
    "RETURNING",
    "RIGHT",
    "ROLLBACK",
    "ROW",
    "ROWS",
    "SCHEMA",
    "SELECT",
    "SESSION_USER",
    "SET",
    "SHOW",
    "SIGNAL",
    "SOME",
    "SQL",
    "SSL",
    "SYSTEM",
    "TABLE",
    "THEN",
    "TO",
    "TRAILING",
    "TRANSACTION",
    "TRIGGER",
    "TRUE",
    "UNION",
    "UNIQUE",
    "UNLOCK",
    "UPDATE",
    "USAGE",
    "USE",
    "USER",
    "USING",
    "VACUUM",
    "VALUES",
    "VARIADIC",
    "VIEW",
    "WHEN",
    "WHERE",
    "WHILE",
    "WINDOW",
    "WITH",
    "WRITE",
];

/// Words that T-SQL lets one use as a bare name, where a target does not.
static BARE_BUT_RESERVED: &[&str] = &[
    "ANALYZE",
    "ANALYSE",
    "CHANGE",
    "CONDITION",
    "DESCRIBE",
    "DIV",
    "DUAL",
    "EXPLAIN",
    "GLOB",
    "GROUPS",
    "INTERVAL",
    "KEYS",
    "LEAVE",
    "LIMIT",
    "LOOP",
    "MAXVALUE",
    "NOTNULL",
    "QUALIFY",
    "RANK",
    "READS",
    "RECURSIVE",
    "REGEXP",
    "RELEASE",
    "RENAME",
    "REPEAT",
    "RETURNING",
    "SIGNAL",
    "SQL",
    "SSL",
    "SYSTEM",
    "UNLOCK",
    "USAGE",
    "VACUUM",
    "VARIADIC",
    "WINDOW",
];

static TABLE_HINTS: &[&str] = &[
    "NOLOCK",
    "READUNCOMMITTED",
    "UPDLOCK",
    "HOLDLOCK",
    "ROWLOCK",
    "TABLOCK",
    "TABLOCKX",
    "READPAST",
    "PAGLOCK",
    "XLOCK",
    "READCOMMITTED",
    "READCOMMITTEDLOCK",
    "SERIALIZABLE",
    "REPEATABLEREAD",
    "NOEXPAND",
    "SNAPSHOT",
    "NOWAIT",
    "FORCESEEK",
    "FORCESCAN",
    "INDEX",
    "KEEPIDENTITY",
    "KEEPDEFAULTS",
    "IGNORE_CONSTRAINTS",
    "IGNORE_TRIGGERS",
    "FASTFIRSTROW",
];

static STORAGE_OPTIONS: &[&str] = &[
    "PAD_INDEX",
    "STATISTICS_NORECOMPUTE",
    "STATISTICS_INCREMENTAL",
    "IGNORE_DUP_KEY",
    "ALLOW_ROW_LOCKS",
    "ALLOW_PAGE_LOCKS",
    "SORT_IN_TEMPDB",
    "DROP_EXISTING",
    "ONLINE",
    "FILLFACTOR",
    "DATA_COMPRESSION",
    "MAXDOP",
    "OPTIMIZE_FOR_SEQUENTIAL_KEY",
    "DISTRIBUTION",
    "HEAP",
    "XML_COMPRESSION",
    "MEMORY_OPTIMIZED",
    "DURABILITY",
];

/// Settings of a session that change no result, or say what the targets do anyway.
static QUIET_SETTINGS: &[&str] = &[
    "NOCOUNT",
    "ANSI_NULLS",
    "ANSI_PADDING",
    "ANSI_WARNINGS",
    "ANSI_NULL_DFLT_ON",
    "ANSI_DEFAULTS",
    "ARITHABORT",
    "ARITHIGNORE",
    "CONCAT_NULL_YIELDS_NULL",
    "DEADLOCK_PRIORITY",
    "IDENTITY_INSERT",
    "LOCK_TIMEOUT",
    "NUMERIC_ROUNDABORT",
    "QUOTED_IDENTIFIER",
    "STATISTICS",
    "TEXTSIZE",
    "TRANSACTION",
    "XACT_ABORT",
    "NOEXEC",
    "LANGUAGE",
    "QUERY_GOVERNOR_COST_LIMIT",
    "IMPLICIT_TRANSACTIONS",
];

pub(super) fn is_table_hint(word: &str) -> bool {
    has(TABLE_HINTS, word)
}

pub(super) fn is_storage_option(word: &str) -> bool {
    has(STORAGE_OPTIONS, word)
}

pub(super) fn is_quiet_setting(word: &str) -> bool {
    has(QUIET_SETTINGS, word)
}

/// Whether a bare word of T-SQL is a name that the target would not take bare.
pub(super) fn needs_quotes_though_bare(word: &str) -> bool {
    has(BARE_BUT_RESERVED, word)
}

pub(super) fn quote_of(to: Dialect) -> char {
    match to {
        Dialect::MySql => '`',
        _ => '"',
    }
}

/// A name that had quotes: its text and the quotes it needs in the target. A name that PostgreSQL would fold to lower case is
/// folded, so that it is the same table with and without quotes.
pub(super) fn quoted(name: &str, to: Dialect) -> (String, Option<char>) {
    let quote = quote_of(to);
    if !is_regular(name) {
        // The printer doubles quotes that stand alone and leaves pairs as they are.
        return (name.replace(quote, &format!("{quote}{quote}")), Some(quote));
    }
    if !has(RESERVED, name) {
        return (name.to_owned(), None);
    }
    let name = match to {
        Dialect::Postgres => name.to_lowercase(),
        _ => name.to_owned(),
    };
    (name, Some(quote))
}

fn is_regular(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
}

fn has(list: &[&str], word: &str) -> bool {
    list.iter().any(|entry| entry.eq_ignore_ascii_case(word))
}

/// A quoted word in the quotes of the target.
pub(super) fn requoted(word: &Word, to: Dialect) -> Token {
    let name = match word.quote_style {
        Some('[') => word.value.replace("]]", "]"),
        _ => word.value.replace("\"\"", "\""),
    };
    let (value, quote_style) = quoted(&name, to);
    Token::Word(Word {
        value,
        quote_style,
        keyword: Keyword::NoKeyword,
    })
}
