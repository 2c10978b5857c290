//! The types of a query's columns where SQLite has no declared type: casts, literals, aggregates, arithmetic.
//!
//! What stays unknown is decided by the values, see [`crate::result`].

use sqlparser::ast::{
    BinaryOperator, Expr, Query, Select, SelectItem, SetExpr, TableFactor, UnaryOperator, Value,
};

use crate::rewrite::{Facts, cast_type, function_parts, part_values, table_name};
use crate::sql_type::{MAX, SqlType};

/// What is known of one column of a result: nothing, for each column a star stands for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hint {
    pub(crate) ty: Option<SqlType>,
    /// An expression without an alias has no name, whatever SQLite calls it.
    pub(crate) unnamed: bool,
}

/// Hints for the columns before the first star and after the last one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hints {
    pub(crate) head: Vec<Hint>,
    pub(crate) tail: Vec<Hint>,
}

impl Hints {
    pub(crate) fn of(&self, column: usize, count: usize) -> Hint {
        let from_end = count - column;
        let tail = self
            .tail
            .len()
            .checked_sub(from_end)
            .and_then(|at| self.tail.get(at));
        self.head.get(column).or(tail).cloned().unwrap_or_default()
    }
}

/// Hints of the items of a select list.
pub(crate) fn hints(query: &Query, facts: &dyn Facts) -> Hints {
    let Some(select) = first_select(&query.body) else {
        return Hints::default();
    };
    let scope = Scope {
        select,
        query,
        facts,
    };
    let mut hints = Hints::default();
    let mut starred = false;
    for item in &select.projection {
        let hint = match item {
            SelectItem::UnnamedExpr(expr) => {
                let unnamed = !matches!(expr, Expr::Identifier(name) if !name.value.starts_with('@'))
                    && !matches!(expr, Expr::CompoundIdentifier(_));
                Hint {
                    ty: scope.ty(expr),
                    unnamed,
                }
            }
            SelectItem::ExprWithAlias { expr, .. } => Hint {
                ty: scope.ty(expr),
                unnamed: false,
            },
            _ => {
                starred = true;
                hints.tail.clear();
                continue;
            }
        };
        if starred {
            hints.tail.push(hint)
        } else {
            hints.head.push(hint)
        }
    }
    hints
}

fn first_select(body: &SetExpr) -> Option<&Select> {
    match body {
        SetExpr::Select(select) => Some(select),
        SetExpr::Query(query) => first_select(&query.body),
        SetExpr::SetOperation { left, .. } => first_select(left),
        _ => None,
    }
}

struct Scope<'a> {
    select: &'a Select,
    query: &'a Query,
    facts: &'a dyn Facts,
}

impl Scope<'_> {
    fn column(&self, table: Option<&str>, name: &str) -> Option<SqlType> {
        let factors = self.select.from.iter().flat_map(|from| {
            std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation))
        });
        for factor in factors {
            let (alias, found) = match factor {
                TableFactor::Table {
                    name: table, alias, ..
                } => {
                    let parts = part_values(table);
                    let alias = alias.as_ref().map_or_else(
                        || parts.last().copied().unwrap_or_default(),
                        |alias| &alias.name.value,
                    );
                    (Some(alias), self.of_table(&parts, name))
                }
                TableFactor::Derived {
                    subquery, alias, ..
                } => (
                    alias.as_ref().map(|alias| alias.name.value.as_str()),
                    of_query(subquery, name, self.facts),
                ),
                _ => continue,
            };
            let named = table
                .is_none_or(|table| alias.is_some_and(|alias| alias.eq_ignore_ascii_case(table)));
            if named && found.is_some() {
                return found;
            }
        }
        None
    }

    fn of_table(&self, parts: &[&str], column: &str) -> Option<SqlType> {
        let ctes = self.query.with.iter().flat_map(|with| &with.cte_tables);
        for cte in ctes {
            if parts
                .last()
                .is_some_and(|last| cte.alias.name.value.eq_ignore_ascii_case(last))
            {
                return of_query(&cte.query, column, self.facts);
            }
        }
        let columns = self.facts.columns(&table_name(parts))?;
        columns
            .into_iter()
            .find(|known| known.name.eq_ignore_ascii_case(column))?
            .declared
            .map(|declared| declared.ty)
    }

    fn ty(&self, expr: &Expr) -> Option<SqlType> {
        match expr {
            Expr::Identifier(name) if name.value.starts_with("@@") => {
                literal_type(&self.facts.known(&name.value.to_ascii_uppercase(), None)?)
            }
            Expr::Identifier(name) if name.value.starts_with('@') => {
                self.facts.variable(&name.value.to_ascii_lowercase())
            }
            Expr::Identifier(name) => self.column(None, &name.value),
            Expr::CompoundIdentifier(parts) => {
                let table = parts
                    .len()
                    .checked_sub(2)
                    .and_then(|at| parts.get(at))
                    .map(|part| part.value.as_str());
                self.column(table, &parts.last()?.value)
            }
            Expr::Value(value) => literal_type(&value.value),
            Expr::Nested(expr)
            | Expr::UnaryOp {
                op: UnaryOperator::Minus | UnaryOperator::Plus,
                expr,
            } => self.ty(expr),
            Expr::Collate { expr, .. } => self.ty(expr),
            Expr::Cast { data_type, .. }
            | Expr::Convert {
                data_type: Some(data_type),
                ..
            } => cast_type(&data_type.to_string()).ok(),
            Expr::Case {
                conditions,
                else_result,
                ..
            } => {
                let results = conditions
                    .iter()
                    .map(|when| &when.result)
                    .chain(else_result.as_deref());
                self.widest(results)
            }
            Expr::Substring { expr, .. } | Expr::Trim { expr, .. } => self.ty(expr).map(varying),
            Expr::Ceil { expr, .. } | Expr::Floor { expr, .. } => self.ty(expr),
            Expr::BinaryOp { left, op, right } => arithmetic(self.ty(left)?, op, self.ty(right)?),
            Expr::Subquery(query) => {
                let select = first_select(&query.body)?;
                Scope {
                    select,
                    query,
                    facts: self.facts,
                }
                .item(select.projection.first()?)
            }
            Expr::Function(_) => self.function(expr),
            _ => None,
        }
    }

    fn item(&self, item: &SelectItem) -> Option<SqlType> {
        match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => self.ty(expr),
            _ => None,
        }
    }

    fn widest<'e>(&self, exprs: impl Iterator<Item = &'e Expr>) -> Option<SqlType> {
        let known = exprs.filter_map(|expr| self.ty(expr));
        known.reduce(wider)
    }

    fn function(&self, expr: &Expr) -> Option<SqlType> {
        let Expr::Function(function) = expr else {
            return None;
        };
        let (name, arguments) = function_parts(function);
        let first = || self.ty(arguments.first()?);
        Some(match name.as_str() {
            "count" | "len" | "datalength" | "datediff" | "datepart" | "year" | "month" | "day"
            | "charindex" | "checksum" | "sign" | "ascii" | "unicode" | "object_id"
            | "error_number" => SqlType::Int,
            "count_big" | "row_number" | "rank" | "dense_rank" | "ntile" | "datediff_big" => {
                SqlType::BigInt
            }
            "sum" => match first()? {
                SqlType::Bit | SqlType::TinyInt | SqlType::SmallInt | SqlType::Int => SqlType::Int,
                SqlType::Decimal(_, scale) => SqlType::Decimal(38, scale),
                SqlType::SmallMoney => SqlType::Money,
                SqlType::Real => SqlType::Float,
                other => other,
            },
            "avg" => match first()? {
                SqlType::Bit | SqlType::TinyInt | SqlType::SmallInt | SqlType::Int => SqlType::Int,
                SqlType::Decimal(_, scale) => SqlType::Decimal(38, scale.max(6)),
                SqlType::SmallMoney => SqlType::Money,
                SqlType::Real => SqlType::Float,
                other => other,
            },
            "min" | "max" | "abs" | "ceiling" | "floor" | "round" | "nullif" | "lag" | "lead"
            | "first_value" | "last_value" => first()?,
            "isnull" => first()?,
            "coalesce" => self.widest(arguments.iter().copied())?,
            "iif" => self.widest(arguments.iter().skip(1).copied())?,
            "upper" | "lower" | "ltrim" | "rtrim" | "trim" | "left" | "right" | "substring"
            | "reverse" => varying(first()?),
            "replicate" | "replace" | "stuff"
                if matches!(first()?, SqlType::VarChar(_) | SqlType::Char(_)) =>
            {
                SqlType::VarChar(8000)
            }
            "concat" | "concat_ws" | "format" | "replace" | "stuff" | "replicate" | "quotename" => {
                SqlType::NVarChar(4000)
            }
            "getdate" | "current_timestamp" | "getutcdate" => SqlType::DateTime,
            "sysdatetime" | "sysutcdatetime" => SqlType::DateTime2(7),
            "sysdatetimeoffset" => SqlType::DateTimeOffset(7),
            "newid" => SqlType::Guid,
            "sqrt" | "power" | "exp" | "log" | "log10" | "pi" | "rand" => SqlType::Float,
            "datename" | "db_name" | "suser_sname" | "user_name" | "app_name" | "host_name" => {
                SqlType::NVarChar(128)
            }
            "scope_identity" => SqlType::Decimal(38, 0),
            "dateadd" => match self.ty(arguments.get(2)?)? {
                ty if ty.is_moment() => ty,
                _ => SqlType::DateTime,
            },
            _ => return None,
        })
    }
}

fn of_query(query: &Query, column: &str, facts: &dyn Facts) -> Option<SqlType> {
    let select = first_select(&query.body)?;
    let scope = Scope {
        select,
        query,
        facts,
    };
    for item in &select.projection {
        let (name, expr) = match item {
            SelectItem::UnnamedExpr(expr @ Expr::Identifier(name)) => (&name.value, expr),
            SelectItem::UnnamedExpr(expr @ Expr::CompoundIdentifier(parts)) => {
                (&parts.last()?.value, expr)
            }
            SelectItem::ExprWithAlias { expr, alias } => (&alias.value, expr),
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => {
                match scope.column(None, column) {
                    Some(found) => return Some(found),
                    None => continue,
                }
            }
            _ => continue,
        };
        if name.eq_ignore_ascii_case(column) {
            return scope.ty(expr);
        }
    }
    None
}

fn literal_type(value: &Value) -> Option<SqlType> {
    let units = |text: &str| {
        u16::try_from(text.encode_utf16().count())
            .unwrap_or(MAX)
            .max(1)
    };
    Some(match value {
        Value::SingleQuotedString(text) => match units(text) {
            length if length > 8000 => SqlType::VarChar(MAX),
            length => SqlType::VarChar(length),
        },
        Value::NationalStringLiteral(text) => match units(text) {
            length if length > 4000 => SqlType::NVarChar(MAX),
            length => SqlType::NVarChar(length),
        },
        Value::HexStringLiteral(digits) => SqlType::VarBinary(
            u16::try_from(digits.len().div_ceil(2))
                .unwrap_or(MAX)
                .max(1),
        ),
        Value::Number(text, _) if text.contains(['e', 'E']) => SqlType::Float,
        Value::Number(text, _) if text.starts_with('$') => SqlType::Money,
        Value::Number(text, _) => match text.split_once('.') {
            Some((whole, fraction)) => {
                let whole = whole.trim_start_matches('0').len();
                let precision = u8::try_from((whole + fraction.len()).max(1)).ok()?;
                SqlType::Decimal(precision.min(38), u8::try_from(fraction.len()).ok()?)
            }
            None if text.parse::<i32>().is_ok() => SqlType::Int,
            None if text.parse::<i64>().is_ok() => SqlType::BigInt,
            None => SqlType::Decimal(u8::try_from(text.len()).ok()?.min(38), 0),
        },
        _ => return None,
    })
}

fn varying(ty: SqlType) -> SqlType {
    match ty {
        SqlType::Char(length) => SqlType::VarChar(length),
        SqlType::NChar(length) => SqlType::NVarChar(length),
        SqlType::Binary(length) => SqlType::VarBinary(length),
        other => other,
    }
}

/// Which of two types wins in an expression.
fn rank(ty: SqlType) -> u8 {
    match ty {
        SqlType::DateTimeOffset(_) => 20,
        SqlType::DateTime2(_) => 19,
        SqlType::DateTime => 18,
        SqlType::SmallDateTime => 17,
        SqlType::Date => 16,
        SqlType::Time(_) => 15,
        SqlType::Float => 14,
        SqlType::Real => 13,
        SqlType::Decimal(..) => 12,
        SqlType::Money => 11,
        SqlType::SmallMoney => 10,
        SqlType::BigInt => 9,
        SqlType::Int => 8,
        SqlType::SmallInt => 7,
        SqlType::TinyInt => 6,
        SqlType::Bit => 5,
        SqlType::NVarChar(_) | SqlType::NChar(_) | SqlType::NText | SqlType::Xml => 4,
        SqlType::VarChar(_) | SqlType::Char(_) | SqlType::Text => 3,
        _ => 1,
    }
}

fn wider(left: SqlType, right: SqlType) -> SqlType {
    match (left, right) {
        (SqlType::Decimal(p1, s1), SqlType::Decimal(p2, s2)) => {
            let scale = s1.max(s2);
            SqlType::Decimal(
                (p1.saturating_sub(s1).max(p2.saturating_sub(s2)) + scale).min(38),
                scale,
            )
        }
        (SqlType::Decimal(..), other) | (other, SqlType::Decimal(..))
            if as_decimal(other).is_some() =>
        {
            wider(
                as_decimal(left).unwrap_or(left),
                as_decimal(right).unwrap_or(right),
            )
        }
        (SqlType::VarChar(a), SqlType::VarChar(b)) => SqlType::VarChar(a.max(b)),
        (SqlType::NVarChar(a), SqlType::NVarChar(b) | SqlType::VarChar(b))
        | (SqlType::VarChar(b), SqlType::NVarChar(a)) => SqlType::NVarChar(a.max(b)),
        _ if rank(left) >= rank(right) => left,
        _ => right,
    }
}

fn as_decimal(ty: SqlType) -> Option<SqlType> {
    Some(match ty {
        SqlType::Decimal(..) => ty,
        SqlType::Bit => SqlType::Decimal(1, 0),
        SqlType::TinyInt => SqlType::Decimal(3, 0),
        SqlType::SmallInt => SqlType::Decimal(5, 0),
        SqlType::Int => SqlType::Decimal(10, 0),
        SqlType::BigInt => SqlType::Decimal(19, 0),
        _ => return None,
    })
}

fn arithmetic(left: SqlType, op: &BinaryOperator, right: SqlType) -> Option<SqlType> {
    if !matches!(
        op,
        BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo
    ) {
        return None;
    }
    if left.is_text() && right.is_text() {
        return Some(concatenated(left, right));
    }
    if let (true, Some(SqlType::Decimal(p1, s1)), Some(SqlType::Decimal(p2, s2))) = (
        matches!(left, SqlType::Decimal(..)) || matches!(right, SqlType::Decimal(..)),
        as_decimal(left),
        as_decimal(right),
    ) {
        let (precision, scale) = match op {
            BinaryOperator::Multiply => (p1 + p2 + 1, s1 + s2),
            BinaryOperator::Divide => {
                let scale = (s1 + p2 + 1).max(6);
                (p1.saturating_sub(s1) + s2 + scale, scale)
            }
            _ => {
                let scale = s1.max(s2);
                (
                    p1.saturating_sub(s1).max(p2.saturating_sub(s2)) + scale + 1,
                    scale,
                )
            }
        };
        // Too many digits are taken from the fraction first, down to six.
        let over = precision.saturating_sub(38);
        return Some(SqlType::Decimal(
            precision.min(38),
            scale.saturating_sub(over).max(scale.min(6)),
        ));
    }
    Some(wider(left, right))
}

fn concatenated(left: SqlType, right: SqlType) -> SqlType {
    let length = |ty| match ty {
        SqlType::Char(length)
        | SqlType::VarChar(length)
        | SqlType::NChar(length)
        | SqlType::NVarChar(length) => length,
        _ => MAX,
    };
    let wide = rank(left).max(rank(right)) == 4;
    let most = if wide { 4000 } else { 8000 };
    let total = match (length(left), length(right)) {
        (MAX, _) | (_, MAX) => MAX,
        (a, b) => a.saturating_add(b).min(most),
    };
    if wide {
        SqlType::NVarChar(total)
    } else {
        SqlType::VarChar(total)
    }
}
