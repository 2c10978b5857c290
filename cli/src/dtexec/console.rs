//! What is shown while a package runs, in the form of dtexec; and the lines around it.
//!
//! ```text
//! Error: 2026-11-28 09:05:07.12
//!    Code: 0xC004700D
//!    Source: Load orders {5E1C...}
//!    Description: ...
//! End Error
//! ```

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use chrono::{DateTime, Local};
use fletching::{
    Event, EventKind, EventListener, ExecutionResult, RunIdentity, RunReport, TaskResult,
    dtexec::{ConsoleLog, Reporting},
    now,
};

use crate::render;

/// Shows events as they come.
#[derive(Debug)]
pub(super) struct Console {
    reporting: Reporting,
    log: Option<ConsoleLog>,
    identity: RunIdentity,
    /// An error was raised, shown or not.
    errors: AtomicBool,
}

impl Console {
    pub(super) fn new(
        reporting: Reporting,
        log: Option<ConsoleLog>,
        identity: RunIdentity,
    ) -> Self {
        Self {
            reporting,
            log,
            identity,
            errors: AtomicBool::new(false),
        }
    }

    pub(super) fn has_errors(&self) -> bool {
        self.errors.load(Ordering::Relaxed)
    }
}

impl EventListener for Console {
    fn event(&self, event: &Event) {
        if event.kind == EventKind::Error {
            self.errors.store(true, Ordering::Relaxed);
        }
        let mut text = String::new();
        if self.reporting.shows(event) {
            text.push_str(&block_of(event));
        }
        if let Some(log) = self.log.as_ref().filter(|log| log.shows(event)) {
            text.push_str(&log.block(event, &self.identity));
        }
        if !text.is_empty() {
            say(&text);
        }
    }

    fn asks_for(&self, _entry: &str) -> bool {
        self.log.is_some() || self.reporting.shows_data_flows()
    }
}

/// To standard output. A reader that went away does not stop the package.
pub(super) fn say(text: &str) {
    drop(render::text(text));
}

fn block_of(event: &Event) -> String {
    let source = format!("{} {}", event.source.name, event.source.id);
    let code = event.code.map_or(0, |code| code.0);
    let description = [
        ("Code", format!("0x{code:08X}")),
        ("Source", source.clone()),
        ("Description", event.message.clone()),
    ];
    let time = shown(event.time);
    match &event.kind {
        EventKind::Error => block("Error", &time, &description),
        EventKind::Warning => block("Warning", &time, &description),
        EventKind::Information => block("Info", &time, &description),
        EventKind::Progress => {
            let mut text = block("Progress", &time, &[("Source", source)]);
            let end = "End Progress\n";
            text.truncate(text.len() - end.len());
            text.push_str(&format!(
                "   {}: {}% complete\n{end}",
                event.message, event.percent
            ));
            text
        }
        EventKind::Log(name) => block(
            "Custom",
            &time,
            &[
                ("Name", name.to_string()),
                ("Source", source),
                ("Description", event.message.clone()),
            ],
        ),
        kind => block(
            "Event",
            &time,
            &[("Name", kind.name().to_owned()), ("Source", source)],
        ),
    }
}

/// `2026-11-28 09:05:07.12`.
fn shown(time: DateTime<Local>) -> String {
    let hundredths = time.timestamp_subsec_millis() / 10;
    format!("{}.{hundredths:02}", time.format("%Y-%m-%d %H:%M:%S"))
}

fn block(title: &str, time: &str, lines: &[(&str, String)]) -> String {
    let mut text = format!("{title}: {time}\n");
    for (name, value) in lines {
        text.push_str(format!("   {name}: {value}").trim_end());
        text.push('\n');
    }
    text.push_str(&format!("End {title}\n"));
    text
}

/// A problem that is no event.
pub(super) fn problem(title: &str, code: u32, source: &str, description: &str) {
    let lines = [
        ("Code", format!("0x{code:08X}")),
        ("Source", source.to_owned()),
        ("Description", description.to_owned()),
    ];
    say(&block(title, &shown(now()), &lines));
}

/// The clock of a run of the program.
#[derive(Debug)]
pub(super) struct Clock {
    shown: String,
    started: Instant,
}

impl Clock {
    /// Says who runs, and when.
    pub(super) fn start() -> Self {
        let shown = hour();
        say(&format!(
            "Fletching Execute Package Utility\nVersion {}\n\nStarted:  {shown}\n",
            env!("CARGO_PKG_VERSION")
        ));
        Self {
            shown,
            started: Instant::now(),
        }
    }

    /// Says when it ended.
    pub(super) fn stop(&self) {
        let seconds = self
            .started
            .elapsed()
            .max(Duration::from_millis(1))
            .as_secs_f64();
        say(&format!(
            "Started:  {}\nFinished: {}\nElapsed:  {seconds:.3} seconds\n",
            self.shown,
            hour()
        ));
    }
}

fn hour() -> String {
    now().format("%-I:%M:%S %p").to_string()
}

/// Says what came of the package.
pub(super) fn result(result: ExecutionResult) {
    let result = match result {
        ExecutionResult::Success => "DTSER_SUCCESS (0)",
        ExecutionResult::Failure => "DTSER_FAILURE (1)",
        ExecutionResult::Canceled => "DTSER_CANCELED (3)",
    };
    say(&format!(
        "DTExec: The package execution returned {result}.\n"
    ));
}

/// Rows of each path, of all data flows.
pub(super) fn sums(report: &RunReport) {
    for task in &report.tasks {
        let TaskResult::Flow(flow) = &task.result else {
            continue;
        };
        for component in &flow.components {
            for output in &component.outputs {
                let Some(to) = &output.leads_to else { continue };
                say(&format!(
                    "Rows: {}\\{} ({}) -> {to}: {}\n",
                    task.path, component.name, output.name, output.rows
                ));
            }
        }
    }
}
