//! Who is let in, and who is believed.

use super::*;
use crate::{
    Secret,
    ftp::{FtpFault, HostKey},
    test_servers::run,
};

#[test]
fn a_wrong_password_is_refused_and_not_shown() {
    run(async {
        for server in [PLAIN, SECURE, WITH_PASSWORD] {
            let Some(mut settings) = server.settings() else {
                return;
            };
            settings.password = Secret::new("wr0ng-pa55");
            let error = refused(&settings).await;
            assert_eq!(error.fault, FtpFault::Login, "{error}");
            assert!(!format!("{error} {error:?}").contains("wr0ng"), "{error:?}");
        }
    });
}

#[test]
fn keys_of_users() {
    run(async {
        let (Some(mut settings), Some(net)) = (OPENSSH.settings(), net_folder()) else {
            return;
        };
        settings.key_file = Some(net.join("user_key_rsa"));
        settings.password = Secret::new("for-tests-only");
        RemoteFiles::connect(&settings).await.unwrap();
        settings.password = Secret::new("wr0ng");
        let error = refused(&settings).await;
        assert_eq!(error.fault, FtpFault::Login, "{error}");
        assert!(error.to_string().contains("passphrase"), "{error}");
        // A key that the server does not know.
        settings.key_file = Some(net.join("host_key"));
        settings.password = Secret::default();
        let error = refused(&settings).await;
        assert!(error.to_string().contains("it takes: publickey"), "{error}");
        settings.key_file = Some(net.join("no such key"));
        let error = refused(&settings).await;
        assert!(error.to_string().contains("no such file"), "{error}");
    });
}

#[test]
fn keys_of_servers() {
    run(async {
        let (Some(mut settings), Some(net)) = (OPENSSH.settings(), net_folder()) else {
            return;
        };
        let known = std::fs::read_to_string(net.join("known_hosts")).unwrap();
        let here = tempfile::tempdir().unwrap();
        let others = here.path().join("known_hosts");
        std::fs::write(&others, known.replace("127.0.0.1", "127.0.0.9")).unwrap();
        settings.host_key = HostKey::KnownHosts(Some(others.clone()));
        let error = refused(&settings).await;
        assert_eq!(error.fault, FtpFault::Untrusted, "{error}");
        let text = error.to_string();
        let (_, fingerprint) = text.split_once("`fingerprint=").unwrap();
        let (fingerprint, _) = fingerprint.split_once('`').unwrap();
        settings.host_key = HostKey::Fingerprint(fingerprint.to_owned());
        RemoteFiles::connect(&settings).await.unwrap();
        settings.host_key = HostKey::Fingerprint("SHA256:other".to_owned());
        assert_eq!(refused(&settings).await.fault, FtpFault::Untrusted);
        let user_key = std::fs::read_to_string(net.join("user_key.pub")).unwrap();
        let changed = format!("[127.0.0.1]:{} {user_key}", settings.port);
        std::fs::write(&others, changed).unwrap();
        settings.host_key = HostKey::KnownHosts(Some(others));
        let error = refused(&settings).await;
        assert!(
            error.to_string().contains("somebody else may answer"),
            "{error}"
        );
    });
}

#[test]
fn certificates() {
    run(async {
        let Some(mut settings) = SECURE.settings() else {
            return;
        };
        let trust = std::mem::take(&mut settings.trust);
        let error = refused(&settings).await;
        assert_eq!(error.fault, FtpFault::Untrusted, "{error}");
        // The certificate is of 127.0.0.1, not of this name.
        "localhost".clone_into(&mut settings.host);
        settings.trust = trust;
        assert_eq!(refused(&settings).await.fault, FtpFault::Untrusted);
        settings.trust = crate::TlsTrust {
            any_certificate: true,
            ca_file: None,
        };
        RemoteFiles::connect(&settings).await.unwrap();
    });
}
