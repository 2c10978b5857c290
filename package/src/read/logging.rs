//! Log providers, logging options and configurations.

use crate::{
    ColumnFilter, Configuration, Element, Error, LogProvider, LoggingOptions,
    read::{
        control_flow::read_property_expressions,
        shape::{attribute, boolean, collection, number, own_properties, text},
    },
};

pub(crate) fn read_log_provider(element: Element<'_>) -> LogProvider {
    let properties = own_properties(element);
    LogProvider {
        name: text(&properties, "ObjectName"),
        dtsid: text(&properties, "DTSID"),
        class_id: text(&properties, "CreationName"),
        connection: text(&properties, "ConfigString"),
        property_expressions: read_property_expressions(element),
    }
}

pub(crate) fn read_configuration(element: Element<'_>) -> Result<Configuration, Error> {
    let properties = own_properties(element);
    Ok(Configuration {
        name: text(&properties, "ObjectName"),
        configuration_type: number(element, &properties, "ConfigurationType", 0)?,
        configuration_string: text(&properties, "ConfigurationString"),
        variable: text(&properties, "ConfigurationVariable"),
    })
}

pub(super) fn read_logging_options(parent: Element<'_>) -> Result<Option<LoggingOptions>, Error> {
    let Some(element) = parent.child("LoggingOptions") else {
        return Ok(None);
    };
    let properties = own_properties(element);
    let providers = collection(element, "SelectedLogProviders", "SelectedLogProvider");
    Ok(Some(LoggingOptions {
        mode: number(element, &properties, "LoggingMode", 0)?,
        filter_kind: number(element, &properties, "FilterKind", 1)?,
        providers: providers
            .map(|provider| attribute(provider, "InstanceID"))
            .collect(),
        events: events(properties.get("EventFilter").unwrap_or_default()),
        columns: element
            .children()
            .filter(|child| {
                child.local_name() == "Property" && attribute(*child, "Name") == "ColumnFilter"
            })
            .map(read_column_filter)
            .collect::<Result<_, _>>()?,
    }))
}

/// A column that the file does not name is filled.
fn read_column_filter(element: Element<'_>) -> Result<ColumnFilter, Error> {
    let properties = own_properties(element);
    let flag = |name: &str| boolean(element, &properties, name, true);
    Ok(ColumnFilter {
        event: attribute(element, "EventName"),
        computer: flag("Computer")?,
        operator: flag("Operator")?,
        source_name: flag("SourceName")?,
        source_id: flag("SourceID")?,
        execution_id: flag("ExecutionID")?,
        message: flag("MessageText")?,
        data_bytes: flag("DataBytes")?,
    })
}

/// Names of `count,length,name,length,name,...`.
fn events(filter: &str) -> Vec<String> {
    filter
        .split(',')
        .skip(2)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}
