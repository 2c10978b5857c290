//! The SSIS expression language, and the SSIS types on Arrow: text -> typed tree -> vectorised evaluation over arrays.
//!
//! ```text
//!  text ──syntax──▶ tree ──check──▶ typed tree, constants folded ──evaluate──▶ array + failing rows
//! ```
//!
//! A scalar is a batch of one row. [`convert()`] changes arrays between SSIS types, [`text`] and [`format`] are the forms
//! of values as text, [`collation`] their linguistic order, [`code_page`] their bytes.

#![deny(missing_docs)]

mod arrays;
pub mod cases;
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
mod tall;
pub mod text;
pub mod types;
pub mod values;

use arrow::array::RecordBatch;
use dtsx::{DataType, SsisCode};

pub use check::variable_advice;
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
    /// The LCID by which casts read dates in text and write DT_DATE and floating numbers; 0 is the invariant locale.
    fn locale_id(&self) -> u32 {
        0
    }
    /// Why a variable that exists has no value: its own expression fails, say.
    fn variable_fault(&self, _namespace: Option<&str>, _name: &str) -> Option<String> {
        None
    }
    /// Whether variables may have other values by the time of the evaluation: what fails of their present values then
    /// fails there, if at all.
    fn variables_may_change(&self) -> bool {
        false
    }
    /// Whether a text that a function makes may be longer than a column can hold, as in variables and properties (matrix
    /// 5.2).
    fn has_long_texts(&self) -> bool {
        false
    }
    /// What a name of a column that is not known can mean, of several.
    fn candidates(&self, _reference: &ColumnReference) -> Vec<String> {
        Vec::new()
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
    tree: tall::Tree<check::Typed>,
}

/// Compiles an expression.
///
/// # Errors
/// [`ExpressionError`] with the place of what does not parse, is not known or does not fit.
pub fn compile(text: &str, scope: &dyn Scope) -> Result<Expression, ExpressionError> {
    parse(text)?.compile(scope)
}

/// An expression whose names have no meaning yet. Displays in one form for all ways to write it, which parses into the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    text: String,
    /// The variable that `@Variable = value` sets.
    target: Option<syntax::Node>,
    value: tall::Tree<syntax::Node>,
}

/// Parses an expression, or an assignment: `@Counter = @Counter + 1`.
///
/// # Errors
/// [`ExpressionError`] with the place of what does not parse.
pub fn parse(text: &str) -> Result<Parsed, ExpressionError> {
    let (target, value) = syntax::parse(text)?;
    Ok(Parsed {
        text: text.to_owned(),
        target,
        value,
    })
}

impl Parsed {
    /// Namespace and name of the variable that an assignment sets; `None` for an expression.
    pub fn target(&self) -> Option<(Option<&str>, &str)> {
        match &self.target.as_ref()?.kind {
            syntax::NodeKind::Variable { namespace, name } => Some((namespace.as_deref(), name)),
            _ => None,
        }
    }

    /// Namespaces and names of the variables that the expression reads, or what an assignment assigns.
    pub fn variables(&self) -> Vec<(Option<&str>, &str)> {
        let mut found = Vec::new();
        let tree = &self.value;
        tall::with_room(tree.height, || tree.root.variables(&mut found));
        found
    }

    /// Compiles an expression that sets nothing.
    ///
    /// # Errors
    /// [`ExpressionError`] with the place of what is not known or does not fit; an assignment is one.
    pub fn compile(&self, scope: &dyn Scope) -> Result<Expression, ExpressionError> {
        match &self.target {
            None => self.compile_value(scope),
            Some(target) => Err(ExpressionError::new(
                &self.text,
                (target.start, self.value.root.end),
                SsisCode::EXPRESSION_SINGLE_EQUAL,
                "`=` sets a variable, and only in a For Loop or an Expression Task: write == to compare",
            )),
        }
    }

    /// Compiles the expression, or what an assignment assigns.
    ///
    /// # Errors
    /// As [`compile`](Self::compile).
    pub fn compile_value(&self, scope: &dyn Scope) -> Result<Expression, ExpressionError> {
        let height = self.value.height;
        let root = tall::with_room(height, || check::build(&self.text, &self.value.root, scope))?;
        Ok(Expression {
            text: self.text.clone(),
            tree: tall::Tree { root, height },
        })
    }
}

impl std::fmt::Display for Parsed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(target) = &self.target {
            write!(f, "{target} = ")?;
        }
        write!(f, "{}", self.value)
    }
}

/// Finds what expressions over the same batches have in common, so that
/// [`evaluate_sharing`](Expression::evaluate_sharing) works it out once.
pub fn share<'a>(expressions: impl IntoIterator<Item = &'a mut Expression>) {
    let trees: Vec<_> = expressions
        .into_iter()
        .map(|expression| &mut expression.tree)
        .collect();
    let tallest = trees.iter().map(|tree| tree.height).max().unwrap_or(0);
    let roots = trees.into_iter().map(|tree| &mut tree.root);
    tall::with_room(tallest, || evaluate::shared_parts::share(roots));
}

impl Expression {
    /// The type of its values.
    pub fn data_type(&self) -> DataType {
        self.tree.root.data_type
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
        self.with_tree(|tree| evaluate::column(tree, batch, shared))
    }

    /// Its value where it names no column.
    ///
    /// # Errors
    /// [`ExpressionError`] if its one row fails.
    pub fn evaluate_scalar(&self) -> Result<Scalar, ExpressionError> {
        let batch = evaluate::no_columns().map_err(|code| self.failed(code, None))?;
        self.with_tree(|tree| evaluate::one_row(tree, &batch))
            .map_err(|code| self.failed(code, self.why(&batch, code, evaluate::why_cut)))
    }

    /// Its value for the one row of columns given by hand, which it was compiled with.
    ///
    /// # Errors
    /// [`ExpressionError`] if the row fails.
    pub fn evaluate_row(&self, values: &values::Values) -> Result<Scalar, ExpressionError> {
        let batch = values
            .batch(1)
            .map_err(|_| self.failed(SsisCode::EXPRESSION_EVALUATION_FAILED, None))?;
        self.with_tree(|tree| evaluate::one_row(tree, &batch))
            .map_err(|code| self.failed(code, self.why(&batch, code, evaluate::why)))
    }

    /// Does what goes down the tree.
    fn with_tree<R>(&self, work: impl FnOnce(&check::Typed) -> R) -> R {
        tall::with_room(self.tree.height, || work(&self.tree.root))
    }

    /// What `tell` says of the failure of a row. Each part is worked out again for each above it: not of tall trees.
    fn why(
        &self,
        batch: &RecordBatch,
        code: SsisCode,
        tell: fn(&check::Typed, &RecordBatch, SsisCode) -> Option<String>,
    ) -> Option<String> {
        match self.tree.height <= tall::HEIGHT_USUAL {
            true => tell(&self.tree.root, batch, code),
            false => None,
        }
    }

    fn failed(&self, code: SsisCode, message: Option<String>) -> ExpressionError {
        let end = self.text.chars().count();
        let message = message.unwrap_or_else(|| error::reason(code).to_owned());
        ExpressionError::new(&self.text, (0, end), code, message)
    }
}

impl std::fmt::Display for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}
