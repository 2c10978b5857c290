//! A batch, statement by statement: settings that say nothing elsewhere, variables, blocks and IF; the rest goes to the parser
//! and from there to `statements`.

use sqlparser::{
    ast::{
        ColumnDef, ColumnOption, DataType, Ident, ObjectName, Statement as Tree, TableObject,
        helpers::stmt_create_table::CreateTableBuilder,
    },
    keywords::Keyword,
    parser::{Parser, ParserError},
    tokenizer::{Location, Span, Token, TokenWithSpan},
};

use super::{
    Batch, Change, Dialect, Kind, Rewritten, Statement,
    assignments::{assignments, has_rows, single_value},
    conditions::asks_catalog,
    dialect::T_SQL,
    error::RewriteError,
    markers,
    rewriter::{Rewriter, Source, parts},
    stored::stored_value,
    tokens::{self, TokenFault},
    variables::Variables,
    words::is_quiet_setting,
};

/// Blocks and IF within each other.
const BLOCKS_MAX: usize = 20;

/// What the batches of a script share.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The `?` so far.
    markers: usize,
    /// Tables with an identity or computed columns that were created, and their other columns.
    identities: Vec<(String, Vec<Ident>)>,
}

/// Rewrites one batch.
pub(super) fn rewrite_batch(
    batch: &Batch,
    to: Dialect,
    known: &mut Known,
    out: &mut Rewritten,
) -> Result<(), RewriteError> {
    let source = Source::new(&batch.text, batch.line);
    let at_location = |at: Location| source.place(at, Span::new(at, Location::empty()));
    let read = tokens::read(&batch.text).map_err(|fault| match fault {
        TokenFault::Unreadable { at, reason } => RewriteError::Unreadable {
            place: at_location(at),
            reason,
        },
        TokenFault::TooDeep { at, found } => RewriteError::TooLarge {
            place: at_location(at),
            found,
        },
    })?;
    let mut changes = Vec::new();
    let ready = tokens::prepare(&read, to, &mut known.markers, &mut changes);
    let run = |stored| {
        let mut script = Script {
            to,
            source: &source,
            parser: Parser::new(&T_SQL).with_tokens_with_locations(ready.clone()),
            tokens: ready.clone(),
            variables: Variables::default(),
            stored,
            identities: known.identities.clone(),
            changes: changes.clone(),
            printed: Vec::new(),
        };
        script.run().map(|()| script)
    };
    let script = match run(false) {
        Err(refused @ RewriteError::Unsupported { .. }) if to == Dialect::Sqlite => {
            let loops = |token: &TokenWithSpan| matches!(&token.token, Token::Word(word) if word.value.eq_ignore_ascii_case("WHILE"));
            match ready.iter().any(loops) {
                true => run(true),
                false => run(true).map_err(|_| refused),
            }
        }
        done => done,
    }?;
    known.identities = script.identities;
    let before = batch.line.saturating_sub(1);
    out.changes
        .extend(script.changes.into_iter().map(|change| Change {
            line: change.line + before,
            ..change
        }));
    for (text, kind) in script.printed {
        let (text, parameters) = markers::renumber(&text, to);
        out.statements.push(Statement {
            text,
            kind,
            parameters,
            repeat: batch.repeat,
        });
    }
    Ok(())
}

pub(super) struct Script<'a> {
    pub(super) to: Dialect,
    pub(super) source: &'a Source<'a>,
    pub(super) parser: Parser<'a>,
    /// The parser's tokens: `parser.index()` counts them.
    pub(super) tokens: Vec<TokenWithSpan>,
    pub(super) variables: Variables,
    /// Variables are kept in a table, and may be set anywhere.
    pub(super) stored: bool,
    identities: Vec<(String, Vec<Ident>)>,
    pub(super) changes: Vec<Change>,
    pub(super) printed: Vec<(String, Kind)>,
}

impl<'a> Script<'a> {
    fn run(&mut self) -> Result<(), RewriteError> {
        if self.stored {
            self.make_tables();
        }
        loop {
            while self.parser.consume_token(&Token::SemiColon) {}
            if self.at_end() {
                return Ok(());
            }
            let start = self.parser.index();
            let trees = self.next(0)?;
            for tree in trees {
                self.finish(tree, start)?;
            }
        }
    }

    fn at_end(&self) -> bool {
        self.parser.index() >= self.tokens.len()
    }

    /// Rewrites a statement and keeps its text.
    pub(super) fn finish(&mut self, mut tree: Tree, start: usize) -> Result<(), RewriteError> {
        let mut rewriter = self.rewriter(start);
        self.variables.replace(&rewriter, &mut tree)?;
        self.name_columns(&mut tree, &mut rewriter);
        let printed = rewriter.statement(tree)?;
        let changes = std::mem::take(&mut rewriter.changes);
        self.changes.extend(changes);
        if printed.iter().any(|(_, kind)| *kind != Kind::Query) {
            self.variables.tables_changed();
        }
        self.printed.extend(printed);
        Ok(())
    }

    /// T-SQL leaves the identity out where INSERT names no columns; the others do not.
    fn name_columns(&mut self, tree: &mut Tree, rewriter: &mut Rewriter<'_>) {
        match tree {
            Tree::CreateTable(table) => {
                let is_made = |column: &&ColumnDef| {
                    column.options.iter().any(|option| {
                        matches!(
                            option.option,
                            ColumnOption::Identity(_) | ColumnOption::Generated { .. }
                        )
                    })
                };
                if table.columns.iter().any(|column| is_made(&column)) {
                    let others = table.columns.iter().filter(|column| !is_made(column));
                    let others = others.map(|column| column.name.clone()).collect();
                    self.identities.push((plain_name(&table.name), others));
                }
            }
            Tree::Insert(insert) if insert.columns.is_empty() && insert.source.is_some() => {
                let TableObject::TableName(name) = &insert.table else {
                    return;
                };
                let name = plain_name(name);
                let known = self
                    .identities
                    .iter()
                    .rev()
                    .find(|(table, _)| *table == name);
                match known {
                    Some((_, others)) => {
                        let columns = others.iter().cloned();
                        insert.columns = columns.map(|column| vec![column].into()).collect();
                    }
                    None => rewriter.note(
                        rewriter.span,
                        "INSERT names no columns: an identity of the table takes part here; name the others",
                    ),
                }
            }
            _ => {}
        }
    }

    fn rewriter(&self, start: usize) -> Rewriter<'a> {
        Rewriter {
            to: self.to,
            source: self.source,
            span: self.span_from(start),
            changes: Vec::new(),
            locals: Vec::new(),
        }
    }

    fn span_from(&self, start: usize) -> Span {
        let end = self.parser.index().max(start + 1) - 1;
        let start = self
            .tokens
            .get(start)
            .map_or(Location::empty(), |token| token.span.start);
        let end = self
            .tokens
            .get(end)
            .or(self.tokens.last())
            .map_or(start, |token| token.span.end);
        Span::new(start, end)
    }

    /// The statement that begins here, which may be none (a setting) or several (a block).
    fn next(&mut self, depth: usize) -> Result<Vec<Tree>, RewriteError> {
        let start = self.parser.index();
        if depth > BLOCKS_MAX {
            return Err(self
                .rewriter(start)
                .too_large(format!("more than {BLOCKS_MAX} blocks within each other")));
        }
        let Some(word) = self.word(0).map(|word| word.value.to_ascii_uppercase()) else {
            return self.parse(start).map(|tree| vec![tree]);
        };
        let second = self.text(1).to_ascii_uppercase();
        if let Some(refused) = self.refused(start, &word, &second) {
            return Err(refused);
        }
        match (word.as_str(), second.as_str()) {
            ("USE", _) => self.leave_out(2, "USE"),
            ("SET", setting) if is_quiet_setting(setting) => {
                let length = self.setting_length();
                self.leave_out(length, &format!("SET {setting}"))
            }
            ("SET", variable) if variable.starts_with('@') => self.set_variable(depth),
            ("DECLARE", _) => self.declare(depth),
            ("IF", _) => self.conditional(depth),
            ("WHILE", _) => self.repeated(depth),
            ("BEGIN", "TRAN" | "TRANSACTION") => self.transaction(),
            ("BEGIN", "TRY") => self.tried_drop(start, depth),
            ("BEGIN", "CATCH" | "ATOMIC") => Err(self.refuse(
                start,
                format!("BEGIN {second}"),
                "let the package handle the error",
            )),
            ("BEGIN", _) => self.block(depth + 1),
            ("COMMIT" | "ROLLBACK" | "SAVE", _) => self.transaction(),
            ("EXEC" | "EXECUTE", _) => self.procedure(start),
            ("ALTER", "TABLE") if self.constraint_switch().is_some() => {
                let length = self.constraint_switch().unwrap_or(1);
                self.leave_out(length, "ALTER TABLE … CHECK CONSTRAINT")
            }
            ("CREATE" | "ALTER", _) => self.definition(start, &word),
            ("SELECT", _) => self.select(start, depth),
            _ => self.parse(start).map(|tree| vec![tree]),
        }
    }

    pub(super) fn parse(&mut self, start: usize) -> Result<Tree, RewriteError> {
        let parsed = self.parser.parse_statement();
        parsed.map_err(|error| self.unreadable(start, &error))
    }

    pub(super) fn unreadable(&self, start: usize, error: &ParserError) -> RewriteError {
        let rewriter = self.rewriter(start);
        let reason = match error {
            ParserError::TokenizerError(reason) | ParserError::ParserError(reason) => {
                reason.clone()
            }
            ParserError::RecursionLimitExceeded => {
                return rewriter.too_large("it is nested too deeply");
            }
        };
        // The parser says the place at the end of its message.
        let reason = reason
            .split(" at Line: ")
            .next()
            .unwrap_or_default()
            .to_owned();
        let at = self
            .tokens
            .get(self.parser.index().saturating_sub(1))
            .map_or(Location::empty(), |token| token.span.start);
        let end = self
            .tokens
            .last()
            .map_or(rewriter.span.end, |token| token.span.end);
        let span = Span::new(rewriter.span.start, end);
        RewriteError::Unreadable {
            place: self.source.place(at, span),
            reason,
        }
    }

    pub(super) fn refuse(
        &self,
        start: usize,
        found: impl Into<String>,
        advice: &str,
    ) -> RewriteError {
        let rewriter = self.rewriter(start);
        rewriter.unsupported(rewriter.span, found, advice)
    }

    pub(super) fn leave_out(
        &mut self,
        length: usize,
        what: &str,
    ) -> Result<Vec<Tree>, RewriteError> {
        let start = self.parser.index();
        for _ in 0..length {
            self.parser.advance_token();
        }
        if let Some(token) = self.tokens.get(start) {
            self.changes
                .push(tokens::change(token.span, format!("{what} is left out")));
        }
        Ok(Vec::new())
    }

    fn block(&mut self, depth: usize) -> Result<Vec<Tree>, RewriteError> {
        let start = self.parser.index();
        self.parser.advance_token();
        let mut trees = Vec::new();
        loop {
            while self.parser.consume_token(&Token::SemiColon) {}
            if self.parser.parse_keyword(Keyword::END) {
                return Ok(trees);
            }
            if self.at_end() {
                return Err(self.refuse(start, "BEGIN without END", "close the block"));
            }
            let next = self.next(depth)?;
            match self.stored {
                true => next
                    .into_iter()
                    .try_for_each(|tree| self.finish(tree, start))?,
                false => trees.extend(next),
            }
        }
    }

    /// `BEGIN TRY DROP TABLE t END TRY BEGIN CATCH END CATCH`: the object may not be there.
    fn tried_drop(&mut self, start: usize, depth: usize) -> Result<Vec<Tree>, RewriteError> {
        let other =
            |script: &Self| script.refuse(start, "BEGIN TRY", "let the package handle the error");
        let words = |script: &mut Self, wanted: &[&str]| {
            while script.parser.consume_token(&Token::SemiColon) {}
            let found = wanted
                .iter()
                .enumerate()
                .all(|(at, word)| script.text(at).eq_ignore_ascii_case(word));
            if found {
                wanted.iter().for_each(|_| script.parser.advance_token());
            }
            found
        };
        words(self, &["BEGIN", "TRY"]);
        let mut trees = Vec::new();
        while !words(self, &["END", "TRY"]) {
            if !self.text(0).eq_ignore_ascii_case("DROP") {
                return Err(other(self));
            }
            trees.extend(self.next(depth + 1)?);
        }
        if !words(self, &["BEGIN", "CATCH", "END", "CATCH"]) {
            return Err(other(self));
        }
        for tree in &mut trees {
            let Tree::Drop { if_exists, .. } = tree else {
                return Err(other(self));
            };
            *if_exists = true;
        }
        Ok(trees)
    }

    pub(super) fn branch(&mut self, depth: usize) -> Result<Vec<Tree>, RewriteError> {
        while self.parser.consume_token(&Token::SemiColon) {}
        let trees = self.next(depth + 1)?;
        if self.token(0) == Some(&Token::SemiColon)
            && self
                .word(1)
                .is_some_and(|word| word.keyword == Keyword::ELSE)
        {
            self.parser.advance_token();
        }
        Ok(trees)
    }

    fn conditional(&mut self, depth: usize) -> Result<Vec<Tree>, RewriteError> {
        let start = self.parser.index();
        self.parser.advance_token();
        let condition = self.parser.parse_expr();
        let mut condition = condition.map_err(|error| self.unreadable(start, &error))?;
        if self.stored && !asks_catalog(&condition.to_string()) {
            return self.conditional_stored(start, condition, depth);
        }
        let then = self.branch(depth)?;
        let otherwise = match self.parser.parse_keyword(Keyword::ELSE) {
            true => self.branch(depth)?,
            false => Vec::new(),
        };
        let mut rewriter = self.rewriter(start);
        self.variables.replace(&rewriter, &mut condition)?;
        let trees = rewriter.guarded(condition, then, otherwise)?;
        self.changes.append(&mut rewriter.changes);
        Ok(trees)
    }

    fn check_straight(&self, start: usize, depth: usize) -> Result<(), RewriteError> {
        match depth {
            _ if self.stored => Ok(()),
            0 => Ok(()),
            _ => Err(self.refuse(
                start,
                "a variable that is set within IF or a block",
                "decide in the package",
            )),
        }
    }

    fn declare(&mut self, depth: usize) -> Result<Vec<Tree>, RewriteError> {
        let start = self.parser.index();
        self.parser.advance_token();
        let mut tables = Vec::new();
        loop {
            let name = self.variable_name(start)?;
            if self.text(0).eq_ignore_ascii_case("AS") {
                self.parser.advance_token();
            }
            if self.text(0).eq_ignore_ascii_case("CURSOR") {
                return Err(self.refuse(start, format!("the cursor {name}"), "use a Foreach Loop"));
            }
            let data_type = self.parser.parse_data_type();
            let data_type = data_type.map_err(|error| self.unreadable(start, &error))?;
            if let DataType::Table(Some(columns)) = data_type {
                let temporary = format!("#{}", name.value.trim_start_matches('@'));
                let table = CreateTableBuilder::new(vec![Ident::new(temporary)].into())
                    .columns(columns)
                    .build();
                tables.push(Tree::CreateTable(table));
            } else {
                let known = self.variables.is_declared(&name.value);
                if self.stored {
                    let value = stored_value(&name.value);
                    self.variables.declare_as(&name, data_type, value);
                    self.declare_stored(&name, depth);
                } else if depth == 0 || !known {
                    self.variables.declare_as(&name, data_type, None);
                }
                if self.parser.consume_token(&Token::Eq) {
                    self.check_straight(start, depth)?;
                    self.assign(start, &name)?;
                }
            }
            if !self.parser.consume_token(&Token::Comma) {
                return Ok(tables);
            }
        }
    }

    fn variable_name(&mut self, start: usize) -> Result<Ident, RewriteError> {
        let name = self.parser.parse_identifier();
        name.map_err(|error| self.unreadable(start, &error))
    }

    fn assign(&mut self, start: usize, name: &Ident) -> Result<(), RewriteError> {
        let value = self.parser.parse_expr();
        let value = value.map_err(|error| self.unreadable(start, &error))?;
        if self.stored {
            return self.assign_stored(start, name, value, None);
        }
        let rewriter = self.rewriter(start);
        self.variables.assign(&rewriter, name, value)
    }

    fn set_variable(&mut self, depth: usize) -> Result<Vec<Tree>, RewriteError> {
        let start = self.parser.index();
        self.check_straight(start, depth)?;
        self.parser.advance_token();
        let name = self.variable_name(start)?;
        if !self.parser.consume_token(&Token::Eq) {
            return Err(self.refuse(start, format!("SET {name} without `=`"), "assign a value"));
        }
        self.assign(start, &name)?;
        Ok(Vec::new())
    }

    /// `SELECT @a = 1, @b = MAX(x) FROM t` assigns; anything else is a query.
    fn select(&mut self, start: usize, depth: usize) -> Result<Vec<Tree>, RewriteError> {
        let tree = self.parse(start)?;
        let Tree::Query(query) = &tree else {
            return Ok(vec![tree]);
        };
        let Some(assignments) = assignments(query) else {
            return Ok(vec![tree]);
        };
        self.check_straight(start, depth)?;
        if self.stored {
            self.select_stored(start, query, assignments)?;
            return Ok(Vec::new());
        }
        let rewriter = self.rewriter(start);
        for (name, value) in assignments {
            let value = if has_rows(query) {
                single_value(query, value)
            } else {
                Some(value)
            };
            let value = value.ok_or_else(|| {
                self.refuse(
                    start,
                    format!("SELECT {name} = … of rows"),
                    "read the value with a query of its own, into a variable of the package",
                )
            })?;
            self.variables.assign(&rewriter, &name, value)?;
        }
        Ok(Vec::new())
    }
}

/// Schema and table, or the table alone where the schema is `dbo`.
fn plain_name(name: &ObjectName) -> String {
    let parts: Vec<_> = parts(name)
        .iter()
        .rev()
        .take(2)
        .map(|part| part.value.to_ascii_lowercase())
        .filter(|part| !part.is_empty() && part != "dbo")
        .collect();
    parts.join(".")
}
