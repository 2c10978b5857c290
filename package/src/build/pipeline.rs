//! The objects of a data flow as elements: components, inputs, outputs, columns, paths.

use super::{objects::boolean, tag::Tag};
use crate::{
    Component, ComponentConnection, DataPath, DataType, Disposition, ExternalColumn, Input,
    InputColumn, Output, OutputColumn, Properties, UsageType, class::english_name,
};

/// A component with all it has. `type_of` knows the types of the columns that arrive, by lineage.
pub(super) fn component(
    component: &Component,
    type_of: &dyn Fn(&InputColumn) -> Option<DataType>,
) -> Tag {
    let english = english_name(&component.class_id).unwrap_or(component.name.as_str());
    let contact = match component.contact_info.as_str() {
        "" => format!(
            "{english};Microsoft Corporation; Microsoft SQL Server; (C) Microsoft Corporation; All Rights Reserved; \
             http://www.microsoft.com/sql/support;{}",
            component.version
        ),
        given => given.to_owned(),
    };
    let description = match component.description.as_str() {
        "" => english,
        given => given,
    };
    let locale = component
        .locale_id
        .map(|id| id.to_string())
        .unwrap_or_default();
    Tag::new("component")
        .attribute("refId", &component.id)
        .attribute("componentClassID", &component.class_id)
        .attribute("contactInfo", contact)
        .attribute("description", description)
        .unless("", "localeId", locale)
        .attribute("name", &component.name)
        .unless(
            "false",
            "usesDispositions",
            lower(component.uses_dispositions),
        )
        .unless("0", "version", component.version.to_string())
        .group("properties", properties(&component.properties))
        .group(
            "connections",
            component.connections.iter().map(connection).collect(),
        )
        .group(
            "inputs",
            component
                .inputs
                .iter()
                .map(|one| input(one, type_of))
                .collect(),
        )
        .group("outputs", component.outputs.iter().map(output).collect())
}

pub(super) fn properties(properties: &Properties) -> Vec<Tag> {
    let tag = |property: &crate::Property| {
        let kind = match property.data_type.as_str() {
            "" => "System.String",
            kind => kind,
        };
        let tag = Tag::new("property");
        let tag = match property.contains_id {
            true => tag.attribute("containsID", "true"),
            false => tag,
        };
        let tag = tag
            .attribute("dataType", kind)
            .attribute("name", &property.name);
        match property.elements.is_empty() {
            true => tag.text(&property.value),
            false => {
                let elements = property.elements.iter();
                let elements = elements.map(|one| {
                    Tag::new("arrayElement")
                        .attribute("dataType", "System.String")
                        .text(one)
                });
                tag.attribute("isArray", "true").child(
                    Tag::new("arrayElements")
                        .attribute("arrayElementCount", property.elements.len().to_string())
                        .children(elements),
                )
            }
        }
    };
    properties.iter().map(tag).collect()
}

pub(super) fn connection(connection: &ComponentConnection) -> Tag {
    Tag::new("connection")
        .attribute("refId", &connection.id)
        .attribute("connectionManagerID", &connection.connection_manager)
        .attribute("connectionManagerRefId", &connection.connection_manager)
        .attribute("name", &connection.name)
}

fn input(input: &Input, type_of: &dyn Fn(&InputColumn) -> Option<DataType>) -> Tag {
    let columns = input.columns.iter();
    let columns = columns.map(|column| input_column(column, type_of(column)));
    let tag = Tag::new("input").attribute("refId", &input.id);
    dispositions(
        tag,
        input.error_row_disposition,
        input.truncation_row_disposition,
    )
    .unless("false", "hasSideEffects", lower(input.has_side_effects))
    .attribute("name", &input.name)
    .group("properties", properties(&input.properties))
    .group("inputColumns", columns.collect())
    .group(
        "externalMetadataColumns",
        externals(&input.external_columns),
    )
}

/// `cached` is its type, as it arrives.
pub(super) fn input_column(column: &InputColumn, cached: Option<DataType>) -> Tag {
    let mut tag = Tag::new("inputColumn").attribute("refId", &column.id);
    if let Some(cached) = cached {
        let shape = cached.shape();
        tag = tag
            .unless("0", "cachedCodepage", shape.code_page.to_string())
            .attribute("cachedDataType", cached.xml_name())
            .unless("0", "cachedLength", shape.length.to_string())
            .attribute("cachedName", &column.name)
            .unless("0", "cachedPrecision", shape.precision.to_string())
            .unless("0", "cachedScale", shape.scale.to_string());
    } else {
        tag = tag.attribute("cachedName", &column.name);
    }
    let usage = match column.usage {
        UsageType::ReadOnly => "readOnly",
        UsageType::ReadWrite => "readWrite",
        UsageType::Ignored => "ignored",
    };
    dispositions(
        tag,
        column.error_row_disposition,
        column.truncation_row_disposition,
    )
    .unless(
        "",
        "externalMetadataColumnId",
        column.external_column_id.clone().unwrap_or_default(),
    )
    .attribute("lineageId", &column.lineage_id.0)
    .unless("readOnly", "usageType", usage)
    .group("properties", properties(&column.properties))
}

pub(super) fn output(output: &Output) -> Tag {
    let tag = Tag::new("output").attribute("refId", &output.id);
    let columns = output.columns.iter().map(output_column).collect();
    dispositions(
        tag,
        output.error_row_disposition,
        output.truncation_row_disposition,
    )
    .unless("0", "exclusionGroup", output.exclusion_group.to_string())
    .unless("false", "isErrorOut", lower(output.is_error))
    .unless("false", "isSorted", lower(output.is_sorted))
    .attribute("name", &output.name)
    .unless(
        "",
        "synchronousInputId",
        output.synchronous_input_id.clone().unwrap_or_default(),
    )
    .group("properties", properties(&output.properties))
    .group("outputColumns", columns)
    .group(
        "externalMetadataColumns",
        externals(&output.external_columns),
    )
}

pub(super) fn output_column(column: &OutputColumn) -> Tag {
    let tag = Tag::new("outputColumn").attribute("refId", &column.id);
    let tag = data_type(tag, column.data_type);
    dispositions(
        tag,
        column.error_row_disposition,
        column.truncation_row_disposition,
    )
    .unless("0", "comparisonFlags", column.comparison_flags.to_string())
    .unless(
        "",
        "externalMetadataColumnId",
        column.external_column_id.clone().unwrap_or_default(),
    )
    .attribute("lineageId", &column.lineage_id.0)
    .attribute("name", &column.name)
    .unless("0", "sortKeyPosition", column.sort_key_position.to_string())
    .unless("0", "specialFlags", column.special_flags.to_string())
    .group("properties", properties(&column.properties))
}

fn externals(columns: &[ExternalColumn]) -> Vec<Tag> {
    columns.iter().map(external_column).collect()
}

pub(super) fn external_column(column: &ExternalColumn) -> Tag {
    data_type(
        Tag::new("externalMetadataColumn").attribute("refId", &column.id),
        column.data_type,
    )
    .attribute("name", &column.name)
    .group("properties", properties(&column.properties))
}

pub(super) fn path(path: &DataPath) -> Tag {
    Tag::new("path")
        .attribute("refId", &path.id)
        .attribute("endId", &path.end_id)
        .attribute("name", &path.name)
        .attribute("startId", &path.start_id)
}

fn data_type(tag: Tag, data_type: DataType) -> Tag {
    let shape = data_type.shape();
    tag.unless("0", "codePage", shape.code_page.to_string())
        .attribute("dataType", data_type.xml_name())
        .unless("0", "length", shape.length.to_string())
        .unless("0", "precision", shape.precision.to_string())
        .unless("0", "scale", shape.scale.to_string())
}

fn dispositions(tag: Tag, error: Disposition, truncation: Disposition) -> Tag {
    tag.unless("NotUsed", "errorRowDisposition", error.xml_name())
        .unless("NotUsed", "truncationRowDisposition", truncation.xml_name())
}

fn lower(value: bool) -> String {
    boolean(value).to_ascii_lowercase()
}
