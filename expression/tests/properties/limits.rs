//! Any text gives an error or a value: no panic, no overflow of the stack, no more memory than the limits allow.

use std::thread;

use dtsx::SsisCode;
use fletching_expression::{ExpressionError, compile, parse};
use proptest::{collection::vec, prelude::*};

use crate::{
    config, evaluate,
    generate::{Choices, Columns, batch, extremes, soup},
};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text_is_an_expression_or_an_error(text in any::<String>()) {
        run(&text);
    }

    #[test]
    fn any_soup_of_tokens_is_an_expression_or_an_error(bytes in vec(any::<u8>(), 0..60)) {
        run(&soup(&mut Choices::new(&bytes)));
    }
}

/// Parses, compiles, evaluates; the error, if there is one, points into the text.
fn run(text: &str) -> Option<ExpressionError> {
    match compile(text, &Columns) {
        Ok(compiled) => {
            evaluate(&compiled, &batch(&mut Choices::new(&[1, 2, 3]), 3));
            None
        }
        Err(error) => {
            assert!(error.start <= error.end, "{error:?}");
            assert!(error.end <= text.chars().count(), "{error:?}");
            assert!(!error.to_string().is_empty() && !error.caret().is_empty());
            Some(error)
        }
    }
}

/// A worker's stack; a build that is not optimised has frames several times as large.
const STACK_BYTES: usize = if cfg!(debug_assertions) { 12 } else { 2 } << 20;

/// Everything that can be done with a text, on a stack of that size.
fn on_a_small_stack(text: String) -> Option<ExpressionError> {
    let work = move || {
        if let Ok(parsed) = parse(&text) {
            assert!(parse(&parsed.to_string()).is_ok(), "as it is printed");
            assert_eq!(parsed, parsed.clone());
            assert!(!format!("{parsed:?}").is_empty());
        }
        run(&text)
    };
    let thread = thread::Builder::new().stack_size(STACK_BYTES);
    thread
        .spawn(work)
        .expect("a thread")
        .join()
        .expect("no panic")
}

#[test]
fn depth_is_limited() {
    let deep = 30_000;
    for (before, inside, after) in [
        ("(", "1", ")"),
        ("-", "[i4]", ""),
        ("!", "[flag]", ""),
        ("~", "[i4]", ""),
        ("(DT_I4)", "[i4]", ""),
        ("[flag]?1:", "2", ""),
        ("[flag]?", "1", ":2"),
        ("ABS(", "[i4]", ")"),
        ("ISNULL(", "[i4]", ")"),
        ("1+(", "[i4]", ")"),
        ("1+", "[i4]", ""),
        ("[flag] && ", "[flag]", ""),
        ("[name]+", "[name]", ""),
        ("[i4]==", "[i4]", ""),
        ("[n18] * ", "[n18]", ""),
        ("1<2==3<4&&", "TRUE", ""),
        ("LEN(", "", ""),
        ("[flag]?", "", ""),
    ] {
        let nested = |depth| [&before.repeat(depth), inside, &after.repeat(depth)].concat();
        for depth in [60, 190, 499] {
            on_a_small_stack(nested(depth));
        }
        let text = nested(deep);
        let error = on_a_small_stack(text).expect("it is too deep");
        assert_eq!(
            error.code,
            Some(SsisCode::EXPRESSION_PARSE_FAILED),
            "{before}: {}",
            error.message
        );
    }
}

/// A long chain is as high as it is long; in parentheses it is not.
#[test]
fn chains_are_as_long_as_people_write_them() {
    for (operand, operator) in [
        ("[name]", "+"),
        ("[n18]", "+"),
        ("[i4]", "-"),
        ("[flag]", "&&"),
        ("[i4] == 7", "||"),
    ] {
        let chain = vec![operand; 400].join(operator);
        assert_eq!(on_a_small_stack(chain.clone()), None);
        let chains = vec![format!("({chain})"); 20].join(operator);
        assert_eq!(on_a_small_stack(chains), None);
    }
    let choice = "[i4] == 7 ? 1 : ".repeat(400) + "2";
    assert_eq!(on_a_small_stack(choice), None);
}

/// Texts that would be larger than a text can be: the row fails, and nothing of that size is made.
#[test]
fn sizes_are_limited() {
    let overflow = SsisCode::EXPRESSION_FUNCTION_OVERFLOW;
    for (text, wanted) in [
        ("REPLICATE(\"x\", 2000000000)", Some(overflow)),
        ("REPLICATE(\"\", 2147483647) + [word]", None),
        ("REPLICATE([word], 2000000000)", None),
        (
            "REPLACE(REPLICATE(\"x\", 4000), \"x\", REPLICATE(\"y\", 4000))",
            Some(overflow),
        ),
        ("LEN(REPLICATE(REPLICATE(\"x\", 4000), [i4]))", None),
        ("(DT_WSTR,4000)((DT_NUMERIC,38,38)0.5 * [n38])", None),
        ("(DT_NUMERIC,38,0)(POWER(10, 300) * [r8])", None),
        ("SUBSTRING([memo], 2147483647, 2147483647)", None),
        ("ROUND([r8], 2147483647) + ROUND([n38], 2147483647)", None),
        ("DATEADD(\"year\", 2147483647, [stamp])", None),
        ("DATEADD(\"millisecond\", -2147483647, [day])", None),
    ] {
        let error = run(text);
        assert_eq!(error.and_then(|error| error.code), wanted, "{text}");
    }
}

/// What a fast path has to give up is not worked out again at each level: that would take forever.
#[test]
fn trees_within_trees_are_worked_out_once() {
    for (before, after) in [
        ("ABS([i8] * ([i8] - [i8] * ", "))"),
        ("FLOOR([n18] * [n18] - ", ")"),
        ("ABS([i4] * [i4] * [i4] + (DT_I4)", ")"),
    ] {
        let text = [&before.repeat(25), "[i4]", &after.repeat(25)].concat();
        let compiled = compile(&text, &Columns).unwrap_or_else(|error| panic!("{error}"));
        evaluate(&compiled, &extremes());
    }
}
