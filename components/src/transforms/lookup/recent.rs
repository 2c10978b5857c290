//! The answers of a partial cache: the least recently used ones make room.

use std::sync::Arc;

use hashbrown::DefaultHashBuilder;
use hashlink::LruCache;

/// Bytes that an entry takes up beside its key and value: its node, its slot, counts of references.
const ENTRY_BYTES: usize = 160;

type Bytes = Arc<[u8]>;

/// Values by key, up to a number of bytes.
#[derive(Debug)]
pub(super) struct Recent {
    entries: LruCache<Bytes, Bytes, DefaultHashBuilder>,
    bytes: usize,
    bytes_max: usize,
}

impl Recent {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            // What counts are bytes.
            entries: LruCache::with_hasher(usize::MAX, DefaultHashBuilder::default()),
            bytes: 0,
            bytes_max,
        }
    }

    /// The value of a key, which is now the one used last.
    pub(super) fn get(&mut self, key: &[u8]) -> Option<Bytes> {
        self.entries.get(key).map(Arc::clone)
    }

    /// Keeps a value, and forgets what has not been used for longest where it does not fit.
    pub(super) fn insert(&mut self, key: Bytes, value: Bytes) {
        let size = ENTRY_BYTES + key.len() + value.len();
        if size > self.bytes_max || self.entries.contains_key(&key) {
            return;
        }
        while self.bytes + size > self.bytes_max {
            let Some((key, value)) = self.entries.remove_lru() else {
                break;
            };
            self.bytes -= ENTRY_BYTES + key.len() + value.len();
        }
        self.entries.insert(key, value);
        self.bytes += size;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_stays() {
        let mut recent = Recent::new(2 * (ENTRY_BYTES + 2));
        let bytes = |text: &str| Arc::from(text.as_bytes());
        recent.insert(bytes("a"), bytes("1"));
        recent.insert(bytes("b"), bytes("2"));
        assert_eq!(recent.get(b"a").as_deref(), Some(&b"1"[..]));
        recent.insert(bytes("c"), bytes("3"));
        assert_eq!(recent.get(b"b"), None);
        assert_eq!(recent.get(b"a").as_deref(), Some(&b"1"[..]));
        recent.insert(bytes("too long"), Arc::from(vec![0; 400]));
        assert_eq!(recent.get(b"c").as_deref(), Some(&b"3"[..]));
        assert_eq!(recent.bytes, 2 * (ENTRY_BYTES + 2));
    }
}
