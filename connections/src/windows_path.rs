//! Taking a path of a package apart: root and elements, `\` or `/`, with `.` and `..` worked out.

/// What a path starts at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Root {
    /// `C:\` (upper case).
    Drive(char),
    /// `\\server\share`; both are the first two elements and `..` does not remove them.
    Share,
    /// `\folder`: the root of whichever drive is current.
    CurrentDrive,
    /// `/folder`: a local path already.
    Local,
    /// No root; this many `..` stand before the elements.
    Relative { up: usize },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WindowsPath {
    pub(crate) root: Root,
    pub(crate) elements: Vec<String>,
}

/// Why a path cannot be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    #[error("it is empty")]
    Empty,
    #[error("it holds a NUL character")]
    Nul,
    #[error("it is longer than 32,767 characters")]
    TooLong,
    #[error("`..` leads above its root")]
    AboveRoot,
    #[error(
        "it is relative to the current folder of a drive; write the folder out (`C:\\folder\\file`)"
    )]
    DriveRelative,
    #[error("a network path needs a server and a share (`\\\\server\\share`)")]
    NoShare,
}

/// The longest path that Windows takes.
const CHARACTERS_MAX: usize = 32_767;

impl WindowsPath {
    pub(crate) fn parse(text: &str) -> Result<Self, PathFault> {
        if text.is_empty() {
            return Err(PathFault::Empty);
        }
        if text.contains('\0') {
            return Err(PathFault::Nul);
        }
        if text.len() > CHARACTERS_MAX * 4 || text.chars().count() > CHARACTERS_MAX {
            return Err(PathFault::TooLong);
        }
        let slashed = text.replace('/', "\\");
        if let Some(rest) = slashed
            .strip_prefix(r"\\?\")
            .or_else(|| slashed.strip_prefix(r"\\.\"))
        {
            return match rest.split_once('\\') {
                Some((word, share)) if word.eq_ignore_ascii_case("UNC") => share_path(share),
                _ => drive_path(rest).unwrap_or(Err(PathFault::DriveRelative)),
            };
        }
        if let Some(share) = slashed.strip_prefix(r"\\") {
            return share_path(share);
        }
        if let Some(drive) = drive_path(&slashed) {
            return drive;
        }
        match slashed.strip_prefix('\\') {
            Some(rest) => Ok(Self {
                root: if text.starts_with('/') {
                    Root::Local
                } else {
                    Root::CurrentDrive
                },
                elements: flatten(rest, 0).ok_or(PathFault::AboveRoot)?,
            }),
            None => Ok(relative_path(&slashed)),
        }
    }
}

/// `C:\x`; `None` if the text does not start with a drive letter.
fn drive_path(text: &str) -> Option<Result<WindowsPath, PathFault>> {
    let (drive, rest) = text.split_once(':')?;
    let mut letters = drive.chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else {
        return None;
    };
    if !letter.is_ascii_alphabetic() {
        return None;
    }
    if !rest.is_empty() && !rest.starts_with('\\') {
        return Some(Err(PathFault::DriveRelative));
    }
    Some(
        flatten(rest, 0)
            .ok_or(PathFault::AboveRoot)
            .map(|elements| WindowsPath {
                root: Root::Drive(letter.to_ascii_uppercase()),
                elements,
            }),
    )
}

/// `server\share\x`.
fn share_path(text: &str) -> Result<WindowsPath, PathFault> {
    let mut first_two = text.split('\\').filter(|element| !element.is_empty());
    let named = |element: Option<&str>| element.is_some_and(|name| name != "." && name != "..");
    if !named(first_two.next()) || !named(first_two.next()) {
        return Err(PathFault::NoShare);
    }
    Ok(WindowsPath {
        root: Root::Share,
        elements: flatten(text, 2).ok_or(PathFault::AboveRoot)?,
    })
}

fn relative_path(text: &str) -> WindowsPath {
    let mut up = 0;
    let mut elements: Vec<String> = Vec::new();
    for element in text
        .split('\\')
        .filter(|element| !element.is_empty() && *element != ".")
    {
        if element != ".." {
            elements.push(element.to_owned());
        } else if elements.pop().is_none() {
            up += 1;
        }
    }
    WindowsPath {
        root: Root::Relative { up },
        elements,
    }
}

/// The elements with `.` and `..` worked out; `None` if `..` would remove one of the first `fixed` ones.
fn flatten(text: &str, fixed: usize) -> Option<Vec<String>> {
    let mut elements: Vec<String> = Vec::new();
    for element in text
        .split('\\')
        .filter(|element| !element.is_empty() && *element != ".")
    {
        if element != ".." {
            elements.push(element.to_owned());
        } else if elements.len() <= fixed {
            return None;
        } else {
            elements.pop();
        }
    }
    Some(elements)
}
