//! Whether decimals keep their digits in a column of SQLite, whichever way they come there.

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{DataType, Decimal128Type},
};

use super::load::has_numeric_affinity;

/// Digits that a number of SQLite keeps for certain.
const DIGITS: u32 = 15;
/// Beyond the numbers that have no more.
pub(super) const LARGEST: u128 = 10_u128.pow(DIGITS);

/// Whether a decimal, less its zeros at the end, has digits that are kept.
pub(super) fn are_kept(decimal: i128) -> bool {
    let mut digits = decimal.unsigned_abs();
    if digits < LARGEST {
        return true;
    }
    while digits != 0 && digits.is_multiple_of(10) {
        digits /= 10;
    }
    digits < LARGEST
}

pub(super) fn refusal(shown: &str, column: &str) -> String {
    format!(
        "{shown} has more than the {DIGITS} digits that SQLite keeps in column `{column}`: declare the column as TEXT"
    )
}

/// # Errors
/// Names the first value that would lose digits in a column that is declared so.
pub(in crate::database) fn check(
    array: &ArrayRef,
    column: &str,
    declared: &str,
) -> Result<(), String> {
    let DataType::Decimal128(..) = array.data_type() else {
        return Ok(());
    };
    if !has_numeric_affinity(declared) {
        return Ok(());
    }
    let decimals = array.as_primitive::<Decimal128Type>();
    let lost =
        (0..decimals.len()).find(|row| decimals.is_valid(*row) && !are_kept(decimals.value(*row)));
    match lost {
        Some(row) => Err(refusal(&decimals.value_as_string(row), column)),
        None => Ok(()),
    }
}
