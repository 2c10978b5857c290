//! Long texts that lie one behind the other in one buffer: what is done to each of their bytes is done in one go, and what
//! is searched in each of them is searched once.
//!
//! ```text
//!  buffer  ....carefully final-deposits quickly bold-requests the ideas among....
//!              ╰────── row 0 ───────╯╰────── row 1 ──────╯╰─── row 2 ────╯
//!              ╰──────────────────────── span ───────────────────────────╯
//! ```

use std::hint::select_unpredictable;

use arrow::array::StringViewArray;

use super::views::INLINE;

/// The bytes from the first long text of an array to its last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span<'a> {
    pub(crate) bytes: &'a [u8],
    /// Where they are in their buffer.
    start: u32,
}

impl<'a> Span<'a> {
    /// `None` if the long texts lie in several buffers, in another order, or so far apart that what is between them is more
    /// than they are; or if there are none.
    pub(crate) fn of(array: &'a StringViewArray) -> Option<Self> {
        let long = |view: &&u128| **view as u32 > INLINE;
        let first = array.views().iter().find(long)?;
        let (buffer, start) = ((first >> 64) as u32, (first >> 96) as u32);
        let (mut end, mut total, mut orderly) = (u64::from(start), 0, true);
        for view in array.views() {
            // Short texts come between long ones at random: no branch.
            let is_long = *view as u32 > INLINE;
            let (length, place) = (u64::from(*view as u32), (view >> 96) as u64);
            orderly &= !is_long | ((view >> 64) as u32 == buffer) & (place >= end);
            end = select_unpredictable(is_long, place + length, end);
            total += select_unpredictable(is_long, length, 0);
        }
        if !orderly || end - u64::from(start) > 2 * total {
            return None;
        }
        let buffer = array.data_buffers().get(buffer as usize)?;
        let bytes = buffer.get(start as usize..usize::try_from(end).ok()?)?;
        Some(Self { bytes, start })
    }

    /// Where in the span a long text starts and ends; anywhere for a short one.
    #[inline]
    pub(crate) fn place(&self, view: u128) -> (usize, usize) {
        let start = ((view >> 96) as u32).wrapping_sub(self.start) as usize;
        (start, start + view as u32 as usize)
    }
}

#[cfg(test)]
mod tests {
    use arrow::buffer::Buffer;

    use super::*;

    fn texts(places: &[(u32, u32)]) -> StringViewArray {
        let text = "carefully final-deposits quickly bold-requests the ideas among";
        let mut builder = arrow::array::StringViewBuilder::new();
        let block = builder.append_block(Buffer::from(text.as_bytes()));
        for (start, length) in places {
            builder.try_append_view(block, *start, *length).unwrap();
        }
        builder.finish()
    }

    #[test]
    fn texts_in_order() {
        let array = texts(&[(2, 20), (0, 3), (22, 13), (40, 15)]);
        let span = Span::of(&array).unwrap();
        assert_eq!(span.bytes.len(), 53);
        for row in [0, 2, 3] {
            let (start, end) = span.place(array.views()[row]);
            assert_eq!(&span.bytes[start..end], array.value(row).as_bytes());
        }
    }

    #[test]
    fn no_span() {
        assert!(Span::of(&texts(&[])).is_none());
        assert!(Span::of(&texts(&[(0, 5), (7, 12)])).is_none());
        assert!(Span::of(&texts(&[(20, 20), (0, 13)])).is_none());
        assert!(Span::of(&texts(&[(0, 20), (10, 20)])).is_none());
        assert!(Span::of(&texts(&[(0, 13), (45, 13)])).is_none());
    }
}
