//! A batch as tokens, with what the parser need not see taken out: comments, hints, options of storage.
//!
//! Names get the quotes of the target here, where it is still known how they were written; `?` get their numbers (`?0`, `?1`),
//! by which [`markers`](super::markers) finds them again in the printed text.

use sqlparser::{
    keywords::Keyword,
    tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer, Word},
};

use super::{
    Change, Dialect, Kind, Parameter,
    dialect::{T_SQL, is_called},
    type_names::sqlite_collation,
    words::{
        is_storage_option, is_table_hint, needs_quotes_though_bare, quote_of, quoted, requoted,
    },
};

/// Operators that may follow each other within one expression, and set operators within one query: the tree is as deep.
const OPERATORS_MAX: usize = 400;
const SETS_MAX: usize = 1_000;
/// CASE within CASE; SQL Server takes ten.
const CASES_MAX: usize = 20;

#[derive(Debug)]
pub(super) enum TokenFault {
    Unreadable { at: Location, reason: String },
    TooDeep { at: Location, found: String },
}

/// The tokens of a batch, without blanks and comments.
pub(super) fn read(text: &str) -> Result<Vec<TokenWithSpan>, TokenFault> {
    let tokens = Tokenizer::new(&T_SQL, text)
        .with_unescape(false)
        .tokenize_with_location()
        .map_err(|error| TokenFault::Unreadable {
            at: error.location,
            reason: error.message,
        })?;
    let tokens: Vec<_> = tokens
        .into_iter()
        .filter(|token| !matches!(token.token, Token::Whitespace(_)))
        .collect();
    check_depth(&tokens)?;
    Ok(tokens)
}

/// What a batch for SQL Server gives, by its first word.
pub(super) fn kind_of(text: &str) -> Kind {
    let tokens = read(text).unwrap_or_default();
    let first = tokens.iter().find_map(|token| match &token.token {
        Token::Word(word) => Some(word.keyword),
        _ => None,
    });
    match first {
        Some(Keyword::SELECT | Keyword::WITH | Keyword::EXEC | Keyword::EXECUTE) => Kind::Query,
        Some(Keyword::INSERT | Keyword::UPDATE | Keyword::DELETE | Keyword::MERGE) => Kind::Rows,
        _ => Kind::Other,
    }
}

/// The `?` of a batch for SQL Server.
pub(super) fn parameters_of(text: &str, markers: &mut usize) -> Vec<Parameter> {
    read(text)
        .unwrap_or_default()
        .iter()
        .filter(|token| matches!(&token.token, Token::Placeholder(marker) if marker == "?"))
        .map(|_| {
            *markers += 1;
            Parameter::Ordinal(*markers - 1)
        })
        .collect()
}

/// What may nest without parentheses, which the parser counts itself.
#[derive(Debug, Clone, Copy, Default)]
struct Nesting {
    operators: usize,
    /// Comparisons between AND and OR.
    comparisons: usize,
    sets: usize,
}

/// An expression of operators only is a tree as deep as it is long; the stack is not that deep.
fn check_depth(tokens: &[TokenWithSpan]) -> Result<(), TokenFault> {
    let mut counts = vec![Nesting::default()];
    let mut cases = 0_usize;
    for token in tokens {
        match &token.token {
            Token::LParen => counts.push(Nesting::default()),
            Token::RParen if counts.len() > 1 => {
                counts.pop();
            }
            Token::Word(word) if word.keyword == Keyword::CASE => cases += 1,
            Token::Word(word) if word.keyword == Keyword::END => cases = cases.saturating_sub(1),
            _ => {}
        }
        let Some(nesting) = counts.last_mut() else {
            break;
        };
        nesting.count(&token.token);
        let found = if nesting.operators > OPERATORS_MAX || nesting.comparisons > OPERATORS_MAX {
            format!("more than {OPERATORS_MAX} operators in a row")
        } else if nesting.sets > SETS_MAX {
            format!("more than {SETS_MAX} queries in a UNION")
        } else if cases > CASES_MAX {
            format!("more than {CASES_MAX} CASE within each other")
        } else {
            continue;
        };
        return Err(TokenFault::TooDeep {
            at: token.span.start,
            found,
        });
    }
    Ok(())
}

impl Nesting {
    fn count(&mut self, token: &Token) {
        match token {
            Token::LParen | Token::RParen | Token::Period => {}
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::NationalStringLiteral(_)
            | Token::Placeholder(_) => {}
            Token::Comma => self.end_of_expression(),
            Token::SemiColon => *self = Self::default(),
            Token::Eq | Token::Neq | Token::Lt | Token::Gt | Token::LtEq | Token::GtEq => {
                self.comparisons += 1
            }
            Token::Word(word) => match word.keyword {
                Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT => {
                    self.end_of_expression();
                    self.sets += 1;
                }
                Keyword::AND | Keyword::OR => {
                    self.operators += 1;
                    self.comparisons = 0;
                }
                Keyword::NOT
                | Keyword::LIKE
                | Keyword::IS
                | Keyword::COLLATE
                | Keyword::IN
                | Keyword::BETWEEN => self.comparisons += 1,
                Keyword::INSERT | Keyword::UPDATE | Keyword::DELETE | Keyword::DECLARE => {
                    *self = Self::default()
                }
                Keyword::SELECT
                | Keyword::FROM
                | Keyword::WHERE
                | Keyword::WHEN
                | Keyword::THEN
                | Keyword::SET => self.end_of_expression(),
                _ => {}
            },
            _ => self.operators += 1,
        }
    }

    fn end_of_expression(&mut self) {
        (self.operators, self.comparisons) = (0, 0);
    }
}

/// What a pattern does with the tokens at hand.
enum Step {
    /// Leaves out this many tokens; the note says what they were.
    Drop(usize, Option<String>),
    /// Puts this in place of one token.
    Put(Token),
    /// Puts this in place of so many tokens.
    PutMany(usize, Vec<Token>),
    Keep,
}

/// Makes tokens ready for the parser; `markers` counts the `?` of the script.
pub(super) fn prepare(
    tokens: &[TokenWithSpan],
    to: Dialect,
    markers: &mut usize,
    changes: &mut Vec<Change>,
) -> Vec<TokenWithSpan> {
    let mut ready = Vec::with_capacity(tokens.len());
    let mut rest = tokens;
    let mut additions = Additions::default();
    while let Some(first) = rest.first() {
        additions.see(rest);
        let before = |back: usize| {
            ready
                .len()
                .checked_sub(back)
                .and_then(|at| ready.get(at))
                .map(|token: &TokenWithSpan| &token.token)
        };
        let column = matches!(before(1), Some(Token::Word(_)))
            && matches!(before(2), Some(Token::Comma | Token::LParen));
        let step = Tokens(rest, before(1), column).step(to, markers);
        let taken = match step {
            Step::Keep => {
                ready.push(first.clone());
                if additions.continues(first) {
                    ready.push(TokenWithSpan {
                        token: Token::make_word("ADD", None),
                        span: first.span,
                    });
                }
                1
            }
            Step::Put(token) => {
                ready.push(TokenWithSpan {
                    token,
                    span: first.span,
                });
                1
            }
            Step::PutMany(taken, tokens) => {
                ready.extend(tokens.into_iter().map(|token| TokenWithSpan {
                    token,
                    span: first.span,
                }));
                taken
            }
            Step::Drop(taken, note) => {
                changes.extend(note.map(|what| change(first.span, what)));
                taken
            }
        };
        rest = rest.get(taken.max(1)..).unwrap_or_default();
    }
    ready
}

/// `ALTER TABLE t ADD a int, b int`, for which the parser wants ADD twice.
#[derive(Debug, Default)]
struct Additions {
    adds: bool,
    depth: usize,
}

impl Additions {
    fn see(&mut self, rest: &[TokenWithSpan]) {
        let Some(first) = rest.first() else {
            return;
        };
        match &first.token {
            Token::LParen => self.depth += 1,
            Token::RParen => self.depth = self.depth.saturating_sub(1),
            Token::SemiColon => self.adds = false,
            Token::Word(word) if word.quote_style.is_none() => match word.keyword {
                Keyword::ALTER => {
                    let is_table = matches!(rest.get(1), Some(next) if matches!(&next.token, Token::Word(word) if word.keyword == Keyword::TABLE));
                    let add = rest
                        .iter()
                        .skip(2)
                        .take(10)
                        .find_map(|token| match &token.token {
                            Token::Word(word)
                                if matches!(
                                    word.keyword,
                                    Keyword::ADD | Keyword::DROP | Keyword::ALTER
                                ) =>
                            {
                                Some(word.keyword)
                            }
                            _ => None,
                        });
                    self.adds = is_table && add == Some(Keyword::ADD);
                    self.depth = 0;
                }
                Keyword::SELECT
                | Keyword::INSERT
                | Keyword::CREATE
                | Keyword::EXEC
                | Keyword::DECLARE
                | Keyword::IF => self.adds = false,
                _ => {}
            },
            _ => {}
        }
    }

    fn continues(&self, token: &TokenWithSpan) -> bool {
        self.adds && self.depth == 0 && token.token == Token::Comma
    }
}

pub(super) fn change(at: Span, what: impl Into<String>) -> Change {
    Change {
        line: at.start.line,
        column: at.start.column,
        what: what.into(),
    }
}

/// The tokens from here on, and the last one that was kept.
struct Tokens<'a>(
    &'a [TokenWithSpan],
    Option<&'a Token>,
    /// Whether that one is a name behind `,` or `(`, as a column's is.
    bool,
);

impl Tokens<'_> {
    fn step(&self, to: Dialect, markers: &mut usize) -> Step {
        match &self.at(0) {
            Some(Token::Placeholder(marker)) if marker == "?" => {
                *markers += 1;
                Step::Put(Token::Placeholder(format!("?{}", *markers - 1)))
            }
            Some(Token::NationalStringLiteral(text) | Token::SingleQuotedString(text)) => {
                // Runs of quoted text stay as they are; MySQL reads `\` as an escape.
                let text = match to {
                    Dialect::MySql => text.replace('\\', "\\\\"),
                    _ => text.clone(),
                };
                Step::Put(Token::SingleQuotedString(text))
            }
            Some(Token::Word(word)) if word.quote_style.is_some() => Step::Put(requoted(word, to)),
            Some(Token::Word(word)) => self.word_step(word, to),
            Some(Token::LParen) if self.bare_hint() => Step::Drop(
                3,
                Some(format!("the table hint {} is left out", self.text(1))),
            ),
            // A comma behind the last column; a semicolon within parentheses.
            Some(Token::Comma | Token::SemiColon) if self.at(1) == Some(&Token::RParen) => {
                Step::Drop(1, None)
            }
            // `{ts '2020-01-01'}` of ODBC.
            Some(Token::LBrace)
                if matches!(self.at(2), Some(Token::SingleQuotedString(_)))
                    && self.at(3) == Some(&Token::RBrace) =>
            {
                Step::PutMany(4, self.at(2).cloned().into_iter().collect())
            }
            _ => Step::Keep,
        }
    }

    fn word_step(&self, word: &Word, to: Dialect) -> Step {
        let upper = word.value.to_ascii_uppercase();
        if let ("COLLATE", Dialect::Sqlite) = (upper.as_str(), to)
            && let Some(name) = sqlite_collation(self.text(1))
        {
            let words = ["COLLATE", name].map(|word| Token::make_word(word, None));
            return Step::PutMany(2, words.to_vec());
        }
        match self.left_out(&upper) {
            Step::Keep => self.rewritten(&upper, word, to),
            step => step,
        }
    }

    /// What says nothing to another database.
    fn left_out(&self, upper: &str) -> Step {
        match upper {
            "WITH" if self.at(1) == Some(&Token::LParen) && is_table_hint(self.text(2)) => {
                self.drop_parentheses(1, format!("the table hint {} is left out", self.text(2)))
            }
            "WITH"
                if self.at(1) == Some(&Token::LParen)
                    && (is_storage_option(self.text(2))
                        || self.is(2, "CLUSTERED") && !self.is(3, "AS")) =>
            {
                self.drop_parentheses(
                    1,
                    format!("the storage option {} is left out", self.text(2)),
                )
            }
            "WITH"
                if self.is(1, "SCHEMABINDING")
                    || self.is(1, "ENCRYPTION")
                    || self.is(1, "VIEW_METADATA") =>
            {
                Step::Drop(2, None)
            }
            "WITH" if (self.is(1, "CHECK") || self.is(1, "NOCHECK")) && self.is(2, "ADD") => {
                Step::Drop(2, None)
            }
            "OPTION" if self.at(1) == Some(&Token::LParen) => {
                self.drop_parentheses(1, "the query hint OPTION is left out".to_owned())
            }
            "CLUSTERED" | "NONCLUSTERED"
                if self.at(1) == Some(&Token::LParen) || self.is(1, "INDEX") =>
            {
                Step::Drop(1, None)
            }
            "CLUSTERED" | "NONCLUSTERED" if self.after_word("KEY") || self.after_word("UNIQUE") => {
                Step::Drop(1, None)
            }
            "ON" if self.is(1, "PRIMARY") || self.quoted_as(1, "DEFAULT") || self.filegroup(1) => {
                Step::Drop(
                    2,
                    Some(format!("the file group {} is left out", self.text(1))),
                )
            }
            "TEXTIMAGE_ON" => Step::Drop(2, Some("TEXTIMAGE_ON is left out".to_owned())),
            "NOT" if self.is(1, "FOR") && self.is(2, "REPLICATION") => Step::Drop(3, None),
            "ROWGUIDCOL" if !matches!(self.at(1), Some(Token::Word(_))) || self.is(1, "NOT") => {
                Step::Drop(1, None)
            }
            "COLLATE" if matches!(self.at(1), Some(Token::Word(_))) => Step::Drop(
                2,
                Some(format!("the collation {} is left out", self.text(1))),
            ),
            _ => Step::Keep,
        }
    }

    /// What the parser reads only when it is written otherwise.
    fn rewritten(&self, upper: &str, word: &Word, to: Dialect) -> Step {
        match upper {
            "DELETE" => self.delete_step(),
            // These begin a statement, and the parser would take them for an alias.
            "COMMIT" | "ROLLBACK" | "WAITFOR" | "BEGIN" | "USE"
                if self.1.is_some_and(|before| *before != Token::SemiColon) =>
            {
                self.keep_behind(Token::SemiColon)
            }
            // A key of the table without the comma in front.
            "CONSTRAINT" if self.is_key_of_table() => self.keep_behind(Token::Comma),
            "AS" if self.is_computed() => self.computed_step(),
            "PERSISTED" if self.1 == Some(&Token::RParen) => {
                Step::Put(Token::make_word("STORED", None))
            }
            _ if is_called(word.keyword) && self.at(1) != Some(&Token::LParen) => {
                Step::Put(Token::Word(Word {
                    keyword: Keyword::NoKeyword,
                    ..word.clone()
                }))
            }
            _ if word.value.contains('#') => Step::Put(Token::Word(Word {
                quote_style: Some(quote_of(to)),
                keyword: Keyword::NoKeyword,
                ..word.clone()
            })),
            _ if needs_quotes_though_bare(upper) && self.at(1) != Some(&Token::LParen) => {
                let (value, _) = quoted(&word.value, to);
                Step::Put(Token::Word(Word {
                    value,
                    quote_style: Some(quote_of(to)),
                    keyword: Keyword::NoKeyword,
                }))
            }
            _ => Step::Keep,
        }
    }

    /// `DELETE t WHERE`, `DELETE FROM t FROM t JOIN`: brought to the form the parser knows.
    fn delete_step(&self) -> Step {
        let with_from = self.is(1, "FROM");
        let mut at = 1 + usize::from(with_from);
        if !matches!(self.at(at), Some(Token::Word(word)) if self.is_name(word)) {
            return Step::Keep;
        }
        at += 1;
        while self.at(at) == Some(&Token::Period) {
            at += 1;
            while self.at(at) == Some(&Token::Period) {
                at += 1;
            }
            at += 1;
        }
        let then_from = self.is(at, "FROM");
        let delete = self.at(0).cloned();
        match (with_from, then_from) {
            (true, true) => Step::PutMany(2, delete.into_iter().collect()),
            (false, false) => Step::PutMany(
                1,
                delete
                    .into_iter()
                    .chain([Token::make_word("FROM", None)])
                    .collect(),
            ),
            _ => Step::Keep,
        }
    }

    fn keep_behind(&self, token: Token) -> Step {
        Step::PutMany(1, [token].into_iter().chain(self.at(0).cloned()).collect())
    }

    fn is_key_of_table(&self) -> bool {
        let by_words = matches!(self.1, Some(Token::Comma | Token::LParen))
            || self.after_word("ADD")
            || self.after_word("CHECK")
            || self.after_word("NOCHECK");
        let key = self.is(2, "PRIMARY") && self.is(3, "KEY");
        let clustered = self.is(4, "CLUSTERED") || self.is(4, "NONCLUSTERED");
        !by_words
            && self.1.is_some()
            && key
            && self.at(4 + usize::from(clustered)) == Some(&Token::LParen)
    }

    /// `Total AS (Price * Count)` among the columns of a table: the name is kept already. A query behind WITH begins with SELECT.
    fn is_computed(&self) -> bool {
        let query = (1..)
            .map(|at| self.at(at))
            .find(|token| *token != Some(&Token::LParen))
            .flatten();
        let query = matches!(query, Some(Token::Word(word)) if matches!(word.keyword, Keyword::SELECT | Keyword::WITH | Keyword::VALUES));
        self.2 && self.at(1) == Some(&Token::LParen) && !query
    }

    fn computed_step(&self) -> Step {
        let words = ["computed", "GENERATED", "ALWAYS", "AS"];
        Step::PutMany(
            1,
            words
                .into_iter()
                .map(|word| Token::make_word(word, None))
                .collect(),
        )
    }

    fn is_name(&self, word: &Word) -> bool {
        word.quote_style.is_some()
            || !matches!(
                word.keyword,
                Keyword::TOP
                    | Keyword::CASCADE
                    | Keyword::ON
                    | Keyword::AND
                    | Keyword::OR
                    | Keyword::WHEN
                    | Keyword::SET
                    | Keyword::AS
                    | Keyword::NO
                    | Keyword::OUTPUT
            )
    }

    /// `(NOLOCK)` behind a table.
    fn bare_hint(&self) -> bool {
        matches!(self.1, Some(Token::Word(word)) if word.keyword == Keyword::NoKeyword || word.quote_style.is_some())
            && self.at(2) == Some(&Token::RParen)
            && !self.is(1, "INDEX")
            && is_table_hint(self.text(1))
    }

    /// A quoted name behind `)` and ON, of which nothing is compared.
    fn filegroup(&self, at: usize) -> bool {
        matches!(self.at(at), Some(Token::Word(word)) if word.quote_style.is_some() || word.keyword == Keyword::NoKeyword)
            && self.1 == Some(&Token::RParen)
            && match self.at(at + 1) {
                None | Some(Token::SemiColon | Token::RParen | Token::Comma) => true,
                Some(Token::Word(word)) => !matches!(
                    word.keyword,
                    Keyword::IN | Keyword::IS | Keyword::LIKE | Keyword::BETWEEN | Keyword::NOT
                ),
                _ => false,
            }
    }

    fn drop_parentheses(&self, open: usize, note: String) -> Step {
        let mut depth = 0_usize;
        for (token, at) in self.0.iter().zip(0..).skip(open) {
            match token.token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Step::Drop(at + 1, Some(note));
            }
        }
        Step::Keep
    }

    fn at(&self, index: usize) -> Option<&Token> {
        self.0.get(index).map(|token| &token.token)
    }

    fn text(&self, index: usize) -> &str {
        match self.at(index) {
            Some(Token::Word(word)) => &word.value,
            _ => "",
        }
    }

    fn is(&self, index: usize, word: &str) -> bool {
        self.text(index).eq_ignore_ascii_case(word)
    }

    fn quoted_as(&self, index: usize, name: &str) -> bool {
        matches!(self.at(index), Some(Token::Word(word)) if word.quote_style.is_some() && word.value.eq_ignore_ascii_case(name))
    }

    fn after_word(&self, word: &str) -> bool {
        matches!(self.1, Some(Token::Word(before)) if before.value.eq_ignore_ascii_case(word))
    }
}
