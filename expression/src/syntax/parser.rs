//! Tokens -> tree, by operator precedence (semantics 1.1.11).

use dtsx::{DataType, SsisCode};

use crate::{
    error::ExpressionError,
    tall::{HEIGHT_MAX, Tree, with_room},
};

use super::{
    BinaryOperator, Literal, Node, NodeKind, Token, TokenKind, UnaryOperator, hints,
    lexer::is_type, tokens, type_name,
};

/// Deeper trees are refused: the stack is not theirs.
const DEPTH_MAX: usize = 200;

/// The tree of an expression; or of an assignment, with the variable that it sets.
pub(crate) fn parse(text: &str) -> Result<(Option<Node>, Tree<Node>), ExpressionError> {
    let tokens = tokens(text)?;
    // The parser does not go deep for a chain, but drops it where it does not end well.
    let (target, root) = with_room(tokens.len().min(HEIGHT_MAX), || tree(text, &tokens))?;
    let height = root.height;
    Ok((target, Tree { root, height }))
}

fn tree(text: &str, tokens: &[Token]) -> Result<(Option<Node>, Node), ExpressionError> {
    let mut parser = Parser {
        text,
        tokens,
        at: 0,
        depth: 0,
    };
    if *parser.peek() == TokenKind::End {
        return Err(parser.error_here(SsisCode::EXPRESSION_EMPTY, "the expression is empty"));
    }
    let mut target = None;
    let mut node = parser.conditional()?;
    if matches!(node.kind, NodeKind::Variable { .. }) && parser.accept("=") {
        target = Some(std::mem::replace(&mut node, parser.conditional()?));
    }
    match parser.peek() {
        TokenKind::End => Ok((target, node)),
        TokenKind::Symbol("=") => {
            let message = match parser.peek_ahead(1) {
                TokenKind::Symbol("<") => "write <= for less or equal",
                TokenKind::Symbol(">") => "write >= for greater or equal",
                _ => {
                    "`=` sets a variable, and only in a For Loop or an Expression Task: write == to compare"
                }
            };
            Err(parser.error_here(SsisCode::EXPRESSION_SINGLE_EQUAL, message))
        }
        _ => Err(parser.unexpected("the end of the expression or an operator")),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn token(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn peek(&self) -> &TokenKind {
        &self.token().kind
    }

    fn peek_ahead(&self, ahead: usize) -> &TokenKind {
        &self.tokens[(self.at + ahead).min(self.tokens.len() - 1)].kind
    }

    /// At the next token.
    fn error_here(&self, code: SsisCode, message: impl Into<String>) -> ExpressionError {
        let token = self.token();
        ExpressionError::new(self.text, (token.start, token.end), code, message)
    }

    fn unexpected(&self, wanted: &str) -> ExpressionError {
        let token = self.token();
        let found = match &token.kind {
            TokenKind::End => "the expression ends".to_owned(),
            _ => {
                let shown: String = self
                    .text
                    .chars()
                    .skip(token.start)
                    .take(token.end - token.start)
                    .take(40)
                    .collect();
                format!("found `{shown}`")
            }
        };
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        let hint = hints::of(before.map(|token| &token.kind), &token.kind);
        let message = format!("{wanted} is wanted, {found}{hint}");
        self.error_here(SsisCode::EXPRESSION_PARSE_FAILED, message)
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), TokenKind::Symbol(found) if *found == symbol);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, symbol: &'static str) -> Result<(), ExpressionError> {
        if self.accept(symbol) {
            Ok(())
        } else {
            Err(self.unexpected(&format!("`{symbol}`")))
        }
    }

    fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, ExpressionError>,
    ) -> Result<T, ExpressionError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("the expression is nested deeper than {DEPTH_MAX}");
            return Err(self.error_here(SsisCode::EXPRESSION_PARSE_FAILED, message));
        }
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// A node from `start` to the last token taken.
    fn node(&self, kind: NodeKind, start: usize) -> Result<Node, ExpressionError> {
        let end = self.tokens[self.at - 1].end;
        let height = kind.height();
        if height > HEIGHT_MAX {
            let message = format!(
                "more than {HEIGHT_MAX} operators are above each other: put parts of a long chain into parentheses"
            );
            let code = SsisCode::EXPRESSION_PARSE_FAILED;
            return Err(ExpressionError::new(self.text, (start, end), code, message));
        }
        Ok(Node {
            kind,
            start,
            end,
            height,
        })
    }

    /// `a ? b : c`, right-associative, below everything else: `a ? b : c ? d : e` goes on after the colon.
    fn conditional(&mut self) -> Result<Node, ExpressionError> {
        self.deeper(|parser| {
            let mut chosen = Vec::new();
            let mut last = loop {
                let condition = parser.binary(0)?;
                if !parser.accept("?") {
                    break condition;
                }
                let yes = parser.conditional()?;
                parser.expect(":")?;
                chosen.push((condition, yes));
            };
            while let Some((condition, yes)) = chosen.pop() {
                let start = condition.start;
                let kind =
                    NodeKind::Conditional(Box::new(condition), Box::new(yes), Box::new(last));
                last = parser.node(kind, start)?;
            }
            Ok(last)
        })
    }

    fn binary(&mut self, least: u8) -> Result<Node, ExpressionError> {
        let mut left = self.deeper(Self::unary)?;
        loop {
            let TokenKind::Symbol(symbol) = self.peek() else {
                return Ok(left);
            };
            let Some(operator) = BinaryOperator::of(symbol) else {
                return Ok(left);
            };
            if operator.power() <= least {
                return Ok(left);
            }
            self.at += 1;
            let right = self.deeper(|parser| parser.binary(operator.power()))?;
            let start = left.start;
            let kind = NodeKind::Binary(operator, Box::new(left), Box::new(right));
            left = self.node(kind, start)?;
        }
    }

    fn unary(&mut self) -> Result<Node, ExpressionError> {
        let start = self.token().start;
        let operator = match self.peek() {
            TokenKind::Symbol("-") => UnaryOperator::Negate,
            TokenKind::Symbol("!") => UnaryOperator::Not,
            TokenKind::Symbol("~") => UnaryOperator::Complement,
            TokenKind::Symbol("(") => {
                if let TokenKind::Name(name) = self.peek_ahead(1)
                    && is_type(name)
                {
                    self.at += 1;
                    let data_type = self.data_type(true)?;
                    self.expect(")")?;
                    let operand = self.deeper(Self::unary)?;
                    return self.node(NodeKind::Cast(data_type, Box::new(operand)), start);
                }
                return self.primary();
            }
            _ => return self.primary(),
        };
        self.at += 1;
        let operand = self.deeper(Self::unary)?;
        self.node(NodeKind::Unary(operator, Box::new(operand)), start)
    }

    /// `DT_STR, 20, 1252`, of a cast or of NULL().
    fn data_type(&mut self, of_cast: bool) -> Result<DataType, ExpressionError> {
        let start = self.token().start;
        let TokenKind::Name(name) = self.peek().clone() else {
            return Err(self.unexpected("a data type"));
        };
        self.at += 1;
        let mut arguments = Vec::new();
        while self.accept(",") {
            match self.peek() {
                TokenKind::Literal(Literal::I4(value)) if *value >= 0 => {
                    arguments.push(*value as u32)
                }
                _ => return Err(self.unexpected("a whole number")),
            }
            self.at += 1;
        }
        let end = self.tokens[self.at - 1].end;
        type_name::data_type(&name, &arguments, of_cast)
            .map_err(|(code, message)| ExpressionError::new(self.text, (start, end), code, message))
    }

    fn primary(&mut self) -> Result<Node, ExpressionError> {
        let token = self.token().clone();
        let start = token.start;
        self.at += 1;
        let kind = match token.kind {
            TokenKind::Literal(literal) => NodeKind::Literal(literal),
            TokenKind::Lineage(id) => NodeKind::Lineage(id),
            TokenKind::Variable { namespace, name } => NodeKind::Variable { namespace, name },
            // The designer brackets function names in stored expressions: [YEAR](x).
            TokenKind::Bracketed(name) if matches!(self.peek(), TokenKind::Symbol("(")) => {
                self.call(name)?
            }
            TokenKind::Bracketed(name) => self.column(name)?,
            TokenKind::Name(name) if matches!(self.peek(), TokenKind::Symbol("(")) => {
                self.call(name)?
            }
            TokenKind::Name(name) if name.eq_ignore_ascii_case("TRUE") => {
                NodeKind::Literal(Literal::Bool(true))
            }
            TokenKind::Name(name) if name.eq_ignore_ascii_case("FALSE") => {
                NodeKind::Literal(Literal::Bool(false))
            }
            TokenKind::Name(name) => self.column(name)?,
            TokenKind::Symbol("(") => {
                let inner = self.conditional()?;
                self.expect(")")?;
                let end = self.tokens[self.at - 1].end;
                return Ok(Node {
                    start,
                    end,
                    ..inner
                });
            }
            _ => {
                self.at -= 1;
                return Err(self.unexpected("a value"));
            }
        };
        self.node(kind, start)
    }

    fn column(&mut self, first: String) -> Result<NodeKind, ExpressionError> {
        if !self.accept(".") {
            return Ok(NodeKind::Column {
                source: None,
                name: first,
            });
        }
        match self.peek().clone() {
            TokenKind::Name(name) | TokenKind::Bracketed(name) => {
                self.at += 1;
                Ok(NodeKind::Column {
                    source: Some(first),
                    name,
                })
            }
            _ => Err(self.unexpected("a column name")),
        }
    }

    fn call(&mut self, name: String) -> Result<NodeKind, ExpressionError> {
        self.expect("(")?;
        if name.eq_ignore_ascii_case("NULL") {
            let data_type = self.data_type(false)?;
            self.expect(")")?;
            return Ok(NodeKind::Null(data_type));
        }
        let mut arguments = Vec::new();
        if !self.accept(")") {
            loop {
                arguments.push(self.conditional()?);
                if self.accept(")") {
                    break;
                }
                if !self.accept(",") {
                    return Err(self.unexpected("`,` or `)`"));
                }
            }
        }
        Ok(NodeKind::Call {
            name: name.to_ascii_uppercase(),
            arguments,
        })
    }
}
