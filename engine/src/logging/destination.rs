//! From a log provider to what it leads to, and to something open.

use std::{path::PathBuf, sync::Arc};

use dtsx::{LogProvider, SsisCode};
use fletching_components::FindingKind;
use fletching_connections::{
    Connections,
    database::{DatabaseConnection, SqliteTarget, Target},
    resolve_file,
};

use fletching_custom::{LogProviderClass, LogProviderSpec};

use super::{
    custom,
    log::{Log, LogFailure},
    sql_server::DatabaseLog,
    text_file::TextFile,
    xml_file::XmlFile,
};
use crate::{control_flow::evaluate, state::PackageState};

/// `DTS_E_LOGPROVIDERVALIDATIONFAILED`.
const NOT_VALID: SsisCode = SsisCode(0xC002_410A);
/// `DTS_E_UNKNOWNLOGPROVIDERTYPE`.
const UNKNOWN_TYPE: SsisCode = SsisCode(0xC001_403D);

/// Where entries go.
#[derive(Debug, Clone)]
pub(super) enum Destination {
    Text {
        file: PathBuf,
        connections: Box<Connections>,
    },
    Xml {
        file: PathBuf,
        connections: Box<Connections>,
    },
    Database(Box<DatabaseConnection>),
    Custom {
        class: Arc<dyn LogProviderClass>,
        spec: Box<LogProviderSpec>,
    },
}

/// What a class of log providers writes.
#[derive(Debug, Clone, Copy)]
enum Form {
    Text,
    Xml,
    Table,
}

/// The log providers that write.
const PROVIDERS: [(&str, Form); 3] = [
    ("Microsoft.LogProviderTextFile", Form::Text),
    ("Microsoft.LogProviderXMLFile", Form::Xml),
    ("Microsoft.LogProviderSQLServer", Form::Table),
];

/// Their canonical names.
pub fn log_provider_names() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().map(|(name, _)| *name)
}

/// Why a provider leads nowhere.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) kind: FindingKind,
    pub(super) code: Option<SsisCode>,
    pub(super) message: String,
}

impl Problem {
    fn invalid(message: impl Into<String>) -> Self {
        Self {
            kind: FindingKind::Invalid,
            code: Some(NOT_VALID),
            message: message.into(),
        }
    }

    fn unsupported(code: Option<SsisCode>, message: impl Into<String>) -> Self {
        Self {
            kind: FindingKind::Unsupported,
            code,
            message: message.into(),
        }
    }
}

/// Where a provider leads as things stand now.
pub(super) fn destination(
    provider: &LogProvider,
    state: &PackageState,
    connections: &Connections,
) -> Result<Destination, Vec<Problem>> {
    let configuration = configuration(provider, state)?;
    let is_from_package = !provider.dtsid.is_empty();
    let file =
        || log_file(&configuration, is_from_package, connections).map_err(|problem| vec![problem]);
    if dtsx::resolve_log_provider(&provider.class_id).is_none()
        && let Some(class) = state.settings.extensions.log_provider(&provider.class_id)
    {
        let spec = custom::spec(provider, &configuration, connections);
        let problems = custom::check(class, &spec);
        if !problems.is_empty() {
            return Err(problems.into_iter().map(Problem::invalid).collect());
        }
        return Ok(Destination::Custom {
            class: Arc::clone(class),
            spec: Box::new(spec),
        });
    }
    let connections_of = || Box::new(connections.clone());
    let class = dtsx::resolve_log_provider(&provider.class_id);
    let mut known = PROVIDERS.iter();
    if let Some((_, form)) = known.find(|(name, _)| Some(*name) == class) {
        return match form {
            Form::Text => Ok(Destination::Text {
                file: file()?,
                connections: connections_of(),
            }),
            Form::Xml => Ok(Destination::Xml {
                file: file()?,
                connections: connections_of(),
            }),
            Form::Table => database(&configuration, connections).map_err(|problem| vec![problem]),
        };
    }
    match class {
        Some(name) => Err(vec![Problem::unsupported(
            None,
            format!(
                "logs of {name} are of Windows alone: they are not supported; log to a text file, an XML file or a database, or turn this one off"
            ),
        )]),
        None => Err(vec![Problem::unsupported(
            Some(UNKNOWN_TYPE),
            format!(
                "the log provider class `{}` is not known: it is not supported; register a class of this name, or load a \
                 plug-in that has it",
                provider.class_id
            ),
        )]),
    }
}

/// ConfigString, its property expression evaluated.
fn configuration(provider: &LogProvider, state: &PackageState) -> Result<String, Vec<Problem>> {
    let variables = state.scope(&state.root.path);
    let mut configuration = provider.connection.clone();
    let mut problems = Vec::new();
    for expression in &provider.property_expressions {
        let property = &expression.property;
        let value = evaluate(&expression.expression, &variables, state.locale_id);
        match (property.to_ascii_lowercase().as_str(), value) {
            ("configstring", Ok(value)) => configuration = value.to_string(),
            ("name" | "description" | "delayvalidation", Ok(_)) => {}
            (_, Ok(_)) => problems.push(Problem::invalid(format!(
                "property expression on `{property}`: a log provider has no such property; there are: ConfigString, DelayValidation, Description, Name"
            ))),
            (_, Err(error)) => problems.push(Problem {
                code: error.code.or(Some(NOT_VALID)),
                ..Problem::invalid(format!("property expression on `{property}`: {error}"))
            }),
        }
    }
    match problems.is_empty() {
        true => Ok(configuration),
        false => Err(problems),
    }
}

/// The file of a connection manager; for a log that the caller adds, a file by its own name too.
fn log_file(
    configuration: &str,
    is_from_package: bool,
    connections: &Connections,
) -> Result<PathBuf, Problem> {
    let name = configuration.trim();
    if name.is_empty() {
        return Err(Problem::invalid(
            "it names no connection manager (ConfigString): name one of a file",
        ));
    }
    if !is_from_package && connections.get(name).is_none() {
        let found = resolve_file(name, &connections.path_map);
        return found.map_err(|error| Problem::invalid(error.to_string()));
    }
    if let Some(manager) = connections.get(name)
        && !matches!(manager.creation_name.as_str(), "FILE" | "FLATFILE")
    {
        return Err(Problem::invalid(format!(
            "connection manager `{}` is of kind {}: a log in a file wants one of kind FILE",
            manager.name, manager.creation_name
        )));
    }
    let found = connections.file(name);
    found.map_err(|error| Problem::invalid(error.to_string()))
}

fn database(configuration: &str, connections: &Connections) -> Result<Destination, Problem> {
    let name = configuration.trim();
    if name.is_empty() {
        return Err(Problem::invalid(
            "it names no connection manager (ConfigString): name one of a database",
        ));
    }
    let found = connections
        .database(name)
        .map_err(|error| Problem::invalid(error.to_string()))?;
    if found.target == Target::Sqlite(SqliteTarget { file: None }) {
        return Err(Problem::invalid(format!(
            "connection manager `{name}` leads to a database in memory, where nobody could read the log: give it a file"
        )));
    }
    Ok(Destination::Database(Box::new(found)))
}

/// Opens a log. Blocks.
pub(super) fn open(path: &str, destination: Destination) -> Result<Box<dyn Log>, LogFailure> {
    match destination {
        Destination::Text { file, connections } => {
            let log = TextFile::open(path, &file, connections.path_map.files())?;
            Ok(Box::new(log))
        }
        Destination::Xml { file, connections } => {
            let log = XmlFile::open(path, &file, connections.path_map.files())?;
            Ok(Box::new(log))
        }
        Destination::Custom { class, spec } => custom::open(path, &class, &spec),
        Destination::Database(connection) => Ok(Box::new(DatabaseLog::open(path, &connection)?)),
    }
}
