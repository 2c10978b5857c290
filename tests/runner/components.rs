//! Cases of one component: rows in, rows out, under every combination of threads, batch sizes and memory.
//!
//! Fences of a case: `toml component` (see [`super::document`]); `csv NAME` for the rows of an input or of an output;
//! `text file` for the file of `[connection]` (read by a source, expected of a destination), with `crlf`, `cp1252` or
//! `utf16` after it, and `open` where the last line has no end; `text before` for what is in the file already; `text variables` and `text warnings` for what the run
//! leaves; `text error` for the message of a case that fails.
//!
//! `toml before` is a component in a data flow of its own that runs before; it takes the fences that are named by its
//! `inputs`, and its outputs lead nowhere.
//!
//! With a table `[database]` in the component there is a SQLite database behind a connection manager. `sql setup` are the
//! statements that fill it, before each run; `sql NAME` is a query made after it, and `csv NAME` what that gives.

use std::{fs, path::Path};

use arrow::array::RecordBatch;
use fletching::{Application, Execution, Progress, RunReport, Settings, runtime};
use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use super::{
    blessing, compare, database,
    document::{self, ComponentToml, Feed, Flow},
    files,
    markdown::{self, Case, Fence},
    stem, table,
};

const THREADS: [usize; 3] = [1, 2, 7];
/// Rows of a batch, and bytes of a file that become one.
const BATCHES: [(usize, usize); 3] = [(8192, 1 << 20), (3, 64), (1, 1)];
const MEMORY: [Option<usize>; 2] = [None, Some(256 << 10)];

/// A trial for each case of each file.
pub fn trials(folder: &Path, kind: &str) -> Vec<Trial> {
    let mut trials = Vec::new();
    for path in files(folder, "md") {
        for case in markdown::cases(&path) {
            let (path, name) = (
                path.clone(),
                format!("{kind}/{}: {}", stem(&path), case.title),
            );
            trials.push(Trial::test(name, move || {
                check(&path, &case).map_err(Failed::from)
            }));
        }
    }
    trials
}

/// What a run left.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    /// By output, in the order of the case.
    outputs: Vec<String>,
    file: Option<Vec<u8>>,
    /// By query, in the order of the case.
    queried: Vec<String>,
    variables: String,
    warnings: String,
    error: String,
}

fn check(path: &Path, case: &Case) -> Result<(), String> {
    let component = case
        .fence("toml", "component")
        .ok_or("no ```toml component")?;
    let component: ComponentToml =
        toml::from_str(&component.text).map_err(|error| error.to_string())?;
    let before = case.fence("toml", "before");
    let before: Option<ComponentToml> = before
        .map(|fence| toml::from_str(&fence.text).map_err(|error| error.to_string()))
        .transpose()?;
    let prepared = Laid::out(case, before.as_ref(), &component)?;
    let mut first: Option<Outcome> = None;
    for threads in THREADS {
        for (batch_size, morsel_bytes) in BATCHES {
            for memory_limit_bytes in MEMORY {
                let settings = Settings {
                    threads,
                    batch_size,
                    morsel_bytes,
                    memory_limit_bytes,
                    base_dir: prepared.folder.path().to_owned(),
                    ..Settings::default()
                };
                let outcome = prepared.run(settings)?;
                match &first {
                    None => {
                        verify(path, case, &prepared, &outcome)?;
                        first = Some(outcome);
                    }
                    // Which of several failing rows is met first depends on what runs when.
                    Some(first) if !first.error.is_empty() && !outcome.error.is_empty() => {}
                    Some(first) if *first == outcome => {}
                    Some(first) => {
                        return Err(format!(
                            "{threads} threads, batches of {batch_size} rows ({morsel_bytes} bytes), memory \
                             {memory_limit_bytes:?} give something else:\n{outcome:#?}\ninstead of\n{first:#?}"
                        ));
                    }
                }
            }
        }
    }
    Ok(())
}

fn verify(path: &Path, case: &Case, laid: &Laid<'_>, outcome: &Outcome) -> Result<(), String> {
    let bless = blessing();
    let expect = |fence: &Fence, found: &str| {
        if bless && case.fence(&fence.language, &fence.name).is_some() {
            markdown::rewrite(path, &case.title, fence, found);
            return Ok(());
        }
        compare(
            &format!("{} {}", fence.language, fence.name),
            &fence.text,
            found,
        )
    };
    let nothing = Fence::empty("text", "error");
    expect(
        case.fence("text", "error").unwrap_or(&nothing),
        &outcome.error,
    )?;
    for (fence, found) in laid.readers.iter().zip(&outcome.outputs) {
        expect(fence, found)?;
    }
    for ((_, fence), found) in laid.queries.iter().zip(&outcome.queried) {
        expect(fence, found)?;
    }
    for (name, found) in [
        ("variables", &outcome.variables),
        ("warnings", &outcome.warnings),
    ] {
        let nothing = Fence::empty("text", name);
        let fence = case.fence("text", name);
        if fence.is_some() || name == "warnings" {
            expect(fence.unwrap_or(&nothing), found)?;
        }
    }
    if let (Some(fence), Some(bytes)) = (laid.written, &outcome.file) {
        expect(fence, &decoded(fence, bytes))?;
    }
    Ok(())
}

/// A case with its package and files on disk.
struct Laid<'a> {
    folder: TempDir,
    readers: Vec<&'a Fence>,
    /// The file that a destination writes.
    written: Option<&'a Fence>,
    before: Option<Vec<u8>>,
    variables: Vec<String>,
    /// Statements that fill the database.
    setup: Option<&'a str>,
    /// Queries after the run, with what they give.
    queries: Vec<(&'a str, &'a Fence)>,
}

impl<'a> Laid<'a> {
    fn out(
        case: &'a Case,
        before: Option<&ComponentToml>,
        component: &ComponentToml,
    ) -> Result<Self, String> {
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        let is_output = |fence: &&Fence| {
            component
                .outputs
                .iter()
                .any(|output| output.name == fence.name)
        };
        let readers: Vec<&Fence> = case.of("csv").filter(is_output).collect();
        let mut feeds = Vec::new();
        let mut feeds_before = Vec::new();
        let is_query = |fence: &&Fence| case.fence("sql", &fence.name).is_some();
        let inputs = case.of("csv").filter(|fence| !is_output(fence));
        for fence in inputs.filter(|fence| !is_query(fence)) {
            let first = fence
                .text
                .lines()
                .next()
                .ok_or_else(|| format!("csv {} is empty", fence.name))?;
            let is_before = before
                .is_some_and(|before| before.inputs.iter().any(|input| input.name == fence.name));
            let feeds = if is_before {
                &mut feeds_before
            } else {
                &mut feeds
            };
            feeds.push(Feed {
                input: &fence.name,
                columns: table::header(first)?,
            });
            fs::write(
                folder.path().join(format!("{}.csv", fence.name)),
                &fence.text,
            )
            .map_err(|error| error.to_string())?;
        }
        let file = case
            .of("text")
            .find(|fence| fence.name.split(' ').next() == Some("file"));
        let is_source = component.class.ends_with("Source");
        if let Some(fence) = file.filter(|_| is_source) {
            fs::write(folder.path().join("file"), encoded(fence, &fence.text))
                .map_err(|error| error.to_string())?;
        }
        // Relative names are the package's folder's.
        let tested = Flow {
            component,
            feeds,
            readers: readers.iter().map(|fence| fence.name.as_str()).collect(),
        };
        let before = before.map(|component| Flow {
            component,
            feeds: feeds_before,
            readers: Vec::new(),
        });
        let xml = document::package(before.as_ref(), &tested, ".", "file")?;
        fs::write(folder.path().join("Package.dtsx"), xml).map_err(|error| error.to_string())?;
        Ok(Self {
            folder,
            readers,
            written: file.filter(|_| !is_source),
            before: case
                .fence("text", "before")
                .map(|fence| encoded(file.unwrap_or(fence), &fence.text)),
            variables: component.variables.keys().cloned().collect(),
            setup: component.database.as_ref().map(|_| {
                let setup = case.fence("sql", "setup");
                setup.map_or("", |fence| fence.text.as_str())
            }),
            queries: case
                .of("csv")
                .filter_map(|fence| Some((case.fence("sql", &fence.name)?.text.as_str(), fence)))
                .collect(),
        })
    }

    fn run(&self, settings: Settings) -> Result<Outcome, String> {
        let target = self.folder.path().join("file");
        if self.written.is_some() {
            let _ = fs::remove_file(&target);
        }
        if let Some(before) = &self.before {
            fs::write(&target, before).map_err(|error| error.to_string())?;
        }
        let database = match self.setup {
            Some(setup) => Some(database::fresh(self.folder.path(), setup)?),
            None => None,
        };
        let threads = settings.threads;
        let runtime = runtime(threads).map_err(|error| error.to_string())?;
        let mut outcome = match runtime.block_on(self.execute(settings)) {
            Ok(outcome) => outcome,
            Err(error) => Outcome {
                error: error + "\n",
                ..Outcome::default()
            },
        };
        if self.written.is_some() {
            outcome.file = fs::read(&target).ok();
        }
        if let Some(database) = &database {
            let queries = self.queries.iter();
            let queried = queries.map(|(query, _)| database::queried(database, query));
            outcome.queried = queried.collect::<Result<_, _>>()?;
        }
        let folder = self.folder.path().display().to_string();
        for text in [&mut outcome.error, &mut outcome.warnings] {
            *text = text
                .replace(&format!("{folder}/./"), "")
                .replace(&format!("{folder}/"), "");
        }
        Ok(outcome)
    }

    async fn execute(&self, settings: Settings) -> Result<Outcome, String> {
        let package = self.folder.path().join("Package.dtsx");
        let package = Application::load(&package, None).map_err(|error| error.to_string())?;
        let prepared = package
            .prepare(settings)
            .map_err(|error| error.to_string())?;
        let mut execution = Execution::new(prepared, Progress::default());
        let mut readers = Vec::new();
        for fence in &self.readers {
            let (attached, batches) = execution
                .reader(&fence.name)
                .map_err(|error| error.to_string())?;
            execution = attached;
            readers.push(batches);
        }
        let collected = readers.into_iter().map(|mut batches| async move {
            let mut rows: Vec<RecordBatch> = Vec::new();
            while let Some(batch) = batches.next().await {
                rows.push(batch.map_err(|error| error.to_string())?);
            }
            Ok::<String, String>(table::print(&batches.schema(), &rows))
        });
        let (report, outputs) =
            futures::join!(execution.run(), futures::future::join_all(collected));
        let report = report.map_err(|error| error.to_string())?;
        Ok(Outcome {
            outputs: outputs.into_iter().collect::<Result<_, _>>()?,
            file: None,
            queried: Vec::new(),
            variables: self.variables(&report),
            warnings: report
                .warnings
                .iter()
                .map(|warning| format!("{warning}\n"))
                .collect(),
            error: String::new(),
        })
    }

    fn variables(&self, report: &RunReport) -> String {
        let shown = self.variables.iter().map(|name| {
            let value = report.variables.iter().find(|(known, _)| known == name);
            format!(
                "{name} = {}\n",
                value.map_or("", |(_, value)| value.as_str())
            )
        });
        shown.collect()
    }
}

fn encoded(fence: &Fence, text: &str) -> Vec<u8> {
    let options: Vec<&str> = fence.name.split(' ').skip(1).collect();
    let text = if options.contains(&"open") {
        text.trim_end_matches('\n')
    } else {
        text
    };
    let text = if options.contains(&"crlf") {
        text.replace('\n', "\r\n")
    } else {
        text.to_owned()
    };
    if options.contains(&"utf16") {
        return text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    }
    if options.contains(&"cp1252") {
        return text
            .chars()
            .map(|one| u8::try_from(one as u32).expect("Latin-1"))
            .collect();
    }
    text.into_bytes()
}

fn decoded(fence: &Fence, bytes: &[u8]) -> String {
    let options: Vec<&str> = fence.name.split(' ').skip(1).collect();
    let mut text = if options.contains(&"utf16") {
        let units = bytes
            .chunks(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
        String::from_utf16_lossy(&units.collect::<Vec<u16>>())
            .trim_start_matches('\u{feff}')
            .to_owned()
    } else if options.contains(&"cp1252") {
        bytes.iter().map(|byte| char::from(*byte)).collect()
    } else {
        String::from_utf8_lossy(bytes).into_owned()
    };
    if options.contains(&"crlf") {
        text = text.replace("\r\n", "\n");
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str("<no line end>\n");
    }
    text
}
