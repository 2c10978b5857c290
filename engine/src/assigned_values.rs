//! What tasks and components give to variables: values in the variables' own types, checked first and assigned then.
//!
//! ```text
//!  value of a task ──assigned*──▶ Assignment, or why there is none ──assign──▶ the variable holds it
//! ```

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use dtsx::DataType;
use fletching_expression::{ConvertOptions, Scalar, convert};

use crate::{
    VariableStore,
    stored_value::{converted, parse},
    variables::{Entry, Value, split},
};

/// A new value and the place of its variable.
#[derive(Debug)]
pub(crate) struct Assignment(usize, Value);

/// What a component or task hands to a variable; the variable's name and how to say its value.
pub(crate) type Handed = (Assignment, (String, String));

impl VariableStore {
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
        let (index, entry) = self.unlocked(scope, name)?;
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

    /// As [`assigned_value`](Self::assigned_value), of a value that is not known yet.
    ///
    /// # Errors
    /// Why it can have no value of that type.
    pub(crate) fn assignable(
        &self,
        scope: &str,
        name: &str,
        data_type: DataType,
    ) -> Result<(), String> {
        let (_, entry) = self.unlocked(scope, name)?;
        let wanted = match &entry.value {
            Value::Scalar(scalar) if !entry.is_object => scalar.data_type,
            Value::Missing(data_type, _) => *data_type,
            _ => return Ok(()),
        };
        if matches!(wanted, DataType::WStr { .. }) {
            return Ok(());
        }
        let options = ConvertOptions::default();
        let none = Scalar::null(data_type).array;
        match convert(&none, &data_type, &wanted, &options) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("variable `{name}` cannot take it: {error}")),
        }
    }

    /// What a variable that the container `scope` sees holds, expressions apart, and whether it is an Object.
    pub(crate) fn held(&self, scope: &str, name: &str) -> Option<(bool, &Value)> {
        let (namespace, bare) = split(name.trim());
        let entry = self.entries.get(self.find(scope, namespace, bare)?)?;
        Some((entry.is_object, &entry.value))
    }

    fn unlocked(&self, scope: &str, name: &str) -> Result<(usize, &Entry), String> {
        let index = self.settable(scope, name)?;
        let entry = &self.entries[index];
        match entry.locked {
            Some(why) => Err(format!("variable `{name}` cannot be set: it {why}")),
            None => Ok((index, entry)),
        }
    }

    fn settable(&self, scope: &str, name: &str) -> Result<usize, String> {
        let (namespace, bare) = split(name);
        let index = self.find(scope, namespace, bare);
        index.ok_or_else(|| format!("variable `{name}` is not in scope"))
    }

    /// Whether the assignment is an event (RaiseChangedEvent).
    pub(crate) fn raises(&self, Assignment(index, _): &Assignment) -> bool {
        self.entries[*index].raises
    }

    /// What is to be said of it, if anything.
    pub(crate) fn assign(&mut self, Assignment(index, value): Assignment) -> Option<String> {
        self.entries[index].value = value;
        self.tell_hiding(index)
    }
}
