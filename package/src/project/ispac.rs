//! The zip archive of a project, unpacked in memory under limits.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use crate::{Error, Limits};

/// Below this size the ratio is not looked at: small texts may shrink a lot.
const RATIO_EXEMPT_BYTES: u64 = 1 << 20;

/// All files of an archive, by decoded name.
pub(super) fn unpack(bytes: &[u8], limits: &Limits) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| Error::Archive {
        detail: format!("not a zip archive: {error}"),
    })?;
    if archive.len() as u64 > u64::from(limits.entries_max) {
        return Err(Error::Archive {
            detail: format!(
                "{} entries, more than the limit of {}",
                archive.len(),
                limits.entries_max
            ),
        });
    }
    let mut files: Vec<(String, Vec<u8>)> = Vec::with_capacity(archive.len());
    let mut left = limits.unpacked_bytes_max;
    for index in 0..archive.len() {
        let broken = |error: &dyn std::fmt::Display| Error::Entry {
            entry: format!("#{index}"),
            detail: error.to_string(),
        };
        let entry = archive.by_index(index).map_err(|error| broken(&error))?;
        let raw = entry.name().map_err(|error| broken(&error))?.into_owned();
        if entry.is_dir() {
            continue;
        }
        let name = checked_name(&raw)?;
        if files
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(&name))
        {
            return Err(Error::Entry {
                entry: raw,
                detail: "the archive has two entries of this name".to_owned(),
            });
        }
        let allowed = entry
            .compressed_size()
            .saturating_mul(limits.ratio_max)
            .max(RATIO_EXEMPT_BYTES)
            .min(limits.bytes_max)
            .min(left);
        let mut content = Vec::new();
        let read = entry.take(allowed + 1).read_to_end(&mut content);
        let length = read.map_err(|error| Error::Entry {
            entry: raw.clone(),
            detail: format!("cannot be unpacked: {error}"),
        })?;
        if length as u64 > allowed {
            return Err(Error::Entry {
                entry: raw,
                detail: format!(
                    "more than {allowed} bytes when unpacked, the limit for it; see Limits"
                ),
            });
        }
        left -= length as u64;
        files.push((name, content));
    }
    Ok(files)
}

/// The name with `%20` and the like decoded; an error if it would leave the project.
fn checked_name(raw: &str) -> Result<String, Error> {
    let name = percent_decode(raw);
    let leaves = name.starts_with(['/', '\\'])
        || name.contains([':', '\0'])
        || name.split(['/', '\\']).any(|part| part == "..");
    if name.is_empty() || leaves {
        return Err(Error::Entry {
            entry: raw.to_owned(),
            detail: "the name leads out of the project; the archive is not a sound .ispac"
                .to_owned(),
        });
    }
    Ok(name)
}

/// Decodes `%HH` as UTF-8; what is no such escape stays.
fn percent_decode(raw: &str) -> String {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after
            .get(..2)
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let decoded = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match decoded {
            Some(decoded) if byte == b'%' => {
                bytes.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| raw.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded_and_kept_inside() {
        assert_eq!(
            checked_name("Load%20it%C3%A9.dtsx").unwrap(),
            "Load ité.dtsx"
        );
        assert_eq!(checked_name("100%.dtsx").unwrap(), "100%.dtsx");
        assert_eq!(checked_name("_rels/.rels").unwrap(), "_rels/.rels");
        for raw in ["../x.dtsx", "a\\..\\x", "/etc/x", "%2e%2e/x", "C:x", "a%00"] {
            let error = checked_name(raw).unwrap_err();
            assert!(error.to_string().contains(raw), "{error}");
        }
    }
}
