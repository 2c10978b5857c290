//! Folders of the package store: made, deleted, renamed, looked for, listed.

use crate::{
    dtutil::{completed, location::Setting, request::FolderAction},
    exit::{Exit, Failure},
    render,
};

/// Carries out an operation on folders.
///
/// # Errors
/// Exit codes 4 for a folder that is not there, 6 without a store, 1 for what fails.
pub(super) fn run(action: FolderAction, setting: &Setting) -> Result<Exit, Failure> {
    let store = setting.store()?;
    match action {
        FolderAction::Create { parent, name } => store.create_folder(&parent, &name)?,
        FolderAction::Delete { parent, name } => store.delete_folder(&parent, &name)?,
        FolderAction::Rename { parent, old, new } => store.rename_folder(&parent, &old, &new)?,
        FolderAction::Exists { path } => {
            if store.has_folder(&path)? {
                render::text("The specified folder exists.\n")?;
                return Ok(Exit::Success);
            }
            let message = format!("DTS;{path}: the specified folder does not exist");
            return Err(Failure::new(Exit::NotFound, message));
        }
        FolderAction::List { path, recursive } => {
            let entries = store.list(&path, recursive)?;
            let lines = entries.iter().map(|entry| match entry.is_folder {
                true => format!("Folder   {}\n", entry.path),
                false => format!("Package  {}\n", entry.path),
            });
            render::text(&lines.collect::<String>())?;
        }
    }
    completed()
}
