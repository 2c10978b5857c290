//! Types of T-SQL and what the targets call them.
//!
//! SQLite keeps T-SQL's own names, from which a reader learns the type of a column again; only those are changed that would
//! make SQLite turn texts into numbers (`xml`), and `(max)`, which it cannot read.

use sqlparser::ast::DataType;

use super::Dialect;

/// SQLite's collation for one of SQL Server's by its name; blanks at the end are told apart there.
pub(super) fn sqlite_collation(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_uppercase();
    let tells_cases = name.contains("_CS") || name.contains("_BIN");
    match tells_cases {
        true => Some("BINARY"),
        false if name.contains("_CI") || name == "DATABASE_DEFAULT" => Some("NOCASE"),
        false => None,
    }
}

/// A type of T-SQL: its name in lower case and what is in parentheses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypeName {
    pub(super) name: String,
    pub(super) arguments: Vec<String>,
}

impl TypeName {
    pub(super) fn new(data_type: &DataType) -> Self {
        let text = data_type.to_string();
        let (name, arguments) = text.split_once('(').unwrap_or((&text, ""));
        let name = name.trim().to_ascii_lowercase();
        let name = name.rsplit('.').next().unwrap_or_default();
        let arguments = arguments
            .trim_end()
            .trim_end_matches(')')
            .split(',')
            .map(|argument| argument.trim().to_ascii_lowercase())
            .filter(|argument| !argument.is_empty())
            .collect();
        Self {
            name: name.trim_matches(['"', '`', '[', ']']).to_owned(),
            arguments,
        }
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(
            self.name.as_str(),
            "char" | "varchar" | "nchar" | "nvarchar" | "text" | "ntext" | "sysname"
        )
    }

    pub(super) fn is_max(&self) -> bool {
        self.arguments.iter().any(|argument| argument == "max")
    }

    pub(super) fn length(&self) -> Option<u64> {
        self.arguments.first()?.parse().ok()
    }

    /// As T-SQL writes it; a text without a length has one in casts.
    pub(super) fn for_cast(&self) -> String {
        match (self.name.as_str(), self.arguments.is_empty()) {
            ("char" | "varchar" | "nchar" | "nvarchar" | "binary" | "varbinary", true) => {
                format!("{}(30)", self.name)
            }
            _ => self.with_arguments(&self.name),
        }
    }

    fn with_arguments(&self, name: &str) -> String {
        match self.arguments.as_slice() {
            [] => name.to_owned(),
            arguments => format!("{name}({})", arguments.join(",")),
        }
    }

    /// The name in the target; none where it has no such type.
    pub(super) fn in_target(&self, to: Dialect) -> Option<String> {
        match to {
            Dialect::Sqlite => self.in_sqlite(),
            Dialect::Postgres => self.in_postgres(),
            Dialect::DuckDb => self.in_duckdb(),
            Dialect::MySql => self.in_mysql(),
            Dialect::MsSql | Dialect::Other => Some(self.with_arguments(&self.name)),
        }
    }

    fn in_sqlite(&self) -> Option<String> {
        let text = match self.name.as_str() {
            "varchar" | "char" if self.is_max() => "text".to_owned(),
            "nvarchar" | "nchar" if self.is_max() => "ntext".to_owned(),
            "varbinary" | "image" if self.is_max() || self.name == "image" => "blob".to_owned(),
            "xml" | "sql_variant" | "hierarchyid" => "text".to_owned(),
            "sysname" => "nvarchar(128)".to_owned(),
            "timestamp" | "rowversion" => "binary(8)".to_owned(),
            "geography" | "geometry" => return None,
            _ => self.with_arguments(&self.name),
        };
        Some(text)
    }

    fn in_postgres(&self) -> Option<String> {
        let text = match self.name.as_str() {
            "varchar" | "nvarchar" | "character varying" | "char varying" if self.is_max() => {
                "text".to_owned()
            }
            "varchar" | "nvarchar" => self.with_arguments("varchar"),
            "char" | "nchar" | "character" => self.with_arguments("char"),
            "text" | "ntext" => "text".to_owned(),
            "sysname" => "varchar(128)".to_owned(),
            "tinyint" | "bit" | "smallint" => "smallint".to_owned(),
            "int" | "integer" => "integer".to_owned(),
            "bigint" => "bigint".to_owned(),
            "decimal" | "numeric" | "dec" => self.with_arguments("numeric"),
            "money" => "numeric(19,4)".to_owned(),
            "smallmoney" => "numeric(10,4)".to_owned(),
            "float" if self.length().is_some_and(|bits| bits <= 24) => "real".to_owned(),
            "float" | "double precision" => "double precision".to_owned(),
            "real" => "real".to_owned(),
            "date" => "date".to_owned(),
            "datetime" => "timestamp(3)".to_owned(),
            "datetime2" => format!("timestamp({})", self.length().unwrap_or(7).min(6)),
            "smalldatetime" => "timestamp(0)".to_owned(),
            "datetimeoffset" => format!("timestamptz({})", self.length().unwrap_or(7).min(6)),
            "time" => format!("time({})", self.length().unwrap_or(7).min(6)),
            "uniqueidentifier" => "uuid".to_owned(),
            "binary" | "varbinary" | "image" | "timestamp" | "rowversion" => "bytea".to_owned(),
            "xml" => "xml".to_owned(),
            _ => return None,
        };
        Some(text)
    }

    fn in_duckdb(&self) -> Option<String> {
        let text = match self.name.as_str() {
            "varchar" | "nvarchar" | "char" | "nchar" | "text" | "ntext" | "sysname" | "xml"
            | "character" => "VARCHAR".to_owned(),
            "tinyint" => "UTINYINT".to_owned(),
            "bit" | "smallint" => "SMALLINT".to_owned(),
            "int" | "integer" => "INTEGER".to_owned(),
            "bigint" => "BIGINT".to_owned(),
            "decimal" | "numeric" | "dec" if self.arguments.is_empty() => {
                "DECIMAL(18,0)".to_owned()
            }
            "decimal" | "numeric" | "dec" => self.with_arguments("DECIMAL"),
            "money" => "DECIMAL(19,4)".to_owned(),
            "smallmoney" => "DECIMAL(10,4)".to_owned(),
            "float" if self.length().is_some_and(|bits| bits <= 24) => "REAL".to_owned(),
            "float" | "double precision" => "DOUBLE".to_owned(),
            "real" => "REAL".to_owned(),
            "date" => "DATE".to_owned(),
            "datetime" | "datetime2" | "smalldatetime" => "TIMESTAMP".to_owned(),
            "datetimeoffset" => "TIMESTAMPTZ".to_owned(),
            "time" => "TIME".to_owned(),
            "uniqueidentifier" => "UUID".to_owned(),
            "binary" | "varbinary" | "image" | "timestamp" | "rowversion" => "BLOB".to_owned(),
            _ => return None,
        };
        Some(text)
    }

    fn in_mysql(&self) -> Option<String> {
        let text = match self.name.as_str() {
            "varchar" | "nvarchar" if self.is_max() => "longtext".to_owned(),
            "varchar" | "nvarchar" if self.arguments.is_empty() => "varchar(1)".to_owned(),
            "varchar" | "nvarchar" => self.with_arguments("varchar"),
            "char" | "nchar" | "character" => self.with_arguments("char"),
            "text" | "ntext" | "xml" => "longtext".to_owned(),
            "sysname" => "varchar(128)".to_owned(),
            "bit" => "tinyint".to_owned(),
            "tinyint" => "tinyint unsigned".to_owned(),
            "smallint" | "bigint" | "date" => self.name.clone(),
            "int" | "integer" => "int".to_owned(),
            "decimal" | "numeric" | "dec" if self.arguments.is_empty() => {
                "decimal(18,0)".to_owned()
            }
            "decimal" | "numeric" | "dec" => self.with_arguments("decimal"),
            "money" => "decimal(19,4)".to_owned(),
            "smallmoney" => "decimal(10,4)".to_owned(),
            "float" if self.length().is_some_and(|bits| bits <= 24) => "float".to_owned(),
            "float" | "double precision" => "double".to_owned(),
            "real" => "float".to_owned(),
            "datetime" => "datetime(3)".to_owned(),
            "datetime2" => format!("datetime({})", self.length().unwrap_or(7).min(6)),
            "smalldatetime" => "datetime".to_owned(),
            "time" => format!("time({})", self.length().unwrap_or(7).min(6)),
            "uniqueidentifier" => "char(36)".to_owned(),
            "varbinary" if self.is_max() => "longblob".to_owned(),
            "binary" | "varbinary" => self.with_arguments(&self.name),
            "image" => "longblob".to_owned(),
            "timestamp" | "rowversion" => "binary(8)".to_owned(),
            _ => return None,
        };
        Some(text)
    }

    /// What MySQL calls it in CAST, which knows a few types only.
    pub(super) fn in_mysql_cast(&self) -> Option<String> {
        let text = match self.name.as_str() {
            "varchar" | "nvarchar" | "char" | "nchar" => match self.length() {
                Some(length) => format!("char({length})"),
                None if self.is_max() => "char".to_owned(),
                None => "char(30)".to_owned(),
            },
            "text" | "ntext" | "xml" | "sysname" | "uniqueidentifier" => "char".to_owned(),
            "tinyint" | "smallint" | "int" | "integer" | "bigint" | "bit" => "signed".to_owned(),
            "float" | "double precision" => "double".to_owned(),
            "real" => "float".to_owned(),
            "binary" | "varbinary" | "image" => "binary".to_owned(),
            _ => return self.in_mysql(),
        };
        Some(text)
    }
}
