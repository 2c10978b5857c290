//! A data flow under construction: each call opens the task in its package, changes it, and leaves it whole.

use std::convert::Infallible;

use fletching::{
    Aggregation, DesignError, JoinType, Pipeline as Design,
    dtsx::{Disposition, UsageType},
};
use pyo3::{prelude::*, types::PyType};

use crate::{
    control_flow::word,
    data_type::data_type,
    errors::Outcome,
    package::Package,
    settings::{Given, Pairs},
};

/// The data flow of a task.
#[pyclass(frozen, module = "fletching._native")]
#[derive(Debug)]
pub(crate) struct Pipeline {
    package: Py<Package>,
    task: String,
}

impl Pipeline {
    /// A change that fails leaves the package as it was.
    fn change<T: Send>(
        &self,
        py: Python<'_>,
        change: impl FnOnce(&mut Design<'_>) -> Result<T, DesignError> + Send,
    ) -> Outcome<T> {
        let package = self.package.get();
        py.detach(|| {
            let mut package = package.inner.write();
            let before = package.document().clone();
            let changed = package
                .pipeline(&self.task)
                .and_then(|mut flow| change(&mut flow));
            if changed.is_err() {
                let Ok(()) = package.edit::<_, Infallible>(|document| {
                    *document = before;
                    Ok(())
                });
            }
            Ok(changed?)
        })
    }

    fn settings(&self, given: &Given) -> Outcome<fletching::Settings> {
        let package = self.package.get();
        let inner = package.inner.read();
        package.settings_of(&inner, given)
    }
}

/// Texts that are borrowed for a call.
fn pairs(given: &[(String, String)]) -> Vec<(&str, &str)> {
    let given = given.iter();
    given
        .map(|(one, other)| (one.as_str(), other.as_str()))
        .collect()
}

#[pymethods]
impl Pipeline {
    #[classmethod]
    fn of(
        _class: &Bound<'_, PyType>,
        py: Python<'_>,
        package: Py<Package>,
        task: String,
    ) -> Outcome<Self> {
        let made = Self { package, task };
        let task = made.change(py, |flow| Ok(flow.task().to_owned()))?;
        Ok(Self { task, ..made })
    }

    #[getter]
    fn task(&self) -> &str {
        &self.task
    }

    /// Names and classes of the components.
    fn components(&self, py: Python<'_>) -> Outcome<Pairs> {
        self.change(py, |flow| {
            let components = flow.flow()?.components.iter();
            let named = components.map(|one| {
                let class = one.class.unwrap_or(&one.class_id);
                (one.name.clone(), class.to_owned())
            });
            Ok(named.collect())
        })
    }

    /// Names and values of the properties of a component.
    fn properties(&self, py: Python<'_>, component: &str) -> Outcome<Pairs> {
        self.change(py, |flow| {
            let properties = flow.component(component)?.properties.iter();
            let named = properties.map(|one| (one.name.clone(), one.value.clone()));
            Ok(named.collect())
        })
    }

    /// Names and types of the columns that arrive at a component.
    fn arriving(&self, py: Python<'_>, component: &str, input: Option<&str>) -> Outcome<Pairs> {
        self.change(py, |flow| {
            let columns = flow.arriving(component, input)?.into_iter();
            let named = columns.map(|one| (one.name.clone(), one.data_type.to_string()));
            Ok(named.collect())
        })
    }

    fn add(&self, py: Python<'_>, class: &str, name: &str) -> Outcome<()> {
        self.change(py, |flow| flow.add(class, name).map(drop))
    }

    fn remove(&self, py: Python<'_>, name: &str) -> Outcome<()> {
        self.change(py, |flow| flow.remove(name).map(drop))
    }

    fn set(&self, py: Python<'_>, component: &str, property: &str, value: &str) -> Outcome<()> {
        self.change(py, |flow| flow.set(component, property, value).map(drop))
    }

    fn use_connection(&self, py: Python<'_>, component: &str, manager: &str) -> Outcome<()> {
        self.change(py, |flow| flow.use_connection(component, manager).map(drop))
    }

    #[pyo3(signature = (before, after, output=None, input=None))]
    fn connect(
        &self,
        py: Python<'_>,
        before: &str,
        after: &str,
        output: Option<&str>,
        input: Option<&str>,
    ) -> Outcome<()> {
        self.change(py, |flow| {
            flow.connect_ends((before, output), (after, input))
                .map(drop)
        })
    }

    fn on_error(&self, py: Python<'_>, component: &str, disposition: &str) -> Outcome<()> {
        let known = [
            ("FailComponent", Disposition::FailComponent),
            ("IgnoreFailure", Disposition::IgnoreFailure),
            ("RedirectRow", Disposition::RedirectRow),
        ];
        let disposition = word("disposition", disposition, &known)?;
        self.change(py, |flow| flow.on_error(component, disposition).map(drop))
    }

    fn use_column(
        &self,
        py: Python<'_>,
        component: &str,
        column: &str,
        usage: &str,
        input: Option<&str>,
    ) -> Outcome<()> {
        let known = [
            ("ReadOnly", UsageType::ReadOnly),
            ("ReadWrite", UsageType::ReadWrite),
            ("Ignored", UsageType::Ignored),
        ];
        let usage = word("usage", usage, &known)?;
        self.change(py, |flow| {
            flow.use_column(component, input, column, usage).map(drop)
        })
    }

    /// Adds a column to an output of a component of one's own.
    fn add_column(
        &self,
        py: Python<'_>,
        component: &str,
        name: &str,
        type_name: &str,
        output: Option<&str>,
    ) -> Outcome<()> {
        let data_type = data_type(type_name)?;
        self.change(py, |flow| {
            flow.add_column(component, output, name, data_type)
                .map(drop)
        })
    }

    fn use_all_columns(&self, py: Python<'_>, component: &str) -> Outcome<()> {
        self.change(py, |flow| flow.use_all_columns(component).map(drop))
    }

    fn map_column(
        &self,
        py: Python<'_>,
        component: &str,
        column: &str,
        external: &str,
    ) -> Outcome<()> {
        self.change(py, |flow| {
            flow.map_column(component, column, external).map(drop)
        })
    }

    fn map_by_name(&self, py: Python<'_>, component: &str) -> Outcome<usize> {
        self.change(py, |flow| flow.map_by_name(component))
    }

    fn read_metadata(&self, py: Python<'_>, component: &str, given: Given) -> Outcome<()> {
        let settings = self.settings(&given)?;
        self.change(py, |flow| {
            flow.read_metadata(component, &settings).map(drop)
        })
    }

    fn look_up(
        &self,
        py: Python<'_>,
        component: &str,
        joined: Pairs,
        copied: Vec<String>,
        given: Given,
    ) -> Outcome<()> {
        let settings = self.settings(&given)?;
        self.change(py, |flow| {
            let copied: Vec<&str> = copied.iter().map(String::as_str).collect();
            flow.look_up(component, &pairs(&joined), &copied, &settings)
                .map(drop)
        })
    }

    fn derive(&self, py: Python<'_>, component: &str, name: &str, expression: &str) -> Outcome<()> {
        self.change(py, |flow| {
            flow.derive(component, name, expression).map(drop)
        })
    }

    fn replace_column(
        &self,
        py: Python<'_>,
        component: &str,
        name: &str,
        expression: &str,
    ) -> Outcome<()> {
        self.change(py, |flow| {
            flow.replace_column(component, name, expression).map(drop)
        })
    }

    fn split(&self, py: Python<'_>, component: &str, output: &str, condition: &str) -> Outcome<()> {
        self.change(py, |flow| {
            flow.split(component, output, condition).map(drop)
        })
    }

    fn add_copy(&self, py: Python<'_>, component: &str, output: &str) -> Outcome<()> {
        self.change(py, |flow| flow.add_copy(component, output).map(drop))
    }

    fn convert(
        &self,
        py: Python<'_>,
        component: &str,
        from: &str,
        name: &str,
        to: &str,
    ) -> Outcome<()> {
        let to = data_type(to)?;
        self.change(py, |flow| flow.convert(component, from, name, to).map(drop))
    }

    /// Keys: column, and whether it descends.
    fn sort_by(&self, py: Python<'_>, component: &str, keys: Vec<(String, bool)>) -> Outcome<()> {
        self.change(py, |flow| {
            let keys: Vec<(&str, bool)> = keys
                .iter()
                .map(|(key, down)| (key.as_str(), *down))
                .collect();
            flow.sort_by(component, &keys).map(drop)
        })
    }

    fn aggregate(
        &self,
        py: Python<'_>,
        component: &str,
        name: &str,
        operation: &str,
        from: &str,
    ) -> Outcome<()> {
        let known = [
            ("group by", Aggregation::GroupBy),
            ("count", Aggregation::Count),
            ("count all", Aggregation::CountAll),
            ("count distinct", Aggregation::CountDistinct),
            ("sum", Aggregation::Sum),
            ("average", Aggregation::Average),
            ("minimum", Aggregation::Minimum),
            ("maximum", Aggregation::Maximum),
        ];
        let operation = word("operation", operation, &known)?;
        self.change(py, |flow| {
            flow.aggregate(component, name, operation, from).map(drop)
        })
    }

    fn join(
        &self,
        py: Python<'_>,
        component: &str,
        kind: &str,
        left: Pairs,
        right: Pairs,
    ) -> Outcome<()> {
        let known = [
            ("full", JoinType::Full),
            ("left", JoinType::Left),
            ("inner", JoinType::Inner),
        ];
        let kind = word("join", kind, &known)?;
        self.change(py, |flow| {
            flow.join(component, kind, &pairs(&left), &pairs(&right))
                .map(drop)
        })
    }
}
