//! What leads from one document to another leads there: samples of Microsoft's tool, and random documents.

mod documents;

use documents::pair;
use proptest::prelude::*;

use super::{Checked, DiffGramError, DiffOptions, NAMES, compare::Comparison, hash};
use crate::xml::tree::{Id, Tree};

fn checked(text: &str) -> Checked {
    Checked::of_text(text.to_owned()).unwrap()
}

fn hash_of(text: &str, options: DiffOptions) -> u64 {
    hash::hash(&Tree::read(text).unwrap(), options)
}

/// Whether two documents are the same under options.
fn same(a: &str, b: &str, options: DiffOptions) -> bool {
    let comparison = Comparison::new(options);
    let of = |text: &str| {
        let tree = Tree::read(text).unwrap();
        comparison.fingerprints(&tree).of(Id::DOCUMENT)
    };
    of(a) == of(b)
}

/// A document without what the options do not look at: texts on both sides of it are one text then, as they are where a
/// patch has put one beside the other.
fn seen(text: &str, options: DiffOptions) -> String {
    let ignored = [
        (DiffOptions::COMMENTS, "<!--", "-->"),
        (DiffOptions::INSTRUCTIONS, "<?p", "?>"),
    ];
    let mut text = text.to_owned();
    for (option, opens, closes) in ignored {
        while let Some((before, after)) = text.split_once(opens)
            && options.has(option)
        {
            let (_, after) = after.split_once(closes).unwrap();
            text = format!("{before}{after}");
        }
    }
    text
}

/// Makes the DiffGram, applies it, and compares; gives the DiffGram without what all have.
fn there(a: &str, b: &str, options: DiffOptions) -> String {
    let (one, other) = (checked(a), checked(b));
    let difference = one.diff(&other, options).unwrap();
    let patched = one.patch(&checked(&difference.diffgram));
    let patched = patched.unwrap_or_else(|error| panic!("{error}: {}", difference.diffgram));
    // Where prefixes do not count, those of the first document stay, and may need declarations of their own.
    let judged = match options.has(DiffOptions::PREFIXES) {
        true => DiffOptions(options.0 | DiffOptions::NAMESPACES.0),
        false => options,
    };
    let texts_joined = || same(&seen(&patched, judged), &seen(b, judged), judged);
    assert!(
        same(&patched, b, judged) || texts_joined(),
        "{options}\na {a}\nb {b}\np {patched}\nd {}",
        difference.diffgram
    );
    assert_eq!(difference.is_none, same(a, b, options), "{options} {a} {b}");
    let (_, inner) = difference.diffgram.split_once("xmldiff\"").unwrap();
    let inner = inner.trim_start_matches([' ', '/', '>']);
    let inner = inner.strip_suffix("</xd:xmldiff>").unwrap_or(inner);
    inner.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Hashes of documents as XmlDiffPatch has published them.
#[test]
fn the_hash_is_that_of_microsoft() {
    let none = DiffOptions::default();
    let text = r#"<p>Hallo <b id="1">Welt</b></p>"#;
    assert_eq!(hash_of(text, none), 5_560_047_454_017_179_883);
    let text = "<?xml version='1.0'?>\n<b></b>";
    let order = DiffOptions::CHILD_ORDER;
    assert_eq!(hash_of(text, order), 6_638_663_348_648_024_216);
}

#[test]
fn options_are_read_and_written() {
    let read = |text| DiffOptions::read(text).map(|one| one.to_string());
    assert_eq!(read("0").unwrap(), "None");
    assert_eq!(read("None").unwrap(), "None");
    assert_eq!(read("6").unwrap(), "IgnoreComments IgnorePI");
    assert_eq!(
        read("IgnoreDtd, IgnoreComments").unwrap(),
        "IgnoreComments IgnoreDtd"
    );
    assert_eq!(read("IgnoreCase").unwrap_err(), "IgnoreCase");
}

#[test]
fn diffgrams_are_written() {
    for (a, b, wanted) in [
        ("<a/>", "<a/>", ""),
        (
            "<a><b/><c/><d/></a>",
            "<a><b/><x>1</x><y/><d/></a>",
            r#"<xd:node match="1"> <xd:remove match="2" /> <xd:node match="1" /> <xd:add> <x>1</x> <y /> </xd:add> </xd:node> "#,
        ),
        (
            r#"<a b="1" c="2"><d>x</d></a>"#,
            r#"<a b="2" e=" "><d>y</d></a>"#,
            r#"<xd:node match="1"> <xd:remove match="@c" /> <xd:change match="@b">2</xd:change> <xd:add type="2" name="e" xml:space="preserve"> </xd:add> <xd:node match="1"> <xd:change match="1">y</xd:change> </xd:node> </xd:node> "#,
        ),
        (
            "<a><!--x--><?p x?><![CDATA[x]]></a>",
            "<b><!--y--><?p y?><![CDATA[y]]></b>",
            r#"<xd:change match="1" name="b"> <xd:change match="1"> <!--y--> </xd:change> <xd:change match="2"> <?p y?> </xd:change> <xd:change match="3"><![CDATA[y]]></xd:change> </xd:change> "#,
        ),
        (
            r#"<p:a xmlns:p="u"/>"#,
            r#"<p:a xmlns:p="u"><p:b c="1">x</p:b></p:a>"#,
            r#"<xd:node match="1"> <xd:add type="1" name="b" ns="u" prefix="p"> <xd:add type="2" name="c">1</xd:add> <xd:add>x</xd:add> </xd:add> </xd:node> "#,
        ),
        (
            r#"<?xml version="1.0"?><!DOCTYPE a><a/>"#,
            r#"<?xml version="1.0" encoding="utf-8"?><!DOCTYPE a SYSTEM "a.dtd"><!--c--><a/>"#,
            r#"<xd:change match="1">version="1.0" encoding="utf-8"</xd:change> <xd:change match="2" systemId="a.dtd" /> <xd:add> <!--c--> </xd:add> "#,
        ),
    ] {
        assert_eq!(
            there(a, b, DiffOptions::default()).trim(),
            wanted.trim(),
            "{a} {b}"
        );
    }
}

#[test]
fn what_is_ignored_is_no_difference() {
    for (options, a, b) in [
        ("IgnoreComments", "<a><!--x-->t</a>", "<a>t<!--y--></a>"),
        ("IgnorePI", "<a><?x?></a>", "<a/>"),
        (
            "IgnoreWhitespace",
            "<a b=' x  y '>  t\n u </a>",
            "<a b='x y'>t u</a>",
        ),
        (
            "IgnoreChildOrder",
            "<a><b/><c><d/><e/></c></a>",
            "<a><c><e/><d/></c><b/></a>",
        ),
        ("IgnorePrefixes", "<p:a xmlns:p='u'/>", "<a xmlns='u'/>"),
        ("IgnoreNamespaces", "<p:a xmlns:p='u'/>", "<a/>"),
        ("IgnoreXmlDecl", "<?xml version='1.0'?><a/>", "<a/>"),
        ("IgnoreDtd", "<!DOCTYPE a><a/>", "<a/>"),
    ] {
        assert_eq!(
            there(a, b, DiffOptions::read(options).unwrap()),
            "",
            "{options}"
        );
        assert_ne!(there(a, b, DiffOptions::default()), "", "{options}");
    }
}

/// Operations that are not written here, but by Microsoft's tool.
#[test]
fn copies_and_removals_without_subtree() {
    let source = "<a><b><c>1</c><d/></b><e/></a>";
    let hash = hash_of(source, DiffOptions::default());
    let patched = |body: &str| {
        let diffgram = format!(
            r#"<xd:xmldiff version="1.0" srcDocHash="{hash}" options="None" fragments="no" xmlns:xd="{}">{body}</xd:xmldiff>"#,
            super::NAMESPACE
        );
        let text = checked(source).patch(&checked(&diffgram));
        text.map(|text| text.split_whitespace().collect::<String>())
    };
    let move_body = r#"<xd:node match="1"><xd:remove match="1" opid="1"/><xd:node match="2"/><xd:add match="/1/1" opid="1"/></xd:node><xd:descriptor opid="1" type="move"/>"#;
    assert_eq!(
        patched(move_body).unwrap(),
        "<a><e/><b><c>1</c><d/></b></a>"
    );
    let unwrap = r#"<xd:node match="1"><xd:remove match="1" subtree="no"><xd:remove match="1"/></xd:remove></xd:node>"#;
    assert_eq!(patched(unwrap).unwrap(), "<a><d/><e/></a>");
    let wrap = r#"<xd:node match="1"><xd:add type="1" name="w"><xd:add match="/1/1-2"/></xd:add><xd:remove match="*"/></xd:node>"#;
    assert_eq!(
        patched(wrap).unwrap(),
        "<a><w><b><c>1</c><d/></b><e/></w></a>"
    );
    let code = |body: &str| match patched(body) {
        Ok(text) => text,
        Err(error) => format!("{:X}", error.code().map_or(0, |code| code.0)),
    };
    assert_eq!(code(r#"<xd:remove match="3"/>"#), "C0029280");
    assert_eq!(code(r#"<xd:remove match="0"/>"#), "C0029280");
    assert_eq!(code(r#"<xd:remove match="x"/>"#), "C002927F");
    assert_eq!(
        code(r#"<xd:node match="1"><xd:node match="1-2"/></xd:node>"#),
        "C0029287"
    );
    assert_eq!(code(r#"<xd:remove match="1"/>"#), "0");
    assert_eq!(code(r#"<xd:add><two/></xd:add>"#), "0");
}

#[test]
fn diffgrams_of_other_documents_and_of_nothing_are_refused() {
    let (a, b) = (checked("<a/>"), checked("<b/>"));
    let diffgram = a.diff(&b, DiffOptions::default()).unwrap().diffgram;
    let error = b.patch(&checked(&diffgram)).unwrap_err();
    assert!(matches!(error, DiffGramError::OtherDocument { .. }));
    let error = a.patch(&b).unwrap_err();
    assert_eq!(error, DiffGramError::NoDiffGram);
    let error = a
        .patch(&checked(&diffgram.replace("None", "Half")))
        .unwrap_err();
    assert_eq!(error, DiffGramError::Options("Half".to_owned()));
}

/// Copies of copies grow without end.
#[test]
fn a_diffgram_cannot_make_a_document_of_any_size() {
    let source = "<a><b/></a>";
    let hash = hash_of(source, DiffOptions::default());
    let copies = r#"<xd:node match="1"><xd:add match="/1"/></xd:node>"#.repeat(40);
    let diffgram = format!(
        r#"<xd:xmldiff srcDocHash="{hash}" options="None" xmlns:xd="{}">{copies}</xd:xmldiff>"#,
        super::NAMESPACE
    );
    let error = crate::xml::on_deep_stack(|| checked(source).patch(&checked(&diffgram)));
    assert!(matches!(error.unwrap(), Err(DiffGramError::Xml(_))));
}

#[test]
fn long_lists_are_aligned() {
    let list = |skip: usize, extra: &str| {
        let items = (0..3000).filter(|at| at % skip != 1);
        let items: String = items.map(|at| format!("<i>{at}</i>{extra}")).collect();
        format!("<a>{items}</a>")
    };
    let diffgram = there(&list(7, ""), &list(5, ""), DiffOptions::default());
    assert!(diffgram.len() < 120_000, "{}", diffgram.len());
    there(&list(7, "<x/>"), &list(5, "<y/>"), DiffOptions::default());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn a_patch_leads_to_the_other_document((a, b) in pair(), bits in any::<u8>()) {
        there(&a, &b, DiffOptions::default());
        there(&a, &b, DiffOptions::read(&bits.to_string()).unwrap());
        for (_, option) in NAMES {
            there(&a, &b, option);
        }
    }
}
