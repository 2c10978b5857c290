//! What the parts of the rewriting share: the target, where the statement stands, what was changed.

use sqlparser::{
    ast::{Expr, Ident, ObjectName, Spanned},
    tokenizer::{Location, Span},
};

use super::{
    Change, Dialect,
    error::{Place, RewriteError},
};

/// A statement is quoted up to this length in an error.
const QUOTED_MAX: usize = 400;
/// A rewritten expression may be this long; translations that name an argument twice grow when they are nested.
pub(super) const TEXT_BYTES_MAX: usize = 4 << 20;

/// The text of a batch, in which places are looked up.
#[derive(Debug)]
pub(super) struct Source<'a> {
    text: &'a str,
    lines: Vec<&'a str>,
    /// Lines of the script before the batch.
    lines_before: u64,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str, line: u64) -> Self {
        Self {
            text,
            lines: text.split_inclusive('\n').collect(),
            lines_before: line.saturating_sub(1),
        }
    }

    pub(super) fn place(&self, at: Location, statement: Span) -> Place {
        let at = if at.line == 0 { statement.start } else { at };
        let from = self.offset(statement.start).min(self.text.len());
        let to = self.offset(statement.end).clamp(from, self.text.len());
        let text = self.text.get(from..to).unwrap_or_default();
        let mut statement: String = text.trim().chars().take(QUOTED_MAX).collect();
        if statement.len() < text.trim().len() {
            statement.push('…');
        }
        Place {
            statement,
            line: at.line.max(1) + self.lines_before,
            column: at.column.max(1),
        }
    }

    fn offset(&self, at: Location) -> usize {
        if at.line == 0 {
            return self.text.len();
        }
        let above = usize::try_from(at.line - 1).unwrap_or(usize::MAX);
        let before: usize = self.lines.iter().take(above).map(|line| line.len()).sum();
        let columns = usize::try_from(at.column.saturating_sub(1)).unwrap_or(usize::MAX);
        let within: usize = self.lines.get(above).map_or(0, |line| {
            line.chars().take(columns).map(char::len_utf8).sum()
        });
        before + within
    }
}

/// Rewrites one statement. The visitor of the tree is in `expressions`.
#[derive(Debug)]
pub(super) struct Rewriter<'a> {
    pub(super) to: Dialect,
    pub(super) source: &'a Source<'a>,
    /// The statement within the batch.
    pub(super) span: Span,
    pub(super) changes: Vec<Change>,
    /// Names of expressions with WITH, which are not tables of the database.
    pub(super) locals: Vec<String>,
}

impl Rewriter<'_> {
    pub(super) fn unsupported(
        &self,
        at: Span,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> RewriteError {
        RewriteError::Unsupported {
            place: self.source.place(at.start, self.span),
            found: found.into(),
            advice: advice.into(),
        }
    }

    pub(super) fn too_large(&self, found: impl Into<String>) -> RewriteError {
        RewriteError::TooLarge {
            place: self.source.place(self.span.start, self.span),
            found: found.into(),
        }
    }

    /// `at` may be empty: then the statement is meant.
    pub(super) fn note(&mut self, at: Span, what: impl Into<String>) {
        let at = if at.start.line == 0 {
            self.span.start
        } else {
            at.start
        };
        let change = Change {
            line: at.line,
            column: at.column,
            what: what.into(),
        };
        if !self.changes.contains(&change) {
            self.changes.push(change);
        }
    }
}

/// Text of the target that stands for an expression.
pub(super) fn raw(text: impl Into<String>) -> Expr {
    Expr::Identifier(Ident::new(text))
}

pub(super) fn span_of(expr: &Expr) -> Span {
    expr.span()
}

/// The parts of a name. A name with a function in it has none.
pub(super) fn parts(name: &ObjectName) -> Vec<&Ident> {
    name.0
        .iter()
        .map(|part| part.as_ident())
        .collect::<Option<_>>()
        .unwrap_or_default()
}

/// The last part of a name.
pub(super) fn last(name: &ObjectName) -> Option<&Ident> {
    name.0.last().and_then(|part| part.as_ident())
}

pub(super) fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}
