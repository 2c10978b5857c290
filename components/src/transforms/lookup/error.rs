//! The codes of a Lookup, and what its failures say.

use dtsx::SsisCode;

use crate::flow::FlowError;

/// DTS_E_TXLOOKUP_ROWLOOKUPERROR.
pub(super) const NO_MATCH: SsisCode = SsisCode(0xC020_901E);
/// DTS_W_TXLOOKUP_DUPLICATE_KEYS.
pub(super) const DUPLICATE_KEYS: SsisCode = SsisCode(0x8020_90E4);
/// DTS_E_TXLOOKUP_UNABLETOLOCATEREFCOLUMN.
pub(super) const NO_REFERENCE_COLUMN: SsisCode = SsisCode(0xC020_8235);
/// DTS_E_TXLOOKUP_INCOMPATIBLEDATATYPES.
pub(super) const INCOMPATIBLE_TYPES: SsisCode = SsisCode(0xC020_8236);
/// DTS_E_TXLOOKUP_INCORRECTNUMOFPARAMETERS.
pub(super) const PARAMETER_COUNT: SsisCode = SsisCode(0xC020_8238);
/// DTS_E_TXLOOKUP_INVALIDJOINTYPE.
pub(super) const INVALID_JOIN_TYPE: SsisCode = SsisCode(0xC020_8239);
/// DTS_E_TXLOOKUP_OLEDBERR_FILLBUFFER.
pub(super) const FILL_FAILED: SsisCode = SsisCode(0xC020_824E);
/// DTS_E_TXLOOKUP_INDEXCOLUMNSMISMATCH.
pub(super) const INDEX_MISMATCH: SsisCode = SsisCode(0xC020_903F);
/// DTS_E_TXLOOKUP_INVALIDMAXMEMORYPROP.
pub(super) const INVALID_MEMORY: SsisCode = SsisCode(0xC020_90C9);
/// DTS_E_TXLOOKUP_NOJOINS.
pub(super) const NO_JOINS: SsisCode = SsisCode(0xC020_90F1);

/// The reference has no column of a name.
pub(super) fn no_column(path: &str, wanted: &str, there: &[&str]) -> FlowError {
    let message = format!(
        "the reference has no column `{wanted}`; it has {}: correct the query, or edit the lookup in the designer",
        there.join(", ")
    );
    FlowError::new(path, Some(NO_REFERENCE_COLUMN), message)
}

/// A full cache that is larger than the memory of the run.
pub(crate) fn no_memory(
    path: &str,
    rows: usize,
    why: &datafusion_common::DataFusionError,
) -> FlowError {
    let why = why.strip_backtrace();
    let message = format!(
        "the reference does not fit in memory after {rows} rows: raise --memory, select fewer columns, or use a partial \
         cache (CacheType 1) ({why})"
    );
    FlowError::new(path, None, message)
}
