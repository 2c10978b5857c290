//! From a bound component to the settings of a Lookup.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use dtsx::{DataType, Disposition, ReferenceColumn, SsisCode};
use fletching_expression::types;

use super::{
    cache_file::{CacheFile, cache_file},
    component::{Copied, Equality, Join, Lookup, NoMatch, Settings, Source, Wanted},
    error::{
        INCOMPATIBLE_TYPES, INDEX_MISMATCH, INVALID_JOIN_TYPE, INVALID_MEMORY, NO_JOINS,
        NO_REFERENCE_COLUMN, PARAMETER_COUNT,
    },
    statement::{equal_columns, markers},
};
use crate::{
    Binding, BoundInput, Column, Component, Finding, Findings,
    database::DatabaseAccess,
    transforms::{
        Place,
        computed::output_specs,
        settings::{Known, check_redirect, check_synchronous, reject_unknown_everywhere},
    },
};

const JOIN_TO: &str = "JoinToReferenceColumn";
const COPY_FROM: &str = "CopyFromReferenceColumn";
const COMPONENT: &[&str] = &[
    "SqlCommand",
    "SqlCommandParam",
    "ConnectionType",
    "CacheType",
    "NoMatchBehavior",
    "NoMatchCachePercentage",
    "MaxMemoryUsage",
    "MaxMemoryUsage64",
    "ReferenceMetadataXml",
    "ParameterMap",
    "DefaultCodePage",
    "TreatDuplicateKeysAsError",
];

/// What is read so far.
struct Reading<'a> {
    binding: &'a Binding<'a>,
    input: &'a BoundInput,
    /// The columns of the reference, where the package says them.
    reference: Vec<ReferenceColumn>,
    columns: Vec<Wanted>,
    findings: Findings,
}

pub(super) fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let input = binding.input()?;
    let mut reading = Reading {
        binding,
        input,
        reference: Vec::new(),
        columns: Vec::new(),
        findings: Findings::default(),
    };
    let known = Known {
        component: COMPONENT,
        input_column: &[JOIN_TO, COPY_FROM],
        output_column: &[COPY_FROM],
        ..Known::default()
    };
    reject_unknown_everywhere(binding, known, &mut reading.findings);
    let cache = reading.cache();
    reading.reference(cache.as_ref());
    let joins = reading.joins();
    let outputs = reading.outputs();
    let copies = reading.copies(outputs.map(|(match_output, _)| match_output));
    if let Some(cache) = &cache {
        reading.check_index(cache, &joins);
    }
    let source = reading.source(cache, &joins);
    let no_match = reading.no_match(outputs);
    let (Some((match_output, no_match_output)), Some(source), Some(no_match)) =
        (outputs, source, no_match)
    else {
        return Err(reading.findings);
    };
    let lookup = Lookup {
        path: binding.path.to_owned(),
        outputs: output_specs(binding.outputs),
        match_output,
        no_match_output,
        no_match,
        source,
        columns: reading.columns,
        declared: declared(&reading.reference),
        joins,
        copies,
        duplicates_fail: binding
            .component
            .properties
            .bool("TreatDuplicateKeysAsError")
            .unwrap_or(false),
        locale_id: binding.locale_id,
    };
    reading
        .findings
        .none_or(Box::new(Settings(Arc::new(lookup))))
}

fn declared(reference: &[ReferenceColumn]) -> Option<SchemaRef> {
    let fields = reference
        .iter()
        .map(|column| types::field(&column.name, &column.data_type));
    (!reference.is_empty()).then(|| Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

/// Whether two types are the same but for the length, and the code page, of text.
pub(crate) fn same_but_length(one: &DataType, other: &DataType) -> bool {
    match (one, other) {
        (DataType::Str { .. }, DataType::Str { .. })
        | (DataType::WStr { .. }, DataType::WStr { .. })
        | (DataType::Text { .. }, DataType::Text { .. })
        | (DataType::Bytes { .. }, DataType::Bytes { .. }) => true,
        _ => one == other,
    }
}

/// Whether values of two types can be compared: the fractions of a second of dates may be as long as they are.
fn joinable(one: &DataType, other: &DataType) -> bool {
    let same_kind = one.name() == other.name();
    let is_date = matches!(
        one,
        DataType::DbTime2 { .. }
            | DataType::DbTimeStamp2 { .. }
            | DataType::DbTimeStampOffset { .. }
    );
    (same_kind && is_date) || same_but_length(one, other)
}

/// Whether what a type holds fits into another of the same kind.
fn fits(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::Str { length, .. }, DataType::Str { length: room, .. })
        | (DataType::WStr { length }, DataType::WStr { length: room })
        | (DataType::Bytes { length }, DataType::Bytes { length: room }) => length <= room,
        _ => true,
    }
}

impl Reading<'_> {
    fn text(&self, name: &str) -> &str {
        let properties = &self.binding.component.properties;
        properties.get(name).unwrap_or_default().trim()
    }

    fn refuse(&mut self, code: SsisCode, message: String) {
        self.findings.push(Finding {
            code: Some(code),
            ..self.binding.finding(message)
        });
    }

    /// A number with a default, from 0 to `most`.
    fn number(&mut self, name: &str, default: i64, most: i64) -> i64 {
        let text = self.text(name);
        if text.is_empty() {
            return default;
        }
        match text.parse() {
            Ok(number) if (0..=most).contains(&number) => number,
            // What is no number has been found already.
            Err(_) => default,
            Ok(number) => {
                let message = format!("{name} is {number}, a number from 0 to {most} is wanted");
                self.findings.push(self.binding.finding(message));
                default
            }
        }
    }

    /// The Cache connection manager, if that is where the reference is.
    fn cache(&mut self) -> Option<CacheFile> {
        if self.number("ConnectionType", 0, 1) == 0 {
            return None;
        }
        if self.number("CacheType", 0, 2) != 0 {
            let message = "ConnectionType 1 takes a cache as it is: CacheType must be 0 (full)";
            self.findings.push(self.binding.finding(message));
        }
        match cache_file(self.binding) {
            Ok(cache) => Some(cache),
            Err(finding) => {
                self.findings.push(finding);
                None
            }
        }
    }

    fn reference(&mut self, cache: Option<&CacheFile>) {
        if let Some(cache) = cache {
            let columns = cache.columns.iter().map(|column| ReferenceColumn {
                name: column.name.clone(),
                data_type: column.data_type,
            });
            self.reference = columns.collect();
            return;
        }
        match dtsx::reference_columns(self.text("ReferenceMetadataXml")) {
            Ok(columns) => self.reference = columns,
            Err(error) => {
                let message = format!("ReferenceMetadataXml cannot be read: {error}");
                self.findings.push(self.binding.finding(message));
            }
        }
    }

    /// Position of a reference column among the wanted ones; `user` uses it and has this type.
    fn wanted(&mut self, name: &str, user: &Column, code: SsisCode) -> Option<usize> {
        let same = |other: &str| other.to_lowercase() == name.to_lowercase();
        let found = self.reference.iter().find(|column| same(&column.name));
        let data_type = match found {
            Some(column) => column.data_type,
            None if self.reference.is_empty() => user.data_type,
            None => {
                let names = self.reference.iter().map(|column| column.name.as_str());
                let names: Vec<&str> = names.collect();
                let message = format!(
                    "column `{}` names reference column `{name}`, which does not exist; there are: {}",
                    user.name,
                    names.join(", ")
                );
                self.refuse(NO_REFERENCE_COLUMN, message);
                return None;
            }
        };
        let fits = match code {
            INCOMPATIBLE_TYPES => joinable(&data_type, &user.data_type),
            _ => same_but_length(&data_type, &user.data_type),
        };
        if !fits {
            let message = format!(
                "column `{}` is {}, but reference column `{name}` is {data_type}: their types must be the same, convert one \
                 of them before",
                user.name, user.data_type
            );
            self.refuse(code, message);
        }
        if let Some(at) = self.columns.iter().position(|wanted| same(&wanted.name)) {
            return Some(at);
        }
        self.columns.push(Wanted {
            name: name.to_owned(),
            data_type,
        });
        Some(self.columns.len() - 1)
    }

    fn joins(&mut self) -> Vec<Join> {
        let (binding, input) = (self.binding, self.input);
        let mut joins = Vec::new();
        let document = binding.component.inputs.iter().flat_map(|one| &one.columns);
        for (document, position) in document.zip(&input.used) {
            let name = document.properties.get(JOIN_TO).unwrap_or_default();
            if name.is_empty() {
                continue;
            }
            let column = &input.columns[*position];
            match column.data_type {
                DataType::R4
                | DataType::R8
                | DataType::Text { .. }
                | DataType::NText
                | DataType::Image => {
                    let message = format!(
                        "column `{}` is {}, which cannot be joined: convert it before",
                        column.name, column.data_type
                    );
                    self.refuse(INVALID_JOIN_TYPE, message);
                }
                _ => {
                    let found = self.wanted(name, column, INCOMPATIBLE_TYPES);
                    joins.extend(found.map(|column| Join {
                        input: *position,
                        column,
                    }));
                }
            }
        }
        joins
    }

    /// Positions of the match output and of the no-match output.
    fn outputs(&mut self) -> Option<(usize, Option<usize>)> {
        let binding = self.binding;
        let regular = binding.outputs.iter().enumerate();
        let regular: Vec<usize> = regular
            .filter(|(_, output)| !output.is_error)
            .map(|(at, _)| at)
            .collect();
        for at in &regular {
            let checked = check_synchronous(binding, &binding.outputs[*at], self.input);
            self.findings.0.extend(checked.err());
        }
        match regular[..] {
            [only] => Some((only, None)),
            [first, second] => {
                let own = &binding.component.outputs[second].columns;
                if !own.is_empty() {
                    let message = format!(
                        "output `{}` for rows without match has columns of its own",
                        binding.component.outputs[second].name
                    );
                    self.findings.push(binding.finding(message));
                }
                Some((first, Some(second)))
            }
            _ => {
                let message = format!(
                    "needs a match output and at most one for rows without match, and has {} outputs beside its error \
                     output",
                    regular.len()
                );
                self.findings.push(binding.finding(message));
                None
            }
        }
    }

    fn copies(&mut self, match_output: Option<usize>) -> Vec<Copied> {
        let (binding, input) = (self.binding, self.input);
        let mut copies = Vec::new();
        let document = binding.component.inputs.iter().flat_map(|one| &one.columns);
        for (document, position) in document.zip(&input.used) {
            let name = document.properties.get(COPY_FROM).unwrap_or_default();
            if !name.is_empty() {
                let column = &input.columns[*position];
                let place = Place::Replace(*position);
                copies.extend(self.copy(name, column, place));
            }
        }
        let Some(match_output) = match_output else {
            return copies;
        };
        let (document, bound) = (
            &binding.component.outputs[match_output],
            &binding.outputs[match_output],
        );
        let own = bound.columns.iter().skip(bound.passed_through);
        for (document, column) in document.columns.iter().zip(own) {
            let name = document.properties.get(COPY_FROM).unwrap_or_default();
            if name.is_empty() {
                let message = format!(
                    "output column `{}` names no column of the reference ({COPY_FROM})",
                    column.name
                );
                self.refuse(NO_REFERENCE_COLUMN, message);
                continue;
            }
            copies.extend(self.copy(name, column, Place::Append));
        }
        copies
    }

    fn copy(&mut self, name: &str, column: &Column, place: Place) -> Option<Copied> {
        // DTS_E_TXLOOKUP_INVALIDCOPYTYPE.
        let code = SsisCode(0xC020_823A);
        let at = self.wanted(name, column, code)?;
        let from = self.columns[at].data_type;
        if !fits(&from, &column.data_type) {
            let message = format!(
                "column `{}` is {}, too short for reference column `{name}`, which is {from}",
                column.name, column.data_type
            );
            self.refuse(code, message);
        }
        Some(Copied { column: at, place })
    }

    /// A cache is searched by all its index columns, and by nothing else.
    fn check_index(&mut self, cache: &CacheFile, joins: &[Join]) {
        let indexed = cache.columns.iter();
        let mut indexed: Vec<_> = indexed.filter(|column| column.index_position > 0).collect();
        indexed.sort_by_key(|column| column.index_position);
        let joined = |name: &str| {
            let mut names = joins.iter().map(|join| &self.columns[join.column].name);
            names.any(|joined| joined.to_lowercase() == name.to_lowercase())
        };
        if indexed.len() == joins.len() && indexed.iter().all(|column| joined(&column.name)) {
            return;
        }
        let names: Vec<&str> = indexed.iter().map(|column| column.name.as_str()).collect();
        let message = format!(
            "connection manager `{}` is indexed by {}: join each of these columns, and no other",
            cache.manager,
            names.join(", ")
        );
        self.refuse(INDEX_MISMATCH, message);
    }

    fn source(&mut self, cache: Option<CacheFile>, joins: &[Join]) -> Option<Source> {
        let cache_type = self.number("CacheType", 0, 2);
        if joins.is_empty() && cache_type == 0 {
            let message = format!("joins no input column to the reference ({JOIN_TO})");
            self.refuse(NO_JOINS, message);
        }
        if let Some(cache) = cache {
            return Some(Source::Cache {
                manager: cache.manager,
            });
        }
        if self.number("ConnectionType", 0, 1) == 1 {
            return None;
        }
        let access = match DatabaseAccess::read(self.binding, "CommandTimeout") {
            Ok(access) => access,
            Err(finding) => {
                self.findings.push(finding);
                return None;
            }
        };
        let name = match cache_type {
            0 => "SqlCommand",
            _ => "SqlCommandParam",
        };
        let sql = self.binding.component.properties.get(name);
        let sql = sql.unwrap_or_default().to_owned();
        if sql.trim().is_empty() {
            let message = format!("{name} is empty: there is no query of the reference");
            self.findings.push(self.binding.finding(message));
            return None;
        }
        if cache_type == 0 {
            return Some(Source::Query { access, sql });
        }
        self.asked(access, sql, cache_type == 1)
    }

    fn asked(&mut self, access: DatabaseAccess, sql: String, keeps: bool) -> Option<Source> {
        let map = self.text("ParameterMap").to_owned();
        let references = map.split(';').filter(|one| !one.trim().is_empty());
        let mut parameters = Vec::new();
        for reference in references {
            match self.input.position(reference) {
                Some(position) => parameters.push(position),
                None => {
                    let message =
                        format!("ParameterMap names {reference}, which is no column that arrives");
                    self.refuse(PARAMETER_COUNT, message);
                }
            }
        }
        let wanted = markers(&sql);
        if wanted != parameters.len() {
            let message = format!(
                "SqlCommandParam has {wanted} parameters, and ParameterMap names {} columns",
                parameters.len()
            );
            self.refuse(PARAMETER_COUNT, message);
        }
        let megabytes = match self.text("MaxMemoryUsage64") {
            "" => 25,
            text => text.parse().unwrap_or(0),
        };
        let bytes = usize::try_from(megabytes)
            .unwrap_or(0)
            .saturating_mul(1 << 20);
        if bytes == 0 {
            let message = format!("MaxMemoryUsage64 is {megabytes}, a number of MB is wanted");
            self.refuse(INVALID_MEMORY, message);
        }
        let percentage = self.number("NoMatchCachePercentage", 0, 99);
        let misses = bytes / 100 * usize::try_from(percentage).unwrap_or(0);
        Some(Source::Asked {
            access,
            equality: self.equality(&sql, &parameters),
            sql,
            parameters,
            kept: keeps.then_some((bytes - misses, misses)),
        })
    }

    /// What the shape of a query of one key says about it.
    fn equality(&self, sql: &str, parameters: &[usize]) -> Option<Equality> {
        let names = equal_columns(sql)?;
        let column_of = |(name, parameter): (&String, &usize)| {
            let mut wanted = self.columns.iter();
            let at = wanted.position(|one| one.name.to_lowercase() == name.to_lowercase())?;
            let there = self.columns[at].data_type;
            let given = self.input.columns.get(*parameter)?.data_type;
            let is_text = matches!(
                there,
                DataType::Str { .. } | DataType::WStr { .. } | DataType::Bytes { .. }
            );
            (!is_text && joinable(&there, &given)).then_some(at)
        };
        let columns = names.iter().zip(parameters).map(column_of);
        let columns: Option<Vec<usize>> = columns.collect();
        Some(Equality {
            columns: columns.filter(|_| names.len() == parameters.len()),
        })
    }

    fn no_match(&mut self, outputs: Option<(usize, Option<usize>)>) -> Option<NoMatch> {
        let behavior = self.number("NoMatchBehavior", 0, 1);
        let (match_output, _) = outputs?;
        if behavior == 1 {
            return Some(NoMatch::Output);
        }
        let output = &self.binding.component.outputs[match_output];
        let disposition = output.error_row_disposition;
        let place = format!("output `{}`", output.name);
        check_redirect(
            self.binding,
            &place,
            [disposition, Disposition::NotUsed],
            &mut self.findings,
        );
        Some(NoMatch::Error(disposition))
    }
}
