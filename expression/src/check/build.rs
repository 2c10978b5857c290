//! Builds the typed tree bottom-up.

use std::sync::Arc;

use dtsx::{DataType, SsisCode};

use crate::{
    ColumnReference, Scope,
    error::ExpressionError,
    evaluate,
    functions::{self, Argument, Function},
    scalar::Scalar,
    syntax::{self, BinaryOperator, Literal, Node, NodeKind, UnaryOperator},
};

use super::{
    Typed, TypedKind, fit, is_integer, is_numeric, is_text,
    nearest::nearest,
    promote::{arithmetic, branches, common, is_unsigned, meet_nowhere, text_length},
};

/// Longest text that an expression's metadata can name (semantics 1.3.5).
const LENGTH_MAX: u32 = 4000;

/// Longest text that a function makes of variables.
const LONG_TEXT_MAX: u32 = 1 << 26;

pub(crate) fn build(text: &str, node: &Node, scope: &dyn Scope) -> Result<Typed, ExpressionError> {
    let typed = Builder { text, scope }.node(node)?;
    // Text in a code page comes out of a cast only (semantics 1.1.3).
    Ok(match node.kind {
        NodeKind::Cast(..) | NodeKind::Null(_) => typed,
        _ => typed.into_unicode(),
    })
}

pub(super) struct Builder<'a> {
    text: &'a str,
    pub(super) scope: &'a dyn Scope,
}

impl Builder<'_> {
    pub(super) fn error(
        &self,
        node: &Node,
        code: SsisCode,
        message: impl Into<String>,
    ) -> ExpressionError {
        ExpressionError::new(self.text, (node.start, node.end), code, message)
    }

    /// Whether what fails in `node` may succeed with other values of its variables.
    fn may_change(&self, node: &Node) -> bool {
        let mut variables = Vec::new();
        if self.scope.variables_may_change() {
            node.variables(&mut variables);
        }
        !variables.is_empty()
    }

    fn node(&self, node: &Node) -> Result<Typed, ExpressionError> {
        let typed = match &node.kind {
            NodeKind::Literal(literal) => constant(literal_scalar(literal)),
            NodeKind::Null(data_type) => constant(Scalar::null(*data_type)),
            NodeKind::Column { source, name } => {
                let reference = ColumnReference::Name {
                    source: source.clone(),
                    name: name.clone(),
                };
                self.column(node, &reference, name)?
            }
            NodeKind::Lineage(id) => {
                self.column(node, &ColumnReference::Lineage(id.clone()), id)?
            }
            NodeKind::Variable { namespace, name } => {
                self.variable(node, namespace.as_deref(), name)?
            }
            NodeKind::Unary(operator, operand) => self.unary(node, *operator, operand)?,
            NodeKind::Binary(operator, left, right) => self.binary(node, *operator, left, right)?,
            NodeKind::Conditional(condition, yes, no) => {
                self.conditional(node, condition, yes, no)?
            }
            NodeKind::Cast(data_type, operand) => self.cast(node, *data_type, operand)?,
            NodeKind::Call { name, arguments } => self.call(node, name, arguments)?,
        };
        self.fold(node, typed)
    }

    /// Below the root text is Unicode, and a NULL in a code page has to be cast (semantics 1.1.3).
    fn operand(&self, node: &Node) -> Result<Typed, ExpressionError> {
        if let NodeKind::Null(data_type @ DataType::Str { length, .. }) = &node.kind {
            let message = format!(
                "NULL({data_type}) stands for a whole expression: write NULL(DT_WSTR,{length}) here"
            );
            return Err(self.error(node, SsisCode::EXPRESSION_NULL_TYPE, message));
        }
        Ok(self.node(node)?.into_unicode())
    }

    fn unary(
        &self,
        node: &Node,
        operator: UnaryOperator,
        operand: &Node,
    ) -> Result<Typed, ExpressionError> {
        let operand = Box::new(self.operand(operand)?);
        let data_type = operand.data_type;
        match operator {
            UnaryOperator::Negate if is_numeric(&data_type) && !is_unsigned(&data_type) => {
                Ok(Typed {
                    data_type,
                    kind: TypedKind::Negate(operand),
                })
            }
            UnaryOperator::Not if data_type == DataType::Bool => Ok(Typed {
                data_type,
                kind: TypedKind::Not(operand),
            }),
            UnaryOperator::Complement if is_integer(&data_type) => Ok(Typed {
                data_type,
                kind: TypedKind::Complement(operand),
            }),
            _ => {
                let wanted = match operator {
                    UnaryOperator::Negate => "- wants a signed number",
                    UnaryOperator::Not => "! wants DT_BOOL",
                    UnaryOperator::Complement => "~ wants an integer",
                };
                let message = format!("{wanted}, {data_type} is given");
                Err(self.error(node, SsisCode::EXPRESSION_UNARY_TYPE, message))
            }
        }
    }

    fn binary(
        &self,
        node: &Node,
        operator: BinaryOperator,
        left_node: &Node,
        right_node: &Node,
    ) -> Result<Typed, ExpressionError> {
        let (left, right) = (self.operand(left_node)?, self.operand(right_node)?);
        let (from, to) = (left.data_type, right.data_type);
        let mismatch = || {
            let (code, message) = fit::operands(operator, &from, &to);
            self.error(node, code, message)
        };
        match operator {
            BinaryOperator::And | BinaryOperator::Or => {
                if (from, to) != (DataType::Bool, DataType::Bool) {
                    return Err(mismatch());
                }
                Ok(typed(
                    DataType::Bool,
                    TypedKind::Logic(operator, Box::new(left), Box::new(right)),
                ))
            }
            BinaryOperator::BitAnd | BinaryOperator::BitOr | BinaryOperator::BitXor => {
                let alike = is_unsigned(&from) == is_unsigned(&to);
                let result = common(&from, &to)
                    .filter(|_| is_integer(&from) && is_integer(&to) && alike)
                    .ok_or_else(mismatch)?;
                let (left, right) = (left.into_type(result), right.into_type(result));
                Ok(typed(
                    result,
                    TypedKind::Bitwise(operator, Box::new(left), Box::new(right)),
                ))
            }
            BinaryOperator::Add if is_text(&from) && is_text(&to) => {
                concat(left, right).ok_or_else(mismatch)
            }
            BinaryOperator::Add
            | BinaryOperator::Subtract
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo => {
                self.divisor(operator, right_node, &right)?;
                calculate(operator, left, right).ok_or_else(mismatch)
            }
            _ => {
                let literals = (is_text_literal(left_node), is_text_literal(right_node));
                self.compare(operator, left, right, literals)
                    .ok_or_else(mismatch)
            }
        }
    }

    /// A divisor that is zero in every row fails before any row, also where the dividend is NULL (semantics 1.1.9).
    fn divisor(
        &self,
        operator: BinaryOperator,
        node: &Node,
        divisor: &Typed,
    ) -> Result<(), ExpressionError> {
        let divides = matches!(operator, BinaryOperator::Divide | BinaryOperator::Modulo);
        let zero = divisor
            .constant()
            .filter(|_| divides && is_numeric(&divisor.data_type));
        match zero.filter(|value| value.to_string().parse() == Ok(0.0)) {
            None => Ok(()),
            Some(_) if self.may_change(node) => Ok(()),
            Some(_) => {
                let code = SsisCode::EXPRESSION_DIVIDE_BY_ZERO;
                let message = "this divisor is zero";
                Err(self.error(node, code, message))
            }
        }
    }

    fn compare(
        &self,
        operator: BinaryOperator,
        left: Typed,
        right: Typed,
        literals: (bool, bool),
    ) -> Option<Typed> {
        let (from, to) = (left.data_type, right.data_type);
        // A string literal that meets a date becomes one (semantics 1.1.1).
        let meet = match common(&from, &to) {
            Some(meet) => meet,
            None if literals.0 && is_moment(&to) => to,
            None if literals.1 && is_moment(&from) => from,
            None => return None,
        };
        let equality = matches!(operator, BinaryOperator::Equal | BinaryOperator::NotEqual);
        let unordered = matches!(
            meet,
            DataType::Bool
                | DataType::Text { .. }
                | DataType::NText
                | DataType::Image
                | DataType::Guid
                | DataType::Bytes { .. }
        );
        if unordered && !equality {
            return None;
        }
        let (left, right) = match meet {
            _ if is_text(&meet) => (left, right),
            DataType::Numeric { .. } if meet_nowhere(&from, &to) => {
                (exact_number(left), exact_number(right))
            }
            _ => (left.into_type(meet), right.into_type(meet)),
        };
        Some(typed(
            DataType::Bool,
            TypedKind::Compare(operator, Box::new(left), Box::new(right)),
        ))
    }

    fn conditional(
        &self,
        node: &Node,
        condition: &Node,
        yes: &Node,
        no: &Node,
    ) -> Result<Typed, ExpressionError> {
        let test = self.operand(condition)?;
        if test.data_type != DataType::Bool {
            let message = format!(
                "`?` wants DT_BOOL before it, {} is given{}",
                test.data_type,
                fit::condition(&test.data_type)
            );
            return Err(self.error(condition, SsisCode::EXPRESSION_CONDITION_TYPE, message));
        }
        let (yes, no) = (self.operand(yes)?, self.operand(no)?);
        let Some(meet) = branches(&yes.data_type, &no.data_type) else {
            let message = format!(
                "the branches of `?:` are {} and {}: {}",
                yes.data_type,
                no.data_type,
                fit::advice(&yes.data_type, &no.data_type)
            );
            return Err(self.error(node, SsisCode::EXPRESSION_BRANCH_MISMATCH, message));
        };
        let (yes, no) = (yes.into_type(meet), no.into_type(meet));
        Ok(typed(
            meet,
            TypedKind::Conditional(Box::new(test), Box::new(yes), Box::new(no)),
        ))
    }

    fn cast(
        &self,
        node: &Node,
        data_type: DataType,
        operand: &Node,
    ) -> Result<Typed, ExpressionError> {
        let operand = self.node(operand)?;
        if !crate::convert::casts(&operand.data_type, &data_type) {
            let hint = match data_type {
                DataType::Bytes { .. } => ": an integer, DT_BYTES or DT_IMAGE can",
                _ => "",
            };
            let message = format!("{} cannot be cast to {data_type}{hint}", operand.data_type);
            return Err(self.error(node, SsisCode::EXPRESSION_INVALID_CAST, message));
        }
        Ok(typed(
            data_type,
            TypedKind::Convert(Box::new(operand), self.scope.locale_id()),
        ))
    }

    fn call(&self, node: &Node, name: &str, arguments: &[Node]) -> Result<Typed, ExpressionError> {
        let Some(function) = functions::find(name) else {
            let names: Vec<String> = functions::FUNCTIONS
                .iter()
                .map(|function| function.name.to_owned())
                .collect();
            let hint = match syntax::function_hint(name) {
                "" => nearest(name, &names),
                hint => hint.to_owned(),
            };
            let message = format!("function {name} is not known{hint}");
            return Err(self.error(node, SsisCode::EXPRESSION_FUNCTION_NOT_FOUND, message));
        };
        self.date_part(function, arguments)?;
        let typed_arguments = arguments
            .iter()
            .map(|argument| self.operand(argument))
            .collect::<Result<Vec<_>, _>>()?;
        self.bind(node, function, arguments, typed_arguments)
    }

    fn bind(
        &self,
        node: &Node,
        function: &'static Function,
        written: &[Node],
        arguments: Vec<Typed>,
    ) -> Result<Typed, ExpressionError> {
        if arguments.len() != function.arguments {
            let plural = if function.arguments == 1 { "" } else { "s" };
            let message = format!(
                "{} takes {} argument{plural}, {} given",
                function.name,
                function.arguments,
                match arguments.len() {
                    1 => "1 is".to_owned(),
                    count => format!("{count} are"),
                }
            );
            let code = match (function.arguments, arguments.len()) {
                (1, _) => SsisCode::EXPRESSION_ARGUMENT_COUNT_NOT_ONE,
                (_, 1) => SsisCode::EXPRESSION_ARGUMENT_COUNT_ONE,
                _ => SsisCode::EXPRESSION_ARGUMENT_COUNT,
            };
            return Err(self.error(node, code, message));
        }
        let mut described: Vec<Argument<'_>> = arguments
            .iter()
            .zip(written)
            .map(|(argument, node)| Argument {
                data_type: argument.data_type,
                constant: argument.constant(),
                is_literal: matches!(node.kind, NodeKind::Literal(_)),
            })
            .collect();
        let checked = (function.check)(&described).or_else(|mismatch| {
            for (argument, node) in described.iter_mut().zip(written) {
                if self.may_change(node) {
                    argument.constant = None;
                }
            }
            (function.check)(&described).map_err(|_| mismatch)
        });
        let mut signature = checked.map_err(|mismatch| {
            let place = written.get(mismatch.argument).unwrap_or(node);
            let position = mismatch.argument + 1;
            let message = format!(
                "argument {position} of {} {}",
                function.name, mismatch.message
            );
            self.error(place, mismatch.code, message)
        })?;
        let arguments = arguments
            .into_iter()
            .zip(&signature.arguments)
            .map(|(argument, wanted)| argument.into_type(*wanted))
            .collect();
        let result = signature.result;
        if self.scope.has_long_texts() && result == (DataType::WStr { length: LENGTH_MAX }) {
            signature.result = DataType::WStr {
                length: LONG_TEXT_MAX,
            };
        }
        Ok(typed(
            result,
            TypedKind::Call(function, Arc::new(signature), arguments),
        ))
    }

    /// A node of constants is a constant. What fails then fails for every row: it is an error here.
    fn fold(&self, node: &Node, mut typed: Typed) -> Result<Typed, ExpressionError> {
        let mut wrong = None;
        let mut constant_operands = true;
        typed.kind.each_operand(&mut |operand| {
            // A constant in the type that its operator takes.
            if matches!(&operand.kind, TypedKind::Convert(inner, _) if inner.constant().is_some()) {
                match self.folded(node, operand.clone()) {
                    Ok(folded) => *operand = folded,
                    Err(error) => wrong = Some(error),
                }
            }
            constant_operands &= operand.constant().is_some();
        });
        if let Some(error) = wrong {
            return Err(error);
        }
        let foldable = match &typed.kind {
            TypedKind::Constant(_) | TypedKind::Column(_) => false,
            TypedKind::Call(function, ..) => function.deterministic,
            _ => true,
        };
        match foldable && constant_operands {
            true => self.folded(node, typed),
            false => Ok(typed),
        }
    }

    /// The value of a node of constants.
    fn folded(&self, node: &Node, typed: Typed) -> Result<Typed, ExpressionError> {
        match evaluate::constant(&typed) {
            Ok(value) => Ok(constant(value)),
            // The truncation disposition decides.
            Err(SsisCode::EXPRESSION_TRUNCATION_AS_ERROR) => Ok(typed),
            Err(_) if self.may_change(node) => Ok(typed),
            Err(code) => {
                let value = match &typed.kind {
                    TypedKind::Convert(operand, _) => operand.constant(),
                    _ => None,
                };
                let message = match value {
                    Some(value) => fit::cannot_become(value, &variable_of(node), &typed.data_type),
                    None => format!("this always fails: {}", crate::error::reason(code)),
                };
                Err(self.error(node, code, message))
            }
        }
    }
}

/// Says whose value a cast of a variable is given.
fn variable_of(cast: &Node) -> String {
    match &cast.kind {
        NodeKind::Cast(_, operand) if matches!(operand.kind, NodeKind::Variable { .. }) => {
            format!(", the value of `{operand}`,")
        }
        _ => String::new(),
    }
}

fn is_text_literal(node: &Node) -> bool {
    matches!(node.kind, NodeKind::Literal(Literal::Text(_)))
}

/// Strings together, or one of the long types.
fn concat(left: Typed, right: Typed) -> Option<Typed> {
    let lengths = (text_length(&left.data_type), text_length(&right.data_type));
    let data_type = match lengths {
        (Some(a), Some(b)) => DataType::WStr {
            length: a.saturating_add(b).min(LENGTH_MAX),
        },
        (None, None) if left.data_type != right.data_type => return None,
        (None, _) => left.data_type,
        (_, None) => right.data_type,
    };
    let mut parts = match left.kind {
        TypedKind::Concat(parts) => parts,
        _ => vec![left],
    };
    parts.push(right);
    Some(typed(data_type, TypedKind::Concat(parts)))
}

/// `None` where the types have no such arithmetic.
fn calculate(operator: BinaryOperator, left: Typed, right: Typed) -> Option<Typed> {
    let (from, to) = (left.data_type, right.data_type);
    if !is_numeric(&from) || !is_numeric(&to) {
        return None;
    }
    let result = arithmetic(operator, &from, &to)?;
    let exact = matches!(result, DataType::Numeric { .. } | DataType::Cy);
    let (left, right) = if exact {
        (exact_number(left), exact_number(right))
    } else {
        (left.into_type(result), right.into_type(result))
    };
    Some(typed(
        result,
        TypedKind::Arithmetic(operator, Box::new(left), Box::new(right)),
    ))
}

fn typed(data_type: DataType, kind: TypedKind) -> Typed {
    Typed { data_type, kind }
}

pub(super) fn constant(scalar: Scalar) -> Typed {
    Typed {
        data_type: scalar.data_type,
        kind: TypedKind::Constant(scalar),
    }
}

/// Integers that meet a decimal become decimals of their own precision.
fn exact_number(operand: Typed) -> Typed {
    match (
        is_integer(&operand.data_type),
        super::decimal_shape(&operand.data_type),
    ) {
        (true, Some((precision, scale))) => {
            operand.into_type(DataType::Numeric { precision, scale })
        }
        _ => operand,
    }
}

pub(super) fn is_moment(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Date
            | DataType::DbDate
            | DataType::DbTime
            | DataType::DbTime2 { .. }
            | DataType::DbTimeStamp
            | DataType::DbTimeStamp2 { .. }
            | DataType::DbTimeStampOffset { .. }
            | DataType::FileTime
    )
}

fn literal_scalar(literal: &Literal) -> Scalar {
    use arrow::array::{Decimal128Array, Float32Array, UInt32Array, UInt64Array};
    match literal {
        Literal::Bool(value) => Scalar::from(*value),
        Literal::Text(text) => Scalar::from(text.as_str()),
        Literal::I4(value) => Scalar::from(*value),
        Literal::I8(value) => Scalar::from(*value),
        Literal::R8(value) => Scalar::from(*value),
        Literal::UI4(value) => Scalar {
            data_type: DataType::UI4,
            array: Arc::new(UInt32Array::from(vec![*value])),
        },
        Literal::UI8(value) => Scalar {
            data_type: DataType::UI8,
            array: Arc::new(UInt64Array::from(vec![*value])),
        },
        Literal::R4(value) => Scalar {
            data_type: DataType::R4,
            array: Arc::new(Float32Array::from(vec![*value])),
        },
        Literal::Numeric(value, precision, scale) => {
            let data_type = DataType::Numeric {
                precision: *precision,
                scale: *scale,
            };
            let array = Decimal128Array::from(vec![*value])
                .with_data_type(crate::types::arrow_type(&data_type));
            Scalar {
                data_type,
                array: Arc::new(array),
            }
        }
    }
}
