//! The columns that a destination takes, in its order and under its names: DataFusion's projection.

use std::sync::Arc;

use datafusion_common::Result;
use datafusion_physical_expr::{PhysicalExpr, expressions::Column};
use datafusion_physical_plan::{ExecutionPlan, projection::ProjectionExec};

/// The columns at `positions`, renamed. Types and metadata stay.
pub fn project(
    input: Arc<dyn ExecutionPlan>,
    positions: &[(usize, String)],
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = input.schema();
    let columns: Vec<(Arc<dyn PhysicalExpr>, String)> = positions
        .iter()
        .map(|(position, name)| {
            let column = Column::new(schema.field(*position).name(), *position);
            (Arc::new(column) as Arc<dyn PhysicalExpr>, name.clone())
        })
        .collect();
    Ok(Arc::new(ProjectionExec::try_new(columns, input)?))
}
