//! The typed view of the control flow: the tree of executables with what SSIS lets each of them carry.

use crate::{BulkInsert, DataFlow, ExecuteSql, Properties, Script};

/// What an executable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExecutableKind {
    /// The package itself, the root.
    Package,
    /// A sequence container, or the container of an event handler.
    Sequence,
    /// A For loop.
    ForLoop,
    /// A Foreach loop.
    ForeachLoop,
    /// A task; the canonical name (`Microsoft.Pipeline`, `Microsoft.ExecuteSQLTask`), `None` if its class is unknown.
    Task(Option<&'static str>),
}

/// A package, container or task.
#[derive(Debug, Clone)]
pub struct Executable {
    /// `Package\Sequence\Task`: the file's refId in formats 6/8, generated from names in 2/3.
    pub path: String,
    /// `ObjectName`.
    pub name: String,
    /// GUID in braces; empty if the file has none.
    pub dtsid: String,
    /// Container or task.
    pub kind: ExecutableKind,
    /// Creation name as the file has it.
    pub class_id: String,
    /// Free text.
    pub description: String,
    /// Whether it is skipped.
    pub disabled: bool,
    /// Whether it is validated only when it runs.
    pub delay_validation: bool,
    /// All own properties as text, defaults not filled in.
    pub properties: Properties,
    /// Expressions that set its properties.
    pub property_expressions: Vec<PropertyExpression>,
    /// Variables whose scope it is.
    pub variables: Vec<Variable>,
    /// What it contains, in document order.
    pub executables: Vec<Executable>,
    /// Order between the executables that it contains.
    pub precedence_constraints: Vec<PrecedenceConstraint>,
    /// Its event handlers.
    pub event_handlers: Vec<EventHandler>,
    /// Its logging; `None` if the file has none.
    pub logging_options: Option<LoggingOptions>,
    /// What its `DTS:ObjectData` holds.
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
    /// The elements in the payload element, in document order: items, restrictions.
    pub items: Vec<ForeachItem>,
    /// The payload element as the file has it.
    pub xml: String,
}

/// An element of an enumerator's payload.
#[derive(Debug, Clone)]
pub struct ForeachItem {
    /// Local name: `FEIEItem`, `FEFEProperty`, ...
    pub element: String,
    /// Its attributes.
    pub properties: Properties,
    /// The attributes of each element in it: the values of an item.
    pub values: Vec<Properties>,
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
    /// Nothing: containers, and tasks without settings.
    None,
    /// A data flow.
    DataFlow(Box<DataFlow>),
    /// A statement to execute.
    ExecuteSql(Box<ExecuteSql>),
    /// A file that goes into a table.
    BulkInsert(Box<BulkInsert>),
    /// An expression that assigns a variable: its text.
    Expression(String),
    /// Code.
    Script(Box<Script>),
    /// Another task.
    Other(Box<TaskData>),
}

/// The settings of a task that has no type of its own here.
#[derive(Debug, Clone, Default)]
pub struct TaskData {
    /// Local name of the payload element: `FileSystemData`, `ExecutePackageTask`, ...
    pub element: String,
    /// Its attributes, then its child elements that hold nothing but text; secrets that cannot be read are empty.
    pub properties: Properties,
    /// The other elements within, in document order, each before those in it: local name, and what `properties` would be
    /// for each.
    pub items: Vec<(String, Properties)>,
    /// The payload element as the file has it, for a task whose class is not known; else empty.
    pub xml: String,
}

/// An expression that sets a property when SSIS evaluates it.
#[derive(Debug, Clone)]
pub struct PropertyExpression {
    /// Name of the property, `[Component].[Property]` for one inside a data flow.
    pub property: String,
    /// Text of the expression.
    pub expression: String,
}

/// A variable of an executable.
#[derive(Debug, Clone)]
pub struct Variable {
    /// `User`, `System` or another.
    pub namespace: String,
    /// Name without namespace.
    pub name: String,
    /// GUID in braces.
    pub dtsid: String,
    /// VARTYPE (spec `dtsx-format.md` section 3): 3 i4, 8 string, 11 bool, 13 object, ...
    pub data_type: u16,
    /// Text of the value; XML of the envelope for objects.
    pub value: String,
    /// Text of its expression.
    pub expression: Option<String>,
    /// Whether the expression gives the value.
    pub evaluate_as_expression: bool,
    /// Whether a package may not set it.
    pub read_only: bool,
    /// Whether its value is a secret.
    pub sensitive: bool,
    /// Whether a change of its value is an event.
    pub raise_changed_event: bool,
}

/// A parameter of a package or project.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Name, without `$Package::` or `$Project::`.
    pub name: String,
    /// GUID in braces.
    pub dtsid: String,
    /// VARTYPE, project parameters (.NET TypeCode in the file) mapped to it.
    pub data_type: u16,
    /// Text of the value; empty if it is encrypted.
    pub value: String,
    /// Whether a run must give it.
    pub required: bool,
    /// Whether its value is a secret.
    pub sensitive: bool,
}

/// The outcome that a precedence constraint waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConstraintValue {
    /// The executable before succeeded.
    Success,
    /// It failed.
    Failure,
    /// It ended either way.
    Completion,
    /// It was canceled.
    Canceled,
}

/// What a precedence constraint looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EvalOp {
    /// The expression only.
    Expression,
    /// The outcome only.
    Constraint,
    /// Both must hold.
    ExpressionAndConstraint,
    /// One must hold.
    ExpressionOrConstraint,
}

/// An arrow between two executables of a container.
#[derive(Debug, Clone)]
pub struct PrecedenceConstraint {
    /// `ObjectName`.
    pub name: String,
    /// Paths of the executables (resolved from refId, DTSID or name).
    pub from: String,
    /// Where the arrow ends.
    pub to: String,
    /// Outcome waited for.
    pub value: ConstraintValue,
    /// Whether outcome, expression or both count.
    pub eval_op: EvalOp,
    /// Whether all arrows into the executable must hold, or one.
    pub logical_and: bool,
    /// Text of the expression.
    pub expression: Option<String>,
}

/// What runs on an event of an executable.
#[derive(Debug, Clone)]
pub struct EventHandler {
    /// `OnError`, `OnPreExecute`, ...
    pub event_name: String,
    /// The handler as a container: its executables, constraints and variables.
    pub container: Box<Executable>,
}

/// Where log entries go.
#[derive(Debug, Clone, Default)]
pub struct LogProvider {
    /// `ObjectName`.
    pub name: String,
    /// GUID in braces: what [`LoggingOptions::providers`] names.
    pub dtsid: String,
    /// Creation name as the file has it.
    pub class_id: String,
    /// `ConfigString`: name or DTSID of the connection manager.
    pub connection: String,
    /// Expressions that set its properties.
    pub property_expressions: Vec<PropertyExpression>,
}

/// What an executable logs.
#[derive(Debug, Clone, Default)]
pub struct LoggingOptions {
    /// 0 use parent setting, 1 enabled, 2 disabled.
    pub mode: i32,
    /// 0 log the events listed, 1 log all but those.
    pub filter_kind: i32,
    /// DTSIDs of the log providers used.
    pub providers: Vec<String>,
    /// Names of the events in the filter.
    pub events: Vec<String>,
    /// Which columns the entries of an event have; an event that is not among them has all.
    pub columns: Vec<ColumnFilter>,
}

/// The columns of log entries that are filled for one event; those left out are empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnFilter {
    /// Name of the event.
    pub event: String,
    /// Name of the computer.
    pub computer: bool,
    /// Name of who runs the package.
    pub operator: bool,
    /// Name of the executable that the event comes from.
    pub source_name: bool,
    /// DTSID of that executable.
    pub source_id: bool,
    /// GUID of the execution.
    pub execution_id: bool,
    /// The message.
    pub message: bool,
    /// Binary data that belongs to the entry.
    pub data_bytes: bool,
}

/// A configuration of the package deployment model.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// `ObjectName`.
    pub name: String,
    /// 0 parent variable, 1 XML file, 2 environment variable, 3 registry, 4 to 6 and 8 their indirect forms, 7 SQL Server.
    pub configuration_type: i32,
    /// Where it is: a file, a variable, `"connection";"table";"filter";`.
    pub configuration_string: String,
    /// The property path that it sets, where one is set.
    pub variable: String,
}

/// A connection manager of a package or a project.
#[derive(Debug, Clone)]
pub struct ConnectionManager {
    /// `Package.ConnectionManagers[Name]` or `Project.ConnectionManagers[Name]`; generated from the name in formats 2/3.
    pub ref_id: String,
    /// GUID in braces.
    pub dtsid: String,
    /// `ObjectName`.
    pub name: String,
    /// `FLATFILE`, `FILE`, `OLEDB`, ...
    pub creation_name: String,
    /// Free text.
    pub description: String,
    /// Whether it is validated only when it is used.
    pub delay_validation: bool,
    /// Own properties and those of the inner payload together: `ConnectionString`, `Format`, `CodePage`, ...;
    /// `_xHHHH_` escapes of delimiters and qualifiers decoded.
    pub properties: Properties,
    /// Expressions that set its properties.
    pub property_expressions: Vec<PropertyExpression>,
    /// Columns of a flat file connection.
    pub flat_file_columns: Vec<FlatFileColumn>,
    /// Columns of a cache.
    pub cache_columns: Vec<CacheColumn>,
    /// Sensitive properties whose value is encrypted and not available: names.
    pub sealed: Vec<String>,
}

/// A column of a cache connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheColumn {
    /// `ObjectName`.
    pub name: String,
    /// Its type.
    pub data_type: crate::DataType,
    /// Place among the columns by which rows are found, from 1; 0 if it is none of them.
    pub index_position: u32,
}

/// How a column of a flat file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlatFileColumnType {
    /// At its delimiter.
    Delimited,
    /// After its width.
    FixedWidth,
    /// After its width; the last column at its delimiter.
    RaggedRight,
}

/// A column of a flat file connection.
#[derive(Debug, Clone)]
pub struct FlatFileColumn {
    /// `ObjectName`.
    pub name: String,
    /// How it ends.
    pub column_type: FlatFileColumnType,
    /// Decoded (`\r\n`, not `_x000D__x000A_`).
    pub delimiter: String,
    /// Width in the file for fixed-width columns.
    pub width: u32,
    /// Length of the column in the data flow.
    pub maximum_width: u32,
    /// Type, code page included.
    pub data_type: crate::DataType,
    /// Whether its values may be qualified.
    pub text_qualified: bool,
}
