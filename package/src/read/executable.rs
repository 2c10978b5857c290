//! The tree of executables, built without recursion.
//!
//! ```text
//! stack of open containers, each with the nodes still to read:
//!   next node? ── yes ─▶ read its own part, push it
//!              └─ no ──▶ pop, read its constraints (all ends are known now), give it to the container below
//! ```

use crate::{
    BulkInsert, Element, Error, EventHandler, Executable, ExecutableKind, Payload, Property,
    Script, ScriptFile, TaskData,
    class::resolve_task,
    read::{
        control_flow::{read_constraints, read_property_expressions, read_variables},
        data_flow::read_data_flow,
        foreach::read_foreach,
        logging::read_logging_options,
        shape::{attribute, boolean, collection, own_properties, text, value_error},
        sql_task::read_execute_sql,
    },
};

/// An executable whose children are being read.
struct Open<'a> {
    element: Element<'a>,
    executable: Executable,
    /// Name of the event, for the container of a handler.
    event: Option<String>,
    /// Children to read, last first.
    rest: Vec<Element<'a>>,
}

/// Reads the root executable of a package with all below it.
pub(crate) fn read_executable(root: Element<'_>) -> Result<Executable, Error> {
    let mut open = vec![begin(root, None)?];
    loop {
        let Some(top) = open.last_mut() else {
            // The stack only empties by the return below.
            return Ok(begin(root, None)?.executable);
        };
        if let Some(child) = top.rest.pop() {
            let child = begin(child, Some(&top.executable.path))?;
            open.push(child);
            continue;
        }
        let Some(mut done) = open.pop() else { continue };
        done.executable.precedence_constraints =
            read_constraints(done.element, &done.executable.executables)?;
        match (open.last_mut(), done.event) {
            (None, _) => return Ok(done.executable),
            (Some(parent), None) => parent.executable.executables.push(done.executable),
            (Some(parent), Some(event_name)) => {
                parent.executable.event_handlers.push(EventHandler {
                    event_name,
                    container: Box::new(done.executable),
                })
            }
        }
    }
}

/// Reads all of an executable that is its own.
fn begin<'a>(element: Element<'a>, parent: Option<&str>) -> Result<Open<'a>, Error> {
    let properties = own_properties(element);
    let is_handler = element.local_name() == "EventHandler";
    let event = is_handler.then(|| event_name(&properties));
    let name = match text(&properties, "ObjectName") {
        name if name.is_empty() => event.clone().unwrap_or_default(),
        name => name,
    };
    let path = match (properties.get("refId"), parent, &event) {
        (Some(path), _, _) if !path.is_empty() => path.to_owned(),
        (_, None, _) => "Package".to_owned(),
        (_, Some(parent), Some(event)) => format!("{parent}.EventHandlers[{event}]"),
        (_, Some(parent), None) => format!("{parent}\\{name}"),
    };
    let class_id = ["CreationName", "ExecutableType"]
        .iter()
        .filter_map(|name| properties.get(name))
        .find(|id| !id.is_empty())
        .unwrap_or_default()
        .to_owned();
    let kind = match parent {
        None => ExecutableKind::Package,
        Some(_) if is_handler => ExecutableKind::Sequence,
        Some(_) => kind(&class_id),
    };
    let mut rest: Vec<_> = collection(element, "Executables", "Executable")
        .chain(collection(element, "EventHandlers", "EventHandler"))
        .collect();
    rest.reverse();
    let executable = Executable {
        name,
        dtsid: text(&properties, "DTSID"),
        kind,
        class_id,
        description: text(&properties, "Description"),
        disabled: boolean(element, &properties, "Disabled", false)?,
        delay_validation: boolean(element, &properties, "DelayValidation", false)?,
        property_expressions: read_property_expressions(element),
        variables: read_variables(element)?,
        executables: Vec::new(),
        precedence_constraints: Vec::new(),
        event_handlers: Vec::new(),
        logging_options: read_logging_options(element)?,
        payload: read_payload(element, kind)?,
        foreach: read_foreach(element)?.map(Box::new),
        node: Some(element.id()),
        path,
        properties,
    };
    Ok(Open {
        element,
        executable,
        event,
        rest,
    })
}

fn event_name(properties: &crate::Properties) -> String {
    let mut named = ["EventName", "CreationName", "ObjectName"]
        .iter()
        .filter_map(|name| properties.get(name));
    named
        .find(|name| !name.is_empty())
        .unwrap_or_default()
        .to_owned()
}

fn kind(class_id: &str) -> ExecutableKind {
    match resolve_task(class_id) {
        Some("Microsoft.Package") => ExecutableKind::Package,
        Some("STOCK:SEQUENCE") => ExecutableKind::Sequence,
        Some("STOCK:FORLOOP") => ExecutableKind::ForLoop,
        Some("STOCK:FOREACHLOOP") => ExecutableKind::ForeachLoop,
        other => ExecutableKind::Task(other),
    }
}

fn read_payload(element: Element<'_>, kind: ExecutableKind) -> Result<Payload, Error> {
    match element
        .child("ObjectData")
        .and_then(|data| data.children().next())
    {
        None => Ok(Payload::None),
        Some(payload) if payload.local_name() == "pipeline" => {
            Ok(Payload::DataFlow(Box::new(read_data_flow(payload)?)))
        }
        Some(payload) if payload.local_name() == "SqlTaskData" => {
            Ok(Payload::ExecuteSql(Box::new(read_execute_sql(payload)?)))
        }
        Some(payload) if payload.local_name() == "BulkInsertTaskData" => {
            let settings = BulkInsert::new(own_properties(payload))
                .map_err(|value| value_error(payload, value.name, &value.found, value.wanted))?;
            Ok(Payload::BulkInsert(Box::new(settings)))
        }
        Some(payload) if payload.local_name() == "ExpressionTask" => {
            Ok(Payload::Expression(attribute(payload, "Expression")))
        }
        Some(payload) if SCRIPT_ELEMENTS.contains(&payload.local_name()) => {
            Ok(Payload::Script(Box::new(read_script(payload))))
        }
        Some(payload) => Ok(Payload::Other(Box::new(read_task_data(payload, kind)))),
    }
}

const SCRIPT_ELEMENTS: [&str; 2] = ["ScriptProject", "ScriptTaskData"];

/// Binaries, and code that the designer makes, are left in the document.
fn read_script(payload: Element<'_>) -> Script {
    let written = payload.children().filter_map(|child| {
        let name = attribute(child, "Name");
        let is_item = child.local_name() == "ProjectItem" && ScriptFile::is_written(&name);
        is_item.then(|| ScriptFile {
            text: child.text().into_owned(),
            name: name
                .rsplit(['\\', '/'])
                .next()
                .unwrap_or_default()
                .to_owned(),
        })
    });
    Script {
        properties: own_properties(payload),
        files: written.collect(),
        connections: Vec::new(),
    }
}

/// How deep the settings of a task go: those of a Web Service task have arrays in parameters in a method.
const ITEMS_DEPTH_MAX: usize = 8;

fn read_task_data(payload: Element<'_>, kind: ExecutableKind) -> TaskData {
    let mut data = TaskData {
        element: payload.local_name().to_owned(),
        properties: own_properties(payload),
        items: Vec::new(),
        xml: match kind {
            ExecutableKind::Task(None) => payload.outer_xml().to_owned(),
            _ => String::new(),
        },
    };
    read_items(payload, 0, &mut data);
    data
}

/// Elements that hold more than text, each before those in it.
fn read_items(around: Element<'_>, depth: usize, data: &mut TaskData) {
    for child in around.children() {
        match text_only(child) {
            Some(property) if depth == 0 => data.properties.push(property),
            None if child.local_name() != "Property" => {
                let mut properties = own_properties(child);
                child
                    .children()
                    .filter_map(text_only)
                    .for_each(|property| properties.push(property));
                data.items.push((child.local_name().to_owned(), properties));
                if depth < ITEMS_DEPTH_MAX {
                    read_items(child, depth + 1, data);
                }
            }
            _ => {}
        }
    }
}

/// `<PackageName>Child.dtsx</PackageName>` as a property.
fn text_only(element: Element<'_>) -> Option<Property> {
    let bare = element
        .attributes()
        .all(|attribute| attribute.is_declaration());
    let leaf = bare && element.children().next().is_none();
    leaf.then(|| Property {
        name: element.local_name().to_owned(),
        value: element.text().into_owned(),
        ..Property::default()
    })
}
