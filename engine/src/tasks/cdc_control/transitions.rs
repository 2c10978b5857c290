//! What an operation makes of a CDC state: pure, no database. `transitions.tsv` has every case.
//!
//! ```text
//!  INITIAL ─MarkInitialLoadStart─▶ ILSTART ─MarkInitialLoadEnd─▶ ILEND ─GetProcessingRange─▶ ILUPDATE
//!     │                                                            ▲                            │ MarkProcessedRange
//!     │                                                            └── not past the load yet ───┤
//!     └─MarkCdcStart, ResetCdcState─▶ TFEND ◀──────────────────────────── past the load ────────┘
//!                                     │  ▲
//!                  GetProcessingRange ▼  │ MarkProcessedRange
//!                                   TFSTART ─GetProcessingRange─▶ TFREDO
//! ```

use super::state::{CdcState, Lsn, Phase};

/// `TaskOperation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    MarkInitialLoadStart,
    MarkInitialLoadEnd,
    MarkCdcStart,
    GetProcessingRange,
    MarkProcessedRange,
    ResetCdcState,
}

pub(super) const OPERATIONS: [(&str, Operation); 6] = [
    ("MarkInitialLoadStart", Operation::MarkInitialLoadStart),
    ("MarkInitialLoadEnd", Operation::MarkInitialLoadEnd),
    ("MarkCdcStart", Operation::MarkCdcStart),
    ("GetProcessingRange", Operation::GetProcessingRange),
    ("MarkProcessedRange", Operation::MarkProcessedRange),
    ("ResetCdcState", Operation::ResetCdcState),
];

impl Operation {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut known = OPERATIONS.iter();
        let found = known.find(|(name, _)| name.eq_ignore_ascii_case(text.trim()));
        found.map(|(_, operation)| *operation)
    }

    pub(super) fn name(self) -> &'static str {
        let named = OPERATIONS.iter().find(|(_, one)| *one == self);
        named.map_or("", |(name, _)| name)
    }

    /// Whether it begins anew, whatever the state is.
    pub(super) fn begins(self) -> bool {
        matches!(
            self,
            Self::MarkInitialLoadStart | Self::MarkCdcStart | Self::ResetCdcState
        )
    }
}

/// The state after an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Changed {
    pub(super) state: CdcState,
    /// The run before this one took a range and did not mark it as processed.
    pub(super) unfinished: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TransitionError {
    #[error("the CDC state is {phase}, {} wants {wanted}", operation.name())]
    Phase {
        phase: Phase,
        operation: Operation,
        wanted: &'static str,
    },
    #[error(
        "the CDC state is ERROR: {why}; begin anew with MarkInitialLoadStart, MarkCdcStart or ResetCdcState"
    )]
    Failed { why: String },
    #[error("the CDC state {phase} has no part {part}")]
    Missing { phase: Phase, part: &'static str },
    #[error("{} needs an LSN of the database, which has none: is CDC enabled in it, and does its capture job run?", operation.name())]
    NoLsn { operation: Operation },
    #[error(
        "the last LSN of the database, {found}, is before {start}, until which the CDC state says changes were processed: is \
         it another database, or an older copy?"
    )]
    Backwards { found: Lsn, start: Lsn },
}

/// The state after an operation; `lsn` is what the database gave for it.
pub(super) fn change(
    state: &CdcState,
    operation: Operation,
    lsn: Option<Lsn>,
) -> Result<Changed, TransitionError> {
    if state.phase == Phase::Error && !operation.begins() {
        let why = state.error.clone();
        return Err(TransitionError::Failed {
            why: why.unwrap_or_else(|| "it does not say why".to_owned()),
        });
    }
    let wanted_lsn = || lsn.ok_or(TransitionError::NoLsn { operation });
    let mut unfinished = false;
    let state = match operation {
        Operation::MarkInitialLoadStart => CdcState {
            initial: Some((wanted_lsn()?, None)),
            ..CdcState::new(Phase::InitialLoadStarted)
        },
        Operation::MarkInitialLoadEnd => {
            wants(state, operation, &[Phase::InitialLoadStarted], "ILSTART")?;
            let (start, _) = initial(state)?;
            CdcState {
                initial: Some((start, Some(wanted_lsn()?))),
                ..CdcState::new(Phase::InitialLoadEnded)
            }
        }
        Operation::MarkCdcStart | Operation::ResetCdcState => CdcState {
            start: Some(wanted_lsn()?),
            ..CdcState::new(Phase::UpdateEnded)
        },
        Operation::GetProcessingRange => {
            unfinished = state.end.is_some();
            range(state, wanted_lsn()?)?
        }
        Operation::MarkProcessedRange => processed(state)?,
    };
    Ok(Changed { state, unfinished })
}

/// The next range: from where the last one ended until the database's last LSN. One that was taken before and not marked
/// as processed stays as it is.
fn range(state: &CdcState, last: Lsn) -> Result<CdcState, TransitionError> {
    let operation = Operation::GetProcessingRange;
    let phase = match state.phase {
        Phase::InitialLoadEnded | Phase::InitialLoadUpdate => Phase::InitialLoadUpdate,
        Phase::UpdateEnded => Phase::UpdateStarted,
        Phase::UpdateStarted | Phase::UpdateRepeated => Phase::UpdateRepeated,
        _ => {
            return Err(TransitionError::Phase {
                phase: state.phase,
                operation,
                wanted: "the initial load to be marked as ended (ILEND), or a CDC start (TFEND)",
            });
        }
    };
    let start = match (state.start, state.initial) {
        (Some(start), _) => start,
        (None, Some((start, _))) => start,
        (None, None) => return Err(missing(state, "CS")),
    };
    let end = state.end.unwrap_or(last);
    if end < start {
        let found = end;
        return Err(TransitionError::Backwards { found, start });
    }
    Ok(CdcState {
        start: Some(start),
        end: Some(end),
        initial: state.initial,
        ..CdcState::new(phase)
    })
}

/// The range is processed. Changes of the initial load are behind it only when it goes past the first change after the load.
fn processed(state: &CdcState) -> Result<CdcState, TransitionError> {
    let operation = Operation::MarkProcessedRange;
    let started = [
        Phase::InitialLoadUpdate,
        Phase::UpdateStarted,
        Phase::UpdateRepeated,
    ];
    let wanted = "a range that GetProcessingRange took (ILUPDATE, TFSTART or TFREDO)";
    wants(state, operation, &started, wanted)?;
    let end = state.end.ok_or_else(|| missing(state, "CE"))?;
    let within_load = match state.phase {
        Phase::InitialLoadUpdate => {
            let (_, load_end) = initial(state)?;
            end <= load_end.ok_or_else(|| missing(state, "IR"))?
        }
        _ => false,
    };
    let done = CdcState {
        start: Some(end),
        ..CdcState::new(Phase::UpdateEnded)
    };
    Ok(match within_load {
        true => CdcState {
            phase: Phase::InitialLoadEnded,
            initial: state.initial,
            ..done
        },
        false => done,
    })
}

fn wants(
    state: &CdcState,
    operation: Operation,
    phases: &[Phase],
    wanted: &'static str,
) -> Result<(), TransitionError> {
    let phase = state.phase;
    match phases.contains(&phase) {
        true => Ok(()),
        false => Err(TransitionError::Phase {
            phase,
            operation,
            wanted,
        }),
    }
}

fn initial(state: &CdcState) -> Result<(Lsn, Option<Lsn>), TransitionError> {
    state.initial.ok_or_else(|| missing(state, "IR"))
}

fn missing(state: &CdcState, part: &'static str) -> TransitionError {
    let phase = state.phase;
    TransitionError::Missing { phase, part }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Before, operation, LSN of the database, after: `!` and a part of the message where it is an error, `*` where
    /// a warning belongs to it.
    #[test]
    fn every_operation_on_every_state() {
        let lines = include_str!("transitions.tsv").lines();
        let mut seen = 0;
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            let [before, operation, lsn, after] = fields[..] else {
                panic!("four fields are wanted: {line}");
            };
            let before: CdcState = before.parse().unwrap();
            let operation = Operation::parse(operation).unwrap();
            let lsn = (!lsn.is_empty()).then(|| lsn.parse().unwrap());
            let found = match change(&before, operation, lsn) {
                Ok(changed) if changed.unfinished => format!("*{}/", changed.state),
                Ok(changed) => format!("{}/", changed.state),
                Err(error) => format!("!{error}"),
            };
            match after.strip_prefix('!') {
                Some(part) => assert!(
                    found.starts_with('!') && found.contains(part),
                    "{line}\n{found}"
                ),
                None => assert_eq!(found, after, "{line}"),
            }
            seen += 1;
        }
        assert!(seen > 40, "{seen}");
    }
}
