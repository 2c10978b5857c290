//! APPLY of a query that gives one row at most, which SQLite has not: each of its columns becomes a query where it is used.
//!
//! ```text
//! SELECT t.a, x.b FROM t OUTER APPLY (SELECT TOP 1 b FROM s WHERE s.a = t.a ORDER BY c) x
//!   ─▶ SELECT t.a, (SELECT TOP 1 b FROM s WHERE s.a = t.a ORDER BY c) AS b FROM t
//! ```
//!
//! CROSS APPLY asks besides that there is a row. Any other APPLY stays, and is a syntax error of SQLite's.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Ident, Join, JoinOperator, Query, Select, SelectItem, SetExpr,
    TableFactor, TopQuantity, VisitMut, VisitorMut,
};

use crate::error::SqlError;

struct Row {
    alias: String,
    query: Query,
    /// Names and what they stand for.
    columns: Vec<(Ident, Expr)>,
}

/// Takes APPLY out of a query.
pub(crate) fn replace(query: &mut Query) -> Result<(), SqlError> {
    let SetExpr::Select(select) = query.body.as_mut() else {
        return Ok(());
    };
    let mut rows = Vec::new();
    let mut asked = Vec::new();
    for table in &mut select.from {
        table.joins.retain(|join| {
            let Some(row) = row_of(join) else {
                return true;
            };
            if matches!(join.join_operator, JoinOperator::CrossApply) {
                asked.push(Expr::Exists {
                    subquery: Box::new(row.query.clone()),
                    negated: false,
                });
            }
            rows.push(row);
            false
        });
    }
    if rows.is_empty() {
        return Ok(());
    }
    select.selection = asked
        .into_iter()
        .fold(select.selection.take(), |before, asked| {
            Some(match before {
                Some(before) => Expr::BinaryOp {
                    left: Box::new(Expr::Nested(Box::new(before))),
                    op: BinaryOperator::And,
                    right: Box::new(asked),
                },
                None => asked,
            })
        });
    name_items(select)?;
    // A later one may use the columns of an earlier one.
    for row in rows.iter().rev() {
        let uses = &mut Uses { row };
        let flow = select.visit(uses);
        debug_assert!(flow.is_continue());
        let flow = query.order_by.visit(uses);
        debug_assert!(flow.is_continue());
    }
    Ok(())
}

/// A column that becomes a query keeps its name.
fn name_items(select: &mut Select) -> Result<(), SqlError> {
    for item in &mut select.projection {
        match item {
            SelectItem::UnnamedExpr(expr @ Expr::CompoundIdentifier(_)) => {
                let Expr::CompoundIdentifier(parts) = &expr else {
                    continue;
                };
                if let Some(alias) = parts.last().cloned() {
                    let expr = expr.clone();
                    *item = SelectItem::ExprWithAlias { expr, alias };
                }
            }
            SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. } => {}
            _ => return Err(SqlError::unsupported("* beside APPLY")),
        }
    }
    Ok(())
}

fn row_of(join: &Join) -> Option<Row> {
    if !matches!(
        join.join_operator,
        JoinOperator::OuterApply | JoinOperator::CrossApply
    ) {
        return None;
    }
    let TableFactor::Derived {
        subquery,
        alias: Some(alias),
        ..
    } = &join.relation
    else {
        return None;
    };
    let SetExpr::Select(select) = subquery.body.as_ref() else {
        return None;
    };
    if !takes_one(select) || !alias.columns.is_empty() {
        return None;
    }
    let columns = select.projection.iter().map(|item| match item {
        SelectItem::UnnamedExpr(expr @ Expr::Identifier(name)) => {
            Some((name.clone(), expr.clone()))
        }
        SelectItem::UnnamedExpr(expr @ Expr::CompoundIdentifier(parts)) => {
            Some((parts.last()?.clone(), expr.clone()))
        }
        SelectItem::ExprWithAlias { expr, alias } => Some((alias.clone(), expr.clone())),
        _ => None,
    });
    Some(Row {
        alias: alias.name.value.clone(),
        query: subquery.as_ref().clone(),
        columns: columns.collect::<Option<_>>()?,
    })
}

fn takes_one(select: &Select) -> bool {
    select.top.as_ref().is_some_and(|top| {
        let quantity = match &top.quantity {
            Some(TopQuantity::Constant(count)) => count.to_string(),
            Some(TopQuantity::Expr(count)) => count.to_string(),
            None => String::new(),
        };
        quantity.trim_matches(['(', ')']) == "1" && !top.percent && !top.with_ties
    })
}

/// Puts a row's columns where they are used.
struct Uses<'a> {
    row: &'a Row,
}

impl VisitorMut for Uses<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::CompoundIdentifier(parts) = expr else {
            return ControlFlow::Continue(());
        };
        let [table, column] = parts.as_slice() else {
            return ControlFlow::Continue(());
        };
        if !table.value.eq_ignore_ascii_case(&self.row.alias) {
            return ControlFlow::Continue(());
        }
        let mut columns = self.row.columns.iter();
        let named = columns.find(|(name, _)| name.value.eq_ignore_ascii_case(&column.value));
        if let Some((name, value)) = named {
            let mut query = self.row.query.clone();
            if let SetExpr::Select(select) = query.body.as_mut() {
                // ORDER BY may name the column by its alias.
                select.projection = vec![SelectItem::ExprWithAlias {
                    expr: value.clone(),
                    alias: name.clone(),
                }];
            }
            *expr = Expr::Subquery(Box::new(query));
        }
        ControlFlow::Continue(())
    }
}
