//! `fletch explain`: the physical plan of each data flow; with `--analyze`, run it and show what each operator did.

use clap::Args;
use fletching::{Execution, Progress};

use crate::{
    exit::{Exit, Failure},
    options::PackageOptions,
    render,
};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    package: PackageOptions,
    /// Run the package and show the metrics of each operator.
    #[arg(long)]
    analyze: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let package = arguments.package.load()?;
    let settings = arguments.package.settings(&package)?;
    let threads = settings.threads;
    let prepared = package.prepare(settings)?;
    if arguments.analyze {
        let progress = Progress::default();
        let execution = Execution::new(prepared, progress);
        let analyzed = async { Ok(execution.analyze().await?) };
        let plans = super::cancellable(threads, analyzed)?;
        plans.iter().try_for_each(|plan| render::text(plan))?;
    } else {
        for plan in prepared.explain()? {
            render::text(&plan)?;
        }
    }
    Ok(Exit::Success)
}
