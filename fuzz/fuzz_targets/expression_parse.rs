//! Any text gives an expression or an error with its place; what is printed parses and prints the same.
#![no_main]

use fletching_expression::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match parse(text) {
        Ok(parsed) => {
            let printed = parsed.to_string();
            let again = parse(&printed).expect("what is printed parses");
            assert_eq!(again.to_string(), printed);
            assert_eq!(again.target(), parsed.target());
        }
        Err(error) => assert!(error.start <= error.end && error.end <= text.chars().count()),
    }
});
