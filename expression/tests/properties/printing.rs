//! What is printed parses into the tree that was printed, and prints the same.

use fletching_expression::{Parsed, parse};
use proptest::{collection::vec, prelude::*};

use crate::{
    EXPRESSION_BYTES, config,
    generate::{Choices, Typed, over_columns, soup, written},
};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_syntax_prints_as_what_it_is(bytes in vec(any::<u8>(), 0..EXPRESSION_BYTES)) {
        let text = written(&mut Choices::new(&bytes), 5);
        if let Ok(parsed) = parse(&text) {
            prints_as_it_is(&text, &parsed);
        }
    }

    #[test]
    fn soup_that_parses_prints_as_what_it_is(bytes in vec(any::<u8>(), 0..60)) {
        let text = soup(&mut Choices::new(&bytes));
        if let Ok(parsed) = parse(&text) {
            prints_as_it_is(&text, &parsed);
        }
    }

    #[test]
    fn typed_expressions_print_as_what_they_are(bytes in vec(any::<u8>(), 0..EXPRESSION_BYTES)) {
        let text = over_columns(&Typed::new(&mut Choices::new(&bytes)).any(4));
        let parsed = parse(&text);
        prop_assert!(parsed.is_ok(), "{:?}", parsed);
        prints_as_it_is(&text, &parsed.expect("it parses"));
    }
}

pub(crate) fn prints_as_it_is(text: &str, parsed: &Parsed) {
    let printed = parsed.to_string();
    let again = match parse(&printed) {
        Ok(again) => again,
        Err(error) => panic!("{text:?} prints as {printed:?}: {error}"),
    };
    assert_eq!(
        again.to_string(),
        printed,
        "printed once more, out of {text:?}"
    );
    assert_eq!(
        tree(&again, &printed),
        tree(parsed, text),
        "{text:?} prints as {printed:?}"
    );
}

/// The tree as it debugs, without the text and without places in it.
fn tree(parsed: &Parsed, text: &str) -> String {
    let debug = format!("{parsed:?}").replacen(&format!("{text:?}"), "", 1);
    let mut out = String::new();
    for (at, part) in debug.split(", start: ").enumerate() {
        let places = |character: char| character.is_ascii_digit() || ", end:".contains(character);
        out.push_str(if at == 0 {
            part
        } else {
            part.trim_start_matches(places)
        });
    }
    out
}
