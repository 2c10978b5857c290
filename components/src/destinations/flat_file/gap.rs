//! The constant bytes between two values: qualifiers and delimiters joined.

/// Up to eight bytes are stored with one instruction; more are copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Gap {
    bytes: Vec<u8>,
    /// The first eight, zeros behind them.
    pub(super) word: [u8; 8],
}

impl Gap {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        let mut word = [0; 8];
        for (slot, byte) in word.iter_mut().zip(&bytes) {
            *slot = *byte;
        }
        Self { bytes, word }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
