//! What an expression in a data flow can name: the columns that arrive at an input, and variables.

use std::{cell::RefCell, fmt};

use dtsx::DataType;
use fletching_expression::{ColumnReference, Expression, Scalar, Scope, compile};

use crate::{Binding, BoundInput, Finding, Variables};

/// Columns of one input by lineage reference or name, and the variables in scope. Remembers which columns were asked for.
pub(crate) struct InputScope<'a> {
    input: &'a BoundInput,
    variables: &'a dyn Variables,
    locale_id: u32,
    used: RefCell<Vec<usize>>,
}

impl fmt::Debug for InputScope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InputScope")
            .field("input", &self.input.name)
            .finish_non_exhaustive()
    }
}

/// An expression bound to the columns of an input.
#[derive(Debug)]
pub struct BoundExpression {
    /// As the package writes it for people, else as it is compiled.
    pub text: String,
    pub expression: Expression,
    /// Positions of the columns that it reads, each once.
    pub columns: Vec<usize>,
}

/// Compiles the `Expression` property, which names columns by lineage, or `FriendlyExpression`, which names them by name,
/// where there is no other (spec `ssis-semantics.md` 6.3). `place` says whose expression it is.
pub(crate) fn bind_expression(
    binding: &Binding<'_>,
    input: &BoundInput,
    properties: &dtsx::Properties,
    place: &str,
) -> Result<BoundExpression, Finding> {
    let present = |name: &str| properties.get(name).filter(|text| !text.trim().is_empty());
    let friendly = present("FriendlyExpression");
    let Some(text) = present("Expression").or(friendly) else {
        return Err(binding.finding(format!("{place} has no expression")));
    };
    let shown = friendly.unwrap_or(text);
    let scope = InputScope {
        input,
        variables: binding.variables,
        locale_id: binding.locale_id,
        used: RefCell::default(),
    };
    let expression = compile(text, &scope).map_err(|error| {
        let mut finding = binding.finding(format!("{place}: expression `{shown}`: {error}"));
        finding.code = error.code.or(finding.code);
        finding
    })?;
    Ok(BoundExpression {
        text: shown.to_owned(),
        expression,
        columns: scope.used.into_inner(),
    })
}

impl InputScope<'_> {
    /// The columns that a name can mean: of a qualified one, those that `component` made.
    fn named(&self, component: Option<&str>, name: &str) -> Vec<usize> {
        let columns = self.input.columns.iter().enumerate();
        let named = columns.filter(|(_, column)| {
            let maker = component_of(&column.lineage_id.0);
            column.name == name
                && component.is_none_or(|wanted| maker.is_none_or(|maker| maker == wanted))
        });
        named.map(|(position, _)| position).collect()
    }
}

/// The component that made a column, by its lineage; `None` for the numbers that formats 2 and 3 have.
fn component_of(lineage: &str) -> Option<&str> {
    let (path, _) = lineage.split_once(".Outputs[")?;
    path.rsplit('\\').next()
}

impl Scope for InputScope<'_> {
    fn column(&self, reference: &ColumnReference) -> Option<(usize, DataType)> {
        let position = match reference {
            ColumnReference::Lineage(lineage) => self.input.position(lineage),
            // Ambiguous names are not resolved.
            ColumnReference::Name { source, name } => match self.named(source.as_deref(), name)[..]
            {
                [position] => Some(position),
                _ => None,
            },
        }?;
        let column = self.input.columns.get(position)?;
        let mut used = self.used.borrow_mut();
        if !used.contains(&position) {
            used.push(position);
        }
        Some((position, column.data_type))
    }

    fn variable(&self, namespace: Option<&str>, name: &str) -> Option<Scalar> {
        self.variables.value(namespace, name)
    }

    fn locale_id(&self) -> u32 {
        self.locale_id
    }

    fn variable_fault(&self, namespace: Option<&str>, name: &str) -> Option<String> {
        self.variables.fault(namespace, name)
    }

    fn variables_may_change(&self) -> bool {
        self.variables.may_change()
    }

    fn candidates(&self, reference: &ColumnReference) -> Vec<String> {
        let ColumnReference::Name { source, name } = reference else {
            return Vec::new();
        };
        let positions = self.named(source.as_deref(), name).into_iter();
        let columns = positions.filter_map(|position| self.input.columns.get(position));
        columns
            .map(|column| match component_of(&column.lineage_id.0) {
                Some(component) => format!("[{component}].[{name}]"),
                None => format!("#{}", column.lineage_id.0),
            })
            .collect()
    }

    fn column_names(&self) -> Vec<String> {
        self.input
            .columns
            .iter()
            .map(|column| column.name.clone())
            .collect()
    }

    fn variable_names(&self) -> Vec<String> {
        self.variables.names()
    }
}
