//! Components of the data flow.
//!
//! | a component is | it maps | its rows |
//! |---|---|---|
//! | [`Source`] | nothing to batches of its output | made |
//! | [`Synchronous`] | each batch to columns of as many rows, in parallel | kept: each goes to one output, fails, or is dropped and counted |
//! | [`Asynchronous`] | its inputs to batches of its output | combined |
//! | [`Destination`] | batches to somewhere | written, then committed |
//!
//! Batches arrive with the Arrow types of the design: text as `Utf8View`, `DT_NUMERIC` as `Decimal128`, dates as `Date32`,
//! and so on; the schemas in [`ComponentSpec`] say which, and the `DT_` type is in the metadata of their fields.

use std::fmt;

use arrow::{
    array::{ArrayRef, RecordBatch},
    datatypes::SchemaRef,
};

use crate::{Batches, ClassNames, CustomError, Properties};

/// What a component is in a data flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComponentKind {
    /// Makes rows.
    Source,
    /// Changes rows.
    Transform,
    /// Ends a flow.
    Destination,
}

/// A class of components.
pub trait ComponentClass: fmt::Debug + Send + Sync {
    /// By what packages name it.
    fn names(&self) -> &ClassNames;

    /// What its components are.
    fn kind(&self) -> ComponentKind;

    /// Properties that a component of this class has, with the values of a new one.
    fn properties(&self) -> Properties {
        Vec::new()
    }

    /// Inputs that a new component has.
    fn inputs(&self) -> Vec<String> {
        NewOutput::inputs_of(self.kind())
    }

    /// Outputs that a new component has: those of a source, those of a synchronous component, or none.
    fn outputs(&self) -> Vec<NewOutput> {
        NewOutput::of(self.kind())
    }

    /// Connections that a new component has, by the names that it gives them.
    fn connections(&self) -> Vec<String> {
        Vec::new()
    }

    /// Reads the settings of one component. Opens nothing.
    ///
    /// # Errors
    /// Every problem with them, each a sentence for a person.
    fn read(&self, component: &ComponentSpec) -> Result<Component, Vec<String>>;
}

/// An output of a new component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutput {
    /// Its name.
    pub name: String,
    /// The rows of the first input pass through.
    pub is_synchronous: bool,
    /// Rows that failed go here.
    pub is_error: bool,
}

impl NewOutput {
    /// Inputs beside [`NewOutput::of`].
    pub(crate) fn inputs_of(kind: ComponentKind) -> Vec<String> {
        match kind {
            ComponentKind::Source => Vec::new(),
            ComponentKind::Transform | ComponentKind::Destination => vec!["Input".to_owned()],
        }
    }

    /// Those of most components of a kind.
    pub(crate) fn of(kind: ComponentKind) -> Vec<Self> {
        match kind {
            ComponentKind::Source => vec![Self::asynchronous("Output")],
            ComponentKind::Transform => {
                vec![Self::synchronous("Output"), Self::error("Error Output")]
            }
            ComponentKind::Destination => Vec::new(),
        }
    }

    /// Of a synchronous component.
    pub fn synchronous(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            is_synchronous: true,
            is_error: false,
        }
    }

    /// Of a component that makes rows.
    pub fn asynchronous(name: impl Into<String>) -> Self {
        Self {
            is_synchronous: false,
            ..Self::synchronous(name)
        }
    }

    /// For the rows that failed.
    pub fn error(name: impl Into<String>) -> Self {
        Self {
            is_error: true,
            ..Self::synchronous(name)
        }
    }
}

/// One component of a package, its columns resolved.
#[derive(Debug, Clone)]
pub struct ComponentSpec {
    /// Its name in the package.
    pub name: String,
    /// `Package\Data Flow Task\Mask`.
    pub path: String,
    /// Custom properties.
    pub properties: Properties,
    /// Inputs that a path arrives at, in document order.
    pub inputs: Vec<InputSpec>,
    /// Outputs in document order, the error outputs among them.
    pub outputs: Vec<OutputSpec>,
    /// Its connection managers: the name that the component gives to each, and its connection string.
    pub connections: Vec<(String, String)>,
    /// The folder where relative file names of the package start.
    pub folder: String,
    /// LCID for linguistic order and parsing.
    pub locale_id: u32,
}

/// An input, or the columns that a component uses of it.
#[derive(Debug, Clone)]
pub struct InputSpec {
    /// Its name.
    pub name: String,
    /// The input columns that the package selects, in document order: the columns of the batches.
    pub schema: SchemaRef,
    /// The same columns with their custom properties.
    pub columns: Vec<Column>,
    /// Custom properties of the input.
    pub properties: Properties,
}

/// An output.
#[derive(Debug, Clone)]
pub struct OutputSpec {
    /// Its name.
    pub name: String,
    /// Rows that failed go here.
    pub is_error: bool,
    /// A path leads away from it.
    pub connected: bool,
    /// The columns that the component itself makes, in document order. What passes through a synchronous output from its
    /// input is not among them.
    pub schema: SchemaRef,
    /// The same columns with their custom properties.
    pub columns: Vec<Column>,
    /// Custom properties of the output.
    pub properties: Properties,
}

/// A column of an input or an output.
#[derive(Debug, Clone, Default)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The id by which properties of the package refer to it.
    pub id: String,
    /// The lineage id by which properties refer to it; they write it `#12`, `#{Package\..}` or as it is.
    pub lineage: String,
    /// The package lets the component give it new values (usage type read-write).
    pub replaced: bool,
    /// Custom properties.
    pub properties: Properties,
}

impl ComponentSpec {
    /// A custom property by name, whatever its case.
    pub fn property(&self, name: &str) -> Option<&str> {
        property(&self.properties, name)
    }
}

impl InputSpec {
    /// The position of the column that a reference in a property means: `#12`, `#{Package\..}`, `12`; a lineage id, the id
    /// of an input column, or a name.
    pub fn position(&self, reference: &str) -> Option<usize> {
        let bare = reference.trim();
        let bare = bare.strip_prefix('#').unwrap_or(bare);
        let inner = bare
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        let bare = inner.unwrap_or(bare);
        let by = |of: fn(&Column) -> &str| self.columns.iter().position(|one| of(one) == bare);
        by(|column| &column.lineage)
            .or_else(|| by(|column| &column.id))
            .or_else(|| by(|column| &column.name))
    }
}

impl Column {
    /// A custom property by name, whatever its case.
    pub fn property(&self, name: &str) -> Option<&str> {
        property(&self.properties, name)
    }
}

pub(crate) fn property<'a>(properties: &'a Properties, name: &str) -> Option<&'a str> {
    let mut all = properties.iter();
    let found = all.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// What a component of a package does.
#[derive(Debug)]
pub enum Component {
    /// Makes rows.
    Source(Box<dyn Source>),
    /// Maps batches to as many rows.
    Synchronous(Box<dyn Synchronous>),
    /// Maps batches to other batches.
    Asynchronous(Box<dyn Asynchronous>),
    /// Ends a flow.
    Destination(Box<dyn Destination>),
}

/// Makes rows.
pub trait Source: fmt::Debug + Send + Sync {
    /// Opens it for one run. Batches have the schema of the first output; their order is the order of the rows. Dropping
    /// the batches closes it.
    ///
    /// # Errors
    /// Why it cannot be opened.
    fn open(&self) -> Result<Batches, CustomError>;

    /// Nobody wants more rows: what waits for something outside should end soon. Called from another thread.
    fn cancel(&self) {}
}

/// Maps batches to as many rows. Called by several threads at once.
pub trait Synchronous: fmt::Debug + Send + Sync {
    /// Works on one batch of the input columns that the package selects.
    ///
    /// # Errors
    /// What stops the data flow.
    fn apply(&self, batch: &RecordBatch) -> Result<Applied, CustomError>;
}

/// What became of a batch.
#[derive(Debug, Clone, Default)]
pub struct Applied {
    /// The columns that the component itself makes, for the first output that is no error output, in document order: each
    /// as long as the batch. What passes through is the engine's work.
    pub columns: Vec<ArrayRef>,
    /// New values of input columns (those that the package uses as read-write): position among the input columns.
    pub replaced: Vec<(usize, ArrayRef)>,
    /// For each row the output that it goes to, counted among the outputs that are no error outputs; `None`: it is dropped,
    /// and counted. An empty list: all go to the first.
    pub route: Vec<Option<u32>>,
    /// Rows that failed, in their order: the disposition of the component decides what becomes of them.
    pub failures: Vec<RowFailure>,
}

/// A row that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFailure {
    /// Its place in the batch.
    pub row: u32,
    /// The input column to blame; `None`: the whole row.
    pub column: Option<usize>,
    /// What was found, and what was wanted.
    pub error: CustomError,
}

/// Maps its inputs to the rows of its first output.
pub trait Asynchronous: fmt::Debug + Send + Sync {
    /// Begins one run.
    ///
    /// # Errors
    /// Why it cannot.
    fn start(&self) -> Result<Box<dyn Process>, CustomError>;
}

/// One run of an [`Asynchronous`] component.
pub trait Process: Send {
    /// Takes a batch of an input; gives the batches that are ready. All of the first input comes first, then all of the
    /// second.
    ///
    /// # Errors
    /// What stops the data flow.
    fn push(&mut self, input: usize, batch: &RecordBatch) -> Result<Vec<RecordBatch>, CustomError>;

    /// All inputs have ended: the rows that are left.
    ///
    /// # Errors
    /// What stops the data flow.
    fn finish(&mut self) -> Result<Vec<RecordBatch>, CustomError>;
}

/// Ends a flow.
pub trait Destination: fmt::Debug + Send + Sync {
    /// Opens it for one run.
    ///
    /// # Errors
    /// Why it cannot be opened.
    fn open(&self) -> Result<Box<dyn Writer>, CustomError>;
}

/// One run of a [`Destination`]. Dropped without a commit it undoes what it wrote, where it can.
pub trait Writer: Send {
    /// Writes a batch of the input columns that the package selects, in source order.
    ///
    /// # Errors
    /// What stops the data flow.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), CustomError>;

    /// All rows were written: makes them last. The whole data flow has succeeded.
    ///
    /// # Errors
    /// Why they do not last.
    fn commit(&mut self) -> Result<(), CustomError>;
}
