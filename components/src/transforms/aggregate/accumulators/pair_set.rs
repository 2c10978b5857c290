//! Sets of (group, value): the distinct values of all groups in one table.
//!
//! A pair of a group and a value of up to 32 bits is one `u64`. Once such a table is large, and a bit for each group
//! and each value from the smallest to the largest takes less room than the table, the pairs become bits; what comes
//! later and has no bit stays in the table, until that is large again.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::{BuildHasher, Hash};

/// Table entries from which a set of bits is considered.
const BITS_PAIRS_MIN: usize = 1 << 16;

/// A value of a pair, or a whole pair.
pub(super) trait Value: Copy + Eq + Ord + Send + Sync + 'static {
    type Pair: Copy + Eq + Hash + Ord + Send + Sync;
    fn pair(group: u32, value: Self) -> Self::Pair;
    fn split(pair: Self::Pair) -> (u32, Self);
    fn from_code(code: u128) -> Self;
    fn to_code(self) -> u128;
    /// Values that can be bits, as numbers.
    fn small(self) -> Option<u32>;
}

macro_rules! value {
    ($value:ty, $pair:ty, $join:expr, $split:expr, $small:expr) => {
        impl Value for $value {
            type Pair = $pair;

            fn pair(group: u32, value: Self) -> $pair {
                let join: fn(u32, $value) -> $pair = $join;
                join(group, value)
            }

            fn split(pair: $pair) -> (u32, Self) {
                let split: fn($pair) -> (u32, $value) = $split;
                split(pair)
            }

            fn from_code(code: u128) -> Self {
                code as Self
            }

            fn to_code(self) -> u128 {
                u128::from(self)
            }

            fn small(self) -> Option<u32> {
                let small: fn($value) -> Option<u32> = $small;
                small(self)
            }
        }
    };
}

value!(
    u32,
    u64,
    |group, value| u64::from(group) << 32 | u64::from(value),
    |pair| ((pair >> 32) as u32, pair as u32),
    Some
);
value!(
    u64,
    u128,
    |group, value| u128::from(group) << 64 | u128::from(value),
    |pair| ((pair >> 64) as u32, pair as u64),
    |_| None
);
impl Value for u128 {
    type Pair = (u32, u128);

    fn pair(group: u32, value: Self) -> (u32, u128) {
        (group, value)
    }

    fn split(pair: (u32, u128)) -> (u32, Self) {
        pair
    }

    fn from_code(code: u128) -> Self {
        code
    }

    fn to_code(self) -> u128 {
        self
    }

    fn small(self) -> Option<u32> {
        None
    }
}

/// A bit for each of the first groups and each value of a range.
#[derive(Debug, Default)]
struct Bits {
    low: u32,
    values: u32,
    groups: u32,
    words: Vec<u64>,
}

impl Bits {
    fn words_per_group(&self) -> usize {
        self.values.div_ceil(64) as usize
    }

    /// The word and bit of a pair, if it has one.
    fn place(&self, group: u32, value: u32) -> Option<(usize, u64)> {
        let value = value
            .checked_sub(self.low)
            .filter(|value| *value < self.values && group < self.groups)?;
        Some((
            group as usize * self.words_per_group() + value as usize / 64,
            1 << (value % 64),
        ))
    }
}

/// The distinct values of each group.
#[derive(Debug)]
pub(super) struct PairSet<V: Value> {
    table: HashTable<V::Pair>,
    hasher: DefaultHashBuilder,
    bits: Bits,
    counts: Vec<u64>,
    /// Smallest and largest small value seen.
    range: (u32, u32),
    next_check: usize,
    /// Values by group, for the state: made by [`PairSet::sort`].
    sorted: Vec<V::Pair>,
}

impl<V: Value> Default for PairSet<V> {
    fn default() -> Self {
        Self {
            table: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            bits: Bits::default(),
            counts: Vec::new(),
            range: (u32::MAX, 0),
            next_check: BITS_PAIRS_MIN,
            sorted: Vec::new(),
        }
    }
}

impl<V: Value> PairSet<V> {
    pub(super) fn resize(&mut self, groups_len: usize) {
        self.counts.resize(groups_len, 0);
    }

    pub(super) fn count(&self, group: u32) -> u64 {
        self.counts[group as usize]
    }

    pub(super) fn size(&self) -> usize {
        self.table.allocation_size()
            + self.bits.words.capacity() * size_of::<u64>()
            + self.counts.capacity() * size_of::<u64>()
            + self.sorted.capacity() * size_of::<V::Pair>()
    }

    pub(super) fn insert(&mut self, group: u32, value: V) {
        if let Some(small) = value.small() {
            if let Some((word, bit)) = self.bits.place(group, small) {
                let word = &mut self.bits.words[word];
                self.counts[group as usize] += u64::from(*word & bit == 0);
                *word |= bit;
                return;
            }
            self.range = (self.range.0.min(small), self.range.1.max(small));
        }
        let (pair, hasher) = (V::pair(group, value), &self.hasher);
        let entry = self.table.entry(
            hasher.hash_one(pair),
            |other| *other == pair,
            |other| hasher.hash_one(other),
        );
        if let hashbrown::hash_table::Entry::Vacant(entry) = entry {
            entry.insert(pair);
            self.counts[group as usize] += 1;
            if self.table.len() >= self.next_check {
                self.next_check = self.table.len() * 2;
                self.pairs_to_bits();
            }
        }
    }

    fn pairs_to_bits(&mut self) {
        if self.range.0 > self.range.1 {
            return;
        }
        let mut low = self.range.0;
        let mut high = self.range.1;
        if self.bits.values > 0 {
            low = low.min(self.bits.low);
            high = high.max(self.bits.low + (self.bits.values - 1));
        }
        // The room left above saves making the bits anew for the next few larger values.
        let Some(values) = (high - low).checked_add(1 + (high - low) / 16) else {
            return;
        };
        let groups = self.counts.len();
        let words = groups.saturating_mul(values.div_ceil(64) as usize);
        if words.saturating_mul(8) > self.size() {
            return;
        }
        let Ok(groups) = u32::try_from(groups) else {
            return;
        };
        let old = std::mem::replace(
            &mut self.bits,
            Bits {
                low,
                values,
                groups,
                words: vec![0; words],
            },
        );
        for_each_bit(&old, |group, value| self.set(group, value));
        for pair in std::mem::take(&mut self.table) {
            let (group, value) = V::split(pair);
            if let Some(value) = value.small() {
                self.set(group, value);
            }
        }
        self.next_check = BITS_PAIRS_MIN;
    }

    fn set(&mut self, group: u32, value: u32) {
        if let Some((word, bit)) = self.bits.place(group, value) {
            self.bits.words[word] |= bit;
        }
    }

    /// Orders the values by group; no values may be inserted any more.
    pub(super) fn sort(&mut self) {
        let mut sorted: Vec<V::Pair> = std::mem::take(&mut self.table).into_iter().collect();
        let bits = std::mem::take(&mut self.bits);
        for_each_bit(&bits, |group, value| {
            sorted.push(V::pair(group, V::from_code(u128::from(value))))
        });
        sorted.sort_unstable();
        self.sorted = sorted;
    }

    /// The values of a group, after [`PairSet::sort`].
    pub(super) fn values(&self, group: u32) -> impl Iterator<Item = V> {
        let start = self
            .sorted
            .partition_point(|pair| V::split(*pair).0 < group);
        self.sorted[start..]
            .iter()
            .map(|pair| V::split(*pair))
            .take_while(move |pair| pair.0 == group)
            .map(|pair| pair.1)
    }
}

fn for_each_bit(bits: &Bits, mut f: impl FnMut(u32, u32)) {
    if bits.values == 0 {
        return;
    }
    for (group, words) in bits.words.chunks_exact(bits.words_per_group()).enumerate() {
        for (index, word) in words.iter().enumerate() {
            let mut rest = *word;
            while rest != 0 {
                f(
                    group as u32,
                    bits.low + (index * 64) as u32 + rest.trailing_zeros(),
                );
                rest &= rest - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn pairs_are_counted_once_as_pairs_and_as_bits() {
        let mut set = PairSet::<u32>::default();
        let mut expected = vec![BTreeSet::new(); 8];
        let mut random = 1_u64;
        for step in 0..400_000_u32 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let (group, value) = (
                (random >> 60) as u32 % (1 + step / 50_000),
                (random >> 33) as u32 % (30_000 + step / 10),
            );
            set.resize(8);
            set.insert(group, value + 1000);
            expected[group as usize].insert(value + 1000);
        }
        assert!(set.bits.values > 0, "dense values became bits");
        let counts: Vec<u64> = (0..8).map(|group| set.count(group)).collect();
        assert_eq!(
            counts,
            expected
                .iter()
                .map(|values| values.len() as u64)
                .collect::<Vec<_>>()
        );
        set.sort();
        for group in 0..8 {
            assert!(
                set.values(group)
                    .eq(expected[group as usize].iter().copied()),
                "group {group}"
            );
        }
    }
}
