//! A batch of a raw file before it is decoded: are its buffers where and as long as its columns need them?
//!
//! The decoder takes nodes (one a column: rows, NULLs) and buffers in the order of the columns and trusts their lengths;
//! here they are walked in the same order.

use arrow::{
    datatypes::{DataType as ArrowType, Schema},
    ipc::{self, root_as_message},
};

/// `bytes` is the whole block: framing, message and body, the first two together `head` bytes long.
pub(super) fn check(bytes: &[u8], head: usize, schema: &Schema) -> Result<(), String> {
    let message = match bytes.get(..head) {
        Some([0xFF, 0xFF, 0xFF, 0xFF, _, _, _, _, message @ ..]) => message,
        _ => return Err("a batch does not begin as one".to_owned()),
    };
    let message = root_as_message(message).map_err(|error| error.to_string())?;
    let batch = message
        .header_as_record_batch()
        .ok_or_else(|| "a block holds no batch".to_owned())?;
    if batch.compression().is_some() {
        return Err("a batch is compressed".to_owned());
    }
    let nodes = batch
        .nodes()
        .ok_or_else(|| "a batch has no columns".to_owned())?;
    let buffers = batch
        .buffers()
        .ok_or_else(|| "a batch has no buffers".to_owned())?;
    let mut walk = Walk {
        body: (bytes.len() - head) as i64,
        nodes: nodes.iter(),
        buffers: buffers.iter(),
        views: batch
            .variadicBufferCounts()
            .into_iter()
            .flat_map(|counts| counts.iter()),
    };
    for field in schema.fields() {
        let rows = walk.column(field.data_type()).ok_or_else(|| {
            format!(
                "the buffers of column `{}` are not as long as its rows",
                field.name()
            )
        })?;
        if rows != batch.length() {
            return Err(format!(
                "column `{}` has {rows} rows, its batch {}",
                field.name(),
                batch.length()
            ));
        }
    }
    match walk.buffers.next() {
        Some(_) => Err("a batch has more buffers than its columns".to_owned()),
        None => Ok(()),
    }
}

struct Walk<N, B, V> {
    body: i64,
    nodes: N,
    buffers: B,
    views: V,
}

impl<'a, N, B, V> Walk<N, B, V>
where
    N: Iterator<Item = &'a ipc::FieldNode>,
    B: Iterator<Item = &'a ipc::Buffer>,
    V: Iterator<Item = i64>,
{
    /// Rows of a column; `None` if something about it is wrong. Types nest one level (`DT_DBTIMESTAMPOFFSET`).
    fn column(&mut self, data_type: &ArrowType) -> Option<i64> {
        let node = self.nodes.next()?;
        let (rows, nulls) = (node.length(), node.null_count());
        if !(0..=i64::from(i32::MAX)).contains(&rows) || !(0..=rows).contains(&nulls) {
            return None;
        }
        if let ArrowType::Null = data_type {
            return Some(rows);
        }
        let bits = (rows + 7) / 8;
        self.buffer(if nulls > 0 { bits } else { 0 })?;
        match data_type {
            ArrowType::Boolean => self.buffer(bits)?,
            ArrowType::FixedSizeBinary(width) => self.buffer(rows * i64::from(*width))?,
            ArrowType::Utf8View | ArrowType::BinaryView => {
                self.buffer(rows * 16)?;
                for _ in 0..self.views.next()? {
                    self.buffer(0)?;
                }
            }
            ArrowType::Struct(children) => {
                for child in children {
                    if self.column(child.data_type())? != rows {
                        return None;
                    }
                }
            }
            other => self.buffer(rows * i64::try_from(other.primitive_width()?).ok()?)?,
        }
        Some(rows)
    }

    /// The next buffer lies in the body and has so many bytes at least.
    fn buffer(&mut self, bytes_min: i64) -> Option<()> {
        let buffer = self.buffers.next()?;
        let end = buffer.offset().checked_add(buffer.length())?;
        let sound = buffer.offset() >= 0 && buffer.length() >= bytes_min && end <= self.body;
        sound.then_some(())
    }
}
