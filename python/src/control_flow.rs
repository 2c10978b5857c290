//! Objects of the control flow, added to a package and removed from it.

use fletching::dtsx::{
    ConstraintValue, EvalOp, FlatFileColumn, FlatFileColumnType, ForeachMapping, NewConstraint,
    Parameter, PropertyOf, Variable,
};
use pyo3::prelude::*;

use crate::{
    data_type::{data_type, variable_type},
    errors::{Outcome, Raised},
    package::Package,
    settings::Pairs,
};

/// A variable as Python gives it.
#[derive(Debug, FromPyObject)]
#[pyo3(from_item_all)]
struct GivenVariable {
    container: String,
    namespace: String,
    name: String,
    data_type: String,
    value: String,
    expression: Option<String>,
    read_only: bool,
}

/// A column of a flat file as Python gives it.
#[derive(Debug, FromPyObject)]
#[pyo3(from_item_all)]
struct GivenColumn {
    name: String,
    data_type: String,
    format: String,
    delimiter: String,
    width: u32,
    text_qualified: bool,
}

/// A precedence constraint as Python gives it.
#[derive(Debug, FromPyObject)]
#[pyo3(from_item_all)]
struct GivenConstraint {
    value: String,
    evaluates: String,
    logical_and: bool,
    expression: Option<String>,
}

/// What a word stands for, of those there are.
pub(crate) fn word<T: Copy>(what: &str, text: &str, known: &[(&str, T)]) -> Outcome<T> {
    let found = known
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(text));
    found.map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        let message = format!(
            "{what} `{text}` is not known; there are: {}",
            known.join(", ")
        );
        Raised::new("DesignError", message)
    })
}

fn flat_file_column(given: GivenColumn) -> Outcome<FlatFileColumn> {
    let formats = [
        ("delimited", FlatFileColumnType::Delimited),
        ("fixed width", FlatFileColumnType::FixedWidth),
        ("ragged right", FlatFileColumnType::RaggedRight),
    ];
    Ok(FlatFileColumn {
        data_type: data_type(&given.data_type)?,
        column_type: word("format", &given.format, &formats)?,
        name: given.name,
        delimiter: given.delimiter,
        width: given.width,
        maximum_width: given.width,
        text_qualified: given.text_qualified,
    })
}

#[pymethods]
impl Package {
    /// Adds a connection manager with these properties and, for a flat file, these columns.
    fn add_connection_manager(
        &self,
        py: Python<'_>,
        creation_name: &str,
        name: &str,
        properties: Pairs,
        columns: Vec<GivenColumn>,
    ) -> Outcome<String> {
        let columns = columns.into_iter().map(flat_file_column);
        let columns: Vec<FlatFileColumn> = columns.collect::<Outcome<_>>()?;
        self.edit(py, |document| {
            let added = document.add_connection_manager(creation_name, name)?;
            for (property, value) in &properties {
                document.set_connection_property(name, property, value)?;
            }
            for column in &columns {
                document.add_flat_file_column(name, column)?;
            }
            Ok(added)
        })
    }

    fn set_connection_property(
        &self,
        py: Python<'_>,
        manager: &str,
        property: &str,
        value: &str,
    ) -> Outcome<()> {
        self.edit(py, |document| {
            document.set_connection_property(manager, property, value)
        })
    }

    fn remove_connection_manager(&self, py: Python<'_>, name: &str) -> Outcome<()> {
        self.edit(py, |document| document.remove_connection_manager(name))
    }

    fn add_variable(&self, py: Python<'_>, given: GivenVariable) -> Outcome<()> {
        let variable = Variable {
            namespace: given.namespace,
            name: given.name,
            dtsid: String::new(),
            data_type: variable_type(&given.data_type)?,
            value: given.value,
            evaluate_as_expression: given.expression.is_some(),
            expression: given.expression,
            read_only: given.read_only,
            sensitive: false,
            raise_changed_event: false,
        };
        self.edit(py, |document| {
            document.add_variable(&given.container, &variable)
        })
    }

    fn remove_variable(
        &self,
        py: Python<'_>,
        container: &str,
        namespace: &str,
        name: &str,
    ) -> Outcome<()> {
        self.edit(py, |document| {
            document.remove_variable(container, namespace, name)
        })
    }

    fn add_parameter(
        &self,
        py: Python<'_>,
        name: String,
        type_name: &str,
        value: String,
        required: bool,
        sensitive: bool,
    ) -> Outcome<()> {
        let parameter = Parameter {
            name,
            dtsid: String::new(),
            data_type: variable_type(type_name)?,
            value,
            required,
            sensitive,
        };
        self.edit(py, |document| document.add_parameter(&parameter))
    }

    /// Adds a task or container; its path.
    fn add_executable(
        &self,
        py: Python<'_>,
        container: &str,
        class: &str,
        name: &str,
    ) -> Outcome<String> {
        self.edit(py, |document| {
            document.add_executable(container, class, name)
        })
    }

    fn remove_executable(&self, py: Python<'_>, path: &str) -> Outcome<()> {
        self.edit(py, |document| document.remove_executable(path))
    }

    /// Sets a property in the settings of a task, by the name of its attribute.
    fn set_task_property(
        &self,
        py: Python<'_>,
        path: &str,
        property: &str,
        value: &str,
    ) -> Outcome<()> {
        let place = PropertyOf::Payload;
        self.edit(py, |document| {
            document.set_executable_property(path, place, property, value)
        })
    }

    fn append_to_task(&self, py: Python<'_>, path: &str, xml: &str) -> Outcome<()> {
        self.edit(py, |document| document.append_to_payload(path, xml))
    }

    fn add_precedence_constraint(
        &self,
        py: Python<'_>,
        before: &str,
        after: &str,
        given: GivenConstraint,
    ) -> Outcome<()> {
        let values = [
            ("success", ConstraintValue::Success),
            ("failure", ConstraintValue::Failure),
            ("completion", ConstraintValue::Completion),
        ];
        let operations = [
            ("constraint", EvalOp::Constraint),
            ("expression", EvalOp::Expression),
            ("expression and constraint", EvalOp::ExpressionAndConstraint),
            ("expression or constraint", EvalOp::ExpressionOrConstraint),
        ];
        let constraint = NewConstraint {
            value: word("outcome", &given.value, &values)?,
            eval_op: word("operation", &given.evaluates, &operations)?,
            logical_and: given.logical_and,
            expression: given.expression,
        };
        self.edit(py, |document| {
            document.add_precedence_constraint(before, after, &constraint)
        })
    }

    fn add_event_handler(&self, py: Python<'_>, owner: &str, event: &str) -> Outcome<String> {
        self.edit(py, |document| document.add_event_handler(owner, event))
    }

    fn set_enumerator(
        &self,
        py: Python<'_>,
        path: &str,
        class: &str,
        settings: &str,
        mappings: Vec<(String, u32)>,
    ) -> Outcome<()> {
        let mappings = mappings.into_iter();
        let mappings: Vec<ForeachMapping> = mappings
            .map(|(variable, value_index)| ForeachMapping {
                variable,
                value_index,
            })
            .collect();
        self.edit(py, |document| {
            document.set_enumerator(path, class, settings, &mappings)
        })
    }

    /// Sets or removes the expression on a property of an executable or a connection manager.
    fn set_expression(
        &self,
        py: Python<'_>,
        object: &str,
        property: &str,
        expression: Option<&str>,
    ) -> Outcome<()> {
        self.edit(py, |document| {
            document.set_property_expression(object, property, expression)
        })
    }
}
