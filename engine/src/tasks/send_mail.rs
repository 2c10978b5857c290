//! Send Mail task: one message to the server of an SMTP connection manager.
//!
//! **Text**: as the task has it, in a variable, or in the file of a FILE connection manager. **Attachments**: paths with `|`
//! between them, through the path map. An SMTP connection manager is re-pointed to `smtp://user:password@host:port`.

use async_trait::async_trait;
use dtsx::{Executable, Payload, Properties, SsisCode};
use fletching_components::FindingKind;
use fletching_connections::mail::{MailMessage, MailPriority, Mailer, attachment_files};

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
/// `DTS_E_SENDMAILTASK_NOCONNMNGR`.
const NO_CONNECTION: SsisCode = SsisCode(0xC002_91D3);
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
    properties: Properties,
}

pub(super) fn new(executable: &Executable) -> Option<Box<dyn Task>> {
    match &executable.payload {
        Payload::Other(data) if data.element == "SendMailTaskData" => {
            Some(Box::new(SendMailTask {
                properties: data.properties.clone(),
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
        if let Err(error) = connections.smtp(self.text("SMTPServer")) {
            wrong(NO_CONNECTION, error.to_string());
        }
        if self.source() == Ok(Source::Variable)
            && let Err(message) = host.has_variable(self.text("MessageSource"))
        {
            wrong(SsisCode::VARIABLE_NOT_FOUND, message);
        }
        task::all(findings)
    }

    async fn run(&self, run: &TaskRun<'_>) -> Result<TaskResult, RunError> {
        let connections = run.connections()?;
        let settings = connections
            .smtp(self.text("SMTPServer"))
            .map_err(|error| run.failure(Some(NO_CONNECTION), error.to_string()))?;
        let attachments = attachment_files(self.text("FileAttachments"), &connections.path_map);
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
        self.properties.get(name).unwrap_or_default()
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
                let file = run.connections()?.file(text);
                let file = file.map_err(|error| run.failure(Some(NO_FILE), error.to_string()))?;
                read_text(&file, None).map_err(|message| run.failure(Some(NO_FILE), message))
            }
        }
    }
}
