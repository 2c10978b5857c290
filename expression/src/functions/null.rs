//! ISNULL and REPLACENULL.

use std::sync::Arc;

use arrow::{
    array::{Array, BooleanArray},
    compute::{is_null, kernels::zip::zip},
};
use dtsx::DataType;

use super::{Function, Signature};
use crate::{check::common, evaluate::Value};

pub(super) const ISNULL: Function = Function {
    name: "ISNULL",
    arguments: 1,
    deterministic: true,
    check: |types| {
        Ok(Signature {
            arguments: types.to_vec(),
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
    check: |types| {
        let result = match common(&types[0], &types[1]) {
            Some(meet) if crate::check::is_text(&meet) => meet,
            Some(_) => types[0],
            None if crate::convert::converts(&types[1], &types[0]) => types[0],
            None => {
                return Err(format!(
                    "{} and {} do not fit together: cast one",
                    types[0], types[1]
                ));
            }
        };
        Ok(Signature {
            arguments: vec![result, result],
            result,
        })
    },
    apply: |values, _, context| {
        let rows = context.rows();
        if values[0].array.null_count() == 0 {
            return Ok(values[0].clone());
        }
        let first = Value::array(values[0].clone().into_rows(rows)?);
        let unknown = is_null(first.array.as_ref())?;
        Ok(Value::array(zip(
            &unknown,
            values[1].datum().as_ref(),
            first.datum().as_ref(),
        )?))
    },
};
