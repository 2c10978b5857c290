//! Why something could not be designed.

use fletching_connections::database::DatabaseError;
use fletching_engine::RunError;
use fletching_expression::ExpressionError;

/// Why a change could not be made. The package is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DesignError {
    /// The document does not allow it.
    #[error(transparent)]
    Document(#[from] dtsx::Error),
    /// Something is named that is not there.
    #[error("{what} `{name}` is not there{}", known_as(.known))]
    Missing {
        /// What kind of thing.
        what: &'static str,
        /// The name given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// It does not go there.
    #[error("{what} `{name}`: {why}")]
    Invalid {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
        /// What was found, and what is wanted.
        why: String,
    },
    /// An expression that does not compile.
    #[error("`{name}`: {error}")]
    Expression {
        /// The column or output that it is for.
        name: String,
        /// What is wrong, and where.
        error: ExpressionError,
    },
    /// The database that metadata comes from.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A property path or value.
    #[error(transparent)]
    Property(#[from] RunError),
}

fn known_as(known: &[String]) -> String {
    match known.is_empty() {
        true => String::new(),
        false => format!("; there are: {}", known.join(", ")),
    }
}

impl DesignError {
    pub(super) fn missing<'n>(
        what: &'static str,
        name: &str,
        known: impl Iterator<Item = &'n str>,
    ) -> Self {
        Self::Missing {
            what,
            name: name.to_owned(),
            known: known.map(str::to_owned).collect(),
        }
    }

    pub(super) fn invalid(what: &'static str, name: &str, why: impl Into<String>) -> Self {
        Self::Invalid {
            what,
            name: name.to_owned(),
            why: why.into(),
        }
    }
}
