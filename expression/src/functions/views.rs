//! Texts that are made of texts, without copying or checking bytes. Kernel module: it promises Arrow that views are
//! UTF-8 that lies in their buffers.
#![expect(
    unsafe_code,
    reason = "views are cut out of valid ones; checking each again costs more than making them"
)]

use arrow::{
    array::{Array, StringViewArray, make_view},
    buffer::NullBuffer,
};

/// Text of at most this many bytes is inside its view.
const INLINE: u32 = 12;
/// One in each byte.
const ONES: u128 = 0x0101_0101_0101_0101_0101_0101_0101_0101;
/// The highest bit of each byte.
const HIGH: u128 = ONES * 0x80;

/// Whether every text is ASCII. Short texts are judged where they are, in their views.
pub(crate) fn are_ascii(array: &StringViewArray) -> bool {
    array.views().iter().enumerate().all(|(row, view)| {
        let is_short = *view as u32 <= INLINE;
        // The bytes behind a short text are zero; those of NULL may be anything.
        (is_short && (view >> 32) & HIGH == 0)
            || array.is_null(row)
            || (!is_short && array.value(row).is_ascii())
    })
}

/// For each row a part of the text that `choose` is given; `None` where it gives none.
///
/// `rows`: how many; `at`: the row of the array for each of them.
pub(super) fn parts<'a>(
    array: &'a StringViewArray,
    rows: usize,
    at: impl Fn(usize) -> usize,
    mut choose: impl FnMut(usize, usize) -> Option<&'a str>,
) -> StringViewArray {
    let mut views = Vec::with_capacity(rows);
    let mut valid = Vec::new();
    for row in 0..rows {
        let at = at(row);
        let chosen = choose(row, at);
        if chosen.is_none() {
            if valid.is_empty() {
                valid = vec![true; rows];
            }
            valid[row] = false;
        }
        views.push(chosen.map_or(0, |chosen| part_view(array, at, chosen)));
    }
    let nulls = (!valid.is_empty()).then(|| NullBuffer::from(valid));
    // SAFETY: an empty view, or the view of a `&str` that lies in the text of row `at`: `part_view` looks.
    unsafe { StringViewArray::new_unchecked(views.into(), array.data_buffers().to_vec(), nulls) }
}

/// The view of a part of the text of row `at`; of the whole of it if `part` lies elsewhere.
fn part_view(array: &StringViewArray, at: usize, part: &str) -> u128 {
    let view = array.views()[at];
    let whole = array.value(at);
    let delta = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
    if delta
        .checked_add(part.len())
        .is_none_or(|end| end > whole.len())
    {
        // An empty text may point anywhere.
        return if part.is_empty() { 0 } else { view };
    }
    let (buffer, base) = ((view >> 64) as u32, (view >> 96) as u32);
    make_view(part.as_bytes(), buffer, base.wrapping_add(delta as u32))
}

/// ASCII letters in the other case, for arrays of short ASCII texts; `None` for any other array.
pub(super) fn short_ascii_case(array: &StringViewArray, upper: bool) -> Option<StringViewArray> {
    let all = array
        .views()
        .iter()
        .fold((0u32, 0u128), |(longest, bits), view| {
            (longest.max(*view as u32), bits | view >> 32)
        });
    if all.0 > INLINE || all.1 & HIGH != 0 {
        return None;
    }
    let first = u128::from(if upper { b'a' } else { b'A' });
    let from = ONES * (0x80 - first);
    let behind = ONES * (0x80 - first - 26);
    let views: Vec<u128> = array
        .views()
        .iter()
        .map(|view| {
            let text = view >> 32;
            let letters = ((text + from) ^ (text + behind)) & HIGH;
            view ^ (letters >> 2) << 32
        })
        .collect();
    // SAFETY: the texts are in the views, and ASCII letters became ASCII letters.
    Some(unsafe {
        StringViewArray::new_unchecked(views.into(), Vec::new(), array.nulls().cloned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_of_short_texts() {
        let array =
            StringViewArray::from(vec![Some("aZ@[`{09"), None, Some(""), Some("MAIL truckzz")]);
        let texts = |upper| {
            let changed = short_ascii_case(&array, upper).unwrap();
            changed.to_data().validate_full().unwrap();
            changed
                .iter()
                .map(|text| text.map(str::to_owned))
                .collect::<Vec<_>>()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            texts(true),
            [some("AZ@[`{09"), None, some(""), some("MAIL TRUCKZZ")]
        );
        assert_eq!(
            texts(false),
            [some("az@[`{09"), None, some(""), some("mail truckzz")]
        );
        assert!(short_ascii_case(&StringViewArray::from(vec!["é"]), true).is_none());
        assert!(short_ascii_case(&StringViewArray::from(vec!["thirteen bytes"]), true).is_none());
    }

    #[test]
    fn parts_lie_in_their_text() {
        let array = StringViewArray::from(vec!["a text of more than twelve bytes", "short"]);
        let cut = parts(
            &array,
            3,
            |row| row.min(1),
            |row, at| match row {
                0 => array.value(at).get(2..20),
                1 => array.value(at).get(1..3),
                _ => Some("not of this array, and long"),
            },
        );
        cut.to_data().validate_full().unwrap();
        let texts: Vec<_> = cut.iter().flatten().collect();
        assert_eq!(texts, ["text of more than ", "ho", "short"]);
    }
}
