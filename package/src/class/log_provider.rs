//! Log providers (spec `dtsx-format.md` section 5.2): the ids that packages hold, and the older ones of dtexec's help.

use crate::class::{class_name, is_guid, is_microsoft_type, same_guid, without_version};

/// Canonical name and other ids.
type LogProviderClass = (&'static str, &'static [&'static str]);

#[rustfmt::skip]
static LOG_PROVIDERS: &[LogProviderClass] = &[
    ("Microsoft.LogProviderTextFile", &["DTS.LogProviderTextFile", "{0A039101-ACC1-4E06-943F-279948323883}", "{59B2C6A5-663F-4C20-8863-C83F9B72E2EB}"]),
    ("Microsoft.LogProviderXMLFile", &["DTS.LogProviderXMLFile", "{440945A4-2A22-4F19-B577-EAF5FDDC5F7A}", "{AFED6884-619C-484F-9A09-F42D56E1A7EA}"]),
    ("Microsoft.LogProviderSQLServer", &["DTS.LogProviderSQLServer", "{94150B25-6AEB-4C0D-996D-D37D1C4FDEDA}", "{6AA833A1-E4B2-4431-831B-DE695049DC61}"]),
    ("Microsoft.LogProviderSQLProfiler", &["DTS.LogProviderSQLProfiler", "{E93F6300-AE0C-4916-A7BF-A8D0CE12C77A}", "{5C0B8D21-E9AA-462E-BA34-30FF5F7A42A1}"]),
    ("Microsoft.LogProviderEventLog", &["DTS.LogProviderEventLog", "{071CC8EB-C343-4CFF-8D58-564B92FCA3CF}", "{97634F75-1DC7-4F1F-8A4C-DAF0E13AAA22}"]),
];

/// All log providers that are known: canonical names.
pub fn log_provider_classes() -> impl Iterator<Item = &'static str> {
    LOG_PROVIDERS.iter().map(|class| class.0)
}

/// The canonical name (`Microsoft.LogProviderTextFile`) of a log provider's creation name: a friendly name, a ProgID with
/// or without version, or a GUID. `None` for one that is not known.
pub fn resolve_log_provider(creation_name: &str) -> Option<&'static str> {
    let wanted = creation_name.trim();
    let stem = without_version(wanted);
    let class = is_microsoft_type(wanted).then(|| class_name(wanted));
    let matches = |(name, ids): &&LogProviderClass| {
        name.eq_ignore_ascii_case(wanted)
            || ids.iter().any(|id| match is_guid(id) {
                true => same_guid(id, wanted),
                false => id.eq_ignore_ascii_case(stem),
            })
            || class.is_some_and(|class| class_name(name).eq_ignore_ascii_case(class))
    };
    LOG_PROVIDERS.iter().find(matches).map(|class| class.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_log_provider() {
        for (creation_name, canonical) in [
            (
                "DTS.LogProviderTextFile.2",
                Some("Microsoft.LogProviderTextFile"),
            ),
            (
                "dts.logprovidertextfile",
                Some("Microsoft.LogProviderTextFile"),
            ),
            (
                "{59b2c6a5-663f-4c20-8863-c83f9b72e2eb}",
                Some("Microsoft.LogProviderTextFile"),
            ),
            (
                "Microsoft.LogProviderSQLServer",
                Some("Microsoft.LogProviderSQLServer"),
            ),
            (
                "{440945A4-2A22-4F19-B577-EAF5FDDC5F7A}",
                Some("Microsoft.LogProviderXMLFile"),
            ),
            (
                "DTS.LogProviderEventLog.3",
                Some("Microsoft.LogProviderEventLog"),
            ),
            ("Contoso.LogProviderTextFile", None),
            ("", None),
        ] {
            assert_eq!(
                resolve_log_provider(creation_name),
                canonical,
                "{creation_name}"
            );
        }
    }
}
