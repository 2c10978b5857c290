//! The typed view of a data flow (`pipeline`): components with their inputs, outputs and columns, and the paths between
//! them. Formats 2/3 (integer ids) and 6/8 (refId paths) meet here; ids are opaque text.

use crate::{DataType, Properties};

/// Joins an input column to the output column that produced it. Opaque: an integer in formats 2/3, a refId in 6/8.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct LineageId(pub String);

/// What to do with a row that fails (spec `ssis-matrix.md` section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Disposition {
    /// The element does not take part in error handling: an error fails the component.
    #[default]
    NotUsed,
    /// The component, and with it the data flow, fails.
    FailComponent,
    /// The value becomes NULL (error) or is cut (truncation); the row goes on.
    IgnoreFailure,
    /// The row goes to the error output.
    RedirectRow,
}

impl Disposition {
    /// As packages write it.
    pub fn xml_name(self) -> &'static str {
        match self {
            Self::NotUsed => "NotUsed",
            Self::FailComponent => "FailComponent",
            Self::IgnoreFailure => "IgnoreFailure",
            Self::RedirectRow => "RedirectRow",
        }
    }
}

/// What a component does with an input column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UsageType {
    /// The component reads it.
    #[default]
    ReadOnly,
    /// The component replaces its values.
    ReadWrite,
    /// The component does not see it.
    Ignored,
}

/// A data flow: what the element `pipeline` holds.
#[derive(Debug, Clone, Default)]
pub struct DataFlow {
    /// Components, in document order.
    pub components: Vec<Component>,
    /// Which output feeds which input.
    pub paths: Vec<DataPath>,
    /// `defaultBufferSize`, `engineThreads`, ...: the attributes of `pipeline`.
    pub properties: Properties,
}

/// A source, transformation or destination.
#[derive(Debug, Clone, Default)]
pub struct Component {
    /// The integer (formats 2/3) or refId (6/8), as text.
    pub id: String,
    /// Name that the designer shows.
    pub name: String,
    /// As the file has it: a GUID, a ProgID or a friendly name.
    pub class_id: String,
    /// The canonical name that every class id of this component maps to (`Microsoft.DerivedColumn`), managed components
    /// resolved through `UserComponentTypeName`; `None` for a class that we do not know.
    pub class: Option<&'static str>,
    /// Free text.
    pub description: String,
    /// Name, maker and version of the class, separated by semicolons.
    pub contact_info: String,
    /// Version of the class that wrote it.
    pub version: i32,
    /// Locale; `None` for that of the task (-1).
    pub locale_id: Option<u32>,
    /// Whether rows with errors are handled by dispositions.
    pub uses_dispositions: bool,
    /// Its custom properties.
    pub properties: Properties,
    /// Connection managers that it uses, by role.
    pub connections: Vec<ComponentConnection>,
    /// Inputs, in document order.
    pub inputs: Vec<Input>,
    /// Outputs, error outputs among them.
    pub outputs: Vec<Output>,
}

/// A component's reference to a connection manager.
#[derive(Debug, Clone, Default)]
pub struct ComponentConnection {
    /// The integer (formats 2/3) or refId (6/8), as text.
    pub id: String,
    /// Role of the connection: `OleDbConnection`, `FlatFileConnection`, ...
    pub name: String,
    /// DTSID, refId or name of the connection manager, whichever the file has (`:external` and `:invalid` cut off).
    pub connection_manager: String,
    /// The refId that stands beside a DTSID. It is older where the manager was renamed since, newer where it was made anew
    /// under its name.
    pub ref_id: Option<String>,
}

/// Where rows enter a component.
#[derive(Debug, Clone, Default)]
pub struct Input {
    /// The integer (formats 2/3) or refId (6/8), as text.
    pub id: String,
    /// Name that the designer shows.
    pub name: String,
    /// Whether rows that end here have an effect outside, so that nothing may be pruned.
    pub has_side_effects: bool,
    /// What happens to a row with an error.
    pub error_row_disposition: Disposition,
    /// What happens to a row with a truncation.
    pub truncation_row_disposition: Disposition,
    /// Its custom properties.
    pub properties: Properties,
    /// Its columns, in document order.
    pub columns: Vec<InputColumn>,
    /// Columns of the outside world, as they were when the package was designed.
    pub external_columns: Vec<ExternalColumn>,
}

/// A column that a component reads or writes.
#[derive(Debug, Clone, Default)]
pub struct InputColumn {
    /// The integer (formats 2/3) or refId (6/8), as text.
    pub id: String,
    /// `cachedName` in formats 6/8; in 2/3 the name lives with the producing output column and this is empty.
    pub name: String,
    /// The column that it carries on.
    pub lineage_id: LineageId,
    /// Read, replaced, or neither.
    pub usage: UsageType,
    /// Id of the external column that it maps to.
    pub external_column_id: Option<String>,
    /// What happens to a row with an error.
    pub error_row_disposition: Disposition,
    /// What happens to a row with a truncation.
    pub truncation_row_disposition: Disposition,
    /// Its custom properties.
    pub properties: Properties,
}

/// Where rows leave a component.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// The integer (formats 2/3) or refId (6/8), as text.
    pub id: String,
    /// Name that the designer shows.
    pub name: String,
    /// Whether it is an error output.
    pub is_error: bool,
    /// The input whose rows pass through; `None` for an asynchronous output.
    pub synchronous_input_id: Option<String>,
    /// Of the outputs of one group, each row goes to one; 0: to all.
    pub exclusion_group: i32,
    /// Whether its rows are sorted by the sort keys of its columns.
    pub is_sorted: bool,
    /// What happens to a row with an error.
    pub error_row_disposition: Disposition,
    /// What happens to a row with a truncation.
    pub truncation_row_disposition: Disposition,
    /// Its custom properties.
    pub properties: Properties,
    /// Its columns, in document order.
    pub columns: Vec<OutputColumn>,
    /// Columns of the outside world, as they were when the package was designed.
    pub external_columns: Vec<ExternalColumn>,
}

/// A column that a component adds, or that a source produces.
#[derive(Debug, Clone)]
pub struct OutputColumn {
    /// The integer (formats 2/3) or refId (6/8), as text.
    pub id: String,
    /// Name that the designer shows.
    pub name: String,
    /// What input columns refer to.
    pub lineage_id: LineageId,
    /// Its type.
    pub data_type: DataType,
    /// 0: not sorted; sign is the direction, absolute value the rank.
    pub sort_key_position: i32,
    /// How texts are compared when sorted: bits as in CompareString.
    pub comparison_flags: u32,
    /// 1: ErrorCode, 2: ErrorColumn.
    pub special_flags: i32,
    /// Id of the external column that it maps to.
    pub external_column_id: Option<String>,
    /// What happens to a row with an error.
    pub error_row_disposition: Disposition,
    /// What happens to a row with a truncation.
    pub truncation_row_disposition: Disposition,
    /// Its custom properties.
    pub properties: Properties,
}

/// A column of a file, table or query.
#[derive(Debug, Clone)]
pub struct ExternalColumn {
    /// The integer (formats 2/3) or refId (6/8), as text.
    pub id: String,
    /// Name that the designer shows.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// Its custom properties.
    pub properties: Properties,
}

/// From an output to an input.
#[derive(Debug, Clone, Default)]
pub struct DataPath {
    /// The integer (formats 2/3) or refId (6/8), as text.
    pub id: String,
    /// Name that the designer shows.
    pub name: String,
    /// Id of the output.
    pub start_id: String,
    /// Id of the input.
    pub end_id: String,
}
