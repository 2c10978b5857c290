//! Any bytes give a project or an error, within the limits.
#![no_main]

use dtsx::{Limits, Project};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        unpacked_bytes_max: 16 << 20,
        ..Limits::default()
    };
    if let Ok(project) = Project::open_ispac_with(bytes, &limits) {
        for (_, package) in &project.packages {
            assert!(package.executables().next().is_some());
        }
    }
});
