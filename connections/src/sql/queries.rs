//! Queries: TOP and OFFSET, the order of NULL, aliases, what FROM may name.

use sqlparser::ast::{
    Expr, GroupByExpr, Ident, JoinOperator, LimitClause, ObjectName, OrderByExpr, OrderByKind,
    OutputClause, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TableAlias,
    TableFactor, TopQuantity, Values, WindowType,
};

use super::{
    Dialect,
    error::RewriteError,
    names::local,
    rewriter::{Rewriter, parts, raw, same},
    unions::unwrap_parentheses,
    words::quoted,
};

impl Rewriter<'_> {
    /// Before the parts of a query are visited.
    pub(super) fn query(&mut self, query: &mut Query) -> Result<(), RewriteError> {
        if let Some(clause) = &query.for_clause {
            return Err(self.unsupported(
                self.span,
                format!("{clause}"),
                "build the document in the data flow",
            ));
        }
        if let Some(with) = &query.with {
            let names = with
                .cte_tables
                .iter()
                .map(|cte| cte.alias.name.value.clone());
            self.locals.extend(names);
            self.mark_recursive(query);
        }
        unwrap_parentheses(query, self.to);
        if self.to == Dialect::Sqlite {
            self.applies(query)?;
        }
        self.top(query)?;
        self.offset(query);
        if let Some(order_by) = &mut query.order_by
            && let OrderByKind::Expressions(expressions) = &mut order_by.kind
        {
            self.nulls(expressions);
        }
        Ok(())
    }

    /// T-SQL has no word RECURSIVE; a query that names itself is.
    fn mark_recursive(&self, query: &mut Query) {
        let Some(with) = &mut query.with else {
            return;
        };
        let recursive = with.cte_tables.iter().any(|cte| {
            let name = cte.alias.name.value.to_ascii_lowercase();
            matches!(*cte.query.body, SetExpr::SetOperation { .. })
                && mentions(&cte.query.to_string(), &name)
        });
        with.recursive |= recursive;
    }

    /// `SELECT TOP 5` is `LIMIT 5`.
    fn top(&mut self, query: &mut Query) -> Result<(), RewriteError> {
        let has_limit = query.limit_clause.is_some() || query.fetch.is_some();
        match &mut *query.body {
            SetExpr::Select(select) => {
                let Some(limit) = self.take_top(select)? else {
                    return Ok(());
                };
                if has_limit {
                    return Err(self.unsupported(
                        self.span,
                        "TOP beside OFFSET",
                        "use one of them",
                    ));
                }
                query.limit_clause = Some(limit_of(limit));
                Ok(())
            }
            SetExpr::SetOperation { left, right, .. } => {
                self.top_of_side(left)?;
                self.top_of_side(right)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn take_top(&mut self, select: &mut Select) -> Result<Option<Expr>, RewriteError> {
        let Some(top) = select.top.take() else {
            return Ok(None);
        };
        let span = select.select_token.0.span;
        if top.with_ties {
            return Err(self.unsupported(
                span,
                "TOP … WITH TIES",
                "compare with RANK() in a query around it",
            ));
        }
        let quantity = match top.quantity {
            Some(TopQuantity::Constant(count)) => raw(count.to_string()),
            Some(TopQuantity::Expr(Expr::Nested(inner))) => *inner,
            Some(TopQuantity::Expr(expr)) => expr,
            None => return Ok(None),
        };
        if !top.percent {
            return Ok(Some(quantity));
        }
        if quantity.to_string() == "100" {
            self.note(span, "TOP 100 PERCENT is all rows");
            return Ok(None);
        }
        Err(self.unsupported(span, "TOP … PERCENT", "use the number of rows"))
    }

    /// `OFFSET 5 ROWS FETCH NEXT 10 ROWS ONLY` is `LIMIT 10 OFFSET 5`.
    fn offset(&self, query: &mut Query) {
        let fetch = query.fetch.take().and_then(|fetch| fetch.quantity);
        let offset = match query.limit_clause.take() {
            Some(LimitClause::LimitOffset {
                limit: None,
                offset: Some(offset),
                ..
            }) => offset,
            other => {
                query.limit_clause = other;
                return;
            }
        };
        let all = match self.to {
            Dialect::Sqlite => Some("-1"),
            Dialect::MySql => Some("18446744073709551615"),
            _ => None,
        };
        query.limit_clause = Some(LimitClause::LimitOffset {
            limit: fetch.or_else(|| all.map(raw)),
            offset: Some(sqlparser::ast::Offset {
                value: offset.value,
                rows: sqlparser::ast::OffsetRows::None,
            }),
            limit_by: Vec::new(),
        });
    }

    /// NULL is the smallest value in T-SQL.
    pub(super) fn nulls(&self, expressions: &mut [OrderByExpr]) {
        if !matches!(self.to, Dialect::Postgres | Dialect::DuckDb) {
            return;
        }
        for order in expressions {
            if !matches!(order.expr, Expr::Subquery(_)) {
                order.options.nulls_first = Some(order.options.asc != Some(false));
            }
        }
    }

    pub(super) fn select(&mut self, select: &mut Select) -> Result<(), RewriteError> {
        if select.into.is_some() {
            return Err(self.unsupported(
                self.span,
                "INTO within a query",
                "write SELECT … INTO by itself",
            ));
        }
        let to = self.to;
        for item in &mut select.projection {
            match item {
                SelectItem::ExprWithAlias { alias, .. } => alias_name(alias, to),
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    _,
                ) => self.table_name(name)?,
                _ => {}
            }
        }
        if let GroupByExpr::Expressions(_, modifiers) = &select.group_by
            && !modifiers.is_empty()
            && !matches!(self.to, Dialect::Postgres | Dialect::DuckDb)
        {
            return Err(self.unsupported(
                self.span,
                "GROUP BY … WITH ROLLUP or CUBE",
                "aggregate in the data flow",
            ));
        }
        for table in &mut select.from {
            for join in &mut table.joins {
                self.join_operator(&mut join.join_operator, &mut join.relation)?;
            }
        }
        Ok(())
    }

    /// CROSS APPLY of a query is a lateral join.
    fn join_operator(
        &mut self,
        operator: &mut JoinOperator,
        relation: &mut TableFactor,
    ) -> Result<(), RewriteError> {
        let outer = match operator {
            JoinOperator::CrossApply => false,
            JoinOperator::OuterApply => true,
            _ => return Ok(()),
        };
        let word = if outer { "OUTER APPLY" } else { "CROSS APPLY" };
        match relation {
            TableFactor::Derived { lateral, .. } if self.to != Dialect::Sqlite => {
                *lateral = true;
                let always = sqlparser::ast::JoinConstraint::On(raw("1 = 1"));
                *operator = if outer {
                    JoinOperator::LeftOuter(always)
                } else {
                    JoinOperator::Inner(always)
                };
                Ok(())
            }
            // A list of values or expressions that names no other table is a plain join.
            _ => Err(self.unsupported(self.span, word, "join, or use a Lookup in the data flow")),
        }
    }

    pub(super) fn table_factor(&mut self, table: &mut TableFactor) -> Result<(), RewriteError> {
        if let TableFactor::Table {
            alias: Some(alias), ..
        }
        | TableFactor::Derived {
            alias: Some(alias), ..
        } = table
        {
            alias.name = local(alias.name.clone(), self.to);
        }
        match table {
            TableFactor::Table { .. } => self.plain_table(table),
            TableFactor::Derived {
                subquery, alias, ..
            } => {
                if self.to == Dialect::Sqlite
                    && let Some(alias) = alias
                    && !alias.columns.is_empty()
                {
                    name_columns(subquery, alias).ok_or_else(|| {
                        self.unsupported(
                            self.span,
                            "names of columns behind a query",
                            "name them within it",
                        )
                    })?;
                }
                Ok(())
            }
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => {
                for join in &mut table_with_joins.joins {
                    self.join_operator(&mut join.join_operator, &mut join.relation)?;
                }
                Ok(())
            }
            TableFactor::Pivot { .. } => {
                self.pivot(table)?;
                self.table_factor(table)
            }
            TableFactor::Unpivot { .. } => Err(self.unsupported(
                self.span,
                "UNPIVOT",
                "use the Unpivot transformation, or UNION ALL",
            )),
            other => Err(self.unsupported(
                self.span,
                format!(
                    "the table {}",
                    super::expressions::short(&other.to_string())
                ),
                "read a table",
            )),
        }
    }

    fn plain_table(&self, table: &mut TableFactor) -> Result<(), RewriteError> {
        let TableFactor::Table {
            name,
            alias,
            args,
            with_hints,
            version,
            sample,
            ..
        } = table
        else {
            return Ok(());
        };
        if args.is_some() {
            return Err(self.unsupported(
                self.span,
                format!("the table function {name}"),
                "read a table",
            ));
        }
        if version.is_some() || sample.is_some() {
            return Err(self.unsupported(
                self.span,
                "FOR SYSTEM_TIME or TABLESAMPLE",
                "filter by columns",
            ));
        }
        with_hints.clear();
        // Columns are called by the table's name, which the alias keeps.
        if self.to == Dialect::Sqlite && alias.is_none() && is_of_schema(name) {
            *alias = parts(name)
                .last()
                .map(|table| plain_alias((*table).clone()));
        }
        Ok(())
    }

    /// OUTPUT of inserted or deleted columns is RETURNING.
    pub(super) fn output(
        &self,
        output: Option<OutputClause>,
        row: &str,
    ) -> Result<Option<Vec<SelectItem>>, RewriteError> {
        let mut items = match output {
            None => return Ok(None),
            Some(OutputClause::Output {
                select_items,
                into_table: None,
                ..
            }) if self.to != Dialect::MySql => select_items,
            Some(other) => {
                return Err(self.unsupported(
                    self.span,
                    super::expressions::short(&other.to_string()),
                    "read the rows with a query of its own",
                ));
            }
        };
        for item in &mut items {
            let taken = match item {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                    match expr {
                        Expr::CompoundIdentifier(idents)
                            if idents.len() == 2
                                && idents.first().is_some_and(|table| same(&table.value, row)) =>
                        {
                            idents.remove(0);
                            *expr = idents.pop().map_or_else(|| raw("*"), Expr::Identifier);
                            true
                        }
                        Expr::Value(_) => true,
                        _ => false,
                    }
                }
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    options,
                ) if same(&name.to_string(), row) => {
                    *item = SelectItem::Wildcard(options.clone());
                    true
                }
                _ => false,
            };
            if !taken {
                return Err(self.unsupported(
                    self.span,
                    format!("OUTPUT {item}"),
                    format!("return columns of {row} only"),
                ));
            }
        }
        Ok(Some(items))
    }

    /// The order within OVER.
    pub(super) fn window(&self, window: &mut Option<WindowType>) {
        if let Some(WindowType::WindowSpec(spec)) = window {
            self.nulls(&mut spec.order_by);
        }
    }
}

pub(super) fn limit_of(limit: Expr) -> LimitClause {
    LimitClause::LimitOffset {
        limit: Some(limit),
        offset: None,
        limit_by: Vec::new(),
    }
}

/// A query that is this body alone.
pub(super) fn plain(body: Box<SetExpr>) -> Query {
    Query {
        with: None,
        body,
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}

pub(super) fn no_values() -> Values {
    Values {
        explicit_row: false,
        value_keyword: false,
        rows: Vec::new(),
    }
}

/// `SELECT * FROM (query) AS name`.
pub(super) fn all_of(query: Query, name: &str) -> Select {
    let table = TableFactor::Derived {
        lateral: false,
        subquery: Box::new(query),
        alias: Some(plain_alias(Ident::new(name))),
        sample: None,
    };
    select_from(
        vec![SelectItem::Wildcard(Default::default())],
        vec![sqlparser::ast::TableWithJoins {
            relation: table,
            joins: Vec::new(),
        }],
        None,
    )
}

/// `SELECT items FROM tables WHERE condition`.
pub(super) fn select_from(
    projection: Vec<SelectItem>,
    from: Vec<sqlparser::ast::TableWithJoins>,
    selection: Option<Expr>,
) -> Select {
    Select {
        select_token: sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
        optimizer_hints: Vec::new(),
        distinct: None,
        select_modifiers: None,
        top: None,
        top_before_distinct: false,
        projection,
        exclude: None,
        into: None,
        from,
        lateral_views: Vec::new(),
        prewhere: None,
        selection,
        connect_by: Vec::new(),
        group_by: GroupByExpr::Expressions(Vec::new(), Vec::new()),
        cluster_by: Vec::new(),
        distribute_by: Vec::new(),
        sort_by: Vec::new(),
        having: None,
        named_window: Vec::new(),
        qualify: None,
        window_before_qualify: false,
        value_table_mode: None,
        flavor: sqlparser::ast::SelectFlavor::Standard,
    }
}

pub(super) fn plain_alias(name: Ident) -> TableAlias {
    TableAlias {
        explicit: true,
        name,
        columns: Vec::new(),
        at: None,
    }
}

/// A schema that SQLite makes a part of the name.
fn is_of_schema(name: &ObjectName) -> bool {
    let idents = parts(name);
    match idents.as_slice() {
        [.., schema, _] => !schema.value.is_empty() && !same(&schema.value, "dbo"),
        _ => false,
    }
}

/// T-SQL takes a text as an alias.
fn alias_name(alias: &mut Ident, to: Dialect) {
    if alias.quote_style == Some('\'') {
        let (value, quote_style) = quoted(&alias.value.replace("''", "'"), to);
        alias.value = value;
        alias.quote_style = quote_style;
    }
}

/// Puts the names behind a derived table into it.
fn name_columns(query: &mut Query, alias: &mut TableAlias) -> Option<()> {
    let names: Vec<Ident> = alias
        .columns
        .iter()
        .map(|column| column.name.clone())
        .collect();
    match &mut *query.body {
        SetExpr::Values(values) => {
            if values.rows.iter().any(|row| row.len() != names.len()) {
                return None;
            }
            let items =
                names
                    .into_iter()
                    .zip(1..)
                    .map(|(alias, number)| SelectItem::ExprWithAlias {
                        expr: raw(format!("column{number}")),
                        alias,
                    });
            let inner = plain(Box::new(SetExpr::Values(values.clone())));
            let mut select = all_of(inner, "listed");
            select.projection = items.collect();
            *query.body = SetExpr::Select(Box::new(select));
        }
        SetExpr::Select(select) if select.projection.len() == names.len() => {
            for (item, alias) in select.projection.iter_mut().zip(names) {
                let expr = match item {
                    SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                        expr.clone()
                    }
                    _ => return None,
                };
                *item = SelectItem::ExprWithAlias { expr, alias };
            }
        }
        _ => return None,
    }
    alias.columns.clear();
    Some(())
}

/// Whether a text has a word.
pub(super) fn mentions(text: &str, word: &str) -> bool {
    text.split(|character: char| {
        !character.is_alphanumeric() && !matches!(character, '_' | '#' | '@' | '$')
    })
    .any(|found| found.eq_ignore_ascii_case(word))
}
