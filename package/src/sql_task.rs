//! The typed view of an Execute SQL task (`SqlTaskData`); the tasks of database maintenance have the same payload.

use crate::Properties;

/// What an Execute SQL task does.
#[derive(Debug, Clone, Default)]
pub struct ExecuteSql {
    /// DTSID, refId or name of the connection manager.
    pub connection: String,
    /// Where the statement is.
    pub source: SqlSource,
    /// The statement, the name of a variable, or a file connection manager.
    pub statement: String,
    /// Seconds; 0 for any time.
    pub timeout_seconds: u32,
    /// Whether the statement is the name of a procedure.
    pub is_stored_procedure: bool,
    /// What becomes of the rows.
    pub result: ResultType,
    /// Code page of a statement in a file.
    pub code_page: Option<u32>,
    /// Values that go in and come out, in document order.
    pub parameters: Vec<SqlParameter>,
    /// Where results go.
    pub results: Vec<SqlResult>,
    /// All attributes as text.
    pub properties: Properties,
    /// What a task of database maintenance works on, in document order: the element (`SelectedDatabases`, ...) and its
    /// attributes.
    pub selected: Vec<(String, Properties)>,
}

/// Where the statement of an Execute SQL task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SqlSource {
    /// In the task.
    #[default]
    Direct,
    /// In a variable.
    Variable,
    /// In a file, by a file connection manager.
    File,
}

/// What becomes of the rows of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResultType {
    /// Nothing.
    #[default]
    None,
    /// The values of the only row go to variables.
    SingleRow,
    /// All rows go to an Object variable.
    Rowset,
    /// The text goes to a variable.
    Xml,
}

/// A parameter of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlParameter {
    /// `0`, `1`, ... by place, or a name.
    pub name: String,
    /// `User::X`.
    pub variable: String,
    /// In, out, or the procedure's return value.
    pub direction: SqlDirection,
    /// Type as the provider numbers it.
    pub data_type: i32,
    /// Characters or bytes; 0 or less if not said.
    pub size: i64,
}

/// Which way a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlDirection {
    /// From the variable.
    Input,
    /// To the variable.
    Output,
    /// To the variable, once the procedure has ended.
    ReturnValue,
}

/// A result that goes to a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlResult {
    /// A column's name, or its place from 0.
    pub name: String,
    /// `User::X`.
    pub variable: String,
}
