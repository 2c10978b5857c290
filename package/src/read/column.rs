//! Inputs, outputs and their columns.

use crate::{
    DataType, Disposition, Element, Error, ExternalColumn, Input, InputColumn, LineageId, Output,
    OutputColumn, Properties, UsageType,
    read::{
        data_flow::{id, items, read_properties},
        shape::{boolean, number, own_properties, text, value_error},
    },
};

pub(super) fn read_input(element: Element<'_>) -> Result<Input, Error> {
    let own = own_properties(element);
    Ok(Input {
        id: id(&own),
        name: text(&own, "name"),
        has_side_effects: boolean(element, &own, "hasSideEffects", false)?,
        error_row_disposition: disposition(element, &own, "errorRowDisposition")?,
        truncation_row_disposition: disposition(element, &own, "truncationRowDisposition")?,
        properties: read_properties(element),
        columns: items(element, "inputColumns", "inputColumn")
            .map(read_input_column)
            .collect::<Result<_, _>>()?,
        external_columns: read_external_columns(element)?,
    })
}

pub(super) fn read_output(element: Element<'_>) -> Result<Output, Error> {
    let own = own_properties(element);
    Ok(Output {
        id: id(&own),
        name: text(&own, "name"),
        is_error: boolean(element, &own, "isErrorOut", false)?,
        synchronous_input_id: reference(&own, "synchronousInputId"),
        exclusion_group: number(element, &own, "exclusionGroup", 0)?,
        is_sorted: boolean(element, &own, "isSorted", false)?,
        error_row_disposition: disposition(element, &own, "errorRowDisposition")?,
        truncation_row_disposition: disposition(element, &own, "truncationRowDisposition")?,
        properties: read_properties(element),
        columns: items(element, "outputColumns", "outputColumn")
            .map(read_output_column)
            .collect::<Result<_, _>>()?,
        external_columns: read_external_columns(element)?,
    })
}

fn read_input_column(element: Element<'_>) -> Result<InputColumn, Error> {
    let own = own_properties(element);
    let usage = text(&own, "usageType");
    Ok(InputColumn {
        id: id(&own),
        name: own
            .get("cachedName")
            .or_else(|| own.get("name"))
            .unwrap_or_default()
            .to_owned(),
        lineage_id: LineageId(text(&own, "lineageId")),
        usage: match usage.to_ascii_lowercase().as_str() {
            "" | "readonly" => UsageType::ReadOnly,
            "readwrite" => UsageType::ReadWrite,
            "ignored" => UsageType::Ignored,
            _ => {
                return Err(value_error(
                    element,
                    "usageType",
                    &usage,
                    "readOnly, readWrite or ignored",
                ));
            }
        },
        external_column_id: reference(&own, "externalMetadataColumnId"),
        error_row_disposition: disposition(element, &own, "errorRowDisposition")?,
        truncation_row_disposition: disposition(element, &own, "truncationRowDisposition")?,
        properties: read_properties(element),
    })
}

fn read_output_column(element: Element<'_>) -> Result<OutputColumn, Error> {
    let own = own_properties(element);
    Ok(OutputColumn {
        id: id(&own),
        name: text(&own, "name"),
        lineage_id: LineageId(text(&own, "lineageId")),
        data_type: data_type(element, &own)?,
        sort_key_position: number(element, &own, "sortKeyPosition", 0)?,
        comparison_flags: number(element, &own, "comparisonFlags", 0)?,
        special_flags: number(element, &own, "specialFlags", 0)?,
        external_column_id: reference(&own, "externalMetadataColumnId"),
        error_row_disposition: disposition(element, &own, "errorRowDisposition")?,
        truncation_row_disposition: disposition(element, &own, "truncationRowDisposition")?,
        properties: read_properties(element),
    })
}

fn read_external_columns(element: Element<'_>) -> Result<Vec<ExternalColumn>, Error> {
    items(element, "externalMetadataColumns", "externalMetadataColumn")
        .map(|column| {
            let own = own_properties(column);
            Ok(ExternalColumn {
                id: id(&own),
                name: text(&own, "name"),
                data_type: data_type(column, &own)?,
                properties: read_properties(column),
            })
        })
        .collect()
}

/// An id; 0 and an empty text mean none.
fn reference(own: &Properties, name: &str) -> Option<String> {
    own.get(name)
        .filter(|id| !["", "0"].contains(id))
        .map(str::to_owned)
}

fn data_type(element: Element<'_>, own: &Properties) -> Result<DataType, Error> {
    let name = text(own, "dataType");
    DataType::from_xml(
        &name,
        number(element, own, "length", 0)?,
        number(element, own, "precision", 0)?,
        number(element, own, "scale", 0)?,
        number(element, own, "codePage", 0)?,
    )
    .ok_or_else(|| {
        value_error(
            element,
            "dataType",
            &name,
            "the name of a data flow type (wstr, i4, dbTimeStamp, ...)",
        )
    })
}

fn disposition(element: Element<'_>, own: &Properties, name: &str) -> Result<Disposition, Error> {
    let found = own.get(name).unwrap_or_default();
    match found.to_ascii_lowercase().as_str() {
        "" | "notused" => Ok(Disposition::NotUsed),
        "failcomponent" => Ok(Disposition::FailComponent),
        "ignorefailure" => Ok(Disposition::IgnoreFailure),
        "redirectrow" => Ok(Disposition::RedirectRow),
        _ => Err(value_error(
            element,
            name,
            found,
            "NotUsed, FailComponent, IgnoreFailure or RedirectRow",
        )),
    }
}
