//! Calls: RPC messages, EXEC, the system's procedures that clients use, and those a test registered.

use std::collections::BTreeMap;

use rusqlite::types::Value;

use crate::convert::{Fit, convert, text};
use crate::error::SqlError;
use crate::procedure::Procedure;
use crate::script::{Call, declaration, split_commas, tokens, word};
use crate::session::{Session, number_of, type_of};
use crate::sql_type::{SqlType, WireType};
use crate::state::Variables;
use crate::tokens::{DONE_ERROR, Stop};
use crate::wire::{Read, Reader};

/// A statement that a client has prepared.
#[derive(Debug, Clone)]
enum Kept {
    Text {
        declarations: String,
        source: String,
    },
    Procedure(String),
}

/// The statements a client has prepared.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    statements: BTreeMap<i64, Kept>,
    last: i64,
}

impl Prepared {
    fn of(&self, handle: i64) -> Result<Kept, SqlError> {
        let found = self.statements.get(&handle).cloned();
        let message = format!("Could not find prepared statement with handle {handle}.");
        found.ok_or_else(|| SqlError::new(8179, message))
    }

    fn add(&mut self, kept: Kept) -> i64 {
        self.last += 1;
        self.statements.insert(self.last, kept);
        self.last
    }

    fn add_text(&mut self, declarations: String, source: String) -> i64 {
        self.add(Kept::Text {
            declarations,
            source,
        })
    }
}

fn handle(parameter: Option<&Parameter>) -> i64 {
    parameter.map_or(0, |parameter| number_of(&parameter.value))
}

#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    /// In lower case, empty for one that goes by its place.
    pub(crate) name: String,
    pub(crate) output: bool,
    pub(crate) ty: SqlType,
    pub(crate) value: Value,
}

/// A parameter that comes back.
#[derive(Debug)]
pub(crate) struct Output {
    /// Its place among all parameters of the call.
    pub(crate) place: usize,
    /// As the client called it, nothing for one without a name: Microsoft's ODBC driver goes by the place only then.
    pub(crate) name: String,
    pub(crate) ty: SqlType,
    pub(crate) value: Value,
}

/// What a call leaves.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) failed: bool,
    pub(crate) outputs: Vec<Output>,
}

impl Outcome {
    /// The outputs of what is called inside a call, behind so many parameters of that call.
    fn behind(mut self, parameters: usize) -> Self {
        for output in &mut self.outputs {
            output.place += parameters;
        }
        self
    }

    /// A handle comes back before all else.
    fn with_handle(mut self, handle: i64) -> Self {
        let handle = Output {
            place: 0,
            name: String::new(),
            ty: SqlType::Int,
            value: Value::Integer(handle),
        };
        self.outputs.insert(0, handle);
        self
    }
}

struct Request {
    name: String,
    parameters: Vec<Parameter>,
}

fn procedure_name(id: u16) -> &'static str {
    match id {
        1 => "sp_cursor",
        2 => "sp_cursoropen",
        3 => "sp_cursorprepare",
        4 => "sp_cursorexecute",
        5 => "sp_cursorprepexec",
        6 => "sp_cursorunprepare",
        7 => "sp_cursorfetch",
        8 => "sp_cursoroption",
        9 => "sp_cursorclose",
        10 => "sp_executesql",
        11 => "sp_prepare",
        12 => "sp_execute",
        13 => "sp_prepexec",
        14 => "sp_prepexecrpc",
        15 => "sp_unprepare",
        _ => "unknown",
    }
}

fn read_request(reader: &mut Reader<'_>) -> Read<Request> {
    let length = reader.u16()?;
    let name = match length {
        u16::MAX => procedure_name(reader.u16()?).to_owned(),
        length => reader.utf16(usize::from(length))?,
    };
    reader.u16()?;
    let mut parameters = Vec::new();
    while !reader.is_empty() {
        if reader.peek()? >= 0xFE {
            reader.u8()?;
            break;
        }
        let name = reader.b_text()?.to_ascii_lowercase();
        let output = reader.u8()? & 1 != 0;
        let wire = WireType::read_parameter(reader)?;
        let value = wire.read_value(reader)?;
        parameters.push(Parameter {
            name,
            output,
            ty: wire.ty,
            value,
        });
    }
    Ok(Request { name, parameters })
}

/// The procedure's own name, without database and schema.
fn base_name(name: &str) -> String {
    name.rsplit('.')
        .next()
        .unwrap_or_default()
        .replace(['[', ']', '"'], "")
        .to_ascii_lowercase()
}

impl Session {
    /// All calls of an RPC message.
    pub(crate) fn request(&mut self, body: &[u8]) -> Result<(), Stop> {
        let mut reader = Reader::new(body);
        reader.all_headers()?;
        while !reader.is_empty() {
            let request = match read_request(&mut reader) {
                Ok(request) => request,
                Err(short) => {
                    let Stop::Sql(error) = Stop::from(short) else {
                        return Err(Stop::Close);
                    };
                    self.replies.error(&error);
                    self.replies.finish_call(0, true, &[])?;
                    break;
                }
            };
            self.replies.in_call = true;
            self.state.status = 0;
            let outcome = match self.call(&request.name, request.parameters) {
                Err(Stop::Sql(error)) => {
                    self.state.error = error.number;
                    self.replies.error(&error);
                    Outcome {
                        failed: true,
                        outputs: Vec::new(),
                    }
                }
                other => other?,
            };
            self.replies
                .finish_call(self.state.status, outcome.failed, &outcome.outputs)?;
        }
        Ok(self.replies.send_call()?)
    }

    /// `EXEC name ...` in a batch.
    pub(crate) fn execute(&mut self, call: &Call) -> Result<(), Stop> {
        let mut parameters = Vec::new();
        for argument in &call.arguments {
            let bare = word(argument.value.first());
            // A word that is no variable is a text without quotes.
            let value = match argument.value.as_slice() {
                [_] if !bare.is_empty() && !bare.starts_with('@') && bare != "NULL" => {
                    Value::Text(bare.clone())
                }
                value => self.evaluate(value)?,
            };
            let ty = self
                .state
                .variables
                .get(&bare.to_ascii_lowercase())
                .map_or_else(|| type_of(&value), |(ty, _)| *ty);
            let name = argument.name.clone().unwrap_or_default();
            parameters.push(Parameter {
                name,
                output: argument.output,
                ty,
                value,
            });
        }
        let targets: Vec<String> = call
            .arguments
            .iter()
            .filter(|argument| argument.output)
            .map(|argument| word(argument.value.first()))
            .collect();
        let (status, outer) = (
            std::mem::take(&mut self.state.status),
            std::mem::replace(&mut self.replies.in_call, true),
        );
        self.replies.sets = call.sets.iter().cloned().collect();
        let outcome = self.call(&call.name, parameters);
        self.replies.sets.clear();
        self.replies.in_call = outer;
        let outcome = outcome?;
        let returned = std::mem::replace(&mut self.state.status, status);
        for (target, output) in targets.iter().zip(outcome.outputs) {
            self.assign(&target.to_ascii_lowercase(), output.value)?;
        }
        if let Some(result) = &call.result {
            self.assign(result, Value::Integer(i64::from(returned)))?;
        }
        if !self.replies.in_call {
            self.replies
                .done(if outcome.failed { DONE_ERROR } else { 0 }, 0, 0);
        }
        Ok(())
    }

    fn call(&mut self, name: &str, parameters: Vec<Parameter>) -> Result<Outcome, Stop> {
        let base = base_name(name);
        let texts = |at: usize| {
            parameters
                .get(at)
                .map(|parameter| text(parameter.value.clone()))
                .unwrap_or_default()
        };
        let rest = |skip: usize| parameters.iter().skip(skip).cloned().collect::<Vec<_>>();
        match base.as_str() {
            "sp_executesql" => {
                let source = self.remembered(texts(0));
                let outcome = self.prepared(&texts(1), &source, rest(2))?;
                Ok(outcome.behind(2))
            }
            "sp_prepexec" => {
                let source = self.remembered(texts(2));
                let handle = self.calls.add_text(texts(1), source.clone());
                let outcome = self.prepared(&texts(1), &source, rest(3))?;
                Ok(outcome.behind(3).with_handle(handle))
            }
            "sp_prepexecrpc" => {
                let handle = self.calls.add(Kept::Procedure(texts(1)));
                let outcome = self.call(&texts(1), rest(2))?;
                Ok(outcome.behind(2).with_handle(handle))
            }
            "sp_prepare" => {
                let source = self.remembered(texts(2));
                let added = self.calls.add_text(texts(1), source.clone());
                if handle(parameters.get(3)) & 1 != 0 {
                    self.prepared_columns(&texts(1), &source)?;
                }
                Ok(Outcome::default().with_handle(added))
            }
            "sp_execute" => {
                let kept = self.calls.of(handle(parameters.first()))?;
                Ok(self.again(kept, rest(1))?.behind(1))
            }
            "sp_unprepare" => {
                self.calls.statements.remove(&handle(parameters.first()));
                Ok(Outcome::default())
            }
            "sp_reset_connection" => Ok(Outcome::default()),
            "sp_tablecollations_100" => self
                .table_collations(&texts(0))
                .map(|()| Outcome::default()),
            "sp_describe_first_result_set" => self
                .describe_result(&texts(0), &texts(1))
                .map(|()| Outcome::default()),
            "sp_describe_undeclared_parameters" => {
                Err(SqlError::unsupported("sp_describe_undeclared_parameters").into())
            }
            cursor if cursor.starts_with("sp_cursor") => Err(SqlError::unsupported(format_args!(
                "server cursors ({cursor}); ask for a forward-only, read-only result"
            ))
            .into()),
            "sp_datatype_info_100" | "sp_datatype_info" => self
                .type_information(handle(parameters.first()))
                .map(|()| Outcome::default()),
            "sp_tables" | "sp_columns_100" | "sp_columns" | "sp_pkeys" => self
                .odbc_catalog(&base, &parameters)
                .map(|()| Outcome::default()),
            _ => self.registered(name, &base, parameters),
        }
    }

    /// Runs what was prepared.
    fn again(&mut self, kept: Kept, parameters: Vec<Parameter>) -> Result<Outcome, Stop> {
        match kept {
            Kept::Text {
                declarations,
                source,
            } => self.prepared(&declarations, &source, parameters),
            Kept::Procedure(name) => self.call(&name, parameters),
        }
    }

    fn remembered(&self, source: String) -> String {
        self.shared.recorded.lock().statements.push(source.clone());
        source
    }

    /// Runs text with parameters, in a scope of its own.
    fn prepared(
        &mut self,
        declarations: &str,
        source: &str,
        parameters: Vec<Parameter>,
    ) -> Result<Outcome, Stop> {
        let declared = declared(declarations)?;
        let mut variables = Variables::new();
        let mut outputs = Vec::new();
        for (at, (name, ty, _)) in declared.iter().enumerate() {
            let given = parameters.iter().find(|parameter| parameter.name == *name);
            let given = given.or_else(|| {
                parameters
                    .get(at)
                    .filter(|parameter| parameter.name.is_empty())
            });
            let value = given.map_or(Value::Null, |parameter| parameter.value.clone());
            variables.insert(name.clone(), (*ty, convert(value, *ty, Fit::Cut)?));
        }
        for parameter in parameters.iter().filter(|parameter| parameter.output) {
            let at = parameters
                .iter()
                .position(|other| std::ptr::eq(other, parameter))
                .unwrap_or_default();
            let name = if parameter.name.is_empty() {
                declared.get(at).map(|(name, ..)| name.clone())
            } else {
                Some(parameter.name.clone())
            };
            let given = parameter.name.clone();
            outputs.extend(name.map(|name| (at, (given, name), parameter.ty)));
        }
        let outer = std::mem::replace(&mut self.state.variables, variables);
        let settings = (self.state.no_count, self.state.format_only);
        let failed = self.batch(source);
        (self.state.no_count, self.state.format_only) = settings;
        let inner = std::mem::replace(&mut self.state.variables, outer);
        let value = |(place, (given, name), ty): (usize, (String, String), SqlType)| {
            let value = inner
                .get(&name)
                .map_or(Value::Null, |(_, value)| value.clone());
            Output {
                place,
                name: given,
                ty,
                value,
            }
        };
        Ok(Outcome {
            failed: failed?,
            outputs: outputs.into_iter().map(value).collect(),
        })
    }

    /// The columns of a statement that is only prepared.
    fn prepared_columns(&mut self, declarations: &str, source: &str) -> Result<(), Stop> {
        let variables = declared(declarations)?
            .into_iter()
            .map(|(name, ty, _)| (name, (ty, Value::Null)))
            .collect();
        let outer = std::mem::replace(&mut self.state.variables, variables);
        let before = std::mem::replace(&mut self.state.format_only, true);
        let result = self.nested(source);
        self.state.format_only = before;
        self.state.variables = outer;
        result
    }

    fn registered(
        &mut self,
        name: &str,
        base: &str,
        parameters: Vec<Parameter>,
    ) -> Result<Outcome, Stop> {
        let found = self
            .shared
            .procedures
            .iter()
            .find(|procedure| base_name(&procedure.name) == base)
            .cloned();
        let Some(procedure) = found else {
            return Err(
                SqlError::new(2812, format!("Could not find stored procedure '{name}'.")).into(),
            );
        };
        self.shared
            .recorded
            .lock()
            .statements
            .push(format!("EXEC {name}"));
        let as_given: Vec<String> = parameters.iter().map(|one| one.name.clone()).collect();
        let named = named_parameters(parameters, &procedure, base)?;
        let values: Vec<(String, Value)> = named
            .iter()
            .map(|parameter| (parameter.name.clone(), parameter.value.clone()))
            .collect();
        let answer = (procedure.body)(&values)?;
        let mut failed = false;
        if let Some(source) = &answer.batch {
            let variables = named
                .iter()
                .map(|parameter| {
                    (
                        parameter.name.clone(),
                        (parameter.ty, parameter.value.clone()),
                    )
                })
                .collect();
            let outer = std::mem::replace(&mut self.state.variables, variables);
            let result = self.batch(source);
            self.state.variables = outer;
            failed = result?;
        }
        self.state.status = answer.status;
        let mut outputs = Vec::new();
        let named = named.into_iter().enumerate();
        for (place, parameter) in named.filter(|(_, parameter)| parameter.output) {
            let given = answer
                .outputs
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(&parameter.name));
            let value = given.map_or(parameter.value, |(_, value)| value.clone());
            outputs.push(Output {
                place,
                name: as_given.get(place).cloned().unwrap_or_default(),
                ty: parameter.ty,
                value: convert(value, parameter.ty, Fit::Cut)?,
            });
        }
        Ok(Outcome { failed, outputs })
    }
}

/// Gives each parameter the name of its place.
fn named_parameters(
    parameters: Vec<Parameter>,
    procedure: &Procedure,
    base: &str,
) -> Result<Vec<Parameter>, SqlError> {
    let mut named = Vec::new();
    for (at, mut parameter) in parameters.into_iter().enumerate() {
        if parameter.name.is_empty() {
            let message = format!("Procedure or function {base} has too many arguments specified.");
            let name = procedure.parameters.get(at).cloned();
            parameter.name = name.ok_or_else(|| SqlError::new(8144, message))?;
        } else if !procedure.parameters.contains(&parameter.name) {
            let message = format!(
                "{} is not a parameter for procedure {base}.",
                parameter.name
            );
            return Err(SqlError::new(8145, message));
        }
        named.push(parameter);
    }
    Ok(named)
}

/// `@a int, @b nvarchar(10) OUTPUT`: names, types, and whether they come back.
pub(crate) fn declared(text: &str) -> Result<Vec<(String, SqlType, bool)>, SqlError> {
    split_commas(&tokens(text)?)
        .into_iter()
        .map(|mut part| {
            let output = matches!(word(part.last()).as_str(), "OUTPUT" | "OUT");
            if output {
                part.pop();
            }
            declaration(&part).map(|(name, ty, _)| (name, ty, output))
        })
        .collect()
}
