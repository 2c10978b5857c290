//! Text -> tokens -> tree. Every node keeps its place in the text.

mod lexer;
mod parser;
mod tree;

pub(crate) use lexer::{Token, TokenKind, tokens};
pub(crate) use parser::parse;
pub(crate) use tree::{BinaryOperator, Literal, Node, NodeKind, UnaryOperator};
