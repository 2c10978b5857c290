//! Key columns that do not go into a code: text, bytes, GUIDs, and numbers of too wide a range.
//!
//! Their values are compared where they are. A text of up to twelve bytes is inside its view, so that one comparison of 16
//! bytes decides; of a longer one the view holds length and beginning, which differ where two texts do, nearly always.

use std::hash::BuildHasher;

use arrow::{
    array::{Array, ArrayRef, ArrowPrimitiveType, AsArray},
    buffer::{Buffer, NullBuffer},
    datatypes::{
        DataType, Date32Type, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type,
        Time32SecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType, UInt8Type,
        UInt16Type, UInt32Type, UInt64Type,
    },
};
use datafusion_common::{Result, not_impl_err};
use hashbrown::DefaultHashBuilder;

/// Text of at most this many bytes is inside its view.
const INLINE: u32 = 12;
/// What NULL adds to a hash.
const NULL_HASH: u64 = 0x6C62_272E_07BB_0142;
/// Odd, its bits well mixed.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// A key column of a batch, or of the reference.
#[derive(Debug)]
pub(super) enum KeyColumn {
    /// Values of 128 bits.
    Wide {
        values: Vec<u128>,
        nulls: Option<NullBuffer>,
    },
    /// Text or bytes, by their views.
    Views {
        views: arrow::buffer::ScalarBuffer<u128>,
        buffers: Vec<Buffer>,
        nulls: Option<NullBuffer>,
    },
}

impl KeyColumn {
    /// # Errors
    /// Types that are no keys.
    pub(super) fn of(array: &ArrayRef) -> Result<Self> {
        let nulls = array
            .nulls()
            .filter(|nulls| nulls.null_count() > 0)
            .cloned();
        let values = match array.data_type() {
            DataType::Utf8View => {
                let array = array.as_string_view();
                return Ok(Self::Views {
                    views: array.views().clone(),
                    buffers: array.data_buffers().to_vec(),
                    nulls,
                });
            }
            DataType::BinaryView => {
                let array = array.as_binary_view();
                return Ok(Self::Views {
                    views: array.views().clone(),
                    buffers: array.data_buffers().to_vec(),
                    nulls,
                });
            }
            DataType::Boolean => {
                let array = array.as_boolean();
                (0..array.len())
                    .map(|at| u128::from(array.value(at)))
                    .collect()
            }
            DataType::Int8 => wide::<Int8Type>(array, |value| value as u128),
            DataType::Int16 => wide::<Int16Type>(array, |value| value as u128),
            DataType::Int32 => wide::<Int32Type>(array, |value| value as u128),
            DataType::Int64 => wide::<Int64Type>(array, |value| value as u128),
            DataType::UInt8 => wide::<UInt8Type>(array, u128::from),
            DataType::UInt16 => wide::<UInt16Type>(array, u128::from),
            DataType::UInt32 => wide::<UInt32Type>(array, u128::from),
            DataType::Date32 => wide::<Date32Type>(array, |value| value as u128),
            DataType::Time32(TimeUnit::Second) => {
                wide::<Time32SecondType>(array, |value| value as u128)
            }
            DataType::UInt64 => wide::<UInt64Type>(array, u128::from),
            DataType::Decimal128(..) => wide::<Decimal128Type>(array, |value| value as u128),
            DataType::Timestamp(TimeUnit::Microsecond, None) => {
                wide::<TimestampMicrosecondType>(array, |value| value as u128)
            }
            DataType::Time64(TimeUnit::Nanosecond) => {
                wide::<Time64NanosecondType>(array, |value| value as u128)
            }
            DataType::FixedSizeBinary(16) => {
                let array = array.as_fixed_size_binary();
                let value =
                    |bytes: &[u8]| u128::from_le_bytes(bytes.try_into().unwrap_or_default());
                (0..array.len()).map(|at| value(array.value(at))).collect()
            }
            DataType::Struct(_) => with_offset(array)?,
            other => return not_impl_err!("{other} cannot be a key of a lookup"),
        };
        Ok(Self::Wide { values, nulls })
    }

    /// Bytes that it holds beside the arrays it was made of.
    pub(super) fn own_size(&self) -> usize {
        match self {
            Self::Wide { values, .. } => values.capacity() * size_of::<u128>(),
            Self::Views { .. } => 0,
        }
    }

    fn nulls(&self) -> Option<&NullBuffer> {
        match self {
            Self::Wide { nulls, .. } | Self::Views { nulls, .. } => nulls.as_ref(),
        }
    }

    /// Adds the column to the hash of each row.
    pub(super) fn hash(&self, builder: &DefaultHashBuilder, hashes: &mut [u64]) {
        match self {
            Self::Wide { values, .. } => {
                for (hash, value) in hashes.iter_mut().zip(values) {
                    *hash = mix_wide(*hash, *value);
                }
            }
            Self::Views { views, buffers, .. } => {
                for (hash, view) in hashes.iter_mut().zip(views) {
                    *hash = match *view as u32 <= INLINE {
                        true => mix_wide(*hash, *view),
                        false => mix(*hash, builder.hash_one(bytes_of(view, buffers))),
                    };
                }
            }
        }
        if let Some(nulls) = self.nulls() {
            for (at, hash) in hashes.iter_mut().enumerate() {
                if nulls.is_null(at) {
                    // Whatever stands under a NULL has been mixed in: begin anew, the other columns decide.
                    *hash = NULL_HASH;
                }
            }
        }
    }

    /// Clears `equal` where a value, from `first` on, is not that of `own` in the row that is its candidate. A pass a column
    /// and a step, so that many loads from the reference are under way at once.
    pub(super) fn compare(&self, first: usize, own: &Self, candidates: &[u32], equal: &mut [bool]) {
        if self.nulls().is_some() || own.nulls().is_some() {
            for (at, (candidate, equal)) in candidates.iter().zip(equal).enumerate() {
                *equal = *equal && self.equals(first + at, own, *candidate as usize);
            }
            return;
        }
        match (self, own) {
            (Self::Wide { values, .. }, Self::Wide { values: own, .. }) => {
                let pairs = values[first..].iter().zip(candidates);
                for ((value, candidate), equal) in pairs.zip(equal) {
                    *equal &= *value == own[*candidate as usize];
                }
            }
            (
                Self::Views { views, buffers, .. },
                Self::Views {
                    views: own,
                    buffers: own_buffers,
                    ..
                },
            ) => {
                let views = &views[first..];
                let mut any_long = false;
                for ((view, candidate), equal) in views.iter().zip(candidates).zip(&mut *equal) {
                    let is_long = *view as u32 > INLINE;
                    let other = own[*candidate as usize];
                    *equal &= (*view as u64 == other as u64) & (is_long | (*view == other));
                    any_long |= is_long;
                }
                if !any_long {
                    return;
                }
                for ((view, candidate), equal) in views.iter().zip(candidates).zip(equal) {
                    if *equal && *view as u32 > INLINE {
                        let other = &own[*candidate as usize];
                        *equal = bytes_of(view, buffers) == bytes_of(other, own_buffers);
                    }
                }
            }
            _ => equal.fill(false),
        }
    }

    /// Whether a value equals one of `other`; NULL equals NULL.
    #[inline(always)]
    pub(super) fn equals(&self, at: usize, other: &Self, other_at: usize) -> bool {
        if self.nulls().is_some() || other.nulls().is_some() {
            let null =
                |nulls: Option<&NullBuffer>, at| nulls.is_some_and(|found| found.is_null(at));
            match (null(self.nulls(), at), null(other.nulls(), other_at)) {
                (false, false) => {}
                (one, two) => return one && two,
            }
        }
        match (self, other) {
            (Self::Wide { values, .. }, Self::Wide { values: others, .. }) => {
                values[at] == others[other_at]
            }
            (
                Self::Views { views, buffers, .. },
                Self::Views {
                    views: other_views,
                    buffers: other_buffers,
                    ..
                },
            ) => {
                let (view, other) = (&views[at], &other_views[other_at]);
                if *view as u32 <= INLINE || *view as u64 != *other as u64 {
                    return view == other;
                }
                bytes_of(view, buffers) == bytes_of(other, other_buffers)
            }
            _ => false,
        }
    }
}

fn wide<T: ArrowPrimitiveType>(array: &ArrayRef, widen: impl Fn(T::Native) -> u128) -> Vec<u128> {
    let array = array.as_primitive::<T>();
    array.values().iter().map(|value| widen(*value)).collect()
}

/// Instant and offset of a DT_DBTIMESTAMPOFFSET.
fn with_offset(array: &ArrayRef) -> Result<Vec<u128>> {
    let columns = array.as_struct().columns();
    let [instant, offset] = columns else {
        return not_impl_err!("{} cannot be a key of a lookup", array.data_type());
    };
    let (Some(instant), Some(offset)) = (
        instant.as_primitive_opt::<TimestampMicrosecondType>(),
        offset.as_primitive_opt::<Int16Type>(),
    ) else {
        return not_impl_err!("{} cannot be a key of a lookup", array.data_type());
    };
    let pairs = instant.values().iter().zip(offset.values());
    Ok(pairs
        .map(|(instant, offset)| u128::from(*instant as u64) << 16 | u128::from(*offset as u16))
        .collect())
}

/// The bytes of a text that is not inside its view.
#[inline(always)]
fn bytes_of<'a>(view: &u128, buffers: &'a [Buffer]) -> &'a [u8] {
    let (length, buffer, offset) = (*view as u32, (*view >> 64) as u32, (*view >> 96) as u32);
    let from = offset as usize;
    buffers
        .get(buffer as usize)
        .and_then(|buffer| buffer.as_slice().get(from..from + length as usize))
        .unwrap_or_default()
}

/// Two words as one: the halves of their product.
#[inline(always)]
pub(super) fn mix(hash: u64, value: u64) -> u64 {
    let product = u128::from(hash ^ value) * u128::from(FACTOR);
    (product >> 64) as u64 ^ product as u64
}

#[inline(always)]
fn mix_wide(hash: u64, value: u128) -> u64 {
    mix(mix(hash, value as u64), (value >> 64) as u64)
}
