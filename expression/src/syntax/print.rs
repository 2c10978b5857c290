//! Tree -> text that parses into the same tree: names in brackets, parentheses where they are needed, types with commas.

use std::fmt::{self, Write};

use super::{BinaryOperator, Literal, Node, NodeKind, UnaryOperator};

/// How tightly a node binds: an operand that binds less tightly than its operator goes into parentheses.
const CONDITIONAL: u8 = 0;
const UNARY: u8 = 10;
const PRIMARY: u8 = 11;

impl Node {
    fn power(&self) -> u8 {
        match &self.kind {
            NodeKind::Conditional(..) => CONDITIONAL,
            NodeKind::Binary(operator, ..) => operator.power(),
            NodeKind::Unary(..) | NodeKind::Cast(..) => UNARY,
            _ => PRIMARY,
        }
    }

    fn operand(&self, least: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.power() < least {
            write!(f, "({self})")
        } else {
            write!(f, "{self}")
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            NodeKind::Literal(literal) => write!(f, "{literal}"),
            NodeKind::Column { source, name } => {
                if let Some(source) = source {
                    write!(f, "[{source}].")?;
                }
                write!(f, "[{name}]")
            }
            NodeKind::Lineage(id) if !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()) => {
                write!(f, "#{id}")
            }
            NodeKind::Lineage(id) => write!(f, "#{{{id}}}"),
            NodeKind::Variable { namespace, name } => match namespace {
                // The first two colons part the names: `a:` keeps its own with a blank.
                Some(namespace) if namespace.ends_with(':') => {
                    write!(f, "@[{namespace} ::{name}]")
                }
                Some(namespace) => write!(f, "@[{namespace}::{name}]"),
                None => write!(f, "@[{name}]"),
            },
            NodeKind::Unary(operator, operand) => {
                f.write_str(match operator {
                    UnaryOperator::Negate => "-",
                    UnaryOperator::Not => "!",
                    UnaryOperator::Complement => "~",
                })?;
                operand.operand(UNARY, f)
            }
            NodeKind::Binary(operator, left, right) => binary(*operator, left, right, f),
            NodeKind::Conditional(condition, yes, no) => {
                condition.operand(CONDITIONAL + 1, f)?;
                write!(f, " ? {yes} : {no}")
            }
            NodeKind::Cast(data_type, operand) => {
                write!(f, "({data_type})")?;
                operand.operand(UNARY, f)
            }
            NodeKind::Null(data_type) => write!(f, "NULL({data_type})"),
            NodeKind::Call { name, arguments } => {
                write!(f, "{name}(")?;
                for (at, argument) in arguments.iter().enumerate() {
                    if at > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{argument}")?;
                }
                f.write_char(')')
            }
        }
    }
}

/// Operators of one level associate to the left.
fn binary(
    operator: BinaryOperator,
    left: &Node,
    right: &Node,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    left.operand(operator.power(), f)?;
    write!(f, " {} ", operator.symbol())?;
    right.operand(operator.power() + 1, f)
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => f.write_str(if *value { "TRUE" } else { "FALSE" }),
            Self::Text(text) => quoted(text, f),
            Self::I4(value) => write!(f, "{value}"),
            Self::UI4(value) => write!(f, "{value}U"),
            Self::I8(value) => write!(f, "{value}L"),
            Self::UI8(value) => write!(f, "{value}UL"),
            Self::R4(value) => write!(f, "{value:E}f"),
            Self::R8(value) => write!(f, "{value:E}L"),
            Self::Numeric(value, _, scale) => {
                let width = usize::from(*scale) + 1;
                let digits = format!("{value:0width$}");
                let (whole, fraction) = digits.split_at(digits.len() - usize::from(*scale));
                write!(f, "{whole}.{fraction}")
            }
        }
    }
}

fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            other if other.is_ascii_control() && other != '\0' => {
                write!(f, "\\x{:04X}", u32::from(other))?;
            }
            other => f.write_char(other)?,
        }
    }
    f.write_char('"')
}
