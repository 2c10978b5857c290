//! The rows of a reference by their key. Kernel: whole batches, nothing allocated for a row.
//!
//! ```text
//!  keys of a batch ─┬─ fixed-width ──▶ one code a row ─┬─ narrow range ──▶ Direct: rows[code]
//!                   │                  (packed.rs)     └─ else ──────────▶ Codes: open addressing, code and row side by side
//!                   └─ text, GUIDs, wide numbers beside ──▶ Mixed: hash ──▶ slots of tag and row ──▶ compare with the
//!                                                                            reference, column by column
//!                                                                   ──▶ a reference row, or NONE, for each row
//! ```
//!
//! A batch is hashed first, then all its first slots are fetched: these loads do not wait for each other, which is what a
//! prefetch would buy. Only then are slots compared, and the few rows followed whose slot holds another key.

use arrow::array::{Array, ArrayRef};
use datafusion_common::{Result, internal_err, resources_err};
use hashbrown::DefaultHashBuilder;

use super::{
    columns::{KeyColumn, mix},
    packed::{BITS_MAX, MISS, Packed},
};

/// No row.
pub const NONE: u32 = u32::MAX;
/// A place for each code may take up as much memory as this many rows of the other tables.
const DIRECT_PLACES_PER_ROW: u64 = 8;
/// Small tables are direct whatever their keys.
const DIRECT_PLACES_MIN: u64 = 4096;
const EMPTY: u64 = u64::MAX;

/// Finds the first row of a reference that has a key.
#[derive(Debug)]
pub struct KeyTable {
    /// Key columns that are packed into codes.
    packed: Vec<(usize, Packed)>,
    /// Key columns that are not.
    others: Vec<usize>,
    rows: Rows,
    builder: DefaultHashBuilder,
    seed: u64,
}

#[derive(Debug)]
enum Rows {
    /// Row by code; the last place, where codes beyond all end, has none.
    Direct(Vec<u32>),
    /// (Code, row), empty places have the code [`MISS`] and the row [`NONE`].
    Codes(Vec<(u64, u32)>),
    /// Slots of (tag of the hash << 32 | row).
    Mixed {
        slots: Vec<u64>,
        codes: Option<Vec<u64>>,
        columns: Vec<KeyColumn>,
    },
}

impl KeyTable {
    /// Of a reference, by its key columns, which are of one length. Also, how many of its rows have the key of an earlier
    /// one.
    ///
    /// # Errors
    /// Types that are no keys; more than 2^31 rows.
    pub fn build(columns: &[ArrayRef]) -> Result<(Self, u64)> {
        use std::hash::BuildHasher;

        let rows = columns.first().map_or(0, |column| column.len());
        if rows > 1 << 31 {
            return resources_err!("a reference of {rows} rows is too long for a lookup");
        }
        let mut packed = Vec::new();
        let mut others = Vec::new();
        let mut bits = 0;
        for (at, column) in columns.iter().enumerate() {
            match Packed::of(column.as_ref()) {
                Some(found) if bits + found.bits() <= BITS_MAX => {
                    packed.push((at, found.above(bits)));
                    bits += found.bits();
                }
                _ => others.push(at),
            }
        }
        let builder = DefaultHashBuilder::default();
        let seed = builder.hash_one(rows);
        let mut table = Self {
            packed,
            others,
            rows: Rows::Direct(vec![NONE]),
            builder,
            seed,
        };
        // A candidate is a row that is there.
        if rows == 0 {
            return Ok((table, 0));
        }
        let places = match table.packed[..] {
            [(_, only)] => only.greatest().saturating_add(1),
            _ => 1 << bits,
        };
        let direct_max = DIRECT_PLACES_PER_ROW * rows as u64;
        let duplicates = if !table.others.is_empty() {
            table.fill_mixed(columns, rows)?
        } else if places <= direct_max.max(DIRECT_PLACES_MIN) {
            table.fill_direct(columns, rows, places as usize)
        } else {
            table.fill_codes(columns, rows)
        };
        Ok((table, duplicates))
    }

    /// Bytes that it holds, beside the key columns themselves.
    pub fn size(&self) -> usize {
        match &self.rows {
            Rows::Direct(rows) => rows.capacity() * size_of::<u32>(),
            Rows::Codes(entries) => entries.capacity() * size_of::<(u64, u32)>(),
            Rows::Mixed {
                slots,
                codes,
                columns,
            } => {
                let codes = codes.as_ref().map_or(0, Vec::capacity);
                let columns: usize = columns.iter().map(KeyColumn::own_size).sum();
                (slots.capacity() + codes) * size_of::<u64>() + columns
            }
        }
    }

    /// For EXPLAIN and tests.
    pub fn kind(&self) -> &'static str {
        match &self.rows {
            Rows::Direct(_) => "direct",
            Rows::Codes(_) => "codes",
            Rows::Mixed { .. } => "mixed",
        }
    }

    /// For each row of a batch the first row of the reference with its key, or [`NONE`].
    ///
    /// # Errors
    /// Columns that are not those of the reference.
    pub fn find(&self, columns: &[ArrayRef]) -> Result<Vec<u32>> {
        let rows = columns.first().map_or(0, |column| column.len());
        if columns.len() != self.packed.len() + self.others.len() {
            return internal_err!(
                "{} key columns are not those of the reference",
                columns.len()
            );
        }
        match &self.rows {
            Rows::Direct(places) => Ok(find_direct(places, &self.codes(columns, rows))),
            Rows::Codes(entries) => Ok(self.find_codes(entries, &self.codes(columns, rows))),
            Rows::Mixed {
                slots,
                codes: own_codes,
                columns: own,
            } => {
                let codes = own_codes.as_ref().map(|_| self.codes(columns, rows));
                let others = self.others(columns)?;
                let hashes = self.hashes(codes.as_deref(), &others, rows);
                let equal = |row: usize, reference: u32| {
                    let at = reference as usize;
                    let coded = match (&codes, own_codes) {
                        (Some(codes), Some(own)) => codes[row] == own[at],
                        _ => true,
                    };
                    let mut pairs = others.iter().zip(own);
                    coded && pairs.all(|(other, own)| other.equals(row, own, at))
                };
                let compare = |first: usize, candidates: &[u32], same: &mut [bool]| {
                    if let (Some(codes), Some(own)) = (&codes, own_codes) {
                        let pairs = codes[first..].iter().zip(candidates);
                        for ((code, candidate), same) in pairs.zip(&mut *same) {
                            *same &= *code == own[*candidate as usize];
                        }
                    }
                    for (other, own) in others.iter().zip(own) {
                        other.compare(first, own, candidates, same);
                    }
                };
                Ok(find_mixed(slots, &hashes, compare, equal))
            }
        }
    }

    fn codes(&self, columns: &[ArrayRef], rows: usize) -> Vec<u64> {
        let mut codes = vec![0; rows];
        for (at, packed) in &self.packed {
            packed.add(columns[*at].as_ref(), &mut codes);
        }
        codes
    }

    fn others(&self, columns: &[ArrayRef]) -> Result<Vec<KeyColumn>> {
        let others = self.others.iter().map(|at| KeyColumn::of(&columns[*at]));
        others.collect()
    }

    fn hashes(&self, codes: Option<&[u64]>, others: &[KeyColumn], rows: usize) -> Vec<u64> {
        let mut hashes = vec![self.seed; rows];
        others
            .iter()
            .for_each(|column| column.hash(&self.builder, &mut hashes));
        for (hash, code) in hashes.iter_mut().zip(codes.unwrap_or_default()) {
            *hash = mix(*hash, *code);
        }
        hashes
    }

    fn fill_direct(&mut self, columns: &[ArrayRef], rows: usize, places: usize) -> u64 {
        let mut by_code = vec![NONE; places + 1];
        let mut duplicates = 0;
        for (row, code) in self.codes(columns, rows).into_iter().enumerate() {
            match &mut by_code[code as usize] {
                free if *free == NONE => *free = row as u32,
                _ => duplicates += 1,
            }
        }
        self.rows = Rows::Direct(by_code);
        duplicates
    }

    fn fill_codes(&mut self, columns: &[ArrayRef], rows: usize) -> u64 {
        let mut entries = vec![(MISS, NONE); places_for(rows)];
        let mask = entries.len() - 1;
        let mut duplicates = 0;
        for (row, code) in self.codes(columns, rows).into_iter().enumerate() {
            let mut place = mix(self.seed, code) as usize & mask;
            while entries[place].0 != MISS && entries[place].0 != code {
                place = (place + 1) & mask;
            }
            match entries[place].1 {
                NONE => entries[place] = (code, row as u32),
                _ => duplicates += 1,
            }
        }
        self.rows = Rows::Codes(entries);
        duplicates
    }

    fn find_codes(&self, entries: &[(u64, u32)], codes: &[u64]) -> Vec<u32> {
        let mask = entries.len() - 1;
        let mut found = vec![NONE; codes.len()];
        let mut ahead = [(MISS, NONE); BLOCK];
        for (codes, found) in codes.chunks(BLOCK).zip(found.chunks_mut(BLOCK)) {
            for (entry, code) in ahead.iter_mut().zip(codes) {
                *entry = entries[mix(self.seed, *code) as usize & mask];
            }
            for ((entry, code), row) in ahead.iter().zip(codes).zip(found) {
                *row = entry.1;
                if entry.0 != *code {
                    *row = follow(entries, mix(self.seed, *code) as usize & mask, *code);
                }
            }
        }
        found
    }

    fn fill_mixed(&mut self, columns: &[ArrayRef], rows: usize) -> Result<u64> {
        let codes = match self.packed.is_empty() {
            true => None,
            false => Some(self.codes(columns, rows)),
        };
        let own = self.others(columns)?;
        let hashes = self.hashes(codes.as_deref(), &own, rows);
        let mut slots = vec![EMPTY; places_for(rows)];
        let mask = slots.len() - 1;
        let mut duplicates = 0;
        for (row, hash) in hashes.into_iter().enumerate() {
            let equal = |reference: u32| {
                let at = reference as usize;
                let coded = codes.as_ref().is_none_or(|codes| codes[row] == codes[at]);
                coded && own.iter().all(|column| column.equals(row, column, at))
            };
            let mut place = hash as usize & mask;
            while slots[place] != EMPTY
                && (slots[place] >> 32 != hash >> 32 || !equal(slots[place] as u32))
            {
                place = (place + 1) & mask;
            }
            match slots[place] {
                EMPTY => slots[place] = hash >> 32 << 32 | row as u64,
                _ => duplicates += 1,
            }
        }
        self.rows = Rows::Mixed {
            slots,
            codes,
            columns: own,
        };
        Ok(duplicates)
    }
}

/// Rows whose slots are fetched together.
const BLOCK: usize = 256;

/// Places of an open table that is at most half full.
fn places_for(rows: usize) -> usize {
    (rows * 2).next_power_of_two().max(2)
}

fn find_direct(places: &[u32], codes: &[u64]) -> Vec<u32> {
    let last = places.len() - 1;
    let of = |code: &u64| places[(*code).min(last as u64) as usize];
    codes.iter().map(of).collect()
}

/// The row of a code that is not where its hash leads.
fn follow(entries: &[(u64, u32)], mut place: usize, code: u64) -> u32 {
    let mask = entries.len() - 1;
    loop {
        let (found, row) = entries[place];
        if found == code || found == MISS {
            return row;
        }
        place = (place + 1) & mask;
    }
}

/// `compare` clears the marks of candidates that are not equal, of a block that begins at a row; `equal` compares one.
fn find_mixed(
    slots: &[u64],
    hashes: &[u64],
    compare: impl Fn(usize, &[u32], &mut [bool]),
    equal: impl Fn(usize, u32) -> bool,
) -> Vec<u32> {
    let mask = slots.len() - 1;
    let mut found = vec![NONE; hashes.len()];
    let mut ahead = [EMPTY; BLOCK];
    let mut candidates = [0; BLOCK];
    let mut same = [false; BLOCK];
    let blocks = hashes.chunks(BLOCK).zip(found.chunks_mut(BLOCK));
    for (block, (hashes, found)) in blocks.enumerate() {
        for (slot, hash) in ahead.iter_mut().zip(hashes) {
            *slot = slots[*hash as usize & mask];
        }
        for (at, hash) in hashes.iter().enumerate() {
            let mut place = *hash as usize & mask;
            let mut slot = ahead[at];
            while slot != EMPTY && slot >> 32 != hash >> 32 {
                place = (place + 1) & mask;
                slot = slots[place];
            }
            same[at] = slot != EMPTY;
            candidates[at] = if slot == EMPTY { 0 } else { slot as u32 };
            ahead[at] = if slot == EMPTY { EMPTY } else { place as u64 };
        }
        let first = block * BLOCK;
        compare(
            first,
            &candidates[..hashes.len()],
            &mut same[..hashes.len()],
        );
        for (at, hash) in hashes.iter().enumerate() {
            found[at] = match (same[at], ahead[at]) {
                (true, _) => candidates[at],
                (false, EMPTY) => NONE,
                // Another key with the same tag: as good as never.
                (false, place) => {
                    follow_mixed(slots, place as usize, *hash, |row| equal(first + at, row))
                }
            };
        }
    }
    found
}

/// The row of a key that is not where its tag was met first.
fn follow_mixed(slots: &[u64], mut place: usize, hash: u64, equal: impl Fn(u32) -> bool) -> u32 {
    let mask = slots.len() - 1;
    loop {
        place = (place + 1) & mask;
        match slots[place] {
            EMPTY => return NONE,
            slot if slot >> 32 == hash >> 32 && equal(slot as u32) => return slot as u32,
            _ => {}
        }
    }
}
