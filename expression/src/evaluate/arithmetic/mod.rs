//! Arithmetic on numbers. Overflow and division by zero are failures of their row (semantics 1.1.7 to 1.1.10).
//!
//! Sums, products and their like go in lanes ([`super::lanes`]) while all results are right. Here are the other operations, and
//! the rows that fail: what goes wrong over the whole batch is noted, then it is asked which rows did, and whether they are
//! NULL anyway.

mod bits;
mod decimals;
mod floats;
mod integers;

use std::sync::Arc;

use arrow::{
    array::{Array, ArrowPrimitiveType, AsArray, PrimitiveArray},
    buffer::NullBuffer,
    datatypes::{
        DataType as ArrowType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
        Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use dtsx::{DataType, SsisCode};

pub(super) use bits::{bitwise, complement};

use super::{Context, Value, union_of_nulls};
use crate::{arrays::zipped, error::EvaluateError, syntax::BinaryOperator};

/// Calls a generic function with the Arrow type of an array of numbers.
macro_rules! by_number {
    ($array:expr, $type:ident, $integer:expr, $float:expr) => {
        match $array.data_type() {
            ArrowType::Int8 => {
                type $type = Int8Type;
                $integer
            }
            ArrowType::Int16 => {
                type $type = Int16Type;
                $integer
            }
            ArrowType::Int32 => {
                type $type = Int32Type;
                $integer
            }
            ArrowType::Int64 => {
                type $type = Int64Type;
                $integer
            }
            ArrowType::UInt8 => {
                type $type = UInt8Type;
                $integer
            }
            ArrowType::UInt16 => {
                type $type = UInt16Type;
                $integer
            }
            ArrowType::UInt32 => {
                type $type = UInt32Type;
                $integer
            }
            ArrowType::UInt64 => {
                type $type = UInt64Type;
                $integer
            }
            ArrowType::Float32 => {
                type $type = Float32Type;
                $float
            }
            ArrowType::Float64 => {
                type $type = Float64Type;
                $float
            }
            other => Err(EvaluateError::Carrier {
                found: other.to_string(),
                wanted: "a number".to_owned(),
            }),
        }
    };
}

/// `left operator right`; `types` are those of the operands and of the result.
pub(super) fn arithmetic(
    operator: BinaryOperator,
    left: &Value,
    right: &Value,
    types: (DataType, DataType, DataType),
    context: &mut Context<'_>,
) -> Result<Value, EvaluateError> {
    if matches!(types.2, DataType::Numeric { .. } | DataType::Cy) {
        return decimals::arithmetic(operator, left, right, types, context);
    }
    by_number!(
        left.array,
        T,
        Ok(integers::arithmetic::<T>(operator, left, right, context)),
        Ok(floats::arithmetic::<T>(operator, left, right, context))
    )
}

/// The numbers of both operands for each row, one number for all where it is constant.
struct Pair<'a, T: ArrowPrimitiveType> {
    left: &'a [T::Native],
    right: &'a [T::Native],
    scalars: (bool, bool),
    rows: usize,
    nulls: Option<NullBuffer>,
}

impl<'a, T: ArrowPrimitiveType> Pair<'a, T> {
    fn new(left: &'a Value, right: &'a Value, context: &Context<'_>) -> Self {
        let rows = if left.is_scalar && right.is_scalar {
            1
        } else {
            context.rows()
        };
        Self {
            left: left.array.as_primitive::<T>().values(),
            right: right.array.as_primitive::<T>().values(),
            scalars: (left.is_scalar, right.is_scalar),
            rows,
            nulls: union_of_nulls([left, right], rows),
        }
    }

    /// `operation` on each row.
    fn each(&self, operation: impl Fn(T::Native, T::Native) -> T::Native) -> Vec<T::Native> {
        let (values, ()) = zipped(self.left, self.right, self.scalars, |x, y, ()| {
            operation(x, y)
        });
        values
    }

    /// `operation` on each row, and whether some have no result.
    fn each_or(
        &self,
        operation: impl Fn(T::Native, T::Native) -> Option<T::Native>,
    ) -> (Vec<T::Native>, bool) {
        zipped(
            self.left,
            self.right,
            self.scalars,
            |x, y, wrong: &mut bool| {
                let result = operation(x, y);
                *wrong |= result.is_none();
                result.unwrap_or_default()
            },
        )
    }

    /// The results as a value. If something went `wrong`, `code` says of each row whether it is the one.
    fn finish(
        self,
        values: Vec<T::Native>,
        wrong: bool,
        code: impl Fn(T::Native, T::Native) -> Option<SsisCode>,
        context: &mut Context<'_>,
    ) -> Value {
        let mut nulls = self.nulls;
        if wrong {
            let at = |scalar: bool, row: usize| if scalar { 0 } else { row };
            let valid = (0..self.rows).map(|row| {
                if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                    return false;
                }
                let (x, y) = (
                    self.left[at(self.scalars.0, row)],
                    self.right[at(self.scalars.1, row)],
                );
                match code(x, y) {
                    Some(code) => {
                        context.fail(row, code);
                        false
                    }
                    None => true,
                }
            });
            nulls = Some(NullBuffer::from_iter(valid));
        }
        Value {
            array: Arc::new(PrimitiveArray::<T>::new(values.into(), nulls)),
            is_scalar: self.scalars == (true, true),
        }
    }
}

/// `-operand`; the least integer has no opposite.
pub(super) fn negate(
    operand: &Value,
    data_type: &DataType,
    context: &mut Context<'_>,
) -> Result<Value, EvaluateError> {
    if *data_type == DataType::Cy {
        return decimals::negate_currency(operand, context);
    }
    if let Some(numbers) = operand.array.as_primitive_opt::<Decimal128Type>() {
        let array = numbers.unary::<_, Decimal128Type>(|number| -number);
        return Ok(Value {
            array: Arc::new(array.with_data_type(numbers.data_type().clone())),
            is_scalar: operand.is_scalar,
        });
    }
    by_number!(
        operand.array,
        T,
        Ok(integers::negate::<T>(operand, context)),
        Ok(floats::negate::<T>(operand))
    )
}
