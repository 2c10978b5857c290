//! The classes that somebody registered.

use std::sync::Arc;

use crate::{
    ClassNames, ComponentClass, ConnectionManagerClass, EnumeratorClass, LogProviderClass,
    TaskClass,
};

/// Classes beside those of the engine. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Extensions {
    components: Vec<Arc<dyn ComponentClass>>,
    tasks: Vec<Arc<dyn TaskClass>>,
    connection_managers: Vec<Arc<dyn ConnectionManagerClass>>,
    enumerators: Vec<Arc<dyn EnumeratorClass>>,
    log_providers: Vec<Arc<dyn LogProviderClass>>,
}

/// Two classes want the same id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("class id `{id}` of `{title}` is taken by `{taken_by}`")]
pub struct Taken {
    /// The id.
    pub id: String,
    /// The class that came later.
    pub title: String,
    /// The class that has it.
    pub taken_by: String,
}

/// The `add_`, finder and iterator of one kind of class.
macro_rules! kind {
    ($field:ident, $class:ident, $add:ident, $find:ident) => {
        /// Registers a class.
        ///
        /// # Errors
        /// One of its ids is taken.
        pub fn $add(&mut self, class: Arc<dyn $class>) -> Result<(), Taken> {
            free(class.names(), self.$field.iter().map(|known| known.names()))?;
            self.$field.push(class);
            Ok(())
        }

        /// The class that a package means by an id.
        pub fn $find(&self, id: &str) -> Option<&Arc<dyn $class>> {
            self.$field.iter().find(|class| class.names().mean(id))
        }

        /// All classes of this kind, in the order of registration.
        pub fn $field(&self) -> impl Iterator<Item = &Arc<dyn $class>> {
            self.$field.iter()
        }
    };
}

impl Extensions {
    /// Whether nothing is registered.
    pub fn is_empty(&self) -> bool {
        self.components.is_empty()
            && self.tasks.is_empty()
            && self.connection_managers.is_empty()
            && self.enumerators.is_empty()
            && self.log_providers.is_empty()
    }

    kind!(components, ComponentClass, add_component, component);
    kind!(tasks, TaskClass, add_task, task);
    kind!(
        connection_managers,
        ConnectionManagerClass,
        add_connection_manager,
        connection_manager
    );
    kind!(enumerators, EnumeratorClass, add_enumerator, enumerator);
    kind!(
        log_providers,
        LogProviderClass,
        add_log_provider,
        log_provider
    );
}

fn free<'a>(names: &ClassNames, known: impl Iterator<Item = &'a ClassNames>) -> Result<(), Taken> {
    for known in known {
        if let Some(id) = names.ids.iter().find(|id| known.mean(id)) {
            return Err(Taken {
                id: id.clone(),
                title: names.title.clone(),
                taken_by: known.title.clone(),
            });
        }
    }
    Ok(())
}
