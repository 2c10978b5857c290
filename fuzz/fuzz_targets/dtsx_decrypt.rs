//! Any package opens with a password or is an error; what is open is closed with one, and opens with it again.
#![no_main]

use dtsx::{Package, ProtectionLevel};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(package) = Package::read(bytes) else {
        return;
    };
    let opened = package.decrypt("134");
    for level in [
        ProtectionLevel::EncryptSensitiveWithPassword,
        ProtectionLevel::EncryptAllWithPassword,
    ] {
        if let Ok(opened) = &opened
            && let Ok(closed) = opened.encrypt(level, Some("p"))
        {
            assert!(closed.decrypt("p").is_ok());
        }
    }
});
