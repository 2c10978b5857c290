//! The typed view of the control flow: the tree of executables with what SSIS lets each of them carry.

use crate::{DataFlow, Properties};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExecutableKind {
    Package,
    Sequence,
    ForLoop,
    ForeachLoop,
    /// A task; the canonical name (`Microsoft.Pipeline`, `Microsoft.ExecuteSQLTask`), `None` if its class is unknown.
    Task(Option<&'static str>),
}

#[derive(Debug, Clone)]
pub struct Executable {
    /// `Package\Sequence\Task`: the file's refId in formats 6/8, generated from names in 2/3.
    pub path: String,
    pub name: String,
    pub dtsid: String,
    pub kind: ExecutableKind,
    /// Creation name as the file has it.
    pub class_id: String,
    pub description: String,
    pub disabled: bool,
    pub delay_validation: bool,
    /// All own properties as text, defaults not filled in.
    pub properties: Properties,
    pub property_expressions: Vec<PropertyExpression>,
    pub variables: Vec<Variable>,
    pub executables: Vec<Executable>,
    pub precedence_constraints: Vec<PrecedenceConstraint>,
    pub event_handlers: Vec<EventHandler>,
    pub logging_options: Option<LoggingOptions>,
    pub payload: Payload,
    /// The enumerator of a Foreach loop and what it fills.
    pub foreach: Option<Box<ForeachLoop>>,
    /// The element in the document that it was read from; `None` for one built by hand.
    pub node: Option<crate::NodeId>,
}

/// What a Foreach loop goes over.
#[derive(Debug, Clone)]
pub struct ForeachLoop {
    /// Creation name of the enumerator as the file has it.
    pub enumerator: String,
    /// Local name of the enumerator's payload element (`ForEachFileEnumeratorProperties`, `FEEADO`, ...); empty if none.
    pub element: String,
    /// Attributes of the payload element and of the elements in it, in document order: `Folder`, `FileSpec`, ...
    pub properties: Properties,
    /// Expressions on properties of the enumerator.
    pub property_expressions: Vec<PropertyExpression>,
    /// Which value of each round goes to which variable.
    pub mappings: Vec<ForeachMapping>,
    /// The payload element, for enumerators whose elements repeat (items, restrictions).
    pub node: Option<crate::NodeId>,
}

/// One value of a Foreach round.
#[derive(Debug, Clone)]
pub struct ForeachMapping {
    /// `User::Name`.
    pub variable: String,
    /// Column of the value, from 0.
    pub value_index: u32,
}

/// What `DTS:ObjectData` holds.
#[derive(Debug, Clone)]
pub enum Payload {
    None,
    DataFlow(Box<DataFlow>),
    /// Another task: the local name of the payload element.
    Other {
        element: String,
    },
}

#[derive(Debug, Clone)]
pub struct PropertyExpression {
    pub property: String,
    pub expression: String,
}

#[derive(Debug, Clone)]
pub struct Variable {
    pub namespace: String,
    pub name: String,
    pub dtsid: String,
    /// VARTYPE (spec `dtsx-format.md` section 3): 3 i4, 8 string, 11 bool, 13 object, ...
    pub data_type: u16,
    pub value: String,
    pub expression: Option<String>,
    pub evaluate_as_expression: bool,
    pub read_only: bool,
    pub sensitive: bool,
}

#[derive(Debug, Clone)]
pub struct Parameter {
    pub name: String,
    pub dtsid: String,
    /// VARTYPE, project parameters (.NET TypeCode in the file) mapped to it.
    pub data_type: u16,
    pub value: String,
    pub required: bool,
    pub sensitive: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConstraintValue {
    Success,
    Failure,
    Completion,
    Canceled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EvalOp {
    Expression,
    Constraint,
    ExpressionAndConstraint,
    ExpressionOrConstraint,
}

#[derive(Debug, Clone)]
pub struct PrecedenceConstraint {
    pub name: String,
    /// Paths of the executables (resolved from refId, DTSID or name).
    pub from: String,
    pub to: String,
    pub value: ConstraintValue,
    pub eval_op: EvalOp,
    pub logical_and: bool,
    pub expression: Option<String>,
}

#[derive(Debug, Clone)]
pub struct EventHandler {
    pub event_name: String,
    /// The handler as a container: its executables, constraints and variables.
    pub container: Box<Executable>,
}

#[derive(Debug, Clone)]
pub struct LogProvider {
    pub name: String,
    pub class_id: String,
    pub connection: String,
}

#[derive(Debug, Clone, Default)]
pub struct LoggingOptions {
    /// 0 use parent setting, 1 enabled, 2 disabled.
    pub mode: i32,
    /// 0 log the events listed, 1 log all but those.
    pub filter_kind: i32,
    pub providers: Vec<String>,
    pub events: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Configuration {
    pub name: String,
    pub configuration_type: i32,
    pub configuration_string: String,
    pub variable: String,
}

/// A connection manager of a package or a project.
#[derive(Debug, Clone)]
pub struct ConnectionManager {
    pub ref_id: String,
    pub dtsid: String,
    pub name: String,
    /// `FLATFILE`, `FILE`, `OLEDB`, ...
    pub creation_name: String,
    pub description: String,
    pub delay_validation: bool,
    /// Own properties and those of the inner payload together: `ConnectionString`, `Format`, `CodePage`, ...;
    /// `_xHHHH_` escapes of delimiters and qualifiers decoded.
    pub properties: Properties,
    pub property_expressions: Vec<PropertyExpression>,
    pub flat_file_columns: Vec<FlatFileColumn>,
    /// Sensitive properties whose value is encrypted and not available: names.
    pub sealed: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlatFileColumnType {
    Delimited,
    FixedWidth,
    RaggedRight,
}

#[derive(Debug, Clone)]
pub struct FlatFileColumn {
    pub name: String,
    pub column_type: FlatFileColumnType,
    /// Decoded (`\r\n`, not `_x000D__x000A_`).
    pub delimiter: String,
    /// Width in the file for fixed-width columns.
    pub width: u32,
    pub maximum_width: u32,
    pub data_type: crate::DataType,
    pub text_qualified: bool,
}
