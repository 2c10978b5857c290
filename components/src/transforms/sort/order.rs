//! The order of the rows of one run.
//!
//! Every key column of a run becomes an integer of as few bits as its values in the run need: a number by its distance
//! from the smallest, a text by the rank of its collation key among the run's distinct ones. The columns are packed,
//! first key first, above the position of the row; sorting these integers is the whole sort, and it is stable.
//!
//! ```text
//!  u128:  | shipmode rank (3 bits) | shipdate (12) | price, descending (24) | ... | block | row |
//! ```
//!
//! Should the columns need more bits than there are, what is packed so far is replaced by its dense rank (32 bits at
//! most), then the next column by its own.

use arrow::{
    buffer::NullBuffer,
    datatypes::{DataType, Schema},
    record_batch::RecordBatch,
};
use datafusion_common::{Result, resources_err};

use super::{SortKey, SortSettings};
use crate::transforms::keys::{Codes, CollatedValues, codes_of, is_coded, normalise_floats};

/// The key columns of one batch.
#[derive(Debug)]
pub(super) struct KeyBlock(Vec<KeyColumn>);

#[derive(Debug)]
struct KeyColumn {
    numbers: Numbers,
    nulls: Option<NullBuffer>,
    /// Smallest and largest number that is not NULL's.
    range: Option<(u128, u128)>,
}

/// Codes of a column as distances from the smallest, or numbers of distinct texts.
#[derive(Debug)]
enum Numbers {
    U32 { base: u128, values: Vec<u32> },
    U64 { base: u128, values: Vec<u64> },
    U128 { values: Vec<u128> },
}

impl Numbers {
    fn of(codes: Codes, range: Option<(u128, u128)>) -> Self {
        let (base, high) = range.unwrap_or((0, 0));
        match (codes, high - base) {
            (Codes::Narrow(codes), 0..=0xFFFF_FFFF) => Self::U32 {
                base,
                values: codes
                    .iter()
                    .map(|code| code.wrapping_sub(base as u64) as u32)
                    .collect(),
            },
            (Codes::Wide(codes), 0..=0xFFFF_FFFF) => Self::U32 {
                base,
                values: codes
                    .iter()
                    .map(|code| code.wrapping_sub(base) as u32)
                    .collect(),
            },
            (Codes::Wide(codes), 0..=0xFFFF_FFFF_FFFF_FFFF) => Self::U64 {
                base,
                values: codes
                    .iter()
                    .map(|code| code.wrapping_sub(base) as u64)
                    .collect(),
            },
            (Codes::Narrow(values), _) => Self::U64 { base: 0, values },
            (Codes::Wide(values), _) => Self::U128 { values },
        }
    }

    fn get(&self, row: usize) -> u128 {
        match self {
            Self::U32 { base, values } => base.wrapping_add(u128::from(values[row])),
            Self::U64 { base, values } => base.wrapping_add(u128::from(values[row])),
            Self::U128 { values } => values[row],
        }
    }

    fn for_each(&self, mut f: impl FnMut(u128)) {
        match self {
            Self::U32 { base, values } => values
                .iter()
                .for_each(|value| f(base.wrapping_add(u128::from(*value)))),
            Self::U64 { base, values } => values
                .iter()
                .for_each(|value| f(base.wrapping_add(u128::from(*value)))),
            Self::U128 { values } => values.iter().for_each(|value| f(*value)),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::U32 { values, .. } => values.capacity() * size_of::<u32>(),
            Self::U64 { values, .. } => values.capacity() * size_of::<u64>(),
            Self::U128 { values } => values.capacity() * size_of::<u128>(),
        }
    }
}

impl KeyBlock {
    pub(super) fn size(&self) -> usize {
        self.0.iter().map(|column| column.numbers.size()).sum()
    }
}

/// What the keys of a run share: the distinct texts of each text key.
pub(super) struct KeyReader {
    keys: Vec<SortKey>,
    kinds: Vec<KeyKind>,
}

enum KeyKind {
    Narrow,
    Wide,
    Text(CollatedValues),
}

impl KeyReader {
    /// # Errors
    /// A key column whose type has no order, or a locale without collation.
    pub(super) fn try_new(settings: &SortSettings, schema: &Schema) -> Result<Self> {
        let kinds = settings
            .keys
            .iter()
            .map(|key| match schema.field(key.column).data_type() {
                DataType::Decimal128(..) | DataType::FixedSizeBinary(16) => Ok(KeyKind::Wide),
                coded if is_coded(coded) => Ok(KeyKind::Narrow),
                other => CollatedValues::try_new(other, settings.locale_id, key.comparison_flags)
                    .map(KeyKind::Text),
            });
        Ok(Self {
            kinds: kinds.collect::<Result<_>>()?,
            keys: settings.keys.clone(),
        })
    }

    /// For the next run.
    pub(super) fn emptied(&self) -> Self {
        let kinds = self.kinds.iter().map(|kind| match kind {
            KeyKind::Narrow => KeyKind::Narrow,
            KeyKind::Wide => KeyKind::Wide,
            KeyKind::Text(texts) => KeyKind::Text(texts.emptied()),
        });
        Self {
            keys: self.keys.clone(),
            kinds: kinds.collect(),
        }
    }

    pub(super) fn size(&self) -> usize {
        // Ranking takes 12 bytes more per distinct text.
        let texts = self.kinds.iter().filter_map(KeyKind::texts);
        texts.map(|texts| texts.size() + 12 * texts.len()).sum()
    }

    pub(super) fn read(&mut self, batch: &RecordBatch) -> Result<KeyBlock> {
        let mut columns = Vec::with_capacity(self.keys.len());
        for (key, kind) in self.keys.iter().zip(&mut self.kinds) {
            let array = batch.column(key.column);
            let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
            columns.push(match kind {
                KeyKind::Text(texts) => {
                    let mut values = Vec::new();
                    texts.intern(array, &mut values)?;
                    KeyColumn {
                        numbers: Numbers::U32 { base: 0, values },
                        nulls,
                        range: None,
                    }
                }
                KeyKind::Narrow | KeyKind::Wide => {
                    let mut codes = codes_of(array)?;
                    normalise_floats(&mut codes, array.data_type());
                    let range = codes.range(nulls.as_ref());
                    KeyColumn {
                        numbers: Numbers::of(codes, range),
                        nulls,
                        range,
                    }
                }
            });
        }
        Ok(KeyBlock(columns))
    }

    /// Appends a key of the row that compares as bytes, in any run.
    pub(super) fn key_bytes(&self, block: &KeyBlock, row: usize, out: &mut Vec<u8>) {
        for ((column, key), kind) in block.0.iter().zip(&self.keys).zip(&self.kinds) {
            let start = out.len();
            if column
                .nulls
                .as_ref()
                .is_some_and(|nulls| nulls.is_null(row))
            {
                out.push(0);
            } else {
                out.push(1);
                let number = column.numbers.get(row);
                match kind {
                    KeyKind::Narrow => out.extend_from_slice(&(number as u64).to_be_bytes()),
                    KeyKind::Wide => out.extend_from_slice(&number.to_be_bytes()),
                    KeyKind::Text(texts) => {
                        for byte in texts.key(number as u32) {
                            out.push(*byte);
                            if *byte == 0 {
                                out.push(0xFF);
                            }
                        }
                        out.extend_from_slice(&[0, 0]);
                    }
                }
            }
            if key.descending {
                out[start..].iter_mut().for_each(|byte| *byte = !*byte);
            }
        }
    }

    /// Sorts the rows of `blocks`.
    pub(super) fn sort(
        &self,
        blocks: &[KeyBlock],
        lens: &[usize],
        distinct: bool,
    ) -> Result<SortedRows> {
        let row_bits = bits(lens.iter().copied().max().unwrap_or(0).saturating_sub(1) as u128);
        let index_bits = row_bits + bits(blocks.len().saturating_sub(1) as u128);
        if index_bits > 64 || lens.iter().sum::<usize>() > u32::MAX as usize {
            return resources_err!(
                "a sort holds more than {} rows in memory: lower the memory limit",
                u32::MAX
            );
        }
        let mut packed = Packed {
            codes: vec![0; lens.iter().sum()],
            bits: 0,
            limit: 128 - index_bits,
        };
        for (index, (key, kind)) in self.keys.iter().zip(&self.kinds).enumerate() {
            let ranks = kind.texts().map(ranks);
            let mut column = RunColumn::new(blocks, index, key.descending, ranks.as_deref());
            if column.largest == u128::MAX && column.null_codes > 0 {
                packed.push(&column.split_nulls());
            }
            packed.push(&column);
        }
        let mut entries = packed.codes;
        let mut at = entries.iter_mut();
        for (block, len) in lens.iter().enumerate() {
            let first = (block as u128) << row_bits;
            at.by_ref()
                .take(*len)
                .enumerate()
                .for_each(|(row, entry)| *entry = *entry << index_bits | first | row as u128);
        }
        entries.sort_unstable();
        if distinct {
            entries.dedup_by_key(|entry| *entry >> index_bits);
        }
        Ok(SortedRows {
            entries,
            row_bits,
            index_bits,
        })
    }
}

impl KeyKind {
    fn texts(&self) -> Option<&CollatedValues> {
        match self {
            Self::Text(texts) => Some(texts),
            Self::Narrow | Self::Wide => None,
        }
    }
}

/// Rows of a run in order.
#[derive(Debug)]
pub(super) struct SortedRows {
    entries: Vec<u128>,
    row_bits: u32,
    index_bits: u32,
}

impl SortedRows {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Block and row of the rows at these places of the order.
    pub(super) fn positions(
        &self,
        range: std::ops::Range<usize>,
    ) -> impl Iterator<Item = (usize, usize)> {
        let (block_mask, row_mask) = (
            (1 << self.index_bits) - 1_u128,
            (1 << self.row_bits) - 1_u128,
        );
        self.entries[range].iter().map(move |entry| {
            (
                ((entry & block_mask) >> self.row_bits) as usize,
                (entry & row_mask) as usize,
            )
        })
    }
}

/// Dense rank of each distinct text; equal keys get equal ranks.
fn ranks(texts: &CollatedValues) -> Vec<u32> {
    let mut ids: Vec<u32> = (0..texts.len() as u32).collect();
    ids.sort_unstable_by(|left, right| texts.key(*left).cmp(texts.key(*right)));
    let mut ranks = vec![0; ids.len()];
    let mut rank = 0;
    let mut before: Option<u32> = None;
    for id in ids {
        if before.is_some_and(|before| texts.key(before) != texts.key(id)) {
            rank += 1;
        }
        ranks[id as usize] = rank;
        before = Some(id);
    }
    ranks
}

fn bits(largest: u128) -> u32 {
    128 - largest.leading_zeros()
}

/// One key column over all blocks of the run, as codes from 0 to `largest`, in the key's direction.
struct RunColumn<'a> {
    columns: Vec<&'a KeyColumn>,
    ranks: Option<&'a [u32]>,
    low: u128,
    /// 1 if NULL takes code 0.
    null_codes: u128,
    /// Only tell NULL (0) from values (1).
    only_nulls: bool,
    largest: u128,
    descending: bool,
}

impl<'a> RunColumn<'a> {
    fn new(
        blocks: &'a [KeyBlock],
        index: usize,
        descending: bool,
        ranks: Option<&'a [u32]>,
    ) -> Self {
        let columns: Vec<&KeyColumn> = blocks.iter().map(|block| &block.0[index]).collect();
        let (low, high) = match ranks {
            Some(ranks) => (0, ranks.iter().copied().max().unwrap_or(0).into()),
            None => columns
                .iter()
                .filter_map(|column| column.range)
                .reduce(|left, right| (left.0.min(right.0), left.1.max(right.1)))
                .unwrap_or((0, 0)),
        };
        let null_codes = u128::from(columns.iter().any(|column| column.nulls.is_some()));
        Self {
            columns,
            ranks,
            low,
            null_codes,
            only_nulls: false,
            largest: (high - low).saturating_add(null_codes),
            descending,
        }
    }

    /// A range of all 128 bits has no code left for NULL: takes the NULLs out, to be packed as a column before this one.
    fn split_nulls(&mut self) -> Self {
        self.null_codes = 0;
        Self {
            columns: self.columns.clone(),
            only_nulls: true,
            largest: 1,
            ..*self
        }
    }

    /// Calls `f` with the code of each row, in order.
    fn for_each(&self, mut f: impl FnMut(u128)) {
        let turned = |code: u128| {
            if self.descending {
                self.largest - code
            } else {
                code
            }
        };
        for column in &self.columns {
            let mut row = 0;
            column.numbers.for_each(|number| {
                let null = column
                    .nulls
                    .as_ref()
                    .is_some_and(|nulls| nulls.is_null(row));
                row += 1;
                f(turned(match (null, self.ranks) {
                    (true, _) => 0,
                    (false, _) if self.only_nulls => 1,
                    (false, Some(ranks)) => u128::from(ranks[number as usize]) + self.null_codes,
                    (false, None) => (number - self.low) + self.null_codes,
                }));
            });
        }
    }
}

/// Codes of the key columns packed so far, one for each row.
struct Packed {
    codes: Vec<u128>,
    bits: u32,
    limit: u32,
}

impl Packed {
    fn push(&mut self, column: &RunColumn<'_>) {
        let width = bits(column.largest);
        if self.bits + width > self.limit {
            self.bits = rank_densely(&mut self.codes);
        }
        if self.bits + width <= self.limit {
            self.append(width, |f| column.for_each(f));
            return;
        }
        let mut codes = Vec::with_capacity(self.codes.len());
        column.for_each(|code| codes.push(code));
        let width = rank_densely(&mut codes);
        self.append(width, |f| codes.iter().for_each(|code| f(*code)));
    }

    fn append(&mut self, width: u32, for_each: impl FnOnce(&mut dyn FnMut(u128))) {
        let mut at = self.codes.iter_mut();
        for_each(&mut |code| {
            if let Some(packed) = at.next() {
                *packed = packed.checked_shl(width).unwrap_or(0) | code;
            }
        });
        self.bits += width;
    }
}

/// Replaces codes by their ranks among the distinct ones; returns the bits these need.
fn rank_densely(codes: &mut [u128]) -> u32 {
    let mut sorted = codes.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    for code in codes {
        *code = sorted.partition_point(|other| other < code) as u128;
    }
    bits(sorted.len().saturating_sub(1) as u128)
}
