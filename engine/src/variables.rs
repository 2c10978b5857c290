//! Variables and parameters of one run: typed values by container scope.
//!
//! A name is looked up in the container that asks, then in those around it; a nearer definition hides an outer one
//! (spec `ssis-matrix.md` section 11). Object variables hold record batches.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{ArrayRef, BooleanArray, RecordBatch, StringViewArray},
    datatypes::SchemaRef,
};
use dtsx::{DataType, Executable, Package, Parameter, Variable};
use fletching_components::Variables;
use fletching_expression::{ConvertOptions, Scalar, convert};

use crate::{RunError, system_variables};

/// All variables of a package.
#[derive(Debug, Clone, Default)]
pub struct VariableStore {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    /// Path of the container that defines it.
    scope: String,
    namespace: String,
    name: String,
    value: Value,
    expression: Option<String>,
}

#[derive(Debug, Clone)]
enum Value {
    Scalar(Scalar),
    /// DBNull, or an Object that nothing was assigned to.
    Nothing,
    Batches {
        schema: SchemaRef,
        batches: Arc<Vec<RecordBatch>>,
    },
}

impl VariableStore {
    /// Variables of all containers, parameters, and the system variables.
    pub fn new(
        package: &Package,
        parameters: &[Parameter],
        system: &BTreeMap<String, Scalar>,
    ) -> Result<Self, RunError> {
        let mut store = Self::default();
        store.add_container(package.root())?;
        let root = package.root().path.clone();
        let own = package
            .parameters()
            .iter()
            .map(|parameter| ("$Package", parameter));
        for (namespace, parameter) in
            own.chain(parameters.iter().map(|parameter| ("$Project", parameter)))
        {
            let value = typed(
                "parameter",
                &parameter.name,
                parameter.data_type,
                &parameter.value,
            )?;
            store.push(&root, namespace, &parameter.name, value, None);
        }
        for (name, value) in system {
            store.push(&root, "System", name, Value::Scalar(value.clone()), None);
        }
        store.add_system(package.root(), system_variables::of_package(package));
        Ok(store)
    }

    fn add_container(&mut self, container: &Executable) -> Result<(), RunError> {
        for variable in &container.variables {
            self.add_variable(&container.path, variable)?;
        }
        if !container.path.is_empty() {
            self.add_system(container, system_variables::of_task(container));
        }
        container
            .executables
            .iter()
            .try_for_each(|child| self.add_container(child))
    }

    fn add_system(&mut self, container: &Executable, values: Vec<(&str, Scalar)>) {
        for (name, value) in values {
            self.push(&container.path, "System", name, Value::Scalar(value), None);
        }
    }

    fn add_variable(&mut self, scope: &str, variable: &Variable) -> Result<(), RunError> {
        let value = typed(
            "variable",
            &variable.name,
            variable.data_type,
            &variable.value,
        )?;
        let expression = variable
            .expression
            .clone()
            .filter(|_| variable.evaluate_as_expression);
        self.push(
            scope,
            &variable.namespace,
            &variable.name,
            value,
            expression,
        );
        Ok(())
    }

    fn push(
        &mut self,
        scope: &str,
        namespace: &str,
        name: &str,
        value: Value,
        expression: Option<String>,
    ) {
        self.entries.push(Entry {
            scope: scope.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            value,
            expression,
        });
    }

    /// Sets a variable from text, in its own type. `name` is `X`, `User::X`, `$Package::P` or `$Project::P`.
    pub fn set_text(
        &mut self,
        what: &'static str,
        name: &str,
        text: &str,
        package: &str,
    ) -> Result<(), RunError> {
        let (namespace, bare) = split(name);
        let known = self
            .entries
            .iter()
            .filter(|entry| entry.namespace != "System");
        let known = known
            .map(|entry| format!("{}::{}", entry.namespace, entry.name))
            .collect();
        let found = self.entries.iter_mut().find(|entry| {
            entry.name == bare && namespace.is_none_or(|namespace| entry.namespace == namespace)
        });
        let Some(entry) = found else {
            let (name, package) = (name.to_owned(), package.to_owned());
            return Err(RunError::UnknownOverride {
                what,
                name,
                package,
                known,
            });
        };
        let data_type = match &entry.value {
            Value::Scalar(scalar) => scalar.data_type,
            _ => DataType::WStr { length: 4000 },
        };
        entry.value = Value::Scalar(parse(what, name, text, data_type)?);
        entry.expression = None;
        Ok(())
    }

    /// Assigns the result of a component (a row count) to a variable, in the variable's own type.
    pub(crate) fn assign(&mut self, scope: &str, name: &str, text: &str) -> Result<(), RunError> {
        let (namespace, bare) = split(name);
        let index = self.find(scope, namespace, bare);
        let Some(index) = index else {
            let (name, package) = (name.to_owned(), scope.to_owned());
            return Err(RunError::UnknownOverride {
                what: "variable",
                name,
                package,
                known: Vec::new(),
            });
        };
        if let Value::Scalar(scalar) = &self.entries[index].value {
            self.entries[index].value =
                Value::Scalar(parse("variable", name, text, scalar.data_type)?);
        }
        Ok(())
    }

    pub(crate) fn assign_batches(
        &mut self,
        scope: &str,
        name: &str,
        schema: SchemaRef,
        batches: Arc<Vec<RecordBatch>>,
    ) -> Result<(), RunError> {
        let (namespace, bare) = split(name);
        match self.find(scope, namespace, bare) {
            Some(index) => {
                self.entries[index].value = Value::Batches { schema, batches };
                Ok(())
            }
            None => Err(RunError::UnknownOverride {
                what: "variable",
                name: name.to_owned(),
                package: scope.to_owned(),
                known: Vec::new(),
            }),
        }
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
                    && (scope == entry.scope || scope.starts_with(&format!("{}\\", entry.scope)))
            })
            .max_by_key(|(index, entry)| (entry.scope.len(), std::cmp::Reverse(*index)))
            .map(|(index, _)| index)
    }

    /// The variables as a container sees them.
    pub fn scope<'a>(&'a self, path: &'a str) -> ScopedVariables<'a> {
        ScopedVariables {
            store: self,
            path,
            depth: 0,
        }
    }
}

/// Variables seen from one container or task.
#[derive(Debug, Clone, Copy)]
pub struct ScopedVariables<'a> {
    store: &'a VariableStore,
    path: &'a str,
    depth: usize,
}

impl ScopedVariables<'_> {
    /// The value, or why there is none.
    fn evaluate(&self, entry: &Entry) -> Result<Scalar, String> {
        if let Some(expression) = &entry.expression {
            if self.depth >= EXPRESSION_DEPTH_MAX {
                return Err("depends on itself through its expression".to_owned());
            }
            let inner = ScopedVariables {
                store: self.store,
                path: &entry.scope,
                depth: self.depth + 1,
            };
            return crate::control_flow::evaluate(expression, &inner)
                .map_err(|error| format!("has an expression that fails: {error}"));
        }
        match &entry.value {
            Value::Scalar(scalar) => Ok(scalar.clone()),
            Value::Nothing | Value::Batches { .. } => {
                Err("is an Object, which expressions cannot read".to_owned())
            }
        }
    }
}

/// An expression may name variables that are expressions; a cycle stops here.
const EXPRESSION_DEPTH_MAX: usize = 32;

impl Variables for ScopedVariables<'_> {
    fn value(&self, namespace: Option<&str>, name: &str) -> Option<Scalar> {
        self.evaluate(&self.store.entries[self.store.find(self.path, namespace, name)?])
            .ok()
    }

    fn fault(&self, namespace: Option<&str>, name: &str) -> Option<String> {
        self.evaluate(&self.store.entries[self.store.find(self.path, namespace, name)?])
            .err()
    }

    fn names(&self) -> Vec<String> {
        let visible = |entry: &&Entry| {
            self.path == entry.scope || self.path.starts_with(&format!("{}\\", entry.scope))
        };
        self.store
            .entries
            .iter()
            .filter(visible)
            .map(|entry| format!("{}::{}", entry.namespace, entry.name))
            .collect()
    }
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

/// A stored value in the type its VARTYPE names (spec `dtsx-format.md` section 3).
fn typed(what: &'static str, name: &str, vartype: u16, text: &str) -> Result<Value, RunError> {
    let data_type = match vartype {
        0 | 1 | 9 | 13 => return Ok(Value::Nothing),
        2 => DataType::I2,
        3 | 22 => DataType::I4,
        4 => DataType::R4,
        5 => DataType::R8,
        6 => DataType::Cy,
        7 => DataType::DbTimeStamp,
        8 => DataType::WStr { length: 4000 },
        11 => DataType::Bool,
        14 => DataType::Numeric {
            precision: 29,
            scale: 6,
        },
        16 => DataType::I1,
        17 => DataType::UI1,
        18 => DataType::UI2,
        19 | 23 => DataType::UI4,
        20 => DataType::I8,
        21 => DataType::UI8,
        other => {
            let message = format!("has the variable type {other}, which is not known");
            return Err(RunError::BadValue {
                what,
                name: name.to_owned(),
                message,
            });
        }
    };
    parse(what, name, text, data_type).map(Value::Scalar)
}

fn parse(
    what: &'static str,
    name: &str,
    text: &str,
    data_type: DataType,
) -> Result<Scalar, RunError> {
    let array: ArrayRef = match data_type {
        DataType::Bool => match dtsx::parse_bool(text) {
            Some(value) => Arc::new(BooleanArray::from(vec![value])),
            None => return Err(bad_value(what, name, text, data_type)),
        },
        DataType::WStr { .. } => Arc::new(StringViewArray::from(vec![text])),
        _ => {
            let text_array: ArrayRef = Arc::new(StringViewArray::from(vec![text.trim()]));
            let from = DataType::WStr { length: 4000 };
            let converted = convert(&text_array, &from, &data_type, &ConvertOptions::default())
                .map_err(|_| bad_value(what, name, text, data_type))?;
            if !converted.errors.is_empty() {
                return Err(bad_value(what, name, text, data_type));
            }
            converted.array
        }
    };
    Ok(Scalar { data_type, array })
}

fn bad_value(what: &'static str, name: &str, text: &str, data_type: DataType) -> RunError {
    let message = format!("`{text}` is not a value of type {data_type}");
    RunError::BadValue {
        what,
        name: name.to_owned(),
        message,
    }
}
