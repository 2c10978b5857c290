//! What is known of an expression's type without knowing the tables: enough for `+`, which adds numbers and joins texts.

use sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Query, SelectItem, SetExpr, Value,
};

/// As deep as a type is looked for.
const DEPTH_MAX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Text,
    Integer,
    Number,
    Date,
    Nothing,
}

static TEXT_FUNCTIONS: &[&str] = &[
    "LEFT",
    "RIGHT",
    "LTRIM",
    "RTRIM",
    "TRIM",
    "UPPER",
    "LOWER",
    "REPLACE",
    "REPLICATE",
    "STUFF",
    "SUBSTRING",
    "SPACE",
    "CHAR",
    "NCHAR",
    "CONCAT",
    "CONCAT_WS",
    "DATENAME",
    "REVERSE",
    "STR",
    "FORMAT",
    "QUOTENAME",
    "STRING_AGG",
    "SUSER_SNAME",
    "USER_NAME",
    "DB_NAME",
    "HOST_NAME",
    "TRANSLATE",
];
static INTEGER_FUNCTIONS: &[&str] = &[
    "LEN",
    "DATALENGTH",
    "CHARINDEX",
    "PATINDEX",
    "DATEPART",
    "DATEDIFF",
    "YEAR",
    "MONTH",
    "DAY",
    "COUNT",
    "COUNT_BIG",
    "ROW_NUMBER",
    "RANK",
    "DENSE_RANK",
    "NTILE",
    "ASCII",
    "UNICODE",
    "SCOPE_IDENTITY",
];
static DATE_FUNCTIONS: &[&str] = &[
    "GETDATE",
    "SYSDATETIME",
    "GETUTCDATE",
    "SYSUTCDATETIME",
    "CURRENT_TIMESTAMP",
    "DATEADD",
    "EOMONTH",
    "DATEFROMPARTS",
    "DATETIMEFROMPARTS",
];
static NUMBER_FUNCTIONS: &[&str] = &["SQRT", "EXP", "LOG", "LOG10", "PI", "RAND", "SQUARE"];
/// Of the type of their first argument.
static LIKE_FIRST: &[&str] = &[
    "ISNULL", "COALESCE", "NULLIF", "MIN", "MAX", "SUM", "ABS", "ROUND", "CEILING", "FLOOR",
    "POWER", "AVG",
];

pub(super) fn kind(expr: &Expr) -> Known {
    kind_at(expr, 0)
}

fn kind_at(expr: &Expr, depth: usize) -> Known {
    if depth > DEPTH_MAX {
        return Known::Nothing;
    }
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(_) | Value::NationalStringLiteral(_) => Known::Text,
            Value::Number(text, _) if text.contains(['.', 'e', 'E']) => Known::Number,
            Value::Number(..) => Known::Integer,
            _ => Known::Nothing,
        },
        Expr::Nested(inner) | Expr::UnaryOp { expr: inner, .. } => kind_at(inner, depth + 1),
        Expr::Cast { data_type, .. }
        | Expr::Convert {
            data_type: Some(data_type),
            ..
        } => kind_of_type(data_type),
        Expr::Substring { .. } | Expr::Trim { .. } => Known::Text,
        Expr::Ceil { expr, .. } | Expr::Floor { expr, .. } | Expr::Collate { expr, .. } => {
            kind_at(expr, depth + 1)
        }
        Expr::BinaryOp { left, op, right } => kind_of_operator(left, op, right, depth + 1),
        Expr::Case {
            conditions,
            else_result,
            ..
        } => conditions
            .iter()
            .map(|when| &when.result)
            .chain(else_result.as_deref())
            .map(|result| kind_at(result, depth + 1))
            .find(|known| *known != Known::Nothing)
            .unwrap_or(Known::Nothing),
        Expr::Function(function) => kind_of_function(function, depth + 1),
        Expr::Subquery(query) => kind_of_query(query, depth + 1),
        _ => Known::Nothing,
    }
}

fn kind_of_operator(left: &Expr, op: &BinaryOperator, right: &Expr, depth: usize) -> Known {
    let sides = (kind_at(left, depth), kind_at(right, depth));
    match (op, sides) {
        (BinaryOperator::StringConcat, _) => Known::Text,
        (BinaryOperator::Plus, _) if joins_texts(sides) => Known::Text,
        (
            BinaryOperator::Plus | BinaryOperator::Minus,
            (Known::Date, Known::Integer | Known::Number),
        ) => Known::Date,
        (
            BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo,
            (Known::Integer, Known::Integer),
        ) => Known::Integer,
        (BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Modulo, _) => {
            Known::Number
        }
        (BinaryOperator::Plus | BinaryOperator::Minus, (Known::Number, _) | (_, Known::Number)) => {
            Known::Number
        }
        _ => Known::Nothing,
    }
}

/// Of the one column of a query.
fn kind_of_query(query: &Query, depth: usize) -> Known {
    let SetExpr::Select(select) = &*query.body else {
        return Known::Nothing;
    };
    match select.projection.as_slice() {
        [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] => {
            kind_at(value, depth)
        }
        _ => Known::Nothing,
    }
}

/// T-SQL turns a text into a number when the other side is one.
pub(super) fn joins_texts(sides: (Known, Known)) -> bool {
    matches!(
        sides,
        (Known::Text, Known::Text | Known::Nothing) | (Known::Nothing, Known::Text)
    )
}

fn kind_of_function(function: &Function, depth: usize) -> Known {
    let name = function.name.to_string().to_ascii_uppercase();
    let name = name.as_str();
    if TEXT_FUNCTIONS.contains(&name) {
        Known::Text
    } else if INTEGER_FUNCTIONS.contains(&name) {
        Known::Integer
    } else if DATE_FUNCTIONS.contains(&name) {
        Known::Date
    } else if NUMBER_FUNCTIONS.contains(&name) {
        Known::Number
    } else if LIKE_FIRST.contains(&name) {
        argument(function, 0).map_or(Known::Nothing, |first| kind_at(first, depth))
    } else if name == "IIF" {
        [1, 2]
            .into_iter()
            .filter_map(|index| argument(function, index))
            .map(|result| kind_at(result, depth))
            .find(|known| *known != Known::Nothing)
            .unwrap_or(Known::Nothing)
    } else {
        Known::Nothing
    }
}

/// An argument that is an expression.
pub(super) fn argument(function: &Function, index: usize) -> Option<&Expr> {
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    match list.args.get(index)? {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    }
}

pub(super) fn kind_of_type(data_type: &DataType) -> Known {
    let text = data_type.to_string().to_ascii_lowercase();
    let name = text.split(['(', ' ']).next().unwrap_or_default();
    match name.trim_matches(['"', '`', '[', ']']) {
        "char" | "varchar" | "nchar" | "nvarchar" | "text" | "ntext" | "sysname" | "character"
        | "uniqueidentifier" => Known::Text,
        "int" | "integer" | "bigint" | "smallint" | "tinyint" | "bit" => Known::Integer,
        "decimal" | "numeric" | "dec" | "float" | "real" | "money" | "smallmoney" | "double" => {
            Known::Number
        }
        "date" | "datetime" | "datetime2" | "smalldatetime" | "datetimeoffset" | "time" => {
            Known::Date
        }
        _ => Known::Nothing,
    }
}
