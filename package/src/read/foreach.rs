//! The enumerator of a Foreach loop and its variable mappings.

use crate::{
    Element, Error, ForeachItem, ForeachLoop, ForeachMapping, Properties,
    read::{
        control_flow::read_property_expressions,
        shape::{collection, number, own_properties, text},
    },
};

/// The enumerator of a container; `None` if it has none.
pub(super) fn read_foreach(container: Element<'_>) -> Result<Option<ForeachLoop>, Error> {
    let Some(enumerator) = container.child("ForEachEnumerator") else {
        return Ok(None);
    };
    let payload = enumerator
        .child("ObjectData")
        .and_then(|data| data.children().next());
    let mut properties = Properties::default();
    for element in payload
        .iter()
        .flat_map(|payload| std::iter::once(*payload).chain(payload.children()))
    {
        for property in own_properties(element).iter() {
            properties.push(property.clone());
        }
    }
    let mappings = collection(
        container,
        "ForEachVariableMappings",
        "ForEachVariableMapping",
    )
    .map(|mapping| {
        let own = own_properties(mapping);
        Ok(ForeachMapping {
            variable: text(&own, "VariableName"),
            value_index: number(mapping, &own, "ValueIndex", 0)?,
        })
    });
    Ok(Some(ForeachLoop {
        enumerator: text(&own_properties(enumerator), "CreationName"),
        element: payload
            .map(|payload| payload.local_name().to_owned())
            .unwrap_or_default(),
        properties,
        property_expressions: read_property_expressions(enumerator),
        mappings: mappings.collect::<Result<_, _>>()?,
        items: payload
            .iter()
            .flat_map(|payload| payload.children())
            .map(|item| ForeachItem {
                element: item.local_name().to_owned(),
                properties: own_properties(item),
                values: item.children().map(own_properties).collect(),
            })
            .collect(),
        xml: payload
            .map(|payload| payload.outer_xml().to_owned())
            .unwrap_or_default(),
    }))
}
