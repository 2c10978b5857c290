//! Expressions: operators, functions and conversions, from the leaves up.
//!
//! On the way down the types are looked at, which are those of T-SQL still; on the way up each call is put in the target's
//! words.

use std::ops::ControlFlow;

use sqlparser::{
    ast::{
        BinaryOperator, CastKind, CeilFloorKind, DataType, DateTimeField, Expr, Function,
        FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName,
        Query, Select, TableFactor, UnaryOperator, Value, VisitorMut,
    },
    tokenizer::Span,
};

use super::{
    Dialect,
    comparisons::compare_numbers,
    error::RewriteError,
    functions::{
        convert::{self, Conversion},
        fill, is_atom, table,
    },
    kinds::{Known, joins_texts, kind},
    rewriter::{Rewriter, TEXT_BYTES_MAX, raw, span_of},
    type_names::TypeName,
};

/// Walks a statement and rewrites its names, expressions and queries.
pub(super) struct Walk<'a, 'b> {
    pub(super) rewriter: &'a mut Rewriter<'b>,
    /// Types of the values of the conversions that are open.
    from: Vec<Known>,
}

impl<'a, 'b> Walk<'a, 'b> {
    pub(super) fn new(rewriter: &'a mut Rewriter<'b>) -> Self {
        Self {
            rewriter,
            from: Vec::new(),
        }
    }
}

fn flow(result: Result<(), RewriteError>) -> ControlFlow<RewriteError> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

impl VisitorMut for Walk<'_, '_> {
    type Break = RewriteError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<RewriteError> {
        flow(self.rewriter.query(query))
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<RewriteError> {
        flow(self.rewriter.select(select))
    }

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<RewriteError> {
        flow(self.rewriter.table_factor(table))
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<RewriteError> {
        flow(self.rewriter.table_name(relation))
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<RewriteError> {
        if let Expr::Cast { expr, .. } | Expr::Convert { expr, .. } = expr {
            self.from.push(kind(expr));
        }
        self.rewriter.before_children(expr);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<RewriteError> {
        let from = match expr {
            Expr::Cast { .. } | Expr::Convert { .. } => self.from.pop().unwrap_or(Known::Nothing),
            _ => Known::Nothing,
        };
        flow(self.rewriter.after_children(expr, from))
    }
}

impl Rewriter<'_> {
    /// Operators whose meaning hangs on the types of their sides.
    fn before_children(&mut self, expr: &mut Expr) {
        if let Expr::Function(function) = expr {
            self.window(&mut function.over);
            self.nulls(&mut function.within_group);
        }
        if self.to == Dialect::Sqlite {
            compare_numbers(expr);
        }
        let span = match expr {
            Expr::BinaryOp { right, .. } => span_of(right),
            _ => return,
        };
        let Expr::BinaryOp { left, op, right } = expr else {
            return;
        };
        let sides = (kind(left), kind(right));
        match (&op, sides) {
            (BinaryOperator::Plus, sides) if joins_texts(sides) => {
                *op = BinaryOperator::StringConcat
            }
            (BinaryOperator::Plus, (Known::Date, Known::Integer)) => {
                *expr = add_days(taken(right), taken(left));
            }
            (BinaryOperator::Minus, (Known::Date, Known::Integer)) => {
                let days = Expr::UnaryOp {
                    op: UnaryOperator::Minus,
                    expr: Box::new(Expr::Nested(Box::new(taken(right)))),
                };
                *expr = add_days(days, taken(left));
            }
            (
                BinaryOperator::Plus | BinaryOperator::Minus,
                (Known::Integer | Known::Number, Known::Integer | Known::Number),
            ) => {}
            (BinaryOperator::Plus | BinaryOperator::Minus, _) if self.to == Dialect::Sqlite => {
                let name = if *op == BinaryOperator::Plus {
                    "TSQL_ADD"
                } else {
                    "TSQL_SUBTRACT"
                };
                *expr = call(name, vec![taken(left), taken(right)]);
            }
            (BinaryOperator::Plus, (Known::Nothing, Known::Nothing)) => {
                self.note(
                    span,
                    "`+` adds numbers; if these are texts, write CAST(… AS varchar) on one side",
                );
            }
            (BinaryOperator::Divide, (Known::Integer, Known::Integer)) => match self.to {
                Dialect::DuckDb => *op = BinaryOperator::DuckIntegerDivide,
                Dialect::MySql => *op = BinaryOperator::MyIntegerDivide,
                _ => {}
            },
            (
                BinaryOperator::Divide,
                (Known::Integer | Known::Nothing, Known::Integer | Known::Nothing),
            ) if self.to != Dialect::Postgres => {
                self.note(
                    span,
                    "`/` of whole numbers is whole in T-SQL; make the types known with CAST",
                );
            }
            _ => {}
        }
    }

    fn after_children(&mut self, expr: &mut Expr, from: Known) -> Result<(), RewriteError> {
        let span = span_of(expr);
        match expr {
            Expr::CompoundIdentifier(idents) => {
                self.column_name(idents);
                Ok(())
            }
            Expr::Identifier(ident) if ident.value.starts_with("@@") => self.system_variable(expr),
            Expr::Function(_) => self.function(expr),
            Expr::Cast {
                kind,
                expr: value,
                data_type,
                ..
            } => {
                let is_try = matches!(kind, CastKind::TryCast | CastKind::SafeCast);
                let text =
                    self.conversion(&value.to_string(), from, data_type, None, is_try, span)?;
                self.put(expr, text)
            }
            Expr::Convert { .. } => self.convert(expr, from),
            Expr::Ceil {
                expr: value,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            } => {
                let value = value.to_string();
                self.translate(expr, "CEILING", &[value])
            }
            Expr::Floor {
                expr: value,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            } => {
                let value = value.to_string();
                self.translate(expr, "FLOOR", &[value])
            }
            Expr::Substring {
                expr: value,
                substring_from: Some(start),
                substring_for: Some(length),
                ..
            } => {
                let arguments = [value.to_string(), start.to_string(), length.to_string()];
                self.translate(expr, "SUBSTRING", &arguments)
            }
            Expr::Trim {
                trim_where: None,
                trim_what: None,
                expr: value,
                trim_characters: None,
            } => {
                let value = value.to_string();
                self.translate(expr, "TRIM", &[value])
            }
            Expr::BinaryOp { .. } => self.operator(expr),
            Expr::Like { .. } => self.like(expr),
            Expr::Value(value) => match &value.value {
                Value::HexStringLiteral(digits) => {
                    let digits = digits.clone();
                    let text = self.binary_literal(&digits);
                    self.put(expr, text)
                }
                _ => Ok(()),
            },
            _ => self.check_known(expr, span),
        }
    }

    /// What has no place in T-SQL, or none in the targets.
    fn check_known(&self, expr: &Expr, span: Span) -> Result<(), RewriteError> {
        match expr {
            Expr::AnyOp { .. } | Expr::AllOp { .. } if self.to == Dialect::Sqlite => Err(self
                .unsupported(
                    span,
                    "a comparison with ALL or ANY",
                    "compare with MAX or MIN",
                )),
            Expr::Identifier(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::InList { .. }
            | Expr::InSubquery { .. }
            | Expr::Between { .. }
            | Expr::AnyOp { .. }
            | Expr::AllOp { .. }
            | Expr::UnaryOp { .. }
            | Expr::Nested(_)
            | Expr::Collate { .. }
            | Expr::Case { .. }
            | Expr::Exists { .. }
            | Expr::Subquery(_)
            | Expr::Tuple(_)
            | Expr::Wildcard(_)
            | Expr::QualifiedWildcard(..)
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..) => Ok(()),
            Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_)
                if matches!(self.to, Dialect::Postgres | Dialect::DuckDb) =>
            {
                Ok(())
            }
            _ => Err(self.unsupported(
                span,
                format!("the expression {}", short(&expr.to_string())),
                "write it otherwise",
            )),
        }
    }

    /// Puts text of the target in place of an expression.
    fn put(&self, expr: &mut Expr, text: String) -> Result<(), RewriteError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(self.too_large("an expression grows beyond 4 MiB"));
        }
        *expr = raw(text);
        Ok(())
    }

    pub(super) fn translate(
        &self,
        expr: &mut Expr,
        name: &str,
        arguments: &[String],
    ) -> Result<(), RewriteError> {
        match table::translation(name, arguments.len(), self.to) {
            Some(table::SAME) => Ok(()),
            Some(table::NONE) | None => Err(self.no_function(name, span_of(expr))),
            Some(template) => {
                let total: usize = arguments.iter().map(String::len).sum();
                if total > TEXT_BYTES_MAX {
                    return Err(self.too_large("an expression grows beyond 4 MiB"));
                }
                self.put(expr, fill(template, arguments))
            }
        }
    }

    pub(super) fn no_function(&self, name: &str, span: Span) -> RewriteError {
        self.unsupported(
            span,
            format!("the function {name} with these arguments"),
            "work the value out in the data flow, or write the statement for the target",
        )
    }

    fn conversion(
        &self,
        value: &str,
        from: Known,
        data_type: &DataType,
        style: Option<i64>,
        is_try: bool,
        span: Span,
    ) -> Result<String, RewriteError> {
        let to = TypeName::new(data_type);
        let conversion = Conversion {
            value,
            from,
            to: &to,
            style,
            is_try,
        };
        convert::convert(&conversion, self.to).ok_or_else(|| {
            let style = style
                .map(|style| format!(" with style {style}"))
                .unwrap_or_default();
            let of = if is_try { "TRY_CAST" } else { "a conversion" };
            self.unsupported(
                span,
                format!("{of} to {data_type}{style}"),
                "convert in the data flow",
            )
        })
    }

    fn convert(&mut self, expr: &mut Expr, from: Known) -> Result<(), RewriteError> {
        let span = span_of(expr);
        let Expr::Convert {
            is_try,
            expr: value,
            data_type: Some(data_type),
            styles,
            ..
        } = expr
        else {
            return Err(self.unsupported(span, "CONVERT without a type", "name the type"));
        };
        let style = match styles.first().map(ToString::to_string) {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| {
                self.unsupported(
                    span,
                    format!("CONVERT with the style {}", short(&text)),
                    "write the style as a number",
                )
            })?),
        };
        let text = self.conversion(&value.to_string(), from, data_type, style, *is_try, span)?;
        self.put(expr, text)
    }

    fn operator(&mut self, expr: &mut Expr) -> Result<(), RewriteError> {
        let span = span_of(expr);
        let Expr::BinaryOp { left, op, right } = expr else {
            return Ok(());
        };
        match op {
            BinaryOperator::StringConcat if self.to == Dialect::MySql => {
                let text = format!("CONCAT({left}, {right})");
                self.put(expr, text)
            }
            BinaryOperator::BitwiseXor if self.to == Dialect::Postgres => {
                *op = BinaryOperator::PGBitwiseXor;
                Ok(())
            }
            BinaryOperator::BitwiseXor if self.to != Dialect::MySql => {
                Err(self.unsupported(span, "the operator ^", "write (a | b) - (a & b)"))
            }
            _ => Ok(()),
        }
    }

    /// T-SQL's patterns know sets of characters, `[a-f]`.
    fn like(&mut self, expr: &mut Expr) -> Result<(), RewriteError> {
        let span = span_of(expr);
        let Expr::Like {
            negated,
            expr: value,
            pattern,
            escape_char,
            ..
        } = expr
        else {
            return Ok(());
        };
        if !pattern.to_string().contains('[') {
            return Ok(());
        }
        if self.to != Dialect::Sqlite || escape_char.is_some() {
            return Err(self.unsupported(
                span,
                format!("the pattern {pattern}"),
                "write it without sets of characters",
            ));
        }
        let not = if *negated { "NOT " } else { "" };
        let text = format!("({not}tsql_like({value}, {pattern}))");
        self.put(expr, text)
    }

    fn binary_literal(&self, digits: &str) -> String {
        match self.to {
            Dialect::Postgres => format!("CAST('\\x{digits}' AS bytea)"),
            Dialect::DuckDb => format!("unhex('{digits}')"),
            _ => format!("X'{digits}'"),
        }
    }

    fn system_variable(&self, expr: &mut Expr) -> Result<(), RewriteError> {
        let name = expr.to_string().to_ascii_uppercase();
        let text = match (name.as_str(), self.to) {
            ("@@IDENTITY", _) => return self.translate(expr, "SCOPE_IDENTITY", &[]),
            ("@@ROWCOUNT", Dialect::Sqlite) => "changes()",
            ("@@ROWCOUNT", Dialect::MySql) => "ROW_COUNT()",
            ("@@VERSION", Dialect::Postgres | Dialect::MySql | Dialect::DuckDb) => "version()",
            ("@@VERSION", Dialect::Sqlite) => "sqlite_version()",
            _ => {
                return Err(self.unsupported(span_of(expr), name, "use a variable of the package"));
            }
        };
        self.put(expr, text.to_owned())
    }
}

/// Moves an operand out of its operator. A copy of a long chain would be as deep a recursion as the chain is long.
pub(super) fn taken(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, raw(""))
}

/// `DATEADD(day, days, date)`.
fn add_days(days: Expr, date: Expr) -> Expr {
    call(
        "DATEADD",
        vec![Expr::Identifier(Ident::new("day")), days, date],
    )
}

/// A call of a function by name.
pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: arguments
                .into_iter()
                .map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)))
                .collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// A text cut for a message.
pub(super) fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Two conditions of which both must hold.
pub(super) fn and(one: Option<Expr>, other: Option<Expr>) -> Option<Expr> {
    let nested = |expr: Expr| match &expr {
        Expr::BinaryOp {
            op: BinaryOperator::Or,
            ..
        } => Expr::Nested(Box::new(expr)),
        Expr::Identifier(ident) if !is_atom(&ident.value) => Expr::Nested(Box::new(expr)),
        _ => expr,
    };
    match (one, other) {
        (Some(one), Some(other)) => Some(Expr::BinaryOp {
            left: Box::new(nested(one)),
            op: BinaryOperator::And,
            right: Box::new(nested(other)),
        }),
        (one, other) => one.or(other),
    }
}
