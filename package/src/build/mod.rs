//! Packages made and changed by a program: each change is an edit of the document, in the form that the designer of format
//! 8 gives it, so that what is not changed stays as it was read.
//!
//! ```text
//! Package::create ─┐
//! Package::read ───┴─▶ Package ──add_*, set_*, remove_*──▶ Edits ──▶ Package (read again) ──write──▶ bytes
//! ```
//!
//! Nothing here knows what a property means: it is written where the class of the object keeps it. Packages of formats 2 and
//! 3 keep their form where something that is there gets another value; new objects have the form of format 8.

mod collections;
mod control_flow;
mod data_flow;
mod objects;
mod pipeline;
mod properties;
mod ref_id;
mod tag;
#[cfg(test)]
mod tests;

pub use control_flow::NewConstraint;
pub use properties::PropertyOf;
pub use ref_id::*;

use crate::{Edits, Error, Executable, Package};

impl Package {
    /// An empty package of format 8.
    ///
    /// # Errors
    /// [`Error::Edit`] for a name that SSIS does not take; [`Error::Protect`] if the system has no random numbers.
    pub fn create(name: &str) -> Result<Self, Error> {
        check_name("package", name)?;
        let tag = objects::package(name, &new_id()?, &new_id()?);
        let text = format!("<?xml version=\"1.0\"?>\n{}\n", tag.write(0));
        Self::read(text.as_bytes())
    }

    /// The executable at a path (`Package\Sequence\Task`, `Package.EventHandlers[OnError]`), without regard to case; a
    /// backslash in front may be left out.
    pub fn executable(&self, path: &str) -> Option<&Executable> {
        let path = path.trim().trim_start_matches('\\');
        self.executables()
            .find(|executable| executable.path.eq_ignore_ascii_case(path))
    }

    /// Makes edits and reads the document again.
    fn edit(
        &mut self,
        make: impl FnOnce(&Self, &mut Edits) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut edits = Edits::new();
        make(self, &mut edits)?;
        *self = self.apply(&edits)?;
        Ok(())
    }

    fn found(&self, path: &str) -> Result<&Executable, Error> {
        self.executable(path)
            .ok_or_else(|| missing("container or task", path))
    }
}

/// A GUID in braces, made by chance.
fn new_id() -> Result<String, Error> {
    Ok(crate::identity::new_guid()?
        .braced()
        .to_string()
        .to_ascii_uppercase())
}

fn missing(what: &str, name: &str) -> Error {
    Error::Edit {
        what: format!("{what} `{name}`"),
        detail: "the package has none of that name".to_owned(),
    }
}

/// Characters that names of SSIS's objects cannot have, as paths are made of them.
const FORBIDDEN: &[char] = &['/', '\\', ':', '[', ']', '.', '='];

fn check_name(what: &str, name: &str) -> Result<(), Error> {
    let detail = match name.trim() {
        "" => "a name is wanted".to_owned(),
        name if name.contains(FORBIDDEN) => {
            "a name has none of the characters / \\ : [ ] . =".to_owned()
        }
        name if name.len() > 4000 => "a name has at most 4,000 bytes".to_owned(),
        _ => return Ok(()),
    };
    Err(Error::Edit {
        what: format!("{what} `{name}`"),
        detail,
    })
}
