//! The state machine of one container, ended in any order.

use std::convert::Infallible;

use proptest::prelude::*;

use super::{Graph, document, graph, model, result};
use crate::{
    ExecutionResult,
    control_flow::schedule::{Schedule, Standing},
};

/// Ends what has started in the order that `picks` says.
fn ended(graph: &Graph, results: &[ExecutionResult], picks: &[usize]) -> Result<(), TestCaseError> {
    let package = document::package(graph, 1);
    let mut schedule = Schedule::new(package.root());
    let mut running = schedule.start();
    let mut asked = vec![0; graph.arrows.len()];
    let mut known = vec![None; graph.nodes.len()];
    let mut started = running.clone();
    for &pick in picks.iter().cycle() {
        if running.is_empty() {
            break;
        }
        let child = running.remove(pick % running.len());
        known[child] = Some(results[child]);
        let mut judge = |constraint: &dtsx::PrecedenceConstraint| {
            let at: usize = constraint
                .name
                .trim_start_matches(|letter: char| !letter.is_ascii_digit())
                .parse()
                .unwrap();
            asked[at] += 1;
            Ok::<bool, Infallible>(graph.arrows[at].holds)
        };
        let ready = schedule.ended(child, results[child], &mut judge);
        let ready = ready.map_err(|_| TestCaseError::fail("no expression fails"))?;
        for child in &ready {
            prop_assert!(!started.contains(child), "{child} starts twice");
            prop_assert!(model::starts(graph, *child, &known), "{child} starts");
        }
        started.extend(&ready);
        running.extend(ready);
    }
    for (place, standing) in schedule.standing().iter().enumerate() {
        let wanted = match model::starts(graph, place, &known) {
            true => Standing::Ended(results[place]),
            false => Standing::Skipped,
        };
        prop_assert_eq!(*standing, wanted, "{} of {:?}", place, graph);
        if wanted == Standing::Skipped {
            let why = schedule.why_not(place);
            prop_assert!(why != "the package had failed", "{place} of {graph:?}");
        }
    }
    prop_assert!(asked.iter().all(|times| *times <= 1), "asked {asked:?}");
    Ok(())
}

proptest! {
    #[test]
    fn any_order_of_ends_comes_to_the_same(
        graph in graph(0),
        results in prop::collection::vec(result(), 6),
        picks in prop::collection::vec(0..6usize, 6),
    ) {
        ended(&graph, &results, &picks)?;
    }
}
