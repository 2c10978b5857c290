//! A state within the memory allowed: what does not fit goes to disk.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion_common::Result;
use datafusion_execution::{SpillFile, memory_pool::MemoryReservation};

use super::{
    AggregateError,
    spill::{Divisions, Spill, pieces},
    state::{Plan, State},
};

/// A state of up to this size is kept even if the memory pool refuses it: below, dividing it gains nothing.
const FLOOR_BYTES: usize = 64 << 10;
/// Times a state is divided, at most: 16 divisions each time.
const LEVELS_MAX: u32 = 6;

/// A state, and the divisions of those that did not fit.
pub(super) struct Partial {
    plan: Arc<Plan>,
    spill: Arc<Spill>,
    state: State,
    divisions: Option<Divisions>,
    reservation: MemoryReservation,
    /// 0 for rows of the input, then one more for each time that states were divided.
    level: u32,
}

/// All groups of a [`Partial`].
pub(super) enum Outcome {
    Memory(Box<State>, MemoryReservation),
    Disk(Vec<Option<Arc<dyn SpillFile>>>),
}

impl Partial {
    pub(super) fn try_new(
        plan: Arc<Plan>,
        spill: Arc<Spill>,
        reservation: MemoryReservation,
        level: u32,
    ) -> Result<Self> {
        Ok(Self {
            state: State::try_new(&plan)?,
            plan,
            spill,
            divisions: None,
            reservation,
            level,
        })
    }

    /// Takes a batch of the input.
    pub(super) async fn update(&mut self, batch: &RecordBatch, batch_number: u64) -> Result<()> {
        self.state.update(&self.plan, batch, batch_number)?;
        self.reserve().await
    }

    /// Takes a batch of states.
    pub(super) async fn merge(&mut self, batch: &RecordBatch) -> Result<()> {
        self.state.merge(batch)?;
        self.reserve().await
    }

    pub(super) fn len(&self) -> usize {
        self.state.len()
    }

    pub(super) fn is_on_disk(&self) -> bool {
        self.divisions.is_some()
    }

    /// Takes all groups of another one that is in memory.
    pub(super) async fn absorb(&mut self, mut other: Self) -> Result<()> {
        let groups: Vec<u32> = (0..other.state.len() as u32).collect();
        other.state.prepare();
        for piece in pieces(&other.state, &groups) {
            self.merge(&other.state.batch(piece, self.spill.schema())?)
                .await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn reserve(&mut self) -> Result<()> {
        let size = self.state.size();
        let Err(refused) = self.reservation.try_resize(size) else {
            return Ok(());
        };
        if size <= FLOOR_BYTES {
            self.reservation.resize(size);
            return Ok(());
        }
        if self.level > 0 && (self.level >= LEVELS_MAX || self.state.len() <= 1) {
            return Err(AggregateError::TooLarge {
                refused: refused.to_string(),
            }
            .into());
        }
        self.write().await
    }

    /// Writes all groups in memory.
    async fn write(&mut self) -> Result<()> {
        let state = self.state.take(&self.plan)?;
        self.divisions
            .get_or_insert_default()
            .write(state, &self.spill, self.level)
            .await?;
        self.reservation.free();
        Ok(())
    }

    /// All groups: in memory, or on disk if some are there already or if `on_disk` asks for it.
    pub(super) async fn finish(mut self, on_disk: bool) -> Result<Outcome> {
        if on_disk || self.is_on_disk() {
            self.write().await?;
        }
        match self.divisions {
            Some(divisions) => Ok(Outcome::Disk(divisions.finish()?)),
            None => Ok(Outcome::Memory(Box::new(self.state), self.reservation)),
        }
    }
}
