//! Text -> tokens -> tree. Every node keeps its place in the text.

mod hints;
mod lexer;
mod parser;
mod print;
mod tree;
mod type_name;

pub(crate) use hints::function as function_hint;
pub(crate) use lexer::{Token, TokenKind, tokens};
pub(crate) use parser::parse;
pub(crate) use tree::{BinaryOperator, Literal, Node, NodeKind, UnaryOperator};
pub(crate) use type_name::data_type;
