//! `SELECT @a = 1, @b = MAX(x) FROM t`: what it assigns, and whether that is one value.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, Ident, Query, SelectItem, SetExpr, Visit, Visitor,
};

use super::queries::{plain, select_from};

/// The variables a SELECT assigns; none when it is a query.
pub(super) fn assignments(query: &Query) -> Option<Vec<(Ident, Expr)>> {
    let SetExpr::Select(select) = &*query.body else {
        return None;
    };
    select
        .projection
        .iter()
        .map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } if alias.value.starts_with('@') => {
                Some((alias.clone(), expr.clone()))
            }
            SelectItem::UnnamedExpr(Expr::BinaryOp {
                left,
                op: BinaryOperator::Eq,
                right,
            }) => match &**left {
                Expr::Identifier(name) if name.value.starts_with('@') => {
                    Some((name.clone(), (**right).clone()))
                }
                _ => None,
            },
            _ => None,
        })
        .collect()
}

pub(super) fn has_rows(query: &Query) -> bool {
    matches!(&*query.body, SetExpr::Select(select) if !select.from.is_empty() || select.selection.is_some())
}

/// The query of one value; none when it may have no row, or many, by which the variable would keep its value, or take the last.
pub(super) fn single_value(query: &Query, value: Expr) -> Option<Expr> {
    let SetExpr::Select(select) = &*query.body else {
        return None;
    };
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(expressions, _) if expressions.is_empty());
    let aggregate = has_aggregate(&value);
    if !aggregate
        || grouped
        || query.with.is_some()
        || select.having.is_some()
        || select.top.is_some()
    {
        return None;
    }
    let inner = select_from(
        vec![SelectItem::UnnamedExpr(value)],
        select.from.clone(),
        select.selection.clone(),
    );
    Some(Expr::Subquery(Box::new(plain(Box::new(SetExpr::Select(
        Box::new(inner),
    ))))))
}

/// Whether an expression is made of an aggregate, queries within it aside.
fn has_aggregate(value: &Expr) -> bool {
    struct Look {
        queries: usize,
    }
    impl Visitor for Look {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.queries += 1;
            ControlFlow::Continue(())
        }

        fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.queries = self.queries.saturating_sub(1);
            ControlFlow::Continue(())
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            let Expr::Function(function) = expr else {
                return ControlFlow::Continue(());
            };
            let name = function.name.to_string().to_ascii_uppercase();
            let aggregate = matches!(
                name.as_str(),
                "MAX" | "MIN" | "COUNT" | "SUM" | "AVG" | "COUNT_BIG" | "STRING_AGG"
            );
            match aggregate && function.over.is_none() && self.queries == 0 {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }
    }
    value.visit(&mut Look { queries: 0 }).is_break()
}
