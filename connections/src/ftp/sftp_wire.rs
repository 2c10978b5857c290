//! SFTP: files over SSH.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use russh::{
    client::{self, AuthResult, Handle, KeyboardInteractiveAuthResponse},
    keys::{PrivateKeyWithHashAlg, PublicKeyOrCertificate, decode_secret_key},
};
use russh_sftp::{
    client::{SftpSession, error::Error as SftpError},
    protocol::{FileType, StatusCode},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    error::{FtpFault, Refusal},
    host_key::{HostKeyCheck, Verdict},
    settings::FtpSettings,
    wire::{RemoteEntry, RemoteKind, Sink, Source, Transfer, Unmoved, Wire, piece_bytes, within},
};
use crate::package_files;

/// A session of SFTP, logged in.
pub(super) struct SftpWire {
    /// Dropped, it ends the connection.
    ssh: Handle<Client>,
    sftp: SftpSession,
    home: String,
    limit: Option<Duration>,
    piece_bytes: usize,
}

/// Largest private key, in bytes.
const KEY_BYTES_MAX: u64 = 1 << 20;
/// Questions that a server may ask before it lets a user in.
const QUESTIONS_MAX: usize = 8;
/// For the library, which wants a number where there is no limit: ten years, in seconds.
const NO_LIMIT_SECONDS: u64 = 10 * 365 * 24 * 3600;

impl SftpWire {
    /// Connects, believes the server's key or not, and logs in.
    pub(super) async fn open(
        settings: &FtpSettings,
        stream: TcpStream,
        limit: Option<Duration>,
    ) -> Result<Self, Refusal> {
        let check = HostKeyCheck::new(settings);
        let verdict = check.verdict();
        let connected = async {
            let config = Arc::new(client::Config {
                nodelay: true,
                ..client::Config::default()
            });
            let connected = client::connect_stream(config, stream, Client { check }).await;
            connected.map_err(|error| match verdict.lock().take() {
                Some(message) => Refusal::new(FtpFault::Untrusted, message),
                None => ssh_refusal(&error),
            })
        };
        let mut ssh = within(limit, Box::pin(connected)).await?;
        within(limit, Box::pin(log_in(&mut ssh, settings))).await?;
        let opened = async {
            let channel = ssh.channel_open_session().await;
            let channel = channel.map_err(|error| ssh_refusal(&error))?;
            let asked = channel.request_subsystem(true, "sftp").await;
            asked.map_err(|error| ssh_refusal(&error))?;
            let sftp = SftpSession::new(channel.into_stream()).await;
            let sftp = sftp.map_err(|error| {
                let message = format!("the server offers no SFTP: {error}");
                Refusal::new(FtpFault::Refused, message)
            })?;
            sftp.set_timeout(limit.map_or(NO_LIMIT_SECONDS, |limit| limit.as_secs().max(1)));
            let home = sftp.canonicalize(".").await.map_err(refusal)?;
            Ok((sftp, home))
        };
        let (sftp, home) = within(limit, Box::pin(opened)).await?;
        Ok(Self {
            ssh,
            sftp,
            home,
            limit,
            piece_bytes: piece_bytes(settings.chunk_kilobytes),
        })
    }

    /// A link is what it leads to.
    async fn followed(&self, path: &str) -> RemoteKind {
        match self.sftp.metadata(path).await {
            Ok(found) => kind(found.file_type()),
            Err(_) => RemoteKind::Other,
        }
    }
}

#[async_trait]
impl Wire for SftpWire {
    fn home(&self) -> &str {
        &self.home
    }

    fn folds_case(&self) -> bool {
        false
    }

    async fn list(&mut self, directory: &str) -> Result<Vec<RemoteEntry>, Refusal> {
        let found = async { self.sftp.read_dir(directory).await.map_err(refusal) };
        let mut entries = Vec::new();
        for found in within(self.limit, found).await? {
            let name = found.file_name();
            let metadata = found.metadata();
            let kind = match found.file_type() {
                FileType::Symlink => self.followed(&format!("{directory}/{name}")).await,
                other => kind(other),
            };
            entries.push(RemoteEntry {
                name,
                kind,
                len: metadata.size.filter(|_| kind == RemoteKind::File),
            });
        }
        Ok(entries)
    }

    async fn receive(
        &mut self,
        path: &str,
        _transfer: Transfer,
        sink: &mut Sink<'_>,
    ) -> Result<(), Unmoved> {
        let opened = async { self.sftp.open(path).await.map_err(refusal) };
        let mut file = within(self.limit, opened).await?;
        let mut piece = vec![0; self.piece_bytes];
        loop {
            let read = async { file.read(&mut piece).await.map_err(io_refusal) };
            let count = within(self.limit, read).await?;
            if count == 0 {
                break;
            }
            let bytes = piece.get(..count).unwrap_or_default();
            sink(bytes).map_err(Unmoved::Local)?;
        }
        let closed = async { file.close().await.map_err(io_refusal) };
        Ok(within(self.limit, closed).await?)
    }

    async fn send(
        &mut self,
        path: &str,
        _transfer: Transfer,
        source: &mut Source<'_>,
    ) -> Result<(), Unmoved> {
        let opened = async { self.sftp.create(path).await.map_err(refusal) };
        let mut file = within(self.limit, opened).await?;
        let mut piece = vec![0; self.piece_bytes];
        loop {
            let count = source(&mut piece).map_err(Unmoved::Local)?;
            if count == 0 {
                break;
            }
            let bytes = piece.get(..count).unwrap_or_default();
            let written = async { file.write_all(bytes).await.map_err(io_refusal) };
            within(self.limit, written).await?;
        }
        let closed = async { file.close().await.map_err(io_refusal) };
        Ok(within(self.limit, closed).await?)
    }

    async fn make_directory(&mut self, path: &str) -> Result<(), Refusal> {
        let made = async {
            match self.sftp.create_dir(path).await {
                Err(error) if is_failure(&error) => match self.sftp.try_exists(path).await {
                    Ok(true) => Err(Refusal::new(FtpFault::Exists, "it is there already")),
                    _ => Err(refusal(error)),
                },
                other => other.map_err(refusal),
            }
        };
        within(self.limit, made).await
    }

    async fn remove_directory(&mut self, path: &str) -> Result<(), Refusal> {
        let removed = async {
            match self.sftp.remove_dir(path).await {
                Err(error) if is_failure(&error) => Err(Refusal::new(
                    FtpFault::Refused,
                    format!("{error}; a directory that is not empty stays: delete what is in it"),
                )),
                other => other.map_err(refusal),
            }
        };
        within(self.limit, removed).await
    }

    async fn delete(&mut self, path: &str) -> Result<(), Refusal> {
        let removed = async { self.sftp.remove_file(path).await.map_err(refusal) };
        within(self.limit, removed).await
    }

    async fn close(&mut self) -> Result<(), Refusal> {
        let closed = async {
            self.sftp.close().await.map_err(refusal)?;
            let told = self
                .ssh
                .disconnect(russh::Disconnect::ByApplication, "", "en");
            told.await.map_err(|error| ssh_refusal(&error))
        };
        within(self.limit, closed).await
    }
}

/// What SSH asks its client while it connects.
pub(super) struct Client {
    check: HostKeyCheck,
}

impl client::Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        key: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        Ok(self.check.believe(key) == Verdict::Believed)
    }
}

/// With the key file if there is one, else with the password, which some servers ask for as a question.
async fn log_in(ssh: &mut Handle<Client>, settings: &FtpSettings) -> Result<(), Refusal> {
    let broken = |error: russh::Error| ssh_refusal(&error);
    let user = settings.user.as_str();
    if let Some(file) = &settings.key_file {
        let key = Arc::new(read_key(settings, file)?);
        let hash = ssh.best_supported_rsa_hash().await.map_err(broken)?;
        let key = PrivateKeyWithHashAlg::new(key, hash.flatten());
        let answer = ssh.authenticate_publickey(user, key).await;
        return let_in(&answer.map_err(broken)?, "the key of `key_file`");
    }
    let password = settings.password.reveal();
    let answer = ssh.authenticate_password(user, password).await;
    let answer = answer.map_err(broken)?;
    if answer.success() {
        return Ok(());
    }
    let mut asked = ssh
        .authenticate_keyboard_interactive_start(user, None)
        .await
        .map_err(broken)?;
    for _ in 0..QUESTIONS_MAX {
        match asked {
            KeyboardInteractiveAuthResponse::Success => return Ok(()),
            KeyboardInteractiveAuthResponse::Failure { .. } => break,
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                let answers = prompts.iter().map(|_| password.to_owned()).collect();
                asked = ssh
                    .authenticate_keyboard_interactive_respond(answers)
                    .await
                    .map_err(broken)?;
            }
        }
    }
    let_in(&answer, "the password")
}

fn read_key(
    settings: &FtpSettings,
    file: &std::path::Path,
) -> Result<russh::keys::PrivateKey, Refusal> {
    let refuse = |message: String| Refusal::new(FtpFault::Login, message);
    let bytes = package_files::read(file, KEY_BYTES_MAX);
    let bytes = bytes.map_err(|error| refuse(error.to_string()))?;
    let passphrase = Some(settings.password.reveal()).filter(|text| !text.is_empty());
    decode_secret_key(&String::from_utf8_lossy(&bytes), passphrase).map_err(|error| {
        refuse(format!(
            "`{}` is no private key that can be read ({error}); if it has a passphrase, give it as the password",
            file.display()
        ))
    })
}

fn let_in(answer: &AuthResult, with: &str) -> Result<(), Refusal> {
    match answer {
        AuthResult::Success => Ok(()),
        AuthResult::Failure {
            remaining_methods, ..
        } => {
            let methods: Vec<&str> = remaining_methods.iter().map(Into::into).collect();
            Err(Refusal::new(
                FtpFault::Login,
                format!(
                    "the server does not let the user in with {with}; it takes: {}",
                    methods.join(", ")
                ),
            ))
        }
    }
}

fn kind(found: FileType) -> RemoteKind {
    match found {
        FileType::File => RemoteKind::File,
        FileType::Dir => RemoteKind::Directory,
        FileType::Symlink | FileType::Other => RemoteKind::Other,
    }
}

fn ssh_refusal(error: &russh::Error) -> Refusal {
    Refusal::new(FtpFault::Lost, format!("SSH fails: {error}"))
}

/// The server's "something went wrong", which does not say what.
fn is_failure(error: &SftpError) -> bool {
    matches!(error, SftpError::Status(status) if status.status_code == StatusCode::Failure)
}

/// A failure while a file moves: the library tells it as one of the network.
fn io_refusal(error: std::io::Error) -> Refusal {
    if error.kind() == std::io::ErrorKind::TimedOut {
        return refusal(SftpError::Timeout);
    }
    Refusal::lost(&error)
}

fn refusal(error: SftpError) -> Refusal {
    let fault = match &error {
        SftpError::Status(status) => match status.status_code {
            StatusCode::NoSuchFile => FtpFault::Missing,
            StatusCode::PermissionDenied => FtpFault::Denied,
            StatusCode::NoConnection | StatusCode::ConnectionLost => FtpFault::Lost,
            _ => FtpFault::Refused,
        },
        SftpError::Timeout => FtpFault::Timeout,
        SftpError::Limited(_) => FtpFault::Refused,
        _ => FtpFault::Lost,
    };
    Refusal::new(fault, error.to_string())
}
