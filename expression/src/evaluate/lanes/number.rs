//! The numbers that go in lanes: what an operation makes of two, and what tells that it went wrong.

use std::fmt::Debug;

use arrow::datatypes::ArrowNativeType;

use super::plan::{Operation, Rounding};

/// A number of a lane.
pub(super) trait Number: ArrowNativeType + Default {
    /// How far from zero the numbers of a block can be.
    type Bound: Copy + Debug;
    /// How far those are that have been looked at, bit by bit.
    type Bits: Copy + Default;
    /// Whether results of a block went wrong.
    type Wrong: Copy + Default + PartialEq;

    /// Whether results are looked at in any case, since operands say nothing of them.
    const ARE_LOOKED_AT: bool;

    /// Adds the bits of a number.
    fn look(self, bits: &mut Self::Bits);

    fn bound(bits: Self::Bits) -> Self::Bound;

    fn bound_of(numbers: &[Self]) -> Self::Bound {
        let mut bits = Self::Bits::default();
        numbers.iter().for_each(|number| number.look(&mut bits));
        Self::bound(bits)
    }

    /// The operation that needs no look at its results, and their bound; `None` if one of them may go wrong.
    fn certain(
        operation: Operation,
        x: Self::Bound,
        y: Self::Bound,
    ) -> Option<(Operation, Self::Bound)>;

    /// The result, or anything if there is none.
    fn apply(operation: Operation, x: Self, y: Self) -> Self;

    /// Sets bits of `wrong` if this is not the result.
    fn note(operation: Operation, x: Self, y: Self, result: Self, wrong: &mut Self::Wrong);

    /// Whether bits are set that say so.
    fn is_wrong(wrong: Self::Wrong) -> bool {
        wrong != Self::Wrong::default()
    }

    /// To a multiple of `unit`: the numbers of a block and their bound. `None` for numbers that are not rounded in lanes, and
    /// for those that may go wrong.
    fn round(
        _rounding: Rounding,
        _unit: Self,
        _bound: Self::Bound,
        _numbers: &mut [Self],
    ) -> Option<Self::Bound> {
        None
    }
}

/// No integer of a block is further from zero; nothing has been cut off.
pub(super) type Distance = u64;

macro_rules! integer {
    ($type:ident, $unsigned:ident, $wide:ident, $sign:ident $(, $round:item)?) => {
        impl Number for $type {
            type Bound = Distance;
            type Bits = $unsigned;
            /// Of sums in the first, whose highest bit counts; of products in the other.
            type Wrong = ($type, $wide);

            const ARE_LOOKED_AT: bool = false;

            #[inline(always)]
            fn look(self, bits: &mut $unsigned) {
                *bits |= integer!(distance $sign self);
            }

            fn bound(bits: $unsigned) -> Distance {
                bits.into()
            }

            fn certain(
                operation: Operation,
                x: Distance,
                y: Distance,
            ) -> Option<(Operation, Distance)> {
                let bound = match operation {
                    Operation::Add => x.checked_add(y),
                    Operation::Subtract | Operation::SubtractFrom => integer!(difference $sign x, y),
                    Operation::Multiply | Operation::MultiplySmall => x.checked_mul(y),
                    Operation::Divide => None,
                };
                let bound = bound.filter(|bound| *bound <= $type::MAX as Distance)?;
                // The product of two of 32 bits in 64 is a single instruction.
                let is_small = $type::BITS == 64 && x.max(y) <= i32::MAX as Distance;
                let operation = match operation {
                    Operation::Multiply if is_small => Operation::MultiplySmall,
                    _ => operation,
                };
                Some((operation, bound))
            }

            #[inline(always)]
            fn apply(operation: Operation, x: Self, y: Self) -> Self {
                match operation {
                    Operation::Add => x.wrapping_add(y),
                    Operation::Subtract => x.wrapping_sub(y),
                    Operation::SubtractFrom => y.wrapping_sub(x),
                    Operation::Multiply => x.wrapping_mul(y),
                    Operation::MultiplySmall => (x as i32 as Self).wrapping_mul(y as i32 as Self),
                    Operation::Divide => Self::default(),
                }
            }

            #[inline(always)]
            fn note(operation: Operation, x: Self, y: Self, result: Self, wrong: &mut Self::Wrong) {
                match operation {
                    Operation::Add => wrong.0 |= integer!(sum $sign $type, x, y, result),
                    Operation::Subtract => wrong.0 |= integer!(subtracted $sign $type, x, y, result),
                    Operation::SubtractFrom => wrong.0 |= integer!(subtracted $sign $type, y, x, result),
                    Operation::Multiply | Operation::MultiplySmall => {
                        // The bits that the narrow type lost are not zero where it wrapped.
                        let product = $wide::from(x).wrapping_mul($wide::from(y));
                        wrong.1 |= product ^ $wide::from(result);
                    }
                    Operation::Divide => wrong.1 = 1,
                }
            }

            $($round)?
        }
    };
    (distance signed $number:expr) => { $number.unsigned_abs() };
    (distance unsigned $number:expr) => { $number };
    (difference signed $x:expr, $y:expr) => { $x.checked_add($y) };
    (difference unsigned $x:expr, $y:expr) => { None };
    // A sum of another sign than both operands has wrapped.
    (sum signed $type:ident, $x:expr, $y:expr, $result:expr) => {
        (($x ^ $result) & ($y ^ $result)) >> ($type::BITS - 1)
    };
    (sum unsigned $type:ident, $x:expr, $y:expr, $result:expr) => { $type::from($result < $x) };
    (subtracted signed $type:ident, $x:expr, $y:expr, $result:expr) => {
        (($x ^ $y) & ($x ^ $result)) >> ($type::BITS - 1)
    };
    (subtracted unsigned $type:ident, $x:expr, $y:expr, $result:expr) => { $type::from($x < $y) };
}

integer!(i8, u8, i32, signed);
integer!(i16, u16, i32, signed);
integer!(i32, u32, i64, signed);
integer!(
    i64,
    u64,
    i128,
    signed,
    fn round(
        rounding: Rounding,
        unit: i64,
        bound: Distance,
        numbers: &mut [i64],
    ) -> Option<Distance> {
        // There is room for one unit more.
        let bound = bound.checked_add(unit.unsigned_abs());
        let bound = bound.filter(|bound| *bound <= i64::MAX as Distance)?;
        round(rounding, unit, numbers);
        Some(bound)
    }
);
integer!(u8, u8, i32, unsigned);
integer!(u16, u16, u32, unsigned);
integer!(u32, u32, u64, unsigned);
integer!(u64, u64, i128, unsigned);

macro_rules! float {
    ($type:ident) => {
        impl Number for $type {
            /// Each result is looked at.
            type Bound = ();
            type Bits = ();
            type Wrong = u64;

            const ARE_LOOKED_AT: bool = true;

            #[inline(always)]
            fn look(self, (): &mut ()) {}

            fn bound((): ()) {}

            fn certain(_: Operation, (): (), (): ()) -> Option<(Operation, ())> {
                None
            }

            #[inline(always)]
            fn apply(operation: Operation, x: Self, y: Self) -> Self {
                match operation {
                    Operation::Add => x + y,
                    Operation::Subtract => x - y,
                    Operation::SubtractFrom => y - x,
                    Operation::Multiply | Operation::MultiplySmall => x * y,
                    Operation::Divide => x / y,
                }
            }

            #[inline(always)]
            fn note(_: Operation, _: Self, _: Self, result: Self, wrong: &mut u64) {
                *wrong |= u64::from(!result.is_finite());
            }
        }
    };
}

float!(f32);
float!(f64);

fn round(rounding: Rounding, unit: i64, numbers: &mut [i64]) {
    // A division by a known number is a multiplication.
    match unit {
        1 => {}
        10 => round_to(rounding, 10, numbers),
        100 => round_to(rounding, 100, numbers),
        1000 => round_to(rounding, 1000, numbers),
        10_000 => round_to(rounding, 10_000, numbers),
        100_000 => round_to(rounding, 100_000, numbers),
        1_000_000 => round_to(rounding, 1_000_000, numbers),
        _ => round_to(rounding, unit, numbers),
    }
}

#[inline(always)]
fn round_to(rounding: Rounding, unit: i64, numbers: &mut [i64]) {
    match rounding {
        Rounding::HalfAway => each(numbers, |x| {
            // Half a unit away from zero, then cut.
            let sign = x >> 63;
            let moved = x + (((unit / 2) ^ sign) - sign);
            moved - moved % unit
        }),
        Rounding::Floor => each(numbers, |x| {
            let rest = x % unit;
            x - rest - if rest < 0 { unit } else { 0 }
        }),
        Rounding::Ceiling => each(numbers, |x| {
            let rest = x % unit;
            x - rest + if rest > 0 { unit } else { 0 }
        }),
    }
}

fn each<F: Fn(i64) -> i64>(numbers: &mut [i64], operation: F) {
    for number in numbers {
        *number = operation(*number);
    }
}
