//! The order of ASCII text, from a table that the collator itself fills: most comparisons end at the first letter.

use std::cmp::Ordering;

use icu_collator::CollatorBorrowed;

/// Stands for bytes that the table does not order: control characters, which ICU ignores, and all that is not ASCII.
const UNKNOWN: u8 = 0;

/// Rank of each byte without and with its case.
#[derive(Debug, Clone)]
pub(super) struct AsciiOrder {
    primary: [u8; 256],
    full: [u8; 256],
}

impl AsciiOrder {
    /// `letters` orders without case, `all` as texts are compared.
    pub(super) fn new(letters: &CollatorBorrowed<'_>, all: &CollatorBorrowed<'_>) -> Self {
        Self {
            primary: ranks(letters),
            full: ranks(all),
        }
    }

    /// The order of two texts, if their ASCII beginnings decide it.
    pub(super) fn compare(&self, left: &[u8], right: &[u8]) -> Option<Ordering> {
        let rank = |text: &[u8], at: usize| {
            text.get(at)
                .map_or(UNKNOWN, |byte| self.primary[usize::from(*byte)])
        };
        // The next character must not belong to the one before it.
        let settled = |text: &[u8], at: usize| at >= text.len() || rank(text, at) != UNKNOWN;
        let shorter = left.len().min(right.len());
        let mut case = Ordering::Equal;
        for at in 0..shorter {
            let (x, y) = (left[at], right[at]);
            let (a, b) = (self.primary[usize::from(x)], self.primary[usize::from(y)]);
            if a == UNKNOWN || b == UNKNOWN {
                return None;
            }
            if a != b {
                return (settled(left, at + 1) && settled(right, at + 1)).then(|| a.cmp(&b));
            }
            if x != y && case == Ordering::Equal {
                case = self.full[usize::from(x)].cmp(&self.full[usize::from(y)]);
            }
        }
        match left.len().cmp(&right.len()) {
            Ordering::Equal => Some(case),
            longer => (settled(left, shorter) && settled(right, shorter)).then_some(longer),
        }
    }
}

/// From 1, the same for characters that compare equal.
fn ranks(collator: &CollatorBorrowed<'_>) -> [u8; 256] {
    let text = |byte: u8| char::from(byte).to_string();
    let mut characters: Vec<u8> = (0..128)
        .filter(|byte| collator.compare(&text(*byte), "") != Ordering::Equal)
        .collect();
    characters.sort_by(|a, b| collator.compare(&text(*a), &text(*b)));
    let mut ranks = [UNKNOWN; 256];
    let mut rank = 1;
    let mut before: Option<u8> = None;
    for byte in characters {
        if before
            .is_some_and(|before| collator.compare(&text(before), &text(byte)) != Ordering::Equal)
        {
            rank += 1;
        }
        ranks[usize::from(byte)] = rank;
        before = Some(byte);
    }
    ranks
}
