//! Web Service task: one method of a service, called by SOAP 1.1.
//!
//! ```text
//!  WSDLFile ──▶ Wsdl ──Service, MethodName──▶ SoapMethod ─┬─ validation: parameters against the description
//!  ParamInfo: texts, variables ──values──▶ texts of XML ──┴─▶ envelope ──▶ HttpClient ──▶ result ──▶ variable or file
//! ```
//!
//! **The description** is read from WSDLFile, through the path map, each time; OverwriteWSDLFile lets the designer download
//! it, and means nothing when the task runs, as in SSIS. **The service** is called where its description says, or where
//! the connection manager leads once it is re-pointed (`HttpSettings::called_at`).
//! **Parameters** are of simple types and enumerations, from the package or from variables. **The result** is XML as .NET
//! serialises it, `<string>...</string>` after a declaration; a file has it in UTF-16, which the declaration names.
//!
//! **Not supported**: parameters that are arrays or complex, encoded answers that are, descriptions in several files. Ports
//! of HTTP GET and POST, which services of ASP.NET have beside SOAP, and of SOAP 1.2 are not called in SSIS either: a
//! package stores a service and a method, and no port; SSIS takes the port of SOAP, and a service without one is the error
//! `DTS_E_WEBSERVICETASK_SOAPPORT_NOT_FOUND`.

mod settings;
mod values;

use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use datafusion_common_runtime::SpawnedTask;
use dtsx::{Executable, SsisCode};
use fletching_components::{Finding, FindingKind};
use fletching_connections::{
    Connections, FileConnectionError, Files, InputFile, ServerConnectionError, StagedFile,
    http::{HttpClient, HttpSettings, SoapMethod, SoapResult, Wsdl},
};
use fletching_expression::Scalar;

use self::settings::{Output, Parameter, Settings, Value};
use crate::{
    RunError, TaskResult,
    task::{self, Task, TaskHost, TaskRun},
};

/// Properties that an expression can set, and the attributes that hold them.
pub(super) const PROPERTIES: &[(&str, &str)] = &[
    ("Connection", "ConnectionName"),
    ("OutputLocation", "OutputLocation"),
    ("OutputType", "OutputType"),
    ("OverwriteWsdlFile", "OverwriteWSDLFile"),
    ("ServiceName", "Service"),
    ("WsdlFile", "WSDLFile"),
];

/// `DTS_E_WEBSERVICETASK_CONNECTION_NAME_NULL`, `..._CONNECTION_NOT_FOUND`, `..._CONNECTION_NOT_HTTP`,
/// `..._CANNOT_ACQUIRE_CONNECTION`.
const CONNECTION_EMPTY: SsisCode = SsisCode(0xC002_9204);
const NO_CONNECTION: SsisCode = SsisCode(0xC002_9205);
const OTHER_CONNECTION: SsisCode = SsisCode(0xC002_9206);
const BAD_CONNECTION: SsisCode = SsisCode(0xC002_9213);
/// `DTS_E_WEBSERVICETASK_VARIABLE_NOT_FOUND`, `..._VARIABLE_READONLY`.
const NO_VARIABLE: SsisCode = SsisCode(0xC002_920B);
const NOT_SETTABLE: SsisCode = SsisCode(0xC002_920C);
/// `DTS_E_WEBSERVICETASK_FILE_CONN_NOT_FOUND`, `..._FILE_NULL`, `..._CANNOT_ACQUIRE_FILE_CONNECTION`.
const NO_FILE_CONNECTION: SsisCode = SsisCode(0xC002_9214);
const NO_FILE: SsisCode = SsisCode(0xC002_9216);
const BAD_FILE_CONNECTION: SsisCode = SsisCode(0xC002_9217);
/// `DTS_E_WEBSERVICETASK_WSDL_NULL`, `..._WSDL_NOT_FOUND`.
const WSDL_EMPTY: SsisCode = SsisCode(0xC002_9226);
const NO_WSDL: SsisCode = SsisCode(0xC002_9222);
/// `DTS_E_WEBSERVICETASK_WEBMETHOD_INVOKE_FAILED`.
const FAILED: SsisCode = SsisCode(0xC002_922F);

/// Largest description, and largest answer.
const WSDL_BYTES_MAX: u64 = 16 << 20;
const ANSWER_BYTES_MAX: u64 = 256 << 20;
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"utf-16\"?>\r\n";

/// What is wrong, with its code.
type Problem = (SsisCode, String);

/// The task as the package has it, or what is wrong with that.
#[derive(Debug)]
struct WebServiceTask {
    settings: Settings,
}

pub(super) fn new(executable: &Executable) -> Option<Box<dyn Task>> {
    let settings = Settings::of(executable)?;
    Some(Box::new(WebServiceTask { settings }))
}

#[async_trait]
impl Task for WebServiceTask {
    fn check(&self, host: &TaskHost<'_>) -> Result<(), RunError> {
        let settings = &self.settings;
        let connections = host.connections()?;
        let mut findings = settings.problems(host);
        let problems = [
            http(&connections, &settings.connection).err(),
            self.output_problem(host, &connections),
        ];
        for (code, message) in problems.into_iter().flatten() {
            findings.push(host.finding(FindingKind::Invalid, Some(code), message));
        }
        findings.extend(self.method_problems(host, &connections));
        task::all(findings)
    }

    async fn run(&self, run: &TaskRun<'_>) -> Result<TaskResult, RunError> {
        let failed = |(code, message): Problem| run.failure(Some(code), message);
        let connections = run.connections()?;
        let server = http(&connections, &self.settings.connection).map_err(failed)?;
        let method = self.method(&connections).map_err(failed)?;
        let mut values = Vec::new();
        for parameter in &self.settings.parameters {
            if let Some(value) = self.value(run, &method, parameter).map_err(failed)? {
                values.push((parameter.name.as_str(), value));
            }
        }
        run.log("WSTaskBegin", format!("calls {}", method.name))
            .await;
        let result = call(&server, &method, &values).await.map_err(failed)?;
        run.log("WSTaskEnd", format!("{} has answered", method.name))
            .await;
        let Some(result) = result else {
            let message = format!(
                "{}: `{}` returns nothing: {} is left as it is",
                run.path(),
                method.name,
                self.settings.output
            );
            run.warn(None, message).await;
            return Ok(TaskResult::Sent);
        };
        if !result.left_out.is_empty() {
            let message = format!(
                "{}: `{}` returns more than one value; what is not kept: {}",
                run.path(),
                method.name,
                result.left_out.join(", ")
            );
            run.warn(None, message).await;
        }
        self.keep(run, &connections, format!("{DECLARATION}{}", result.xml))
            .await?;
        Ok(TaskResult::Sent)
    }
}

/// The server of an HTTP connection manager.
fn http(connections: &Connections, name: &str) -> Result<HttpSettings, Problem> {
    if name.trim().is_empty() {
        let message = "it names no connection manager (Connection)".to_owned();
        return Err((CONNECTION_EMPTY, message));
    }
    connections.http(name).map_err(|error| {
        let code = match &error {
            ServerConnectionError::Unknown(_) => NO_CONNECTION,
            ServerConnectionError::OtherKind { .. } => OTHER_CONNECTION,
            _ => BAD_CONNECTION,
        };
        (code, error.to_string())
    })
}

/// Sends the message, and reads the answer.
async fn call(
    server: &HttpSettings,
    method: &SoapMethod,
    values: &[(&str, String)],
) -> Result<Option<SoapResult>, Problem> {
    let values: Vec<(&str, &str)> = values
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let envelope = method
        .envelope(&values)
        .map_err(|error| (error.code(), error.to_string()))?;
    let headers = method.headers();
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let url = server.called_at(&method.address);
    let failed = |message: String| (FAILED, format!("`{}`: {message}", method.name));
    let client = HttpClient::new(server).map_err(|error| failed(error.to_string()))?;
    let answer = client
        .post(&url, &headers, envelope.as_bytes(), ANSWER_BYTES_MAX)
        .await
        .map_err(|error| failed(error.to_string()))?;
    method
        .result(&answer)
        .map_err(|error| (error.code(), format!("{}: {error}", answer.url)))
}

impl WebServiceTask {
    /// The method, by the description as it stands now. Reads a file.
    fn method(&self, connections: &Connections) -> Result<SoapMethod, Problem> {
        let settings = &self.settings;
        let name = settings.wsdl_file.trim();
        if name.is_empty() {
            let message = "it names no description of the service (WSDLFile)".to_owned();
            return Err((WSDL_EMPTY, message));
        }
        let path = connections.path_map.resolve(name);
        let path = path.map_err(|error| (NO_WSDL, format!("WSDLFile: {error}")))?;
        let files = &**connections.path_map.files();
        let kind = files.kind(&path);
        if kind.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            let message = format!(
                "WSDLFile: `{}` is not there; the service gives its description at its address with `?WSDL`, as a rule",
                path.display()
            );
            return Err((NO_WSDL, message));
        }
        let bytes = read(files, &path);
        let bytes = bytes.map_err(|message| (NO_WSDL, format!("WSDLFile: {message}")))?;
        let found =
            Wsdl::read(&bytes).and_then(|wsdl| wsdl.method(&settings.service, &settings.method));
        found.map_err(|error| (error.code(), format!("`{}`: {error}", path.display())))
    }

    /// What the description says against the method and its parameters.
    fn method_problems(&self, host: &TaskHost<'_>, connections: &Connections) -> Vec<Finding> {
        let finding =
            |(code, message): Problem| host.finding(FindingKind::Invalid, Some(code), message);
        let settings = &self.settings;
        if settings.service.is_empty() || settings.method.is_empty() {
            return Vec::new();
        }
        let method = match self.method(connections) {
            Ok(method) => method,
            Err(problem) => return vec![finding(problem)],
        };
        let mut findings = Vec::new();
        let mut values: Vec<(&str, &str)> = Vec::new();
        for parameter in &settings.parameters {
            let name = parameter.name.as_str();
            match &parameter.value {
                Value::Variable(variable) => {
                    values.push((name, "of a variable"));
                    if let Err(message) = host.has_variable(variable) {
                        findings.push(finding((
                            NO_VARIABLE,
                            format!("its parameter `{name}`: {message}"),
                        )));
                    }
                }
                Value::Text(text) => {
                    values.push((name, text));
                    let wrong = values::lexical(&method, name, text).err();
                    findings.extend(wrong.map(finding));
                }
                Value::Nothing | Value::Refused => {}
            }
        }
        // A parameter that is refused has been named, and is not one without a value.
        let is_refused = |one: &Parameter| matches!(one.value, Value::Refused);
        if !settings.parameters.iter().any(is_refused)
            && let Err(error) = method.envelope(&values)
        {
            findings.push(finding((error.code(), error.to_string())));
        }
        findings
    }

    /// The text of a parameter's value; `None` if it has none.
    fn value(
        &self,
        run: &TaskRun<'_>,
        method: &SoapMethod,
        parameter: &Parameter,
    ) -> Result<Option<String>, Problem> {
        let name = parameter.name.as_str();
        let text = match &parameter.value {
            Value::Nothing | Value::Refused => return Ok(None),
            Value::Text(text) => text.clone(),
            Value::Variable(variable) => {
                let value = run.variable(variable);
                let value = value.map_err(|message| {
                    (NO_VARIABLE, format!("its parameter `{name}`: {message}"))
                })?;
                match values::text(&value) {
                    None => return Ok(None),
                    Some(text) => text,
                }
            }
        };
        values::lexical(method, name, &text).map(Some)
    }

    fn output_problem(&self, host: &TaskHost<'_>, connections: &Connections) -> Option<Problem> {
        match &self.settings.output {
            Output::Nowhere => None,
            Output::Variable(name) => {
                if let Err(message) = host.has_variable(name) {
                    return Some((NO_VARIABLE, format!("OutputLocation: {message}")));
                }
                let value = Scalar::from("");
                let variables = host.state.variables();
                let assigned =
                    variables.assigned_value(host.path(), name, value.data_type, &value.array);
                let message = assigned.err()?;
                Some((NOT_SETTABLE, format!("OutputLocation: {message}")))
            }
            Output::File(name) => output_file(connections, name).err(),
        }
    }

    /// Puts the result where it belongs.
    async fn keep(
        &self,
        run: &TaskRun<'_>,
        connections: &Connections,
        text: String,
    ) -> Result<(), RunError> {
        let failed = |(code, message): Problem| run.failure(Some(code), message);
        match &self.settings.output {
            Output::Nowhere => Ok(()),
            Output::Variable(name) => {
                let value = Scalar::from(text.as_str());
                let variables = run.state.variables();
                let assigned =
                    variables.assigned_value(run.path(), name, value.data_type, &value.array);
                drop(variables);
                let assignment = assigned.map_err(|message| failed((NOT_SETTABLE, message)))?;
                run.assign((assignment, (name.clone(), text))).await;
                Ok(())
            }
            Output::File(name) => {
                let path = output_file(connections, name).map_err(failed)?;
                let files = Arc::clone(connections.path_map.files());
                let written = SpawnedTask::spawn_blocking(move || write(&files, &path, &text));
                let written = written
                    .join()
                    .await
                    .map_err(|error| run.failure(None, format!("its thread is gone: {error}")))?;
                written.map_err(|message| failed((BAD_FILE_CONNECTION, message)))
            }
        }
    }
}

/// The file of a FILE connection manager.
fn output_file(connections: &Connections, name: &str) -> Result<PathBuf, Problem> {
    connections.file(name).map_err(|error| {
        let code = match &error {
            FileConnectionError::Unknown(_) => NO_FILE_CONNECTION,
            FileConnectionError::NoConnectionString { .. } => NO_FILE,
            FileConnectionError::Path { .. } | FileConnectionError::Fault { .. } => {
                BAD_FILE_CONNECTION
            }
        };
        (code, format!("OutputLocation: {error}"))
    })
}

/// The content of a file, within its limit.
fn read(files: &dyn Files, path: &Path) -> Result<Vec<u8>, String> {
    let file = InputFile::open_in(files, path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let shown = path.display();
    file.take(WSDL_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("`{shown}`: {error}"))?;
    match bytes.len() as u64 > WSDL_BYTES_MAX {
        true => Err(format!("`{shown}` is larger than {WSDL_BYTES_MAX} bytes")),
        false => Ok(bytes),
    }
}

/// Writes a text in UTF-16, with its mark. Blocks.
fn write(files: &Arc<dyn Files>, path: &Path, text: &str) -> Result<(), String> {
    let mut file = StagedFile::create(files, path).map_err(|error| error.to_string())?;
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    let bytes: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
    file.write_all(&bytes)
        .map_err(|error| format!("the file `{}`: {error}", path.display()))?;
    file.commit().map_err(|error| error.to_string())
}
