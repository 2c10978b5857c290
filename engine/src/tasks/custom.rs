//! Tasks of the caller's own: their class reads the settings, their code runs on a thread that may block.
//!
//! Settings are the attributes of the payload, its elements of text, and what elements with a `Value` hold, as .NET tasks
//! save their properties (`<InnerObject><File Type="8" Value="a.txt" /></InnerObject>`).

use std::sync::Arc;

use async_trait::async_trait;
use dtsx::{Executable, ExecutableKind, Payload, TaskData};
use fletching_custom::{Extensions, Properties, TaskClass, TaskSpec, guarded};

use crate::{
    RunError, TaskResult, custom_host,
    task::{self, Task, TaskHost, TaskRun},
};

#[derive(Debug)]
struct CustomTask {
    class: Arc<dyn TaskClass>,
    spec: TaskSpec,
}

/// The task of an executable whose class the caller registered.
pub(super) fn new(executable: &Executable, extensions: &Extensions) -> Option<Box<dyn Task>> {
    if !matches!(executable.kind, ExecutableKind::Task(_)) {
        return None;
    }
    let class = extensions.task(&executable.class_id)?;
    let (properties, xml) = match &executable.payload {
        Payload::Other(data) => (properties(data), data.xml.clone()),
        _ => (Vec::new(), String::new()),
    };
    Some(Box::new(CustomTask {
        class: Arc::clone(class),
        spec: TaskSpec {
            name: executable.name.clone(),
            path: executable.path.clone(),
            properties,
            xml,
        },
    }))
}

fn properties(data: &TaskData) -> Properties {
    let own = data.properties.iter();
    let own = own.map(|property| (property.name.clone(), property.value.clone()));
    let items = data.items.iter().filter_map(|(element, properties)| {
        let value = properties.get("Value")?;
        Some((element.clone(), value.to_owned()))
    });
    own.chain(items).collect()
}

impl CustomTask {
    fn read(&self, host: &TaskHost<'_>) -> Result<Box<dyn fletching_custom::Task>, RunError> {
        let problems = match guarded(|| Ok(self.class.read(&self.spec))) {
            Ok(Ok(task)) => return Ok(task),
            Ok(Err(problems)) if problems.is_empty() => {
                vec!["its class refuses it, and does not say why".to_owned()]
            }
            Ok(Err(problems)) => problems,
            Err(panic) => vec![panic.message],
        };
        let findings = problems.into_iter().map(|problem| host.invalid(problem));
        Err(RunError::Findings(fletching_components::Findings(
            findings.collect(),
        )))
    }
}

#[async_trait]
impl Task for CustomTask {
    fn check(&self, host: &TaskHost<'_>) -> Result<(), RunError> {
        self.read(host).map(|_| ())
    }

    /// It is read as it runs.
    fn recheck(&self, _host: &TaskHost<'_>) -> Result<(), RunError> {
        task::all(Vec::new())
    }

    async fn run(&self, run: &TaskRun<'_>) -> Result<TaskResult, RunError> {
        let task = self.read(run)?;
        let class = self.class.names().id();
        custom_host::serve(run, class, move |host| task.run(host)).await?;
        Ok(TaskResult::Custom)
    }
}
