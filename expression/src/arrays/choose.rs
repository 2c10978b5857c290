//! One of two arrays, row by row. Kernel module: it promises Arrow that views still lie in their buffers.
#![expect(
    unsafe_code,
    reason = "views keep their texts and follow their buffers; checking each again costs more than choosing"
)]

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray,
        StringViewArray, downcast_primitive_array,
    },
    buffer::{BooleanBuffer, NullBuffer},
    compute::kernels::zip::zip,
    datatypes::DataType as ArrowType,
};

use super::views::INLINE;
use crate::{error::EvaluateError, evaluate::Value};

/// `yes` where `mask` is set, `no` elsewhere; both have the same Arrow type.
pub(crate) fn choose(
    mask: &BooleanBuffer,
    yes: &Value,
    no: &Value,
) -> Result<ArrayRef, EvaluateError> {
    let nulls = validity(mask, yes, no);
    let array = yes.array.as_ref();
    Ok(match array.data_type() {
        ArrowType::Utf8View => Arc::new(texts(mask, yes, no, nulls)),
        ArrowType::Boolean => {
            let (yes, no) = (bits(yes, mask.len()), bits(no, mask.len()));
            let chosen = &(mask & &yes) | &(&!mask & &no);
            Arc::new(BooleanArray::new(chosen, nulls))
        }
        _ => downcast_primitive_array!(
            array => Arc::new(primitives(mask, array, yes, no, nulls)) as ArrayRef,
            _ => {
                let mask = BooleanArray::new(mask.clone(), None);
                zip(&mask, yes.datum().as_ref(), no.datum().as_ref())?
            }
        ),
    })
}

fn primitives<T: ArrowPrimitiveType>(
    mask: &BooleanBuffer,
    like: &PrimitiveArray<T>,
    yes: &Value,
    no: &Value,
    nulls: Option<NullBuffer>,
) -> PrimitiveArray<T> {
    let of = |value: &'_ Value| value.array.as_primitive::<T>().values().clone();
    let (a, b) = (of(yes), of(no));
    let values: Vec<T::Native> = match (yes.is_scalar, no.is_scalar) {
        (true, true) => blend(mask, |_| a[0], |_| b[0]),
        (true, false) => blend(mask, |_| a[0], |row| b[row]),
        (false, true) => blend(mask, |row| a[row], |_| b[0]),
        (false, false) => blend(mask, |row| a[row], |row| b[row]),
    };
    PrimitiveArray::new(values.into(), nulls).with_data_type(like.data_type().clone())
}

/// Without a branch: both sides are at hand.
fn blend<T: Copy + Default, Y: Fn(usize) -> T, N: Fn(usize) -> T>(
    mask: &BooleanBuffer,
    yes: Y,
    no: N,
) -> Vec<T> {
    let mut blended = vec![T::default(); mask.len()];
    let words = mask.bit_chunks();
    for (at, (word, blended)) in words.iter_padded().zip(blended.chunks_mut(64)).enumerate() {
        for (bit, one) in blended.iter_mut().enumerate() {
            let (yes, no) = (yes(at * 64 + bit), no(at * 64 + bit));
            *one = if word >> bit & 1 == 1 { yes } else { no };
        }
    }
    blended
}

fn texts(
    mask: &BooleanBuffer,
    yes: &Value,
    no: &Value,
    nulls: Option<NullBuffer>,
) -> StringViewArray {
    let (a, b) = (yes.array.as_string_view(), no.array.as_string_view());
    let mut buffers = a.data_buffers().to_vec();
    let shift = (buffers.len() as u128) << 64;
    buffers.extend_from_slice(b.data_buffers());
    // The buffers of `no` come behind those of `yes`.
    let moved = |view: u128| {
        if view as u32 > INLINE {
            view + shift
        } else {
            view
        }
    };
    let (x, y) = (a.views(), b.views());
    let views: Vec<u128> = match (yes.is_scalar, no.is_scalar) {
        (true, true) => {
            let (x, y) = (x[0], moved(y[0]));
            blend(mask, |_| x, |_| y)
        }
        (true, false) => blend(mask, |_| x[0], |row| moved(y[row])),
        (false, true) => {
            let y = moved(y[0]);
            blend(mask, |row| x[row], |_| y)
        }
        (false, false) => blend(mask, |row| x[row], |row| moved(y[row])),
    };
    // SAFETY: each view is one of `yes`, whose buffers come first, or one of `no`, moved as far as its buffers were.
    unsafe { StringViewArray::new_unchecked(views.into(), buffers, nulls) }
}

fn bits(value: &Value, rows: usize) -> BooleanBuffer {
    let bits = value.array.as_boolean().values();
    match value.is_scalar {
        true if bits.value(0) => BooleanBuffer::new_set(rows),
        true => BooleanBuffer::new_unset(rows),
        false => bits.clone(),
    }
}

/// Which rows of the choice are not NULL; `None` if all are.
fn validity(mask: &BooleanBuffer, yes: &Value, no: &Value) -> Option<NullBuffer> {
    if yes.array.null_count() == 0 && no.array.null_count() == 0 {
        return None;
    }
    let valid = |value: &Value| match value.array.nulls() {
        None => BooleanBuffer::new_set(mask.len()),
        Some(nulls) if !value.is_scalar => nulls.inner().clone(),
        Some(nulls) if nulls.is_valid(0) => BooleanBuffer::new_set(mask.len()),
        Some(_) => BooleanBuffer::new_unset(mask.len()),
    };
    let (yes, no) = (valid(yes), valid(no));
    Some(NullBuffer::new(&(mask & &yes) | &(&!mask & &no)))
}
