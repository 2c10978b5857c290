//! The files of a server: what the FTP task does with them.

use std::{fmt, path::Path, sync::Arc, time::Duration};

use tokio::net::TcpStream;

#[cfg(feature = "sftp")]
use super::sftp_wire::SftpWire;
use super::{
    error::{FtpError, FtpFault, FtpOperation, Refusal},
    ftp_wire::FtpWire,
    remote_path::{divided, whole},
    settings::{FtpProtocol, FtpSettings},
    wire::{RemoteEntry, RemoteKind, Transfer, Unmoved, Wire, within},
};
use crate::{
    Files, InputFile, OpenError, OpenFault, Purpose, StagedFile, address::shown_place, wildcard,
};

/// An open connection with a server of files.
pub struct RemoteFiles {
    settings: FtpSettings,
    wire: Box<dyn Wire>,
}

/// Attempts to connect where the manager sets no limit (`Retries` 0).
const ATTEMPTS_MAX: u32 = 100;
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(1);

impl fmt::Debug for RemoteFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RemoteFiles")
            .field(&self.settings.shown())
            .finish()
    }
}

impl RemoteFiles {
    /// Connects and logs in. A server that is not reached is tried again, `Retries` times in all, a second apart; one that
    /// refuses the user or is not believed is not.
    ///
    /// # Errors
    /// [`FtpError`] (`DTS_E_FTPTASK_UNABLETOCONNECTTOSERVER`).
    pub async fn connect(settings: &FtpSettings) -> Result<Self, FtpError> {
        let attempts = match settings.retries {
            0 => ATTEMPTS_MAX,
            retries => retries.min(ATTEMPTS_MAX),
        };
        let mut attempt = 1;
        let refusal = loop {
            match Box::pin(open(settings)).await {
                Ok(wire) => {
                    return Ok(Self {
                        settings: settings.clone(),
                        wire,
                    });
                }
                Err(refusal) => {
                    let passing = matches!(
                        refusal.fault,
                        FtpFault::Unreachable | FtpFault::Timeout | FtpFault::Lost
                    );
                    if !passing || attempt >= attempts {
                        break refusal;
                    }
                }
            }
            attempt += 1;
            tokio::time::sleep(BETWEEN_ATTEMPTS).await;
        };
        Err(failure(settings, FtpOperation::Connect, None, refusal))
    }

    /// What stands in a directory, in order of name. The last name of the path may hold `*` and `?`: then what it matches
    /// in the directory above, which may be nothing.
    ///
    /// # Errors
    /// [`FtpError`] (`DTS_E_FTPTASK_UNABLETOOBTAINFILELIST`).
    pub async fn list(&mut self, path: &str) -> Result<Vec<RemoteEntry>, FtpError> {
        let whole = self.whole(FtpOperation::List, path)?;
        let listed = match divided(&whole) {
            (directory, pattern) if wildcard::is_pattern(pattern) => {
                self.matching(directory, pattern).await
            }
            _ => self.wire.list(&whole).await,
        };
        let mut entries = listed.map_err(|refusal| self.fail(FtpOperation::List, path, refusal))?;
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(entries)
    }

    /// The files that a path means, as paths for [`receive`](Self::receive) and [`delete`](Self::delete): the path itself,
    /// or what its pattern matches, which may be nothing.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn files(&mut self, path: &str) -> Result<Vec<String>, FtpError> {
        let (directory, name) = match path.rsplit_once('/') {
            Some((directory, name)) => (Some(directory), name),
            None => (None, path),
        };
        if !wildcard::is_pattern(name) {
            return Ok(vec![path.to_owned()]);
        }
        let files = self.list(path).await?.into_iter();
        let files = files.filter(|entry| entry.kind == RemoteKind::File);
        let path = |name: String| match directory {
            Some(directory) => format!("{directory}/{name}"),
            None => name,
        };
        Ok(files.map(|entry| path(entry.name)).collect())
    }

    /// Brings a file of the server here. It appears when all of it has come; until then, and on a failure, what stood at
    /// `local` stays. The number of bytes that came.
    ///
    /// # Errors
    /// [`FtpError`] (`DTS_E_FTPTASK_UNABLETORECEIVEFILES`); [`FtpFault::Exists`] if `local` is there and may not be
    /// replaced, [`FtpFault::Local`] if it cannot be written.
    pub async fn receive(
        &mut self,
        remote: &str,
        files: &Arc<dyn Files>,
        local: &Path,
        transfer: Transfer,
        overwrite: bool,
    ) -> Result<u64, FtpError> {
        let operation = FtpOperation::Receive;
        let whole = self.whole(operation, remote)?;
        if !overwrite && files.kind(local).is_ok() {
            let message = format!("`{}` is there and may not be replaced", local.display());
            return Err(self.fail(operation, remote, Refusal::new(FtpFault::Exists, message)));
        }
        let mut staged = StagedFile::create(files, local)
            .map_err(|error| self.fail_locally(operation, remote, error))?;
        let mut sink = |bytes: &[u8]| std::io::Write::write_all(&mut staged, bytes);
        let received = self.wire.receive(&whole, transfer, &mut sink).await;
        received.map_err(|unmoved| {
            self.unmoved(operation, remote, unmoved, |error| {
                OpenError::from_io(&**files, local, Purpose::Write, error)
            })
        })?;
        let bytes = staged.written();
        let put = staged.commit();
        put.map_err(|error| self.fail_locally(operation, remote, error))?;
        Ok(bytes)
    }

    /// Brings a file of this machine to the server, under the name `remote`. The number of bytes read. What a failure
    /// leaves at the server is the server's matter: a part of the file, as a rule.
    ///
    /// # Errors
    /// [`FtpError`] (`DTS_E_FTPTASK_UNABLETOSENDFILES`); [`FtpFault::Exists`] if `remote` is there and may not be
    /// replaced, [`FtpFault::Local`] if `local` cannot be read.
    pub async fn send(
        &mut self,
        files: &Arc<dyn Files>,
        local: &Path,
        remote: &str,
        transfer: Transfer,
        overwrite: bool,
    ) -> Result<u64, FtpError> {
        let operation = FtpOperation::Send;
        let whole = self.whole(operation, remote)?;
        let mut file = InputFile::open_in(&**files, local)
            .map_err(|error| self.fail_locally(operation, remote, error))?;
        let (directory, name) = divided(&whole);
        if !overwrite {
            let found = self.matching(directory, name).await;
            let found = found.map_err(|refusal| self.fail(operation, remote, refusal))?;
            if !found.is_empty() {
                let refusal = Refusal::new(FtpFault::Exists, "it is there and may not be replaced");
                return Err(self.fail(operation, remote, refusal));
            }
        }
        let mut bytes = 0;
        let mut source = |piece: &mut [u8]| {
            let count = std::io::Read::read(&mut file, piece)?;
            bytes += count as u64;
            Ok(count)
        };
        let sent = self.wire.send(&whole, transfer, &mut source).await;
        sent.map_err(|unmoved| {
            self.unmoved(operation, remote, unmoved, |error| {
                OpenError::new(local, Purpose::Read, OpenFault::Io(error))
            })
        })?;
        Ok(bytes)
    }

    /// Makes a directory, in one that is there.
    ///
    /// # Errors
    /// [`FtpError`] (`DTS_E_FTPTASK_UNABLETOMAKEDIRREMOTE`), also if it is there already.
    pub async fn make_directory(&mut self, path: &str) -> Result<(), FtpError> {
        let operation = FtpOperation::MakeDirectory;
        let whole = self.whole(operation, path)?;
        let made = self.wire.make_directory(&whole).await;
        made.map_err(|refusal| self.fail(operation, path, refusal))
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// [`FtpError`] (`DTS_E_FTPTASK_UNABLETOREMOVEDIRREMOTE`).
    pub async fn remove_directory(&mut self, path: &str) -> Result<(), FtpError> {
        let operation = FtpOperation::RemoveDirectory;
        let whole = self.whole(operation, path)?;
        let removed = self.wire.remove_directory(&whole).await;
        removed.map_err(|refusal| self.fail(operation, path, refusal))
    }

    /// Deletes one file.
    ///
    /// # Errors
    /// [`FtpError`] (`DTS_E_FTPTASK_UNABLETODELETEREMOTEFILES`).
    pub async fn delete(&mut self, path: &str) -> Result<(), FtpError> {
        let operation = FtpOperation::Delete;
        let whole = self.whole(operation, path)?;
        let removed = self.wire.delete(&whole).await;
        removed.map_err(|refusal| self.fail(operation, path, refusal))
    }

    /// Says good-bye. Who only drops the connection breaks it off, which servers bear.
    ///
    /// # Errors
    /// [`FtpError`]
    pub async fn close(mut self) -> Result<(), FtpError> {
        let closed = self.wire.close().await;
        closed.map_err(|refusal| failure(&self.settings, FtpOperation::Connect, None, refusal))
    }

    /// What a name or pattern means in a directory; case counts as it does there.
    async fn matching(
        &mut self,
        directory: &str,
        pattern: &str,
    ) -> Result<Vec<RemoteEntry>, Refusal> {
        let folds = self.wire.folds_case();
        let folded = |name: &str| match folds {
            true => name.to_lowercase(),
            false => name.to_owned(),
        };
        let pattern = folded(pattern);
        let mut entries = self.wire.list(directory).await?;
        entries.retain(|entry| wildcard::matches(&pattern, &folded(&entry.name)));
        Ok(entries)
    }

    fn whole(&self, operation: FtpOperation, path: &str) -> Result<String, FtpError> {
        whole(path, &self.settings.root, self.wire.home())
            .map_err(|refusal| self.fail(operation, path, refusal))
    }

    fn fail(&self, operation: FtpOperation, path: &str, refusal: Refusal) -> FtpError {
        failure(&self.settings, operation, Some(path), refusal)
    }

    fn fail_locally(&self, operation: FtpOperation, path: &str, error: OpenError) -> FtpError {
        let refusal = Refusal::new(FtpFault::Local, error.to_string());
        FtpError {
            local: Some(Box::new(error)),
            ..self.fail(operation, path, refusal)
        }
    }

    fn unmoved(
        &self,
        operation: FtpOperation,
        path: &str,
        unmoved: Unmoved,
        local: impl FnOnce(std::io::Error) -> OpenError,
    ) -> FtpError {
        match unmoved {
            Unmoved::Remote(refusal) => self.fail(operation, path, refusal),
            Unmoved::Local(error) => self.fail_locally(operation, path, local(error)),
        }
    }
}

fn failure(
    settings: &FtpSettings,
    operation: FtpOperation,
    path: Option<&str>,
    refusal: Refusal,
) -> FtpError {
    FtpError {
        server: settings.shown(),
        operation,
        path: path.map(str::to_owned),
        fault: refusal.fault,
        message: settings.password.mask(&refusal.message),
        local: None,
    }
}

async fn open(settings: &FtpSettings) -> Result<Box<dyn Wire>, Refusal> {
    let limit =
        (settings.timeout_seconds > 0).then(|| Duration::from_secs(settings.timeout_seconds));
    let place = (settings.host.as_str(), settings.port);
    let reached = async {
        TcpStream::connect(place).await.map_err(|error| {
            let place = shown_place(&settings.host, settings.port);
            let message = format!("no server answers at {place}: {error}; check host and port");
            Refusal::new(FtpFault::Unreachable, message)
        })
    };
    let stream = within(limit, reached).await?;
    Ok(match settings.protocol {
        FtpProtocol::Ftp | FtpProtocol::Ftps => {
            Box::new(FtpWire::open(settings, stream, limit).await?)
        }
        #[cfg(not(feature = "sftp"))]
        FtpProtocol::Sftp => {
            let message = "this build has no SFTP; take one with the feature `sftp`";
            return Err(Refusal::new(FtpFault::Refused, message));
        }
        #[cfg(feature = "sftp")]
        FtpProtocol::Sftp => Box::new(SftpWire::open(settings, stream, limit).await?),
    })
}
