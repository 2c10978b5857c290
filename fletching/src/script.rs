//! A script of T-SQL on a database, in the database's own SQL: the tables and rows that a package's authors ship with it.

use fletching_connections::{
    database::{self, DatabaseError, Statement, Target, TargetError},
    sql::{self, RewriteError},
};

/// Why a script stopped.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The address leads nowhere.
    #[error("{0}")]
    Target(#[from] TargetError),
    /// It cannot be said in the database's SQL.
    #[error("{0}")]
    Rewrite(#[from] RewriteError),
    /// The database refused it.
    #[error("{0}")]
    Database(#[from] DatabaseError),
}

/// What a script did.
#[derive(Debug, Clone, Default)]
pub struct ScriptReport {
    /// Statements that were sent.
    pub statements: u64,
    /// Rows that they changed.
    pub rows_affected: u64,
    /// What was rewritten, with its place.
    pub changes: Vec<String>,
}

/// Runs a script, its `GO` batches one after the other, in one transaction where the script has none of its own; blocks.
/// `address` is what `--connection NAME=...` takes.
pub fn run_script(address: &str, script: &str) -> Result<ScriptReport, ScriptError> {
    let target = Target::parse(address, "OLEDB", None)?;
    let mut session = database::open(&target)?;
    let rewritten = sql::rewrite(script, session.dialect())?;
    let mut report = ScriptReport {
        changes: rewritten
            .changes
            .iter()
            .map(|change| {
                format!(
                    "line {}, column {}: {}",
                    change.line, change.column, change.what
                )
            })
            .collect(),
        ..ScriptReport::default()
    };
    let words = ["begin", "commit", "rollback", "pragma"];
    let own = rewritten.statements.iter().any(|statement| {
        let first = statement.text.split_whitespace().next().unwrap_or_default();
        words.iter().any(|word| first.eq_ignore_ascii_case(word))
    });
    if !own {
        session.begin()?;
    }
    for statement in &rewritten.statements {
        for _ in 0..statement.repeat {
            let executed = session.execute(&Statement::new(&statement.text))?;
            report.rows_affected += executed.rows_affected;
            report.statements += 1;
        }
    }
    if !own {
        session.commit()?;
    }
    Ok(report)
}
