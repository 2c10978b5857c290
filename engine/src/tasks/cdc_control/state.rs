//! The CDC state, as it is kept between runs: a text that says how far the changes of a database have been processed.
//!
//! ```text
//!  TFSTART/CS/0x0000030D000000AE0003/CE/0x0000159D1E0F01000000/TS/2011-08-09T05:30:43.9344900/
//!  name     CS: processed until      CE: this run goes until   TS: when it was written, UTC
//!  ILEND/IR/0x.../0x.../TS/.../      IR: changes between these two may have been loaded already
//!  ERROR/ER/why                      ER: what went wrong, always last
//! ```
//!
//! Microsoft's "Define a State Variable" has the form. An empty text is the state before anything ran.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};

/// A log sequence number: `binary(10)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lsn([u8; 10]);

impl Lsn {
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl FromStr for Lsn {
    type Err = StateError;

    /// `0x` and up to twenty digits; those that are left out are zeros before them.
    fn from_str(text: &str) -> Result<Self, StateError> {
        let malformed = || StateError::Lsn(text.to_owned());
        let digits = text
            .strip_prefix("0x")
            .or_else(|| text.strip_prefix("0X"))
            .filter(|digits| (1..=20).contains(&digits.len()))
            .filter(|digits| digits.bytes().all(|one| one.is_ascii_hexdigit()))
            .ok_or_else(malformed)?;
        let number = u128::from_str_radix(digits, 16).map_err(|_| malformed())?;
        let [_, _, _, _, _, _, low @ ..] = number.to_be_bytes();
        Ok(Self(low))
    }
}

/// Name of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing has run.
    Initial,
    InitialLoadStarted,
    InitialLoadEnded,
    /// Changes are processed, some of them perhaps a second time: the initial load has them.
    InitialLoadUpdate,
    /// A range was processed.
    UpdateEnded,
    UpdateStarted,
    /// A range is processed again: the run before it did not come to its end.
    UpdateRepeated,
    Error,
}

const NAMES: [(&str, Phase); 8] = [
    ("INITIAL", Phase::Initial),
    ("ILSTART", Phase::InitialLoadStarted),
    ("ILEND", Phase::InitialLoadEnded),
    ("ILUPDATE", Phase::InitialLoadUpdate),
    ("TFEND", Phase::UpdateEnded),
    ("TFSTART", Phase::UpdateStarted),
    ("TFREDO", Phase::UpdateRepeated),
    ("ERROR", Phase::Error),
];

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, phase)| phase == self);
        f.write_str(name.map_or("", |(name, _)| name))
    }
}

/// A state, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CdcState {
    pub(super) phase: Phase,
    /// CS: processed until here.
    pub(super) start: Option<Lsn>,
    /// CE: the range that is processed goes until here.
    pub(super) end: Option<Lsn>,
    /// IR: the last change before the initial load, and the first one after it.
    pub(super) initial: Option<(Lsn, Option<Lsn>)>,
    /// ER.
    pub(super) error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum StateError {
    #[error("`{0}` is no LSN: 0x and up to twenty hexadecimal digits are wanted")]
    Lsn(String),
    #[error("there is no CDC state `{found}`: {} are", names())]
    Phase { found: String },
    #[error("`{found}` is no part of a CDC state: CS, CE, IR, TS and ER are")]
    Part { found: String },
    #[error("the part {part} is not complete")]
    Incomplete { part: &'static str },
}

fn names() -> String {
    NAMES.map(|(name, _)| name).join(", ")
}

impl CdcState {
    pub(super) fn new(phase: Phase) -> Self {
        Self {
            phase,
            start: None,
            end: None,
            initial: None,
            error: None,
        }
    }

    /// The text of the state, written now.
    pub(super) fn at(&self, now: DateTime<Utc>) -> String {
        let time = now.format("%Y-%m-%dT%H:%M:%S");
        let ticks = now.timestamp_subsec_nanos() / 100;
        format!("{self}/TS/{time}.{ticks:07}/")
    }
}

impl FromStr for CdcState {
    type Err = StateError;

    fn from_str(text: &str) -> Result<Self, StateError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::new(Phase::Initial));
        }
        let (name, mut rest) = text.split_once('/').unwrap_or((text, ""));
        let phase = NAMES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name.trim()))
            .ok_or_else(|| StateError::Phase {
                found: name.to_owned(),
            })?;
        let mut state = Self::new(phase.1);
        while !rest.is_empty() {
            let (part, after) = rest.split_once('/').unwrap_or((rest, ""));
            let mut values = after.splitn(3, '/');
            let mut value = |part| values.next().ok_or(StateError::Incomplete { part });
            rest = match part {
                "CS" => {
                    state.start = Some(value("CS")?.parse()?);
                    after_values(after, 1)
                }
                "CE" => {
                    state.end = Some(value("CE")?.parse()?);
                    after_values(after, 1)
                }
                "IR" => {
                    let start = value("IR")?.parse()?;
                    let end = value("IR")?;
                    let end = (!end.is_empty()).then(|| end.parse()).transpose()?;
                    state.initial = Some((start, end));
                    after_values(after, 2)
                }
                "TS" => {
                    value("TS")?;
                    after_values(after, 1)
                }
                "ER" => {
                    state.error = Some(after.trim_end_matches('/').to_owned());
                    ""
                }
                found => {
                    let found = found.to_owned();
                    return Err(StateError::Part { found });
                }
            };
        }
        Ok(state)
    }
}

/// What follows so many values.
fn after_values(text: &str, count: usize) -> &str {
    text.splitn(count + 1, '/').nth(count).unwrap_or_default()
}

impl fmt::Display for CdcState {
    /// Without the time.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.phase)?;
        if let Some(start) = self.start {
            write!(f, "/CS/{start}")?;
        }
        if let Some(end) = self.end {
            write!(f, "/CE/{end}")?;
        }
        match self.initial {
            Some((start, Some(end))) => write!(f, "/IR/{start}/{end}")?,
            Some((start, None)) => write!(f, "/IR/{start}/")?,
            None => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    /// The examples of the documentation.
    #[test]
    fn documented_states_are_read_and_written() {
        for (text, time) in [
            ("ILSTART/IR/0x0000162B158700000000//", (2011, 8, 7)),
            ("TFEND/CS/0x0000025B000001BC0003/", (2011, 7, 17)),
            (
                "TFSTART/CS/0x0000030D000000AE0003/CE/0x0000159D1E0F01000000/",
                (2011, 8, 9),
            ),
            (
                "TFREDO/CS/0x0000030D000000AE0003/CE/0x0000159D1E0F01000000/",
                (2011, 8, 9),
            ),
        ] {
            let (year, month, day) = time;
            let moment = Utc.with_ymd_and_hms(year, month, day, 5, 30, 43).unwrap()
                + chrono::Duration::nanoseconds(934_490_000);
            let whole = format!("{text}TS/{year}-{month:02}-{day:02}T05:30:43.9344900/");
            let state: CdcState = whole.parse().unwrap();
            assert_eq!(state.at(moment), whole);
        }
    }

    #[test]
    fn what_is_no_state() {
        for (text, why) in [
            ("TFDONE/CS/0x01/", "there is no CDC state `TFDONE`"),
            ("TFEND/CS/", "is no LSN"),
            ("TFEND/CS/0xZZ/TS/x/", "`0xZZ` is no LSN"),
            (
                "TFEND/CS/0x000000000000000000000/",
                "up to twenty hexadecimal digits",
            ),
            ("ILEND/IR/0x01", "the part IR is not complete"),
            ("TFEND/XX/1/", "`XX` is no part of a CDC state"),
        ] {
            let error = text.parse::<CdcState>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn short_numbers_and_errors() {
        let state: CdcState = "ERROR/CS/0x1F/TS/t/ER/no log: a/b/".parse().unwrap();
        assert_eq!(state.error.as_deref(), Some("no log: a/b"));
        assert_eq!(state.start.unwrap().to_string(), "0x0000000000000000001F");
        assert_eq!("".parse(), Ok(CdcState::new(Phase::Initial)));
    }
}
