//! UPDATE and DELETE: T-SQL names the rows to change in FROM, joined with others.

use sqlparser::ast::{
    Assignment, AssignmentTarget, BinaryOperator, Delete, Expr, FromTable, Ident, Insert, Join,
    JoinConstraint, JoinOperator, ObjectName, SelectItem, SetExpr, Statement, TableFactor,
    TableObject, TableWithJoins, Update, UpdateTableFromKind,
};

use super::{
    Dialect,
    error::RewriteError,
    expressions::and,
    queries::{plain, plain_alias, select_from},
    rewriter::{Rewriter, last, raw, same},
};

/// The name of the changed table where FROM names it too.
const TARGET: &str = "changed";

impl Rewriter<'_> {
    pub(super) fn insert(&mut self, mut insert: Insert) -> Result<Statement, RewriteError> {
        insert.into = true;
        insert.returning = self.output(insert.output.take(), "inserted")?;
        if let TableObject::TableFunction(function) = &insert.table {
            return Err(self.unsupported(
                self.span,
                format!("INSERT into {}", function.name),
                "insert into a table",
            ));
        }
        for column in &mut insert.columns {
            keep_last(column);
        }
        if self.to == Dialect::Sqlite
            && let Some(source) = &insert.source
            && let SetExpr::Values(values) = &*source.body
        {
            let defaults = values.rows.iter().flat_map(|row| row.iter()).any(
                |value| matches!(value, Expr::Identifier(ident) if ident.quote_style.is_none() && same(&ident.value, "DEFAULT")),
            );
            if defaults {
                return Err(self.unsupported(
                    self.span,
                    "DEFAULT among values",
                    "leave the column out",
                ));
            }
        }
        Ok(Statement::Insert(insert))
    }

    pub(super) fn update(&mut self, mut update: Update) -> Result<Statement, RewriteError> {
        update.returning = self.output(update.output.take(), "inserted")?;
        let TableFactor::Table { name, .. } = &update.table.relation else {
            return Err(self.unsupported(self.span, "UPDATE of a query", "update the table"));
        };
        self.check_no_local(name, "UPDATE")?;
        let name = name.clone();
        let joined = update.from.is_some();
        for assignment in &mut update.assignments {
            self.assigned(assignment, joined)?;
        }
        let from = match update.from.take() {
            None => return Ok(Statement::Update(update)),
            Some(UpdateTableFromKind::AfterSet(from) | UpdateTableFromKind::BeforeSet(from)) => {
                from
            }
        };
        let found = find(&from, &name);
        if self.to == Dialect::MySql {
            let tables = match found {
                Some(_) => from,
                None => [update.table].into_iter().chain(from).collect(),
            };
            update.table = joined_up(tables)
                .ok_or_else(|| self.unsupported(self.span, "FROM without tables", "name one"))?;
            return Ok(Statement::Update(update));
        }
        match found {
            None => update.from = Some(UpdateTableFromKind::AfterSet(from)),
            Some(place) => self.split_update(&mut update, from, place),
        }
        Ok(Statement::Update(update))
    }

    /// Takes the changed table out of FROM, or names it a second time when it is joined with `LEFT JOIN`.
    fn split_update(&self, update: &mut Update, from: Vec<TableWithJoins>, place: (usize, usize)) {
        if from
            .get(place.0)
            .is_some_and(|table| table.joins.iter().all(|join| inner(join).is_some()))
        {
            let (target, rest, conditions) = taken_out(from, place);
            if let Some(target) = target {
                update.table = bare(target);
            }
            update.selection = conditions
                .into_iter()
                .chain(update.selection.take())
                .fold(None, |all, condition| and(all, Some(condition)));
            if !rest.is_empty() {
                update.from = Some(UpdateTableFromKind::AfterSet(rest));
            }
            return;
        }
        let relation = relation_at(&from, place).cloned();
        if let Some(relation) = relation {
            let row = called(&relation);
            update.table.relation = renamed(relation, TARGET);
            let same_row = Expr::BinaryOp {
                left: Box::new(self.row_of(Ident::new(TARGET))),
                op: BinaryOperator::Eq,
                right: Box::new(row.map_or_else(|| raw("NULL"), |row| self.row_of(row))),
            };
            update.selection = and(Some(same_row), update.selection.take());
        }
        update.from = Some(UpdateTableFromKind::AfterSet(from));
    }

    /// A column is assigned without its table, except by MySQL, which may update several.
    pub(super) fn assigned(
        &self,
        assignment: &mut Assignment,
        joined: bool,
    ) -> Result<(), RewriteError> {
        let AssignmentTarget::ColumnName(name) = &mut assignment.target else {
            return Err(self.unsupported(
                self.span,
                format!("SET {assignment}"),
                "assign columns one by one",
            ));
        };
        if last(name).is_some_and(|column| column.value.starts_with('@')) {
            return Err(self.unsupported(self.span, format!("SET {name}"), "assign columns only"));
        }
        if self.to == Dialect::MySql && joined {
            let excess = name.0.len().saturating_sub(2);
            name.0.drain(..excess);
        } else {
            keep_last(name);
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, mut delete: Delete) -> Result<Statement, RewriteError> {
        delete.returning = self.output(delete.output.take(), "deleted")?;
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &mut delete.from;
        let from = std::mem::take(from);
        let name = match (delete.tables.as_slice(), from.first()) {
            ([name], _) => name.clone(),
            (
                [],
                Some(TableWithJoins {
                    relation: TableFactor::Table { name, .. },
                    ..
                }),
            ) => name.clone(),
            _ => {
                return Err(self.unsupported(
                    self.span,
                    "DELETE of a query",
                    "delete from the table",
                ));
            }
        };
        self.check_no_local(&name, "DELETE")?;
        let Some(place) = find(&from, &name) else {
            return Ok(self.delete_by_others(delete, name, from));
        };
        let alone = matches!(from.as_slice(), [table] if table.joins.is_empty());
        if alone {
            delete.tables.clear();
            delete.from = FromTable::WithFromKeyword(
                from.into_iter().map(|table| bare(table.relation)).collect(),
            );
            return Ok(Statement::Delete(delete));
        }
        let Some(relation) = relation_at(&from, place).cloned() else {
            return Err(self.unsupported(self.span, "DELETE of a query", "delete from the table"));
        };
        let row = called(&relation).unwrap_or_else(|| Ident::new(TARGET));
        if self.to == Dialect::MySql {
            delete.tables = vec![ObjectName::from(vec![row])];
            delete.from = FromTable::WithFromKeyword(from);
            return Ok(Statement::Delete(delete));
        }
        let rows = select_from(
            vec![SelectItem::UnnamedExpr(self.row_of(row))],
            from,
            delete.selection.take(),
        );
        delete.tables.clear();
        delete.selection = Some(Expr::InSubquery {
            expr: Box::new(raw(self.row_name())),
            subquery: Box::new(plain(Box::new(SetExpr::Select(Box::new(rows))))),
            negated: false,
        });
        delete.from = FromTable::WithFromKeyword(vec![bare(relation)]);
        Ok(Statement::Delete(delete))
    }

    /// `DELETE a FROM b WHERE …`: the rows of `a` for which there are rows of `b`.
    fn delete_by_others(
        &self,
        mut delete: Delete,
        name: ObjectName,
        from: Vec<TableWithJoins>,
    ) -> Statement {
        let rows = select_from(
            vec![SelectItem::UnnamedExpr(raw("1"))],
            from,
            delete.selection.take(),
        );
        delete.tables.clear();
        delete.selection = Some(Expr::Exists {
            subquery: Box::new(plain(Box::new(SetExpr::Select(Box::new(rows))))),
            negated: false,
        });
        delete.from = FromTable::WithFromKeyword(vec![bare(table_named(name))]);
        Statement::Delete(delete)
    }

    /// Rows of an expression with WITH cannot be changed elsewhere.
    fn check_no_local(&self, name: &ObjectName, what: &str) -> Result<(), RewriteError> {
        let local =
            last(name).is_some_and(|name| self.locals.iter().any(|local| same(local, &name.value)));
        match local {
            true => Err(self.unsupported(
                self.span,
                format!("{what} of the query {name}"),
                "change the table it reads, by its key",
            )),
            false => Ok(()),
        }
    }

    fn row_name(&self) -> &'static str {
        match self.to {
            Dialect::Postgres => "ctid",
            _ => "rowid",
        }
    }

    fn row_of(&self, table: Ident) -> Expr {
        Expr::CompoundIdentifier(vec![table, Ident::new(self.row_name())])
    }
}

pub(super) fn keep_last(name: &mut ObjectName) {
    let excess = name.0.len().saturating_sub(1);
    name.0.drain(..excess);
}

/// What a table's columns are called by.
pub(super) fn called(relation: &TableFactor) -> Option<Ident> {
    match relation {
        TableFactor::Table {
            alias: Some(alias), ..
        }
        | TableFactor::Derived {
            alias: Some(alias), ..
        } => Some(alias.name.clone()),
        TableFactor::Table { name, .. } => last(name).cloned(),
        _ => None,
    }
}

/// The table in FROM that UPDATE or DELETE means: by its alias, else by its name.
fn find(from: &[TableWithJoins], name: &ObjectName) -> Option<(usize, usize)> {
    let wanted = &last(name)?.value;
    let single = name.0.len() == 1;
    let places = || {
        from.iter().zip(0..).flat_map(|(table, at)| {
            std::iter::once(&table.relation)
                .chain(table.joins.iter().map(|join| &join.relation))
                .zip(0..)
                .map(move |(relation, within)| (relation, (at, within)))
        })
    };
    let by_alias = places().find(|(relation, _)| {
        single && matches!(relation, TableFactor::Table { alias: Some(alias), .. } if same(&alias.name.value, wanted))
    });
    let by_name = || {
        places().find(|(relation, _)| {
            matches!(relation, TableFactor::Table { name, .. } if last(name).is_some_and(|name| same(&name.value, wanted)))
        })
    };
    by_alias.or_else(by_name).map(|(_, place)| place)
}

fn relation_at(from: &[TableWithJoins], (at, within): (usize, usize)) -> Option<&TableFactor> {
    let table = from.get(at)?;
    match within.checked_sub(1) {
        None => Some(&table.relation),
        Some(join) => table.joins.get(join).map(|join| &join.relation),
    }
}

/// The condition of a join that only pairs rows; none for one that also keeps rows without a pair.
fn inner(join: &Join) -> Option<Option<&Expr>> {
    match &join.join_operator {
        JoinOperator::Join(JoinConstraint::On(on))
        | JoinOperator::Inner(JoinConstraint::On(on)) => Some(Some(on)),
        JoinOperator::CrossJoin(JoinConstraint::None) => Some(None),
        _ => None,
    }
}

/// The table at the place, the other tables side by side, and the conditions of their joins.
fn taken_out(
    from: Vec<TableWithJoins>,
    (at, within): (usize, usize),
) -> (Option<TableFactor>, Vec<TableWithJoins>, Vec<Expr>) {
    let mut target = None;
    let mut rest = Vec::new();
    let mut conditions = Vec::new();
    for (table, index) in from.into_iter().zip(0..) {
        if index != at {
            rest.push(table);
            continue;
        }
        conditions.extend(
            table
                .joins
                .iter()
                .filter_map(|join| inner(join).flatten().cloned()),
        );
        let relations = std::iter::once(table.relation)
            .chain(table.joins.into_iter().map(|join| join.relation));
        for (relation, place) in relations.zip(0..) {
            if place == within {
                target = Some(relation);
            } else {
                rest.push(bare(relation));
            }
        }
    }
    (target, rest, conditions)
}

/// A table by itself. SQLite wants AS before the alias of a table that is changed.
pub(super) fn bare(mut relation: TableFactor) -> TableWithJoins {
    if let TableFactor::Table {
        alias: Some(alias), ..
    } = &mut relation
    {
        alias.explicit = true;
    }
    TableWithJoins {
        relation,
        joins: Vec::new(),
    }
}

/// Tables side by side as one with joins.
fn joined_up(tables: Vec<TableWithJoins>) -> Option<TableWithJoins> {
    let mut tables = tables.into_iter();
    let mut first = tables.next()?;
    for table in tables {
        first.joins.push(Join {
            relation: table.relation,
            global: false,
            join_operator: JoinOperator::CrossJoin(JoinConstraint::None),
        });
        first.joins.extend(table.joins);
    }
    Some(first)
}

fn renamed(mut relation: TableFactor, new: &str) -> TableFactor {
    if let TableFactor::Table { alias, .. } = &mut relation {
        *alias = Some(plain_alias(Ident::new(new)));
    }
    relation
}

pub(super) fn table_named(name: ObjectName) -> TableFactor {
    TableFactor::Table {
        name,
        alias: None,
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    }
}
