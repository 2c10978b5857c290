//! Who may ask: a token, as `Bearer TOKEN` or as the password of `Basic`, with any user name. Checked before each call.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use tonic::{Request, Status, service::Interceptor};

/// A token; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token of printable characters; `None` if it is empty or has others, which no header could carry.
    pub fn new(token: impl Into<String>) -> Option<Self> {
        let token = token.into();
        let sound = !token.is_empty() && token.chars().all(|one| one.is_ascii_graphic());
        sound.then_some(Self(token))
    }

    pub(crate) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// Takes as long for a wrong one as for a nearly right one.
    fn is(&self, given: &str) -> bool {
        let (own, given) = (self.0.as_bytes(), given.as_bytes());
        let differ = own.iter().enumerate().fold(0, |differ, (at, byte)| {
            differ | (byte ^ given.get(at).copied().unwrap_or(!byte))
        });
        std::hint::black_box(differ) == 0 && own.len() == given.len()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Checks the token of each call.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    token: Option<Token>,
}

impl Access {
    pub(crate) fn new(token: Option<Token>) -> Self {
        Self { token }
    }

    pub(crate) fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    fn allows(&self, header: Option<&str>) -> bool {
        let Some(token) = &self.token else {
            return true;
        };
        let (scheme, given) = header
            .and_then(|header| header.split_once(' '))
            .unwrap_or_default();
        if scheme.eq_ignore_ascii_case("bearer") {
            return token.is(given);
        }
        let decoded = BASE64_STANDARD.decode(given).unwrap_or_default();
        let decoded = String::from_utf8(decoded).unwrap_or_default();
        let password = decoded.split_once(':').map(|(_, password)| password);
        scheme.eq_ignore_ascii_case("basic") && password.is_some_and(|password| token.is(password))
    }
}

impl Interceptor for Access {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        let header = request.metadata().get("authorization");
        match self.allows(header.and_then(|header| header.to_str().ok())) {
            true => Ok(request),
            false => Err(Status::unauthenticated(
                "this server wants its token: `authorization: Bearer TOKEN`, or any user name with the token as password",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens() {
        let access = Access::new(Token::new("open"));
        let basic = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
        assert!(access.allows(Some("Bearer open")));
        assert!(access.allows(Some(&basic("anyone:open"))));
        for wrong in [
            "Bearer opens",
            "Bearer ope",
            "Bearer",
            "open",
            &basic("open"),
            &basic("open:no"),
        ] {
            assert!(!access.allows(Some(wrong)), "{wrong}");
        }
        assert!(!access.allows(None));
        assert!(Token::new("").is_none());
        assert_eq!(format!("{access:?}"), "Access { token: Some(***) }");
    }
}
