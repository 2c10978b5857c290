//! MERGE: as it is in PostgreSQL and DuckDB; as DELETE, UPDATE and INSERT elsewhere, where one cannot disturb the next.
//!
//! MERGE looks at all rows before it changes any. Statements one after the other do the same if the source does not read the
//! target, if no column is assigned by which the rows are matched, and if a row is matched by one clause only.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, FromTable, Insert, Merge, MergeAction, MergeClause, MergeClauseKind, MergeInsertExpr,
    MergeInsertKind, MergeUpdateExpr, ObjectName, SelectItem, SetExpr, Statement, TableFactor,
    TableObject, Update, UpdateTableFromKind, visit_relations,
};

use super::{
    Dialect,
    error::RewriteError,
    expressions::and,
    queries::{mentions, plain, select_from},
    rewriter::{Rewriter, raw},
    rows::{bare, keep_last},
};

impl Rewriter<'_> {
    pub(super) fn merge(&mut self, mut merge: Merge) -> Result<Vec<Statement>, RewriteError> {
        if merge.output.is_some() {
            return Err(self.unsupported(
                self.span,
                "MERGE … OUTPUT",
                "read the rows with a query of its own",
            ));
        }
        if matches!(self.to, Dialect::Postgres | Dialect::DuckDb) {
            merge.into = true;
            for clause in &mut merge.clauses {
                self.clause_in_place(clause)?;
            }
            return Ok(vec![Statement::Merge(merge)]);
        }
        self.check_apart(&merge)?;
        let mut deletes = Vec::new();
        let mut changes = Vec::new();
        let mut inserts = Vec::new();
        for clause in merge.clauses.clone() {
            match (clause.clause_kind, clause.action) {
                (MergeClauseKind::Matched, MergeAction::Update(update)) => {
                    changes.push(self.update_matched(&merge, update, clause.predicate)?);
                }
                (MergeClauseKind::Matched, MergeAction::Delete { .. }) => {
                    changes.push(self.delete_where(&merge, clause.predicate, true)?);
                }
                (MergeClauseKind::NotMatchedBySource, MergeAction::Delete { .. }) => {
                    deletes.push(self.delete_where(&merge, clause.predicate, false)?);
                }
                (
                    MergeClauseKind::NotMatched | MergeClauseKind::NotMatchedByTarget,
                    MergeAction::Insert(insert),
                ) => {
                    inserts.push(self.insert_unmatched(&merge, insert, clause.predicate)?);
                }
                (kind, _) => {
                    return Err(self.unsupported(
                        self.span,
                        format!("MERGE … WHEN {kind} with this action"),
                        "write UPDATE and INSERT",
                    ));
                }
            }
        }
        self.note(
            self.span,
            "MERGE runs as statements one after the other; put them in one transaction",
        );
        Ok(deletes.into_iter().chain(changes).chain(inserts).collect())
    }

    fn clause_in_place(&self, clause: &mut MergeClause) -> Result<(), RewriteError> {
        match &mut clause.action {
            MergeAction::Update(update) => {
                for assignment in &mut update.assignments {
                    self.assigned(assignment, false)?;
                }
            }
            MergeAction::Insert(insert) => insert.columns.iter_mut().for_each(keep_last),
            MergeAction::Delete { .. } => {}
        }
        Ok(())
    }

    fn check_apart(&self, merge: &Merge) -> Result<(), RewriteError> {
        let refuse =
            |what: String| Err(self.unsupported(self.span, what, "write UPDATE and INSERT"));
        if self.source_reads_target(merge)? {
            return refuse("MERGE whose source reads the target".to_owned());
        }
        let matched = merge
            .clauses
            .iter()
            .filter(|clause| clause.clause_kind == MergeClauseKind::Matched);
        let unmatched = merge.clauses.iter().filter(|clause| {
            matches!(
                clause.clause_kind,
                MergeClauseKind::NotMatched | MergeClauseKind::NotMatchedByTarget
            )
        });
        if matched.count() > 1 || unmatched.count() > 1 {
            return refuse("MERGE with several clauses for the same rows".to_owned());
        }
        for clause in &merge.clauses {
            let MergeAction::Update(update) = &clause.action else {
                continue;
            };
            let on = merge.on.to_string();
            for assignment in &update.assignments {
                let target = assignment.target.to_string();
                let column = target.rsplit('.').next().unwrap_or_default();
                if mentions(&on, column) {
                    return refuse(format!("MERGE that assigns {column}, by which it matches"));
                }
            }
        }
        Ok(())
    }

    fn source_reads_target(&self, merge: &Merge) -> Result<bool, RewriteError> {
        let TableFactor::Table { name, .. } = &merge.table else {
            return Err(self.unsupported(self.span, "MERGE into a query", "merge into a table"));
        };
        let plain = |name: &ObjectName| {
            let parts: Vec<_> = name
                .to_string()
                .to_ascii_lowercase()
                .split('.')
                .rev()
                .take(2)
                .map(str::to_owned)
                .collect();
            match parts.as_slice() {
                [table, schema] if !schema.is_empty() => format!("{schema}.{table}"),
                [table, ..] => format!("dbo.{table}"),
                [] => String::new(),
            }
        };
        let target = plain(name);
        let found = visit_relations(&merge.source, |relation| {
            if plain(relation) == target {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        Ok(found.is_break())
    }

    fn update_matched(
        &self,
        merge: &Merge,
        update: MergeUpdateExpr,
        predicate: Option<Expr>,
    ) -> Result<Statement, RewriteError> {
        let mut assignments = update.assignments;
        let mysql = self.to == Dialect::MySql;
        for assignment in &mut assignments {
            self.assigned(assignment, mysql)?;
        }
        let mut table = bare(merge.table.clone());
        let on = and(Some((*merge.on).clone()), predicate);
        let (from, selection) = if mysql {
            table.joins.push(sqlparser::ast::Join {
                relation: merge.source.clone(),
                global: false,
                join_operator: sqlparser::ast::JoinOperator::Inner(
                    sqlparser::ast::JoinConstraint::On((*merge.on).clone()),
                ),
            });
            (None, on)
        } else {
            (
                Some(UpdateTableFromKind::AfterSet(vec![bare(
                    merge.source.clone(),
                )])),
                on,
            )
        };
        Ok(Statement::Update(Update {
            update_token: sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
            optimizer_hints: Vec::new(),
            table,
            assignments,
            from,
            selection,
            returning: None,
            output: None,
            or: None,
            order_by: Vec::new(),
            limit: None,
        }))
    }

    /// Rows of the target that have a match, or none.
    fn delete_where(
        &self,
        merge: &Merge,
        predicate: Option<Expr>,
        matched: bool,
    ) -> Result<Statement, RewriteError> {
        let inside = if matched {
            and(Some((*merge.on).clone()), predicate.clone())
        } else {
            Some((*merge.on).clone())
        };
        let exists = exists(merge.source.clone(), inside, !matched);
        let selection = if matched {
            Some(exists)
        } else {
            and(Some(exists), predicate)
        };
        Ok(Statement::Delete(sqlparser::ast::Delete {
            delete_token: sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
            optimizer_hints: Vec::new(),
            tables: Vec::new(),
            from: FromTable::WithFromKeyword(vec![bare(merge.table.clone())]),
            using: None,
            selection,
            returning: None,
            output: None,
            order_by: Vec::new(),
            limit: None,
        }))
    }

    fn insert_unmatched(
        &self,
        merge: &Merge,
        insert: MergeInsertExpr,
        predicate: Option<Expr>,
    ) -> Result<Statement, RewriteError> {
        let MergeInsertKind::Values(values) = insert.kind else {
            return Err(self.unsupported(
                self.span,
                "MERGE … INSERT without VALUES",
                "name the values",
            ));
        };
        let Some(row) = values.rows.into_iter().next() else {
            return Err(self.unsupported(
                self.span,
                "MERGE … INSERT without VALUES",
                "name the values",
            ));
        };
        let TableFactor::Table { name, .. } = &merge.table else {
            return Err(self.unsupported(self.span, "MERGE into a query", "merge into a table"));
        };
        let mut columns = insert.columns;
        columns.iter_mut().for_each(keep_last);
        let unmatched = exists(merge.table.clone(), Some((*merge.on).clone()), true);
        let select = select_from(
            row.iter().cloned().map(SelectItem::UnnamedExpr).collect(),
            vec![bare(merge.source.clone())],
            and(Some(unmatched), predicate),
        );
        Ok(Statement::Insert(insert_into(
            name.clone(),
            columns,
            select,
        )))
    }
}

fn insert_into(
    name: ObjectName,
    columns: Vec<ObjectName>,
    select: sqlparser::ast::Select,
) -> Insert {
    Insert {
        insert_token: sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
        optimizer_hints: Vec::new(),
        or: None,
        ignore: false,
        into: true,
        table: TableObject::TableName(name),
        table_alias: None,
        columns,
        overwrite: false,
        source: Some(Box::new(plain(Box::new(SetExpr::Select(Box::new(select)))))),
        assignments: Vec::new(),
        partitioned: None,
        after_columns: Vec::new(),
        has_table_keyword: false,
        on: None,
        returning: None,
        output: None,
        replace_into: false,
        priority: None,
        insert_alias: None,
        settings: None,
        format_clause: None,
        multi_table_insert_type: None,
        multi_table_into_clauses: Vec::new(),
        multi_table_when_clauses: Vec::new(),
        multi_table_else_clause: None,
    }
}

fn exists(table: TableFactor, condition: Option<Expr>, negated: bool) -> Expr {
    let select = select_from(
        vec![SelectItem::UnnamedExpr(raw("1"))],
        vec![bare(table)],
        condition,
    );
    Expr::Exists {
        subquery: Box::new(plain(Box::new(SetExpr::Select(Box::new(select))))),
        negated,
    }
}
