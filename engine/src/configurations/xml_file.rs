//! Configurations in XML files (`.dtsConfig`).

use dtsx::ConfiguredValue;
use fletching_connections::{FileKind, PathMap, package_files, resolve_file};

use super::Fault;
use crate::Settings;

/// Larger files are no configurations.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// The values of the file that a configuration string names.
pub(super) fn read(string: &str, settings: &Settings) -> Result<Vec<ConfiguredValue>, Fault> {
    let rules = settings.path_rules.iter().cloned();
    let map = rules.fold(PathMap::new(&settings.base_dir), PathMap::with_rule);
    let not_there = |message| Fault::new("DTS_W_CONFIGFILENOTFOUND", message);
    let path = resolve_file(string, &map).map_err(|error| not_there(error.to_string()))?;
    if !map
        .files()
        .kind(&path)
        .is_ok_and(|kind| kind != FileKind::Folder)
    {
        return Err(not_there(format!("there is no file {}", path.display())));
    }
    let bytes = package_files::read(&path, FILE_BYTES_MAX);
    let bytes = bytes.map_err(|error| not_there(error.to_string()))?;
    ConfiguredValue::read_file(&bytes).map_err(|error| {
        let message = format!("{}: {error}", path.display());
        Fault::new("DTS_W_CONFIGFILEINVALID", message)
    })
}
