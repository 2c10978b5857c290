//! Kernels on whole arrays that Arrow does not have: texts made of texts, a choice between two arrays, equality of texts.
//!
//! Text travels as views of 16 bytes: length, then up to 12 bytes of the text itself, or its first 4 bytes and where it
//! lies. Short texts are worked on as numbers, without touching memory; long ones are written once, or stay where they are.

mod bits;
mod choose;
mod equal;
mod exchange;
mod marks;
mod prefetch;
mod span;
mod text_builder;
mod views;
mod zipped;

pub(crate) use bits::{bits, word};
pub(crate) use choose::choose;
pub(crate) use equal::equal;
pub(crate) use exchange::exchanged;
pub(crate) use marks::{MARKED_MAX, Marks};
pub(crate) use prefetch::prefetch;
pub(crate) use span::Span;
pub(crate) use text_builder::TextBuilder;
pub(crate) use views::{
    INLINE, ONES, SPACES, are_ascii, ascii_case, equal_bytes, inline_text, is_ascii_text, low_bytes,
};
pub(crate) use zipped::zipped;
