//! Sockets by which other processes of the same user see a run and stop it.
//!
//! ```text
//! run     RunSocket::open ─▶ FOLDER/PID.INSTANCE.sock ─▶ stopped(): polled beside the run, by whoever polls that
//! others  found ─▶ FoundRun ◀─ one line: what the run says of itself
//!                         └─ stop ─▶ "stop" ─▶ stopped() ends
//! ```
//!
//! The folder is `FLETCHING_RUN_DIR`, else `fletching` in the user's runtime folder (`XDG_RUNTIME_DIR`), else
//! `/tmp/fletching-UID`. It belongs to the user alone: one that does not is refused, so that nobody else sees or stops a
//! run. A socket goes with its run; that of a process which was killed refuses callers, and is removed by the next who
//! looks.

use std::{
    io::{self, Read, Write},
    os::unix::net,
    path::{Path, PathBuf},
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
use rustix::process::{geteuid, getpid};
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    time::{sleep, timeout},
};

use crate::{Files, LocalFiles};

/// Callers that are answered at a time; others wait.
const CALLERS_MAX: usize = 16;
/// How long one side waits for the other.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest answer.
const ANSWER_MAX: usize = 64 * 1024;
/// What stops a run, and what it answers.
const STOP: &str = "stop";
const STOPPING: &str = "stopping\n";

/// Why runs cannot be seen or stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunSocketError {
    /// The folder belongs to somebody else, or others may write to it.
    #[error(
        "{}: {found}; wanted is a folder of your own that nobody else may enter (`chmod 700`): remove it, or name another one with FLETCHING_RUN_DIR",
        path.display()
    )]
    NotOurs {
        /// The folder.
        path: PathBuf,
        /// What it is.
        found: String,
    },
    /// The system refuses the folder or a socket in it.
    #[error("{}: {source}; name another folder with FLETCHING_RUN_DIR", path.display())]
    Refused {
        /// The folder or the socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The run has ended meanwhile.
    #[error("the run `{0}` has ended")]
    Ended(String),
    /// The process is there and says nothing.
    #[error(
        "the run `{instance}` of process {process_id} does not answer: the process is suspended, or very busy; try again, or end it with `kill`"
    )]
    Silent {
        /// The run.
        instance: String,
        /// Its process.
        process_id: u32,
    },
}

fn refused(path: &Path) -> impl Fn(io::Error) -> RunSocketError {
    |source| RunSocketError::Refused {
        path: path.to_owned(),
        source,
    }
}

/// The folders where runs may be, that of new ones first.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the folder of runs is found"
)]
fn folders() -> Vec<PathBuf> {
    let named = |variable| std::env::var_os(variable).filter(|value| !value.is_empty());
    if let Some(folder) = named("FLETCHING_RUN_DIR") {
        return vec![PathBuf::from(folder)];
    }
    let user = geteuid().as_raw();
    // A job of cron has no XDG_RUNTIME_DIR, the shell beside it has one: both look everywhere.
    let runtime = named("XDG_RUNTIME_DIR").map(PathBuf::from);
    let usual = PathBuf::from(format!("/run/user/{user}"));
    let mut folders = Vec::new();
    for folder in runtime.into_iter().chain([usual]) {
        // With `sudo` it may be that of another user.
        let ours = LocalFiles
            .ownership(&folder)
            .is_ok_and(|found| found.is_folder && found.user_id == user);
        let folder = folder.join("fletching");
        if ours && folder.is_absolute() && !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders.push(PathBuf::from(format!("/tmp/fletching-{user}")));
    folders
}

/// The folder is there, and ours alone; `false` if it is not there.
fn check(folder: &Path) -> Result<bool, RunSocketError> {
    let found = match LocalFiles.ownership(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(refused(folder)(error)),
    };
    let not_ours = |found: String| RunSocketError::NotOurs {
        path: folder.to_owned(),
        found,
    };
    if !found.is_folder {
        return Err(not_ours("it is no folder".to_owned()));
    }
    if found.user_id != geteuid().as_raw() {
        return Err(not_ours(format!("it belongs to user {}", found.user_id)));
    }
    match found.mode & 0o077 {
        0 => Ok(true),
        _ => Err(not_ours(format!("its permissions are {:o}", found.mode))),
    }
}

/// The socket of a run that goes on. Goes away with it.
#[derive(Debug)]
pub struct RunSocket {
    listener: UnixListener,
    path: PathBuf,
    answer: String,
}

impl RunSocket {
    /// Opens a socket for the run of this id, which answers with `answer`, one line. Within a runtime of tokio.
    ///
    /// # Errors
    /// [`RunSocketError::NotOurs`], [`RunSocketError::Refused`].
    pub fn open(instance: &str, answer: &str) -> Result<Self, RunSocketError> {
        let folders = folders();
        let folder = folders.first().map_or(Path::new("."), PathBuf::as_path);
        Self::open_in(folder, instance, answer)
    }

    fn open_in(folder: &Path, instance: &str, answer: &str) -> Result<Self, RunSocketError> {
        if !check(folder)? {
            match LocalFiles.create_private_folder(folder) {
                // Another run was quicker.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => made.map_err(refused(folder))?,
            }
            check(folder)?;
        }
        let characters = instance.chars();
        let instance: String = characters
            .filter(|one| one.is_ascii_alphanumeric() || *one == '-')
            .take(36)
            .collect();
        let name = format!("{}.{instance}", getpid().as_raw_nonzero());
        let path = folder.join(format!("{name}.sock"));
        // It gets its name when it listens: one that does not yet would look as if its process were dead.
        let unnamed = folder.join(format!("{name}.new"));
        let listener = UnixListener::bind(&unnamed).map_err(refused(&unnamed))?;
        if let Err(error) = LocalFiles.rename(&unnamed, &path) {
            // The first error is the one to tell.
            drop(LocalFiles.remove(&unnamed));
            return Err(refused(&path)(error));
        }
        Ok(Self {
            listener,
            path,
            answer: format!("{}\n", answer.replace('\n', " ")),
        })
    }

    /// Answers whoever calls, until one of them says that the run has to stop.
    pub async fn stopped(&self) {
        let mut callers = FuturesUnordered::new();
        loop {
            tokio::select! {
                caller = self.listener.accept(), if callers.len() < CALLERS_MAX => match caller {
                    Ok((caller, _)) => callers.push(timeout(PATIENCE, self.answer(caller))),
                    // Out of file descriptors, say: they may come back.
                    Err(_) => sleep(PATIENCE).await,
                },
                Some(asked) = callers.next() => if matches!(asked, Ok(Ok(true))) {
                    return;
                },
            }
        }
    }

    /// Whether the caller wants the run to stop.
    async fn answer(&self, mut caller: UnixStream) -> io::Result<bool> {
        caller.write_all(self.answer.as_bytes()).await?;
        let mut said = String::new();
        let mut reader = BufReader::new(&mut caller).take(STOP.len() as u64 + 1);
        reader.read_line(&mut said).await?;
        let stop = said.trim_end() == STOP;
        if stop {
            // It is stopped whether the caller waits for the answer or not.
            drop(caller.write_all(STOPPING.as_bytes()).await);
        }
        Ok(stop)
    }
}

impl Drop for RunSocket {
    fn drop(&mut self) {
        // One that stays refuses callers, and is removed by the next of them.
        drop(LocalFiles.remove(&self.path));
    }
}

/// A run that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRun {
    /// Its id, of letters, digits and hyphens.
    pub instance: String,
    /// Its process.
    pub process_id: u32,
    /// What it says of itself; `None` if its process does not answer.
    pub answer: Option<String>,
    path: PathBuf,
}

/// The runs of this user, in no particular order; what killed processes have left is removed.
///
/// # Errors
/// [`RunSocketError::NotOurs`], [`RunSocketError::Refused`].
pub fn found() -> Result<Vec<FoundRun>, RunSocketError> {
    let mut runs = Vec::new();
    for folder in folders() {
        runs.extend(found_in(&folder)?);
    }
    Ok(runs)
}

fn found_in(folder: &Path) -> Result<Vec<FoundRun>, RunSocketError> {
    if !check(folder)? {
        return Ok(Vec::new());
    }
    let mut runs = Vec::new();
    for name in LocalFiles.names(folder).map_err(refused(folder))? {
        let path = folder.join(&name);
        let Some((process_id, instance)) = name.to_str().and_then(parts) else {
            continue;
        };
        let mut run = FoundRun {
            instance: instance.to_owned(),
            process_id,
            answer: None,
            path,
        };
        match run.call() {
            Ok((_, answer)) => run.answer = Some(answer),
            Err(RunSocketError::Ended(_)) => continue,
            Err(RunSocketError::Silent { .. }) => {}
            Err(error) => return Err(error),
        }
        runs.push(run);
    }
    Ok(runs)
}

/// Process and id of a socket's name.
fn parts(name: &str) -> Option<(u32, &str)> {
    let (process_id, instance) = name.strip_suffix(".sock")?.split_once('.')?;
    Some((process_id.parse().ok()?, instance))
}

impl FoundRun {
    /// Asks it to stop, as Ctrl-C does; does not wait until it has.
    ///
    /// # Errors
    /// [`RunSocketError::Ended`], [`RunSocketError::Silent`], [`RunSocketError::Refused`].
    pub fn stop(&self) -> Result<(), RunSocketError> {
        let (mut socket, _) = self.call()?;
        let asked = socket.write_all(format!("{STOP}\n").as_bytes());
        asked.map_err(|error| self.broken(error))?;
        let answer = self.line(&mut socket)?;
        match answer == STOPPING.trim_end() {
            true => Ok(()),
            false => Err(self.ended()),
        }
    }

    /// Connects, and hears what it says of itself.
    fn call(&self) -> Result<(net::UnixStream, String), RunSocketError> {
        let connected = self.connected();
        let mut socket = connected.map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused => {
                // Nobody listens, and nobody will: the name is used once.
                drop(LocalFiles.remove(&self.path));
                self.ended()
            }
            io::ErrorKind::NotFound => self.ended(),
            // As many callers wait as can.
            io::ErrorKind::WouldBlock => self.silent(),
            _ => refused(&self.path)(error),
        })?;
        let answer = self.line(&mut socket)?;
        Ok((socket, answer))
    }

    fn connected(&self) -> io::Result<net::UnixStream> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.connect(&SockAddr::unix(&self.path)?)?;
        let socket = net::UnixStream::from(socket);
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(socket)
    }

    /// The next line that it says. There is none after it until something is said to it.
    fn line(&self, socket: &mut net::UnixStream) -> Result<String, RunSocketError> {
        let mut line = Vec::new();
        let mut buffer = [0; 4096];
        while line.len() <= ANSWER_MAX {
            match socket.read(&mut buffer) {
                Ok(0) => return Err(self.ended()),
                Ok(count) => line.extend(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken(error)),
            }
            if let Some(line) = line.strip_suffix(b"\n") {
                return Ok(String::from_utf8_lossy(line).into_owned());
            }
        }
        Err(self.silent())
    }

    /// What it means that a connection broke.
    fn broken(&self, error: io::Error) -> RunSocketError {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => self.silent(),
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => self.ended(),
            _ => refused(&self.path)(error),
        }
    }

    fn ended(&self) -> RunSocketError {
        RunSocketError::Ended(self.instance.clone())
    }

    fn silent(&self) -> RunSocketError {
        RunSocketError::Silent {
            instance: self.instance.clone(),
            process_id: self.process_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_run_is_seen_and_stopped_and_gone() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("runs");
        let socket = RunSocket::open_in(&folder, "{A-1}", "line\nof it").unwrap();
        let at = folder.clone();
        let asking = tokio::task::spawn_blocking(move || {
            let found = found_in(&at).unwrap();
            found[0].stop().unwrap();
            found
        });
        socket.stopped().await;
        let found = asking.await.unwrap();
        assert_eq!(found[0].instance, "A-1");
        assert_eq!(found[0].process_id, std::process::id());
        assert_eq!(found[0].answer.as_deref(), Some("line of it"));
        assert_eq!(LocalFiles.ownership(&folder).unwrap().mode, 0o700);
        drop(socket);
        assert_eq!(LocalFiles.names(&folder).unwrap().len(), 0);
        let late = found[0].stop().unwrap_err();
        assert_eq!(late.to_string(), "the run `A-1` has ended");
    }

    #[test]
    fn what_a_killed_process_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o700)).unwrap();
        let path = folder.path().join("1.DEAD.sock");
        drop(net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        assert_eq!(found_in(folder.path()).unwrap(), []);
        assert!(!path.exists());
    }

    #[test]
    fn one_that_does_not_answer_is_told_as_such() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o700)).unwrap();
        let _listens = net::UnixListener::bind(folder.path().join("7.B.sock")).unwrap();
        let found = found_in(folder.path()).unwrap();
        assert_eq!((found[0].process_id, &found[0].answer), (7, &None));
        let error = found[0].stop().unwrap_err().to_string();
        assert!(error.contains("process 7 does not answer"), "{error}");
    }

    #[tokio::test]
    async fn a_folder_of_others_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o755, 0o770, 0o701] {
            std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(mode)).unwrap();
            let error = RunSocket::open_in(folder.path(), "A", "").unwrap_err();
            let error = error.to_string();
            assert!(
                error.contains(&format!("permissions are {mode:o}")),
                "{error}"
            );
        }
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        for path in [file, link] {
            let error = RunSocket::open_in(&path, "A", "").unwrap_err();
            assert!(error.to_string().contains("it is no folder"), "{error}");
        }
        let missing = folder.path().join("a/b");
        let error = RunSocket::open_in(&missing, "A", "").unwrap_err();
        assert!(matches!(error, RunSocketError::Refused { .. }), "{error}");
        assert_eq!(found_in(&missing).unwrap(), []);
    }
}
