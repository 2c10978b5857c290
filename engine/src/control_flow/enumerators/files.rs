//! Foreach File: the files of a folder whose names fit a pattern.
//!
//! Names are as the package writes paths: below a Windows folder with `\`, so that expressions over them work, and the
//! path map leads them to local files. Sorted by name without regard to case, files of a folder before those of the
//! folders in it (spec `ssis-semantics.md` 11.7).

use std::path::Path;

use dtsx::ForeachLoop;
use fletching_components::Finding;
use fletching_connections::{FileKind, PathMap};

use super::{Enumeration, EnumeratorClass, ForeachValue, Rounds, blocking, property};
use crate::task::TaskHost;

pub(super) static CLASS: EnumeratorClass = EnumeratorClass {
    name: "ForEachFileEnumerator",
    element: "ForEachFileEnumeratorProperties",
    properties: &[
        ("Directory", "Folder"),
        ("Folder", "Folder"),
        ("FileSpec", "FileSpec"),
        ("FileNameRetrieval", "FileNameRetrievalType"),
        ("FileNameRetrievalType", "FileNameRetrievalType"),
        ("Recurse", "Recurse"),
    ],
    check,
    rounds: |enumeration| blocking(enumeration, rounds),
};

/// Folders within folders that are followed.
const DEPTH_MAX: usize = 64;

/// What a round gives of a file.
#[derive(Debug, Clone, Copy)]
enum FileNameRetrieval {
    FullyQualified,
    NameAndExtension,
    NameOnly,
}

impl FileNameRetrieval {
    fn of(foreach: &ForeachLoop) -> Result<Self, String> {
        match property(foreach, "FileNameRetrievalType").trim() {
            "" | "0" => Ok(Self::FullyQualified),
            "1" => Ok(Self::NameAndExtension),
            "2" => Ok(Self::NameOnly),
            other => Err(format!(
                "FileNameRetrievalType is `{other}`: 0, 1 or 2 is wanted"
            )),
        }
    }

    fn value(self, path: String, name: String) -> ForeachValue {
        let value = match self {
            Self::FullyQualified => path.as_str(),
            Self::NameAndExtension => name.as_str(),
            Self::NameOnly => match name.rsplit_once('.') {
                Some((stem, _)) if !stem.is_empty() => stem,
                _ => name.as_str(),
            },
        };
        ForeachValue::from(value)
    }
}

/// `Recurse`, which may be missing.
fn recurse(foreach: &ForeachLoop) -> Result<bool, String> {
    match property(foreach, "Recurse").trim() {
        "" => Ok(false),
        text => dtsx::parse_bool(text)
            .ok_or_else(|| format!("Recurse is `{text}`: True or False is wanted")),
    }
}

fn check(host: &TaskHost<'_>, foreach: &ForeachLoop) -> Vec<Finding> {
    let wrong = [FileNameRetrieval::of(foreach).err(), recurse(foreach).err()];
    let wrong = wrong.into_iter().flatten();
    wrong.map(|message| host.invalid(message)).collect()
}

fn rounds(enumeration: &Enumeration) -> Result<Rounds, String> {
    let foreach = &enumeration.foreach;
    let folder = property(foreach, "Folder").trim();
    if folder.is_empty() {
        return Err("the enumerator names no folder (Directory)".to_owned());
    }
    let pattern = match property(foreach, "FileSpec").trim() {
        "" => "*",
        pattern => pattern,
    };
    let map = &enumeration.connections.path_map;
    let local = map
        .resolve(folder)
        .map_err(|error| format!("folder `{folder}`: {error}"))?;
    let mut search = Search {
        map,
        pattern: &pattern.to_lowercase(),
        recurse: recurse(foreach)?,
        separator: if folder.contains('/') && !folder.contains('\\') {
            '/'
        } else {
            '\\'
        },
        found: Vec::new(),
        longer: Vec::new(),
    };
    search.files(&local, folder.trim_end_matches(['/', '\\']), 0)?;
    let Search { found, longer, .. } = search;
    let mut warnings = Vec::new();
    let path = &enumeration.path;
    if found.is_empty() {
        warnings.push(format!(
            "{path}: no file of `{folder}` ({}) fits `{pattern}`: the loop has nothing to do",
            local.display()
        ));
    }
    if let Some(first) = longer.first() {
        warnings.push(format!(
            "{path}: {} files whose extension begins as that of `{pattern}` are left out, such as `{first}`: on a Windows \
             volume with short names SSIS takes them too",
            longer.len()
        ));
    }
    let kind = FileNameRetrieval::of(foreach)?;
    let values = found
        .into_iter()
        .map(|(path, name)| vec![kind.value(path, name)]);
    Ok(Rounds {
        warnings,
        ..Rounds::new(values.collect())
    })
}

struct Search<'a> {
    map: &'a PathMap,
    /// In lower case.
    pattern: &'a str,
    recurse: bool,
    separator: char,
    /// Path and name of each file.
    found: Vec<(String, String)>,
    /// Files that fit but for the rest of their extension, of which Windows may make a short name that fits.
    longer: Vec<String>,
}

impl Search<'_> {
    /// Adds the files in a folder, which the package calls `shown`.
    fn files(&mut self, folder: &Path, shown: &str, depth: usize) -> Result<(), String> {
        let map = self.map;
        let files = map.files();
        let wrong =
            |error: std::io::Error| format!("folder `{shown}` ({}): {error}", folder.display());
        if depth > DEPTH_MAX {
            return Err(format!(
                "folder `{shown}` lies deeper than {DEPTH_MAX} folders: is it a link to itself?"
            ));
        }
        let names = files.names(folder).map_err(wrong)?;
        let mut names: Vec<String> = names
            .into_iter()
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.sort_by_cached_key(|name| (name.to_lowercase(), name.clone()));
        let mut folders = Vec::new();
        for name in names {
            let path = folder.join(&name);
            match files.kind(&path) {
                Ok(FileKind::Folder) => folders.push((path, name)),
                Ok(_) if is_staged(&name) => {}
                Ok(_) if fits(&name.to_lowercase(), self.pattern) => {
                    let path = format!("{shown}{}{name}", self.separator);
                    self.found.push((path, name));
                }
                Ok(_) if fits_but_for_its_extension(&name.to_lowercase(), self.pattern) => {
                    self.longer.push(name);
                }
                // A file that went away in the meantime.
                Ok(_) | Err(_) => {}
            }
        }
        if self.recurse {
            for (path, name) in folders {
                let shown = format!("{shown}{}{name}", self.separator);
                self.files(&path, &shown, depth + 1)?;
            }
        }
        Ok(())
    }
}

/// A destination that is being written, under a name that it will not keep.
fn is_staged(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".fletching")
}

/// Whether `a.xlsx` fits `*.xls` once its extension is cut to three letters.
fn fits_but_for_its_extension(name: &str, pattern: &str) -> bool {
    let extension = pattern
        .rsplit_once('.')
        .map_or("", |(_, extension)| extension);
    if extension.chars().count() != 3 || extension.contains(['*', '?']) {
        return false;
    }
    name.rsplit_once('.').is_some_and(|(stem, longer)| {
        longer.chars().count() > 3
            && longer.starts_with(extension)
            && fits(&format!("{stem}.{extension}"), pattern)
    })
}

/// Whether a name fits a pattern of `*` and `?`, as Windows has it: `*.*` fits names without a dot too.
pub(crate) fn fits(name: &str, pattern: &str) -> bool {
    if pattern == "*.*" {
        return true;
    }
    let name: Vec<char> = name.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut at, mut with) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < name.len() {
        match pattern.get(with) {
            Some('*') => {
                star = Some((with, at));
                with += 1;
            }
            Some('?') => {
                at += 1;
                with += 1;
            }
            Some(letter) if *letter == name[at] => {
                at += 1;
                with += 1;
            }
            _ => match star {
                Some((place, taken)) => {
                    with = place + 1;
                    at = taken + 1;
                    star = Some((place, taken + 1));
                }
                None => return false,
            },
        }
    }
    pattern[with..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_of_windows() {
        for (name, pattern, wanted) in [
            ("a.txt", "*.txt", true),
            ("a.txt", "*", true),
            ("noext", "*.*", true),
            ("a.csv", "*.txt", false),
            ("sales_2020.csv", "sales_????.csv", true),
            ("sales_20.csv", "sales_????.csv", false),
            ("abcabc", "*abc", true),
            ("", "*", true),
            ("a", "", false),
        ] {
            assert_eq!(fits(name, pattern), wanted, "{name} {pattern}");
        }
    }
}
