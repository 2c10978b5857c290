//! The sides of a UNION: limited by themselves, and without parentheses where the target takes none.

use sqlparser::ast::{Query, SetExpr};

use super::{
    Dialect,
    error::RewriteError,
    queries::{all_of, limit_of, no_values, plain},
    rewriter::Rewriter,
};

impl Rewriter<'_> {
    /// A side of a UNION is limited by itself. Sides on the left may be many.
    pub(super) fn top_of_side(&mut self, side: &mut Box<SetExpr>) -> Result<(), RewriteError> {
        let mut next = side;
        while matches!(**next, SetExpr::SetOperation { .. }) {
            let SetExpr::SetOperation { left, right, .. } = &mut **next else {
                return Ok(());
            };
            self.limit_side(right)?;
            next = left;
        }
        self.limit_side(next)
    }

    fn limit_side(&mut self, side: &mut Box<SetExpr>) -> Result<(), RewriteError> {
        let SetExpr::Select(select) = &mut **side else {
            return Ok(());
        };
        let Some(limit) = self.take_top(select)? else {
            return Ok(());
        };
        // `(SELECT … LIMIT n)` is no side of a UNION in SQLite; a table in FROM may be limited everywhere.
        let inner = Query {
            limit_clause: Some(limit_of(limit)),
            ..plain(std::mem::replace(
                side,
                Box::new(SetExpr::Values(no_values())),
            ))
        };
        **side = SetExpr::Select(Box::new(all_of(inner, "limited")));
        Ok(())
    }
}

/// SQLite takes no parentheses around the sides of a UNION, nor around the query of an INSERT.
pub(super) fn unwrap_parentheses(query: &mut Query, to: Dialect) {
    let bare = query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none()
        && query.with.is_none();
    if let SetExpr::Query(inner) = &mut *query.body
        && bare
    {
        let inner = std::mem::replace(&mut **inner, plain(Box::new(SetExpr::Values(no_values()))));
        *query = inner;
    }
    if to != Dialect::Sqlite {
        return;
    }
    let mut side = &mut query.body;
    while let SetExpr::SetOperation { left, right, .. } = &mut **side {
        unwrap_side(right);
        unwrap_side(left);
        side = left;
    }
}

fn unwrap_side(side: &mut Box<SetExpr>) {
    let SetExpr::Query(inner) = &mut **side else {
        return;
    };
    let inner = std::mem::replace(&mut **inner, plain(Box::new(SetExpr::Values(no_values()))));
    let single = inner.order_by.is_none()
        && inner.limit_clause.is_none()
        && inner.fetch.is_none()
        && inner.with.is_none();
    **side = match *inner.body {
        SetExpr::Select(select) if single && select.top.is_none() => SetExpr::Select(select),
        body => SetExpr::Select(Box::new(all_of(
            Query {
                body: Box::new(body),
                ..inner
            },
            "side",
        ))),
    };
}
