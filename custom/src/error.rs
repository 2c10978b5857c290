//! What an object of your own says when it fails.

/// Why it failed: what was found, what was wanted, what to do. The engine adds the place in the package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CustomError {
    /// For a person.
    pub message: String,
    /// HRESULT, as SSIS logs it; 0 for none.
    pub code: u32,
}

impl CustomError {
    /// An error without a code.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 0,
        }
    }

    /// With an HRESULT.
    #[must_use]
    pub fn with_code(mut self, code: u32) -> Self {
        self.code = code;
        self
    }
}

impl From<arrow::error::ArrowError> for CustomError {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::new(error.to_string())
    }
}
