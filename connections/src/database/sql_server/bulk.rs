//! `INSERT BULK`: the rows of a batch as one piece of the stream.

use std::{pin::pin, time::Duration};

use arrow::array::{ArrayRef, RecordBatch};
use futures::future::{Either, select};
use mssql_tds::{
    connection::bulk_copy::{BulkCopy, BulkLoadRow, ColumnMapping},
    core::TdsResult,
    datatypes::bulk_copy_metadata::BulkCopyColumnMetadata,
    error::Error,
    message::bulk_load::StreamingBulkLoadWriter,
    token::tokens::SqlCollation,
};

use super::{
    encode::Encoder,
    link::{Link, Wanted},
};
use crate::database::{DatabaseError, Fault, LoadOptions};

/// What begins a row.
const ROW: u8 = 0xD1;

/// A column that is written.
pub(super) struct Written {
    /// Its place in the batches.
    pub(super) at: usize,
    pub(super) column: BulkCopyColumnMetadata,
}

/// Rows as the server reads them.
#[derive(Default)]
pub(super) struct Encoded {
    bytes: Vec<u8>,
    /// Where each row begins, and where the last one ends.
    starts: Vec<usize>,
    /// The rows' places in their batch.
    pub(super) places: Vec<usize>,
    /// Rows that cannot be sent, with the reason.
    pub(super) refused: Vec<(usize, String)>,
}

impl Encoded {
    /// # Errors
    /// A column whose values cannot be written at all.
    pub(super) fn new(
        columns: &[Written],
        rows: &RecordBatch,
        collation: SqlCollation,
    ) -> Result<Self, String> {
        let encoders = columns.iter().map(|written| {
            let array: Option<&ArrayRef> = rows.columns().get(written.at);
            let name = &written.column.column_name;
            let array = array.ok_or_else(|| format!("no values for column `{name}`"))?;
            Encoder::new(&written.column, array, collation)
        });
        let encoders = encoders.collect::<Result<Vec<_>, String>>()?;
        let mut encoded = Self::default();
        for row in 0..rows.num_rows() {
            let start = encoded.bytes.len();
            encoded.bytes.push(ROW);
            let mut pushed = encoders
                .iter()
                .map(|encoder| encoder.push(row, &mut encoded.bytes));
            match pushed.find_map(Result::err) {
                Some(reason) => {
                    encoded.bytes.truncate(start);
                    encoded.refused.push((row, reason));
                }
                None => {
                    encoded.starts.push(start);
                    encoded.places.push(row);
                }
            }
        }
        encoded.starts.push(encoded.bytes.len());
        Ok(encoded)
    }

    pub(super) fn count(&self) -> usize {
        self.places.len()
    }

    /// The bytes of some rows, without the byte that begins the first: the client writes that one.
    fn piece(&self, rows: std::ops::Range<usize>) -> &[u8] {
        let bounds = (self.starts.get(rows.start), self.starts.get(rows.end));
        match bounds {
            (Some(start), Some(end)) if rows.start < rows.end => {
                self.bytes.get(start + 1..*end).unwrap_or_default()
            }
            _ => &[],
        }
    }
}

/// Many rows that the client takes for one.
struct Piece<'b> {
    bytes: &'b [u8],
    columns: usize,
}

#[async_trait::async_trait]
impl BulkLoadRow for Piece<'_> {
    async fn write_to_packet(
        &self,
        writer: &mut StreamingBulkLoadWriter<'_>,
        column_index: &mut usize,
    ) -> TdsResult<()> {
        writer.write_raw_bytes(self.bytes).await?;
        *column_index = self.columns;
        Ok(())
    }
}

/// Sends rows by one `INSERT BULK`. The client takes no handle for it: cancelled, or late, the connection is given up.
pub(super) fn insert(
    link: &mut Link,
    wanted: &Wanted,
    (table, columns): (&str, &[Written]),
    options: &LoadOptions,
    (encoded, rows): (&Encoded, std::ops::Range<usize>),
) -> Result<(), DatabaseError> {
    let piece = Piece {
        bytes: encoded.piece(rows),
        columns: columns.len(),
    };
    let done = link.wait(async |client| {
        let mut bulk = BulkCopy::new(client, table)
            .timeout(Duration::from_secs(wanted.timeout_seconds.into()))
            .keep_identity(options.keep_identity)
            .keep_nulls(options.keep_nulls)
            .table_lock(options.table_lock)
            .check_constraints(options.check_constraints)
            .fire_triggers(options.fire_triggers);
        for (at, written) in columns.iter().enumerate() {
            let mapping = ColumnMapping::by_ordinal(at, &written.column.column_name);
            bulk = bulk.add_column_mapping(mapping);
        }
        let sent = pin!(bulk.write_to_server_zerocopy([piece]));
        match select(sent, pin!(wanted.cancelled())).await {
            Either::Left((done, _)) => done.map(|_| ()),
            Either::Right(_) => Err(Error::OperationCancelledError(String::new())),
        }
    });
    if done
        .as_ref()
        .is_err_and(|error| matches!(error.fault, Fault::Cancelled | Fault::Timeout))
    {
        link.client.mark_connection_dead();
    }
    done
}
