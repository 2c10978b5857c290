//! Whether the key of an SSH server is one to believe.

use std::sync::Arc;

use parking_lot::Mutex;
use russh::keys::{
    HashAlg, PublicKey, PublicKeyOrCertificate, check_known_hosts, check_known_hosts_path,
};

use super::settings::{FtpSettings, HostKey};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Believed,
    Refused,
}

/// Looks at the key that a server shows. Why it is not believed is left in [`verdict`](Self::verdict): SSH itself only
/// breaks the connection off.
pub(super) struct HostKeyCheck {
    host: String,
    port: u16,
    wanted: HostKey,
    refused: Arc<Mutex<Option<String>>>,
}

impl HostKeyCheck {
    pub(super) fn new(settings: &FtpSettings) -> Self {
        Self {
            host: settings.host.clone(),
            port: settings.port,
            wanted: settings.host_key.clone(),
            refused: Arc::default(),
        }
    }

    /// Where the reason will be found.
    pub(super) fn verdict(&self) -> Arc<Mutex<Option<String>>> {
        Arc::clone(&self.refused)
    }

    pub(super) fn believe(&self, shown: &PublicKeyOrCertificate) -> Verdict {
        let reason = match shown {
            _ if self.wanted == HostKey::Any => None,
            PublicKeyOrCertificate::PublicKey { key, .. } => self.reason_against(key),
            PublicKeyOrCertificate::Certificate(_) => Some(
                "the server shows a certificate, which is not supported; name its key with `fingerprint=`"
                    .to_owned(),
            ),
        };
        let verdict = match reason {
            None => Verdict::Believed,
            Some(_) => Verdict::Refused,
        };
        *self.refused.lock() = reason;
        verdict
    }

    fn reason_against(&self, key: &PublicKey) -> Option<String> {
        let shown = key.fingerprint(HashAlg::Sha256).to_string();
        let known = match &self.wanted {
            HostKey::Any => return None,
            HostKey::Fingerprint(wanted) => {
                let same = wanted.trim_end_matches('=') == shown;
                return (!same).then(|| {
                    format!("the key of the server is {shown}; {wanted} is wanted (`fingerprint=`)")
                });
            }
            HostKey::KnownHosts(Some(file)) => {
                check_known_hosts_path(&self.host, self.port, key, file)
            }
            HostKey::KnownHosts(None) => check_known_hosts(&self.host, self.port, key),
        };
        let place = match &self.wanted {
            HostKey::KnownHosts(Some(file)) => file.display().to_string(),
            _ => "~/.ssh/known_hosts".to_owned(),
        };
        match known {
            Ok(true) => None,
            Ok(false) => Some(format!(
                "the key of the server is {shown}, and {place} has none for it; if that is the right one, put \
                 `fingerprint={shown}` into the address"
            )),
            Err(error) => Some(format!(
                "the key of the server is {shown}, and {place} has another one for it ({error}): somebody else may answer"
            )),
        }
    }
}
