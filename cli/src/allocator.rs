//! The allocator of the program, mimalloc, set for runs: memory that a data flow frees is kept for its next batches
//! instead of going back to the system each second, to be cleared and handed out anew. That clearing was a tenth of the
//! CPU time of a load; the peak stays the same.
#![expect(unsafe_code, reason = "an option of a C library")]

use libmimalloc_sys::{mi_option_set, mi_option_t};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` in mimalloc's list of options: milliseconds, -1 for never.
const PURGE_DELAY: mi_option_t = 15;

/// To be called before any thread starts.
pub(crate) fn keep_freed_memory() {
    // SAFETY: a known option; nothing else runs yet, which is what the function asks for.
    unsafe { mi_option_set(PURGE_DELAY, -1) };
}
