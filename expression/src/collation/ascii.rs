//! The order of ASCII text, from a table that the collator itself fills: most comparisons end at the first letter.

use std::cmp::Ordering;

use icu_collator::CollatorBorrowed;

use super::windows::{in_icu, is_mark};

/// Stands for bytes that the table does not order: marks of words, control characters, which ICU ignores, and all that is not
/// ASCII.
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
        let is_marked = |text: &[u8], at| after_marks(text, at) > at;
        match self.beginnings(left, right) {
            Ok(order) => Some(order),
            Err(at) if is_marked(left, at) || is_marked(right, at) => self.by_words(left, right),
            Err(_) => None,
        }
    }

    /// As [`Self::compare`], with nothing in what decides it that the table does not know; else where that is.
    fn beginnings(&self, left: &[u8], right: &[u8]) -> Result<Ordering, usize> {
        let settled = |at, order| match self.is_known(left, at) && self.is_known(right, at) {
            true => Ok(order),
            false => Err(at),
        };
        let shorter = left.len().min(right.len());
        let mut case = Ordering::Equal;
        for at in 0..shorter {
            let (x, y) = (left[at], right[at]);
            let (a, b) = (self.primary[usize::from(x)], self.primary[usize::from(y)]);
            if a == UNKNOWN || b == UNKNOWN {
                return Err(at);
            }
            if a != b {
                return settled(at + 1, a.cmp(&b));
            }
            if x != y && case == Ordering::Equal {
                case = self.full[usize::from(x)].cmp(&self.full[usize::from(y)]);
            }
        }
        match left.len().cmp(&right.len()) {
            Ordering::Equal => Ok(case),
            longer => settled(shorter, longer),
        }
    }

    /// As [`Self::compare`]: marks of words are passed over, and decide at last.
    fn by_words(&self, left: &[u8], right: &[u8]) -> Option<Ordering> {
        let mut case = Ordering::Equal;
        let (mut x_at, mut y_at) = (0, 0);
        loop {
            (x_at, y_at) = (after_marks(left, x_at), after_marks(right, y_at));
            let (Some(x), Some(y)) = (left.get(x_at), right.get(y_at)) else {
                break;
            };
            let (a, b) = (self.primary[usize::from(*x)], self.primary[usize::from(*y)]);
            if a == UNKNOWN || b == UNKNOWN {
                return None;
            }
            (x_at, y_at) = (x_at + 1, y_at + 1);
            if a != b {
                let settled = self.is_known(left, after_marks(left, x_at))
                    && self.is_known(right, after_marks(right, y_at));
                return settled.then(|| a.cmp(&b));
            }
            if x != y && case == Ordering::Equal {
                case = self.full[usize::from(*x)].cmp(&self.full[usize::from(*y)]);
            }
        }
        match (left.len() - x_at).cmp(&(right.len() - y_at)) {
            Ordering::Equal => Some(case.then_with(|| marks(left).cmp(marks(right)))),
            longer => (self.is_known(left, x_at) && self.is_known(right, y_at)).then_some(longer),
        }
    }

    /// Whether the table has the character at `at`, which then does not belong to the one before it; so does the end.
    fn is_known(&self, text: &[u8], at: usize) -> bool {
        let byte = text.get(at);
        byte.is_none_or(|byte| self.primary[usize::from(*byte)] != UNKNOWN)
    }
}

/// Where the text goes on behind marks of words.
fn after_marks(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let marks = rest.iter().take_while(|byte| is_mark(char::from(**byte)));
    at + marks.count()
}

/// How many letters are before each mark, and which it is.
fn marks(text: &[u8]) -> impl Iterator<Item = (usize, u8)> {
    let marked = text
        .iter()
        .enumerate()
        .filter(|(_, byte)| is_mark(char::from(**byte)));
    marked
        .enumerate()
        .map(|(before, (at, byte))| (at - before, *byte))
}

/// From 1, the same for characters that compare equal.
fn ranks(collator: &CollatorBorrowed<'_>) -> [u8; 256] {
    let text = |byte: u8| in_icu(char::from(byte)).to_string();
    let mut characters: Vec<u8> = (0..128)
        .filter(|byte| !is_mark(char::from(*byte)))
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
