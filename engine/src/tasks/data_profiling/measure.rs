//! Reads a table, and measures its columns as the rows pass.

use std::{
    collections::{BTreeMap, HashMap},
    ops::ControlFlow,
};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, Float64Type, SchemaRef},
    row::{OwnedRow, RowConverter, SortField},
};
use fletching_connections::database::{
    ReadOptions, RowSink, Session, Statement, TableColumn, TableName,
};

use super::{
    input::{Kind, Request},
    keys::{self, Key, Keys},
    patterns::Patterns,
    value::Values,
};

/// Values that are told apart in a column, and bytes of all of them in a table.
const VALUES_MAX: usize = 1 << 20;
const BYTES_MAX: usize = 256 << 20;

/// A profile of a column or of a key, done.
#[derive(Debug)]
pub(super) struct Measure {
    pub(super) request: String,
    /// One, or those of a key.
    pub(super) columns: Vec<TableColumn>,
    pub(super) kind: Kind,
    pub(super) found: Found,
}

#[derive(Debug)]
pub(super) enum Found {
    Nulls(u64),
    Statistics(Statistics),
    /// How many texts have a length.
    Lengths(BTreeMap<u64, u64>),
    /// How often a value is there.
    Values(HashMap<String, u64>),
    /// How often the values of a key are there.
    Keys(Keys),
    Key(Key),
    Patterns(Patterns),
}

#[derive(Debug, Default)]
pub(super) struct Statistics {
    least: Option<(OwnedRow, String)>,
    greatest: Option<(OwnedRow, String)>,
    count: u64,
    mean: f64,
    /// Sum of the squares of what lies between the values and the mean.
    spread: f64,
}

impl Statistics {
    /// Least and greatest value.
    pub(super) fn range(&self) -> Option<(&str, &str)> {
        Some((&self.least.as_ref()?.1, &self.greatest.as_ref()?.1))
    }

    /// Mean and standard deviation of numbers.
    pub(super) fn moments(&self) -> Option<(f64, f64)> {
        let count = self.count as f64;
        (self.count > 0).then(|| (self.mean, (self.spread / count).sqrt()))
    }
}

/// Whether a profile is for columns of a type.
fn suits(kind: Kind, data_type: &DataType) -> bool {
    let is_text = data_type.is_string();
    match kind {
        Kind::NullRatio => true,
        Kind::Statistics => data_type.is_numeric() || data_type.is_temporal(),
        Kind::Length { .. } | Kind::Patterns => is_text,
        Kind::Key { .. } if *data_type == DataType::Boolean => true,
        Kind::Values { .. } | Kind::Key { .. } => {
            is_text || data_type.is_integer() || data_type.is_temporal()
        }
    }
}

/// Reads a table: the number of its rows, and what was asked for.
///
/// # Errors
/// What failed, for a person.
pub(super) fn read(
    session: &mut dyn Session,
    table: &TableName,
    columns: &[TableColumn],
    requests: &[Request],
    timeout_seconds: u32,
) -> Result<(u64, Vec<Measure>), String> {
    let mut measures = Vec::new();
    for request in requests {
        measures.extend(wanted(request, columns)?);
    }
    let mut names: Vec<&str> = Vec::new();
    for column in measures.iter().flat_map(|one| &one.columns) {
        if !names.contains(&column.name.as_str()) {
            names.push(&column.name);
        }
    }
    if names.is_empty() {
        return Ok((0, measures));
    }
    let sql = session.dialect().select(names.iter().copied(), table);
    let place = |column: &TableColumn| names.iter().position(|name| *name == column.name);
    let places = measures.iter().map(|measure| {
        let places = measure.columns.iter().filter_map(place);
        places.collect()
    });
    let mut sink = Sink {
        places: places.collect(),
        measures,
        rows: 0,
        bytes: 0,
        error: None,
    };
    let statement = Statement {
        timeout_seconds,
        ..Statement::new(&sql)
    };
    session
        .query(&statement, &ReadOptions::default(), &mut sink)
        .map_err(|error| error.to_string())?;
    if let Some(error) = sink.error {
        return Err(error);
    }
    let mut found = Vec::new();
    for mut measure in sink.measures {
        if let Kind::Key {
            threshold,
            violations_max,
        } = measure.kind
            && let Found::Keys(keys) = measure.found
        {
            let key = keys.finish(sink.rows, threshold, violations_max);
            let of = |error| format!("profile `{}`: {error}", measure.request);
            let Some(key) = key.map_err(of)? else {
                continue;
            };
            measure.found = Found::Key(key);
        }
        found.push(measure);
    }
    let at = |column: &TableColumn| columns.iter().position(|one| one.name == column.name);
    found.sort_by_key(|measure| measure.order(at));
    Ok((sink.rows, found))
}

/// What a request has measured of a table.
fn wanted(request: &Request, columns: &[TableColumn]) -> Result<Vec<Measure>, String> {
    let find = |name: &str| {
        let mut all = columns.iter();
        let column = all.find(|one| one.name.eq_ignore_ascii_case(name));
        let column = column.ok_or_else(|| format!("it has no column `{name}`"))?;
        match suits(request.kind, &column.data_type) {
            true => Ok(column),
            false => Err(format!(
                "column `{name}` is of type {}, which the profile `{}` is not for",
                column.declared, request.id
            )),
        }
    };
    let suited = columns
        .iter()
        .filter(|one| suits(request.kind, &one.data_type));
    let wanted: Vec<Vec<&TableColumn>> = match (&request.column, request.kind) {
        (_, Kind::Key { .. }) => {
            let named = request.key.iter().flatten();
            let named = named
                .map(|name| find(name))
                .collect::<Result<Vec<_>, _>>()?;
            let wildcards = request.key.iter().filter(|one| one.is_none()).count();
            keys::candidates(named, &suited.collect::<Vec<_>>(), wildcards)
                .map_err(|error| format!("profile `{}`: {error}", request.id))?
        }
        (None, _) => suited.map(|one| vec![one]).collect(),
        (Some(name), _) => vec![vec![find(name)?]],
    };
    let wanted = wanted.into_iter();
    Ok(wanted
        .map(|columns| Measure::new(request, columns))
        .collect())
}

impl Measure {
    fn new(request: &Request, columns: Vec<&TableColumn>) -> Self {
        Self {
            request: request.id.clone(),
            columns: columns.into_iter().cloned().collect(),
            kind: request.kind,
            found: match request.kind {
                Kind::NullRatio => Found::Nulls(0),
                Kind::Statistics => Found::Statistics(Statistics::default()),
                Kind::Length { .. } => Found::Lengths(BTreeMap::new()),
                Kind::Values { .. } => Found::Values(HashMap::new()),
                Kind::Key { .. } => Found::Keys(Keys::default()),
                Kind::Patterns => Found::Patterns(Patterns::new(request.patterns.clone())),
            },
        }
    }

    /// Whether the catalogue of the database has the answer, and SSIS reads no row for it.
    pub(super) fn is_known(&self) -> bool {
        self.kind == Kind::NullRatio && self.columns.iter().all(|one| !one.nullable)
    }

    /// Where SSIS writes it: what it need not count first, then class by class, but keys beside the values of their
    /// columns.
    fn order(
        &self,
        at: impl Fn(&TableColumn) -> Option<usize>,
    ) -> (u8, Option<usize>, bool, usize) {
        let class = match self.kind {
            Kind::NullRatio => u8::from(!self.is_known()),
            Kind::Statistics => 2,
            Kind::Length { .. } => 3,
            Kind::Values { .. } | Kind::Key { .. } => 4,
            Kind::Patterns => 5,
        };
        let column = self.columns.first().and_then(at);
        (
            class,
            column.filter(|_| class == 4),
            matches!(self.kind, Kind::Values { .. }),
            self.columns.len(),
        )
    }

    /// Whether there is anything to tell: of an empty table there is not, of a column of NULLs how many there are.
    pub(super) fn has_values(&self, rows: u64) -> bool {
        match &self.found {
            Found::Nulls(_) => rows > 0,
            Found::Statistics(statistics) => statistics.least.is_some(),
            Found::Lengths(lengths) => !lengths.is_empty(),
            Found::Values(values) => !values.is_empty(),
            Found::Keys(_) | Found::Key(_) => rows > 0,
            Found::Patterns(patterns) => patterns.count() > 0,
        }
    }

    /// Takes the values of some rows; gives the bytes that are kept of them.
    fn add(&mut self, arrays: &[&ArrayRef]) -> Result<usize, String> {
        let wrong = |error: arrow::error::ArrowError| error.to_string();
        let mut kept = 0;
        let Some(array) = arrays.first() else {
            return Ok(0);
        };
        match &mut self.found {
            Found::Nulls(count) => *count += array.null_count() as u64,
            Found::Statistics(statistics) => statistics.add(array).map_err(wrong)?,
            Found::Lengths(lengths) => {
                let Kind::Length {
                    ignores_leading,
                    ignores_trailing,
                } = self.kind
                else {
                    return Ok(0);
                };
                let texts = cast(array, &DataType::Utf8View).map_err(wrong)?;
                for mut text in texts.as_string_view().iter().flatten() {
                    if ignores_leading {
                        text = text.trim_start_matches(' ');
                    }
                    if ignores_trailing {
                        text = text.trim_end_matches(' ');
                    }
                    let length = text.encode_utf16().count() as u64;
                    *lengths.entry(length).or_default() += 1;
                }
            }
            Found::Values(values) => {
                let texts = Values::new(array).map_err(wrong)?;
                for at in (0..array.len()).filter(|at| array.is_valid(*at)) {
                    let value = texts.text(at).map_err(wrong)?;
                    if let Some(count) = values.get_mut(&value) {
                        *count += 1;
                        continue;
                    }
                    kept += value.len() + 64;
                    values.insert(value, 1);
                }
                if values.len() > VALUES_MAX {
                    return Err(format!("it has more than {VALUES_MAX} different values"));
                }
            }
            Found::Keys(keys) => {
                kept += keys.add(arrays).map_err(wrong)?;
                if keys.count() > VALUES_MAX {
                    return Err(format!("it has more than {VALUES_MAX} different values"));
                }
            }
            Found::Key(_) => {}
            Found::Patterns(patterns) => {
                let texts = cast(array, &DataType::Utf8View).map_err(wrong)?;
                for text in texts.as_string_view().iter().flatten() {
                    kept += patterns.add(text);
                }
                if patterns.count() > VALUES_MAX {
                    return Err(format!("its texts have more than {VALUES_MAX} shapes"));
                }
            }
        }
        Ok(kept)
    }
}

impl Statistics {
    fn add(&mut self, array: &ArrayRef) -> Result<(), arrow::error::ArrowError> {
        let values = Values::new(array)?;
        let converter = RowConverter::new(vec![SortField::new(array.data_type().clone())])?;
        let rows = converter.convert_columns(std::slice::from_ref(array))?;
        for at in (0..array.len()).filter(|at| array.is_valid(*at)) {
            let row = rows.row(at);
            let text = || values.text(at);
            if self
                .least
                .as_ref()
                .is_none_or(|(least, _)| row < least.row())
            {
                self.least = Some((row.owned(), text()?));
            }
            if self
                .greatest
                .as_ref()
                .is_none_or(|(one, _)| row > one.row())
            {
                self.greatest = Some((row.owned(), text()?));
            }
        }
        if array.data_type().is_numeric() {
            let numbers = cast(array, &DataType::Float64)?;
            for number in numbers.as_primitive::<Float64Type>().iter().flatten() {
                self.count += 1;
                let before = number - self.mean;
                self.mean += before / self.count as f64;
                self.spread += before * (number - self.mean);
            }
        }
        Ok(())
    }
}

struct Sink {
    measures: Vec<Measure>,
    /// The columns of each measure in the batches.
    places: Vec<Vec<usize>>,
    rows: u64,
    bytes: usize,
    error: Option<String>,
}

impl RowSink for Sink {
    fn start(&mut self, _schema: &SchemaRef) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn batch(&mut self, batch: RecordBatch) -> ControlFlow<()> {
        self.rows += batch.num_rows() as u64;
        for (measure, places) in self.measures.iter_mut().zip(&self.places) {
            let arrays = places.iter().filter_map(|at| batch.columns().get(*at));
            let added = measure.add(&arrays.collect::<Vec<_>>()).and_then(|bytes| {
                self.bytes += bytes;
                match self.bytes > BYTES_MAX {
                    true => Err(format!("its values take more than {BYTES_MAX} bytes")),
                    false => Ok(()),
                }
            });
            if let Err(error) = added {
                let names = measure.columns.iter().map(|one| one.name.as_str());
                let (column, request) = (names.collect::<Vec<_>>().join("`, `"), &measure.request);
                self.error = Some(format!("column `{column}`, profile `{request}`: {error}"));
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }
}
