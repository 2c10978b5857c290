//! Values of /Reporting: which events are shown.

use crate::{Event, EventKind};

use super::values::pieces;

/// What is shown. The default is E, W and P.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reporting {
    /// `E`, `W`, `I`, `C`, `D`, `P` in any order; all of them and more for `V`.
    levels: Vec<char>,
    verbose: bool,
    /// Names of events, names and ids of their sources that are not shown.
    exceptions: Vec<String>,
}

impl Default for Reporting {
    fn default() -> Self {
        Self {
            levels: vec!['E', 'W', 'P'],
            verbose: false,
            exceptions: Vec::new(),
        }
    }
}

/// Entries of the engine that are no custom events of tasks.
const OF_PACKAGE: [&str; 2] = ["PackageStart", "PackageEnd"];

impl Reporting {
    /// Errors alone.
    pub fn errors() -> Self {
        Self {
            levels: vec!['E'],
            ..Self::default()
        }
    }

    /// Reads `EWP;OnProgress;...`.
    ///
    /// # Errors
    /// What is wanted.
    pub(super) fn read(value: &str) -> Result<Self, &'static str> {
        const WANTED: &str = "N or V alone, or some of E, W, I, C, D and P,";
        let mut pieces = pieces(value).into_iter();
        let levels = pieces.next().unwrap_or_default().to_ascii_uppercase();
        let levels: Vec<char> = levels.chars().filter(|one| !one.is_whitespace()).collect();
        let (levels, verbose) = match levels.as_slice() {
            ['N'] => (Vec::new(), false),
            ['V'] => (vec!['E', 'W', 'I', 'C', 'D', 'P'], true),
            [] => return Err(WANTED),
            some if some.iter().all(|one| "EWICDP".contains(*one)) => (levels, false),
            _ => return Err(WANTED),
        };
        Ok(Self {
            levels,
            verbose,
            exceptions: pieces.filter(|piece| !piece.is_empty()).collect(),
        })
    }

    /// Whether errors that are no events are shown.
    pub fn shows_errors(&self) -> bool {
        self.levels.contains(&'E')
    }

    /// Whether entries of data flows are shown.
    pub fn shows_data_flows(&self) -> bool {
        self.levels.contains(&'D')
    }

    /// Whether an event is shown.
    pub fn shows(&self, event: &Event) -> bool {
        let level = match &event.kind {
            EventKind::Error => Some('E'),
            EventKind::Warning => Some('W'),
            EventKind::Information => Some('I'),
            EventKind::Progress => Some('P'),
            EventKind::Log(name) if is_of_data_flow(name) => Some('D'),
            EventKind::Log(name) if !OF_PACKAGE.contains(&name.as_ref()) => Some('C'),
            _ => None,
        };
        let wanted = match level {
            Some(level) => self.levels.contains(&level),
            None => self.verbose,
        };
        wanted && !self.exceptions.iter().any(|name| is_named(event, name))
    }
}

/// Whether an entry is one of those that data flows write.
pub(super) fn is_of_data_flow(name: &str) -> bool {
    name.starts_with("OnPipeline") || name.starts_with("Pipeline") || name == "BufferSizeTuning"
}

/// Whether an event is meant by its own name, or the name or id of its source.
pub(super) fn is_named(event: &Event, name: &str) -> bool {
    let bare = |id: &str| {
        id.trim_start_matches('{')
            .trim_end_matches('}')
            .to_ascii_lowercase()
    };
    event.kind.name().eq_ignore_ascii_case(name)
        || event.source.name.eq_ignore_ascii_case(name)
        || (!event.source.id.is_empty() && bare(&event.source.id) == bare(name))
}
