//! Bytes and GUIDs as hexadecimal digits, upper case.

/// Two digits a byte, no prefix.
pub fn append_hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        out.extend_from_slice(&hex(*byte));
    }
}

/// `{00112233-4455-6677-8899-AABBCCDDEEFF}`; the bytes in reading order, as `arrow.uuid` has them.
pub fn append_guid(bytes: &[u8; 16], out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.extend_from_slice(&hex(*byte));
    }
    out.push(b'}');
}

fn hex(byte: u8) -> [u8; 2] {
    let digit = |nibble: u8| {
        if nibble < 10 {
            b'0' + nibble
        } else {
            b'A' + nibble - 10
        }
    };
    [digit(byte >> 4), digit(byte & 15)]
}
