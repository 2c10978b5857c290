//! A data flow under construction: components and the paths between them.

use dtsx::{Component, ComponentConnection, DataFlow, Input, Output, Property, connection_id};

use super::{
    DesignError, custom,
    template::{classes, template},
};
use crate::Package;

/// The data flow of a task (MainPipe). Components are named by their names; what an input or output is not named by is the
/// only one, or the first that is not an error output.
#[derive(Debug)]
pub struct Pipeline<'a> {
    pub(super) package: &'a mut Package,
    pub(super) task: String,
}

impl<'a> Pipeline<'a> {
    pub(super) fn new(package: &'a mut Package, task: String) -> Self {
        Self { package, task }
    }

    /// Path of the task.
    pub fn task(&self) -> &str {
        &self.task
    }

    /// The data flow as it is.
    ///
    /// # Errors
    /// The task was removed.
    pub fn flow(&self) -> Result<&DataFlow, DesignError> {
        Ok(self.package.document.data_flow(&self.task)?)
    }

    /// A component as it is.
    ///
    /// # Errors
    /// [`DesignError::Missing`].
    pub fn component(&self, name: &str) -> Result<&Component, DesignError> {
        let components = &self.flow()?.components;
        components
            .iter()
            .find(|one| one.name == name)
            .ok_or_else(|| {
                let known = components.iter().map(|one| one.name.as_str());
                DesignError::missing("component", name, known)
            })
    }

    /// Adds a component as it is when it is new (ProvideComponentProperties): of a class of the engine, or of one of the
    /// package's extensions.
    ///
    /// # Errors
    /// A class that is not among [`Package::component_classes`] and is not registered, a name that is taken.
    pub fn add(&mut self, class: &str, name: &str) -> Result<&mut Self, DesignError> {
        let extensions = &self.package.extensions;
        let component = match (template(class), extensions.component(class)) {
            (Some(template), _) => template.component(&self.task, name),
            (None, Some(class)) => custom::component(class.as_ref(), &self.task, name),
            (None, None) => {
                let own = extensions.components();
                let own = own.map(|class| class.names().id().to_owned());
                let known: Vec<String> = classes().map(str::to_owned).chain(own).collect();
                let known = known.iter().map(String::as_str);
                return Err(DesignError::missing("component class", class, known));
            }
        };
        self.package
            .document
            .add_component(&self.task, &component)?;
        Ok(self)
    }

    /// Removes a component and the paths at it.
    ///
    /// # Errors
    /// [`DesignError::Document`] for one that is not there.
    pub fn remove(&mut self, name: &str) -> Result<&mut Self, DesignError> {
        self.package.document.remove_component(&self.task, name)?;
        Ok(self)
    }

    /// Sets a property of a component (SetComponentProperty).
    ///
    /// # Errors
    /// [`DesignError::Missing`] for a property that it does not have.
    pub fn set(
        &mut self,
        component: &str,
        property: &str,
        value: &str,
    ) -> Result<&mut Self, DesignError> {
        let found = self.component(component)?;
        let id = found.id.clone();
        let known = found.properties.property(property);
        let known = known.cloned().ok_or_else(|| {
            let known = found.properties.iter().map(|one| one.name.as_str());
            DesignError::missing("property", property, known)
        })?;
        let property = Property {
            value: value.to_owned(),
            ..known
        };
        self.set_of(&id, &property)?;
        Ok(self)
    }

    /// Points a component at a connection manager.
    ///
    /// # Errors
    /// A component without connections, a manager that is not there.
    pub fn use_connection(
        &mut self,
        component: &str,
        manager: &str,
    ) -> Result<&mut Self, DesignError> {
        let found = self.component(component)?;
        let role = found.class.and_then(template);
        let role = role.and_then(|template| template.connection.clone());
        let role = role
            .or_else(|| self.custom_role(found))
            .ok_or_else(|| DesignError::invalid("component", component, "it has no connection"))?;
        let id = found.id.clone();
        let own = self.package.document.connection_manager(manager);
        let mut shared = self.package.shared_managers.iter();
        let shared = || shared.find(|one| one.name == manager || one.ref_id == manager);
        let target = own.or_else(shared).ok_or_else(|| {
            let managers = self.package.document.connection_managers().iter();
            let known = managers.chain(&self.package.shared_managers);
            DesignError::missing(
                "connection manager",
                manager,
                known.map(|one| one.name.as_str()),
            )
        })?;
        let connection = ComponentConnection {
            id: connection_id(&id, &role),
            name: role,
            connection_manager: target.ref_id.clone(),
            ref_id: None,
        };
        let document = &mut self.package.document;
        document.set_component_connection(&self.task, &id, &connection)?;
        Ok(self)
    }

    /// Connects the output of a component to the input of another.
    ///
    /// # Errors
    /// Ends that are not there or connected already.
    pub fn connect(&mut self, from: &str, to: &str) -> Result<&mut Self, DesignError> {
        self.connect_ends((from, None), (to, None))
    }

    /// As [`connect`](Self::connect), with the names of the output and the input where there are several.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_ends(
        &mut self,
        (from, output): (&str, Option<&str>),
        (to, input): (&str, Option<&str>),
    ) -> Result<&mut Self, DesignError> {
        let output = self.output(from, output)?.id.clone();
        let input = self.free_input(to, input)?;
        let document = &mut self.package.document;
        document.add_path(&self.task, &output, &input)?;
        self.attached(to, &input)?;
        Ok(self)
    }

    /// What happens to rows with errors and truncations, in all columns and outputs of a component that can have any:
    /// `FailComponent`, `IgnoreFailure`, `RedirectRow`.
    ///
    /// # Errors
    /// A component that does not handle errors by row.
    pub fn on_error(
        &mut self,
        component: &str,
        disposition: dtsx::Disposition,
    ) -> Result<&mut Self, DesignError> {
        let found = self.component(component)?;
        if !found.uses_dispositions {
            let why = "it does not handle errors by row";
            return Err(DesignError::invalid("component", component, why));
        }
        let outputs = found.outputs.iter();
        let inputs = found.inputs.iter();
        let mut handled: Vec<(String, bool, bool)> = Vec::new();
        let mut add = |id: &str, error, truncation| {
            let is = |one| one != dtsx::Disposition::NotUsed;
            handled.push((id.to_owned(), is(error), is(truncation)));
        };
        for output in outputs {
            add(
                &output.id,
                output.error_row_disposition,
                output.truncation_row_disposition,
            );
            for column in &output.columns {
                add(
                    &column.id,
                    column.error_row_disposition,
                    column.truncation_row_disposition,
                );
            }
        }
        for input in inputs {
            add(
                &input.id,
                input.error_row_disposition,
                input.truncation_row_disposition,
            );
            for column in &input.columns {
                add(
                    &column.id,
                    column.error_row_disposition,
                    column.truncation_row_disposition,
                );
            }
        }
        let document = &mut self.package.document;
        for (id, error, truncation) in handled {
            for (attribute, used) in [
                ("errorRowDisposition", error),
                ("truncationRowDisposition", truncation),
            ] {
                if used {
                    let value = disposition.xml_name();
                    document.set_pipeline_attribute(&self.task, &id, attribute, value)?;
                }
            }
        }
        Ok(self)
    }

    /// What a component of one's own calls its first connection.
    fn custom_role(&self, component: &Component) -> Option<String> {
        let hosted = component.properties.get("UserComponentTypeName");
        let extensions = &self.package.extensions;
        let class = extensions.component(hosted.unwrap_or(&component.class_id))?;
        class.connections().into_iter().next()
    }

    /// An output by its name, or the first that is not an error output.
    pub(super) fn output(
        &self,
        component: &str,
        name: Option<&str>,
    ) -> Result<&Output, DesignError> {
        let outputs = &self.component(component)?.outputs;
        let mut all = outputs.iter();
        let found = match name {
            Some(name) => all.find(|output| output.name == name),
            None => all.find(|output| !output.is_error),
        };
        found.ok_or_else(|| {
            let known = outputs.iter().map(|output| output.name.as_str());
            DesignError::missing("output", name.unwrap_or_default(), known)
        })
    }

    /// An input by its name, or the first.
    pub(super) fn input(&self, component: &str, name: Option<&str>) -> Result<&Input, DesignError> {
        let inputs = &self.component(component)?.inputs;
        let mut all = inputs.iter();
        let found = match name {
            Some(name) => all.find(|input| input.name == name),
            None => all.next(),
        };
        found.ok_or_else(|| {
            let known = inputs.iter().map(|input| input.name.as_str());
            DesignError::missing("input", name.unwrap_or_default(), known)
        })
    }

    /// The input for a new path: by its name, else the first without one; Union All gets a new one when all are taken.
    fn free_input(&mut self, component: &str, name: Option<&str>) -> Result<String, DesignError> {
        if name.is_some() {
            return Ok(self.input(component, name)?.id.clone());
        }
        let flow = self.flow()?;
        let found = self.component(component)?;
        let is_free = |input: &&Input| !flow.paths.iter().any(|path| path.end_id == input.id);
        if let Some(input) = found.inputs.iter().find(is_free) {
            return Ok(input.id.clone());
        }
        if found.class == Some("Microsoft.UnionAll") {
            return self.add_union_input(component);
        }
        Ok(self.input(component, None)?.id.clone())
    }

    pub(super) fn set_of(&mut self, object: &str, property: &Property) -> Result<(), DesignError> {
        let document = &mut self.package.document;
        Ok(document.set_pipeline_property(&self.task, object, property)?)
    }

    /// Puts a changed component in its place.
    pub(super) fn replace(&mut self, component: &Component) -> Result<(), DesignError> {
        let document = &mut self.package.document;
        Ok(document.replace_component(&self.task, component)?)
    }
}
