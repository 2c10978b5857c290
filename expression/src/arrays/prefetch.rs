//! A hint to the processor's caches.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "the hint takes a pointer")
)]

/// Asks for the cache lines of the first and the last of these values; does nothing where there is no such hint.
#[inline(always)]
pub(crate) fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

        let first = values.as_ptr();
        let last = first.wrapping_add(values.len().saturating_sub(1));
        // SAFETY: a prefetch reads nothing and faults nowhere, whatever the address.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(first.cast());
            _mm_prefetch::<_MM_HINT_T0>(last.cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

/// Bytes of a cache line.
const LINE: usize = 64;

/// Asks for all cache lines of the `count` values from `start`, as far as there are any. The processor itself looks no further
/// than a page: columns that come from memory are asked for a little ahead of their use.
#[inline(always)]
pub(crate) fn prefetch_rows<T>(values: &[T], start: usize, count: usize) {
    let values = values.get(start..).unwrap_or_default();
    let values = values.get(..count).unwrap_or(values);
    for value in values.iter().step_by((LINE / size_of::<T>().max(1)).max(1)) {
        prefetch_line(value);
    }
}

/// Asks for the cache line of one value.
#[inline(always)]
pub(crate) fn prefetch_line<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

        // SAFETY: as above.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
