//! A destination. It writes beside its file, and puts it in place when the whole data flow has succeeded.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use arrow::{array::RecordBatch, json::LineDelimitedWriter};
use fletching::custom::{
    ClassNames, Component, ComponentClass, ComponentKind, ComponentSpec, CustomError, Destination,
    Writer,
};

/// A JSON object a line, in the file of the connection `File`.
#[derive(Debug)]
pub struct JsonLines(ClassNames);

impl Default for JsonLines {
    fn default() -> Self {
        let names = ClassNames::new("Contoso.Ssis.JsonLines", "JSON Lines Destination");
        Self(names.described("Writes a JSON object a line"))
    }
}

impl ComponentClass for JsonLines {
    fn names(&self) -> &ClassNames {
        &self.0
    }

    fn kind(&self) -> ComponentKind {
        ComponentKind::Destination
    }

    fn connections(&self) -> Vec<String> {
        vec!["File".to_owned()]
    }

    fn read(&self, component: &ComponentSpec) -> Result<Component, Vec<String>> {
        match component.connections.first() {
            Some((_, file)) if !file.is_empty() => {
                Ok(Component::Destination(Box::new(Lines(file.into()))))
            }
            _ => Err(vec![
                "it needs a connection manager of kind FILE".to_owned(),
            ]),
        }
    }
}

#[derive(Debug)]
struct Lines(PathBuf);

impl Destination for Lines {
    fn open(&self) -> Result<Box<dyn Writer>, CustomError> {
        let mut part = self.0.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part).map_err(|error| failed(&part, &error))?;
        Ok(Box::new(Writing {
            lines: Some(LineDelimitedWriter::new(BufWriter::new(file))),
            part,
            target: self.0.clone(),
        }))
    }
}

fn failed(file: &Path, error: &std::io::Error) -> CustomError {
    let message = format!("{}: {error}; check its folder and rights", file.display());
    CustomError::new(message).with_code(0xC020_200E) // DTS_E_CANNOTOPENDATAFILE
}

struct Writing {
    /// `None` once it is committed.
    lines: Option<LineDelimitedWriter<BufWriter<File>>>,
    part: PathBuf,
    target: PathBuf,
}

impl Writer for Writing {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), CustomError> {
        match &mut self.lines {
            Some(lines) => Ok(lines.write(batch)?),
            None => Err(CustomError::new("it is committed")),
        }
    }

    fn commit(&mut self) -> Result<(), CustomError> {
        if let Some(mut lines) = self.lines.take() {
            lines.finish()?;
            let flushed = lines.into_inner().flush();
            let placed = flushed.and_then(|()| fs::rename(&self.part, &self.target));
            if let Err(error) = placed {
                remove(&self.part);
                return Err(failed(&self.target, &error));
            }
        }
        Ok(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if self.lines.is_some() {
            remove(&self.part);
        }
    }
}

/// Of a file that is not wanted any more: if it stays it does no harm.
fn remove(part: &Path) {
    drop(fs::remove_file(part));
}
