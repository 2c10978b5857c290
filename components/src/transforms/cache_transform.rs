//! Cache Transform: its rows become the reference of the Lookups that use the same Cache connection manager.
//!
//! **Rows**: each row in goes on to the output, in the same order, if a path leads away. What arrived is the cache, in the
//! order of arrival, once the whole data flow has succeeded; a second data flow that fills it replaces it. A Lookup of the
//! same data flow does not see it. Where the manager names a `.caw` file the rows are written there too
//! ([layout](super::lookup)).
//!
//! ```text
//!  batches ──▶ their mapped columns, compacted ──▶ Caches[manager], file
//!      └─────▶ output
//! ```
//!
//! **Properties**:
//!
//! | property | type | meaning |
//! |---|---|---|
//! | `CacheColumnName` of an input column | text | the column of the manager that it fills |
//! | `TreatDuplicateKeysAsError` | bool | only False: the Lookups say what they find |

use std::{fmt, path::PathBuf, sync::Arc};

use arrow::{
    array::RecordBatch,
    datatypes::{Schema, SchemaRef},
};
use datafusion_common::{Result, internal_err, tree_node::TreeNodeRecursion};
use datafusion_execution::{
    SendableRecordBatchStream, TaskContext,
    memory_pool::{MemoryConsumer, MemoryReservation},
};
use datafusion_physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput},
    stream::RecordBatchStreamAdapter,
};
use dtsx::{CacheColumn, SsisCode};
use fletching_connections::Files;
use fletching_expression::types;
use futures::{StreamExt, stream};

use super::{
    lookup::{CacheFile, cache_file, local_path, same_but_length},
    settings::{Known, reject_unknown_everywhere, sole_input},
};
use crate::{
    Accounting, Binding, BoundInput, CacheTable, Caches, Component, ComponentClass, ComponentKind,
    Finding, Findings, PlanContext, Planned,
    destinations::raw_file::{BatchCut, Pieces, RawFileError, RawFileWriter, WriteOption},
    flow::{FlowError, RunState, gather},
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.Cache",
    kind: ComponentKind::Transform,
    read,
};

const CACHE_COLUMN_NAME: &str = "CacheColumnName";
const TREAT_DUPLICATES: &str = "TreatDuplicateKeysAsError";
/// DTS_E_CACHE_... has no code of its own for a type that differs: that of the Lookup.
const INCOMPATIBLE_TYPES: SsisCode = SsisCode(0xC020_8236);

/// Settings of a Cache Transform.
#[derive(Debug, Clone)]
pub struct CacheTransform {
    pub path: String,
    /// Name of the connection manager.
    pub manager: String,
    /// Input column of each column of the cache.
    pub columns: Vec<usize>,
    pub schema: SchemaRef,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let input = binding.input()?;
    let mut findings = Findings::default();
    reject_unknown_everywhere(
        binding,
        Known {
            component: &[TREAT_DUPLICATES],
            input_column: &[CACHE_COLUMN_NAME],
            ..Known::default()
        },
        &mut findings,
    );
    if binding.component.properties.bool(TREAT_DUPLICATES) == Some(true) {
        findings.push(binding.unsupported(format!(
            "{TREAT_DUPLICATES} is not supported yet in a Cache Transform: set it in the Lookups that use the cache"
        )));
    }
    if let Some(output) = binding.outputs.iter().find(|output| output.connected)
        && (output.is_error || output.passed_through != output.columns.len())
    {
        findings.push(binding.unsupported(format!(
            "output `{}`: a Cache Transform passes its rows on as they are, and none of them fails",
            output.name
        )));
    }
    let cache = match cache_file(binding) {
        Ok(cache) => cache,
        Err(finding) => {
            findings.push(finding);
            return Err(findings);
        }
    };
    let columns = cache.columns.iter();
    let columns = columns.filter_map(|column| {
        let found = input_of(binding, input, &cache, column);
        found.map_err(|finding| findings.push(finding)).ok()
    });
    let columns = columns.collect();
    let fields = cache.columns.iter();
    let fields = fields.map(|column| types::field(&column.name, &column.data_type));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    findings.none_or(Box::new(CacheTransform {
        path: binding.path.to_owned(),
        manager: cache.manager,
        columns,
        schema,
    }))
}

/// The input column that fills a column of the cache.
fn input_of(
    binding: &Binding<'_>,
    input: &BoundInput,
    cache: &CacheFile,
    column: &CacheColumn,
) -> Result<usize, Finding> {
    let document = binding.component.inputs.iter().flat_map(|one| &one.columns);
    let filled = document.zip(&input.used).find(|(document, _)| {
        let name = document.properties.get(CACHE_COLUMN_NAME);
        name.is_some_and(|name| name.to_lowercase() == column.name.to_lowercase())
    });
    let Some((_, position)) = filled else {
        return Err(binding.finding(format!(
            "no input column fills column `{}` of connection manager `{}`: map one, or remove the column",
            column.name, cache.manager
        )));
    };
    let found = &input.columns[*position];
    if same_but_length(&found.data_type, &column.data_type) {
        return Ok(*position);
    }
    Err(Finding {
        code: Some(INCOMPATIBLE_TYPES),
        ..binding.finding(format!(
            "input column `{}` is {}, but column `{}` of connection manager `{}` is {}: convert it before",
            found.name, found.data_type, column.name, cache.manager, column.data_type
        ))
    })
}

impl Component for CacheTransform {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, context: &PlanContext) -> Result<Planned> {
        let files = Arc::clone(context.connections.path_map.files());
        let target = local_path(&self.path, &self.manager, &context.connections)?;
        if let Some(target) = &target {
            context.run.claim(&self.path, target, files.as_ref())?;
        }
        let input = gather(sole_input(inputs, &self.path)?)?;
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            Partitioning::UnknownPartitioning(1),
            input.pipeline_behavior(),
            input.boundedness(),
        ));
        Ok(Planned::Plan {
            plan: Arc::new(CacheExec {
                filling: Arc::new(Filling {
                    settings: self.clone(),
                    target,
                    files,
                    caches: Arc::clone(&context.caches),
                    run: Arc::clone(&context.run),
                }),
                input,
                properties,
                metrics: ExecutionPlanMetricsSet::new(),
            }),
            accounting: Accounting::Preserving,
        })
    }
}

/// Passes its input on, and keeps a copy.
#[derive(Debug)]
struct CacheExec {
    filling: Arc<Filling>,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// Where the copy goes.
struct Filling {
    settings: CacheTransform,
    target: Option<PathBuf>,
    files: Arc<dyn Files>,
    caches: Arc<Caches>,
    run: Arc<RunState>,
}

impl fmt::Debug for Filling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filling")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// What has arrived.
struct Filled {
    cut: BatchCut,
    batches: Vec<RecordBatch>,
    reservation: MemoryReservation,
}

impl Filling {
    fn take(&self, filled: &mut Filled, batch: &RecordBatch) -> Result<(), FlowError> {
        let settings = &self.settings;
        let projected = batch.project(&settings.columns);
        let projected = projected.map_err(|error| self.fail(&error.to_string()))?;
        filled
            .cut
            .add(&projected)
            .into_iter()
            .try_for_each(|pieces| self.keep(&mut filled.batches, &filled.reservation, pieces))
    }

    fn keep(
        &self,
        batches: &mut Vec<RecordBatch>,
        reservation: &MemoryReservation,
        pieces: Pieces,
    ) -> Result<(), FlowError> {
        let joined = pieces.join(&self.settings.schema);
        let batch = joined.map_err(|error| self.fail(&error.to_string()))?;
        reservation
            .try_grow(batch.get_array_memory_size())
            .map_err(|error| {
                let why = error.strip_backtrace();
                self.fail(&format!(
                    "it does not fit in memory: raise --memory ({why})"
                ))
            })?;
        batches.push(batch);
        Ok(())
    }

    fn finish(&self, mut filled: Filled) -> Result<(), FlowError> {
        if let Some(pieces) = filled.cut.rest() {
            self.keep(&mut filled.batches, &filled.reservation, pieces)?;
        }
        let settings = &self.settings;
        if let Some(target) = &self.target {
            let fail = |error: RawFileError| error.at(&settings.path);
            let option = WriteOption::CreateAlways;
            let mut writer =
                RawFileWriter::open(&self.files, target, &settings.schema, option).map_err(fail)?;
            for batch in &filled.batches {
                writer.write(batch).map_err(fail)?;
            }
            let (file, _) = writer.finish().map_err(fail)?;
            self.run.stage(&settings.path, file);
        }
        let (caches, manager) = (Arc::clone(&self.caches), settings.manager.clone());
        let table = CacheTable {
            schema: Arc::clone(&settings.schema),
            batches: filled.batches,
            reservation: filled.reservation,
        };
        self.run.on_commit(move || {
            caches.put(&manager, table);
            Ok(())
        });
        Ok(())
    }

    fn fail(&self, what: &str) -> FlowError {
        let manager = &self.settings.manager;
        let message = format!("the cache of connection manager `{manager}`: {what}");
        FlowError::new(&self.settings.path, None, message)
    }
}

impl DisplayAs for CacheExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.filling.settings;
        write!(f, "CacheExec: [{}] {}", settings.path, settings.manager)
    }
}

impl ExecutionPlan for CacheExec {
    fn name(&self) -> &str {
        "CacheExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([input]) = <[_; 1]>::try_from(children) else {
            return internal_err!("CacheExec takes one input");
        };
        Ok(Arc::new(Self {
            filling: Arc::clone(&self.filling),
            input,
            properties: Arc::clone(&self.properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let consumer = MemoryConsumer::new(format!("cache {}", self.filling.settings.manager));
        let filled = Filled {
            cut: BatchCut::default(),
            batches: Vec::new(),
            reservation: consumer.register(context.memory_pool()),
        };
        let input = self.input.execute(partition, context)?;
        let state = (Arc::clone(&self.filling), input, filled, metrics);
        let batches =
            stream::try_unfold(state, |(filling, mut input, mut filled, metrics)| async {
                let Some(batch) = input.next().await else {
                    filling.finish(filled)?;
                    return Ok(None);
                };
                let batch = batch?;
                filling.take(&mut filled, &batch)?;
                let batch = batch.record_output(&metrics);
                Ok(Some((batch, (filling, input, filled, metrics))))
            });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.input.schema(),
            batches,
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
