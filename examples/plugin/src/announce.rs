//! `Contoso.Ssis.Announce`: says how many rows a variable counts, and notes that in another.
//!
//! | attribute | |
//! |---|---|
//! | `Count` | name of the variable with the number |
//! | `Note` | name of the variable that takes the text |

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, StringArray},
    util::display::array_value_to_string,
};
use fletching_custom::{ClassNames, CustomError, Host, Message, Task, TaskClass, TaskSpec};

#[derive(Debug)]
pub(crate) struct Announce(ClassNames);

impl Announce {
    pub(crate) fn class() -> Self {
        Self(
            ClassNames::new("Contoso.Ssis.Announce", "Announce")
                .described("Says how many rows there were"),
        )
    }
}

#[derive(Debug)]
struct Announced {
    count: String,
    note: String,
}

impl TaskClass for Announce {
    fn names(&self) -> &ClassNames {
        &self.0
    }

    fn read(&self, task: &TaskSpec) -> Result<Box<dyn Task>, Vec<String>> {
        let wanted = |name: &str| {
            let value = task.property(name).filter(|value| !value.is_empty());
            value
                .map(str::to_owned)
                .ok_or_else(|| format!("`{name}` is missing: the name of a variable is wanted"))
        };
        match (wanted("Count"), wanted("Note")) {
            (Ok(count), Ok(note)) => Ok(Box::new(Announced { count, note })),
            (count, note) => Err([count, note].into_iter().filter_map(Result::err).collect()),
        }
    }
}

impl Task for Announced {
    fn run(&self, host: &dyn Host) -> Result<(), CustomError> {
        let count = host
            .variable(&self.count)
            .ok_or_else(|| CustomError::new(format!("no variable `{}`", self.count)))?;
        let text = format!("{} rows were masked", array_value_to_string(&count, 0)?);
        host.say(Message::Information, &text);
        let note: ArrayRef = Arc::new(StringArray::from(vec![text]));
        host.set_variable(&self.note, &note)
    }
}
