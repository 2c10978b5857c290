//! SELECT, INSERT, UPDATE, DELETE and MERGE as SQLite statements.
//!
//! What is written goes through `tds_store(value, type, column)`, which brings it into the kept form or fails as
//! SQL Server would. Joins in UPDATE and DELETE become a subquery that names the rows to change:
//!
//! ```text
//! UPDATE a SET x = b.y FROM t a JOIN b ON ...
//!   ─▶ UPDATE "t" AS tds_target SET "x" = tds_source.v0
//!      FROM (SELECT "a".rowid AS id, b.y AS v0 FROM t a JOIN b ON ...) AS tds_source WHERE tds_target.rowid = tds_source.id
//! ```

use std::ops::ControlFlow;

use sqlparser::ast::{
    Assignment, AssignmentTarget, Delete, Expr, FromTable, Insert, OutputClause, Query, SelectItem,
    SetExpr, Statement, TableFactor, TableObject, TableWithJoins, Update, UpdateTableFromKind,
    VisitMut, visit_expressions_mut,
};
use sqlparser::tokenizer::TokenWithSpan;

use crate::error::SqlError;
use crate::infer::{Hints, hints};
use crate::rewrite::{
    Column, Facts, apply, ident, name_date_part, parse_with, part_values, quoted, table_name,
    text_literal, without_hints,
};

/// One statement for SQLite and what to do with its rows.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) sql: String,
    pub(crate) hints: Hints,
    pub(crate) kind: PlanKind,
}

#[derive(Debug)]
pub(crate) enum PlanKind {
    Rows,
    /// `SELECT @a = ...`: the variables of the columns. Where a value is made of the variable's own last value, the
    /// statement gives the columns of a row, and `each` is run for every row with them as `:c0`, `:c1` ...
    Assign {
        names: Vec<String>,
        each: Option<String>,
    },
    /// `SELECT ... INTO table`.
    Into(String),
    /// MERGE: several statements, of which those that change rows count.
    Steps(Vec<String>),
    /// The table and its identity column when one was numbered.
    Insert {
        table: String,
        identity: Option<String>,
        output: bool,
    },
    Update {
        output: bool,
    },
    Delete {
        output: bool,
    },
}

pub(crate) fn plan(tokens: &[TokenWithSpan], facts: &dyn Facts) -> Result<Plan, SqlError> {
    let (tokens, output) = crate::merge::without_output(without_hints(tokens))?;
    match parse_with(tokens, |parser| parser.parse_statement())? {
        Statement::Query(query) => query_plan(*query, facts),
        Statement::Insert(insert) => insert_plan(insert, None, facts),
        Statement::Update(update) => update_plan(update, facts),
        Statement::Delete(delete) => delete_plan(delete, facts),
        Statement::Merge(merge) => crate::merge::plan(merge, output, facts),
        other => {
            let text = other.to_string();
            let start = text
                .split_whitespace()
                .take(2)
                .collect::<Vec<_>>()
                .join(" ");
            Err(SqlError::unsupported(format_args!("the statement {start}")))
        }
    }
}

fn query_plan(mut query: Query, facts: &dyn Facts) -> Result<Plan, SqlError> {
    if let SetExpr::Insert(statement) = query.body.as_mut()
        && let Statement::Insert(insert) = statement
    {
        let insert = insert.clone();
        let with = query
            .with
            .take()
            .map(|mut with| apply(&mut with, facts).map(|()| format!("{with} ")))
            .transpose()?;
        return insert_plan(insert, with, facts);
    }
    if matches!(
        query.body.as_ref(),
        SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_)
    ) {
        return Err(SqlError::unsupported("UPDATE, DELETE and MERGE after WITH"));
    }
    let hints = hints(&query, facts);
    let mut kind = PlanKind::Rows;
    if let SetExpr::Select(select) = query.body.as_mut() {
        if let Some(into) = select.into.take() {
            kind = PlanKind::Into(table_name(&part_values(&into.name)));
        }
        let variables: Vec<String> = select
            .projection
            .iter()
            .filter_map(|item| match item {
                SelectItem::ExprWithAlias { alias, .. } if alias.value.starts_with('@') => {
                    Some(alias.value.to_ascii_lowercase())
                }
                _ => None,
            })
            .collect();
        if !variables.is_empty() {
            if variables.len() != select.projection.len() {
                return Err(SqlError::new(
                    141,
                    "A SELECT statement that assigns a value to a variable must not be combined with data-retrieval operations.",
                ));
            }
            let each = assignments(&mut select.projection, &variables, facts)?;
            kind = PlanKind::Assign {
                names: variables,
                each,
            };
        }
    }
    apply(&mut query, facts)?;
    Ok(Plan {
        sql: query.to_string(),
        hints,
        kind,
    })
}

/// Takes the variables off the items; makes row expressions of items that use what they assign.
fn assignments(
    items: &mut Vec<SelectItem>,
    names: &[String],
    facts: &dyn Facts,
) -> Result<Option<String>, SqlError> {
    let mut exprs: Vec<Expr> = items
        .iter()
        .filter_map(|item| match item {
            SelectItem::ExprWithAlias { expr, .. } => Some(expr.clone()),
            _ => None,
        })
        .collect();
    let own = exprs.iter().any(|expr| {
        let text = expr.to_string().to_ascii_lowercase();
        names.iter().any(|name| text.contains(name.as_str()))
    });
    if !own {
        *items = exprs.into_iter().map(SelectItem::UnnamedExpr).collect();
        return Ok(None);
    }
    let mut columns = Vec::new();
    let mut texts = Vec::new();
    for expr in &mut exprs {
        // The part of DATEADD is no column.
        let flow: ControlFlow<()> = visit_expressions_mut(expr, |expr| {
            if let Expr::Function(function) = expr {
                name_date_part(function);
            }
            ControlFlow::Continue(())
        });
        debug_assert!(flow.is_continue());
        let flow: ControlFlow<()> = visit_expressions_mut(expr, |expr| {
            let column = match expr {
                Expr::Identifier(name) => !name.value.starts_with('@'),
                Expr::CompoundIdentifier(_) => true,
                _ => false,
            };
            if column {
                let place = Expr::Value(
                    sqlparser::ast::Value::Placeholder(format!(":c{}", columns.len())).into(),
                );
                columns.push(SelectItem::UnnamedExpr(std::mem::replace(expr, place)));
            }
            ControlFlow::Continue(())
        });
        debug_assert!(flow.is_continue());
        apply(expr, facts)?;
        texts.push(expr.to_string());
    }
    if columns.is_empty() {
        columns.push(SelectItem::UnnamedExpr(text_literal("")));
    }
    *items = columns;
    Ok(Some(format!("SELECT {}", texts.join(", "))))
}

fn insert_plan(
    mut insert: Insert,
    with: Option<String>,
    facts: &dyn Facts,
) -> Result<Plan, SqlError> {
    let TableObject::TableName(name) = &insert.table else {
        return Err(SqlError::unsupported("INSERT into an expression"));
    };
    let table = table_name(&part_values(name));
    let columns = facts
        .columns(&table)
        .ok_or_else(|| SqlError::new(208, format!("Invalid object name '{table}'.")))?;
    let listed: Vec<&str> = insert
        .columns
        .iter()
        .filter_map(|name| part_values(name).last().copied())
        .collect();
    let allowed = facts.identity_insert(&table);
    let targets = insert_targets(&columns, &listed, allowed, &table)?;
    let returning = returning(insert.output.take(), "inserted", facts)?;
    let output = !returning.is_empty();
    let identity = columns.iter().find(|column| {
        column
            .declared
            .is_some_and(|declared| declared.identity.is_some())
    });
    let numbered = identity.filter(|_| !allowed);
    let mut names: Vec<String> = targets.iter().map(|column| quoted(&column.name)).collect();
    let mut values: Vec<String> = targets
        .iter()
        .enumerate()
        .map(|(at, column)| stored(&format!("c{at}"), column))
        .collect();
    if let Some(column) = numbered {
        names.push(quoted(&column.name));
        values.push(next_number(column, &table));
    }
    let source = match insert.source.take() {
        Some(mut query) => {
            apply(query.as_mut(), facts)?;
            let aliases: Vec<String> = (0..targets.len()).map(|at| format!("c{at}")).collect();
            let with = with
                .as_deref()
                .map_or("WITH ".to_owned(), |with| format!("{}, ", with.trim_end()));
            format!("{with}tds_source({}) AS ({query})", aliases.join(", "))
        }
        None => return default_values(&table, numbered, &values, returning),
    };
    let sql = format!(
        "INSERT INTO {} ({}) {source} SELECT {} FROM tds_source WHERE true{returning}",
        quoted(&table),
        names.join(", "),
        values.join(", ")
    );
    let identity = identity.map(|column| column.name.clone());
    Ok(Plan {
        sql,
        hints: Hints::default(),
        kind: PlanKind::Insert {
            table,
            identity,
            output,
        },
    })
}

/// The numbers after the last one in the table.
pub(crate) fn next_number(column: &Column, table: &str) -> String {
    let declared = column.declared.and_then(|declared| declared.identity);
    let (seed, step) = declared.unwrap_or((1, 1));
    let edge = if step < 0 { "min" } else { "max" };
    format!(
        "coalesce((SELECT {edge}({}) FROM {}), {}) + {step} * row_number() OVER ()",
        quoted(&column.name),
        quoted(table),
        seed - step
    )
}

fn default_values(
    table: &str,
    numbered: Option<&Column>,
    values: &[String],
    returning: String,
) -> Result<Plan, SqlError> {
    let sql = match (numbered, values.last()) {
        (Some(column), Some(value)) => {
            format!(
                "INSERT INTO {} ({}) SELECT {value}{returning}",
                quoted(table),
                quoted(&column.name)
            )
        }
        _ => format!("INSERT INTO {} DEFAULT VALUES{returning}", quoted(table)),
    };
    let identity = numbered.map(|column| column.name.clone());
    let kind = PlanKind::Insert {
        table: table.to_owned(),
        identity,
        output: !returning.is_empty(),
    };
    Ok(Plan {
        sql,
        hints: Hints::default(),
        kind,
    })
}

pub(crate) fn insert_targets<'a>(
    columns: &'a [Column],
    listed: &[&str],
    allowed: bool,
    table: &str,
) -> Result<Vec<&'a Column>, SqlError> {
    let is_identity = |column: &Column| {
        column
            .declared
            .is_some_and(|declared| declared.identity.is_some())
    };
    if listed.is_empty() {
        return Ok(columns
            .iter()
            .filter(|column| allowed || !is_identity(column))
            .collect());
    }
    listed
        .iter()
        .map(|name| {
            let column = columns
                .iter()
                .find(|column| column.name.eq_ignore_ascii_case(name))
                .ok_or_else(|| SqlError::new(207, format!("Invalid column name '{name}'.")))?;
            if is_identity(column) && !allowed {
                let message = format!("Cannot insert explicit value for identity column in table '{table}' when IDENTITY_INSERT is set to OFF.");
                return Err(SqlError::new(544, message));
            }
            Ok(column)
        })
        .collect()
}

pub(crate) fn stored(value: &str, column: &Column) -> String {
    match column.declared {
        Some(declared) => format!(
            "tds_store({value}, '{}', '{}')",
            declared.ty,
            column.name.replace('\'', "''")
        ),
        None => value.to_owned(),
    }
}

/// `OUTPUT inserted.a` as RETURNING, which knows only the row that stays, or the one that goes in a DELETE.
fn returning(
    output: Option<OutputClause>,
    new: &str,
    facts: &dyn Facts,
) -> Result<String, SqlError> {
    let Some(OutputClause::Output {
        select_items,
        into_table,
        ..
    }) = output
    else {
        return Ok(String::new());
    };
    if into_table.is_some() {
        return Err(SqlError::unsupported("OUTPUT INTO"));
    }
    let mut texts = Vec::new();
    for mut item in select_items {
        apply(&mut item, facts)?;
        let text = item.to_string();
        let lower = text.to_ascii_lowercase();
        let prefixes = [format!("\"{new}\"."), format!("{new}.")];
        let bare = prefixes
            .iter()
            .find(|prefix| lower.starts_with(prefix.as_str()));
        texts.push(
            bare.and_then(|prefix| text.get(prefix.len()..))
                .unwrap_or(&text)
                .to_owned(),
        );
    }
    Ok(format!(" RETURNING {}", texts.join(", ")))
}

/// The table a target names, which may be an alias of the FROM clause: its SQLite name and its name there.
fn target_of(name: &[&str], from: &[TableWithJoins]) -> (String, Option<String>) {
    let wanted = table_name(name);
    let factors = from.iter().flat_map(|item| {
        std::iter::once(&item.relation).chain(item.joins.iter().map(|join| &join.relation))
    });
    let mut by_table = None;
    for factor in factors {
        let TableFactor::Table { name, alias, .. } = factor else {
            continue;
        };
        let parts = part_values(name);
        let table = table_name(&parts);
        let alias = alias.as_ref().map(|alias| alias.name.value.clone());
        if alias
            .as_ref()
            .is_some_and(|alias| alias.eq_ignore_ascii_case(&wanted))
        {
            return (table, alias);
        }
        if table.eq_ignore_ascii_case(&wanted) {
            by_table =
                Some(alias.unwrap_or_else(|| parts.last().copied().unwrap_or_default().to_owned()));
        }
    }
    (wanted, by_table)
}

fn update_plan(mut update: Update, facts: &dyn Facts) -> Result<Plan, SqlError> {
    let TableFactor::Table { name, .. } = &update.table.relation else {
        return Err(SqlError::unsupported("UPDATE of an expression"));
    };
    let mut from = match update.from.take() {
        Some(UpdateTableFromKind::AfterSet(from) | UpdateTableFromKind::BeforeSet(from)) => from,
        None => Vec::new(),
    };
    let (table, inside) = target_of(&part_values(name), &from);
    let columns = facts
        .columns(&table)
        .ok_or_else(|| SqlError::new(208, format!("Invalid object name '{table}'.")))?;
    let returning = returning(update.output.take(), "inserted", facts)?;
    let output = !returning.is_empty();
    let mut condition = update.selection.take();
    apply_all(&mut condition, facts)?;
    let mut sets = Vec::new();
    let mut sources = Vec::new();
    for assignment in &mut update.assignments {
        let (column, value) = assigned(assignment, &columns, facts)?;
        if from.is_empty() {
            sets.push(format!("{} = {value}", quoted(&column.name)));
        } else {
            sets.push(format!(
                "{} = tds_source.v{}",
                quoted(&column.name),
                sources.len()
            ));
            sources.push(format!("{value} AS v{}", sources.len()));
        }
    }
    let filter = condition
        .map(|condition| format!(" WHERE {condition}"))
        .unwrap_or_default();
    let sql = if from.is_empty() {
        format!(
            "UPDATE {} SET {}{filter}{returning}",
            quoted(&table),
            sets.join(", ")
        )
    } else {
        let extra = if inside.is_none() {
            format!("{}, ", quoted(&table))
        } else {
            String::new()
        };
        let alias = quoted(inside.as_deref().unwrap_or(&table));
        apply_from(&mut from, facts)?;
        format!(
            "UPDATE {} AS tds_target SET {} FROM (SELECT {alias}.rowid AS id, {} FROM {extra}{}{filter}) AS tds_source \
             WHERE tds_target.rowid = tds_source.id{returning}",
            quoted(&table),
            sets.join(", "),
            sources.join(", "),
            from_text(&from)
        )
    };
    Ok(Plan {
        sql,
        hints: Hints::default(),
        kind: PlanKind::Update { output },
    })
}

pub(crate) fn assigned<'a>(
    assignment: &mut Assignment,
    columns: &'a [Column],
    facts: &dyn Facts,
) -> Result<(&'a Column, String), SqlError> {
    let AssignmentTarget::ColumnName(name) = &assignment.target else {
        return Err(SqlError::unsupported("SET of several columns"));
    };
    let name = part_values(name)
        .last()
        .copied()
        .unwrap_or_default()
        .to_owned();
    let column = columns
        .iter()
        .find(|column| column.name.eq_ignore_ascii_case(&name))
        .ok_or_else(|| SqlError::new(207, format!("Invalid column name '{name}'.")))?;
    apply(&mut assignment.value, facts)?;
    Ok((column, stored(&assignment.value.to_string(), column)))
}

fn apply_all(tree: &mut Option<impl VisitMut>, facts: &dyn Facts) -> Result<(), SqlError> {
    tree.as_mut().map_or(Ok(()), |tree| apply(tree, facts))
}

fn apply_from(from: &mut [TableWithJoins], facts: &dyn Facts) -> Result<(), SqlError> {
    from.iter_mut().try_for_each(|item| apply(item, facts))
}

fn from_text(from: &[TableWithJoins]) -> String {
    from.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn delete_plan(mut delete: Delete, facts: &dyn Facts) -> Result<Plan, SqlError> {
    let returning = returning(delete.output.take(), "deleted", facts)?;
    let output = !returning.is_empty();
    let mut condition = delete.selection.take();
    apply_all(&mut condition, facts)?;
    let filter = condition
        .map(|condition| format!(" WHERE {condition}"))
        .unwrap_or_default();
    let (FromTable::WithFromKeyword(first) | FromTable::WithoutKeyword(first)) = delete.from;
    let mut joined = delete.using.take().unwrap_or_default();
    // `DELETE a FROM t a ...` is read as tables and FROM, `DELETE FROM a FROM t a ...` as FROM and USING.
    let name = match (
        delete.tables.first(),
        first.first().map(|item| &item.relation),
    ) {
        (Some(table), _) => {
            joined = first.clone();
            table.clone()
        }
        (None, Some(TableFactor::Table { name, .. })) => name.clone(),
        _ => return Err(SqlError::unsupported("DELETE from an expression")),
    };
    let (table, inside) = target_of(&part_values(&name), &joined);
    let sql = if joined.is_empty() {
        format!("DELETE FROM {}{filter}{returning}", quoted(&table))
    } else {
        let extra = if inside.is_none() {
            format!("{}, ", quoted(&table))
        } else {
            String::new()
        };
        let alias = ident(inside.as_deref().unwrap_or(&table));
        apply_from(&mut joined, facts)?;
        format!(
            "DELETE FROM {} WHERE rowid IN (SELECT {alias}.rowid FROM {extra}{}{filter}){returning}",
            quoted(&table),
            from_text(&joined)
        )
    };
    Ok(Plan {
        sql,
        hints: Hints::default(),
        kind: PlanKind::Delete { output },
    })
}
