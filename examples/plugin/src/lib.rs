//! What Contoso has of its own: a source of days, a transformation that masks, a task that announces.
//!
//! ```text
//!  libcontoso.so ── fletching_plugin_v1 ──▶ register ──▶ Calendar, Mask, Announce ──▶ packages that name them
//! ```

mod announce;
mod calendar;
mod mask;

use std::sync::Arc;

use fletching_custom::{Extensions, Taken};

fn register(extensions: &mut Extensions) -> Result<(), Taken> {
    extensions.add_component(Arc::new(calendar::Calendar::class()))?;
    extensions.add_component(Arc::new(mask::Mask::class()))?;
    extensions.add_task(Arc::new(announce::Announce::class()))
}

fletching_custom::export!(register);
