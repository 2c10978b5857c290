//! ISNULL and REPLACENULL.

use std::sync::Arc;

use arrow::{
    array::{Array, BooleanArray},
    compute::is_null,
};
use dtsx::DataType;

use super::{Function, Signature, mismatch};
use crate::{
    arrays::choose,
    check::{common, is_text},
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
        let result = match common(&first, &second) {
            Some(meet) if is_text(&meet) => meet,
            Some(_) => first,
            None if crate::convert::converts(&second, &first) => first,
            None => {
                return Err(mismatch(
                    1,
                    &second,
                    &format!("a value for {first} is wanted: cast it with ({first})"),
                ));
            }
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
