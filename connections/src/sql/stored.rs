//! Scripts for SQLite whose variables change as they run: values are kept in a table, IF and WHILE run their statements.
//!
//! ```text
//!  DECLARE @n int = 1             INSERT OR REPLACE INTO tsql_variables ('@n', NULL) ;; UPDATE tsql_variables SET value = 1 ...
//!  WHILE @n < 9 SET @n = @n + 1   INSERT INTO tsql_rounds SELECT tsql_while('SELECT ... < 9', 'UPDATE tsql_variables ...')
//! ```
//!
//! Where values can be put in the place of variables (`variables`) they are: this is for what is refused there.

use sqlparser::{
    ast::{
        BinaryOperator, Expr, GroupByExpr, Ident, Query, SelectItem, SetExpr, Statement as Tree,
        Value,
    },
    keywords::Keyword,
    parser::Parser,
};

use super::{
    Kind,
    assignments::{has_rows, single_value},
    dialect::T_SQL,
    error::RewriteError,
    expressions::and,
    markers,
    queries::{mentions, plain, select_from},
    script::Script,
};

/// Made before the first statement.
const TABLES: [&str; 3] = [
    "CREATE TEMP TABLE IF NOT EXISTS tsql_variables (name TEXT COLLATE NOCASE PRIMARY KEY, value)",
    "CREATE TEMP TABLE IF NOT EXISTS tsql_rounds (rounds INTEGER)",
    "DELETE FROM temp.tsql_variables",
];

/// The value of a variable as it stands.
pub(super) fn stored_value(name: &str) -> Option<Expr> {
    let text = format!("(SELECT value FROM tsql_variables WHERE name = '{name}')");
    Parser::new(&T_SQL)
        .try_with_sql(&text)
        .and_then(|mut parser| parser.parse_expr())
        .ok()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Script<'_> {
    pub(super) fn make_tables(&mut self) {
        let tables = TABLES.iter().map(|text| ((*text).to_owned(), Kind::Other));
        self.printed.extend(tables);
    }

    pub(super) fn declare_stored(&mut self, name: &Ident, depth: usize) {
        let or = if depth == 0 { "REPLACE" } else { "IGNORE" };
        let name = quoted(&name.value);
        self.printed.push((
            format!("INSERT OR {or} INTO temp.tsql_variables VALUES ({name}, NULL)"),
            Kind::Other,
        ));
    }

    /// Sets a variable, if `exists` has a row.
    pub(super) fn assign_stored(
        &mut self,
        start: usize,
        name: &Ident,
        value: Expr,
        exists: Option<Query>,
    ) -> Result<(), RewriteError> {
        if !self.variables.is_declared(&name.value) {
            return Err(self.refuse(
                start,
                format!("a value for the parameter {name}"),
                "declare the variable in the batch",
            ));
        }
        let template = "UPDATE tsql_variables SET value = NULL WHERE name = NULL";
        let mut tree = Parser::parse_sql(&T_SQL, template).unwrap_or_default();
        let Some(Tree::Update(update)) = tree.first_mut() else {
            return Err(self.refuse(start, "SET", "decide in the package"));
        };
        if let Some(assignment) = update.assignments.first_mut() {
            assignment.value = value;
        }
        let named = Expr::BinaryOp {
            left: Box::new(Expr::Identifier(Ident::new("name"))),
            op: BinaryOperator::Eq,
            right: Box::new(Expr::Value(
                Value::SingleQuotedString(name.value.clone()).into(),
            )),
        };
        let exists = exists.map(|query| Expr::Exists {
            subquery: Box::new(query),
            negated: false,
        });
        update.selection = and(Some(named), exists);
        for tree in tree {
            self.finish(tree, start)?;
        }
        Ok(())
    }

    /// `SELECT @a = x FROM t`: the value of a row, if there is one.
    pub(super) fn select_stored(
        &mut self,
        start: usize,
        query: &Query,
        assignments: Vec<(Ident, Expr)>,
    ) -> Result<(), RewriteError> {
        for (name, value) in assignments {
            if !has_rows(query) {
                self.assign_stored(start, &name, value, None)?;
                continue;
            }
            if let Some(value) = single_value(query, value.clone()) {
                self.assign_stored(start, &name, value, None)?;
                continue;
            }
            let of_row = of_row(query, &value)
                .filter(|_| !mentions(&value.to_string(), &name.value))
                .ok_or_else(|| {
                    self.refuse(
                        start,
                        format!("SELECT {name} = … of rows in an order, or of itself"),
                        "read the value with a query of its own, into a variable of the package",
                    )
                })?;
            let value = Expr::Subquery(Box::new(of_row.clone()));
            self.assign_stored(start, &name, value, Some(of_row))?;
        }
        Ok(())
    }

    pub(super) fn conditional_stored(
        &mut self,
        start: usize,
        condition: Expr,
        depth: usize,
    ) -> Result<Vec<Tree>, RewriteError> {
        let condition = self.condition_text(start, condition)?;
        let then = self.printed_branch(start, depth)?;
        let otherwise = match self.parser.parse_keyword(Keyword::ELSE) {
            true => self.printed_branch(start, depth)?,
            false => String::new(),
        };
        let (then, otherwise) = (quoted(&then), quoted(&otherwise));
        self.printed.push((
            format!("INSERT INTO tsql_rounds SELECT tsql_if({condition}, {then}, {otherwise})"),
            Kind::Other,
        ));
        Ok(Vec::new())
    }

    pub(super) fn repeated(&mut self, depth: usize) -> Result<Vec<Tree>, RewriteError> {
        let start = self.parser.index();
        self.parser.advance_token();
        let condition = self.parser.parse_expr();
        let condition = condition.map_err(|error| self.unreadable(start, &error))?;
        let condition = self.condition_text(start, condition)?;
        let body = quoted(&self.printed_branch(start, depth)?);
        self.printed.push((
            format!("INSERT INTO tsql_rounds SELECT tsql_while({condition}, {body})"),
            Kind::Other,
        ));
        Ok(Vec::new())
    }

    /// A query of the condition, as a text in quotes.
    fn condition_text(&mut self, start: usize, condition: Expr) -> Result<String, RewriteError> {
        let holds = SelectItem::UnnamedExpr(Expr::Identifier(Ident::new("1")));
        let select = select_from(vec![holds], Vec::new(), Some(condition));
        let select = plain(Box::new(SetExpr::Select(Box::new(select))));
        let exists = Expr::Exists {
            subquery: Box::new(select),
            negated: false,
        };
        let select = select_from(vec![SelectItem::UnnamedExpr(exists)], Vec::new(), None);
        let tree = Tree::Query(Box::new(plain(Box::new(SetExpr::Select(Box::new(select))))));
        let outer = std::mem::take(&mut self.printed);
        let done = self.finish(tree, start);
        let printed = std::mem::replace(&mut self.printed, outer);
        done?;
        let texts: Vec<String> = printed.into_iter().map(|(text, _)| text).collect();
        let text = texts.join("; ");
        self.check_bound(start, &text)?;
        Ok(quoted(&text))
    }

    /// The statements of a branch or a body.
    fn printed_branch(&mut self, start: usize, depth: usize) -> Result<String, RewriteError> {
        let outer = std::mem::take(&mut self.printed);
        let done = self.branch(depth).and_then(|trees| {
            let mut trees = trees.into_iter();
            trees.try_for_each(|tree| self.finish(tree, start))
        });
        let printed = std::mem::replace(&mut self.printed, outer);
        done?;
        let mut texts = Vec::with_capacity(printed.len());
        for (text, kind) in printed {
            if kind == Kind::Query {
                return Err(self.refuse(
                    start,
                    "a query within IF or WHILE",
                    "put the rows into a temporary table, and read it behind",
                ));
            }
            self.check_bound(start, &text)?;
            texts.push(text);
        }
        Ok(texts.join(";\n"))
    }

    fn check_bound(&self, start: usize, text: &str) -> Result<(), RewriteError> {
        match markers::renumber(text, self.to).1.is_empty() {
            true => Ok(()),
            false => Err(self.refuse(
                start,
                "a parameter within IF or WHILE",
                "put it into a variable before",
            )),
        }
    }
}

/// The query of a value of any row; none where it matters which.
fn of_row(query: &Query, value: &Expr) -> Option<Query> {
    let SetExpr::Select(select) = &*query.body else {
        return None;
    };
    let grouped =
        !matches!(&select.group_by, GroupByExpr::Expressions(groups, _) if groups.is_empty());
    if grouped
        || query.with.is_some()
        || query.order_by.is_some()
        || select.having.is_some()
        || select.top.is_some()
        || select.distinct.is_some()
    {
        return None;
    }
    let inner = select_from(
        vec![SelectItem::UnnamedExpr(value.clone())],
        select.from.clone(),
        select.selection.clone(),
    );
    Some(plain(Box::new(SetExpr::Select(Box::new(inner)))))
}
