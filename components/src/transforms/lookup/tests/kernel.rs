//! The kernel against a slow, obvious one.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use arrow::{
    array::{
        Array, ArrayRef, BinaryViewArray, BooleanArray, Date32Array, Decimal128Array,
        FixedSizeBinaryArray, Int8Array, Int32Array, Int64Array, StringViewArray,
        TimestampMicrosecondArray, UInt64Array,
    },
    util::display::{ArrayFormatter, FormatOptions},
};
use proptest::prelude::*;

use crate::transforms::lookup::{KeyTable, NONE};

/// The types of keys; each makes an array of small numbers, so that keys meet, or of scattered ones.
const KINDS: usize = 10;

fn array(kind: usize, values: &[Option<i64>]) -> ArrayRef {
    let text = |value: i64| match value % 3 {
        0 => format!("{value}"),
        1 => format!("the same beginning, {value}"),
        _ => format!("{value} äöü"),
    };
    let each = || values.iter().copied();
    match kind {
        0 => Arc::new(
            each()
                .map(|one| one.map(|one| one as i8))
                .collect::<Int8Array>(),
        ),
        1 => Arc::new(
            each()
                .map(|one| one.map(|one| one as i32))
                .collect::<Int32Array>(),
        ),
        2 => Arc::new(each().collect::<Int64Array>()),
        3 => Arc::new(
            each()
                .map(|one| one.map(|one| one as u64))
                .collect::<UInt64Array>(),
        ),
        4 => Arc::new(
            each()
                .map(|one| one.map(|one| one % 2 == 0))
                .collect::<BooleanArray>(),
        ),
        5 => Arc::new(
            each()
                .map(|one| one.map(|one| one as i32))
                .collect::<Date32Array>(),
        ),
        6 => Arc::new(
            each()
                .map(|one| one.map(|one| i128::from(one) * 1_000_000_007))
                .collect::<Decimal128Array>(),
        ),
        7 => Arc::new(each().collect::<TimestampMicrosecondArray>()),
        8 => Arc::new(each().map(|one| one.map(text)).collect::<StringViewArray>()),
        9 => Arc::new(
            each()
                .map(|one| one.map(|one| text(one).into_bytes()))
                .collect::<BinaryViewArray>(),
        ),
        _ => {
            let bytes = each().map(|one| one.map(|one| i128::from(one).to_le_bytes()));
            Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(bytes, 16).unwrap())
        }
    }
}

fn shown(columns: &[ArrayRef], row: usize) -> String {
    let options = FormatOptions::default().with_null("NULL");
    let of = |column: &ArrayRef| {
        let formatter = ArrayFormatter::try_new(column.as_ref(), &options).unwrap();
        format!("{:?}", formatter.value(row).to_string())
    };
    columns.iter().map(of).collect::<Vec<_>>().join("|")
}

fn first_rows(reference: &[ArrayRef]) -> (HashMap<String, u32>, u64) {
    let mut first = HashMap::new();
    let mut duplicates = 0;
    for row in 0..reference[0].len() {
        let key = shown(reference, row);
        match first.entry(key) {
            Entry::Occupied(_) => duplicates += 1,
            Entry::Vacant(free) => {
                free.insert(row as u32);
            }
        }
    }
    (first, duplicates)
}

fn check(reference: &[ArrayRef], probes: &[ArrayRef], batch_rows: usize) {
    let (table, duplicates) = KeyTable::build(reference).unwrap();
    let (first, wanted_duplicates) = first_rows(reference);
    assert_eq!(duplicates, wanted_duplicates, "{}", table.kind());
    let rows = probes[0].len();
    let mut at = 0;
    while at < rows {
        let len = batch_rows.min(rows - at);
        let batch: Vec<ArrayRef> = probes.iter().map(|one| one.slice(at, len)).collect();
        let found = table.find(&batch).unwrap();
        assert_eq!(found.len(), len);
        for (row, found) in found.into_iter().enumerate() {
            let wanted = first.get(&shown(&batch, row)).copied().unwrap_or(NONE);
            assert_eq!(found, wanted, "{} {}", table.kind(), shown(&batch, row));
        }
        at += len;
    }
}

fn values(wide: bool) -> impl Strategy<Value = Option<i64>> {
    let narrow = -20..20i64;
    prop_oneof![
        1 => Just(None),
        6 => narrow.prop_map(Some),
        u32::from(wide) * 6 => any::<i64>().prop_map(Some),
        u32::from(wide) => Just(Some(i64::MIN)),
        u32::from(wide) => Just(Some(i64::MAX)),
    ]
}

/// Kinds and values of the key columns: of the reference, and of what is looked up.
type Keys = (Vec<usize>, Vec<Vec<Option<i64>>>, Vec<Vec<Option<i64>>>);

fn keys() -> impl Strategy<Value = Keys> {
    let column = any::<bool>().prop_flat_map(|wide| {
        (
            0..=KINDS,
            prop::collection::vec(values(wide), 0..60),
            prop::collection::vec(values(wide), 1..80),
        )
    });
    prop::collection::vec(column, 1..4).prop_map(|columns| {
        let mut keys = Keys::default();
        let reference = columns.iter().map(|one| one.1.len()).min().unwrap();
        let probes = columns.iter().map(|one| one.2.len()).min().unwrap();
        for (kind, mut own, mut probe) in columns {
            own.truncate(reference);
            probe.truncate(probes);
            keys.0.push(kind);
            keys.1.push(own);
            keys.2.push(probe);
        }
        keys
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn as_the_obvious_one((kinds, reference, probes) in keys(), batch_rows in 1..90usize) {
        let arrays = |columns: &[Vec<Option<i64>>]| -> Vec<ArrayRef> {
            kinds.iter().zip(columns).map(|(kind, values)| array(*kind, values)).collect()
        };
        check(&arrays(&reference), &arrays(&probes), batch_rows);
    }
}

#[test]
fn many_rows_of_each_kind() {
    let scattered = |at: i64| Some(at.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64));
    let reference: Vec<_> = (0..20_000).map(scattered).collect();
    let probes: Vec<_> = (10_000..30_000).map(scattered).collect();
    for kind in 0..=KINDS {
        check(&[array(kind, &reference)], &[array(kind, &probes)], 8192);
    }
    let dense: Vec<_> = (0..20_000).map(Some).collect();
    let both = [array(1, &dense), array(8, &reference)];
    check(&both, &both, 8192);
}

#[test]
fn the_table_that_fits_the_keys() {
    let kind = |columns: &[ArrayRef]| KeyTable::build(columns).unwrap().0.kind();
    let dense = array(1, &(0..20_000).map(Some).collect::<Vec<_>>());
    let sparse = array(2, &(0..20_000).map(|at| Some(at << 30)).collect::<Vec<_>>());
    let text = array(8, &(0..20_000).map(Some).collect::<Vec<_>>());
    assert_eq!(kind(&[Arc::clone(&dense)]), "direct");
    assert_eq!(kind(&[Arc::clone(&sparse)]), "codes");
    assert_eq!(kind(&[Arc::clone(&dense), sparse]), "codes");
    assert_eq!(kind(&[text, dense]), "mixed");
}
