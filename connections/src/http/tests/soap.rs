//! A service that is called by what it says of itself.

use super::*;

async fn call(
    client: &HttpClient,
    method: &SoapMethod,
    values: &[(&str, &str)],
) -> Result<Option<SoapResult>, SoapError> {
    let envelope = method.envelope(values)?;
    let headers = method.headers();
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let url = method.address.as_str();
    let answer = client
        .post(url, &headers, envelope.as_bytes(), BYTES_MAX)
        .await;
    method.result(&answer.unwrap())
}

#[test]
fn methods_are_called() {
    run(async {
        let Some(http) = variable("FLETCHING_TEST_HTTP") else {
            return;
        };
        let client = at(&format!("{http}/calculator?WSDL"));
        let wsdl = client.get("", &[], BYTES_MAX).await.unwrap();
        let wsdl = Wsdl::read(&wsdl.succeeded().unwrap().body).unwrap();
        assert_eq!(wsdl.services(), ["Calculator"]);
        assert_eq!(wsdl.methods("Calculator").unwrap(), ["Add", "Greet"]);
        let add = wsdl.method("Calculator", "Add").unwrap();
        assert_eq!(add.address, format!("{http}/calculator"));
        assert_eq!(add.parameters[1].data_type, "int");
        let result = call(&client, &add, &[("b", "40"), ("a", "2")]).await;
        assert_eq!(result.unwrap().unwrap().xml, "<int>42</int>");
        let error = call(&client, &add, &[("a", "two"), ("b", "2")]).await;
        let error = error.unwrap_err();
        assert_eq!(
            error.code().symbol(),
            "DTS_E_WEBSERVICETASK_WEBMETHOD_INVOKE_FAILED"
        );
        assert!(error.to_string().contains("invalid literal"), "{error}");
        let greet = wsdl.method("Calculator", "Greet").unwrap();
        let name = [("name", "<Ann & \"ñ日本\">")];
        let result = call(&client, &greet, &name).await.unwrap().unwrap();
        assert_eq!(result.text, "Hello, <Ann & \"ñ日本\">!");
        assert!(
            result.xml.starts_with("<string>Hello, &lt;Ann &amp; "),
            "{}",
            result.xml
        );
        let page = client.get("/hello", &[], BYTES_MAX).await.unwrap();
        let error = greet.result(&page).unwrap_err().to_string();
        assert!(
            error.contains("no SOAP") && error.contains("Grüße"),
            "{error}"
        );
    });
}

#[test]
fn what_a_description_lacks() {
    let text = include_str!("../../../../scripts/test_calculator.wsdl");
    let wsdl = Wsdl::read(text.as_bytes()).unwrap();
    let add = wsdl.method("Calculator", "Add").unwrap();
    let greet = wsdl.method("Calculator", "Greet").unwrap();
    let missing = wsdl.method("Calculator", "Subtract").unwrap_err();
    let no_service = wsdl.method("Abacus", "Add").unwrap_err();
    let unknown = add.envelope(&[("c", "1")]).unwrap_err();
    let no_value = add.envelope(&[("a", "1")]).unwrap_err();
    let no_wsdl = Wsdl::read(b"<a/>").unwrap_err();
    for (error, wanted) in [
        (missing, "no method `Subtract`; it has: Add, Greet"),
        (no_service, "no service `Abacus`; it has: Calculator"),
        (unknown, "no parameter `c`; it has: a, b"),
        (no_value, "a value for its parameter `b`"),
        (no_wsdl, "begins with `a`"),
    ] {
        let shown = error.to_string();
        assert!(shown.contains(wanted), "{shown}");
        assert!(!error.code().symbol().is_empty(), "{shown}");
    }
    let with = |said| {
        greet
            .envelope(&[("name", "x"), ("nameSpecified", said)])
            .unwrap()
    };
    assert!(with("true").contains("<name>x</name>"));
    assert!(!with("False").contains("<name>"));
}

#[test]
fn rpc_style_has_its_own_wrapper() {
    let text = include_str!("../../../../scripts/test_calculator.wsdl")
        .replace("style=\"document\"", "style=\"rpc\"")
        .replace(
            "<wsdl:part name=\"parameters\" element=\"tns:Add\" />",
            "<wsdl:part name=\"a\" type=\"xs:int\" /><wsdl:part name=\"b\" type=\"xs:int\" />",
        )
        .replace("use=\"literal\"", "use=\"literal\" namespace=\"urn:rpc\"");
    let wsdl = Wsdl::read(text.as_bytes()).unwrap();
    let add = wsdl.method("Calculator", "Add").unwrap();
    let message = add.envelope(&[("a", "1"), ("b", "2")]).unwrap();
    let wanted = "<m:Add xmlns:m=\"urn:rpc\"><a>1</a><b>2</b></m:Add>";
    assert!(message.contains(wanted), "{message}");
    let encoded = text.replace("use=\"literal\"", "use=\"encoded\"");
    let wsdl = Wsdl::read(encoded.as_bytes()).unwrap();
    let error = wsdl.method("Calculator", "Add").unwrap_err().to_string();
    assert!(error.contains("only literal messages"), "{error}");
}
