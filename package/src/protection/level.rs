//! The protection level of a package or a project: what of it is encrypted, and with what.

use std::fmt;

/// How secrets are saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProtectionLevel {
    /// 0: left out.
    DontSaveSensitive = 0,
    /// 1, the default: encrypted with the key of a Windows user (DPAPI), which only that user's machine can open.
    EncryptSensitiveWithUserKey = 1,
    /// 2: encrypted with a password.
    EncryptSensitiveWithPassword = 2,
    /// 3: the document as a whole is encrypted with a password.
    EncryptAllWithPassword = 3,
    /// 4: the document as a whole is encrypted with the key of a Windows user.
    EncryptAllWithUserKey = 4,
    /// 5: left to the roles of the database that stores the package.
    ServerStorage = 5,
}

impl ProtectionLevel {
    /// All, by number.
    pub const ALL: [Self; 6] = [
        Self::DontSaveSensitive,
        Self::EncryptSensitiveWithUserKey,
        Self::EncryptSensitiveWithPassword,
        Self::EncryptAllWithPassword,
        Self::EncryptAllWithUserKey,
        Self::ServerStorage,
    ];

    /// The level of a number from 0 to 5.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.number() == number)
    }

    /// The level of a name or a number, as files and command lines have it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let named = Self::ALL
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(text));
        named.or_else(|| Self::from_number(text.parse().ok()?))
    }

    /// From 0 to 5.
    pub fn number(self) -> i32 {
        self as i32
    }

    /// As project manifests have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::DontSaveSensitive => "DontSaveSensitive",
            Self::EncryptSensitiveWithUserKey => "EncryptSensitiveWithUserKey",
            Self::EncryptSensitiveWithPassword => "EncryptSensitiveWithPassword",
            Self::EncryptAllWithPassword => "EncryptAllWithPassword",
            Self::EncryptAllWithUserKey => "EncryptAllWithUserKey",
            Self::ServerStorage => "ServerStorage",
        }
    }

    /// Whether a password opens it.
    pub fn needs_password(self) -> bool {
        matches!(
            self,
            Self::EncryptSensitiveWithPassword | Self::EncryptAllWithPassword
        )
    }
}

impl fmt::Display for ProtectionLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.number())
    }
}
