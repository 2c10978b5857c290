//! What clients ask about tables: INFORMATION_SCHEMA, a little of `sys`, and two procedures that describe.

use rusqlite::Connection;
use rusqlite::types::Value;
use sqlparser::tokenizer::Token;

use crate::convert::text;
use crate::error::SqlError;
use crate::functions::precision;
use crate::result;
use crate::rewrite::{Facts, table_name};
use crate::script::{Kind, Tokens, parse, split_commas, word};
use crate::session::Session;
use crate::sql_type::{COLLATION, MAX, SqlType};
use crate::statement::plan;
use crate::tokens::{COMMAND_SELECT, DONE_COUNT, ResultColumn, Stop};

/// Makes the views, for one connection and its database's name.
pub(crate) fn create(db: &Connection, database: &str) -> rusqlite::Result<()> {
    let database = database.replace('\'', "''");
    db.execute_batch(&VIEWS.replace("$database", &database))
}

/// `$database` stands for the name of the database.
const VIEWS: &str = "
CREATE TEMP VIEW tds_objects AS
  SELECT 'main' AS place, m.name AS full_name, 1000000 + m.rowid AS id, m.type = 'view' AS is_view FROM main.sqlite_master m
  WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite%'
  UNION ALL SELECT 'temp', m.name, 1000000 - m.rowid, 0 FROM sqlite_temp_master m WHERE m.type = 'table' AND m.name LIKE '#%';
CREATE TEMP VIEW tds_named AS SELECT *, substr(full_name, instr(full_name, '.') + 1) AS name,
  CASE instr(full_name, '.') WHEN 0 THEN 'dbo' ELSE substr(full_name, 1, instr(full_name, '.') - 1) END AS \"schema\" FROM tds_objects;
CREATE TEMP VIEW tds_columns AS SELECT o.*, p.name AS column_name, p.cid + 1 AS place_of, p.type AS declared, p.\"notnull\" AS required,
  p.dflt_value AS given, p.pk AS key_place FROM tds_named o, pragma_table_info(o.full_name, o.place) p;
CREATE TEMP VIEW \"INFORMATION_SCHEMA.TABLES\" AS SELECT '$database' AS TABLE_CATALOG, \"schema\" AS TABLE_SCHEMA, name AS TABLE_NAME,
  iif(is_view, 'VIEW', 'BASE TABLE') AS TABLE_TYPE FROM tds_named WHERE place = 'main';
CREATE TEMP VIEW \"INFORMATION_SCHEMA.COLUMNS\" AS SELECT '$database' AS TABLE_CATALOG, \"schema\" AS TABLE_SCHEMA, name AS TABLE_NAME,
  column_name AS COLUMN_NAME, place_of AS ORDINAL_POSITION, given AS COLUMN_DEFAULT, iif(required, 'NO', 'YES') AS IS_NULLABLE,
  tds_type(declared, 'name') AS DATA_TYPE, tds_type(declared, 'length') AS CHARACTER_MAXIMUM_LENGTH,
  tds_type(declared, 'precision') AS NUMERIC_PRECISION, tds_type(declared, 'scale') AS NUMERIC_SCALE,
  tds_type(declared, 'fraction') AS DATETIME_PRECISION FROM tds_columns WHERE place = 'main';
CREATE TEMP VIEW \"sys.objects\" AS SELECT name, id AS object_id, 1 AS schema_id, iif(is_view, 'V', 'U') AS type FROM tds_named;
CREATE TEMP VIEW \"sys.tables\" AS SELECT name, id AS object_id, 1 AS schema_id, 'U' AS type FROM tds_named WHERE NOT is_view;
CREATE TEMP VIEW \"sys.columns\" AS SELECT id AS object_id, column_name AS name, place_of AS column_id, 1 - required AS is_nullable,
  tds_type(declared, 'identity') AS is_identity, 0 AS is_computed, given IS NOT NULL AS default_object_id FROM tds_columns;
CREATE TEMP VIEW \"sys.all_columns\" AS SELECT * FROM \"sys.columns\";
CREATE TEMP VIEW \"sys.schemas\" AS SELECT 'dbo' AS name, 1 AS schema_id;
CREATE TEMP VIEW \"sys.databases\" AS SELECT '$database' AS name, 5 AS database_id, 0 AS state, NULL AS source_database_id,
  3 AS recovery_model;
";

fn column(name: &str, ty: SqlType) -> ResultColumn {
    ResultColumn {
        name: name.to_owned(),
        ty,
        nullable: true,
        identity: false,
    }
}

fn whole(number: impl Into<i64>) -> Value {
    Value::Integer(number.into())
}

/// The number of a type in `sys.types`, and its size in bytes.
fn system_type(ty: SqlType) -> (i64, i64) {
    let size = |length: u16, wide: i64| {
        if length == MAX {
            -1
        } else {
            i64::from(length) * wide
        }
    };
    match ty {
        SqlType::Bit => (104, 1),
        SqlType::TinyInt => (48, 1),
        SqlType::SmallInt => (52, 2),
        SqlType::Int => (56, 4),
        SqlType::BigInt => (127, 8),
        SqlType::Real => (59, 4),
        SqlType::Float => (62, 8),
        SqlType::Decimal(precision, _) => {
            (106, i64::from(crate::sql_type::decimal_size(precision)))
        }
        SqlType::Money => (60, 8),
        SqlType::SmallMoney => (122, 4),
        SqlType::Date => (40, 3),
        SqlType::Time(_) => (41, 5),
        SqlType::DateTime => (61, 8),
        SqlType::SmallDateTime => (58, 4),
        SqlType::DateTime2(_) => (42, 8),
        SqlType::DateTimeOffset(_) => (43, 10),
        SqlType::Guid => (36, 16),
        SqlType::Char(length) => (175, size(length, 1)),
        SqlType::VarChar(length) => (167, size(length, 1)),
        SqlType::NChar(length) => (239, size(length, 2)),
        SqlType::NVarChar(length) => (231, size(length, 2)),
        SqlType::Binary(length) => (173, size(length, 1)),
        SqlType::VarBinary(length) => (165, size(length, 1)),
        SqlType::Text => (35, 16),
        SqlType::NText => (99, 16),
        SqlType::Image => (34, 16),
        SqlType::Xml => (241, -1),
    }
}

impl Session {
    /// `sp_tablecollations_100`: the collation of each column that has one.
    pub(crate) fn table_collations(&mut self, name: &str) -> Result<(), Stop> {
        let name = name.replace(['[', ']', '"'], "");
        let table = table_name(&name.split('.').collect::<Vec<_>>());
        let known = self
            .view()
            .columns(&table)
            .ok_or_else(|| SqlError::new(208, format!("Invalid object name '{table}'.")))?;
        let columns = [
            column("colid", SqlType::Int),
            column("name", SqlType::NVarChar(128)),
            column("tds_collation", SqlType::Binary(5)),
            column("collation", SqlType::NVarChar(128)),
        ];
        self.replies.columns(&columns);
        let count = known.len();
        for (at, known) in known.into_iter().enumerate() {
            let text = known.declared.is_none_or(|declared| declared.ty.is_text());
            let (bytes, name) = if text {
                (
                    Value::Blob(COLLATION.to_vec()),
                    Value::Text("SQL_Latin1_General_CP1_CI_AS".to_owned()),
                )
            } else {
                (Value::Null, Value::Null)
            };
            let row = vec![
                whole(i64::try_from(at + 1).unwrap_or_default()),
                Value::Text(known.name),
                bytes,
                name,
            ];
            self.replies.row(&columns, row)?;
        }
        self.replies.done(DONE_COUNT, COMMAND_SELECT, count as u64);
        Ok(())
    }

    /// The columns of the first result of a batch, which is not run.
    fn first_result(
        &mut self,
        source: &str,
        declarations: &str,
    ) -> Result<Vec<ResultColumn>, Stop> {
        let declared = crate::calls::declared(declarations)?;
        let variables = declared
            .into_iter()
            .map(|(name, ty, _)| (name, (ty, Value::Null)))
            .collect();
        let outer = std::mem::replace(&mut self.state.variables, variables);
        let mut found = Ok(Vec::new());
        for node in parse(source)? {
            let Kind::Sql(tokens) = node.kind else {
                continue;
            };
            if crate::ddl::statements(&tokens, &self.view())
                .ok()
                .flatten()
                .is_some()
            {
                continue;
            }
            found = plan(&tokens, &self.view())
                .map_err(Stop::from)
                .and_then(|plan| {
                    let statement = self.db.prepare(&plan.sql)?;
                    Ok(result::described(&statement, &plan.hints))
                });
            if !matches!(&found, Ok(columns) if columns.is_empty()) {
                break;
            }
        }
        self.state.variables = outer;
        found
    }

    /// `sp_describe_first_result_set`: one row a column.
    pub(crate) fn describe_result(&mut self, source: &str, declarations: &str) -> Result<(), Stop> {
        self.fill_description(source, declarations)?;
        self.nested("SELECT * FROM tds_described ORDER BY column_ordinal")
    }

    /// A query of `sys.dm_exec_describe_first_result_set('...', ...)` becomes one of a table with its rows.
    pub(crate) fn with_description(&mut self, tokens: &Tokens) -> Result<Option<Tokens>, Stop> {
        let name = "DM_EXEC_DESCRIBE_FIRST_RESULT_SET";
        let Some(at) = tokens.iter().position(|token| word(Some(token)) == name) else {
            return Ok(None);
        };
        let rest = tokens.get(at + 2..).unwrap_or_default();
        let end = rest.iter().position(|token| token.token == Token::RParen);
        let (arguments, after) = rest.split_at(end.ok_or_else(|| SqlError::syntax(name))?);
        let mut texts = Vec::new();
        for argument in split_commas(arguments) {
            texts.push(text(self.evaluate(&argument)?));
        }
        let given = |at: usize| texts.get(at).cloned().unwrap_or_default();
        self.fill_description(&given(0), &given(1))?;
        // The schema and its point go with the name.
        let mut changed = tokens
            .get(..at.saturating_sub(2))
            .unwrap_or_default()
            .to_vec();
        changed.extend(crate::script::tokens("tds_described")?);
        changed.extend_from_slice(after.get(1..).unwrap_or_default());
        Ok(Some(changed))
    }

    fn fill_description(&mut self, source: &str, declarations: &str) -> Result<(), Stop> {
        let found = self.first_result(source, declarations)?;
        self.db.execute_batch(DESCRIBED)?;
        let sql = "INSERT INTO tds_described VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)";
        let mut statement = self.db.prepare_cached(sql)?;
        for (at, found) in found.into_iter().enumerate() {
            let (id, size) = system_type(found.ty);
            let (digits, scale) = precision(found.ty).unwrap_or_default();
            let mut info = Vec::new();
            found.ty.put_type_info(&mut info);
            let collation = found.ty.is_text().then_some("SQL_Latin1_General_CP1_CI_AS");
            let code = info.first().copied().unwrap_or_default();
            statement.execute(rusqlite::params![
                i64::try_from(at + 1).unwrap_or_default(),
                found.name,
                found.nullable,
                id,
                found.ty.to_string(),
                size,
                digits,
                scale,
                collation,
                found.identity,
                code,
                size,
            ])?;
        }
        Ok(())
    }
}

const DESCRIBED: &str = "DROP TABLE IF EXISTS temp.tds_described;
CREATE TEMP TABLE tds_described (is_hidden bit, column_ordinal int, name nvarchar(128), is_nullable bit, system_type_id int,
  system_type_name nvarchar(256), max_length smallint, \"precision\" tinyint, scale tinyint, collation_name nvarchar(128),
  is_identity_column bit, is_updateable bit, tds_type_id int, tds_length int)";
