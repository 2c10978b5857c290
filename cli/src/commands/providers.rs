//! `fletch providers`: how connection strings are mapped to databases, and what `--connection` takes.

use fletching::{providers, schemes};

use crate::{
    exit::{Exit, Failure},
    render,
};

pub(crate) fn run() -> Result<Exit, Failure> {
    render::text(&table())?;
    Ok(Exit::Success)
}

fn table() -> String {
    let mut text = "Providers of connection strings, the first line that fits counts:\n".to_owned();
    for [kind, name, leads_to, note] in providers() {
        text.push_str(&format!("  {kind:<8} {name:<22} {leads_to:<17} {note}\n"));
    }
    text.push_str("What --connection NAME=... takes:\n");
    for (form, leads_to) in schemes() {
        text.push_str(&format!("  {form}\n      {leads_to}\n"));
    }
    text
}
