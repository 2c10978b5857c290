//! The precedence rules of one container, without running anything (spec `ssis-matrix.md` section 10).
//!
//! ```text
//!  constraints ──▶ Schedule ──start──▶ who has none before it
//!                     ▲   └──settled──▶ who may start now, who never will
//!                     └── each outcome, one after the other
//! ```
//!
//! **AND**: the constraints of a target that say so are judged together, when all that stand before it have settled; the
//! expressions among them are evaluated then. **OR**: one is judged alone, when its own executable settles, and is enough.
//! A target that can no longer start is skipped; to what follows it that is no outcome, so they are skipped too, unless
//! another way leads there.

use dtsx::{ConstraintValue, EvalOp, Executable, PrecedenceConstraint};

/// How an executable ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ExecutionResult {
    #[default]
    Success,
    Failure,
    Canceled,
}

/// How an executable of a container stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Waiting,
    Started,
    Ended(ExecutionResult),
    Skipped,
}

/// The constraints of a container, and how far its executables are.
#[derive(Debug)]
pub(crate) struct Schedule<'a> {
    constraints: Vec<Arrow<'a>>,
    standing: Vec<Standing>,
}

#[derive(Debug)]
struct Arrow<'a> {
    from: usize,
    to: usize,
    constraint: &'a PrecedenceConstraint,
}

/// Works out the expression of a constraint.
pub(crate) type Judge<'j, E> = dyn FnMut(&PrecedenceConstraint) -> Result<bool, E> + 'j;

impl<'a> Schedule<'a> {
    /// Of a container whose constraints were checked: ends that are not in it are left out.
    pub(crate) fn new(container: &'a Executable) -> Self {
        let place = |path: &str| {
            let mut children = container.executables.iter();
            children.position(|child| child.path == path)
        };
        let constraints = container.precedence_constraints.iter();
        let constraints = constraints.filter_map(|constraint| {
            Some(Arrow {
                from: place(&constraint.from)?,
                to: place(&constraint.to)?,
                constraint,
            })
        });
        Self {
            constraints: constraints.collect(),
            standing: vec![Standing::Waiting; container.executables.len()],
        }
    }

    /// How each executable stands.
    pub(crate) fn standing(&self) -> &[Standing] {
        &self.standing
    }

    /// The executables before which nothing stands, in document order.
    pub(crate) fn start(&mut self) -> Vec<usize> {
        let first = (0..self.standing.len())
            .filter(|&child| self.constraints.iter().all(|arrow| arrow.to != child));
        let first: Vec<usize> = first.collect();
        for &child in &first {
            self.standing[child] = Standing::Started;
        }
        first
    }

    /// Notes how an executable ended; those that may start now, in document order.
    ///
    /// # Errors
    /// That of an expression; its target is skipped then.
    pub(crate) fn ended<E>(
        &mut self,
        child: usize,
        result: ExecutionResult,
        judge: &mut Judge<'_, E>,
    ) -> Result<Vec<usize>, (Vec<usize>, E)> {
        self.standing[child] = Standing::Ended(result);
        let mut ready = Vec::new();
        let mut failed = None;
        let mut settled = vec![child];
        while let Some(from) = settled.pop() {
            let mut targets: Vec<usize> = self.after(from).collect();
            targets.sort_unstable();
            targets.dedup();
            for target in targets {
                if self.standing[target] != Standing::Waiting {
                    continue;
                }
                match self.judge(target, from, judge) {
                    Ok(Some(true)) => {
                        self.standing[target] = Standing::Started;
                        ready.push(target);
                    }
                    Ok(None) => {}
                    Ok(Some(false)) => {
                        self.standing[target] = Standing::Skipped;
                        settled.push(target);
                    }
                    Err(error) => {
                        self.standing[target] = Standing::Skipped;
                        settled.push(target);
                        failed.get_or_insert(error);
                    }
                }
            }
        }
        ready.sort_unstable();
        match failed {
            None => Ok(ready),
            Some(error) => Err((ready, error)),
        }
    }

    /// Why an executable has not run, after all that could.
    pub(crate) fn why_not(&self, child: usize) -> String {
        let before = self.constraints.iter().filter(|arrow| arrow.to == child);
        let reasons = before.filter_map(|arrow| {
            let from = &arrow.constraint.from;
            let reason = match (self.standing[arrow.from], arrow.constraint.eval_op) {
                (Standing::Skipped, _) => format!("{from} was not run"),
                (Standing::Ended(_), EvalOp::Expression | EvalOp::ExpressionAndConstraint) => {
                    let expression = arrow.constraint.expression.as_deref();
                    let expression = expression.unwrap_or_default();
                    format!("the constraint from {from} did not hold ({expression})")
                }
                (Standing::Ended(ExecutionResult::Failure), _) => {
                    format!("{from} failed before it")
                }
                (Standing::Ended(ExecutionResult::Success), _) => format!("{from} succeeded"),
                (Standing::Ended(ExecutionResult::Canceled), _) => format!("{from} was canceled"),
                (Standing::Waiting | Standing::Started, _) => return None,
            };
            Some(reason)
        });
        let reasons: Vec<String> = match self.standing[child] {
            Standing::Skipped => reasons.collect(),
            _ => Vec::new(),
        };
        match reasons.is_empty() {
            true => "the package had failed or was cancelled".to_owned(),
            false => reasons.join(", "),
        }
    }

    fn after(&self, from: usize) -> impl Iterator<Item = usize> + '_ {
        let arrows = self.constraints.iter();
        arrows
            .filter(move |arrow| arrow.from == from)
            .map(|arrow| arrow.to)
    }

    /// Whether a target may start now that `from` has settled; `None` while that is open.
    fn judge<E>(
        &self,
        target: usize,
        from: usize,
        judge: &mut Judge<'_, E>,
    ) -> Result<Option<bool>, E> {
        let arrows = || self.constraints.iter().filter(|arrow| arrow.to == target);
        let alone = arrows().filter(|arrow| !arrow.constraint.logical_and && arrow.from == from);
        for arrow in alone {
            if self.holds(arrow, judge)? {
                return Ok(Some(true));
            }
        }
        let is_open = |arrow: &Arrow<'_>| {
            let standing = self.standing[arrow.from];
            matches!(standing, Standing::Waiting | Standing::Started)
        };
        if arrows().any(|arrow| arrow.constraint.logical_and && is_open(arrow)) {
            return Ok(None);
        }
        // Judged once: when the last of those before it has settled.
        let is_last = arrows().any(|arrow| arrow.constraint.logical_and && arrow.from == from);
        if is_last {
            let mut all = true;
            for arrow in arrows().filter(|arrow| arrow.constraint.logical_and) {
                all = all && self.holds(arrow, judge)?;
            }
            if all {
                return Ok(Some(true));
            }
        }
        Ok(match arrows().any(is_open) {
            true => None,
            false => Some(false),
        })
    }

    fn holds<E>(&self, arrow: &Arrow<'_>, judge: &mut Judge<'_, E>) -> Result<bool, E> {
        let Standing::Ended(result) = self.standing[arrow.from] else {
            return Ok(false);
        };
        let outcome = match arrow.constraint.value {
            ConstraintValue::Success => result == ExecutionResult::Success,
            ConstraintValue::Failure => result == ExecutionResult::Failure,
            ConstraintValue::Completion => result != ExecutionResult::Canceled,
            ConstraintValue::Canceled => result == ExecutionResult::Canceled,
        };
        match arrow.constraint.eval_op {
            EvalOp::Constraint => Ok(outcome),
            EvalOp::Expression => judge(arrow.constraint),
            EvalOp::ExpressionAndConstraint => Ok(outcome && judge(arrow.constraint)?),
            EvalOp::ExpressionOrConstraint => Ok(outcome || judge(arrow.constraint)?),
        }
    }
}
