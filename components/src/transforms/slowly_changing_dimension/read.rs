//! From a bound component to the settings of a Slowly Changing Dimension.

use std::sync::Arc;

use arrow::datatypes::Schema;
use dtsx::{DataType, ExternalColumn, InputColumn, SsisCode};
use fletching_expression::types;

use super::{
    component::{Attribute, Dimension, Inferred, Kind, Settings, SlowlyChangingDimension},
    error::{
        DIFFERENT_TYPES, INDICATOR_NOT_BOOL, INVALID_COLUMN_TYPE, NO_ATTRIBUTES,
        NO_DIMENSION_COLUMN,
    },
    judge::NAMES,
    pair::{Pair, common},
};
use crate::{
    Binding, BoundInput, Column, Component, Finding, Findings,
    database::DatabaseAccess,
    transforms::{
        Place,
        computed::output_specs,
        lookup::{Copied, Join, Lookup, NoMatch, Source, Wanted},
        settings::{Known, check_synchronous, reject_unknown_everywhere},
    },
};

const COLUMN_TYPE: &str = "ColumnType";
const INDICATOR: &str = "InferredMemberIndicator";
const ROW_CHANGE: &str = "IncomingRowChangeType";
const COMPONENT: &[&str] = &[
    "SqlCommand",
    "CurrentRowWhere",
    ROW_CHANGE,
    "EnableInferredMember",
    INDICATOR,
    "FailOnFixedAttributeChange",
    "FailOnLookupFailure",
    "UpdateChangingAttributeHistory",
    "DefaultCodePage",
];

/// What is read so far.
struct Reading<'a> {
    binding: &'a Binding<'a>,
    input: &'a BoundInput,
    document: &'a dtsx::Input,
    /// Columns of the dimension that are used.
    wanted: Vec<Wanted>,
    keys: Vec<Pair>,
    attributes: Vec<Attribute>,
    findings: Findings,
}

pub(super) fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let mut reading = Reading {
        binding,
        input: binding.input()?,
        document: binding.document_input()?,
        wanted: Vec::new(),
        keys: Vec::new(),
        attributes: Vec::new(),
        findings: Findings::default(),
    };
    let known = Known {
        component: COMPONENT,
        input_column: &[COLUMN_TYPE],
        ..Known::default()
    };
    reject_unknown_everywhere(binding, known, &mut reading.findings);
    let ends = reading.ends();
    reading.columns();
    let inferred = reading.inferred();
    let told = reading.changes_are_told();
    let source = reading.source();
    let (Some(ends), Some(source)) = (ends, source) else {
        return Err(reading.findings);
    };
    let reference = reading.reference(source);
    let dimension = Dimension {
        reference,
        keys: std::mem::take(&mut reading.keys),
        attributes: std::mem::take(&mut reading.attributes),
        inferred,
    };
    let settings = SlowlyChangingDimension {
        path: binding.path.to_owned(),
        outputs: output_specs(binding.outputs),
        ends,
        fixed_fails: reading.bool("FailOnFixedAttributeChange", true),
        missing_fails: reading.bool("FailOnLookupFailure", false),
        to_both: reading.bool("UpdateChangingAttributeHistory", false),
        dimension: told.then(|| Arc::new(dimension)),
    };
    reading
        .findings
        .none_or(Box::new(Settings(Arc::new(settings))))
}

impl Reading<'_> {
    fn text(&self, name: &str) -> &str {
        let properties = &self.binding.component.properties;
        properties.get(name).unwrap_or_default().trim()
    }

    fn bool(&self, name: &str, default: bool) -> bool {
        let properties = &self.binding.component.properties;
        properties.bool(name).unwrap_or(default)
    }

    fn refuse(&mut self, code: SsisCode, message: String) {
        self.findings.push(Finding {
            code: Some(code),
            ..self.binding.finding(message)
        });
    }

    /// The six outputs: by the names that the designer gives them or, where one was renamed, by their order.
    fn ends(&mut self) -> Option<[usize; 6]> {
        let binding = self.binding;
        let outputs = binding.outputs.iter().enumerate();
        let regular: Vec<usize> = outputs
            .filter(|(_, output)| !output.is_error)
            .map(|(at, _)| at)
            .collect();
        for at in &regular {
            let output = &binding.outputs[*at];
            let checked = check_synchronous(binding, output, self.input);
            self.findings.0.extend(checked.err());
            if !binding.component.outputs[*at].columns.is_empty() {
                let message = format!("output `{}` has columns of its own", output.name);
                self.findings.push(binding.finding(message));
            }
        }
        let Ok(in_order) = <[usize; 6]>::try_from(regular) else {
            let message = format!("needs six outputs: {}", NAMES.join(", "));
            self.findings.push(binding.finding(message));
            return None;
        };
        let named = NAMES.map(|name| {
            let is_it = |at: &&usize| binding.outputs[**at].name == name;
            in_order.iter().find(is_it).copied()
        });
        match named.iter().all(Option::is_some) {
            true => Some(named.map(Option::unwrap_or_default)),
            false => Some(in_order),
        }
    }

    /// Keys and attributes.
    fn columns(&mut self) {
        let (document, input) = (self.document, self.input);
        for (column, position) in document.columns.iter().zip(&input.used) {
            let bound = &input.columns[*position];
            let text = column.properties.get(COLUMN_TYPE).unwrap_or_default();
            let kind = match text.trim() {
                "" | "0" => continue,
                "1" => None,
                "2" => Some(Kind::Changing),
                "3" => Some(Kind::Historical),
                "4" => Some(Kind::Fixed),
                other => {
                    let message = format!(
                        "{COLUMN_TYPE} of column `{}` is {other}, a number from 0 to 4 is wanted",
                        bound.name
                    );
                    self.refuse(INVALID_COLUMN_TYPE, message);
                    continue;
                }
            };
            let Some(pair) = self.pair(column, *position, bound, kind.is_none()) else {
                continue;
            };
            match kind {
                None => self.keys.push(pair),
                Some(kind) => self.attributes.push(Attribute { pair, kind }),
            }
        }
        if self.findings.is_empty() && self.keys.is_empty() {
            let message = format!("no input column is a business key ({COLUMN_TYPE} 1)");
            self.findings.push(self.binding.finding(message));
        }
        if self.findings.is_empty() && self.attributes.is_empty() {
            let message = format!(
                "no input column is a changing, historical or fixed attribute ({COLUMN_TYPE} 2, 3 or 4)"
            );
            self.refuse(NO_ATTRIBUTES, message);
        }
    }

    fn pair(
        &mut self,
        document: &InputColumn,
        position: usize,
        bound: &Column,
        is_key: bool,
    ) -> Option<Pair> {
        let (name, data_type) = self.dimension_column(document, bound)?;
        let Some(both) = common(&bound.data_type, &data_type) else {
            let message = format!(
                "column `{}` is {}, but column `{name}` of the dimension is {data_type}: their types must be the same, but \
                 for DT_STR and DT_WSTR; convert it before",
                bound.name, bound.data_type
            );
            self.refuse(DIFFERENT_TYPES, message);
            return None;
        };
        if let DataType::R4
        | DataType::R8
        | DataType::Text { .. }
        | DataType::NText
        | DataType::Image = both
            && is_key
        {
            let message = format!(
                "column `{}` is {both}, which cannot be a business key: convert it before",
                bound.name
            );
            self.findings.push(self.binding.unsupported(message));
            return None;
        }
        let column = self.want(name, both);
        let types = (bound.data_type, both);
        let pair = Pair::new(&bound.name, position, column, types, self.binding.locale_id);
        match pair {
            Ok(pair) => Some(pair),
            Err(error) => {
                let message = format!("column `{}`: {error}", bound.name);
                self.findings.push(self.binding.finding(message));
                None
            }
        }
    }

    /// Name and type of the dimension's column that an input column is mapped to; its own where the package knows none.
    fn dimension_column(
        &mut self,
        document: &InputColumn,
        bound: &Column,
    ) -> Option<(String, DataType)> {
        let external = &self.document.external_columns;
        if external.is_empty() {
            return Some((bound.name.clone(), bound.data_type));
        }
        let is_it =
            |column: &&ExternalColumn| Some(&column.id) == document.external_column_id.as_ref();
        let Some(column) = external.iter().find(is_it) else {
            let message = format!(
                "column `{}` is mapped to no column of the dimension",
                bound.name
            );
            self.refuse(NO_DIMENSION_COLUMN, message);
            return None;
        };
        Some((column.name.clone(), column.data_type))
    }

    /// The position of a column among those that are read. One that is mapped twice is read twice, in types of its own.
    fn want(&mut self, name: String, data_type: DataType) -> usize {
        let wanted = Wanted { name, data_type };
        let known = self.wanted.iter().position(|column| *column == wanted);
        known.unwrap_or_else(|| {
            self.wanted.push(wanted);
            self.wanted.len() - 1
        })
    }

    fn inferred(&mut self) -> Inferred {
        if !self.bool("EnableInferredMember", true) {
            return Inferred::None;
        }
        let name = self.text(INDICATOR).to_owned();
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if bare.is_empty() {
            return Inferred::AllNull;
        }
        let external = &self.document.external_columns;
        let same = |column: &&ExternalColumn| column.name.to_lowercase() == bare.to_lowercase();
        let found = external.iter().find(same);
        match found.map(|column| column.data_type) {
            None if !external.is_empty() => {
                let message = format!("{INDICATOR} `{bare}` is no column of the dimension");
                self.refuse(NO_DIMENSION_COLUMN, message);
            }
            Some(other) if other != DataType::Bool => {
                let message = format!("{INDICATOR} `{bare}` is {other}, DT_BOOL is wanted");
                self.refuse(INDICATOR_NOT_BOOL, message);
            }
            _ => return Inferred::Marked(self.want(bare.to_owned(), DataType::Bool)),
        }
        Inferred::None
    }

    /// Whether rows are compared; else all are new.
    fn changes_are_told(&mut self) -> bool {
        match self.text(ROW_CHANGE) {
            "0" => false,
            "" | "1" => true,
            other => {
                let message = format!("{ROW_CHANGE} is {other}, 0 or 1 is wanted");
                self.findings.push(self.binding.finding(message));
                true
            }
        }
    }

    fn source(&mut self) -> Option<Source> {
        let access = match DatabaseAccess::read(self.binding, "CommandTimeout") {
            Ok(access) => access,
            Err(finding) => {
                self.findings.push(finding);
                return None;
            }
        };
        let query = self.text("SqlCommand").trim_end_matches(';');
        if query.is_empty() {
            let message = "SqlCommand is empty: there is no query of the dimension";
            self.findings.push(self.binding.finding(message));
            return None;
        }
        let sql = match self.text("CurrentRowWhere") {
            "" => query.to_owned(),
            condition => {
                format!("select * from (\n{query}\n) [refTable]\nwhere {condition}")
            }
        };
        Some(Source::Query { access, sql })
    }

    /// The current rows of the dimension as the reference of a Lookup.
    fn reference(&self, source: Source) -> Lookup {
        let external = &self.document.external_columns;
        let fields = external
            .iter()
            .map(|column| types::field(&column.name, &column.data_type));
        let declared = Schema::new(fields.collect::<Vec<_>>());
        let join = |pair: &Pair| Join {
            input: pair.input,
            column: pair.column,
        };
        let copied = |column: usize| Copied {
            column,
            place: Place::Append,
        };
        Lookup {
            path: self.binding.path.to_owned(),
            outputs: Vec::new(),
            match_output: 0,
            no_match_output: None,
            no_match: NoMatch::Output,
            source,
            columns: self.wanted.clone(),
            declared: (!external.is_empty()).then(|| Arc::new(declared)),
            joins: self.keys.iter().map(join).collect(),
            copies: (0..self.wanted.len()).map(copied).collect(),
            duplicates_fail: false,
            locale_id: self.binding.locale_id,
        }
    }
}
