//! Whole packages of Expression tasks.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use parking_lot::Mutex;
use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};

use super::{
    Body, Graph, document, graph,
    model::{self, Fate, Outcome, path},
};
use crate::{
    Event, EventKind, EventListener, ExecutionResult, Observers, Progress, ReaderHub, RunReport,
    Settings, prepare,
};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
});

/// Starts and ends, as they come.
#[derive(Debug, Default)]
struct Seen(Mutex<Vec<(EventKind, String)>>);

impl EventListener for Seen {
    fn event(&self, event: &Event) {
        if matches!(event.kind, EventKind::PreExecute | EventKind::PostExecute) {
            let seen = (event.kind.clone(), event.source.path.clone());
            self.0.lock().push(seen);
        }
    }
}

fn run(graph: &Graph, most: u32) -> (RunReport, Vec<(EventKind, String)>, String) {
    let package = document::package(graph, most);
    let mut prepared = prepare(&package, &[], &[], Settings::default()).unwrap();
    let seen = Arc::new(Seen::default());
    let observers = Observers {
        listeners: vec![Arc::clone(&seen) as Arc<dyn EventListener>],
        plans: None,
    };
    let (hub, progress) = (ReaderHub::default(), Progress::default());
    let report = RUNTIME.block_on(prepared.run(&hub, &progress, observers));
    let scope = prepared.variables().scope("Package");
    let count = fletching_components::Variables::value(&scope, Some("User"), "Count").unwrap();
    let seen = std::mem::take(&mut *seen.0.lock());
    (report, seen, count.to_string())
}

fn outcome(report: &RunReport) -> Outcome {
    let mut outcome = Outcome {
        errors: u32::try_from(report.errors.len()).unwrap(),
        ..Outcome::default()
    };
    for task in &report.tasks {
        let rounds = &task.rounds;
        let counts = [
            (Fate::Disabled, rounds.disabled),
            (Fate::Skipped, rounds.skipped),
            (Fate::Failed, rounds.failed),
            (Fate::Ran, rounds.succeeded),
        ];
        for (fate, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            let count = u32::try_from(count).unwrap();
            outcome.fates.insert((task.path.clone(), fate), count);
        }
    }
    outcome
}

/// Each starts after what lets it; below a loop an executable starts more than once, and is left out.
fn check_order(
    graph: &Graph,
    parent: &str,
    at: &HashMap<(EventKind, String), usize>,
) -> Result<(), TestCaseError> {
    for (place, node) in graph.nodes.iter().enumerate() {
        let own = path(parent, place);
        if let Body::Sequence(graph) = &node.body {
            check_order(graph, &own, at)?;
        }
        let Some(start) = at.get(&(EventKind::PreExecute, own)) else {
            continue;
        };
        let ends = |and: bool| {
            let arrows = graph.arrows.iter();
            let arrows = arrows.filter(move |arrow| arrow.to == place && arrow.and == and);
            arrows
                .filter(|arrow| !graph.nodes[arrow.from].disabled)
                .map(|arrow| {
                    let end = (EventKind::PostExecute, path(parent, arrow.from));
                    at.get(&end).copied().unwrap_or(usize::MAX)
                })
        };
        let after_all = ends(true).all(|end| end < *start);
        let after_one = ends(false).any(|end| end < *start);
        let free = graph
            .arrows
            .iter()
            .any(|arrow| arrow.to == place && !arrow.and && graph.nodes[arrow.from].disabled);
        prop_assert!(after_all || after_one || free, "{parent} {place}");
    }
    Ok(())
}

fn compare(graph: &Graph, most: u32) -> Result<(), TestCaseError> {
    let (report, seen, count) = run(graph, most);
    let (result, wanted) = model::package(graph);
    let found = outcome(&report);
    prop_assert_eq!(report.result, result, "{:?}", report);
    prop_assert_eq!(&found.fates, &wanted.fates);
    prop_assert_eq!(found.errors, wanted.errors);
    let mut at = HashMap::new();
    for (place, event) in seen.into_iter().enumerate() {
        at.entry(event).or_insert(place);
    }
    check_order(graph, "Package", &at)?;
    if most == 1 {
        let ran = wanted
            .fates
            .iter()
            .filter(|((_, fate), _)| *fate == Fate::Ran);
        let ran: u32 = ran.map(|(_, times)| times).sum();
        prop_assert_eq!(count, ran.to_string());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn one_at_a_time(graph in graph(2)) {
        compare(&graph, 1)?;
    }

    #[test]
    fn four_at_once(graph in graph(2)) {
        compare(&graph, 4)?;
    }
}

/// A task that fails the package lets nothing start after it, and what waits for a turn does not begin.
#[test]
fn what_fails_the_package_stops_the_rest() {
    let task = |fails| super::Node {
        body: Body::Task(fails),
        disabled: false,
        forced: None,
        fail_parent: false,
        most: 1,
    };
    let graph = Graph {
        nodes: vec![task(true), task(false), task(false)],
        arrows: Vec::new(),
    };
    let package = document::package(&graph, 1);
    let text = String::from_utf8(package.write()).unwrap();
    let first = "DTS:ObjectName=\"N0\"";
    let text = text.replace(first, &format!("{first} DTS:FailPackageOnFailure=\"True\""));
    let package = dtsx::Package::read(text.as_bytes()).unwrap();
    let mut prepared = prepare(&package, &[], &[], Settings::default()).unwrap();
    let seen = Arc::new(Seen::default());
    let observers = Observers {
        listeners: vec![Arc::clone(&seen) as Arc<dyn EventListener>],
        plans: None,
    };
    let (hub, progress) = (ReaderHub::default(), Progress::default());
    let report = RUNTIME.block_on(prepared.run(&hub, &progress, observers));
    assert_eq!(report.result, ExecutionResult::Failure);
    let started = seen.0.lock();
    let started = started
        .iter()
        .filter(|(kind, _)| *kind == EventKind::PreExecute);
    let started: Vec<&str> = started.map(|(_, path)| path.as_str()).collect();
    assert_eq!(started, ["Package", "Package\\N0"]);
}
