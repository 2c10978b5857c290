//! Errors of expressions, with the place in the text.

use dtsx::SsisCode;

/// An expression that does not parse, resolve or type-check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressionError {
    /// The whole expression.
    pub text: String,
    /// Where the problem is, in characters from 0: start and end.
    pub start: usize,
    pub end: usize,
    /// What was found and what was wanted.
    pub message: String,
    pub code: Option<SsisCode>,
}

impl ExpressionError {
    /// The expression with a caret under the place.
    pub fn caret(&self) -> String {
        let line: String = self
            .text
            .chars()
            .map(|character| {
                if character.is_control() {
                    ' '
                } else {
                    character
                }
            })
            .collect();
        let width = self.end.saturating_sub(self.start).max(1);
        format!("{line}\n{}{}", " ".repeat(self.start), "^".repeat(width))
    }
}

impl std::fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} at character {} of `{}`",
            self.message,
            self.start + 1,
            self.text
        )
    }
}

impl std::error::Error for ExpressionError {}

/// A defect or a batch that does not fit the expression; never a row's fault.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    #[error("the batch has no column {0}")]
    NoColumn(usize),
    #[error("a column of type {found} arrived where {wanted} was bound")]
    Carrier { found: String, wanted: String },
    #[error("{from} cannot be converted to {to}")]
    NoConversion {
        from: dtsx::DataType,
        to: dtsx::DataType,
    },
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    #[error(transparent)]
    Format(#[from] crate::format::FormatError),
    #[error(transparent)]
    Locale(#[from] crate::text::UnknownLocale),
    #[error("{0}")]
    CodePage(String),
    #[error("a constant expression failed: {0}")]
    Constant(SsisCode),
}

impl EvaluateError {
    /// The SSIS code, where one exists.
    pub fn code(&self) -> Option<SsisCode> {
        match self {
            Self::Constant(code) => Some(*code),
            _ => None,
        }
    }
}
