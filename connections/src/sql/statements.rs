//! One statement: its shape first, then its names and expressions, then its text.

use sqlparser::ast::{
    AlterTable, AlterTableOperation, CreateIndex, CreateTableOptions, CreateView, Delete,
    FromTable, ObjectName, ObjectType, Query, SchemaName, SetExpr, Statement as Tree,
    TableConstraint, VisitMut, helpers::stmt_create_table::CreateTableBuilder,
};

use super::{
    Dialect, Kind,
    error::RewriteError,
    expressions::{Walk, short},
    names::is_temporary,
    rewriter::Rewriter,
    rows::{bare, keep_last, table_named},
};

/// A statement of the target.
pub(super) type Printed = (String, Kind);

impl Rewriter<'_> {
    pub(super) fn statement(&mut self, tree: Tree) -> Result<Vec<Printed>, RewriteError> {
        match tree {
            Tree::Query(query) => self.query_statement(query),
            Tree::Insert(insert) => {
                let tree = self.insert(insert)?;
                self.print_one(tree, Kind::Rows)
            }
            Tree::Update(update) => {
                let tree = self.update(update)?;
                self.print_one(tree, Kind::Rows)
            }
            Tree::Delete(delete) => {
                let tree = self.delete(delete)?;
                self.print_one(tree, Kind::Rows)
            }
            Tree::Merge(merge) => {
                let trees = self.merge(merge)?;
                trees
                    .into_iter()
                    .map(|tree| self.print(tree, Kind::Rows))
                    .collect()
            }
            Tree::Truncate(truncate) => {
                let names = truncate.table_names.into_iter().map(|target| target.name);
                names.map(|name| self.truncate(name)).collect()
            }
            Tree::CreateTable(mut table) => {
                let (before, after) = self.create_table(&mut table)?;
                let text = self.print(Tree::CreateTable(table), Kind::Other)?;
                let other = |text| (text, Kind::Other);
                Ok(before
                    .into_iter()
                    .map(other)
                    .chain([text])
                    .chain(after.into_iter().map(other))
                    .collect())
            }
            Tree::CreateIndex(index) => self.create_index(index),
            Tree::CreateView(view) => self.create_view(view),
            Tree::AlterView {
                name,
                columns,
                query,
                ..
            } => self.alter_view(name, columns, query),
            Tree::CreateSchema { schema_name, .. } => self.create_schema(schema_name),
            Tree::AlterTable(alter) => self.alter_table(alter),
            Tree::Drop {
                object_type,
                if_exists,
                names,
                table,
                ..
            } => self.drop(object_type, if_exists, names, table),
            Tree::Print(_) => {
                self.note(self.span, "PRINT is left out");
                Ok(Vec::new())
            }
            other => Err(self.unsupported(
                self.span,
                format!("the statement {}", short(&other.to_string())),
                "write it for the target",
            )),
        }
    }

    fn query_statement(&mut self, mut query: Box<Query>) -> Result<Vec<Printed>, RewriteError> {
        let changed = match &mut *query.body {
            SetExpr::Insert(tree)
            | SetExpr::Update(tree)
            | SetExpr::Delete(tree)
            | SetExpr::Merge(tree) => Some(std::mem::replace(tree, Tree::UnlockTables)),
            _ => None,
        };
        if let Some(tree) = changed {
            return self.with_statement(query, tree);
        }
        if let SetExpr::Select(select) = &mut *query.body
            && let Some(into) = select.into.take()
        {
            let temporary = is_temporary(&into.name);
            let table = CreateTableBuilder::new(into.name)
                .temporary(temporary)
                .query(Some(query))
                .build();
            self.note(
                self.span,
                "SELECT … INTO gives the table no keys and no NOT NULL",
            );
            return self.print_one(Tree::CreateTable(table), Kind::Rows);
        }
        self.print_one(Tree::Query(query), Kind::Query)
    }

    /// A change that begins with WITH.
    fn with_statement(
        &mut self,
        mut query: Box<Query>,
        tree: Tree,
    ) -> Result<Vec<Printed>, RewriteError> {
        if let Some(with) = &query.with {
            self.locals.extend(
                with.cte_tables
                    .iter()
                    .map(|cte| cte.alias.name.value.clone()),
            );
        }
        if let Tree::Merge(merge) = tree {
            return self.with_merge(&query, merge);
        }
        let mut tree = match tree {
            Tree::Insert(insert) => self.insert(insert)?,
            Tree::Update(update) => self.update(update)?,
            Tree::Delete(delete) => self.delete(delete)?,
            other => {
                return Err(self.unsupported(
                    self.span,
                    format!("WITH before {}", short(&other.to_string())),
                    "write it without WITH",
                ));
            }
        };
        if self.to == Dialect::MySql
            && let Tree::Insert(insert) = &mut tree
            && let Some(source) = &mut insert.source
            && source.with.is_none()
        {
            source.with = query.with.take();
            return self.print_one(tree, Kind::Rows);
        }
        *query.body = match tree {
            Tree::Insert(_) => SetExpr::Insert(tree),
            Tree::Update(_) => SetExpr::Update(tree),
            _ => SetExpr::Delete(tree),
        };
        self.print_one(Tree::Query(query), Kind::Rows)
    }

    /// Each statement of a MERGE begins with the same WITH.
    fn with_merge(
        &mut self,
        query: &Query,
        merge: sqlparser::ast::Merge,
    ) -> Result<Vec<Printed>, RewriteError> {
        if self.to == Dialect::MySql {
            return Err(self.unsupported(
                self.span,
                "MERGE behind WITH",
                "put the query into USING",
            ));
        }
        let trees = self.merge(merge)?;
        let mut printed = Vec::new();
        for tree in trees {
            let body = match tree {
                Tree::Insert(_) => SetExpr::Insert(tree),
                Tree::Update(_) => SetExpr::Update(tree),
                Tree::Merge(_) => SetExpr::Merge(tree),
                _ => SetExpr::Delete(tree),
            };
            let query = Query {
                body: Box::new(body),
                ..query.clone()
            };
            printed.push(self.print(Tree::Query(Box::new(query)), Kind::Rows)?);
        }
        Ok(printed)
    }

    fn print_one(&mut self, tree: Tree, kind: Kind) -> Result<Vec<Printed>, RewriteError> {
        Ok(vec![self.print(tree, kind)?])
    }

    /// Rewrites names and expressions and prints.
    pub(super) fn print(&mut self, mut tree: Tree, kind: Kind) -> Result<Printed, RewriteError> {
        let mut walk = Walk::new(self);
        if let std::ops::ControlFlow::Break(error) = VisitMut::visit(&mut tree, &mut walk) {
            return Err(error);
        }
        let empty = matches!(&tree, Tree::Insert(insert) if insert.source.is_none());
        let text = tree.to_string();
        match text.strip_suffix("DEFAULT VALUES") {
            Some(insert) if empty && self.to == Dialect::MySql => {
                Ok((format!("{insert}() VALUES ()"), kind))
            }
            _ => Ok((text, kind)),
        }
    }

    fn truncate(&mut self, mut name: ObjectName) -> Result<Printed, RewriteError> {
        if self.to == Dialect::Sqlite {
            self.note(self.span, "TRUNCATE is DELETE, and the identity counts on");
            let delete = Delete {
                delete_token: sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
                optimizer_hints: Vec::new(),
                tables: Vec::new(),
                from: FromTable::WithFromKeyword(vec![bare(table_named(name))]),
                using: None,
                selection: None,
                returning: None,
                output: None,
                order_by: Vec::new(),
                limit: None,
            };
            let (text, _) = self.print(Tree::Delete(delete), Kind::Other)?;
            return Ok((text, Kind::Other));
        }
        self.table_name(&mut name)?;
        let identity = if self.to == Dialect::Postgres {
            " RESTART IDENTITY"
        } else {
            ""
        };
        Ok((format!("TRUNCATE TABLE {name}{identity}"), Kind::Other))
    }

    fn create_index(&mut self, mut index: CreateIndex) -> Result<Vec<Printed>, RewriteError> {
        if let Some(name) = &mut index.name {
            keep_last(name);
        }
        index.with.clear();
        index.index_options.clear();
        index.using = None;
        if !index.include.is_empty() && self.to != Dialect::Postgres {
            self.note(self.span, "INCLUDE is left out");
            index.include.clear();
        }
        if index.predicate.is_some() && matches!(self.to, Dialect::MySql | Dialect::DuckDb) {
            return Err(self.unsupported(self.span, "an index with WHERE", "index all rows"));
        }
        self.print_one(Tree::CreateIndex(index), Kind::Other)
    }

    fn create_view(&mut self, mut view: CreateView) -> Result<Vec<Printed>, RewriteError> {
        let again = view.or_alter;
        view.or_alter = false;
        view.options = CreateTableOptions::None;
        self.table_name(&mut view.name)?;
        let mut printed = Vec::new();
        if again && self.to == Dialect::Sqlite {
            printed.push((format!("DROP VIEW IF EXISTS {}", view.name), Kind::Other));
        } else if again {
            view.or_replace = true;
        }
        printed.push(self.print(Tree::CreateView(view), Kind::Other)?);
        Ok(printed)
    }

    fn alter_view(
        &mut self,
        mut name: ObjectName,
        columns: Vec<sqlparser::ast::Ident>,
        query: Box<Query>,
    ) -> Result<Vec<Printed>, RewriteError> {
        self.table_name(&mut name)?;
        let names: Vec<_> = columns.iter().map(ToString::to_string).collect();
        let names = match names.as_slice() {
            [] => String::new(),
            names => format!(" ({})", names.join(", ")),
        };
        let (text, _) = self.print(Tree::Query(query), Kind::Other)?;
        if self.to == Dialect::Sqlite {
            return Ok(vec![
                (format!("DROP VIEW IF EXISTS {name}"), Kind::Other),
                (format!("CREATE VIEW {name}{names} AS {text}"), Kind::Other),
            ]);
        }
        Ok(vec![(
            format!("CREATE OR REPLACE VIEW {name}{names} AS {text}"),
            Kind::Other,
        )])
    }

    fn create_schema(&mut self, name: SchemaName) -> Result<Vec<Printed>, RewriteError> {
        let name = match name {
            SchemaName::Simple(name) | SchemaName::NamedAuthorization(name, _) => name,
            SchemaName::UnnamedAuthorization(_) => {
                return Err(self.unsupported(
                    self.span,
                    "CREATE SCHEMA without a name",
                    "name the schema",
                ));
            }
        };
        if self.to == Dialect::Sqlite || name.to_string().eq_ignore_ascii_case("dbo") {
            self.note(
                self.span,
                format!(
                    "CREATE SCHEMA {name} is left out: the schema is a part of its tables' names"
                ),
            );
            return Ok(Vec::new());
        }
        Ok(vec![(
            format!("CREATE SCHEMA IF NOT EXISTS {name}"),
            Kind::Other,
        )])
    }

    fn alter_table(&mut self, alter: AlterTable) -> Result<Vec<Printed>, RewriteError> {
        let mut printed = Vec::new();
        for mut operation in alter.operations.clone() {
            let stays = match &mut operation {
                AlterTableOperation::AddColumn {
                    column_def,
                    column_keyword,
                    ..
                } => {
                    *column_keyword = true;
                    self.column(column_def)?;
                    true
                }
                AlterTableOperation::DropColumn {
                    has_column_keyword, ..
                } => {
                    *has_column_keyword = true;
                    true
                }
                AlterTableOperation::AddConstraint { constraint, .. }
                    if self.to == Dialect::Sqlite =>
                {
                    printed.extend(self.sqlite_constraint(&alter.name, constraint)?);
                    false
                }
                AlterTableOperation::AddConstraint { constraint, .. } => {
                    self.constraint(constraint)?
                }
                AlterTableOperation::DropConstraint { .. } if self.to != Dialect::Sqlite => true,
                other => {
                    let text = short(&other.to_string());
                    return Err(self.unsupported(
                        self.span,
                        format!("ALTER TABLE … {text}"),
                        "define the table as it shall be",
                    ));
                }
            };
            if stays {
                let one = AlterTable {
                    operations: vec![operation],
                    ..alter.clone()
                };
                printed.push(self.print(Tree::AlterTable(one), Kind::Other)?);
            }
        }
        Ok(printed)
    }

    /// SQLite has the constraints of a table's definition only; a key can still be an index.
    fn sqlite_constraint(
        &mut self,
        table: &ObjectName,
        constraint: &TableConstraint,
    ) -> Result<Option<Printed>, RewriteError> {
        let mut table = table.clone();
        let (name, columns) = match constraint {
            TableConstraint::PrimaryKey(key) => (&key.name, &key.columns),
            TableConstraint::Unique(key) => (&key.name, &key.columns),
            TableConstraint::ForeignKey(key) => {
                self.note(
                    self.span,
                    format!("the foreign key to {} is left out", key.foreign_table),
                );
                return Ok(None);
            }
            _ => {
                return Err(self.unsupported(
                    self.span,
                    "ADD CONSTRAINT … CHECK",
                    "define the table with it",
                ));
            }
        };
        self.table_name(&mut table)?;
        self.note(self.span, "the key is a unique index");
        let columns: Vec<_> = columns.iter().map(ToString::to_string).collect();
        let name = match name {
            Some(name) => name.to_string(),
            None => super::names::ident(
                &format!("{}_key", table.to_string().replace('"', "")),
                self.to,
            )
            .to_string(),
        };
        Ok(Some((
            format!(
                "CREATE UNIQUE INDEX {name} ON {table} ({})",
                columns.join(", ")
            ),
            Kind::Other,
        )))
    }

    fn drop(
        &mut self,
        object: ObjectType,
        if_exists: bool,
        names: Vec<ObjectName>,
        table: Option<ObjectName>,
    ) -> Result<Vec<Printed>, RewriteError> {
        let word = match object {
            ObjectType::Table => "TABLE",
            ObjectType::View => "VIEW",
            ObjectType::Index => "INDEX",
            ObjectType::Schema if self.to == Dialect::Sqlite => {
                self.note(self.span, "DROP SCHEMA is left out");
                return Ok(Vec::new());
            }
            ObjectType::Schema => "SCHEMA",
            other => {
                return Err(self.unsupported(
                    self.span,
                    format!("DROP {other}"),
                    "drop it by hand",
                ));
            }
        };
        let exists = if if_exists { "IF EXISTS " } else { "" };
        let mut printed = Vec::new();
        for mut name in names {
            let on = match (object, &table) {
                (ObjectType::Index, table) => {
                    let on = match (table, self.to) {
                        (Some(table), Dialect::MySql) => {
                            let mut table = table.clone();
                            self.table_name(&mut table)?;
                            format!(" ON {table}")
                        }
                        _ => String::new(),
                    };
                    keep_last(&mut name);
                    on
                }
                (ObjectType::Schema, _) => String::new(),
                _ => {
                    self.table_name(&mut name)?;
                    String::new()
                }
            };
            printed.push((format!("DROP {word} {exists}{name}{on}"), Kind::Other));
        }
        Ok(printed)
    }
}
