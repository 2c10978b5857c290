//! Settings of a destination that loads a table: what OLE DB, ADO NET, ODBC and SQL Server destinations share.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion_common::Result;
use datafusion_datasource::sink::DataSinkExec;
use datafusion_physical_plan::{
    ExecutionPlan,
    metrics::{ExecutionPlanMetricsSet, MetricBuilder},
};
use dtsx::{Disposition, SsisCode};
use fletching_connections::database::{LoadOptions, TableName};

use super::{
    ColumnCast, DatabaseAccess,
    cast_exec::{CastExec, Casts},
    load_exec::LoadExec,
    loading::{LoadSink, Loading},
};
use crate::{
    Accounting, Binding, Component, Finding, Findings, PlanContext, Planned,
    flow::{FlowError, gather},
    only_input,
};

/// Settings of a destination.
#[derive(Debug)]
pub struct DatabaseDestination {
    pub access: DatabaseAccess,
    pub table: TableName,
    pub columns: Vec<LoadColumn>,
    pub way: Way,
    pub options: LoadOptions,
    pub on_error: Disposition,
    /// The schema of the error output, if a path leads away from it.
    pub error_output: Option<SchemaRef>,
    /// Shown by EXPLAIN: `OleDbDestination`.
    pub operator: &'static str,
}

/// `DTS_E_OUTPUTREDIRECTINTRANSACTIONNOTALLOWED`.
pub const OUTPUT_REDIRECT_IN_TRANSACTION: SsisCode = SsisCode(0xC020_92A5);

/// A column that is written.
#[derive(Debug, Clone)]
pub struct LoadColumn {
    /// Its place in the batches that arrive.
    pub(super) input: usize,
    /// Its name there.
    pub(super) name: String,
    /// The column of the table.
    pub(super) external: String,
    pub(super) cast: ColumnCast,
}

impl LoadColumn {
    /// Column `input` of the rows that arrive, called `name` there, goes to column `external` of the table.
    pub fn new(input: usize, name: &str, external: &str, cast: ColumnCast) -> Self {
        Self {
            input,
            name: name.to_owned(),
            external: external.to_owned(),
            cast,
        }
    }
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In bulk; a transaction for so many rows, `None` for all.
    Bulk(Option<usize>),
    RowByRow,
}

impl DatabaseDestination {
    /// The input columns that are mapped to external columns, with their casts.
    pub(crate) fn columns(binding: &Binding<'_>) -> Result<Vec<LoadColumn>, Findings> {
        let input = binding.input()?;
        let document = binding.document_input()?;
        let mut findings = Findings::default();
        let mut columns = Vec::new();
        for (column, position) in document.columns.iter().zip(&input.used) {
            let Some(id) = &column.external_column_id else {
                continue;
            };
            let external = document.external_columns.iter().find(|one| one.id == *id);
            let (Some(external), Some(bound)) = (external, input.columns.get(*position)) else {
                findings.push(Finding {
                    code: Some(SsisCode::VALIDATION_FAILED),
                    ..binding.finding(format!(
                        "an input column is mapped to external column `{id}`, which is not there"
                    ))
                });
                continue;
            };
            match ColumnCast::new(bound.data_type, external.data_type, binding.locale_id) {
                Ok(cast) => columns.push(LoadColumn {
                    input: *position,
                    name: bound.name.clone(),
                    external: external.name.clone(),
                    cast,
                }),
                Err(error) => findings.push(binding.finding(format!(
                    "column `{}` ({}) cannot be written to `{}` ({}): {error}",
                    bound.name, bound.data_type, external.name, external.data_type
                ))),
            }
        }
        if columns.is_empty() && findings.is_empty() {
            findings.push(binding.finding(
                "no input column is mapped to a column of the table: map one in the designer",
            ));
        }
        findings.none_or(columns)
    }

    /// What happens to a failing row, and the error output's schema if it leads anywhere.
    fn error_handling(binding: &Binding<'_>) -> Result<(Disposition, Option<SchemaRef>), Findings> {
        let disposition = binding.document_input()?.error_row_disposition;
        let output = binding
            .outputs
            .iter()
            .find(|output| output.is_error && output.connected);
        Ok((disposition, output.map(|output| output.schema())))
    }
}

/// What a destination reads of its properties: each part, or what is wrong with it.
pub(crate) struct Parts {
    pub(crate) access: Result<DatabaseAccess, Finding>,
    pub(crate) table: Result<TableName, Finding>,
    pub(crate) columns: Result<Vec<LoadColumn>, Findings>,
    pub(crate) load: Result<(Way, LoadOptions), Finding>,
    pub(crate) operator: &'static str,
}

impl Parts {
    /// The destination as a component, or all that is wrong with it.
    pub(crate) fn into_component(
        self,
        binding: &Binding<'_>,
        mut findings: Findings,
    ) -> Result<Box<dyn Component>, Findings> {
        match (self.access, self.table, self.columns, self.load) {
            (Ok(access), Ok(table), Ok(columns), Ok((way, options))) => {
                let (on_error, error_output) = DatabaseDestination::error_handling(binding)?;
                findings.none_or(Box::new(DatabaseDestination {
                    access,
                    table,
                    columns,
                    way,
                    options,
                    on_error,
                    error_output,
                    operator: self.operator,
                }))
            }
            (access, table, columns, load) => {
                let own = [access.err(), table.err()];
                findings.0.extend(own.into_iter().flatten());
                findings.0.extend(columns.err().unwrap_or_default().0);
                findings.0.extend(load.err());
                Err(findings)
            }
        }
    }
}

impl Component for DatabaseDestination {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, context: &PlanContext) -> Result<Planned> {
        if self.error_output.is_some() && context.sessions.is_transaction() {
            let message = "its failing rows are redirected, and it is in a transaction";
            let code = Some(OUTPUT_REDIRECT_IN_TRANSACTION);
            return Err(FlowError::new(&self.access.path, code, message).into());
        }
        for hint in self.options.hints() {
            context.run.warn(not_told(&self.access.path, &hint));
        }
        let input = only_input(inputs)?;
        let casts = Casts::new(&self.access.path, &self.columns, input.schema());
        let casts = Arc::new(casts);
        let input = gather(Arc::new(CastExec::new(input, Arc::clone(&casts))))?;
        let metrics = ExecutionPlanMetricsSet::new();
        let loading = Arc::new(Loading {
            connection: self.access.connection(context)?,
            access: self.access.clone(),
            sessions: Arc::clone(&context.sessions),
            run: Arc::clone(&context.run),
            shares: context.shares_session,
            table: self.table.clone(),
            columns: self.columns.clone(),
            way: self.way,
            options: self.options.clone(),
            on_error: self.on_error,
            operator: self.operator,
            elapsed: MetricBuilder::new(&metrics).elapsed_compute(0),
            written: MetricBuilder::new(&metrics).global_counter("written_rows"),
            dropped: MetricBuilder::new(&metrics).global_counter("dropped_rows"),
            metrics,
            casts,
            schema: input.schema(),
        });
        Ok(match &self.error_output {
            Some(schema) => Planned::Plan {
                plan: Arc::new(LoadExec::new(input, loading, Arc::clone(schema))),
                accounting: Accounting::Preserving,
            },
            None => {
                let sink = LoadSink(loading);
                Planned::Sink(Arc::new(DataSinkExec::new(input, Arc::new(sink), None)))
            }
        })
    }
}

/// Columns that are mapped to those of a rowset, on their way to the table's columns behind it.
pub(crate) fn through_rowset(
    binding: &Binding<'_>,
    columns: Vec<LoadColumn>,
    rowset: Option<&[(String, String)]>,
) -> Result<Vec<LoadColumn>, Findings> {
    let Some(rowset) = rowset else {
        return Ok(columns);
    };
    let mut findings = Findings::default();
    let mut found = Vec::with_capacity(columns.len());
    for column in columns {
        let behind = rowset
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(&column.external));
        match behind {
            Some((_, external)) => found.push(LoadColumn {
                external: external.clone(),
                ..column
            }),
            None => findings.push(binding.finding(format!(
                "its SQL command does not select `{}`, to which column `{}` is mapped",
                column.external, column.name
            ))),
        }
    }
    findings.none_or(found)
}

/// That a load goes on without a hint.
pub fn not_told(path: &str, hint: &str) -> String {
    format!("{path}: the database is not told {hint}: it plans without it, the rows are the same")
}

/// The rows of a transaction, by a property; `None` for all.
pub(crate) fn batch_size(binding: &Binding<'_>, property: &str) -> Result<Option<usize>, Finding> {
    let size = binding.component.properties.get(property);
    let size = size.unwrap_or_default().trim();
    let rows = match size {
        "" => 0,
        _ => size.parse::<u64>().map_err(|_| {
            binding.finding(format!(
                "{property} is `{size}`, a number of rows is wanted"
            ))
        })?,
    };
    // What the designer writes for "all rows".
    const ALL: u64 = 2_147_483_647;
    Ok(usize::try_from(rows)
        .ok()
        .filter(|_| rows != 0 && rows < ALL))
}
