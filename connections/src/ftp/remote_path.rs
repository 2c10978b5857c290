//! Paths at a server of files: `/` between names.

use super::error::{FtpFault, Refusal};

/// A path of the package, whole: from the root of the server, with `.` and `..` worked out.
///
/// `root` is the folder in which the package's paths begin (empty: the server's root), `home` where a path begins that has
/// no `/` at its start.
///
/// # Errors
/// [`FtpFault::Name`]: the path is empty, holds a character that no command can, or leads out of `root`.
pub(super) fn whole(path: &str, root: &str, home: &str) -> Result<String, Refusal> {
    let refuse = |message: &str| Err(Refusal::new(FtpFault::Name, message));
    if path.trim().is_empty() {
        return refuse("the path is empty");
    }
    if path.contains(['\r', '\n', '\0']) {
        return refuse("the path holds the end of a line or NUL");
    }
    let start = if path.starts_with('/') || !root.is_empty() {
        root
    } else {
        home
    };
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/').filter(|name| !matches!(*name, "" | ".")) {
        if name != ".." {
            names.push(name);
        } else if names.pop().is_none() {
            return refuse(
                "`..` leads out of the folder in which the paths of this connection begin",
            );
        }
    }
    let start = start.trim_end_matches('/');
    Ok(match (start, names.is_empty()) {
        ("", _) => format!("/{}", names.join("/")),
        (_, true) => start.to_owned(),
        (_, false) => format!("{start}/{}", names.join("/")),
    })
}

/// A path as its directory and its last name; nothing of the root.
pub(super) fn divided(path: &str) -> (&str, &str) {
    match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((directory, name)) => (directory, name),
        None => ("/", path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (path, root, home, wanted) in [
            ("/in/a.txt", "", "/home/u", "/in/a.txt"),
            ("in/a.txt", "", "/home/u", "/home/u/in/a.txt"),
            ("/in//./b/../a.txt/", "", "/", "/in/a.txt"),
            ("/in/a.txt", "/srv/box", "/home/u", "/srv/box/in/a.txt"),
            ("a.txt", "/srv/box/", "/home/u", "/srv/box/a.txt"),
            ("/", "", "/home/u", "/"),
            ("/", "/srv", "/home/u", "/srv"),
            ("a", "", "/", "/a"),
        ] {
            assert_eq!(whole(path, root, home).unwrap(), wanted, "{path}");
        }
        for path in ["", " ", "/a/../../b", "/a\r\nDELE b", "/a\0"] {
            let refused = whole(path, "/srv", "/").unwrap_err();
            assert_eq!(refused.fault, FtpFault::Name, "{path:?}");
        }
        assert_eq!(divided("/a"), ("/", "a"));
        assert_eq!(divided("/a/b"), ("/a", "b"));
    }
}
