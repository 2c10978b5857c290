//! Events on their way up: handlers at each level, error counts, then the listeners.
//!
//! **Handlers run before the task goes on** (spec `ssis-semantics.md` 11.13). One runs at a time; what it sets off itself
//! runs within it. A handler does not handle what it, or what it runs, raises.
//! **Propagate**: a handler that sets it to False ends the climb; levels above neither count the error nor handle it.
//! Validation events climb all the same (11.12), and so does all of a package that another one runs: at its border the
//! event goes on as one of the task that runs it. Listeners hear every event.
//! **Cancel**: set to True by a handler of OnError, OnWarning or OnQueryCancel, nothing starts any more.

use std::sync::atomic::Ordering;

use dtsx::{Executable, SsisCode};
use fletching_components::Variables;
use futures::future::BoxFuture;

use super::{Executor, Frame};
use crate::{
    Event, EventKind, RunError, assigned_values::Assignment, report::KEPT_MAX, system_variables,
};

impl Executor<'_> {
    /// Raises an event that its name says all about.
    pub(super) async fn raise_plain(&self, frame: &Frame<'_>, kind: EventKind) {
        // The container of a handler is no executable of the package.
        if frame.handles.is_none() {
            self.raise(frame, Event::new(kind, frame.executable, ""))
                .await;
        }
    }

    /// Raises an event of the executable of `frame`.
    pub(crate) fn raise<'f>(&'f self, frame: &'f Frame<'f>, event: Event) -> BoxFuture<'f, ()> {
        Box::pin(async move {
            if !matches!(event.kind, EventKind::Log(_)) {
                for level in frame.up() {
                    if event.kind == EventKind::Error {
                        level.errors.fetch_add(1, Ordering::Relaxed);
                    }
                    let propagates = self.handle(level, frame, &event).await;
                    if !propagates && !event.kind.is_validation() {
                        break;
                    }
                }
            }
            self.hand_on(event).await;
        })
    }

    /// Writes an event to the logs and says it to whoever is around: another package, else the listeners.
    pub(super) async fn hand_on(&self, event: Event) {
        if let Some(log) = self.log.get() {
            log.event(&event).await;
        }
        self.say(event).await;
    }

    /// As [`hand_on`](Self::hand_on), without the logs.
    pub(super) async fn say(&self, event: Event) {
        match &self.outer {
            Some(outer) => outer.raise(event).await,
            None => {
                for listener in &self.listeners {
                    listener.event(&event);
                }
            }
        }
    }

    /// Raises what was noticed before the run; no handler of the package hears it.
    pub(super) async fn tell_notes(&self) {
        for note in &self.state.notes {
            self.tell_note(note.kind.clone(), note.code, note.message.clone())
                .await;
        }
    }

    /// Raises what is no doing of the package.
    pub(super) async fn tell_note(&self, kind: EventKind, code: Option<SsisCode>, message: String) {
        if kind == EventKind::Warning {
            self.report.lock().warn(message.clone());
        }
        let event = Event::new(kind, &self.state.root, message);
        self.hand_on(event.with_code(code)).await;
    }

    /// Whether anybody wants entries of this name from an executable.
    pub(crate) fn asks_for(&self, path: &str, entry: &'static str) -> bool {
        let logged = self.log.get().is_some_and(|log| log.asks_for(path, entry));
        let mut listeners = self.listeners.iter();
        logged
            || listeners.any(|listener| listener.asks_for(entry))
            || self
                .outer
                .as_ref()
                .is_some_and(|outer| outer.asks_for(entry))
    }

    /// Runs the handler that one level has for an event of `origin`; whether the event climbs on.
    async fn handle(&self, level: &Frame<'_>, origin: &Frame<'_>, event: &Event) -> bool {
        if level.settings.handlers_disabled {
            return true;
        }
        let Some(handler) = handler_of(level.original, &event.kind) else {
            return true;
        };
        let path = &handler.path;
        let is_active = |frame: &Frame<'_>| frame.handles.is_some() && frame.original.path == *path;
        if origin.up().any(is_active) {
            return true;
        }
        let alone = match origin.is_in_handler() {
            true => None,
            false => Some(self.handlers.lock().await),
        };
        let parent = origin
            .up()
            .nth(1)
            .map_or("", |frame| frame.original.dtsid.as_str());
        self.state.change(|variables| {
            for (name, value, _) in system_variables::of_event(Some(event), parent) {
                variables.set_system(path, name, value);
            }
        });
        self.execute_for(handler, Some(level), Some(&event.kind))
            .await;
        drop(alone);
        let says = |name: &str| self.state.scope(path).value(Some("System"), name);
        let may_cancel = [EventKind::Error, EventKind::Warning, EventKind::QueryCancel];
        if may_cancel.contains(&event.kind)
            && says("Cancel").is_some_and(|value| value.to_string() == "True")
        {
            self.cancel();
        }
        says("Propagate").is_none_or(|value| value.to_string() != "False")
    }

    /// Raises OnQueryCancel where a handler waits for it: before each task.
    pub(super) async fn query_cancel(&self, frame: &Frame<'_>) {
        let kind = EventKind::QueryCancel;
        if frame
            .up()
            .any(|level| handler_of(level.original, &kind).is_some())
        {
            self.raise_plain(frame, kind).await;
        }
    }

    /// Raises OnError for a failure of the executable of `frame`, once for each of its problems.
    pub(crate) async fn fail(&self, frame: &Frame<'_>, error: RunError) {
        let problems = match &error {
            RunError::Findings(findings) => findings
                .0
                .iter()
                .map(|finding| (finding.code, finding.to_string()))
                .collect(),
            other => vec![(other.code(), other.to_string())],
        };
        self.keep_errors([error]);
        for (code, message) in problems {
            let event = Event::new(EventKind::Error, frame.executable, message);
            self.raise(frame, event.with_code(code)).await;
        }
    }

    /// Keeps errors for the report, as many as it takes.
    pub(super) fn keep_errors(&self, more: impl IntoIterator<Item = RunError>) {
        let mut errors = self.errors.lock();
        for error in more {
            match errors.len() < KEPT_MAX {
                true => errors.push(error),
                false => self.report.lock().left_out += 1,
            }
        }
    }

    /// Raises OnWarning, and notes it in the report.
    pub(crate) async fn warn(&self, frame: &Frame<'_>, code: Option<SsisCode>, message: String) {
        self.report.lock().warn(message.clone());
        let event = Event::new(EventKind::Warning, frame.executable, message);
        self.raise(frame, event.with_code(code)).await;
    }

    /// Gives a variable its value, and says so where the variable wants it.
    pub(crate) async fn assign(
        &self,
        frame: &Frame<'_>,
        assignment: Assignment,
        said: (String, String),
    ) {
        let raises = self.state.variables().raises(&assignment);
        let hidden = self.state.assign(assignment);
        if let Some(message) = hidden {
            let message = format!("{}: {message}", frame.original.path);
            self.warn(frame, None, message).await;
        }
        {
            let mut report = self.report.lock();
            let mut known = report.variables.iter_mut();
            match known.find(|(name, _)| *name == said.0) {
                Some(known) => known.1.clone_from(&said.1),
                None => report.variables.push(said.clone()),
            }
        }
        if raises {
            let message = format!("{} = {}", said.0, said.1);
            let event = Event {
                variable: Some(said),
                ..Event::new(EventKind::VariableValueChanged, frame.executable, message)
            };
            self.raise(frame, event).await;
        }
    }
}

fn handler_of<'a>(owner: &'a Executable, kind: &EventKind) -> Option<&'a Executable> {
    let mut handlers = owner.event_handlers.iter();
    let found = handlers.find(|handler| handler.event_name.eq_ignore_ascii_case(kind.name()));
    found
        .map(|handler| handler.container.as_ref())
        .filter(|container| !container.disabled && !container.executables.is_empty())
}
