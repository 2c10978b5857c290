//! Pages of real servers; paths of `scripts/test_servers.py` say what is answered.

mod soap;

use std::net::SocketAddr;

use dtsx::{Properties, Property};

use super::*;
use crate::test_servers::{
    Fault, closed_port, faulty_wire, net_folder, run, silent_server, variable,
};

const BYTES_MAX: u64 = 2 << 20;

fn client(of: &[(&str, &str)]) -> HttpClient {
    let property = |(name, value): &(&str, &str)| Property {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
        ..Property::default()
    };
    let properties = Properties::new(of.iter().map(property).collect());
    HttpClient::new(&HttpSettings::read(&properties, true).unwrap()).unwrap()
}

fn at(address: &str) -> HttpClient {
    client(&[("ConnectionString", address)])
}

async fn refused(client: &HttpClient, url: &str) -> HttpError {
    let error = client.get(url, &[], BYTES_MAX).await.unwrap_err();
    eprintln!("{error}");
    error
}

#[test]
fn pages_and_bodies() {
    run(async {
        let (Some(http), Some(https), Some(net)) = (
            variable("FLETCHING_TEST_HTTP"),
            variable("FLETCHING_TEST_HTTPS"),
            net_folder(),
        ) else {
            return;
        };
        for address in [http, format!("{https}#ca_file={}/cert.pem", net.display())] {
            let client = at(&address);
            let page = client.get("/hello", &[], BYTES_MAX).await.unwrap();
            assert_eq!(
                (page.status, page.body.as_slice()),
                (200, "Grüße".as_bytes())
            );
            assert_eq!(
                page.header("content-type"),
                Some("text/plain; charset=utf-8")
            );
            let page = client.get("/moved", &[], BYTES_MAX).await.unwrap();
            assert!(page.url.ends_with("/hello"), "{}", page.url);
            let headers = [("SOAPAction", "\"urn:x\""), ("Content-Type", "text/xml")];
            let body = "<a>ñ日本</a>".repeat(20_000);
            let page = client
                .post("/echo?q=1", &headers, body.as_bytes(), BYTES_MAX)
                .await;
            let text = String::from_utf8(page.unwrap().body).unwrap();
            assert!(text.starts_with("POST /echo?q=1\n") && text.ends_with(&body));
            assert!(text.contains("soapaction: \"urn:x\"\ncontent-type: text/xml\n"));
            let page = client.get("/nowhere", &[], BYTES_MAX).await.unwrap();
            let error = page.succeeded().unwrap_err();
            assert_eq!(error.fault, HttpFault::Status(404));
            assert!(error.message.contains("no such page"), "{error}");
        }
    });
}

#[test]
fn who_is_let_in() {
    run(async {
        let Some(http) = variable("FLETCHING_TEST_HTTP") else {
            return;
        };
        let with = |login: &str| at(&http.replace("://", &format!("://{login}@")));
        let known = with("fletching:for-tests-only");
        let page = known.get("/basic", &[], BYTES_MAX).await.unwrap();
        assert_eq!(page.body, b"let in");
        // Nobody who does not ask is told.
        let page = known.get("/echo", &[], BYTES_MAX).await.unwrap();
        let text = String::from_utf8(page.body).unwrap();
        assert!(!text.contains("authorization"), "{text}");
        let error = refused(&with("fletching:wr0ng"), "/basic").await;
        assert_eq!(error.fault, HttpFault::Login);
        assert!(!format!("{error:?}").contains("wr0ng"), "{error:?}");
        assert_eq!(refused(&at(&http), "/basic").await.fault, HttpFault::Login);
        let error = refused(&known, "/windows").await;
        assert!(error.to_string().contains("by NTLM only"), "{error}");
        // Another server, as far as one can tell: it is not told the login of the first.
        let elsewhere = format!("{}/basic", http.replace("127.0.0.1", "localhost"));
        assert_eq!(refused(&known, &elsewhere).await.fault, HttpFault::Login);
    });
}

#[test]
fn by_a_proxy() {
    run(async {
        let (Some(http), Some(proxy)) = (
            variable("FLETCHING_TEST_HTTP"),
            variable("FLETCHING_TEST_HTTP_PROXY"),
        ) else {
            return;
        };
        let mut of = vec![
            ("ConnectionString", http.as_str()),
            ("UseProxy", "True"),
            ("ProxyURL", &proxy),
            ("UseProxyCredentials", "True"),
            ("ProxyUserName", "fletching"),
            ("ProxyPassword", "for-tests-only"),
        ];
        let page = client(&of).get("/hello", &[], BYTES_MAX).await.unwrap();
        assert_eq!((page.header("via"), page.status), (Some("1.1 tests"), 200));
        of[5].1 = "wr0ng";
        let error = refused(&client(&of), "/hello").await;
        assert_eq!(error.fault, HttpFault::Login);
        assert!(error.to_string().contains("the proxy does not"), "{error}");
        of.push(("ProxyBypassList", "127.*"));
        let page = client(&of).get("/hello", &[], BYTES_MAX).await.unwrap();
        assert_eq!((page.header("via"), page.status), (None, 200));
    });
}

#[test]
fn limits() {
    run(async {
        let Some(http) = variable("FLETCHING_TEST_HTTP") else {
            return;
        };
        let client = at(&format!("{http}#timeout=1"));
        let page = client.get("/large", &[], 1 << 20).await.unwrap();
        assert_eq!(page.body.len(), 1 << 20);
        let error = client.get("/large", &[], (1 << 20) - 1).await.unwrap_err();
        assert_eq!(error.fault, HttpFault::TooLarge);
        assert_eq!(
            refused(&client, "/endless").await.fault,
            HttpFault::TooLarge
        );
        assert_eq!(refused(&client, "/loop").await.fault, HttpFault::Redirects);
        assert_eq!(refused(&client, "/stalled").await.fault, HttpFault::Timeout);
        assert_eq!(refused(&client, "/cut").await.fault, HttpFault::Lost);
        let headers = [("Bad\nHeader", "x")];
        let error = client.get("/hello", &headers, BYTES_MAX).await.unwrap_err();
        assert_eq!(error.fault, HttpFault::Request);
        let server: SocketAddr = http.trim_start_matches("http://").parse().unwrap();
        for (fault, wanted) in [
            (Fault::Cut, HttpFault::Lost),
            (Fault::Stall, HttpFault::Timeout),
        ] {
            let wire = at(&format!(
                "http://{}#timeout=1",
                faulty_wire(server, 500_000, fault)
            ));
            assert_eq!(refused(&wire, "/large").await.fault, wanted);
        }
    });
}

#[test]
fn nobody_there_or_nobody_to_believe() {
    run(async {
        let nobody = at(&format!(
            "http://u:pa55@127.0.0.1:{}/x?key=secret",
            closed_port()
        ));
        let error = refused(&nobody, "").await;
        assert_eq!(error.fault, HttpFault::Unreachable);
        assert_eq!(error.code().symbol(), "DTS_E_WINHTTPCANNOTCONNECT");
        let shown = format!("{error} {error:?} {nobody:?}");
        assert!(
            !shown.contains("secret") && !shown.contains("pa55"),
            "{shown}"
        );
        let error = refused(&at("http://no-such-host.invalid"), "").await;
        assert_eq!(error.fault, HttpFault::Unreachable);
        let silent = at(&format!("http://{}#timeout=1", silent_server()));
        assert_eq!(refused(&silent, "").await.fault, HttpFault::Timeout);
        let (Some(https), Some(net)) = (variable("FLETCHING_TEST_HTTPS"), net_folder()) else {
            return;
        };
        assert_eq!(
            refused(&at(&https), "/hello").await.fault,
            HttpFault::Untrusted
        );
        // The certificate is of 127.0.0.1, not of this name.
        let named = https.replace("127.0.0.1", "localhost");
        let named = at(&format!("{named}#ca_file={}/cert.pem", net.display()));
        assert_eq!(refused(&named, "/hello").await.fault, HttpFault::Untrusted);
        let any = at(&format!("{https}#trust_server_certificate=yes"));
        assert_eq!(any.get("/hello", &[], BYTES_MAX).await.unwrap().status, 200);
    });
}
