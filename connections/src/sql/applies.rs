//! APPLY of a query that gives one row at most, for SQLite, which has no lateral joins: each of its columns becomes a query of
//! its own where it is used.
//!
//! ```text
//!  SELECT t.a, x.b FROM t OUTER APPLY (SELECT TOP 1 b FROM s WHERE s.a = t.a ORDER BY c) x
//!  SELECT t.a, (SELECT b FROM s WHERE s.a = t.a ORDER BY c LIMIT 1) AS b FROM t
//! ```
//!
//! CROSS APPLY also asks whether there is a row. Any other APPLY is an error, as is `*` beside one.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, Join, JoinOperator, Query, Select, SelectItem, SetExpr, TableFactor, TopQuantity,
    VisitMut, VisitorMut,
};

use super::{
    error::RewriteError,
    expressions::and,
    queries::mentions,
    rewriter::{Rewriter, same},
};

/// Uses of one row's columns; each is a copy of its query.
const USES_MAX: usize = 64;

/// A query of one row at most beside the tables of another.
struct Row {
    outer: bool,
    alias: Ident,
    query: Query,
    columns: Vec<(Ident, Expr)>,
}

impl Rewriter<'_> {
    pub(super) fn applies(&mut self, query: &mut Query) -> Result<(), RewriteError> {
        let SetExpr::Select(select) = &mut *query.body else {
            return Ok(());
        };
        let rows = taken(select);
        if rows.is_empty() {
            return Ok(());
        }
        self.name_items(select)?;
        // A later one may use the columns of an earlier one.
        for row in rows.iter().rev() {
            if !row.outer {
                let exists = Expr::Exists {
                    subquery: Box::new(row.query.clone()),
                    negated: false,
                };
                select.selection = and(select.selection.take(), Some(exists));
            }
            let mut uses = Uses {
                row,
                used: vec![0; row.columns.len()],
            };
            let mut flow = select.visit(&mut uses);
            if flow.is_continue() {
                flow = query.order_by.visit(&mut uses);
            }
            if flow.is_break() {
                return Err(self.too_large(format!(
                    "the columns of {} are used more than {USES_MAX} times",
                    row.alias
                )));
            }
            if uses.used.iter().filter(|times| **times > 0).count() > 1 {
                self.note(
                    row.alias.span,
                    format!(
                        "the columns of {} come from a query each: rows that its ORDER BY leaves equal may differ",
                        row.alias
                    ),
                );
            }
        }
        Ok(())
    }

    /// A column that becomes a query keeps its name.
    fn name_items(&self, select: &mut Select) -> Result<(), RewriteError> {
        for item in &mut select.projection {
            match item {
                SelectItem::UnnamedExpr(Expr::CompoundIdentifier(idents)) => {
                    if let Some(alias) = idents.last().cloned() {
                        let expr = Expr::CompoundIdentifier(std::mem::take(idents));
                        *item = SelectItem::ExprWithAlias { expr, alias };
                    }
                }
                SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. } => {}
                _ => {
                    return Err(self.unsupported(self.span, "* beside APPLY", "name the columns"));
                }
            }
        }
        Ok(())
    }
}

/// Takes the rows out of FROM.
fn taken(select: &mut Select) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in &mut select.from {
        table.joins.retain(|join| match row_of(join) {
            Some(row) => {
                rows.push(row);
                false
            }
            None => true,
        });
    }
    rows
}

fn row_of(join: &Join) -> Option<Row> {
    let outer = match join.join_operator {
        JoinOperator::OuterApply => true,
        JoinOperator::CrossApply => false,
        _ => return None,
    };
    let TableFactor::Derived {
        subquery,
        alias: Some(alias),
        ..
    } = &join.relation
    else {
        return None;
    };
    let SetExpr::Select(select) = &*subquery.body else {
        return None;
    };
    let plain = alias.columns.is_empty()
        && subquery.with.is_none()
        && subquery.limit_clause.is_none()
        && subquery.fetch.is_none()
        && select.distinct.is_none();
    // Copies of copies would have no end.
    if !plain || !is_top_one(select) || mentions(&subquery.to_string(), "APPLY") {
        return None;
    }
    let order = subquery.order_by.as_ref().map(ToString::to_string);
    let columns = select.projection.iter().map(|item| match item {
        SelectItem::UnnamedExpr(expr @ Expr::Identifier(name)) => {
            Some((name.clone(), expr.clone()))
        }
        SelectItem::UnnamedExpr(expr @ Expr::CompoundIdentifier(idents)) => {
            Some((idents.last()?.clone(), expr.clone()))
        }
        // ORDER BY means the alias, which goes.
        SelectItem::ExprWithAlias { alias, .. }
            if order
                .as_ref()
                .is_some_and(|order| mentions(order, &alias.value)) =>
        {
            None
        }
        SelectItem::ExprWithAlias { expr, alias } => Some((alias.clone(), expr.clone())),
        _ => None,
    });
    Some(Row {
        outer,
        alias: alias.name.clone(),
        query: (**subquery).clone(),
        columns: columns.collect::<Option<_>>()?,
    })
}

fn is_top_one(select: &Select) -> bool {
    select.top.as_ref().is_some_and(|top| {
        let one = match &top.quantity {
            Some(TopQuantity::Constant(count)) => *count == 1,
            Some(TopQuantity::Expr(count)) => count.to_string().trim_matches(['(', ')']) == "1",
            None => false,
        };
        one && !top.percent && !top.with_ties
    })
}

/// Puts a row's columns where they are used.
struct Uses<'a> {
    row: &'a Row,
    /// By column.
    used: Vec<usize>,
}

impl VisitorMut for Uses<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::CompoundIdentifier(idents) = expr else {
            return ControlFlow::Continue(());
        };
        let [table, column] = idents.as_slice() else {
            return ControlFlow::Continue(());
        };
        if !same(&table.value, &self.row.alias.value) {
            return ControlFlow::Continue(());
        }
        let columns = self.row.columns.iter().zip(&mut self.used);
        for ((name, value), used) in columns {
            if !same(&name.value, &column.value) {
                continue;
            }
            *used += 1;
            let mut query = self.row.query.clone();
            if let SetExpr::Select(select) = &mut *query.body {
                select.projection = vec![SelectItem::UnnamedExpr(value.clone())];
            }
            *expr = Expr::Subquery(Box::new(query));
            break;
        }
        match self.used.iter().sum::<usize>() > USES_MAX {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}
