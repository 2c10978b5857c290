//! What a connection manager leads to, once its string is understood.

use std::{fmt, path::PathBuf};

use super::{keywords::Keywords, provider};
use crate::{address::decoded, sql::Dialect};

/// A database that can be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Sqlite(SqliteTarget),
    SqlServer(SqlServerTarget),
    /// A PostgreSQL server, by a `postgresql://` address.
    Postgres(PostgresTarget),
    Odbc(OdbcTarget),
    Adbc(AdbcTarget),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteTarget {
    /// `None`: in memory, gone with its session.
    pub file: Option<PathBuf>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SqlServerTarget {
    /// Host name, without protocol, instance and port.
    pub host: String,
    pub instance: Option<String>,
    pub port: Option<u16>,
    pub database: Option<String>,
    /// `None`: as the user of the process, by Kerberos.
    pub user: Option<String>,
    pub password: Option<String>,
    pub encrypt: Encrypt,
    pub trust_server_certificate: bool,
    pub application: Option<String>,
    /// Seconds to wait for a connection; 0 for as long as it takes.
    pub connect_timeout_seconds: Option<u32>,
    pub packet_size: Option<u16>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encrypt {
    /// The login only, more if the server insists.
    No,
    #[default]
    Yes,
    /// TLS before anything else (TDS 8).
    Strict,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresTarget {
    /// Whole, with its password.
    pub address: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OdbcTarget {
    pub keywords: Keywords,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdbcTarget {
    /// Name or file of the driver: `duckdb`, `adbc_driver_postgresql`, `/opt/libdriver.so`.
    pub driver: String,
    /// Database options: `uri`, `path`, `username`, ...
    pub options: Vec<(String, String)>,
}

/// A connection string that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error(
        "the connection string is empty: set one, or re-point it with `--connection 'NAME=sqlite:FILE'`"
    )]
    Empty,
    #[error("`{text}`: {wanted}")]
    Malformed { text: String, wanted: String },
    /// Known, and not for this engine.
    #[error("{what} is not supported: {advice}")]
    Unsupported { what: String, advice: String },
    #[error(
        "OLE DB provider `{provider}` is not known: re-point the connection manager with `--connection`, or name the \
         provider in `[providers]` of fletching.toml"
    )]
    UnknownProvider { provider: String },
}

/// Schemes of `--connection NAME=...`, with what they lead to.
pub const SCHEMES: [(&str, &str); 8] = [
    (
        "sqlite:FILE",
        "SQLite, built in; `sqlite::memory:` for a database that is gone at the end",
    ),
    (
        "mssql://USER:PASSWORD@HOST:PORT/DATABASE?encrypt=yes",
        "SQL Server, by TDS",
    ),
    (
        "postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
        "PostgreSQL",
    ),
    ("duckdb:FILE", "DuckDB, by its ADBC driver"),
    (
        "odbc:Driver=...;...",
        "any ODBC driver of this machine, by a connection string or `odbc:DSN=...`",
    ),
    (
        "adbc:DRIVER?OPTION=VALUE&...",
        "any ADBC driver, by name or file",
    ),
    (
        "Provider=...;Data Source=...;",
        "an OLE DB connection string, mapped by the table of providers",
    ),
    (
        "Data Source=...;Initial Catalog=...;",
        "an ADO.NET connection string of SQL Server",
    ),
];

impl Target {
    /// Reads what stands in a connection manager of the given kind (`OLEDB`, `ADO.NET:...`, `ODBC`), or an address with a
    /// scheme ([`SCHEMES`]), whatever the kind. `password`: from outside the string.
    ///
    /// # Errors
    /// [`TargetError`] says what is wanted.
    pub fn parse(text: &str, kind: &str, password: Option<&str>) -> Result<Self, TargetError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TargetError::Empty);
        }
        let scheme = text
            .split_once(':')
            .map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
        match scheme {
            Some((scheme, rest)) => match scheme.as_str() {
                "sqlite" => Ok(Self::Sqlite(SqliteTarget {
                    file: (rest != ":memory:").then(|| PathBuf::from(rest)),
                })),
                "duckdb" => Ok(Self::Adbc(AdbcTarget {
                    driver: "duckdb".to_owned(),
                    options: vec![("path".to_owned(), rest.to_owned())],
                })),
                "odbc" => Ok(Self::odbc(Keywords::parse(rest), password)),
                "adbc" => Ok(Self::Adbc(adbc(rest))),
                "mssql" | "sqlserver" => sql_server_address(text, rest, password),
                "postgresql" | "postgres" => Ok(Self::Postgres(PostgresTarget {
                    address: text.to_owned(),
                })),
                _ => provider::target(text, kind, password),
            },
            None => provider::target(text, kind, password),
        }
    }

    /// The SQL that is spoken there; what an ODBC driver leads to, only the driver knows.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::SqlServer(_) => Dialect::MsSql,
            Self::Postgres(_) => Dialect::Postgres,
            Self::Odbc(_) => Dialect::Other,
            Self::Adbc(target) => {
                let driver = target.driver.to_ascii_lowercase();
                let known = [
                    ("duckdb", Dialect::DuckDb),
                    ("postgresql", Dialect::Postgres),
                    ("sqlite", Dialect::Sqlite),
                ];
                let found = known.iter().find(|(name, _)| driver.contains(name));
                found.map_or(Dialect::Other, |(_, dialect)| *dialect)
            }
        }
    }

    pub(super) fn odbc(mut keywords: Keywords, password: Option<&str>) -> Self {
        if let Some(password) = password
            && keywords.get(&["pwd", "password"]).is_none()
        {
            keywords.set("PWD", password);
        }
        Self::Odbc(OdbcTarget { keywords })
    }
}

/// `DRIVER?option=value&...`
fn adbc(rest: &str) -> AdbcTarget {
    let (driver, options) = rest.split_once('?').unwrap_or((rest, ""));
    let options = options.split('&').filter(|option| !option.is_empty());
    AdbcTarget {
        driver: driver.to_owned(),
        options: options
            .map(|option| {
                let (key, value) = option.split_once('=').unwrap_or((option, ""));
                (decoded(key), decoded(value))
            })
            .collect(),
    }
}

/// `//user:password@host\instance:port/database?encrypt=no&trustservercertificate=yes`
fn sql_server_address(
    text: &str,
    rest: &str,
    password: Option<&str>,
) -> Result<Target, TargetError> {
    let malformed = |wanted: &str| TargetError::Malformed {
        text: masked_address(text),
        wanted: format!("{wanted}; mssql://USER:PASSWORD@HOST:PORT/DATABASE is the form"),
    };
    let rest = rest
        .strip_prefix("//")
        .ok_or_else(|| malformed("`//` is missing"))?;
    let (address, options) = rest.split_once('?').unwrap_or((rest, ""));
    let (login, place) = match address.rsplit_once('@') {
        Some((login, place)) => (Some(login), place),
        None => (None, address),
    };
    let (server, database) = place.split_once('/').unwrap_or((place, ""));
    let mut keywords = Keywords::default();
    keywords.set("Data Source", &decoded(server).replacen(':', ",", 1));
    keywords.set("Initial Catalog", &decoded(database));
    if let Some(login) = login {
        let (user, secret) = login.split_once(':').unwrap_or((login, ""));
        keywords.set("User ID", &decoded(user));
        keywords.set("Password", &decoded(secret));
    }
    for option in options.split('&').filter(|option| !option.is_empty()) {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        keywords.set(&decoded(key), &decoded(value));
    }
    provider::sql_server(&keywords, password).map_err(|error| match error {
        TargetError::Malformed { wanted, .. } => malformed(&wanted),
        other => other,
    })
}

/// `scheme://user:***@host`.
fn masked_address(address: &str) -> String {
    let masked = || {
        let (scheme, rest) = address.split_once("://")?;
        let (login, place) = rest.split_once('@')?;
        let (user, _) = login.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{place}"))
    };
    masked().unwrap_or_else(|| address.to_owned())
}

impl fmt::Display for Target {
    /// Without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(SqliteTarget { file: Some(file) }) => {
                write!(f, "sqlite:{}", file.display())
            }
            Self::Sqlite(SqliteTarget { file: None }) => f.write_str("sqlite::memory:"),
            Self::SqlServer(target) => target.fmt(f),
            Self::Postgres(target) => f.write_str(&masked_address(&target.address)),
            Self::Odbc(target) => write!(f, "odbc:{}", target.keywords.masked()),
            Self::Adbc(target) => {
                write!(f, "adbc:{}", target.driver)?;
                for (at, (key, value)) in target.options.iter().enumerate() {
                    let divider = if at == 0 { '?' } else { '&' };
                    let secret = key.contains("password") || key.contains("token");
                    let value = match secret {
                        true => "***".to_owned(),
                        false => masked_address(value),
                    };
                    write!(f, "{divider}{key}={value}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for SqlServerTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("mssql://")?;
        if let Some(user) = &self.user {
            write!(f, "{user}:***@")?;
        }
        f.write_str(&self.host)?;
        if let Some(instance) = &self.instance {
            write!(f, "\\{instance}")?;
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match &self.database {
            Some(database) => write!(f, "/{database}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, kind: &str) -> String {
        match Target::parse(text, kind, None) {
            Ok(target) => target.to_string(),
            Err(error) => format!("{error}"),
        }
    }

    #[test]
    fn addresses() {
        assert_eq!(shown("sqlite:a.db", "OLEDB"), "sqlite:a.db");
        assert_eq!(shown("sqlite::memory:", "OLEDB"), "sqlite::memory:");
        assert_eq!(
            shown("mssql://sa:p%40ss@srv:1434/db?encrypt=no", "OLEDB"),
            "mssql://sa:***@srv:1434/db"
        );
        assert_eq!(
            shown("postgresql://u:secret@h/db", "OLEDB"),
            "postgresql://u:***@h/db"
        );
        assert_eq!(
            shown("duckdb:w.duckdb", "OLEDB"),
            "adbc:duckdb?path=w.duckdb"
        );
        assert!(shown("mssql:srv", "OLEDB").contains("`//` is missing"));
    }

    #[test]
    fn strings_of_packages() {
        assert_eq!(
            shown(
                r"Data Source=tcp:SRV\X,1433;Initial Catalog=D;Provider=SQLNCLI11.1;User ID=u;Password=p;",
                "OLEDB"
            ),
            r"mssql://u:***@SRV\X:1433/D"
        );
        assert_eq!(
            shown(
                "Data Source=(local);Initial Catalog=D;Provider=SQLNCLI10.1;Integrated Security=SSPI;",
                "OLEDB"
            ),
            "mssql://localhost/D"
        );
        assert_eq!(
            shown(
                "Server=.;Database=D;Integrated Security=True",
                "ADO.NET:SQL"
            ),
            "mssql://localhost/D"
        );
        assert_eq!(
            shown("Dsn=Pg;uid=u;pwd=x", "ODBC"),
            "odbc:Dsn=Pg;uid=u;pwd=***;"
        );
        assert!(shown("Provider=MSOLAP.8;Data Source=x", "OLEDB").contains("Analysis Services"));
        assert!(shown("Provider=Odd.1;Data Source=x", "OLEDB").contains("`Odd.1` is not known"));
    }
}
