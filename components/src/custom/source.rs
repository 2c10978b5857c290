//! A source: its batches are made on a blocking thread, checked in the partitions.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion_common::{DataFusionError, Result};
use datafusion_physical_plan::ExecutionPlan;
use fletching_custom::Source;

use super::{Owner, conform, reject_errors};
use crate::{
    Binding, Component, Findings, PlanContext, Planned,
    flow::{Applied, Batches, FeedExec, FlowError, OutputRows, OutputSpec, RowError, RowWise},
};

#[derive(Debug)]
pub(super) struct SourceComponent {
    owner: Owner,
    source: Arc<dyn Source>,
    outputs: Vec<OutputSpec>,
    /// The output that its rows go to.
    output: usize,
}

impl SourceComponent {
    pub(super) fn read(
        owner: Owner,
        source: Box<dyn Source>,
        binding: &Binding<'_>,
        findings: &mut Findings,
    ) -> Option<Box<dyn Component>> {
        reject_errors(binding, "a source of one's own", findings);
        let output = sole_output(binding, findings)?;
        Some(Box::new(Self {
            owner,
            source: Arc::from(source),
            outputs: OutputSpec::of(binding),
            output,
        }))
    }
}

/// The one output that is no error output.
pub(super) fn sole_output(binding: &Binding<'_>, findings: &mut Findings) -> Option<usize> {
    let outputs = binding.outputs.iter().enumerate();
    let mut regular = outputs.filter(|(_, one)| !one.is_error);
    let first = regular.next();
    for (_, other) in regular.filter(|(_, one)| one.connected) {
        findings.push(binding.unsupported(format!(
            "a path leads away from its output `{}`, and all its rows go to the first: remove the path",
            other.name
        )));
    }
    match first {
        Some((at, _)) => Some(at),
        None => {
            findings.push(binding.finding("it has no output for its rows"));
            None
        }
    }
}

impl Component for SourceComponent {
    fn plan(&self, _inputs: Vec<Arc<dyn ExecutionPlan>>, context: &PlanContext) -> Result<Planned> {
        let (owner, source) = (self.owner.clone(), Arc::clone(&self.source));
        let most = context.batch_size.max(1);
        let open = move || {
            let batches = owner.call("cannot be opened", || source.open())?;
            let made: Batches = Box::new(Guarded {
                owner,
                batches: Some(batches),
                most,
                waiting: None,
            });
            Ok(made)
        };
        let schema = Arc::clone(&self.outputs[self.output].schema);
        let canceled = Arc::clone(&self.source);
        let feed = FeedExec::new(
            self.owner.class.clone(),
            schema,
            context.partitions,
            Box::new(open),
        );
        // A panic of it stops nobody else.
        let feed = feed.with_stop(Box::new(move || {
            drop(fletching_custom::guarded(|| {
                canceled.cancel();
                Ok(())
            }));
        }));
        Ok(Planned::RowWise {
            input: Arc::new(feed),
            operator: Arc::new(CheckedRows {
                owner: self.owner.clone(),
                outputs: self.outputs.clone(),
                output: self.output,
            }),
        })
    }
}

/// The batches of a source, cut to the size of a batch.
struct Guarded {
    owner: Owner,
    /// `None` behind the end, or an error.
    batches: Option<fletching_custom::Batches>,
    most: usize,
    waiting: Option<RecordBatch>,
}

impl Iterator for Guarded {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match self.waiting.take() {
            Some(batch) => batch,
            None => {
                let batches = self.batches.as_mut()?;
                match self.owner.call("failed", || batches.next().transpose()) {
                    Ok(Some(batch)) => batch,
                    Ok(None) => {
                        self.batches = None;
                        return None;
                    }
                    Err(error) => {
                        self.batches = None;
                        return Some(Err(DataFusionError::from(error)));
                    }
                }
            }
        };
        if batch.num_rows() > self.most {
            self.waiting = Some(batch.slice(self.most, batch.num_rows() - self.most));
            return Some(Ok(batch.slice(0, self.most)));
        }
        Some(Ok(batch))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let batches = self.batches.take();
        // Nobody is left to tell of a panic.
        drop(fletching_custom::guarded(|| {
            drop(batches);
            Ok(())
        }));
    }
}

/// Checks the batches of a source.
#[derive(Debug)]
struct CheckedRows {
    owner: Owner,
    outputs: Vec<OutputSpec>,
    output: usize,
}

impl RowWise for CheckedRows {
    fn name(&self) -> &'static str {
        "CustomSource"
    }

    fn path(&self) -> &str {
        &self.owner.path
    }

    fn details(&self) -> String {
        self.owner.class.clone()
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.outputs
    }

    fn apply(&self, batch: &RecordBatch) -> Result<Applied> {
        let rows = conform::batch(&self.owner, batch, &self.outputs[self.output].schema)?;
        let rows_in = rows.num_rows();
        let outputs = self.outputs.iter().enumerate().map(|(at, output)| {
            if output.is_error {
                OutputRows::Errors
            } else if at != self.output {
                OutputRows::Unconnected(0)
            } else if output.connected {
                OutputRows::Aligned(rows.clone())
            } else {
                OutputRows::Unconnected(rows_in)
            }
        });
        Ok(Applied {
            rows_in,
            outputs: outputs.collect(),
            errors: Vec::new(),
            error_rows: None,
        })
    }

    fn failure(&self, _batch: &RecordBatch, error: &RowError) -> FlowError {
        FlowError::new(&self.owner.path, Some(error.code), "a row failed")
    }
}
