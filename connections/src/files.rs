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
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use rustix::fs::{CWD, RenameFlags, renameat_with};

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
    /// Gives `to` the time of the last change of `from`.
    fn copy_modified(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// When the content last changed.
    fn modified(&self, path: &Path) -> io::Result<SystemTime>;
    /// Whether somebody may execute it: a regular file.
    fn is_executable(&self, path: &Path) -> io::Result<bool>;
    /// Takes the right to write from everybody, or gives it to the owner.
    fn set_read_only(&self, path: &Path, read_only: bool) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Renames to a name that is free; fails with [`io::ErrorKind::AlreadyExists`] if it is taken.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// A new folder; the one around it must exist.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty folder.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
    /// Whether it is a symbolic link, wherever that leads.
    fn is_link(&self, path: &Path) -> io::Result<bool>;
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
    /// Forces what was written to the disk.
    fn force(&mut self) -> io::Result<()>;
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

    fn copy_modified(&self, from: &Path, to: &Path) -> io::Result<()> {
        let modified = std::fs::metadata(from)?.modified()?;
        File::open(to)?.set_modified(modified)
    }

    fn modified(&self, path: &Path) -> io::Result<SystemTime> {
        std::fs::metadata(path)?.modified()
    }

    fn is_executable(&self, path: &Path) -> io::Result<bool> {
        let found = std::fs::metadata(path)?;
        Ok(found.is_file() && found.permissions().mode() & 0o111 != 0)
    }

    fn set_read_only(&self, path: &Path, read_only: bool) -> io::Result<()> {
        let mut permissions = std::fs::metadata(path)?.permissions();
        let mode = permissions.mode();
        permissions.set_mode(match read_only {
            true => mode & !0o222,
            false => mode | 0o200,
        });
        std::fs::set_permissions(path, permissions)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // A file system that cannot do it at once.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                match std::fs::symlink_metadata(to) {
                    Ok(_) => Err(io::Error::from(io::ErrorKind::AlreadyExists)),
                    Err(_) => std::fs::rename(from, to),
                }
            }
            renamed => Ok(renamed?),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir(path)
    }

    fn is_link(&self, path: &Path) -> io::Result<bool> {
        Ok(std::fs::symlink_metadata(path)?.is_symlink())
    }
}

/// Files that runs restart from.
impl LocalFiles {
    /// A file to lock, made if it is not there.
    pub(crate) fn open_lock_file(self, path: &Path) -> io::Result<File> {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
    }

    /// Whether the open file is the one that stands at a path.
    pub(crate) fn is_file_at(self, file: &File, path: &Path) -> io::Result<bool> {
        let open = file.metadata()?;
        match std::fs::metadata(path) {
            Ok(found) => Ok((found.dev(), found.ino()) == (open.dev(), open.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Forces the names in a folder to the disk.
    pub(crate) fn force_folder(self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
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

/// Owner and rights of what stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ownership {
    pub(crate) is_folder: bool,
    pub(crate) user_id: u32,
    /// As `chmod` takes them.
    pub(crate) mode: u32,
}

/// Folders of one user alone.
impl LocalFiles {
    /// A new folder that nobody else may look into.
    pub(crate) fn create_private_folder(self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(path)
    }

    /// Whose it is; a link is looked at itself.
    pub(crate) fn ownership(self, path: &Path) -> io::Result<Ownership> {
        let found = std::fs::symlink_metadata(path)?;
        Ok(Ownership {
            is_folder: found.is_dir(),
            user_id: found.uid(),
            mode: found.mode() & 0o7777,
        })
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

    fn force(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }
}
