//! Values of /ConsoleLog: which log entries are shown, and which of their columns.
//!
//! The lists of several options add up. Without an inclusion list every entry is shown; what is excluded is not shown,
//! whether it is included or not.

use crate::{Event, RunIdentity};

use super::{reporting::is_named, values::pieces};

/// Letters of columns, in the order they are shown.
const COLUMNS: &str = "NCOSGXMT";

/// Log entries that are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsoleLog {
    columns: Vec<char>,
    included: Vec<String>,
    excluded: Vec<String>,
}

impl ConsoleLog {
    /// Adds the value of one option: `[columns][;I|E;name[;name...]]`.
    ///
    /// # Errors
    /// What is wanted.
    pub(super) fn add(&mut self, value: &str) -> Result<(), &'static str> {
        const WANTED: &str = "[NCOSGXMT][;I|E;name[;name...]]";
        let mut pieces = pieces(value).into_iter().peekable();
        let is_list = |piece: &String| matches!(piece.to_ascii_uppercase().as_str(), "I" | "E");
        let columns = match pieces.peek() {
            Some(first) if is_list(first) => String::new(),
            _ => pieces.next().unwrap_or_default().to_ascii_uppercase(),
        };
        if !columns.chars().all(|one| COLUMNS.contains(one)) {
            return Err(WANTED);
        }
        let list = match pieces.next() {
            None => None,
            Some(list) if is_list(&list) => Some(list.eq_ignore_ascii_case("I")),
            Some(_) => return Err(WANTED),
        };
        let names: Vec<String> = pieces.filter(|name| !name.is_empty()).collect();
        match list {
            Some(_) if names.is_empty() => return Err(WANTED),
            Some(true) => self.included.extend(names),
            Some(false) => self.excluded.extend(names),
            None => {}
        }
        match columns.is_empty() {
            true => self.columns.extend(COLUMNS.chars()),
            false => self.columns.extend(columns.chars()),
        }
        Ok(())
    }

    /// Whether the entry of an event is shown.
    pub fn shows(&self, event: &Event) -> bool {
        let is_in = |names: &[String]| names.iter().any(|name| is_named(event, name));
        (self.included.is_empty() || is_in(&self.included)) && !is_in(&self.excluded)
    }

    /// The block of an event.
    pub fn block(&self, event: &Event, identity: &RunIdentity) -> String {
        let time = event.time.format("%Y-%m-%d %H:%M:%S").to_string();
        let columns = [
            ('N', "Name", event.kind.name()),
            ('C', "Computer", &identity.computer),
            ('O', "Operator", &identity.operator),
            ('S', "Source Name", &event.source.name),
            ('G', "Source GUID", &event.source.id),
            ('X', "Execution GUID", &identity.execution_id),
            ('M', "Message", &event.message),
            ('T', "Start Time", &time),
            ('T', "End Time", &time),
        ];
        let mut block = "Log:\n".to_owned();
        for (letter, name, value) in columns {
            if self.columns.contains(&letter) {
                block.push_str(format!("     {name}: {value}").trim_end());
                block.push('\n');
            }
        }
        block.push_str("End Log\n");
        block
    }
}
