//! The SSIS expression language, and the SSIS types on Arrow: text -> typed tree -> vectorised evaluation over arrays.
//!
//! ```text
//!  text ──syntax──▶ tree ──check──▶ typed tree, constants folded ──evaluate──▶ array + failing rows
//! ```
//!
//! A scalar is a batch of one row. [`convert()`] changes arrays between SSIS types, [`text`] and [`format`] are the forms
//! of values as text, [`collation`] their linguistic order, [`code_page`] their bytes.

#![deny(missing_docs)]

mod check;
pub mod code_page;
pub mod collation;
mod convert;
mod error;
mod evaluate;
pub mod format;
mod functions;
mod scalar;
mod syntax;
pub mod text;
pub mod types;

use arrow::array::RecordBatch;
use dtsx::DataType;

pub use convert::{ConvertOptions, convert};
pub use error::{EvaluateError, ExpressionError};
pub use evaluate::{Evaluated, RowFailure, SharedParts};
pub use scalar::Scalar;

/// How an expression names a column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ColumnReference {
    /// `Name`, `[Name]` or `[Source].[Name]`.
    Name {
        /// The component that the column comes from.
        source: Option<String>,
        /// The column, without brackets.
        name: String,
    },
    /// `#12` or `#{Package\..}`: the inside.
    Lineage(String),
}

/// What the names of an expression mean.
pub trait Scope {
    /// Position in the batch and type of a column.
    fn column(&self, reference: &ColumnReference) -> Option<(usize, DataType)>;
    /// The value of a variable or parameter.
    fn variable(&self, namespace: Option<&str>, name: &str) -> Option<Scalar>;
    /// The LCID by which casts read dates in text; 0 is the invariant locale: month, day, year.
    fn locale_id(&self) -> u32 {
        0
    }
    /// Why a variable that exists has no value: its own expression fails, say.
    fn variable_fault(&self, _namespace: Option<&str>, _name: &str) -> Option<String> {
        None
    }
    /// For suggestions.
    fn column_names(&self) -> Vec<String>;
    /// For suggestions.
    fn variable_names(&self) -> Vec<String>;
}

/// A compiled expression: immutable, for any number of batches and threads.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
    tree: check::Typed,
}

/// Compiles an expression.
///
/// # Errors
/// [`ExpressionError`] with the place of what does not parse, is not known or does not fit.
pub fn compile(text: &str, scope: &dyn Scope) -> Result<Expression, ExpressionError> {
    let node = syntax::parse(text)?;
    Ok(Expression {
        text: text.to_owned(),
        tree: check::build(text, &node, scope)?,
    })
}

/// Finds what expressions over the same batches have in common, so that
/// [`evaluate_sharing`](Expression::evaluate_sharing) works it out once.
pub fn share<'a>(expressions: impl IntoIterator<Item = &'a mut Expression>) {
    evaluate::shared_parts::share(
        expressions
            .into_iter()
            .map(|expression| &mut expression.tree),
    );
}

impl Expression {
    /// The type of its values.
    pub fn data_type(&self) -> DataType {
        self.tree.data_type
    }

    /// Its values for the rows of a batch.
    ///
    /// # Errors
    /// Only if the batch does not fit the columns it was compiled for; rows that fail are in [`Evaluated::errors`].
    pub fn evaluate(&self, batch: &RecordBatch) -> Result<Evaluated, EvaluateError> {
        self.evaluate_sharing(batch, &mut SharedParts::default())
    }

    /// As [`evaluate`](Self::evaluate), for one of several expressions over a batch that went through [`share`]: `shared`
    /// carries what they have in common from one to the next, and begins empty with each batch.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn evaluate_sharing(
        &self,
        batch: &RecordBatch,
        shared: &mut SharedParts,
    ) -> Result<Evaluated, EvaluateError> {
        evaluate::column(&self.tree, batch, shared)
    }

    /// Its value where it names no column.
    ///
    /// # Errors
    /// [`ExpressionError`] if its one row fails.
    pub fn evaluate_scalar(&self) -> Result<Scalar, ExpressionError> {
        evaluate::constant(&self.tree).map_err(|code| ExpressionError {
            text: self.text.clone(),
            start: 0,
            end: self.text.chars().count(),
            message: format!("the expression failed ({})", code.symbol()),
            code: Some(code),
        })
    }
}

impl std::fmt::Display for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}
