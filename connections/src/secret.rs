//! A password that shows itself to nobody.

use std::fmt;

/// A secret. Its `Debug` is `***`; what is shown of it goes through [`mask`](Self::mask).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself: for the server that asks for it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A text of somebody else, in which the secret is `***`: servers repeat what they were sent.
    pub fn mask(&self, text: &str) -> String {
        if self.0.is_empty() {
            text.to_owned()
        } else {
            text.replace(&self.0, "***")
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_shown() {
        let secret = Secret::new("pa55");
        assert_eq!(format!("{secret:?}"), "***");
        assert_eq!(secret.mask("530 pa55 is wrong"), "530 *** is wrong");
        assert_eq!(Secret::default().mask("as it was"), "as it was");
    }
}
