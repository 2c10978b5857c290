//! Where rows go that are inserted through the rowset of a query: the table and the columns of a plain SELECT.

use sqlparser::{
    ast::{Expr, GroupByExpr, Ident, Query, Select, SelectItem, SetExpr, Statement, TableFactor},
    parser::Parser,
};

use super::{dialect::T_SQL, rewriter::parts, tokens};

/// The target of a query's rowset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsetTarget {
    /// Database, schema and table, as many as are named.
    pub table: Vec<String>,
    /// For each column of the rowset its name there and in the table; `None` for all columns of the table.
    pub columns: Option<Vec<(String, String)>>,
}

/// Why no rows can be inserted through a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTarget {
    #[error("the SQL command cannot be read: {0}")]
    Unreadable(String),
    #[error("the SQL command is not one SELECT")]
    NoQuery,
    #[error("the SQL command has {0}")]
    NotPlain(&'static str),
    #[error("the SQL command selects `{0}`, which is no column of its table")]
    NoColumn(String),
}

/// Finds the target of `SELECT columns FROM table`; a condition and an order say nothing of rows that are inserted.
///
/// # Errors
/// Anything else.
pub fn rowset_target(text: &str) -> Result<RowsetTarget, NoTarget> {
    let unreadable = |reason: String| NoTarget::Unreadable(reason);
    let tokens = tokens::read(text).map_err(|_| unreadable("its quotes or brackets".to_owned()))?;
    let mut parser = Parser::new(&T_SQL).with_tokens_with_locations(tokens);
    let parsed = parser.parse_statements();
    let parsed = parsed.map_err(|error| unreadable(error.to_string()))?;
    let [Statement::Query(query)] = parsed.as_slice() else {
        return Err(NoTarget::NoQuery);
    };
    let select = plain_select(query)?;
    let [from] = select.from.as_slice() else {
        return Err(NoTarget::NotPlain("several tables, or none"));
    };
    if !from.joins.is_empty() {
        return Err(NoTarget::NotPlain("a join"));
    }
    let TableFactor::Table {
        name, args: None, ..
    } = &from.relation
    else {
        return Err(NoTarget::NotPlain("something else than a table after FROM"));
    };
    let table = parts(name).iter().map(|part| plain(part)).collect();
    let columns = match select.projection.as_slice() {
        [SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)] => None,
        items => Some(items.iter().map(column).collect::<Result<_, _>>()?),
    };
    Ok(RowsetTarget { table, columns })
}

fn plain_select(query: &Query) -> Result<&Select, NoTarget> {
    let SetExpr::Select(select) = &*query.body else {
        return Err(NoTarget::NotPlain("a set operation, or no SELECT"));
    };
    let grouped =
        !matches!(&select.group_by, GroupByExpr::Expressions(groups, _) if groups.is_empty());
    let found = [
        (query.with.is_some(), "WITH"),
        (grouped || select.having.is_some(), "groups"),
        (select.distinct.is_some(), "DISTINCT"),
        (
            select.top.is_some() || query.limit_clause.is_some() || query.fetch.is_some(),
            "TOP or OFFSET",
        ),
        (select.into.is_some(), "INTO"),
    ];
    match found.into_iter().find(|(is, _)| *is) {
        Some((_, what)) => Err(NoTarget::NotPlain(what)),
        None => Ok(select),
    }
}

/// A column's name in the rowset and in the table.
fn column(item: &SelectItem) -> Result<(String, String), NoTarget> {
    let no_column = || NoTarget::NoColumn(item.to_string());
    let of = |expr: &Expr| match expr {
        Expr::Identifier(name) => Some(plain(name)),
        Expr::CompoundIdentifier(names) => names.last().map(plain),
        _ => None,
    };
    match item {
        SelectItem::UnnamedExpr(expr) => {
            let name = of(expr).ok_or_else(no_column)?;
            Ok((name.clone(), name))
        }
        SelectItem::ExprWithAlias { expr, alias } => {
            Ok((plain(alias), of(expr).ok_or_else(no_column)?))
        }
        _ => Err(no_column()),
    }
}

/// A name without its quotes, which stand doubled within it.
fn plain(name: &Ident) -> String {
    match name.quote_style {
        Some('[') => name.value.replace("]]", "]"),
        Some(quote) => name
            .value
            .replace(&format!("{quote}{quote}"), &quote.to_string()),
        None => name.value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match rowset_target(text) {
            Ok(target) => {
                let columns = target.columns.map(|columns| {
                    let pairs = columns
                        .iter()
                        .map(|(name, column)| format!("{name}={column}"));
                    pairs.collect::<Vec<_>>().join(" ")
                });
                format!(
                    "{}: {}",
                    target.table.join("."),
                    columns.unwrap_or_else(|| "*".to_owned())
                )
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn targets_of_queries() {
        let cases = [
            (
                "select a, [b c] as d from dbo.[My Table] where 1 = 0 order by a",
                "dbo.My Table: a=a d=b c",
            ),
            (
                "SELECT t.a FROM Shop.dbo.t t WITH (NOLOCK);",
                "Shop.dbo.t: a=a",
            ),
            ("SELECT * FROM t", "t: *"),
            ("SELECT [a]]b] FROM \"x\"\"y\"", "x\"y: a]b=a]b"),
            (
                "SELECT a + 1 FROM t",
                "the SQL command selects `a + 1`, which is no column of its table",
            ),
            (
                "SELECT a FROM t JOIN s ON s.a = t.a",
                "the SQL command has a join",
            ),
            (
                "SELECT a FROM t, s",
                "the SQL command has several tables, or none",
            ),
            (
                "SELECT a FROM t UNION ALL SELECT a FROM s",
                "the SQL command has a set operation, or no SELECT",
            ),
            ("SELECT TOP 5 a FROM t", "the SQL command has TOP or OFFSET"),
            ("SELECT DISTINCT a FROM t", "the SQL command has DISTINCT"),
            ("SELECT a FROM t GROUP BY a", "the SQL command has groups"),
            (
                "SELECT a FROM (SELECT a FROM t) s",
                "the SQL command has something else than a table after FROM",
            ),
            ("DELETE FROM t", "the SQL command is not one SELECT"),
            (
                "SELECT a FROM t; SELECT b FROM t",
                "the SQL command is not one SELECT",
            ),
            ("", "the SQL command is not one SELECT"),
        ];
        for (text, wanted) in cases {
            assert_eq!(shown(text), wanted, "{text}");
        }
        assert!(shown("SELEC a").starts_with("the SQL command cannot be read: "));
        assert!(shown(&"(".repeat(100_000)).starts_with("the SQL command cannot be read"));
    }
}
