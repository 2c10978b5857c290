//! Names of tables and columns: `[db].[dbo].[Orders]` is `Orders`, `Sales.Orders` is `"Sales.Orders"` in SQLite.

use sqlparser::ast::{Ident, ObjectName};

use super::{
    Dialect,
    error::RewriteError,
    rewriter::{Rewriter, parts, same},
    words::{quote_of, quoted},
};

impl Rewriter<'_> {
    /// Brings the name of a table, view or index to the target's form.
    pub(super) fn table_name(&mut self, name: &mut ObjectName) -> Result<(), RewriteError> {
        let idents: Vec<Ident> = parts(name).into_iter().cloned().collect();
        let Some(table) = idents.last().cloned() else {
            let span = self.span;
            return Err(self.unsupported(span, format!("the name {name}"), "name a table"));
        };
        if idents.len() > 3 {
            return Err(self.unsupported(
                table.span,
                format!("the table {name} of a linked server"),
                "bring the table into this database",
            ));
        }
        let schema = idents
            .iter()
            .rev()
            .nth(1)
            .filter(|schema| !schema.value.is_empty());
        if let Some(schema) = schema {
            self.check_catalog(schema, name)?;
        }
        if let [database, _, _] = idents.as_slice()
            && !database.value.is_empty()
            && !same(&database.value, "tempdb")
        {
            self.note(
                database.span,
                format!("the database {} is left out", database.value),
            );
        }
        let schema = schema.filter(|schema| !same(&schema.value, "dbo")).cloned();
        *name = self.qualified(schema, local(table, self.to)).into();
        Ok(())
    }

    fn qualified(&self, schema: Option<Ident>, table: Ident) -> Vec<Ident> {
        match schema {
            None => vec![table],
            Some(schema) if self.to == Dialect::Sqlite => {
                let mut joined = Ident::with_quote(
                    quote_of(self.to),
                    format!("{}.{}", schema.value, table.value),
                );
                joined.span = table.span;
                vec![joined]
            }
            Some(schema) => vec![schema, table],
        }
    }

    fn check_catalog(&self, schema: &Ident, name: &ObjectName) -> Result<(), RewriteError> {
        let of_catalog = same(&schema.value, "sys")
            || same(&schema.value, "INFORMATION_SCHEMA") && self.to == Dialect::Sqlite;
        if !of_catalog {
            return Ok(());
        }
        Err(self.unsupported(
            schema.span,
            format!("the catalog view {name}"),
            "ask the target's own catalog",
        ))
    }

    /// A column's name: `dbo.Orders.Id` is `Orders.Id`.
    pub(super) fn column_name(&mut self, idents: &mut Vec<Ident>) {
        let Some(column) = idents.pop() else {
            return;
        };
        let table = idents.pop();
        let schema = idents
            .pop()
            .filter(|schema| !schema.value.is_empty() && !same(&schema.value, "dbo"))
            // SQLite calls a table's columns by the alias it got, which is the name without schema.
            .filter(|_| self.to != Dialect::Sqlite);
        *idents = match table {
            None => Vec::new(),
            Some(table) => self.qualified(schema, local(table, self.to)),
        };
        idents.push(column);
    }
}

/// Temporary tables and variables of tables have no `#` and `@` in the target.
pub(super) fn local(table: Ident, to: Dialect) -> Ident {
    let Some(name) = table.value.strip_prefix(['#', '@']) else {
        return table;
    };
    let span = table.span;
    Ident {
        span,
        ..ident(name.trim_start_matches('#'), to)
    }
}

/// Whether a name is that of a temporary table.
pub(super) fn is_temporary(name: &ObjectName) -> bool {
    parts(name)
        .last()
        .is_some_and(|table| table.value.starts_with(['#', '@']))
}

/// A name we make, in the target's quotes where it needs them.
pub(super) fn ident(name: &str, to: Dialect) -> Ident {
    let (value, quote_style) = quoted(name, to);
    Ident {
        value,
        quote_style,
        span: sqlparser::tokenizer::Span::empty(),
    }
}
