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
    util::display::{ArrayFormatter, FormatOptions},
};
use fletching_connections::database::{
    ReadOptions, RowSink, Session, Statement, TableColumn, TableName,
};

use super::input::{Kind, Request};

/// Values that are told apart in a column, and bytes of all of them in a table.
const VALUES_MAX: usize = 1 << 20;
const BYTES_MAX: usize = 256 << 20;

/// A profile of a column, done.
#[derive(Debug)]
pub(super) struct Measure {
    pub(super) request: String,
    pub(super) column: TableColumn,
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
        Kind::Length { .. } => is_text,
        Kind::Values { .. } => is_text || data_type.is_integer() || data_type.is_temporal(),
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
        match &request.column {
            None => {
                let suited = columns
                    .iter()
                    .filter(|one| suits(request.kind, &one.data_type));
                measures.extend(suited.map(|one| Measure::new(request, one)));
            }
            Some(name) => {
                let column = columns
                    .iter()
                    .find(|one| one.name.eq_ignore_ascii_case(name));
                let column = column.ok_or_else(|| format!("it has no column `{name}`"))?;
                if !suits(request.kind, &column.data_type) {
                    return Err(format!(
                        "column `{name}` is of type {}, which the profile `{}` is not for",
                        column.declared, request.id
                    ));
                }
                measures.push(Measure::new(request, column));
            }
        }
    }
    let mut names: Vec<&str> = Vec::new();
    for measure in &measures {
        if !names.contains(&measure.column.name.as_str()) {
            names.push(&measure.column.name);
        }
    }
    if names.is_empty() {
        return Ok((0, measures));
    }
    let sql = session.dialect().select(names.iter().copied(), table);
    let places = measures.iter().map(|measure| {
        let mut names = names.iter();
        names.position(|name| *name == measure.column.name)
    });
    let mut sink = Sink {
        places: places.map(Option::unwrap_or_default).collect(),
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
    match sink.error {
        Some(error) => Err(error),
        None => Ok((sink.rows, sink.measures)),
    }
}

impl Measure {
    fn new(request: &Request, column: &TableColumn) -> Self {
        Self {
            request: request.id.clone(),
            column: column.clone(),
            kind: request.kind,
            found: match request.kind {
                Kind::NullRatio => Found::Nulls(0),
                Kind::Statistics => Found::Statistics(Statistics::default()),
                Kind::Length { .. } => Found::Lengths(BTreeMap::new()),
                Kind::Values { .. } => Found::Values(HashMap::new()),
            },
        }
    }

    /// Whether there is anything to tell: of an empty table there is not, of a column of NULLs how many there are.
    pub(super) fn has_values(&self, rows: u64) -> bool {
        match &self.found {
            Found::Nulls(_) => rows > 0,
            Found::Statistics(statistics) => statistics.least.is_some(),
            Found::Lengths(lengths) => !lengths.is_empty(),
            Found::Values(values) => !values.is_empty(),
        }
    }

    /// Takes the values of some rows; gives the bytes that are kept of them.
    fn add(&mut self, array: &ArrayRef) -> Result<usize, String> {
        let wrong = |error: arrow::error::ArrowError| error.to_string();
        let mut kept = 0;
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
                let options = FormatOptions::default();
                let formatter = ArrayFormatter::try_new(array, &options).map_err(wrong)?;
                for at in (0..array.len()).filter(|at| array.is_valid(*at)) {
                    let value = formatter.value(at).try_to_string().map_err(wrong)?;
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
        }
        Ok(kept)
    }
}

impl Statistics {
    fn add(&mut self, array: &ArrayRef) -> Result<(), arrow::error::ArrowError> {
        let options = FormatOptions::default();
        let formatter = ArrayFormatter::try_new(array, &options)?;
        let converter = RowConverter::new(vec![SortField::new(array.data_type().clone())])?;
        let rows = converter.convert_columns(std::slice::from_ref(array))?;
        for at in (0..array.len()).filter(|at| array.is_valid(*at)) {
            let row = rows.row(at);
            let text = || formatter.value(at).try_to_string();
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
    /// The column of each measure in the batches.
    places: Vec<usize>,
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
        for (measure, place) in self.measures.iter_mut().zip(&self.places) {
            let Some(array) = batch.columns().get(*place) else {
                continue;
            };
            let added = measure.add(array).and_then(|bytes| {
                self.bytes += bytes;
                match self.bytes > BYTES_MAX {
                    true => Err(format!("its values take more than {BYTES_MAX} bytes")),
                    false => Ok(()),
                }
            });
            if let Err(error) = added {
                let (column, request) = (&measure.column.name, &measure.request);
                self.error = Some(format!("column `{column}`, profile `{request}`: {error}"));
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }
}
