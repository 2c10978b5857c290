//! Parameters: Arrow values to the extended protocol, and its values as they are.

use std::error::Error;

use arrow::array::ArrayRef;
use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{Format, FromSql, IsNull, ToSql, Type};

use super::{encode::Encoder, kind::Kind};

/// A value that is encoded already.
#[derive(Debug)]
pub(super) struct Encoded {
    bytes: Option<Vec<u8>>,
    is_text: bool,
}

type Failed = Box<dyn Error + Sync + Send>;

impl ToSql for Encoded {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        match &self.bytes {
            Some(bytes) => {
                out.put_slice(bytes);
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(&self, known: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        self.to_sql(known, out)
    }

    fn encode_format(&self, _: &Type) -> Format {
        match self.is_text {
            true => Format::Text,
            false => Format::Binary,
        }
    }
}

/// One column of values for a marker of a type.
pub(super) struct Markers {
    encoder: Encoder,
    is_text: bool,
}

impl Markers {
    /// # Errors
    /// A value that the marker's type cannot take.
    pub(super) fn new(known: &Type, array: &ArrayRef) -> Result<Self, String> {
        let kind = Kind::of(known, -1);
        let encoder = Encoder::new(kind, array).map_err(|error| error.to_string())?;
        Ok(Self {
            encoder,
            is_text: kind == Kind::Other,
        })
    }

    pub(super) fn value(&self, row: usize) -> Result<Encoded, String> {
        let mut out = BytesMut::new();
        self.encoder.put(row, &mut out)?;
        let value = out
            .split_first_chunk::<4>()
            .and_then(|(length, value)| (i32::from_be_bytes(*length) >= 0).then(|| value.to_vec()));
        Ok(Encoded {
            bytes: value,
            is_text: self.is_text,
        })
    }
}

/// A value as it came.
pub(super) struct Raw<'a>(pub(super) &'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Failed> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
