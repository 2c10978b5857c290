//! Calls of functions in a tree: those in the table, and the few that need more than a table.

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    ObjectName,
};

use super::{
    super::{
        Dialect,
        comparisons::DECLARED_LIST,
        error::RewriteError,
        rewriter::{Rewriter, parts, raw, span_of},
    },
    convert, dates, literal, table,
};

impl Rewriter<'_> {
    /// A call whose arguments are rewritten already.
    pub(crate) fn function(&mut self, expr: &mut Expr) -> Result<(), RewriteError> {
        let span = span_of(expr);
        let Expr::Function(function) = expr else {
            return Ok(());
        };
        let idents = parts(&function.name);
        let [name] = idents.as_slice() else {
            return Err(self.unsupported(
                span,
                format!("the function {} of the database", function.name),
                "work the value out in the data flow",
            ));
        };
        let name = name.value.to_ascii_uppercase();
        if let Some(new) = table::renamed(&name, self.to) {
            function.name = ObjectName::from(vec![Ident::new(new)]);
            return Ok(());
        }
        if name == "STRING_AGG" {
            return self.string_agg(expr);
        }
        if name == "AVG" {
            self.note(
                span,
                "AVG of whole numbers is whole in T-SQL, and may have a fraction here",
            );
        }
        let Some(arguments) = arguments(function) else {
            return match table::translation(&name, 1, self.to) {
                Some(table::SAME) => Ok(()),
                _ => Err(self.no_function(&name, span)),
            };
        };
        if function.over.is_some()
            && table::translation(&name, arguments.len(), self.to) != Some(table::SAME)
        {
            return Err(self.no_function(&name, span));
        }
        match name.as_str() {
            _ if dates::is_date_function(&name) => self.date_call(expr, &name, &arguments),
            "TSQL_ADD" | "TSQL_SUBTRACT" => {
                *expr = raw(format!("{}({})", name.to_lowercase(), arguments.join(", ")));
                Ok(())
            }
            DECLARED_LIST => self
                .declared_list(&arguments)
                .map(|text| *expr = raw(text))
                .ok_or_else(|| self.no_function(&name, span)),
            "RAND" => self.random(&arguments, span).map(|text| *expr = raw(text)),
            "CHECKSUM" | "BINARY_CHECKSUM" => {
                let text = self.checksum(&name, &arguments, span)?;
                *expr = raw(text);
                Ok(())
            }
            "CHOOSE" => self.choose(expr, &arguments),
            "CONCAT" | "CONCAT_WS" => self.concat(expr, &name, &arguments),
            "FORMAT" => self.format(expr, &arguments),
            _ => self.translate(expr, &name, &arguments),
        }
    }

    fn date_call(
        &self,
        expr: &mut Expr,
        name: &str,
        arguments: &[String],
    ) -> Result<(), RewriteError> {
        let span = span_of(expr);
        let (name, word, rest) = match (name, arguments) {
            ("YEAR" | "MONTH" | "DAY", [_]) => ("DATEPART", name.to_owned(), arguments),
            (_, [part, rest @ ..]) => (name, part.trim_matches(['"', '`', '\'']).to_owned(), rest),
            _ => return Err(self.no_function(name, span)),
        };
        let wanted = if name.starts_with("DATEPART") || name == "DATENAME" {
            1
        } else {
            2
        };
        dates::part(&word)
            .filter(|_| rest.len() == wanted)
            .and_then(|part| dates::translate(name, part, rest, self.to))
            .map(|text| *expr = raw(text))
            .ok_or_else(|| {
                self.unsupported(
                    span,
                    format!("{name} with the part {word}"),
                    "work the value out in the data flow",
                )
            })
    }

    fn choose(&self, expr: &mut Expr, arguments: &[String]) -> Result<(), RewriteError> {
        let [index, choices @ ..] = arguments else {
            return Err(self.no_function("CHOOSE", span_of(expr)));
        };
        let whens: String = choices
            .iter()
            .zip(1..)
            .map(|(choice, number)| format!(" WHEN {number} THEN {choice}"))
            .collect();
        *expr = raw(format!("(CASE {index}{whens} END)"));
        Ok(())
    }

    /// NULL counts as an empty text.
    fn concat(
        &self,
        expr: &mut Expr,
        name: &str,
        arguments: &[String],
    ) -> Result<(), RewriteError> {
        let text = match (name, self.to) {
            ("CONCAT", Dialect::MySql) => {
                let filled: Vec<_> = arguments
                    .iter()
                    .map(|argument| format!("COALESCE({argument}, '')"))
                    .collect();
                format!("CONCAT({})", filled.join(", "))
            }
            _ => format!("{}({})", name.to_lowercase(), arguments.join(", ")),
        };
        *expr = raw(text);
        Ok(())
    }

    fn format(&self, expr: &mut Expr, arguments: &[String]) -> Result<(), RewriteError> {
        let span = span_of(expr);
        let text = match arguments {
            [value, pattern] => literal(pattern)
                .filter(|pattern| {
                    pattern.len() > 1 && pattern.contains(['y', 'M', 'd', 'H', 'h', 'm', 's'])
                })
                .and_then(|pattern| convert::formatted(value, &pattern, self.to)),
            _ => None,
        };
        let text = text.ok_or_else(|| {
            self.unsupported(
                span,
                "FORMAT with this pattern",
                "format in the data flow, or use CONVERT with a style",
            )
        })?;
        *expr = raw(text);
        Ok(())
    }

    fn string_agg(&self, expr: &mut Expr) -> Result<(), RewriteError> {
        let span = span_of(expr);
        let Expr::Function(function) = expr else {
            return Ok(());
        };
        let Some([value, separator]) =
            arguments(function).and_then(|list| <[String; 2]>::try_from(list).ok())
        else {
            return Err(self.no_function("STRING_AGG", span));
        };
        let order: Vec<_> = function
            .within_group
            .iter()
            .map(ToString::to_string)
            .collect();
        let order = match order.as_slice() {
            [] => String::new(),
            order => format!(" ORDER BY {}", order.join(", ")),
        };
        let text = match self.to {
            Dialect::MySql => format!("GROUP_CONCAT({value}{order} SEPARATOR {separator})"),
            Dialect::Postgres => format!("string_agg(CAST({value} AS text), {separator}{order})"),
            Dialect::Sqlite => format!("group_concat({value}, {separator}{order})"),
            _ => format!("string_agg({value}, {separator}{order})"),
        };
        *expr = raw(text);
        Ok(())
    }
}

/// The arguments as text; none when one of them is no plain expression, or counts distinct values.
fn arguments(function: &Function) -> Option<Vec<String>> {
    match &function.args {
        FunctionArguments::None => Some(Vec::new()),
        FunctionArguments::Subquery(_) => None,
        FunctionArguments::List(list) => {
            if matches!(list.duplicate_treatment, Some(DuplicateTreatment::Distinct))
                || !list.clauses.is_empty()
            {
                return None;
            }
            list.args
                .iter()
                .map(|argument| match argument {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.to_string()),
                    _ => None,
                })
                .collect()
        }
    }
}
