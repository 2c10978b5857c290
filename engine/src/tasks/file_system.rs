//! File System task: one operation on one file or folder.
//!
//! **Source and destination** are FILE or FLATFILE connection managers, or variables that hold a path (IsSourcePathVariable,
//! IsDestinationPathVariable); both go through the path map.
//! **Files** that are copied or moved to a folder that exists keep their name; RenameFile wants a name. Without
//! OverwriteDestination a file that is there already is an error.
//! **CopyDirectory** copies what is in the source into the destination, which is made if it is missing. **MoveDirectory**
//! renames; a destination that is there already is an error, or gets what is in the source if OverwriteDestination.
//! **CreateDirectory** makes the folders around it too; one that is there already is an error unless
//! UseDirectoryIfExists, which packages store as OverwriteDestination.
//! **Deleting** does not follow links, and no drive, share or file system is deleted as a whole.
//! **SetAttributes** sets ReadOnly of files. Archive, Hidden and System are not known to this machine: a warning says so.
//! Read-only files are neither overwritten nor deleted, as on Windows.
//!
//! See [`file_operations`](fletching_connections::file_operations) for what is done all or nothing.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use datafusion_common_runtime::SpawnedTask;
use dtsx::{Executable, Payload, Properties, SsisCode};
use fletching_components::{Finding, FindingKind};
use fletching_connections::{
    Connections, FileKind, PathMap,
    file_operations::{FileOperationError, FileOperationFault, FileOperations, Touched},
};

use crate::{
    FileReport, RunError, TaskResult,
    task::{self, Task, TaskHost, TaskRun},
};

/// `DTS_E_FSTASK_DIRECTORYEXISTS`.
const FOLDER_EXISTS: SsisCode = SsisCode(0xC002_915A);
/// `DTS_E_FSTASK_PATHNOTVALID`.
const BAD_PATH: SsisCode = SsisCode(0xC002_915B);
/// `DTS_E_FSTASK_DESTINATIONNOTSET`.
const NO_DESTINATION: SsisCode = SsisCode(0xC002_915C);
/// `DTS_E_FSTASK_SOURCENOTSET`.
const NO_SOURCE: SsisCode = SsisCode(0xC002_915D);
/// `DTS_E_FSTASK_CONNECTIONTYPENOTFILE`.
const NOT_A_FILE_CONNECTION: SsisCode = SsisCode(0xC002_915E);
/// `DTS_E_FSTASK_VARIABLEDOESNTEXIST`.
const NO_VARIABLE: SsisCode = SsisCode(0xC002_915F);
/// `DTS_I_FSTASK_DIRECTORYDELETED`.
const FOLDER_DELETED: SsisCode = SsisCode(0x4002_9161);
/// `DTS_I_FSTASK_FILEDELETED`.
const FILE_DELETED: SsisCode = SsisCode(0x4002_9162);
/// `DTS_E_FSTASK_FILEDOESNOTEXIST`.
const NO_FILE: SsisCode = SsisCode(0xC002_9163);
/// `DTS_E_ERROROCCURREDWITHFOLLOWINGMESSAGE`.
const FAILED: SsisCode = SsisCode(0xC002_F304);
/// `DTS_E_FSTASK_VARSRCORDESTISEMPTY`.
const EMPTY_VARIABLE: SsisCode = SsisCode(0xC002_F30D);

/// Properties that an expression can set, and the attributes that hold them.
pub(super) const PROPERTIES: &[(&str, &str)] = &[
    ("Attributes", "TaskFileAttributes"),
    ("Destination", "TaskDestinationPath"),
    ("IsDestinationPathVariable", "TaskIsDestinationVariable"),
    ("IsSourcePathVariable", "TaskIsSourceVariable"),
    ("Operation", "TaskOperationType"),
    ("OperationName", "OperationName"),
    ("OverwriteDestinationFile", "TaskOverwriteDestFile"),
    ("Source", "TaskSourcePath"),
];

/// Connection managers that lead to one file or folder.
const FILE_CONNECTIONS: [&str; 2] = ["FILE", "FLATFILE"];

/// What the task does, as packages name it and in the order of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    CopyFile,
    MoveFile,
    DeleteFile,
    RenameFile,
    SetAttributes,
    CreateDirectory,
    CopyDirectory,
    MoveDirectory,
    DeleteDirectory,
    DeleteDirectoryContent,
}

const OPERATIONS: [(&str, Operation); 10] = [
    ("CopyFile", Operation::CopyFile),
    ("MoveFile", Operation::MoveFile),
    ("DeleteFile", Operation::DeleteFile),
    ("RenameFile", Operation::RenameFile),
    ("SetAttributes", Operation::SetAttributes),
    ("CreateDirectory", Operation::CreateDirectory),
    ("CopyDirectory", Operation::CopyDirectory),
    ("MoveDirectory", Operation::MoveDirectory),
    ("DeleteDirectory", Operation::DeleteDirectory),
    ("DeleteDirectoryContent", Operation::DeleteDirectoryContent),
];

impl Operation {
    /// By name or number; a task without one copies a file.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Some(Self::CopyFile);
        }
        if let Ok(number) = text.parse::<usize>() {
            return OPERATIONS.get(number).map(|(_, operation)| *operation);
        }
        let mut known = OPERATIONS.iter();
        let found = known.find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, operation)| *operation)
    }

    fn name(self) -> &'static str {
        let mut known = OPERATIONS.iter();
        let found = known.find(|(_, operation)| *operation == self);
        found.map_or("", |(name, _)| name)
    }

    fn has_destination(self) -> bool {
        matches!(
            self,
            Self::CopyFile
                | Self::MoveFile
                | Self::RenameFile
                | Self::CopyDirectory
                | Self::MoveDirectory
        )
    }

    fn deletes(self) -> bool {
        matches!(
            self,
            Self::DeleteFile | Self::DeleteDirectory | Self::DeleteDirectoryContent
        )
    }
}

/// The attributes of Windows, and their bits in .NET's enumeration.
const ATTRIBUTES: [(&str, i64); 5] = [
    ("ReadOnly", 1),
    ("Hidden", 2),
    ("System", 4),
    ("Archive", 32),
    ("Normal", 128),
];

/// Their names in what a package stores: names with commas between them, or a number.
fn attributes(text: &str) -> Result<Vec<&'static str>, String> {
    let text = text.trim();
    if let Ok(bits) = text.parse::<i64>() {
        let known: i64 = ATTRIBUTES.iter().map(|(_, bit)| bit).sum();
        return match bits & !known {
            0 => Ok(ATTRIBUTES
                .iter()
                .filter(|(_, bit)| bits & bit != 0)
                .map(|(name, _)| *name)
                .collect()),
            _ => Err(format!("{bits} is no sum of attributes")),
        };
    }
    text.split([',', ' ', '|'])
        .filter(|name| !name.is_empty())
        .map(|name| {
            let mut known = ATTRIBUTES.iter();
            let found = known.find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(name, _)| *name).ok_or_else(|| {
                let known = ATTRIBUTES.map(|(name, _)| name).join(", ");
                format!("`{name}` is no attribute; there are: {known}")
            })
        })
        .collect()
}

/// The task as the package has it.
#[derive(Debug)]
struct FileSystemTask {
    properties: Properties,
}

/// A connection manager, or a variable.
#[derive(Debug)]
struct Place {
    what: &'static str,
    name: String,
    is_variable: bool,
    missing: SsisCode,
}

/// Its settings, read.
#[derive(Debug)]
struct Settings {
    operation: Operation,
    source: Place,
    destination: Place,
    overwrite: bool,
    attributes: Vec<&'static str>,
}

pub(super) fn new(executable: &Executable) -> Option<Box<dyn Task>> {
    match &executable.payload {
        Payload::Other(data) if data.element == "FileSystemData" => {
            Some(Box::new(FileSystemTask {
                properties: data.properties.clone(),
            }))
        }
        _ => None,
    }
}

#[async_trait]
impl Task for FileSystemTask {
    /// The paths cannot be known: tasks before it make files and set variables.
    fn check(&self, host: &TaskHost<'_>) -> Result<(), RunError> {
        let settings = self.read(host)?;
        let connections = host.connections()?;
        let mut findings = Vec::new();
        findings.extend(settings.source.check(host, &connections));
        if settings.operation.has_destination() {
            findings.extend(settings.destination.check(host, &connections));
        }
        task::all(findings)
    }

    async fn run(&self, run: &TaskRun<'_>) -> Result<TaskResult, RunError> {
        let settings = self.read(run)?;
        let connections = run.connections()?;
        let (text, source) = settings.source.path(run, &connections)?;
        let operation = settings.operation;
        if operation.deletes() && PathMap::is_root(&text) {
            let message = format!("`{text}`: {}", FileOperationFault::Root);
            return Err(run.failure(Some(BAD_PATH), message));
        }
        let destination = match operation.has_destination() {
            true => settings.destination.path(run, &connections)?.1,
            false => PathBuf::new(),
        };
        let shown = source.display().to_string();
        let mut message = format!("{}: {shown}", operation.name());
        if operation.has_destination() {
            message.push_str(&format!(" -> {}", destination.display()));
        }
        run.log("FileSystemOperation", message).await;
        let stop = Arc::<AtomicBool>::default();
        let guard = Guard(Arc::clone(&stop));
        let files = Arc::clone(connections.path_map.files());
        let work = Work {
            operations: FileOperations::new(files, stop),
            operation,
            source,
            destination,
            overwrite: settings.overwrite,
            read_only: settings.attributes.contains(&"ReadOnly"),
        };
        let done = SpawnedTask::spawn_blocking(move || work.run());
        let done = done.join().await.map_err(|error| {
            let message = format!("its thread is gone: {error}");
            run.failure(None, message)
        })?;
        drop(guard);
        let (touched, kind) = done.map_err(|error| failure(run, operation, &error))?;
        settings.say(run, &shown, kind).await;
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

/// What the thread does.
struct Work {
    operations: FileOperations,
    operation: Operation,
    source: PathBuf,
    destination: PathBuf,
    overwrite: bool,
    read_only: bool,
}

impl Work {
    /// What it did; of SetAttributes what the attributes were set of.
    fn run(&self) -> Result<(Touched, Option<FileKind>), FileOperationError> {
        let (operations, overwrite) = (&self.operations, self.overwrite);
        let (from, to) = (&self.source, &self.destination);
        let touched = match self.operation {
            Operation::CopyFile => operations.copy_file(from, to, overwrite),
            Operation::MoveFile => operations.move_file(from, to, overwrite),
            Operation::RenameFile => operations.rename_file(from, to, overwrite),
            Operation::DeleteFile => operations.delete_file(from),
            Operation::CreateDirectory => operations.create_folder(from, overwrite),
            Operation::CopyDirectory => operations.copy_folder(from, to, overwrite),
            Operation::MoveDirectory => operations.move_folder(from, to, overwrite),
            Operation::DeleteDirectory => operations.delete_folder(from),
            Operation::DeleteDirectoryContent => operations.empty_folder(from),
            Operation::SetAttributes => {
                let kind = operations.set_read_only(from, self.read_only)?;
                return Ok((Touched::default(), Some(kind)));
            }
        };
        Ok((touched?, None))
    }
}

fn failure(run: &TaskRun<'_>, operation: Operation, error: &FileOperationError) -> RunError {
    let code = match (&error.fault, operation) {
        (FileOperationFault::Missing, _) => NO_FILE,
        (FileOperationFault::Root, _) => BAD_PATH,
        (FileOperationFault::Exists, Operation::CreateDirectory | Operation::MoveDirectory) => {
            FOLDER_EXISTS
        }
        _ => FAILED,
    };
    run.failure(Some(code), format!("{}: {error}", operation.name()))
}

impl FileSystemTask {
    fn read(&self, host: &TaskHost<'_>) -> Result<Settings, RunError> {
        let text = |name: &str| self.properties.get(name).unwrap_or_default().trim();
        let mut findings: Vec<Finding> = Vec::new();
        let operation = Operation::parse(text("TaskOperationType"));
        if operation.is_none() {
            let known = OPERATIONS.map(|(name, _)| name).join(", ");
            let message = format!(
                "there is no operation `{}`; there are: {known}",
                text("TaskOperationType")
            );
            findings.push(host.invalid(message));
        }
        let mut flag = |name: &str| {
            let value = self.properties.get(name).unwrap_or_default().trim();
            match dtsx::parse_bool(value) {
                _ if value.is_empty() => false,
                Some(flag) => flag,
                None => {
                    let message = format!("{name} is `{value}`: True or False is wanted");
                    findings.push(host.invalid(message));
                    false
                }
            }
        };
        let source_is_variable = flag("TaskIsSourceVariable");
        let destination_is_variable = flag("TaskIsDestinationVariable");
        let overwrite = flag("TaskOverwriteDestFile");
        let attributes = attributes(text("TaskFileAttributes")).unwrap_or_else(|error| {
            findings.push(host.invalid(format!("TaskFileAttributes: {error}")));
            Vec::new()
        });
        let settings = operation.map(|operation| Settings {
            operation,
            source: Place {
                what: "source",
                name: text("TaskSourcePath").to_owned(),
                is_variable: source_is_variable,
                missing: NO_SOURCE,
            },
            destination: Place {
                what: "destination",
                name: text("TaskDestinationPath").to_owned(),
                is_variable: destination_is_variable,
                missing: NO_DESTINATION,
            },
            overwrite,
            attributes,
        });
        task::all(findings)?;
        settings.ok_or_else(|| RunError::Findings(host.invalid("it has no operation").into()))
    }
}

impl Settings {
    /// What the user should know once it is done.
    async fn say(&self, run: &TaskRun<'_>, source: &str, kind: Option<FileKind>) {
        match self.operation {
            Operation::DeleteFile => {
                let message = format!("File `{source}` was deleted");
                run.inform(Some(FILE_DELETED), message).await;
            }
            Operation::DeleteDirectory => {
                let message = format!("Directory `{source}` was deleted");
                run.inform(Some(FOLDER_DELETED), message).await;
            }
            Operation::SetAttributes => {
                let is_set = |name: &&&str| match **name {
                    "Normal" => true,
                    "ReadOnly" => kind != Some(FileKind::Folder),
                    _ => false,
                };
                let lost: Vec<&str> = self
                    .attributes
                    .iter()
                    .filter(|name| !is_set(name))
                    .copied()
                    .collect();
                if !lost.is_empty() {
                    let message = format!(
                        "{}: `{source}` did not get the attributes {}: Linux has none like them",
                        run.path(),
                        lost.join(", ")
                    );
                    run.warn(None, message).await;
                }
            }
            _ => {}
        }
    }
}

impl Place {
    /// That the connection manager or variable is there.
    fn check(&self, host: &TaskHost<'_>, connections: &Connections) -> Option<Finding> {
        let (code, message) = self.problem(host, connections)?;
        Some(host.finding(FindingKind::Invalid, Some(code), message))
    }

    fn problem(
        &self,
        host: &TaskHost<'_>,
        connections: &Connections,
    ) -> Option<(SsisCode, String)> {
        let Self { what, name, .. } = self;
        if name.is_empty() {
            return Some((self.missing, format!("its {what} is not set")));
        }
        if self.is_variable {
            let known = host.has_variable(name);
            return known
                .err()
                .map(|error| (NO_VARIABLE, format!("its {what}: {error}")));
        }
        match connections.get(name) {
            Some(manager)
                if !FILE_CONNECTIONS
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(&manager.creation_name)) =>
            {
                let message = format!(
                    "its {what}, connection manager `{}`, is of type {}: FILE or FLATFILE is wanted",
                    manager.name, manager.creation_name
                );
                Some((NOT_A_FILE_CONNECTION, message))
            }
            Some(_) => None,
            None => connections
                .file(name)
                .err()
                .map(|error| (self.missing, format!("its {what}: {error}"))),
        }
    }

    /// The path as the package has it, and the local one.
    fn path(
        &self,
        run: &TaskRun<'_>,
        connections: &Connections,
    ) -> Result<(String, PathBuf), RunError> {
        let what = self.what;
        if let Some((code, message)) = self.problem(run, connections) {
            return Err(run.failure(Some(code), message));
        }
        let text = match self.is_variable {
            true => {
                let value = run.variable(&self.name);
                let value = value.map_err(|error| {
                    run.failure(Some(NO_VARIABLE), format!("its {what}: {error}"))
                })?;
                value.to_string()
            }
            false => {
                let manager = connections.get(&self.name);
                let text = manager.and_then(|one| one.properties.get("ConnectionString"));
                text.unwrap_or_default().to_owned()
            }
        };
        if text.trim().is_empty() {
            let (code, holder) = match self.is_variable {
                true => (EMPTY_VARIABLE, "variable"),
                false => (self.missing, "connection manager"),
            };
            let message = format!("its {what}, {holder} `{}`, is empty", self.name);
            return Err(run.failure(Some(code), message));
        }
        let local = fletching_connections::resolve_file(&text, &connections.path_map);
        let local = local.map_err(|error| {
            let message = format!("its {what}: {error}");
            run.failure(Some(BAD_PATH), message)
        })?;
        Ok((text, local))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_and_attributes() {
        assert_eq!(Operation::parse(""), Some(Operation::CopyFile));
        assert_eq!(Operation::parse("7"), Some(Operation::MoveDirectory));
        assert_eq!(Operation::parse("deletefile"), Some(Operation::DeleteFile));
        assert_eq!(Operation::parse("10"), None);
        assert_eq!(
            attributes("ReadOnly, Hidden"),
            Ok(vec!["ReadOnly", "Hidden"])
        );
        assert_eq!(attributes("33"), Ok(vec!["ReadOnly", "Archive"]));
        assert_eq!(attributes(""), Ok(vec![]));
        assert!(attributes("Sealed").is_err());
        assert!(attributes("8").is_err());
    }
}
