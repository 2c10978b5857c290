//! The same tests of every server of files that `scripts/setup ci` sets up.

mod faults;
mod operations;
mod trust;

use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

use dtsx::{Properties, Property};

use super::{FtpError, FtpSettings, RemoteFiles};
use crate::{
    Files, LocalFiles,
    test_servers::{net_folder, variable},
};

/// A server under test.
#[derive(Debug, Clone, Copy)]
struct Server {
    variable: &'static str,
    /// More options of its address; `NET` is the folder of the servers.
    options: &'static [&'static str],
}

const fn server(variable: &'static str, options: &'static [&'static str]) -> Server {
    Server { variable, options }
}

const KNOWN: &str = "known_hosts=NET/known_hosts";
const PLAIN: Server = server("FLETCHING_TEST_FTP", &["passive=yes"]);
const OPENSSH: Server = server("FLETCHING_TEST_SFTP", &["key_file=NET/user_key", KNOWN]);
const WITH_PASSWORD: Server = server("FLETCHING_TEST_SFTP_PASSWORD", &[KNOWN]);
const SECURE: Server = server(
    "FLETCHING_TEST_FTPS",
    &["passive=yes", "ca_file=NET/cert.pem"],
);

/// With MLSD and without, both ways of opening connections for data, with TLS, by key and by password.
const SERVERS: [Server; 6] = [
    PLAIN,
    server("FLETCHING_TEST_FTP", &["passive=no"]),
    server("FLETCHING_TEST_FTP_LIST", &["passive=yes"]),
    SECURE,
    OPENSSH,
    WITH_PASSWORD,
];

impl Server {
    fn address(&self) -> Option<String> {
        let address = variable(self.variable)?;
        let net = net_folder()?;
        let options = self.options.join("&");
        Some(format!("{address}?retries=1&{options}").replace("NET", &net.display().to_string()))
    }

    fn settings(&self) -> Option<FtpSettings> {
        Some(settings(&self.address()?))
    }

    /// A connection, and a directory of the test's own.
    async fn open(&self, test: &str) -> Option<(RemoteFiles, String)> {
        let mut remote = RemoteFiles::connect(&self.settings()?).await.unwrap();
        let folder = format!("/{test}-{}", uuid::Uuid::new_v4());
        remote.make_directory(&folder).await.unwrap();
        Some((remote, folder))
    }
}

fn settings(address: &str) -> FtpSettings {
    let properties = Properties::new(vec![Property {
        name: "ConnectionString".to_owned(),
        value: address.to_owned(),
        ..Property::default()
    }]);
    FtpSettings::read(&properties, true).unwrap()
}

fn files() -> &'static Arc<dyn Files> {
    static FILES: LazyLock<Arc<dyn Files>> = LazyLock::new(|| Arc::new(LocalFiles));
    &FILES
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn refused(settings: &FtpSettings) -> FtpError {
    RemoteFiles::connect(settings).await.unwrap_err()
}
