//! The numbers of a leaf, block by block.

use std::fmt::Debug;

use arrow::{
    array::{ArrowPrimitiveType, AsArray},
    datatypes::{
        ArrowNativeType, DataType as ArrowType, Decimal128Type, Float32Type, Float64Type, Int8Type,
        Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};

use super::{
    block::Block,
    number::{Distance, Number},
};
use crate::evaluate::Value;

/// A number of 128 bits as two of 64, the low half first.
type Halves = [i64; 2];

/// The numbers of a leaf.
#[derive(Debug)]
pub(super) enum Column<'v, T: Number, const ROWS: usize> {
    Own(&'v [T]),
    /// One for all rows.
    Constant(T),
    Other(Box<dyn Source<T, ROWS> + 'v>),
}

/// Numbers that become those of a lane.
pub(super) trait Source<T: Number, const ROWS: usize>: Debug {
    /// Those from row `start` on, and their bound; zeros follow the last. `None` if one does not fit.
    fn fill(&self, start: usize, block: &mut Block<T, ROWS>) -> Option<T::Bound>;
}

impl<'v, T: Number, const ROWS: usize> Column<'v, T, ROWS> {
    /// Numbers of the lane's own type.
    fn of_own<A: ArrowPrimitiveType<Native = T>>(value: &'v Value) -> Option<Self> {
        let numbers = value.array.as_primitive_opt::<A>()?;
        match value.is_scalar {
            false => Some(Self::Own(numbers.values())),
            true => numbers.iter().next()?.map(Self::Constant),
        }
    }

    fn of_narrower<A: ArrowPrimitiveType<Native: Into<T>>>(value: &'v Value) -> Option<Self> {
        let numbers = value.array.as_primitive_opt::<A>()?;
        match value.is_scalar {
            false => Some(Self::Other(Box::new(Narrower(numbers.values())))),
            true => numbers
                .iter()
                .next()?
                .map(|number| Self::Constant(number.into())),
        }
    }
}

impl<'v, T: Number, const ROWS: usize> Column<'v, T, ROWS> {
    /// The numbers from row `start` on, where they lie or in `block`, and their bound if it is known. `None` if one does not
    /// fit.
    #[inline(always)]
    pub(super) fn block<'b>(
        &'b self,
        start: usize,
        block: &'b mut Block<T, ROWS>,
    ) -> Option<(&'b Block<T, ROWS>, Option<T::Bound>)> {
        match self {
            Self::Own(numbers) => {
                let numbers = numbers.get(start..)?;
                if let Some(numbers) = numbers.first_chunk() {
                    return Some((numbers, None));
                }
                *block = padded(numbers);
                Some((block, None))
            }
            Self::Constant(number) => {
                block.fill(*number);
                Some((block, Some(T::bound_of(&[*number]))))
            }
            Self::Other(source) => {
                let bound = source.fill(start, block)?;
                Some((block, Some(bound)))
            }
        }
    }
}

/// Decimals, or integers that become some.
pub(super) fn exact<const ROWS: usize>(value: &Value) -> Option<Column<'_, i64, ROWS>> {
    let Some(numbers) = value.array.as_primitive_opt::<Decimal128Type>() else {
        return i64::column(value);
    };
    if value.is_scalar {
        let number = numbers.iter().next()??;
        return i64::try_from(number).ok().map(Column::Constant);
    }
    let halves = numbers.values().inner().typed_data();
    Some(Column::Other(Box::new(Decimals(halves))))
}

/// Numbers that Arrow has, and those narrower ones that become them without loss.
pub(super) trait Native: Number {
    const NARROWER: &[ArrowType];

    fn column<const ROWS: usize>(value: &Value) -> Option<Column<'_, Self, ROWS>>;
}

macro_rules! native {
    ($type:ident $arrow:ident $(, $narrower:ident)*) => {
        impl Native for $type {
            const NARROWER: &[ArrowType] = &[$($narrower::DATA_TYPE),*];

            fn column<const ROWS: usize>(value: &Value) -> Option<Column<'_, Self, ROWS>> {
                Column::of_own::<$arrow>(value)
                    $(.or_else(|| Column::of_narrower::<$narrower>(value)))*
            }
        }
    };
}

native!(i8 Int8Type);
native!(i16 Int16Type, Int8Type, UInt8Type);
native!(i32 Int32Type, Int8Type, Int16Type, UInt8Type, UInt16Type);
native!(i64 Int64Type, Int8Type, Int16Type, Int32Type, UInt8Type, UInt16Type, UInt32Type);
native!(u8 UInt8Type);
native!(u16 UInt16Type, UInt8Type);
native!(u32 UInt32Type, UInt8Type, UInt16Type);
native!(u64 UInt64Type, UInt8Type, UInt16Type, UInt32Type);
native!(f32 Float32Type, Int8Type, Int16Type, UInt8Type, UInt16Type);
native!(f64 Float64Type, Int8Type, Int16Type, Int32Type, UInt8Type, UInt16Type, UInt32Type, Float32Type);

#[derive(Debug)]
struct Narrower<'v, S>(&'v [S]);

impl<T: Number, S: ArrowNativeType + Into<T>, const ROWS: usize> Source<T, ROWS>
    for Narrower<'_, S>
{
    fn fill(&self, start: usize, block: &mut Block<T, ROWS>) -> Option<T::Bound> {
        with_block(self.0, start, |numbers: &[S; ROWS]| {
            for (wide, number) in block.iter_mut().zip(numbers) {
                *wide = (*number).into();
            }
            Some(T::bound_of(block))
        })
    }
}

/// Each as two halves.
#[derive(Debug)]
struct Decimals<'v>(&'v [i64]);

impl<const ROWS: usize> Source<i64, ROWS> for Decimals<'_> {
    fn fill(&self, start: usize, block: &mut Block<i64, ROWS>) -> Option<Distance> {
        let (halves, _): (&[Halves], _) = self.0.as_chunks();
        with_block(halves, start, |numbers: &[Halves; ROWS]| {
            let (mut beyond, mut bits) = (0, 0);
            for (number, [low, high]) in block.iter_mut().zip(numbers) {
                *number = *low;
                // The high half is nothing but the sign, or the number does not fit.
                beyond |= high ^ (low >> 63);
                bits |= (low ^ high) as Distance;
            }
            // A negative number is one more than its bits say.
            (beyond == 0).then(|| bits + 1)
        })
    }
}

/// What `take` makes of the numbers from row `start`, of a whole block of them: zeros follow the last row.
#[inline(always)]
fn with_block<T: Copy + Default, R, const ROWS: usize>(
    numbers: &[T],
    start: usize,
    take: impl FnOnce(&[T; ROWS]) -> Option<R>,
) -> Option<R> {
    let numbers = numbers.get(start..)?;
    match numbers.first_chunk() {
        Some(numbers) => take(numbers),
        None => take(&padded(numbers)),
    }
}

/// The first numbers, or all and zeros.
fn padded<T: Copy + Default, const ROWS: usize>(numbers: &[T]) -> [T; ROWS] {
    let mut block = [T::default(); ROWS];
    for (own, number) in block.iter_mut().zip(numbers) {
        *own = *number;
    }
    block
}
