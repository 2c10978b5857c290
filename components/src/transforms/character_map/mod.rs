//! Character Map: text columns in another case, width, kana or byte order, in place or as new columns.
//!
//! **Rows**: each row in is a row out, in the same order. A value that gets too long for its column (half-width forms of
//! voiced kana are two characters) goes where the column's truncation disposition says: it stops the flow, is cut, or its
//! row leaves by the error output with the columns as they arrived.
//!
//! ```text
//!  name ──▶ Character Map ──▶ NAME                              `Character Map Output`
//!                    └──────▶ name, ErrorCode, ErrorColumn      `Character Map Error Output`
//! ```
//!
//! **Properties** of an output column (a new one), or of an input column with `usageType="readWrite"` (changed in place):
//!
//! | property | type | meaning |
//! |---|---|---|
//! | `MapFlags` | bit mask | 0x100 lower case, 0x200 upper case, 0x800 byte reversal, 0x100000 hiragana, 0x200000 katakana, 0x400000 half width, 0x800000 full width, 0x1000000 linguistic casing |
//! | `InputColumnLineageID` | reference | of an output column: the column whose text it takes |
//!
//! Case is simple (one character for one) and, without linguistic casing, the same in every language; with it, Turkish
//! and Azeri (LCID 1055, 1068, 2092) have their own i.
//!
//! **Not supported**: Simplified Chinese (0x2000000) and Traditional Chinese (0x4000000).

mod mapping;

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, StringViewBuilder},
    datatypes::DataType as ArrowType,
};
use datafusion_common::{Result, internal_err};
use datafusion_physical_plan::ExecutionPlan;
use dtsx::{DataType, SsisCode, UsageType};
use fletching_expression::{ConvertOptions, Evaluated, RowFailure, convert};

pub use mapping::{Case, Kana, Mapping, Width};

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
    name: "Microsoft.CharacterMap",
    kind: ComponentKind::Transform,
    read,
};

const MAP_FLAGS: &str = "MapFlags";
const SOURCE: &str = "InputColumnLineageID";

const LOWER: u32 = 0x100;
const UPPER: u32 = 0x200;
const BYTE_REVERSAL: u32 = 0x800;
const HIRAGANA: u32 = 0x10_0000;
const KATAKANA: u32 = 0x20_0000;
const HALF_WIDTH: u32 = 0x40_0000;
const FULL_WIDTH: u32 = 0x80_0000;
const LINGUISTIC: u32 = 0x100_0000;
const SIMPLIFIED_CHINESE: u32 = 0x200_0000;
const TRADITIONAL_CHINESE: u32 = 0x400_0000;

/// Pairs that exclude each other, with the code that says so.
const EXCLUSIVE: [(u32, u32, &str, &str); 4] = [
    (
        LOWER,
        UPPER,
        "lower and upper case",
        "DTS_E_TXCHARMAP_CANTBOTHCASE",
    ),
    (
        HIRAGANA,
        KATAKANA,
        "hiragana and katakana",
        "DTS_E_TXCHARMAP_CANTKATAKANAHIRAGANA",
    ),
    (
        HALF_WIDTH,
        FULL_WIDTH,
        "half and full width",
        "DTS_E_TXCHARMAP_CANTFULLHALF",
    ),
    (
        LOWER | UPPER,
        HIRAGANA | KATAKANA,
        "case and kana",
        "DTS_E_TXCHARMAP_CANTCASEJAPANESE",
    ),
];

/// Settings of a Character Map.
#[derive(Debug)]
pub struct CharacterMap {
    pub path: String,
    pub outputs: Vec<OutputSpec>,
    pub columns: Vec<MappedColumn>,
}

#[derive(Debug)]
pub struct MappedColumn {
    pub column: ComputedColumn,
    /// Position of the column whose text is mapped.
    pub source: usize,
    pub mapping: Mapping,
    /// Type of the mapped text before it is fitted to the column: as long as the mapping can make it.
    pub widest: DataType,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let input = binding.input()?;
    let output = regular_output(binding, input)?;
    let mut findings = Findings::default();
    let known = Known {
        input_column: &[MAP_FLAGS],
        output_column: &[MAP_FLAGS, SOURCE],
        ..Known::default()
    };
    reject_unknown_everywhere(binding, known, &mut findings);
    let mut columns = Vec::new();
    for (document, &position) in binding.document_input()?.columns.iter().zip(&input.used) {
        if document.usage == UsageType::ReadWrite {
            let column = ComputedColumn::replaced(document, position, &input.columns[position]);
            let found = mapped_column(
                binding,
                input,
                column,
                position,
                &document.properties,
                &mut findings,
            );
            keep(found, &mut columns, &mut findings);
        }
    }
    let own = output
        .bound
        .columns
        .iter()
        .skip(output.bound.passed_through);
    for (document, bound) in output.document.columns.iter().zip(own) {
        let column = ComputedColumn::added(document, bound);
        let reference = document.properties.get(SOURCE).unwrap_or_default();
        let Some(position) = input.position(reference) else {
            let message = format!(
                "column `{}` maps `{reference}`, which does not arrive",
                column.name
            );
            findings.push(binding.finding(message));
            continue;
        };
        let found = mapped_column(
            binding,
            input,
            column,
            position,
            &document.properties,
            &mut findings,
        );
        keep(found, &mut columns, &mut findings);
    }
    let operator = CharacterMap {
        path: binding.path.to_owned(),
        outputs: output_specs(binding.outputs),
        columns,
    };
    findings.none_or(Box::new(Settings(Arc::new(operator))))
}

fn keep(
    found: Result<MappedColumn, Finding>,
    columns: &mut Vec<MappedColumn>,
    findings: &mut Findings,
) {
    match found {
        Ok(column) => columns.push(column),
        Err(finding) => findings.push(finding),
    }
}

fn mapped_column(
    binding: &Binding<'_>,
    input: &BoundInput,
    column: ComputedColumn,
    source: usize,
    properties: &dtsx::Properties,
    findings: &mut Findings,
) -> Result<MappedColumn, Finding> {
    check_redirect(
        binding,
        &format!("column `{}`", column.name),
        [column.on_error, column.on_truncation],
        findings,
    );
    let mapping = mapping(
        binding,
        &column.name,
        properties.get(MAP_FLAGS).unwrap_or_default(),
    )?;
    let from = input.columns[source].data_type;
    let widest = match from {
        DataType::WStr { length } => DataType::WStr {
            length: length.saturating_mul(2),
        },
        DataType::Str { .. } if mapping.reverse_bytes => {
            let message = format!(
                "column `{}`: byte reversal of {from}: only of DT_WSTR",
                column.name
            );
            return Err(coded(
                binding.finding(message),
                "DTS_E_TXCHARMAP_INVALIDMAPFLAGANDDATATYPE",
            ));
        }
        DataType::Str { length, code_page } => DataType::Str {
            length: length.saturating_mul(4),
            code_page,
        },
        other => {
            let message = format!(
                "column `{}` maps {other}: only DT_STR and DT_WSTR can be mapped",
                column.name
            );
            return Err(coded(
                binding.finding(message),
                "DTS_E_TXCHARMAPINVALIDCOLUMNDATATYPE",
            ));
        }
    };
    Ok(MappedColumn {
        column,
        source,
        mapping,
        widest,
    })
}

fn coded(finding: Finding, symbol: &str) -> Finding {
    Finding {
        code: SsisCode::from_symbol(symbol).or(finding.code),
        ..finding
    }
}

/// Flags to a mapping; what contradicts itself, is unknown or not supported is a finding.
fn mapping(binding: &Binding<'_>, column: &str, text: &str) -> Result<Mapping, Finding> {
    let Ok(flags) = text.trim().parse::<u32>() else {
        return Err(binding.finding(format!(
            "{MAP_FLAGS} of column `{column}` is `{text}`, not a number"
        )));
    };
    for (flag, name) in [
        (SIMPLIFIED_CHINESE, "Simplified Chinese"),
        (TRADITIONAL_CHINESE, "Traditional Chinese"),
    ] {
        if flags & flag != 0 {
            return Err(binding.unsupported(format!(
                "column `{column}`: the {name} map ({flag:#x}) is not supported"
            )));
        }
    }
    for (one, other, names, symbol) in EXCLUSIVE {
        if flags & one != 0 && flags & other != 0 {
            return Err(coded(
                binding.finding(format!("column `{column}`: {names} exclude each other")),
                symbol,
            ));
        }
    }
    if flags & LINGUISTIC != 0 && flags & (LOWER | UPPER) == 0 {
        let message = format!("column `{column}`: linguistic casing needs lower or upper case");
        return Err(coded(
            binding.finding(message),
            "DTS_E_TXCHARMAP_CANTLINGUISTIC",
        ));
    }
    let known =
        LOWER | UPPER | BYTE_REVERSAL | HIRAGANA | KATAKANA | HALF_WIDTH | FULL_WIDTH | LINGUISTIC;
    if flags & !known != 0 {
        return Err(binding.unsupported(format!(
            "{MAP_FLAGS} of column `{column}` is {flags} ({flags:#x}): {:#x} is not a known map",
            flags & !known
        )));
    }
    if flags & BYTE_REVERSAL != 0 && flags != BYTE_REVERSAL {
        return Err(binding.unsupported(format!(
            "column `{column}`: byte reversal together with another map"
        )));
    }
    let one_of = |first: u32, second: u32| (flags & first != 0, flags & second != 0);
    Ok(Mapping {
        case: match one_of(LOWER, UPPER) {
            (true, _) => Some(Case::Lower),
            (_, true) => Some(Case::Upper),
            _ => None,
        },
        turkic: flags & LINGUISTIC != 0 && matches!(binding.locale_id, 1055 | 1068 | 2092),
        kana: match one_of(HIRAGANA, KATAKANA) {
            (true, _) => Some(Kana::Hiragana),
            (_, true) => Some(Kana::Katakana),
            _ => None,
        },
        width: match one_of(HALF_WIDTH, FULL_WIDTH) {
            (true, _) => Some(Width::Half),
            (_, true) => Some(Width::Full),
            _ => None,
        },
        reverse_bytes: flags & BYTE_REVERSAL != 0,
    })
}

#[derive(Debug)]
struct Settings(Arc<CharacterMap>);

impl Component for Settings {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, _context: &PlanContext) -> Result<Planned> {
        let operator: Arc<dyn RowWise> = Arc::<CharacterMap>::clone(&self.0);
        Ok(Planned::RowWise {
            input: sole_input(inputs, &self.0.path)?,
            operator,
        })
    }
}

impl RowWise for CharacterMap {
    fn name(&self) -> &'static str {
        "CharacterMap"
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn details(&self) -> String {
        let columns = self
            .columns
            .iter()
            .map(|mapped| format!("{}: {:?}", mapped.column.name, mapped.mapping));
        columns.collect::<Vec<_>>().join(", ")
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.outputs
    }

    fn apply(&self, batch: &RecordBatch) -> Result<Applied> {
        let mut computed = Computed::default();
        for mapped in &self.columns {
            let Evaluated { array, mut errors } =
                map_array(batch.column(mapped.source), &mapped.mapping)?;
            let column = &mapped.column;
            let mut fitted = convert(
                &array,
                &mapped.widest,
                &column.data_type,
                &ConvertOptions::default(),
            )
            .map_err(|error| {
                FlowError::new(&self.path, error.code(), error.to_string())
                    .with_column(&column.name)
            })?;
            if !errors.is_empty() {
                errors.append(&mut fitted.errors);
                errors.sort_by_key(|error| error.row);
                fitted.errors = errors;
            }
            computed.add(column, fitted);
        }
        computed.finish(batch, &self.outputs)
    }

    fn failure(&self, batch: &RecordBatch, error: &RowError) -> FlowError {
        let Some(mapped) = self
            .columns
            .iter()
            .find(|mapped| mapped.column.number == error.column)
        else {
            return FlowError::new(&self.path, Some(error.code), "a row failed");
        };
        let value = shown_value(batch, mapped.source, error.row);
        let what = format!("mapping {value} to {}", mapped.column.data_type);
        cell_failure(&self.path, &mapped.column.name, error, &what)
    }
}

/// The text of a column, mapped; NULL stays NULL. Rows that cannot be mapped are NULL and named.
pub fn map_array(array: &ArrayRef, mapping: &Mapping) -> Result<Evaluated> {
    if array.data_type() != &ArrowType::Utf8View {
        return internal_err!("text columns are Utf8View, not {}", array.data_type());
    }
    let texts = array.as_string_view();
    let mut builder = StringViewBuilder::with_capacity(texts.len());
    let mut errors = Vec::new();
    let mut mapped = String::new();
    for (row, text) in texts.iter().enumerate() {
        let Some(text) = text else {
            builder.append_null();
            continue;
        };
        mapped.clear();
        match mapping.map(text, &mut mapped) {
            Ok(()) => builder.append_value(&mapped),
            Err(code) => {
                builder.append_null();
                errors.push(RowFailure {
                    row: row as u32,
                    code,
                    truncation: false,
                });
            }
        }
    }
    Ok(Evaluated {
        array: Arc::new(builder.finish()),
        errors,
    })
}
