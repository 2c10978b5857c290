//! The one place where a run learns the time.

use chrono::{DateTime, Local};
use fletching_expression::Scalar;

/// Now.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where a run learns the time"
)]
pub fn now() -> DateTime<Local> {
    Local::now()
}

/// Now as a variable holds it: whole seconds, as packages store what expressions made of it.
pub(crate) fn now_value() -> Scalar {
    Scalar::date_micros(now().naive_local().and_utc().timestamp() * 1_000_000)
}
