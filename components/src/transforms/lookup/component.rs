//! Settings of a Lookup, and the operators of a run.

use std::sync::{Arc, OnceLock};

use arrow::datatypes::SchemaRef;
use datafusion_common::Result;
use datafusion_physical_plan::ExecutionPlan;
use dtsx::{DataType, Disposition};

use super::{
    ask::Asker,
    exec::{Loading, ReferenceExec},
    probe::{Found, Probe},
    read::read,
    reference,
};
use crate::{
    Component, ComponentClass, ComponentKind, PlanContext, Planned,
    database::DatabaseAccess,
    flow::OutputSpec,
    transforms::{Place, settings::sole_input},
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.Lookup",
    kind: ComponentKind::Transform,
    read,
};

/// Settings of a Lookup.
#[derive(Debug)]
pub struct Lookup {
    pub path: String,
    pub outputs: Vec<OutputSpec>,
    /// Positions among the outputs.
    pub match_output: usize,
    pub no_match_output: Option<usize>,
    pub no_match: NoMatch,
    pub source: Source,
    /// Columns of the reference that are used.
    pub columns: Vec<Wanted>,
    /// All columns of the reference as the designer knew them, if it did.
    pub declared: Option<SchemaRef>,
    pub joins: Vec<Join>,
    pub copies: Vec<Copied>,
    /// Several rows with one key stop a full cache.
    pub duplicates_fail: bool,
    pub locale_id: u32,
}

/// What becomes of a row whose key is not in the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoMatch {
    /// It goes to the no-match output.
    Output,
    /// It is an error of its row.
    Error(Disposition),
}

/// Where the reference is.
#[derive(Debug)]
pub enum Source {
    /// A query, read once.
    Query { access: DatabaseAccess, sql: String },
    /// A query with parameters, asked for each key.
    Asked {
        access: DatabaseAccess,
        sql: String,
        /// Positions of the input columns that are its parameters.
        parameters: Vec<usize>,
        /// What its shape says, if that is the designer's own: `... where [refTable].[a] = ? and ...`.
        equality: Option<Equality>,
        /// Bytes of answers, and of keys without one, that are kept; `None`: nothing from batch to batch.
        kept: Option<(usize, usize)>,
    },
    /// A Cache connection manager.
    Cache { manager: String },
}

/// A query by equal columns: NULL is in no row of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equality {
    /// For each parameter the wanted column that it equals, if a database compares all of them as they are compared here
    /// (numbers, dates, GUIDs): then many keys can be asked for at once.
    pub columns: Option<Vec<usize>>,
}

/// A column of the reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub name: String,
    pub data_type: DataType,
}

/// An input column and the reference column that it must equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Join {
    /// Position in the batch.
    pub input: usize,
    /// Position among the wanted columns.
    pub column: usize,
}

/// A reference column that goes into the match output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Position among the wanted columns.
    pub column: usize,
    pub place: Place,
}

#[derive(Debug)]
pub(super) struct Settings(pub(super) Arc<Lookup>);

impl Component for Settings {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, context: &PlanContext) -> Result<Planned> {
        let lookup = &self.0;
        let input = sole_input(inputs, &lookup.path)?;
        let found: Arc<OnceLock<Found>> = Arc::default();
        let (early, details) = match &lookup.source {
            // A session that is kept for the run is used by one at a time.
            Source::Query { access, .. } => {
                (!access.connection(context)?.retain, access.manager.clone())
            }
            Source::Asked { access, .. } => (false, format!("{}, by key", access.manager)),
            Source::Cache { manager } => (true, manager.clone()),
        };
        let input = match &lookup.source {
            Source::Asked { .. } => {
                let asker = Asker::new(Arc::clone(lookup), context.clone())?;
                drop(found.set(Found::Asked(Box::new(asker))));
                input
            }
            _ => {
                let (settings, context) = (Arc::clone(lookup), context.clone());
                let loaded = Arc::clone(&found);
                let work = move |task: &_, stop: &_| {
                    let reference = reference::load(&settings, &context, task, stop)?;
                    drop(loaded.set(Found::Loaded(reference)));
                    Ok(())
                };
                let loading = Loading::new(&lookup.path, early, Box::new(work));
                Arc::new(ReferenceExec::new(details, input, loading))
            }
        };
        Ok(Planned::RowWise {
            input,
            operator: Arc::new(Probe::new(Arc::clone(lookup), found)),
        })
    }
}
