//! CREATE, ALTER, DROP and TRUNCATE, read from tokens: what T-SQL says beyond SQLite (clustering, file groups,
//! index options) is dropped, and a column keeps its T-SQL type as SQLite's declared type.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::SqlError;
use crate::rewrite::{Facts, expression, quoted, table_name};
use crate::script::{Tokens, is, split_commas, word};
use crate::sql_type::{Declared, SqlType};

/// The SQLite statements for a statement that defines something; nothing when it is of another kind.
pub(crate) fn statements(
    tokens: &[TokenWithSpan],
    facts: &dyn Facts,
) -> Result<Option<Vec<String>>, SqlError> {
    let mut cursor = Cursor { tokens, at: 0 };
    let verb = cursor.next_word();
    let object = cursor.next_word();
    Ok(Some(match (verb.as_str(), object.as_str()) {
        ("CREATE", "TABLE") => vec![create_table(&mut cursor, facts)?],
        ("CREATE", "UNIQUE" | "CLUSTERED" | "NONCLUSTERED" | "INDEX") => {
            cursor.at -= 1;
            vec![create_index(&mut cursor, facts)?]
        }
        ("CREATE", "VIEW") => return create_view(&mut cursor, facts).map(|sql| Some(vec![sql])),
        ("CREATE", "SCHEMA") => Vec::new(),
        ("ALTER", "TABLE") => alter_table(&mut cursor, facts)?,
        ("DROP", "TABLE" | "VIEW" | "INDEX") => drop_objects(&mut cursor, &object)?,
        ("TRUNCATE", "TABLE") => vec![format!("DELETE FROM {}", quoted(&cursor.table()?))],
        ("CREATE" | "ALTER" | "DROP", _) => {
            return Err(SqlError::unsupported(format_args!("{verb} {object}")));
        }
        _ => return Ok(None),
    }))
}

struct Cursor<'a> {
    tokens: &'a [TokenWithSpan],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<&'a TokenWithSpan> {
        self.tokens.get(self.at)
    }

    fn word(&self) -> String {
        word(self.peek())
    }

    fn next_word(&mut self) -> String {
        let word = self.word();
        self.at += 1;
        word
    }

    fn keyword(&mut self, wanted: &str) -> bool {
        let found = self.word() == wanted;
        self.at += usize::from(found);
        found
    }

    fn keywords(&mut self, wanted: &[&str]) -> bool {
        let found = wanted
            .iter()
            .enumerate()
            .all(|(ahead, wanted)| word(self.tokens.get(self.at + ahead)) == *wanted);
        self.at += if found { wanted.len() } else { 0 };
        found
    }

    fn symbol(&mut self, wanted: &Token) -> bool {
        let found = is(self.peek(), wanted);
        self.at += usize::from(found);
        found
    }

    fn error(&self) -> SqlError {
        SqlError::syntax(self.peek().map_or("end of statement".to_owned(), |token| {
            token.token.to_string()
        }))
    }

    fn name(&mut self) -> Result<String, SqlError> {
        match self.peek().map(|token| &token.token) {
            Some(Token::Word(word)) => {
                self.at += 1;
                Ok(word.value.clone())
            }
            _ => Err(self.error()),
        }
    }

    /// A name of one to three parts as a SQLite name.
    fn table(&mut self) -> Result<String, SqlError> {
        let mut parts = vec![self.name()?];
        while self.symbol(&Token::Period) {
            parts.push(if is(self.peek(), &Token::Period) {
                String::new()
            } else {
                self.name()?
            });
        }
        Ok(table_name(
            &parts.iter().map(String::as_str).collect::<Vec<_>>(),
        ))
    }

    /// The tokens inside the parentheses that open here.
    fn group(&mut self) -> Result<&'a [TokenWithSpan], SqlError> {
        if !self.symbol(&Token::LParen) {
            return Err(self.error());
        }
        let start = self.at;
        let mut depth = 1;
        while let Some(token) = self.peek() {
            match token.token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(self.tokens.get(start..self.at - 1).unwrap_or_default());
            }
        }
        Err(self.error())
    }

    /// Index options and file groups, which change nothing here.
    fn skip_storage(&mut self) -> Result<(), SqlError> {
        loop {
            if self.keyword("CLUSTERED")
                || self.keyword("NONCLUSTERED")
                || self.keywords(&["NOT", "FOR", "REPLICATION"])
            {
                continue;
            }
            if self.word() == "WITH" && is(self.tokens.get(self.at + 1), &Token::LParen) {
                self.at += 1;
                self.group()?;
            } else if self.word() == "WITH" && word(self.tokens.get(self.at + 1)) == "FILLFACTOR" {
                self.at += 4;
            } else if matches!(
                self.word().as_str(),
                "ON" | "TEXTIMAGE_ON" | "FILESTREAM_ON"
            ) && !matches!(
                word(self.tokens.get(self.at + 1)).as_str(),
                "DELETE" | "UPDATE"
            ) {
                self.at += 2;
                if is(self.peek(), &Token::LParen) {
                    self.group()?;
                }
            } else {
                return Ok(());
            }
        }
    }

    /// `([a] ASC, [b])` with quoted names.
    fn key(&mut self) -> Result<String, SqlError> {
        let parts = split_commas(self.group()?);
        let keys: Result<Vec<String>, SqlError> = parts.iter().map(key_column).collect();
        Ok(format!("({})", keys?.join(", ")))
    }
}

fn key_column(part: &Tokens) -> Result<String, SqlError> {
    let mut cursor = Cursor {
        tokens: part,
        at: 0,
    };
    let name = quoted(&cursor.name()?);
    match cursor.next_word().as_str() {
        "DESC" => Ok(format!("{name} DESC")),
        _ => Ok(name),
    }
}

fn create_table(cursor: &mut Cursor<'_>, facts: &dyn Facts) -> Result<String, SqlError> {
    let table = cursor.table()?;
    let body = cursor.group()?;
    cursor.skip_storage()?;
    if cursor.peek().is_some() {
        return Err(cursor.error());
    }
    table_statement(&table, body, facts)
}

/// CREATE TABLE for what stands between the parentheses; variables and names with a hash are temporary.
pub(crate) fn table_statement(
    table: &str,
    body: &[TokenWithSpan],
    facts: &dyn Facts,
) -> Result<String, SqlError> {
    let items = split_commas(body);
    let mut lines = Vec::new();
    for item in items.iter().flat_map(|item| apart(item)) {
        let mut cursor = Cursor {
            tokens: item,
            at: 0,
        };
        let line = match word(item.first()).as_str() {
            "CONSTRAINT" | "PRIMARY" | "UNIQUE" | "FOREIGN" | "CHECK" => {
                table_constraint(&mut cursor, facts)?
            }
            "INDEX" => continue,
            _ => column(&mut cursor, facts)?,
        };
        lines.push(line);
    }
    let temporary = if table.starts_with(['#', '@']) {
        "TEMP "
    } else {
        ""
    };
    Ok(format!(
        "CREATE {temporary}TABLE {} ({})",
        quoted(table),
        lines.join(", ")
    ))
}

/// A column, and the key of the table that may stand behind it without a comma.
fn apart(item: &[TokenWithSpan]) -> impl Iterator<Item = &[TokenWithSpan]> {
    let at = |at: usize| word(item.get(at));
    let key = (1..item.len()).find(|&start| {
        let clustered = matches!(at(start + 2).as_str(), "CLUSTERED" | "NONCLUSTERED");
        at(start) == "PRIMARY"
            && at(start + 1) == "KEY"
            && is(item.get(start + 2 + usize::from(clustered)), &Token::LParen)
    });
    let cut = match key {
        Some(start) if start > 2 && at(start - 2) == "CONSTRAINT" => start - 2,
        Some(start) if at(0) != "CONSTRAINT" => start,
        _ => item.len(),
    };
    let (column, key) = item.split_at(cut);
    [column, key].into_iter().filter(|part| !part.is_empty())
}

fn column(cursor: &mut Cursor<'_>, facts: &dyn Facts) -> Result<String, SqlError> {
    let name = cursor.name()?;
    if cursor.word() == "AS" {
        cursor.at += 1;
        let text = expression(cursor.group()?, facts)?;
        cursor.keyword("PERSISTED");
        return Ok(format!("{} AS ({text})", quoted(&name)));
    }
    let mut ty = cursor.name()?;
    if cursor.symbol(&Token::Period) {
        ty = cursor.name()?;
    }
    if is(cursor.peek(), &Token::LParen) {
        let inner: Vec<String> = cursor
            .group()?
            .iter()
            .map(|token| token.token.to_string())
            .collect();
        ty.push_str(&format!("({})", inner.concat()));
    }
    let ty = SqlType::parse(&ty)
        .ok_or_else(|| SqlError::unsupported(format_args!("a column of type {ty}")))?;
    let mut declared = Declared {
        ty,
        not_null: false,
        identity: None,
    };
    let mut rest = String::new();
    while cursor.peek().is_some() {
        column_constraint(cursor, facts, &mut declared, &mut rest)?;
    }
    let nulls = if declared.not_null || declared.identity.is_some() {
        " NOT NULL"
    } else {
        ""
    };
    declared.not_null |= declared.identity.is_some();
    let collation = match ty {
        _ if ty.is_text() && !rest.contains(" COLLATE ") => " COLLATE TDS_CI",
        _ if ty.is_moment() => " COLLATE TDS_MOMENT",
        SqlType::Decimal(..) | SqlType::Money => " COLLATE TDS_NUMBER",
        _ => "",
    };
    Ok(format!(
        "{} {}{nulls}{collation}{rest}",
        quoted(&name),
        declared.text()
    ))
}

fn column_constraint(
    cursor: &mut Cursor<'_>,
    facts: &dyn Facts,
    declared: &mut Declared,
    rest: &mut String,
) -> Result<(), SqlError> {
    cursor.skip_storage()?;
    if cursor.peek().is_none() {
        return Ok(());
    }
    match cursor.next_word().as_str() {
        "NULL" | "ROWGUIDCOL" | "SPARSE" => {}
        "NOT" if cursor.keyword("NULL") => declared.not_null = true,
        "IDENTITY" => {
            declared.identity = Some((1, 1));
            if is(cursor.peek(), &Token::LParen) {
                let text: String = cursor
                    .group()?
                    .iter()
                    .map(|token| token.token.to_string())
                    .collect();
                let (seed, step) = text.split_once(',').ok_or_else(|| cursor.error())?;
                declared.identity = seed.parse().ok().zip(step.parse().ok());
            }
        }
        "CONSTRAINT" => rest.push_str(&format!(" CONSTRAINT {}", quoted(&cursor.name()?))),
        "PRIMARY" if cursor.keyword("KEY") => {
            declared.not_null = true;
            rest.push_str(" PRIMARY KEY");
        }
        "UNIQUE" => rest.push_str(" UNIQUE"),
        "COLLATE" => {
            let name = cursor.name()?.to_ascii_uppercase();
            let binary = name.contains("_CS") || name.contains("_BIN");
            rest.push_str(if binary {
                " COLLATE BINARY"
            } else {
                " COLLATE TDS_CI"
            });
        }
        "DEFAULT" => rest.push_str(&format!(" DEFAULT ({})", default_value(cursor, facts)?)),
        "CHECK" => rest.push_str(&format!(" CHECK ({})", expression(cursor.group()?, facts)?)),
        "FOREIGN" if cursor.keyword("KEY") => {}
        "REFERENCES" => rest.push_str(&references(cursor)?),
        _ => {
            cursor.at -= 1;
            return Err(cursor.error());
        }
    }
    Ok(())
}

fn default_value(cursor: &mut Cursor<'_>, facts: &dyn Facts) -> Result<String, SqlError> {
    if is(cursor.peek(), &Token::LParen) {
        return expression(cursor.group()?, facts);
    }
    let start = cursor.at;
    if matches!(
        cursor.peek().map(|token| &token.token),
        Some(Token::Minus | Token::Plus)
    ) {
        cursor.at += 1;
    }
    cursor.at += 1;
    if is(cursor.peek(), &Token::LParen) {
        cursor.group()?;
    }
    expression(
        cursor.tokens.get(start..cursor.at).unwrap_or_default(),
        facts,
    )
}

fn references(cursor: &mut Cursor<'_>) -> Result<String, SqlError> {
    let mut text = format!(" REFERENCES {}", quoted(&cursor.table()?));
    if is(cursor.peek(), &Token::LParen) {
        text.push_str(&cursor.key()?);
    }
    while cursor.word() == "ON"
        && matches!(
            word(cursor.tokens.get(cursor.at + 1)).as_str(),
            "DELETE" | "UPDATE"
        )
    {
        cursor.at += 1;
        let event = cursor.next_word();
        let action = match cursor.next_word().as_str() {
            "NO" => format!("NO {}", cursor.next_word()),
            "SET" => format!("SET {}", cursor.next_word()),
            "CASCADE" => "CASCADE".to_owned(),
            _ => return Err(cursor.error()),
        };
        text.push_str(&format!(" ON {event} {action}"));
    }
    Ok(text)
}

fn table_constraint(cursor: &mut Cursor<'_>, facts: &dyn Facts) -> Result<String, SqlError> {
    let mut text = String::new();
    if cursor.keyword("CONSTRAINT") {
        text.push_str(&format!("CONSTRAINT {} ", quoted(&cursor.name()?)));
    }
    match cursor.next_word().as_str() {
        kind @ ("PRIMARY" | "UNIQUE") => {
            cursor.keyword("KEY");
            cursor.skip_storage()?;
            let kind = if kind == "PRIMARY" {
                "PRIMARY KEY"
            } else {
                "UNIQUE"
            };
            text.push_str(&format!("{kind} {}", cursor.key()?));
        }
        "FOREIGN" => {
            cursor.keyword("KEY");
            text.push_str(&format!("FOREIGN KEY {}", cursor.key()?));
            if !cursor.keyword("REFERENCES") {
                return Err(cursor.error());
            }
            text.push_str(&references(cursor)?);
        }
        "CHECK" => {
            cursor.skip_storage()?;
            text.push_str(&format!("CHECK ({})", expression(cursor.group()?, facts)?));
        }
        _ => return Err(cursor.error()),
    }
    cursor.skip_storage()?;
    if cursor.peek().is_some() {
        Err(cursor.error())
    } else {
        Ok(text)
    }
}

fn create_index(cursor: &mut Cursor<'_>, facts: &dyn Facts) -> Result<String, SqlError> {
    let unique = if cursor.keyword("UNIQUE") {
        "UNIQUE "
    } else {
        ""
    };
    cursor.skip_storage()?;
    if !cursor.keyword("INDEX") {
        return Err(cursor.error());
    }
    let name = cursor.name()?;
    if !cursor.keyword("ON") {
        return Err(cursor.error());
    }
    let table = cursor.table()?;
    let key = cursor.key()?;
    if cursor.keyword("INCLUDE") {
        cursor.group()?;
    }
    let mut filter = String::new();
    if cursor.keyword("WHERE") {
        let start = cursor.at;
        while cursor.peek().is_some() && !matches!(cursor.word().as_str(), "WITH" | "ON") {
            cursor.at += 1;
        }
        filter = format!(
            " WHERE {}",
            expression(
                cursor.tokens.get(start..cursor.at).unwrap_or_default(),
                facts
            )?
        );
    }
    cursor.skip_storage()?;
    // An index's name belongs to its table there, to the whole file here; a temporary table's lives with it.
    let schema = if table.starts_with('#') { "temp." } else { "" };
    Ok(format!(
        "CREATE {unique}INDEX {schema}{} ON {} {key}{filter}",
        quoted(&format!("{table}.{name}")),
        quoted(&table)
    ))
}

fn create_view(cursor: &mut Cursor<'_>, facts: &dyn Facts) -> Result<String, SqlError> {
    let name = cursor.table()?;
    if !cursor.keyword("AS") {
        return Err(cursor.error());
    }
    let plan = crate::statement::plan(cursor.tokens.get(cursor.at..).unwrap_or_default(), facts)?;
    Ok(format!("CREATE VIEW {} AS {}", quoted(&name), plan.sql))
}

fn alter_table(cursor: &mut Cursor<'_>, facts: &dyn Facts) -> Result<Vec<String>, SqlError> {
    let table = quoted(&cursor.table()?);
    let with = cursor.keyword("WITH");
    if with && !cursor.keyword("NOCHECK") && !cursor.keyword("CHECK") {
        return Err(cursor.error());
    }
    if cursor.keywords(&["CHECK", "CONSTRAINT"]) || cursor.keywords(&["NOCHECK", "CONSTRAINT"]) {
        return Ok(Vec::new());
    }
    let rest =
        |cursor: &Cursor<'_>| split_commas(cursor.tokens.get(cursor.at..).unwrap_or_default());
    if cursor.keywords(&["DROP", "COLUMN"]) {
        let names = rest(cursor);
        return names
            .iter()
            .map(|part| {
                Ok(format!(
                    "ALTER TABLE {table} DROP COLUMN {}",
                    quoted(
                        &Cursor {
                            tokens: part,
                            at: 0
                        }
                        .name()?
                    )
                ))
            })
            .collect();
    }
    if !cursor.keyword("ADD") {
        return Err(SqlError::unsupported(format_args!(
            "ALTER TABLE ... {}",
            cursor.word()
        )));
    }
    let items = rest(cursor);
    items
        .iter()
        .map(|item| {
            let mut cursor = Cursor {
                tokens: item,
                at: 0,
            };
            match word(item.first()).as_str() {
                "CONSTRAINT" | "PRIMARY" | "UNIQUE" => added_key(&mut cursor, &table),
                "FOREIGN" | "CHECK" => Err(SqlError::unsupported(
                    "ALTER TABLE ADD of a foreign key or a check",
                )),
                _ => Ok(format!(
                    "ALTER TABLE {table} ADD COLUMN {}",
                    column(&mut cursor, facts)?
                )),
            }
        })
        .collect()
}

/// A key added later is a unique index: SQLite cannot add one to a table.
fn added_key(cursor: &mut Cursor<'_>, table: &str) -> Result<String, SqlError> {
    let name = if cursor.keyword("CONSTRAINT") {
        cursor.name()?
    } else {
        format!("key of {table}")
    };
    if !cursor.keywords(&["PRIMARY", "KEY"]) && !cursor.keyword("UNIQUE") {
        return Err(SqlError::unsupported(
            "ALTER TABLE ADD of a foreign key, a check or a default",
        ));
    }
    cursor.skip_storage()?;
    Ok(format!(
        "CREATE UNIQUE INDEX {} ON {table} {}",
        quoted(&name),
        cursor.key()?
    ))
}

fn drop_objects(cursor: &mut Cursor<'_>, object: &str) -> Result<Vec<String>, SqlError> {
    let exists = if cursor.keywords(&["IF", "EXISTS"]) {
        "IF EXISTS "
    } else {
        ""
    };
    let mut statements = Vec::new();
    loop {
        let mut name = cursor.table()?;
        if object == "INDEX" && cursor.keyword("ON") {
            name = format!("{}.{name}", cursor.table()?);
        }
        statements.push(format!("DROP {object} {exists}{}", quoted(&name)));
        if !cursor.symbol(&Token::Comma) {
            return if cursor.peek().is_some() {
                Err(cursor.error())
            } else {
                Ok(statements)
            };
        }
    }
}
