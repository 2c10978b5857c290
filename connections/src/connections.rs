//! The connection managers of a package, with what the user re-pointed.

use std::path::{Path, PathBuf};

use dtsx::ConnectionManager;

use crate::{
    PathError, PathMap, ServerConnectionError, SettingsError,
    database::{DatabaseConnection, Keywords, SqliteTarget, Target, TargetError},
    ftp::FtpSettings,
    http::HttpSettings,
    mail::SmtpSettings,
    resolve_file,
    sql::Dialect,
};

/// Connection managers, found by refId, DTSID or name; names without regard to case.
#[derive(Debug, Clone)]
pub struct Connections {
    managers: Vec<ConnectionManager>,
    /// What stood in the managers that were re-pointed, by refId.
    originals: Vec<(String, String)>,
    /// Managers that lead nowhere as things stand, by refId, and why.
    faults: Vec<(String, String)>,
    /// Where the paths in connection strings lead.
    pub path_map: PathMap,
    /// What providers lead to that are not in [`PROVIDERS`](crate::database::PROVIDERS), or otherwise than there.
    pub providers: Vec<(String, String)>,
}

/// No connection manager has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no connection manager `{name}`{}", self.advice())]
pub struct UnknownName {
    pub name: String,
    /// The nearest name, if one is near.
    pub did_you_mean: Option<String>,
    /// All names, in the order of the package.
    pub known: Vec<String>,
}

impl UnknownName {
    fn advice(&self) -> String {
        match &self.did_you_mean {
            _ if self.name.starts_with("Project.ConnectionManagers[") => {
                "; it is one of the project that the package is to be loaded with (`--project`), and that project must have it"
                    .to_owned()
            }
            Some(near) => format!("; did you mean `{near}`?"),
            None if self.known.is_empty() => "; the package has none".to_owned(),
            None => format!("; the package has `{}`", self.known.join("`, `")),
        }
    }
}

/// A connection manager that does not lead to a local file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileConnectionError {
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    #[error(
        "connection manager `{name}` has no ConnectionString; set one with `--connection '{name}=PATH'`"
    )]
    NoConnectionString { name: String },
    #[error("connection manager `{name}`: {error}")]
    Path { name: String, error: PathError },
    #[error("connection manager `{name}`: {why}")]
    Fault { name: String, why: String },
}

/// A connection manager that does not lead to a database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseConnectionError {
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    #[error("connection manager `{name}`: {error}")]
    Target { name: String, error: TargetError },
    #[error("connection manager `{name}`: {error}")]
    Path { name: String, error: PathError },
    #[error("connection manager `{name}`: {why}")]
    Fault { name: String, why: String },
}

impl DatabaseConnectionError {
    /// Whether the package itself is wrong, as against one that asks for what is not supported.
    pub fn is_of_package(&self) -> bool {
        let error = match self {
            Self::Target { error, .. } => error,
            Self::Unknown(_) | Self::Path { .. } | Self::Fault { .. } => return true,
        };
        matches!(error, TargetError::Empty | TargetError::Malformed { .. })
    }
}

impl Connections {
    /// The managers of a package (and its project); relative paths start at the current folder until
    /// [`path_map`](Self::path_map) says otherwise.
    pub fn new(managers: Vec<ConnectionManager>) -> Self {
        Self {
            managers,
            originals: Vec::new(),
            faults: Vec::new(),
            path_map: PathMap::new("."),
            providers: Vec::new(),
        }
    }

    pub fn with_path_map(mut self, path_map: PathMap) -> Self {
        self.path_map = path_map;
        self
    }

    /// The folder at which relative paths start: the package's.
    pub fn base_dir(&self) -> &Path {
        self.path_map.base_dir()
    }

    pub fn iter(&self) -> impl Iterator<Item = &ConnectionManager> {
        self.managers.iter()
    }

    /// By refId, DTSID or name, in this order.
    pub fn get(&self, id_or_name: &str) -> Option<&ConnectionManager> {
        self.managers.get(self.position(id_or_name)?)
    }

    /// Replaces the connection string. A property expression on it is dropped, or it would bring the old one back.
    ///
    /// # Errors
    /// [`UnknownName`] with the nearest name.
    pub fn override_connection(
        &mut self,
        name: &str,
        connection_string: &str,
    ) -> Result<(), UnknownName> {
        let unknown = self.unknown(name);
        let position = self.position(name);
        let manager = position
            .and_then(|position| self.managers.get_mut(position))
            .ok_or(unknown)?;
        let original = manager.properties.get("ConnectionString");
        self.originals.push((
            manager.ref_id.clone(),
            original.unwrap_or_default().to_owned(),
        ));
        manager
            .properties
            .set("ConnectionString", connection_string);
        manager
            .property_expressions
            .retain(|expression| !expression.property.eq_ignore_ascii_case("ConnectionString"));
        manager
            .sealed
            .retain(|property| !property.eq_ignore_ascii_case("ConnectionString"));
        Ok(())
    }

    /// Gives the manager at `ref_id` the address that it stands for, or the reason why it stands for none, which whoever
    /// asks for it gets.
    pub fn resolve(&mut self, ref_id: &str, address: Result<String, String>) {
        let mut managers = self.managers.iter_mut();
        if let Some(manager) = managers.find(|manager| manager.ref_id == ref_id) {
            match address {
                Ok(address) => manager.properties.set("ConnectionString", address),
                Err(why) => self.faults.push((ref_id.to_owned(), why)),
            }
        }
    }

    fn fault(&self, manager: &ConnectionManager) -> Option<String> {
        let mut faults = self.faults.iter();
        let found = faults.find(|(ref_id, _)| *ref_id == manager.ref_id);
        found.map(|(_, why)| why.clone())
    }

    /// The local file of a FLATFILE or FILE connection manager.
    pub fn file(&self, id_or_name: &str) -> Result<PathBuf, FileConnectionError> {
        let manager = self
            .get(id_or_name)
            .ok_or_else(|| self.unknown(id_or_name))?;
        if let Some(why) = self.fault(manager) {
            let name = manager.name.clone();
            return Err(FileConnectionError::Fault { name, why });
        }
        let text = manager
            .properties
            .get("ConnectionString")
            .filter(|text| !text.trim().is_empty())
            .ok_or_else(|| FileConnectionError::NoConnectionString {
                name: manager.name.clone(),
            })?;
        resolve_file(text, &self.path_map).map_err(|error| FileConnectionError::Path {
            name: manager.name.clone(),
            error,
        })
    }

    /// What a manager tells those who open it themselves: the path of its file on this machine, or its connection string
    /// with the password that is kept beside it.
    ///
    /// # Errors
    /// There is no such manager, or its path leads nowhere.
    pub fn text(&self, id_or_name: &str) -> Result<String, FileConnectionError> {
        let manager = self
            .get(id_or_name)
            .ok_or_else(|| self.unknown(id_or_name))?;
        if let Some(why) = self.fault(manager) {
            let name = manager.name.clone();
            return Err(FileConnectionError::Fault { name, why });
        }
        if matches!(manager.creation_name.as_str(), "FILE" | "FLATFILE") {
            return Ok(self.file(id_or_name)?.display().to_string());
        }
        let properties = &manager.properties;
        let text = properties.get("ConnectionString").unwrap_or_default();
        let keywords = Keywords::parse(text);
        let password = properties.get("Password").unwrap_or_default();
        let is_address = text.split('=').next().unwrap_or_default().contains(':');
        if password.is_empty() || is_address || keywords.get(&["password", "pwd"]).is_some() {
            return Ok(text.to_owned());
        }
        let mut secret = Keywords::default();
        secret.set("Password", password);
        let text = text.trim_end().trim_end_matches(';');
        Ok(format!("{text};{}", secret.full()))
    }

    /// The database of a connection manager.
    pub fn database(
        &self,
        id_or_name: &str,
    ) -> Result<DatabaseConnection, DatabaseConnectionError> {
        let manager = self
            .get(id_or_name)
            .ok_or_else(|| self.unknown(id_or_name))?;
        if let Some(why) = self.fault(manager) {
            let name = manager.name.clone();
            return Err(DatabaseConnectionError::Fault { name, why });
        }
        let properties = &manager.properties;
        let text = properties.get("ConnectionString").unwrap_or_default();
        let password = properties
            .get("Password")
            .filter(|password| !password.is_empty());
        let fail = |error| DatabaseConnectionError::Target {
            name: manager.name.clone(),
            error,
        };
        let parse = |text: &str| {
            let templated = from_template(text, &self.providers, password);
            let text = templated.as_deref().unwrap_or(text);
            Target::parse(text, &manager.creation_name, password)
        };
        let target = match parse(text).map_err(fail)? {
            Target::Sqlite(SqliteTarget { file: Some(file) }) => {
                let file = self.path_map.resolve(&file.to_string_lossy());
                let file = file.map_err(|error| DatabaseConnectionError::Path {
                    name: manager.name.clone(),
                    error,
                })?;
                Target::Sqlite(SqliteTarget { file: Some(file) })
            }
            target => target,
        };
        let original = self
            .originals
            .iter()
            .find(|(ref_id, _)| *ref_id == manager.ref_id);
        // A string that leads nowhere, as one without a server, still says what was spoken there.
        let written_for = match original {
            Some((_, text)) => parse(text)
                .or_else(|_| parse(&format!("Data Source=localhost;{text}")))
                .ok(),
            None => Some(target.clone()),
        };
        Ok(DatabaseConnection {
            manager: manager.name.clone(),
            target,
            retain: ["RetainSameConnection", "Retain"]
                .iter()
                .any(|name| properties.bool(name) == Some(true)),
            written_in: match written_for {
                Some(Target::SqlServer(_)) => Dialect::MsSql,
                _ => Dialect::Other,
            },
        })
    }

    /// The server of files of an FTP connection manager.
    pub fn ftp(&self, id_or_name: &str) -> Result<FtpSettings, ServerConnectionError> {
        let manager = self.of_kind(id_or_name, "FTP")?;
        let read = FtpSettings::read(&manager.properties, self.string_counts(manager));
        let mut settings = settings_of(manager, read)?;
        path_of(manager, settings.resolve(&self.path_map))?;
        Ok(settings)
    }

    /// The server of mail of an SMTP connection manager.
    pub fn smtp(&self, id_or_name: &str) -> Result<SmtpSettings, ServerConnectionError> {
        let manager = self.of_kind(id_or_name, "SMTP")?;
        let read = SmtpSettings::read(&manager.properties, self.string_counts(manager));
        let mut settings = settings_of(manager, read)?;
        path_of(manager, settings.resolve(&self.path_map))?;
        Ok(settings)
    }

    /// The server of pages of an HTTP connection manager.
    pub fn http(&self, id_or_name: &str) -> Result<HttpSettings, ServerConnectionError> {
        let manager = self.of_kind(id_or_name, "HTTP")?;
        let read = HttpSettings::read(&manager.properties, self.string_counts(manager));
        let mut settings = settings_of(manager, read)?;
        let mut expressions = manager.property_expressions.iter();
        settings.is_re_pointed |=
            expressions.any(|expression| expression.property.eq_ignore_ascii_case("ServerURL"));
        path_of(manager, settings.resolve(&self.path_map))?;
        Ok(settings)
    }

    fn of_kind(
        &self,
        id_or_name: &str,
        wanted: &'static str,
    ) -> Result<&ConnectionManager, ServerConnectionError> {
        let manager = self
            .get(id_or_name)
            .ok_or_else(|| self.unknown(id_or_name))?;
        if manager.creation_name.eq_ignore_ascii_case(wanted) {
            return Ok(manager);
        }
        Err(ServerConnectionError::OtherKind {
            name: manager.name.clone(),
            found: manager.creation_name.clone(),
            wanted,
        })
    }

    /// Whether the connection string was set by the user or by a property expression: it then says where to go, and not
    /// what stands beside it.
    fn string_counts(&self, manager: &ConnectionManager) -> bool {
        let is_string = |name: &str| name.eq_ignore_ascii_case("ConnectionString");
        let mut originals = self.originals.iter();
        let mut expressions = manager.property_expressions.iter();
        originals.any(|(ref_id, _)| *ref_id == manager.ref_id)
            || expressions.any(|expression| is_string(&expression.property))
    }

    fn position(&self, id_or_name: &str) -> Option<usize> {
        let by = |of: fn(&ConnectionManager) -> &str| {
            self.managers
                .iter()
                .position(|manager| !of(manager).is_empty() && same(of(manager), id_or_name))
        };
        by(|manager| &manager.ref_id)
            .or_else(|| by(|manager| &manager.dtsid))
            .or_else(|| by(|manager| &manager.name))
    }

    fn unknown(&self, name: &str) -> UnknownName {
        let known: Vec<String> = self
            .managers
            .iter()
            .map(|manager| manager.name.clone())
            .collect();
        let limit = (name.chars().count() / 3).max(1);
        let did_you_mean = known
            .iter()
            .map(|candidate| {
                (
                    distance(&candidate.to_lowercase(), &name.to_lowercase()),
                    candidate,
                )
            })
            .filter(|(distance, _)| *distance <= limit)
            .min()
            .map(|(_, candidate)| candidate.clone());
        UnknownName {
            name: name.to_owned(),
            did_you_mean,
            known,
        }
    }
}

fn settings_of<T>(
    manager: &ConnectionManager,
    read: Result<T, SettingsError>,
) -> Result<T, ServerConnectionError> {
    read.map_err(|error| ServerConnectionError::Settings {
        name: manager.name.clone(),
        error,
    })
}

fn path_of(
    manager: &ConnectionManager,
    resolved: Result<(), PathError>,
) -> Result<(), ServerConnectionError> {
    resolved.map_err(|error| ServerConnectionError::Path {
        name: manager.name.clone(),
        error,
    })
}

/// The address that a user's template makes of a connection string.
fn from_template(
    text: &str,
    providers: &[(String, String)],
    password: Option<&str>,
) -> Option<String> {
    let keywords = Keywords::parse(text);
    let provider = keywords.get(&["provider"])?.to_lowercase();
    let (_, template) = providers
        .iter()
        .find(|(name, _)| provider.starts_with(&name.to_lowercase()))?;
    let mut address = String::new();
    let mut rest = template.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let (keyword, after) = after.split_once('}')?;
        let secret = keyword.eq_ignore_ascii_case("password");
        let value = keywords.get(&[keyword]).or(password.filter(|_| secret));
        address.push_str(before);
        address.push_str(value.unwrap_or_default());
        rest = after;
    }
    address.push_str(rest);
    Some(address)
}

fn same(left: &str, right: &str) -> bool {
    left == right || left.to_lowercase() == right.to_lowercase()
}

/// Single-character edits between two names.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, from) in left.chars().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(&right) {
            let above = *cell;
            *cell = (diagonal + usize::from(from != *to))
                .min(above + 1)
                .min(before + 1);
            diagonal = above;
            before = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use dtsx::{Properties, Property, PropertyExpression};

    use super::*;

    fn manager(name: &str, text: &str) -> ConnectionManager {
        ConnectionManager {
            ref_id: format!("Package.ConnectionManagers[{name}]"),
            dtsid: format!("{{ABCDEF00-0000-0000-0000-00000000{:04}}}", name.len()),
            name: name.to_owned(),
            creation_name: "FLATFILE".to_owned(),
            description: String::new(),
            delay_validation: false,
            properties: Properties::new(vec![Property {
                name: "ConnectionString".to_owned(),
                value: text.to_owned(),
                ..Property::default()
            }]),
            property_expressions: vec![PropertyExpression {
                property: "ConnectionString".to_owned(),
                expression: "@[User::File]".to_owned(),
            }],
            flat_file_columns: Vec::new(),
            cache_columns: Vec::new(),
            sealed: Vec::new(),
        }
    }

    #[test]
    fn found_by_any_key_and_re_pointed() {
        let mut connections = Connections::new(vec![
            manager("Orders", "a.csv"),
            manager("Lines Out", r"C:\x\b.csv"),
        ])
        .with_path_map(PathMap::new("/p"));
        for key in [
            "orders",
            "Package.ConnectionManagers[Orders]",
            "{abcdef00-0000-0000-0000-000000000006}",
        ] {
            assert_eq!(connections.get(key).unwrap().name, "Orders", "{key}");
        }
        assert_eq!(connections.file("Orders").unwrap(), Path::new("/p/a.csv"));
        let error = connections.file("Lines Out").unwrap_err().to_string();
        assert!(
            error.contains("`Lines Out`") && error.contains(r"--path-map 'C:\x="),
            "{error}"
        );
        connections
            .override_connection("LINES OUT", "out/b.csv")
            .unwrap();
        assert_eq!(
            connections.file("Lines Out").unwrap(),
            Path::new("/p/out/b.csv")
        );
        assert!(
            connections
                .get("Lines Out")
                .unwrap()
                .property_expressions
                .is_empty()
        );
    }

    #[test]
    fn a_provider_that_the_user_knows() {
        let text = "Provider=MSDAORA.1;Data Source=ORA;User ID=u;Password=p";
        let mut connections = Connections::new(vec![manager("Ora", text)]);
        assert!(connections.database("Ora").is_err());
        let template = "odbc:Driver=Oracle;DBQ={Data Source};UID={User ID};PWD={Password}";
        connections.providers = vec![("MSDAORA".to_owned(), template.to_owned())];
        let found = connections.database("Ora").unwrap();
        assert_eq!(
            found.target.to_string(),
            "odbc:Driver=Oracle;DBQ=ORA;UID=u;PWD=***;"
        );
    }

    #[test]
    fn servers_of_files_mail_and_pages() {
        let mut ftp = manager("Files", "localhost:2121");
        ftp.creation_name = "FTP".to_owned();
        let mut smtp = manager("Mail", "SmtpServer=a;UseWindowsAuthentication=True;");
        smtp.creation_name = "SMTP".to_owned();
        let mut http = manager("Pages", "http://a/b?WSDL");
        http.creation_name = "HTTP".to_owned();
        http.property_expressions.clear();
        http.properties.set("ServerURL", "http://c");
        let mut connections =
            Connections::new(vec![ftp, smtp, http]).with_path_map(PathMap::new("/p"));
        let found = connections.ftp("files").unwrap();
        assert_eq!(found.shown(), "ftp://anonymous@localhost:2121");
        let error = connections.ftp("Mail").unwrap_err().to_string();
        assert!(error.contains("of kind SMTP; one of kind FTP"), "{error}");
        let error = connections.smtp("Mail").unwrap_err().to_string();
        assert!(
            error.contains("`Mail`: UseWindowsAuthentication"),
            "{error}"
        );
        assert_eq!(connections.http("Pages").unwrap().url(), "http://c/");
        for (name, address) in [
            (
                "Files",
                "sftp://u@h/in?key_file=keys/id&known_hosts=/etc/hosts",
            ),
            ("Mail", "smtps://h"),
            ("Pages", "https://d#ca_file=ca.pem"),
        ] {
            connections.override_connection(name, address).unwrap();
        }
        let found = connections.ftp("Files").unwrap();
        assert_eq!(found.key_file.as_deref(), Some(Path::new("/p/keys/id")));
        assert_eq!(connections.smtp("Mail").unwrap().shown(), "smtps://h:465");
        let found = connections.http("Pages").unwrap();
        assert_eq!(found.url(), "https://d/");
        assert_eq!(found.trust.ca_file.as_deref(), Some(Path::new("/p/ca.pem")));
        let error = connections.http("Page").unwrap_err().to_string();
        assert!(error.contains("did you mean `Pages`?"), "{error}");
    }

    #[test]
    fn an_unknown_name_brings_the_nearest() {
        let mut connections = Connections::new(vec![manager("Orders", ""), manager("Lines", "")]);
        let error = connections.override_connection("Order", "x").unwrap_err();
        assert_eq!(error.did_you_mean.as_deref(), Some("Orders"));
        let error = connections
            .override_connection("Customers Src", "x")
            .unwrap_err();
        assert_eq!(error.did_you_mean, None);
        assert!(error.to_string().contains("`Orders`, `Lines`"));
        assert!(matches!(
            connections.file("Orders"),
            Err(FileConnectionError::NoConnectionString { .. })
        ));
    }
}
