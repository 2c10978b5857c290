//! A stream whose batches come from an async function that runs in the task of its reader.
//!
//! ```text
//!  poll_next ──▶ a batch waiting? ──yes──▶ it
//!                     │ no
//!                     └──▶ poll the function ──▶ it sends batches, one may wait
//! ```
//!
//! Operators with nested loops (a cross product, a merge) are then written as loops, without a task of their own.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use arrow::{datatypes::SchemaRef, record_batch::RecordBatch};
use datafusion_common::{Result, internal_err};
use datafusion_execution::SendableRecordBatchStream;
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use futures::{FutureExt, Stream, future::BoxFuture};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Where the function puts its batches; waits while one is unread.
#[derive(Debug, Clone)]
pub(crate) struct BatchSender(Sender<RecordBatch>);

impl BatchSender {
    pub(crate) async fn send(&self, batch: RecordBatch) -> Result<()> {
        match self.0.send(batch).await {
            Ok(()) => Ok(()),
            Err(_) => internal_err!("a batch was made for a stream that nobody reads"),
        }
    }
}

/// The batches that `run` sends, then its error if it fails.
pub(crate) fn driven<F>(
    schema: SchemaRef,
    run: impl FnOnce(BatchSender) -> F,
) -> SendableRecordBatchStream
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let (sender, batches) = channel(1);
    let run = Some(run(BatchSender(sender)).boxed());
    Box::pin(RecordBatchStreamAdapter::new(
        schema,
        Driven { run, batches },
    ))
}

struct Driven {
    /// `None` once it has ended.
    run: Option<BoxFuture<'static, Result<()>>>,
    batches: Receiver<RecordBatch>,
}

impl Stream for Driven {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(Some(batch)) = self.batches.poll_recv(cx) {
            return Poll::Ready(Some(Ok(batch)));
        }
        let Some(run) = self.run.as_mut() else {
            return Poll::Ready(None);
        };
        match run.poll_unpin(cx) {
            Poll::Ready(ended) => {
                self.run = None;
                match (self.batches.try_recv(), ended) {
                    (Ok(batch), Ok(())) => Poll::Ready(Some(Ok(batch))),
                    // The batch first, the error at the next call.
                    (Ok(batch), Err(error)) => {
                        self.run = Some(std::future::ready(Err(error)).boxed());
                        Poll::Ready(Some(Ok(batch)))
                    }
                    (Err(_), Ok(())) => Poll::Ready(None),
                    (Err(_), Err(error)) => Poll::Ready(Some(Err(error))),
                }
            }
            Poll::Pending => match self.batches.poll_recv(cx) {
                Poll::Ready(Some(batch)) => Poll::Ready(Some(Ok(batch))),
                _ => Poll::Pending,
            },
        }
    }
}
