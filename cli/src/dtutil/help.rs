//! `/HELP`: the table of options, or one line of it.

use crate::{
    dtutil::{
        bad,
        options::{self, Entry, OPTIONS, Takes},
    },
    exit::{Exit, Failure},
    render,
};

/// Shows one option, or all.
///
/// # Errors
/// An option that is none.
pub(super) fn show(option: Option<&str>) -> Result<Exit, Failure> {
    let text = match option {
        None => {
            let lines = OPTIONS.iter().map(line);
            let head = "dtutil /option [value] [/option [value]] ...\n\n";
            let codes = "\nExit codes: 0 done, 1 failed, 4 no such package, 5 the package does not load, 6 bad command line.\n";
            format!("{head}{}{codes}", lines.collect::<String>())
        }
        Some(name) => {
            let name = name.trim_start_matches(['/', '-']);
            let found = options::find(name);
            line(found.ok_or_else(|| bad(format!("`{name}` is not an option of dtutil")))?)
        }
    };
    render::text(&text)?;
    Ok(Exit::Success)
}

fn line(option: &Entry) -> String {
    let value = match option.takes {
        Takes::Nothing => String::new(),
        Takes::Value(what) => format!(" {what}"),
        Takes::Perhaps(what) => format!(" [{what}]"),
    };
    format!("{}{value}\n    {}\n", option.shown(), option.help)
}
