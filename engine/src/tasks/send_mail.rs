//! Send Mail task: one message to the server of an SMTP connection manager.
//!
//! **Text**: as the task has it, in a variable, or in the file of a FILE connection manager. **Attachments**: an element
//! `Attachments` for each, or the property FileAttachments, paths with `|` between them; through the path map. An SMTP connection manager is re-pointed to `smtp://user:password@host:port`.

use std::path::PathBuf;

use async_trait::async_trait;
use dtsx::{Executable, Payload, SsisCode, TaskData};
use fletching_components::FindingKind;
use fletching_connections::{
    Connections, FileConnectionError, ServerConnectionError,
    mail::{MailMessage, MailPriority, Mailer, SmtpSettings, attachment_files},
};

use super::execute_sql::read_text;
use crate::{
    RunError, TaskResult,
    task::{self, Task, TaskHost, TaskRun},
};

/// Properties that an expression can set, and the attributes that hold them.
pub(super) const PROPERTIES: &[(&str, &str)] = &[
    ("BCCLine", "BCC"),
    ("CCLine", "CC"),
    ("FileAttachments", "FileAttachments"),
    ("FromLine", "From"),
    ("MessageSource", "MessageSource"),
    ("MessageSourceType", "MessageSourceType"),
    ("Priority", "Priority"),
    ("SmtpConnection", "SMTPServer"),
    ("Subject", "Subject"),
    ("ToLine", "To"),
];

/// `DTS_E_SENDMAILTASK_RECIPIENT_EMPTY`.
const NO_RECIPIENT: SsisCode = SsisCode(0xC002_91C3);
/// `DTS_E_SENDMAILTASK_SMTP_SERVER_NOT_SPECIFIED`, `..._NOCONNMNGR`, `..._CONNECTIONTYPENOTSMTP`, `..._CHECK_VALID_SMTP_SERVER`.
const NO_SERVER: SsisCode = SsisCode(0xC002_91C4);
const NO_CONNECTION: SsisCode = SsisCode(0xC002_91D3);
const OTHER_CONNECTION: SsisCode = SsisCode(0xC002_91D1);
const BAD_SERVER: SsisCode = SsisCode(0xC002_91CD);
/// `DTS_E_SENDMAILTASK_CONNECTIONTYPENOTFILE`.
const NOT_A_FILE_CONNECTION: SsisCode = SsisCode(0xC002_91CE);
/// `DTS_E_SENDMAILTASK_VARIABLETYPEISNOTSTRING`.
const NOT_TEXT: SsisCode = SsisCode(0xC002_91D0);
/// `DTS_E_SENDMAILTASK_INVALIDATTACHMENT`.
const BAD_ATTACHMENT: SsisCode = SsisCode(0xC002_91CB);
/// `DTS_E_SENDMAILTASK_FILEDOESNOTEXIST`.
const NO_FILE: SsisCode = SsisCode(0xC002_91CF);
/// `DTS_W_SENDMAILTASK_SUBJECT_MISSING`.
const NO_SUBJECT: SsisCode = SsisCode(0x8002_91C6);

/// Where the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Direct,
    File,
    Variable,
}

/// The task as the package has it.
#[derive(Debug)]
struct SendMailTask {
    data: TaskData,
}

pub(super) fn new(executable: &Executable) -> Option<Box<dyn Task>> {
    match &executable.payload {
        Payload::Other(data) if data.element == "SendMailTaskData" => {
            Some(Box::new(SendMailTask {
                data: data.as_ref().clone(),
            }))
        }
        _ => None,
    }
}

#[async_trait]
impl Task for SendMailTask {
    fn check(&self, host: &TaskHost<'_>) -> Result<(), RunError> {
        let mut findings = Vec::new();
        for problem in [self.source().err(), self.priority().err()] {
            findings.extend(problem.map(|message| host.invalid(message)));
        }
        let mut wrong = |code, message| {
            findings.push(host.finding(FindingKind::Invalid, Some(code), message));
        };
        if ["To", "CC", "BCC"]
            .iter()
            .all(|line| self.text(line).trim().is_empty())
        {
            let message = "it has no recipient: ToLine, CCLine and BCCLine are empty".to_owned();
            wrong(NO_RECIPIENT, message);
        }
        let connections = host.connections()?;
        if let Err((code, message)) = self.server(&connections) {
            wrong(code, message);
        }
        let text = self.text("MessageSource");
        match self.source() {
            Ok(Source::Variable) => {
                if let Err(message) = host.has_variable(text) {
                    wrong(SsisCode::VARIABLE_NOT_FOUND, message);
                } else if !host.may_be_text(text) {
                    wrong(NOT_TEXT, format!("variable `{text}` holds no text"));
                }
            }
            Ok(Source::File) => {
                if let Err((code, message)) = text_file(&connections, text) {
                    wrong(code, format!("its text: {message}"));
                }
            }
            _ => {}
        }
        if let Err(error) = attachment_files(&self.attachments(), &connections.path_map) {
            wrong(BAD_ATTACHMENT, format!("its attachments: {error}"));
        }
        task::all(findings)
    }

    async fn run(&self, run: &TaskRun<'_>) -> Result<TaskResult, RunError> {
        let connections = run.connections()?;
        let settings = self
            .server(&connections)
            .map_err(|(code, message)| run.failure(Some(code), message))?;
        let attachments = attachment_files(&self.attachments(), &connections.path_map);
        let message = MailMessage {
            from: self.text("From").to_owned(),
            to: self.text("To").to_owned(),
            cc: self.text("CC").to_owned(),
            bcc: self.text("BCC").to_owned(),
            subject: self.text("Subject").to_owned(),
            body: self.body(run)?,
            priority: self
                .priority()
                .map_err(|message| run.failure(None, message))?,
            attachments: attachments
                .map_err(|error| run.failure(Some(BAD_ATTACHMENT), error.to_string()))?,
        };
        if message.subject.trim().is_empty() {
            let text = format!("{}: the message has no subject", run.path());
            run.warn(Some(NO_SUBJECT), text).await;
        }
        run.log("SendMailTaskBegin", format!("to {}", settings.shown()))
            .await;
        let sent = async { Mailer::new(&settings)?.send(&message).await };
        sent.await
            .map_err(|error| run.failure(Some(error.code()), error.to_string()))?;
        run.log("SendMailTaskEnd", "sent").await;
        Ok(TaskResult::Sent)
    }
}

impl SendMailTask {
    fn text(&self, name: &str) -> &str {
        self.data.properties.get(name).unwrap_or_default()
    }

    /// Paths with `|` between them: what an expression says, else what the package holds.
    fn attachments(&self) -> String {
        if let Some(list) = self.data.properties.get("FileAttachments") {
            return list.to_owned();
        }
        let items = self.data.items.iter();
        let names = items
            .filter(|(element, _)| element == "Attachments")
            .filter_map(|(_, properties)| properties.get("FileName"));
        names.collect::<Vec<_>>().join("|")
    }

    /// The server of the connection manager.
    fn server(&self, connections: &Connections) -> Result<SmtpSettings, (SsisCode, String)> {
        let name = self.text("SMTPServer");
        if name.trim().is_empty() {
            let message = "it names no connection manager (SmtpConnection)".to_owned();
            return Err((NO_SERVER, message));
        }
        connections.smtp(name).map_err(|error| {
            let code = match &error {
                ServerConnectionError::Unknown(_) => NO_CONNECTION,
                ServerConnectionError::OtherKind { .. } => OTHER_CONNECTION,
                _ => BAD_SERVER,
            };
            (code, error.to_string())
        })
    }

    fn source(&self) -> Result<Source, String> {
        match self.text("MessageSourceType").trim() {
            "" | "0" | "DirectInput" => Ok(Source::Direct),
            "1" | "FileConnection" => Ok(Source::File),
            "2" | "Variable" => Ok(Source::Variable),
            other => Err(format!(
                "MessageSourceType is `{other}`: DirectInput, FileConnection or Variable is wanted"
            )),
        }
    }

    fn priority(&self) -> Result<MailPriority, String> {
        match self.text("Priority").trim() {
            "" | "0" | "Normal" => Ok(MailPriority::Normal),
            "1" | "Low" => Ok(MailPriority::Low),
            "2" | "High" => Ok(MailPriority::High),
            other => Err(format!(
                "Priority is `{other}`: High, Normal or Low is wanted"
            )),
        }
    }

    fn body(&self, run: &TaskRun<'_>) -> Result<String, RunError> {
        let text = self.text("MessageSource");
        match self
            .source()
            .map_err(|message| run.failure(None, message))?
        {
            Source::Direct => Ok(text.to_owned()),
            Source::Variable => {
                let value = run.variable(text);
                value
                    .map(|value| value.to_string())
                    .map_err(|message| run.failure(None, message))
            }
            Source::File => {
                let file = text_file(&run.connections()?, text);
                let file = file.map_err(|(code, message)| run.failure(Some(code), message))?;
                read_text(&file, None).map_err(|message| run.failure(Some(NO_FILE), message))
            }
        }
    }
}

/// The file of a FILE connection manager, which is not looked for yet.
fn text_file(connections: &Connections, name: &str) -> Result<PathBuf, (SsisCode, String)> {
    if let Some(manager) = connections.get(name)
        && !["FILE", "FLATFILE"].contains(&manager.creation_name.as_str())
    {
        let message = format!(
            "connection manager `{}` is of type {}: FILE or FLATFILE is wanted",
            manager.name, manager.creation_name
        );
        return Err((NOT_A_FILE_CONNECTION, message));
    }
    connections.file(name).map_err(|error| {
        let code = match &error {
            FileConnectionError::Unknown(_) => NO_CONNECTION,
            _ => NO_FILE,
        };
        (code, error.to_string())
    })
}
