//! Procedures a test registers: Rust closures called by `EXEC` and by RPC.

use std::sync::Arc;

use rusqlite::types::Value;

use crate::error::SqlError;

/// What a procedure gives back.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The return status.
    pub status: i32,
    /// Output parameters by name (`@total`); those that are not named keep what came in.
    pub outputs: Vec<(String, Value)>,
    /// T-SQL run before the procedure ends, with the parameters as variables: its results are the procedure's.
    pub batch: Option<String>,
}

type Body = dyn Fn(&[(String, Value)]) -> Result<Answer, SqlError> + Send + Sync;

/// A named procedure: the parameters in order, and a closure over their values.
#[derive(Clone)]
pub struct Procedure {
    pub(crate) name: String,
    pub(crate) parameters: Vec<String>,
    pub(crate) body: Arc<Body>,
}

impl Procedure {
    /// Parameters are named with their at sign. Those without a name in a call are taken in this order.
    pub fn new(
        name: &str,
        parameters: &[&str],
        body: impl Fn(&[(String, Value)]) -> Result<Answer, SqlError> + Send + Sync + 'static,
    ) -> Self {
        let parameters = parameters
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .collect();
        Self {
            name: name.to_owned(),
            parameters,
            body: Arc::new(body),
        }
    }
}

impl std::fmt::Debug for Procedure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Procedure")
            .field("name", &self.name)
            .field("parameters", &self.parameters)
            .finish_non_exhaustive()
    }
}
