//! The operator that runs a package and passes on the rows of one of its DataReader destinations.

use std::{fmt, sync::Arc};

use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    common::{internal_err, runtime::SpawnedTask, tree_node::TreeNodeRecursion},
    error::Result,
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::EquivalenceProperties,
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
        execution_plan::{Boundedness, EmissionType},
        metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput},
        stream::RecordBatchStreamAdapter,
    },
};
use futures::{StreamExt, stream};

use crate::{Fault, PackageError, runs::Run, table::PackageTable};

/// Runs the package when its stream is first asked for a batch.
#[derive(Debug)]
pub(crate) struct PackageExec {
    table: Arc<PackageTable>,
    projection: Option<Vec<usize>>,
    /// Rows after which nobody wants more.
    fetch: Option<usize>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl PackageExec {
    pub(crate) fn new(
        table: Arc<PackageTable>,
        projection: Option<Vec<usize>>,
        fetch: Option<usize>,
    ) -> Result<Self> {
        let schema = match &projection {
            Some(columns) => Arc::new(table.schema.project(columns)?),
            None => Arc::clone(&table.schema),
        };
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self {
            table,
            projection,
            fetch,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

impl DisplayAs for PackageExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values of parameters may be secrets.
        let package = self.table.arguments.package();
        write!(f, "PackageExec: {package}#{}", self.table.reader)?;
        if self.projection.is_some() {
            let schema = self.schema();
            let columns: Vec<&str> = schema.fields().iter().map(|one| &**one.name()).collect();
            write!(f, ", projection=[{}]", columns.join(", "))?;
        }
        match self.fetch {
            Some(fetch) => write!(f, ", fetch={fetch}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for PackageExec {
    fn name(&self) -> &str {
        "PackageExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
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
        match children.is_empty() {
            true => Ok(self),
            false => internal_err!("PackageExec is a leaf"),
        }
    }

    fn fetch(&self) -> Option<usize> {
        self.fetch
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        Some(Arc::new(Self {
            table: Arc::clone(&self.table),
            projection: self.projection.clone(),
            fetch: limit,
            properties: Arc::clone(&self.properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }))
    }

    fn execute(
        &self,
        partition: usize,
        _context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if partition > 0 {
            return internal_err!("PackageExec has one partition, not a partition {partition}");
        }
        let rows = Rows {
            table: Arc::clone(&self.table),
            run: None,
            projection: self.projection.clone(),
            left: self.fetch,
            metrics: BaselineMetrics::new(&self.metrics, partition),
        };
        let batches = stream::try_unfold(rows, |mut rows| async move {
            match rows.next().await {
                Ok(Some(batch)) => Ok(Some((batch, rows))),
                Ok(None) => Ok(None),
                Err(fault) => Err(rows.table.arguments.error(fault)),
            }
        });
        let batches = batches.map(|batch| batch.map_err(PackageError::external));
        let schema: SchemaRef = self.schema();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// The rows of one scan.
struct Rows {
    table: Arc<PackageTable>,
    /// `None` until it is begun.
    run: Option<Run>,
    projection: Option<Vec<usize>>,
    left: Option<usize>,
    metrics: BaselineMetrics,
}

impl Rows {
    async fn next(&mut self) -> Result<Option<RecordBatch>, Fault> {
        if self.left == Some(0) {
            return Ok(None);
        }
        if self.run.is_none() {
            self.run = Some(self.begin().await?);
        }
        let Some(reader) = self.run.as_mut().and_then(Run::reader) else {
            return Ok(None);
        };
        let Some(batch) = StreamExt::next(reader).await else {
            if let Some(run) = self.run.take() {
                run.end();
            }
            self.left = Some(0);
            return Ok(None);
        };
        let mut batch = batch?;
        if let Some(columns) = &self.projection {
            let projected = batch.project(columns);
            batch = projected.map_err(|error| Fault::Broken(error.to_string()))?;
        }
        if let Some(left) = &mut self.left {
            batch = batch.slice(0, batch.num_rows().min(*left));
            *left -= batch.num_rows();
            if *left == 0 {
                // Nobody wants more: to drop it cancels the package.
                self.run = None;
            }
        }
        Ok(Some(batch.record_output(&self.metrics)))
    }

    async fn begin(&self) -> Result<Run, Fault> {
        let table = Arc::clone(&self.table);
        let starting = SpawnedTask::spawn_blocking(move || {
            let place = table.runs.enter(table.arguments.package());
            table.start().map(|reader| Run::new(reader, place))
        });
        starting
            .await
            .unwrap_or_else(|error| Err(Fault::Broken(error.to_string())))
    }
}
