//! What `fletch sql` is made of: a context that knows packages, and the rows of one query.

use std::{fmt, sync::Arc};

use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    error::DataFusionError,
    execution::{
        SendableRecordBatchStream, context::SQLOptions, memory_pool::FairSpillPool,
        runtime_env::RuntimeEnvBuilder,
    },
    prelude::{SessionConfig, SessionContext},
};

use futures::StreamExt;

use crate::{PackageError, PackageFunction, Place};

/// What a query may use.
#[derive(Debug, Clone, Default)]
pub struct SessionOptions {
    /// Threads; `None` for all cores.
    pub threads: Option<usize>,
    /// Bytes that sorts, joins and aggregates may hold before they spill.
    pub memory_limit_bytes: Option<usize>,
}

/// Why a query gave no rows, or stopped.
#[derive(Debug, thiserror::Error)]
#[error("{}{message}", at(.place.as_ref()))]
pub struct SqlError {
    /// What is wrong.
    pub message: String,
    /// Where in the query, if that is known.
    pub place: Option<Place>,
    /// DataFusion's error.
    #[source]
    pub source: Box<DataFusionError>,
}

fn at(place: Option<&Place>) -> String {
    place.map_or(String::new(), |place| {
        format!("line {}, column {}: ", place.line, place.column)
    })
}

impl SqlError {
    /// Finds the place of an error, and the package that it comes from.
    pub fn new(sql: &str, error: DataFusionError) -> Self {
        let message = match PackageError::find(&error) {
            Some(error) => error.to_string(),
            None => plain(&error.strip_backtrace()).to_owned(),
        };
        Self {
            message,
            place: Place::of(sql, &error),
            source: Box::new(error),
        }
    }

    /// The package that it comes from, if it comes from one.
    pub fn package(&self) -> Option<&PackageError> {
        PackageError::find(&self.source)
    }
}

/// DataFusion's text without what the place says too, and the kind in front.
fn plain(text: &str) -> &str {
    let kinds = ["Error during planning: ", "SQL error: ", "Schema error: "];
    let mut kinds = kinds.iter();
    let text = kinds
        .find_map(|kind| text.strip_prefix(kind))
        .unwrap_or(text);
    let text = text
        .strip_prefix("ParserError(\"")
        .and_then(|text| text.strip_suffix("\")"))
        .unwrap_or(text);
    text.rsplit_once(" at Line: ")
        .map_or(text, |(message, _)| message)
}

/// A context for queries of packages. Names of columns are as they are written, not in lower case: those of packages seldom
/// are.
///
/// # Errors
/// The system has no place for files of sorts that spill.
pub fn session(
    options: &SessionOptions,
    function: &PackageFunction,
) -> Result<SessionContext, DataFusionError> {
    let mut config = SessionConfig::new();
    if let Some(threads) = options.threads {
        config = config.with_target_partitions(threads.max(1));
    }
    if let Some(bytes) = options.memory_limit_bytes {
        // What each sort sets aside for its merge would alone be more than a small limit.
        let share = bytes / (4 * config.target_partitions());
        let aside = &mut config.options_mut().execution.sort_spill_reservation_bytes;
        *aside = share.min(*aside);
    }
    let parser = &mut config.options_mut().sql_parser;
    parser.enable_ident_normalization = false;
    parser.collect_spans = true;
    let mut runtime = RuntimeEnvBuilder::new();
    if let Some(bytes) = options.memory_limit_bytes {
        let pool = Arc::new(FairSpillPool::new(bytes));
        runtime = runtime.with_memory_pool(pool);
    }
    let context = SessionContext::new_with_config_rt(config, runtime.build_arc()?);
    function.register(&context);
    Ok(context)
}

/// The rows of a query, as they come. Dropped before their end, they cancel its packages.
pub struct Rows {
    sql: String,
    stream: SendableRecordBatchStream,
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("sql", &self.sql)
            .finish_non_exhaustive()
    }
}

impl Rows {
    /// Their columns, known before the first row.
    pub fn schema(&self) -> SchemaRef {
        self.stream.schema()
    }

    /// The next batch. A failure of a package, however late, is the last item.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, SqlError>> {
        let batch = self.stream.next().await?;
        Some(batch.map_err(|error| SqlError::new(&self.sql, error)))
    }
}

/// Plans a query and begins it. It is one query; nothing is written by it but its rows.
///
/// # Errors
/// [`SqlError`], with its place in the query.
pub async fn query(context: &SessionContext, sql: &str) -> Result<Rows, SqlError> {
    let options = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    let begun = async {
        let plan = context.state().create_logical_plan(sql).await?;
        options.verify_plan(&plan).map_err(|error| {
            let wanted = "wanted is one query (SELECT, WITH, VALUES, EXPLAIN)";
            DataFusionError::Plan(format!("{}; {wanted}", plain(&error.strip_backtrace())))
        })?;
        let frame = context.execute_logical_plan(plan).await?;
        frame.execute_stream().await
    };
    let stream = begun.await.map_err(|error| SqlError::new(sql, error))?;
    Ok(Rows {
        sql: sql.to_owned(),
        stream,
    })
}
