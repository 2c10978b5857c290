//! Which database a component talks to, what it asks, and how failures are said.

use std::sync::Arc;

use dtsx::SsisCode;
use fletching_connections::database::{
    Adapted, DatabaseConnection, DatabaseError, Direction, Fault, Lease, Parameter, ReadOptions,
    RowSink, Sessions, Statement, TableName,
};
use fletching_expression::variable_advice;

use crate::{
    Binding, Finding, Findings, PlanContext,
    flow::{FlowError, RunState},
};

/// The connection of a component.
#[derive(Debug, Clone)]
pub struct DatabaseAccess {
    /// Path of the component.
    pub path: String,
    /// Name of the connection manager.
    pub manager: String,
    /// Seconds that a statement may take; 0 for any time.
    pub timeout_seconds: u32,
}

impl DatabaseAccess {
    /// The manager that the component names in its first connection; it must lead to a database.
    pub fn read(binding: &Binding<'_>, timeout_property: &str) -> Result<Self, Finding> {
        let timeout_seconds = match binding.component.properties.get(timeout_property) {
            None | Some("") => 0,
            Some(text) => text.trim().parse().map_err(|_| {
                binding.finding(format!(
                    "{timeout_property} is `{text}`, a number of seconds is wanted"
                ))
            })?,
        };
        let named = binding
            .component
            .connections
            .iter()
            .find(|connection| !connection.connection_manager.trim().is_empty());
        let Some(named) = named else {
            return Err(Finding {
                code: Some(SsisCode(0xC020_801C)), // DTS_E_CANNOTACQUIRECONNECTIONFROMCONNECTIONMANAGER
                ..binding.finding("names no connection manager: choose one in the designer")
            });
        };
        let id = named.connection_manager.trim();
        let found = binding.connections.database(id).map_err(|error| {
            let finding = match error.is_of_package() {
                true => binding.finding(error.to_string()),
                false => binding.unsupported(error.to_string()),
            };
            Finding {
                code: Some(SsisCode(0xC020_801C)),
                ..finding
            }
        })?;
        Ok(Self {
            path: binding.path.to_owned(),
            manager: found.manager,
            timeout_seconds,
        })
    }

    /// Where the manager leads in a run.
    pub fn connection(&self, context: &PlanContext) -> Result<DatabaseConnection, FlowError> {
        context
            .connections
            .database(&self.manager)
            .map_err(|error| {
                FlowError::new(&self.path, Some(SsisCode(0xC020_801C)), error.to_string())
            })
    }

    /// A session of the manager. Blocks.
    pub fn acquire(
        &self,
        sessions: &Arc<Sessions>,
        connection: &DatabaseConnection,
        run: &RunState,
    ) -> Result<Lease, FlowError> {
        let lease = sessions.acquire(connection);
        let lease = lease.map_err(|error| self.error(&error))?;
        if lease.is_beside() {
            run.warn(format!(
                "{}: the connection that `{}` retains (RetainSameConnection) is in use, a second one was opened beside it: it \
                 does not see temporary tables of the first",
                self.path, self.manager
            ));
        }
        if lease.is_after_break() {
            run.warn(format!(
                "{}: the connection that `{}` retains (RetainSameConnection) broke, a new one was opened: temporary tables, \
                 settings and an open transaction of the first are gone",
                self.path, self.manager
            ));
        }
        Ok(lease)
    }

    /// The statements of a text of the package in the database's own SQL.
    pub fn statements(
        &self,
        connection: &DatabaseConnection,
        session: &Lease,
        sql: &Sql,
    ) -> Result<Vec<Adapted>, FlowError> {
        let adapted = connection.adapt(session.dialect(), &sql.text, &sql.parameters);
        adapted.map_err(|error| {
            let code = Some(SsisCode(0xC020_2009)); // DTS_E_OLEDBERROR
            FlowError::new(&self.path, code, error.to_string())
        })
    }

    /// Runs a query of the package; statements around it prepare it and clean up.
    pub fn query(
        &self,
        connection: &DatabaseConnection,
        session: &mut Lease,
        sql: &Sql,
        options: &ReadOptions,
        sink: &mut dyn RowSink,
    ) -> Result<(), FlowError> {
        let statements = self.statements(connection, session, sql)?;
        let first = statements
            .iter()
            .position(|one| one.is_query != Some(false));
        for (at, one) in statements.iter().enumerate() {
            let statement = Statement {
                parameters: &one.parameters,
                timeout_seconds: self.timeout_seconds,
                ..Statement::new(&one.text)
            };
            let done = match Some(at) == first {
                true => session.query(&statement, options, sink),
                false => session.execute(&statement).map(|_| ()),
            };
            done.map_err(|error| self.error(&error))?;
        }
        match first {
            Some(_) => Ok(()),
            None => Err(FlowError::new(
                &self.path,
                Some(SsisCode(0xC020_2009)),
                "the statement yields no rows, and a source needs some",
            )),
        }
    }

    /// A failure of the database at this component.
    pub fn error(&self, error: &DatabaseError) -> FlowError {
        database_error(&self.path, &self.manager, error)
    }
}

/// A failure of the database behind `manager`, at the component or task at `path`.
pub fn database_error(path: &str, manager: &str, error: &DatabaseError) -> FlowError {
    let advice = match error.fault {
        Fault::Unreachable | Fault::Login => {
            format!("; re-point the connection manager with `--connection '{manager}=...'`")
        }
        Fault::Missing => {
            "; create it, or let the package do so in a task before this one".to_owned()
        }
        _ => String::new(),
    };
    let message = format!("connection manager `{manager}`: {error}{advice}");
    FlowError::new(path, Some(error.code()), message)
}

/// A statement of the package, with values for its markers.
#[derive(Debug, Clone, Default)]
pub struct Sql {
    pub text: String,
    pub parameters: Vec<Parameter>,
}

impl Sql {
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            parameters: Vec::new(),
        }
    }
}

/// The values of `"Parameter0:Input",{GUID};...`: by their ordinal or name, with the variables as they stand now.
pub fn mapped_parameters(binding: &Binding<'_>, mapping: &str) -> Result<Vec<Parameter>, Findings> {
    let mut findings = Findings::default();
    let mut parameters: Vec<(usize, Parameter)> = Vec::new();
    for (at, part) in mapping.split(';').map(str::trim).enumerate() {
        if part.is_empty() {
            continue;
        }
        match mapped_parameter(binding, part) {
            Ok((name, parameter)) => {
                let digits = name.trim_start_matches(|letter: char| !letter.is_ascii_digit());
                let ordinal = match name.starts_with('@') {
                    true => at,
                    false => digits.parse().unwrap_or(at),
                };
                parameters.push((ordinal, parameter));
            }
            Err(finding) => findings.push(finding),
        }
    }
    parameters.sort_by_key(|(ordinal, _)| *ordinal);
    let parameters = parameters.into_iter().map(|(_, parameter)| parameter);
    findings.none_or(parameters.collect())
}

fn mapped_parameter(binding: &Binding<'_>, part: &str) -> Result<(String, Parameter), Finding> {
    let malformed = || {
        binding.finding(format!(
            "parameter mapping `{part}` is not of the form \"Parameter0:Input\",{{variable}}"
        ))
    };
    let (name, variable) = part.rsplit_once(',').ok_or_else(malformed)?;
    let (name, direction) = match name.trim().trim_matches('"').rsplit_once(':') {
        Some((name, direction)) => (name, direction),
        None => (name.trim().trim_matches('"'), "Input"),
    };
    if !direction.eq_ignore_ascii_case("input") {
        return Err(binding.unsupported(format!(
            "parameter `{name}` is mapped as {direction}: only Input is supported in a source"
        )));
    }
    let variable = variable.trim();
    let qualified = match variable.starts_with('{') {
        true => binding.variables.name_of(variable),
        false => Some(variable.to_owned()),
    };
    let Some(qualified) = qualified else {
        return Err(Finding {
            code: Some(SsisCode::VARIABLE_NOT_FOUND),
            ..binding.finding(format!(
                "parameter `{name}` is mapped to variable {variable}, which is not in scope"
            ))
        });
    };
    let value = variable_value(binding, &qualified)?;
    let parameter = Parameter {
        name: name.starts_with('@').then(|| name.to_owned()),
        direction: Direction::Input,
        value: value.array,
        size: 0,
    };
    Ok((name.to_owned(), parameter))
}

/// The value of a variable that a property names.
pub fn variable_value(
    binding: &Binding<'_>,
    qualified: &str,
) -> Result<fletching_expression::Scalar, Finding> {
    let (namespace, name) = crate::transforms::settings::namespace_and_name(qualified.trim());
    if let Some(value) = binding.variables.value(namespace, name) {
        return Ok(value);
    }
    Err(match binding.variables.fault(namespace, name) {
        Some(why) => binding.finding(format!("variable `{qualified}` {why}")),
        None => Finding {
            code: Some(SsisCode::VARIABLE_NOT_FOUND),
            ..binding.finding(format!(
                "variable `{qualified}` is not in scope{}",
                variable_advice(qualified.trim(), &binding.variables.names())
            ))
        },
    })
}

/// The text of a variable that holds SQL or a name.
pub fn variable_text(binding: &Binding<'_>, qualified: &str) -> Result<String, Finding> {
    if qualified.trim().is_empty() {
        return Err(binding.finding("names no variable"));
    }
    Ok(variable_value(binding, qualified)?.to_string())
}

/// A table's name as a property has it.
pub fn table_name(binding: &Binding<'_>, text: &str) -> Result<TableName, Finding> {
    TableName::parse(text).ok_or_else(|| {
        binding.finding(format!(
            "`{text}` is no table's name: [schema].[table] is wanted"
        ))
    })
}

impl Finding {
    /// An access mode that is none.
    pub(crate) fn from_mode(binding: &Binding<'_>, mode: &str, wanted: &str) -> Self {
        binding.finding(format!("AccessMode is `{mode}`: {wanted} is wanted"))
    }
}
