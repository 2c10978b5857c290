//! Little-endian fields of messages, read from bytes that may end too early and appended to bytes.

use std::io;

/// Why a field could not be read.
#[derive(Debug)]
pub(crate) enum Short {
    /// The bytes end before the field does.
    End,
    /// The field is not what it must be.
    Wrong(String),
}

impl From<Short> for io::Error {
    fn from(short: Short) -> Self {
        match short {
            Short::End => Self::other("message ends too early"),
            Short::Wrong(what) => Self::other(what),
        }
    }
}

pub(crate) type Read<T> = Result<T, Short>;

#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    pub(crate) at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(crate) fn take(&mut self, count: usize) -> Read<&'a [u8]> {
        let end = self.at.checked_add(count).ok_or(Short::End)?;
        let taken = self.bytes.get(self.at..end).ok_or(Short::End)?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| Short::End)
    }

    pub(crate) fn u8(&mut self) -> Read<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Read<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Read<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Read<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn peek(&self) -> Read<u8> {
        self.bytes.get(self.at).copied().ok_or(Short::End)
    }

    /// An unsigned number of up to eight bytes.
    pub(crate) fn uint(&mut self, bytes: usize) -> Read<u64> {
        Ok(self
            .take(bytes)?
            .iter()
            .rev()
            .fold(0, |all, byte| (all << 8) | u64::from(*byte)))
    }

    /// `count` UTF-16 units.
    pub(crate) fn utf16(&mut self, count: usize) -> Read<String> {
        Ok(utf16_text(self.take(count * 2)?))
    }

    /// Text with a length of one byte, in units.
    pub(crate) fn b_text(&mut self) -> Read<String> {
        let count = self.u8()?;
        self.utf16(usize::from(count))
    }

    /// Text with a length of two bytes, in units.
    pub(crate) fn us_text(&mut self) -> Read<String> {
        let count = self.u16()?;
        self.utf16(usize::from(count))
    }

    /// The headers before a batch, a call or a transaction request; nothing in them is needed.
    pub(crate) fn all_headers(&mut self) -> Read<()> {
        let total = self.u32()?;
        let rest = usize::try_from(total)
            .map_err(|_| Short::End)?
            .checked_sub(4)
            .ok_or(Short::End)?;
        self.take(rest).map(|_| ())
    }
}

pub(crate) fn utf16_text(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| {
            pair.iter()
                .rev()
                .fold(0, |all, byte| (all << 8) | u16::from(*byte))
        })
        .collect();
    String::from_utf16_lossy(&units)
}

pub(crate) fn utf16_bytes(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

pub(crate) fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// As much of a text as a length of one byte can say.
pub(crate) fn put_b_text(out: &mut Vec<u8>, text: &str) {
    let units: Vec<u16> = text.encode_utf16().take(255).collect();
    out.push(u8::try_from(units.len()).unwrap_or(u8::MAX));
    out.extend(units.into_iter().flat_map(u16::to_le_bytes));
}

/// As much of a text as fits a token.
pub(crate) fn put_us_text(out: &mut Vec<u8>, text: &str) {
    let units: Vec<u16> = text.encode_utf16().take(4000).collect();
    put_u16(out, u16::try_from(units.len()).unwrap_or(u16::MAX));
    out.extend(units.into_iter().flat_map(u16::to_le_bytes));
}
