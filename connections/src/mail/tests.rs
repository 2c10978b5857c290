//! Messages to real servers, read back from the mailbox into which those put them.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use dtsx::{Properties, Property};

use super::*;
use crate::{
    Secret, TlsTrust,
    test_servers::{
        Fault, closed_port, faulty_wire, net_folder, noise, run, silent_server, variable,
    },
};

/// Takes a message apart with Python's reader of mail: headers, the text, and attachments into files.
const READ: &str = r#"
import email, email.policy, sys
message = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
for name, value in message.items():
    print(f"{name}: {value}")
print("text:", repr(message.get_body().get_content()))
for part in message.iter_attachments():
    open(sys.argv[2] + "/" + part.get_filename(), "wb").write(part.get_content())
"#;

fn settings(variable_name: &str) -> Option<SmtpSettings> {
    let net = net_folder()?;
    let address = format!(
        "{}?ca_file={}/cert.pem",
        variable(variable_name)?,
        net.display()
    );
    let properties = Properties::new(vec![Property {
        name: "ConnectionString".to_owned(),
        value: address,
        ..Property::default()
    }]);
    Some(SmtpSettings::read(&properties, true).unwrap())
}

fn message() -> MailMessage {
    MailMessage {
        from: "Loader <loader@example.org>".to_owned(),
        to: "ann@example.org;Böb <bob@example.org>".to_owned(),
        cc: "carl@example.org".to_owned(),
        bcc: "dora@example.org".to_owned(),
        subject: format!("Größe {}", uuid::Uuid::new_v4()),
        body: "Zeile 1 – ñ日本\r\n.\r\n\r\nlast".to_owned(),
        priority: MailPriority::High,
        attachments: Vec::new(),
    }
}

/// The message of a subject as the mailbox has it, its attachments in `folder`.
fn arrived(message: &MailMessage, folder: &Path) -> String {
    let mailbox = net_folder().unwrap().join("mail/new");
    let read = |file: &Path| {
        let mut python = Command::new("python3");
        python.arg("-c").arg(READ).arg(file).arg(folder);
        let read = python.output().unwrap();
        assert!(read.status.success(), "{read:?}");
        String::from_utf8(read.stdout).unwrap()
    };
    let mut found: Vec<_> = fs::read_dir(mailbox)
        .unwrap()
        .map(|entry| entry.unwrap())
        .collect();
    found.sort_by_key(|entry| std::cmp::Reverse(entry.metadata().unwrap().modified().unwrap()));
    let texts = found.iter().take(20).map(|entry| read(&entry.path()));
    let wanted = format!("Subject: {}\n", message.subject);
    texts
        .into_iter()
        .find(|text| text.contains(&wanted))
        .unwrap()
}

#[test]
fn a_message_arrives_as_it_was() {
    run(async {
        for variable in ["FLETCHING_TEST_SMTP", "FLETCHING_TEST_SMTPS"] {
            let Some(settings) = settings(variable) else {
                return;
            };
            let here = tempfile::tempdir().unwrap();
            let there = tempfile::tempdir().unwrap();
            let mut message = message();
            for (name, bytes) in [
                ("Größe ñ.bin", noise(300_000)),
                ("lines.txt", b"a\nb\r\nc\r.\n".to_vec()),
                ("empty", Vec::new()),
            ] {
                fs::write(here.path().join(name), bytes).unwrap();
                message.attachments.push(here.path().join(name));
            }
            let mailer = Mailer::new(&settings).unwrap();
            mailer.send(&message).await.unwrap();
            let text = arrived(&message, there.path());
            for wanted in [
                "From: Loader <loader@example.org>",
                "To: ann@example.org, Böb <bob@example.org>",
                "Cc: carl@example.org",
                "X-RcptTo: ann@example.org, bob@example.org, carl@example.org, dora@example.org",
                "X-Priority: 1",
                "text: 'Zeile 1 – ñ日本\\r\\n.\\r\\n\\r\\nlast'",
            ] {
                assert!(text.contains(wanted), "{wanted}\n{text}");
            }
            assert!(!text.contains("Bcc:"), "{text}");
            for file in &message.attachments {
                let arrived = there.path().join(file.file_name().unwrap());
                assert_eq!(
                    fs::read(file).unwrap(),
                    fs::read(arrived).unwrap(),
                    "{file:?}"
                );
            }
        }
    });
}

#[test]
fn without_login_and_without_attachments() {
    run(async {
        let Some(mut settings) = settings("FLETCHING_TEST_SMTP") else {
            return;
        };
        settings.user = None;
        let there = tempfile::tempdir().unwrap();
        for tls in [MailTls::Never, MailTls::Offered, MailTls::Required] {
            settings.tls = tls;
            let mut message = message();
            message.priority = MailPriority::Low;
            let mailer = Mailer::new(&settings).unwrap();
            mailer.send(&message).await.unwrap();
            let text = arrived(&message, there.path());
            assert!(text.contains("Importance: low"), "{text}");
        }
    });
}

async fn refused(settings: &SmtpSettings, message: &MailMessage) -> MailError {
    let sent = Mailer::new(settings).unwrap().send(message).await;
    let error = sent.unwrap_err();
    eprintln!("{error}");
    error
}

#[test]
fn who_is_not_let_in_or_not_believed() {
    run(async {
        let (Some(plain), Some(secure)) = (
            settings("FLETCHING_TEST_SMTP"),
            settings("FLETCHING_TEST_SMTPS"),
        ) else {
            return;
        };
        let message = message();
        for mut settings in [plain.clone(), secure.clone()] {
            settings.password = Secret::new("wr0ng-pa55");
            let error = refused(&settings, &message).await;
            assert_eq!(error.fault, MailFault::Login);
            assert!(!format!("{error:?}").contains("wr0ng"), "{error:?}");
            settings.trust = TlsTrust::default();
            assert_eq!(
                refused(&settings, &message).await.fault,
                MailFault::Untrusted
            );
        }
        let mut in_the_clear = plain;
        in_the_clear.tls = MailTls::Never;
        assert_eq!(
            refused(&in_the_clear, &message).await.fault,
            MailFault::Login
        );
        let mut anonymous = secure;
        anonymous.user = None;
        assert_eq!(refused(&anonymous, &message).await.fault, MailFault::Login);
    });
}

#[test]
fn what_is_not_taken() {
    run(async {
        let Some(settings) = settings("FLETCHING_TEST_SMTP") else {
            return;
        };
        let mut to_nobody = message();
        to_nobody.to.push_str(";nobody@example.org");
        let error = refused(&settings, &to_nobody).await;
        assert_eq!(error.fault, MailFault::Refused);
        assert!(
            error.to_string().contains("no such mailbox here"),
            "{error}"
        );
        let mut attached = message();
        attached.attachments.push("/no/such/file".into());
        let error = refused(&settings, &attached).await;
        assert_eq!(error.fault, MailFault::Attachment);
        assert_eq!(
            error.code().symbol(),
            "DTS_E_SENDMAILTASK_INVALIDATTACHMENT"
        );
        assert!(error.local.is_some());
    });
}

#[test]
fn nobody_there() {
    run(async {
        let Some(real) = settings("FLETCHING_TEST_SMTP") else {
            return;
        };
        let mut settings = real.clone();
        settings.timeout_milliseconds = 1500;
        let mut message = message();
        settings.port = closed_port();
        let error = refused(&settings, &message).await;
        assert_eq!(error.fault, MailFault::Unreachable);
        assert_eq!(
            error.code().symbol(),
            "DTS_E_SENDMAILTASK_CHECK_VALID_SMTP_SERVER"
        );
        settings.port = silent_server().port();
        assert_eq!(refused(&settings, &message).await.fault, MailFault::Timeout);
        "no-such-host.invalid".clone_into(&mut settings.host);
        assert_eq!(
            refused(&settings, &message).await.fault,
            MailFault::Unreachable
        );
        // Gone, or silent, once the greeting and more is over.
        let here = tempfile::tempdir().unwrap();
        let file = here.path().join("large");
        fs::write(&file, noise(2_000_000)).unwrap();
        message.attachments.push(file);
        let server = SocketAddr::from(([127, 0, 0, 1], real.port));
        settings = real;
        settings.timeout_milliseconds = 2500;
        for (fault, wanted) in [
            (Fault::Cut, MailFault::Lost),
            (Fault::Stall, MailFault::Timeout),
        ] {
            settings.port = faulty_wire(server, 2200, fault).port();
            assert_eq!(refused(&settings, &message).await.fault, wanted);
        }
    });
}

#[test]
fn lists_of_attachments() {
    let map =
        crate::PathMap::new("/base").with_rule(crate::PathMap::parse_rule(r"C:\out=/srv").unwrap());
    let found = attachment_files(r"C:\out\a b.txt | c.csv||", &map).unwrap();
    assert_eq!(found, [Path::new("/srv/a b.txt"), Path::new("/base/c.csv")]);
    assert!(attachment_files(r"D:\x.txt", &map).is_err());
}
