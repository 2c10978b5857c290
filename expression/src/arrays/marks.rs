//! Where some characters are in a run of bytes, as a bit for each byte. Kernel module: it promises Rust SSE2 where every
//! processor has it.

/// Most characters that are looked for at once.
pub(crate) const MARKED_MAX: usize = 8;

/// Bits of the bytes that are one of a set.
#[derive(Debug)]
pub(crate) struct Marks {
    /// One word more than the bytes fill, so that 64 bits can be read from any of them.
    words: Vec<u64>,
}

impl Marks {
    /// `set` has one byte at least and [`MARKED_MAX`] at most.
    pub(crate) fn of(bytes: &[u8], set: &[u8]) -> Self {
        let (chunks, rest) = bytes.as_chunks::<64>();
        let mut words = Vec::with_capacity(chunks.len() + 2);
        match set {
            // A known number of comparisons.
            [one] => words.extend(chunks.iter().map(|chunk| word(chunk, &[*one]))),
            set => words.extend(chunks.iter().map(|chunk| word(chunk, set))),
        }
        let mut last = [0; 64];
        last[..rest.len()].copy_from_slice(rest);
        // Zeros behind the end are no bytes of the run.
        words.push(word(&last, set) & ((1 << rest.len()) - 1));
        words.push(0);
        Self { words }
    }

    /// The bits of 64 bytes from one of the run.
    #[inline]
    pub(crate) fn from(&self, start: usize) -> u64 {
        let (at, shift) = (start / 64, start % 64);
        let (Some(low), Some(high)) = (self.words.get(at), self.words.get(at + 1)) else {
            return 0;
        };
        // In two steps: a shift by 64 is none.
        low >> shift | high << 1 << (63 - shift)
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[expect(unsafe_code, reason = "the compiler finds no form without")]
fn word(chunk: &[u8; 64], set: &[u8]) -> u64 {
    use std::arch::x86_64::*;

    let (parts, _) = chunk.as_chunks::<16>();
    let bits = |part: &[u8; 16]| {
        let number = u128::from_le_bytes(*part);
        // SAFETY: every x86-64 has SSE2; the instructions work on values, not on memory.
        unsafe {
            let part = _mm_set_epi64x((number >> 64) as i64, number as i64);
            let mut any = _mm_setzero_si128();
            for byte in set {
                any = _mm_or_si128(any, _mm_cmpeq_epi8(part, _mm_set1_epi8(*byte as i8)));
            }
            u64::from(_mm_movemask_epi8(any) as u16)
        }
    };
    let parts = parts.iter().enumerate();
    parts.fold(0, |word, (at, part)| word | bits(part) << (16 * at))
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn word(chunk: &[u8; 64], set: &[u8]) -> u64 {
    let bytes = chunk.iter().enumerate();
    bytes.fold(0, |word, (at, byte)| {
        word | u64::from(set.contains(byte)) << at
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_for_each_byte() {
        let bytes: Vec<u8> = (0..300).map(|at| b"abcde-fg h"[at * 7 % 10]).collect();
        for set in [b"-".as_slice(), b"- ", b"\0", b"abcdefgh"] {
            for length in [0, 1, 63, 64, 65, 128, 300] {
                let bytes = &bytes[..length];
                let marks = Marks::of(bytes, set);
                for start in 0..length {
                    let rest = bytes[start..].iter().take(64).enumerate();
                    let wanted = rest.fold(0, |bits, (at, byte)| {
                        bits | u64::from(set.contains(byte)) << at
                    });
                    assert_eq!(marks.from(start), wanted, "{length} {start}");
                }
            }
        }
    }
}
