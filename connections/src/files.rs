//! The seam: every operation on the file system that Fletching makes.
//!
//! [`LocalFiles`] is the machine's own file system. A test wraps it and makes the n-th call fail.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the seam that others go through"
)]

use std::{
    ffi::OsString,
    fmt::Debug,
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file; `read_only` if nobody may write it.
    File {
        len: u64,
        read_only: bool,
    },
    Folder,
    /// A pipe, a terminal, `/dev/null`: can be read or written in order, not replaced.
    Device,
}

/// Operations by path. Errors are those of the operating system; callers add path and advice.
pub trait Files: Debug + Send + Sync {
    /// What a path leads to, links followed.
    fn kind(&self, path: &Path) -> io::Result<FileKind>;
    /// The path with its links resolved; it must exist.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf>;
    /// The names in a folder, in no particular order.
    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>>;
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn FileHandle>>;
    /// A new file; fails with [`io::ErrorKind::AlreadyExists`] if the name is taken.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn FileHandle>>;
    /// An existing file or device, for writing from its end.
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn FileHandle>>;
    /// Gives `to` the permissions of `from`.
    fn copy_permissions(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// One open file.
pub trait FileHandle: Debug + Send + Sync {
    /// Reads at a position; 0 at the end. Safe from several threads at once.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize>;
    /// Reads on from where the last `read` stopped: what a [`FileKind::Device`] can do.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn flush(&mut self) -> io::Result<()>;
    fn set_len(&mut self, len: u64) -> io::Result<()>;
}

/// The file system of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalFiles;

impl Files for LocalFiles {
    fn kind(&self, path: &Path) -> io::Result<FileKind> {
        let found = std::fs::metadata(path)?;
        Ok(if found.is_dir() {
            FileKind::Folder
        } else if found.is_file() {
            FileKind::File {
                len: found.len(),
                read_only: found.permissions().readonly(),
            }
        } else {
            FileKind::Device
        })
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::canonicalize(path)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        std::fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect()
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn FileHandle>> {
        Ok(Box::new(LocalFile(File::open(path)?)))
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn FileHandle>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)?;
        Ok(Box::new(LocalFile(file)))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn FileHandle>> {
        let file = OpenOptions::new().append(true).open(path)?;
        Ok(Box::new(LocalFile(file)))
    }

    fn copy_permissions(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::set_permissions(to, std::fs::metadata(from)?.permissions())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }
}

/// Folders, for stores of packages.
impl LocalFiles {
    pub(crate) fn create_folder(self, path: &Path) -> io::Result<()> {
        std::fs::create_dir(path)
    }

    /// Removes an empty folder.
    pub(crate) fn remove_folder(self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir(path)
    }
}

#[derive(Debug)]
struct LocalFile(File);

impl FileHandle for LocalFile {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        self.0.read_at(buffer, position)
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        io::Read::read(&mut self.0, buffer)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
}
