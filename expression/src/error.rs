//! Errors of expressions, with the place in the text.

use dtsx::SsisCode;

/// An expression that does not parse, resolve or type-check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressionError {
    /// The whole expression.
    pub text: String,
    /// Where the problem begins, in characters from 0.
    pub start: usize,
    /// The first character after it.
    pub end: usize,
    /// What was found and what was wanted.
    pub message: String,
    /// The code that SSIS gives, where one is known.
    pub code: Option<SsisCode>,
}

impl ExpressionError {
    /// For characters `start..end` of `text`.
    pub(crate) fn new(
        text: &str,
        (start, end): (usize, usize),
        code: SsisCode,
        message: impl Into<String>,
    ) -> Self {
        Self {
            text: text.to_owned(),
            start,
            end,
            message: message.into(),
            code: Some(code),
        }
    }

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
    /// The expression was bound to more columns than the batch has.
    #[error("the batch has no column {0}")]
    NoColumn(usize),
    /// An array is not the carrier of its SSIS type.
    #[error("a column of type {found} arrived where {wanted} was bound")]
    Carrier {
        /// The Arrow type of the array.
        found: String,
        /// The Arrow type that carries the bound SSIS type.
        wanted: String,
    },
    /// SSIS has no conversion between the two types.
    #[error("{from} cannot be converted to {to}")]
    NoConversion {
        /// The type of the values.
        from: dtsx::DataType,
        /// The type that was asked for.
        to: dtsx::DataType,
    },
    /// A kernel of Arrow refused its arrays.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    /// An array could not be written as text.
    #[error(transparent)]
    Format(#[from] crate::format::FormatError),
    /// The locale that text is read by is not known.
    #[error(transparent)]
    Locale(#[from] crate::text::UnknownLocale),
    /// The code page that text is written in is not known: which, and what is.
    #[error("{0}")]
    CodePage(String),
    /// A part without columns failed, so each row would.
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

/// What a row code means, for messages.
pub(crate) fn reason(code: SsisCode) -> &'static str {
    match code {
        SsisCode::EXPRESSION_DIVIDE_BY_ZERO => "division by zero",
        SsisCode::EXPRESSION_OVERFLOW
        | SsisCode::EXPRESSION_NUMERIC_OVERFLOW
        | SsisCode::EXPRESSION_UNARY_OVERFLOW => "the result does not fit its type",
        SsisCode::EXPRESSION_FUNCTION_OVERFLOW => {
            "the result of the function does not fit its type"
        }
        SsisCode::EXPRESSION_CONVERSION_OVERFLOW => {
            "the value does not fit the type it is converted to"
        }
        SsisCode::EXPRESSION_CAST_FAILED => "the value cannot be cast to that type",
        SsisCode::EXPRESSION_SUBSTRING_LENGTH => "the length is negative",
        SsisCode::EXPRESSION_SUBSTRING_START => "the start is below 1",
        SsisCode::EXPRESSION_RIGHT_LENGTH => "the number of characters is negative",
        SsisCode::EXPRESSION_REPLICATE_COUNT => "the number of repetitions is negative",
        SsisCode::EXPRESSION_FINDSTRING_OCCURRENCE => "the occurrence is below 1",
        SsisCode::EXPRESSION_INVALID_DATE_PART => "the date part is not known",
        SsisCode::EXPRESSION_FUNCTION_FAILED => "the function does not take these values",
        SsisCode::EXPRESSION_SQRT_ARGUMENT => "a negative number has no square root",
        SsisCode::EXPRESSION_POWER_ARGUMENT => "zero has no negative power",
        SsisCode::EXPRESSION_TRUNCATION_AS_ERROR | SsisCode::INDUCED_FAILURE_ON_TRUNCATION => {
            "the value is longer than its type allows: raise the length of the cast, or cut it with LEFT or SUBSTRING"
        }
        _ => "it cannot be evaluated",
    }
}
