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
    FailComponent,
    IgnoreFailure,
    RedirectRow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UsageType {
    #[default]
    ReadOnly,
    ReadWrite,
    Ignored,
}

#[derive(Debug, Clone, Default)]
pub struct DataFlow {
    pub components: Vec<Component>,
    pub paths: Vec<DataPath>,
    /// `defaultBufferSize`, `engineThreads`, ...: the attributes of `pipeline`.
    pub properties: Properties,
}

#[derive(Debug, Clone, Default)]
pub struct Component {
    pub id: String,
    pub name: String,
    /// As the file has it: a GUID, a ProgID or a friendly name.
    pub class_id: String,
    /// The canonical name that every class id of this component maps to (`Microsoft.DerivedColumn`), managed components
    /// resolved through `UserComponentTypeName`; `None` for a class that we do not know.
    pub class: Option<&'static str>,
    pub description: String,
    pub contact_info: String,
    pub version: i32,
    pub locale_id: Option<u32>,
    pub uses_dispositions: bool,
    pub properties: Properties,
    pub connections: Vec<ComponentConnection>,
    pub inputs: Vec<Input>,
    pub outputs: Vec<Output>,
}

/// A component's reference to a connection manager.
#[derive(Debug, Clone, Default)]
pub struct ComponentConnection {
    pub id: String,
    pub name: String,
    /// DTSID, refId or name of the connection manager, whichever the file has (`:external` and `:invalid` cut off).
    pub connection_manager: String,
}

#[derive(Debug, Clone, Default)]
pub struct Input {
    pub id: String,
    pub name: String,
    pub has_side_effects: bool,
    pub error_row_disposition: Disposition,
    pub truncation_row_disposition: Disposition,
    pub properties: Properties,
    pub columns: Vec<InputColumn>,
    pub external_columns: Vec<ExternalColumn>,
}

#[derive(Debug, Clone, Default)]
pub struct InputColumn {
    pub id: String,
    /// `cachedName` in formats 6/8; in 2/3 the name lives with the producing output column and this is empty.
    pub name: String,
    pub lineage_id: LineageId,
    pub usage: UsageType,
    pub external_column_id: Option<String>,
    pub error_row_disposition: Disposition,
    pub truncation_row_disposition: Disposition,
    pub properties: Properties,
}

#[derive(Debug, Clone, Default)]
pub struct Output {
    pub id: String,
    pub name: String,
    pub is_error: bool,
    /// The input whose rows pass through; `None` for an asynchronous output.
    pub synchronous_input_id: Option<String>,
    pub exclusion_group: i32,
    pub is_sorted: bool,
    pub error_row_disposition: Disposition,
    pub truncation_row_disposition: Disposition,
    pub properties: Properties,
    pub columns: Vec<OutputColumn>,
    pub external_columns: Vec<ExternalColumn>,
}

#[derive(Debug, Clone)]
pub struct OutputColumn {
    pub id: String,
    pub name: String,
    pub lineage_id: LineageId,
    pub data_type: DataType,
    /// 0: not sorted; sign is the direction, absolute value the rank.
    pub sort_key_position: i32,
    pub comparison_flags: u32,
    /// 1: ErrorCode, 2: ErrorColumn.
    pub special_flags: i32,
    pub external_column_id: Option<String>,
    pub error_row_disposition: Disposition,
    pub truncation_row_disposition: Disposition,
    pub properties: Properties,
}

#[derive(Debug, Clone)]
pub struct ExternalColumn {
    pub id: String,
    pub name: String,
    pub data_type: DataType,
    pub properties: Properties,
}

/// From an output to an input.
#[derive(Debug, Clone, Default)]
pub struct DataPath {
    pub id: String,
    pub name: String,
    pub start_id: String,
    pub end_id: String,
}
