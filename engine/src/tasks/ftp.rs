//! FTP task: files and directories of the server of an FTP connection manager, and of this machine.
//!
//! **Paths**: the remote one as the task has it, or in a variable; the local one that of a FILE connection manager, or in a
//! variable, through the path map. The last name of either may hold `*` and `?` where files are meant.
//! **Receive** puts files into the local folder, which must be there, under their names.
//! **Send**, which is what an operation that packages leave out means, puts files into the remote directory under their names.
//! **StopOnFailure** (so unless the package says otherwise): the first file that fails is the end; else the others go on,
//! each failure is a warning, and the task fails when all have been tried.
//! **Directories** that are removed must be empty, here as at the server.
//! The connection manager is re-pointed to `ftp://`, `ftps://` or `sftp://user:password@host/folder`.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use dtsx::{Executable, Payload, Properties, SsisCode};
use fletching_components::FindingKind;
use fletching_connections::{
    Connections, FileConnectionError, FileKind, Files, ServerConnectionError,
    file_operations::FileOperations,
    ftp::{FtpError, FtpSettings, RemoteFiles, Transfer},
};

use crate::{
    FileReport, RunError, TaskResult, control_flow,
    task::{self, Task, TaskHost, TaskRun},
};

/// Properties that an expression can set, and the attributes that hold them.
pub(super) const PROPERTIES: &[(&str, &str)] = &[
    ("Connection", "ConnectionName"),
    ("IsLocalPathVariable", "TaskIsLocalPathVar"),
    ("IsRemotePathVariable", "TaskIsRemotePathVar"),
    ("IsTransferTypeASCII", "TaskTransferAscii"),
    ("LocalPath", "TaskLocalPath"),
    ("Operation", "TaskOperationType"),
    ("OperationName", "TaskOperationName"),
    ("OverwriteFileAtDest", "TaskOverwriteDest"),
    ("RemotePath", "TaskRemotePath"),
    ("StopOnOperationFailure", "StopOnFailure"),
];

/// `DTS_E_FTPTASK_CONNECTION_NAME_NULL`, `..._CONNECTIONNOTFOUND`, `..._CONNECTION_NOT_FTP`, `..._CANNOTACQUIRECONNECTION`.
const CONNECTION_EMPTY: SsisCode = SsisCode(0xC002_9172);
const NO_CONNECTION: SsisCode = SsisCode(0xC002_F313);
const OTHER_CONNECTION: SsisCode = SsisCode(0xC002_9173);
const BAD_CONNECTION: SsisCode = SsisCode(0xC002_F312);
/// `DTS_E_FTPTASK_FILECONNECTIONNOTFOUND`, `..._CONNECTIONTYPENOTFILE`.
const NO_FILE_CONNECTION: SsisCode = SsisCode(0xC002_F426);
const NOT_A_FILE_CONNECTION: SsisCode = SsisCode(0xC002_9182);
/// `DTS_E_FTPTASK_INVALIDPATHONOPERATION`.
const BAD_LOCAL_PATH: SsisCode = SsisCode(0xC002_917F);
/// `DTS_E_FTPTASK_LOCALVARIABLEISEMPTY`, `..._REMOTEVARIABLEISEMPTY`.
const LOCAL_VARIABLE_EMPTY: SsisCode = SsisCode(0xC002_9179);
const REMOTE_VARIABLE_EMPTY: SsisCode = SsisCode(0xC002_917A);
/// `DTS_E_FTPTASK_VARIABLENOTASTRING`.
const NOT_TEXT: SsisCode = SsisCode(0xC002_917D);
/// `DTS_E_FTPTASK_LOCALPATHEMPTY`.
const NO_LOCAL_PATH: SsisCode = SsisCode(0xC002_916D);
/// `DTS_E_FTPTASK_REMOTEPATHEMPTY`.
const NO_REMOTE_PATH: SsisCode = SsisCode(0xC002_916E);
/// `DTS_E_FTPTASK_VARIABLENOTFOUND`.
const NO_VARIABLE: SsisCode = SsisCode(0xC002_917E);
/// `DTS_E_FTPTASK_INVALIDDIRECTORY`, `..._NODIRECTORYPATHINCONMGR`.
const NO_FOLDER: SsisCode = SsisCode(0xC002_9184);
const NO_FOLDER_IN_CONNECTION: SsisCode = SsisCode(0xC002_9186);
/// `DTS_E_FTPTASK_NOFILESFOUND`.
const NO_FILES: SsisCode = SsisCode(0xC002_9185);
/// `DTS_E_FTPTASK_UNABLETODELETELOCALEFILE` and its like.
const LOCAL_DELETE: SsisCode = SsisCode(0xC002_9187);
const LOCAL_REMOVE: SsisCode = SsisCode(0xC002_9188);
const LOCAL_CREATE: SsisCode = SsisCode(0xC002_9189);
/// `DTS_E_FTPTASK_DIRECTORYEXISTS`.
const LOCAL_EXISTS: SsisCode = SsisCode(0xC002_9180);
/// `DTS_W_FTPTASK_OPERATIONFAILURE`.
const ONE_FAILED: SsisCode = SsisCode(0x8002_0918);

/// What the task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Send,
    Receive,
    DeleteLocal,
    DeleteRemote,
    MakeLocal,
    MakeRemote,
    RemoveLocal,
    RemoveRemote,
}

/// Names that packages and the documentation give them.
const OPERATIONS: [(&str, Operation); 12] = [
    ("Send", Operation::Send),
    ("Receive", Operation::Receive),
    ("DeleteLocal", Operation::DeleteLocal),
    ("DeleteRemote", Operation::DeleteRemote),
    ("MakeDirLocal", Operation::MakeLocal),
    ("MakeDirRemote", Operation::MakeRemote),
    ("RemoveDirLocal", Operation::RemoveLocal),
    ("RemoveDirRemote", Operation::RemoveRemote),
    ("CreateLocalDirectory", Operation::MakeLocal),
    ("CreateRemoteDirectory", Operation::MakeRemote),
    ("RemoveLocalDirectory", Operation::RemoveLocal),
    ("RemoveRemoteDirectory", Operation::RemoveRemote),
];

impl Operation {
    fn is_local(self) -> bool {
        matches!(
            self,
            Self::DeleteLocal | Self::MakeLocal | Self::RemoveLocal
        )
    }

    fn name(self) -> &'static str {
        let mut known = OPERATIONS.iter();
        let found = known.find(|(_, operation)| *operation == self);
        found.map_or("", |(name, _)| *name)
    }

    fn has_local_path(self) -> bool {
        self.is_local() || matches!(self, Self::Send | Self::Receive)
    }
}

/// The task as the package has it.
#[derive(Debug)]
struct FtpTask {
    properties: Properties,
}

pub(super) fn new(executable: &Executable) -> Option<Box<dyn Task>> {
    match &executable.payload {
        Payload::Other(data) if data.element == "FtpData" => Some(Box::new(FtpTask {
            properties: data.properties.clone(),
        })),
        _ => None,
    }
}

#[async_trait]
impl Task for FtpTask {
    fn check(&self, host: &TaskHost<'_>) -> Result<(), RunError> {
        let mut findings = Vec::new();
        let connections = host.connections()?;
        let operation = match self.operation() {
            Ok(operation) => operation,
            Err(message) => return task::all(vec![host.invalid(message)]),
        };
        let mut wrong = |code, message| {
            findings.push(host.finding(FindingKind::Invalid, Some(code), message));
        };
        if !operation.is_local()
            && let Err((code, message)) = self.server(&connections)
        {
            wrong(code, message);
        }
        if operation.has_local_path() {
            let (name, is_variable) = (self.text("TaskLocalPath"), self.flag("TaskIsLocalPathVar"));
            let found = match is_variable {
                true => variable(host, name),
                false => local_connection(&connections, name).map(|_| ()),
            };
            if let Err((code, message)) = found {
                wrong(code, format!("its local path: {message}"));
            }
        }
        let remote = self.text("TaskRemotePath");
        if !operation.is_local() {
            if remote.trim().is_empty() {
                wrong(NO_REMOTE_PATH, "its remote path is empty".to_owned());
            } else if self.flag("TaskIsRemotePathVar")
                && let Err((code, message)) = variable(host, remote)
            {
                wrong(code, format!("its remote path: {message}"));
            }
        }
        task::all(findings)
    }

    async fn run(&self, run: &TaskRun<'_>) -> Result<TaskResult, RunError> {
        let operation = self
            .operation()
            .map_err(|message| run.failure(None, message))?;
        let connections = run.connections()?;
        let local = match operation.has_local_path() {
            true => self.local_path(run, &connections)?,
            false => PathBuf::new(),
        };
        let files = Arc::clone(connections.path_map.files());
        if operation == Operation::Receive && !matches!(files.kind(&local), Ok(FileKind::Folder)) {
            let code = match self.flag("TaskIsLocalPathVar") {
                true => NO_FOLDER,
                false => NO_FOLDER_IN_CONNECTION,
            };
            let message = format!(
                "its local path: `{}` is no folder; files are received into one that is there",
                local.display()
            );
            return Err(run.failure(Some(code), message));
        }
        run.log("FTPOperation", operation.name()).await;
        if operation.is_local() {
            return self.locally(run, operation, &local, &files);
        }
        let settings = self
            .server(&connections)
            .map_err(|(code, message)| run.failure(Some(code), message))?;
        run.log("FTPConnectingToServer", settings.shown()).await;
        let server = RemoteFiles::connect(&settings).await;
        let mut server = server.map_err(|error| failed(run, &error))?;
        let work = Work {
            task: self,
            run,
            files: &files,
            local: &local,
            remote: self.remote_path(run)?,
        };
        let report = work.at(&mut server, operation).await;
        // What was done is done, whatever becomes of the farewell.
        drop(server.close().await);
        report.map(TaskResult::Files)
    }
}

fn failed(run: &TaskRun<'_>, error: &FtpError) -> RunError {
    run.failure(Some(error.code()), error.to_string())
}

impl FtpTask {
    fn text(&self, name: &str) -> &str {
        self.properties.get(name).unwrap_or_default()
    }

    fn flag(&self, name: &str) -> bool {
        self.properties.bool(name).unwrap_or(false)
    }

    /// Whether the first file that fails is the end.
    fn stops(&self) -> bool {
        self.properties.bool("StopOnFailure").unwrap_or(true)
    }

    /// The server of the connection manager.
    fn server(&self, connections: &Connections) -> Result<FtpSettings, (SsisCode, String)> {
        let name = self.text("ConnectionName");
        if name.trim().is_empty() {
            let message = "it names no connection manager (Connection)".to_owned();
            return Err((CONNECTION_EMPTY, message));
        }
        connections.ftp(name).map_err(|error| {
            let code = match &error {
                ServerConnectionError::Unknown(_) => NO_CONNECTION,
                ServerConnectionError::OtherKind { .. } => OTHER_CONNECTION,
                _ => BAD_CONNECTION,
            };
            (code, error.to_string())
        })
    }

    fn operation(&self) -> Result<Operation, String> {
        let text = self.text("TaskOperationType").trim();
        if text.is_empty() {
            return Ok(Operation::Send);
        }
        if let Ok(number) = text.parse::<usize>()
            && let Some((_, operation)) = OPERATIONS.iter().take(8).nth(number)
        {
            return Ok(*operation);
        }
        let mut known = OPERATIONS.iter();
        let found = known.find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, operation)| *operation).ok_or_else(|| {
            let known: Vec<&str> = OPERATIONS.iter().take(8).map(|(name, _)| *name).collect();
            format!(
                "there is no operation `{text}`; there are: {}",
                known.join(", ")
            )
        })
    }

    fn local_path(
        &self,
        run: &TaskRun<'_>,
        connections: &Connections,
    ) -> Result<PathBuf, RunError> {
        let name = self.text("TaskLocalPath");
        let wrong = |(code, message): (SsisCode, String)| {
            run.failure(Some(code), format!("its local path: {message}"))
        };
        if !self.flag("TaskIsLocalPathVar") {
            return local_connection(connections, name).map_err(wrong);
        }
        let text = run.variable(name);
        let text = text.map_err(|message| wrong((NO_VARIABLE, message)))?;
        let text = text.to_string();
        if text.trim().is_empty() {
            return Err(wrong((
                LOCAL_VARIABLE_EMPTY,
                format!("variable `{name}` is empty"),
            )));
        }
        let path = connections.path_map.resolve(&text);
        path.map_err(|error| wrong((BAD_LOCAL_PATH, error.to_string())))
    }

    fn remote_path(&self, run: &TaskRun<'_>) -> Result<String, RunError> {
        let text = self.text("TaskRemotePath");
        if !self.flag("TaskIsRemotePathVar") {
            return Ok(text.to_owned());
        }
        let wrong = |code, message| run.failure(Some(code), format!("its remote path: {message}"));
        let value = run.variable(text);
        let value = value.map_err(|message| wrong(NO_VARIABLE, message))?;
        let value = value.to_string();
        match value.trim().is_empty() {
            true => {
                let message = format!("variable `{text}` is empty");
                Err(wrong(REMOTE_VARIABLE_EMPTY, message))
            }
            false => Ok(value),
        }
    }

    /// What concerns this machine alone.
    fn locally(
        &self,
        run: &TaskRun<'_>,
        operation: Operation,
        local: &Path,
        files: &Arc<dyn Files>,
    ) -> Result<TaskResult, RunError> {
        let operations = FileOperations::new(Arc::clone(files), Arc::default());
        let mut report = FileReport::default();
        match operation {
            Operation::MakeLocal => {
                if matches!(files.kind(local), Ok(FileKind::Folder)) {
                    let message = format!("`{}` is there already", local.display());
                    return Err(run.failure(Some(LOCAL_EXISTS), message));
                }
                let made = operations.create_folder(local, false);
                let made =
                    made.map_err(|error| run.failure(Some(LOCAL_CREATE), error.to_string()))?;
                report.folders = made.folders;
            }
            Operation::RemoveLocal => {
                let removed = files.remove_folder(local);
                removed
                    .map_err(|error| run.failure(Some(LOCAL_REMOVE), unremoved(local, &error)))?;
                report.folders = 1;
            }
            _ => {
                for file in matching(files, local)
                    .map_err(|message| run.failure(Some(LOCAL_DELETE), message))?
                {
                    let deleted = operations.delete_file(&file);
                    deleted.map_err(|error| run.failure(Some(LOCAL_DELETE), error.to_string()))?;
                    report.files += 1;
                }
            }
        }
        Ok(TaskResult::Files(report))
    }
}

/// What is wrong with a variable that holds a path, as far as it is known before the task runs.
fn variable(host: &TaskHost<'_>, name: &str) -> Result<(), (SsisCode, String)> {
    host.has_variable(name)
        .map_err(|message| (NO_VARIABLE, message))?;
    match host.may_be_text(name) {
        true => Ok(()),
        false => Err((NOT_TEXT, format!("variable `{name}` holds no text"))),
    }
}

/// The path of a FILE connection manager.
fn local_connection(connections: &Connections, name: &str) -> Result<PathBuf, (SsisCode, String)> {
    if name.trim().is_empty() {
        let message = "it names no connection manager (LocalPath)".to_owned();
        return Err((NO_LOCAL_PATH, message));
    }
    if let Some(manager) = connections.get(name)
        && !["FILE", "FLATFILE"].contains(&manager.creation_name.as_str())
    {
        let message = format!(
            "connection manager `{}` is of type {}: FILE or FLATFILE is wanted",
            manager.name, manager.creation_name
        );
        return Err((NOT_A_FILE_CONNECTION, message));
    }
    connections.file(name).map_err(|error| {
        let code = match &error {
            FileConnectionError::Unknown(_) => NO_FILE_CONNECTION,
            FileConnectionError::NoConnectionString { .. } => NO_LOCAL_PATH,
            FileConnectionError::Path { .. } | FileConnectionError::Fault { .. } => BAD_LOCAL_PATH,
        };
        (code, error.to_string())
    })
}

/// Why a folder of this machine was not removed.
fn unremoved(folder: &Path, error: &io::Error) -> String {
    let reason = match error.kind() {
        io::ErrorKind::DirectoryNotEmpty => {
            "it is not empty; delete what is in it first (a File System task deletes both)"
                .to_owned()
        }
        io::ErrorKind::NotFound => "there is no such folder; check the name".to_owned(),
        io::ErrorKind::NotADirectory => "it is a file, a folder is wanted".to_owned(),
        _ => error.to_string(),
    };
    format!("`{}`: {reason}", folder.display())
}

/// The files that a local path means: itself, or those of its folder that fit its last name.
fn matching(files: &Arc<dyn Files>, path: &Path) -> Result<Vec<PathBuf>, String> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().to_lowercase());
    let pattern = name.filter(|name| name.contains(['*', '?']));
    let (Some(pattern), Some(folder)) = (pattern, path.parent()) else {
        return Ok(vec![path.to_owned()]);
    };
    let names = files.names(folder);
    let names = names.map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut found: Vec<PathBuf> = names
        .into_iter()
        .filter(|name| control_flow::fits(&name.to_string_lossy().to_lowercase(), &pattern))
        .map(|name| folder.join(name))
        .filter(|file| !matches!(files.kind(file), Ok(FileKind::Folder)))
        .collect();
    found.sort_unstable();
    match found.is_empty() {
        true => Err(format!("no file fits `{}`", path.display())),
        false => Ok(found),
    }
}

/// One run of the task.
struct Work<'a> {
    task: &'a FtpTask,
    run: &'a TaskRun<'a>,
    files: &'a Arc<dyn Files>,
    local: &'a Path,
    remote: String,
}

impl Work<'_> {
    async fn at(
        &self,
        server: &mut RemoteFiles,
        operation: Operation,
    ) -> Result<FileReport, RunError> {
        let mut report = FileReport::default();
        let remote = self.remote.as_str();
        let done = match operation {
            Operation::MakeRemote => server.make_directory(remote).await,
            Operation::RemoveRemote => server.remove_directory(remote).await,
            Operation::Send => {
                let files = matching(self.files, self.local);
                let files = files.map_err(|error| self.run.failure(Some(NO_FILES), error))?;
                report.files = self.send(server, &files).await?;
                return Ok(report);
            }
            _ => {
                let found = server.files(remote).await;
                let found = found.map_err(|error| failed(self.run, &error))?;
                if found.is_empty() {
                    let message = format!("no file of the server fits `{remote}`");
                    return Err(self.run.failure(Some(NO_FILES), message));
                }
                report.files = self.each(server, operation, &found).await?;
                return Ok(report);
            }
        };
        done.map_err(|error| failed(self.run, &error))?;
        report.folders = 1;
        Ok(report)
    }

    fn transfer(&self) -> Transfer {
        match self.task.flag("TaskTransferAscii") {
            true => Transfer::Ascii,
            false => Transfer::Binary,
        }
    }

    /// Sends files into the remote directory; how many.
    async fn send(&self, server: &mut RemoteFiles, files: &[PathBuf]) -> Result<u64, RunError> {
        let overwrite = self.task.flag("TaskOverwriteDest");
        let mut outcome = Outcome::default();
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let target = format!("{}/{name}", self.remote.trim_end_matches('/'));
            let sent = server.send(self.files, file, &target, self.transfer(), overwrite);
            let sent = sent.await.map(|_| ());
            self.note(&mut outcome, sent).await?;
        }
        self.concluded(outcome)
    }

    /// Receives or deletes files of the server; how many.
    async fn each(
        &self,
        server: &mut RemoteFiles,
        operation: Operation,
        found: &[String],
    ) -> Result<u64, RunError> {
        let overwrite = self.task.flag("TaskOverwriteDest");
        let mut outcome = Outcome::default();
        for remote in found {
            let done = match operation {
                Operation::Receive => {
                    let name = remote.rsplit('/').next().unwrap_or(remote);
                    let target = self.local.join(name);
                    let transfer = self.transfer();
                    let received = server.receive(remote, self.files, &target, transfer, overwrite);
                    received.await.map(|_| ())
                }
                _ => server.delete(remote).await,
            };
            self.note(&mut outcome, done).await?;
        }
        self.concluded(outcome)
    }

    async fn note(
        &self,
        outcome: &mut Outcome,
        done: Result<(), FtpError>,
    ) -> Result<(), RunError> {
        match done {
            Ok(()) => outcome.done += 1,
            Err(error) if self.task.stops() || error.is_fatal() => {
                return Err(failed(self.run, &error));
            }
            Err(error) => {
                let warning = format!("{}: {error}", self.run.path());
                self.run.warn(Some(ONE_FAILED), warning).await;
                outcome.failed.get_or_insert(error);
                outcome.failures += 1;
            }
        }
        Ok(())
    }

    fn concluded(&self, outcome: Outcome) -> Result<u64, RunError> {
        match outcome.failed {
            None => Ok(outcome.done),
            Some(first) => {
                let (failures, done) = (outcome.failures, outcome.done);
                let message =
                    format!("{failures} files failed and {done} did not; the first: {first}");
                Err(self.run.failure(Some(first.code()), message))
            }
        }
    }
}

/// Of several files.
#[derive(Default)]
struct Outcome {
    done: u64,
    failures: u64,
    failed: Option<FtpError>,
}
