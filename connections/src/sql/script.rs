//! A batch, statement by statement: settings that say nothing elsewhere, variables, blocks and IF; the rest goes to the parser
//! and from there to `statements`.

use std::ops::ControlFlow;

use sqlparser::{
    ast::{
        BinaryOperator, DataType, Expr, GroupByExpr, Ident, Query, SelectItem, SetExpr,
        Statement as Tree, Visit, Visitor, helpers::stmt_create_table::CreateTableBuilder,
    },
    keywords::Keyword,
    parser::{Parser, ParserError},
    tokenizer::{Location, Span, Token, TokenWithSpan, Word},
};

use super::{
    Batch, Change, Dialect, Kind, Rewritten, Statement,
    dialect::T_SQL,
    error::RewriteError,
    markers,
    queries::{plain, select_from},
    rewriter::{Rewriter, Source},
    tokens::{self, TokenFault},
    variables::Variables,
    words::is_quiet_setting,
};

/// Blocks and IF within each other.
const BLOCKS_MAX: usize = 20;

/// Rewrites one batch; `markers` counts the `?` of the whole script.
pub(super) fn rewrite_batch(
    batch: &Batch,
    to: Dialect,
    markers: &mut usize,
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
    let ready = tokens::prepare(&read, to, markers, &mut changes);
    let mut script = Script {
        to,
        source: &source,
        parser: Parser::new(&T_SQL).with_tokens_with_locations(ready.clone()),
        tokens: ready,
        variables: Variables::default(),
        changes,
        printed: Vec::new(),
    };
    script.run()?;
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

struct Script<'a> {
    to: Dialect,
    source: &'a Source<'a>,
    parser: Parser<'a>,
    /// The parser's tokens: `parser.index()` counts them.
    tokens: Vec<TokenWithSpan>,
    variables: Variables,
    changes: Vec<Change>,
    printed: Vec<(String, Kind)>,
}

impl<'a> Script<'a> {
    fn run(&mut self) -> Result<(), RewriteError> {
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
    fn finish(&mut self, mut tree: Tree, start: usize) -> Result<(), RewriteError> {
        let mut rewriter = self.rewriter(start);
        self.variables.replace(&rewriter, &mut tree)?;
        let printed = rewriter.statement(tree)?;
        let changes = std::mem::take(&mut rewriter.changes);
        self.changes.extend(changes);
        if printed.iter().any(|(_, kind)| *kind != Kind::Query) {
            self.variables.tables_changed();
        }
        self.printed.extend(printed);
        Ok(())
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
        match (word.as_str(), second.as_str()) {
            ("USE", _) => self.leave_out(2, "USE"),
            ("SET", setting) if is_quiet_setting(setting) => {
                let length = self.setting_length();
                self.leave_out(length, &format!("SET {setting}"))
            }
            ("SET", variable) if variable.starts_with('@') => self.set_variable(depth),
            ("DECLARE", _) => self.declare(depth),
            ("IF", _) => self.conditional(depth),
            ("BEGIN", "TRAN" | "TRANSACTION") => self.transaction(),
            ("BEGIN", "TRY" | "CATCH" | "ATOMIC") => Err(self.refuse(
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
            ("CREATE" | "UPDATE", "STATISTICS") => Err(self.refuse(
                start,
                format!("{word} STATISTICS"),
                "the target keeps its own",
            )),
            ("INSERT" | "UPDATE" | "DELETE", "TOP") => Err(self.refuse(
                start,
                format!("{word} TOP"),
                "choose the rows by a condition",
            )),
            ("INSERT", _) if self.inserts_procedure() => Err(self.refuse(
                start,
                "INSERT … EXEC",
                "write the procedure's query in its place",
            )),
            ("CREATE" | "ALTER", _) => self.definition(start, &word),
            (
                "GRANT" | "REVOKE" | "DENY" | "DBCC" | "BACKUP" | "RESTORE" | "KILL" | "WAITFOR"
                | "WHILE" | "GOTO" | "RETURN" | "RAISERROR" | "THROW" | "OPEN" | "FETCH" | "CLOSE"
                | "DEALLOCATE" | "BULK",
                _,
            ) => Err(self.refuse(start, word, "do it in the package, or by hand")),
            ("DROP", object) if !matches!(object, "TABLE" | "VIEW" | "INDEX" | "SCHEMA") => {
                let at = if self.text(2).eq_ignore_ascii_case("IF") {
                    4
                } else {
                    2
                };
                Err(self.refuse(
                    start,
                    format!("DROP {object} {}", self.name_at(at).0),
                    "drop it by hand",
                ))
            }
            ("SELECT", _) => self.select(start, depth),
            _ if self.word(0).is_some_and(|word| {
                word.keyword == Keyword::NoKeyword || word.quote_style.is_some()
            }) =>
            {
                Err(self.refuse(
                    start,
                    format!("the procedure {}", self.name_at(0).0),
                    "write its statements in its place",
                ))
            }
            _ => self.parse(start).map(|tree| vec![tree]),
        }
    }

    fn parse(&mut self, start: usize) -> Result<Tree, RewriteError> {
        let parsed = self.parser.parse_statement();
        parsed.map_err(|error| self.unreadable(start, &error))
    }

    fn unreadable(&self, start: usize, error: &ParserError) -> RewriteError {
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

    fn refuse(&self, start: usize, found: impl Into<String>, advice: &str) -> RewriteError {
        let rewriter = self.rewriter(start);
        rewriter.unsupported(rewriter.span, found, advice)
    }

    fn leave_out(&mut self, length: usize, what: &str) -> Result<Vec<Tree>, RewriteError> {
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

    /// Words to the end of a setting.
    fn setting_length(&self) -> usize {
        let mut length = 2;
        while let Some(token) = self.token(length) {
            length += 1;
            match token {
                Token::Word(word)
                    if matches!(
                        word.keyword,
                        Keyword::ON
                            | Keyword::OFF
                            | Keyword::COMMITTED
                            | Keyword::UNCOMMITTED
                            | Keyword::SERIALIZABLE
                            | Keyword::SNAPSHOT
                    ) =>
                {
                    break;
                }
                Token::Word(word)
                    if word.value.eq_ignore_ascii_case("READ")
                        && self.word(length - 2).is_some_and(|before| {
                            before.value.eq_ignore_ascii_case("REPEATABLE")
                        }) =>
                {
                    break;
                }
                Token::Number(..) | Token::SingleQuotedString(_) => break,
                Token::Word(_)
                    if matches!(
                        self.text(1).to_ascii_uppercase().as_str(),
                        "LANGUAGE" | "DEADLOCK_PRIORITY"
                    ) =>
                {
                    break;
                }
                Token::SemiColon => return length - 1,
                _ => {}
            }
        }
        length
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
            trees.extend(self.next(depth)?);
        }
    }

    fn branch(&mut self, depth: usize) -> Result<Vec<Tree>, RewriteError> {
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

    fn transaction(&mut self) -> Result<Vec<Tree>, RewriteError> {
        let start = self.parser.index();
        let word = self.text(0).to_ascii_uppercase();
        let tran = matches!(
            self.text(1).to_ascii_uppercase().as_str(),
            "TRAN" | "TRANSACTION" | "WORK"
        );
        let ends = matches!(self.token(3), None | Some(Token::SemiColon));
        let named = tran
            && self
                .word(2)
                .is_some_and(|word| ends || word.keyword == Keyword::NoKeyword);
        let text = match (word.as_str(), self.to) {
            ("BEGIN", Dialect::MySql) => "START TRANSACTION",
            ("BEGIN", _) => "BEGIN TRANSACTION",
            ("COMMIT", _) => "COMMIT",
            ("ROLLBACK", _) => "ROLLBACK",
            _ => return Err(self.refuse(start, "SAVE TRANSACTION", "use one transaction")),
        };
        for _ in 0..1 + usize::from(tran) + usize::from(named) {
            self.parser.advance_token();
        }
        self.printed.push((text.to_owned(), Kind::Other));
        Ok(Vec::new())
    }

    /// Procedures that write documentation are left out; others stay behind in SQL Server.
    fn procedure(&mut self, start: usize) -> Result<Vec<Tree>, RewriteError> {
        let mut at = 1;
        // `EXEC @result = name`.
        if self.text(at).starts_with('@') && self.token(at + 1) == Some(&Token::Eq) {
            at += 2;
        }
        let (name, after) = self.name_at(at);
        let own = name
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        if matches!(
            own.as_str(),
            "sp_addextendedproperty" | "sp_updateextendedproperty" | "sp_dropextendedproperty"
        ) {
            let length = self.procedure_length(after);
            return self.leave_out(length, &name);
        }
        self.parser.advance_token();
        let found = if name.is_empty() {
            "EXEC of a text".to_owned()
        } else {
            format!("the procedure {name}")
        };
        Err(self.refuse(start, found, "write its statements in its place"))
    }

    /// A name with its schema, and where it ends.
    fn name_at(&self, mut at: usize) -> (String, usize) {
        let mut name = self.text(at).to_owned();
        while self.token(at + 1) == Some(&Token::Period) {
            at += 2;
            name = format!("{name}.{}", self.text(at));
        }
        (name, at + 1)
    }

    fn procedure_length(&self, from: usize) -> usize {
        let mut length = from;
        while let Some(token) = self.token(length) {
            match token {
                Token::SingleQuotedString(_)
                | Token::Number(..)
                | Token::Comma
                | Token::Eq
                | Token::Minus => {}
                Token::Word(word)
                    if word.value.starts_with('@')
                        || word.keyword == Keyword::NULL
                        || word.quote_style.is_some() => {}
                Token::Word(word) if word.keyword == Keyword::NoKeyword => {}
                _ => break,
            }
            length += 1;
        }
        length
    }

    /// `ALTER TABLE t CHECK CONSTRAINT c`: how long it is.
    fn constraint_switch(&self) -> Option<usize> {
        let mut at = 3;
        while self.token(at) == Some(&Token::Period) {
            at += 2;
        }
        let switch = matches!(
            self.text(at).to_ascii_uppercase().as_str(),
            "CHECK" | "NOCHECK"
        );
        (switch && self.text(at + 1).eq_ignore_ascii_case("CONSTRAINT")).then_some(at + 3)
    }

    fn inserts_procedure(&self) -> bool {
        let mut at = 1;
        let mut depth = 0_usize;
        while let Some(token) = self.token(at) {
            match token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.saturating_sub(1),
                Token::Word(word) if depth == 0 && word.quote_style.is_none() => match word.keyword
                {
                    Keyword::EXEC | Keyword::EXECUTE => return true,
                    Keyword::SELECT | Keyword::VALUES | Keyword::DEFAULT | Keyword::WITH => {
                        return false;
                    }
                    _ => {}
                },
                Token::SemiColon => return false,
                _ => {}
            }
            at += 1;
        }
        false
    }

    /// Definitions of what the other database has in another language, by name, before the parser fails within them.
    fn definition(&mut self, start: usize, word: &str) -> Result<Vec<Tree>, RewriteError> {
        let mut at = 1;
        while matches!(
            self.text(at).to_ascii_uppercase().as_str(),
            "OR" | "ALTER" | "REPLACE"
        ) {
            at += 1;
        }
        let object = self.text(at).to_ascii_uppercase();
        if !matches!(
            object.as_str(),
            "TABLE" | "VIEW" | "INDEX" | "SCHEMA" | "UNIQUE"
        ) {
            let (name, _) = self.name_at(at + 1);
            self.parser.advance_token();
            return Err(self.refuse(
                start,
                format!("{word} {object} {name}"),
                "bring it into the target by hand",
            ));
        }
        self.parse(start).map(|tree| vec![tree])
    }

    fn check_straight(&self, start: usize, depth: usize) -> Result<(), RewriteError> {
        match depth {
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
            let _: bool = self.parser.parse_keyword(Keyword::AS);
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
                if depth == 0 || !self.variables.is_declared(&name.value) {
                    self.variables.declare(&name, data_type);
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

    fn token(&self, ahead: usize) -> Option<&Token> {
        self.tokens
            .get(self.parser.index() + ahead)
            .map(|token| &token.token)
    }

    fn word(&self, ahead: usize) -> Option<&Word> {
        match self.token(ahead) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn text(&self, ahead: usize) -> &str {
        self.word(ahead).map_or("", |word| &word.value)
    }
}

/// The variables a SELECT assigns; none when it is a query.
fn assignments(query: &Query) -> Option<Vec<(Ident, Expr)>> {
    let SetExpr::Select(select) = &*query.body else {
        return None;
    };
    select
        .projection
        .iter()
        .map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } if alias.value.starts_with('@') => {
                Some((alias.clone(), expr.clone()))
            }
            SelectItem::UnnamedExpr(Expr::BinaryOp {
                left,
                op: BinaryOperator::Eq,
                right,
            }) => match &**left {
                Expr::Identifier(name) if name.value.starts_with('@') => {
                    Some((name.clone(), (**right).clone()))
                }
                _ => None,
            },
            _ => None,
        })
        .collect()
}

fn has_rows(query: &Query) -> bool {
    matches!(&*query.body, SetExpr::Select(select) if !select.from.is_empty() || select.selection.is_some())
}

/// The query of one value; none when it may have no row, or many, by which the variable would keep its value, or take the last.
fn single_value(query: &Query, value: Expr) -> Option<Expr> {
    let SetExpr::Select(select) = &*query.body else {
        return None;
    };
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(expressions, _) if expressions.is_empty());
    let aggregate = has_aggregate(&value);
    if !aggregate
        || grouped
        || query.with.is_some()
        || select.having.is_some()
        || select.top.is_some()
    {
        return None;
    }
    let inner = select_from(
        vec![SelectItem::UnnamedExpr(value)],
        select.from.clone(),
        select.selection.clone(),
    );
    Some(Expr::Subquery(Box::new(plain(Box::new(SetExpr::Select(
        Box::new(inner),
    ))))))
}

/// Whether an expression is made of an aggregate, queries within it aside.
fn has_aggregate(value: &Expr) -> bool {
    struct Look {
        queries: usize,
    }
    impl Visitor for Look {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.queries += 1;
            ControlFlow::Continue(())
        }

        fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.queries = self.queries.saturating_sub(1);
            ControlFlow::Continue(())
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            let Expr::Function(function) = expr else {
                return ControlFlow::Continue(());
            };
            let name = function.name.to_string().to_ascii_uppercase();
            let aggregate = matches!(
                name.as_str(),
                "MAX" | "MIN" | "COUNT" | "SUM" | "AVG" | "COUNT_BIG" | "STRING_AGG"
            );
            match aggregate && function.over.is_none() && self.queries == 0 {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }
    }
    value.visit(&mut Look { queries: 0 }).is_break()
}
