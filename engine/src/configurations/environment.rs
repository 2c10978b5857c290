//! Configurations in environment variables, and those whose place is in one.

use super::Fault;

/// The value of an environment variable. Windows knows them without regard to case: the exact name is taken first, then
/// one that differs in case only.
#[expect(
    clippy::disallowed_methods,
    reason = "a package that is prepared reads the variables that its configurations name"
)]
pub(super) fn value(name: &str) -> Result<String, Fault> {
    let missing = |why: &str| {
        let message = format!("environment variable `{name}` {why}");
        Fault::new("DTS_W_CONFIGENVVARNOTFOUND", message)
    };
    let name = name.trim();
    // `var_os` panics on such names.
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(missing("has no name that an environment variable can have"));
    }
    let exact = std::env::var_os(name);
    let found = exact.or_else(|| {
        let mut all = std::env::vars_os();
        let same = |known: &std::ffi::OsString| known.eq_ignore_ascii_case(name);
        all.find(|(known, _)| same(known)).map(|(_, value)| value)
    });
    let value = found.ok_or_else(|| missing("is not set"))?;
    value
        .into_string()
        .map_err(|_| missing("holds what is no text"))
}
