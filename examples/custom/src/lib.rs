//! One custom object of each kind, as small as it can be and still be whole. `docs/custom_objects.md` walks through them.
//!
//! | file | what | packages name it |
//! |---|---|---|
//! | `numbers.rs` | a source: the numbers from 1 | `Contoso.Ssis.Numbers` |
//! | `mask.rs` | a synchronous component: hides all but the last characters of texts | `Contoso.Ssis.Mask` |
//! | `totals.rs` | an asynchronous component: a row for each key | `Contoso.Ssis.Totals` |
//! | `json_lines.rs` | a destination: a JSON object a line | `Contoso.Ssis.JsonLines` |
//! | `heartbeat.rs` | a task: writes a file that says that all is well | `Contoso.Ssis.Heartbeat` |
//! | `newest_file.rs` | a connection manager: the newest file of a folder | `CONTOSO.NEWEST` |
//! | `days.rs` | a Foreach enumerator: each day of a span | `Contoso.Ssis.Days` |
//! | `json_log.rs` | a log provider: an entry a line | `Contoso.Ssis.JsonLog` |

#![expect(
    clippy::disallowed_methods,
    reason = "objects of one's own open their own files"
)]

pub mod days;
pub mod heartbeat;
pub mod json_lines;
pub mod json_log;
pub mod mask;
pub mod newest_file;
pub mod numbers;
pub mod totals;

use std::sync::Arc;

use fletching::custom::{Extensions, Taken};

/// All of them, registered.
///
/// # Errors
/// Two want the same name.
pub fn extensions() -> Result<Extensions, Taken> {
    let mut all = Extensions::default();
    all.add_component(Arc::new(numbers::Numbers::default()))?;
    all.add_component(Arc::new(mask::Mask::default()))?;
    all.add_component(Arc::new(totals::Totals::default()))?;
    all.add_component(Arc::new(json_lines::JsonLines::default()))?;
    all.add_task(Arc::new(heartbeat::Heartbeat::default()))?;
    all.add_connection_manager(Arc::new(newest_file::NewestFile::default()))?;
    all.add_enumerator(Arc::new(days::Days::default()))?;
    all.add_log_provider(Arc::new(json_log::JsonLog::default()))?;
    Ok(all)
}
