//! Maintenance Cleanup task: deletes files of an extension that are older than some time.
//!
//! In SSIS the server deletes files of its own (`xp_delete_file`); here the task does, where the path map leads, and opens
//! no connection. As the server it deletes only what is a backup of SQL Server or a maintenance report by its first bytes,
//! whatever its name; what has the extension and the age and is none is told.
//!
//! | Property | Meaning |
//! |---|---|
//! | FolderPath, FileExtension | which files; CleanSubFolders takes those of the folders in it too, one level |
//! | DeleteSpecificFile, FilePath | one file instead |
//! | AgeBased, RemoveOlderThan, TimeUnitsType | how old: days (0), weeks (1), months (2), years (3), hours (5) |
//! | FileTypeSelected | backups (0), reports (1) |

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use async_trait::async_trait;
use chrono::{DateTime, Days, Local, Months, TimeDelta};
use datafusion_common_runtime::SpawnedTask;
use dtsx::{Executable, Payload, Properties};
use fletching_components::Finding;
use fletching_connections::file_operations::{
    Candidate, FileOperationError, FileOperations, Touched,
};

use crate::{
    FileReport, RunError, TaskResult,
    task::{self, Task, TaskHost, TaskRun},
};

/// The task as the package has it.
#[derive(Debug)]
struct FileCleanupTask {
    properties: Properties,
}

/// Its settings, read.
#[derive(Debug, Clone)]
struct Settings {
    /// A folder, or a file if `extension` is `None`.
    path: String,
    /// Without its dot.
    extension: Option<String>,
    inner: bool,
    reports: bool,
    age: Option<Age>,
}

/// How long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    Hours(u32),
    Days(u64),
    Months(u32),
}

impl Age {
    pub(super) fn parse(number: &str, unit: &str) -> Option<Self> {
        let number: u32 = number.trim().parse().ok()?;
        match unit.trim() {
            "0" | "Day" => Some(Self::Days(number.into())),
            "1" | "Week" => Some(Self::Days(u64::from(number) * 7)),
            "2" | "Month" => Some(Self::Months(number)),
            "3" | "Year" => Some(Self::Months(number.checked_mul(12)?)),
            "5" | "Hour" => Some(Self::Hours(number)),
            _ => None,
        }
    }

    pub(super) fn before(self, now: DateTime<Local>) -> Option<SystemTime> {
        let moment = match self {
            Self::Hours(hours) => now.checked_sub_signed(TimeDelta::hours(hours.into())),
            Self::Days(days) => now.checked_sub_days(Days::new(days)),
            Self::Months(months) => now.checked_sub_months(Months::new(months)),
        };
        moment.map(SystemTime::from)
    }
}

pub(super) fn new(executable: &Executable) -> Option<Box<dyn Task>> {
    match &executable.payload {
        Payload::ExecuteSql(data) => Some(Box::new(FileCleanupTask {
            properties: data.properties.clone(),
        })),
        _ => None,
    }
}

#[async_trait]
impl Task for FileCleanupTask {
    fn check(&self, host: &TaskHost<'_>) -> Result<(), RunError> {
        self.read(host).map(drop)
    }

    async fn run(&self, run: &TaskRun<'_>) -> Result<TaskResult, RunError> {
        let settings = self.read(run)?;
        let connections = run.connections()?;
        let map = &connections.path_map;
        let resolved = fletching_connections::resolve_file(&settings.path, map);
        let path = resolved.map_err(|error| run.failure(None, error.to_string()))?;
        let before = match settings.age.map(|age| age.before(crate::clock::now())) {
            None => None,
            Some(Some(before)) => Some(before),
            Some(None) => {
                let message = "there is no moment as long ago as RemoveOlderThan says";
                return Err(run.failure(None, message));
            }
        };
        let stop = Arc::<AtomicBool>::default();
        let guard = Guard(Arc::clone(&stop));
        let operations = FileOperations::new(Arc::clone(map.files()), stop);
        let work = move || clean(&operations, &path, &settings, before);
        let done = SpawnedTask::spawn_blocking(work).join().await;
        drop(guard);
        let (touched, others) = done
            .map_err(|error| run.failure(None, format!("its thread is gone: {error}")))?
            .map_err(|error| run.failure(None, error.to_string()))?;
        if let Some(first) = others.first() {
            let message = format!(
                "{}: {} files stay, by their first bytes they are no backups or reports of SQL Server: `{}`{}",
                run.path(),
                others.len(),
                first.display(),
                if others.len() > 1 { ", ..." } else { "" }
            );
            run.warn(None, message).await;
        }
        Ok(TaskResult::Files(FileReport {
            files: touched.files,
            folders: touched.folders,
        }))
    }
}

/// Stops the thread when the task is dropped.
struct Guard(Arc<AtomicBool>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl FileCleanupTask {
    fn read(&self, host: &TaskHost<'_>) -> Result<Settings, RunError> {
        let text = |name: &str| self.properties.get(name).unwrap_or_default().trim();
        let flag = |name: &str, default| self.properties.bool(name).unwrap_or(default);
        let mut findings: Vec<Finding> = Vec::new();
        let single = flag("DeleteSpecificFile", false);
        let path = match single {
            true => text("FilePath"),
            false => text("FolderPath"),
        };
        if path.is_empty() {
            let name = if single { "FilePath" } else { "FolderPath" };
            findings.push(host.invalid(format!("{name} is empty")));
        }
        let extension = text("FileExtension").trim_start_matches('*');
        let extension = extension.trim_start_matches('.');
        if extension.is_empty() && !single {
            findings.push(host.invalid("FileExtension is empty"));
        }
        let reports = match text("FileTypeSelected") {
            "" | "0" => false,
            "1" => true,
            other => {
                let message = format!("FileTypeSelected `{other}` is not supported");
                findings.push(host.unsupported(message));
                false
            }
        };
        let (number, unit) = (text("RemoveOlderThan"), text("TimeUnitsType"));
        let age = match flag("AgeBased", true) && !single {
            true => Age::parse(number, unit),
            false => None,
        };
        if age.is_none() && flag("AgeBased", true) && !single {
            let message = format!(
                "RemoveOlderThan `{number}` in the unit `{unit}` (TimeUnitsType) is not supported: days (0), weeks (1), \
                 months (2), years (3) and hours (5) are"
            );
            findings.push(host.unsupported(message));
        }
        task::all(findings)?;
        Ok(Settings {
            path: path.to_owned(),
            extension: (!single).then(|| extension.to_owned()),
            inner: flag("CleanSubFolders", false),
            reports,
            age,
        })
    }
}

/// Deletes; what it did, and the files that it would have deleted were they what it cleans.
fn clean(
    operations: &FileOperations,
    path: &std::path::Path,
    settings: &Settings,
    before: Option<SystemTime>,
) -> Result<(Touched, Vec<PathBuf>), FileOperationError> {
    let Some(extension) = &settings.extension else {
        let touched = operations.delete_file(path)?;
        return Ok((touched, Vec::new()));
    };
    let mut others = Vec::new();
    let mut wanted = |file: &Candidate| {
        let found = file.path.extension().unwrap_or_default();
        let old = before.is_none_or(|before| file.modified < before);
        if !old || !found.eq_ignore_ascii_case(extension) {
            return false;
        }
        let is_own = match settings.reports {
            true => is_report(&file.start),
            false => is_backup(&file.start),
        };
        if !is_own {
            others.push(file.path.clone());
        }
        is_own
    };
    let touched = operations.delete_files(path, settings.inner, &mut wanted)?;
    Ok((touched, others))
}

/// A backup of SQL Server, in Microsoft's tape format or compressed.
fn is_backup(start: &[u8]) -> bool {
    start.starts_with(b"TAPE") || start.starts_with(b"MSSQLBAK")
}

/// A report of a maintenance plan, in any encoding that Windows writes.
fn is_report(start: &[u8]) -> bool {
    let text: Vec<u8> = start.iter().copied().filter(|byte| *byte != 0).collect();
    let text = text.strip_prefix(&[0xFF, 0xFE]).unwrap_or(&text);
    let text = text.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(text);
    text.trim_ascii_start()
        .starts_with(b"Microsoft(R) Server Maintenance Utility")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_first_bytes() {
        assert_eq!(Age::parse("4", "1"), Some(Age::Days(28)));
        assert_eq!(Age::parse("2", "3"), Some(Age::Months(24)));
        assert_eq!(Age::parse("2", "9"), None);
        assert_eq!(Age::parse("-1", "0"), None);
        assert!(is_backup(b"TAPE\0\0\x03"));
        assert!(!is_backup(b"id,name\n"));
        let wide: Vec<u8> = "\u{feff}Microsoft(R) Server Maintenance Utility"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert!(is_report(&wide));
    }
}
