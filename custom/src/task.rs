//! Tasks of the control flow.

use std::fmt;

use arrow::array::ArrayRef;

use crate::{ClassNames, CustomError, Properties};

/// A class of tasks.
pub trait TaskClass: fmt::Debug + Send + Sync {
    /// By what packages name it: the creation name of the executable.
    fn names(&self) -> &ClassNames;

    /// Reads the settings of one task, its property expressions evaluated. Opens nothing.
    ///
    /// # Errors
    /// Every problem with them, each a sentence for a person.
    fn read(&self, task: &TaskSpec) -> Result<Box<dyn Task>, Vec<String>>;
}

/// One task of a package.
#[derive(Debug, Clone)]
pub struct TaskSpec {
    /// Its name in the package.
    pub name: String,
    /// `Package\Load\Notify`.
    pub path: String,
    /// The attributes of the element below `ObjectData`, and of the elements in it that hold nothing but text.
    pub properties: Properties,
    /// That element, as XML.
    pub xml: String,
}

impl TaskSpec {
    /// A property by name, whatever its case.
    pub fn property(&self, name: &str) -> Option<&str> {
        crate::component::property(&self.properties, name)
    }
}

/// A task with its settings.
pub trait Task: fmt::Debug + Send + Sync {
    /// Does the work, on a thread that may block. Work that takes long asks [`Host::is_canceled`] now and then.
    ///
    /// # Errors
    /// The task failed.
    fn run(&self, host: &dyn Host) -> Result<(), CustomError>;
}

/// How serious a [`Host::say`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// OnInformation.
    Information,
    /// OnWarning.
    Warning,
    /// OnProgress: percent complete.
    Progress(u32),
}

/// The package around a task or an enumerator that runs.
pub trait Host: Send + Sync {
    /// The value of a variable or parameter by name (`User::Rows`, `$Package::Day`): an array of one value. `None` if no
    /// such variable is in scope or if it holds an object.
    fn variable(&self, name: &str) -> Option<ArrayRef>;

    /// Gives a variable a value, an array of one, converted to the variable's type.
    ///
    /// # Errors
    /// Why it cannot have it.
    fn set_variable(&self, name: &str, value: &ArrayRef) -> Result<(), CustomError>;

    /// The connection string of a connection manager by name or id, paths mapped to this machine, secrets filled in.
    fn connection(&self, name: &str) -> Option<String>;

    /// A path of the package on this machine: Windows paths mapped, relative ones from the package's folder.
    ///
    /// # Errors
    /// Why it leads nowhere, and what to do.
    fn path(&self, path: &str) -> Result<String, CustomError>;

    /// Raises an event.
    fn say(&self, message: Message, text: &str);

    /// The run is being cancelled: end soon.
    fn is_canceled(&self) -> bool;
}
