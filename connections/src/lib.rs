//! From a connection manager to something open. The only crate that opens files and sockets.
//!
//! ```text
//!  ConnectionString ──PathMap──▶ local path ──Files──▶ InputFile   (read, read_at)
//!                                                └───▶ StagedFile  (write, then commit or roll back)
//! ```
//!
//! [`Connections`] holds the connection managers of a package with the user's overrides; [`PathMap`] turns the Windows
//! paths they name into local ones; [`InputFile`] and [`StagedFile`] read and write. Every file operation goes through
//! the [`Files`] trait, so that a test can make the n-th one fail.

#![cfg_attr(
    test,
    expect(
        clippy::disallowed_methods,
        reason = "tests make and look at their own files"
    )
)]

mod address;
mod connections;
pub mod database;
pub mod file_operations;
mod file_path;
mod files;
pub mod ftp;
pub mod http;
mod input_file;
mod log_file;
pub mod mail;
mod manager_kinds;
mod open_error;
pub mod package_files;
mod path_map;
pub mod process;
pub mod restart_file;
pub mod run_sockets;
mod secret;
mod settings_error;
pub mod sql;
mod staged_file;
#[cfg(test)]
mod test_servers;
mod tls;
mod wildcard;
mod windows_path;

pub use connections::{Connections, DatabaseConnectionError, FileConnectionError, UnknownName};
pub use file_path::{resolve_file, resolve_files};
pub use files::{FileHandle, FileKind, Files, LocalFiles};
pub use input_file::InputFile;
pub use log_file::{LogFile, write_error};
pub use manager_kinds::{LeadsTo, MANAGER_KINDS, ManagerKind, manager_kind};
pub use open_error::{OpenError, OpenFault, Purpose};
pub use path_map::{PathError, PathFault, PathMap, PathRule, RuleError};
pub use secret::Secret;
pub use settings_error::{ServerConnectionError, SettingsError};
pub use staged_file::StagedFile;
pub use tls::TlsTrust;
