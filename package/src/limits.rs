//! How much a document or an archive may hold before reading stops with [`Error::Limit`](crate::Error::Limit).

/// Bounds on what is read. The defaults are far above any real package (the largest public ones have 5 MB).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Size of one document in bytes.
    pub bytes_max: u64,
    /// Elements inside elements; 256 is also the most that is accepted, whatever is set here.
    pub depth_max: u32,
    /// Elements of a document.
    pub elements_max: u32,
    /// Texts, comments and instructions of a document.
    pub texts_max: u32,
    /// Attributes of one element.
    pub attributes_max: u32,
    /// Attributes of a document.
    pub attributes_total_max: u32,
    /// Encrypted values of a document that a password opens; each takes about a millisecond.
    pub ciphers_max: u32,
    /// Files in a project archive.
    pub entries_max: u32,
    /// Size of all files in a project archive, unpacked.
    pub unpacked_bytes_max: u64,
    /// Unpacked size of a file over its packed size; files below 1 MiB are exempt.
    pub ratio_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: 256 << 20,
            depth_max: Self::DEPTH_MAX,
            elements_max: 4_000_000,
            texts_max: 8_000_000,
            attributes_max: 1024,
            attributes_total_max: 16_000_000,
            ciphers_max: 10_000,
            entries_max: 10_000,
            unpacked_bytes_max: 1 << 30,
            ratio_max: 200,
        }
    }
}

impl Limits {
    /// Trees of executables are dropped and cloned by recursion, so their depth must have a fixed bound.
    pub(crate) const DEPTH_MAX: u32 = 256;
}
