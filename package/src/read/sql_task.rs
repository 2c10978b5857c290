//! The payload of an Execute SQL task.

use crate::{
    Element, Error, ExecuteSql, ResultType, SqlDirection, SqlParameter, SqlResult, SqlSource,
    read::shape::{attribute, boolean, number, own_properties, text, value_error},
};

/// Reads `SqlTaskData`.
pub(crate) fn read_execute_sql(element: Element<'_>) -> Result<ExecuteSql, Error> {
    let properties = own_properties(element);
    let source = match text(&properties, "SqlStmtSourceType").as_str() {
        "" | "DirectInput" | "1" => SqlSource::Direct,
        "Variable" | "3" => SqlSource::Variable,
        "FileConnection" | "2" => SqlSource::File,
        other => {
            let wanted = "DirectInput, FileConnection or Variable";
            return Err(value_error(element, "SqlStmtSourceType", other, wanted));
        }
    };
    let result = text(&properties, "ResultType");
    let result = match result.strip_prefix("ResultSetType_").unwrap_or(&result) {
        "" | "None" | "1" | "0" => ResultType::None,
        "SingleRow" | "2" => ResultType::SingleRow,
        "Rowset" | "3" => ResultType::Rowset,
        "XML" | "4" => ResultType::Xml,
        other => {
            let wanted = "None, SingleRow, Rowset or XML";
            return Err(value_error(element, "ResultType", other, wanted));
        }
    };
    let children = |name: &'static str| {
        element
            .children()
            .filter(move |child| child.local_name() == name)
    };
    let code_page = number(element, &properties, "CodePage", 0_u32)?;
    Ok(ExecuteSql {
        connection: text(&properties, "Connection"),
        source,
        statement: text(&properties, "SqlStatementSource"),
        timeout_seconds: number(element, &properties, "TimeOut", 0)?,
        is_stored_procedure: boolean(element, &properties, "IsStoredProc", false)?,
        result,
        code_page: Some(code_page).filter(|page| *page != 0),
        parameters: children("ParameterBinding")
            .map(parameter)
            .collect::<Result<_, _>>()?,
        results: children("ResultBinding")
            .map(|child| SqlResult {
                name: attribute(child, "ResultName"),
                variable: attribute(child, "DtsVariableName"),
            })
            .collect(),
        properties,
        selected: element
            .children()
            .filter(|child| !BINDINGS.contains(&child.local_name()))
            .map(|child| (child.local_name().to_owned(), own_properties(child)))
            .collect(),
    })
}

const BINDINGS: [&str; 2] = ["ParameterBinding", "ResultBinding"];

fn parameter(element: Element<'_>) -> Result<SqlParameter, Error> {
    let properties = own_properties(element);
    let direction = match text(&properties, "ParameterDirection").as_str() {
        "" | "Input" | "1" => SqlDirection::Input,
        "Output" | "2" => SqlDirection::Output,
        "ReturnValue" | "6" | "4" => SqlDirection::ReturnValue,
        other => {
            let wanted = "Input, Output or ReturnValue";
            return Err(value_error(element, "ParameterDirection", other, wanted));
        }
    };
    Ok(SqlParameter {
        name: text(&properties, "ParameterName"),
        variable: text(&properties, "DtsVariableName"),
        direction,
        data_type: number(element, &properties, "DataType", 0)?,
        size: number(element, &properties, "ParameterSize", 0)?,
    })
}
