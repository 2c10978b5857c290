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
        assert_eq!(
            wsdl.methods("Calculator").unwrap(),
            ["Add", "Greet", "Convert", "List", "Forget"]
        );
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
            result.xml.starts_with("<string>Hello, &lt;Ann &amp; \"ñ"),
            "{}",
            result.xml
        );
        let list = wsdl.method("Calculator", "List").unwrap();
        let result = call(&client, &list, &[]).await.unwrap().unwrap();
        let wanted = "<ArrayOfOrder xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\"><Order><Id xmlns=\"urn:calculator/\">1\
                      </Id><Customer xmlns=\"urn:calculator/\">Ann &amp; <![CDATA[<Bob>]]></Customer></Order>\n<Order><Id \
                      xmlns=\"urn:calculator/\">2</Id><Customer xmlns=\"urn:calculator/\" i:nil=\"true\"/></Order></ArrayOfOrder>";
        assert_eq!(result.xml, wanted);
        assert_eq!(result.left_out, ["count"]);
        let forget = wsdl.method("Calculator", "Forget").unwrap();
        assert_eq!(call(&client, &forget, &[("a", "1")]).await.unwrap(), None);
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
        (missing, "no method `Subtract`; it has: Add, Greet, Convert"),
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
    assert!(with("true").contains("<name xmlns=\"urn:calculator/\">x</name>"));
    assert!(!with("False").contains("<name"));
}

/// The calculator in RPC style.
fn in_rpc_style() -> String {
    include_str!("../../../../scripts/test_calculator.wsdl")
        .replace("style=\"document\"", "style=\"rpc\"")
        .replace(
            "<wsdl:part name=\"parameters\" element=\"tns:Add\" />",
            "<wsdl:part name=\"a\" type=\"xs:int\" /><wsdl:part name=\"b\" type=\"tns:Unit\" />",
        )
        .replace(
            "<wsdl:part name=\"parameters\" element=\"tns:AddResponse\" />",
            "<wsdl:part name=\"AddReturn\" type=\"xs:int\" />",
        )
        .replace("use=\"literal\"", "use=\"literal\" namespace=\"urn:rpc\"")
}

#[test]
fn rpc_style_has_its_own_wrapper() {
    let wsdl = Wsdl::read(in_rpc_style().as_bytes()).unwrap();
    let add = wsdl.method("Calculator", "Add").unwrap();
    let message = add.envelope(&[("a", "1"), ("b", "Kelvin")]).unwrap();
    let wanted = "<m:Add xmlns:m=\"urn:rpc\"><a>1</a><b>Kelvin</b></m:Add>";
    assert!(message.contains(wanted), "{message}");
}

#[test]
fn encoded_values_say_their_types() {
    let text = in_rpc_style().replace("use=\"literal\"", "use=\"encoded\"");
    let add = Wsdl::read(text.as_bytes())
        .unwrap()
        .method("Calculator", "Add")
        .unwrap();
    let message = add.envelope(&[("a", "1"), ("b", "Kelvin")]).unwrap();
    let wanted = "<m:Add xmlns:m=\"urn:rpc\" s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\" \
                  xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\"><a i:type=\"t:int\" \
                  xmlns:t=\"http://www.w3.org/2001/XMLSchema\">1</a><b i:type=\"t:Unit\" xmlns:t=\"urn:calculator/\">Kelvin</b>\
                  </m:Add>";
    assert!(message.contains(wanted), "{message}");
    let answered = |answer: &str| {
        let body = format!(
            "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/' xmlns:i='http://www.w3.org/2001/XMLSchema-instance' \
             xmlns:x='http://www.w3.org/2001/XMLSchema'><s:Body>{answer}</s:Body></s:Envelope>"
        );
        let answer = HttpResponse::of(200, body.into_bytes());
        add.result(&answer)
    };
    let read = |answer: &str| answered(answer).unwrap().unwrap().xml;
    let lost = "<r:AddResponse xmlns:r='urn:rpc'><AddReturn href='#id7'/></r:AddResponse>";
    let lost = answered(lost).unwrap_err().to_string();
    assert!(lost.contains("said to be at `#id7`"), "{lost}");
    let inline =
        "<r:AddResponse xmlns:r='urn:rpc'><AddReturn i:type='x:int'>3</AddReturn></r:AddResponse>";
    assert_eq!(read(inline), "<int>3</int>");
    let apart = "<r:AddResponse xmlns:r='urn:rpc'><AddReturn href='#id0'/></r:AddResponse>\
                 <multiRef id='id1' i:type='x:int'>4</multiRef><multiRef id='id0' i:type='x:int'>3</multiRef>";
    assert_eq!(read(apart), "<int>3</int>");
    for (text, wanted) in [
        (
            text.replace(
                "name=\"AddReturn\" type=\"xs:int\"",
                "name=\"AddReturn\" type=\"tns:ArrayOfOrder\"",
            ),
            "`Add`, which returns `ArrayOfOrder` encoded",
        ),
        (
            text.replace("style=\"rpc\"", "style=\"document\""),
            "encoded in document style",
        ),
    ] {
        let error = Wsdl::read(text.as_bytes())
            .unwrap()
            .method("Calculator", "Add")
            .unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
        assert_eq!(
            error.code().symbol(),
            "DTS_E_WEBSERVICETASK_DATATYPE_NOT_SUPPORTED"
        );
    }
}

/// As ASP.NET describes a service.
#[test]
fn the_port_of_soap_is_called_whatever_stands_beside_it() {
    let text = include_str!("../../../../scripts/test_calculator.wsdl");
    let port = |name: &str, space: &str| {
        format!(
            "<wsdl:port name=\"{name}\" binding=\"tns:{name}\"><a:address xmlns:a=\"http://schemas.xmlsoap.org/wsdl/{space}/\" \
             location=\"http://127.0.0.1:1/\" /></wsdl:port>"
        )
    };
    let others = port("CalculatorHttpGet", "http") + &port("CalculatorSoap12", "soap12");
    let start = "<wsdl:service name=\"Calculator\">";
    let beside = text.replace(start, &format!("{start}{others}"));
    let add = Wsdl::read(beside.as_bytes())
        .unwrap()
        .method("Calculator", "Add")
        .unwrap();
    assert_eq!(add.address, "ADDRESS");
    let (before, own) = beside.split_once(&others).unwrap();
    let (_, after) = own.split_once("</wsdl:service>").unwrap();
    let alone = format!("{before}{others}</wsdl:service>{after}");
    let error = Wsdl::read(alone.as_bytes())
        .unwrap()
        .method("Calculator", "Add")
        .unwrap_err();
    assert_eq!(
        error.code().symbol(),
        "DTS_E_WEBSERVICETASK_SOAPPORT_NOT_FOUND"
    );
    let wanted = "no port of SOAP 1.1, and no other is called, as in SSIS; it has: CalculatorHttpGet (HTTP), CalculatorSoap12 (SOAP 1.2)";
    assert!(error.to_string().contains(wanted), "{error}");
}

#[test]
fn what_parameters_hold() {
    let text = include_str!("../../../../scripts/test_calculator.wsdl");
    let wsdl = Wsdl::read(text.as_bytes()).unwrap();
    let convert = wsdl.method("Calculator", "Convert").unwrap();
    let contents: Vec<&SoapContent> = convert.parameters.iter().map(|one| &one.content).collect();
    let units = SoapContent::Enumeration(vec!["Celsius".to_owned(), "Kelvin".to_owned()]);
    let simple = &SoapContent::Simple;
    assert_eq!(
        contents,
        [simple, &units, simple, simple, &SoapContent::Structured]
    );
    for (old, new, wanted) in [
        (
            "name=\"unit\" type",
            "name=\"unit\" form=\"unqualified\" type",
            "<unit>Kelvin",
        ),
        (
            "name=\"unit\" type=\"tns:Unit\"",
            "ref=\"tns:unit\"",
            "<unit xmlns=\"urn:calculator/\">Kelvin",
        ),
    ] {
        let element = "<xs:element name=\"unit\" type=\"tns:Unit\" /><xs:simpleType name=\"Unit\">";
        let text = text
            .replace(old, new)
            .replace("<xs:simpleType name=\"Unit\">", element);
        let convert = Wsdl::read(text.as_bytes())
            .unwrap()
            .method("Calculator", "Convert")
            .unwrap();
        let message = convert
            .envelope(&[("degrees", "1"), ("unit", "Kelvin")])
            .unwrap();
        assert!(message.contains(wanted), "{message}");
    }
}

#[test]
fn what_is_not_supported_is_named() {
    let text = include_str!("../../../../scripts/test_calculator.wsdl");
    for (old, new, wanted) in [
        (
            "name=\"AddResult\"",
            "maxOccurs=\"9\" name=\"AddResult\"",
            "a list without an element",
        ),
        (
            "type=\"tns:Unit\"",
            "type=\"tns:Gone\"",
            "no complexType `Gone`",
        ),
        (
            "type=\"xs:double\" />",
            "type=\"xs:double\" /></xs:sequence><xs:choice />\n<xs:sequence>",
            "described by `choice`",
        ),
        (
            "http://schemas.xmlsoap.org/wsdl/soap/",
            "http://schemas.xmlsoap.org/wsdl/soap12/",
            "port of SOAP 1.1",
        ),
    ] {
        let wsdl = Wsdl::read(text.replace(old, new).as_bytes()).unwrap();
        let method = if wanted.contains("list") {
            "Add"
        } else {
            "Convert"
        };
        let error = wsdl.method("Calculator", method).unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
        assert!(!error.code().symbol().is_empty());
    }
}

#[test]
fn prefixes_of_the_answer_stay() {
    let text = include_str!("../../../../scripts/test_calculator.wsdl");
    let list = Wsdl::read(text.as_bytes())
        .unwrap()
        .method("Calculator", "List")
        .unwrap();
    let read = |value: &str| {
        let body = format!(
            "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/' xmlns:i='http://www.w3.org/2001/XMLSchema-instance' \
             xmlns:n='urn:calculator/'><s:Body><n:ListResponse>{value}</n:ListResponse></s:Body></s:Envelope>"
        );
        list.result(&HttpResponse::of(200, body.into_bytes()))
            .unwrap()
            .unwrap()
            .xml
    };
    let wanted =
        "<ArrayOfOrder xmlns:n=\"urn:calculator/\"><Order><n:Id>1</n:Id></Order></ArrayOfOrder>";
    assert_eq!(
        read("<n:ListResult><n:Order><n:Id>1</n:Id></n:Order></n:ListResult>"),
        wanted
    );
    let nil =
        "<ArrayOfOrder xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\" />";
    assert_eq!(read("<n:ListResult i:nil='true'/>"), nil);
    assert_eq!(read(""), nil);
}
