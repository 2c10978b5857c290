//! A synchronous component. Its batches are worked on by several threads at once; what passes through is not its business.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, RecordBatch, StringViewBuilder};
use fletching::custom::{
    Applied, ClassNames, Component, ComponentClass, ComponentKind, ComponentSpec, CustomError,
    Properties, RowFailure, Synchronous,
};

/// Hides all but the last characters of the texts that the package lets it replace (usage type read-write).
///
/// Property `Keep`: how many characters stay. A text that has no more than that is an error of its row. An output column of
/// type DT_I4, if there is one, says how many characters of the row were hidden.
#[derive(Debug)]
pub struct Mask(ClassNames);

impl Default for Mask {
    fn default() -> Self {
        let names = ClassNames::new("Contoso.Ssis.Mask", "Mask");
        Self(names.described("Hides all but the last characters of texts"))
    }
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
        let keep = component.property("Keep").unwrap_or("4").trim().parse();
        if keep.is_err() {
            problems.push("Keep is no number of characters".to_owned());
        }
        let Some(input) = component.inputs.first() else {
            return Err(vec!["connect a path to its input".to_owned()]);
        };
        let columns = input.columns.iter().enumerate();
        let texts: Vec<usize> = columns
            .filter(|(_, column)| column.replaced)
            .map(|(at, _)| at)
            .collect();
        for &at in &texts {
            let field = input.schema.field(at);
            if field.data_type() != &arrow::datatypes::DataType::Utf8View {
                problems.push(format!("column `{}` is no text", field.name()));
            }
        }
        let own = component
            .outputs
            .first()
            .map_or(0, |output| output.columns.len());
        match keep {
            Ok(keep) if problems.is_empty() => Ok(Component::Synchronous(Box::new(Masking {
                keep,
                texts,
                counts: own > 0,
            }))),
            _ => Err(problems),
        }
    }
}

#[derive(Debug)]
struct Masking {
    keep: usize,
    /// Places of the columns.
    texts: Vec<usize>,
    /// Whether there is an output column for the number of hidden characters.
    counts: bool,
}

impl Synchronous for Masking {
    fn apply(&self, batch: &RecordBatch) -> Result<Applied, CustomError> {
        let mut applied = Applied::default();
        let mut hidden = vec![0; batch.num_rows()];
        for &at in &self.texts {
            let mut masked = StringViewBuilder::with_capacity(batch.num_rows());
            for (row, text) in batch.column(at).as_string_view().iter().enumerate() {
                let Some(text) = text else {
                    masked.append_null();
                    continue;
                };
                let count = text.chars().count();
                if count <= self.keep {
                    applied.failures.push(RowFailure {
                        row: row as u32,
                        column: Some(at),
                        error: CustomError::new(format!(
                            "a text of {count} characters, of which {} would be shown",
                            self.keep
                        )),
                    });
                    masked.append_null();
                    continue;
                }
                let shown = count - self.keep;
                hidden[row] += shown as i32;
                let end: String = text.chars().skip(shown).collect();
                masked.append_value("*".repeat(shown) + &end);
            }
            let masked: ArrayRef = Arc::new(masked.finish());
            debug_assert_eq!(masked.len(), batch.num_rows());
            applied.replaced.push((at, masked));
        }
        // Rows in their order, whichever column failed first.
        applied.failures.sort_by_key(|failure| failure.row);
        if self.counts {
            applied.columns.push(Arc::new(Int32Array::from(hidden)));
        }
        Ok(applied)
    }
}
