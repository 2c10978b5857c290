//! Variables and parameters of one run: typed values by container scope.
//!
//! A name is looked up in the container that asks, then in those around it; a nearer definition hides an outer one
//! (spec `ssis-matrix.md` section 11). Object variables hold record batches.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use dtsx::{DataType, Executable, Package, Parameter, SsisCode, Variable};
use fletching_components::{Finding, FindingKind, Findings};
use fletching_expression::Scalar;

use crate::{
    RunError,
    prepare::locale,
    scoped_variables::ScopedVariables,
    stored_value::{converted, parse, variable_type},
    system_variables,
};

/// All variables of a package.
#[derive(Debug, Clone, Default)]
pub struct VariableStore {
    pub(crate) entries: Vec<Entry>,
    /// LCID of the package, by which the expressions of variables read and write text.
    pub(crate) locale_id: u32,
    /// Until the package runs: tasks may give variables other values before an expression reads them.
    pub(crate) may_change: bool,
    /// Paths of the containers and tasks, the package first.
    containers: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Path of the container that defines it.
    pub(crate) scope: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Empty for what has none.
    pub(crate) dtsid: String,
    pub(crate) value: Value,
    pub(crate) expression: Option<String>,
    /// Holds anything.
    pub(crate) is_object: bool,
    /// Why nothing in a data flow may set it.
    pub(crate) locked: Option<&'static str>,
    /// Whether a change of it is an event.
    pub(crate) raises: bool,
    /// Is not to be written down anywhere.
    pub(crate) sensitive: bool,
    /// Whether it was said that its expression hides a value that it was given.
    pub(crate) told: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Scalar(Scalar),
    /// DBNull, or an Object that nothing was assigned to.
    Nothing,
    /// Of this type, but the package does not give it, for this reason.
    Missing(DataType, &'static str),
    Batches {
        schema: SchemaRef,
        batches: Arc<Vec<RecordBatch>>,
    },
}

impl VariableStore {
    /// Variables of all containers, parameters, and the system variables. A stored value that does not fit its type is a
    /// finding.
    pub fn new(
        package: &Package,
        parameters: &[Parameter],
        system: &BTreeMap<String, Scalar>,
        findings: &mut Findings,
    ) -> Self {
        let mut store = Self {
            locale_id: locale(package.root().properties.int("LocaleID"), None),
            ..Self::default()
        };
        store.add_container(package.root(), "", findings);
        let root = package.root().path.clone();
        let own = package
            .parameters()
            .iter()
            .map(|parameter| ("$Package", parameter));
        for (namespace, parameter) in
            own.chain(parameters.iter().map(|parameter| ("$Project", parameter)))
        {
            let missing = match parameter.value.is_empty() {
                true if parameter.required => {
                    Some("is required and the package has no value for it: give one with `--param`")
                }
                true if parameter.sensitive => Some(
                    "is sensitive, and the package has no value for it that can be read: give it with `--param`",
                ),
                _ => None,
            };
            let value = typed(parameter.data_type, &parameter.value, missing);
            let value = value.unwrap_or_else(|message| {
                let path = format!("{root}.Parameters[{namespace}::{}]", parameter.name);
                findings.push(invalid(path, "Parameter", message));
                Value::Missing(DataType::Null, NOT_VALID)
            });
            let locked = Some("is a parameter");
            store.push(&root, (namespace, &parameter.name), value, None, locked);
            store.identify(&parameter.dtsid);
        }
        for (name, value) in system {
            store.push_system(&root, name, value.clone());
        }
        store.add_system(package.root(), system_variables::of_package(package));
        store
    }

    fn add_container(&mut self, container: &Executable, parent: &str, findings: &mut Findings) {
        self.containers.push(container.path.clone());
        for variable in &container.variables {
            self.add_variable(&container.path, variable, findings);
        }
        if !container.path.is_empty() {
            self.add_system(container, system_variables::of_task(container, parent));
        }
        for handler in &container.event_handlers {
            self.add_container(&handler.container, &container.dtsid, findings);
            self.add_handler(&handler.container.path);
        }
        container
            .executables
            .iter()
            .for_each(|child| self.add_container(child, &container.dtsid, findings));
    }

    /// The system variables that tell a handler of its event.
    fn add_handler(&mut self, path: &str) {
        for (name, value, locked) in system_variables::of_event(None, "") {
            self.push_system(path, name, value);
            if let Some(entry) = self.entries.last_mut().filter(|_| !locked) {
                entry.locked = None;
            }
        }
    }

    /// Gives a system variable of the container or task at `path` its value.
    pub(crate) fn set_system(&mut self, path: &str, name: &str, value: Scalar) {
        let mut entries = self.entries.iter_mut();
        let found = entries
            .find(|entry| entry.scope == path && entry.namespace == "System" && entry.name == name);
        if let Some(entry) = found {
            entry.value = Value::Scalar(value);
        }
    }

    fn add_system(&mut self, container: &Executable, values: Vec<(&str, Scalar)>) {
        for (name, value) in values {
            self.push_system(&container.path, name, value);
        }
    }

    fn push_system(&mut self, scope: &str, name: &str, value: Scalar) {
        let locked = Some("is a system variable");
        self.push(scope, ("System", name), Value::Scalar(value), None, locked);
    }

    fn add_variable(&mut self, scope: &str, variable: &Variable, findings: &mut Findings) {
        let sealed = (variable.sensitive && variable.value.is_empty())
            .then_some("is sensitive, and the package has no value for it that can be read: give it with `--set`");
        let value = typed(variable.data_type, &variable.value, sealed);
        let value = value.unwrap_or_else(|message| {
            let path = format!(
                "{scope}.Variables[{}::{}]",
                variable.namespace, variable.name
            );
            findings.push(invalid(path, "Variable", message));
            Value::Missing(DataType::Null, NOT_VALID)
        });
        let expression = variable
            .expression
            .clone()
            .filter(|_| variable.evaluate_as_expression);
        let locked = variable.read_only.then_some("is read-only");
        let name = (variable.namespace.as_str(), variable.name.as_str());
        self.push(scope, name, value, expression, locked);
        self.identify(&variable.dtsid);
        if let Some(entry) = self.entries.last_mut() {
            entry.raises = variable.raise_changed_event;
            entry.sensitive = variable.sensitive;
        }
    }

    /// The DTSID of the variable that was pushed last.
    fn identify(&mut self, dtsid: &str) {
        if let Some(entry) = self.entries.last_mut() {
            dtsid.clone_into(&mut entry.dtsid);
        }
    }

    fn push(
        &mut self,
        scope: &str,
        (namespace, name): (&str, &str),
        value: Value,
        expression: Option<String>,
        locked: Option<&'static str>,
    ) {
        self.entries.push(Entry {
            scope: scope.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            dtsid: String::new(),
            is_object: matches!(value, Value::Nothing),
            value,
            expression,
            locked,
            raises: false,
            sensitive: false,
            told: false,
        });
    }

    /// Sets a parameter from text, in its own type. `name` is `P`, `$Package::P` or `$Project::P`.
    pub fn set_parameter(&mut self, name: &str, text: &str, package: &str) -> Result<(), RunError> {
        let is_parameter = |entry: &Entry| matches!(&*entry.namespace, "$Package" | "$Project");
        let (namespace, bare) = split(name);
        let found: Vec<usize> = self.positions(|entry| {
            is_parameter(entry)
                && entry.name == bare
                && namespace.is_none_or(|namespace| entry.namespace == namespace)
        });
        match found[..] {
            [index] => self.set_text("parameter", index, name, text),
            [] => Err(self.unknown("parameter", name, package, is_parameter)),
            _ => Err(RunError::BadValue {
                what: "parameter",
                name: name.to_owned(),
                message: format!(
                    "both the package and the project have it: write `$Package::{bare}` or `$Project::{bare}`"
                ),
            }),
        }
    }

    /// Sets a variable from text, in its own type: the one called `name` as the container at `scope` sees it.
    pub fn set_variable(
        &mut self,
        scope: &str,
        name: &str,
        text: &str,
        package: &str,
    ) -> Result<(), RunError> {
        let same = |path: &&String| path.eq_ignore_ascii_case(scope);
        let Some(scope) = self.containers.iter().find(same).cloned() else {
            return Err(RunError::UnknownOverride {
                what: "container or task",
                name: scope.to_owned(),
                package: package.to_owned(),
                known: self.containers.clone(),
            });
        };
        let (namespace, bare) = split(name);
        match self.find(&scope, namespace, bare) {
            Some(index) if self.entries[index].namespace == "System" => Err(RunError::BadValue {
                what: "variable",
                name: name.to_owned(),
                message: "is a system variable, which cannot be set".to_owned(),
            }),
            Some(index) => self.set_text("variable", index, name, text),
            None => Err(self.unknown("variable", name, package, |entry| {
                entry.namespace != "System" && is_within(&scope, &entry.scope)
            })),
        }
    }

    /// The parameters of the project, as they stand.
    pub(crate) fn project_values(&self) -> Vec<(String, Value)> {
        let entries = self.entries.iter();
        entries
            .filter(|entry| entry.namespace == "$Project")
            .map(|entry| (entry.name.clone(), entry.value.clone()))
            .collect()
    }

    /// Gives the parameters of the project the values that they have in another package of it.
    pub(crate) fn take_project_values(&mut self, values: &[(String, Value)]) {
        let entries = self.entries.iter_mut();
        for entry in entries.filter(|entry| entry.namespace == "$Project") {
            if let Some((_, value)) = values.iter().find(|(name, _)| *name == entry.name) {
                entry.value = value.clone();
            }
        }
    }

    /// Gives a parameter of the package a value, in its own type; where there is none of this name, a variable of the
    /// package, which is told by `false`.
    ///
    /// # Errors
    /// There is none of this name, or it cannot have that value.
    pub(crate) fn assign_parameter(&mut self, name: &str, value: &Scalar) -> Result<bool, String> {
        let bare = split(name).1;
        let root = self.containers.first().cloned().unwrap_or_default();
        let place = |namespace: &str| {
            let mut entries = self.entries.iter();
            entries.position(|entry| {
                entry.namespace == namespace && entry.name == bare && entry.scope == root
            })
        };
        let parameter = place("$Package");
        let found = parameter.or_else(|| place("User"));
        let found = found.ok_or("the package has no such parameter")?;
        let entry = &mut self.entries[found];
        let data_type = match &entry.value {
            Value::Scalar(scalar) => scalar.data_type,
            Value::Missing(data_type, _) => *data_type,
            Value::Nothing | Value::Batches { .. } => value.data_type,
        };
        entry.value = Value::Scalar(converted(&value.array, value.data_type, data_type)?);
        Ok(parameter.is_some())
    }

    /// Why a configuration has no effect on a variable: it is read-only, or its expression hides the value.
    pub(crate) fn fixed(&self, scope: &str, name: &str) -> Option<&'static str> {
        let (namespace, bare) = split(name);
        let index = self.find(scope, namespace, bare)?;
        self.entries[index]
            .locked
            .or_else(|| self.hiding(scope, name))
    }

    fn positions(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<usize> {
        let entries = self.entries.iter().enumerate();
        entries
            .filter(|(_, entry)| wanted(entry))
            .map(|(index, _)| index)
            .collect()
    }

    fn unknown(
        &self,
        what: &'static str,
        name: &str,
        package: &str,
        candidate: impl Fn(&Entry) -> bool,
    ) -> RunError {
        let known = self.entries.iter().filter(|entry| candidate(entry));
        RunError::UnknownOverride {
            what,
            name: name.to_owned(),
            package: package.to_owned(),
            known: known
                .map(|entry| format!("{}::{}", entry.namespace, entry.name))
                .collect(),
        }
    }

    fn set_text(
        &mut self,
        what: &'static str,
        index: usize,
        name: &str,
        text: &str,
    ) -> Result<(), RunError> {
        let data_type = match &self.entries[index].value {
            Value::Scalar(scalar) => scalar.data_type,
            Value::Missing(data_type, _) => *data_type,
            Value::Nothing | Value::Batches { .. } => DataType::WStr { length: 4000 },
        };
        let value = parse(text, data_type).map_err(|message| RunError::BadValue {
            what,
            name: name.to_owned(),
            message,
        })?;
        self.entries[index].value = Value::Scalar(value);
        Ok(())
    }

    /// The batches of an Object variable.
    pub fn batches(&self, name: &str) -> Option<(SchemaRef, Arc<Vec<RecordBatch>>)> {
        let (namespace, bare) = split(name);
        self.entries.iter().find_map(|entry| match &entry.value {
            Value::Batches { schema, batches }
                if entry.name == bare
                    && namespace.is_none_or(|namespace| entry.namespace == namespace) =>
            {
                Some((Arc::clone(schema), Arc::clone(batches)))
            }
            _ => None,
        })
    }

    /// The nearest definition seen from the container `scope`.
    pub(crate) fn find(&self, scope: &str, namespace: Option<&str>, name: &str) -> Option<usize> {
        self.entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| {
                entry.name == name
                    && namespace.is_none_or(|namespace| entry.namespace == namespace)
                    && is_within(scope, &entry.scope)
            })
            .max_by_key(|(index, entry)| (entry.scope.len(), std::cmp::Reverse(*index)))
            .map(|(index, _)| index)
    }

    /// LCID of the package.
    pub(crate) fn locale_id(&self) -> u32 {
        self.locale_id
    }

    /// The variables as a container sees them. Each expression of a variable is evaluated once, however many mention it.
    pub fn scope(self: &Arc<Self>, path: &str) -> ScopedVariables {
        ScopedVariables::new(Arc::clone(self), path)
    }
}

/// Whether the container at `path` is that at `scope`, or inside it; handlers are inside what they belong to.
pub(crate) fn is_within(path: &str, scope: &str) -> bool {
    path.strip_prefix(scope).is_some_and(|rest| {
        rest.is_empty() || rest.starts_with('\\') || rest.starts_with(".EventHandlers[")
    })
}

/// `User::X` -> (`User`, `X`); `X` -> (none, `X`).
pub(crate) fn split(name: &str) -> (Option<&str>, &str) {
    let bare = name
        .strip_prefix("@[")
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(name);
    match bare.split_once("::") {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, bare),
    }
}

const NOT_VALID: &str = "has a stored value that is not valid";

/// A value as the package stores it; `missing`: why it stores none.
fn typed(vartype: u16, text: &str, missing: Option<&'static str>) -> Result<Value, String> {
    Ok(match (variable_type(vartype)?, missing) {
        (None, _) => Value::Nothing,
        (Some(data_type), Some(why)) => Value::Missing(data_type, why),
        (Some(data_type), None) => Value::Scalar(parse(text, data_type)?),
    })
}

fn invalid(path: String, class: &str, message: String) -> Finding {
    Finding {
        path,
        class: class.to_owned(),
        kind: FindingKind::Invalid,
        code: Some(SsisCode::VALIDATION_FAILED),
        message,
    }
}

#[cfg(test)]
mod tests {
    use fletching_components::Variables;

    use super::*;

    /// A package of LCID 1045 with a DateTime variable and two expressions.
    const PACKAGE: &str = r#"<?xml version="1.0"?>
<DTS:Executable xmlns:DTS="www.microsoft.com/SqlServer/Dts" DTS:refId="Package" DTS:ExecutableType="Microsoft.Package" DTS:ObjectName="Package" DTS:LocaleID="1045">
<DTS:Property DTS:Name="PackageFormatVersion">8</DTS:Property>
<DTS:Variables>
<DTS:Variable DTS:Namespace="User" DTS:ObjectName="From"><DTS:VariableValue DTS:DataType="7">6/2/2020 10:27:29 AM</DTS:VariableValue></DTS:Variable>
<DTS:Variable DTS:Namespace="User" DTS:ObjectName="Text" DTS:EvaluateAsExpression="True" DTS:Expression="(DT_WSTR,30)@[User::From] + &quot; &quot; + (DT_WSTR,10)1.5E0"><DTS:VariableValue DTS:DataType="8"></DTS:VariableValue></DTS:Variable>
<DTS:Variable DTS:Namespace="User" DTS:ObjectName="Next" DTS:EvaluateAsExpression="True" DTS:Expression="DATEADD(&quot;dd&quot;,1,@[User::From])"><DTS:VariableValue DTS:DataType="7">6/3/2020</DTS:VariableValue></DTS:Variable>
</DTS:Variables>
</DTS:Executable>"#;

    #[test]
    fn moments_are_ole_dates_and_their_text_is_the_packages() {
        let package = Package::read(PACKAGE.as_bytes()).unwrap();
        let mut findings = Findings::default();
        let store = VariableStore::new(&package, &[], &BTreeMap::new(), &mut findings);
        let store = Arc::new(store);
        assert!(findings.is_empty(), "{findings:?}");
        let scope = store.scope(&package.root().path);
        let value = |name| scope.value(Some("User"), name).unwrap();
        assert_eq!(value("From").data_type, DataType::Date);
        assert_eq!(value("Text").to_string(), "02.06.2020 10:27:29 1,5");
        assert_eq!(value("Next").data_type, DataType::Date);
        assert_eq!(value("Next").to_string(), "2020-06-03 10:27:29");
    }
}
