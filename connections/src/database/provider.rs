//! THE table of providers: how connection strings of OLE DB, ADO.NET, ODBC and Excel lead to a database of ours.

use super::{
    Target, TargetError,
    keywords::Keywords,
    target::{Encrypt, SqlServerTarget},
};

/// A line of the table.
#[derive(Debug)]
pub struct Provider {
    /// Kind of connection manager: `OLEDB`, `ADO.NET`, `ODBC`, `EXCEL`.
    pub kind: &'static str,
    /// How the provider's name (OLE DB), the type's name (ADO.NET) or the driver's name (ODBC) begins or what it
    /// contains; without regard to case.
    pub name: &'static str,
    pub leads_to: LeadsTo,
    /// For people.
    pub note: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeadsTo {
    SqlServer,
    /// The driver manager of this machine, with the string as it is.
    Odbc,
    /// Not supported; the note says what to do.
    Nothing,
}

const fn line(
    kind: &'static str,
    name: &'static str,
    leads_to: LeadsTo,
    note: &'static str,
) -> Provider {
    Provider {
        kind,
        name,
        leads_to,
        note,
    }
}

/// The first line that fits counts.
pub static PROVIDERS: &[Provider] = &[
    line(
        "OLEDB",
        "SQLNCLI",
        LeadsTo::SqlServer,
        "SQL Server Native Client 2005 to 2012",
    ),
    line(
        "OLEDB",
        "MSOLEDBSQL",
        LeadsTo::SqlServer,
        "Microsoft OLE DB Driver for SQL Server",
    ),
    line(
        "OLEDB",
        "SQLOLEDB",
        LeadsTo::SqlServer,
        "Microsoft OLE DB Provider for SQL Server",
    ),
    line(
        "OLEDB",
        "MSDASQL",
        LeadsTo::Odbc,
        "OLE DB over ODBC: the string's ODBC part",
    ),
    line(
        "OLEDB",
        "MSOLAP",
        LeadsTo::Nothing,
        "Analysis Services: its cubes are not reached from here",
    ),
    line(
        "OLEDB",
        "Microsoft.Jet.OLEDB",
        LeadsTo::Nothing,
        "Excel and Access files: re-point it to a database",
    ),
    line(
        "OLEDB",
        "Microsoft.ACE.OLEDB",
        LeadsTo::Nothing,
        "Excel and Access files: re-point it to a database",
    ),
    line(
        "OLEDB",
        "MSDAORA",
        LeadsTo::Nothing,
        "Oracle: re-point it, `odbc:Driver=...` with Oracle's driver",
    ),
    line(
        "OLEDB",
        "OraOLEDB",
        LeadsTo::Nothing,
        "Oracle: re-point it, `odbc:Driver=...` with Oracle's driver",
    ),
    line(
        "ADO.NET",
        "MySql",
        LeadsTo::Nothing,
        "MySQL: re-point it, `odbc:Driver=...` with a MySQL or MariaDB driver",
    ),
    line(
        "ADO.NET",
        "SqlClient",
        LeadsTo::SqlServer,
        "SqlConnection of System.Data and Microsoft.Data",
    ),
    line(
        "ADO.NET",
        "SQL",
        LeadsTo::SqlServer,
        "as 2012 abbreviates SqlConnection",
    ),
    line("ADO.NET", "Odbc", LeadsTo::Odbc, "OdbcConnection"),
    line(
        "ADO.NET",
        "OleDb",
        LeadsTo::Nothing,
        "OleDbConnection without a Provider: name one",
    ),
    line(
        "ODBC",
        "",
        LeadsTo::Odbc,
        "the driver manager of this machine (unixODBC)",
    ),
    line(
        "EXCEL",
        "",
        LeadsTo::Nothing,
        "Excel files: re-point it to a database",
    ),
];

/// What a connection string of a package leads to.
pub(super) fn target(
    text: &str,
    kind: &str,
    password: Option<&str>,
) -> Result<Target, TargetError> {
    let keywords = Keywords::parse(text);
    let (kind, of_kind) = kind.split_once(':').unwrap_or((kind, ""));
    let oledb = keywords.get(&["provider"]);
    // A string that is given by hand says itself what it is.
    let (kind, name) = match (kind, oledb) {
        ("ODBC", None) => ("ODBC", ""),
        (_, Some(provider)) => ("OLEDB", provider),
        ("OLEDB" | "ADO.NET" | "ADO", None) if keywords.get(&["driver", "dsn"]).is_some() => {
            ("ODBC", "")
        }
        ("ADO.NET", None) => ("ADO.NET", of_kind),
        ("EXCEL", None) => ("EXCEL", ""),
        _ if keywords.get(&["data source", "server"]).is_some() => ("ADO.NET", "SqlClient"),
        _ => {
            return Err(TargetError::Malformed {
                text: keywords.masked(),
                wanted: "neither Provider, Driver, DSN nor Data Source is in it".to_owned(),
            });
        }
    };
    let found = PROVIDERS.iter().find(|line| {
        line.kind == kind
            && name
                .to_ascii_lowercase()
                .contains(&line.name.to_ascii_lowercase())
    });
    match found {
        Some(line) => match line.leads_to {
            LeadsTo::SqlServer => sql_server(&keywords, password),
            LeadsTo::Odbc => Ok(Target::odbc(odbc_part(&keywords), password)),
            LeadsTo::Nothing => Err(TargetError::Unsupported {
                what: format!("provider `{name}`").replace("provider ``", kind),
                advice: line.note.to_owned(),
            }),
        },
        None => Err(TargetError::UnknownProvider {
            provider: name.to_owned(),
        }),
    }
}

/// What the driver manager understands of a string: not the provider above it.
fn odbc_part(keywords: &Keywords) -> Keywords {
    let extended = keywords.get(&["extended properties"]).unwrap_or_default();
    let mut part = Keywords::parse(extended);
    for (key, value) in keywords.iter() {
        let key = match key.to_ascii_lowercase().as_str() {
            "provider"
            | "extended properties"
            | "persist security info"
            | "auto translate"
            | "application name" => continue,
            "data source" => "DSN",
            "user id" => "UID",
            "password" => "PWD",
            "initial catalog" => "DATABASE",
            _ => key,
        };
        part.set(key, value);
    }
    part
}

/// The keywords of all of Microsoft's clients.
pub(super) fn sql_server(
    keywords: &Keywords,
    password: Option<&str>,
) -> Result<Target, TargetError> {
    let malformed = |wanted: String| TargetError::Malformed {
        text: keywords.masked(),
        wanted,
    };
    let Some(server) = keywords.get(&[
        "data source",
        "server",
        "address",
        "addr",
        "network address",
    ]) else {
        return Err(malformed("no server is named (Data Source)".to_owned()));
    };
    let place = place(server).map_err(|port| malformed(format!("`{port}` is no port")))?;
    let text = |keys: &[&str]| keywords.get(keys).map(str::to_owned);
    let integrated = keywords
        .get(&["integrated security", "trusted_connection"])
        .is_some_and(|value| value.eq_ignore_ascii_case("sspi") || is_yes(value));
    let user = text(&["user id", "uid", "user"]).filter(|_| !integrated);
    let password = password
        .map(str::to_owned)
        .or_else(|| text(&["password", "pwd"]))
        .filter(|_| user.is_some());
    let encrypt = match keywords.get(&["encrypt", "use encryption for data"]) {
        Some(value) if value.eq_ignore_ascii_case("strict") => Encrypt::Strict,
        Some(value) if is_yes(value) || value.eq_ignore_ascii_case("mandatory") => Encrypt::Yes,
        // What the providers of packages do that say nothing.
        _ => Encrypt::No,
    };
    let number = |keys: &[&str]| {
        keywords
            .get(keys)
            .and_then(|value| value.trim().parse().ok())
    };
    Ok(Target::SqlServer(SqlServerTarget {
        host: place.host,
        instance: place.instance,
        port: place.port,
        database: text(&["initial catalog", "database"]),
        user,
        password,
        encrypt,
        trust_server_certificate: keywords
            .get(&["trustservercertificate", "trust server certificate"])
            .is_some_and(is_yes),
        application: text(&["application name", "app"]),
        connect_timeout_seconds: number(&["connect timeout", "connection timeout", "timeout"]),
        packet_size: keywords
            .get(&["packet size"])
            .and_then(|value| value.trim().parse().ok()),
    }))
}

/// Where a server is.
struct Place {
    host: String,
    instance: Option<String>,
    port: Option<u16>,
}

/// `tcp:host\instance,port`.
///
/// # Errors
/// What stands for a port and is none.
fn place(server: &str) -> Result<Place, &str> {
    let server = server.trim();
    let server = match server.split_once(':') {
        Some((protocol, rest)) if protocol.eq_ignore_ascii_case("tcp") => rest,
        _ => server,
    };
    let (place, port) = match server.rsplit_once(',') {
        Some((place, port)) => (place, Some(port.trim().parse().map_err(|_| port)?)),
        None => (server, None),
    };
    let (host, instance) = match place.split_once('\\') {
        Some((host, instance)) => (host, Some(instance.trim().to_owned())),
        None => (place, None),
    };
    let host = match host.trim().to_ascii_lowercase().as_str() {
        "." | "(local)" | "" => "localhost".to_owned(),
        _ => host.trim().to_owned(),
    };
    Ok(Place {
        host,
        instance,
        port,
    })
}

fn is_yes(value: &str) -> bool {
    matches!(
        value.trim().to_ascii_lowercase().as_str(),
        "yes" | "true" | "1"
    )
}
