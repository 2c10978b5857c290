//! Values to text, as SSIS writes them: casts to text, flat files, messages.
//!
//! Every `put_*` function writes the text of one value to the front of a [`Field`] and returns where it ends; `append_*`
//! are for texts that can be longer. None allocates. [`ColumnText`] picks the function for a column once per batch;
//! [`format_array`] makes a whole text column, [`format_local`] one by the conventions of a locale, as casts do.
//!
//! | type | text |
//! |---|---|
//! | integers | sign and digits |
//! | `DT_CY`, `DT_DECIMAL`, `DT_NUMERIC` | declared scale kept, one digit at least before the point: `0.50` |
//! | `DT_R4`, `DT_R8` | shortest digits that read back as the same value: `1000`, `0.1`, `1E+15` (see [`append_f64`]); `DT_R4` in files: eight digits, `5.0000001E-2` ([`append_f32_of_file`]); by locale in [`format_local`] |
//! | `DT_BOOL` | `True`, `False` |
//! | `DT_DBDATE` | `2024-02-29` |
//! | `DT_DBTIME`, `DT_DBTIME2` | `13:05:09`, `13:05:09.1234567` by scale |
//! | `DT_DBTIMESTAMP` | `2024-02-29 13:05:09`, with nine digits if there is a fraction: `.120000000` |
//! | `DT_DATE` | `2024-02-29 13:05:09`, with `.fff` if there is a fraction; by locale in [`format_local`] |
//! | `DT_DBTIMESTAMP2`, `..OFFSET` | fraction by scale; offset as ` +01:00` |
//! | `DT_FILETIME` | `2024-02-29 13:05:09:123` |
//! | `DT_GUID` | `{00112233-4455-6677-8899-AABBCCDDEEFF}` |
//! | `DT_BYTES`, `DT_IMAGE` | two upper-case hexadecimal digits a byte, no prefix |
//!
//! Rules: spec `ssis-semantics.md` 1.1.7, 1.3.14, 1.5.1.

mod array;
mod binary;
mod date;
mod decimal;
mod field;
mod float;
mod integer;
mod integers;
mod local;

pub use array::{ColumnText, FormatError, format_array};
pub use binary::{append_guid, append_hex};
pub use date::{
    put_date, put_filetime, put_ole_date, put_time, put_time2, put_timestamp, put_timestamp_offset,
    put_timestamp2,
};
pub use decimal::{append_decimal, put_decimal};
pub use field::{FIELD, Field};
pub use float::{append_f32, append_f32_of_file, append_f64};
pub use integer::{append_u64, put_i64, put_u64};
pub(crate) use local::decimal_sign;
pub use local::format_local;

/// `True` or `False`.
pub fn put_bool(value: bool, field: &mut Field) -> usize {
    field::store(field, 0, if value { *b"True " } else { *b"False" });
    4 + usize::from(!value)
}
