//! Data Conversion: new columns that hold the values of others in another type.
//!
//! **Rows**: each row in is a row out, in the same order. A value that does not fit the new type goes where the column's
//! dispositions say: it stops the flow (the default), is ignored (NULL; text that is too long is cut), or its row leaves
//! by the error output with the columns as they arrived. An empty text is no number and no date: it is NULL without an
//! error only where failures are ignored; white space around a number is fine (spec `ssis-semantics.md` 6.4, 6.5).
//!
//! ```text
//!  s ──▶ Data Conversion ──▶ s, n                        `Data Conversion Output`
//!                  └───────▶ s, ErrorCode, ErrorColumn   `Data Conversion Error Output`
//! ```
//!
//! **Properties** of an output column:
//!
//! | property | type | default | meaning |
//! |---|---|---|---|
//! | `SourceInputColumnLineageID` | reference | | the column to convert |
//! | `FastParse` | bool | false | locale-neutral ISO forms only (spec `ssis-semantics.md` 9.10) |

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion_common::Result;
use datafusion_physical_plan::ExecutionPlan;
use dtsx::DataType;
use fletching_expression::{ConvertOptions, convert};

use super::{
    computed::{Computed, ComputedColumn, cell_failure, output_specs, shown_value},
    settings::{Known, check_redirect, regular_output, reject_unknown_everywhere, sole_input},
};
use crate::{
    Binding, BoundInput, Component, ComponentClass, ComponentKind, Finding, Findings, PlanContext,
    Planned,
    flow::{Applied, FlowError, OutputSpec, RowError, RowWise},
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.DataConvert",
    kind: ComponentKind::Transform,
    read,
};

const SOURCE: &str = "SourceInputColumnLineageID";
const FAST_PARSE: &str = "FastParse";

/// Settings of a Data Conversion.
#[derive(Debug)]
pub struct DataConversion {
    pub path: String,
    pub outputs: Vec<OutputSpec>,
    pub columns: Vec<Conversion>,
}

/// One conversion.
#[derive(Debug)]
pub struct Conversion {
    pub column: ComputedColumn,
    /// Position of the source column.
    pub source: usize,
    pub source_name: String,
    pub from: DataType,
    pub options: ConvertOptions,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let input = binding.input()?;
    let output = regular_output(binding, input)?;
    let mut findings = Findings::default();
    let known = Known {
        output_column: &[SOURCE, FAST_PARSE],
        ..Known::default()
    };
    reject_unknown_everywhere(binding, known, &mut findings);
    let own = output
        .bound
        .columns
        .iter()
        .skip(output.bound.passed_through);
    let mut columns = Vec::new();
    for (document, bound) in output.document.columns.iter().zip(own) {
        let column = ComputedColumn::added(document, bound);
        let place = format!("column `{}`", column.name);
        check_redirect(
            binding,
            &place,
            [column.on_error, column.on_truncation],
            &mut findings,
        );
        match conversion(binding, input, document, column) {
            Ok(conversion) => columns.push(conversion),
            Err(finding) => findings.push(finding),
        }
    }
    let operator = DataConversion {
        path: binding.path.to_owned(),
        outputs: output_specs(binding.outputs),
        columns,
    };
    findings.none_or(Box::new(Settings(Arc::new(operator))))
}

fn conversion(
    binding: &Binding<'_>,
    input: &BoundInput,
    document: &dtsx::OutputColumn,
    column: ComputedColumn,
) -> Result<Conversion, Finding> {
    let properties = &document.properties;
    let Some(reference) = properties.get(SOURCE) else {
        return Err(binding.finding(format!(
            "column `{}` names no source: {SOURCE} is missing",
            column.name
        )));
    };
    let found = input
        .position(reference)
        .and_then(|position| Some((position, input.columns.get(position)?)));
    let Some((source, from)) = found else {
        let message = format!(
            "column `{}` converts `{reference}`, which does not arrive",
            column.name
        );
        return Err(binding.finding(message));
    };
    let fast_parse = match properties.get(FAST_PARSE) {
        None => false,
        Some(text) => dtsx::parse_bool(text).ok_or_else(|| {
            binding.finding(format!(
                "{FAST_PARSE} of column `{}` is `{text}`, not true or false",
                column.name
            ))
        })?,
    };
    let options = ConvertOptions {
        locale_id: binding.locale_id,
        fast_parse,
        ..ConvertOptions::default()
    };
    // Converting no rows says whether the pair of types can be converted at all.
    let nothing =
        arrow::array::new_empty_array(&fletching_expression::types::arrow_type(&from.data_type));
    if let Err(error) = convert(&nothing, &from.data_type, &column.data_type, &options) {
        return Err(binding.finding(format!("column `{}`: {error}", column.name)));
    }
    let (source_name, from) = (from.name.clone(), from.data_type);
    Ok(Conversion {
        column,
        source,
        source_name,
        from,
        options,
    })
}

#[derive(Debug)]
struct Settings(Arc<DataConversion>);

impl Component for Settings {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, _context: &PlanContext) -> Result<Planned> {
        let operator: Arc<dyn RowWise> = Arc::<DataConversion>::clone(&self.0);
        Ok(Planned::RowWise {
            input: sole_input(inputs, &self.0.path)?,
            operator,
        })
    }
}

impl RowWise for DataConversion {
    fn name(&self) -> &'static str {
        "DataConversion"
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn details(&self) -> String {
        let columns = self.columns.iter().map(|conversion| {
            let fast = if conversion.options.fast_parse {
                " (fast parse)"
            } else {
                ""
            };
            let column = &conversion.column;
            format!(
                "{} = ({}) {}{fast}",
                column.name, column.data_type, conversion.source_name
            )
        });
        columns.collect::<Vec<_>>().join(", ")
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.outputs
    }

    fn apply(&self, batch: &RecordBatch) -> Result<Applied> {
        let mut computed = Computed::default();
        for conversion in &self.columns {
            let column = &conversion.column;
            let source = batch.column(conversion.source);
            let converted = convert(
                source,
                &conversion.from,
                &column.data_type,
                &conversion.options,
            )
            .map_err(|error| {
                FlowError::new(&self.path, error.code(), error.to_string())
                    .with_column(&column.name)
            })?;
            computed.add(column, converted);
        }
        computed.finish(batch, &self.outputs)
    }

    fn failure(&self, batch: &RecordBatch, error: &RowError) -> FlowError {
        let Some(conversion) = self
            .columns
            .iter()
            .find(|conversion| conversion.column.number == error.column)
        else {
            return FlowError::new(&self.path, Some(error.code), "a row failed");
        };
        let value = shown_value(batch, conversion.source, error.row);
        let to = &conversion.column.data_type;
        let what = format!(
            "converting {value} of column `{}` ({}) to {to}",
            conversion.source_name, conversion.from
        );
        cell_failure(&self.path, &conversion.column.name, error, &what)
    }
}
