//! MERGE: what each clause does is decided against the tables as they are, then done.
//!
//! ```text
//! WHEN ... ─▶ tds_merge0 (rows to change, or values of new rows)   all clauses first,
//!             DELETE / UPDATE / INSERT from tds_merge0             then all changes, new rows last
//! ```

use sqlparser::ast::{
    Expr, Merge, MergeAction, MergeClause, MergeClauseKind, MergeInsertKind, TableFactor,
};
use sqlparser::tokenizer::Token;

use crate::error::SqlError;
use crate::infer::Hints;
use crate::rewrite::{Column, Facts, apply, part_values, quoted, table_name};
use crate::script::{Tokens, split_commas, word};
use crate::statement::{Plan, PlanKind, assigned, insert_targets, next_number, stored};

struct Parts<'a> {
    facts: &'a dyn Facts,
    table: String,
    columns: Vec<Column>,
    /// The target's name in conditions.
    alias: String,
    source: String,
    on: String,
    prepare: Vec<String>,
    change: Vec<String>,
    insert: Vec<String>,
    /// Conditions of the clauses before, for rows that match and rows that do not.
    before: [Vec<String>; 3],
}

/// `OUTPUT $action INTO table (column)`: what was done to each row.
pub(crate) struct Output {
    table: String,
    columns: Vec<String>,
}

/// Takes OUTPUT off a MERGE.
pub(crate) fn without_output(mut tokens: Tokens) -> Result<(Tokens, Option<Output>), SqlError> {
    let mut depth = 0_i32;
    let at = tokens.iter().position(|token| {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            _ => {}
        }
        depth == 0 && word(Some(token)) == "OUTPUT"
    });
    let Some(at) = at.filter(|_| word(tokens.first()) == "MERGE") else {
        return Ok((tokens, None));
    };
    let clause = tokens.split_off(at);
    let end = clause
        .iter()
        .position(|token| token.token == Token::SemiColon);
    let clause = clause
        .get(1..end.unwrap_or(clause.len()))
        .unwrap_or_default();
    let (action, rest) = match clause {
        [action, into, rest @ ..] if word(Some(into)) == "INTO" => (action, rest),
        _ => {
            return Err(SqlError::unsupported(
                "OUTPUT of MERGE, but $action INTO a table",
            ));
        }
    };
    if !action.token.to_string().eq_ignore_ascii_case("$action") {
        return Err(SqlError::unsupported(
            "OUTPUT of MERGE, but $action INTO a table",
        ));
    }
    let open = rest.iter().position(|token| token.token == Token::LParen);
    let (name, columns) = rest.split_at(open.unwrap_or(rest.len()));
    let parts: Vec<&str> = name
        .iter()
        .filter_map(|token| match &token.token {
            Token::Word(word) => Some(word.value.as_str()),
            _ => None,
        })
        .collect();
    let columns = match columns {
        [_, inner @ .., _] => split_commas(inner),
        _ => Vec::new(),
    };
    let columns = columns.iter().flatten().map(|token| match &token.token {
        Token::Word(word) => word.value.clone(),
        other => other.to_string(),
    });
    let output = Output {
        table: table_name(&parts),
        columns: columns.collect(),
    };
    Ok((tokens, Some(output)))
}

pub(crate) fn plan(
    mut merge: Merge,
    output: Option<Output>,
    facts: &dyn Facts,
) -> Result<Plan, SqlError> {
    let TableFactor::Table { name, alias, .. } = &merge.table else {
        return Err(SqlError::unsupported("MERGE into an expression"));
    };
    let parts = part_values(name);
    let table = table_name(&parts);
    let own = parts.last().copied().unwrap_or_default();
    let alias = quoted(alias.as_ref().map_or(own, |alias| &alias.name.value));
    let missing = || SqlError::new(208, format!("Invalid object name '{table}'."));
    let columns = facts.columns(&table).ok_or_else(missing)?;
    apply(&mut merge.source, facts)?;
    apply(merge.on.as_mut(), facts)?;
    let mut parts = Parts {
        facts,
        table,
        columns,
        alias,
        source: merge.source.to_string(),
        on: merge.on.to_string(),
        prepare: Vec::new(),
        change: Vec::new(),
        insert: Vec::new(),
        before: Default::default(),
    };
    let mut told = Vec::new();
    for (at, clause) in merge.clauses.iter_mut().enumerate() {
        let step = format!("tds_merge{at}");
        if let Some(output) = &output {
            told.push(output.step(&clause.action, &step, facts)?);
        }
        parts.clause(clause, &step)?;
    }
    let drop =
        (0..merge.clauses.len()).map(|at| format!("DROP TABLE IF EXISTS temp.tds_merge{at}"));
    let drop: Vec<String> = drop.collect();
    let steps = [
        drop.clone(),
        parts.prepare,
        parts.change,
        parts.insert,
        told,
        drop,
    ]
    .concat();
    Ok(Plan {
        sql: String::new(),
        hints: Hints::default(),
        kind: PlanKind::Steps(steps),
    })
}

impl Output {
    /// A row for each row of a clause. It begins with WITH, since what begins with INSERT counts as rows of the MERGE.
    fn step(
        &self,
        action: &MergeAction,
        step: &str,
        facts: &dyn Facts,
    ) -> Result<String, SqlError> {
        let table = &self.table;
        let missing = || SqlError::new(208, format!("Invalid object name '{table}'."));
        let columns = facts.columns(table).ok_or_else(missing)?;
        let listed: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        let targets = insert_targets(&columns, &listed, false, table)?;
        let [column] = targets.as_slice() else {
            let message =
                "Column name or number of supplied values does not match table definition.";
            return Err(SqlError::new(213, message));
        };
        let done = match action {
            MergeAction::Insert(_) => "INSERT",
            MergeAction::Update(_) => "UPDATE",
            MergeAction::Delete { .. } => "DELETE",
        };
        Ok(format!(
            "WITH tds_output AS (SELECT '{done}' AS done FROM {step}) INSERT INTO {} ({}) SELECT {} FROM tds_output",
            quoted(table),
            quoted(&column.name),
            stored("done", column)
        ))
    }
}

impl Parts<'_> {
    fn clause(&mut self, clause: &mut MergeClause, step: &str) -> Result<(), SqlError> {
        let (group, rows) = match clause.clause_kind {
            MergeClauseKind::Matched => (
                0,
                format!(
                    "{} AS {} JOIN {} ON {}",
                    quoted(&self.table),
                    self.alias,
                    self.source,
                    self.on
                ),
            ),
            MergeClauseKind::NotMatched | MergeClauseKind::NotMatchedByTarget => {
                (1, self.source.clone())
            }
            MergeClauseKind::NotMatchedBySource => {
                (2, format!("{} AS {}", quoted(&self.table), self.alias))
            }
        };
        let mut conditions: Vec<String> = match group {
            0 => Vec::new(),
            1 => vec![format!(
                "NOT EXISTS (SELECT 1 FROM {} AS {} WHERE {})",
                quoted(&self.table),
                self.alias,
                self.on
            )],
            _ => vec![format!(
                "NOT EXISTS (SELECT 1 FROM {} WHERE {})",
                self.source, self.on
            )],
        };
        let before = self
            .before
            .get_mut(group)
            .ok_or_else(|| SqlError::syntax("MERGE"))?;
        conditions.extend(
            before
                .iter()
                .map(|before| format!("({before}) IS NOT TRUE")),
        );
        match &mut clause.predicate {
            Some(predicate) => {
                apply(predicate, self.facts)?;
                conditions.push(format!("({predicate})"));
                before.push(predicate.to_string());
            }
            None => before.push("true".to_owned()),
        }
        let filter = match conditions.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", conditions.join(" AND ")),
        };
        let values = self.action(&mut clause.action, step)?;
        let values = if values.is_empty() {
            String::new()
        } else {
            format!(", {}", values.join(", "))
        };
        let id = if group == 1 {
            "NULL".to_owned()
        } else {
            format!("{}.rowid", self.alias)
        };
        self.prepare.push(format!(
            "CREATE TEMP TABLE {step} AS SELECT {id} AS id{values} FROM {rows}{filter}"
        ));
        Ok(())
    }

    /// Adds what a clause does; the values it needs of each row.
    fn action(&mut self, action: &mut MergeAction, step: &str) -> Result<Vec<String>, SqlError> {
        let table = quoted(&self.table);
        match action {
            MergeAction::Delete { .. } => {
                self.change.push(format!(
                    "DELETE FROM {table} WHERE rowid IN (SELECT id FROM {step})"
                ));
                Ok(Vec::new())
            }
            MergeAction::Update(update) => {
                let (mut sets, mut values) = (Vec::new(), Vec::new());
                for (at, assignment) in update.assignments.iter_mut().enumerate() {
                    let (column, value) = assigned(assignment, &self.columns, self.facts)?;
                    sets.push(format!("{} = {step}.v{at}", quoted(&column.name)));
                    values.push(format!("{value} AS v{at}"));
                }
                self.change.push(format!(
                    "UPDATE {table} AS tds_target SET {} FROM {step} WHERE tds_target.rowid = {step}.id",
                    sets.join(", ")
                ));
                Ok(values)
            }
            MergeAction::Insert(insert) => {
                let listed: Vec<&str> = insert
                    .columns
                    .iter()
                    .filter_map(|name| part_values(name).last().copied())
                    .collect();
                let MergeInsertKind::Values(rows) = &mut insert.kind else {
                    return Err(SqlError::unsupported("INSERT ROW"));
                };
                let exprs = rows
                    .rows
                    .first_mut()
                    .ok_or_else(|| SqlError::syntax("VALUES"))?;
                self.new_row(&listed, exprs, step)
            }
        }
    }

    fn new_row(
        &mut self,
        listed: &[&str],
        exprs: &mut [Expr],
        step: &str,
    ) -> Result<Vec<String>, SqlError> {
        let allowed = self.facts.identity_insert(&self.table);
        let targets = insert_targets(&self.columns, listed, allowed, &self.table)?;
        if targets.len() != exprs.len() {
            let message =
                "Column name or number of supplied values does not match table definition.";
            return Err(SqlError::new(213, message));
        }
        let (mut names, mut given, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for (at, (column, expr)) in targets.into_iter().zip(exprs).enumerate() {
            apply(expr, self.facts)?;
            names.push(quoted(&column.name));
            given.push(format!("v{at}"));
            values.push(format!("{} AS v{at}", stored(&expr.to_string(), column)));
        }
        let identity = self.columns.iter().find(|column| {
            column
                .declared
                .is_some_and(|declared| declared.identity.is_some())
        });
        if let Some(column) = identity.filter(|_| !allowed) {
            names.push(quoted(&column.name));
            given.push(next_number(column, &self.table));
        }
        self.insert.push(format!(
            "INSERT INTO {} ({}) SELECT {} FROM {step}",
            quoted(&self.table),
            names.join(", "),
            given.join(", ")
        ));
        Ok(values)
    }
}
