//! From `Executable` to a file that can be run.
//!
//! A path goes through the path map, where a rule may name the program itself (`C:\tools\7za.exe=/usr/bin/7za`); a name
//! without a folder is looked up on the PATH, with and without `.exe`. RequireFullFileName=False lets a path that leads
//! to nothing be looked up by its name. Scripts of Windows (`.bat`, `.ps1`) are not run, unless they begin with `#!`.

use std::{io, path::PathBuf};

use dtsx::SsisCode;
use fletching_connections::{FileKind, PathMap, process::find_program};

use super::{NO_EXECUTABLE, NO_FILE, NOT_ON_PATH};

/// What Windows runs by another program.
const WINDOWS_SCRIPTS: [&str; 7] = ["bat", "cmd", "ps1", "vbs", "js", "wsf", "lnk"];

/// The program.
///
/// # Errors
/// The code, and what was looked for where.
pub(super) fn find(
    task: &str,
    executable: &str,
    requires_file: bool,
    map: &PathMap,
) -> Result<PathBuf, (SsisCode, String)> {
    let text = executable.trim();
    let text = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text)
        .trim();
    if text.is_empty() {
        let message = "it names no program (Executable)";
        return Err((NO_EXECUTABLE, message.to_owned()));
    }
    let name = text.rsplit(['\\', '/', ':']).next().unwrap_or(text);
    if name.len() == text.len() {
        return on_path(task, name, map);
    }
    let local = match map.resolve(text) {
        Ok(local) => local,
        Err(_) if !requires_file => return on_path(task, name, map),
        Err(error) => {
            let message = format!(
                "its program: {error}; a rule can name the program alone: `--path-map '{text}=/usr/bin/{}'`",
                bare(name)
            );
            return Err((NO_FILE, message));
        }
    };
    let missing = |why: &str| {
        let message = format!(
            "its program `{}` {why} (Executable `{text}`); `--path-map '{text}=/usr/bin/{}'` names another one",
            local.display(),
            bare(name)
        );
        (NO_FILE, message)
    };
    match map.files().kind(&local) {
        Ok(FileKind::Folder) => return Err(missing("is a folder")),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound && !requires_file => {
            return on_path(task, name, map);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(missing("does not exist"));
        }
        Err(error) => return Err(missing(&format!("cannot be looked at: {error}"))),
    }
    if is_windows_script(&local, map) {
        return Err(missing(
            "is a script of Windows, which this machine cannot run",
        ));
    }
    std::path::absolute(&local).map_err(|error| missing(&format!("has no absolute path: {error}")))
}

fn on_path(task: &str, name: &str, map: &PathMap) -> Result<PathBuf, (SsisCode, String)> {
    find_program(map.files().as_ref(), name).map_err(|error| {
        let message = format!(
            "{error}: install it there, or let `--set '\\{task}.Properties[Executable]=/usr/bin/{}'` name \
             another one",
            bare(name)
        );
        (NOT_ON_PATH, message)
    })
}

/// Without `.exe` and the like.
fn bare(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn is_windows_script(path: &std::path::Path, map: &PathMap) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let by_name = extension.is_some_and(|extension| {
        WINDOWS_SCRIPTS
            .iter()
            .any(|script| script.eq_ignore_ascii_case(extension))
    });
    by_name && {
        let mut start = [0; 2];
        let file = map.files().open_read(path);
        let read = file.and_then(|file| file.read_at(&mut start, 0));
        !(read.is_ok_and(|read| read == 2) && start == *b"#!")
    }
}
