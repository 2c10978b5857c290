//! ISNULL and REPLACENULL.
//!
//! A text of n characters makes REPLACENULL a text of 2n + 2, whatever replaces it: so are the columns of packages whose
//! expression is one, and nothing else says so. Where the first argument is not NULL the second is not used, and a row does
//! not fail for it; that SSIS spares such rows is not measured.

use std::sync::Arc;

use arrow::{
    array::{Array, BooleanArray},
    compute::is_null,
};
use dtsx::DataType;

use super::{Function, Signature, mismatch};
use crate::{
    arrays::choose,
    check::{common, text_length},
    evaluate::Value,
};

pub(super) const ISNULL: Function = Function {
    name: "ISNULL",
    arguments: 1,
    deterministic: true,
    check: |arguments| {
        Ok(Signature {
            arguments: vec![arguments[0].data_type],
            result: DataType::Bool,
        })
    },
    apply: |values, _, _| {
        let array: BooleanArray = is_null(values[0].array.as_ref())?;
        Ok(Value {
            array: Arc::new(array),
            is_scalar: values[0].is_scalar,
        })
    },
};

/// Whether a call is one of REPLACENULL.
pub(crate) fn replaces_null(function: &Function) -> bool {
    function.name == REPLACENULL.name
}

/// Characters of the longest text (semantics 1.3.5).
const CHARACTERS_MAX: u32 = 4000;

/// The second argument in the type of the first (matrix 5.3).
pub(super) const REPLACENULL: Function = Function {
    name: "REPLACENULL",
    arguments: 2,
    deterministic: true,
    check: |arguments| {
        let (first, second) = (arguments[0].data_type, arguments[1].data_type);
        let long = |one: &DataType| {
            matches!(
                one,
                DataType::Text { .. } | DataType::NText | DataType::Image
            )
        };
        if let Some(at) = [first, second].iter().position(long) {
            return Err(mismatch(
                at,
                &arguments[at].data_type,
                "REPLACENULL does not take the long types",
            ));
        }
        if common(&first, &second).is_none() && !crate::convert::converts(&second, &first) {
            return Err(mismatch(
                1,
                &second,
                &format!("a value for {first} is wanted: cast it with ({first})"),
            ));
        }
        let result = match text_length(&first) {
            Some(length) => DataType::WStr {
                length: length
                    .saturating_mul(2)
                    .saturating_add(2)
                    .min(CHARACTERS_MAX),
            },
            None => first,
        };
        Ok(Signature {
            arguments: vec![result, result],
            result,
        })
    },
    apply: |values, _, context| {
        let first = &values[0];
        let Some(nulls) = first.array.nulls().filter(|nulls| nulls.null_count() > 0) else {
            // One for all rows only if it fails for all or none.
            return match values[1].is_scalar {
                true => Ok(first.clone()),
                false => Ok(Value::array(first.clone().into_rows(context.rows())?)),
            };
        };
        if first.is_scalar {
            return Ok(values[1].clone());
        }
        debug_assert_eq!(nulls.len(), context.rows());
        Ok(Value::array(choose(nulls.inner(), first, &values[1])?))
    },
};
