//! A file that grows entry by entry while a run goes on: a log.
//!
//! ```text
//! open ─▶ the file itself, made if it is not there; what another run left in it stays
//! write ─▶ one call of the operating system for each entry, so that entries of several runs do not mix
//! ```

use std::{io, path::Path, sync::Arc};

use crate::{
    FileHandle, FileKind, Files, LocalFiles, OpenError, OpenFault, Purpose,
    staged_file::{missing_folder, writable},
};

/// An open log. What was written stays, whatever becomes of the run.
#[derive(Debug)]
pub struct LogFile {
    handle: Box<dyn FileHandle>,
    len: u64,
    tail: Vec<u8>,
}

impl LogFile {
    /// Opens a log for writing at its end, and reads its last `tail_max` bytes.
    ///
    /// # Errors
    /// [`OpenError`] if it is a folder or read-only, or its folder is missing or read-only.
    pub fn open(files: &Arc<dyn Files>, path: &Path, tail_max: usize) -> Result<Self, OpenError> {
        let fail = |error| OpenError::from_io(&**files, path, Purpose::Append, error);
        let (len, tail) = match writable(&**files, path, Purpose::Append)? {
            Some(FileKind::File { len, .. }) => {
                let tail = read_tail(files, path, len, tail_max).map_err(fail)?;
                (len, tail)
            }
            Some(_) => (0, Vec::new()),
            None => {
                let made = files.create_new(path).map(|_| ());
                match made {
                    // Made by another run meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    made => made.map_err(|error| missing_folder(files, path, fail(error)))?,
                }
                (0, Vec::new())
            }
        };
        Ok(Self {
            handle: files.open_append(path).map_err(fail)?,
            len,
            tail,
        })
    }

    /// As [`open`](Self::open), among the files of this machine, without a look at its end.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_local(path: &Path) -> Result<Self, OpenError> {
        let files: Arc<dyn Files> = Arc::new(LocalFiles);
        Self::open(&files, path, 0)
    }

    /// Length of the file when it was opened.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing was in it when it was opened.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its last bytes when it was opened.
    pub fn tail(&self) -> &[u8] {
        &self.tail
    }

    /// Cuts off what comes after `len` bytes.
    ///
    /// # Errors
    /// The operating system's.
    pub fn cut(&mut self, len: u64) -> io::Result<()> {
        self.handle.set_len(len)
    }

    /// Writes at the end, at once.
    ///
    /// # Errors
    /// The operating system's.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.handle.write_all(bytes)?;
        self.handle.flush()
    }
}

/// An error of this file for people.
pub fn write_error(path: &Path, error: io::Error) -> OpenError {
    OpenError::new(path, Purpose::Append, OpenFault::Io(error))
}

fn read_tail(
    files: &Arc<dyn Files>,
    path: &Path,
    len: u64,
    tail_max: usize,
) -> io::Result<Vec<u8>> {
    let mut tail = vec![0; tail_max.min(usize::try_from(len).unwrap_or(tail_max))];
    let start = len - tail.len() as u64;
    if tail.is_empty() {
        return Ok(tail);
    }
    let file = files.open_read(path)?;
    let mut filled = 0;
    while let Some(rest) = tail.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, start + filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    tail.truncate(filled);
    Ok(tail)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_log_grows_and_can_be_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.log");
        let files: Arc<dyn Files> = Arc::new(LocalFiles);
        let mut log = LogFile::open(&files, &path, 8).unwrap();
        assert!(log.is_empty() && log.tail().is_empty());
        log.write(b"one\r\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one\r\n");
        drop(log);
        let mut log = LogFile::open(&files, &path, 3).unwrap();
        assert_eq!((log.len(), log.tail()), (5, b"e\r\n".as_slice()));
        log.cut(3).unwrap();
        log.write(b"!").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one!");
        let missing = LogFile::open(&files, &folder.path().join("no/run.log"), 8).unwrap_err();
        assert!(
            matches!(missing.fault, OpenFault::MissingFolder { .. }),
            "{missing}"
        );
    }
}
