//! /Help: the options, from their table.

use super::options::{OPTIONS, Spec, named};

/// Of one option, or of all.
pub fn help(of: Option<&str>) -> String {
    if let Some(spec) = of.and_then(named) {
        return format!("{}\n    {}\n", usage(spec), spec.help);
    }
    let mut text = "Usage: dtexec /option [value] [/option [value]] ...\n\n".to_owned();
    for spec in OPTIONS {
        text.push_str(&format!("  {}\n      {}\n", usage(spec), spec.help));
    }
    text.push_str(
        "\nOptions may begin with / or -, and be cut short to the letters outside the brackets. After them come options of\n\
         `fletch run`: --path-map, --config, --memory, --threads, --drift. Exit codes: 0 succeeded, 1 failed, 3 canceled,\n\
         4 package not found, 5 package not loaded, 6 command line not understood.\n",
    );
    text
}

/// `/Rep[orting] level[;event...]`.
fn usage(spec: &Spec) -> String {
    let (short, rest) = spec
        .text
        .split_at_checked(spec.shortest)
        .unwrap_or((spec.text, ""));
    let name = match rest {
        "" => short.to_owned(),
        rest => format!("{short}[{rest}]"),
    };
    format!("/{name} {}", spec.value).trim_end().to_owned()
}
