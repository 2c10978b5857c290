//! Foreach File: the files of a folder whose names fit a pattern.
//!
//! Names are as the package writes paths: below a Windows folder with `\`, so that expressions over them work, and the
//! path map leads them to local files. Sorted by name without regard to case, files of a folder before those of the
//! folders in it (spec `ssis-semantics.md` 11.7).

use std::path::Path;

use dtsx::{ForeachLoop, Properties, SsisCode};
use fletching_components::Finding;
use fletching_connections::{FileKind, PathMap};
use fletching_expression::Scalar;

use super::{ForeachValue, Rounds};
use crate::{RunError, task::TaskHost};

pub(super) const PROPERTIES: &[(&str, &str)] = &[
    ("Directory", "Folder"),
    ("Folder", "Folder"),
    ("FileSpec", "FileSpec"),
    ("FileNameRetrieval", "FileNameRetrievalType"),
    ("Recurse", "Recurse"),
];

/// Folders within folders that are followed.
const DEPTH_MAX: usize = 64;

fn text<'a>(properties: &'a Properties, name: &str) -> &'a str {
    properties.get(name).unwrap_or_default()
}

pub(super) fn check(host: &TaskHost<'_>, foreach: &ForeachLoop) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(kind) = foreach.properties.get("FileNameRetrievalType")
        && !["0", "1", "2"].contains(&kind.trim())
    {
        let message = format!("FileNameRetrievalType is `{kind}`: 0, 1 or 2 is wanted");
        findings.push(host.invalid(message));
    }
    findings
}

pub(super) fn rounds(host: &TaskHost<'_>, foreach: &ForeachLoop) -> Result<Rounds, RunError> {
    let folder = text(&foreach.properties, "Folder");
    let pattern = match text(&foreach.properties, "FileSpec").trim() {
        "" => "*",
        pattern => pattern,
    };
    let connections = host.connections()?;
    let map = &connections.path_map;
    let local = map
        .resolve(folder)
        .map_err(|error| host.failure(Some(FOLDER), format!("folder `{folder}`: {error}")))?;
    let mut found = Vec::new();
    let search = Search {
        map,
        pattern: &pattern.to_lowercase(),
        recurse: foreach.properties.bool("Recurse").unwrap_or(false),
        separator: if folder.contains('/') && !folder.contains('\\') {
            '/'
        } else {
            '\\'
        },
    };
    search
        .files(&local, folder.trim_end_matches(['/', '\\']), 0, &mut found)
        .map_err(|message| host.failure(Some(FOLDER), message))?;
    let warning = found.is_empty().then(|| {
        format!(
            "{}: no file of `{folder}` ({}) fits `{pattern}`: the loop has nothing to do",
            host.path(),
            local.display()
        )
    });
    let kind = text(&foreach.properties, "FileNameRetrievalType").trim();
    let values = found.into_iter().map(|(path, name)| {
        let value = match kind {
            "1" => name,
            "2" => match name.rsplit_once('.') {
                Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
                _ => name,
            },
            _ => path,
        };
        vec![ForeachValue::Scalar(Scalar::from(value.as_str()))]
    });
    Ok(Rounds {
        values: values.collect(),
        warning,
    })
}

/// `DTS_E_GETENUMERATOR`.
const FOLDER: SsisCode = SsisCode(0xC001_4023);

struct Search<'a> {
    map: &'a PathMap,
    /// In lower case.
    pattern: &'a str,
    recurse: bool,
    separator: char,
}

impl Search<'_> {
    /// Adds path and name of the files in a folder, which the package calls `shown`.
    fn files(
        &self,
        folder: &Path,
        shown: &str,
        depth: usize,
        found: &mut Vec<(String, String)>,
    ) -> Result<(), String> {
        let files = self.map.files();
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
                Ok(_) if fits(&name.to_lowercase(), self.pattern) => {
                    found.push((format!("{shown}{}{name}", self.separator), name));
                }
                // A file that went away in the meantime.
                Ok(_) | Err(_) => {}
            }
        }
        if self.recurse {
            for (path, name) in folders {
                let shown = format!("{shown}{}{name}", self.separator);
                self.files(&path, &shown, depth + 1, found)?;
            }
        }
        Ok(())
    }
}

/// Whether a name fits a pattern of `*` and `?`, as Windows has it: `*.*` fits names without a dot too.
fn fits(name: &str, pattern: &str) -> bool {
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
