//! Loads plug-ins: their classes become classes of this crate, which forward over the border of [`crate::abi`].
//!
//! ```text
//!  load(file, extensions) ─▶ dlopen ─▶ fletching_plugin_v1(registry) ─▶ a class of ours around each class of the plug-in
//! ```
//!
//! A library stays loaded until the process ends: rows that it made may be on their way after its objects are gone, and
//! many libraries do not bear to be unloaded.

mod component;
mod control_flow;
mod specs;
#[cfg(test)]
mod tests;

use std::{
    ffi::c_void,
    mem::ManuallyDrop,
    path::{Path, PathBuf},
    sync::Arc,
};

use libloading::Library;

use crate::{
    ClassNames, CustomError, Extensions, Taken,
    abi::{self, Entry, Listener, Names, Object, REVISION, Registry, SYMBOL},
    border::{Held, Told, answer, heard, items, string},
};

/// Why a plug-in cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// It is not there.
    #[error("{}: there is no such file: a plug-in is a shared library", file.display())]
    NotFound {
        /// The file.
        file: PathBuf,
    },
    /// It is no shared library of this machine, or one that it needs is missing.
    #[error("{}: it cannot be loaded as a shared library: {message}", file.display())]
    NotALibrary {
        /// The file.
        file: PathBuf,
        /// What the loader says.
        message: String,
    },
    /// A shared library of another kind.
    #[error("{}: it is no plug-in: it does not export `{SYMBOL}` (see `fletching_custom::export!`)", file.display())]
    NotAPlugin {
        /// The file.
        file: PathBuf,
    },
    /// It was made for another version of the border.
    #[error("{}: it exports `{found}`, and this version of Fletching wants `{SYMBOL}`: build it for this one", file.display())]
    Version {
        /// The file.
        file: PathBuf,
        /// The function that it exports.
        found: String,
    },
    /// Another class has one of its ids.
    #[error("{}: {taken}", file.display())]
    Taken {
        /// The file.
        file: PathBuf,
        /// Which.
        taken: Taken,
    },
    /// It could not register its classes.
    #[error("{}: {message}", file.display())]
    Failed {
        /// The file.
        file: PathBuf,
        /// What it says.
        message: String,
    },
}

/// Versions of the border that may come.
const OTHER_VERSIONS: std::ops::Range<u32> = 2..10;

/// Loads a plug-in, and registers all of its classes. If one cannot be, none is.
///
/// The file is code: it does what it likes with this process.
///
/// # Errors
/// It is missing, is no plug-in of this version, fails, or wants an id that is taken.
pub fn load(file: &Path, extensions: &mut Extensions) -> Result<(), PluginError> {
    let file = file.to_owned();
    // Without a folder in its name the loader would look in folders of the system.
    let place = std::path::absolute(&file).unwrap_or_else(|_| file.clone());
    if !place.exists() {
        return Err(PluginError::NotFound { file });
    }
    // SAFETY: what the library does when it is loaded is the business of whoever names it.
    let library = match unsafe { Library::new(&place) } {
        Ok(library) => ManuallyDrop::new(library),
        Err(error) => {
            let message = error.to_string();
            return Err(PluginError::NotALibrary { file, message });
        }
    };
    // SAFETY: a function of this name has this type.
    let Ok(entry) = (unsafe { library.get::<Entry>(SYMBOL.as_bytes()) }) else {
        let others = OTHER_VERSIONS.map(|version| format!("fletching_plugin_v{version}"));
        // SAFETY: it is not called.
        let found = others
            .into_iter()
            .find(|name| unsafe { library.get::<Entry>(name.as_bytes()) }.is_ok());
        return Err(match found {
            Some(found) => PluginError::Version { file, found },
            None => PluginError::NotAPlugin { file },
        });
    };
    let entry: Entry = *entry;
    // SAFETY: the library stays loaded.
    let outcome = unsafe { enter(entry, extensions) };
    outcome.map_err(|refused| match refused {
        Refused::Taken(taken) => PluginError::Taken { file, taken },
        Refused::Failed(message) => PluginError::Failed { file, message },
    })
}

/// Why no class was registered.
#[derive(Debug)]
enum Refused {
    Taken(Taken),
    Failed(String),
}

/// What the functions of the registry work on.
struct Registration {
    extensions: Extensions,
    taken: Option<Taken>,
}

/// Calls the entry of a plug-in.
///
/// # Safety
/// It keeps the contract of the border, and its code stays where it is.
unsafe fn enter(entry: Entry, extensions: &mut Extensions) -> Result<(), Refused> {
    let mut registration = Registration {
        extensions: extensions.clone(),
        taken: None,
    };
    let registry = Registry {
        size: size_of::<Registry>(),
        revision: REVISION,
        context: (&raw mut registration).cast(),
        add_component: Some(add::<abi::ComponentClass>),
        add_task: Some(add::<abi::TaskClass>),
        add_connection_manager: Some(add::<abi::ConnectionManagerClass>),
        add_enumerator: Some(add::<abi::EnumeratorClass>),
        add_log_provider: Some(add::<abi::LogProviderClass>),
    };
    // SAFETY: the caller says so; the registry lives during the call.
    let outcome = heard(|failure| unsafe { entry(&raw const registry, failure) });
    // Also if the plug-in did not mind.
    if let Some(taken) = registration.taken {
        return Err(Refused::Taken(taken));
    }
    outcome.map_err(|told| Refused::Failed(told.one().message))?;
    *extensions = registration.extensions;
    Ok(())
}

/// A class of a plug-in that becomes one of ours.
trait Class: Object {
    fn register(held: Held<Self>, extensions: &mut Extensions) -> Result<(), Refused>;
}

unsafe extern "C" fn add<T: Class>(
    context: *mut c_void,
    class: *mut T,
    failure: *const Listener,
) -> i32 {
    // SAFETY: the context is the registration of `enter`, which waits for this call's caller; the plug-in gives the class away.
    unsafe {
        answer(failure, || {
            let registration = &mut *context.cast::<Registration>();
            let Some(held) = Held::take(class) else {
                return Err(CustomError::new("NULL where a class is wanted").into());
            };
            match T::register(held, &mut registration.extensions) {
                Ok(()) => Ok(()),
                Err(Refused::Taken(taken)) => {
                    let message = taken.to_string();
                    registration.taken.get_or_insert(taken);
                    Err(CustomError::new(message).into())
                }
                Err(Refused::Failed(message)) => Err(CustomError::new(message).into()),
            }
        })
    }
}

/// The names of a class; an error if it has none.
///
/// # Safety
/// They are valid.
unsafe fn names(names: &Names) -> Result<ClassNames, Refused> {
    // SAFETY: the caller says so.
    let (ids, title, description) = unsafe {
        let ids = items(names.ids).iter();
        let ids: Vec<String> = ids.map(|id| string(*id)).collect();
        (ids, string(names.title), string(names.description))
    };
    if ids.is_empty() || ids.iter().any(|id| id.trim().is_empty()) {
        let message = format!("class `{title}` has no id, or an empty one");
        return Err(Refused::Failed(message));
    }
    Ok(ClassNames {
        ids,
        title,
        description,
    })
}

/// What a class says when a function that it must have is missing.
fn missing(names: &ClassNames, function: &str) -> Refused {
    let message = format!(
        "class `{}` has no function `{function}`: it is a must",
        names.title
    );
    Refused::Failed(message)
}

macro_rules! class {
    ($abi:ident, $ours:path, $add:ident, [$($function:ident),+]) => {
        impl Class for abi::$abi {
            fn register(held: Held<Self>, extensions: &mut Extensions) -> Result<(), Refused> {
                // SAFETY: the class is valid until it is released.
                let names = unsafe { names(&held.table().names)? };
                $(if held.table().$function.is_none() {
                    return Err(missing(&names, stringify!($function)));
                })+
                extensions.$add(Arc::new($ours(names, held))).map_err(Refused::Taken)
            }
        }
    };
}

class!(ComponentClass, component::Components, add_component, [read]);
class!(TaskClass, control_flow::Tasks, add_task, [read]);
class!(
    ConnectionManagerClass,
    control_flow::ConnectionManagers,
    add_connection_manager,
    [address]
);
class!(
    EnumeratorClass,
    control_flow::Enumerators,
    add_enumerator,
    [read]
);
class!(
    LogProviderClass,
    control_flow::LogProviders,
    add_log_provider,
    [open]
);

/// A failure of a plug-in as an error of ours.
fn failed(told: Told) -> CustomError {
    told.one()
}
