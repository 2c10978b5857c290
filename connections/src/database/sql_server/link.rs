//! The client, and the runtime that drives it.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use mssql_tds::{
    connection::tds_client::{ExecuteOptions, TdsClient},
    core::CancelHandle,
    error::Error,
};
use parking_lot::Mutex;
use tokio::{
    runtime::{Builder, Runtime},
    sync::Notify,
};

use super::failure::failure;
use crate::database::{Cancel, DatabaseError, Fault};

/// Where another thread finds the call that is running.
#[derive(Default)]
pub(super) struct Running(Mutex<Option<Call>>);

/// A call, for whoever may cancel it.
struct Call {
    handle: CancelHandle,
    /// For calls that the client offers no handle for.
    told: Arc<Notify>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Running")
    }
}

impl Cancel for Running {
    fn cancel(&self) {
        if let Some(call) = &*self.0.lock() {
            call.handle.cancel();
            call.told.notify_one();
        }
    }
}

/// What a call may look at to learn that it is not wanted any more.
pub(super) struct Wanted {
    handle: CancelHandle,
    told: Arc<Notify>,
    pub(super) timeout_seconds: u32,
}

impl Wanted {
    pub(super) fn options(&self) -> ExecuteOptions<'_> {
        let options = ExecuteOptions::new().cancel(&self.handle);
        match self.timeout_seconds {
            0 => options,
            seconds => options.timeout_secs(seconds),
        }
    }

    pub(super) async fn cancelled(&self) {
        self.told.notified().await;
    }
}

/// A connection.
pub(super) struct Link {
    /// Gone only while it is dropped.
    runtime: Option<Runtime>,
    pub(super) client: TdsClient,
    pub(super) name: String,
    pub(super) running: Arc<Running>,
}

pub(super) fn runtime(name: &str) -> Result<Runtime, DatabaseError> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| DatabaseError::new(name, Fault::Other, error.to_string()))
}

/// Waits for a future. The runtime panics where it may not wait, which is on the threads of another runtime, and the client
/// may panic over what a server sends: neither ends the process.
pub(super) fn wait<T>(
    runtime: &Runtime,
    name: &str,
    future: impl Future<Output = T>,
) -> Result<T, DatabaseError> {
    catch_unwind(AssertUnwindSafe(|| runtime.block_on(future))).map_err(|panic| {
        let message = format!(
            "the client failed, sessions are for threads that may wait: {}",
            panic_text(panic.as_ref())
        );
        DatabaseError::new(name, Fault::Lost, message)
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason is known".to_owned())
}

impl Link {
    pub(super) fn new(runtime: Runtime, client: TdsClient, name: String) -> Self {
        Self {
            runtime: Some(runtime),
            client,
            name,
            running: Arc::default(),
        }
    }

    /// Enters a call, which others may cancel until [`Link::leave`].
    pub(super) fn enter(&self, timeout_seconds: u32) -> Wanted {
        let handle = CancelHandle::new();
        let told = Arc::new(Notify::new());
        let wanted = Wanted {
            handle: handle.child_handle(),
            told: Arc::clone(&told),
            timeout_seconds,
        };
        *self.running.0.lock() = Some(Call { handle, told });
        wanted
    }

    pub(super) fn leave(&self) {
        *self.running.0.lock() = None;
    }

    /// Waits for the client.
    pub(super) fn wait<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut TdsClient) -> Result<T, Error>,
    ) -> Result<T, DatabaseError> {
        let Some(runtime) = &self.runtime else {
            return Err(DatabaseError::new(&self.name, Fault::Lost, "it is closed"));
        };
        match wait(runtime, &self.name, work(&mut self.client)) {
            Ok(done) => done.map_err(|error| failure(&self.name, &error)),
            Err(panicked) => {
                self.client.mark_connection_dead();
                Err(panicked)
            }
        }
    }

    /// A failure that is ours.
    pub(super) fn fail(&self, fault: Fault, message: impl Into<String>) -> DatabaseError {
        DatabaseError::new(&self.name, fault, message)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Does not wait, so that it may happen anywhere.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
