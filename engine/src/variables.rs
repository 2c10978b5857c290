//! Variables and parameters of one run: typed values by container scope.
//!
//! A name is looked up in the container that asks, then in those around it; a nearer definition hides an outer one
//! (spec `ssis-matrix.md` section 11). Object variables hold record batches.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, RecordBatch},
    datatypes::SchemaRef,
};
use dtsx::{DataType, Executable, Package, Parameter, SsisCode, Variable};
use fletching_components::{Finding, FindingKind, Findings, Variables};
use fletching_expression::Scalar;
use parking_lot::Mutex;

use crate::{
    RunError,
    prepare::locale,
    stored_value::{converted, held, parse, variable_type},
    system_variables,
};

/// All variables of a package.
#[derive(Debug, Default)]
pub struct VariableStore {
    entries: Vec<Entry>,
    /// LCID of the package, by which the expressions of variables read and write text.
    locale_id: u32,
    /// Paths of the containers and tasks, the package first.
    containers: Vec<String>,
    /// What the expressions of variables gave since [`scope`](Self::scope): each is evaluated once, however many mention it.
    evaluated: Mutex<HashMap<usize, Result<Scalar, String>>>,
}

#[derive(Debug, Clone)]
struct Entry {
    /// Path of the container that defines it.
    scope: String,
    namespace: String,
    name: String,
    /// Empty for what has none.
    dtsid: String,
    value: Value,
    expression: Option<String>,
    /// Holds anything.
    is_object: bool,
    /// Why nothing in a data flow may set it.
    locked: Option<&'static str>,
}

#[derive(Debug, Clone)]
enum Value {
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
        store.add_container(package.root(), findings);
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

    fn add_container(&mut self, container: &Executable, findings: &mut Findings) {
        self.containers.push(container.path.clone());
        for variable in &container.variables {
            self.add_variable(&container.path, variable, findings);
        }
        if !container.path.is_empty() {
            self.add_system(container, system_variables::of_task(container));
        }
        container
            .executables
            .iter()
            .for_each(|child| self.add_container(child, findings));
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
        let locked = match expression {
            Some(_) => Some("takes its value from an expression (EvaluateAsExpression)"),
            None => variable.read_only.then_some("is read-only"),
        };
        let name = (variable.namespace.as_str(), variable.name.as_str());
        self.push(scope, name, value, expression, locked);
        self.identify(&variable.dtsid);
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
        self.entries[index].expression = None;
        Ok(())
    }

    /// The value of a variable once a component has set it to `text` (a row count), in the variable's own type.
    ///
    /// # Errors
    /// Why it cannot have that value.
    pub(crate) fn assigned(
        &self,
        scope: &str,
        name: &str,
        text: &str,
    ) -> Result<Assignment, String> {
        let index = self.settable(scope, name)?;
        let data_type = match &self.entries[index].value {
            Value::Scalar(scalar) => scalar.data_type,
            Value::Missing(data_type, _) => *data_type,
            Value::Nothing | Value::Batches { .. } => {
                return Err(format!("variable `{name}` is an Object"));
            }
        };
        let value = parse(text, data_type)
            .map_err(|message| format!("variable `{name}` cannot take it: {message}"))?;
        Ok(Assignment(index, Value::Scalar(value)))
    }

    /// As [`assigned`](Self::assigned), with the batches of a recordset.
    pub(crate) fn assigned_batches(
        &self,
        scope: &str,
        name: &str,
        schema: SchemaRef,
        batches: Arc<Vec<RecordBatch>>,
    ) -> Result<Assignment, String> {
        let index = self.settable(scope, name)?;
        Ok(Assignment(index, Value::Batches { schema, batches }))
    }

    /// The value of a variable once a task has set it to the first value of `array`, in the variable's own type; an Object
    /// takes it as it is.
    ///
    /// # Errors
    /// Why it cannot have that value.
    pub(crate) fn assigned_value(
        &self,
        scope: &str,
        name: &str,
        data_type: DataType,
        array: &ArrayRef,
    ) -> Result<Assignment, String> {
        let index = self.settable(scope, name)?;
        let entry = &self.entries[index];
        if let Some(why) = entry.locked {
            return Err(format!("variable `{name}` cannot be set: it {why}"));
        }
        let wanted = match &entry.value {
            _ if entry.is_object => {
                let array = array.slice(0, 1);
                let value = match array.is_null(0) {
                    true => Value::Nothing,
                    false => Value::Scalar(Scalar { data_type, array }),
                };
                return Ok(Assignment(index, value));
            }
            Value::Scalar(scalar) => scalar.data_type,
            Value::Missing(data_type, _) => *data_type,
            Value::Nothing | Value::Batches { .. } => data_type,
        };
        let value = converted(array, data_type, wanted)
            .map_err(|message| format!("variable `{name}` cannot take it: {message}"))?;
        Ok(Assignment(index, Value::Scalar(value)))
    }

    fn settable(&self, scope: &str, name: &str) -> Result<usize, String> {
        let (namespace, bare) = split(name);
        let index = self.find(scope, namespace, bare);
        index.ok_or_else(|| format!("variable `{name}` is not in scope"))
    }

    pub(crate) fn assign(&mut self, Assignment(index, value): Assignment) {
        self.entries[index].value = value;
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
    fn find(&self, scope: &str, namespace: Option<&str>, name: &str) -> Option<usize> {
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

    /// The variables as a container sees them.
    pub fn scope<'a>(&'a self, path: &'a str) -> ScopedVariables<'a> {
        self.evaluated.lock().clear();
        ScopedVariables {
            store: self,
            path,
            depth: 0,
        }
    }
}

/// A new value and the place of its variable.
#[derive(Debug)]
pub(crate) struct Assignment(usize, Value);

/// What a component or task hands to a variable; the variable's name and how to say its value.
pub(crate) type Handed = (Assignment, (String, String));

/// Variables seen from one container or task.
#[derive(Debug, Clone, Copy)]
pub struct ScopedVariables<'a> {
    store: &'a VariableStore,
    path: &'a str,
    depth: usize,
}

impl ScopedVariables<'_> {
    /// The value, or why there is none.
    fn evaluate(&self, index: usize) -> Result<Scalar, String> {
        let entry = &self.store.entries[index];
        if let Some(expression) = &entry.expression {
            if self.depth >= EXPRESSION_DEPTH_MAX {
                return Err("depends on too many others through its expression".to_owned());
            }
            // Found by whoever asks while it is being evaluated.
            let itself = Err("depends on itself through its expression".to_owned());
            if let Some(known) = self.known(index, itself) {
                return known;
            }
            let inner = ScopedVariables {
                store: self.store,
                path: &entry.scope,
                depth: self.depth + 1,
            };
            let value = crate::control_flow::evaluate(expression, &inner, self.store.locale_id)
                .map_err(|error| error.to_string())
                .and_then(held)
                .map_err(|error| format!("has an expression that fails: {error}"));
            self.store.evaluated.lock().insert(index, value.clone());
            return value;
        }
        match &entry.value {
            Value::Scalar(scalar) => Ok(scalar.clone()),
            Value::Missing(_, why) => Err((*why).to_owned()),
            Value::Nothing | Value::Batches { .. } => {
                Err("is an Object, which expressions cannot read".to_owned())
            }
        }
    }

    /// What is known of a variable; else notes `meanwhile`.
    fn known(
        &self,
        index: usize,
        meanwhile: Result<Scalar, String>,
    ) -> Option<Result<Scalar, String>> {
        let mut evaluated = self.store.evaluated.lock();
        let known = evaluated.get(&index).cloned();
        if known.is_none() {
            evaluated.insert(index, meanwhile);
        }
        known
    }

    fn find(&self, namespace: Option<&str>, name: &str) -> Option<usize> {
        self.store.find(self.path, namespace, name)
    }

    fn entry(&self, namespace: Option<&str>, name: &str) -> Option<&Entry> {
        self.store.entries.get(self.find(namespace, name)?)
    }
}

/// An expression may name variables that are expressions, so deep at most.
const EXPRESSION_DEPTH_MAX: usize = 32;

impl Variables for ScopedVariables<'_> {
    fn value(&self, namespace: Option<&str>, name: &str) -> Option<Scalar> {
        self.evaluate(self.find(namespace, name)?).ok()
    }

    fn fault(&self, namespace: Option<&str>, name: &str) -> Option<String> {
        self.evaluate(self.find(namespace, name)?).err()
    }

    fn locked(&self, namespace: Option<&str>, name: &str) -> Option<String> {
        self.entry(namespace, name)?.locked.map(str::to_owned)
    }

    fn names(&self) -> Vec<String> {
        self.store
            .entries
            .iter()
            .filter(|entry| is_within(self.path, &entry.scope))
            .map(|entry| format!("{}::{}", entry.namespace, entry.name))
            .collect()
    }

    fn name_of(&self, dtsid: &str) -> Option<String> {
        let entry = self
            .store
            .entries
            .iter()
            .filter(|entry| is_within(self.path, &entry.scope))
            .find(|entry| !entry.dtsid.is_empty() && entry.dtsid.eq_ignore_ascii_case(dtsid))?;
        Some(format!("{}::{}", entry.namespace, entry.name))
    }
}

/// Whether the container at `path` is that at `scope`, or inside it.
fn is_within(path: &str, scope: &str) -> bool {
    path.strip_prefix(scope)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('\\'))
}

/// `User::X` -> (`User`, `X`); `X` -> (none, `X`).
fn split(name: &str) -> (Option<&str>, &str) {
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
        assert!(findings.is_empty(), "{findings:?}");
        let scope = store.scope(&package.root().path);
        let value = |name| scope.value(Some("User"), name).unwrap();
        assert_eq!(value("From").data_type, DataType::Date);
        assert_eq!(value("Text").to_string(), "02.06.2020 10:27:29 1,5");
        assert_eq!(value("Next").data_type, DataType::Date);
        assert_eq!(value("Next").to_string(), "2020-06-03 10:27:29");
    }
}
