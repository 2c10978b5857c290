//! Windows paths of packages to local ones.
//!
//! Rules (`C:\data=/srv/data`) replace the longest matching prefix, whole elements, without regard to case. A relative
//! path starts at the base folder (the package's). `.` and `..` are worked out before a rule is looked for, so that no
//! rule is left through `..`. Where the exact name does not exist, a name that differs only in case is taken, as Windows
//! does; a path that begins with `/` is local already and taken to the letter.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

pub use crate::windows_path::PathFault;
use crate::{
    Files, LocalFiles,
    windows_path::{Root, WindowsPath},
};

/// `C:\data=/srv/data`: where the paths under a Windows folder are found locally.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRule {
    from: WindowsPath,
    to: PathBuf,
}

/// A `--path-map` value that is not a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a path rule: {reason}; write a Windows folder, `=`, a local folder: `--path-map 'C:\\data=/srv/data'`"
)]
pub struct RuleError {
    pub text: String,
    pub reason: String,
}

/// A path of a package that has no local counterpart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error(
        "`{path}` is a Windows path and no rule maps it; add `--path-map '{folder}=/srv/data'` with the local folder in place of /srv/data"
    )]
    Unmapped { path: String, folder: String },
    #[error("`{path}` is not a path that can be opened: {fault}")]
    Malformed { path: String, fault: PathFault },
    #[error(
        "`{path}`: `{name}` stands for {candidates:?} in `{}` (Windows would see one name); rename all but one", .folder.display()
    )]
    Ambiguous {
        path: String,
        name: String,
        folder: PathBuf,
        candidates: Vec<String>,
    },
}

/// Rules, and the folder at which relative paths start.
#[derive(Debug, Clone)]
pub struct PathMap {
    rules: Vec<PathRule>,
    base_dir: PathBuf,
    files: Arc<dyn Files>,
}

impl PathMap {
    /// No rules; relative paths start at `base_dir`.
    pub fn new(base_dir: impl Into<PathBuf>) -> Self {
        Self {
            rules: Vec::new(),
            base_dir: base_dir.into(),
            files: Arc::new(LocalFiles),
        }
    }

    pub fn with_files(mut self, files: Arc<dyn Files>) -> Self {
        self.files = files;
        self
    }

    /// Adds a rule; a later rule for the same folder replaces the earlier one.
    pub fn with_rule(mut self, rule: PathRule) -> Self {
        self.rules.retain(|old| {
            !(old.from.root == rule.from.root && same(&old.from.elements, &rule.from.elements))
        });
        self.rules.push(rule);
        self
    }

    pub fn base_dir(&self) -> &Path {
        &self.base_dir
    }

    pub fn files(&self) -> &Arc<dyn Files> {
        &self.files
    }

    /// Reads `C:\data=/srv/data` or `\\server\share=/mnt/share`; the first `=` divides.
    pub fn parse_rule(text: &str) -> Result<PathRule, RuleError> {
        let fail = |reason: String| RuleError {
            text: text.to_owned(),
            reason,
        };
        let (from, to) = text
            .split_once('=')
            .ok_or_else(|| fail("it has no `=`".to_owned()))?;
        if to.trim().is_empty() {
            return Err(fail("no local folder follows the `=`".to_owned()));
        }
        let from =
            WindowsPath::parse(from.trim()).map_err(|fault| fail(format!("`{from}`: {fault}")))?;
        if let Root::Relative { .. } | Root::Local = from.root {
            return Err(fail(
                "it does not begin with a drive, a share or `\\`".to_owned(),
            ));
        }
        Ok(PathRule {
            from,
            to: PathBuf::from(to.trim()),
        })
    }

    /// The local path of a path in a package. The file need not exist.
    ///
    /// # Errors
    /// [`PathError`] for a Windows path that no rule maps, one that cannot be taken apart, or one that stands for several
    /// local names.
    pub fn resolve(&self, path: &str) -> Result<PathBuf, PathError> {
        let path = path.trim();
        let parsed = WindowsPath::parse(path).map_err(|fault| PathError::Malformed {
            path: path.to_owned(),
            fault,
        })?;
        match parsed.root {
            Root::Local => {
                let mut local = PathBuf::from("/");
                local.extend(&parsed.elements);
                Ok(local)
            }
            Root::Relative { up } => self.find(path, self.above_base_dir(up), &parsed.elements),
            _ => {
                let rule = self
                    .rules
                    .iter()
                    .filter(|rule| rule.covers(&parsed))
                    .max_by_key(|rule| rule.from.elements.len())
                    .ok_or_else(|| unmapped(path, &parsed))?;
                let rest = parsed
                    .elements
                    .get(rule.from.elements.len()..)
                    .unwrap_or_default();
                self.find(path, rule.to.clone(), rest)
            }
        }
    }

    /// Whether a path of a package names a whole drive, share or file system, wherever a rule leads it.
    pub fn is_root(path: &str) -> bool {
        WindowsPath::parse(path.trim()).is_ok_and(|parsed| match parsed.root {
            Root::Share => parsed.elements.len() <= 2,
            Root::Drive(_) | Root::CurrentDrive | Root::Local => parsed.elements.is_empty(),
            Root::Relative { .. } => false,
        })
    }

    fn above_base_dir(&self, up: usize) -> PathBuf {
        let mut folder = self.base_dir.clone();
        for _ in 0..up {
            let named = matches!(
                folder.components().next_back(),
                Some(std::path::Component::Normal(_))
            );
            if !(named && folder.pop() || folder.has_root()) {
                folder.push("..");
            }
        }
        folder
    }

    /// `root` and the elements below it, each by its exact name or else by one that differs only in case.
    fn find(&self, path: &str, root: PathBuf, elements: &[String]) -> Result<PathBuf, PathError> {
        let mut exact = root.clone();
        exact.extend(elements);
        if self.files.kind(&exact).is_ok() {
            return Ok(exact);
        }
        let mut found = root;
        for element in elements {
            let next = found.join(element);
            if self.files.kind(&next).is_ok() {
                found = next;
                continue;
            }
            let mut candidates: Vec<String> = match self.files.names(&found) {
                Ok(names) => names
                    .into_iter()
                    .filter_map(|name| name.into_string().ok())
                    .filter(|name| same_name(name, element))
                    .collect(),
                Err(_) => Vec::new(), // no such folder: the path is to be created, or reported by who opens it
            };
            candidates.sort();
            match candidates.as_slice() {
                [] => found = next,
                [one] => found.push(one),
                _ => {
                    return Err(PathError::Ambiguous {
                        path: path.to_owned(),
                        name: element.clone(),
                        folder: found,
                        candidates,
                    });
                }
            }
        }
        Ok(found)
    }
}

impl PathRule {
    fn covers(&self, path: &WindowsPath) -> bool {
        self.from.root == path.root
            && path
                .elements
                .get(..self.from.elements.len())
                .is_some_and(|prefix| same(prefix, &self.from.elements))
    }
}

fn same(left: &[String], right: &[String]) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .all(|(left, right)| same_name(left, right))
}

fn same_name(left: &str, right: &str) -> bool {
    left == right || left.to_lowercase() == right.to_lowercase()
}

/// The error shows the flag for the folder of the file: what the user most likely wants to map.
fn unmapped(path: &str, parsed: &WindowsPath) -> PathError {
    let below = match parsed.root {
        Root::Share => parsed.elements.len().saturating_sub(1).max(2),
        _ => parsed.elements.len().saturating_sub(1),
    };
    let elements = parsed.elements.get(..below).unwrap_or_default().join("\\");
    let folder = match parsed.root {
        Root::Drive(letter) => format!("{letter}:\\{elements}"),
        Root::Share => format!("\\\\{elements}"),
        _ => format!("\\{elements}"),
    };
    PathError::Unmapped {
        path: path.to_owned(),
        folder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(rules: &[&str]) -> PathMap {
        rules
            .iter()
            .fold(PathMap::new("/base/package"), |map, rule| {
                map.with_rule(PathMap::parse_rule(rule).unwrap())
            })
    }

    #[test]
    fn the_longest_rule_wins_whatever_the_case_and_the_slashes() {
        let map = map(&[
            r"C:\data=/srv/data",
            r"c:\Data\In=/mnt/in",
            r"\\srv\share=/net",
        ]);
        let resolve = |path: &str| map.resolve(path).unwrap().display().to_string();
        assert_eq!(resolve(r"C:\DATA\x\y.csv"), "/srv/data/x/y.csv");
        assert_eq!(resolve("c:/data/in/y.csv"), "/mnt/in/y.csv");
        assert_eq!(resolve(r"C:\data\input\y.csv"), "/srv/data/input/y.csv");
        assert_eq!(resolve(r"\\SRV\Share\a\b.txt"), "/net/a/b.txt");
        assert_eq!(resolve(r"\\?\C:\data\z"), "/srv/data/z");
        assert_eq!(resolve(r"\\?\UNC\srv\share\z"), "/net/z");
        assert_eq!(resolve("/tmp/Local.csv"), "/tmp/Local.csv");
        assert_eq!(resolve(r"..\out\o.csv"), "/base/out/o.csv");
        assert_eq!(resolve(r"sub\.\o.csv"), "/base/package/sub/o.csv");
    }

    #[test]
    fn an_unmapped_path_shows_the_flag() {
        let error = map(&[])
            .resolve(r"D:\Loads\in\a.csv")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(r"--path-map 'D:\Loads\in=/srv/data'"),
            "{error}"
        );
        let error = map(&[])
            .resolve(r"\\srv\share\a.csv")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(r"--path-map '\\srv\share=/srv/data'"),
            "{error}"
        );
    }

    #[test]
    fn dot_dot_does_not_leave_a_rule() {
        let map = map(&[r"C:\data=/srv/data"]);
        assert!(matches!(
            map.resolve(r"C:\data\..\secret\a.csv"),
            Err(PathError::Unmapped { .. })
        ));
        assert!(matches!(
            map.resolve(r"C:\data\..\..\a.csv"),
            Err(PathError::Malformed {
                fault: PathFault::AboveRoot,
                ..
            })
        ));
        assert!(matches!(
            map.resolve("C:data.csv"),
            Err(PathError::Malformed {
                fault: PathFault::DriveRelative,
                ..
            })
        ));
    }

    #[test]
    fn names_that_differ_in_case_are_found_and_two_of_them_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("InBox")).unwrap();
        std::fs::write(folder.path().join("InBox/Orders.CSV"), "x").unwrap();
        let rule = PathMap::parse_rule(&format!(r"C:\data={}", folder.path().display())).unwrap();
        let map = PathMap::new(".").with_rule(rule);
        let found = map.resolve(r"C:\data\inbox\orders.csv").unwrap();
        assert_eq!(found, folder.path().join("InBox/Orders.CSV"));
        std::fs::write(folder.path().join("InBox/ORDERS.csv"), "x").unwrap();
        assert!(matches!(
            map.resolve(r"C:\data\inbox\orders.csv"),
            Err(PathError::Ambiguous { .. })
        ));
        assert!(map.resolve(r"C:\data\inbox\ORDERS.csv").is_ok());
    }

    #[test]
    fn roots() {
        for root in [
            "C:\\",
            "c:",
            "\\",
            "/",
            r"\\srv\share\",
            r"C:\a\..",
            "//srv/share",
        ] {
            assert!(PathMap::is_root(root), "{root}");
        }
        for path in [r"C:\a", "a", "..", "", r"\\srv\share\a", "/a"] {
            assert!(!PathMap::is_root(path), "{path}");
        }
    }

    #[test]
    fn rules_that_are_none() {
        for text in [
            "C:\\data",
            "C:\\data=",
            "data=/srv",
            "/x=/srv",
            "C:\\..=/srv",
        ] {
            assert!(PathMap::parse_rule(text).is_err(), "{text}");
        }
    }
}
