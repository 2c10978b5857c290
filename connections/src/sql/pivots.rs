//! PIVOT: an aggregate of CASE for each value, grouped by the columns that it does not name.
//!
//! ```text
//!  FROM (SELECT a, b, v FROM t) s PIVOT (SUM(v) FOR b IN ([x], [y])) p
//!  FROM (SELECT a, SUM(CASE WHEN CAST(b AS varchar(8000)) = 'x' THEN v END) AS x, ... FROM (SELECT a, b, v FROM t) s GROUP BY a) p
//! ```
//!
//! Which columns are left to group by is known where the rows come from a query that names its columns.

use sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, Expr, FunctionArg, FunctionArgExpr, FunctionArguments,
    GroupByExpr, Ident, PivotValueSource, Query, SelectItem, SetExpr, TableFactor, TableWithJoins,
    Value, helpers::attached_token::AttachedToken,
};

use super::{
    error::RewriteError,
    queries::{plain, select_from},
    rewriter::{Rewriter, same},
    tables::named_type,
};

impl Rewriter<'_> {
    pub(super) fn pivot(&self, table: &mut TableFactor) -> Result<(), RewriteError> {
        let TableFactor::Pivot {
            table: rows,
            aggregate_functions,
            value_column,
            value_source,
            default_on_null: None,
            alias,
        } = table
        else {
            return Err(self.no_pivot("PIVOT with DEFAULT ON NULL"));
        };
        let columns = match &**rows {
            TableFactor::Derived { subquery, .. } => named_columns(subquery),
            _ => None,
        };
        let columns =
            columns.ok_or_else(|| self.no_pivot("PIVOT of rows whose columns are not named"))?;
        let ([aggregate], [column], PivotValueSource::List(values)) = (
            aggregate_functions.as_slice(),
            value_column.as_slice(),
            &*value_source,
        ) else {
            return Err(self.no_pivot("PIVOT"));
        };
        let of = column_name(column).ok_or_else(|| self.no_pivot("PIVOT"))?;
        let (value, whole) =
            value_of(&aggregate.expr).ok_or_else(|| self.no_pivot("PIVOT of this aggregate"))?;
        let left = columns.iter().filter(|name| {
            !same(&name.value, &of.value)
                && !value
                    .as_ref()
                    .is_some_and(|value| same(&name.value, &value.value))
        });
        let left: Vec<Ident> = left.cloned().collect();
        let mut items: Vec<SelectItem> = left
            .iter()
            .map(|name| SelectItem::UnnamedExpr(Expr::Identifier(name.clone())))
            .collect();
        for one in values {
            let name = column_name(&one.expr).ok_or_else(|| self.no_pivot("PIVOT"))?;
            items.push(SelectItem::ExprWithAlias {
                expr: case_of(&whole, of, name),
                alias: one.alias.clone().unwrap_or_else(|| name.clone()),
            });
        }
        let from = TableWithJoins {
            relation: (**rows).clone(),
            joins: Vec::new(),
        };
        let mut select = select_from(items, vec![from], None);
        let groups = left.into_iter().map(Expr::Identifier).collect();
        select.group_by = GroupByExpr::Expressions(groups, Vec::new());
        let alias = alias.take();
        *table = TableFactor::Derived {
            lateral: false,
            subquery: Box::new(plain(Box::new(SetExpr::Select(Box::new(select))))),
            alias,
            sample: None,
        };
        Ok(())
    }

    fn no_pivot(&self, found: &str) -> RewriteError {
        self.unsupported(
            self.span,
            found,
            "use the Pivot transformation, or CASE in aggregates",
        )
    }
}

/// The names of a query's columns, if all have one.
fn named_columns(query: &Query) -> Option<Vec<Ident>> {
    let SetExpr::Select(select) = &*query.body else {
        return None;
    };
    let names = select.projection.iter().map(|item| match item {
        SelectItem::UnnamedExpr(expr) => column_name(expr).cloned(),
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.clone()),
        _ => None,
    });
    names.collect()
}

fn column_name(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Identifier(name) => Some(name),
        Expr::CompoundIdentifier(names) => names.last(),
        _ => None,
    }
}

/// The column that is aggregated, none for `*`; and the call.
fn value_of(aggregate: &Expr) -> Option<(Option<Ident>, Expr)> {
    let Expr::Function(function) = aggregate else {
        return None;
    };
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    match list.args.as_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(value))] => {
            Some((Some(column_name(value)?.clone()), aggregate.clone()))
        }
        _ => None,
    }
}

/// The aggregate of the rows that have a value in the column.
fn case_of(aggregate: &Expr, column: &Ident, value: &Ident) -> Expr {
    let mut aggregate = aggregate.clone();
    let condition = Expr::BinaryOp {
        left: Box::new(Expr::Cast {
            kind: CastKind::Cast,
            expr: Box::new(Expr::Identifier(column.clone())),
            data_type: named_type("varchar(8000)".to_owned()),
            array: false,
            format: None,
        }),
        op: BinaryOperator::Eq,
        right: Box::new(Expr::Value(
            Value::SingleQuotedString(value.value.clone()).into(),
        )),
    };
    if let Expr::Function(function) = &mut aggregate
        && let FunctionArguments::List(list) = &mut function.args
        && let [FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))] = list.args.as_mut_slice()
    {
        *argument = Expr::Case {
            case_token: AttachedToken::empty(),
            end_token: AttachedToken::empty(),
            operand: None,
            conditions: vec![CaseWhen {
                condition,
                result: argument.clone(),
            }],
            else_result: None,
        };
    }
    aggregate
}
