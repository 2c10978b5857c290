//! The function itself: it loads and prepares a package, so that the columns are known before anything runs.

use std::{collections::BTreeSet, fmt, path::PathBuf, sync::Arc};

use datafusion::{
    arrow::datatypes::SchemaRef,
    catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider},
    error::Result,
    prelude::SessionContext,
};
use fletching::{Application, LoadOptions, Package, PackageFolder, Settings};

use crate::{Fault, NAME, PackageError, Runs, arguments::Arguments, table::PackageTable};

/// Changes the settings of a run.
type Adjust = Arc<dyn Fn(&mut Settings) + Send + Sync>;

/// `package(...)`. Clones are of one function: they share their runs.
#[derive(Clone, Default)]
pub struct PackageFunction {
    start: Start,
    load: LoadOptions,
    adjust: Option<Adjust>,
    runs: Runs,
}

/// Where names of packages start.
#[derive(Debug, Clone)]
enum Start {
    /// At this folder, unless they are absolute.
    Anywhere(PathBuf),
    /// In this folder, and nothing else can be named.
    Within(PackageFolder),
}

impl Default for Start {
    fn default() -> Self {
        Self::Anywhere(PathBuf::new())
    }
}

impl fmt::Debug for PackageFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackageFunction")
            .field("start", &self.start)
            .field("runs", &self.runs)
            .finish_non_exhaustive()
    }
}

impl PackageFunction {
    /// Packages by any path; relative ones start at `folder`. The default is the current folder.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            start: Start::Anywhere(folder.into()),
            ..Self::default()
        }
    }

    /// The packages of one folder; no name leads out of it. For queries of others, who may run what is there and nothing
    /// else.
    pub fn within(folder: PackageFolder) -> Self {
        Self {
            start: Start::Within(folder),
            ..Self::default()
        }
    }

    /// What packages are loaded with.
    #[must_use]
    pub fn load_options(self, load: LoadOptions) -> Self {
        Self { load, ..self }
    }

    /// Changes the settings of each run, before the arguments of the call do: memory, threads, connections.
    #[must_use]
    pub fn settings(self, adjust: impl Fn(&mut Settings) + Send + Sync + 'static) -> Self {
        Self {
            adjust: Some(Arc::new(adjust)),
            ..self
        }
    }

    /// Makes it known to a context, as `package`.
    pub fn register(&self, context: &SessionContext) {
        // DataFusion takes the names of table functions as they are written.
        for name in [NAME.to_owned(), NAME.to_uppercase()] {
            context.register_udtf(&name, Arc::new(self.clone()));
        }
    }

    /// The runs of its queries.
    pub fn runs(&self) -> &Runs {
        &self.runs
    }

    fn load(&self, name: &str) -> Result<Package, Fault> {
        Ok(match &self.start {
            Start::Anywhere(folder) => Application::load_with(&folder.join(name), &self.load)?,
            Start::Within(folder) => folder.load(name, &self.load)?,
        })
    }

    /// A package with its destination: everything is known of it but the rows.
    fn table(&self, arguments: &Arguments) -> Result<PackageTable, Fault> {
        let package = self.load(arguments.package())?;
        let mut settings = package.settings()?;
        if let Some(adjust) = &self.adjust {
            adjust(&mut settings);
        }
        // What computes between two batches is no client that went away.
        settings.patient_readers = true;
        let (wanted, pairs) = arguments.destination(&package.reader_names());
        arguments.apply(pairs, &mut settings)?;
        let readers = package.prepare(settings.clone())?.readers()?;
        let (reader, schema) = chosen(readers, wanted)?;
        let columns = repeated(&schema);
        if !columns.is_empty() {
            return Err(Fault::RepeatedColumns { reader, columns });
        }
        Ok(PackageTable {
            arguments: arguments.clone(),
            package: Arc::new(package),
            settings,
            reader,
            schema,
            runs: self.runs.clone(),
        })
    }
}

fn chosen(
    mut readers: Vec<(String, SchemaRef)>,
    wanted: Option<&str>,
) -> Result<(String, SchemaRef), Fault> {
    let at = match wanted {
        Some(wanted) => readers.iter().position(|(name, _)| name == wanted),
        None => (readers.len() == 1).then_some(0),
    };
    if let Some(at) = at {
        return Ok(readers.swap_remove(at));
    }
    let known: Vec<String> = readers.into_iter().map(|(name, _)| name).collect();
    Err(match wanted {
        _ if known.is_empty() => Fault::NoReader,
        Some(wanted) => Fault::UnknownReader {
            name: wanted.to_owned(),
            known,
        },
        None => Fault::SeveralReaders(known),
    })
}

/// Names that several columns have.
fn repeated(schema: &SchemaRef) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let fields = schema.fields().iter();
    let again: BTreeSet<&String> = fields
        .map(|field| field.name())
        .filter(|name| !seen.insert(*name))
        .collect();
    again.into_iter().cloned().collect()
}

impl TableFunctionImpl for PackageFunction {
    fn call_with_args(&self, call: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let arguments = Arguments::read(call.exprs()).map_err(PackageError::external)?;
        // A thread of its own: configurations may be in databases, and whoever plans may be in a runtime that must not wait.
        let table = std::thread::scope(|scope| {
            let loading = scope.spawn(|| self.table(&arguments));
            let panicked = |_| Err(Fault::Broken("its thread has panicked".to_owned()));
            loading.join().unwrap_or_else(panicked)
        });
        match table {
            Ok(table) => Ok(Arc::new(table)),
            Err(fault) => Err(arguments.error(fault).external()),
        }
    }
}
