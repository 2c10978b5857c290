//! Text file provider: lines of values divided by commas, as SSIS writes them.
//!
//! ```text
//! #Fields: event,computer,operator,source,sourceid,executionid,starttime,endtime,datacode,databytes,message
//! OnPreExecute,HOST,me,Load,{5E1C...},{9A40...},11/28/2026 9:05:07 AM,11/28/2026 9:05:07 AM,0,0x,(null)
//! ```
//!
//! The line of names stands at the head of a new file; later runs add to it. Values are not quoted: the message comes
//! last, and may hold commas and line breaks.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use fletching_connections::{Files, LogFile, write_error};

use super::{
    entry::LogEntry,
    log::{Log, LogFailure},
};

const FIELDS: &str = "#Fields: event,computer,operator,source,sourceid,executionid,starttime,endtime,datacode,databytes,message\r\n";

#[derive(Debug)]
pub(super) struct TextFile {
    provider: String,
    path: PathBuf,
    file: LogFile,
}

impl TextFile {
    pub(super) fn open(
        provider: &str,
        path: &Path,
        files: &Arc<dyn Files>,
    ) -> Result<Self, LogFailure> {
        let file = LogFile::open(files, path, 0);
        let file = file.map_err(|error| LogFailure::opening(provider, error))?;
        let mut log = Self {
            provider: provider.to_owned(),
            path: path.to_owned(),
            file,
        };
        if log.file.is_empty() {
            log.put(FIELDS)?;
        }
        Ok(log)
    }

    fn put(&mut self, text: &str) -> Result<(), LogFailure> {
        let written = self.file.write(text.as_bytes());
        written.map_err(|error| LogFailure::writing(&self.provider, write_error(&self.path, error)))
    }
}

impl Log for TextFile {
    fn write(&mut self, entries: &[&LogEntry]) -> Result<(), LogFailure> {
        let lines: String = entries.iter().map(|entry| line(entry)).collect();
        self.put(&lines)
    }

    fn close(&mut self) -> Result<(), LogFailure> {
        Ok(())
    }
}

fn line(entry: &LogEntry) -> String {
    let time = entry.shown_time();
    format!(
        "{},{},{},{},{},{},{time},{time},{},0x,{}\r\n",
        entry.event,
        entry.computer,
        entry.operator,
        entry.source,
        entry.source_id,
        entry.execution_id,
        entry.data_code,
        entry.message.as_deref().unwrap_or("(null)"),
    )
}
