//! Names are resolved, types checked, conversions made explicit and constants folded.
//!
//! ```text
//!  Node (as written) ──resolve──▶ types of operands ──promote──▶ Typed (every operand in the type its operator takes)
//! ```

mod build;
mod fit;
mod names;
mod nearest;
mod promote;

use std::sync::Arc;

use dtsx::DataType;

pub(crate) use build::build;
pub(crate) use fit::{cannot_become, text_cast};
pub(crate) use nearest::distance;
pub use nearest::variable_advice;
pub(crate) use promote::{common, decimal_shape, is_integer, is_numeric, is_text, text_length};

use crate::{
    functions::{Function, Signature},
    scalar::Scalar,
    syntax::BinaryOperator,
};

/// A node whose type is known and whose operands have the types that its operator takes.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pub(crate) data_type: DataType,
    pub(crate) kind: TypedKind,
}

#[derive(Debug, Clone)]
pub(crate) enum TypedKind {
    Constant(Scalar),
    Column(usize),
    Negate(Box<Typed>),
    Not(Box<Typed>),
    Complement(Box<Typed>),
    /// `+ - * / %` on numbers. Integers and floats in the result's type; decimals as they are.
    Arithmetic(BinaryOperator, Box<Typed>, Box<Typed>),
    Bitwise(BinaryOperator, Box<Typed>, Box<Typed>),
    /// `< > <= >= == !=` on operands of one type, or on decimals that no type holds both of.
    Compare(BinaryOperator, Box<Typed>, Box<Typed>),
    /// `&&` and `||`.
    Logic(BinaryOperator, Box<Typed>, Box<Typed>),
    /// `+` on texts: all of `a + b + c`.
    Concat(Vec<Typed>),
    Conditional(Box<Typed>, Box<Typed>, Box<Typed>),
    /// To the node's type; dates in text are read by the conventions of an LCID (semantics 1.5.2).
    Convert(Box<Typed>, u32),
    Call(&'static Function, Arc<Signature>, Vec<Typed>),
    /// A part that occurs elsewhere too, by its number among those of a component.
    Shared(usize, Arc<Typed>),
}

impl TypedKind {
    /// Calls `see` with each operand, in the order in which they are written. The inside of a shared part is done with.
    pub(crate) fn each_operand(&mut self, see: &mut dyn FnMut(&mut Typed)) {
        match self {
            Self::Constant(_) | Self::Column(_) | Self::Shared(..) => {}
            Self::Negate(one) | Self::Not(one) | Self::Complement(one) | Self::Convert(one, _) => {
                see(one);
            }
            Self::Arithmetic(_, left, right)
            | Self::Bitwise(_, left, right)
            | Self::Compare(_, left, right)
            | Self::Logic(_, left, right) => {
                see(left);
                see(right);
            }
            Self::Conditional(test, yes, no) => {
                see(test);
                see(yes);
                see(no);
            }
            Self::Concat(arguments) | Self::Call(_, _, arguments) => {
                arguments.iter_mut().for_each(see)
            }
        }
    }
}

impl TypedKind {
    /// The operands, in the order in which they are written.
    pub(crate) fn operands(&self) -> Vec<&Typed> {
        match self {
            Self::Constant(_) | Self::Column(_) | Self::Shared(..) => Vec::new(),
            Self::Negate(one) | Self::Not(one) | Self::Complement(one) | Self::Convert(one, _) => {
                vec![one]
            }
            Self::Arithmetic(_, left, right)
            | Self::Bitwise(_, left, right)
            | Self::Compare(_, left, right)
            | Self::Logic(_, left, right) => vec![left, right],
            Self::Conditional(test, yes, no) => vec![test, yes, no],
            Self::Concat(arguments) | Self::Call(_, _, arguments) => arguments.iter().collect(),
        }
    }
}

impl Typed {
    pub(crate) fn constant(&self) -> Option<&Scalar> {
        match &self.kind {
            TypedKind::Constant(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Text in a code page as Unicode: it travels the same way.
    fn into_unicode(self) -> Self {
        let DataType::Str { length, .. } = self.data_type else {
            return self;
        };
        let data_type = DataType::WStr { length };
        match self.kind {
            TypedKind::Column(_) => Self { data_type, ..self },
            TypedKind::Constant(scalar) => Self {
                data_type,
                kind: TypedKind::Constant(Scalar {
                    data_type,
                    ..scalar
                }),
            },
            _ => self.into_type(data_type),
        }
    }

    /// In another type; itself if it has it already. Not for text that people wrote dates in: a cast has their locale.
    pub(crate) fn into_type(self, data_type: DataType) -> Self {
        if self.data_type == data_type {
            return self;
        }
        Self {
            data_type,
            kind: TypedKind::Convert(Box::new(self), 0),
        }
    }
}
