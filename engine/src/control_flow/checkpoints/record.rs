//! What a checkpoint file holds.
//!
//! It is JSON of our own: the id of the package, results of what has finished, what expressions of constraints gave, and
//! the variables. SSIS's own files are XML; they are told apart and refused.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayData, make_array},
    buffer::Buffer,
};
use fletching_expression::{Scalar, types};
use serde::{Deserialize, Serialize};

use crate::{
    ExecutionResult, VariableStore,
    stored_value::parse,
    variables::{Entry, Value},
};

/// First word of the file.
const KIND: &str = "fletching checkpoint 1";

/// A checkpoint.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Record {
    kind: String,
    /// DTSID.
    pub(super) package: String,
    pub(super) finished: Vec<Finished>,
    pub(super) constraints: Vec<Judged>,
    variables: Vec<Kept>,
}

/// A task or container that need not run again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Finished {
    pub(super) id: String,
    /// For who reads the file.
    path: String,
    result: String,
    /// Raised under it.
    pub(super) errors: u32,
}

/// What the expression of a constraint gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Judged {
    pub(super) constraint: String,
    pub(super) holds: bool,
}

/// The value of a variable.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    scope: String,
    name: String,
    text: String,
    /// The value itself, for types whose text may be less exact: bytes in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bits: Option<String>,
}

impl Record {
    pub(super) fn new(package: &str) -> Self {
        Self {
            kind: KIND.to_owned(),
            package: package.to_owned(),
            ..Self::default()
        }
    }

    /// # Errors
    /// Why it is no checkpoint, for a person.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let start = bytes.trim_ascii_start();
        if start.starts_with(b"<") || start.starts_with(b"\xEF\xBB\xBF<") {
            return Err("it is XML: a checkpoint of SSIS itself cannot be used here".to_owned());
        }
        let record: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        match record.kind == KIND {
            true => Ok(record),
            false => Err(format!("it begins with `{}`, not `{KIND}`", record.kind)),
        }
    }

    pub(super) fn written(&self) -> Result<Vec<u8>, String> {
        serde_json::to_vec_pretty(self).map_err(|error| error.to_string())
    }

    /// Notes the variables as they stand.
    pub(super) fn keep(&mut self, variables: &VariableStore) {
        let kept = variables.entries.iter().enumerate();
        let kept = kept.filter(|(index, entry)| is_kept(entry) && !variables.hides(*index));
        let kept = kept.filter_map(|(_, entry)| match &entry.value {
            Value::Scalar(value) => Some(Kept {
                scope: entry.scope.clone(),
                name: format!("{}::{}", entry.namespace, entry.name),
                text: value.to_string(),
                bits: bits(value),
            }),
            _ => None,
        });
        self.variables = kept.collect();
    }

    /// Gives the variables the values that they had.
    ///
    /// # Errors
    /// A value that is none of its variable, for a person.
    pub(super) fn restore(&self, variables: &mut VariableStore) -> Result<(), String> {
        for kept in &self.variables {
            let mut entries = variables.entries.iter_mut();
            let found = entries.find(|entry| {
                let name = kept.name.strip_prefix(entry.namespace.as_str());
                let name = name.and_then(|rest| rest.strip_prefix("::"));
                is_kept(entry) && entry.scope == kept.scope && name == Some(&entry.name)
            });
            // A variable that the package has lost since is nobody's loss.
            let Some(Entry {
                value: Value::Scalar(value),
                ..
            }) = found
            else {
                continue;
            };
            *value = kept
                .value(value)
                .map_err(|error| format!("variable `{}`: {error}", kept.name))?;
        }
        Ok(())
    }
}

impl Finished {
    pub(super) fn new(id: String, path: &str, result: ExecutionResult, errors: u32) -> Self {
        let result = match result {
            ExecutionResult::Success => "Success",
            ExecutionResult::Failure => "Failure",
            ExecutionResult::Canceled => "Canceled",
        };
        Self {
            id,
            path: path.to_owned(),
            result: result.to_owned(),
            errors,
        }
    }

    /// `None` for what is no result.
    pub(super) fn result(&self) -> Option<ExecutionResult> {
        match self.result.as_str() {
            "Success" => Some(ExecutionResult::Success),
            "Failure" => Some(ExecutionResult::Failure),
            "Canceled" => Some(ExecutionResult::Canceled),
            _ => None,
        }
    }
}

/// Neither system variables nor parameters, nor what cannot change; no secret is written down.
fn is_kept(entry: &Entry) -> bool {
    let own = !matches!(entry.namespace.as_str(), "System" | "$Package" | "$Project");
    own && entry.locked.is_none() && !entry.is_object && !entry.sensitive
}

/// The bytes of a value of a fixed width.
fn bits(value: &Scalar) -> Option<String> {
    let width = value.array.data_type().primitive_width()?;
    let data = value.array.slice(0, 1).to_data();
    let start = data.offset() * width;
    let bytes = data
        .buffers()
        .first()?
        .as_slice()
        .get(start..start + width)?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Kept {
    /// In the type of the value that the variable has.
    fn value(&self, now: &Scalar) -> Result<Scalar, String> {
        let from_text = parse(&self.text, now.data_type)?;
        let Some(bits) = &self.bits else {
            return Ok(from_text);
        };
        let wrong = || format!("`{bits}` is not a value of type {}", now.data_type);
        let arrow_type = types::arrow_type(&from_text.data_type);
        let digits = bits.as_bytes().chunks(2);
        let bytes = digits.map(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        });
        let bytes: Vec<u8> = bytes.collect::<Option<_>>().ok_or_else(wrong)?;
        if arrow_type.primitive_width() != Some(bytes.len()) {
            return Err(wrong());
        }
        let data = ArrayData::builder(arrow_type)
            .len(1)
            .align_buffers(true)
            .add_buffer(Buffer::from_vec(bytes))
            .build();
        let array = make_array(data.map_err(|_| wrong())?);
        Ok(Scalar {
            data_type: from_text.data_type,
            array: Arc::clone(&array),
        })
    }
}
