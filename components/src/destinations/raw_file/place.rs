//! Which file a raw file source or destination means: its `AccessMode`, `FileName` and `FileNameVariable`.

use std::path::PathBuf;

use dtsx::SsisCode;
use fletching_connections::Connections;

use crate::{Binding, Finding, flow::FlowError};

/// The file's name as the package has it.
pub(crate) fn file_name(binding: &Binding<'_>) -> Result<String, Finding> {
    let properties = &binding.component.properties;
    let named = |property: &str| {
        let value = properties.get(property).unwrap_or_default().trim();
        match value.is_empty() {
            true => Err(binding.finding(format!("{property} is empty: name a file there"))),
            false => Ok(value.to_owned()),
        }
    };
    match properties.int("AccessMode").unwrap_or(0) {
        0 => named("FileName"),
        1 => {
            let variable = named("FileNameVariable")?;
            let (namespace, name) = match variable.split_once("::") {
                Some((namespace, name)) => (Some(namespace), name),
                None => (None, variable.as_str()),
            };
            let missing = |why: String| {
                let mut finding =
                    binding.finding(format!("FileNameVariable: variable `{variable}` {why}"));
                finding.code = Some(SsisCode::VARIABLE_NOT_FOUND);
                finding
            };
            match binding.variables.value(namespace, name) {
                Some(value) if !value.to_string().trim().is_empty() => Ok(value.to_string()),
                Some(_) => Err(missing("is empty: it should hold a file name".to_owned())),
                None => Err(missing(
                    binding
                        .variables
                        .fault(namespace, name)
                        .unwrap_or_else(|| "does not exist".to_owned()),
                )),
            }
        }
        other => Err(binding.finding(format!(
            "AccessMode {other} is neither 0 (file name) nor 1 (file name from a variable)"
        ))),
    }
}

/// The local file of that name.
pub(crate) fn local_file(
    connections: &Connections,
    component: &str,
    name: &str,
) -> Result<PathBuf, FlowError> {
    connections.path_map.resolve(name).map_err(|error| {
        let code = Some(SsisCode::CANNOT_ACQUIRE_CONNECTION);
        FlowError::new(component, code, error.to_string())
    })
}
