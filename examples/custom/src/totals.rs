//! An asynchronous component: its rows are others than those that come in.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{AsArray, Int64Array, RecordBatch, StringViewArray},
    datatypes::{DataType, Int64Type, SchemaRef},
};
use fletching::custom::{
    Asynchronous, ClassNames, Component, ComponentClass, ComponentKind, ComponentSpec, CustomError,
    NewOutput, Process,
};

/// The number of rows and the sum for each key. Input columns: the key (DT_WSTR), the number (DT_I8); output columns: key,
/// rows (DT_I8), sum (DT_I8).
#[derive(Debug)]
pub struct Totals(ClassNames);

impl Default for Totals {
    fn default() -> Self {
        let names = ClassNames::new("Contoso.Ssis.Totals", "Totals");
        Self(names.described("The number of rows and the sum for each key"))
    }
}

impl ComponentClass for Totals {
    fn names(&self) -> &ClassNames {
        &self.0
    }

    fn kind(&self) -> ComponentKind {
        ComponentKind::Transform
    }

    fn outputs(&self) -> Vec<NewOutput> {
        vec![NewOutput::asynchronous("Output")]
    }

    fn read(&self, component: &ComponentSpec) -> Result<Component, Vec<String>> {
        let types = |schema: &SchemaRef| -> Vec<DataType> {
            let fields = schema.fields().iter();
            fields.map(|field| field.data_type().clone()).collect()
        };
        let (Some(input), Some(output)) = (component.inputs.first(), component.outputs.first())
        else {
            return Err(vec!["it needs an input and an output".to_owned()]);
        };
        let mut problems = Vec::new();
        if types(&input.schema) != [DataType::Utf8View, DataType::Int64] {
            problems.push("take two columns: a DT_WSTR and a DT_I8".to_owned());
        }
        if types(&output.schema) != [DataType::Utf8View, DataType::Int64, DataType::Int64] {
            problems.push("its output has three columns: a DT_WSTR and two DT_I8".to_owned());
        }
        let schema = Arc::clone(&output.schema);
        match problems.is_empty() {
            true => Ok(Component::Asynchronous(Box::new(Summing { schema }))),
            false => Err(problems),
        }
    }
}

#[derive(Debug)]
struct Summing {
    schema: SchemaRef,
}

impl Asynchronous for Summing {
    fn start(&self) -> Result<Box<dyn Process>, CustomError> {
        Ok(Box::new(Sums {
            schema: Arc::clone(&self.schema),
            sums: BTreeMap::new(),
        }))
    }
}

struct Sums {
    schema: SchemaRef,
    /// Rows and sum.
    sums: BTreeMap<String, (i64, i64)>,
}

impl Process for Sums {
    fn push(
        &mut self,
        _input: usize,
        batch: &RecordBatch,
    ) -> Result<Vec<RecordBatch>, CustomError> {
        let keys = batch.column(0).as_string_view();
        let numbers = batch.column(1).as_primitive::<Int64Type>();
        for (key, number) in keys.iter().zip(numbers) {
            let (rows, sum) = self
                .sums
                .entry(key.unwrap_or_default().to_owned())
                .or_default();
            *rows += 1;
            *sum += number.unwrap_or_default();
        }
        Ok(Vec::new())
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>, CustomError> {
        let keys: StringViewArray = self.sums.keys().map(Some).collect();
        let rows: Int64Array = self.sums.values().map(|(rows, _)| *rows).collect();
        let sums: Int64Array = self.sums.values().map(|(_, sum)| *sum).collect();
        let columns = vec![
            Arc::new(keys) as _,
            Arc::new(rows) as _,
            Arc::new(sums) as _,
        ];
        Ok(vec![RecordBatch::try_new(
            Arc::clone(&self.schema),
            columns,
        )?])
    }
}
