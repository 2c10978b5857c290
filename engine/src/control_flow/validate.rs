//! The whole tree before anything runs: every executable that is not disabled, its handlers, its constraints.
//!
//! **DelayValidation** puts off what depends on values (11.9): of a delayed executable and all in it, only what is not
//! supported is found here. It is checked again when it runs, as all are.

use dtsx::{EvalOp, EventHandler, Executable, ExecutableKind, PrecedenceConstraint, SsisCode};
use fletching_components::{Finding, FindingKind, Findings};

use super::{
    ContainerSettings, enumerators, evaluated, loops, order::check_order, type_of_condition,
};
use crate::{
    EventKind, RunError,
    state::PackageState,
    task::{TaskHost, finding},
    tasks,
};

/// Everything that can be known of the package before it runs.
///
/// # Errors
/// A problem that has no place in the package.
pub(crate) fn validate(state: &PackageState, findings: &mut Findings) -> Result<(), RunError> {
    let mut validation = Validation { state, findings };
    validation.executable(&state.root, false)?;
    findings.0.extend(super::transactions::check(state));
    findings.0.extend(super::checkpoints::check(state));
    Ok(())
}

struct Validation<'a> {
    state: &'a PackageState,
    findings: &'a mut Findings,
}

impl Validation<'_> {
    fn executable(&mut self, original: &Executable, delayed: bool) -> Result<(), RunError> {
        if original.disabled {
            return Ok(());
        }
        let delayed = delayed || original.delay_validation;
        let mut found = Findings::default();
        let variables = self.state.scope(&original.path);
        match evaluated(original, &variables, self.state.locale_id) {
            Ok(executable) => self.own(&executable, &mut found)?,
            Err(wrong) => {
                found.0.extend(wrong.0);
                // What is not supported is found whatever its properties are.
                self.own(original, &mut found)?;
            }
        }
        found.0.extend(self.constraints(original));
        let is_found = |finding: &Finding| !delayed || finding.kind == FindingKind::Unsupported;
        self.findings.0.extend(found.0.into_iter().filter(is_found));
        for handler in &original.event_handlers {
            self.handler(original, handler, delayed)?;
        }
        original
            .executables
            .iter()
            .try_for_each(|child| self.executable(child, delayed))
    }

    fn handler(
        &mut self,
        owner: &Executable,
        handler: &EventHandler,
        delayed: bool,
    ) -> Result<(), RunError> {
        let container = &handler.container;
        let is_empty = container.executables.iter().all(|child| child.disabled);
        if is_empty || container.disabled {
            return Ok(());
        }
        if EventKind::of_name(&handler.event_name).is_none() {
            let name = &handler.event_name;
            let message = match name.starts_with("WMIEventWatcher") {
                true => format!(
                    "the event handler is for `{name}`, an event of the WMI Event Watcher task, which is not supported"
                ),
                false => format!("the event handler is for `{name}`, which is no known event"),
            };
            let kind = FindingKind::Unsupported;
            self.findings.push(finding(owner, kind, None, message));
        }
        self.executable(container, delayed)
    }

    /// What an executable itself has against it.
    fn own(&self, executable: &Executable, found: &mut Findings) -> Result<(), RunError> {
        let host = TaskHost {
            state: self.state,
            executable,
        };
        match ContainerSettings::of(executable) {
            Ok(settings) => {
                if let Some(variable) = &settings.value_variable
                    && let Err(message) = host.has_variable(variable)
                {
                    let code = Some(SsisCode::VARIABLE_NOT_FOUND);
                    let message = format!("ExecValueVariable: {message}");
                    found.push(host.finding(FindingKind::Invalid, code, message));
                }
            }
            Err(message) => found.push(host.invalid(message)),
        }
        let checked = match executable.kind {
            ExecutableKind::Package | ExecutableKind::Sequence => return Ok(()),
            ExecutableKind::ForLoop => {
                found.0.extend(loops::check_for_loop(&host));
                return Ok(());
            }
            ExecutableKind::ForeachLoop => enumerators::check(&host),
            ExecutableKind::Task(class) => {
                match tasks::task(executable, &self.state.settings.extensions) {
                    Some(task) => task.check(&host),
                    None => {
                        found.push(host.unsupported(super::unsupported::task(executable, class)));
                        return Ok(());
                    }
                }
            }
        };
        match checked {
            Ok(()) => Ok(()),
            Err(RunError::Findings(findings)) => {
                found.0.extend(findings.0);
                Ok(())
            }
            Err(other) => Err(other),
        }
    }

    fn constraints(&self, container: &Executable) -> Vec<Finding> {
        let mut findings = check_order(container);
        for constraint in &container.precedence_constraints {
            if constraint.eval_op == EvalOp::Constraint {
                continue;
            }
            if let Err((code, message)) = self.condition(container, constraint) {
                let message = format!(
                    "precedence constraint `{}` from {} to {}: {message}",
                    constraint.name, constraint.from, constraint.to
                );
                findings.push(finding(container, FindingKind::Invalid, code, message));
            }
        }
        findings
    }

    fn condition(
        &self,
        container: &Executable,
        constraint: &PrecedenceConstraint,
    ) -> Result<(), (Option<SsisCode>, String)> {
        let invalid = Some(SsisCode::VALIDATION_FAILED);
        let text = constraint.expression.as_deref().unwrap_or_default();
        let variables = self.state.scope(&container.path);
        match type_of_condition(text, &variables, self.state.locale_id) {
            Ok(dtsx::DataType::Bool) => Ok(()),
            Ok(other) => Err((
                invalid,
                format!("its expression `{text}` is of type {other}: a Boolean is wanted"),
            )),
            Err(error) => Err((error.code.or(invalid), error.to_string())),
        }
    }
}
