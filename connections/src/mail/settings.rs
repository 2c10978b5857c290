//! What an SMTP connection manager, or the address that it is re-pointed to, says.

use dtsx::Properties;

use crate::{
    PathError, PathMap, Secret, SettingsError, TlsTrust,
    address::{Address, host_and_port, masked, shown_place, yes_or_no},
    database::Keywords,
    ftp::{number, option_number},
    tls::TLS_OPTIONS,
};

/// When the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    Never,
    /// If the server offers it.
    Offered,
    /// After the greeting (STARTTLS), or not at all: `EnableSsl`.
    Required,
    /// From the first byte: `smtps://`.
    Immediate,
}

/// Where a server of mail is, and how it is spoken with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpSettings {
    pub host: String,
    pub port: u16,
    /// `None`: mail is handed over without a login.
    pub user: Option<String>,
    pub password: Secret,
    pub tls: MailTls,
    pub trust: TlsTrust,
    /// Longest time for one message, in milliseconds; 0: as long as it takes. Of the manager's `Timeout`, 100,000 by
    /// default.
    pub timeout_milliseconds: u64,
}

/// Addresses of servers of mail.
pub const SMTP_SCHEMES: [(&str, &str); 2] = [
    (
        "smtp://USER:PASSWORD@HOST:PORT?tls=required&ca_file=FILE",
        "SMTP; `tls` is `required` (STARTTLS), `offered` or `no`",
    ),
    (
        "smtps://USER:PASSWORD@HOST:PORT",
        "SMTP that is encrypted from the first byte",
    ),
];

const OPTIONS: [&str; 4] = ["tls", "timeout", TLS_OPTIONS[0], TLS_OPTIONS[1]];
const EXAMPLE: &str = "smtp://USER:PASSWORD@HOST:25";

impl SmtpSettings {
    /// Reads the properties of a manager: `SmtpServer=...;UseWindowsAuthentication=...;EnableSsl=...;` as its
    /// `ConnectionString`, of which the parts may stand as properties of their own, or an address.
    ///
    /// # Errors
    /// [`SettingsError::Unsupported`] for a login by Windows; the others name the property.
    pub fn read(properties: &Properties, string_counts: bool) -> Result<Self, SettingsError> {
        let string = properties
            .get("ConnectionString")
            .unwrap_or_default()
            .trim();
        let timeout_milliseconds = number(properties, "Timeout", 100_000)?;
        if let Some(scheme) = Address::scheme(string) {
            return Self::of_address(&scheme, string, timeout_milliseconds);
        }
        let keywords = Keywords::parse(string);
        let part = |name: &str| {
            let own = properties.get(name).filter(|own| !own.trim().is_empty());
            let of_string = keywords.get(&[name]);
            match string_counts {
                true => of_string.or(own),
                false => own.or(of_string),
            }
        };
        let place = part("SmtpServer").unwrap_or_default();
        let malformed = |wanted| SettingsError::Malformed {
            shown: place.to_owned(),
            wanted,
        };
        let (host, port) = host_and_port(place).map_err(malformed)?;
        if host.is_empty() {
            return Err(SettingsError::NoServer {
                property: "SmtpServer",
                example: EXAMPLE,
            });
        }
        let flag = |name: &'static str| match part(name) {
            None => Ok(false),
            Some(text) => yes_or_no(text).ok_or_else(|| SettingsError::Value {
                property: name,
                found: text.to_owned(),
                wanted: "True or False",
            }),
        };
        if flag("UseWindowsAuthentication")? {
            return Err(SettingsError::Unsupported {
                what: format!("UseWindowsAuthentication (of the server `{host}`)"),
                advice: format!(
                    "there is no Windows user to log in; re-point it with `--connection 'NAME=smtp://{host}'` if the \
                     server takes mail without a login, or `NAME=smtp://USER:PASSWORD@{host}`"
                ),
            });
        }
        Ok(Self {
            host,
            port: port.unwrap_or(25),
            user: None,
            password: Secret::default(),
            tls: match flag("EnableSsl")? {
                true => MailTls::Required,
                false => MailTls::Never,
            },
            trust: TlsTrust::default(),
            timeout_milliseconds,
        })
    }

    fn of_address(
        scheme: &str,
        text: &str,
        timeout_milliseconds: u64,
    ) -> Result<Self, SettingsError> {
        let address = Address::parse(text, &OPTIONS)?;
        let (tls, port) = match (scheme, address.option("tls")) {
            ("smtps", None) => (MailTls::Immediate, 465),
            // A password is not told to everybody on the way.
            ("smtp", None) if address.password.is_some() => (MailTls::Required, 25),
            ("smtp", None | Some("offered")) => (MailTls::Offered, 25),
            ("smtp", Some("required")) => (MailTls::Required, 25),
            ("smtp", Some("no")) => (MailTls::Never, 25),
            ("smtp" | "smtps", Some(found)) => {
                return Err(SettingsError::Value {
                    property: "tls",
                    found: found.to_owned(),
                    wanted: "required, offered or no, for smtp://,",
                });
            }
            _ => {
                return Err(SettingsError::Malformed {
                    shown: masked(text),
                    wanted: "smtp:// or smtps:// is wanted".to_owned(),
                });
            }
        };
        Ok(Self {
            port: address.port.unwrap_or(port),
            tls,
            trust: TlsTrust::from_address(&address)?,
            timeout_milliseconds: option_number(&address, "timeout", timeout_milliseconds)?,
            host: address.host,
            user: address.user,
            password: address.password.unwrap_or_default(),
        })
    }

    pub(crate) fn resolve(&mut self, path_map: &PathMap) -> Result<(), PathError> {
        self.trust.resolve(path_map)
    }

    /// `smtp://host:25`: without secrets.
    pub fn shown(&self) -> String {
        let scheme = match self.tls {
            MailTls::Immediate => "smtps",
            _ => "smtp",
        };
        let place = shown_place(&self.host, self.port);
        match &self.user {
            Some(user) => format!("{scheme}://{user}@{place}"),
            None => format!("{scheme}://{place}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use dtsx::Property;

    use super::*;

    fn read(of: &[(&str, &str)], string_counts: bool) -> Result<SmtpSettings, SettingsError> {
        let property = |(name, value): &(&str, &str)| Property {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
            ..Property::default()
        };
        let properties = Properties::new(of.iter().map(property).collect());
        SmtpSettings::read(&properties, string_counts)
    }

    #[test]
    fn as_packages_have_it() {
        let string = "SmtpServer=10.1.252.50;UseWindowsAuthentication=False;EnableSsl=False;";
        let of = [
            ("ConnectionString", string),
            ("SmtpServer", "mail:587"),
            ("EnableSsl", "True"),
        ];
        let found = read(&of[..1], false).unwrap();
        assert_eq!(
            (found.shown().as_str(), found.tls),
            ("smtp://10.1.252.50:25", MailTls::Never)
        );
        let found = read(&of, false).unwrap();
        assert_eq!(
            (found.shown().as_str(), found.tls),
            ("smtp://mail:587", MailTls::Required)
        );
        assert_eq!(read(&of, true).unwrap().shown(), "smtp://10.1.252.50:25");
        let windows = "SmtpServer=localhost;UseWindowsAuthentication=True;EnableSsl=False;";
        let error = read(&[("ConnectionString", windows)], false).unwrap_err();
        assert!(
            error.to_string().contains("NAME=smtp://localhost"),
            "{error}"
        );
        let error = read(&[("ConnectionString", "SmtpServer=;")], false).unwrap_err();
        assert!(error.to_string().contains("SmtpServer is empty"), "{error}");
    }

    #[test]
    fn addresses() {
        let at = |address: &str| read(&[("ConnectionString", address)], true);
        let found = at("smtp://u:p%3Aw@h?timeout=500").unwrap();
        assert_eq!(
            (found.shown().as_str(), found.tls),
            ("smtp://u@h:25", MailTls::Required)
        );
        assert_eq!(
            (found.password.reveal(), found.timeout_milliseconds),
            ("p:w", 500)
        );
        assert_eq!(at("smtp://h").unwrap().tls, MailTls::Offered);
        assert_eq!(at("smtp://u:p@h?tls=no").unwrap().tls, MailTls::Never);
        assert_eq!(at("smtps://h").unwrap().shown(), "smtps://h:465");
        for address in ["smtps://h?tls=no", "smtp://h?tls=perhaps", "http://h"] {
            assert!(at(address).is_err(), "{address}");
        }
    }
}
