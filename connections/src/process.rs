//! Programs that a package starts.
//!
//! ```text
//!  name ──find_program──▶ file on the PATH ─┐
//!  path ──PathMap───────▶ local file ───────┴─run─▶ process group ─▶ exit code, output, error output
//!                                                     └── future dropped, or time over: SIGKILL to the whole group
//! ```
//!
//! A program leads a process group of its own, so that what it starts dies with it when the run is cancelled; only what
//! leaves the group on purpose (`setsid`) escapes. What still runs in the background when the program has ended by
//! itself is left alone, as Windows does.
//!
//! Nor does it outlive this process, however that ends: a shell beside it waits on a pipe of this process, and ends the
//! group when the pipe closes without a word. (`PR_SET_PDEATHSIG` would end one process, not the group, and when a thread
//! ends.) Where there is no `/bin/sh`, a program outlives a `kill -9`.

use std::{
    collections::VecDeque,
    io,
    os::{fd::OwnedFd, unix::process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use futures::future::{Either, select};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{ChildStdin, Command},
    time::timeout,
};

use crate::Files;

/// What is kept of one stream at most; a program that writes more is ended.
pub const STREAM_BYTES_MAX: usize = 64 << 20;

/// What is kept of the error output that nobody asked for, to say why a program failed.
const TAIL_BYTES: usize = 2048;

/// How long streams that nobody asked for are read after the program has ended: a program it left in the background may
/// hold them open.
const GRACE: Duration = Duration::from_millis(500);

/// A program and how it is run.
#[derive(Debug, Clone)]
pub struct Launch {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// The folder that it runs in.
    pub folder: PathBuf,
    /// What it reads; nothing if `None`.
    pub input: Option<Vec<u8>>,
    /// Whether its output is kept.
    pub output: bool,
    /// Whether all of its error output is kept.
    pub error: bool,
    pub limit: Option<TimeLimit>,
}

/// How long a program may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimit {
    pub seconds: u64,
    /// Whether it is ended then; else it goes on, and nobody waits for it.
    pub kills: bool,
}

/// A program that has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// As a shell has it: 128 and the signal for one that was killed.
    pub code: i32,
    pub output: Vec<u8>,
    /// The end of it only, unless all was wanted.
    pub error: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("`{}` cannot be started: {}", .program.display(), reason(.error))]
    Start { program: PathBuf, error: io::Error },
    #[error("`{}` has run for {} seconds, which is its time (TimeOut): {}", .program.display(), .limit.seconds, fate(.limit))]
    TimedOut { program: PathBuf, limit: TimeLimit },
    #[error("`{}` has written more than {STREAM_BYTES_MAX} bytes to its {stream}, which go into a variable: it was ended", .program.display())]
    TooMuch {
        program: PathBuf,
        stream: &'static str,
    },
    #[error("`{}`: its streams failed: {error}", .program.display())]
    Stream { program: PathBuf, error: io::Error },
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "it may not be executed; make it executable (`chmod +x`)".to_owned()
        }
        _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
            "it is no program of this machine; a script needs a first line like `#!/bin/sh`"
                .to_owned()
        }
        _ => error.to_string(),
    }
}

fn fate(limit: &TimeLimit) -> &'static str {
    match limit.kills {
        true => "it was ended",
        false => "it goes on without the task (TerminateProcessAfterTimeOut=False)",
    }
}

/// A name that no folder of the PATH has a program for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no program `{}` in the folders of the PATH ({})",
    looked_for.join("`, `"),
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(":")
)]
pub struct NotOnPath {
    pub looked_for: Vec<String>,
    pub folders: Vec<PathBuf>,
}

/// The program of a name without a folder: on the PATH, as it is written or without `.exe`.
///
/// # Errors
/// [`NotOnPath`] with the names and folders.
pub fn find_program(files: &dyn Files, name: &str) -> Result<PathBuf, NotOnPath> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the PATH is where the machine keeps its programs"
    )]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .collect();
    find_in(files, name, folders)
}

fn find_in(files: &dyn Files, name: &str, folders: Vec<PathBuf>) -> Result<PathBuf, NotOnPath> {
    let mut looked_for = vec![name.to_owned()];
    if let Some((stem, extension)) = name.rsplit_once('.')
        && extension.eq_ignore_ascii_case("exe")
    {
        looked_for.push(stem.to_owned());
        looked_for.push(stem.to_lowercase());
        looked_for.dedup();
    }
    for wanted in &looked_for {
        for folder in &folders {
            let file = folder.join(wanted);
            if files.is_executable(&file).unwrap_or(false) {
                return Ok(file);
            }
        }
    }
    Err(NotOnPath {
        looked_for,
        folders,
    })
}

/// Ends a group when its pipe closes: the first line names the group, a second one says that nothing is to be done.
const WATCH: &str = r#"read -r group && { read -r end || kill -s KILL -- "-$group"; }"#;

/// A shell that waits for the end of this process.
#[derive(Debug)]
struct Watch(OwnedFd);

impl Watch {
    fn start() -> Option<Self> {
        let started = Command::new("/bin/sh")
            .args(["-c", WATCH])
            .current_dir("/")
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        // The runtime collects it when it has ended.
        let pipe = started.ok()?.stdin.take()?;
        pipe.into_owned_fd().ok().map(Self)
    }

    /// A line is far less than the pipe holds; there is nobody to tell if the shell is gone.
    fn say(&self, line: &str) {
        rustix::io::write(&self.0, format!("{line}\n").as_bytes()).ok();
    }
}

/// The group of a process; ends all of it when dropped.
#[derive(Debug)]
struct Group {
    id: Option<Pid>,
    watch: Option<Watch>,
}

impl Group {
    fn new(id: Option<Pid>, watch: Option<Watch>) -> Self {
        if let (Some(id), Some(watch)) = (id, &watch) {
            watch.say(&id.as_raw_nonzero().to_string());
        }
        Self { id, watch }
    }

    fn release(mut self) {
        self.id = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.id {
            // It fails if nothing of the group is left.
            kill_process_group(group, Signal::KILL).ok();
        }
        if let Some(watch) = &self.watch {
            watch.say("ended");
        }
    }
}

/// Runs a program to its end. Dropping the future ends it and its group.
///
/// # Errors
/// [`ProcessError`]; an exit code of any value is none.
pub async fn run(launch: Launch) -> Result<Ended, ProcessError> {
    let program = &launch.program;
    let leaves = launch.limit.is_some_and(|limit| !limit.kills);
    let piped = |wanted| {
        if wanted {
            Stdio::piped()
        } else {
            Stdio::null()
        }
    };
    let watch = Watch::start();
    let started = Command::new(program)
        .args(&launch.arguments)
        .current_dir(&launch.folder)
        .stdin(piped(launch.input.is_some()))
        .stdout(piped(launch.output))
        // One that goes on alone would be ended by writing to a pipe that nobody reads.
        .stderr(piped(launch.error || !leaves))
        .process_group(0)
        .spawn();
    let mut child = started.map_err(|error| ProcessError::Start {
        program: program.clone(),
        error,
    })?;
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    let group = Group::new(id.and_then(Pid::from_raw), watch);
    let (input, output, error) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut tail = Tail::new(launch.error);
    let streams = async {
        let kept = futures::try_join!(
            feed(input, launch.input.as_deref().unwrap_or_default()),
            collect(output, "output"),
            tail.read(error),
        );
        kept.map(|((), output, ())| output)
    };
    let work = until_ended(child.wait(), streams, launch.output || launch.error);
    let ended = match launch.limit {
        None => Ok(work.await),
        Some(limit) => timeout(Duration::from_secs(limit.seconds), work)
            .await
            .map_err(|_| limit),
    };
    match ended {
        Ok(Ok((status, output))) => {
            group.release();
            Ok(Ended {
                code: exit_code(status),
                output,
                error: tail.kept.into(),
            })
        }
        Ok(Err(fault)) => Err(fault.of(program)),
        Err(limit) => {
            match limit.kills {
                true => {
                    drop(group);
                    timeout(GRACE, child.wait()).await.ok();
                }
                false => group.release(),
            }
            Err(ProcessError::TimedOut {
                program: program.clone(),
                limit,
            })
        }
    }
}

/// Waits for the program and its streams; `wanted`: the streams are read to their end however long that takes.
async fn until_ended(
    status: impl Future<Output = io::Result<ExitStatus>>,
    streams: impl Future<Output = Result<Vec<u8>, StreamFault>>,
    wanted: bool,
) -> Result<(ExitStatus, Vec<u8>), StreamFault> {
    futures::pin_mut!(status, streams);
    match select(status, streams).await {
        Either::Left((status, streams)) => {
            let output = match wanted {
                true => streams.await?,
                false => timeout(GRACE, streams).await.unwrap_or(Ok(Vec::new()))?,
            };
            Ok((status?, output))
        }
        Either::Right((output, status)) => Ok((status.await?, output?)),
    }
}

#[derive(Debug, thiserror::Error)]
enum StreamFault {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    TooMuch(&'static str),
}

impl StreamFault {
    fn of(self, program: &Path) -> ProcessError {
        let program = program.to_owned();
        match self {
            Self::Io(error) => ProcessError::Stream { program, error },
            Self::TooMuch(stream) => ProcessError::TooMuch { program, stream },
        }
    }
}

/// Gives a program its input. One that does not read all of it is no failure.
async fn feed(stream: Option<ChildStdin>, bytes: &[u8]) -> Result<(), StreamFault> {
    let Some(mut stream) = stream else {
        return Ok(());
    };
    match stream.write_all(bytes).await {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

async fn collect(
    stream: Option<impl AsyncRead + Unpin>,
    name: &'static str,
) -> Result<Vec<u8>, StreamFault> {
    let Some(stream) = stream else {
        return Ok(Vec::new());
    };
    let mut kept = Vec::new();
    stream
        .take(STREAM_BYTES_MAX as u64 + 1)
        .read_to_end(&mut kept)
        .await?;
    match kept.len() > STREAM_BYTES_MAX {
        true => Err(StreamFault::TooMuch(name)),
        false => Ok(kept),
    }
}

/// The error output: all of it, or its end, whatever becomes of the reading.
#[derive(Debug)]
struct Tail {
    all: bool,
    kept: VecDeque<u8>,
}

impl Tail {
    fn new(all: bool) -> Self {
        Self {
            all,
            kept: VecDeque::new(),
        }
    }

    async fn read(&mut self, stream: Option<impl AsyncRead + Unpin>) -> Result<(), StreamFault> {
        let Some(mut stream) = stream else {
            return Ok(());
        };
        let mut buffer = vec![0; 8192];
        loop {
            let read = stream.read(&mut buffer).await?;
            let Some(read) = buffer.get(..read).filter(|read| !read.is_empty()) else {
                return Ok(());
            };
            self.kept.extend(read);
            match self.all {
                true if self.kept.len() > STREAM_BYTES_MAX => {
                    return Err(StreamFault::TooMuch("error output"));
                }
                true => {}
                false => {
                    let over = self.kept.len().saturating_sub(TAIL_BYTES);
                    self.kept.drain(..over);
                }
            }
        }
    }
}

fn exit_code(status: ExitStatus) -> i32 {
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::LocalFiles;

    fn shell(script: &str) -> Launch {
        Launch {
            program: PathBuf::from("/bin/sh"),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            folder: PathBuf::from("/"),
            input: None,
            output: false,
            error: false,
            limit: None,
        }
    }

    fn block<T>(work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(work)
    }

    /// Whether a process of this command line is alive.
    fn is_alive(argument: &str) -> bool {
        let processes = std::fs::read_dir("/proc").unwrap();
        processes.flatten().any(|entry| {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0)
                .eq([b"sleep" as &[u8], argument.as_bytes(), b""])
        })
    }

    /// A process that was killed takes a moment to go.
    fn is_gone(argument: &str) -> bool {
        (0..40).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            !is_alive(argument)
        })
    }

    #[test]
    fn streams_and_codes() {
        let launch = Launch {
            input: Some(b"in".to_vec()),
            output: true,
            error: true,
            ..shell("cat; pwd; echo bad >&2; exit 3")
        };
        let ended = block(run(launch)).unwrap();
        assert_eq!(ended.code, 3);
        assert_eq!(ended.output, b"in/\n");
        assert_eq!(ended.error, b"bad\n");
        let ended = block(run(shell("echo out; echo bad >&2; kill -9 $$"))).unwrap();
        assert_eq!((ended.code, &*ended.output), (137, b"" as &[u8]));
        assert_eq!(ended.error, b"bad\n");
    }

    #[test]
    fn input_that_is_not_read_and_output_without_end() {
        let launch = Launch {
            input: Some(vec![b'x'; 1 << 20]),
            ..shell("exit 0")
        };
        assert_eq!(block(run(launch)).unwrap().code, 0);
        let launch = Launch {
            output: true,
            ..shell("while :; do echo 0123456789012345678901234567890123456789; done | cat")
        };
        let error = block(run(launch)).unwrap_err();
        assert!(matches!(error, ProcessError::TooMuch { .. }), "{error}");
    }

    #[test]
    fn the_group_dies_with_the_time_and_with_the_future() {
        let limit = |kills| Some(TimeLimit { seconds: 1, kills });
        let launch = Launch {
            limit: limit(true),
            ..shell("sleep 74.1 & sleep 74.1")
        };
        let error = block(run(launch)).unwrap_err();
        assert!(matches!(error, ProcessError::TimedOut { .. }), "{error}");
        assert!(is_gone("74.1"));
        let dropped = async {
            let running = run(shell("sleep 74.2; true"));
            timeout(Duration::from_millis(300), running).await.is_err()
        };
        assert!(block(dropped));
        assert!(is_gone("74.2"));
        let launch = Launch {
            limit: limit(false),
            ..shell("sleep 3.75; true")
        };
        assert!(block(run(launch)).is_err());
        assert!(is_alive("3.75"));
    }

    #[test]
    fn what_stays_in_the_background_is_not_waited_for() {
        let started = Instant::now();
        let ended = block(run(shell("sleep 4.25 & exit 0"))).unwrap();
        assert_eq!(ended.code, 0);
        assert!(started.elapsed() < Duration::from_secs(3));
    }

    #[test]
    fn programs_are_found_without_exe() {
        let folder = tempfile::tempdir().unwrap();
        let here = || vec![folder.path().to_owned()];
        std::fs::write(folder.path().join("tool"), "#!/bin/sh\n").unwrap();
        let missing = find_in(&LocalFiles, "Tool.exe", here()).unwrap_err();
        assert_eq!(missing.looked_for, ["Tool.exe", "Tool", "tool"]);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path().join("tool"), mode).unwrap();
        let found = find_in(&LocalFiles, "Tool.exe", here()).unwrap();
        assert_eq!(found, folder.path().join("tool"));
        let error = block(run(Launch {
            program: PathBuf::from("/etc/passwd"),
            ..shell("")
        }));
        let error = error.unwrap_err().to_string();
        assert!(error.contains("chmod +x"), "{error}");
    }
}
