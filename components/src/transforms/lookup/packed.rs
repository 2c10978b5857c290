//! Fixed-width key columns as one integer for each row.
//!
//! ```text
//!  reference   a: 3, 4, 9, NULL   b: 7, 7, 8      range of a: 3..=9, NULL is 7   range of b: 7..=8
//!  code        a - 3 | (b - 7) << 3               four bits: few enough to be a place in a vector
//! ```
//!
//! A value outside the range of the reference is in no row of it: its code is [`MISS`], and so is that of the whole row,
//! for `or` with all ones is all ones.

use arrow::{
    array::{Array, ArrowPrimitiveType, AsArray, PrimitiveArray},
    buffer::NullBuffer,
    datatypes::{
        DataType, Date32Type, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type,
        Time32SecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType, UInt8Type,
        UInt16Type, UInt32Type, UInt64Type,
    },
};

/// The code of a row that no row of the reference equals.
pub(super) const MISS: u64 = u64::MAX;
/// So that [`MISS`] is no code of a row.
pub(super) const BITS_MAX: u32 = 63;

/// How the values of a column become part of a code.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed {
    /// The least value of the reference, its sign extended.
    low: u128,
    /// The greatest value less the least.
    range: u64,
    /// The code of NULL, if the reference has one.
    null: Option<u64>,
    shift: u32,
}

impl Packed {
    /// For the values of a reference column; `None` if their type is not fixed-width or their range is too wide.
    pub(super) fn of(array: &dyn Array) -> Option<Self> {
        let (low, high) = extremes(array)?;
        let range = u64::try_from(high.wrapping_sub(low) as u128).ok()?;
        let null = match array.null_count() {
            0 => None,
            _ => Some(range.checked_add(1)?),
        };
        let packed = Self {
            low: low as u128,
            range,
            null,
            shift: 0,
        };
        (packed.bits() <= BITS_MAX).then_some(packed)
    }

    /// Bits of its codes.
    pub(super) fn bits(&self) -> u32 {
        64 - self.greatest().leading_zeros()
    }

    /// Its greatest code.
    pub(super) fn greatest(&self) -> u64 {
        self.null.unwrap_or(self.range)
    }

    /// With its codes above `bits` others.
    pub(super) fn above(self, bits: u32) -> Self {
        Self {
            shift: bits,
            ..self
        }
    }

    /// Adds the column's part to the code of each row.
    pub(super) fn add(&self, array: &dyn Array, codes: &mut [u64]) {
        match array.data_type() {
            DataType::Int8 => self.narrow::<Int8Type>(array, |value| value as u64, codes),
            DataType::Int16 => self.narrow::<Int16Type>(array, |value| value as u64, codes),
            DataType::Int32 => self.narrow::<Int32Type>(array, |value| value as u64, codes),
            DataType::Int64 => self.narrow::<Int64Type>(array, |value| value as u64, codes),
            DataType::UInt8 => self.narrow::<UInt8Type>(array, u64::from, codes),
            DataType::UInt16 => self.narrow::<UInt16Type>(array, u64::from, codes),
            DataType::UInt32 => self.narrow::<UInt32Type>(array, u64::from, codes),
            DataType::UInt64 => self.narrow::<UInt64Type>(array, |value| value, codes),
            DataType::Date32 => self.narrow::<Date32Type>(array, |value| value as u64, codes),
            DataType::Time32(TimeUnit::Second) => {
                self.narrow::<Time32SecondType>(array, |value| value as u64, codes);
            }
            DataType::Time64(TimeUnit::Nanosecond) => {
                self.narrow::<Time64NanosecondType>(array, |value| value as u64, codes);
            }
            DataType::Timestamp(TimeUnit::Microsecond, None) => {
                self.narrow::<TimestampMicrosecondType>(array, |value| value as u64, codes);
            }
            DataType::Decimal128(..) => self.wide(array, codes),
            DataType::Boolean => self.booleans(array, codes),
            _ => codes.fill(MISS),
        }
    }

    /// Differences are taken modulo 2^64: what lies outside the range is more than the range away, whatever its sign.
    #[inline(always)]
    fn code(&self, value: u64) -> u64 {
        let distance = value.wrapping_sub(self.low as u64);
        if distance <= self.range {
            distance << self.shift
        } else {
            MISS
        }
    }

    fn null_code(&self) -> u64 {
        self.null.map_or(MISS, |code| code << self.shift)
    }

    fn narrow<T: ArrowPrimitiveType>(
        &self,
        array: &dyn Array,
        widen: impl Fn(T::Native) -> u64,
        codes: &mut [u64],
    ) {
        let array: &PrimitiveArray<T> = array.as_primitive();
        let of = |at: usize| self.code(widen(array.values()[at]));
        self.fold(array.nulls(), of, codes);
    }

    fn wide(&self, array: &dyn Array, codes: &mut [u64]) {
        let array: &PrimitiveArray<Decimal128Type> = array.as_primitive();
        let of = |at: usize| {
            let distance = (array.values()[at] as u128).wrapping_sub(self.low);
            match distance <= u128::from(self.range) {
                true => (distance as u64) << self.shift,
                false => MISS,
            }
        };
        self.fold(array.nulls(), of, codes);
    }

    fn booleans(&self, array: &dyn Array, codes: &mut [u64]) {
        let array = array.as_boolean();
        self.fold(
            array.nulls(),
            |at| self.code(u64::from(array.value(at))),
            codes,
        );
    }

    #[inline(always)]
    fn fold(&self, nulls: Option<&NullBuffer>, of: impl Fn(usize) -> u64, codes: &mut [u64]) {
        match nulls.filter(|nulls| nulls.null_count() > 0) {
            None => {
                for (at, code) in codes.iter_mut().enumerate() {
                    *code |= of(at);
                }
            }
            Some(nulls) => {
                let null = self.null_code();
                for (at, code) in codes.iter_mut().enumerate() {
                    *code |= if nulls.is_valid(at) { of(at) } else { null };
                }
            }
        }
    }
}

/// The least and the greatest value; (0, 0) where there is none. `None` for types that are not fixed-width.
fn extremes(array: &dyn Array) -> Option<(i128, i128)> {
    fn of<T: ArrowPrimitiveType>(array: &dyn Array) -> (i128, i128)
    where
        i128: From<T::Native>,
    {
        let array: &PrimitiveArray<T> = array.as_primitive();
        let values = array.iter().flatten().map(i128::from);
        let widened = values.fold(None, |found: Option<(i128, i128)>, value| match found {
            None => Some((value, value)),
            Some((low, high)) => Some((low.min(value), high.max(value))),
        });
        widened.unwrap_or_default()
    }
    Some(match array.data_type() {
        DataType::Int8 => of::<Int8Type>(array),
        DataType::Int16 => of::<Int16Type>(array),
        DataType::Int32 => of::<Int32Type>(array),
        DataType::Int64 => of::<Int64Type>(array),
        DataType::UInt8 => of::<UInt8Type>(array),
        DataType::UInt16 => of::<UInt16Type>(array),
        DataType::UInt32 => of::<UInt32Type>(array),
        DataType::UInt64 => of::<UInt64Type>(array),
        DataType::Date32 => of::<Date32Type>(array),
        DataType::Time32(TimeUnit::Second) => of::<Time32SecondType>(array),
        DataType::Time64(TimeUnit::Nanosecond) => of::<Time64NanosecondType>(array),
        DataType::Timestamp(TimeUnit::Microsecond, None) => of::<TimestampMicrosecondType>(array),
        DataType::Decimal128(..) => of::<Decimal128Type>(array),
        DataType::Boolean => (0, 1),
        _ => return None,
    })
}
