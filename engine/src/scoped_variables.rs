//! The variables as one container or task sees them: the nearest definition of a name, and what expressions give.

use std::{collections::HashMap, sync::Arc};

use dtsx::SsisCode;
use fletching_components::Variables;
use fletching_expression::{Parsed, Scalar, parse};
use parking_lot::Mutex;

use crate::{
    VariableStore,
    control_flow::{evaluate_assigned, qualified, type_of},
    stored_value::{converted, held},
    variables::{Entry, Value, is_within},
};

/// Variables seen from one container or task, as they stood when it looked.
#[derive(Debug, Clone)]
pub struct ScopedVariables {
    store: Arc<VariableStore>,
    path: String,
    depth: usize,
    /// The variable whose expression looks: in it, its own name is the value that it holds.
    own: Option<usize>,
    /// What the expressions of variables gave.
    evaluated: Arc<Mutex<HashMap<usize, Result<Scalar, String>>>>,
}

impl ScopedVariables {
    pub(crate) fn new(store: Arc<VariableStore>, path: &str) -> Self {
        Self {
            store,
            path: path.to_owned(),
            depth: 0,
            own: None,
            evaluated: Arc::default(),
        }
    }

    /// The value, or why there is none.
    fn evaluate(&self, index: usize) -> Result<Scalar, String> {
        let entry = &self.store.entries[index];
        if let Some(expression) = &entry.expression
            && self.own != Some(index)
        {
            if self.depth >= EXPRESSION_DEPTH_MAX {
                return Err("depends on too many others through its expression".to_owned());
            }
            // Found by whoever asks while it is being evaluated.
            let itself = Err("depends on itself through its expression".to_owned());
            if let Some(known) = self.known(index, itself) {
                return known;
            }
            let inner = ScopedVariables {
                store: Arc::clone(&self.store),
                path: entry.scope.clone(),
                depth: self.depth + 1,
                own: Some(index),
                evaluated: Arc::clone(&self.evaluated),
            };
            let value = inner
                .of_expression(index, expression)
                .and_then(held)
                .map_err(|error| format!("has an expression that fails: {error}"));
            self.evaluated.lock().insert(index, value.clone());
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

    /// What the expression of a variable gives. Packages have it as an assignment too, to the variable itself.
    fn of_expression(&self, index: usize, expression: &str) -> Result<Scalar, String> {
        let parsed = parse(expression).map_err(|error| error.to_string())?;
        if let Some((namespace, name)) = parsed.target()
            && self.find(namespace, name) != Some(index)
        {
            let code = SsisCode::EXPRESSION_SINGLE_EQUAL;
            return Err(format!(
                "it sets `{}`, and the expression of a variable can set that variable alone: write == to compare, or \
                 set the other in an Expression Task [{code}] at character 1 of `{expression}`",
                qualified(namespace, name)
            ));
        }
        evaluate_assigned(&parsed, self, self.store.locale_id).or_else(|error| {
            let stands_in = match self.store.may_change && !parsed.variables().is_empty() {
                true => self.stand_in(index, &parsed),
                false => None,
            };
            stands_in.ok_or_else(|| error.to_string())
        })
    }

    /// For an expression that fails until tasks have set the variables that it names: the value that was stored with it.
    fn stand_in(&self, index: usize, parsed: &Parsed) -> Option<Scalar> {
        let data_type = type_of(parsed, self, self.store.locale_id).ok()?;
        match &self.store.entries[index].value {
            Value::Scalar(stored) => converted(&stored.array, stored.data_type, data_type).ok(),
            _ => None,
        }
    }

    /// What is known of a variable; else notes `meanwhile`.
    fn known(
        &self,
        index: usize,
        meanwhile: Result<Scalar, String>,
    ) -> Option<Result<Scalar, String>> {
        let mut evaluated = self.evaluated.lock();
        let known = evaluated.get(&index).cloned();
        if known.is_none() {
            evaluated.insert(index, meanwhile);
        }
        known
    }

    fn find(&self, namespace: Option<&str>, name: &str) -> Option<usize> {
        self.store.find(&self.path, namespace, name)
    }

    fn entry(&self, namespace: Option<&str>, name: &str) -> Option<&Entry> {
        self.store.entries.get(self.find(namespace, name)?)
    }
}

/// Whether an id means a variable, or a parameter: as a variable it has the id of the parameter with the second group
/// complemented. (Seen in packages of several makers; documented nowhere.)
fn is_meant(entry: &Entry, dtsid: &str) -> bool {
    let is_parameter = entry.namespace.starts_with('$');
    entry.dtsid.eq_ignore_ascii_case(dtsid)
        || is_parameter
            && complemented(&entry.dtsid).is_some_and(|id| id.eq_ignore_ascii_case(dtsid))
}

/// `{C59DB554-C641-...}` -> `{C59DB554-39BE-...}`.
fn complemented(dtsid: &str) -> Option<String> {
    let (first, rest) = dtsid.split_once('-')?;
    let (second, rest) = rest.split_once('-')?;
    let second = u16::from_str_radix(second, 16).ok()?;
    Some(format!("{first}-{:04X}-{rest}", !second))
}

/// An expression may name variables that are expressions, so deep at most.
const EXPRESSION_DEPTH_MAX: usize = 32;

impl Variables for ScopedVariables {
    fn value(&self, namespace: Option<&str>, name: &str) -> Option<Scalar> {
        self.evaluate(self.find(namespace, name)?).ok()
    }

    fn fault(&self, namespace: Option<&str>, name: &str) -> Option<String> {
        self.evaluate(self.find(namespace, name)?).err()
    }

    fn locked(&self, namespace: Option<&str>, name: &str) -> Option<String> {
        self.entry(namespace, name)?.locked.map(str::to_owned)
    }

    fn may_change(&self) -> bool {
        self.store.may_change
    }

    fn names(&self) -> Vec<String> {
        let within = self.store.entries.iter();
        let within = within.filter(|entry| is_within(&self.path, &entry.scope));
        let mut names: Vec<String> = Vec::new();
        for entry in within {
            // A name of several scopes is one name.
            let name = format!("{}::{}", entry.namespace, entry.name);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    fn name_of(&self, dtsid: &str) -> Option<String> {
        let entry = self
            .store
            .entries
            .iter()
            .filter(|entry| is_within(&self.path, &entry.scope))
            .find(|entry| !entry.dtsid.is_empty() && is_meant(entry, dtsid))?;
        Some(format!("{}::{}", entry.namespace, entry.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_parameter_as_a_variable() {
        let id = complemented("{C59DB554-C641-4CD7-AA23-0D33A0BE1973}");
        assert_eq!(
            id.as_deref(),
            Some("{C59DB554-39BE-4CD7-AA23-0D33A0BE1973}")
        );
        assert_eq!(complemented("none"), None);
    }
}
