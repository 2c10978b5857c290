//! Objects of a data flow, added, changed and removed.

use super::{
    collections::{add, append, before, replace},
    missing, pipeline,
    tag::Tag,
};
use crate::{
    Component, ComponentConnection, DataFlow, DataPath, DataType, Element, Error, ExternalColumn,
    InputColumn, LineageId, Output, OutputColumn, Package, Payload, Property,
};

impl Package {
    /// The data flow of a Data Flow task.
    ///
    /// # Errors
    /// [`Error::Edit`] for a task that is not there or is another one.
    pub fn data_flow(&self, task: &str) -> Result<&DataFlow, Error> {
        match &self.found(task)?.payload {
            Payload::DataFlow(flow) => Ok(flow),
            _ => Err(missing("Data Flow task", task)),
        }
    }

    /// Adds a component with its inputs, outputs and columns; its ids are those of [`super`].
    ///
    /// # Errors
    /// [`Error::Edit`] for a name that is taken.
    pub fn add_component(&mut self, task: &str, component: &Component) -> Result<(), Error> {
        let flow = self.data_flow(task)?;
        if flow.components.iter().any(|one| one.name == component.name) {
            return Err(Error::Edit {
                what: format!("component `{}`", component.name),
                detail: "there is one of that name already".to_owned(),
            });
        }
        let types = types(flow);
        let tag = pipeline::component(component, &|column| types.of(&column.lineage_id));
        self.edit(|package, edits| {
            add(edits, package.pipeline(task)?, "components", tag);
            Ok(())
        })
    }

    /// Puts a component in the place of the one of its name.
    ///
    /// # Errors
    /// [`Error::Edit`] for one that is not there.
    pub fn replace_component(&mut self, task: &str, component: &Component) -> Result<(), Error> {
        let types = types(self.data_flow(task)?);
        let tag = pipeline::component(component, &|column| types.of(&column.lineage_id));
        self.edit(|package, edits| {
            let old = package.object(task, &component.id)?;
            replace(edits, old, &tag);
            Ok(())
        })
    }

    /// Removes a component and the paths at it.
    ///
    /// # Errors
    /// [`Error::Edit`] for one that is not there.
    pub fn remove_component(&mut self, task: &str, name: &str) -> Result<(), Error> {
        let flow = self.data_flow(task)?;
        let component = flow.components.iter().find(|one| one.name == name);
        let component = component.ok_or_else(|| missing("component", name))?;
        let ends: Vec<&String> = (component.inputs.iter().map(|one| &one.id))
            .chain(component.outputs.iter().map(|one| &one.id))
            .collect();
        let paths = flow.paths.iter();
        let paths =
            paths.filter(|path| ends.contains(&&path.start_id) || ends.contains(&&path.end_id));
        let mut gone: Vec<String> = paths.map(|path| path.id.clone()).collect();
        gone.push(component.id.clone());
        self.edit(|package, edits| {
            for id in &gone {
                edits.remove(package.object(task, id)?.id());
            }
            Ok(())
        })
    }

    /// Connects an output to an input; both by their ids.
    ///
    /// # Errors
    /// [`Error::Edit`] for ends that are not there, or are connected already.
    pub fn add_path(&mut self, task: &str, output: &str, input: &str) -> Result<(), Error> {
        let flow = self.data_flow(task)?;
        let made = flow.outputs().find(|one| one.id == output);
        let made = made.ok_or_else(|| missing("output", output))?;
        if !flow
            .components
            .iter()
            .flat_map(|one| &one.inputs)
            .any(|one| one.id == input)
        {
            return Err(missing("input", input));
        }
        let mut paths = flow.paths.iter();
        if let Some(path) = paths.find(|path| path.start_id == output || path.end_id == input) {
            return Err(Error::Edit {
                what: format!("path from `{output}` to `{input}`"),
                detail: format!("path `{}` is at one of them already", path.name),
            });
        }
        let task_path = self.found(task)?.path.clone();
        let name = free_name(&made.name, |name| {
            flow.paths.iter().any(|one| one.name == name)
        });
        let path = DataPath {
            id: format!("{task_path}.Paths[{name}]"),
            name,
            start_id: output.to_owned(),
            end_id: input.to_owned(),
        };
        self.edit(|package, edits| {
            add(
                edits,
                package.pipeline(task)?,
                "paths",
                pipeline::path(&path),
            );
            Ok(())
        })
    }

    /// Adds an output to a component.
    ///
    /// # Errors
    /// [`Error::Edit`] for a component that is not there.
    pub fn add_output(
        &mut self,
        task: &str,
        component: &str,
        output: &Output,
    ) -> Result<(), Error> {
        let tag = pipeline::output(output);
        self.add_to(task, component, "outputs", tag)
    }

    /// Adds a column to an output.
    ///
    /// # Errors
    /// [`Error::Edit`] for an output that is not there.
    pub fn add_output_column(
        &mut self,
        task: &str,
        output: &str,
        column: &OutputColumn,
    ) -> Result<(), Error> {
        let tag = pipeline::output_column(column);
        self.add_to(task, output, "outputColumns", tag)
    }

    /// Adds a column of the outside world to an input or output.
    ///
    /// # Errors
    /// [`Error::Edit`] for an owner that is not there.
    pub fn add_external_column(
        &mut self,
        task: &str,
        owner: &str,
        column: &ExternalColumn,
    ) -> Result<(), Error> {
        let tag = pipeline::external_column(column);
        self.add_to(task, owner, "externalMetadataColumns", tag)
    }

    /// Adds a column to those that an input uses.
    ///
    /// # Errors
    /// [`Error::Edit`] for an input that is not there.
    pub fn add_input_column(
        &mut self,
        task: &str,
        input: &str,
        column: &InputColumn,
    ) -> Result<(), Error> {
        let types = types(self.data_flow(task)?);
        let tag = pipeline::input_column(column, types.of(&column.lineage_id));
        self.add_to(task, input, "inputColumns", tag)
    }

    /// Sets or adds a property of a component, an input, an output or a column, by its id.
    ///
    /// # Errors
    /// [`Error::Edit`] for an object that is not there.
    pub fn set_pipeline_property(
        &mut self,
        task: &str,
        object: &str,
        property: &Property,
    ) -> Result<(), Error> {
        self.edit(|package, edits| {
            let element = package.object(task, object)?;
            let group = element.child("properties");
            let old = group.and_then(|group| {
                group.children().find(|one| {
                    one.attribute("name")
                        .is_some_and(|name| name.eq_ignore_ascii_case(&property.name))
                })
            });
            if let Some(old) = old {
                edits.set_text(old.id(), &property.value);
                return Ok(());
            }
            let made = crate::Properties::new(vec![property.clone()]);
            let tags = pipeline::properties(&made);
            match (group, element.children().next()) {
                (Some(group), _) => tags.iter().for_each(|tag| append(edits, group, tag)),
                (None, Some(first)) => {
                    before(edits, first, &Tag::new("properties").children(tags));
                }
                (None, None) => append(edits, element, &Tag::new("properties").children(tags)),
            }
            Ok(())
        })
    }

    /// Sets an attribute of a component, an input, an output or a column, by its id: `errorRowDisposition`, ...
    ///
    /// # Errors
    /// [`Error::Edit`] for an object that is not there.
    pub fn set_pipeline_attribute(
        &mut self,
        task: &str,
        object: &str,
        attribute: &str,
        value: &str,
    ) -> Result<(), Error> {
        self.edit(|package, edits| {
            let element = package.object(task, object)?;
            edits.set_attribute(element.id(), attribute, value);
            Ok(())
        })
    }

    /// Points a component at a connection manager, by the role of the connection.
    ///
    /// # Errors
    /// [`Error::Edit`] for a component that is not there.
    pub fn set_component_connection(
        &mut self,
        task: &str,
        component: &str,
        connection: &ComponentConnection,
    ) -> Result<(), Error> {
        self.edit(|package, edits| {
            let element = package.object(task, component)?;
            let group = element.child("connections");
            let old = group.and_then(|group| {
                group
                    .children()
                    .find(|one| one.attribute("name").as_deref() == Some(&connection.name))
            });
            match old {
                Some(old) => {
                    for attribute in ["connectionManagerID", "connectionManagerRefId"] {
                        edits.set_attribute(old.id(), attribute, &connection.connection_manager);
                    }
                }
                None => add(
                    edits,
                    element,
                    "connections",
                    pipeline::connection(connection),
                ),
            }
            Ok(())
        })
    }

    fn add_to(&mut self, task: &str, owner: &str, group: &str, tag: Tag) -> Result<(), Error> {
        self.edit(|package, edits| {
            add(edits, package.object(task, owner)?, group, tag);
            Ok(())
        })
    }

    fn pipeline(&self, task: &str) -> Result<Element<'_>, Error> {
        self.data_flow(task)?;
        self.payload(self.found(task)?)
            .ok_or_else(|| missing("Data Flow task", task))
    }

    /// The element of a component, path, input, output or column.
    fn object(&self, task: &str, id: &str) -> Result<Element<'_>, Error> {
        let pipeline = self.pipeline(task)?;
        let mut rest: Vec<Element<'_>> = vec![pipeline];
        while let Some(next) = rest.pop() {
            let own = next.attribute("refId").or_else(|| next.attribute("id"));
            if own.as_deref() == Some(id) {
                return Ok(next);
            }
            rest.extend(next.children());
        }
        Err(missing("object of the data flow", id))
    }
}

impl DataFlow {
    /// All outputs.
    pub fn outputs(&self) -> impl Iterator<Item = &Output> {
        self.components
            .iter()
            .flat_map(|component| &component.outputs)
    }

    /// The column that a lineage id means.
    pub fn output_column(&self, lineage: &LineageId) -> Option<&OutputColumn> {
        self.outputs()
            .flat_map(|output| &output.columns)
            .find(|column| column.lineage_id == *lineage)
    }

    /// The columns that arrive at an input, in order: those of the output before it and, where that passes rows through,
    /// those that arrived there.
    pub fn arriving(&self, input: &str) -> Vec<&OutputColumn> {
        let mut groups = Vec::new();
        let mut at = input;
        // Each component is passed once at most: a loop of paths ends it.
        for _ in 0..=self.components.len() {
            let Some(path) = self.paths.iter().find(|path| path.end_id == at) else {
                break;
            };
            let Some(output) = self.outputs().find(|output| output.id == path.start_id) else {
                break;
            };
            groups.push(&output.columns);
            match &output.synchronous_input_id {
                Some(input) => at = input,
                None => break,
            }
        }
        groups.into_iter().rev().flatten().collect()
    }
}

/// Types of output columns by lineage.
struct Types(std::collections::HashMap<LineageId, DataType>);

impl Types {
    fn of(&self, lineage: &LineageId) -> Option<DataType> {
        self.0.get(lineage).copied()
    }
}

fn types(flow: &DataFlow) -> Types {
    let columns = flow.outputs().flat_map(|output| &output.columns);
    Types(
        columns
            .map(|column| (column.lineage_id.clone(), column.data_type))
            .collect(),
    )
}

fn free_name(wanted: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut names = (0..).map(|number| match number {
        0 => wanted.to_owned(),
        number => format!("{wanted} {number}"),
    });
    names.find(|name| !is_taken(name)).unwrap_or_default()
}
