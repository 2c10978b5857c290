//! The rows of a DataReader destination as a table of DataFusion. Each scan of it is a run.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::SchemaRef,
    catalog::{Session, TableProvider},
    error::Result,
    logical_expr::{Expr, TableType},
    physical_plan::ExecutionPlan,
};
use fletching::{Execution, Package, Progress, Reader, Settings};

use crate::{Fault, Runs, arguments::Arguments, scan::PackageExec};

/// A package that is loaded, and the destination that is read of it.
#[derive(Debug)]
pub(crate) struct PackageTable {
    pub(crate) arguments: Arguments,
    pub(crate) package: Arc<Package>,
    pub(crate) settings: Settings,
    pub(crate) reader: String,
    pub(crate) schema: SchemaRef,
    pub(crate) runs: Runs,
}

impl PackageTable {
    /// A copy that plans and runs keep.
    fn share(&self) -> Arc<Self> {
        Arc::new(Self {
            arguments: self.arguments.clone(),
            package: Arc::clone(&self.package),
            settings: self.settings.clone(),
            reader: self.reader.clone(),
            schema: Arc::clone(&self.schema),
            runs: self.runs.clone(),
        })
    }

    /// Starts a run, from the package as it is and what it finds now. Blocks.
    pub(crate) fn start(&self) -> Result<Reader, Fault> {
        let prepared = self.package.prepare(self.settings.clone())?;
        let execution = Execution::new(prepared, Progress::default());
        let (execution, rows) = execution.reader(&self.reader)?;
        if rows.schema() != self.schema {
            return Err(Fault::Changed(self.reader.clone()));
        }
        let mut readers = Reader::start(execution, vec![rows])?;
        // One was attached.
        readers
            .pop()
            .ok_or_else(|| Fault::Broken("it has no reader".to_owned()))
    }
}

#[async_trait]
impl TableProvider for PackageTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        _session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let scan = PackageExec::new(self.share(), projection.cloned(), limit)?;
        Ok(Arc::new(scan))
    }
}
