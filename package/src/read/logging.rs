//! Log providers, logging options and configurations.

use crate::{
    Configuration, Element, Error, LogProvider, LoggingOptions,
    read::shape::{attribute, collection, number, own_properties, text},
};

pub(crate) fn read_log_provider(element: Element<'_>) -> LogProvider {
    let properties = own_properties(element);
    LogProvider {
        name: text(&properties, "ObjectName"),
        class_id: text(&properties, "CreationName"),
        connection: text(&properties, "ConfigString"),
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
    }))
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
