//! What a component is to the rest of the engine.
//!
//! ```text
//!  dtsx::Component ──bind──▶ Binding ──ComponentClass::read──▶ Box<dyn Component> ──plan──▶ Planned
//!   (document)               columns by position                typed settings               operators
//! ```
//!
//! The planner binds a component: every lineage id becomes the position of a column in the batches of an input. `read`
//! turns properties into typed settings and reports *every* problem that it finds; it is the only place that knows
//! property names. `plan` makes the operators of one run.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use arrow::datatypes::{Schema, SchemaRef};
use datafusion_common::Result;
use datafusion_physical_plan::ExecutionPlan;
use dtsx::{DataType, LineageId, SsisCode};
use fletching_connections::{Connections, database::Sessions};
use fletching_expression::{Scalar, types};

use crate::{
    Caches,
    flow::{RowWise, RunState},
};

/// One entry of the [registry](crate::registry).
#[derive(Debug)]
pub struct ComponentClass {
    /// Canonical name, as format 8 writes it: `Microsoft.DerivedColumn`.
    pub name: &'static str,
    pub kind: ComponentKind,
    /// Turns a bound component into its settings.
    pub read: fn(&Binding<'_>) -> Result<Box<dyn Component>, Findings>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComponentKind {
    Source,
    Transform,
    Destination,
}

/// Typed settings of one component in a package. Immutable; run state is made by the operators.
pub trait Component: fmt::Debug + Send + Sync {
    /// The operators of one run. `inputs` are in document order, unattached ones left out.
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, context: &PlanContext) -> Result<Planned>;
}

/// What [`Component::plan`] hands to the planner.
#[derive(Debug)]
pub enum Planned {
    /// Maps batches to batches, one for one; the flow adds the router when several outputs are connected.
    RowWise {
        input: Arc<dyn ExecutionPlan>,
        operator: Arc<dyn RowWise>,
    },
    /// An operator with one output (the first of the component).
    Plan {
        plan: Arc<dyn ExecutionPlan>,
        accounting: Accounting,
    },
    /// An operator for each connected output, all over the same rows; the flow adds the router that copies them.
    PerOutput {
        input: Arc<dyn ExecutionPlan>,
        component: Arc<dyn PerOutput>,
    },
    /// The end of a flow: yields one row, the number of rows written.
    Sink(Arc<dyn ExecutionPlan>),
    /// A DataReader destination: its rows go to a caller.
    Reader {
        plan: Arc<dyn ExecutionPlan>,
        patience: Patience,
    },
}

/// How long a DataReader destination waits for its caller to ask for rows (spec `ssis-semantics.md` 13.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// `None`: as long as it takes.
    pub timeout: Option<Duration>,
    /// Whether the component fails then, or drops its rows and lets the package go on.
    pub fails: bool,
}

/// A component whose outputs are worked out apart from each other (Aggregate). Rows are combined on the way.
pub trait PerOutput: fmt::Debug + Send + Sync {
    /// Copies its input for the operators; outputs in document order.
    fn copies(&self) -> Arc<dyn RowWise>;

    /// The operator of one output, by its place in the document.
    fn operator(
        &self,
        output: usize,
        input: Arc<dyn ExecutionPlan>,
    ) -> Result<Arc<dyn ExecutionPlan>>;
}

/// How the rows that enter an operator relate to those that leave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accounting {
    /// Rows in = rows out + the operator's metric `dropped_rows`.
    Preserving,
    /// Rows are combined: no such equation (Aggregate, Merge Join).
    Combining,
}

/// What planning a run needs to know beside the components.
#[derive(Debug, Clone)]
pub struct PlanContext {
    /// Threads, hence partitions of a source.
    pub partitions: usize,
    /// Rows of the batches that blocking operators emit.
    pub batch_size: usize,
    /// Bytes of a file that a source makes into one batch: whole rows, at least one.
    pub morsel_bytes: usize,
    pub connections: Arc<Connections>,
    /// What a source does with columns that have changed.
    pub drift: Drift,
    /// Open databases of the run.
    pub sessions: Arc<Sessions>,
    /// What Cache Transforms of the run have left.
    pub caches: Arc<Caches>,
    pub run: Arc<RunState>,
    /// Its components share the one session of a transaction: none may hold it while it waits for another.
    pub shares_session: bool,
}

/// What happens where the columns of a database are no longer those that a package was saved with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Drift {
    /// Any column that is gone or has another type is an error.
    Strict,
    /// Columns are found by name; values that fit the saved type are taken, whatever the type is now.
    #[default]
    ByName,
    /// As by name, and text may be longer than it was.
    Widen,
}

/// A column of the batches on an edge.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub data_type: DataType,
    pub lineage_id: LineageId,
    /// What an `ErrorColumn` holds when this column failed: the integer lineage id of formats 2/3, a number given in
    /// document order otherwise.
    pub number: i32,
}

/// A key by which rows are declared sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortedBy {
    /// Position in the batch.
    pub column: usize,
    pub descending: bool,
    pub comparison_flags: u32,
}

/// An attached input: the columns that arrive, and which of them the component uses.
#[derive(Debug, Clone)]
pub struct BoundInput {
    pub name: String,
    pub columns: Vec<Column>,
    pub sorted_by: Vec<SortedBy>,
    /// For each input column of the document, in order, its position in the batch.
    pub used: Vec<usize>,
    /// For each of `columns`, its position in the batches that leave the output before it; what is not here is left
    /// behind on the way.
    pub taken: Vec<usize>,
    by_lineage: HashMap<LineageId, usize>,
}

impl BoundInput {
    pub fn new(
        name: String,
        columns: Vec<Column>,
        sorted_by: Vec<SortedBy>,
        used: Vec<usize>,
        taken: Vec<usize>,
    ) -> Self {
        let by_lineage = columns
            .iter()
            .enumerate()
            .map(|(index, column)| (column.lineage_id.clone(), index))
            .collect();
        Self {
            name,
            columns,
            sorted_by,
            used,
            taken,
            by_lineage,
        }
    }

    /// Whether all columns of the output before it arrive.
    pub fn takes_all_of(&self, count: usize) -> bool {
        self.taken.len() == count
    }

    /// The position of the column that a lineage reference names. References are written `#12`, `#{Package\..}`, `12` or
    /// plain (spec `dtsx-format.md` section 4, rule 9).
    pub fn position(&self, reference: &str) -> Option<usize> {
        let bare = reference.trim();
        let bare = bare.strip_prefix('#').unwrap_or(bare);
        let bare = bare
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .unwrap_or(bare);
        self.by_lineage.get(&LineageId(bare.to_owned())).copied()
    }

    pub fn schema(&self) -> SchemaRef {
        schema_of(&self.columns)
    }
}

/// The columns of one output. Synchronous outputs begin with all columns of their input.
#[derive(Debug, Clone)]
pub struct BoundOutput {
    pub name: String,
    pub is_error: bool,
    /// A path leads away from it.
    pub connected: bool,
    pub columns: Vec<Column>,
    /// How many of `columns` pass through from the input; the component's own follow.
    pub passed_through: usize,
    pub sorted_by: Vec<SortedBy>,
}

impl BoundOutput {
    pub fn schema(&self) -> SchemaRef {
        schema_of(&self.columns)
    }
}

/// The Arrow schema of columns; names may repeat, as they may in SSIS.
pub fn schema_of(columns: &[Column]) -> SchemaRef {
    Arc::new(Schema::new(
        columns
            .iter()
            .map(|column| types::field(&column.name, &column.data_type))
            .collect::<Vec<_>>(),
    ))
}

/// A component of the document with its columns resolved.
pub struct Binding<'a> {
    pub component: &'a dtsx::Component,
    /// `Package\Data Flow Task\Derived Column`.
    pub path: &'a str,
    /// In document order; `None` where no path arrives.
    pub inputs: &'a [Option<BoundInput>],
    /// In document order.
    pub outputs: &'a [BoundOutput],
    pub connections: &'a Connections,
    pub variables: &'a dyn Variables,
    /// LCID for linguistic order and standard parsing: the component's, else the task's, else the package's.
    pub locale_id: u32,
    /// `ErrorColumn` numbers by the id or lineage id of a column.
    pub numbers: &'a HashMap<String, i32>,
}

impl fmt::Debug for Binding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding")
            .field("path", &self.path)
            .field("outputs", &self.outputs)
            .finish_non_exhaustive()
    }
}

impl<'a> Binding<'a> {
    /// The only input of a transform or destination, attached.
    pub fn input(&self) -> Result<&'a BoundInput, Findings> {
        self.inputs.iter().flatten().next().ok_or_else(|| {
            self.finding("no path arrives at its input: connect one, or delete the component")
                .into()
        })
    }

    /// The document's side of [`Binding::input`].
    pub fn document_input(&self) -> Result<&'a dtsx::Input, Findings> {
        let attached = self.inputs.iter().position(Option::is_some).unwrap_or(0);
        self.component
            .inputs
            .get(attached)
            .ok_or_else(|| self.finding("has no input").into())
    }

    /// The `ErrorColumn` number of a column by its id or lineage id, 0 (the whole row) if it has none.
    pub fn number(&self, id: &str) -> i32 {
        self.numbers.get(id).copied().unwrap_or(0)
    }

    /// A finding about this component.
    pub fn finding(&self, message: impl Into<String>) -> Finding {
        Finding {
            path: self.path.to_owned(),
            class: self
                .component
                .class
                .unwrap_or(&self.component.class_id)
                .to_owned(),
            kind: FindingKind::Invalid,
            code: Some(SsisCode::VALIDATION_FAILED),
            message: message.into(),
        }
    }

    /// A finding about something that the package asks for and this version does not do.
    pub fn unsupported(&self, message: impl Into<String>) -> Finding {
        Finding {
            kind: FindingKind::Unsupported,
            code: None,
            ..self.finding(message)
        }
    }
}

/// Values of variables and parameters, for expressions and for components that name one.
pub trait Variables {
    /// `None` if there is no such variable in scope. A missing namespace means the nearest variable of that name.
    fn value(&self, namespace: Option<&str>, name: &str) -> Option<Scalar>;

    /// Why a variable in scope has no value: `is an Object, which ...`; `None` if it has one or is not in scope.
    fn fault(&self, namespace: Option<&str>, name: &str) -> Option<String>;

    /// Why no component may set a variable in scope: `is read-only`; `None` if one may, or if it is not in scope.
    fn locked(&self, namespace: Option<&str>, name: &str) -> Option<String>;

    /// Whether tasks may give them other values before they are read by whom this check is for.
    fn may_change(&self) -> bool {
        false
    }

    /// Qualified names in scope, for suggestions.
    fn names(&self) -> Vec<String>;

    /// The qualified name of the variable with a DTSID, as parameter mappings have it; `None` if it is not in scope.
    fn name_of(&self, dtsid: &str) -> Option<String>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingKind {
    /// The package is fine; we do not do this.
    Unsupported,
    /// The package is wrong: SSIS would refuse it too.
    Invalid,
}

/// A problem found before the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Object path: `Package\Data Flow Task\Lookup`.
    pub path: String,
    /// Canonical class, or the class id as the file has it.
    pub class: String,
    pub kind: FindingKind,
    pub code: Option<SsisCode>,
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.path, self.class, self.message)?;
        match self.code {
            Some(code) => write!(f, " [{code}]"),
            None => Ok(()),
        }
    }
}

/// All problems of a package, in document order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `value` if nothing was found, else the findings.
    pub fn none_or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl From<Finding> for Findings {
    fn from(finding: Finding) -> Self {
        Self(vec![finding])
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{finding}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}

/// The plan of the only attached input.
pub fn only_input(inputs: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
    match <[_; 1]>::try_from(inputs) {
        Ok([input]) => Ok(input),
        Err(inputs) => {
            datafusion_common::internal_err!("one input is wanted, {} are attached", inputs.len())
        }
    }
}
