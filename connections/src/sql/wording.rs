//! Statements that are known by their words, before the parser reads them: settings, transactions, procedures, and definitions
//! of what the other database has in another language.

use sqlparser::{
    ast::Statement as Tree,
    keywords::Keyword,
    tokenizer::{Token, Word},
};

use super::{Dialect, Kind, error::RewriteError, script::Script};

impl Script<'_> {
    /// Statements that no other database has, by their first words.
    pub(super) fn refused(&self, start: usize, word: &str, second: &str) -> Option<RewriteError> {
        match (word, second) {
            ("CREATE" | "UPDATE", "STATISTICS") => Some(self.refuse(
                start,
                format!("{word} STATISTICS"),
                "the target keeps its own",
            )),
            ("INSERT" | "UPDATE" | "DELETE", "TOP") => Some(self.refuse(
                start,
                format!("{word} TOP"),
                "choose the rows by a condition",
            )),
            ("INSERT", _) if self.inserts_procedure() => Some(self.refuse(
                start,
                "INSERT … EXEC",
                "write the procedure's query in its place",
            )),
            (
                "GRANT" | "REVOKE" | "DENY" | "DBCC" | "BACKUP" | "RESTORE" | "KILL" | "WAITFOR"
                | "GOTO" | "RETURN" | "RAISERROR" | "THROW" | "OPEN" | "FETCH" | "CLOSE"
                | "DEALLOCATE" | "BULK",
                _,
            ) => Some(self.refuse(start, word.to_owned(), "do it in the package, or by hand")),
            ("WHILE", _) if !self.stored => {
                Some(self.refuse(start, word.to_owned(), "do it in the package, or by hand"))
            }
            ("DROP", object) if !matches!(object, "TABLE" | "VIEW" | "INDEX" | "SCHEMA") => {
                let at = if self.text(2).eq_ignore_ascii_case("IF") {
                    4
                } else {
                    2
                };
                Some(self.refuse(
                    start,
                    format!("DROP {object} {}", self.name_at(at).0),
                    "drop it by hand",
                ))
            }
            _ if self.word(0).is_some_and(|word| {
                word.keyword == Keyword::NoKeyword || word.quote_style.is_some()
            }) =>
            {
                Some(self.refuse(
                    start,
                    format!("the procedure {}", self.name_at(0).0),
                    "write its statements in its place",
                ))
            }
            _ => None,
        }
    }

    pub(super) fn transaction(&mut self) -> Result<Vec<Tree>, RewriteError> {
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
    pub(super) fn procedure(&mut self, start: usize) -> Result<Vec<Tree>, RewriteError> {
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
    pub(super) fn name_at(&self, mut at: usize) -> (String, usize) {
        let mut name = self.text(at).to_owned();
        while self.token(at + 1) == Some(&Token::Period) {
            at += 2;
            name = format!("{name}.{}", self.text(at));
        }
        (name, at + 1)
    }

    pub(super) fn procedure_length(&self, from: usize) -> usize {
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
    pub(super) fn constraint_switch(&self) -> Option<usize> {
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

    pub(super) fn inserts_procedure(&self) -> bool {
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
    pub(super) fn definition(
        &mut self,
        start: usize,
        word: &str,
    ) -> Result<Vec<Tree>, RewriteError> {
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

    /// Words to the end of a setting.
    pub(super) fn setting_length(&self) -> usize {
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

    pub(super) fn token(&self, ahead: usize) -> Option<&Token> {
        self.tokens
            .get(self.parser.index() + ahead)
            .map(|token| &token.token)
    }

    pub(super) fn word(&self, ahead: usize) -> Option<&Word> {
        match self.token(ahead) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    pub(super) fn text(&self, ahead: usize) -> &str {
        self.word(ahead).map_or("", |word| &word.value)
    }
}
