//! What an FTP connection manager, or the address that it is re-pointed to, says.

use std::path::PathBuf;

use dtsx::Properties;

use crate::{
    PathError, PathMap, Secret, SettingsError, TlsTrust,
    address::{Address, host_and_port, shown_place},
    tls::TLS_OPTIONS,
};

/// What is spoken with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FtpProtocol {
    Ftp,
    /// FTP that asks for TLS before the login (`AUTH TLS`), for commands and data.
    Ftps,
    /// The file transfer of SSH: not FTP at all, but what servers offer in its place.
    Sftp,
}

/// Which key of an SSH server is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostKey {
    /// The one that this file of OpenSSH has for the server; `None`: `~/.ssh/known_hosts`.
    KnownHosts(Option<PathBuf>),
    /// The one with this fingerprint, as `ssh-keygen -l` shows it: `SHA256:...`.
    Fingerprint(String),
    /// Any: who answers is not known then.
    Any,
}

/// Where a server of files is, and how it is spoken with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FtpSettings {
    pub protocol: FtpProtocol,
    pub host: String,
    pub port: u16,
    pub user: String,
    /// Of the user; of the key file, if there is one.
    pub password: Secret,
    /// A private key of SSH, for SFTP.
    pub key_file: Option<PathBuf>,
    pub host_key: HostKey,
    pub trust: TlsTrust,
    /// The folder of the server in which the package's paths begin, from an address; empty: the server's root.
    pub root: String,
    /// Longest wait for any one answer, in seconds; 0: as long as it takes. Of the manager's `Timeout`, 60 by default.
    pub timeout_seconds: u64,
    /// Attempts to connect, `Retries`, 5 by default; 0 for no limit that matters.
    pub retries: u32,
    /// `ChunkSize`, in kilobytes: how much is moved at a time. Smaller pieces than 32 are not worth their answers.
    pub chunk_kilobytes: u32,
    /// The client opens the connections for data (`UsePassiveMode`), else the server does.
    pub passive: bool,
}

/// Addresses of servers of files.
pub const FTP_SCHEMES: [(&str, &str); 3] = [
    (
        "ftp://USER:PASSWORD@HOST:PORT/FOLDER?passive=yes",
        "FTP; paths of the package begin in FOLDER",
    ),
    (
        "ftps://USER:PASSWORD@HOST:PORT/FOLDER?ca_file=FILE",
        "FTP with TLS (AUTH TLS)",
    ),
    (
        "sftp://USER:PASSWORD@HOST:PORT/FOLDER?key_file=FILE&known_hosts=FILE",
        "SFTP, by password or private key; `fingerprint=SHA256:...` in place of `known_hosts`",
    ),
];

const OPTIONS: [&str; 9] = [
    "passive",
    "timeout",
    "retries",
    "key_file",
    "known_hosts",
    "fingerprint",
    "trust_server_key",
    TLS_OPTIONS[0],
    TLS_OPTIONS[1],
];
const EXAMPLE: &str = "ftp://USER:PASSWORD@HOST/FOLDER";

impl FtpSettings {
    /// Reads the properties of a manager. Of a server's name in `ServerName` and another one in `ConnectionString` the
    /// first counts, as in SSIS; `string_counts` when the string was set by the user or by a property expression.
    ///
    /// # Errors
    /// [`SettingsError`] names the property.
    pub fn read(properties: &Properties, string_counts: bool) -> Result<Self, SettingsError> {
        let text = |name: &str| properties.get(name).unwrap_or_default().trim();
        let string = text("ConnectionString");
        let mut settings = Self {
            protocol: FtpProtocol::Ftp,
            host: text("ServerName").to_owned(),
            port: number(properties, "ServerPort", 21)?,
            user: text("ServerUserName").to_owned(),
            password: Secret::new(properties.get("ServerPassword").unwrap_or_default()),
            key_file: None,
            host_key: HostKey::KnownHosts(None),
            trust: TlsTrust::default(),
            root: String::new(),
            timeout_seconds: number(properties, "Timeout", 60)?,
            retries: number(properties, "Retries", 5)?,
            chunk_kilobytes: number(properties, "ChunkSize", 1)?,
            passive: properties.bool("UsePassiveMode").unwrap_or(false),
        };
        if let Some(scheme) = Address::scheme(string) {
            settings.re_point(&scheme, string)?;
        } else if string_counts || settings.host.is_empty() {
            let malformed = |wanted| SettingsError::Malformed {
                shown: crate::address::masked(string),
                wanted,
            };
            let (host, port) = host_and_port(string).map_err(malformed)?;
            settings.host = host;
            settings.port = port.unwrap_or(21);
        }
        if settings.host.is_empty() {
            return Err(SettingsError::NoServer {
                property: "ServerName",
                example: EXAMPLE,
            });
        }
        if settings.user.is_empty() {
            "anonymous".clone_into(&mut settings.user);
        }
        Ok(settings)
    }

    /// Takes what an address says; what it does not say stays. A user without a password has none: the one of the manager
    /// belongs to the manager's user.
    fn re_point(&mut self, scheme: &str, text: &str) -> Result<(), SettingsError> {
        let address = Address::parse(text, &OPTIONS)?;
        (self.protocol, self.port) = match scheme {
            "ftp" => (FtpProtocol::Ftp, 21),
            "ftps" => (FtpProtocol::Ftps, 21),
            "sftp" => (FtpProtocol::Sftp, 22),
            _ => {
                return Err(SettingsError::Malformed {
                    shown: crate::address::masked(text),
                    wanted: "ftp://, ftps:// or sftp:// is wanted".to_owned(),
                });
            }
        };
        self.port = address.port.unwrap_or(self.port);
        self.host.clone_from(&address.host);
        if address.user.is_some() {
            self.password = Secret::default();
        }
        self.user = address.user.clone().unwrap_or(self.user.clone());
        self.password = address.password.clone().unwrap_or(self.password.clone());
        self.root = address.path.trim_end_matches('/').to_owned();
        self.trust = TlsTrust::from_address(&address)?;
        self.key_file = address.option("key_file").map(PathBuf::from);
        self.host_key = if address.flag("trust_server_key")? {
            HostKey::Any
        } else if let Some(fingerprint) = address.option("fingerprint") {
            HostKey::Fingerprint(fingerprint.to_owned())
        } else {
            HostKey::KnownHosts(address.option("known_hosts").map(PathBuf::from))
        };
        if address.option("passive").is_some() {
            self.passive = address.flag("passive")?;
        }
        self.timeout_seconds = option_number(&address, "timeout", self.timeout_seconds)?;
        self.retries = option_number(&address, "retries", self.retries)?;
        Ok(())
    }

    /// The files that an address names, where the path map says that they are.
    pub(crate) fn resolve(&mut self, path_map: &PathMap) -> Result<(), PathError> {
        let files = [&mut self.key_file].into_iter();
        let known = match &mut self.host_key {
            HostKey::KnownHosts(file) => Some(file),
            _ => None,
        };
        for file in files.chain(known).flatten() {
            *file = path_map.resolve(&file.to_string_lossy())?;
        }
        self.trust.resolve(path_map)
    }

    /// `ftp://user@host:21`: without secrets.
    pub fn shown(&self) -> String {
        let scheme = match self.protocol {
            FtpProtocol::Ftp => "ftp",
            FtpProtocol::Ftps => "ftps",
            FtpProtocol::Sftp => "sftp",
        };
        let place = shown_place(&self.host, self.port);
        format!("{scheme}://{}@{place}", self.user)
    }
}

/// A number in a property; a default if it is not there.
pub(crate) fn number<N: std::str::FromStr>(
    properties: &Properties,
    name: &'static str,
    default: N,
) -> Result<N, SettingsError> {
    parsed(name, properties.get(name), default)
}

/// A number in an option of an address.
pub(crate) fn option_number<N: std::str::FromStr>(
    address: &Address,
    name: &'static str,
    default: N,
) -> Result<N, SettingsError> {
    parsed(name, address.option(name), default)
}

fn parsed<N: std::str::FromStr>(
    name: &'static str,
    text: Option<&str>,
    default: N,
) -> Result<N, SettingsError> {
    match text.map(str::trim).filter(|text| !text.is_empty()) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| SettingsError::Value {
            property: name,
            found: text.to_owned(),
            wanted: "a number in its range",
        }),
    }
}

#[cfg(test)]
mod tests {
    use dtsx::Property;

    use super::*;

    fn properties(of: &[(&str, &str)]) -> Properties {
        let property = |(name, value): &(&str, &str)| Property {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
            ..Property::default()
        };
        Properties::new(of.iter().map(property).collect())
    }

    #[test]
    fn as_packages_have_it() {
        let of = properties(&[
            ("ConnectionString", "localhost:21"),
            ("ServerName", "LTREE15"),
            ("ServerPort", "2121"),
            ("ServerUserName", r"ltree15\administrator"),
            ("ServerPassword", "pa55"),
            ("ChunkSize", "4"),
            ("TimeOut", "0"),
            ("UsePassiveMode", "-1"),
        ]);
        let read = FtpSettings::read(&of, false).unwrap();
        assert_eq!(read.shown(), r"ftp://ltree15\administrator@LTREE15:2121");
        assert_eq!(
            (read.timeout_seconds, read.retries, read.chunk_kilobytes),
            (0, 5, 4)
        );
        assert!(read.passive && !format!("{read:?}").contains("pa55"));
        let read = FtpSettings::read(&of, true).unwrap();
        assert_eq!((read.host.as_str(), read.port), ("localhost", 21));
        let read = FtpSettings::read(&properties(&[("ConnectionString", "h:22")]), false).unwrap();
        assert_eq!(read.shown(), "ftp://anonymous@h:22");
        assert!(!read.passive);
    }

    #[test]
    fn re_pointed() {
        let with = |address: &str| {
            let of = properties(&[
                ("ConnectionString", address),
                ("ServerName", "old"),
                ("ServerUserName", "old user"),
                ("ServerPassword", "old password"),
                ("Timeout", "7"),
            ]);
            FtpSettings::read(&of, true)
        };
        let read = with("sftp://u@h/in/box/?key_file=k&fingerprint=SHA256:x&retries=1").unwrap();
        assert_eq!(read.protocol, FtpProtocol::Sftp);
        assert_eq!(read.shown(), "sftp://u@h:22");
        assert_eq!(
            (read.root.as_str(), read.password.reveal()),
            ("/in/box", "")
        );
        assert_eq!(read.host_key, HostKey::Fingerprint("SHA256:x".to_owned()));
        assert_eq!((read.timeout_seconds, read.retries), (7, 1));
        let read = with("ftps://h:990?trust_server_certificate=yes").unwrap();
        assert_eq!(read.shown(), "ftps://old user@h:990");
        assert_eq!(read.password.reveal(), "old password");
        assert!(read.trust.any_certificate);
        for (address, wanted) in [
            ("http://h", "ftp://, ftps:// or sftp:// is wanted"),
            ("ftp://h?passiv=yes", "`passiv` is not known"),
            ("ftp://h?timeout=soon", "timeout is `soon`"),
            ("ftp://h?passive=perhaps", "yes or no"),
        ] {
            let error = with(address).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
        let error = FtpSettings::read(&properties(&[]), false).unwrap_err();
        assert!(error.to_string().contains("ServerName is empty"), "{error}");
    }
}
