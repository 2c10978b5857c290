//! What a task did in all rounds of a loop, as one outcome: a report is no longer than the package, however many rounds
//! there are.
//!
//! ```text
//!  outcome of a round ──note──▶ none of this path yet: kept as it is
//!                          └──▶ one is there: rounds counted, rows and times added up
//! ```

use std::ops::AddAssign;

use crate::{
    BulkReport, ComponentReport, ExecutionResult, FileReport, FlowReport, OutputReport,
    PackageReport, RunReport, SqlReport, TaskOutcome, TaskResult,
};

/// How often a task came to its turn, and what became of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rounds {
    pub succeeded: u64,
    pub failed: u64,
    /// Not let by its precedence constraints, or the package had failed.
    pub skipped: u64,
    pub disabled: u64,
}

impl Rounds {
    /// One round with this result.
    pub(crate) fn of(result: &TaskResult) -> Self {
        let mut rounds = Self::default();
        let counted = match result {
            TaskResult::Disabled => &mut rounds.disabled,
            TaskResult::Skipped(_) => &mut rounds.skipped,
            other if other.execution_result() == ExecutionResult::Success => &mut rounds.succeeded,
            _ => &mut rounds.failed,
        };
        *counted = 1;
        rounds
    }

    pub fn total(&self) -> u64 {
        self.succeeded + self.failed + self.not_run()
    }

    pub fn not_run(&self) -> u64 {
        self.skipped + self.disabled
    }
}

impl AddAssign for Rounds {
    fn add_assign(&mut self, other: Self) {
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.disabled += other.disabled;
    }
}

impl RunReport {
    /// Takes an outcome in; with that of earlier rounds, if there were such.
    pub(crate) fn note(&mut self, outcome: TaskOutcome) {
        let known = self.places.get(&outcome.path);
        match known.and_then(|at| self.tasks.get_mut(*at)) {
            Some(known) => known.add(outcome),
            None => {
                self.places.insert(outcome.path.clone(), self.tasks.len());
                self.tasks.push(outcome);
            }
        }
    }
}

impl TaskOutcome {
    fn add(&mut self, other: Self) {
        self.elapsed += other.elapsed;
        self.rounds += other.rounds;
        self.not_run = other.not_run.or(self.not_run.take());
        self.result.add(other.result);
    }
}

impl TaskResult {
    /// Whether it did something that can be told.
    fn weight(&self) -> u8 {
        match self {
            Self::Disabled => 0,
            Self::Skipped(_) => 1,
            Self::Failed => 2,
            _ => 3,
        }
    }

    fn add(&mut self, other: Self) {
        if self.weight() != other.weight() {
            if other.weight() > self.weight() {
                *self = other;
            }
            return;
        }
        match (self, other) {
            (Self::Flow(known), Self::Flow(flow)) => known.add(flow),
            (Self::Sql(known), Self::Sql(sql)) => known.add(&sql),
            (Self::Bulk(known), Self::Bulk(bulk)) => known.add(bulk),
            (Self::Files(known), Self::Files(files)) => known.add(files),
            (Self::Package(known), Self::Package(package)) => known.add(package),
            // The last one.
            (known, other) => *known = other,
        }
    }
}

impl PackageReport {
    /// A failure stays.
    fn add(&mut self, other: Self) {
        let failed = self.result != ExecutionResult::Success;
        let result = if failed { self.result } else { other.result };
        *self = Self { result, ..other };
    }
}

impl SqlReport {
    fn add(&mut self, other: &Self) {
        self.statements += other.statements;
        self.rows_affected += other.rows_affected;
        self.rows = sum(self.rows, other.rows);
    }
}

impl BulkReport {
    fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.skipped += other.skipped;
    }
}

impl FileReport {
    fn add(&mut self, other: Self) {
        self.files += other.files;
        self.folders += other.folders;
    }
}

impl FlowReport {
    /// By name: the flow of another round has the same components.
    fn add(&mut self, other: Self) {
        for component in other.components {
            let mut known = self.components.iter_mut();
            match known.find(|known| known.name == component.name) {
                Some(known) => known.add(component),
                None => self.components.push(component),
            }
        }
    }
}

impl ComponentReport {
    fn add(&mut self, other: Self) {
        self.rows_in += other.rows_in;
        self.redirected += other.redirected;
        self.dropped += other.dropped;
        self.written = sum(self.written, other.written);
        self.elapsed += other.elapsed;
        for output in other.outputs {
            let same = |known: &&mut OutputReport| {
                known.name == output.name && known.leads_to == output.leads_to
            };
            match self.outputs.iter_mut().find(same) {
                Some(known) => known.rows += output.rows,
                None => self.outputs.push(output),
            }
        }
    }
}

fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one + other),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn round(result: TaskResult) -> TaskOutcome {
        TaskOutcome::new("Package\\Load".to_owned(), result, Duration::from_secs(1))
    }

    fn flow(rows: u64) -> TaskResult {
        let output = OutputReport {
            name: "Out".to_owned(),
            rows,
            leads_to: Some("Write".to_owned()),
        };
        let component = |name: &str, written, outputs| ComponentReport {
            name: name.to_owned(),
            class: "Microsoft.FlatFileSource".to_owned(),
            rows_in: rows,
            outputs,
            redirected: 0,
            dropped: 1,
            written,
            elapsed: Duration::from_millis(1),
        };
        TaskResult::Flow(FlowReport {
            components: vec![
                component("Read", None, vec![output]),
                component("Write", Some(rows), Vec::new()),
            ],
        })
    }

    #[test]
    fn rounds_are_one_outcome_with_their_sums() {
        let mut report = RunReport::default();
        report.note(round(TaskResult::Skipped("early".to_owned())));
        for rows in 1..=1000 {
            report.note(round(flow(rows)));
        }
        report.note(round(TaskResult::Failed));
        report.note(round(TaskResult::Skipped("late".to_owned())));
        assert_eq!(report.tasks.len(), 1);
        let task = &report.tasks[0];
        let wanted = Rounds {
            succeeded: 1000,
            failed: 1,
            skipped: 2,
            disabled: 0,
        };
        assert_eq!(task.rounds, wanted);
        assert_eq!(task.elapsed, Duration::from_secs(1003));
        assert_eq!(task.not_run.as_deref(), Some("late"));
        let TaskResult::Flow(flow) = &task.result else {
            panic!("{task:?}");
        };
        assert_eq!(flow.components.len(), 2);
        assert_eq!(flow.components[0].outputs.len(), 1);
        assert_eq!(flow.components[0].outputs[0].rows, 500_500);
        assert_eq!(flow.components[1].written, Some(500_500));
        assert_eq!(flow.components[1].dropped, 1000);
    }

    #[test]
    fn what_failed_each_time_has_failed() {
        let mut report = RunReport::default();
        report.note(round(TaskResult::Failed));
        report.note(round(TaskResult::Disabled));
        report.note(round(TaskResult::Failed));
        assert!(matches!(report.tasks[0].result, TaskResult::Failed));
        assert_eq!(report.tasks[0].rounds.failed, 2);
    }
}
