//! A file that is read: in order, or at any position from several threads.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::{FileHandle, FileKind, Files, LocalFiles, OpenError, OpenFault, Purpose};

#[derive(Debug)]
pub struct InputFile {
    path: PathBuf,
    handle: Box<dyn FileHandle>,
    kind: FileKind,
    position: u64,
}

impl InputFile {
    /// Opens a local file.
    ///
    /// # Errors
    /// [`OpenError`] (`DTS_E_CANNOTOPENDATAFILE`) if there is none, if it is a folder, or if it may not be read.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_in(&LocalFiles, path)
    }

    /// [`open`](Self::open) through a given file system.
    pub fn open_in(files: &dyn Files, path: &Path) -> Result<Self, OpenError> {
        let fail = |error| OpenError::from_io(files, path, Purpose::Read, error);
        let kind = files.kind(path).map_err(fail)?;
        if kind == FileKind::Folder {
            return Err(OpenError::new(path, Purpose::Read, OpenFault::IsFolder));
        }
        Ok(Self {
            path: path.to_owned(),
            handle: files.open_read(path).map_err(fail)?,
            kind,
            position: 0,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes in the file when it was opened; `None` for a pipe or device, which has no length.
    pub fn len(&self) -> Option<u64> {
        match self.kind {
            FileKind::File { len, .. } => Some(len),
            FileKind::Folder | FileKind::Device => None,
        }
    }

    /// Whether the file is known to hold nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Reads at a position without moving; 0 at the end. Only for files with a [`len`](Self::len).
    pub fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        loop {
            match self.handle.read_at(buffer, position) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }
}

impl Read for InputFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.kind == FileKind::Device {
            return self.handle.read(buffer);
        }
        let count = self.handle.read_at(buffer, self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_in_order_and_at_positions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "hello world").unwrap();
        let mut file = InputFile::open(&path).unwrap();
        assert_eq!(file.len(), Some(11));
        let mut word = [0; 5];
        assert_eq!(file.read_at(&mut word, 6).unwrap(), 5);
        assert_eq!(&word, b"world");
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello world");
    }

    #[test]
    fn says_what_was_found_instead() {
        let folder = tempfile::tempdir().unwrap();
        let fault = |path: PathBuf| InputFile::open(&path).unwrap_err();
        let missing = fault(folder.path().join("no.txt"));
        assert!(matches!(missing.fault, OpenFault::Missing));
        assert_eq!(missing.code().symbol(), "DTS_E_CANNOTOPENDATAFILE");
        assert!(matches!(
            fault(folder.path().join("no/no.txt")).fault,
            OpenFault::MissingFolder { .. }
        ));
        assert!(matches!(
            fault(folder.path().to_owned()).fault,
            OpenFault::IsFolder
        ));
    }
}
