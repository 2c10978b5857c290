//! Components of one's own in a data flow under construction: their class says what a new one has, the caller adds columns.

use dtsx::{
    Component, DataType, Disposition, Input, Output, OutputColumn, Properties, Property,
    component_id, input_id, output_id,
};
use fletching_custom::ComponentClass;

use super::{
    DesignError, Pipeline,
    template::{column, error_columns, property},
};

/// Host of components that are .NET types.
const HOST: &str = "Microsoft.ManagedComponentHost";

/// A component as it is when it is new: a native one where its class is named by a GUID, else a managed one.
pub(super) fn component(class: &dyn ComponentClass, task: &str, name: &str) -> Component {
    let id = component_id(task, name);
    let names = class.names();
    let is_native = names.id().starts_with('{');
    let text = |(name, value): &(String, String)| property(name, "System.String", value);
    let mut properties: Vec<Property> = class.properties().iter().map(text).collect();
    if !is_native {
        let host = property("UserComponentTypeName", "System.String", names.id());
        properties.push(host);
    }
    let inputs = class.inputs().into_iter().map(|input| Input {
        id: input_id(&id, &input),
        name: input,
        has_side_effects: class.outputs().is_empty(),
        ..Input::default()
    });
    let inputs: Vec<Input> = inputs.collect();
    let passing = inputs.first().map(|input| input.id.clone());
    let new_outputs = class.outputs();
    let handles_errors = new_outputs.iter().any(|output| output.is_error);
    let outputs = new_outputs.into_iter().map(|output| {
        let output_id = output_id(&id, &output.name);
        let columns: Vec<OutputColumn> = match output.is_error {
            true => error_columns(&output_id),
            false => Vec::new(),
        };
        let disposition = match handles_errors && !output.is_error {
            true => Disposition::FailComponent,
            false => Disposition::NotUsed,
        };
        Output {
            id: output_id,
            name: output.name,
            is_error: output.is_error,
            synchronous_input_id: passing.clone().filter(|_| output.is_synchronous),
            exclusion_group: i32::from(handles_errors && output.is_synchronous),
            error_row_disposition: disposition,
            truncation_row_disposition: disposition,
            columns,
            ..Output::default()
        }
    });
    Component {
        name: name.to_owned(),
        class_id: match is_native {
            true => names.id().to_owned(),
            false => HOST.to_owned(),
        },
        description: names.description.clone(),
        contact_info: names.title.clone(),
        uses_dispositions: handles_errors,
        properties: Properties::new(properties),
        outputs: outputs.collect(),
        inputs,
        id,
        ..Component::default()
    }
}

impl Pipeline<'_> {
    /// Adds a column to an output of a component of one's own: by its name, or the first that is not an error output.
    ///
    /// # Errors
    /// A component or output that is not there, a name that is taken.
    pub fn add_column(
        &mut self,
        component: &str,
        output: Option<&str>,
        name: &str,
        data_type: DataType,
    ) -> Result<&mut Self, DesignError> {
        let output = self.output(component, output)?;
        if output.columns.iter().any(|known| known.name == name) {
            return Err(DesignError::invalid("column", name, "there is one already"));
        }
        let output = output.id.clone();
        let made = column(&output, name, data_type);
        let document = &mut self.package.document;
        document.add_output_column(&self.task, &output, &made)?;
        Ok(self)
    }

    /// Sets a property of a column that a component takes or makes, or adds it.
    ///
    /// # Errors
    /// A column that is not there.
    pub fn set_of_column(
        &mut self,
        component: &str,
        column: &str,
        name: &str,
        value: &str,
    ) -> Result<&mut Self, DesignError> {
        let found = self.component(component)?;
        let made = found.outputs.iter().flat_map(|output| &output.columns);
        let made = made.map(|column| (&column.name, &column.id));
        let taken = found.inputs.iter().flat_map(|input| &input.columns);
        let taken = taken.map(|column| (&column.name, &column.id));
        let mut all = made.chain(taken);
        let id = all.clone().find(|(known, _)| *known == column);
        let id = id.map(|(_, id)| id.clone()).ok_or_else(|| {
            DesignError::missing(
                "column",
                column,
                all.by_ref().map(|(name, _)| name.as_str()),
            )
        })?;
        self.set_of(&id, &property(name, "System.String", value))?;
        Ok(self)
    }
}
