//! A message, and its form on the way.

use std::path::PathBuf;

use lettre::{
    Address, Message,
    message::{
        Attachment, Body, Mailbox, MultiPart, SinglePart,
        header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue},
    },
};

use super::error::MailFault;
use crate::{OpenError, PathError, PathMap, package_files, resolve_file};

/// How soon it should be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MailPriority {
    High,
    #[default]
    Normal,
    Low,
}

/// What the Send Mail task sends. Lists of addresses are divided by `;` or `,`; an address is `name@host` or
/// `Name <name@host>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailMessage {
    pub from: String,
    pub to: String,
    pub cc: String,
    /// Who gets it without the others' knowing.
    pub bcc: String,
    pub subject: String,
    /// Plain text.
    pub body: String,
    pub priority: MailPriority,
    /// Files of this machine, see [`attachment_files`].
    pub attachments: Vec<PathBuf>,
}

/// The files of a task's `FileAttachments`: paths divided by `|`.
///
/// # Errors
/// [`PathError`] of the first that leads nowhere.
pub fn attachment_files(list: &str, path_map: &PathMap) -> Result<Vec<PathBuf>, PathError> {
    list.split('|')
        .filter(|path| !path.trim().is_empty())
        .map(|path| resolve_file(path, path_map))
        .collect()
}

/// Largest attachment, in bytes: what servers take is less, as a rule.
const ATTACHMENT_BYTES_MAX: u64 = 256 << 20;

/// A message that cannot be sent.
#[derive(Debug)]
pub(super) struct Unsent {
    pub(super) fault: MailFault,
    pub(super) message: String,
    pub(super) local: Option<OpenError>,
}

impl Unsent {
    fn new(fault: MailFault, message: impl Into<String>) -> Self {
        Self {
            fault,
            message: message.into(),
            local: None,
        }
    }
}

/// The form on the way.
pub(super) fn built(message: &MailMessage) -> Result<Message, Unsent> {
    let from = mailboxes("From", &message.from)?;
    let [from] = <[Mailbox; 1]>::try_from(from).map_err(|found| {
        let message = format!("From holds {} addresses; one is wanted", found.len());
        Unsent::new(MailFault::Address, message)
    })?;
    if message.subject.contains(['\r', '\n']) {
        let message = "Subject holds a line break; one line is wanted (`REPLACE` in its expression takes breaks out)";
        return Err(Unsent::new(MailFault::Address, message));
    }
    let host = from.email.domain().to_owned();
    let mut builder = Message::builder()
        .from(from)
        .subject(message.subject.as_str())
        .message_id(Some(format!("<{}@{host}>", uuid::Uuid::new_v4())));
    let mut recipients = 0;
    for mailbox in mailboxes("To", &message.to)? {
        builder = builder.to(mailbox);
        recipients += 1;
    }
    for mailbox in mailboxes("CC", &message.cc)? {
        builder = builder.cc(mailbox);
        recipients += 1;
    }
    for mailbox in mailboxes("BCC", &message.bcc)? {
        builder = builder.bcc(mailbox);
        recipients += 1;
    }
    if recipients == 0 {
        return Err(Unsent::new(
            MailFault::NoRecipient,
            "To, CC and BCC name nobody; one address at least is wanted",
        ));
    }
    for &(name, value) in priority_headers(message.priority) {
        let name = HeaderName::new_from_ascii_str(name);
        builder = builder.raw_header(HeaderValue::new(name, value.to_owned()));
    }
    let text = SinglePart::plain(message.body.clone());
    let built = if message.attachments.is_empty() {
        builder.singlepart(text)
    } else {
        let mut parts = MultiPart::mixed().singlepart(text);
        for file in &message.attachments {
            parts = parts.singlepart(attachment(file)?);
        }
        builder.multipart(parts)
    };
    built.map_err(|error| Unsent::new(MailFault::Address, error.to_string()))
}

/// As System.Net.Mail, by which SSIS sends, says it.
fn priority_headers(priority: MailPriority) -> &'static [(&'static str, &'static str)] {
    match priority {
        MailPriority::High => &[
            ("X-Priority", "1"),
            ("Priority", "urgent"),
            ("Importance", "high"),
        ],
        MailPriority::Normal => &[],
        MailPriority::Low => &[
            ("X-Priority", "5"),
            ("Priority", "non-urgent"),
            ("Importance", "low"),
        ],
    }
}

fn attachment(file: &std::path::Path) -> Result<SinglePart, Unsent> {
    let bytes = package_files::read(file, ATTACHMENT_BYTES_MAX).map_err(|error| Unsent {
        fault: MailFault::Attachment,
        message: error.to_string(),
        local: Some(error),
    })?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let fail = |error: &dyn std::fmt::Display| {
        let message = format!("`{}` cannot be attached: {error}", file.display());
        Unsent::new(MailFault::Attachment, message)
    };
    let kind = ContentType::parse("application/octet-stream").map_err(|error| fail(&error))?;
    // Bytes are bytes, also those of a text whose lines end otherwise than mail's.
    let body = Body::new_with_encoding(bytes, ContentTransferEncoding::Base64)
        .map_err(|_| fail(&"its bytes cannot be encoded"))?;
    Ok(Attachment::new(name.into_owned()).body(body, kind))
}

/// A list of addresses.
fn mailboxes(line: &str, list: &str) -> Result<Vec<Mailbox>, Unsent> {
    let mut found = Vec::new();
    for text in divided(list) {
        let wrong = |why: String| {
            let message = format!(
                "{line} holds `{text}`, which is no address ({why}); `name@host` is wanted"
            );
            Unsent::new(MailFault::Address, message)
        };
        let (name, address) = match text
            .strip_suffix('>')
            .and_then(|text| text.rsplit_once('<'))
        {
            Some((name, address)) => (name.trim().trim_matches('"').trim(), address.trim()),
            None => ("", text),
        };
        let address = match address.parse::<Address>() {
            Ok(address) => address,
            // Names of Windows machines hold `_`; servers take them.
            Err(error) => machine_address(address).ok_or_else(|| wrong(error.to_string()))?,
        };
        let name = Some(name.to_owned()).filter(|name| !name.is_empty());
        found.push(Mailbox::new(name, address));
    }
    Ok(found)
}

fn machine_address(text: &str) -> Option<Address> {
    let (user, host) = text.rsplit_once('@')?;
    let plain = |text: &str, more: &[char]| {
        let mut letters = text.chars();
        !text.is_empty()
            && letters.all(|letter| letter.is_ascii_alphanumeric() || more.contains(&letter))
    };
    let fits = plain(user, &['.', '_', '-', '+']) && plain(host, &['.', '_', '-']);
    fits.then(|| Address::new_dangerous(user, host))
}

/// The parts between `;` and `,`, outside of quotes.
fn divided(list: &str) -> Vec<&str> {
    let mut in_quotes = false;
    let parts = list.split(|letter| {
        in_quotes ^= letter == '"';
        !in_quotes && matches!(letter, ';' | ',')
    });
    parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_addresses() {
        let shown = |list: &str| match mailboxes("To", list) {
            Ok(found) => found.iter().map(ToString::to_string).collect(),
            Err(unsent) => vec![unsent.message],
        };
        assert_eq!(shown(" a@b.c ;; d@e.f, "), ["a@b.c", "d@e.f"]);
        assert_eq!(shown("Ann B <a@b.c>"), ["Ann B <a@b.c>"]);
        assert_eq!(shown("\"B; Ann\" <a@b.c>;d@e.f").len(), 2);
        assert_eq!(shown("user10@win2008_64"), ["user10@win2008_64"]);
        for wrong in ["somebody", "a@b c", "a@b\r\nBcc: x@y.z", "a@@b"] {
            assert!(shown(wrong).concat().contains("is no address"), "{wrong}");
        }
    }

    #[test]
    fn messages_that_are_for_nobody_or_from_several() {
        let mut message = MailMessage {
            from: "a@b.c".to_owned(),
            ..MailMessage::default()
        };
        assert_eq!(built(&message).unwrap_err().fault, MailFault::NoRecipient);
        message.bcc = "d@e.f".to_owned();
        assert!(built(&message).is_ok());
        message.from = "a@b.c;d@e.f".to_owned();
        assert_eq!(built(&message).unwrap_err().fault, MailFault::Address);
    }
}
