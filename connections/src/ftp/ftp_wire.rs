//! FTP, with and without TLS.

use std::{net::SocketAddr, time::Duration};

use async_trait::async_trait;
use suppaftp::{
    FtpError as ClientError, Mode, Status,
    list::{File, ListParser},
    tokio::{AsyncNativeTlsConnector, AsyncNativeTlsFtpStream},
    types::Response,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    error::{FtpFault, Refusal},
    settings::{FtpProtocol, FtpSettings},
    wire::{RemoteEntry, RemoteKind, Sink, Source, Transfer, Unmoved, Wire, piece_bytes, within},
};

/// A connection of FTP, logged in.
pub(super) struct FtpWire {
    client: AsyncNativeTlsFtpStream,
    home: String,
    folds_case: bool,
    /// The server has MLSD, a listing that is made for programs.
    has_mlsd: bool,
    limit: Option<Duration>,
    piece_bytes: usize,
}

impl FtpWire {
    /// Connects and logs in; with TLS before the login where the settings say so.
    pub(super) async fn open(
        settings: &FtpSettings,
        stream: TcpStream,
        limit: Option<Duration>,
    ) -> Result<Self, Refusal> {
        let mut client = within(limit, async {
            let client = AsyncNativeTlsFtpStream::connect_with_stream(stream).await;
            client.map_err(refusal)
        })
        .await?;
        if settings.protocol == FtpProtocol::Ftps {
            let connector = connector(settings)?;
            client = within(limit, async {
                let secured = client.into_secure(connector, &settings.host).await;
                secured.map_err(refusal)
            })
            .await?;
        }
        let password = match settings.password.reveal() {
            "" if settings.user == "anonymous" => "anonymous@",
            password => password,
        };
        let login = async { client.login(settings.user.as_str(), password).await };
        within(limit, async { login.await.map_err(login_refusal) }).await?;
        if !settings.passive {
            client = client.active_mode(limit.unwrap_or(Duration::MAX));
        } else if client.get_ref().await.peer_addr().is_ok_and(is_ipv6) {
            client.set_mode(Mode::ExtendedPassive);
        } else {
            // Servers behind a router tell the address that they have inside.
            client.set_passive_nat_workaround(true);
        }
        let mut wire = Self {
            client,
            home: "/".to_owned(),
            folds_case: false,
            has_mlsd: false,
            limit,
            piece_bytes: piece_bytes(settings.chunk_kilobytes),
        };
        wire.look_around().await?;
        Ok(wire)
    }

    /// Asks what the server can do and where this user is.
    async fn look_around(&mut self) -> Result<(), Refusal> {
        let client = &mut self.client;
        let found = within(self.limit, async {
            // Old servers know none of this: what they refuse, they cannot do.
            let features = optional(client.feat().await)?.unwrap_or_default();
            let has = |name: &str| {
                let mut names = features.keys();
                names.any(|known| known.eq_ignore_ascii_case(name))
            };
            if has("UTF8") {
                optional(client.opts("UTF8", Some("ON")).await)?;
            }
            let kinds = [Status::Name, Status::System, Status::CommandOk];
            let system = optional(client.custom_command("SYST", &kinds).await)?;
            let system = system.map(|system| words(&system)).unwrap_or_default();
            let home = client.pwd().await.map_err(refusal)?;
            let has_mlsd = has("MLST") || has("MLSD");
            Ok((home, has_mlsd, system.contains("Windows")))
        });
        (self.home, self.has_mlsd, self.folds_case) = found.await?;
        Ok(())
    }

    async fn set_type(&mut self, transfer: Transfer) -> Result<(), Refusal> {
        let command = match transfer {
            Transfer::Binary => "TYPE I",
            Transfer::Ascii => "TYPE A",
        };
        let client = &mut self.client;
        within(self.limit, async {
            let set = client.custom_command(command, &[Status::CommandOk]).await;
            set.map(drop).map_err(refusal)
        })
        .await
    }

    async fn lines(&mut self, directory: &str) -> Result<Vec<String>, Refusal> {
        let has_mlsd = self.has_mlsd;
        let client = &mut self.client;
        within(self.limit, async {
            if has_mlsd {
                return client.mlsd(Some(directory)).await.map_err(refusal);
            }
            // LIST takes options in place of names, and what it does with blanks is anybody's guess: so go there first.
            client.cwd(directory).await.map_err(refusal)?;
            client.list(None).await.map_err(refusal)
        })
        .await
    }
}

#[async_trait]
impl Wire for FtpWire {
    fn home(&self) -> &str {
        &self.home
    }

    fn folds_case(&self) -> bool {
        self.folds_case
    }

    async fn list(&mut self, directory: &str) -> Result<Vec<RemoteEntry>, Refusal> {
        let lines = self.lines(directory).await?;
        let mut entries = Vec::with_capacity(lines.len());
        for line in lines
            .iter()
            .map(|line| line.trim_end_matches(['\r', '\n']))
            .filter(|line| !line.is_empty() && !line.starts_with("total "))
        {
            let read = match self.has_mlsd {
                true if is_self_or_parent(line) => continue,
                true => ListParser::parse_mlsd(line),
                false => ListParser::parse_posix(line).or_else(|_| ListParser::parse_dos(line)),
            };
            let file = read.map_err(|error| {
                let message =
                    format!("a line of the listing is not understood ({error}): `{line}`");
                Refusal::new(FtpFault::Refused, message)
            })?;
            if !matches!(file.name(), "." | "..") {
                entries.push(entry(&file));
            }
        }
        Ok(entries)
    }

    async fn receive(
        &mut self,
        path: &str,
        transfer: Transfer,
        sink: &mut Sink<'_>,
    ) -> Result<(), Unmoved> {
        self.set_type(transfer).await?;
        let client = &mut self.client;
        let opened = async { client.retr_as_stream(path).await.map_err(refusal) };
        let mut data = within(self.limit, opened).await?;
        let mut piece = vec![0; self.piece_bytes];
        loop {
            let read = async { Ok(data.read(&mut piece).await?) };
            let count = within(self.limit, read).await?;
            if count == 0 {
                break;
            }
            let bytes = piece.get(..count).unwrap_or_default();
            sink(bytes).map_err(Unmoved::Local)?;
        }
        // The end of the data may be a broken connection: only the server's reply says that this was all.
        let finished = async { data.finish().await.map_err(refusal) };
        Ok(within(self.limit, finished).await?)
    }

    async fn send(
        &mut self,
        path: &str,
        transfer: Transfer,
        source: &mut Source<'_>,
    ) -> Result<(), Unmoved> {
        self.set_type(transfer).await?;
        let client = &mut self.client;
        let opened = async { client.put_with_stream(path).await.map_err(refusal) };
        let mut data = within(self.limit, opened).await?;
        let mut piece = vec![0; self.piece_bytes];
        let mut lines = Lines::default();
        loop {
            let count = source(&mut piece).map_err(Unmoved::Local)?;
            if count == 0 {
                break;
            }
            let bytes = piece.get(..count).unwrap_or_default();
            let bytes = match transfer {
                Transfer::Binary => bytes,
                Transfer::Ascii => lines.with_crlf(bytes),
            };
            let written = async { Ok(data.write_all(bytes).await?) };
            within(self.limit, written).await?;
        }
        let finished = async { data.finish().await.map_err(refusal) };
        Ok(within(self.limit, finished).await?)
    }

    async fn make_directory(&mut self, path: &str) -> Result<(), Refusal> {
        let client = &mut self.client;
        let made = async { client.mkdir(path).await.map_err(refusal) };
        within(self.limit, made).await
    }

    async fn remove_directory(&mut self, path: &str) -> Result<(), Refusal> {
        let client = &mut self.client;
        let removed = async { client.rmdir(path).await.map_err(refusal) };
        within(self.limit, removed).await
    }

    async fn delete(&mut self, path: &str) -> Result<(), Refusal> {
        let client = &mut self.client;
        let removed = async { client.rm(path).await.map_err(refusal) };
        within(self.limit, removed).await
    }

    async fn close(&mut self) -> Result<(), Refusal> {
        let client = &mut self.client;
        let closed = async { client.quit().await.map_err(refusal) };
        within(self.limit, closed).await
    }
}

fn connector(settings: &FtpSettings) -> Result<AsyncNativeTlsConnector, Refusal> {
    let trust = &settings.trust;
    let untrusted = |message: String| Refusal::new(FtpFault::Untrusted, message);
    let mut connector = suppaftp::async_native_tls::TlsConnector::new()
        .danger_accept_invalid_certs(trust.any_certificate)
        .danger_accept_invalid_hostnames(trust.any_certificate);
    for pem in trust
        .certificates()
        .map_err(|error| untrusted(error.to_string()))?
    {
        let certificate = suppaftp::async_native_tls::Certificate::from_pem(&pem);
        connector = connector
            .add_root_certificate(certificate.map_err(|error| untrusted(error.to_string()))?);
    }
    Ok(connector.into())
}

fn is_ipv6(address: SocketAddr) -> bool {
    address.is_ipv6()
}

/// MLSD tells of the directory itself and of the one above.
fn is_self_or_parent(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    line.contains("type=cdir;") || line.contains("type=pdir;")
}

fn entry(file: &File) -> RemoteEntry {
    RemoteEntry {
        name: file.name().to_owned(),
        kind: if file.is_directory() {
            RemoteKind::Directory
        } else {
            // A link may lead anywhere; who receives it will see.
            RemoteKind::File
        },
        len: file.is_file().then(|| file.size() as u64),
    }
}

/// What a server that lacks a command says to it.
fn optional<T>(answer: Result<T, ClientError>) -> Result<Option<T>, Refusal> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(ClientError::UnexpectedResponse(_) | ClientError::BadResponse) => Ok(None),
        Err(error) => Err(refusal(error)),
    }
}

fn words(response: &Response) -> String {
    String::from_utf8_lossy(&response.body).trim().to_owned()
}

fn login_refusal(error: ClientError) -> Refusal {
    match error {
        ClientError::UnexpectedResponse(response) => {
            let message = format!(
                "the server does not let the user in: {}; check user and password",
                words(&response)
            );
            Refusal::new(FtpFault::Login, message)
        }
        other => refusal(other),
    }
}

fn refusal(error: ClientError) -> Refusal {
    match error {
        ClientError::ConnectionError(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            let message = "no connection for data came about in time; try the other of active and passive mode \
                           (UsePassiveMode of the connection manager, `passive=` of its address)";
            Refusal::new(FtpFault::Timeout, message)
        }
        ClientError::ConnectionError(error) => Refusal::lost(&error),
        // All that is left of a broken connection is its text.
        ClientError::SecureError(message) if message.contains("(os error ") => {
            Refusal::lost(&message)
        }
        ClientError::SecureError(message) => Refusal::new(
            FtpFault::Untrusted,
            format!(
                "no TLS with this server: {message}; name its authority with `ca_file=FILE` in the address, if you know it"
            ),
        ),
        ClientError::UnexpectedResponse(response) => {
            let words = words(&response);
            Refusal::new(fault_of(response.status, &words), words)
        }
        other => Refusal::new(
            FtpFault::Lost,
            format!("the server is not understood: {other}"),
        ),
    }
}

/// One number stands for several reasons; the words say which.
fn fault_of(status: Status, words: &str) -> FtpFault {
    let words = words.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    match status {
        Status::NotLoggedIn => FtpFault::Login,
        Status::NotAvailable | Status::CannotOpenDataConnection | Status::TransferAborted => {
            FtpFault::Lost
        }
        _ if has(&[
            "no such",
            "not found",
            "cannot find",
            "does not exist",
            "doesn't exist",
        ]) =>
        {
            FtpFault::Missing
        }
        _ if has(&["exists"]) => FtpFault::Exists,
        _ if has(&["denied", "permission", "not enough privileges"]) => FtpFault::Denied,
        _ => FtpFault::Refused,
    }
}

/// Ends of lines on their way to a server.
#[derive(Debug, Default)]
struct Lines {
    after_cr: bool,
    sent: Vec<u8>,
}

impl Lines {
    /// A piece of text with a CR before each LF that has none.
    fn with_crlf(&mut self, piece: &[u8]) -> &[u8] {
        self.sent.clear();
        for &byte in piece {
            if byte == b'\n' && !self.after_cr {
                self.sent.push(b'\r');
            }
            self.sent.push(byte);
            self.after_cr = byte == b'\r';
        }
        &self.sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_cr_lf_across_pieces() {
        let mut lines = Lines::default();
        let mut sent = Vec::new();
        for piece in ["a\nb\r", "\nc\r\n\n", "\r", "d"] {
            sent.extend_from_slice(lines.with_crlf(piece.as_bytes()));
        }
        assert_eq!(String::from_utf8(sent).unwrap(), "a\r\nb\r\nc\r\n\r\n\rd");
    }
}
