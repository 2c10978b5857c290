//! IF before a statement: `DROP TABLE IF EXISTS` where it asks for the object, a condition of the rows where it asks for data.
//!
//! A condition on rows holds for the whole statement, as IF does. Of several statements the earlier ones must not touch what
//! the condition reads.

use sqlparser::ast::{
    Expr, FunctionArguments, Ident, ObjectName, ObjectType, Query, SelectItem, SetExpr,
    Statement as Tree, TableObject, TableWithJoins, UnaryOperator, Value,
};

use super::{
    Dialect,
    error::RewriteError,
    expressions::{and, short},
    kinds::argument,
    queries::{all_of, mentions, plain, select_from},
    rewriter::{Rewriter, last, same, span_of},
    rows::{bare, table_named},
};

impl Rewriter<'_> {
    /// The statements of both branches, each under its condition.
    pub(super) fn guarded(
        &mut self,
        condition: Expr,
        then: Vec<Tree>,
        otherwise: Vec<Tree>,
    ) -> Result<Vec<Tree>, RewriteError> {
        let span = span_of(&condition);
        let text = condition.to_string();
        if let Some(of) = catalog_question(&condition) {
            if empties_again(&of, &then, &otherwise) {
                let created = then
                    .into_iter()
                    .map(|tree| self.guard_object(&of, tree))
                    .collect::<Result<Vec<_>, _>>()?;
                return Ok(created.into_iter().chain(otherwise).collect());
            }
            if !otherwise.is_empty() {
                return Err(self.unsupported(
                    span,
                    "ELSE to a question about an object",
                    "make it a statement of its own",
                ));
            }
            return then
                .into_iter()
                .map(|tree| self.guard_object(&of, tree))
                .collect();
        }
        if asks_catalog(&text) {
            return Err(self.unsupported(
                span,
                format!("the condition {}", short(&text)),
                "decide in the package",
            ));
        }
        let exists = matches!(condition, Expr::Exists { .. });
        if !otherwise.is_empty() && !exists {
            return Err(self.unsupported(
                span,
                "ELSE to a condition that may be NULL",
                "use EXISTS, or decide in the package",
            ));
        }
        let reversed = reverse(&condition);
        let branches = then
            .into_iter()
            .map(|tree| (condition.clone(), tree))
            .chain(otherwise.into_iter().map(|tree| (reversed.clone(), tree)));
        let mut guarded: Vec<Tree> = Vec::new();
        for (condition, tree) in branches {
            if let Some(before) = guarded.last()
                && disturbs(before, &text)
            {
                return Err(self.unsupported(
                    span,
                    "IF before statements that change what it asks",
                    "decide in the package",
                ));
            }
            guarded.push(self.guard_rows(condition, tree)?);
        }
        Ok(guarded)
    }

    /// `IF OBJECT_ID('t') IS NOT NULL DROP TABLE t`.
    fn guard_object(&self, of: &Question, mut tree: Tree) -> Result<Tree, RewriteError> {
        let name = match &mut tree {
            Tree::Drop {
                names,
                if_exists,
                object_type: ObjectType::Table | ObjectType::View | ObjectType::Index,
                ..
            } if of.exists => {
                *if_exists = true;
                names.first().cloned()
            }
            Tree::CreateTable(table) if !of.exists => {
                table.if_not_exists = true;
                Some(table.name.clone())
            }
            Tree::CreateIndex(index) if !of.exists => {
                index.if_not_exists = true;
                index.name.clone()
            }
            Tree::CreateSchema { schema_name, .. } if !of.exists => {
                return match mentions(&of.text, &schema_name.to_string()) {
                    true => Ok(tree),
                    false => Err(self.other_object()),
                };
            }
            _ => None,
        };
        let Some(name) = name else {
            return Err(self.unsupported(
                self.span,
                "IF that asks for an object, before this statement",
                "decide in the package",
            ));
        };
        match last(&name).is_some_and(|name| of.names(&name.value)) {
            true => Ok(tree),
            false => Err(self.other_object()),
        }
    }

    fn other_object(&self) -> RewriteError {
        self.unsupported(
            self.span,
            "IF that asks for another object",
            "decide in the package",
        )
    }

    fn guard_rows(&self, condition: Expr, mut tree: Tree) -> Result<Tree, RewriteError> {
        match &mut tree {
            Tree::Update(update) => {
                update.selection = and(update.selection.take(), Some(condition))
            }
            Tree::Delete(delete) => {
                delete.selection = and(delete.selection.take(), Some(condition))
            }
            Tree::Insert(insert) if insert.source.is_some() => {
                let Some(source) = insert.source.take() else {
                    return Ok(tree);
                };
                let dual = (self.to == Dialect::MySql)
                    .then(|| bare(table_named(ObjectName::from(vec![Ident::new("DUAL")]))));
                insert.source = Some(Box::new(guarded_source(*source, condition, dual)));
            }
            other => {
                let text = short(&other.to_string());
                return Err(self.unsupported(
                    self.span,
                    format!("IF before {text}"),
                    "decide in the package",
                ));
            }
        }
        Ok(tree)
    }
}

/// A question about an object of the database.
struct Question {
    text: String,
    exists: bool,
}

impl Question {
    /// `#` and brackets are no part of a name here.
    fn names(&self, name: &str) -> bool {
        let bare = |text: &str| text.trim_start_matches('#').to_owned();
        let name = bare(name);
        let text = self.text.replace(['[', ']', '\'', '"'], " ");
        mentions(&text, &name)
            || mentions(&text, &format!("#{name}"))
            || mentions(&text, &format!("##{name}"))
    }
}

/// `IF NOT EXISTS (…) CREATE TABLE t … ELSE TRUNCATE TABLE t`: a new table may be emptied too.
fn empties_again(of: &Question, then: &[Tree], otherwise: &[Tree]) -> bool {
    let ([Tree::CreateTable(table)], [tree]) = (then, otherwise) else {
        return false;
    };
    let emptied = match tree {
        Tree::Truncate(truncate) => match truncate.table_names.as_slice() {
            [one] => last(&one.name),
            _ => None,
        },
        _ => None,
    };
    !of.exists
        && emptied
            .zip(last(&table.name))
            .is_some_and(|(emptied, created)| same(&emptied.value, &created.value))
}

fn catalog_question(condition: &Expr) -> Option<Question> {
    let text = condition.to_string();
    let exists = match condition {
        Expr::Nested(inner) => return catalog_question(inner),
        Expr::IsNotNull(inner) if is_object_id(inner) => true,
        Expr::IsNull(inner) if is_object_id(inner) => false,
        Expr::Exists { negated, .. } if asks_catalog(&text) => !negated,
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr,
        } => {
            let inner = catalog_question(expr)?;
            return Some(Question {
                exists: !inner.exists,
                ..inner
            });
        }
        _ => return None,
    };
    Some(Question { text, exists })
}

fn is_object_id(expr: &Expr) -> bool {
    match expr {
        Expr::Function(function) => {
            let known = ["OBJECT_ID", "SCHEMA_ID"]
                .iter()
                .any(|name| same(&function.name.to_string(), name));
            let literal = matches!(
                argument(function, 0),
                Some(Expr::Value(value)) if matches!(value.value, Value::SingleQuotedString(_))
            );
            known && literal && matches!(function.args, FunctionArguments::List(_))
        }
        Expr::Nested(inner) => is_object_id(inner),
        _ => false,
    }
}

pub(super) fn asks_catalog(text: &str) -> bool {
    [
        "sys",
        "sysobjects",
        "sysindexes",
        "INFORMATION_SCHEMA",
        "OBJECT_ID",
        "SCHEMA_ID",
        "DB_ID",
        "COL_LENGTH",
        "OBJECTPROPERTY",
    ]
    .iter()
    .any(|word| mentions(text, word))
}

fn reverse(condition: &Expr) -> Expr {
    match condition {
        Expr::Exists { subquery, negated } => Expr::Exists {
            subquery: subquery.clone(),
            negated: !negated,
        },
        other => other.clone(),
    }
}

/// Whether a statement changes what a condition reads: its table is named there, and the columns it assigns too.
fn disturbs(tree: &Tree, condition: &str) -> bool {
    let table = |name: Option<&ObjectName>| {
        name.and_then(last)
            .is_none_or(|name| mentions(condition, &name.value))
    };
    match tree {
        Tree::Update(update) => update.assignments.iter().any(|assignment| {
            let target = assignment.target.to_string();
            mentions(condition, target.rsplit('.').next().unwrap_or_default())
        }),
        Tree::Insert(insert) => match &insert.table {
            TableObject::TableName(name) => table(Some(name)),
            _ => true,
        },
        _ => true,
    }
}

/// The rows of a source if a condition holds.
fn guarded_source(source: Query, condition: Expr, dual: Option<TableWithJoins>) -> Query {
    if let SetExpr::Values(values) = &*source.body
        && let [row] = values.rows.as_slice()
    {
        let items = row.iter().cloned().map(SelectItem::UnnamedExpr).collect();
        return plain(Box::new(SetExpr::Select(Box::new(select_from(
            items,
            dual.into_iter().collect(),
            Some(condition),
        )))));
    }
    let mut select = all_of(source, "guarded");
    select.selection = Some(condition);
    plain(Box::new(SetExpr::Select(Box::new(select))))
}
