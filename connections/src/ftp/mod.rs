//! Servers of files: FTP, FTP with TLS, SFTP.
//!
//! ```text
//!  connection manager ──FtpSettings──▶ RemoteFiles ──Wire──▶ FTP (suppaftp) or SFTP (russh)
//!   or ftp://, ftps://, sftp://          │ list, receive, send, make and remove directory, delete
//!                                        └─ StagedFile: a received file appears whole or not at all
//! ```
//!
//! **Paths** of the package begin in the folder that an address names, else in the root of the server; a path without `/`
//! at its start begins in the directory where the login leads. A path never leads out of the address's folder.
//!
//! **Time.** Each answer may take the manager's `Timeout`. Dropping a future ends what it does: the connection is then of
//! no use, and a file that was being received is removed. Pieces of files are read and written where the future runs.

mod error;
mod ftp_wire;
#[cfg(feature = "sftp")]
mod host_key;
mod remote_files;
mod remote_path;
mod settings;
#[cfg(feature = "sftp")]
mod sftp_wire;
#[cfg(feature = "sftp")]
#[cfg(test)]
mod tests;
mod wire;

pub use error::{FtpError, FtpFault, FtpOperation};
pub use remote_files::RemoteFiles;
pub use settings::{FTP_SCHEMES, FtpProtocol, FtpSettings, HostKey};
pub(crate) use settings::{number, option_number};
pub use wire::{RemoteEntry, RemoteKind, Transfer};
