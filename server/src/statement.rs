//! A query with its package: prepared, so that the schema is known, and to be run.

use arrow::datatypes::SchemaRef;
use datafusion_common_runtime::SpawnedTask;
use fletching::{Execution, LoadOptions, PackageFolder, Prepared, Progress, Reader, RunError};
use tonic::Status;

use crate::{
    packing::packed_schema,
    query::Query,
    runs::{Place, RunStream},
    status,
};

/// A package that is ready to run, and what is read of it.
#[derive(Debug)]
pub(crate) struct Statement {
    prepared: Prepared,
    destination: String,
    columns: Option<Vec<usize>>,
    /// Of the columns that were asked for, as they travel.
    pub(crate) schema: SchemaRef,
}

impl Statement {
    /// Loads and prepares the package. Parameters without a value keep what the package says.
    pub(crate) async fn prepare(
        folder: &PackageFolder,
        options: &LoadOptions,
        query: Query,
    ) -> Result<Self, Status> {
        let (folder, options) = (folder.clone(), options.clone());
        blocking(move || Self::prepare_here(&folder, &options, &query)).await
    }

    fn prepare_here(
        folder: &PackageFolder,
        options: &LoadOptions,
        query: &Query,
    ) -> Result<Self, Status> {
        let package = folder.load(&query.package, options);
        let package = package.map_err(|error| status::of_folder(&error))?;
        let settings = package.settings();
        let mut settings =
            settings.map_err(|error| Status::failed_precondition(error.to_string()))?;
        for (name, value) in &query.parameters {
            if let Some(value) = value {
                settings.set_client_parameter(name, value);
            }
        }
        let of_run = |error: RunError| status::of_run(&error);
        let prepared = package.prepare(settings).map_err(of_run)?;
        let readers = prepared.readers().map_err(of_run)?;
        let found = readers.iter().find(|(name, _)| *name == query.destination);
        let Some((_, schema)) = found else {
            return Err(of_run(RunError::UnknownOverride {
                what: "DataReader destination",
                name: query.destination.clone(),
                package: query.package.clone(),
                known: readers.into_iter().map(|(name, _)| name).collect(),
            }));
        };
        let (columns, schema) = match &query.columns {
            None => (None, packed_schema(schema)),
            Some(names) => {
                let columns = columns(names, schema)?;
                let projected = schema.project(&columns);
                let projected = projected.map_err(|error| Status::internal(error.to_string()))?;
                (Some(columns), packed_schema(&projected))
            }
        };
        Ok(Self {
            prepared,
            destination: query.destination.clone(),
            columns,
            schema,
        })
    }

    /// Starts the run.
    pub(crate) async fn run(self, place: Place) -> Result<RunStream, Status> {
        blocking(move || {
            let execution = Execution::new(self.prepared, Progress::default());
            let attached = execution.reader(&self.destination);
            let (execution, rows) = attached.map_err(|error| status::of_run(&error))?;
            let readers = Reader::start(execution, vec![rows])
                .map_err(|error| status::of_reader(&error.into()))?;
            // One was attached.
            let reader = readers.into_iter().next();
            let reader = reader.ok_or_else(|| status::of_run(&RunError::Cancelled))?;
            Ok(RunStream::new(reader, place, self.columns, self.schema))
        })
        .await
    }
}

/// Work that may wait for files and databases.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Status> + Send + 'static,
) -> Result<T, Status> {
    let done = SpawnedTask::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Status::internal(format!("the call ended early: {error}"))))
}

/// Where the columns of these names are: exactly so, or else the only one that differs in case alone.
fn columns(names: &[String], schema: &SchemaRef) -> Result<Vec<usize>, Status> {
    let fields = schema.fields();
    let place = |name: &String| {
        let exact = fields.iter().position(|field| field.name() == name);
        let mut like = fields.iter().enumerate();
        let mut like = like
            .by_ref()
            .filter(|(_, field)| field.name().to_lowercase() == name.to_lowercase());
        let only = like.next().map(|(at, _)| at);
        exact
            .or(only.filter(|_| like.next().is_none()))
            .ok_or_else(|| {
                let known: Vec<String> = fields
                    .iter()
                    .map(|field| format!("\"{}\"", field.name()))
                    .collect();
                Status::invalid_argument(format!(
                    "there is no column `{name}`, or several; the columns are {}",
                    known.join(", ")
                ))
            })
    };
    names.iter().map(place).collect()
}
