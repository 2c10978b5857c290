//! What a protocol has to do for [`RemoteFiles`](super::RemoteFiles); paths are whole, names are checked.

use std::{future::Future, io, time::Duration};

use async_trait::async_trait;

use super::error::{FtpFault, Refusal};

/// How the bytes of a file travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// As they are.
    Binary,
    /// As text: lines end with CR LF on the way and where the file arrives here, as in SSIS, whose machine keeps them so.
    /// The server turns them into its own. SFTP knows no such thing: there the bytes stay as they are.
    Ascii,
}

/// What stands in a directory of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteEntry {
    pub name: String,
    pub kind: RemoteKind,
    /// Length in bytes, where the server says it.
    pub len: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteKind {
    File,
    Directory,
    /// A device, a link that leads nowhere.
    Other,
}

/// Takes the bytes of a file that is received, piece by piece.
pub(super) type Sink<'s> = dyn FnMut(&[u8]) -> io::Result<()> + Send + 's;
/// Gives the bytes of a file that is sent; 0 at its end.
pub(super) type Source<'s> = dyn FnMut(&mut [u8]) -> io::Result<usize> + Send + 's;

/// Why a file did not move: the server, or the file of this machine.
#[derive(Debug)]
pub(super) enum Unmoved {
    Remote(Refusal),
    Local(io::Error),
}

impl From<Refusal> for Unmoved {
    fn from(refusal: Refusal) -> Self {
        Self::Remote(refusal)
    }
}

/// An open connection of one protocol.
#[async_trait]
pub(super) trait Wire: Send {
    /// The directory after the login.
    fn home(&self) -> &str;
    /// Names that differ only in case mean the same file there.
    fn folds_case(&self) -> bool;
    async fn list(&mut self, directory: &str) -> Result<Vec<RemoteEntry>, Refusal>;
    async fn receive(
        &mut self,
        path: &str,
        transfer: Transfer,
        sink: &mut Sink<'_>,
    ) -> Result<(), Unmoved>;
    async fn send(
        &mut self,
        path: &str,
        transfer: Transfer,
        source: &mut Source<'_>,
    ) -> Result<(), Unmoved>;
    async fn make_directory(&mut self, path: &str) -> Result<(), Refusal>;
    async fn remove_directory(&mut self, path: &str) -> Result<(), Refusal>;
    async fn delete(&mut self, path: &str) -> Result<(), Refusal>;
    /// Says good-bye.
    async fn close(&mut self) -> Result<(), Refusal>;
}

/// Waits for an answer, `None` for as long as it takes.
pub(super) async fn within<T>(
    limit: Option<Duration>,
    answer: impl Future<Output = Result<T, Refusal>> + Send,
) -> Result<T, Refusal> {
    match limit {
        None => answer.await,
        Some(limit) => match tokio::time::timeout(limit, answer).await {
            Ok(answered) => answered,
            Err(_) => Err(Refusal::new(
                FtpFault::Timeout,
                format!(
                    "no answer for {} seconds; set Timeout of the connection manager (or `timeout=` of its address) if \
                     the server needs longer",
                    limit.as_secs_f32()
                ),
            )),
        },
    }
}

/// Smallest and largest pieces in which files move, in bytes.
const PIECE_BYTES: std::ops::RangeInclusive<usize> = 32 << 10..=4 << 20;

/// How much moves at a time.
pub(super) fn piece_bytes(chunk_kilobytes: u32) -> usize {
    (chunk_kilobytes as usize)
        .saturating_mul(1024)
        .clamp(*PIECE_BYTES.start(), *PIECE_BYTES.end())
}
