//! `Contoso.Ssis.Mask`: keeps the last characters of texts, and replaces the others by stars.
//!
//! The input columns that the package lets it write are masked in place. A text shorter than what is kept fails as a row.
//!
//! | property | |
//! |---|---|
//! | `Keep` | how many characters are kept |

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringViewArray};
use fletching_custom::{
    Applied, ClassNames, Component, ComponentClass, ComponentKind, ComponentSpec, CustomError,
    Properties, RowFailure, Synchronous,
};

#[derive(Debug)]
pub(crate) struct Mask(ClassNames);

impl Mask {
    pub(crate) fn class() -> Self {
        Self(
            ClassNames::new("Contoso.Ssis.Mask", "Mask")
                .described("Stars for all but the last characters"),
        )
    }
}

#[derive(Debug)]
struct Masked {
    keep: usize,
    columns: Vec<usize>,
}

impl ComponentClass for Mask {
    fn names(&self) -> &ClassNames {
        &self.0
    }

    fn kind(&self) -> ComponentKind {
        ComponentKind::Transform
    }

    fn properties(&self) -> Properties {
        vec![("Keep".to_owned(), "4".to_owned())]
    }

    fn read(&self, component: &ComponentSpec) -> Result<Component, Vec<String>> {
        let mut problems = Vec::new();
        let text = component.property("Keep").unwrap_or("4");
        let keep = text.trim().parse::<usize>().unwrap_or_else(|_| {
            problems.push(format!(
                "`Keep` is `{text}`: a number of characters is wanted"
            ));
            0
        });
        let Some(input) = component.inputs.first() else {
            return Err(vec!["no path arrives at it".to_owned()]);
        };
        let mut columns = Vec::new();
        for (at, (column, field)) in input.columns.iter().zip(input.schema.fields()).enumerate() {
            if !column.replaced {
                continue;
            }
            if field.data_type().is_string() {
                columns.push(at);
            } else {
                problems.push(format!(
                    "column `{}` holds {}: a text is wanted",
                    column.name,
                    field.data_type()
                ));
            }
        }
        match problems.is_empty() {
            true => Ok(Component::Synchronous(Box::new(Masked { keep, columns }))),
            false => Err(problems),
        }
    }
}

impl Synchronous for Masked {
    fn apply(&self, batch: &RecordBatch) -> Result<Applied, CustomError> {
        let mut applied = Applied::default();
        for at in &self.columns {
            let mut masked: Vec<Option<String>> = Vec::with_capacity(batch.num_rows());
            for (row, text) in batch.column(*at).as_string_view().iter().enumerate() {
                let Some(text) = text else {
                    masked.push(None);
                    continue;
                };
                let length = text.chars().count();
                if length < self.keep {
                    applied.failures.push(RowFailure {
                        row: row as u32,
                        column: Some(*at),
                        error: CustomError::new(format!(
                            "a text of {length} characters; {} are kept",
                            self.keep
                        )),
                    });
                    masked.push(None);
                    continue;
                }
                let stars = std::iter::repeat_n('*', length - self.keep);
                masked.push(Some(
                    stars.chain(text.chars().skip(length - self.keep)).collect(),
                ));
            }
            let masked: ArrayRef = Arc::new(StringViewArray::from_iter(masked));
            applied.replaced.push((*at, masked));
        }
        Ok(applied)
    }
}
