//! Random documents that have much in common.

use proptest::prelude::*;

/// One thing in an element.
fn item(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        3 => "[xy]{1,2}( [xy]| )?",
        1 => Just("<![CDATA[x]]>".to_owned()),
        1 => Just("<!--c-->".to_owned()),
        1 => Just("<!--d-->".to_owned()),
        1 => Just("<?p d?>".to_owned()),
        1 => Just("  ".to_owned()),
        2 => element(0),
    ];
    match depth {
        0 => leaf.boxed(),
        depth => prop_oneof![1 => leaf, 1 => element(depth)].boxed(),
    }
}

fn element(depth: u32) -> BoxedStrategy<String> {
    let name = prop_oneof!["[ab]", "p:[ab]", "q:a"];
    let attributes = proptest::sample::subsequence(
        vec![
            r#"k="1""#,
            r#"l=" x ""#,
            r#"m=" ""#,
            r#"p:k="2""#,
            r#"q:k="3""#,
            r#"xmlns:r="w""#,
            r#"xmlns:p="w""#,
            r#"xmlns="v""#,
            r#"xml:space="preserve""#,
        ],
        0..4,
    );
    let count = if depth == 0 { 0..1_usize } else { 0..5 };
    let below = match depth {
        0 => Just(Vec::new()).boxed(),
        depth => proptest::collection::vec(item(depth - 1), count).boxed(),
    };
    (name, attributes, below)
        .prop_map(|(name, attributes, below)| {
            // Two prefixes of one namespace may not both be on one name.
            let attributes = attributes.join(" ");
            let below = below.concat();
            format!("<{name} {attributes}>{below}</{name}>")
        })
        .boxed()
}

fn document() -> impl Strategy<Value = String> {
    let prolog = proptest::sample::select(vec![
        "",
        "<?xml version=\"1.0\"?>",
        "<?xml version='1.0' encoding='utf-8'?>",
        "<!DOCTYPE a>",
        "<?xml version=\"1.0\"?><!DOCTYPE a [<!ELEMENT a ANY>]>",
    ]);
    let misc = || {
        proptest::collection::vec(
            prop_oneof![Just("<!--m-->".to_owned()), Just("<?m n?>".to_owned())],
            0..3,
        )
        .prop_map(|all| all.concat())
    };
    let roots = (
        proptest::sample::select(vec!["a", "b", "p:a"]),
        proptest::sample::select(vec![r#"xmlns:p="u""#, r#"xmlns:p="v""#]),
        proptest::collection::vec(item(3), 0..6),
    );
    (prolog, misc(), roots, misc()).prop_map(
        |(prolog, before, (name, namespace, below), behind)| {
            let below = below.concat();
            format!("{prolog}{before}<{name} {namespace} xmlns:q=\"x\">{below}</{name}>{behind}")
        },
    )
}

/// Two documents, of which the second is made of pieces of the first or is another.
pub(super) fn pair() -> impl Strategy<Value = (String, String)> {
    let related =
        (document(), any::<proptest::sample::Index>(), item(2)).prop_map(|(a, at, piece)| {
            // Something more behind one of the tags.
            let ends: Vec<usize> = a.match_indices("</").map(|(at, _)| at).collect();
            let at = ends[at.index(ends.len())];
            let (before, behind) = a.split_at(at);
            let b = format!("{before}{piece}{behind}");
            (a, b)
        });
    prop_oneof![(document(), document()), related]
}
