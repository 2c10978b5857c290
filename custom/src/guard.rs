//! Where the engine calls into a custom object: a panic in there is an error of that object.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::CustomError;

/// Calls `work`; a panic becomes an error that says what was panicked with.
///
/// # Errors
/// Those of `work`, and its panic.
pub fn guarded<T>(work: impl FnOnce() -> Result<T, CustomError>) -> Result<T, CustomError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result,
        Err(panic) => {
            let said = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no message");
            Err(CustomError::new(format!(
                "its code panicked ({said}): this is a defect of the custom object"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        let row = 7;
        let error = guarded(|| -> Result<(), _> { panic!("row {row}") }).unwrap_err();
        assert!(error.message.contains("panicked (row 7)"), "{error}");
        assert_eq!(guarded(|| Ok(1)), Ok(1));
    }
}
