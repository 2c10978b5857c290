//! What is done to a package: copied, moved, deleted, looked for, encrypted, given a new id.
//!
//! ```text
//! file ─read_package─▶ closed package ─┬─ decrypt: the password is checked ─▶ encrypt ─┐
//!                                      ├─ new id ────────────────────────────────────────┼─save_package─▶ file
//!                                      └─ nothing: the bytes as they are ──────────────┘
//! ```
//!
//! What is not changed is written as it was read: a copy of a protected package is as protected. A package that is
//! encrypted as a whole is opened for a new id and closed again with the same password.

use std::{
    io::BufRead,
    path::{Path, PathBuf},
};

use fletching::{
    delete_package,
    dtsx::{Error, Package, ProtectionLevel},
    is_same_file, move_package, package_exists, read_package, save_package,
};

use crate::{
    dtutil::{
        bad, completed,
        location::{Location, Setting},
        request::{Action, Job},
    },
    exit::{Exit, Failure},
    render,
};

/// Carries out a job.
///
/// # Errors
/// Exit codes 4 for a package that is not there, 5 for one that does not load, 1 for what fails.
pub(super) fn run(job: Job, setting: &Setting) -> Result<Exit, Failure> {
    let source = job.source.file(setting)?;
    let exists = package_exists(&source)?;
    if let Action::Exists = job.action {
        return found(exists, &job.source);
    }
    if !exists {
        let message = format!("{}: there is no such package", job.source.shown());
        return Err(Failure::new(Exit::NotFound, message));
    }
    match &job.action {
        Action::Exists => {}
        Action::Delete => delete_package(&source)?,
        Action::NewId => save_package(&source, &changed(&source, true, setting)?)?,
        Action::Copy(to) => {
            let target = target(&source, to, setting)?;
            let bytes = changed(&source, job.new_id, setting)?;
            if may_write(&target, setting)? {
                save_package(&target, &bytes)?;
            } else {
                return Ok(Exit::Failed);
            }
        }
        Action::Move(to) => {
            let target = target(&source, to, setting)?;
            let bytes = changed(&source, job.new_id, setting)?;
            if !may_write(&target, setting)? {
                return Ok(Exit::Failed);
            }
            if job.new_id {
                save_package(&target, &bytes)?;
                delete_package(&source)?;
            } else {
                move_package(&source, &target)?;
            }
        }
        Action::Encrypt {
            to,
            level,
            password,
        } => {
            let target = into_folder(&source, to.file(setting)?);
            let package = opened(&source, setting)?;
            let package = match job.new_id {
                true => package.with_new_id().map_err(not_changed)?,
                false => package,
            };
            let closed = package.encrypt(*level, password.as_deref());
            let closed = closed.map_err(not_changed)?;
            if !may_write(&target, setting)? {
                return Ok(Exit::Failed);
            }
            save_package(&target, &closed.write())?;
        }
    }
    completed()
}

fn found(exists: bool, source: &Location) -> Result<Exit, Failure> {
    if exists {
        render::text("The specified package exists.\n")?;
        return Ok(Exit::Success);
    }
    let message = format!("{}: the specified package does not exist", source.shown());
    Err(Failure::new(Exit::NotFound, message))
}

/// The package with all that the password opens; one that is closed as a whole is not loaded without.
fn opened(source: &Path, setting: &Setting) -> Result<Package, Failure> {
    let package = read_package(source, setting.password.as_deref())?;
    package.check_open().map_err(|error| {
        let message = format!("{}: {error}", source.display());
        let message = format!("{message}: /DECRYPT password");
        Failure::new(Exit::NotLoadable, message).with_code(error.code())
    })?;
    Ok(package)
}

/// The bytes of a package, with a new id if one is wanted, at the protection that it has.
fn changed(source: &Path, new_id: bool, setting: &Setting) -> Result<Vec<u8>, Failure> {
    let opened = opened(source, setting)?;
    let closed = read_package(source, None)?;
    if !new_id {
        return Ok(closed.write());
    }
    let is_whole = closed.check_open().is_err();
    let renewed = match (is_whole, setting.password.as_deref()) {
        (true, password) => opened
            .with_new_id()
            .and_then(|package| package.encrypt(ProtectionLevel::EncryptAllWithPassword, password)),
        (false, _) => closed.with_new_id(),
    };
    Ok(renewed.map_err(not_changed)?.write())
}

/// Where a copy goes: another file than the source.
fn target(source: &Path, to: &Location, setting: &Setting) -> Result<PathBuf, Failure> {
    let target = into_folder(source, to.file(setting)?);
    if is_same_file(source, &target)? {
        let message = format!("{}: source and destination are one package", to.shown());
        return Err(bad(message));
    }
    Ok(target)
}

/// A folder as the destination means the package's own name in it.
fn into_folder(source: &Path, target: PathBuf) -> PathBuf {
    match (target.is_dir(), source.file_name()) {
        (true, Some(name)) => target.join(name),
        _ => target,
    }
}

/// Asks before a package is overwritten, unless /QUIET says not to. No answer is no.
fn may_write(target: &Path, setting: &Setting) -> Result<bool, Failure> {
    if setting.quiet || !package_exists(target)? {
        return Ok(true);
    }
    let shown = target.display();
    render::text(&format!("{shown} exists already. Overwrite it? (Y/N) "))?;
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| Failure::new(Exit::Failed, format!("standard input: {error}")))?;
    let yes = matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
    if !yes {
        render::text("\nNothing was changed.\n")?;
    }
    Ok(yes)
}

fn not_changed(error: Error) -> Failure {
    Failure::new(Exit::Failed, error.to_string()).with_code(error.code())
}
