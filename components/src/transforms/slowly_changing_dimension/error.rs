//! The codes of a Slowly Changing Dimension.

use dtsx::SsisCode;

/// DTS_E_TXSCD_NOTYPEDCOLUMNSATINPUT.
pub(super) const NO_ATTRIBUTES: SsisCode = SsisCode(0xC020_802B);
/// DTS_E_TXSCD_INVALIDINPUTCOLUMNTYPE.
pub(super) const INVALID_COLUMN_TYPE: SsisCode = SsisCode(0xC020_802C);
/// DTS_E_TXSCD_CANNOTMAPDIFFERENTTYPES.
pub(super) const DIFFERENT_TYPES: SsisCode = SsisCode(0xC020_802D);
/// DTS_E_TXSCD_FIXEDATTRIBUTECHANGE.
pub(super) const FIXED_CHANGE: SsisCode = SsisCode(0xC020_803C);
/// DTS_E_TXSCD_LOOKUPFAILURE.
pub(super) const NO_CURRENT_ROW: SsisCode = SsisCode(0xC020_803D);
/// DTS_E_TXSCD_CANNOTFINDEXTERNALCOLUMN.
pub(super) const NO_DIMENSION_COLUMN: SsisCode = SsisCode(0xC020_803F);
/// DTS_E_TXSCD_INFFEREDINDICATORNOTBOOL.
pub(super) const INDICATOR_NOT_BOOL: SsisCode = SsisCode(0xC020_8040);
