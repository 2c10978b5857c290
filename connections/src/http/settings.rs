//! What an HTTP connection manager, or the address that it is re-pointed to, says.

use dtsx::Properties;
use reqwest::Url;

use crate::{
    PathError, PathMap, Secret, SettingsError, TlsTrust,
    address::{Address, masked},
    ftp::{number, option_number},
    tls::TLS_OPTIONS,
    wildcard,
};

/// Where a server of pages is, and how it is spoken with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// Without a login.
    pub(super) url: Url,
    /// For servers that ask (Basic); `None`: nobody is logged in. With its domain, `DOMAIN\user`.
    pub user: Option<String>,
    pub password: Secret,
    pub proxy: Option<HttpProxy>,
    pub trust: TlsTrust,
    /// Longest wait for any one answer, in seconds; 0: as long as it takes. Of the manager's `Timeout`, 30 by default.
    pub timeout_seconds: u64,
    /// The URL was set by the user or by a property expression.
    pub is_re_pointed: bool,
}

/// A server that passes requests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpProxy {
    pub(super) url: Url,
    pub user: Option<String>,
    pub password: Secret,
    /// Hosts without a dot in their name are spoken with directly.
    pub bypass_local: bool,
    /// Hosts that are spoken with directly, by patterns with `*`.
    pub bypass: Vec<String>,
}

/// Addresses of servers of pages.
pub const HTTP_SCHEMES: [(&str, &str); 2] = [
    (
        "http://USER:PASSWORD@HOST:PORT/PATH?QUERY#timeout=SECONDS",
        "HTTP; what follows `#` is for this end and not sent",
    ),
    (
        "https://USER:PASSWORD@HOST:PORT/PATH?QUERY#ca_file=FILE",
        "HTTP with TLS",
    ),
];

const OPTIONS: [&str; 3] = ["timeout", TLS_OPTIONS[0], TLS_OPTIONS[1]];
/// Properties that ask for a certificate of this client.
const CERTIFICATES: [&str; 3] = [
    "Certificate",
    "CertificateIdentifier",
    "UseClientCertificate",
];

impl HttpSettings {
    /// Reads the properties of a manager. Of two URLs, in `ServerURL` and in `ConnectionString`, the first counts;
    /// `string_counts` when the string was set by the user or by a property expression. A URL's own login wins.
    ///
    /// # Errors
    /// [`SettingsError::Unsupported`] for a certificate of the client; the others name the property.
    pub fn read(properties: &Properties, string_counts: bool) -> Result<Self, SettingsError> {
        let text = |name: &str| properties.get(name).unwrap_or_default().trim();
        let wanted = |name: &&&str| !matches!(text(name), "" | "0" | "False" | "false");
        if let Some(property) = CERTIFICATES.iter().find(wanted) {
            return Err(SettingsError::Unsupported {
                what: format!("a certificate of the client ({property})"),
                advice: "log in by user and password, or re-point it with `--connection`"
                    .to_owned(),
            });
        }
        let string = text("ConnectionString");
        let url = match text("ServerURL") {
            own if own.is_empty() || string_counts && !string.is_empty() => string,
            own => own,
        };
        let logs_in = properties.bool("UseServerCredentials").unwrap_or(false);
        let mut settings = Self {
            url: read_url("ServerURL", url)?,
            user: user(text("ServerDomain"), text("ServerUserName")).filter(|_| logs_in),
            password: Secret::new(properties.get("ServerPassword").unwrap_or_default()),
            proxy: None,
            trust: TlsTrust::default(),
            timeout_seconds: number(properties, "Timeout", 30)?,
            is_re_pointed: string_counts,
        };
        if let Some((user, password)) = taken_login(&mut settings.url) {
            settings.user = Some(user);
            settings.password = password;
        }
        if let Some(fragment) = settings.url.fragment() {
            // Read as those of other addresses: they follow a `?` there.
            let options = Address::parse(&format!("http://h?{fragment}"), &OPTIONS)?;
            settings.trust = TlsTrust::from_address(&options)?;
            settings.timeout_seconds =
                option_number(&options, "timeout", settings.timeout_seconds)?;
            settings.url.set_fragment(None);
        }
        if properties.bool("UseProxy").unwrap_or(false) {
            settings.proxy = Some(HttpProxy::read(properties)?);
        }
        Ok(settings)
    }

    pub(crate) fn resolve(&mut self, path_map: &PathMap) -> Result<(), PathError> {
        self.trust.resolve(path_map)
    }

    /// The URL of the server, without login: it may hold secrets in its query.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Where a service is called whose description says `described`: there, unless the manager was re-pointed. Then it is
    /// the manager's URL without `?WSDL`, or, if that has no path, the described path at the manager's server.
    pub fn called_at(&self, described: &str) -> String {
        let described = described.trim();
        if !self.is_re_pointed && !described.is_empty() {
            return described.to_owned();
        }
        let mut url = self.url.clone();
        if url
            .query()
            .is_some_and(|query| query.eq_ignore_ascii_case("wsdl"))
        {
            url.set_query(None);
        }
        if let Ok(described) = url.join(described)
            && url.path() == "/"
        {
            url.set_path(described.path());
            url.set_query(described.query());
        }
        url.into()
    }

    /// `http://host:80/path`: without secrets.
    pub fn shown(&self) -> String {
        shown(&self.url)
    }
}

impl HttpProxy {
    fn read(properties: &Properties) -> Result<Self, SettingsError> {
        let text = |name: &str| properties.get(name).unwrap_or_default().trim();
        let place = text("ProxyURL");
        // Managers have it with a scheme or without.
        let place = match Address::scheme(place) {
            None if !place.is_empty() => format!("http://{place}"),
            _ => place.to_owned(),
        };
        let mut url = read_url("ProxyURL", &place)?;
        let logs_in = properties.bool("UseProxyCredentials").unwrap_or(false);
        let mut proxy = Self {
            user: user(text("ProxyDomain"), text("ProxyUserName")).filter(|_| logs_in),
            password: Secret::new(properties.get("ProxyPassword").unwrap_or_default()),
            bypass_local: properties.bool("BypassProxyOnLocal").unwrap_or(false),
            bypass: text("ProxyBypassList")
                .split([';', ',', ' '])
                .filter(|host| !host.is_empty())
                .map(str::to_lowercase)
                .collect(),
            url: url.clone(),
        };
        if let Some((user, password)) = taken_login(&mut url) {
            (proxy.user, proxy.password) = (Some(user), password);
        }
        proxy.url = url;
        Ok(proxy)
    }

    /// Whether a host is spoken with directly.
    pub(super) fn passes_by(&self, host: &str) -> bool {
        let host = host.to_lowercase();
        self.bypass_local && !host.contains(['.', ':'])
            || self
                .bypass
                .iter()
                .any(|pattern| wildcard::matches(pattern, &host))
    }
}

/// Scheme, host and path of a URL.
pub(super) fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    drop(taken_login(&mut shown));
    shown.to_string()
}

/// A URL's login, which the URL then does not have any more.
pub(super) fn taken_login(url: &mut Url) -> Option<(String, Secret)> {
    if url.username().is_empty() {
        return None;
    }
    let decoded = |text: &str| crate::address::decoded(text);
    let user = decoded(url.username());
    let password = Secret::new(decoded(url.password().unwrap_or_default()));
    // These fail for URLs that cannot have a login, and this one has.
    let taken = url.set_username("").and_then(|()| url.set_password(None));
    taken.ok().map(|()| (user, password))
}

fn user(domain: &str, user: &str) -> Option<String> {
    match (domain, user) {
        (_, "") => None,
        ("", user) => Some(user.to_owned()),
        (domain, user) => Some(format!("{domain}\\{user}")),
    }
}

fn read_url(property: &'static str, text: &str) -> Result<Url, SettingsError> {
    if text.is_empty() {
        return Err(SettingsError::NoServer {
            property,
            example: "http://HOST/PATH",
        });
    }
    let malformed = |wanted: String| SettingsError::Malformed {
        shown: masked(text),
        wanted,
    };
    let url = Url::parse(text).map_err(|error| malformed(format!("it is no URL: {error}")))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        _ => Err(malformed("http:// or https:// is wanted".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use dtsx::Property;

    use super::*;

    fn read(of: &[(&str, &str)], string_counts: bool) -> Result<HttpSettings, SettingsError> {
        let property = |(name, value): &(&str, &str)| Property {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
            ..Property::default()
        };
        let properties = Properties::new(of.iter().map(property).collect());
        HttpSettings::read(&properties, string_counts)
    }

    #[test]
    fn as_packages_have_it() {
        let of = [
            (
                "ConnectionString",
                "http://u:p%40w@other/x?token=t#timeout=5",
            ),
            ("ServerURL", "http://localhost:9080?WSDL"),
            ("UseServerCredentials", "True"),
            ("ServerUserName", "Administrator"),
            ("ServerDomain", "LTREE1"),
            ("ServerPassword", "pa55"),
            ("UseProxy", "1"),
            ("ProxyURL", "proxy:8080"),
            ("ProxyBypassList", "*.example.org; 10.*"),
            ("BypassProxyOnLocal", "-1"),
        ];
        let found = read(&of, false).unwrap();
        assert_eq!(found.url(), "http://localhost:9080/?WSDL");
        assert_eq!(found.user.as_deref(), Some(r"LTREE1\Administrator"));
        assert_eq!(found.timeout_seconds, 30);
        let proxy = found.proxy.unwrap();
        assert_eq!(shown(&proxy.url), "http://proxy:8080/");
        for (host, by) in [
            ("localhost", true),
            ("www.Example.org", true),
            ("10.0.0.1", true),
            ("example.com", false),
        ] {
            assert_eq!(proxy.passes_by(host), by, "{host}");
        }
        let found = read(&of, true).unwrap();
        assert_eq!(
            (found.url(), found.timeout_seconds),
            ("http://other/x?token=t", 5)
        );
        assert_eq!(
            (found.user.as_deref(), found.password.reveal()),
            (Some("u"), "p@w")
        );
        assert_eq!(found.shown(), "http://other/x");
        let found = read(&of[1..2], false).unwrap();
        assert_eq!((found.user, found.proxy), (None, None));
    }

    #[test]
    fn where_a_service_is_called() {
        let described = "http://inside/calc/v2.asmx?x=1";
        for (url, re_pointed, wanted) in [
            ("http://h/calc?WSDL", false, described),
            ("http://h:81", true, "http://h:81/calc/v2.asmx?x=1"),
            ("http://h/?wsdl", true, "http://h/calc/v2.asmx?x=1"),
            ("http://h/a.svc?wsdl", true, "http://h/a.svc"),
            ("https://h/a?key=1", true, "https://h/a?key=1"),
        ] {
            let settings = read(&[("ConnectionString", url)], re_pointed).unwrap();
            assert_eq!(settings.called_at(described), wanted);
        }
        let settings = read(&[("ConnectionString", "http://h/a?WSDL")], false).unwrap();
        assert_eq!(settings.called_at(""), "http://h/a");
    }

    #[test]
    fn what_is_refused() {
        let url = ("ServerURL", "https://h");
        for (of, wanted) in [
            (vec![], "ServerURL is empty"),
            (
                vec![("ServerURL", "ftp://u:secret@h")],
                "http:// or https://",
            ),
            (vec![("ServerURL", "http://u:secret@h:x")], "no URL"),
            (
                vec![url, ("CertificateIdentifier", "AB12")],
                "certificate of the client",
            ),
            (vec![("ServerURL", "http://h#tls=no")], "`tls` is not known"),
            (vec![url, ("UseProxy", "True")], "ProxyURL is empty"),
        ] {
            let error = read(&of, false).unwrap_err().to_string();
            assert!(
                error.contains(wanted) && !error.contains("secret"),
                "{error}"
            );
        }
    }
}
