//! The procedures ODBC's catalog functions call: types, tables, columns, primary keys.

use crate::calls::Parameter;
use crate::convert::text;
use crate::error::SqlError;
use crate::functions::precision;
use crate::session::Session;
use crate::sql_type::{MAX, SqlType};
use crate::tokens::Stop;

/// ODBC's number of a type.
pub(crate) fn code(ty: SqlType) -> i64 {
    match ty {
        SqlType::Bit => -7,
        SqlType::TinyInt => -6,
        SqlType::SmallInt => 5,
        SqlType::Int => 4,
        SqlType::BigInt => -5,
        SqlType::Real => 7,
        SqlType::Float => 6,
        SqlType::Decimal(..) | SqlType::Money | SqlType::SmallMoney => 3,
        SqlType::Date => 91,
        SqlType::Time(_) => -154,
        SqlType::DateTime | SqlType::SmallDateTime | SqlType::DateTime2(_) => 93,
        SqlType::DateTimeOffset(_) => -155,
        SqlType::Guid => -11,
        SqlType::Char(_) => 1,
        SqlType::VarChar(_) => 12,
        SqlType::NChar(_) => -8,
        SqlType::NVarChar(_) => -9,
        SqlType::Binary(_) => -2,
        SqlType::VarBinary(_) => -3,
        SqlType::Text => -1,
        SqlType::NText => -10,
        SqlType::Image => -4,
        SqlType::Xml => -152,
    }
}

/// What ODBC calls the size of a column: digits, characters, or places of a moment.
pub(crate) fn column_size(ty: SqlType) -> i64 {
    let places = |whole: i64, scale: u8| whole + i64::from(scale) + i64::from(scale > 0);
    let length = |length: u16| {
        if length == MAX { 0 } else { i64::from(length) }
    };
    match ty {
        SqlType::Bit => 1,
        SqlType::Date => 10,
        SqlType::Time(scale) => places(8, scale),
        SqlType::DateTime => 23,
        SqlType::SmallDateTime => 16,
        SqlType::DateTime2(scale) => places(19, scale),
        SqlType::DateTimeOffset(scale) => places(26, scale),
        SqlType::Guid => 36,
        SqlType::Char(size) | SqlType::VarChar(size) => length(size),
        SqlType::NChar(size) | SqlType::NVarChar(size) => length(size),
        SqlType::Binary(size) | SqlType::VarBinary(size) => length(size),
        SqlType::NText => 1_073_741_823,
        SqlType::Text | SqlType::Image => 2_147_483_647,
        SqlType::Xml => 0,
        _ => precision(ty).map_or(0, |(precision, _)| precision),
    }
}

/// One type of each kind, the widest.
const TYPES: [SqlType; 26] = [
    SqlType::Bit,
    SqlType::TinyInt,
    SqlType::SmallInt,
    SqlType::Int,
    SqlType::BigInt,
    SqlType::Real,
    SqlType::Float,
    SqlType::Decimal(38, 38),
    SqlType::Money,
    SqlType::SmallMoney,
    SqlType::Date,
    SqlType::Time(7),
    SqlType::DateTime2(7),
    SqlType::DateTime,
    SqlType::SmallDateTime,
    SqlType::DateTimeOffset(7),
    SqlType::Guid,
    SqlType::Char(8000),
    SqlType::VarChar(8000),
    SqlType::NChar(4000),
    SqlType::NVarChar(4000),
    SqlType::Binary(8000),
    SqlType::VarBinary(8000),
    SqlType::Text,
    SqlType::NText,
    SqlType::Image,
];

impl Session {
    /// `sp_datatype_info_100`: the types with an ODBC number, or all for zero.
    pub(crate) fn type_information(&mut self, wanted: i64) -> Result<(), Stop> {
        let found = TYPES
            .into_iter()
            .filter(|ty| wanted == 0 || code(*ty) == wanted);
        let rows: Vec<String> = found
            .map(|ty| {
                let scale = match ty {
                    SqlType::Time(_) | SqlType::DateTime2(_) | SqlType::DateTimeOffset(_) => 7,
                    SqlType::DateTime => 3,
                    _ => precision(ty).map_or(0, |(_, scale)| scale),
                };
                let (name, code, size) = (ty.name(), code(ty), column_size(ty));
                format!("SELECT '{name}', {code}, {size}, {scale}")
            })
            .collect();
        let source = match rows.is_empty() {
            true => "SELECT '', 0, 0, 0 WHERE 1 = 0".to_owned(),
            false => rows.join(" UNION ALL "),
        };
        self.nested(&format!(
            "WITH found (n, c, s, d) AS ({source}) SELECT CAST(n AS nvarchar(128)) AS TYPE_NAME, CAST(c AS smallint) AS DATA_TYPE, \
             CAST(s AS int) AS \"PRECISION\", CAST('''' AS varchar(32)) AS LITERAL_PREFIX, CAST('''' AS varchar(32)) AS LITERAL_SUFFIX, \
             CAST(NULL AS varchar(32)) AS CREATE_PARAMS, CAST(1 AS smallint) AS NULLABLE, CAST(0 AS smallint) AS CASE_SENSITIVE, \
             CAST(3 AS smallint) AS SEARCHABLE, CAST(0 AS smallint) AS UNSIGNED_ATTRIBUTE, CAST(0 AS smallint) AS MONEY, \
             CAST(0 AS smallint) AS AUTO_INCREMENT, CAST(n AS nvarchar(128)) AS LOCAL_TYPE_NAME, CAST(0 AS smallint) AS MINIMUM_SCALE, \
             CAST(d AS smallint) AS MAXIMUM_SCALE, CAST(c AS smallint) AS SQL_DATA_TYPE, CAST(NULL AS smallint) AS SQL_DATETIME_SUB, \
             CAST(10 AS int) AS NUM_PREC_RADIX, CAST(NULL AS smallint) AS INTERVAL_PRECISION, CAST(0 AS smallint) AS USERTYPE FROM found"
        ))
    }

    /// `sp_tables`, `sp_columns_100` and `sp_pkeys`: what their first parameters name, with the signs of LIKE.
    pub(crate) fn odbc_catalog(
        &mut self,
        name: &str,
        parameters: &[Parameter],
    ) -> Result<(), Stop> {
        let given = |wanted: &str, place: usize| {
            let named = parameters.iter().find(|parameter| parameter.name == wanted);
            let placed = parameters
                .get(place)
                .filter(|parameter| parameter.name.is_empty());
            let value = text(named.or(placed)?.value.clone());
            (!value.is_empty()).then(|| value.replace('\'', "''"))
        };
        let mut filter = String::from("place = 'main'");
        if let Some(table) = given("@table_name", 0) {
            filter.push_str(&format!(" AND name LIKE '{table}'"));
        }
        if let Some(owner) = given("@table_owner", 1) {
            filter.push_str(&format!(" AND [schema] LIKE '{owner}'"));
        }
        let start = "CAST(DB_NAME() AS nvarchar(128)) AS TABLE_QUALIFIER, CAST([schema] AS nvarchar(128)) AS TABLE_OWNER, \
                     CAST(name AS nvarchar(128)) AS TABLE_NAME";
        let source = match name {
            "sp_tables" => format!(
                "SELECT {start}, CAST(CASE is_view WHEN 1 THEN 'VIEW' ELSE 'TABLE' END AS varchar(32)) AS TABLE_TYPE, \
                 CAST(NULL AS varchar(254)) AS REMARKS FROM tds_named WHERE {filter} ORDER BY 4, 1, 2, 3"
            ),
            "sp_columns" | "sp_columns_100" => {
                if let Some(column) = given("@column_name", 3) {
                    filter.push_str(&format!(" AND column_name LIKE '{column}'"));
                }
                format!(
                    "SELECT {start}, CAST(column_name AS nvarchar(128)) AS COLUMN_NAME, CAST(tds_type(declared, 'odbc') AS smallint) AS DATA_TYPE, \
                     CAST(tds_type(declared, 'name') AS nvarchar(128)) AS TYPE_NAME, CAST(tds_type(declared, 'size') AS int) AS \"PRECISION\", \
                     CAST(tds_type(declared, 'size') AS int) AS LENGTH, \
                     CAST(COALESCE(tds_type(declared, 'scale'), tds_type(declared, 'fraction')) AS smallint) AS SCALE, CAST(10 AS smallint) AS RADIX, \
                     CAST(1 - required AS smallint) AS NULLABLE, CAST(NULL AS varchar(254)) AS REMARKS, CAST(given AS nvarchar(4000)) AS COLUMN_DEF, \
                     CAST(tds_type(declared, 'odbc') AS smallint) AS SQL_DATA_TYPE, CAST(NULL AS smallint) AS SQL_DATETIME_SUB, \
                     CAST(tds_type(declared, 'length') AS int) AS CHAR_OCTET_LENGTH, CAST(place_of AS int) AS ORDINAL_POSITION, \
                     CAST(CASE required WHEN 1 THEN 'NO' ELSE 'YES' END AS varchar(254)) AS IS_NULLABLE \
                     FROM tds_columns WHERE {filter} ORDER BY full_name, place_of"
                )
            }
            "sp_pkeys" => format!(
                "SELECT {start}, CAST(column_name AS nvarchar(128)) AS COLUMN_NAME, CAST(key_place AS smallint) AS KEY_SEQ, \
                 CAST(NULL AS nvarchar(128)) AS PK_NAME FROM tds_columns WHERE {filter} AND key_place > 0 ORDER BY key_place"
            ),
            other => return Err(SqlError::unsupported(other).into()),
        };
        self.nested(&source)
    }
}
