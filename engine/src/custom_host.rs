//! The package around code of the caller's own that runs on a thread: a task or an enumerator.
//!
//! ```text
//!  blocking thread: dyn Task ──say, set_variable──▶ [queue] ──▶ executor: raises events, assigns, answers
//!                      └─variable, connection, path: looked up on the spot
//! ```
//!
//! Dropping the future tells the thread that it is canceled; whatever it asks for then is refused.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use arrow::{
    array::{Array, ArrayRef},
    compute::cast,
    datatypes::DataType as ArrowType,
};
use datafusion_common_runtime::SpawnedTask;
use dtsx::SsisCode;
use fletching_components::database::natural_type;
use fletching_connections::{Connections, resolve_file};
use fletching_custom::{CustomError, Host, Message, guarded};
use fletching_expression::Scalar;
use tokio::sync::{mpsc, oneshot};

use crate::{RunError, state::PackageState, task::TaskRun};

/// Events and assignments that wait, at most.
const QUEUE: usize = 64;

/// What the thread asks of the executor.
enum Request {
    Say(Message, String),
    Set {
        name: String,
        value: ArrayRef,
        answer: oneshot::Sender<Result<(), CustomError>>,
    },
}

/// What code of the caller's own sees of the package.
struct OwnHost {
    state: Arc<PackageState>,
    path: String,
    connections: Connections,
    requests: mpsc::Sender<Request>,
    is_canceled: Arc<AtomicBool>,
}

/// Tells the thread that nobody waits for it any more.
struct Canceling(Arc<AtomicBool>);

impl Drop for Canceling {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Runs `work` on a thread that may block, and does what it asks for meanwhile. `class`: whose code it is.
///
/// # Errors
/// Why the work failed.
pub(crate) async fn serve<T: Send + 'static>(
    run: &TaskRun<'_>,
    class: &str,
    work: impl FnOnce(&dyn Host) -> Result<T, CustomError> + Send + 'static,
) -> Result<T, RunError> {
    let (requests, mut asked) = mpsc::channel(QUEUE);
    let is_canceled = Arc::new(AtomicBool::new(false));
    let canceling = Canceling(Arc::clone(&is_canceled));
    let host = OwnHost {
        state: Arc::clone(&run.executor.state),
        path: run.path().to_owned(),
        connections: run.connections()?,
        requests,
        is_canceled,
    };
    let thread = SpawnedTask::spawn_blocking(move || guarded(|| work(&host)));
    // It ends with the host, when the work has.
    while let Some(request) = asked.recv().await {
        answer(run, request).await;
    }
    let done = thread.join().await;
    drop(canceling);
    match done {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            let code = (error.code != 0).then_some(SsisCode(error.code));
            Err(run.failure(code, format!("`{class}`: {}", error.message)))
        }
        Err(error) => Err(run.failure(None, format!("`{class}`: its thread is gone: {error}"))),
    }
}

async fn answer(run: &TaskRun<'_>, request: Request) {
    match request {
        Request::Say(Message::Information, text) => run.inform(None, text).await,
        Request::Say(Message::Warning, text) => run.warn(None, text).await,
        Request::Say(Message::Progress(percent), text) => run.progress(percent, text).await,
        Request::Set {
            name,
            value,
            answer,
        } => {
            let done = set(run, &name, &value).await;
            // Whoever asked may be gone.
            answer
                .send(done.map_err(CustomError::new))
                .unwrap_or_default();
        }
    }
}

async fn set(run: &TaskRun<'_>, name: &str, value: &ArrayRef) -> Result<(), String> {
    if value.len() != 1 {
        return Err(format!(
            "variable `{name}` takes one value, not an array of {}",
            value.len()
        ));
    }
    let value = match value.data_type() {
        ArrowType::Utf8 | ArrowType::LargeUtf8 => cast(value, &ArrowType::Utf8View),
        ArrowType::Binary | ArrowType::LargeBinary => cast(value, &ArrowType::BinaryView),
        _ => Ok(Arc::clone(value)),
    };
    let array = value.map_err(|error| format!("variable `{name}`: {error}"))?;
    let data_type = natural_type(array.data_type()).ok_or_else(|| {
        let found = array.data_type();
        format!("variable `{name}` cannot take a value of type {found}")
    })?;
    let name = name.trim();
    let assigned = run
        .state
        .variables()
        .assigned_value(run.path(), name, data_type, &array)?;
    let said = match array.is_null(0) {
        true => "NULL".to_owned(),
        false => Scalar { data_type, array }.to_string(),
    };
    run.assign((assigned, (name.to_owned(), said))).await;
    Ok(())
}

impl Host for OwnHost {
    fn variable(&self, name: &str) -> Option<ArrayRef> {
        let scope = self.state.scope(&self.path);
        crate::task::variable(&scope, name)
            .ok()
            .map(|value| value.array)
    }

    fn set_variable(&self, name: &str, value: &ArrayRef) -> Result<(), CustomError> {
        let (answer, done) = oneshot::channel();
        let request = Request::Set {
            name: name.to_owned(),
            value: Arc::clone(value),
            answer,
        };
        let canceled = || CustomError::new("the run is being cancelled");
        self.requests
            .blocking_send(request)
            .map_err(|_| canceled())?;
        done.blocking_recv().map_err(|_| canceled())?
    }

    fn connection(&self, name: &str) -> Option<String> {
        self.connections.text(name).ok()
    }

    fn path(&self, path: &str) -> Result<String, CustomError> {
        resolve_file(path, &self.connections.path_map)
            .map(|path| path.display().to_string())
            .map_err(|error| CustomError::new(error.to_string()))
    }

    fn say(&self, message: Message, text: &str) {
        let request = Request::Say(message, text.to_owned());
        // A run that is being cancelled hears nothing.
        drop(self.requests.blocking_send(request));
    }

    fn is_canceled(&self) -> bool {
        self.is_canceled.load(Ordering::Acquire)
    }
}
