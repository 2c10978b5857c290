//! The arguments of the function: texts, of which the first is a package.
//!
//! ```text
//! 'folder/Sales.ispac/Load.dtsx'           the package
//! 'Orders'                                 a DataReader destination
//! 'Year=2026'                              the variable DtsClient::Year
//! '$Package::Year=2026', '$Project::...'   a parameter
//! '\Package.Variables[User::Y].Value=5'    a property, by the paths of dtexec's /Set
//! ```

use std::sync::Arc;

use datafusion::{logical_expr::Expr, scalar::ScalarValue};
use fletching::{Settings, name_and_value};

use crate::{Fault, PackageError};

/// A call of the function.
#[derive(Debug, Clone)]
pub(crate) struct Arguments {
    /// As the query has them.
    pub(crate) call: Arc<[String]>,
}

impl Arguments {
    pub(crate) fn read(arguments: &[Expr]) -> Result<Self, PackageError> {
        let refused = |message: String| PackageError {
            call: Arc::default(),
            fault: Fault::Arguments(message),
        };
        if arguments.is_empty() {
            return Err(refused("the function names no package".to_owned()));
        }
        let texts = arguments.iter().enumerate().map(|(at, argument)| {
            text(argument).ok_or_else(|| {
                let at = at + 1;
                refused(format!(
                    "argument {at} is `{argument}`: wanted is a text in single quotes"
                ))
            })
        });
        Ok(Self {
            call: texts.collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn package(&self) -> &str {
        self.call.first().map_or("", |package| package)
    }

    /// What is behind the package: a destination, if the first is one, and the others.
    pub(crate) fn destination(&self, known: &[String]) -> (Option<&str>, &[String]) {
        match self.call.get(1..).unwrap_or_default() {
            [first, rest @ ..] if known.contains(first) || !is_pair(first) => (Some(first), rest),
            rest => (None, rest),
        }
    }

    /// Sets what the arguments set.
    pub(crate) fn apply(&self, pairs: &[String], settings: &mut Settings) -> Result<(), Fault> {
        for (at, pair) in pairs.iter().enumerate() {
            let Some((name, value)) = name_and_value(pair) else {
                let place = at + self.call.len() - pairs.len() + 1;
                let message =
                    format!("argument {place}, `{pair}`, has no `=`: wanted is 'Name=value'");
                return Err(Fault::Arguments(message));
            };
            match name.chars().next() {
                Some('\\') => settings.set.push((name, value)),
                Some('$') => settings.parameters.push((name, value)),
                _ => settings.set_client_parameter(&name, &value),
            }
        }
        Ok(())
    }

    pub(crate) fn error(&self, fault: impl Into<Fault>) -> PackageError {
        PackageError {
            call: Arc::clone(&self.call),
            fault: fault.into(),
        }
    }
}

fn is_pair(text: &str) -> bool {
    name_and_value(text).is_some()
}

fn text(argument: &Expr) -> Option<String> {
    match argument {
        Expr::Literal(
            ScalarValue::Utf8(Some(text))
            | ScalarValue::Utf8View(Some(text))
            | ScalarValue::LargeUtf8(Some(text)),
            _,
        ) => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::lit;

    use super::*;

    fn settings(texts: &[&str], known: &[&str]) -> Result<(Option<String>, Settings), String> {
        let shown = |error: &dyn std::error::Error| error.to_string();
        let expressions: Vec<Expr> = texts.iter().map(|text| lit(*text)).collect();
        let arguments = Arguments::read(&expressions).map_err(|error| shown(&error))?;
        let known: Vec<String> = known.iter().map(|name| (*name).to_owned()).collect();
        let (reader, pairs) = arguments.destination(&known);
        let mut settings = Settings::default();
        let applied = arguments.apply(pairs, &mut settings);
        applied.map_err(|error| shown(&error))?;
        Ok((reader.map(str::to_owned), settings))
    }

    #[test]
    fn a_pair_is_no_destination_unless_there_is_one_of_that_name() {
        let (reader, one) = settings(&["a.dtsx", "Year=2026"], &["Rows"]).unwrap();
        assert_eq!(reader, None);
        let path = r"\Package.Variables[DtsClient::Year].Value";
        assert_eq!(one.set, [(path.to_owned(), "2026".to_owned())]);
        let (reader, one) = settings(&["a.dtsx", "a=b", "$Package::P=x=y"], &["a=b"]).unwrap();
        assert_eq!(reader.as_deref(), Some("a=b"));
        assert_eq!(
            one.parameters,
            [("$Package::P".to_owned(), "x=y".to_owned())]
        );
        let path = r"\Package\F.Properties[[a=b].[c]]";
        let (_, one) = settings(&["a.dtsx", "R", &format!("{path}=5")], &["R"]).unwrap();
        assert_eq!(one.set, [(path.to_owned(), "5".to_owned())]);
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_place() {
        let two = [lit("a.dtsx"), lit(2)];
        let error = Arguments::read(&two).unwrap_err().to_string();
        assert!(error.contains("argument 2 is `Int32(2)`"), "{error}");
        assert!(Arguments::read(&[]).is_err());
        let error = settings(&["a.dtsx", "R", "Year"], &["R"]).unwrap_err();
        assert!(error.contains("argument 3, `Year`, has no `=`"), "{error}");
    }
}
