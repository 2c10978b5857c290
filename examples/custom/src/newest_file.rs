//! A connection manager: what it stands for is found when it is asked.

use std::{fs, path::Path};

use fletching::custom::{ClassNames, ConnectionManagerClass, ConnectionManagerSpec, CustomError};

/// The file of a folder whose name comes last. Connection string: `inbox/*.csv`, or `inbox/*.db` for SQLite databases.
#[derive(Debug)]
pub struct NewestFile(ClassNames);

impl Default for NewestFile {
    fn default() -> Self {
        let names = ClassNames::new("CONTOSO.NEWEST", "Newest file");
        Self(names.described("The file of a folder whose name comes last"))
    }
}

impl ConnectionManagerClass for NewestFile {
    fn names(&self) -> &ClassNames {
        &self.0
    }

    fn address(&self, manager: &ConnectionManagerSpec) -> Result<String, CustomError> {
        let pattern = &manager.connection_string;
        let (folder, end) = pattern.split_once('*').ok_or_else(|| {
            CustomError::new(format!("`{pattern}`: a pattern as `inbox/*.csv` is wanted"))
        })?;
        let folder = Path::new(&manager.folder).join(folder);
        let wrong = |why: String| CustomError::new(format!("{}: {why}", folder.display()));
        let entries = fs::read_dir(&folder).map_err(|error| wrong(error.to_string()))?;
        let names = entries.flatten().map(|entry| entry.path());
        let newest = names
            .filter(|path| path.to_string_lossy().ends_with(end))
            .max();
        let newest = newest.ok_or_else(|| wrong(format!("there is no file `*{end}`")))?;
        Ok(match end {
            ".db" => format!("sqlite:{}", newest.display()),
            _ => newest.display().to_string(),
        })
    }
}
