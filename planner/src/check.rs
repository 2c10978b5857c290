//! Pass 2: every component reads its settings. What is unknown, unsupported or wrong is a finding, all of them at once.

use std::sync::Arc;

use dtsx::DataFlow;
use fletching_components::{
    Binding, Component, ComponentKind, Finding, FindingKind, Findings, Variables, custom, registry,
};
use fletching_connections::Connections;
use fletching_custom::{ComponentClass, Extensions};
use fletching_expression::text::is_custom;

use crate::DataFlowGraph;

/// A data flow that can be planned.
#[derive(Debug)]
pub struct CheckedDataFlow {
    pub graph: DataFlowGraph,
    /// Settings, in the order of [`DataFlowGraph::components`].
    pub components: Vec<Box<dyn Component>>,
    /// Names and classes, in the same order.
    pub names: Vec<(String, String, ComponentKind)>,
    /// What the user should know although the flow runs.
    pub warnings: Vec<String>,
}

/// Reads the settings of all components of a bound graph. `extensions`: classes beside those of the registry.
pub fn check(
    flow: &DataFlow,
    graph: DataFlowGraph,
    connections: &Connections,
    variables: &dyn Variables,
    extensions: &Extensions,
) -> Result<CheckedDataFlow, Findings> {
    let mut findings = Findings::default();
    let mut components = Vec::with_capacity(flow.components.len());
    let mut names = Vec::with_capacity(flow.components.len());
    let mut warnings = Vec::new();
    for (component, bound) in flow.components.iter().zip(&graph.components) {
        let binding = Binding {
            component,
            path: &bound.path,
            inputs: &bound.inputs,
            outputs: &bound.outputs,
            connections,
            variables,
            locale_id: component
                .locale_id
                .filter(|id| *id != 0 && *id != u32::MAX)
                .unwrap_or(graph.locale_id),
            numbers: &graph.numbers,
        };
        warnings.extend(
            custom_locale(&binding, &graph.path).filter(|warning| !warnings.contains(warning)),
        );
        let (class, kind, read) = match component.class.and_then(registry::find) {
            Some(class) => (class.name.to_owned(), class.kind, (class.read)(&binding)),
            None => match extension(component, extensions) {
                Some(class) => (
                    class.names().id().to_owned(),
                    custom::kind(class.kind()),
                    custom::read(class, &binding),
                ),
                None => {
                    findings.push(unknown(&binding));
                    continue;
                }
            },
        };
        names.push((component.name.clone(), class, kind));
        match read {
            Ok(settings) => components.push(settings),
            Err(found) => findings.0.extend(found.0),
        }
    }
    findings.none_or(()).map(|()| CheckedDataFlow {
        graph,
        components,
        names,
        warnings,
    })
}

/// The caller's own class of a component: by the type that a managed one is hosted for, by its class id, by the name that
/// we know a class by which does not run.
fn extension<'e>(
    component: &dtsx::Component,
    extensions: &'e Extensions,
) -> Option<&'e Arc<dyn ComponentClass>> {
    let hosted = component.properties.get("UserComponentTypeName");
    let names = [hosted, Some(&*component.class_id), component.class];
    let mut names = names.into_iter().flatten();
    names.find_map(|name| extensions.component(name))
}

/// What can be done about a class that is not there.
const REGISTER: &str = "register a class of this name, or load a plug-in that has it";

/// Text is read by the conventions of another machine's custom locale: which it was, the package does not say.
fn custom_locale(binding: &Binding<'_>, flow: &str) -> Option<String> {
    let managers = binding.component.connections.iter();
    let of_file = managers
        .filter_map(|connection| binding.connections.get(&connection.connection_manager))
        .filter_map(|manager| manager.properties.get("LocaleID")?.trim().parse().ok());
    let id = of_file
        .chain([binding.locale_id])
        .find(|id| is_custom(*id))?;
    Some(format!(
        "{flow}: locale id {id} stands for a custom locale of the machine that saved the package; its text is read as English \
         (World): day, month, year"
    ))
}

fn unknown(binding: &Binding<'_>) -> Finding {
    let component = binding.component;
    let message = match component.class {
        Some("Microsoft.ScriptComponentHost") => {
            let script = dtsx::Script::of_component(component);
            format!("scripts are not run: {}", script.summary())
        }
        Some(_) => "this component is not supported yet".to_owned(),
        None => {
            // A managed component is named by its type, every other by its class id; some add who made it.
            let hosted = component
                .properties
                .get("UserComponentTypeName")
                .and_then(|name| name.split(',').next());
            let class = hosted
                .filter(|name| !name.trim().is_empty())
                .unwrap_or(&component.class_id);
            match component.contact_info.split(';').next().map(str::trim) {
                Some(about) if !about.is_empty() => {
                    format!("class `{class}` ({about}) is not known, so not supported: {REGISTER}")
                }
                _ => format!("class `{class}` is not known, so not supported: {REGISTER}"),
            }
        }
    };
    Finding {
        kind: FindingKind::Unsupported,
        ..binding.unsupported(message)
    }
}
