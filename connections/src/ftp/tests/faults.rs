//! Servers that are not there, do not answer, or go away.

use std::{fs, net::SocketAddr, time::Duration};

use super::*;
use crate::{
    ftp::{FtpFault, FtpProtocol, Transfer},
    test_servers::{Fault, closed_port, faulty_wire, noise, run, silent_server},
};

const LEN: usize = 2_000_000;

/// Sends a file of `LEN` bytes; where it is then.
async fn sent(remote: &mut RemoteFiles, folder: &str, here: &Path) -> String {
    let local = here.join("source");
    fs::write(&local, noise(LEN)).unwrap();
    let path = format!("{folder}/a.bin");
    let sent = remote.send(files(), &local, &path, Transfer::Binary, true);
    sent.await.unwrap();
    path
}

async fn fault_of_receiving(settings: &FtpSettings, path: &str, here: &Path) -> FtpFault {
    let target = here.join("target");
    fs::write(&target, "old").unwrap();
    let mut remote = RemoteFiles::connect(settings).await.unwrap();
    let received = remote
        .receive(path, files(), &target, Transfer::Binary, true)
        .await;
    let error = received.unwrap_err();
    eprintln!("{error}");
    assert!(error.is_fatal(), "{error}");
    // What was there is there, and nothing else.
    assert_eq!(names(here), ["source", "target"]);
    assert_eq!(fs::read_to_string(&target).unwrap(), "old");
    error.fault
}

#[test]
fn ftp_cut_or_stalled_in_the_middle_of_a_file() {
    run(async {
        let Some((mut remote, folder)) = PLAIN.open("faults").await else {
            return;
        };
        let here = tempfile::tempdir().unwrap();
        let path = sent(&mut remote, &folder, here.path()).await;
        let mut settings = PLAIN.settings().unwrap();
        settings.timeout_seconds = 2;
        "cut".clone_into(&mut settings.user);
        let fault = fault_of_receiving(&settings, &path, here.path()).await;
        assert_eq!(fault, FtpFault::Lost);
        let mut cut = RemoteFiles::connect(&settings).await.unwrap();
        let local = here.path().join("source");
        let error = cut
            .send(files(), &local, &path, Transfer::Binary, true)
            .await;
        assert_eq!(error.unwrap_err().fault, FtpFault::Lost);
        "slow".clone_into(&mut settings.user);
        let path = sent(&mut remote, &folder, here.path()).await;
        let fault = fault_of_receiving(&settings, &path, here.path()).await;
        assert_eq!(fault, FtpFault::Timeout);
    });
}

#[test]
fn sftp_cut_or_stalled_in_the_middle_of_a_file() {
    run(async {
        for server in [OPENSSH, WITH_PASSWORD] {
            let Some((mut remote, folder)) = server.open("faults").await else {
                return;
            };
            let here = tempfile::tempdir().unwrap();
            let path = sent(&mut remote, &folder, here.path()).await;
            let mut settings = server.settings().unwrap();
            settings.timeout_seconds = 2;
            settings.host_key = crate::ftp::HostKey::Any;
            let real = SocketAddr::from(([127, 0, 0, 1], settings.port));
            for (fault, wanted) in [
                (Fault::Cut, FtpFault::Lost),
                (Fault::Stall, FtpFault::Timeout),
            ] {
                settings.port = faulty_wire(real, LEN / 2, fault).port();
                let found = fault_of_receiving(&settings, &path, here.path()).await;
                assert_eq!(found, wanted, "{server:?}");
            }
        }
    });
}

#[test]
fn dropped_in_the_middle_of_a_file() {
    run(async {
        for server in [PLAIN, OPENSSH] {
            let Some((mut remote, folder)) = server.open("dropped").await else {
                return;
            };
            let here = tempfile::tempdir().unwrap();
            let path = sent(&mut remote, &folder, here.path()).await;
            let target = here.path().join("target");
            // One poll too few: the file has begun, and is given up.
            let mut receiving =
                Box::pin(remote.receive(&path, files(), &target, Transfer::Binary, true));
            let begun = std::future::poll_fn(|context| {
                drop(receiving.as_mut().poll(context));
                match names(here.path()).len() {
                    2 => std::task::Poll::Ready(()),
                    _ => std::task::Poll::Pending,
                }
            });
            begun.await;
            drop(receiving);
            assert_eq!(names(here.path()), ["source"]);
        }
    });
}

#[test]
fn nobody_there() {
    run(async {
        let mut settings = settings("ftp://u:pa55@127.0.0.1?retries=2&timeout=1");
        settings.port = closed_port();
        let error = refused(&settings).await;
        assert_eq!(error.fault, FtpFault::Unreachable);
        assert_eq!(
            error.code().symbol(),
            "DTS_E_FTPTASK_UNABLETOCONNECTTOSERVER"
        );
        assert!(error.to_string().contains("no server answers"), "{error}");
        "no-such-host.invalid".clone_into(&mut settings.host);
        settings.retries = 1;
        assert_eq!(refused(&settings).await.fault, FtpFault::Unreachable);
        "127.0.0.1".clone_into(&mut settings.host);
        settings.port = silent_server().port();
        for protocol in [FtpProtocol::Ftp, FtpProtocol::Ftps, FtpProtocol::Sftp] {
            settings.protocol = protocol;
            let error = tokio::time::timeout(Duration::from_secs(20), refused(&settings)).await;
            assert_eq!(error.unwrap().fault, FtpFault::Timeout);
        }
    });
}
