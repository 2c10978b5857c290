//! A task: it says that the package is alive.

use std::{fs, time::SystemTime};

use arrow::array::{ArrayRef, AsArray, Int32Array};
use arrow::datatypes::Int32Type;
use fletching::custom::{ClassNames, CustomError, Host, Message, Task, TaskClass, TaskSpec};

/// Writes a file with a line that says when, and counts in a variable. Properties: `File`, `Text`, and `Count`, the name of
/// a variable of type Int32.
#[derive(Debug)]
pub struct Heartbeat(ClassNames);

impl Default for Heartbeat {
    fn default() -> Self {
        let names = ClassNames::new("Contoso.Ssis.Heartbeat", "Heartbeat");
        Self(names.described("Writes a file that says that all is well"))
    }
}

impl TaskClass for Heartbeat {
    fn names(&self) -> &ClassNames {
        &self.0
    }

    fn read(&self, task: &TaskSpec) -> Result<Box<dyn Task>, Vec<String>> {
        let text = |name| task.property(name).unwrap_or_default().to_owned();
        let beat = Beat {
            file: text("File"),
            text: text("Text"),
            count: text("Count"),
        };
        match beat.file.is_empty() {
            true => Err(vec!["it names no File".to_owned()]),
            false => Ok(Box::new(beat)),
        }
    }
}

#[derive(Debug)]
struct Beat {
    file: String,
    text: String,
    count: String,
}

impl Task for Beat {
    fn run(&self, host: &dyn Host) -> Result<(), CustomError> {
        let mut count = 1;
        if !self.count.is_empty() {
            let known = host.variable(&self.count);
            let known = known.as_ref().and_then(|array| {
                let numbers = array.as_primitive_opt::<Int32Type>()?;
                (!numbers.is_empty()).then(|| numbers.value(0))
            });
            count = 1 + known.ok_or_else(|| {
                CustomError::new(format!("`{}` is no variable of type Int32", self.count))
            })?;
            let value: ArrayRef = std::sync::Arc::new(Int32Array::from(vec![count]));
            host.set_variable(&self.count, &value)?;
        }
        let file = host.path(&self.file)?;
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let seconds = since.map_or(0, |since| since.as_secs());
        let line = format!("{count} {seconds} {}\n", self.text);
        fs::write(&file, line).map_err(|error| CustomError::new(format!("{file}: {error}")))?;
        host.say(
            Message::Information,
            &format!("beat {count}: {}", self.text),
        );
        host.say(Message::Progress(100), "written");
        Ok(())
    }
}
