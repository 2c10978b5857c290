//! `pipeline`: components, their connections and properties, and the paths.

use crate::{
    Component, ComponentConnection, DataFlow, DataPath, Element, Error, Properties, Property,
    class::resolve_component,
    parse_bool,
    read::{
        column::{read_input, read_output},
        shape::{attribute, boolean, is_encrypted, number, own_properties, text},
    },
};

pub(super) fn read_data_flow(pipeline: Element<'_>) -> Result<DataFlow, Error> {
    Ok(DataFlow {
        components: items(pipeline, "components", "component")
            .map(read_component)
            .collect::<Result<_, _>>()?,
        paths: items(pipeline, "paths", "path").map(read_path).collect(),
        properties: own_properties(pipeline),
    })
}

/// Elements in a collection element.
pub(super) fn items<'a>(
    element: Element<'a>,
    group: &'a str,
    item: &'a str,
) -> impl Iterator<Item = Element<'a>> {
    element
        .children()
        .filter(move |child| child.local_name() == group)
        .flat_map(Element::children)
        .filter(move |child| child.local_name() == item)
}

/// `refId` in formats 6/8, the integer `id` in 2/3.
pub(super) fn id(own: &Properties) -> String {
    own.get("refId")
        .or_else(|| own.get("id"))
        .unwrap_or_default()
        .to_owned()
}

fn read_component(element: Element<'_>) -> Result<Component, Error> {
    let own = own_properties(element);
    let properties = read_properties(element);
    let class_id = text(&own, "componentClassID");
    let contact_info = text(&own, "contactInfo");
    let locale: i64 = number(element, &own, "localeId", -1)?;
    Ok(Component {
        id: id(&own),
        name: text(&own, "name"),
        class: resolve_component(
            &class_id,
            properties.get("UserComponentTypeName"),
            &contact_info,
        ),
        class_id,
        description: text(&own, "description"),
        contact_info,
        version: number(element, &own, "version", 0)?,
        // -1: that of the task.
        locale_id: u32::try_from(locale).ok(),
        uses_dispositions: boolean(element, &own, "usesDispositions", false)?,
        properties,
        connections: items(element, "connections", "connection")
            .map(read_connection)
            .collect(),
        inputs: items(element, "inputs", "input")
            .map(read_input)
            .collect::<Result<_, _>>()?,
        outputs: items(element, "outputs", "output")
            .map(read_output)
            .collect::<Result<_, _>>()?,
    })
}

/// The `properties` of a component, an input, an output or a column.
pub(super) fn read_properties(element: Element<'_>) -> Properties {
    Properties::new(
        items(element, "properties", "property")
            .map(read_property)
            .collect(),
    )
}

fn read_property(element: Element<'_>) -> Property {
    let elements = items(element, "arrayElements", "arrayElement");
    Property {
        name: attribute(element, "name"),
        value: if is_encrypted(element) {
            String::new()
        } else {
            element.text().into_owned()
        },
        data_type: attribute(element, "dataType"),
        elements: elements.map(|item| item.text().into_owned()).collect(),
        contains_id: parse_bool(&attribute(element, "containsID")) == Some(true),
    }
}

fn read_connection(element: Element<'_>) -> ComponentConnection {
    let own = own_properties(element);
    let reference = |name: &str| {
        let text = own.get(name).unwrap_or_default();
        let bare = [":external", ":invalid"]
            .iter()
            .find_map(|suffix| text.strip_suffix(suffix));
        bare.unwrap_or(text).to_owned()
    };
    let (manager, ref_id) = (
        reference("connectionManagerID"),
        reference("connectionManagerRefId"),
    );
    let (connection_manager, ref_id) = match (manager.starts_with('{'), ref_id.is_empty()) {
        (true, false) => (manager, Some(ref_id)),
        (false, false) => (ref_id, None),
        (_, true) => (manager, None),
    };
    ComponentConnection {
        id: id(&own),
        name: text(&own, "name"),
        connection_manager,
        ref_id,
    }
}

fn read_path(element: Element<'_>) -> DataPath {
    let own = own_properties(element);
    DataPath {
        id: id(&own),
        name: text(&own, "name"),
        start_id: text(&own, "startId"),
        end_id: text(&own, "endId"),
    }
}
