//! XML file provider: `dtslogs` holds a `dtslog` for each run, that a `record` for each entry.
//!
//! The end tags are written when the run ends. The next run takes `</dtslogs>` away again and adds its own `dtslog`; one
//! that was killed is closed by it.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    sync::Arc,
};

use fletching_connections::{Files, LogFile, write_error};

use super::{
    entry::LogEntry,
    log::{Log, LogFailure},
};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<dtslogs>\r\n";
const BEGIN: &str = "<dtslog>\r\n";
const END: &str = "</dtslog>\r\n";
const TAIL: &str = "</dtslogs>";
/// Of a file that another run left: more than its end tags and blanks around them.
const TAIL_BYTES: usize = 64;

#[derive(Debug)]
pub(super) struct XmlFile {
    provider: String,
    path: PathBuf,
    file: LogFile,
}

impl XmlFile {
    pub(super) fn open(
        provider: &str,
        path: &Path,
        files: &Arc<dyn Files>,
    ) -> Result<Self, LogFailure> {
        let file = LogFile::open(files, path, TAIL_BYTES);
        let file = file.map_err(|error| LogFailure::opening(provider, error))?;
        let mut log = Self {
            provider: provider.to_owned(),
            path: path.to_owned(),
            file,
        };
        let begin = match log.file.is_empty() {
            true => format!("{HEAD}{BEGIN}"),
            false => log.reopen()?,
        };
        log.put(&begin)?;
        Ok(log)
    }

    /// Takes the end tag of an earlier run's file away; what goes there.
    fn reopen(&mut self) -> Result<String, LogFailure> {
        let tail = String::from_utf8_lossy(self.file.tail()).into_owned();
        let trimmed = tail.trim_end();
        if !trimmed.ends_with('>') {
            return Err(LogFailure::opening(
                &self.provider,
                format!(
                    "{}: it is no XML file of logs: name another file",
                    self.path.display()
                ),
            ));
        }
        if let Some(before) = trimmed.strip_suffix(TAIL) {
            let cut = tail.len() - before.len();
            let cut = self.file.cut(self.file.len() - cut as u64);
            cut.map_err(|error| {
                LogFailure::opening(&self.provider, write_error(&self.path, error))
            })?;
            return Ok(BEGIN.to_owned());
        }
        // A run that was killed wrote no end tags.
        Ok(match trimmed.ends_with(END.trim_end()) {
            true => BEGIN.to_owned(),
            false => format!("{END}{BEGIN}"),
        })
    }

    fn put(&mut self, text: &str) -> Result<(), LogFailure> {
        let written = self.file.write(text.as_bytes());
        written.map_err(|error| LogFailure::writing(&self.provider, write_error(&self.path, error)))
    }
}

impl Log for XmlFile {
    fn write(&mut self, entries: &[&LogEntry]) -> Result<(), LogFailure> {
        let records: String = entries.iter().map(|entry| record(entry)).collect();
        self.put(&records)
    }

    fn close(&mut self) -> Result<(), LogFailure> {
        self.put(&format!("{END}{TAIL}\r\n"))
    }
}

fn record(entry: &LogEntry) -> String {
    let time = entry.shown_time();
    let code = entry.data_code.to_string();
    let values = [
        ("event", entry.event.as_str()),
        ("message", entry.message.as_deref().unwrap_or_default()),
        ("computer", &entry.computer),
        ("operator", &entry.operator),
        ("source", &entry.source),
        ("sourceid", &entry.source_id),
        ("executionid", &entry.execution_id),
        ("starttime", &time),
        ("endtime", &time),
        ("datacode", &code),
        ("databytes", "0x"),
    ];
    let mut record = "<record>\r\n".to_owned();
    for (name, value) in values {
        record.push_str(&format!("<{name}>{}</{name}>\r\n", escaped(value)));
    }
    record.push_str("</record>\r\n");
    record
}

/// As XML wants it; characters that XML cannot hold become U+FFFD.
fn escaped(text: &str) -> Cow<'_, str> {
    let is_plain = |one: char| {
        !matches!(one, '&' | '<' | '>')
            && (one >= ' ' || matches!(one, '\t' | '\n' | '\r'))
            && !matches!(one, '\u{FFFE}' | '\u{FFFF}')
    };
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for one in text.chars() {
        match one {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            one if is_plain(one) => out.push(one),
            _ => out.push('\u{FFFD}'),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold() {
        assert_eq!(escaped("a & <b>\u{1}\r\n"), "a &amp; &lt;b&gt;\u{FFFD}\r\n");
        assert!(matches!(escaped("plain, text"), Cow::Borrowed(_)));
    }
}
