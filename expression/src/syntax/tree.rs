//! The tree of an expression as it was written.

use dtsx::DataType;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    /// Characters from 0.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Nodes above each other, itself among them.
    pub(crate) height: usize,
}

impl Node {
    /// The variables that it names, from left to right.
    pub(crate) fn variables<'a>(&'a self, found: &mut Vec<(Option<&'a str>, &'a str)>) {
        match &self.kind {
            NodeKind::Variable { namespace, name } => found.push((namespace.as_deref(), name)),
            NodeKind::Unary(_, one) | NodeKind::Cast(_, one) => one.variables(found),
            NodeKind::Binary(_, left, right) => {
                left.variables(found);
                right.variables(found);
            }
            NodeKind::Conditional(condition, yes, no) => {
                condition.variables(found);
                yes.variables(found);
                no.variables(found);
            }
            NodeKind::Call { arguments, .. } => {
                arguments.iter().for_each(|one| one.variables(found));
            }
            NodeKind::Literal(_)
            | NodeKind::Column { .. }
            | NodeKind::Lineage(_)
            | NodeKind::Null(_) => {}
        }
    }
}

impl NodeKind {
    /// Of a node of this kind.
    pub(crate) fn height(&self) -> usize {
        let below = match self {
            Self::Unary(_, one) | Self::Cast(_, one) => one.height,
            Self::Binary(_, left, right) => left.height.max(right.height),
            Self::Conditional(condition, yes, no) => {
                condition.height.max(yes.height).max(no.height)
            }
            Self::Call { arguments, .. } => {
                arguments.iter().map(|one| one.height).max().unwrap_or(0)
            }
            _ => 0,
        };
        below + 1
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NodeKind {
    Literal(Literal),
    /// `Name`, `[Name]`, `[Source].[Name]`.
    Column {
        source: Option<String>,
        name: String,
    },
    /// `#12`, `#{Package\..}`: the inside.
    Lineage(String),
    Variable {
        namespace: Option<String>,
        name: String,
    },
    Unary(UnaryOperator, Box<Node>),
    Binary(BinaryOperator, Box<Node>, Box<Node>),
    Conditional(Box<Node>, Box<Node>, Box<Node>),
    Cast(DataType, Box<Node>),
    /// `NULL(DT_I4)`.
    Null(DataType),
    Call {
        name: String,
        arguments: Vec<Node>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Bool(bool),
    Text(String),
    I4(i32),
    UI4(u32),
    I8(i64),
    UI8(u64),
    R4(f32),
    R8(f64),
    /// Unscaled digits, precision, scale.
    Numeric(i128, u8, u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnaryOperator {
    Negate,
    Not,
    Complement,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinaryOperator {
    Multiply,
    Divide,
    Modulo,
    Add,
    Subtract,
    Less,
    Greater,
    LessEqual,
    GreaterEqual,
    Equal,
    NotEqual,
    BitAnd,
    BitXor,
    BitOr,
    And,
    Or,
}

impl BinaryOperator {
    /// Binding power: higher binds tighter (semantics 1.1.11).
    pub(crate) fn power(self) -> u8 {
        match self {
            Self::Multiply | Self::Divide | Self::Modulo => 9,
            Self::Add | Self::Subtract => 8,
            Self::Less | Self::Greater | Self::LessEqual | Self::GreaterEqual => 7,
            Self::Equal | Self::NotEqual => 6,
            Self::BitAnd => 5,
            Self::BitXor => 4,
            Self::BitOr => 3,
            Self::And => 2,
            Self::Or => 1,
        }
    }

    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Less => "<",
            Self::Greater => ">",
            Self::LessEqual => "<=",
            Self::GreaterEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::BitAnd => "&",
            Self::BitXor => "^",
            Self::BitOr => "|",
            Self::And => "&&",
            Self::Or => "||",
        }
    }

    pub(crate) fn of(symbol: &str) -> Option<Self> {
        const ALL: [BinaryOperator; 16] = [
            BinaryOperator::Multiply,
            BinaryOperator::Divide,
            BinaryOperator::Modulo,
            BinaryOperator::Add,
            BinaryOperator::Subtract,
            BinaryOperator::Less,
            BinaryOperator::Greater,
            BinaryOperator::LessEqual,
            BinaryOperator::GreaterEqual,
            BinaryOperator::Equal,
            BinaryOperator::NotEqual,
            BinaryOperator::BitAnd,
            BinaryOperator::BitXor,
            BinaryOperator::BitOr,
            BinaryOperator::And,
            BinaryOperator::Or,
        ];
        ALL.into_iter().find(|operator| operator.symbol() == symbol)
    }
}
