//! Reference ids: how format 8 names the objects of a package (spec `dtsx-format.md` section 4 rule 2).

/// Of a connection manager of the package.
pub fn connection_manager_id(name: &str) -> String {
    format!("Package.ConnectionManagers[{name}]")
}

/// Of a component of a Data Flow task.
pub fn component_id(task: &str, name: &str) -> String {
    format!("{task}\\{name}")
}

/// Of an input of a component.
pub fn input_id(component: &str, name: &str) -> String {
    format!("{component}.Inputs[{name}]")
}

/// Of an output of a component.
pub fn output_id(component: &str, name: &str) -> String {
    format!("{component}.Outputs[{name}]")
}

/// Of a column of an input or output.
pub fn column_id(owner: &str, name: &str) -> String {
    format!("{owner}.Columns[{name}]")
}

/// Of a column of the outside world, of an input or output.
pub fn external_column_id(owner: &str, name: &str) -> String {
    format!("{owner}.ExternalColumns[{name}]")
}

/// Of a component's reference to a connection manager.
pub fn connection_id(component: &str, name: &str) -> String {
    format!("{component}.Connections[{name}]")
}
