//! The connection string of a file connection manager (FLATFILE, FILE, MULTIFLATFILE, MULTIFILE) to local paths.

use std::path::PathBuf;

use crate::{PathError, PathMap, wildcard};

/// The one file or folder that a FLATFILE or FILE connection string names: blanks around it and one pair of quotes are
/// dropped, then the path map applies.
pub fn resolve_file(connection_string: &str, map: &PathMap) -> Result<PathBuf, PathError> {
    map.resolve(bare(connection_string))
}

/// The files of a MULTIFLATFILE or MULTIFILE connection string: names divided by `|`, each of which may hold `*` and `?`
/// in its last element. Files that a pattern matches come in the order of their names.
///
/// A pattern that matches nothing gives no file: whether that is an error is the caller's to say.
pub fn resolve_files(connection_string: &str, map: &PathMap) -> Result<Vec<PathBuf>, PathError> {
    let mut found = Vec::new();
    for part in bare(connection_string)
        .split('|')
        .map(bare)
        .filter(|part| !part.is_empty())
    {
        let path = map.resolve(part)?;
        let pattern = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if !wildcard::is_pattern(pattern) {
            found.push(path);
            continue;
        }
        let pattern = pattern.to_lowercase();
        let folder = crate::open_error::folder_of(&path);
        let mut names: Vec<_> = map
            .files()
            .names(folder)
            .unwrap_or_default()
            .into_iter()
            .filter(|name| {
                let name = name.to_str().map(str::to_lowercase);
                name.is_some_and(|name| wildcard::matches(&pattern, &name))
            })
            .collect();
        names.sort();
        found.extend(names.into_iter().map(|name| folder.join(name)));
    }
    Ok(found)
}

fn bare(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_with_patterns() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b1.csv", "A2.CSV", "a.txt", "c.csv.bak"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let map = PathMap::new(folder.path());
        let names: Vec<_> = resolve_files(r#""*.csv"|a.txt"#, &map)
            .unwrap()
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["A2.CSV", "b1.csv", "a.txt"]);
        assert_eq!(
            resolve_file("  \"a.txt\" ", &map).unwrap(),
            folder.path().join("a.txt")
        );
        assert!(resolve_file("  ", &map).is_err());
    }
}
