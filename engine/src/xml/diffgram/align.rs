//! Which children of one node became which of another: what stays, what changes, what goes and what comes, in order.

use std::collections::{HashMap, VecDeque};

/// What is done to get the second list out of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<T> {
    /// The same in both.
    Keep(T, T),
    /// The one becomes the other.
    Change(T, T),
    Remove(T),
    Add(T),
}

/// How much two children have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    None,
    /// Of one kind.
    Kind,
    /// Of one kind and name.
    Name,
    Same,
}

/// Cells of a table that are filled for two lists, and for all together.
const CELLS_MAX: usize = 1 << 20;
const BUDGET: usize = 1 << 27;

/// Aligns lists; what it spends on finding the best way is bounded.
pub(super) struct Aligner {
    budget: usize,
}

impl Aligner {
    pub(super) fn new() -> Self {
        Self { budget: BUDGET }
    }

    /// The steps from one list to another. `fingerprint` is the same for what is the same.
    pub(super) fn steps<T: Copy>(
        &mut self,
        a: &[T],
        b: &[T],
        fingerprint: impl Fn(bool, T) -> u128,
        likeness: impl Fn(T, T) -> Likeness,
    ) -> Vec<Step<T>> {
        let is_same = |a: &T, b: &T| fingerprint(false, *a) == fingerprint(true, *b);
        let pairs = || a.iter().zip(b);
        let head = pairs().take_while(|(a, b)| is_same(a, b)).count();
        let rest = a.len().min(b.len()) - head;
        let backwards = a.iter().rev().zip(b.iter().rev()).take(rest);
        let tail = backwards.take_while(|(a, b)| is_same(a, b)).count();
        let mut steps: Vec<Step<T>> = pairs()
            .take(head)
            .map(|(a, b)| Step::Keep(*a, *b))
            .collect();
        let middle_a = &a[head..a.len() - tail];
        let middle_b = &b[head..b.len() - tail];
        let likeness = |one: T, other: T| match is_same(&one, &other) {
            true => Likeness::Same,
            false => likeness(one, other),
        };
        if self.affords(middle_a.len(), middle_b.len()) {
            best(middle_a, middle_b, &likeness, &mut steps);
        } else {
            self.by_landmarks(middle_a, middle_b, &fingerprint, &likeness, &mut steps);
        }
        let tails = a[a.len() - tail..].iter().zip(&b[b.len() - tail..]);
        steps.extend(tails.map(|(a, b)| Step::Keep(*a, *b)));
        steps
    }

    fn affords(&mut self, a: usize, b: usize) -> bool {
        let cells = a.saturating_add(1).saturating_mul(b.saturating_add(1));
        let is_affordable = cells <= CELLS_MAX.min(self.budget);
        if is_affordable {
            self.budget -= cells;
        }
        is_affordable
    }

    /// Keeps a longest ascending row of what is the same, and goes on between.
    fn by_landmarks<T: Copy>(
        &mut self,
        a: &[T],
        b: &[T],
        fingerprint: &impl Fn(bool, T) -> u128,
        likeness: &impl Fn(T, T) -> Likeness,
        steps: &mut Vec<Step<T>>,
    ) {
        let mut places: HashMap<u128, VecDeque<usize>> = HashMap::new();
        for (at, one) in a.iter().enumerate() {
            places
                .entry(fingerprint(false, *one))
                .or_default()
                .push_back(at);
        }
        let matched = b.iter().enumerate().filter_map(|(at, one)| {
            let found = places.get_mut(&fingerprint(true, *one))?.pop_front()?;
            Some((found, at))
        });
        let (mut done_a, mut done_b) = (0, 0);
        for (at_a, at_b) in ascending(&matched.collect::<Vec<_>>()) {
            self.between(&a[done_a..at_a], &b[done_b..at_b], likeness, steps);
            steps.push(Step::Keep(a[at_a], b[at_b]));
            (done_a, done_b) = (at_a + 1, at_b + 1);
        }
        self.between(&a[done_a..], &b[done_b..], likeness, steps);
    }

    fn between<T: Copy>(
        &mut self,
        a: &[T],
        b: &[T],
        likeness: &impl Fn(T, T) -> Likeness,
        steps: &mut Vec<Step<T>>,
    ) {
        if self.affords(a.len(), b.len()) {
            return best(a, b, likeness, steps);
        }
        let common = a.len().min(b.len());
        for (one, other) in a.iter().zip(b) {
            match likeness(*one, *other) {
                Likeness::None => steps.extend([Step::Remove(*one), Step::Add(*other)]),
                Likeness::Same => steps.push(Step::Keep(*one, *other)),
                _ => steps.push(Step::Change(*one, *other)),
            }
        }
        steps.extend(a[common..].iter().map(|one| Step::Remove(*one)));
        steps.extend(b[common..].iter().map(|one| Step::Add(*one)));
    }
}

/// The steps that keep the most, by a table over both lists.
fn best<T: Copy>(a: &[T], b: &[T], likeness: &impl Fn(T, T) -> Likeness, steps: &mut Vec<Step<T>>) {
    let gain = |likeness| match likeness {
        Likeness::None => 0,
        Likeness::Kind => 1,
        Likeness::Name => 2,
        Likeness::Same => 5,
    };
    let width = b.len() + 1;
    let mut table = vec![0_u32; (a.len() + 1) * width];
    for (at_a, one) in a.iter().enumerate().rev() {
        for (at_b, other) in b.iter().enumerate().rev() {
            let here = at_a * width + at_b;
            let together = match gain(likeness(*one, *other)) {
                0 => 0,
                gain => table[here + width + 1] + gain,
            };
            table[here] = together.max(table[here + width]).max(table[here + 1]);
        }
    }
    let (mut at_a, mut at_b) = (0, 0);
    while let (Some(one), Some(other)) = (a.get(at_a), b.get(at_b)) {
        let here = at_a * width + at_b;
        let alike = likeness(*one, *other);
        let gained = gain(alike);
        if gained > 0 && table[here] == table[here + width + 1] + gained {
            steps.push(match alike {
                Likeness::Same => Step::Keep(*one, *other),
                _ => Step::Change(*one, *other),
            });
            (at_a, at_b) = (at_a + 1, at_b + 1);
        } else if table[here] == table[here + width] {
            steps.push(Step::Remove(*one));
            at_a += 1;
        } else {
            steps.push(Step::Add(*other));
            at_b += 1;
        }
    }
    steps.extend(a[at_a..].iter().map(|one| Step::Remove(*one)));
    steps.extend(b[at_b..].iter().map(|one| Step::Add(*one)));
}

/// A longest part of pairs, whose second numbers ascend, in which the first ascend too.
fn ascending(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // For each length, the pair with the least first number that ends such a part; for each pair, the one before it.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (at, (first, _)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| pairs[*end].0 < *first);
        before.push(length.checked_sub(1).map(|one| ends[one]));
        match ends.get_mut(length) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let last = ends.last().copied();
    let mut found: Vec<_> = std::iter::successors(last, |at| before[*at])
        .map(|at| pairs[at])
        .collect();
    found.reverse();
    found
}
