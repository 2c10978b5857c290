//! What names mean: columns and variables, and for a name that means nothing what it may have been meant to be.

use dtsx::SsisCode;

use super::{
    Typed, TypedKind,
    build::{Builder, constant},
    nearest::{nearest, variable_advice},
};
use crate::{
    ColumnReference,
    error::ExpressionError,
    functions::{self, Function},
    syntax::{Node, NodeKind},
};

impl Builder<'_> {
    pub(super) fn column(
        &self,
        node: &Node,
        reference: &ColumnReference,
        name: &str,
    ) -> Result<Typed, ExpressionError> {
        let Some((index, data_type)) = self.scope.column(reference) else {
            let candidates = self.scope.candidates(reference);
            if candidates.len() > 1 {
                let code = SsisCode::EXPRESSION_AMBIGUOUS_COLUMN;
                let message = format!(
                    "the name of column `{name}` is ambiguous: there are {}",
                    candidates.join(", ")
                );
                return Err(self.error(node, code, message));
            }
            let code = match reference {
                ColumnReference::Lineage(_) => SsisCode::EXPRESSION_COLUMN_ID_NOT_FOUND,
                ColumnReference::Name { source: None, .. } => SsisCode::EXPRESSION_COLUMN_NOT_FOUND,
                ColumnReference::Name { .. } => SsisCode::EXPRESSION_DOTTED_COLUMN_NOT_FOUND,
            };
            let what = match reference {
                ColumnReference::Lineage(_) => "lineage id",
                ColumnReference::Name { .. } => "column",
            };
            let message = match reference {
                ColumnReference::Name {
                    source: Some(source),
                    ..
                } => format!(
                    "column `[{source}].[{name}]` is not known{}",
                    self.elsewhere(name)
                ),
                _ => format!("{what} `{name}` is not known{}", self.instead_of(name)),
            };
            return Err(self.error(node, code, message));
        };
        Ok(Typed {
            data_type,
            kind: TypedKind::Column(index),
        })
    }

    /// For a column that is known, of another component or of none.
    fn elsewhere(&self, name: &str) -> String {
        let columns = self.scope.column_names();
        match columns.iter().any(|known| known == name) {
            true => format!("; there is [{name}], which does not come from there"),
            false => nearest(name, &columns),
        }
    }

    /// A date part without quotes, where a function wants one: a column or function may have the same name.
    pub(super) fn date_part(
        &self,
        function: &Function,
        arguments: &[Node],
    ) -> Result<(), ExpressionError> {
        let takes_part = matches!(function.name, "DATEADD" | "DATEDIFF" | "DATEPART");
        let Some((first, NodeKind::Column { source: None, name })) = arguments
            .first()
            .filter(|_| takes_part)
            .map(|first| (first, &first.kind))
        else {
            return Ok(());
        };
        let reference = ColumnReference::Name {
            source: None,
            name: name.clone(),
        };
        match functions::is_date_part(name) && self.scope.column(&reference).is_none() {
            true => {
                let code = SsisCode::EXPRESSION_COLUMN_NOT_FOUND;
                let message = format!(
                    "column `{name}` is not known; a date part stands in quotes: \"{name}\""
                );
                Err(self.error(first, code, message))
            }
            false => Ok(()),
        }
    }

    /// What a name that is no column was meant to be.
    fn instead_of(&self, name: &str) -> String {
        let upper = name.to_ascii_uppercase();
        if upper == "NULL" {
            return "; NULL needs a type, as in NULL(DT_I4)".to_owned();
        }
        if functions::find(&upper).is_some() {
            return format!("; did you mean `{upper}()`?");
        }
        let columns = self.scope.column_names();
        let near = nearest(name, &columns);
        match functions::is_date_part(name) && !near.contains("did you mean") {
            true => format!("; a date part stands in quotes: \"{name}\""),
            false => near,
        }
    }

    pub(super) fn variable(
        &self,
        node: &Node,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Typed, ExpressionError> {
        match self.scope.variable(namespace, name) {
            Some(value) => Ok(constant(value)),
            None => {
                let qualified =
                    namespace.map_or(name.to_owned(), |namespace| format!("{namespace}::{name}"));
                let (code, message) = match self.scope.variable_fault(namespace, name) {
                    Some(fault) => (
                        SsisCode::EXPRESSION_VARIABLE_NOT_READ,
                        format!("variable `{qualified}` {fault}"),
                    ),
                    None => {
                        let near = variable_advice(&qualified, &self.scope.variable_names());
                        let message = format!("variable `{qualified}` is not known{near}");
                        (SsisCode::EXPRESSION_VARIABLE_NOT_FOUND, message)
                    }
                };
                Err(self.error(node, code, message))
            }
        }
    }
}
