//! Rows of the groups, in the order in which the groups first appeared.

use std::sync::Arc;

use arrow::{
    datatypes::{DataType, Field, Schema, SchemaRef},
    record_batch::RecordBatch,
};
use datafusion_common::{DataFusionError, Result, internal_err};
use datafusion_common_runtime::SpawnedTask;
use datafusion_execution::{SpillFile, memory_pool::MemoryReservation};
use futures::{Stream, StreamExt};

use super::{
    partial::{Outcome, Partial},
    spill::Spill,
    state::{Plan, State},
};

/// Groups in memory, being shown.
struct Shown {
    state: State,
    order: Vec<u32>,
    at: usize,
    _reservation: MemoryReservation,
}

impl Shown {
    async fn new(state: State, reservation: MemoryReservation) -> Result<Self> {
        let task = SpawnedTask::spawn_blocking(move || {
            let mut order: Vec<u32> = (0..state.len() as u32).collect();
            let first_rows = state.first_rows();
            order.sort_unstable_by_key(|group| first_rows[*group as usize]);
            (state, order)
        });
        let (state, order) = task
            .join()
            .await
            .map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?;
        Ok(Self {
            state,
            order,
            at: 0,
            _reservation: reservation,
        })
    }

    fn next(&mut self, rows_max: usize) -> Option<&[u32]> {
        let start = self.at;
        self.at = self.order.len().min(start + rows_max);
        self.order
            .get(start..self.at)
            .filter(|groups| !groups.is_empty())
    }
}

/// Rows of groups that are all in memory.
pub(super) async fn from_memory(
    plan: Arc<Plan>,
    state: State,
    reservation: MemoryReservation,
    batch_size: usize,
) -> Result<impl Stream<Item = Result<RecordBatch>>> {
    let shown = Shown::new(state, reservation).await?;
    Ok(futures::stream::try_unfold(
        (shown, plan),
        move |(mut shown, plan)| async move {
            let Some(groups) = shown.next(batch_size).map(<[u32]>::to_vec) else {
                return Ok(None);
            };
            let batch = shown.state.finish(&plan, &groups)?;
            Ok(Some((batch, (shown, plan))))
        },
    ))
}

/// The output's schema and the place of the group's first row.
pub(super) fn placed_schema(plan: &Plan) -> SchemaRef {
    let mut fields: Vec<_> = plan.output.fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new("first row", DataType::UInt64, false)));
    Arc::new(Schema::new(fields))
}

/// Files of one division, and how often their groups have been divided.
type Division = (u32, Vec<Arc<dyn SpillFile>>);

/// Groups on disk, merged one division after another.
pub(super) struct OnDisk {
    plan: Arc<Plan>,
    spill: Arc<Spill>,
    reservation: MemoryReservation,
    divisions: Vec<Division>,
    shown: Option<Shown>,
    schema: SchemaRef,
    batch_size: usize,
}

impl OnDisk {
    /// Over the files of several states: for each, one file per division.
    pub(super) fn new(
        plan: Arc<Plan>,
        spill: Arc<Spill>,
        reservation: MemoryReservation,
        files: Vec<Vec<Option<Arc<dyn SpillFile>>>>,
        batch_size: usize,
    ) -> Self {
        let schema = placed_schema(&plan);
        let divisions = Vec::new();
        let mut on_disk = Self {
            plan,
            spill,
            reservation,
            divisions,
            shown: None,
            schema,
            batch_size,
        };
        on_disk.push(1, files);
        on_disk
    }

    fn push(&mut self, level: u32, states: Vec<Vec<Option<Arc<dyn SpillFile>>>>) {
        let mut divisions: Vec<Vec<Arc<dyn SpillFile>>> = Vec::new();
        for files in states {
            divisions.resize_with(divisions.len().max(files.len()), Vec::new);
            divisions
                .iter_mut()
                .zip(files)
                .for_each(|(division, file)| division.extend(file));
        }
        let divisions = divisions.into_iter().filter(|files| !files.is_empty());
        self.divisions.extend(divisions.map(|files| (level, files)));
    }

    /// The rows with their places, in no order.
    pub(super) fn into_stream(self) -> impl Stream<Item = Result<RecordBatch>> + Send + 'static {
        futures::stream::try_unfold(self, |mut groups| async move {
            Ok(groups.next().await?.map(|batch| (batch, groups)))
        })
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(shown) = &mut self.shown {
                if let Some(groups) = shown.next(self.batch_size).map(<[u32]>::to_vec) {
                    let batch = shown.state.finish(&self.plan, &groups)?;
                    let mut columns = batch.columns().to_vec();
                    columns.push(shown.state.places(&groups));
                    return Ok(Some(RecordBatch::try_new(
                        Arc::clone(&self.schema),
                        columns,
                    )?));
                }
                self.shown = None;
            }
            let Some((level, files)) = self.divisions.pop() else {
                return Ok(None);
            };
            match self.merged(level, files).await? {
                Outcome::Memory(state, reservation) => {
                    self.shown = Some(Shown::new(*state, reservation).await?)
                }
                Outcome::Disk(files) => self.push(level + 1, vec![files]),
            }
        }
    }

    async fn merged(&self, level: u32, files: Vec<Arc<dyn SpillFile>>) -> Result<Outcome> {
        let reservation = self.reservation.new_empty();
        let (plan, spill) = (Arc::clone(&self.plan), Arc::clone(&self.spill));
        let mut partial = Partial::try_new(plan, spill, reservation, level)?;
        for file in files {
            let mut batches = self.spill.open(file)?;
            while let Some(batch) = batches.next().await {
                partial.merge(&batch?).await?;
            }
        }
        partial.finish(false).await
    }
}

/// All groups of all partitions in one place.
pub(super) async fn combine(mut partials: Vec<Partial>) -> Result<Combined> {
    partials.sort_by_key(Partial::len);
    let Some(mut all) = partials.pop() else {
        return internal_err!("an aggregate has no partitions");
    };
    let mut others = Vec::new();
    let on_disk = all.is_on_disk() || partials.iter().any(Partial::is_on_disk);
    for partial in partials {
        if on_disk {
            if let Outcome::Disk(files) = partial.finish(true).await? {
                others.push(files);
            }
        } else {
            all.absorb(partial).await?;
        }
    }
    match all.finish(on_disk).await? {
        Outcome::Memory(state, reservation) => Ok(Combined::Memory(state, reservation)),
        Outcome::Disk(files) => {
            others.push(files);
            Ok(Combined::Disk(others))
        }
    }
}

/// What [`combine`] made.
pub(super) enum Combined {
    Memory(Box<State>, MemoryReservation),
    /// For each state, a file per division.
    Disk(Vec<Vec<Option<Arc<dyn SpillFile>>>>),
}
