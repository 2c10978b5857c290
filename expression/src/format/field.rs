//! Room for one short text: a writer of many values asks for room once a value, not before each piece of it.

/// Room for the text of a number or a date, and of most texts.
pub type Field = [u8; FIELD];

/// Bytes of a [`Field`].
pub const FIELD: usize = 64;

/// Stores a piece; what it leaves behind the end of the text does not matter.
#[inline(always)]
pub(super) fn store<const N: usize>(field: &mut Field, at: usize, piece: [u8; N]) {
    let room = field.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
    debug_assert!(room.is_some(), "{N} bytes at {at}");
    if let Some(room) = room {
        *room = piece;
    }
}

/// Adds what `put` writes to the front of a field.
#[inline]
pub(super) fn append(out: &mut Vec<u8>, put: impl FnOnce(&mut Field) -> usize) {
    let mut field = [0; FIELD];
    let end = put(&mut field);
    out.extend_from_slice(field.get(..end).unwrap_or_default());
}
