//! What the designer gives a component of each class; `templates.toml` has it.

use std::sync::LazyLock;

use dtsx::{
    Component, DataType, Disposition, Input, LineageId, Output, OutputColumn, Properties, Property,
    column_id, component_id, input_id, output_id, resolve_component,
};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Templates {
    component: Vec<Template>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Template {
    class: String,
    #[serde(default)]
    version: i32,
    #[serde(default)]
    dispositions: bool,
    /// Role of its connection.
    pub(super) connection: Option<String>,
    /// Hosted as a managed component.
    #[serde(default)]
    managed: bool,
    #[serde(default)]
    properties: Vec<[String; 3]>,
    #[serde(default)]
    inputs: Vec<InputTemplate>,
    #[serde(default)]
    outputs: Vec<OutputTemplate>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct InputTemplate {
    name: String,
    #[serde(default)]
    side_effects: bool,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputTemplate {
    name: String,
    #[serde(default)]
    error: bool,
    #[serde(default)]
    sync: bool,
    #[serde(default)]
    group: i32,
    #[serde(default)]
    sorted: bool,
    #[serde(default)]
    error_disposition: Option<String>,
    #[serde(default)]
    properties: Vec<[String; 3]>,
}

/// The file is part of the program: a test reads it.
static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    let parsed: Result<Templates, _> = toml::from_str(include_str!("templates.toml"));
    parsed.map(|all| all.component).unwrap_or_default()
});

/// Classes that can be put into a data flow.
pub(super) fn classes() -> impl Iterator<Item = &'static str> {
    TEMPLATES.iter().map(|template| template.class.as_str())
}

/// The template of a class, by any of its ids.
pub(super) fn template(class: &str) -> Option<&'static Template> {
    let canonical = resolve_component(class, None, "").unwrap_or(class);
    TEMPLATES
        .iter()
        .find(|template| template.class.eq_ignore_ascii_case(canonical))
}

pub(super) fn property(name: &str, kind: &str, value: &str) -> Property {
    Property {
        name: name.to_owned(),
        value: value.to_owned(),
        data_type: kind.to_owned(),
        ..Property::default()
    }
}

fn properties(all: &[[String; 3]]) -> Properties {
    let all = all.iter();
    Properties::new(
        all.map(|[name, kind, value]| property(name, kind, value))
            .collect(),
    )
}

fn disposition(text: Option<&String>) -> Disposition {
    match text.map(String::as_str) {
        Some("FailComponent") => Disposition::FailComponent,
        _ => Disposition::NotUsed,
    }
}

impl Template {
    /// A component as it is when it is new.
    pub(super) fn component(&self, task: &str, name: &str) -> Component {
        let id = component_id(task, name);
        let mut own = properties(&self.properties);
        if self.managed {
            own.push(property(
                "UserComponentTypeName",
                "System.String",
                &self.class,
            ));
        }
        let class_id = match self.managed {
            true => "Microsoft.ManagedComponentHost",
            false => self.class.as_str(),
        };
        let inputs = self.inputs.iter().map(|input| Input {
            id: input_id(&id, &input.name),
            name: input.name.clone(),
            has_side_effects: input.side_effects,
            error_row_disposition: disposition(input.error.as_ref()),
            ..Input::default()
        });
        let inputs: Vec<Input> = inputs.collect();
        let passing = inputs.first().map(|input| input.id.clone());
        let outputs = self.outputs.iter().map(|output| {
            let output_id = output_id(&id, &output.name);
            let columns = match output.error {
                true => error_columns(&output_id),
                false => Vec::new(),
            };
            Output {
                name: output.name.clone(),
                is_error: output.error,
                synchronous_input_id: passing.clone().filter(|_| output.sync),
                exclusion_group: output.group,
                is_sorted: output.sorted,
                error_row_disposition: disposition(output.error_disposition.as_ref()),
                properties: properties(&output.properties),
                columns,
                id: output_id,
                ..Output::default()
            }
        });
        Component {
            name: name.to_owned(),
            class: resolve_component(&self.class, None, ""),
            class_id: class_id.to_owned(),
            version: self.version,
            uses_dispositions: self.dispositions,
            locale_id: self
                .connection
                .as_ref()
                .filter(|role| *role == "FlatFileConnection")
                .map(|_| 1033),
            properties: own,
            outputs: outputs.collect(),
            inputs,
            id,
            ..Component::default()
        }
    }
}

/// ErrorCode and ErrorColumn.
pub(super) fn error_columns(output: &str) -> Vec<OutputColumn> {
    let columns = [("ErrorCode", 1), ("ErrorColumn", 2)].into_iter();
    columns
        .map(|(name, flag)| OutputColumn {
            special_flags: flag,
            ..column(output, name, DataType::I4)
        })
        .collect()
}

/// A column of an output, of which nothing else is said.
pub(super) fn column(output: &str, name: &str, data_type: DataType) -> OutputColumn {
    let id = column_id(output, name);
    OutputColumn {
        lineage_id: LineageId(id.clone()),
        id,
        name: name.to_owned(),
        data_type,
        sort_key_position: 0,
        comparison_flags: 0,
        special_flags: 0,
        external_column_id: None,
        error_row_disposition: Disposition::NotUsed,
        truncation_row_disposition: Disposition::NotUsed,
        properties: Properties::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_of_a_known_component() {
        let parsed: Result<Templates, _> = toml::from_str(include_str!("templates.toml"));
        let all = parsed.unwrap().component;
        assert_eq!(all.len(), classes().count());
        for template in all {
            assert_eq!(
                resolve_component(&template.class, None, ""),
                Some(template.class.as_str())
            );
            for (at, [name, ..]) in template.properties.iter().enumerate() {
                let mut others = template.properties.iter().skip(at + 1);
                assert!(others.all(|[other, ..]| other != name), "{name} twice");
            }
        }
    }
}
