//! Objects of one's own in packages: the examples of `examples/custom`, built, saved, loaded and run; and objects that fail
//! in every way that code can.

mod components;
mod control_flow;
mod faults;

use std::{fs, path::Path, sync::Arc, time::Duration};

use dtsx::DataType;
use fletching::{
    Application, ComponentReport, ExecutionResult, LoadOptions, Package, RunReport, Settings,
    TaskResult,
    custom::{
        ClassNames, Component, ComponentClass, ComponentKind, ComponentSpec, Extensions, NewOutput,
    },
};
use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

/// What a trial does.
type Program = fn() -> Outcome;
type Outcome = Result<(), Box<dyn std::error::Error>>;

const FLOW: &str = "Package\\Flow";

pub fn trials() -> Vec<Trial> {
    let trial = |(name, run): (&str, Program)| {
        Trial::test(format!("custom: {name}"), move || {
            run().map_err(|error| Failed::from(error.to_string()))
        })
    };
    components::TRIALS
        .iter()
        .chain(faults::TRIALS)
        .chain(control_flow::TRIALS)
        .copied()
        .map(trial)
        .collect()
}

/// A folder, and an empty package with a data flow in it.
fn empty(extensions: Extensions) -> Result<(TempDir, Package), Box<dyn std::error::Error>> {
    let folder = TempDir::new()?;
    let mut package = Package::create("Package", folder.path())?;
    package.use_extensions(extensions);
    package.edit(|document| document.add_executable("Package", "Microsoft.Pipeline", "Flow"))?;
    Ok((folder, package))
}

fn examples() -> Result<Extensions, Box<dyn std::error::Error>> {
    Ok(custom_objects::extensions()?)
}

/// Adds a destination of JSON lines, `name.jsonl`, that takes all columns of an output.
fn write(package: &mut Package, from: (&str, Option<&str>), name: &str) -> Outcome {
    package.edit(|document| {
        document.add_connection_manager("FILE", name)?;
        document.set_connection_property(name, "ConnectionString", &format!("{name}.jsonl"))
    })?;
    let target = format!("Write {name}");
    package
        .pipeline(FLOW)?
        .add("Contoso.Ssis.JsonLines", &target)?
        .use_connection(&target, name)?
        .connect_ends(from, (&target, None))?
        .use_all_columns(&target)?;
    Ok(())
}

/// The numbers from 1, as `n` and `name`.
fn numbers(package: &mut Package, rows: &str) -> Outcome {
    package
        .pipeline(FLOW)?
        .add("Contoso.Ssis.Numbers", "Numbers")?
        .set("Numbers", "Rows", rows)?
        .add_column("Numbers", None, "n", DataType::I8)?
        .add_column("Numbers", None, "name", DataType::WStr { length: 20 })?;
    Ok(())
}

fn settings(package: &Package) -> Result<Settings, Box<dyn std::error::Error>> {
    Ok(package.settings()?)
}

fn run(package: &Package, settings: Settings) -> Result<RunReport, Box<dyn std::error::Error>> {
    let execution =
        fletching::Execution::new(package.prepare(settings)?, fletching::Progress::default());
    let running = execution.start()?;
    match running.wait_for(Duration::from_secs(60)) {
        Some(report) => Ok(report),
        None => Err("the run does not end".into()),
    }
}

fn succeeded(report: RunReport) -> Result<RunReport, Box<dyn std::error::Error>> {
    Ok(report.succeeded()?)
}

/// Its errors as text.
fn failed(report: &RunReport) -> Result<String, Box<dyn std::error::Error>> {
    if report.result != ExecutionResult::Failure {
        return Err(format!("the run did not fail: {:?}", report.result).into());
    }
    let errors = report.errors.iter().map(ToString::to_string);
    Ok(errors.collect::<Vec<_>>().join("\n"))
}

fn component<'r>(report: &'r RunReport, name: &str) -> Option<&'r ComponentReport> {
    report.tasks.iter().find_map(|task| match &task.result {
        TaskResult::Flow(flow) => flow.components.iter().find(|one| one.name == name),
        _ => None,
    })
}

fn text(folder: &Path, name: &str) -> Result<String, Box<dyn std::error::Error>> {
    let path = folder.join(name);
    fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn check(holds: bool, what: impl Into<String>) -> Outcome {
    match holds {
        true => Ok(()),
        false => Err(what.into().into()),
    }
}

/// Saves a package and loads it again.
fn again(
    folder: &Path,
    package: &Package,
    extensions: Extensions,
) -> Result<Package, Box<dyn std::error::Error>> {
    let file = folder.join("Package.dtsx");
    package.save(&file)?;
    let options = LoadOptions {
        extensions,
        ..LoadOptions::default()
    };
    Ok(Application::load_with(&file, &options)?)
}

/// A class made of closures.
struct Made<F> {
    names: ClassNames,
    kind: ComponentKind,
    outputs: Vec<NewOutput>,
    make: F,
}

impl<F> std::fmt::Debug for Made<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Made")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl<F> ComponentClass for Made<F>
where
    F: Fn(&ComponentSpec) -> Result<Component, Vec<String>> + Send + Sync,
{
    fn names(&self) -> &ClassNames {
        &self.names
    }

    fn kind(&self) -> ComponentKind {
        self.kind
    }

    fn outputs(&self) -> Vec<NewOutput> {
        self.outputs.clone()
    }

    fn read(&self, component: &ComponentSpec) -> Result<Component, Vec<String>> {
        (self.make)(component)
    }
}

/// A class called `Test.<name>`.
fn made(
    name: &str,
    kind: ComponentKind,
    outputs: Vec<NewOutput>,
    make: impl Fn(&ComponentSpec) -> Result<Component, Vec<String>> + Send + Sync + 'static,
) -> Arc<dyn ComponentClass> {
    Arc::new(Made {
        names: ClassNames::new(format!("Test.{name}"), name),
        kind,
        outputs,
        make,
    })
}
