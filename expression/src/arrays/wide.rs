//! Loops in the widest vectors that the processor has, not only those that every x86-64 has.
//!
//! [`wide!`] defines a function twice: as it stands, and with AVX2 and its companions switched on, which the compiler then
//! uses for the same loop. The results are the same: no instruction that rounds differently is among them.

/// Whether the processor has what the second form of a function asks for.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn has_wide_vectors() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("bmi2")
        && std::arch::is_x86_feature_detected!("lzcnt")
}

/// Defines functions whose loops are compiled for wide vectors too. Arguments are plain names.
macro_rules! wide {
    ($(
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident $([$($generics:tt)*])? ($($argument:ident: $type:ty),* $(,)?) -> $result:ty $body:block
    )*) => {$(
        $(#[$attribute])*
        $visibility fn $name $(<$($generics)*>)? ($($argument: $type),*) -> $result {
            #[inline(always)]
            fn plain $(<$($generics)*>)? ($($argument: $type),*) -> $result $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
                fn wide $(<$($generics)*>)? ($($argument: $type),*) -> $result {
                    plain($($argument),*)
                }
                if $crate::arrays::has_wide_vectors() {
                    // SAFETY: the processor has been asked.
                    #[expect(unsafe_code, reason = "only this call says that the processor has the instructions")]
                    return unsafe { wide($($argument),*) };
                }
            }
            plain($($argument),*)
        }
    )*};
}

pub(crate) use wide;

#[cfg(test)]
mod tests {
    wide! {
        fn doubled[T: Copy + std::ops::Add<Output = T>](values: &[T]) -> Vec<T> {
            values.iter().map(|value| *value + *value).collect()
        }
    }

    #[test]
    fn the_same_results() {
        assert_eq!(
            doubled(&[1, -2, 3, 4, 5, 6, 7, 8, 9]),
            [2, -4, 6, 8, 10, 12, 14, 16, 18]
        );
        assert_eq!(doubled(&[0.5; 3]), [1.0; 3]);
    }
}
