//! Numbers for the groups: rows with equal group-by values get the same number, in order of arrival.
//!
//! A row's values become a few words (a code, or the class of a text, per column, after a word of NULL bits), so
//! that finding a group hashes and compares integers only. What a group shows is kept beside: the number of the text in
//! its first row, and the place of that row.

use std::hash::BuildHasher;

use arrow::{
    array::{Array, ArrayRef},
    buffer::NullBuffer,
    datatypes::DataType,
};
use datafusion_common::{Result, resources_err};
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::transforms::keys::{
    ClassedValues, Codes, CollatedValues, array_of_codes, codes_of, is_coded, normalise_floats,
};

/// A group-by column.
struct GroupColumn {
    data_type: DataType,
    /// Index of its first word, and of its bit in the words of NULL bits.
    word: usize,
    bit: usize,
    /// The distinct texts, and the column's index among those that have them.
    texts: Option<(ClassedValues, usize)>,
}

/// The groups seen.
pub(super) struct Groups {
    columns: Vec<GroupColumn>,
    words_per_group: usize,
    texts_per_group: usize,
    table: HashTable<u32>,
    words: Vec<u64>,
    hashes: Vec<u64>,
    /// Place of each group's first row.
    first_rows: Vec<u64>,
    /// Numbers of the texts in each group's first row.
    texts: Vec<u32>,
    seed: u64,
    row_words: Vec<u64>,
}

impl Groups {
    /// For group-by columns of these types and comparison flags.
    ///
    /// # Errors
    /// Types that cannot be keys, and locales without a known collation.
    pub(super) fn try_new(columns: &[(DataType, u32)], locale_id: u32) -> Result<Self> {
        let mut word = columns.len().div_ceil(64).max(1);
        let mut texts_per_group = 0;
        let mut group_columns = Vec::with_capacity(columns.len());
        for (bit, (data_type, flags)) in columns.iter().enumerate() {
            let texts = if is_coded(data_type) {
                None
            } else {
                texts_per_group += 1;
                let values = CollatedValues::try_new(data_type, locale_id, *flags)?;
                Some((ClassedValues::new(values), texts_per_group - 1))
            };
            group_columns.push(GroupColumn {
                data_type: data_type.clone(),
                word,
                bit,
                texts,
            });
            word += if is_wide(data_type) { 2 } else { 1 };
        }
        Ok(Self::with_columns(group_columns, word, texts_per_group))
    }

    fn with_columns(
        columns: Vec<GroupColumn>,
        words_per_group: usize,
        texts_per_group: usize,
    ) -> Self {
        Self {
            columns,
            words_per_group,
            texts_per_group,
            table: HashTable::new(),
            words: Vec::new(),
            hashes: Vec::new(),
            first_rows: Vec::new(),
            texts: Vec::new(),
            seed: DefaultHashBuilder::default().hash_one(0),
            row_words: Vec::new(),
        }
    }

    /// No groups, over the same columns.
    pub(super) fn emptied(&self) -> Self {
        let columns = self.columns.iter().map(|column| GroupColumn {
            data_type: column.data_type.clone(),
            texts: column
                .texts
                .as_ref()
                .map(|(texts, index)| (texts.emptied(), *index)),
            ..*column
        });
        Self::with_columns(
            columns.collect(),
            self.words_per_group,
            self.texts_per_group,
        )
    }

    pub(super) fn len(&self) -> usize {
        self.first_rows.len()
    }

    pub(super) fn size(&self) -> usize {
        let texts = self
            .columns
            .iter()
            .filter_map(|column| column.texts.as_ref());
        texts.map(|(texts, _)| texts.size()).sum::<usize>()
            + self.table.allocation_size()
            + (self.words.capacity() + self.hashes.capacity() + self.first_rows.capacity())
                * size_of::<u64>()
            + self.texts.capacity() * size_of::<u32>()
    }

    /// Place of each group's first row.
    pub(super) fn first_rows(&self) -> &[u64] {
        &self.first_rows
    }

    /// Appends the group of each row to `groups`. `place` is a row's place in the input.
    pub(super) fn assign(
        &mut self,
        columns: &[ArrayRef],
        rows: usize,
        place: impl Fn(usize) -> u64,
        groups: &mut Vec<u32>,
    ) -> Result<()> {
        let texts = self.read(columns, rows)?;
        let row_words = std::mem::take(&mut self.row_words);
        groups.reserve(rows);
        for (row, words) in row_words.chunks_exact(self.words_per_group).enumerate() {
            let hash = self.hash(words);
            let (known, all) = (self.words_per_group, &self.words);
            let found = self.table.find(hash, |group| {
                let at = *group as usize * known;
                all.get(at..at + known) == Some(words)
            });
            match found {
                Some(group) => {
                    let group = *group;
                    groups.push(group);
                    if place(row) < self.first_rows[group as usize] {
                        self.show(group, row, place(row), &texts);
                    }
                }
                None => groups.push(self.insert(hash, words, row, place(row), &texts)?),
            }
        }
        self.row_words = row_words;
        Ok(())
    }

    fn insert(
        &mut self,
        hash: u64,
        words: &[u64],
        row: usize,
        place: u64,
        texts: &[Vec<u32>],
    ) -> Result<u32> {
        let Ok(group) = u32::try_from(self.len()) else {
            return resources_err!("an aggregate has more than {} groups in memory", u32::MAX);
        };
        let hashes = &self.hashes;
        self.table
            .insert_unique(hash, group, |group| hashes[*group as usize]);
        self.hashes.push(hash);
        self.words.extend_from_slice(words);
        self.first_rows.push(place);
        self.texts.extend(texts.iter().map(|ids| ids[row]));
        Ok(group)
    }

    /// Makes a row with an earlier place the one that the group shows.
    fn show(&mut self, group: u32, row: usize, place: u64, texts: &[Vec<u32>]) {
        let group = group as usize;
        self.first_rows[group] = place;
        let shown = &mut self.texts[group * self.texts_per_group..];
        shown
            .iter_mut()
            .zip(texts)
            .for_each(|(shown, ids)| *shown = ids[row]);
    }

    fn hash(&self, words: &[u64]) -> u64 {
        words.iter().fold(self.seed, |hash, word| {
            let product =
                u128::from(hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
            (product as u64) ^ ((product >> 64) as u64)
        })
    }

    /// Fills `row_words`; returns the numbers of the texts of each text column.
    fn read(&mut self, columns: &[ArrayRef], rows: usize) -> Result<Vec<Vec<u32>>> {
        let width = self.words_per_group;
        self.row_words.clear();
        self.row_words.resize(rows * width, 0);
        let mut texts = Vec::with_capacity(self.texts_per_group);
        for (column, array) in self.columns.iter_mut().zip(columns) {
            let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
            let mut slots = self.row_words.chunks_exact_mut(width);
            match &mut column.texts {
                Some((values, _)) => {
                    let mut ids = Vec::new();
                    values.intern(array, &mut ids)?;
                    slots
                        .zip(&ids)
                        .for_each(|(slot, id)| slot[column.word] = u64::from(values.class(*id)));
                    texts.push(ids);
                }
                None => {
                    let mut codes = codes_of(array)?;
                    normalise_floats(&mut codes, &column.data_type);
                    match codes {
                        Codes::Narrow(codes) => slots
                            .zip(codes)
                            .for_each(|(slot, code)| slot[column.word] = code),
                        Codes::Wide(codes) => slots.by_ref().zip(codes).for_each(|(slot, code)| {
                            slot[column.word] = code as u64;
                            slot[column.word + 1] = (code >> 64) as u64;
                        }),
                    }
                }
            }
            if let Some(nulls) = nulls {
                column.clear_nulls(&mut self.row_words, width, &nulls);
            }
        }
        Ok(texts)
    }

    /// The group-by columns of these groups.
    pub(super) fn arrays(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        self.columns
            .iter()
            .map(|column| self.array(column, groups))
            .collect()
    }

    fn array(&self, column: &GroupColumn, groups: &[u32]) -> Result<ArrayRef> {
        let word =
            |group: u32, index: usize| self.words[group as usize * self.words_per_group + index];
        let valid = |group: u32| word(group, column.bit / 64) & (1 << (column.bit % 64)) == 0;
        if let Some((values, index)) = &column.texts {
            let ids = groups.iter().map(|group| {
                valid(*group).then(|| self.texts[*group as usize * self.texts_per_group + index])
            });
            return values.values().array(ids, &column.data_type);
        }
        let nulls: NullBuffer = groups.iter().map(|group| valid(*group)).collect();
        let codes = if is_wide(&column.data_type) {
            let code = |group: &u32| {
                u128::from(word(*group, column.word))
                    | u128::from(word(*group, column.word + 1)) << 64
            };
            Codes::Wide(groups.iter().map(code).collect())
        } else {
            Codes::Narrow(
                groups
                    .iter()
                    .map(|group| word(*group, column.word))
                    .collect(),
            )
        };
        array_of_codes(
            &codes,
            Some(nulls).filter(|nulls| nulls.null_count() > 0),
            &column.data_type,
        )
    }

    /// Appends a key of the group that does not depend on numbers given here: equal for equal groups of any table.
    pub(super) fn key_bytes(&self, group: u32, out: &mut Vec<u8>) {
        let start = group as usize * self.words_per_group;
        let words = &self.words[start..start + self.words_per_group];
        for column in &self.columns {
            let null = words[column.bit / 64] & (1 << (column.bit % 64)) != 0;
            out.push(u8::from(null));
            match &column.texts {
                _ if null => {}
                Some((values, _)) => {
                    let key = values.values().key(words[column.word] as u32);
                    out.extend_from_slice(&key.len().to_le_bytes());
                    out.extend_from_slice(key);
                }
                None => {
                    let last = column.word + usize::from(is_wide(&column.data_type));
                    words[column.word..=last]
                        .iter()
                        .for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
                }
            }
        }
    }
}

impl GroupColumn {
    fn clear_nulls(&self, row_words: &mut [u64], width: usize, nulls: &NullBuffer) {
        let last = self.word + usize::from(is_wide(&self.data_type));
        for (slot, _) in row_words
            .chunks_exact_mut(width)
            .zip(nulls.iter())
            .filter(|(_, valid)| !valid)
        {
            slot[self.bit / 64] |= 1 << (self.bit % 64);
            slot[self.word..=last].fill(0);
        }
    }
}

fn is_wide(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Decimal128(..) | DataType::FixedSizeBinary(16)
    )
}
