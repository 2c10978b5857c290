//! What was read is written so that it reads the same, and an edit is found again.
#![no_main]

use dtsx::{Document, Edits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = Document::read(bytes) else {
        return;
    };
    let again = Document::read(&document.write()).expect("what was read is well-formed");
    assert_eq!(again.canonical(), document.canonical());
    let value = "<a b=\"c\">&\r\n\t'";
    let mut edits = Edits::new();
    edits.set_attribute(document.root().id(), "fuzz", value);
    if let Ok(edited) = document.apply(&edits) {
        let edited = Document::read(&edited.write()).expect("an edit keeps a document well-formed");
        assert_eq!(edited.root().attribute("fuzz").as_deref(), Some(value));
    }
});
