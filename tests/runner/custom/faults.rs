//! Components that panic, hand back what does not fit, route rows, are cancelled, or cannot commit.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use arrow::{
    array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray},
    datatypes::SchemaRef,
};
use dtsx::{DataType, UsageType};
use fletching::{
    Execution, Package, Progress,
    custom::{
        Applied, Asynchronous, Batches, Component, ComponentKind, ComponentSpec, CustomError,
        Destination, Extensions, NewOutput, Process, RowFailure, Source, Synchronous, Writer,
    },
};

use super::{
    FLOW, Outcome, Program, check, component, empty, examples, failed, made, numbers, run,
    settings, succeeded, text, write,
};

pub(super) const TRIALS: &[(&str, Program)] = &[
    ("code that panics is an error", panics),
    ("what does not fit is an error", unfit),
    ("rows are routed, and dropped ones are counted", routed),
    ("a destination that cannot commit", commits),
    ("a run that is cancelled", cancelled),
];

type Apply = Box<dyn Fn(&RecordBatch) -> Result<Applied, CustomError> + Send + Sync>;

struct Closure(Apply);

impl std::fmt::Debug for Closure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Closure")
    }
}

impl Synchronous for Closure {
    fn apply(&self, batch: &RecordBatch) -> Result<Applied, CustomError> {
        (self.0)(batch)
    }
}

/// Code that panics where it says.
#[derive(Debug, Clone)]
struct Panics(&'static str, SchemaRef);

impl Panics {
    fn at(&self, place: &str) {
        assert!(self.0 != place, "at {place}");
    }
}

impl Source for Panics {
    fn open(&self) -> Result<Batches, CustomError> {
        self.at("open");
        let one = self.clone();
        Ok(Box::new(std::iter::from_fn(move || {
            one.at("next");
            None
        })))
    }
}

impl Asynchronous for Panics {
    fn start(&self) -> Result<Box<dyn Process>, CustomError> {
        self.at("start");
        Ok(Box::new(self.clone()))
    }
}

impl Process for Panics {
    fn push(&mut self, _: usize, _: &RecordBatch) -> Result<Vec<RecordBatch>, CustomError> {
        self.at("push");
        Ok(Vec::new())
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>, CustomError> {
        self.at("finish");
        Ok(vec![RecordBatch::new_empty(Arc::clone(&self.1))])
    }
}

impl Destination for Panics {
    fn open(&self) -> Result<Box<dyn Writer>, CustomError> {
        self.at("open");
        Ok(Box::new(self.clone()))
    }
}

impl Writer for Panics {
    fn write(&mut self, _: &RecordBatch) -> Result<(), CustomError> {
        self.at("write");
        Ok(())
    }

    fn commit(&mut self) -> Result<(), CustomError> {
        self.at("commit");
        Err(CustomError::new("the disk is gone").with_code(0xC020_200E))
    }
}

fn schema(spec: &ComponentSpec) -> SchemaRef {
    let output = spec.outputs.first();
    output.map_or_else(
        || Arc::new(arrow::datatypes::Schema::empty()),
        |one| Arc::clone(&one.schema),
    )
}

/// The examples, and classes `Test.*` that panic at a place.
fn with_panics(place: &'static str) -> Result<Extensions, Box<dyn std::error::Error>> {
    let mut all = examples()?;
    let output = || vec![NewOutput::asynchronous("Output")];
    all.add_component(made(
        "Source",
        ComponentKind::Source,
        output(),
        move |spec| Ok(Component::Source(Box::new(Panics(place, schema(spec))))),
    ))?;
    all.add_component(made(
        "Process",
        ComponentKind::Transform,
        output(),
        move |spec| {
            Ok(Component::Asynchronous(Box::new(Panics(
                place,
                schema(spec),
            ))))
        },
    ))?;
    all.add_component(made(
        "Target",
        ComponentKind::Destination,
        Vec::new(),
        move |spec| {
            assert!(place != "read", "at read");
            Ok(Component::Destination(Box::new(Panics(
                place,
                schema(spec),
            ))))
        },
    ))?;
    Ok(all)
}

/// Numbers, a process and a destination of the classes that panic.
fn flow(
    place: &'static str,
    source: bool,
) -> Result<(tempfile::TempDir, Package), Box<dyn std::error::Error>> {
    let (folder, mut package) = empty(with_panics(place)?)?;
    let from = match source {
        true => {
            package
                .pipeline(FLOW)?
                .add("Test.Source", "Own source")?
                .add_column("Own source", None, "n", DataType::I8)?;
            "Own source"
        }
        false => {
            numbers(&mut package, "50")?;
            "Numbers"
        }
    };
    package
        .pipeline(FLOW)?
        .add("Test.Process", "Own process")?
        .connect(from, "Own process")?
        .use_column("Own process", None, "n", UsageType::ReadOnly)?
        .add_column("Own process", None, "m", DataType::I8)?;
    write(&mut package, ("Own process", None), "out")?;
    Ok((folder, package))
}

fn panics() -> Outcome {
    for (place, source, owner) in [
        ("open", true, "Own source"),
        ("next", true, "Own source"),
        ("start", false, "Own process"),
        ("push", false, "Own process"),
        ("finish", false, "Own process"),
    ] {
        let (folder, package) = flow(place, source)?;
        let error = failed(&run(&package, settings(&package)?)?)?;
        let said = format!("its code panicked (at {place})");
        check(
            error.contains(&said) && error.contains(&format!("Package\\Flow\\{owner}")),
            format!("{place}: {error}"),
        )?;
        check(!folder.path().join("out.jsonl").exists(), "a file is left")?;
    }
    for place in ["open", "write", "commit"] {
        let (folder, mut package) = empty(with_panics(place)?)?;
        numbers(&mut package, "50")?;
        target(&mut package)?;
        let error = failed(&run(&package, settings(&package)?)?)?;
        let said = format!("its code panicked (at {place})");
        check(
            error.contains(&said) && error.contains("Package\\Flow\\Own target"),
            format!("{place}: {error}"),
        )?;
        drop(folder);
    }
    let (_folder, mut package) = empty(with_panics("read")?)?;
    numbers(&mut package, "50")?;
    target(&mut package)?;
    match package.prepare(settings(&package)?) {
        Ok(_) => Err("it is prepared".into()),
        Err(error) => check(
            error.to_string().contains("its code panicked (at read)"),
            error.to_string(),
        ),
    }
}

fn target(package: &mut Package) -> Outcome {
    package
        .pipeline(FLOW)?
        .add("Test.Target", "Own target")?
        .connect("Numbers", "Own target")?
        .use_all_columns("Own target")?;
    Ok(())
}

/// Numbers through a synchronous component of type `Test.Map` with an output column `t` of four characters.
fn mapped(
    apply: impl Fn(&RecordBatch) -> Result<Applied, CustomError> + Clone + Send + Sync + 'static,
) -> Result<(tempfile::TempDir, Package), Box<dyn std::error::Error>> {
    let mut all = examples()?;
    let outputs = vec![
        NewOutput::synchronous("Output"),
        NewOutput::synchronous("Other"),
        NewOutput::error("Error Output"),
    ];
    all.add_component(made("Map", ComponentKind::Transform, outputs, move |_| {
        Ok(Component::Synchronous(Box::new(Closure(Box::new(
            apply.clone(),
        )))))
    }))?;
    let (folder, mut package) = empty(all)?;
    numbers(&mut package, "50")?;
    package
        .pipeline(FLOW)?
        .add("Test.Map", "Own map")?
        .connect("Numbers", "Own map")?
        .use_column("Own map", None, "n", UsageType::ReadOnly)?
        .add_column("Own map", None, "t", DataType::WStr { length: 4 })?;
    write(&mut package, ("Own map", None), "out")?;
    Ok((folder, package))
}

/// A column of texts, each of them `text`.
fn texts(batch: &RecordBatch, text: &str) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(std::iter::repeat_n(
        text,
        batch.num_rows(),
    )))
}

fn unfit() -> Outcome {
    type Make = fn(&RecordBatch) -> Applied;
    let cases: [(Make, &str); 8] = [
        (
            |_| Applied::default(),
            "made 0 columns; its output has 1 of its own",
        ),
        (
            |batch| Applied {
                columns: vec![Arc::new(Int32Array::from(vec![1; batch.num_rows()]))],
                ..Applied::default()
            },
            "column `t`: `Test.Map` made a column of type Int32; Utf8View is wanted",
        ),
        (
            |_| Applied {
                columns: vec![Arc::new(StringArray::from(vec!["a"]))],
                ..Applied::default()
            },
            "made a column of 1 rows; 50 are wanted",
        ),
        (
            |batch| Applied {
                columns: vec![texts(batch, "abcde")],
                ..Applied::default()
            },
            "column `t`, row 1: `Test.Map` made a text of 5 characters; the column takes 4 of them",
        ),
        (
            |batch| Applied {
                columns: vec![texts(batch, "a")],
                replaced: vec![(0, Arc::new(Int64Array::from(vec![1; batch.num_rows()])))],
                ..Applied::default()
            },
            "new values of an input column that the package only reads",
        ),
        (
            |batch| Applied {
                columns: vec![texts(batch, "a")],
                route: vec![Some(2); batch.num_rows()],
                ..Applied::default()
            },
            "a route to output 2; there are 2 outputs for rows, from 0",
        ),
        (
            |batch| Applied {
                columns: vec![texts(batch, "a")],
                route: vec![None],
                ..Applied::default()
            },
            "routes for 1 rows; 50 are wanted",
        ),
        (
            |batch| Applied {
                columns: vec![texts(batch, "a")],
                failures: vec![RowFailure {
                    row: 50,
                    column: None,
                    error: CustomError::new("no"),
                }],
                ..Applied::default()
            },
            "a failure of row 50 of a batch of 50",
        ),
    ];
    for (make, wanted) in cases {
        let (_folder, package) = mapped(move |batch| Ok(make(batch)))?;
        let error = failed(&run(&package, settings(&package)?)?)?;
        check(error.contains(wanted), format!("no `{wanted}` in: {error}"))?;
        check(error.contains("Package\\Flow\\Own map"), error)?;
    }
    Ok(())
}

fn routed() -> Outcome {
    let apply = |batch: &RecordBatch| {
        let numbers = batch.column(0).as_any().downcast_ref::<Int64Array>();
        let numbers = numbers.ok_or_else(|| CustomError::new("no numbers"))?;
        let failures = numbers
            .values()
            .iter()
            .zip(0..)
            .filter(|(n, _)| **n % 10 == 7);
        Ok(Applied {
            columns: vec![texts(batch, "a")],
            route: numbers
                .values()
                .iter()
                .map(|n| match n % 10 {
                    0 => None,
                    5 => Some(1),
                    _ => Some(0),
                })
                .collect(),
            failures: failures
                .map(|(_, row)| RowFailure {
                    row,
                    column: Some(0),
                    error: CustomError::new("a seven").with_code(0xC020_9071),
                })
                .collect(),
            ..Applied::default()
        })
    };
    let (folder, mut package) = mapped(apply)?;
    write(&mut package, ("Own map", Some("Other")), "other")?;
    write(&mut package, ("Own map", Some("Error Output")), "bad")?;
    package
        .pipeline(FLOW)?
        .on_error("Own map", dtsx::Disposition::RedirectRow)?;
    let report = succeeded(run(&package, settings(&package)?)?)?;
    let map = component(&report, "Own map").ok_or("no report")?;
    check(
        map.rows_in == 50 && map.redirected == 5 && map.dropped == 5,
        format!("{map:?}"),
    )?;
    let lines = |name: &str| text(folder.path(), name).map(|text| text.lines().count());
    check(
        lines("out.jsonl")? == 35 && lines("other.jsonl")? == 5,
        "rows went elsewhere",
    )?;
    let bad = text(folder.path(), "bad.jsonl")?;
    check(bad.lines().count() == 5 && bad.contains("-1071607695"), bad)?;
    // Its other output leads nowhere: those rows are counted, too.
    let (_folder, package) = mapped(apply)?;
    let mut package = package;
    package
        .pipeline(FLOW)?
        .on_error("Own map", dtsx::Disposition::IgnoreFailure)?;
    let report = succeeded(run(&package, settings(&package)?)?)?;
    let map = component(&report, "Own map").ok_or("no report")?;
    check(map.dropped == 10 && map.redirected == 0, format!("{map:?}"))
}

fn commits() -> Outcome {
    let (folder, mut package) = empty(with_panics("nowhere")?)?;
    numbers(&mut package, "50")?;
    package
        .pipeline(FLOW)?
        .add("Microsoft.Multicast", "Copies")?
        .connect("Numbers", "Copies")?
        .add_copy("Copies", "One")?
        .add_copy("Copies", "Two")?;
    write(&mut package, ("Copies", Some("One")), "one")?;
    package
        .pipeline(FLOW)?
        .add("Test.Target", "Own target")?
        .connect_ends(("Copies", Some("Two")), ("Own target", None))?
        .use_all_columns("Own target")?;
    let error = failed(&run(&package, settings(&package)?)?)?;
    check(
        error.contains(
            "Package\\Flow\\Own target: `Test.Target` cannot commit: the disk is gone [0xC020200E",
        ),
        error,
    )?;
    let files = std::fs::read_dir(folder.path())?.flatten();
    let parts: Vec<_> = files
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".part"))
        .collect();
    check(parts.is_empty(), format!("left: {parts:?}"))
}

/// Waits until it is told to stop.
#[derive(Debug, Default)]
struct Waits {
    stopped: Arc<AtomicBool>,
}

impl Source for Waits {
    fn open(&self) -> Result<Batches, CustomError> {
        let stopped = Arc::clone(&self.stopped);
        let first: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let first = RecordBatch::try_from_iter([("n", first)])?;
        let mut first = Some(first);
        Ok(Box::new(std::iter::from_fn(move || match first.take() {
            Some(batch) => Some(Ok(batch)),
            None => {
                while !stopped.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                None
            }
        })))
    }

    fn cancel(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

fn cancelled() -> Outcome {
    let mut all = examples()?;
    let output = vec![NewOutput::asynchronous("Output")];
    all.add_component(made("Waits", ComponentKind::Source, output, |_| {
        Ok(Component::Source(Box::new(Waits::default())))
    }))?;
    let (folder, mut package) = empty(all)?;
    package
        .pipeline(FLOW)?
        .add("Test.Waits", "Waits")?
        .add_column("Waits", None, "n", DataType::I8)?;
    write(&mut package, ("Waits", None), "out")?;
    let prepared = package.prepare(settings(&package)?)?;
    let running = Execution::new(prepared, Progress::default()).start()?;
    let part = folder.path().join("out.jsonl.part");
    let begun = Instant::now();
    while !part.exists() && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(5));
    }
    check(part.exists(), "it does not begin to write")?;
    running.cancel();
    let report = running
        .wait_for(Duration::from_secs(20))
        .ok_or("it does not end")?;
    check(
        report.result == fletching::ExecutionResult::Canceled,
        format!("{:?}", report.result),
    )?;
    let begun = Instant::now();
    while part.exists() && begun.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(5));
    }
    check(
        !part.exists() && !folder.path().join("out.jsonl").exists(),
        "a file is left",
    )
}
