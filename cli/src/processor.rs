//! Whether the processor has the instructions that this program was compiled for: without them it would end with no more
//! than "illegal instruction". Kernel module: the question is an instruction of its own.

/// What is missing, and what to do.
#[cfg(all(target_arch = "x86_64", target_feature = "avx2"))]
pub(crate) fn lacks() -> Option<&'static str> {
    /// AVX2, BMI1 and BMI2 in the answer to leaf 7.
    const WANTED: u32 = 1 << 5 | 1 << 3 | 1 << 8;

    // The standard library's own check answers what the compiler was told.
    let answer = std::arch::x86_64::__cpuid_count(7, 0);
    (answer.ebx & WANTED != WANTED).then_some(
        "fletch was built for x86-64 processors with AVX2 (x86-64-v3), which this one lacks; \
         build it with RUSTFLAGS=-Ctarget-cpu=x86-64",
    )
}

/// Built for any processor of its kind.
#[cfg(not(all(target_arch = "x86_64", target_feature = "avx2")))]
pub(crate) fn lacks() -> Option<&'static str> {
    None
}
