//! `Contoso.Ssis.Calendar`: a row for each day.
//!
//! | property | |
//! |---|---|
//! | `From` | first day, as days since 1970-01-01 |
//! | `Days` | how many days |
//!
//! Its output has two columns, of `DT_DBDATE` and `DT_I4`: the day, and its place in the week (1: Monday).

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int32Array, RecordBatch};
use fletching_custom::{
    Batches, ClassNames, Component, ComponentClass, ComponentKind, ComponentSpec, CustomError,
    OutputSpec, Properties, Source,
};

/// Rows of a batch.
const ROWS: i32 = 1000;

#[derive(Debug)]
pub(crate) struct Calendar(ClassNames);

impl Calendar {
    pub(crate) fn class() -> Self {
        Self(ClassNames::new("Contoso.Ssis.Calendar", "Calendar").described("A row for each day"))
    }
}

#[derive(Debug)]
struct Days {
    from: i32,
    count: i32,
    output: OutputSpec,
}

impl ComponentClass for Calendar {
    fn names(&self) -> &ClassNames {
        &self.0
    }

    fn kind(&self) -> ComponentKind {
        ComponentKind::Source
    }

    fn properties(&self) -> Properties {
        vec![
            ("From".to_owned(), "0".to_owned()),
            ("Days".to_owned(), "365".to_owned()),
        ]
    }

    fn read(&self, component: &ComponentSpec) -> Result<Component, Vec<String>> {
        let mut problems = Vec::new();
        let mut number = |name: &str| {
            let text = component.property(name).unwrap_or_default();
            let number = text.trim().parse::<i32>();
            if number.is_err() {
                problems.push(format!("`{name}` is `{text}`: a whole number is wanted"));
            }
            number.unwrap_or_default()
        };
        let (from, count) = (number("From"), number("Days"));
        let output = component.outputs.iter().find(|output| !output.is_error);
        match output {
            Some(output) if output.columns.len() == 2 && problems.is_empty() => {
                Ok(Component::Source(Box::new(Days {
                    from,
                    count,
                    output: output.clone(),
                })))
            }
            Some(output) if output.columns.len() == 2 => Err(problems),
            _ => {
                problems.push(
                    "two columns of one output are wanted: the day, and its place in the week"
                        .to_owned(),
                );
                Err(problems)
            }
        }
    }
}

impl Source for Days {
    fn open(&self) -> Result<Batches, CustomError> {
        let (first, end) = (self.from, self.from.saturating_add(self.count));
        let schema = Arc::clone(&self.output.schema);
        let batches = (first..end).step_by(ROWS as usize).map(move |start| {
            let days = start..end.min(start.saturating_add(ROWS));
            // 1970-01-01 was a Thursday.
            let places = days.clone().map(|day| (day + 3).rem_euclid(7) + 1);
            let columns: Vec<ArrayRef> = vec![
                Arc::new(Date32Array::from_iter_values(days)),
                Arc::new(Int32Array::from_iter_values(places)),
            ];
            Ok(RecordBatch::try_new(Arc::clone(&schema), columns)?)
        });
        Ok(Box::new(batches))
    }
}
