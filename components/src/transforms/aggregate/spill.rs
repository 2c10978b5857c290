//! States on disk, divided by the hash of their groups.

use std::{hash::BuildHasher, sync::Arc};

use arrow::datatypes::SchemaRef;
use datafusion_common::Result;
use datafusion_execution::{SendableRecordBatchStream, SpillFile, runtime_env::RuntimeEnv};
use datafusion_physical_plan::{SpillManager, metrics::SpillMetrics};
use hashbrown::DefaultHashBuilder;

use super::state::State;
use crate::transforms::spill_file::SpillFileWriter;

/// Files that a state is divided among.
pub(super) const DIVISIONS: usize = 16;
/// Size that a batch of states should have.
const BATCH_BYTES: usize = 1 << 20;
const BATCH_GROUPS_MAX: usize = 8192;

/// Where the states of one execution are written.
pub(super) struct Spill {
    manager: SpillManager,
    /// The same for all states of the execution, so that a group is in the same division of each.
    hasher: DefaultHashBuilder,
}

impl Spill {
    pub(super) fn new(
        environment: Arc<RuntimeEnv>,
        metrics: SpillMetrics,
        schema: SchemaRef,
    ) -> Self {
        let manager = SpillManager::new(environment, metrics, schema);
        Self {
            manager,
            hasher: DefaultHashBuilder::default(),
        }
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        self.manager.schema()
    }

    pub(super) fn open(&self, file: Arc<dyn SpillFile>) -> Result<SendableRecordBatchStream> {
        self.manager.read_spill_as_stream(file, None)
    }

    /// The groups of each division; `level` chooses the bits of the hash.
    fn divide(&self, state: &State, level: u32) -> Vec<Vec<u32>> {
        let mut divisions = vec![Vec::new(); DIVISIONS];
        let mut key = Vec::new();
        for group in 0..state.len() as u32 {
            key.clear();
            state.key_bytes(group, &mut key);
            // Each level has bits of its own, and the product spreads what differs in the hash over all of them.
            let product = u128::from(self.hasher.hash_one(&key)) * 0x9E37_79B9_7F4A_7C15;
            let hash = (product >> 64) as u64 ^ product as u64;
            divisions[(hash >> (level * DIVISIONS.ilog2())) as usize % DIVISIONS].push(group);
        }
        divisions
    }
}

/// Groups in pieces whose states make batches of a suitable size.
pub(super) fn pieces<'a>(
    state: &State,
    groups: &'a [u32],
) -> impl Iterator<Item = &'a [u32]> + use<'a> {
    let group_bytes = state.size() / state.len().max(1) + 1;
    groups.chunks((BATCH_BYTES / group_bytes).clamp(1, BATCH_GROUPS_MAX))
}

/// The divisions being written.
#[derive(Default)]
pub(super) struct Divisions(Vec<Option<SpillFileWriter>>);

impl Divisions {
    /// Writes all groups of a state, giving other tasks a turn after each batch.
    pub(super) async fn write(
        &mut self,
        mut state: State,
        spill: &Spill,
        level: u32,
    ) -> Result<()> {
        self.0.resize_with(DIVISIONS, || None);
        let divisions = spill.divide(&state, level);
        state.prepare();
        for (groups, writer) in divisions.iter().zip(&mut self.0) {
            for piece in pieces(&state, groups) {
                let writer = match writer {
                    Some(writer) => writer,
                    None => writer.insert(SpillFileWriter::try_new(
                        &spill.manager,
                        "writing groups of an aggregate",
                    )?),
                };
                writer.append(&state.batch(piece, spill.schema())?)?;
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    /// The file of each division that has groups.
    pub(super) fn finish(self) -> Result<Vec<Option<Arc<dyn SpillFile>>>> {
        let finish =
            |writer: Option<SpillFileWriter>| writer.map_or(Ok(None), SpillFileWriter::finish);
        self.0.into_iter().map(finish).collect()
    }
}
