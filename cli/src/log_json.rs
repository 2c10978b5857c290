//! `--log-json`: every event of a run as a line of JSON, with all that is known of it.

use std::path::Path;

use fletching::{Event, EventListener, LogFile, RunIdentity};
use parking_lot::Mutex;
use serde_json::json;

use crate::exit::{Exit, Failure};

/// Writes events as they come.
#[derive(Debug)]
pub(crate) struct JsonLog {
    identity: RunIdentity,
    file: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: LogFile,
    /// Why nothing more is written.
    failure: Option<String>,
}

impl JsonLog {
    /// Opens the file, which grows if it is there.
    pub(crate) fn open(path: &Path, identity: RunIdentity) -> Result<Self, Failure> {
        let file = LogFile::open_local(path)
            .map_err(|error| Failure::new(Exit::Failed, format!("--log-json: {error}")))?;
        Ok(Self {
            identity,
            file: Mutex::new(Open {
                file,
                failure: None,
            }),
        })
    }

    /// Why events are missing in the file, if any are.
    pub(crate) fn failure(&self) -> Option<String> {
        self.file.lock().failure.clone()
    }

    fn line(&self, event: &Event) -> String {
        let variable = event.variable.as_ref();
        let value = json!({
            "time": event.time.to_rfc3339(),
            "event": event.kind.name(),
            "path": event.source.path,
            "source": event.source.name,
            "source_id": event.source.id,
            "description": event.source.description,
            "code": event.code.map(|code| format!("0x{:08X}", code.0)),
            "symbol": event.code.map(|code| code.symbol()).filter(|symbol| !symbol.is_empty()),
            "message": event.message,
            "percent": event.percent,
            "variable": variable.map(|(name, value)| json!({ "name": name, "value": value })),
            "computer": self.identity.computer,
            "operator": self.identity.operator,
            "execution_id": self.identity.execution_id,
        });
        format!("{value}\n")
    }
}

impl EventListener for JsonLog {
    fn event(&self, event: &Event) {
        let line = self.line(event);
        let mut open = self.file.lock();
        if open.failure.is_some() {
            return;
        }
        if let Err(error) = open.file.write(line.as_bytes()) {
            open.failure = Some(format!(
                "--log-json: events are missing from here on: {error}"
            ));
        }
    }

    fn asks_for(&self, _entry: &str) -> bool {
        true
    }
}
