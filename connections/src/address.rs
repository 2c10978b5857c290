//! Addresses by which a connection manager is re-pointed to another server: `scheme://user:password@host:port/path?a=b&c=d`.
//!
//! Parts may hold `%41` for a character; a password with `@`, `/` or `?` has to. Options that nobody knows are an error.

use crate::{Secret, SettingsError};

/// An address, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Address {
    /// In lower case.
    pub(crate) scheme: String,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    /// Without the brackets of IPv6; never empty.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    /// What follows the host, from its `/` on, without options; may be empty.
    pub(crate) path: String,
    options: Vec<(String, String)>,
}

impl Address {
    /// The scheme of a text that is an address, in lower case.
    pub(crate) fn scheme(text: &str) -> Option<String> {
        let (scheme, _) = text.split_once("://")?;
        let named = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
        named.then(|| scheme.to_ascii_lowercase())
    }

    /// Takes an address apart. `options`: the names that it may have.
    ///
    /// # Errors
    /// [`SettingsError::Malformed`], without what may be a password.
    pub(crate) fn parse(text: &str, options: &[&str]) -> Result<Self, SettingsError> {
        let malformed = |wanted: String| SettingsError::Malformed {
            shown: masked(text),
            wanted,
        };
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(malformed("`scheme://host` is wanted".to_owned()));
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (place, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (login, place) = match place.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, place),
        };
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, "")))
        {
            Some((user, password)) => (Some(user), Some(password)),
            None => (None, None),
        };
        let (host, port) = host_and_port(place).map_err(malformed)?;
        if host.is_empty() {
            return Err(malformed("no server is named after `://`".to_owned()));
        }
        let mut found = Vec::new();
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let name = decoded(name).to_ascii_lowercase();
            if !options.contains(&name.as_str()) {
                let known = options.join(", ");
                return Err(malformed(format!(
                    "an option `{name}` is not known; there are {known}"
                )));
            }
            found.push((name, decoded(value)));
        }
        let filled = |part: Option<&str>| part.map(decoded).filter(|part| !part.is_empty());
        Ok(Self {
            scheme: scheme.to_ascii_lowercase(),
            user: filled(user),
            password: filled(password).map(Secret::new),
            host: decoded(&host),
            port,
            path: decoded(path),
            options: found,
        })
    }

    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        let found = self.options.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// An option that is `yes` or `no`; no if it is not there.
    ///
    /// # Errors
    /// [`SettingsError::Value`]
    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, SettingsError> {
        match self.option(name) {
            None => Ok(false),
            Some(text) => yes_or_no(text).ok_or_else(|| SettingsError::Value {
                property: name,
                found: text.to_owned(),
                wanted: "yes or no",
            }),
        }
    }
}

pub(crate) fn yes_or_no(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" | "-1" => Some(true),
        "no" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// `host`, `host:21`, `[::1]:21`.
///
/// # Errors
/// What is wanted in place of a port that is none.
pub(crate) fn host_and_port(place: &str) -> Result<(String, Option<u16>), String> {
    let place = place.trim();
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest
                .split_once(']')
                .ok_or_else(|| "`]` is missing after `[`".to_owned())?;
            (host, after.strip_prefix(':'))
        }
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let port = port
        .filter(|port| !port.is_empty())
        .map(|port| match port.parse() {
            Ok(port) if port > 0 => Ok(port),
            _ => Err(format!("`{port}` is no port; 1 to 65535 is wanted")),
        });
    Ok((host.to_owned(), port.transpose()?))
}

/// `host:port` as it is shown and looked up, with the brackets of IPv6.
pub(crate) fn shown_place(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// What may be shown of an address that could not be read: nothing before its last `@`, nor its options.
pub(crate) fn masked(text: &str) -> String {
    let (shown, _) = text.split_once('?').unwrap_or((text, ""));
    let (scheme, rest) = match shown.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), shown),
    };
    match rest.rsplit_once('@') {
        Some((_, place)) => format!("{scheme}***@{place}"),
        None => format!("{scheme}{rest}"),
    }
}

/// `%41` as `A`; what is no escape stays.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = after
            .get(..2)
            .filter(|_| first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let read = Address::parse(
            "FTP://u%40x:p%2Fw@[::1]:2121/a b/c?passive=yes",
            &["passive"],
        );
        let read = read.unwrap();
        assert_eq!(
            (read.scheme.as_str(), read.host.as_str(), read.port),
            ("ftp", "::1", Some(2121))
        );
        assert_eq!(read.user.as_deref(), Some("u@x"));
        assert_eq!(read.password.as_ref().map(Secret::reveal), Some("p/w"));
        assert_eq!(read.path, "/a b/c");
        assert!(read.flag("passive").unwrap());
        let bare = Address::parse("smtp://h", &[]).unwrap();
        assert_eq!((bare.user, bare.port, bare.path.as_str()), (None, None, ""));
    }

    #[test]
    fn errors_hide_passwords() {
        for text in [
            "ftp://u:secret@h:x/",
            "ftp://u:secret@/dir",
            "ftp://u:secret@h:0",
            "ftp://u:secret@h?passwd=secret",
            "ftp://u:secret@[::1",
        ] {
            let error = Address::parse(text, &["passive"]).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        assert_eq!(Address::scheme("ftp://h").as_deref(), Some("ftp"));
        assert_eq!(Address::scheme("localhost:21"), None);
    }
}
