//! The document: lossless in every encoding, edited in place, and closed to hostile input.

#![expect(clippy::unwrap_used, reason = "tests")]

use dtsx::{Document, Edits, Error, Limits, Package};

const MIXED: &str = "<?xml version=\"1.0\"?>\r\n<!-- a --><r xmlns='u:1' xmlns:p=\"u:2\"\r\n  b = '2' p:a=\"1&#xA;&lt;&quot;\"><e/><e ></e >t&amp;\
                     u<![CDATA[<x>&amp;\r\n]]><?pi d?><p:c xmlns:p='u:3'>é😀</p:c></r>\r\n<!-- z -->\r\n";

fn read(text: &str) -> Document {
    Document::read(text.as_bytes()).unwrap()
}

fn message(bytes: &[u8]) -> String {
    Document::read(bytes).unwrap_err().to_string()
}

#[test]
fn written_as_read() {
    let declared = |name: &str| MIXED.replace("\"1.0\"", &format!("\"1.0\" encoding=\"{name}\""));
    let utf16 = |text: &str, little: bool| -> Vec<u8> {
        let bytes = |unit: u16| {
            if little {
                unit.to_le_bytes()
            } else {
                unit.to_be_bytes()
            }
        };
        text.encode_utf16().flat_map(bytes).collect()
    };
    let latin = declared("windows-1252").replace('😀', "€");
    let mut windows_1252 = latin.replace("é€", "@").into_bytes();
    let at = windows_1252.iter().position(|&byte| byte == b'@').unwrap();
    windows_1252.splice(at..=at, [0xE9, 0x80]);
    for bytes in [
        MIXED.as_bytes().to_vec(),
        format!("\u{FEFF}{MIXED}").into_bytes(),
        declared("utf-16").into_bytes(),
        utf16(&format!("\u{FEFF}{}", declared("utf-16")), true),
        utf16(&format!("\u{FEFF}{MIXED}"), false),
        utf16(&declared("utf-16"), true),
        windows_1252,
    ] {
        let document = Document::read(&bytes).unwrap();
        assert_eq!(document.write(), bytes);
        assert_eq!(
            document.canonical().replace('€', "😀"),
            read(MIXED).canonical()
        );
    }
}

#[test]
fn canonical_form_sees_meaning() {
    let wanted = "<!-- a --><{u:1}r b=\"2\" {u:2}a=\"1&#xA;&lt;&quot;\"><{u:1}e></{u:1}e><{u:1}e></{u:1}e>\
                  t&amp;u&lt;x&gt;&amp;amp;\n<?pi d?><{u:3}c>é😀</{u:3}c></{u:1}r><!-- z -->";
    assert_eq!(read(MIXED).canonical(), wanted);
    let other = "<q:r xmlns:q='u:1' xmlns:z='u:2' z:a=\"1&#10;&lt;&#x22;\" b=\"2\"/>";
    assert!(wanted.contains(read(other).canonical().strip_suffix("></{u:1}r>").unwrap()));
    assert_ne!(
        read("<a b='1'/>").canonical(),
        read("<a b='1 '/>").canonical()
    );
}

#[test]
fn elements_are_read() {
    let document = read(MIXED);
    let root = document.root();
    assert_eq!((root.name(), root.namespace()), ("r", "u:1"));
    assert_eq!(root.attribute("a").as_deref(), Some("1\n<\""));
    assert_eq!(root.text(), "t&u<x>&amp;\n");
    let names: Vec<_> = root
        .children()
        .map(|child| (child.local_name(), child.position().line))
        .collect();
    assert_eq!(names, [("e", 3), ("e", 3), ("c", 4)]);
    assert_eq!(root.child("c").unwrap().namespace(), "u:3");
}

#[test]
fn edits_change_only_their_place() {
    let document = read("<a x='1'><b/>\r\n<c>old</c><d>gone</d></a>");
    let node = |name: &str| document.root().child(name).unwrap().id();
    let mut edits = Edits::new();
    edits.set_attribute(document.root().id(), "x", "2 'and' \"3\"\n");
    edits
        .set_attribute(node("b"), "y", "<")
        .set_attribute(node("b"), "z", "&");
    edits.set_text(node("c"), "n<e>w").remove(node("d"));
    edits
        .append_xml(document.root().id(), "<e/>")
        .append_xml(document.root().id(), "<f/>");
    let edited = document.apply(&edits).unwrap();
    let wanted = "<a x='2 &apos;and&apos; &quot;3&quot;&#xA;'><b y=\"&lt;\" z=\"&amp;\"/>\r\n<c>n&lt;e&gt;w</c><e/><f/></a>";
    assert_eq!(edited.source(), wanted);
    let mut filled = Edits::new();
    filled.set_text(edited.root().child("b").unwrap().id(), "t");
    assert!(
        edited
            .apply(&filled)
            .unwrap()
            .source()
            .contains("<b y=\"&lt;\" z=\"&amp;\">t</b>")
    );
}

#[test]
fn edits_that_clash_are_refused() {
    let document = read("<a><b><c/></b></a>");
    let inner = document.root().child("b").unwrap();
    let mut edits = Edits::new();
    edits
        .remove(inner.id())
        .set_text(inner.child("c").unwrap().id(), "x");
    assert!(matches!(document.apply(&edits), Err(Error::Edit { .. })));
    let mut broken = Edits::new();
    broken.append_xml(inner.id(), "<open>");
    assert!(matches!(
        document.apply(&broken),
        Err(Error::NotWellFormed { .. })
    ));
}

#[test]
fn document_types_and_entities_are_refused() {
    let laughs = "<?xml version=\"1.0\"?>\n<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]>\n<l>&b;</l>";
    assert!(message(laughs.as_bytes()).starts_with("line 2, column 1: a document type"));
    assert!(message(b"<a>\n &b;</a>").starts_with("line 2, column 2: unknown entity `&b;`"));
    assert!(message(b"<a x='&b;'/>").starts_with("line 1, column 7: unknown entity `&b;`"));
    assert!(matches!(
        Document::read(b"<a>&#0;</a>"),
        Err(Error::Entity { .. })
    ));
}

#[test]
fn broken_xml_is_located() {
    for (text, start) in [
        (
            "",
            "line 1, column 1: not well-formed XML: found no element",
        ),
        ("<a><b></a>", "line 1, column 7"),
        ("<a>\r\n<b>", "line 2, column 1"),
        ("<a/><b/>", "line 1, column 5"),
        ("<a/>text", "line 1, column 5"),
        ("<a b='1' b='2'/>", "line 1, column 1"),
        (
            "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>",
            "line 1, column 1",
        ),
        ("<p:a/>", "line 1, column 1"),
        ("<a b='<'/>", "line 1, column 4"),
        ("<1/>", "line 1, column 1"),
        ("<a b=1/>", "line 1, column 1"),
        ("<a", "line 1, column 1"),
        ("<a><!-- ", "line 1, column 4"),
    ] {
        let message = message(text.as_bytes());
        assert!(message.starts_with(start), "{text}: {message}");
    }
    assert!(message(b"<a>\n\xFF</a>").starts_with("line 2, column 1: the bytes are not UTF-8"));
    assert!(message(b"\xFF\xFE<\0a\0/\0>").contains("UTF-16"));
    assert!(message(b"<?xml version='1.0' encoding='ebcdic-x'?><a/>").contains("ebcdic-x"));
}

#[test]
fn limits_hold() {
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert!(
        Document::read(nested(256).as_bytes())
            .is_ok_and(|document| document.elements().count() == 256)
    );
    assert!(message(nested(10_000).as_bytes()).contains("more than 256 elements inside elements"));
    let attributes: String = (0..1025).map(|index| format!(" a{index}=''")).collect();
    assert!(message(format!("<a{attributes}/>").as_bytes()).contains("more than 1024 attributes"));
    let scopes: String = (0..300)
        .map(|index| format!(" xmlns:a{index}='u'"))
        .collect();
    assert!(message(format!("<a{scopes}/>").as_bytes()).contains("namespaces in scope"));
    let small = Limits {
        elements_max: 3,
        texts_max: 2,
        bytes_max: 100,
        attributes_total_max: 2,
        ..Limits::default()
    };
    for (text, what) in [
        ("<a><a/><a/><a/></a>".to_owned(), "elements"),
        ("<a>1<!--2-->3<!--4--></a>".to_owned(), "texts"),
        (
            "<a x='1'><a x='1' y='2'/></a>".to_owned(),
            "attributes of a document",
        ),
        ("<a/>".to_owned() + &" ".repeat(100), "bytes"),
    ] {
        let error = Document::read_with(text.as_bytes(), &small).unwrap_err();
        assert!(
            matches!(error, Error::Limit { .. }) && error.to_string().contains(what),
            "{error}"
        );
    }
}

#[test]
fn deep_packages_do_not_overflow() {
    let depth = 250;
    let open = "<DTS:Executable xmlns:DTS=\"www.microsoft.com/SqlServer/Dts\">".repeat(depth);
    let text = open + &"</DTS:Executable>".repeat(depth);
    let package = Package::read(text.as_bytes()).unwrap();
    assert_eq!(package.clone().executables().count(), depth);
}

#[test]
fn every_truncation_is_an_error() {
    let text = include_str!("data/format_8.dtsx");
    for length in (0..text.trim_end().len()).step_by(97) {
        if let Some(part) = text.get(..length) {
            assert!(Package::read(part.as_bytes()).is_err(), "{length}");
        }
    }
}
