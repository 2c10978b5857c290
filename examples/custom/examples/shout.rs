//! The program of `docs/custom_objects.md`: a component of one's own in a package that is built, saved and run.

use std::{path::Path, sync::Arc};

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringViewArray};
use fletching::custom::{
    Applied, ClassNames, Component, ComponentClass, ComponentKind, ComponentSpec, CustomError,
    Properties, Synchronous,
};
use fletching::dtsx::{DataType, UsageType};
use fletching::{Execution, Package, Progress, runtime};

#[derive(Debug)]
struct Shout(ClassNames);

impl ComponentClass for Shout {
    fn names(&self) -> &ClassNames {
        &self.0
    }

    fn kind(&self) -> ComponentKind {
        ComponentKind::Transform
    }

    fn properties(&self) -> Properties {
        vec![("End".to_owned(), "!".to_owned())]
    }

    fn read(&self, component: &ComponentSpec) -> Result<Component, Vec<String>> {
        let end = component.property("End").unwrap_or("!").to_owned();
        let Some(column) = component
            .inputs
            .first()
            .and_then(|input| input.position("name"))
        else {
            return Err(vec!["take the column `name`".to_owned()]);
        };
        Ok(Component::Synchronous(Box::new(Shouting { end, column })))
    }
}

#[derive(Debug)]
struct Shouting {
    end: String,
    column: usize,
}

impl Synchronous for Shouting {
    fn apply(&self, batch: &RecordBatch) -> Result<Applied, CustomError> {
        let texts = batch.column(self.column).as_string_view().iter();
        let texts: StringViewArray = texts
            .map(|text| text.map(|text| text.to_uppercase() + &self.end))
            .collect();
        let texts: ArrayRef = Arc::new(texts);
        Ok(Applied {
            replaced: vec![(self.column, texts)],
            ..Applied::default()
        })
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut extensions = custom_objects::extensions()?;
    extensions.add_component(Arc::new(Shout(ClassNames::new("Own.Shout", "Shout"))))?;

    let mut package = Package::create("Own", Path::new("."))?;
    package.use_extensions(extensions);
    package.edit(|document| {
        document.add_executable("Package", "Microsoft.Pipeline", "Flow")?;
        document.add_connection_manager("FILE", "Out")?;
        document.set_connection_property("Out", "ConnectionString", "out.jsonl")
    })?;
    package
        .pipeline("Package\\Flow")?
        .add("Contoso.Ssis.Numbers", "Numbers")?
        .add_column("Numbers", None, "name", DataType::WStr { length: 20 })?
        .add("Own.Shout", "Shout")?
        .connect("Numbers", "Shout")?
        .use_column("Shout", None, "name", UsageType::ReadWrite)?
        .add("Contoso.Ssis.JsonLines", "Write")?
        .use_connection("Write", "Out")?
        .connect("Shout", "Write")?
        .use_all_columns("Write")?;
    package.save(Path::new("Own.dtsx"))?;

    let prepared = package.prepare(package.settings()?)?;
    let run = Execution::new(prepared, Progress::default()).run();
    runtime(2)?.block_on(run)?;
    Ok(())
}
