//! A client of a server of pages.
//!
//! The login is told to the manager's own server only, and only when it asks for it by Basic, as SSIS does.

use std::{error::Error as _, fmt, time::Duration};

use reqwest::{
    Certificate, Client, Method, Proxy, Response, Url,
    header::{
        AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE, WWW_AUTHENTICATE,
    },
    redirect::Policy,
};

use super::{
    error::{HttpError, HttpFault},
    settings::{HttpProxy, HttpSettings, shown},
};

/// Places that one request is sent on to.
const REDIRECTS_MAX: usize = 10;
/// Part of a refusal's text that an error shows, in characters.
const SHOWN_CHARS_MAX: usize = 400;

/// Asks a server for pages.
pub struct HttpClient {
    settings: HttpSettings,
    client: Client,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpClient")
            .field(&self.settings.shown())
            .finish()
    }
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// Where it came from in the end: scheme, host and path.
    pub url: String,
    pub status: u16,
    headers: HeaderMap,
    pub body: Vec<u8>,
}

impl HttpResponse {
    #[cfg(test)]
    pub(super) fn of(status: u16, body: Vec<u8>) -> Self {
        Self {
            url: String::new(),
            status,
            headers: HeaderMap::new(),
            body,
        }
    }

    /// A header as text, if it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The answer, if it is one of success (200 to 299).
    ///
    /// # Errors
    /// [`HttpFault::Status`] with the beginning of what the server says.
    pub fn succeeded(self) -> Result<Self, HttpError> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let text = String::from_utf8_lossy(&self.body);
        let text: String = text.trim().chars().take(SHOWN_CHARS_MAX).collect();
        Err(HttpError {
            message: format!("the server answers with status {}: {text}", self.status),
            fault: HttpFault::Status(self.status),
            url: self.url,
        })
    }
}

impl HttpClient {
    /// Opens nothing yet.
    ///
    /// # Errors
    /// [`HttpFault::Untrusted`]: the file of certificates cannot be read.
    pub fn new(settings: &HttpSettings) -> Result<Self, HttpError> {
        let fail = |message: String| HttpError {
            url: settings.shown(),
            fault: HttpFault::Untrusted,
            message,
        };
        let any = settings.trust.any_certificate;
        let mut builder = Client::builder()
            .user_agent(concat!("Fletching/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::limited(REDIRECTS_MAX))
            .no_proxy()
            .tls_danger_accept_invalid_certs(any)
            .tls_danger_accept_invalid_hostnames(any);
        let mut certificates = Vec::new();
        for pem in settings
            .trust
            .certificates()
            .map_err(|error| fail(error.to_string()))?
        {
            let certificate = Certificate::from_pem(&pem);
            certificates.push(certificate.map_err(|error| fail(chain(&error)))?);
        }
        builder = builder.tls_certs_merge(certificates);
        if settings.timeout_seconds > 0 {
            let limit = Duration::from_secs(settings.timeout_seconds);
            builder = builder.connect_timeout(limit).read_timeout(limit);
        }
        if let Some(proxy) = &settings.proxy {
            builder = builder.proxy(passing(proxy));
        }
        Ok(Self {
            settings: settings.clone(),
            client: builder.build().map_err(|error| fail(chain(&error)))?,
        })
    }

    /// Gets a page. `url`: from the manager's URL on; empty for that one itself. At most `bytes_max` bytes of it.
    ///
    /// # Errors
    /// [`HttpError`]; a status of failure is an answer, see [`HttpResponse::succeeded`].
    pub async fn get(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        bytes_max: u64,
    ) -> Result<HttpResponse, HttpError> {
        self.ask(Method::GET, url, headers, None, bytes_max).await
    }

    /// Sends a body, and gets what the server answers, at most `bytes_max` bytes of it.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        bytes_max: u64,
    ) -> Result<HttpResponse, HttpError> {
        self.ask(Method::POST, url, headers, Some(body), bytes_max)
            .await
    }

    async fn ask(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
        bytes_max: u64,
    ) -> Result<HttpResponse, HttpError> {
        let own = &self.settings.url;
        let target = match url {
            "" => Ok(own.clone()),
            url => own.join(url),
        };
        let target = target.map_err(|error| {
            let message = format!("`{}` leads nowhere: {error}", crate::address::masked(url));
            self.fail(own, HttpFault::Request, message)
        })?;
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let read = (HeaderName::try_from(*name), HeaderValue::try_from(*value));
            let (Ok(name), Ok(value)) = read else {
                let message = format!("the header `{name}` cannot be sent as it is");
                return Err(self.fail(&target, HttpFault::Request, message));
            };
            map.append(name, value);
        }
        let build = || {
            let request = self.client.request(method.clone(), target.clone());
            let request = request.headers(map.clone());
            match body {
                Some(body) => request.body(body.to_vec()),
                None => request,
            }
        };
        let sent = |error| self.failure(&target, &error);
        let mut response = Box::pin(build().send()).await.map_err(sent)?;
        let is_own = response.url().origin() == own.origin();
        if response.status() == 401
            && asks_for_basic(&response)
            && !map.contains_key(AUTHORIZATION)
            && let Some(user) = self.settings.user.as_deref().filter(|_| is_own)
        {
            let password = Some(self.settings.password.reveal());
            let request = build().basic_auth(user, password);
            response = Box::pin(request.send()).await.map_err(sent)?;
        }
        if matches!(response.status().as_u16(), 401 | 407) {
            return Err(self.fail(&target, HttpFault::Login, not_let_in(&response)));
        }
        self.read(response, bytes_max).await
    }

    async fn read(
        &self,
        mut response: Response,
        bytes_max: u64,
    ) -> Result<HttpResponse, HttpError> {
        let url = response.url().clone();
        let too_large = || {
            let message = format!("the answer is larger than {bytes_max} bytes");
            self.fail(&url, HttpFault::TooLarge, message)
        };
        if response.content_length().is_some_and(|len| len > bytes_max) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(piece) = response
            .chunk()
            .await
            .map_err(|error| self.failure(&url, &error))?
        {
            if (body.len() + piece.len()) as u64 > bytes_max {
                return Err(too_large());
            }
            body.extend_from_slice(&piece);
        }
        Ok(HttpResponse {
            url: shown(&url),
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body,
        })
    }

    fn fail(&self, url: &Url, fault: HttpFault, message: String) -> HttpError {
        let mut message = self.settings.password.mask(&message);
        if let Some(proxy) = &self.settings.proxy {
            message = proxy.password.mask(&message);
        }
        HttpError {
            url: shown(url),
            fault,
            message,
        }
    }

    fn failure(&self, url: &Url, error: &reqwest::Error) -> HttpError {
        let text = chain(error);
        let (fault, message) = if error.is_timeout() {
            let message = format!(
                "no answer for {} seconds; set Timeout of the connection manager (or `#timeout=` of its address) if the \
                 server needs longer",
                self.settings.timeout_seconds
            );
            (HttpFault::Timeout, message)
        } else if error.is_redirect() {
            let message = format!("the server sends on more than {REDIRECTS_MAX} times");
            (HttpFault::Redirects, message)
        } else if caused_by::<native_tls::Error>(error) {
            let advice =
                "name the server's authority with `#ca_file=FILE` in the address, if you know it";
            (HttpFault::Untrusted, format!("{text}; {advice}"))
        } else if error.is_connect() {
            let message = format!("no server answers: {text}; check host and port");
            (HttpFault::Unreachable, message)
        } else if error.is_builder() {
            (HttpFault::Request, text)
        } else {
            (HttpFault::Lost, format!("the connection broke: {text}"))
        };
        self.fail(url, fault, message)
    }
}

fn passing(proxy: &HttpProxy) -> Proxy {
    let by = proxy.clone();
    let url = proxy.url.clone();
    let passing = Proxy::custom(move |target| {
        let direct = target.host_str().is_some_and(|host| by.passes_by(host));
        (!direct).then(|| url.clone())
    });
    match &proxy.user {
        Some(user) => passing.basic_auth(user, proxy.password.reveal()),
        None => passing,
    }
}

fn asks_for_basic(response: &Response) -> bool {
    ways(response)
        .iter()
        .any(|way| way.eq_ignore_ascii_case("Basic"))
}

/// The ways to log in that a server offers.
fn ways(response: &Response) -> Vec<String> {
    let headers = response.headers();
    let asked = headers.get_all(WWW_AUTHENTICATE).iter();
    asked
        .chain(headers.get_all(PROXY_AUTHENTICATE))
        .filter_map(|value| value.to_str().ok()?.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

fn not_let_in(response: &Response) -> String {
    let by = match response.status().as_u16() {
        407 => "the proxy",
        _ => "the server",
    };
    let ways = ways(response);
    if asks_for_basic(response) || ways.is_empty() {
        return format!("{by} does not let the user in; check user and password");
    }
    format!(
        "{by} lets users in by {} only; Basic is what is supported",
        ways.join(", ")
    )
}

fn caused_by<E: std::error::Error + 'static>(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<E>() {
            return true;
        }
        source = cause.source();
    }
    false
}

/// The causes of an error, without the URL, which may hold secrets.
fn chain(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    causes.dedup();
    match causes.is_empty() {
        true => "the request cannot be made".to_owned(),
        false => causes.join(": "),
    }
}
