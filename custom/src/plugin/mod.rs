//! For authors of plug-ins: classes that meet the traits of this crate, behind the border of [`crate::abi`].
//!
//! ```ignore
//! // A crate of type `cdylib`.
//! fn register(extensions: &mut Extensions) -> Result<(), Taken> {
//!     extensions.add_component(Arc::new(Mask::class()))
//! }
//! fletching_custom::export!(register);
//! ```
//!
//! Each class, and each object that it makes, becomes a structure of functions. A panic in one of them is a failure of
//! the component or task; a library that is built with `panic = "abort"` ends the process instead.

mod component;
mod control_flow;
mod specs;

use std::sync::Arc;

use crate::{
    ClassNames, CustomError, Extensions, Properties, Taken,
    abi::{self, Add, Listener, Names, Object, Pair, Registry, Text},
    border::{answer, heard, pairs, table, wanted},
};

/// Exports the classes that a function registers: `fn register(extensions: &mut Extensions) -> Result<(), Taken>`.
#[macro_export]
macro_rules! export {
    ($register:path) => {
        /// The entry of this plug-in.
        ///
        /// # Safety
        /// Both arguments are valid, as the border of `fletching_custom::abi` says.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn fletching_plugin_v1(
            registry: *const $crate::abi::Registry,
            failure: *const $crate::abi::Listener,
        ) -> i32 {
            // SAFETY: the caller keeps the contract of the border.
            unsafe { $crate::plugin::enter(registry, failure, $register) }
        }
    };
}

/// What the function of [`export!`](crate::export) does.
///
/// # Safety
/// `registry` and `failure` are valid, as the border says.
pub unsafe fn enter(
    registry: *const Registry,
    failure: *const Listener,
    register: fn(&mut Extensions) -> Result<(), Taken>,
) -> i32 {
    // SAFETY: the caller keeps the contract; each class is given away once.
    unsafe {
        answer(failure, || {
            let Some(registry) = table(registry) else {
                return Err(CustomError::new("the registry is NULL").into());
            };
            let mut extensions = Extensions::default();
            register(&mut extensions).map_err(|taken| CustomError::new(taken.to_string()))?;
            for class in extensions.components() {
                let add = wanted(registry.add_component, "add_component")?;
                given(&registry, add, component::class(class))?;
            }
            for class in extensions.tasks() {
                let add = wanted(registry.add_task, "add_task")?;
                given(&registry, add, control_flow::task_class(class))?;
            }
            for class in extensions.connection_managers() {
                let add = wanted(registry.add_connection_manager, "add_connection_manager")?;
                given(
                    &registry,
                    add,
                    control_flow::connection_manager_class(class),
                )?;
            }
            for class in extensions.enumerators() {
                let add = wanted(registry.add_enumerator, "add_enumerator")?;
                given(&registry, add, control_flow::enumerator_class(class))?;
            }
            for class in extensions.log_providers() {
                let add = wanted(registry.add_log_provider, "add_log_provider")?;
                given(&registry, add, control_flow::log_provider_class(class))?;
            }
            Ok(())
        })
    }
}

/// # Safety
/// The registry is valid, and `class` is not used afterwards.
unsafe fn given<T: Object>(
    registry: &Registry,
    add: Add<T>,
    class: *mut T,
) -> Result<(), crate::border::Told> {
    // SAFETY: the caller says so.
    heard(|failure| unsafe { add(registry.context, class, failure) })
}

/// A class of ours and the texts that its structure lends.
struct Class<C: ?Sized> {
    class: Arc<C>,
    names: ClassNames,
    ids: Vec<Text>,
    /// Kept for `pairs`, which point into it.
    _properties: Properties,
    pairs: Vec<Pair>,
}

// SAFETY: the pointers are into texts that the same structure owns and never changes.
unsafe impl<C: ?Sized + Send + Sync> Send for Class<C> {}
// SAFETY: as above.
unsafe impl<C: ?Sized + Send + Sync> Sync for Class<C> {}

impl<C: ?Sized> Class<C> {
    fn new(class: &Arc<C>, names: &ClassNames, properties: Properties) -> Self {
        let names = names.clone();
        Self {
            class: Arc::clone(class),
            ids: names.ids.iter().map(|id| Text::of(id)).collect(),
            names,
            pairs: pairs(&properties),
            _properties: properties,
        }
    }

    /// The texts live as long as this does, wherever it is moved.
    fn lent(&self) -> Names {
        Names {
            ids: abi::List::of(&self.ids),
            title: Text::of(&self.names.title),
            description: Text::of(&self.names.description),
        }
    }
}
