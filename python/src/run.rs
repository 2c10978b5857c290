//! A run in the background: waited for in short pieces, without the GIL, so that Ctrl-C and other threads get their turn.
//!
//! ```text
//!  threads of the run ──events──▶ queue ──▶ Run::wait ──▶ callback, in the thread of Python that waits
//! ```

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use fletching::{Event, EventListener, Execution, Prepared, Progress, Running};
use parking_lot::Mutex;
use pyo3::{prelude::*, types::PyDict};

use crate::{
    errors::{Outcome, Raised},
    report::report,
};

/// How long a wait may keep Python from its signals.
pub(crate) const LOOK: Duration = Duration::from_millis(100);
/// How long a cancelled run may take to undo what it began.
const UNDO: Duration = Duration::from_millis(1500);

/// Events that nobody has asked for yet.
#[derive(Debug, Default)]
struct Heard {
    events: Mutex<VecDeque<Event>>,
}

impl EventListener for Heard {
    fn event(&self, event: &Event) {
        self.events.lock().push_back(event.clone());
    }
}

/// A run that goes on in the background.
#[pyclass(frozen, module = "fletching._native")]
#[derive(Debug)]
pub(crate) struct Run {
    running: Running,
    heard: Option<Arc<Heard>>,
}

impl Run {
    pub(crate) fn start(prepared: Prepared, with_events: bool) -> Outcome<Self> {
        let execution = Execution::new(prepared, Progress::default());
        let heard = with_events.then(Arc::<Heard>::default);
        let execution = match &heard {
            Some(heard) => execution.listener(Arc::clone(heard) as Arc<dyn EventListener>),
            None => execution,
        };
        let running = execution.start()?;
        Ok(Self { running, heard })
    }

    /// Hands out what was heard, and how far the run is.
    fn tell(
        &self,
        progress: Option<&Bound<'_, PyAny>>,
        events: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        if let (Some(heard), Some(events)) = (&self.heard, events) {
            let new = std::mem::take(&mut *heard.events.lock());
            for one in &new {
                events.call1((event(events.py(), one)?,))?;
            }
        }
        if let Some(progress) = progress {
            let rows = self.running.progress().rows().into_iter();
            let rows: Vec<(String, String, u64)> = rows
                .map(|row| (row.task, row.component, row.rows))
                .collect();
            if !rows.is_empty() {
                progress.call1((rows,))?;
            }
        }
        Ok(())
    }
}

#[pymethods]
impl Run {
    /// Waits for the end: its report. Ctrl-C, and an exception of a callback, cancel it.
    #[pyo3(signature = (progress=None, events=None))]
    fn wait<'py>(
        &self,
        py: Python<'py>,
        progress: Option<&Bound<'py, PyAny>>,
        events: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        loop {
            let ended = py.detach(|| self.running.wait_for(LOOK));
            let told = py
                .check_signals()
                .and_then(|()| self.tell(progress, events));
            if let Err(error) = told {
                stop(py, &self.running);
                return Err(error);
            }
            if let Some(ended) = ended {
                return report(py, ended);
            }
        }
    }

    /// Waits for the end, at most so many seconds; `None` if it goes on.
    fn wait_for<'py>(
        &self,
        py: Python<'py>,
        seconds: Option<f64>,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        wait_for(py, &self.running, seconds)
    }

    /// Rows so far: task, component, rows.
    fn progress(&self) -> Vec<(String, String, u64)> {
        let rows = self.running.progress().rows().into_iter();
        rows.map(|row| (row.task, row.component, row.rows))
            .collect()
    }

    /// Stops it; does not wait.
    fn cancel(&self) {
        self.running.cancel();
    }
}

/// Waits for the end of a run, at most so many seconds where any are given. Signals end the waiting, not the run.
pub(crate) fn wait_for<'py>(
    py: Python<'py>,
    running: &Running,
    seconds: Option<f64>,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    let most = seconds.map(Duration::try_from_secs_f64).transpose();
    let most = most.map_err(|error| Raised::new("InterfaceError", error.to_string()))?;
    let until = most.and_then(|most| Instant::now().checked_add(most));
    loop {
        let left = until.map_or(LOOK, |until| {
            until.saturating_duration_since(Instant::now())
        });
        let ended = py.detach(|| running.wait_for(left.min(LOOK)));
        py.check_signals()?;
        match ended {
            Some(ended) => return report(py, ended).map(Some),
            None if left.is_zero() => return Ok(None),
            None => {}
        }
    }
}

/// Cancels a run, and gives it a moment to undo what it began.
pub(crate) fn stop(py: Python<'_>, running: &Running) {
    py.detach(|| {
        running.cancel();
        running.wait_for(UNDO);
    });
}

fn event<'py>(py: Python<'py>, event: &Event) -> PyResult<Bound<'py, PyDict>> {
    let known = PyDict::new(py);
    known.set_item("kind", event.kind.name())?;
    known.set_item("time", event.time.timestamp_micros())?;
    known.set_item("path", &event.source.path)?;
    known.set_item("source", &event.source.name)?;
    known.set_item("code", event.code.map(|code| code.0))?;
    let symbol = event.code.map(|code| code.symbol());
    known.set_item("symbol", symbol.filter(|symbol| !symbol.is_empty()))?;
    known.set_item("message", &event.message)?;
    known.set_item("percent", event.percent)?;
    known.set_item("variable", event.variable.clone())?;
    Ok(known)
}
