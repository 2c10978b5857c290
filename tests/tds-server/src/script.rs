//! A batch cut into statements: T-SQL needs no semicolons, so a statement ends where the next one begins.
//!
//! Control flow becomes a tree here; the text of queries stays tokens and is read by [`crate::rewrite`].

use sqlparser::dialect::MsSqlDialect;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Word};

use crate::error::SqlError;
use crate::result_sets::{self, ResultSet};
use crate::sql_type::SqlType;

pub(crate) type Tokens = Vec<TokenWithSpan>;

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) line: u32,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Block(Vec<Node>),
    If {
        condition: Tokens,
        then: Box<Node>,
        otherwise: Option<Box<Node>>,
    },
    While {
        condition: Tokens,
        body: Box<Node>,
    },
    Try {
        body: Vec<Node>,
        handler: Vec<Node>,
    },
    Declare(Vec<(String, SqlType, Option<Tokens>)>),
    /// `DECLARE @t TABLE (...)`: the name and what is between the parentheses.
    DeclareTable(String, Tokens),
    Assign(String, Tokens),
    /// `SET NOCOUNT ON` and its like: the words in upper case.
    Setting(Vec<String>),
    Print(Tokens),
    RaiseError(Vec<Tokens>),
    Throw(Vec<Tokens>),
    Execute(Call),
    ExecuteText(Tokens),
    Begin,
    Commit,
    Rollback(Option<String>),
    Save(String),
    Use(String),
    Wait(Tokens),
    Return(Option<Tokens>),
    Break,
    Continue,
    Sql(Tokens),
}

/// `EXEC @result = name @a = 1, @b OUTPUT`.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) result: Option<String>,
    pub(crate) name: String,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) sets: Vec<ResultSet>,
}

#[derive(Debug, Clone)]
pub(crate) struct Argument {
    pub(crate) name: Option<String>,
    pub(crate) value: Tokens,
    pub(crate) output: bool,
}

pub(crate) fn tokens(text: &str) -> Result<Tokens, SqlError> {
    let all = Tokenizer::new(&MsSqlDialect {}, text)
        .tokenize_with_location()
        .map_err(|error| SqlError::new(102, format!("Incorrect syntax: {error}.")))?;
    let mut kept = Tokens::with_capacity(all.len());
    for mut token in all {
        match (&token.token, kept.last_mut().map(|last| &mut last.token)) {
            (Token::Whitespace(_), _) => continue,
            // `$1.5` comes as a placeholder and a number.
            (Token::Placeholder(text), _) if text.starts_with('$') => {
                token.token = Token::Number(text.clone(), false);
            }
            (Token::Number(rest, _), Some(Token::Number(money, _)))
                if money.starts_with('$') && rest.starts_with('.') =>
            {
                money.push_str(rest);
                continue;
            }
            _ => {}
        }
        kept.push(token);
    }
    Ok(kept)
}

/// A token as an unquoted word in upper case; empty for all else.
pub(crate) fn word(token: Option<&TokenWithSpan>) -> String {
    match token.map(|token| &token.token) {
        Some(Token::Word(Word {
            value,
            quote_style: None,
            ..
        })) => value.to_ascii_uppercase(),
        _ => String::new(),
    }
}

pub(crate) fn is(token: Option<&TokenWithSpan>, wanted: &Token) -> bool {
    token.is_some_and(|token| token.token == *wanted)
}

/// Cuts at commas outside parentheses.
pub(crate) fn split_commas(tokens: &[TokenWithSpan]) -> Vec<Tokens> {
    let mut parts = vec![Tokens::new()];
    let mut depth = 0_i32;
    for token in tokens {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            Token::Comma if depth == 0 => {
                parts.push(Tokens::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(token.clone());
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

pub(crate) fn parse(text: &str) -> Result<Vec<Node>, SqlError> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
    };
    let mut nodes = Vec::new();
    while parser.peek(0).is_some() {
        if !parser.semicolon() {
            nodes.push(parser.statement()?);
        }
    }
    Ok(nodes)
}

/// The words that begin a statement wherever they stand.
const STARTS: [&str; 27] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "CREATE",
    "ALTER",
    "DROP",
    "TRUNCATE",
    "DECLARE",
    "SET",
    "IF",
    "WHILE",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVE",
    "PRINT",
    "RAISERROR",
    "THROW",
    "EXEC",
    "EXECUTE",
    "USE",
    "RETURN",
    "WAITFOR",
    "BREAK",
    "CONTINUE",
];

struct Parser<'a> {
    tokens: &'a [TokenWithSpan],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self, ahead: usize) -> Option<&TokenWithSpan> {
        self.tokens.get(self.at + ahead)
    }

    fn word(&self, ahead: usize) -> String {
        word(self.peek(ahead))
    }

    fn semicolon(&mut self) -> bool {
        let found = is(self.peek(0), &Token::SemiColon);
        self.at += usize::from(found);
        found
    }

    fn keyword(&mut self, wanted: &str) -> bool {
        let found = self.word(0) == wanted;
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: &str) -> Result<(), SqlError> {
        if self.keyword(wanted) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn unexpected(&self) -> SqlError {
        match self.peek(0) {
            Some(token) => SqlError::syntax(&token.token).at_line(line_of(token)),
            None => SqlError::syntax("end of batch"),
        }
    }

    fn statement(&mut self) -> Result<Node, SqlError> {
        let line = self.peek(0).map_or(1, line_of);
        let kind = match self.word(0).as_str() {
            "IF" => self.if_statement()?,
            "WHILE" => {
                self.at += 1;
                let condition = self.run(true);
                Kind::While {
                    condition,
                    body: Box::new(self.body()?),
                }
            }
            "BEGIN" => self.begin()?,
            "DECLARE" => self.declare()?,
            "SET" => self.set()?,
            "PRINT" | "RAISERROR" | "THROW" | "RETURN" | "WAITFOR" => self.simple()?,
            "EXEC" | "EXECUTE" => self.execute()?,
            "COMMIT" | "ROLLBACK" | "SAVE" => self.transaction()?,
            "USE" => {
                self.at += 1;
                Kind::Use(self.name()?)
            }
            "BREAK" | "CONTINUE" => {
                let kind = if self.word(0) == "BREAK" {
                    Kind::Break
                } else {
                    Kind::Continue
                };
                self.at += 1;
                kind
            }
            "GO" => {
                self.at += 1;
                Kind::Block(Vec::new())
            }
            start if STARTS.contains(&start) || matches!(start, "WITH" | "GRANT" | "VALUES") => {
                Kind::Sql(self.run(false))
            }
            _ if self.at == 0 => Kind::Execute(self.call(None)?),
            _ => return Err(self.unexpected()),
        };
        Ok(Node { line, kind })
    }

    fn body(&mut self) -> Result<Node, SqlError> {
        let node = self.statement()?;
        if is(self.peek(0), &Token::SemiColon) && self.word(1) == "ELSE" {
            self.at += 1;
        }
        Ok(node)
    }

    fn if_statement(&mut self) -> Result<Kind, SqlError> {
        self.at += 1;
        let condition = self.run(true);
        let then = Box::new(self.body()?);
        let otherwise = if self.keyword("ELSE") {
            Some(Box::new(self.body()?))
        } else {
            None
        };
        Ok(Kind::If {
            condition,
            then,
            otherwise,
        })
    }

    fn begin(&mut self) -> Result<Kind, SqlError> {
        self.at += 1;
        if matches!(self.word(0).as_str(), "TRAN" | "TRANSACTION") {
            self.at += 1;
            self.optional_name();
            return Ok(Kind::Begin);
        }
        if self.keyword("TRY") {
            let body = self.until_end()?;
            self.expect("TRY")?;
            self.semicolon();
            self.expect("BEGIN")?;
            self.expect("CATCH")?;
            let handler = self.until_end()?;
            self.expect("CATCH")?;
            return Ok(Kind::Try { body, handler });
        }
        Ok(Kind::Block(self.until_end()?))
    }

    fn until_end(&mut self) -> Result<Vec<Node>, SqlError> {
        let mut nodes = Vec::new();
        loop {
            if self.keyword("END") {
                return Ok(nodes);
            }
            if self.peek(0).is_none() {
                return Err(self.unexpected());
            }
            if !self.semicolon() {
                nodes.push(self.statement()?);
            }
        }
    }

    fn declare(&mut self) -> Result<Kind, SqlError> {
        self.at += 1;
        let run = self.run(false);
        if let [name, table, open, body @ .., close] = run.as_slice()
            && word(Some(table)) == "TABLE"
            && open.token == Token::LParen
            && close.token == Token::RParen
        {
            return Ok(Kind::DeclareTable(
                word(Some(name)).to_ascii_lowercase(),
                body.to_vec(),
            ));
        }
        let mut declared = Vec::new();
        for part in split_commas(&run) {
            declared.push(declaration(&part)?);
        }
        Ok(Kind::Declare(declared))
    }

    fn set(&mut self) -> Result<Kind, SqlError> {
        self.at += 1;
        let name = self.word(0);
        if name.starts_with('@') && is(self.peek(1), &Token::Eq) {
            self.at += 2;
            return Ok(Kind::Assign(name.to_ascii_lowercase(), self.run(false)));
        }
        let run = self.run(false);
        if run.is_empty() {
            return Err(self.unexpected());
        }
        let words =
            run.iter()
                .filter(|token| token.token != Token::Comma)
                .map(|token| match &token.token {
                    Token::Word(word) => word.value.clone(),
                    other => other.to_string(),
                });
        Ok(Kind::Setting(
            words.map(|word| word.to_ascii_uppercase()).collect(),
        ))
    }

    fn simple(&mut self) -> Result<Kind, SqlError> {
        let name = self.word(0);
        self.at += 1;
        let run = self.run(false);
        Ok(match name.as_str() {
            "PRINT" => Kind::Print(run),
            "THROW" => Kind::Throw(split_commas(&run)),
            "WAITFOR" => Kind::Wait(run),
            "RETURN" => Kind::Return((!run.is_empty()).then_some(run)),
            _ => {
                let end = run.iter().rposition(|token| token.token == Token::RParen);
                let inner = end
                    .and_then(|end| run.get(1..end))
                    .ok_or_else(|| self.unexpected())?;
                Kind::RaiseError(split_commas(inner))
            }
        })
    }

    fn execute(&mut self) -> Result<Kind, SqlError> {
        self.at += 1;
        if is(self.peek(0), &Token::LParen) {
            let run = self.run(false);
            return Ok(Kind::ExecuteText(run));
        }
        let mut result = None;
        if self.word(0).starts_with('@') && is(self.peek(1), &Token::Eq) {
            result = Some(self.word(0).to_ascii_lowercase());
            self.at += 2;
        }
        Ok(Kind::Execute(self.call(result)?))
    }

    fn call(&mut self, result: Option<String>) -> Result<Call, SqlError> {
        let name = self.name()?;
        let mut run = self.run(false);
        let sets = result_sets::cut(&mut run)?;
        let mut arguments = Vec::new();
        for mut part in split_commas(&run) {
            let output = matches!(word(part.last()).as_str(), "OUTPUT" | "OUT");
            if output {
                part.pop();
            }
            let first = word(part.first());
            let named = first.starts_with('@') && is(part.get(1), &Token::Eq);
            let value = if named { part.split_off(2) } else { part };
            let name = named.then(|| first.to_ascii_lowercase());
            arguments.push(Argument {
                name,
                value,
                output,
            });
        }
        Ok(Call {
            result,
            name,
            arguments,
            sets,
        })
    }

    fn transaction(&mut self) -> Result<Kind, SqlError> {
        let name = self.word(0);
        self.at += 1;
        let word = self.word(0);
        if matches!(word.as_str(), "TRAN" | "TRANSACTION" | "WORK") {
            self.at += 1;
        }
        let named = self.optional_name();
        Ok(match name.as_str() {
            "COMMIT" => Kind::Commit,
            "ROLLBACK" => Kind::Rollback(named),
            _ => Kind::Save(named.ok_or_else(|| self.unexpected())?),
        })
    }

    fn optional_name(&mut self) -> Option<String> {
        let next = self.word(0);
        let plain =
            !STARTS.contains(&next.as_str()) && !matches!(next.as_str(), "END" | "ELSE" | "GO");
        match self.peek(0).map(|token| &token.token) {
            Some(Token::Word(word)) if plain => {
                let name = word.value.clone();
                self.at += 1;
                Some(name)
            }
            _ => None,
        }
    }

    /// A name of one or more parts, joined by points.
    fn name(&mut self) -> Result<String, SqlError> {
        let mut parts = Vec::new();
        loop {
            match self.peek(0).map(|token| token.token.clone()) {
                Some(Token::Word(word)) => {
                    parts.push(word.value);
                    self.at += 1;
                }
                Some(Token::Period) => parts.push(String::new()),
                _ => return Err(self.unexpected()),
            }
            if !is(self.peek(0), &Token::Period) {
                return Ok(parts.join("."));
            }
            self.at += 1;
        }
    }

    /// The tokens up to where the next statement begins. A condition ends at any beginning.
    fn run(&mut self, condition: bool) -> Tokens {
        let start = self.at;
        let first = if condition {
            String::new()
        } else {
            self.word(0)
        };
        let mut state = Run {
            first: first.clone(),
            verb: first != "WITH",
            source: first != "INSERT",
            set: first != "UPDATE",
        };
        let (mut depth, mut cases) = (0_i32, 0_i32);
        while let Some(token) = self.tokens.get(self.at) {
            match &token.token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                Token::SemiColon if depth == 0 => break,
                _ => {}
            }
            let here = word(Some(token));
            match here.as_str() {
                "CASE" => cases += 1,
                "END" if cases > 0 => cases -= 1,
                "END" | "ELSE" | "GO" if cases == 0 && depth == 0 => break,
                "VALUES" | "DEFAULT" if depth == 0 => state.source = true,
                here if depth == 0
                    && STARTS.contains(&here)
                    && (self.at > start || first.is_empty()) =>
                {
                    let before = word(self.at.checked_sub(1).and_then(|at| self.tokens.get(at)));
                    let next = word(self.tokens.get(self.at + 1));
                    if !state.continues(here, &before, &next) {
                        break;
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        self.tokens.get(start..self.at).unwrap_or_default().to_vec()
    }
}

/// What the statement being cut still waits for.
struct Run {
    first: String,
    verb: bool,
    source: bool,
    set: bool,
}

impl Run {
    /// Whether a beginning belongs to the statement before it.
    fn continues(&mut self, here: &str, before: &str, next: &str) -> bool {
        let event = before == "ON" && matches!(here, "DELETE" | "UPDATE");
        if event
            || matches!(
                before,
                "UNION" | "ALL" | "EXCEPT" | "INTERSECT" | "FOR" | "THEN" | "AS"
            )
        {
            return true;
        }
        if !self.verb && matches!(here, "SELECT" | "INSERT" | "UPDATE" | "DELETE" | "MERGE") {
            self.verb = true;
            self.source = here != "INSERT";
            self.set = here != "UPDATE";
            return true;
        }
        match here {
            "SELECT" | "EXEC" | "EXECUTE" if !self.source => {
                self.source = true;
                true
            }
            "SET" if !self.set => {
                self.set = true;
                true
            }
            "SET" => self.first == "MERGE" || matches!(before, "UPDATE" | "DELETE"),
            "ALTER" => self.first == "ALTER" && next == "COLUMN",
            "DROP" => self.first == "ALTER" && !matches!(next, "TABLE" | "VIEW" | "INDEX"),
            "IF" => self.first == "DROP" && next == "EXISTS",
            _ => false,
        }
    }
}

pub(crate) fn declaration(
    part: &[TokenWithSpan],
) -> Result<(String, SqlType, Option<Tokens>), SqlError> {
    let name = word(part.first());
    if !name.starts_with('@') {
        return Err(SqlError::syntax("DECLARE"));
    }
    let skip = 1 + usize::from(word(part.get(1)) == "AS");
    let equals = part.iter().position(|token| token.token == Token::Eq);
    let text: String = part
        .get(skip..equals.unwrap_or(part.len()))
        .unwrap_or_default()
        .iter()
        .map(|token| match &token.token {
            Token::Word(word) => word.value.clone(),
            other => other.to_string(),
        })
        .collect();
    let ty = SqlType::parse(&text)
        .ok_or_else(|| SqlError::unsupported(format_args!("a variable of type {text}")))?;
    let initial = equals
        .and_then(|at| part.get(at + 1..))
        .map(<[TokenWithSpan]>::to_vec);
    Ok((name.to_ascii_lowercase(), ty, initial))
}

pub(crate) fn line_of(token: &TokenWithSpan) -> u32 {
    u32::try_from(token.span.start.line).unwrap_or(1).max(1)
}
