//! A Foreach enumerator: a round for each day.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Date32Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type};
use fletching::custom::{
    Batches, ClassNames, CustomError, Enumerator, EnumeratorClass, EnumeratorSpec, Host,
};

/// The days from `From` to `To`, both among them, written `2026-11-28`. Value 0 is the day.
#[derive(Debug)]
pub struct Days(ClassNames);

impl Default for Days {
    fn default() -> Self {
        let names = ClassNames::new("Contoso.Ssis.Days", "Foreach Day");
        Self(names.described("Each day of a span"))
    }
}

impl EnumeratorClass for Days {
    fn names(&self) -> &ClassNames {
        &self.0
    }

    fn read(&self, enumerator: &EnumeratorSpec) -> Result<Box<dyn Enumerator>, Vec<String>> {
        let mut problems = Vec::new();
        let mut day = |name: &str| {
            let text = enumerator.property(name).unwrap_or_default();
            let found = day_of(text);
            if found.is_none() {
                problems.push(format!("{name} is `{text}`; a day as 2026-11-28 is wanted"));
            }
            found.unwrap_or_default()
        };
        let span = Span {
            from: day("From"),
            to: day("To"),
        };
        match problems.is_empty() {
            true => Ok(Box::new(span)),
            false => Err(problems),
        }
    }
}

/// Days since 1970.
fn day_of(text: &str) -> Option<i32> {
    let text: ArrayRef = Arc::new(StringArray::from(vec![text.trim()]));
    let day = cast(&text, &DataType::Date32).ok()?;
    day.as_primitive::<Date32Type>().iter().next()?
}

#[derive(Debug)]
struct Span {
    from: i32,
    to: i32,
}

impl Enumerator for Span {
    fn rounds(&self, _host: &dyn Host) -> Result<Batches, CustomError> {
        let days: ArrayRef = Arc::new(Date32Array::from_iter_values(self.from..=self.to));
        let batch = RecordBatch::try_from_iter([("day", days)])?;
        Ok(Box::new(std::iter::once(Ok(batch))))
    }
}
