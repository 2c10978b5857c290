//! What a Slowly Changing Dimension does to a batch: current rows are found, compared by column, and the rows parted.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array, make_comparator},
    buffer::{BooleanBuffer, NullBuffer},
    compute::{SortOptions, filter_record_batch, kernels::cmp::distinct, take},
    datatypes::DataType,
};
use datafusion_common::{Result, internal_err};
use dtsx::{Disposition, SsisCode};

use super::{
    component::{Dimension, Inferred, Kind, SlowlyChangingDimension},
    error::{FIXED_CHANGE, NO_CURRENT_ROW},
    folded::Folded,
    pair::Pair,
};
use crate::{
    flow::{Applied, FlowError, OutputRows, OutputSpec, Routing, RowError, RowWise, RunState},
    transforms::{
        computed::{batch_of, shown_row, shown_value},
        lookup::{NONE, Reference, places},
    },
};

/// The six outputs, by their place in `ends`.
const UNCHANGED: usize = 0;
const NEW: usize = 1;
const FIXED: usize = 2;
const CHANGING: usize = 3;
const HISTORICAL: usize = 4;
const INFERRED: usize = 5;

/// A Slowly Changing Dimension in one run.
pub(super) struct Judge {
    settings: Arc<SlowlyChangingDimension>,
    current: Arc<OnceLock<Loaded>>,
    run: Arc<RunState>,
}

/// The current rows of the dimension.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) rows: Reference,
    /// Where the database compares keys in a way of its own.
    pub(super) folded: Option<Folded>,
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The rows of each output, as masks.
struct Parted {
    rows: [BooleanBuffer; 6],
    /// Rows of the changing output that the historical one has, too.
    shared: usize,
}

impl Parted {
    fn all_new(rows: usize) -> Self {
        let none = BooleanBuffer::new_unset(rows);
        let mut all = [(); 6].map(|()| none.clone());
        all[NEW] = BooleanBuffer::new_set(rows);
        Self {
            rows: all,
            shared: 0,
        }
    }
}

/// The current rows of a batch.
struct Current {
    missing: BooleanBuffer,
    places: UInt32Array,
    /// Columns of the whole dimension.
    columns: Vec<Option<ArrayRef>>,
}

impl Current {
    /// A column of the dimension, aligned with the batch; NULL where there is no current row.
    fn column(&self, at: usize, path: &str) -> Result<ArrayRef> {
        let Some(Some(whole)) = self.columns.get(at) else {
            return internal_err!("{path}: column {at} of the dimension is not there");
        };
        Ok(match whole.is_empty() {
            true => arrow::array::new_null_array(whole.data_type(), self.places.len()),
            false => take(whole.as_ref(), &self.places, None)?,
        })
    }
}

impl Judge {
    pub(super) fn new(
        settings: Arc<SlowlyChangingDimension>,
        current: Arc<OnceLock<Loaded>>,
        run: Arc<RunState>,
    ) -> Self {
        Self {
            settings,
            current,
            run,
        }
    }

    fn current(&self, dimension: &Dimension, batch: &RecordBatch) -> Result<Current> {
        let path = &self.settings.path;
        let Some(loaded) = self.current.get() else {
            return internal_err!("{path}: the dimension is not read");
        };
        let keys = dimension
            .keys
            .iter()
            .map(|pair| pair.arriving(batch, path))
            .collect::<Result<Vec<_>>>()?;
        let mut found = match &loaded.folded {
            None => loaded.rows.find(&keys)?,
            Some(folded) => folded.find(&keys)?,
        };
        let known = keys.iter().fold(None, |nulls: Option<NullBuffer>, key| {
            NullBuffer::union(nulls.as_ref(), key.nulls())
        });
        if let Some(known) = known.filter(|known| known.null_count() > 0) {
            for at in (!known.inner()).set_indices() {
                found[at] = NONE;
            }
            self.warn_of_null(dimension);
        }
        Ok(Current {
            missing: BooleanBuffer::collect_bool(batch.num_rows(), |at| found[at] == NONE),
            places: places(&found),
            columns: loaded.rows.columns().to_vec(),
        })
    }

    fn warn_of_null(&self, dimension: &Dimension) {
        if self.settings.missing_fails {
            return;
        }
        let path = &self.settings.path;
        let names: Vec<&str> = dimension.keys.iter().map(|key| key.name.as_str()).collect();
        let message = format!(
            "{path}: rows with NULL in the business key ({}) go to the new rows: no row of the dimension equals it",
            names.join(", ")
        );
        self.run
            .warn_once(&format!("{path}: NULL in a key"), message);
    }

    fn part(&self, batch: &RecordBatch) -> Result<Parted> {
        let Some(dimension) = &self.settings.dimension else {
            return Ok(Parted::all_new(batch.num_rows()));
        };
        let path = &self.settings.path;
        let current = self.current(dimension, batch)?;
        let none = BooleanBuffer::new_unset(batch.num_rows());
        let (mut fixed, mut changing, mut historical) = (none.clone(), none.clone(), none);
        // Whether all attributes of the current row are NULL.
        let mut blank = BooleanBuffer::new_set(batch.num_rows());
        for attribute in &dimension.attributes {
            let has = current.column(attribute.pair.column, path)?;
            let differs = differs(&attribute.pair.arriving(batch, path)?, &has)?;
            let kind = match attribute.kind {
                Kind::Fixed => &mut fixed,
                Kind::Changing => &mut changing,
                Kind::Historical => &mut historical,
            };
            *kind = &*kind | &differs;
            blank = &blank & &nulls_of(&has);
        }
        let inferred = match dimension.inferred {
            Inferred::None => BooleanBuffer::new_unset(batch.num_rows()),
            Inferred::AllNull => blank,
            Inferred::Marked(column) => marked(&current.column(column, path)?),
        };
        let mut pending = !&current.missing;
        let mut next = |rows: BooleanBuffer| {
            let taken = &pending & &rows;
            pending = &pending & &!&taken;
            taken
        };
        let inferred = next(inferred);
        let fixed = next(fixed);
        let both = match self.settings.to_both {
            true => next(&historical & &changing),
            false => BooleanBuffer::new_unset(batch.num_rows()),
        };
        let historical = &next(historical) | &both;
        let changing = &next(changing) | &both;
        Ok(Parted {
            rows: [
                pending,
                current.missing,
                fixed,
                changing,
                historical,
                inferred,
            ],
            shared: both.count_set_bits(),
        })
    }

    /// The first row that stops the flow.
    fn errors(&self, parted: &Parted) -> Vec<RowError> {
        let first = |stops: bool, change: usize, code: SsisCode| {
            let row = parted.rows[change].set_indices().next().filter(|_| stops)?;
            Some(RowError {
                row: row as u32,
                column: 0,
                code,
                disposition: Disposition::FailComponent,
            })
        };
        let settings = &self.settings;
        let missing_fails = settings.missing_fails && settings.dimension.is_some();
        let errors = [
            first(settings.fixed_fails, FIXED, FIXED_CHANGE),
            first(missing_fails, NEW, NO_CURRENT_ROW),
        ];
        errors
            .into_iter()
            .flatten()
            .min_by_key(|error| error.row)
            .into_iter()
            .collect()
    }

    fn output(&self, at: usize, batch: &RecordBatch, parted: &Parted) -> Result<OutputRows> {
        let settings = &self.settings;
        let output = &settings.outputs[at];
        let Some(change) = settings.ends.iter().position(|end| *end == at) else {
            return Ok(OutputRows::Errors);
        };
        let mask = &parted.rows[change];
        let count = mask.count_set_bits();
        let other_is_connected = |change: usize| {
            let other = settings.outputs.get(settings.ends[change]);
            other.is_some_and(|output| output.connected)
        };
        if !output.connected {
            // A row that leaves by another output, or ends there, does not end here.
            let elsewhere = match change {
                CHANGING => parted.shared,
                HISTORICAL if other_is_connected(CHANGING) => parted.shared,
                _ => 0,
            };
            return Ok(OutputRows::Unconnected(count - elsewhere));
        }
        let rows = select(output, batch, mask, count)?;
        Ok(match change {
            HISTORICAL if parted.shared > 0 && other_is_connected(CHANGING) => OutputRows::Shared {
                rows,
                again: parted.shared,
            },
            _ => OutputRows::Selected(rows),
        })
    }

    /// The fixed attributes that a row of one batch changes: what it has, and what the dimension has.
    fn fixed_changes(&self, dimension: &Dimension, row: &RecordBatch) -> Result<Vec<String>> {
        let path = &self.settings.path;
        let current = self.current(dimension, row)?;
        let mut changes = Vec::new();
        for attribute in &dimension.attributes {
            let Pair { name, column, .. } = &attribute.pair;
            let has = current.column(*column, path)?;
            let arriving = attribute.pair.arriving(row, path)?;
            if attribute.kind == Kind::Fixed && differs(&arriving, &has)?.value(0) {
                let shown = RecordBatch::try_from_iter_with_nullable([
                    ("dimension", has, true),
                    ("arriving", arriving, true),
                ])?;
                let (before, after) = (shown_value(&shown, 0, 0), shown_value(&shown, 1, 0));
                changes.push(format!("`{name}` from {before} to {after}"));
            }
        }
        Ok(changes)
    }
}

impl RowWise for Judge {
    fn name(&self) -> &'static str {
        "SlowlyChangingDimension"
    }

    fn path(&self) -> &str {
        &self.settings.path
    }

    fn details(&self) -> String {
        let Some(dimension) = &self.settings.dimension else {
            return "all rows are new".to_owned();
        };
        let names = |pairs: &mut dyn Iterator<Item = &Pair>| {
            let names: Vec<&str> = pairs.map(|pair| pair.name.as_str()).collect();
            names.join(", ")
        };
        format!(
            "by {}: {}",
            names(&mut dimension.keys.iter()),
            names(&mut dimension.attributes.iter().map(|one| &one.pair))
        )
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.settings.outputs
    }

    fn apply(&self, batch: &RecordBatch) -> Result<Applied> {
        let parted = self.part(batch)?;
        let outputs = 0..self.settings.outputs.len();
        Ok(Applied {
            rows_in: batch.num_rows(),
            outputs: outputs
                .map(|at| self.output(at, batch, &parted))
                .collect::<Result<_>>()?,
            errors: self.errors(&parted),
            error_rows: None,
        })
    }

    fn failure(&self, batch: &RecordBatch, error: &RowError) -> FlowError {
        let settings = &self.settings;
        let fail = |message: String| FlowError::new(&settings.path, Some(error.code), message);
        let Some(dimension) = &settings.dimension else {
            return fail("a row failed".to_owned());
        };
        let keys: Vec<usize> = dimension.keys.iter().map(|key| key.input).collect();
        let key = shown_row(batch, &keys, error.row);
        if error.code == NO_CURRENT_ROW {
            return fail(format!(
                "no current row of the dimension has {key}: set FailOnLookupFailure to False, and such rows are new"
            ));
        }
        match self.fixed_changes(dimension, &batch.slice(error.row as usize, 1)) {
            Ok(changes) => fail(format!(
                "the row with {key} changes fixed attribute {}: set FailOnFixedAttributeChange to False, and such rows go \
                 to output `{}`",
                changes.join(", "),
                settings.outputs[settings.ends[FIXED]].name
            )),
            Err(why) => fail(format!(
                "the row with {key} changes a fixed attribute ({why})"
            )),
        }
    }

    fn routing(&self) -> Routing {
        Routing::Groups
    }
}

/// Where two columns of one type differ; NULL equals NULL.
fn differs(arriving: &ArrayRef, current: &ArrayRef) -> Result<BooleanBuffer> {
    if let DataType::Struct(_) = arriving.data_type() {
        let compare = make_comparator(arriving.as_ref(), current.as_ref(), SortOptions::default())?;
        return Ok(BooleanBuffer::collect_bool(arriving.len(), |at| {
            compare(at, at).is_ne()
        }));
    }
    Ok(distinct(arriving, current)?.values().clone())
}

fn nulls_of(array: &ArrayRef) -> BooleanBuffer {
    match array.nulls() {
        Some(nulls) => !nulls.inner(),
        None => BooleanBuffer::new_unset(array.len()),
    }
}

/// Where a column of DT_BOOL is true.
fn marked(array: &ArrayRef) -> BooleanBuffer {
    let Some(array) = array.as_boolean_opt() else {
        return BooleanBuffer::new_unset(array.len());
    };
    match array.nulls() {
        Some(nulls) => array.values() & nulls.inner(),
        None => array.values().clone(),
    }
}

/// The rows of a mask; all of them are not copied.
fn select(
    output: &OutputSpec,
    batch: &RecordBatch,
    mask: &BooleanBuffer,
    count: usize,
) -> Result<RecordBatch> {
    if count == 0 {
        return Ok(RecordBatch::new_empty(Arc::clone(&output.schema)));
    }
    let whole = batch_of(&output.schema, batch.columns().to_vec(), batch.num_rows())?;
    if count == batch.num_rows() {
        return Ok(whole);
    }
    let mask = BooleanArray::new(mask.clone(), None);
    Ok(filter_record_batch(&whole, &mask)?)
}

/// Their places are those of [`SlowlyChangingDimension::ends`].
pub(super) const NAMES: [&str; 6] = {
    let mut names = [""; 6];
    names[UNCHANGED] = "Unchanged Output";
    names[NEW] = "New Output";
    names[FIXED] = "Fixed Attribute Output";
    names[CHANGING] = "Changing Attribute Updates Output";
    names[HISTORICAL] = "Historical Attribute Inserts Output";
    names[INFERRED] = "Inferred Member Updates Output";
    names
};
