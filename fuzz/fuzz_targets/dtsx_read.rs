//! Any bytes give a package or an error, and every executable of the typed view has its element in the document.
#![no_main]

use dtsx::Package;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(package) = Package::read(bytes) {
        for executable in package.executables() {
            assert!(package.element(executable).is_some());
        }
    }
});
