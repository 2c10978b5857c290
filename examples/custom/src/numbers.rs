//! A source. Its batches are made one after the other, on a thread that may wait.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use arrow::{
    array::{ArrayRef, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, SchemaRef},
};
use fletching::custom::{
    Batches, ClassNames, Component, ComponentClass, ComponentKind, ComponentSpec, CustomError,
    Properties, Source,
};

/// The numbers from 1 to `Rows`. Output columns of type DT_I8 get the number, those of type DT_WSTR its text.
#[derive(Debug)]
pub struct Numbers(ClassNames);

impl Default for Numbers {
    fn default() -> Self {
        let names = ClassNames::new("Contoso.Ssis.Numbers", "Numbers");
        Self(names.described("The numbers from 1"))
    }
}

impl ComponentClass for Numbers {
    fn names(&self) -> &ClassNames {
        &self.0
    }

    fn kind(&self) -> ComponentKind {
        ComponentKind::Source
    }

    fn properties(&self) -> Properties {
        vec![("Rows".to_owned(), "10".to_owned())]
    }

    fn read(&self, component: &ComponentSpec) -> Result<Component, Vec<String>> {
        let mut problems = Vec::new();
        let rows = component.property("Rows").unwrap_or("10").trim().parse();
        if rows.is_err() {
            problems.push("Rows is no number of rows".to_owned());
        }
        let outputs = component.outputs.iter().find(|output| !output.is_error);
        let schema = outputs.map(|output| Arc::clone(&output.schema));
        let schema = schema.ok_or_else(|| vec!["it needs an output".to_owned()])?;
        for field in schema.fields() {
            if !matches!(field.data_type(), DataType::Int64 | DataType::Utf8View) {
                problems.push(format!(
                    "column `{}` is no DT_I8 and no DT_WSTR",
                    field.name()
                ));
            }
        }
        match rows {
            Ok(rows) if problems.is_empty() => Ok(Component::Source(Box::new(Counting {
                rows,
                schema,
                canceled: Arc::default(),
            }))),
            _ => Err(problems),
        }
    }
}

/// Rows of a batch.
const BATCH: i64 = 1000;

#[derive(Debug)]
struct Counting {
    rows: i64,
    schema: SchemaRef,
    canceled: Arc<AtomicBool>,
}

impl Source for Counting {
    fn open(&self) -> Result<Batches, CustomError> {
        let (rows, schema) = (self.rows, Arc::clone(&self.schema));
        let canceled = Arc::clone(&self.canceled);
        let starts = (1..=rows).step_by(BATCH as usize);
        let starts = starts.take_while(move |_| !canceled.load(Ordering::Relaxed));
        Ok(Box::new(starts.map(move |from| {
            batch(&schema, from, (from + BATCH - 1).min(rows))
        })))
    }

    fn cancel(&self) {
        self.canceled.store(true, Ordering::Relaxed);
    }
}

fn batch(schema: &SchemaRef, from: i64, to: i64) -> Result<RecordBatch, CustomError> {
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.data_type() {
            DataType::Int64 => Arc::new(Int64Array::from_iter_values(from..=to)),
            _ => {
                let texts = (from..=to).map(|number| format!("number {number}"));
                Arc::new(StringArray::from_iter_values(texts))
            }
        }
    });
    let columns: Vec<(String, ArrayRef)> = schema
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .zip(columns)
        .collect();
    // Text may be any of Arrow's: the engine makes its own of it.
    Ok(RecordBatch::try_from_iter(columns)?)
}
