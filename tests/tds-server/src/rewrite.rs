//! Expressions and queries of T-SQL made into those of SQLite, on the tree sqlparser reads.
//!
//! Names lose their database and the schema `dbo`; another schema stays in front, as part of one SQLite name.
//! Casts, `+`, date parts and what the session knows (`@@ROWCOUNT`, `DB_NAME()`) become calls and literals.
//! What has no counterpart is an error here, or a syntax error of SQLite's; it is never left out.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, CastKind, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, LimitClause, ObjectName, ObjectNamePart, Offset, OffsetRows, Query,
    Select, SetExpr, TableAlias, TableFactor, TopQuantity, UnaryOperator, Value, VisitMut,
    VisitorMut,
};
use sqlparser::dialect::MsSqlDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::decimal::Decimal;
use crate::error::SqlError;
use crate::script::{Tokens, is, word};
use crate::sql_type::{Declared, SqlType};

/// A column of a table: its declared type is missing where SQLite has no text of ours.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) declared: Option<Declared>,
    pub(crate) default: Option<String>,
}

/// What a statement's meaning depends on.
pub(crate) trait Facts {
    /// The columns of a table or view by its SQLite name.
    fn columns(&self, table: &str) -> Option<Vec<Column>>;
    /// The value of `@@NAME` or of a function only the session can answer.
    fn known(&self, name: &str, argument: Option<&str>) -> Option<Value>;
    fn variable(&self, name: &str) -> Option<SqlType>;
    fn identity_insert(&self, table: &str) -> bool;
}

/// The words of table hints, which change nothing here.
const HINTS: [&str; 18] = [
    "NOLOCK",
    "TABLOCK",
    "TABLOCKX",
    "ROWLOCK",
    "PAGLOCK",
    "UPDLOCK",
    "XLOCK",
    "HOLDLOCK",
    "READPAST",
    "READUNCOMMITTED",
    "READCOMMITTED",
    "REPEATABLEREAD",
    "SERIALIZABLE",
    "NOWAIT",
    "FORCESEEK",
    "FORCESCAN",
    "NOEXPAND",
    "INDEX",
];

/// Takes table hints and `OPTION (...)` out.
pub(crate) fn without_hints(tokens: &[TokenWithSpan]) -> Tokens {
    let mut kept = Tokens::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let here = word(Some(token));
        let opens = is(tokens.get(at + 1), &Token::LParen);
        let hinted = |at: usize| HINTS.contains(&word(tokens.get(at)).as_str());
        let bare = token.token == Token::LParen
            && hinted(at + 1)
            && is(tokens.get(at + 2), &Token::RParen);
        if bare || (opens && (here == "OPTION" || here == "WITH" && hinted(at + 2))) {
            at += 1 + usize::from(!bare);
            let mut depth = 1;
            while depth > 0 && at < tokens.len() {
                match tokens.get(at).map(|token| &token.token) {
                    Some(Token::LParen) => depth += 1,
                    Some(Token::RParen) => depth -= 1,
                    _ => {}
                }
                at += 1;
            }
            continue;
        }
        kept.push(token.clone());
        at += 1;
    }
    kept
}

pub(crate) fn parse_with<T>(
    tokens: Tokens,
    read: impl FnOnce(&mut Parser<'_>) -> Result<T, ParserError>,
) -> Result<T, SqlError> {
    let dialect = MsSqlDialect {};
    let mut parser = Parser::new(&dialect).with_tokens_with_locations(tokens);
    let parsed = read(&mut parser)
        .map_err(|error| SqlError::new(102, format!("Incorrect syntax: {error}.")))?;
    let rest = parser.peek_token();
    if rest.token == Token::EOF || rest.token == Token::SemiColon {
        Ok(parsed)
    } else {
        Err(SqlError::syntax(rest.token))
    }
}

/// An expression of T-SQL as SQLite text.
pub(crate) fn expression(tokens: &[TokenWithSpan], facts: &dyn Facts) -> Result<String, SqlError> {
    let mut expr = parse_with(without_hints(tokens), |parser| parser.parse_expr())?;
    apply(&mut expr, facts)?;
    Ok(expr.to_string())
}

/// Rewrites a tree in place.
pub(crate) fn apply(tree: &mut impl VisitMut, facts: &dyn Facts) -> Result<(), SqlError> {
    match tree.visit(&mut Rewriter { facts }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(crate) fn ident(name: &str) -> Ident {
    Ident::with_quote('"', name)
}

/// The SQLite name for the parts of a T-SQL name.
pub(crate) fn table_name(parts: &[&str]) -> String {
    let last = parts.last().copied().unwrap_or_default();
    let schema = parts
        .len()
        .checked_sub(2)
        .and_then(|at| parts.get(at))
        .copied()
        .unwrap_or_default();
    if last.starts_with('@') {
        return last.to_ascii_lowercase();
    }
    if last.starts_with('#') || schema.is_empty() || schema.eq_ignore_ascii_case("dbo") {
        return last.to_owned();
    }
    format!("{schema}.{last}")
}

pub(crate) fn part_values(name: &ObjectName) -> Vec<&str> {
    name.0
        .iter()
        .map(|part| part.as_ident().map_or("", |ident| ident.value.as_str()))
        .collect()
}

pub(crate) fn object(name: &str) -> ObjectName {
    ObjectName(vec![ObjectNamePart::Identifier(ident(name))])
}

pub(crate) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let args = arguments
        .into_iter()
        .map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)))
        .collect();
    Expr::Function(Function {
        name: ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

pub(crate) fn literal(value: Value) -> Expr {
    Expr::Value(value.into())
}

pub(crate) fn text_literal(text: impl Into<String>) -> Expr {
    literal(Value::SingleQuotedString(text.into()))
}

/// The type a cast names; texts without a length have thirty characters there.
pub(crate) fn cast_type(text: &str) -> Result<SqlType, SqlError> {
    SqlType::parse_cast(text)
        .ok_or_else(|| SqlError::new(243, format!("Type {text} is not a defined system type.")))
}

/// A function's name in lower case and its plain arguments.
pub(crate) fn function_parts(function: &Function) -> (String, Vec<&Expr>) {
    let name = part_values(&function.name)
        .last()
        .copied()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let FunctionArguments::List(list) = &function.args else {
        return (name, Vec::new());
    };
    let plain = list.args.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    (name, plain.collect())
}

pub(crate) fn string_of(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::NationalStringLiteral(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

struct Rewriter<'a> {
    facts: &'a dyn Facts,
}

impl VisitorMut for Rewriter<'_> {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        match crate::applies::replace(query).and_then(|()| limits(query)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        if select.top.is_some() {
            return ControlFlow::Break(SqlError::unsupported("TOP inside a UNION"));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<SqlError> {
        *relation = object(&table_name(&part_values(relation)));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<SqlError> {
        if let TableFactor::Table {
            name,
            alias,
            with_hints,
            args,
            ..
        } = factor
        {
            with_hints.clear();
            if args.as_ref().is_some_and(|args| {
                args.args
                    .iter()
                    .all(|arg| HINTS.contains(&arg.to_string().to_ascii_uppercase().as_str()))
            }) {
                *args = None;
            }
            let parts = part_values(name);
            let last = parts.last().copied().unwrap_or_default();
            if alias.is_none() && table_name(&parts) != last {
                let name = ident(last);
                *alias = Some(TableAlias {
                    explicit: true,
                    name,
                    columns: Vec::new(),
                    at: None,
                });
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        if let Expr::Function(function) = expr {
            name_date_part(function);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        let taken = std::mem::replace(expr, literal(Value::Null));
        match self.rewritten(taken) {
            Ok(new) => {
                *expr = new;
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl Rewriter<'_> {
    fn rewritten(&self, expr: Expr) -> Result<Expr, SqlError> {
        Ok(match expr {
            Expr::Identifier(name) => self.identifier(name)?,
            Expr::CompoundIdentifier(parts) => {
                let skip = parts.len().saturating_sub(2);
                Expr::CompoundIdentifier(
                    parts
                        .into_iter()
                        .skip(skip)
                        .map(|part| ident(&part.value))
                        .collect(),
                )
            }
            Expr::Value(value) => literal(literal_value(value.value)),
            Expr::Cast {
                kind,
                expr,
                data_type,
                ..
            } => {
                let ty = cast_type(&data_type.to_string())?;
                let name = if matches!(kind, CastKind::Cast) {
                    "tds_cast"
                } else {
                    "tds_try_cast"
                };
                call(name, vec![*expr, text_literal(ty.to_string())])
            }
            Expr::Convert {
                is_try,
                expr,
                data_type: Some(data_type),
                styles,
                ..
            } => {
                let ty = cast_type(&data_type.to_string())?;
                let name = if is_try { "tds_try_cast" } else { "tds_cast" };
                let mut arguments = vec![*expr, text_literal(ty.to_string())];
                arguments.extend(styles);
                call(name, arguments)
            }
            Expr::BinaryOp { left, op, right } => arithmetic(*left, op, *right),
            // The sign of a number kept as text.
            Expr::UnaryOp {
                op: UnaryOperator::Minus,
                expr,
            } if string_of(&expr).is_some_and(|text| Decimal::parse(text).is_some()) => {
                text_literal(format!("-{}", string_of(&expr).unwrap_or_default()))
            }
            Expr::Collate { expr, .. } => *expr,
            Expr::Function(function) => self.function(function),
            other => read_apart(other),
        })
    }

    fn identifier(&self, name: Ident) -> Result<Expr, SqlError> {
        if name.quote_style.is_none() && name.value.starts_with("@@") {
            let known = self.facts.known(&name.value.to_ascii_uppercase(), None);
            return known
                .map(|known| literal(literal_value(known)))
                .ok_or_else(|| SqlError::unsupported(&name.value));
        }
        if name.quote_style.is_none() && name.value.starts_with('@') {
            let lower = name.value.to_ascii_lowercase();
            if self.facts.variable(&lower).is_none() {
                return Err(SqlError::new(
                    137,
                    format!("Must declare the scalar variable \"{}\".", name.value),
                ));
            }
            return Ok(Expr::Identifier(Ident::new(lower)));
        }
        if name.quote_style == Some('\'') {
            return Ok(text_literal(name.value));
        }
        Ok(Expr::Identifier(ident(&name.value)))
    }

    fn function(&self, mut function: Function) -> Expr {
        let (name, arguments) = function_parts(&function);
        let argument = arguments.first().and_then(|expr| string_of(expr));
        if (arguments.is_empty() || argument.is_some())
            && let Some(known) = self.facts.known(&name.to_ascii_uppercase(), argument)
        {
            return literal(literal_value(known));
        }
        let renamed = match name.as_str() {
            "isnull" => "coalesce",
            "current_timestamp" => return call("getdate", Vec::new()),
            // What SQL Server's own function does.
            "fn_cdc_get_max_lsn" => {
                let query = r#"(SELECT max(start_lsn) FROM "cdc.lsn_time_mapping")"#;
                return literal(Value::Placeholder(query.to_owned()));
            }
            "count_big" => "count",
            "string_agg" => "group_concat",
            _ => name.as_str(),
        };
        function.name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new(renamed))]);
        Expr::Function(function)
    }
}

/// Operators whose meaning hangs on the values are functions.
fn arithmetic(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    let name = match op {
        BinaryOperator::Plus if string_of(&left).is_some() && string_of(&right).is_some() => {
            let (left, op, right) = (left.into(), BinaryOperator::StringConcat, right.into());
            return Expr::BinaryOp { left, op, right };
        }
        BinaryOperator::Plus => "tds_add",
        BinaryOperator::Minus => "tds_subtract",
        BinaryOperator::Divide => "tds_divide",
        BinaryOperator::Modulo => "tds_modulo",
        op => {
            let (left, right) = (left.into(), right.into());
            return Expr::BinaryOp { left, op, right };
        }
    };
    call(name, vec![left, right])
}

/// Functions that sqlparser reads into forms of their own.
fn read_apart(expr: Expr) -> Expr {
    match expr {
        Expr::Ceil { expr, .. } => call("ceiling", vec![*expr]),
        Expr::Floor { expr, .. } => call("floor", vec![*expr]),
        Expr::Trim {
            trim_where: None,
            trim_what: None,
            expr,
            trim_characters: None,
        } => call("trim", vec![*expr]),
        Expr::Substring {
            expr,
            substring_from: Some(from),
            substring_for: Some(length),
            ..
        } => call("substring", vec![*expr, *from, *length]),
        other => other,
    }
}

/// `DATEADD(day, ...)` names its part without quotes.
pub(crate) fn name_date_part(function: &mut Function) {
    let (name, _) = function_parts(function);
    if !matches!(
        name.as_str(),
        "dateadd" | "datediff" | "datediff_big" | "datepart" | "datename" | "datetrunc"
    ) {
        return;
    }
    if let FunctionArguments::List(list) = &mut function.args
        && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(first))) = list.args.first_mut()
        && let Expr::Identifier(part) = first
    {
        let part = part.value.to_ascii_lowercase();
        *first = text_literal(part);
    }
}

fn literal_value(value: Value) -> Value {
    match value {
        // sqlparser takes two quotes in a text for one that is escaped already.
        Value::NationalStringLiteral(text) | Value::SingleQuotedString(text)
            if text.contains('\'') =>
        {
            Value::Placeholder(format!("'{}'", text.replace('\'', "''")))
        }
        Value::NationalStringLiteral(text) => Value::SingleQuotedString(text),
        Value::HexStringLiteral(digits) if digits.len() % 2 == 1 => {
            Value::HexStringLiteral(format!("0{digits}"))
        }
        // More digits than a REAL has are kept as text.
        Value::Number(text, _)
            if text.contains('.') && text.bytes().filter(u8::is_ascii_digit).count() > 15 =>
        {
            Value::SingleQuotedString(text)
        }
        Value::Number(text, _) => Value::Number(text.trim_start_matches('$').to_owned(), false),
        other => other,
    }
}

/// `TOP` and `OFFSET ... FETCH` as `LIMIT`.
fn limits(query: &mut Query) -> Result<(), SqlError> {
    if let Some(clause) = &query.for_clause {
        return Err(SqlError::unsupported(clause));
    }
    let top = match query.body.as_mut() {
        SetExpr::Select(select) => select.top.take(),
        _ => None,
    };
    let mut limit = None;
    if let Some(top) = top {
        if top.percent || top.with_ties {
            return Err(SqlError::unsupported("TOP with PERCENT or TIES"));
        }
        limit = match top.quantity {
            Some(TopQuantity::Expr(expr)) => Some(expr),
            Some(TopQuantity::Constant(count)) => {
                Some(literal(Value::Number(count.to_string(), false)))
            }
            None => None,
        };
    }
    if let Some(fetch) = query.fetch.take() {
        limit = fetch.quantity;
    }
    let offset = match query.limit_clause.take() {
        Some(LimitClause::LimitOffset { offset, .. }) => offset,
        _ => None,
    };
    if limit.is_some() || offset.is_some() {
        let limit = limit.or_else(|| Some(literal(Value::Number("-1".to_owned(), false))));
        let offset = offset.map(|offset| Offset {
            value: offset.value,
            rows: OffsetRows::None,
        });
        query.limit_clause = Some(LimitClause::LimitOffset {
            limit,
            offset,
            limit_by: Vec::new(),
        });
    }
    Ok(())
}
