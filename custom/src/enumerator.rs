//! Foreach enumerators.

use std::fmt;

use crate::{Batches, ClassNames, CustomError, Host, Properties};

/// A class of Foreach enumerators.
pub trait EnumeratorClass: fmt::Debug + Send + Sync {
    /// By what packages name it: the creation name of the enumerator.
    fn names(&self) -> &ClassNames;

    /// Reads the settings of one enumerator, its property expressions evaluated. Opens nothing.
    ///
    /// # Errors
    /// Every problem with them, each a sentence for a person.
    fn read(&self, enumerator: &EnumeratorSpec) -> Result<Box<dyn Enumerator>, Vec<String>>;
}

/// The enumerator of one loop.
#[derive(Debug, Clone)]
pub struct EnumeratorSpec {
    /// The path of its loop: `Package\Each day`.
    pub path: String,
    /// The attributes of its element, and of the elements in it.
    pub properties: Properties,
    /// The element below `ObjectData`, as XML.
    pub xml: String,
}

impl EnumeratorSpec {
    /// A property by name, whatever its case.
    pub fn property(&self, name: &str) -> Option<&str> {
        crate::component::property(&self.properties, name)
    }
}

/// What a loop goes over.
pub trait Enumerator: fmt::Debug + Send + Sync {
    /// The rounds: each row is one, its columns are the values that the variable mappings number from 0.
    ///
    /// # Errors
    /// Why they cannot be found.
    fn rounds(&self, host: &dyn Host) -> Result<Batches, CustomError>;
}
