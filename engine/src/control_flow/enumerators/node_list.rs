//! Foreach NodeList: the nodes of an XML document that an XPath expression leads to.
//!
//! ```text
//!  NodeText, Node, Navigator:  outer XPath ──▶ nodes ──▶ a round each, one value
//!  ElementCollection:          outer XPath ──▶ nodes ──▶ a round each: inner XPath ──▶ a value for each node
//! ```
//!
//! The value of a node is its text (`NodeText`), else the node as XML: .NET's objects there are none of. A loop inside that
//! reads such a variable reads that XML as a document of its own.

use dtsx::{ForeachLoop, SsisCode};
use fletching_components::{Finding, FindingKind};

use super::{Enumeration, EnumeratorClass, Failure, ForeachValue, Rounds, blocking, property};
use crate::{
    control_flow::loops::MAPPING,
    task::TaskHost,
    xml::{self, Document, Node, TextSource},
};

pub(super) static CLASS: EnumeratorClass = EnumeratorClass {
    name: "ForEachNodeListEnumerator",
    element: "FEENODELIST",
    properties: &[
        ("EnumerationType", "EnumerationType"),
        ("InnerElementType", "InnerElementType"),
        ("InnerXPathString", "InnerXPathString"),
        ("InnerXPathStringSourceType", "InnerXPathSourceType"),
        ("OuterXPathString", "OuterXPathString"),
        ("OuterXPathStringSourceType", "OuterXPathSourceType"),
        ("SourceDocument", "SourceDocument"),
        ("SourceType", "SourceType"),
    ],
    check,
    rounds: |enumeration| blocking(enumeration, rounds),
};

/// `DTS_E_NODELISTENUM_XPATHISEMPTY`.
const EMPTY_PATH: SsisCode = SsisCode(0xC001_F423);
/// `DTS_E_NODELISTENUM_NOENUMERATORCREATED`.
const NO_ENUMERATOR: SsisCode = SsisCode(0xC001_F425);

/// What is made of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NodeValue {
    Text,
    Xml,
}

impl NodeValue {
    fn of(self, node: &Node<'_>) -> ForeachValue {
        let text = match self {
            Self::Text => node.text(),
            Self::Xml => node.xml(),
        };
        ForeachValue::from(text.as_str())
    }
}

/// Settings of the enumerator.
struct NodeList {
    document: TextSource,
    outer: TextSource,
    /// Of an element collection.
    inner: Option<TextSource>,
    value: NodeValue,
}

fn node_list(foreach: &ForeachLoop) -> Result<NodeList, String> {
    let source = |kind: &str, text: &str| {
        let kind = match property(foreach, kind) {
            "" => "DirectInput",
            kind => kind,
        };
        TextSource::new(kind, property(foreach, text)).map_err(|error| format!("{text}: {error}"))
    };
    let value = |name: &str| match property(foreach, name).trim() {
        "NodeText" | "2" => Ok(NodeValue::Text),
        "Node" | "Navigator" | "1" | "0" => Ok(NodeValue::Xml),
        other => Err(format!(
            "{name} is `{other}`: Navigator, Node, NodeText or ElementCollection is wanted"
        )),
    };
    let is_collection = matches!(
        property(foreach, "EnumerationType").trim(),
        "ElementCollection" | "3"
    );
    Ok(NodeList {
        document: source("SourceType", "SourceDocument")?,
        outer: source("OuterXPathSourceType", "OuterXPathString")?,
        inner: match is_collection {
            true => Some(source("InnerXPathSourceType", "InnerXPathString")?),
            false => None,
        },
        value: value(match is_collection {
            true => "InnerElementType",
            false => "EnumerationType",
        })?,
    })
}

fn check(host: &TaskHost<'_>, foreach: &ForeachLoop) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(error) = xml::available() {
        findings.push(host.unsupported(error.to_string()));
    }
    let list = match node_list(foreach) {
        Ok(list) => list,
        Err(message) => {
            findings.push(host.invalid(message));
            return findings;
        }
    };
    let sources = [
        ("SourceDocument", Some(&list.document)),
        ("OuterXPathString", Some(&list.outer)),
        ("InnerXPathString", list.inner.as_ref()),
    ];
    for (what, source) in sources {
        let Some(source) = source else { continue };
        findings.extend(source.check(host, what));
        if matches!(source, TextSource::Direct(text) if text.trim().is_empty()) {
            let message = format!("{what} is empty");
            findings.push(host.finding(FindingKind::Invalid, Some(EMPTY_PATH), message));
        }
    }
    if list.inner.is_none() {
        for mapping in foreach.mappings.iter().filter(|one| one.value_index > 0) {
            let message = format!(
                "variable `{}` takes value {} of a round; there is one, 0, but of an ElementCollection",
                mapping.variable, mapping.value_index
            );
            findings.push(host.finding(FindingKind::Invalid, Some(MAPPING), message));
        }
    }
    findings
}

fn rounds(enumeration: &Enumeration) -> Result<Rounds, Failure> {
    let list = node_list(&enumeration.foreach)?;
    let text = |source: &TextSource| source.text(&enumeration.connections, &enumeration.scope);
    let outer = text(&list.outer)?;
    let inner = list.inner.as_ref().map(text).transpose()?;
    let values = xml::on_deep_stack(|| {
        let document = list
            .document
            .document(&enumeration.connections, &enumeration.scope)?;
        values(&document, outer.trim(), inner.as_deref(), list.value)
    });
    let values = values
        .and_then(|values| values)
        .map_err(|message| Failure {
            code: NO_ENUMERATOR,
            message,
        })?;
    let warning = values.is_empty().then(|| {
        format!(
            "{}: no node of {} fits `{}`: the loop has nothing to do",
            enumeration.path,
            list.document.label(&enumeration.connections),
            outer.trim()
        )
    });
    Ok(Rounds::new(values).with_warning(warning))
}

fn values(
    document: &Document,
    outer: &str,
    inner: Option<&str>,
    value: NodeValue,
) -> Result<Vec<Vec<ForeachValue>>, String> {
    let nodes = document.select(outer, &[]);
    let nodes = nodes.map_err(|error| error.to_string())?;
    let round = |node: &Node<'_>| match inner {
        None => Ok(vec![value.of(node)]),
        Some(path) => {
            let nodes = node
                .select(path.trim())
                .map_err(|error| error.to_string())?;
            Ok(nodes.iter().map(|node| value.of(node)).collect())
        }
    };
    nodes.iter().map(round).collect()
}
