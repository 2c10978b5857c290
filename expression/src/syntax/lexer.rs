//! Tokens of an expression (spec `ssis-matrix.md` section 5.2).

use dtsx::SsisCode;

use crate::error::ExpressionError;

use super::Literal;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind {
    Literal(Literal),
    /// A bare name: column, function, type or TRUE/FALSE.
    Name(String),
    /// `[Name]`.
    Bracketed(String),
    Lineage(String),
    Variable {
        namespace: Option<String>,
        name: String,
    },
    /// Operators and punctuation.
    Symbol(&'static str),
    End,
}

/// Longest first.
const SYMBOLS: [&str; 25] = [
    "<=", ">=", "==", "!=", "&&", "||", "::", "(", ")", ",", ".", "?", ":", "+", "-", "*", "/",
    "%", "<", ">", "!", "~", "&", "^", "=",
];

/// Longer texts are refused: SSIS takes 4,000 characters, generated ones are longer.
const CHARACTERS_MAX: usize = 1 << 20;

/// Characters of a literal text.
const TEXT_MAX: usize = 4000;

pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, ExpressionError> {
    let characters: Vec<char> = text.chars().collect();
    let mut lexer = Lexer {
        text,
        characters: &characters,
        at: 0,
        in_type: false,
    };
    if characters.len() > CHARACTERS_MAX {
        return Err(lexer.error(
            0,
            SsisCode::EXPRESSION_PARSE_FAILED,
            format!("the expression is longer than {CHARACTERS_MAX} characters"),
        ));
    }
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        lexer.in_type = match &token.kind {
            TokenKind::Name(name) => is_type(name),
            TokenKind::Symbol(")") => false,
            _ => lexer.in_type,
        };
        let end = token.kind == TokenKind::End;
        tokens.push(token);
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    characters: &'a [char],
    at: usize,
    /// Among the arguments of a type.
    in_type: bool,
}

/// Whether a name is that of a data type, known or not.
pub(super) fn is_type(name: &str) -> bool {
    let prefix = name.get(..3);
    prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case("DT_"))
}

/// No such argument of a type is that large.
const TYPE_ARGUMENT: &str =
    "a length, precision, scale or code page is wanted: none is as large as that";

impl Lexer<'_> {
    /// What lies between `start` and here is wrong.
    fn error(&self, start: usize, code: SsisCode, message: impl Into<String>) -> ExpressionError {
        ExpressionError::new(self.text, (start, self.at), code, message)
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Result<Token, ExpressionError> {
        while self.peek(0).is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        let start = self.at;
        let kind = match self.peek(0) {
            None => TokenKind::End,
            Some('"') => self.string()?,
            Some('[') => TokenKind::Bracketed(self.until(']', "a closing bracket")?),
            Some('#') => self.lineage()?,
            Some('@') => self.variable()?,
            Some(digit) if digit.is_ascii_digit() => self.number()?,
            Some('.') if self.peek(1).is_some_and(|next| next.is_ascii_digit()) => self.number()?,
            Some(letter) if is_name(letter) => TokenKind::Name(self.name()),
            Some('|') if self.peek(1) != Some('|') => {
                self.at += 1;
                TokenKind::Symbol("|")
            }
            Some(other) => self.symbol(other)?,
        };
        Ok(Token {
            kind,
            start,
            end: self.at,
        })
    }

    fn symbol(&mut self, found: char) -> Result<TokenKind, ExpressionError> {
        for symbol in SYMBOLS {
            if symbol
                .chars()
                .enumerate()
                .all(|(ahead, character)| self.peek(ahead) == Some(character))
            {
                self.at += symbol.chars().count();
                return Ok(TokenKind::Symbol(symbol));
            }
        }
        let start = self.at;
        self.at += 1;
        let (code, hint) = match found {
            '\'' => (
                SsisCode::EXPRESSION_SINGLE_QUOTE,
                ": write text in double quotes",
            ),
            '\u{201C}' | '\u{201D}' | '\u{201E}' => (
                SsisCode::EXPRESSION_INVALID_TOKEN,
                ": write \" for a typographic quote",
            ),
            _ => (SsisCode::EXPRESSION_INVALID_TOKEN, ""),
        };
        let message = format!("`{found}` does not belong to an expression{hint}");
        Err(self.error(start, code, message))
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(character) = self.peek(0).filter(|character| goes_on(*character)) {
            name.push(character);
            self.at += 1;
        }
        name
    }

    /// The text up to `close`, after one opening character.
    fn until(&mut self, close: char, wanted: &str) -> Result<String, ExpressionError> {
        let start = self.at;
        self.at += 1;
        let mut inside = String::new();
        loop {
            match self.peek(0) {
                Some(character) if character == close => {
                    self.at += 1;
                    return Ok(inside);
                }
                Some(character) => inside.push(character),
                None => {
                    let message = format!("{wanted} is missing");
                    return Err(self.error(start, SsisCode::EXPRESSION_INVALID_TOKEN, message));
                }
            }
            self.at += 1;
        }
    }

    fn lineage(&mut self) -> Result<TokenKind, ExpressionError> {
        self.at += 1;
        if self.peek(0) == Some('{') {
            return Ok(TokenKind::Lineage(self.until('}', "a closing brace")?));
        }
        let mut digits = String::new();
        while let Some(digit) = self.peek(0).filter(char::is_ascii_digit) {
            digits.push(digit);
            self.at += 1;
        }
        if digits.is_empty() {
            let (start, message) = (self.at - 1, "a lineage id is wanted after #");
            return Err(self.error(start, SsisCode::EXPRESSION_INVALID_TOKEN, message));
        }
        Ok(TokenKind::Lineage(digits))
    }

    fn variable(&mut self) -> Result<TokenKind, ExpressionError> {
        let start = self.at;
        self.at += 1;
        let text = if self.peek(0) == Some('[') {
            self.until(']', "a closing bracket")?
        } else {
            if !self.peek(0).is_some_and(is_name) {
                let message =
                    "a variable name is wanted after @: a letter or _, or @[Namespace::Name]";
                return Err(self.error(start, SsisCode::EXPRESSION_INVALID_TOKEN, message));
            }
            let text = self.name();
            if self.peek(0) == Some(':') && self.peek(1) == Some(':') {
                self.at += 2;
                let name = self.name();
                let message = format!("a namespace stands in brackets: write @[{text}::{name}]");
                return Err(self.error(start, SsisCode::EXPRESSION_INVALID_TOKEN, message));
            }
            text
        };
        let (namespace, name) = match text.split_once("::") {
            Some((namespace, name)) => (Some(namespace.to_owned()), name),
            None => (None, text.as_str()),
        };
        if name.trim().is_empty() {
            let message = "a variable name is wanted after @";
            return Err(self.error(start, SsisCode::EXPRESSION_INVALID_TOKEN, message));
        }
        let is_padded = |part: &str| part.trim() != part;
        if is_padded(name) || namespace.as_deref().is_some_and(is_padded) {
            let bare: Vec<&str> = text.split("::").map(str::trim).collect();
            let message = format!(
                "blanks stand before or after a name in brackets: write @[{}]",
                bare.join("::")
            );
            return Err(self.error(start, SsisCode::EXPRESSION_INVALID_TOKEN, message));
        }
        Ok(TokenKind::Variable {
            namespace,
            name: name.to_owned(),
        })
    }

    fn string(&mut self) -> Result<TokenKind, ExpressionError> {
        let start = self.at;
        self.at += 1;
        let mut value = String::new();
        loop {
            let Some(character) = self.peek(0) else {
                let message = "a closing quote is missing";
                return Err(self.error(start, SsisCode::EXPRESSION_INVALID_TOKEN, message));
            };
            self.at += 1;
            match character {
                '"' if value.encode_utf16().count() > TEXT_MAX => {
                    let message = format!(
                        "a literal has {TEXT_MAX} characters at most: join shorter ones with +"
                    );
                    return Err(self.error(start, SsisCode::EXPRESSION_STRING_TOO_LONG, message));
                }
                '"' => return Ok(TokenKind::Literal(Literal::Text(value))),
                '\\' => value.push(self.escape()?),
                other => value.push(other),
            }
        }
    }

    fn escape(&mut self) -> Result<char, ExpressionError> {
        let start = self.at - 1;
        let Some(character) = self.peek(0) else {
            let message = "a closing quote is missing";
            return Err(self.error(start, SsisCode::EXPRESSION_INVALID_TOKEN, message));
        };
        self.at += 1;
        Ok(match character {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '"' => '"',
            '\\' => '\\',
            'x' => self.hexadecimal(start)?,
            other => {
                return Err(self.error(
                    start,
                    SsisCode::EXPRESSION_ESCAPE,
                    format!("\\{other} is not an escape; write \\\\ for a backslash"),
                ));
            }
        })
    }

    /// `\x` and four digits; two of them where the first is half of a pair.
    fn hexadecimal(&mut self, start: usize) -> Result<char, ExpressionError> {
        let mut units = vec![self.code_unit(start)?];
        let is_pair = |unit| (0xD800..0xDC00).contains(unit);
        if units.iter().any(is_pair) && self.peek(0) == Some('\\') && self.peek(1) == Some('x') {
            self.at += 2;
            units.push(self.code_unit(start)?);
        }
        match char::decode_utf16(units).next() {
            Some(Ok(character)) if character != '\0' => Ok(character),
            _ => {
                let message = "\\x wants the four hexadecimal digits of a character; half of a pair and NUL are none";
                Err(self.error(start, SsisCode::EXPRESSION_HEX_ESCAPE, message))
            }
        }
    }

    fn code_unit(&mut self, start: usize) -> Result<u16, ExpressionError> {
        let digits: String = (0..4)
            .map_while(|ahead| self.peek(ahead).filter(char::is_ascii_hexdigit))
            .collect();
        self.at += digits.len();
        let unit = u16::from_str_radix(&digits, 16).ok();
        unit.filter(|_| digits.len() == 4).ok_or_else(|| {
            let message = "\\x wants four hexadecimal digits, such as \\x0041";
            self.error(start, SsisCode::EXPRESSION_HEX_ESCAPE, message)
        })
    }

    fn digits(&mut self) -> String {
        let mut digits = String::new();
        while let Some(digit) = self.peek(0).filter(char::is_ascii_digit) {
            digits.push(digit);
            self.at += 1;
        }
        digits
    }

    fn number(&mut self) -> Result<TokenKind, ExpressionError> {
        let start = self.at;
        if self.peek(0) == Some('0') && matches!(self.peek(1), Some('x' | 'X')) {
            self.at += 2;
            let digits: String = (0..)
                .map_while(|ahead| self.peek(ahead).filter(char::is_ascii_hexdigit))
                .take(32)
                .collect();
            self.at += digits.len();
            let value = u64::from_str_radix(&digits, 16).map_err(|_| {
                let message = "a hexadecimal number has 1 to 16 digits after 0x";
                self.error(start, SsisCode::EXPRESSION_INVALID_TOKEN, message)
            })?;
            return self.integer(start, value, false);
        }
        let whole = self.digits();
        let mut fraction = None;
        if self.peek(0) == Some('.') {
            self.at += 1;
            fraction = Some(self.digits());
        }
        let mut exponent = String::new();
        if matches!(self.peek(0), Some('e' | 'E'))
            && (self.peek(1).is_some_and(|next| next.is_ascii_digit())
                || matches!(self.peek(1), Some('+' | '-'))
                    && self.peek(2).is_some_and(|next| next.is_ascii_digit()))
        {
            self.at += 1;
            exponent.push('e');
            if let Some(sign @ ('+' | '-')) = self.peek(0) {
                exponent.push(sign);
                self.at += 1;
            }
            exponent.push_str(&self.digits());
        }
        if fraction.is_none() && exponent.is_empty() {
            let value = whole.parse().map_err(|_| {
                let message = match self.in_type {
                    true => TYPE_ARGUMENT,
                    false => {
                        "the number does not fit 64 bits: write 1.0 for a decimal, 1E0 for a float"
                    }
                };
                self.error(start, SsisCode::EXPRESSION_LITERAL_OVERFLOW, message)
            })?;
            return self.integer(start, value, true);
        }
        self.real(
            start,
            &whole,
            fraction.as_deref().unwrap_or_default(),
            &exponent,
        )
    }

    fn real(
        &mut self,
        start: usize,
        whole: &str,
        fraction: &str,
        exponent: &str,
    ) -> Result<TokenKind, ExpressionError> {
        let text = format!(
            "{}.{}{exponent}",
            if whole.is_empty() { "0" } else { whole },
            if fraction.is_empty() { "0" } else { fraction }
        );
        let bad =
            |lexer: &Self| lexer.error(start, SsisCode::EXPRESSION_INVALID_TOKEN, "not a number");
        let suffix = self.peek(0).map(|suffix| suffix.to_ascii_lowercase());
        if matches!(suffix, Some('f' | 'l')) {
            self.at += 1;
        }
        let literal = match suffix {
            Some('f') => text.parse().map(Literal::R4).map_err(|_| bad(self))?,
            Some('l') => text.parse().map(Literal::R8).map_err(|_| bad(self))?,
            _ if !exponent.is_empty() => text.parse().map(Literal::R8).map_err(|_| bad(self))?,
            _ => {
                let whole = whole.trim_start_matches('0');
                let precision = (whole.len() + fraction.len()).max(1);
                if precision > 38 {
                    let message = "the number has more than 38 digits";
                    return Err(self.error(start, SsisCode::EXPRESSION_LITERAL_OVERFLOW, message));
                }
                let digits = format!("0{whole}{fraction}")
                    .parse()
                    .map_err(|_| bad(self))?;
                Literal::Numeric(digits, precision as u8, fraction.len() as u8)
            }
        };
        let is_number = match literal {
            Literal::R4(value) => value.is_finite(),
            Literal::R8(value) => value.is_finite(),
            _ => true,
        };
        if !is_number {
            let message =
                "the number is too large for its type: DT_R4 ends at 3.4E38, DT_R8 at 1.8E308";
            return Err(self.error(start, SsisCode::EXPRESSION_LITERAL_OVERFLOW, message));
        }
        Ok(TokenKind::Literal(literal))
    }

    /// Suffixes U, L, UL choose the type; without L the 32-bit type is used (semantics 1.1.4).
    fn integer(
        &mut self,
        start: usize,
        value: u64,
        takes_long: bool,
    ) -> Result<TokenKind, ExpressionError> {
        let mut unsigned = false;
        let mut long = false;
        while let Some(suffix) = self.peek(0) {
            match suffix {
                'u' | 'U' if !unsigned => unsigned = true,
                'l' | 'L' if !long && takes_long => long = true,
                _ => break,
            }
            self.at += 1;
        }
        let literal = match (unsigned, long) {
            (true, true) => Some(Literal::UI8(value)),
            (false, true) => i64::try_from(value).ok().map(Literal::I8),
            (true, false) => u32::try_from(value).ok().map(Literal::UI4),
            (false, false) => i32::try_from(value).ok().map(Literal::I4),
        };
        literal.map(TokenKind::Literal).ok_or_else(|| {
            self.error(
                start,
                SsisCode::EXPRESSION_LITERAL_OVERFLOW,
                match (unsigned, long, takes_long) {
                    (false, false, true) if self.in_type => TYPE_ARGUMENT.to_owned(),
                    (true, false, true) => format!("{value} does not fit DT_UI4: write {value}UL"),
                    (false, false, true) if i64::try_from(value).is_ok() => {
                        format!("{value} does not fit DT_I4: write {value}L")
                    }
                    (false, false, false) if u32::try_from(value).is_ok() => {
                        format!("0x{value:X} does not fit DT_I4: write 0x{value:X}U")
                    }
                    _ => format!("no integer has room for {value} as it is written: write {value}.0 for a DT_NUMERIC"),
                },
            )
        })
    }
}

/// The first character of a name that needs no brackets.
fn is_name(character: char) -> bool {
    character.is_alphabetic() || character == '_'
}

/// Any other character of it.
fn goes_on(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '@' | '$' | '#')
}
