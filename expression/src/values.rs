//! Names with values, given by hand: what `fletch eval` and case files evaluate expressions over.
//!
//! ```text
//!  User::X:DT_I4=5          a variable        Name:DT_WSTR(10)=abc    a column of one row
//! ```

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BinaryViewArray, RecordBatch, RecordBatchOptions, StringViewArray, UInt32Array,
    },
    compute::take,
    datatypes::Schema,
    error::ArrowError,
};
use dtsx::DataType;

use crate::{ColumnReference, ConvertOptions, Scalar, Scope, convert, syntax, types};

/// Columns and variables with a value each.
#[derive(Debug, Clone, Default)]
pub struct Values {
    columns: Vec<(String, Scalar)>,
    variables: Vec<(Option<String>, String, Scalar)>,
    locale_id: u32,
}

/// A name, type or value that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// There is no such type.
    #[error("`{text}` is no type: {reason}")]
    Type {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The text is no value of the type.
    #[error("`{text}` is no value of {data_type}{}", code.map(|code| format!(" ({})", code.symbol())).unwrap_or_default())]
    Value {
        /// What was given.
        text: String,
        /// What it should be.
        data_type: DataType,
        /// Why the conversion failed.
        code: Option<dtsx::SsisCode>,
    },
    /// The text is not the bytes of the type.
    #[error("`{text}` is no value of {data_type}: bytes are written 0x0102, and no more than fit")]
    Bytes {
        /// What was given.
        text: String,
        /// What it should be.
        data_type: DataType,
    },
    /// The parts of a binding are not there.
    #[error("`{0}`: write NAME:TYPE=VALUE, such as User::Total:DT_I4=5")]
    Form(String),
}

impl Values {
    /// None yet; `locale_id` is the LCID by which text becomes dates.
    pub fn new(locale_id: u32) -> Self {
        Self {
            locale_id,
            ..Self::default()
        }
    }

    /// Adds a column.
    pub fn add_column(&mut self, name: &str, value: Scalar) {
        self.columns.push((name.to_owned(), value));
    }

    /// Adds a variable or parameter: `Total`, `User::Total`, `$Project::Region`.
    pub fn add_variable(&mut self, name: &str, value: Scalar) {
        let (namespace, name) = match name.split_once("::") {
            Some((namespace, name)) => (Some(namespace.to_owned()), name),
            None => (None, name),
        };
        self.variables.push((namespace, name.to_owned(), value));
    }

    /// Name and value of `NAME:TYPE=VALUE`, of a column. `NULL` is NULL; a value may stand in double quotes.
    ///
    /// # Errors
    /// [`ValueError`] if a part is missing or does not fit.
    pub fn parse_binding(text: &str, locale_id: u32) -> Result<(&str, Scalar), ValueError> {
        let (name, data_type, value) = split_binding(text)?;
        Ok((name, parse_value(value, data_type, locale_id)?))
    }

    /// As [`parse_binding`](Self::parse_binding), of a variable: its text may be longer than a column can hold.
    ///
    /// # Errors
    /// As [`parse_binding`](Self::parse_binding).
    pub fn parse_variable(text: &str, locale_id: u32) -> Result<(&str, Scalar), ValueError> {
        let (name, data_type, value) = split_binding(text)?;
        let is_long = value.encode_utf16().count() > LENGTH_MAX;
        let scalar = match data_type {
            DataType::WStr { length } if is_long && length as usize == LENGTH_MAX => Scalar {
                data_type,
                array: Arc::new(StringViewArray::from(vec![unquoted(value)])),
            },
            _ => parse_value(value, data_type, locale_id)?,
        };
        Ok((name, scalar))
    }

    /// The columns as a batch whose `rows` rows are all the same.
    ///
    /// # Errors
    /// None that a value of [`parse_value`] can cause.
    pub fn batch(&self, rows: usize) -> Result<RecordBatch, ArrowError> {
        let fields: Vec<_> = self
            .columns
            .iter()
            .map(|(name, value)| types::field(name, &value.data_type))
            .collect();
        let first = UInt32Array::from(vec![0; rows]);
        let columns = self
            .columns
            .iter()
            .map(|(_, value)| take(&value.array, &first, None));
        let columns = columns.collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
    }
}

/// Characters of the longest DT_WSTR that has its length in its type.
const LENGTH_MAX: usize = 4000;

/// Characters of a value that a message shows.
const SHOWN_MAX: usize = 60;

/// Name, type and value. A name may have blanks and `=` in it: it goes to the first colon with a type behind it.
fn split_binding(text: &str) -> Result<(&str, DataType, &str), ValueError> {
    let form = || ValueError::Form(shown(text));
    let typed = |colon: usize| {
        let (kind, value) = text.get(colon + 1..)?.split_once('=')?;
        Some((text.get(..colon)?, kind, value))
    };
    let colons = text.match_indices(':').map(|(colon, _)| colon);
    for (name, kind, value) in colons.filter_map(typed) {
        if !name.trim().is_empty()
            && let Ok(data_type) = parse_type(kind, value)
        {
            return Ok((name, data_type, value));
        }
    }
    // What is wrong with the type, if there is one.
    let (left, value) = text.split_once('=').ok_or_else(form)?;
    let (name, kind) = left.rsplit_once(':').ok_or_else(form)?;
    // `User::X=5` has no type: what is before the last colon ends in one.
    if name.is_empty() || name.ends_with(':') {
        return Err(form());
    }
    Ok((name, parse_type(kind, value)?, value))
}

/// The beginning of a text that is too long for a message, and how long it is.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!(
            "{}... ({} characters)",
            text.get(..end).unwrap_or_default(),
            text.chars().count()
        ),
        None => text.to_owned(),
    }
}

fn unquoted(text: &str) -> &str {
    let quoted = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    quoted.unwrap_or(text)
}

/// `DT_WSTR(10)`, `DT_WSTR,10` or `wstr(10)`; a text without a length has that of `value`, one without a code page 1252.
///
/// # Errors
/// [`ValueError::Type`].
pub fn parse_type(text: &str, value: &str) -> Result<DataType, ValueError> {
    let wrong = |reason: String| ValueError::Type {
        text: text.to_owned(),
        reason,
    };
    let flat = text.trim().trim_end_matches(')').replace('(', ",");
    let mut parts = flat.split(',').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_uppercase();
    let name = match name.starts_with("DT_") {
        true => name,
        false => format!("DT_{name}"),
    };
    let mut arguments = parts
        .map(|part| {
            part.parse()
                .map_err(|_| wrong(format!("`{part}` is no number")))
        })
        .collect::<Result<Vec<u32>, _>>()?;
    let length = value.encode_utf16().count().clamp(1, LENGTH_MAX) as u32;
    match (name.as_str(), arguments.len()) {
        ("DT_WSTR", 0) => arguments.push(length),
        // `0x` and two digits a byte.
        ("DT_BYTES", 0) => arguments.push((length.saturating_sub(2) / 2).max(1)),
        ("DT_STR", 0) => arguments.extend([length, 1252]),
        ("DT_STR", 1) | ("DT_TEXT", 0) => arguments.push(1252),
        ("DT_NUMERIC", 0) => arguments.extend([18, 0]),
        ("DT_NUMERIC", 1) | ("DT_DECIMAL", 0) => arguments.push(0),
        ("DT_DBTIME2" | "DT_DBTIMESTAMP2" | "DT_DBTIMESTAMPOFFSET", 0) => arguments.push(7),
        _ => {}
    }
    syntax::data_type(&name, &arguments, true).map_err(|(_, reason)| wrong(reason))
}

/// A value of a type from text: `NULL`, or what a cast takes, with or without double quotes around it.
///
/// # Errors
/// [`ValueError::Value`].
pub fn parse_value(text: &str, data_type: DataType, locale_id: u32) -> Result<Scalar, ValueError> {
    if text == "NULL" {
        return Ok(Scalar::null(data_type));
    }
    let value = unquoted(text);
    let wrong = |code| ValueError::Value {
        text: shown(value),
        data_type,
        code,
    };
    if let DataType::Bytes { .. } | DataType::Image = data_type {
        return parse_bytes(value, data_type).ok_or_else(|| ValueError::Bytes {
            text: shown(value),
            data_type,
        });
    }
    let array: ArrayRef = Arc::new(StringViewArray::from(vec![value]));
    let from = DataType::WStr {
        length: value.encode_utf16().count() as u32,
    };
    let options = ConvertOptions::cast(locale_id);
    let converted = convert(&array, &from, &data_type, &options).map_err(|_| wrong(None))?;
    match converted.errors.first() {
        Some(failure) => Err(wrong(Some(failure.code))),
        None => Ok(Scalar {
            data_type,
            array: converted.array,
        }),
    }
}

/// `0x0102`: pairs of hexadecimal digits.
fn parse_bytes(text: &str, data_type: DataType) -> Option<Scalar> {
    let mut bytes = Vec::new();
    text.trim()
        .starts_with("0x")
        .then(|| crate::text::parse_hex(text.as_bytes(), &mut bytes))?
        .ok()?;
    match data_type {
        DataType::Bytes { length } if bytes.len() > length as usize => None,
        _ => Some(Scalar {
            data_type,
            array: Arc::new(BinaryViewArray::from(vec![bytes.as_slice()])),
        }),
    }
}

impl Values {
    /// The columns that a reference can mean. A column called `Source.Name` comes from `Source`; a lineage id may have been
    /// given with its `#`.
    fn meant(&self, reference: &ColumnReference) -> Vec<usize> {
        let is_meant = |known: &str| match reference {
            ColumnReference::Name {
                source: Some(source),
                name,
            } => known
                .strip_prefix(source.as_str())
                .and_then(|rest| rest.strip_prefix('.'))
                .is_some_and(|rest| rest == name),
            ColumnReference::Name { source: None, name } => {
                known == name
                    || known
                        .strip_suffix(name.as_str())
                        .is_some_and(|rest| rest.ends_with('.'))
            }
            ColumnReference::Lineage(id) => {
                known == id
                    || known.strip_prefix('#').is_some_and(|known| {
                        let inside = known
                            .strip_prefix('{')
                            .and_then(|one| one.strip_suffix('}'));
                        inside.unwrap_or(known) == id
                    })
            }
        };
        let columns = self.columns.iter().enumerate();
        let mut meant: Vec<usize> = columns
            .filter(|(_, (known, _))| is_meant(known))
            .map(|(at, _)| at)
            .collect();
        // A column of exactly this name is the one.
        if let ColumnReference::Name { source: None, name } = reference
            && let Some(exact) = self.columns.iter().position(|(known, _)| known == name)
        {
            meant = vec![exact];
        }
        meant
    }
}

impl Scope for Values {
    fn column(&self, reference: &ColumnReference) -> Option<(usize, DataType)> {
        match self.meant(reference)[..] {
            [at] => Some((at, self.columns[at].1.data_type)),
            _ => None,
        }
    }

    fn candidates(&self, reference: &ColumnReference) -> Vec<String> {
        let meant = self.meant(reference).into_iter();
        meant.map(|at| self.columns[at].0.clone()).collect()
    }

    fn has_long_texts(&self) -> bool {
        self.columns.is_empty()
    }

    /// A name without a namespace is in any; a variable without one is in `User`.
    fn variable(&self, namespace: Option<&str>, name: &str) -> Option<Scalar> {
        let found = self.variables.iter().find(|(space, known, _)| {
            known == name
                && (namespace.is_none()
                    || space.as_deref().unwrap_or("User") == namespace.unwrap_or("User"))
        });
        found.map(|(_, _, value)| value.clone())
    }

    fn locale_id(&self) -> u32 {
        self.locale_id
    }

    fn column_names(&self) -> Vec<String> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }

    fn variable_names(&self) -> Vec<String> {
        let names = self
            .variables
            .iter()
            .map(|(namespace, name, _)| match namespace {
                Some(namespace) => format!("{namespace}::{name}"),
                None => name.clone(),
            });
        names.collect()
    }
}
