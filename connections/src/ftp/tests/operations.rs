//! What the FTP task does, at each server.

use std::fs;

use super::*;
use crate::{
    ftp::{FtpFault, RemoteKind, Transfer},
    test_servers::{noise, run},
};

fn at_each_server(test: impl AsyncFn(RemoteFiles, String)) {
    for server in SERVERS {
        run(async {
            if let Some((remote, folder)) = server.open("operations").await {
                eprintln!("at {:?}", remote);
                test(remote, folder).await;
            }
        });
    }
}

#[test]
fn files_go_and_come_back() {
    at_each_server(async |mut remote, folder| {
        let here = tempfile::tempdir().unwrap();
        let bytes = noise(3_000_000);
        fs::write(here.path().join("out"), &bytes).unwrap();
        fs::write(here.path().join("empty"), "").unwrap();
        for (name, len) in [("out", 3_000_000), ("empty", 0)] {
            let (local, back) = (here.path().join(name), here.path().join("back"));
            // Names as people give them.
            let path = format!("{folder}/Größe {name} ñ日本 'x' #1.bin");
            let binary = Transfer::Binary;
            let sent = remote.send(files(), &local, &path, binary, false).await;
            assert_eq!(sent.unwrap(), len);
            let received = remote.receive(&path, files(), &back, binary, true).await;
            assert_eq!(received.unwrap(), len);
            assert_eq!(fs::read(&back).unwrap(), fs::read(&local).unwrap());
        }
        assert_eq!(names(here.path()), ["back", "empty", "out"]);
        remote.close().await.unwrap();
    });
}

#[test]
fn directories_and_wildcards() {
    at_each_server(async |mut remote, folder| {
        let here = tempfile::tempdir().unwrap();
        let local = here.path().join("a");
        fs::write(&local, "12345").unwrap();
        let sub = format!("{folder}/sub directory.csv");
        remote.make_directory(&sub).await.unwrap();
        for name in ["b.csv", "a b.csv", "ä.csv", "c.txt"] {
            let path = format!("{folder}/{name}");
            let sent = remote.send(files(), &local, &path, Transfer::Binary, false);
            sent.await.unwrap();
        }
        let all = remote.list(&folder).await.unwrap();
        let found: Vec<_> = all.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(
            found,
            ["a b.csv", "b.csv", "c.txt", "sub directory.csv", "ä.csv"]
        );
        assert_eq!((all[1].kind, all[1].len), (RemoteKind::File, Some(5)));
        assert_eq!((all[3].kind, all[3].len), (RemoteKind::Directory, None));
        assert_eq!(remote.list(&sub).await.unwrap(), []);
        let found = remote.files(&format!("{folder}/?.csv")).await.unwrap();
        assert_eq!(
            found,
            [format!("{folder}/b.csv"), format!("{folder}/ä.csv")]
        );
        assert_eq!(
            remote.list(&format!("{folder}/*.csv")).await.unwrap().len(),
            4
        );
        assert_eq!(
            remote.files(&format!("{folder}/*.xml")).await.unwrap(),
            [""; 0]
        );
        for path in remote.files(&format!("{folder}/*")).await.unwrap() {
            remote.delete(&path).await.unwrap();
        }
        remote.remove_directory(&sub).await.unwrap();
        assert_eq!(remote.list(&folder).await.unwrap(), []);
        remote.remove_directory(&folder).await.unwrap();
        let error = remote.list(&folder).await.unwrap_err();
        assert_eq!(error.fault, FtpFault::Missing, "{error}");
    });
}

#[test]
fn what_is_not_there_or_already_there() {
    at_each_server(async |mut remote, folder| {
        let here = tempfile::tempdir().unwrap();
        let local = here.path().join("a");
        fs::write(&local, "old").unwrap();
        let binary = Transfer::Binary;
        let missing = format!("{folder}/missing");
        let error = remote
            .receive(&missing, files(), &local, binary, true)
            .await;
        let error = error.unwrap_err();
        assert_eq!(error.fault, FtpFault::Missing, "{error}");
        assert_eq!(error.code().symbol(), "DTS_E_FTPTASK_UNABLETORECEIVEFILES");
        assert!(
            error
                .to_string()
                .contains(&format!("cannot receive `{missing}`: "))
        );
        assert_eq!(fs::read_to_string(&local).unwrap(), "old");
        let error = remote.delete(&missing).await.unwrap_err();
        assert_eq!(error.fault, FtpFault::Missing, "{error}");
        let error = remote.remove_directory(&missing).await.unwrap_err();
        assert_eq!(error.fault, FtpFault::Missing, "{error}");
        let error = remote.make_directory(&folder).await.unwrap_err();
        assert_eq!(error.fault, FtpFault::Exists, "{error}");
        let path = format!("{folder}/a");
        for (overwrite, wanted) in [(false, None), (true, None), (false, Some(FtpFault::Exists))] {
            let sent = remote.send(files(), &local, &path, binary, overwrite).await;
            assert_eq!(sent.err().map(|error| error.fault), wanted);
        }
        let error = remote.receive(&path, files(), &local, binary, false).await;
        assert_eq!(error.unwrap_err().fault, FtpFault::Exists);
        let error = remote.remove_directory(&folder).await.unwrap_err();
        assert_eq!(error.fault, FtpFault::Refused, "{error}");
        let no_folder = here.path().join("no/a");
        let error = remote
            .receive(&path, files(), &no_folder, binary, true)
            .await;
        let error = error.unwrap_err();
        assert!(
            error.fault == FtpFault::Local && error.local.is_some(),
            "{error}"
        );
        let error = remote.delete("/../x").await.unwrap_err();
        assert_eq!(error.fault, FtpFault::Name, "{error}");
        assert_eq!(names(here.path()), ["a"]);
        // None of it has hurt the connection.
        remote.delete(&path).await.unwrap();
        remote.remove_directory(&folder).await.unwrap();
    });
}

#[test]
fn text_travels_with_cr_lf() {
    run(async {
        let Some((mut remote, folder)) = PLAIN.open("text").await else {
            return;
        };
        let here = tempfile::tempdir().unwrap();
        let (local, back) = (here.path().join("a.txt"), here.path().join("b.txt"));
        fs::write(&local, "one\r\ntwo\nthree").unwrap();
        let path = format!("{folder}/a.txt");
        let sent = remote.send(files(), &local, &path, Transfer::Ascii, true);
        sent.await.unwrap();
        // The server keeps lines as its machine does: with LF.
        let received = remote.receive(&path, files(), &back, Transfer::Binary, true);
        received.await.unwrap();
        assert_eq!(fs::read_to_string(&back).unwrap(), "one\ntwo\nthree");
        let received = remote.receive(&path, files(), &back, Transfer::Ascii, true);
        received.await.unwrap();
        assert_eq!(fs::read_to_string(&back).unwrap(), "one\r\ntwo\r\nthree");
    });
}

#[test]
fn paths_begin_in_the_folder_of_the_address() {
    run(async {
        for server in [PLAIN, OPENSSH] {
            let Some((mut remote, folder)) = server.open("root").await else {
                return;
            };
            let mut settings = server.settings().unwrap();
            settings.root.push_str(&folder);
            let mut below = RemoteFiles::connect(&settings).await.unwrap();
            below.make_directory("/in").await.unwrap();
            below.make_directory("out").await.unwrap();
            let found = remote.list(&folder).await.unwrap();
            let found: Vec<_> = found.iter().map(|entry| entry.name.as_str()).collect();
            assert_eq!(found, ["in", "out"]);
        }
    });
}
