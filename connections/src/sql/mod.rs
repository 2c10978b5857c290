//! T-SQL for another database: the statements of a package that was written for SQL Server, rewritten for the database it is
//! pointed at.
//!
//! ```text
//!  script ─batches─▶ batch ─tokens─▶ tokens ─parser─▶ tree ─statement─▶ tree ─print─▶ text ─markers─▶ Statement
//!                    (GO)   quoting,         script:       names, types,                  `?`, `$1`
//!                           hints            variables, IF  functions, joins
//! ```
//!
//! What cannot be said in the other database, or cannot be known to mean the same, is a [`RewriteError`] with the statement and
//! the place. What is left out, or may mean something else, is a [`Change`].
//!
//! *Names*: `dbo` and the database are left out; another schema is kept, in SQLite as a part of the name (`"Sales.Orders"`).
//! Names are quoted only where they must be. *Temporary tables* lose their `#`. *`bit`* becomes an integer of the target (0 and
//! 1), as T-SQL compares it with numbers. *Dates in SQLite* are text, `YYYY-MM-DD` or `YYYY-MM-DD HH:MM:SS[.fff]`; what SQLite
//! has no function for is one of ours ([`sqlite_functions`]). *Comparisons* follow the collation of the target; T-SQL's usual
//! one ignores case and trailing blanks, and a table that is created in SQLite gets columns that ignore case; a number against a text is compared as number (`comparisons`). *INSERT without columns* leaves an identity out in T-SQL only: the columns are named where
//! the script creates the table, and a [`Change`] says so elsewhere. *PostgreSQL* runs MERGE from 15 on, and what is not matched by
//! the source from 17; *DuckDB* from 1.4. *Variables* are put where they stand; in SQLite a script that sets them within IF or
//! WHILE keeps them in a table, and functions of ours run its loops ([`stored`]).

mod applies;
mod assignments;
mod batches;
mod comparisons;
mod conditions;
mod dialect;
mod error;
mod expressions;
mod functions;
mod kinds;
mod markers;
mod merge;
mod names;
mod pivots;
mod queries;
mod rewriter;
mod rows;
mod script;
pub(crate) mod sqlite_functions;
mod statements;
mod stored;
mod tables;
mod targets;
mod tokens;
mod type_names;
mod unions;
mod variables;
mod wording;
mod words;

pub use batches::{Batch, batches};
pub use error::{Place, RewriteError};
pub use targets::{NoTarget, RowsetTarget, rowset_target};

/// The database a statement is rewritten for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// SQL Server: texts pass unchanged.
    MsSql,
    Sqlite,
    Postgres,
    DuckDb,
    /// MySQL and MariaDB.
    MySql,
    /// A database nothing is known of: texts pass unchanged.
    Other,
}

/// What running a statement gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rows.
    Query,
    /// A count of rows: INSERT, UPDATE, DELETE.
    Rows,
    /// Nothing: a definition, a transaction.
    Other,
}

/// What is bound at a place of the rewritten statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Parameter {
    /// The `?` with this number in the original, from 0.
    Ordinal(usize),
    /// `@name` that the batch does not declare.
    Named(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub text: String,
    pub kind: Kind,
    /// In the order of the target's own numbers; one that is used twice may be there twice.
    pub parameters: Vec<Parameter>,
    /// How often a batch is to be run (`GO 5`); statements of one batch share it.
    pub repeat: u32,
}

/// Something the rewritten text leaves out, or says in a way worth knowing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub line: u64,
    pub column: u64,
    pub what: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rewritten {
    pub statements: Vec<Statement>,
    pub changes: Vec<Change>,
}

/// Rewrites a script for a database. GO lines divide it; variables live to the end of their batch.
///
/// For [`Dialect::MsSql`] and [`Dialect::Other`] each batch is one statement with its text unchanged.
///
/// # Errors
/// [`RewriteError`] for the first statement that cannot be read, or not be said in the other database.
pub fn rewrite(sql: &str, to: Dialect) -> Result<Rewritten, RewriteError> {
    if matches!(to, Dialect::MsSql | Dialect::Other) {
        return Ok(unchanged(sql));
    }
    // The parser's trees are as deep as a chain of operators is long, and it walks some of them without looking at the stack.
    stacker::grow(STACK_BYTES, || {
        let mut rewritten = Rewritten::default();
        let mut known = script::Known::default();
        for batch in batches(sql) {
            script::rewrite_batch(&batch, to, &mut known, &mut rewritten)?;
        }
        Ok(rewritten)
    })
}

/// For the longest chain that [`tokens`] lets pass, in a build without optimisation.
const STACK_BYTES: usize = 64 << 20;

fn unchanged(sql: &str) -> Rewritten {
    let mut markers = 0;
    let statements = batches(sql)
        .into_iter()
        .map(|batch| Statement {
            kind: tokens::kind_of(&batch.text),
            parameters: tokens::parameters_of(&batch.text, &mut markers),
            text: batch.text,
            repeat: batch.repeat,
        })
        .collect();
    Rewritten {
        statements,
        changes: Vec::new(),
    }
}
