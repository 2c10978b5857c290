//! The query language: a DataReader destination, columns of it, and values for the package's `DtsClient` variables.
//!
//! ```text
//! SELECT * FROM "sales/Load.dtsx#Orders"
//! SELECT region, "net total" FROM "sales/Load.dtsx"."Orders" WITH (year = 2026, region = ?);
//!   text ──parse──▶ Query ──bind(values)──▶ Query without `?` ──Display──▶ text again, as tickets carry it
//! ```

use std::fmt;

/// Longest text of a query.
const LENGTH_MAX: usize = 64 * 1024;

/// What is supported, for messages.
const WANTED: &str = "supported is: SELECT * | column, ... FROM \"folder/Package.dtsx#Destination\" [WITH (parameter = 'text' | number | ?, ...)] [;]";

/// Why a text is no query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Something else stands there.
    #[error("character {at}: found {found}, wanted {wanted}; {WANTED}")]
    Unsupported {
        /// Place in the text, from 1.
        at: usize,
        /// What is there.
        found: String,
        /// What could be there.
        wanted: &'static str,
    },
    /// The table has no `#`.
    #[error("`{0}` names no DataReader destination: write `folder/Package.dtsx#Destination`")]
    NoDestination(String),
    /// As long as no query is.
    #[error("the query has {0} bytes, more than {LENGTH_MAX}")]
    TooLong(usize),
    /// Values do not go with the question marks.
    #[error("the query has {wanted} parameter marks (`?`), and {given} values are bound")]
    Values {
        /// Question marks.
        wanted: usize,
        /// Values.
        given: usize,
    },
}

/// A query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    /// `None` for all.
    pub(crate) columns: Option<Vec<String>>,
    /// `folder/Package.dtsx`.
    pub(crate) package: String,
    pub(crate) destination: String,
    /// Name and value; `None` for a `?`.
    pub(crate) parameters: Vec<(String, Option<String>)>,
}

impl Query {
    pub(crate) fn parse(text: &str) -> Result<Self, QueryError> {
        if text.len() > LENGTH_MAX {
            return Err(QueryError::TooLong(text.len()));
        }
        let mut tokens = Tokens::of(text)?;
        tokens.keyword("SELECT")?;
        let columns = match tokens.symbol('*') {
            true => None,
            false => Some(tokens.list("`*` or a column", Tokens::name)?),
        };
        tokens.keyword("FROM")?;
        let mut parts = vec![tokens.name("the name of a DataReader destination in double quotes")?];
        while tokens.symbol('.') {
            parts.push(tokens.name("a name in double quotes")?);
        }
        let (package, destination) = table(parts)?;
        let parameters = match tokens.is_keyword("WITH") {
            true => tokens.parameters()?,
            false => Vec::new(),
        };
        tokens.symbol(';');
        tokens.end()?;
        Ok(Self {
            columns,
            package,
            destination,
            parameters,
        })
    }

    /// All of `package#destination`.
    pub(crate) fn table(name: &str) -> Result<Self, QueryError> {
        let (package, destination) = table(vec![name.to_owned()])?;
        Ok(Self {
            columns: None,
            package,
            destination,
            parameters: Vec::new(),
        })
    }

    /// Names of the parameters that wait for a value.
    pub(crate) fn marks(&self) -> Vec<&str> {
        let open = self.parameters.iter().filter(|(_, value)| value.is_none());
        open.map(|(name, _)| &**name).collect()
    }

    /// Puts the values where the question marks are.
    pub(crate) fn bind(mut self, values: Vec<String>) -> Result<Self, QueryError> {
        let (wanted, given) = (self.marks().len(), values.len());
        if wanted != given {
            return Err(QueryError::Values { wanted, given });
        }
        let open = self
            .parameters
            .iter_mut()
            .filter(|(_, value)| value.is_none());
        for ((_, slot), value) in open.zip(values) {
            *slot = Some(value);
        }
        Ok(self)
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.columns.as_ref().map_or("*".to_owned(), |columns| {
            let quoted: Vec<String> = columns.iter().map(|name| quote(name, '"')).collect();
            quoted.join(", ")
        });
        let (package, destination) = (quote(&self.package, '"'), quote(&self.destination, '"'));
        write!(f, "SELECT {columns} FROM {package}.{destination}")?;
        let parameters = self.parameters.iter().map(|(name, value)| {
            let value = value
                .as_ref()
                .map_or("?".to_owned(), |value| quote(value, '\''));
            format!("{} = {value}", quote(name, '"'))
        });
        match self.parameters.is_empty() {
            true => Ok(()),
            false => write!(f, " WITH ({})", parameters.collect::<Vec<_>>().join(", ")),
        }
    }
}

fn quote(name: &str, mark: char) -> String {
    let doubled = name.replace(mark, &format!("{mark}{mark}"));
    format!("{mark}{doubled}{mark}")
}

/// Package and destination of `p#d`, `p.d` or `catalog.p.d`.
fn table(mut parts: Vec<String>) -> Result<(String, String), QueryError> {
    if let [catalog, _, _] = parts.as_slice()
        && catalog == crate::CATALOG
    {
        parts.remove(0);
    }
    if let [package, destination] = parts.as_slice() {
        return Ok((package.clone(), destination.clone()));
    }
    let name = parts.join(".");
    // The first `#` behind a `.dtsx`: folders may have one in their names too.
    let lower = name.to_ascii_lowercase();
    let split = lower.find(".dtsx#").map(|at| at + ".dtsx".len());
    match split.and_then(|at| Some((name.get(..at)?, name.get(at + 1..)?))) {
        Some((package, destination)) if parts.len() == 1 && !destination.is_empty() => {
            Ok((package.to_owned(), destination.to_owned()))
        }
        _ => Err(QueryError::NoDestination(name)),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    Text(String),
    Symbol(char),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => write!(f, "`{word}`"),
            Self::Quoted(name) => f.write_str(&quote(name, '"')),
            // It may be a secret.
            Self::Text(_) => f.write_str("a text"),
            Self::Symbol(symbol) => write!(f, "`{symbol}`"),
        }
    }
}

struct Tokens {
    tokens: Vec<(usize, Token)>,
    next: usize,
    length: usize,
}

impl Tokens {
    fn of(text: &str) -> Result<Self, QueryError> {
        let characters: Vec<char> = text.chars().collect();
        let mut tokens = Vec::new();
        let mut at = 0;
        while let Some(&first) = characters.get(at) {
            let start = at;
            at += 1;
            let token = match first {
                _ if first.is_whitespace() => continue,
                '"' | '\'' => {
                    let text =
                        quoted(&characters, &mut at, first).ok_or(QueryError::Unsupported {
                            at: start + 1,
                            found: format!("a {first} without its end"),
                            wanted: "its end",
                        })?;
                    match first {
                        '"' => Token::Quoted(text),
                        _ => Token::Text(text),
                    }
                }
                _ if is_word(first) || first == '-' => {
                    let rest = characters.get(at..).unwrap_or_default();
                    let length = rest
                        .iter()
                        .take_while(|next| {
                            is_word(**next)
                                || (first.is_ascii_digit() || first == '-') && **next == '.'
                        })
                        .count();
                    at += length;
                    Token::Word(
                        characters
                            .get(start..at)
                            .unwrap_or_default()
                            .iter()
                            .collect(),
                    )
                }
                _ => Token::Symbol(first),
            };
            tokens.push((start + 1, token));
        }
        Ok(Self {
            tokens,
            next: 0,
            length: characters.len() + 1,
        })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn unsupported(&self, wanted: &'static str) -> QueryError {
        let (at, found) = match self.tokens.get(self.next) {
            Some((at, token)) => (*at, token.to_string()),
            None => (self.length, "the end".to_owned()),
        };
        QueryError::Unsupported { at, found, wanted }
    }

    fn is_keyword(&mut self, keyword: &str) -> bool {
        let found =
            matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.next += usize::from(found);
        found
    }

    fn keyword(&mut self, keyword: &'static str) -> Result<(), QueryError> {
        match self.is_keyword(keyword) {
            true => Ok(()),
            false => Err(self.unsupported(keyword)),
        }
    }

    fn symbol(&mut self, symbol: char) -> bool {
        let found = self.peek() == Some(&Token::Symbol(symbol));
        self.next += usize::from(found);
        found
    }

    fn name(&mut self, wanted: &'static str) -> Result<String, QueryError> {
        match self.peek().cloned() {
            Some(Token::Quoted(name)) if !name.is_empty() => {
                self.next += 1;
                Ok(name)
            }
            Some(Token::Word(name))
                if !name.starts_with(|first: char| first.is_ascii_digit() || first == '-')
                    && !["SELECT", "FROM", "WITH"]
                        .iter()
                        .any(|word| name.eq_ignore_ascii_case(word)) =>
            {
                self.next += 1;
                Ok(name)
            }
            _ => Err(self.unsupported(wanted)),
        }
    }

    fn list<T>(
        &mut self,
        wanted: &'static str,
        item: impl Fn(&mut Self, &'static str) -> Result<T, QueryError>,
    ) -> Result<Vec<T>, QueryError> {
        let mut items = vec![item(self, wanted)?];
        while self.symbol(',') {
            items.push(item(self, wanted)?);
        }
        Ok(items)
    }

    fn parameters(&mut self) -> Result<Vec<(String, Option<String>)>, QueryError> {
        if !self.symbol('(') {
            return Err(self.unsupported("`(`"));
        }
        let parameters = self.list(
            "a parameter, `name = 'value'` or `name = ?`",
            |tokens, wanted| {
                let name = tokens.name(wanted)?;
                if !tokens.symbol('=') {
                    return Err(tokens.unsupported("`=`"));
                }
                Ok((name, tokens.value()?))
            },
        )?;
        match self.symbol(')') {
            true => Ok(parameters),
            false => Err(self.unsupported("`,` or `)`")),
        }
    }

    fn value(&mut self) -> Result<Option<String>, QueryError> {
        let value = match self.peek() {
            Some(Token::Symbol('?')) => None,
            Some(Token::Text(text)) => Some(text.clone()),
            Some(Token::Word(word))
                if word.parse::<f64>().is_ok_and(f64::is_finite)
                    || ["true", "false"]
                        .iter()
                        .any(|truth| word.eq_ignore_ascii_case(truth)) =>
            {
                Some(word.clone())
            }
            _ => return Err(self.unsupported("'text', a number, true, false or `?`")),
        };
        self.next += 1;
        Ok(value)
    }

    fn end(&self) -> Result<(), QueryError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.unsupported("the end")),
        }
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '@' | '$')
}

/// The text up to the closing mark; a doubled one is one of the text.
fn quoted(characters: &[char], at: &mut usize, mark: char) -> Option<String> {
    let mut text = String::new();
    loop {
        let character = *characters.get(*at)?;
        *at += 1;
        if character != mark {
            text.push(character);
        } else if characters.get(*at) == Some(&mark) {
            text.push(mark);
            *at += 1;
        } else {
            return Some(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(text: &str, written: &str) {
        let query = Query::parse(text).unwrap();
        assert_eq!(query.to_string(), written);
        assert_eq!(Query::parse(written).unwrap(), query);
    }

    #[test]
    fn queries() {
        same(
            "select * from \"a/b.dtsx#C d\" ; ",
            "SELECT * FROM \"a/b.dtsx\".\"C d\"",
        );
        same(
            "SELECT x,\"y\"\"z\" FROM \"b.dtsx\".\"C\"",
            "SELECT \"x\", \"y\"\"z\" FROM \"b.dtsx\".\"C\"",
        );
        same(
            "SELECT * FROM packages.\"b.dtsx\".C",
            "SELECT * FROM \"b.dtsx\".\"C\"",
        );
        same(
            "SELECT * FROM \"b#.dtsx#C#\" WITH (n = -1.5, t = 'it''s', m = ?)",
            "SELECT * FROM \"b#.dtsx\".\"C#\" WITH (\"n\" = '-1.5', \"t\" = 'it''s', \"m\" = ?)",
        );
    }

    #[test]
    fn refused() {
        let wrong = |text: &str| Query::parse(text).unwrap_err().to_string();
        assert!(
            wrong("SELECT a b FROM \"x.dtsx#y\"")
                .starts_with("character 10: found `b`, wanted FROM")
        );
        assert!(
            wrong("SELECT * FROM \"x.dtsx#y\" WHERE a = 1")
                .contains("found `WHERE`, wanted the end; supported is")
        );
        assert!(wrong("SELECT * FROM \"x.dtsx\"").contains("names no DataReader destination"));
        assert!(wrong("SELECT * FROM \"x").contains("without its end"));
        assert!(wrong("DELETE").contains("wanted SELECT"));
        assert!(wrong("SELECT * FROM \"x.dtsx#y\" WITH (a = b)").contains("a number"));
        let marks = Query::parse("SELECT * FROM \"x.dtsx#y\" WITH (a = ?)").unwrap();
        assert_eq!(
            marks.bind(Vec::new()),
            Err(QueryError::Values {
                wanted: 1,
                given: 0
            })
        );
    }
}
