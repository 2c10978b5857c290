//! Recordset Destination: leaves its rows in an Object variable.
//!
//! **Rows**: the selected input columns as record batches, source order kept. No error output.
//! **Properties**: `VariableName` (`User::X`), an Object variable in scope.
//! Batches are held in memory and reserved from the run's pool: a recordset that outgrows it stops the run, since a variable
//! cannot spill.

use std::{fmt, sync::Arc};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use async_trait::async_trait;
use datafusion_common::Result;
use datafusion_datasource::sink::{DataSink, DataSinkExec};
use datafusion_execution::{SendableRecordBatchStream, TaskContext, memory_pool::MemoryConsumer};
use datafusion_physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan};
use dtsx::SsisCode;
use futures::StreamExt;

use super::data_reader::selected_columns;
use crate::transforms::settings::{
    Known, namespace_and_name, reject_unknown_everywhere, settable_names,
};
use crate::{
    Binding, Component, ComponentClass, ComponentKind, Finding, Findings, PlanContext, Planned,
    flow::{FlowError, RunOutput, RunState, gather, project},
    only_input,
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.RecordsetDestination",
    kind: ComponentKind::Destination,
    read,
};

#[derive(Debug)]
struct RecordsetDestination {
    path: String,
    variable: String,
    columns: Vec<(usize, String)>,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let columns = selected_columns(binding)?;
    let mut findings = Findings::default();
    let known = Known {
        component: &["VariableName", "UserComponentTypeName"],
        ..Known::default()
    };
    reject_unknown_everywhere(binding, known, &mut findings);
    let variable = binding
        .component
        .properties
        .get("VariableName")
        .unwrap_or_default()
        .trim()
        .to_owned();
    check_variable(binding, &variable)?;
    findings.none_or(Box::new(RecordsetDestination {
        path: binding.path.to_owned(),
        variable,
        columns,
    }))
}

/// An Object in scope that may be set.
fn check_variable(binding: &Binding<'_>, variable: &str) -> Result<(), Finding> {
    let (namespace, name) = namespace_and_name(variable);
    let variables = binding.variables;
    if let Some(value) = variables.value(namespace, name) {
        return Err(binding.finding(format!(
            "variable `{variable}` holds {}: a recordset needs one of type Object",
            value.data_type
        )));
    }
    if variables.fault(namespace, name).is_none() {
        let known = settable_names(binding).join(", ");
        let message =
            format!("VariableName `{variable}` is not a variable in scope; there are: {known}");
        return Err(Finding {
            code: Some(SsisCode::VARIABLE_NOT_FOUND),
            ..binding.finding(message)
        });
    }
    match variables.locked(namespace, name) {
        Some(why) => Err(binding.finding(format!("variable `{variable}` cannot be set: it {why}"))),
        None => Ok(()),
    }
}

impl Component for RecordsetDestination {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, context: &PlanContext) -> Result<Planned> {
        let input = gather(project(only_input(inputs)?, &self.columns)?)?;
        let sink = RecordsetSink {
            path: self.path.clone(),
            variable: self.variable.clone(),
            schema: input.schema(),
            run: Arc::clone(&context.run),
        };
        Ok(Planned::Sink(Arc::new(DataSinkExec::new(
            input,
            Arc::new(sink),
            None,
        ))))
    }
}

#[derive(Debug)]
struct RecordsetSink {
    path: String,
    variable: String,
    schema: SchemaRef,
    run: Arc<RunState>,
}

impl DisplayAs for RecordsetSink {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recordset: [{}] {}", self.path, self.variable)
    }
}

#[async_trait]
impl DataSink for RecordsetSink {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    async fn write_all(
        &self,
        mut data: SendableRecordBatchStream,
        context: &Arc<TaskContext>,
    ) -> Result<u64> {
        let reservation = MemoryConsumer::new(format!("recordset {}", self.variable))
            .register(context.memory_pool());
        let mut batches: Vec<RecordBatch> = Vec::new();
        let mut rows = 0;
        while let Some(batch) = data.next().await {
            let batch = batch?;
            rows += batch.num_rows() as u64;
            reservation.try_grow(batch.get_array_memory_size()).map_err(|error| {
                let message = format!(
                    "the recordset for {} does not fit in memory after {rows} rows ({error}): raise --memory",
                    self.variable
                );
                FlowError::new(&self.path, None, message)
            })?;
            if batch.num_rows() > 0 {
                batches.push(batch);
            }
        }
        let (component, variable) = (self.path.clone(), self.variable.clone());
        let schema = Arc::clone(&self.schema);
        self.run.on_success(move || RunOutput::Recordset {
            component,
            variable,
            schema,
            batches: Arc::new(batches),
        });
        Ok(rows)
    }
}
