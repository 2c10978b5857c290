//! When the logs of a package are opened, looked after and closed.
//!
//! ```text
//!  begin ──▶ PackageStart ──▶ everything else ──▶ check: failures so far are errors of the package ──▶ PackageEnd, close
//! ```

use fletching_components::flow::FlowError;

use super::{ExecutionResult, Executor, Frame};
use crate::{
    Event, EventKind, RunError,
    logging::{LogFailure, LogWriter, package_end},
};

impl Executor<'_> {
    /// Opens the logs and says that the package starts. `frame` is the package's.
    pub(super) async fn begin_logs(&self, frame: &Frame<'_>) {
        match LogWriter::open(&self.state).await {
            Ok(Some(log)) => {
                let warnings = log.warnings.clone();
                // Only the package's frame opens logs, and it is executed once.
                drop(self.log.set(log));
                self.start_package().await;
                for warning in warnings {
                    self.warn(frame, None, warning).await;
                }
            }
            Ok(None) => self.start_package().await,
            Err(error) => {
                self.start_package().await;
                self.fail(frame, error).await;
            }
        }
        self.check_logs(frame).await;
    }

    async fn start_package(&self) {
        let state = &self.state;
        let message = format!("package {} starts", state.name);
        let kind = EventKind::Log("PackageStart".into());
        self.hand_on(Event::new(kind, &state.root, message)).await;
    }

    /// Raises what went wrong with the logs.
    pub(super) async fn check_logs(&self, frame: &Frame<'_>) {
        let Some(log) = self.log.get() else { return };
        log.flush().await;
        for failure in log.failures() {
            let error = self.log_error(failure);
            self.fail(frame, error).await;
        }
    }

    fn log_error(&self, failure: LogFailure) -> RunError {
        let error = FlowError::new(failure.provider, Some(failure.code), failure.message);
        RunError::Flow {
            task: self.state.root.path.clone(),
            error: Box::new(error),
        }
    }

    /// Says that the package ended, and closes the logs. Nobody handles what goes wrong here: it is told.
    pub(super) async fn end_logs(&mut self, result: ExecutionResult) {
        let end = package_end(&self.state, result);
        self.say(end.clone()).await;
        let Some(mut log) = self.log.take() else {
            return;
        };
        for failure in log.close(&end, result).await {
            let code = failure.code;
            let warning = self.log_error(failure).to_string();
            self.report.lock().warn(warning.clone());
            let event = Event::new(EventKind::Warning, &self.state.root, warning);
            self.say(event.with_code(Some(code))).await;
        }
    }
}
