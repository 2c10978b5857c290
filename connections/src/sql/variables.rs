//! Variables of a batch: what one holds is put in its place where that is exact.
//!
//! A constant may be put anywhere; what the clock or a generator gave, once; what was read from tables, as long as no statement
//! changes any.

use std::ops::ControlFlow;

use sqlparser::ast::{CastKind, DataType, Expr, Ident, Query, Value, VisitMut, VisitorMut};

use super::{
    error::RewriteError,
    rewriter::{Rewriter, raw, same, span_of},
    type_names::TypeName,
};

/// An assigned expression may be this long, and made of this many assignments.
const VALUE_BYTES_MAX: usize = 64 << 10;
const ASSIGNMENTS_MAX: usize = 64;

#[derive(Debug, Clone)]
struct Variable {
    name: String,
    data_type: DataType,
    value: Expr,
    life: Life,
    /// Assignments within the value.
    height: usize,
    uses: usize,
}

/// How long a value stays the same when it is worked out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Life {
    Constant,
    Once,
    UntilChange,
    Over,
}

#[derive(Debug, Default)]
pub(super) struct Variables(Vec<Variable>);

impl Variables {
    /// A variable that holds NULL, or what `value` gives whenever it is worked out.
    pub(super) fn declare_as(&mut self, name: &Ident, data_type: DataType, value: Option<Expr>) {
        self.0.retain(|variable| !same(&variable.name, &name.value));
        self.0.push(Variable {
            name: name.value.clone(),
            data_type,
            value: value.unwrap_or_else(|| raw("NULL")),
            life: Life::Constant,
            height: 0,
            uses: 0,
        });
    }

    pub(super) fn is_declared(&self, name: &str) -> bool {
        self.0.iter().any(|variable| same(&variable.name, name))
    }

    /// Sets a variable to an expression, in which other variables are already replaced.
    pub(super) fn assign(
        &mut self,
        rewriter: &Rewriter<'_>,
        name: &Ident,
        mut value: Expr,
    ) -> Result<(), RewriteError> {
        let span = span_of(&value);
        let height = self.replace(rewriter, &mut value)? + 1;
        let text = value.to_string();
        if text.len() > VALUE_BYTES_MAX || height > ASSIGNMENTS_MAX {
            return Err(rewriter.too_large(format!(
                "the value of {name} is made of too many assignments"
            )));
        }
        let life = life_of(&mut value);
        let Some(variable) = self
            .0
            .iter_mut()
            .find(|variable| same(&variable.name, &name.value))
        else {
            return Err(rewriter.unsupported(
                span,
                format!("a value for the parameter {name}"),
                "declare the variable in the batch",
            ));
        };
        variable.value = value;
        variable.life = life;
        variable.height = height;
        variable.uses = 0;
        Ok(())
    }

    /// Puts the values in the place of the variables; gives the greatest height of them.
    pub(super) fn replace<T: VisitMut>(
        &mut self,
        rewriter: &Rewriter<'_>,
        node: &mut T,
    ) -> Result<usize, RewriteError> {
        let mut replace = Replace {
            variables: self,
            rewriter,
            height: 0,
        };
        match node.visit(&mut replace) {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(replace.height),
        }
    }

    /// A statement changed rows: what was read from tables before is not what it would be now.
    pub(super) fn tables_changed(&mut self) {
        for variable in &mut self.0 {
            if variable.life == Life::UntilChange {
                variable.life = Life::Over;
            }
        }
    }
}

struct Replace<'a, 'b> {
    variables: &'a mut Variables,
    rewriter: &'a Rewriter<'b>,
    height: usize,
}

impl VisitorMut for Replace<'_, '_> {
    type Break = RewriteError;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<RewriteError> {
        let Expr::Identifier(ident) = expr else {
            return ControlFlow::Continue(());
        };
        let span = ident.span;
        let Some(variable) = self
            .variables
            .0
            .iter_mut()
            .find(|variable| same(&variable.name, &ident.value))
        else {
            return ControlFlow::Continue(());
        };
        variable.uses += 1;
        let again = match variable.life {
            Life::Once => variable.uses > 1,
            Life::Over => true,
            Life::Constant | Life::UntilChange => false,
        };
        if again {
            let found = format!(
                "the variable {}, whose value would be another when it is worked out again",
                variable.name
            );
            return ControlFlow::Break(self.rewriter.unsupported(
                span,
                found,
                "keep the value in a variable of the package",
            ));
        }
        self.height = self.height.max(variable.height);
        *expr = of_type(&variable.value, &variable.data_type);
        ControlFlow::Continue(())
    }
}

/// The value as the variable's type would hold it.
fn of_type(value: &Expr, data_type: &DataType) -> Expr {
    let of = TypeName::new(data_type);
    let plain = match value {
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => match of.name.as_str() {
                "int" | "bigint" | "smallint" | "tinyint" => !text.contains(['.', 'e', 'E']),
                _ => false,
            },
            Value::SingleQuotedString(text) => match of.name.as_str() {
                "varchar" | "nvarchar" => {
                    let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
                    of.is_max() || length <= of.length().unwrap_or(1)
                }
                _ => false,
            },
            Value::Null => true,
            _ => false,
        },
        Expr::Identifier(ident) => same(&ident.value, "NULL"),
        _ => false,
    };
    if plain {
        return value.clone();
    }
    // A text without a length is one character long in DECLARE, thirty in CAST.
    let data_type = match (of.name.as_str(), of.arguments.is_empty()) {
        ("varchar" | "nvarchar" | "char" | "nchar", true) => {
            super::tables::named_type(format!("{}(1)", of.name))
        }
        _ => data_type.clone(),
    };
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(value.clone()),
        data_type,
        array: false,
        format: None,
    }
}

struct Look(Life);

impl VisitorMut for Look {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.0 = self.0.max(Life::UntilChange);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let name = match expr {
            Expr::Function(function) => function.name.to_string().to_ascii_uppercase(),
            Expr::Identifier(ident) => ident.value.to_ascii_uppercase(),
            _ => return ControlFlow::Continue(()),
        };
        let once = matches!(
            name.as_str(),
            "GETDATE"
                | "SYSDATETIME"
                | "GETUTCDATE"
                | "SYSUTCDATETIME"
                | "CURRENT_TIMESTAMP"
                | "SYSDATETIMEOFFSET"
                | "NEWID"
                | "RAND"
        );
        if once {
            self.0 = self.0.max(Life::Once);
        }
        // What a statement left behind is gone with the next one.
        if name == "SCOPE_IDENTITY" || name.starts_with("@@") {
            self.0 = Life::Over;
        }
        ControlFlow::Continue(())
    }
}

fn life_of(value: &mut Expr) -> Life {
    let mut look = Look(Life::Constant);
    match value.visit(&mut look) {
        ControlFlow::Continue(()) | ControlFlow::Break(()) => look.0,
    }
}
