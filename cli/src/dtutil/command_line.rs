//! The command line of dtutil, taken apart: options by any of their spellings, each with its value.
//!
//! An option begins with `/` or `-` and takes the argument behind it, whatever that begins with: on this system paths begin
//! with `/` too.

use std::ffi::OsString;

use crate::{
    dtutil::{
        bad,
        options::{self, Entry, Name, Takes},
    },
    exit::Failure,
};

/// An option as it was given.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) option: &'static Entry,
    /// Empty for an option without value.
    pub(super) value: String,
}

/// The options in the order given.
///
/// # Errors
/// Arguments that are no options, unknown options, values that are missing, text that is no UTF-8.
pub(super) fn parse(arguments: Vec<OsString>) -> Result<Vec<Given>, Failure> {
    let texts: Vec<String> = arguments
        .into_iter()
        .map(|argument| {
            argument
                .into_string()
                .map_err(|argument| bad(format!("{} is not text", argument.display())))
        })
        .collect::<Result<_, _>>()?;
    let mut given = Vec::new();
    let mut rest = texts.into_iter().peekable();
    while let Some(text) = rest.next() {
        let Some(name) = option_name(&text) else {
            let wanted = "wanted an option, which begins with `/` or `-`; `/HELP` lists them";
            return Err(bad(format!("`{text}`: {wanted}")));
        };
        let found = match name {
            "?" => options::of(Name::Help),
            name => options::find(name),
        };
        let Some(option) = found else {
            let message = format!("`{text}` is not an option of dtutil; `/HELP` lists them");
            return Err(bad(message));
        };
        let value = match option.takes {
            Takes::Nothing => None,
            Takes::Value(what) => Some(rest.next().ok_or_else(|| {
                let shown = option.shown();
                bad(format!("{shown} needs a value: {shown} {what}"))
            })?),
            Takes::Perhaps(_) => rest.next_if(|next| option_name(next).is_none()),
        };
        given.push(Given {
            option,
            value: value.unwrap_or_default(),
        });
    }
    Ok(given)
}

/// What stands behind `/`, `-` or `--`.
fn option_name(text: &str) -> Option<&str> {
    text.strip_prefix("--")
        .or_else(|| text.strip_prefix(['/', '-']))
}

/// A value divided at `;`, into `most` parts at the most: the last one keeps its `;`. A part in quotation marks may hold
/// `;`, and a quotation mark twice for one.
pub(super) fn parts(value: &str, most: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = Some(value);
    while let Some(text) = rest {
        let is_last = parts.len() + 1 >= most;
        let (part, behind) = match quoted(text) {
            Some(found) => found,
            None if is_last => (text.trim().to_owned(), None),
            None => match text.split_once(';') {
                Some((part, behind)) => (part.trim().to_owned(), Some(behind)),
                None => (text.trim().to_owned(), None),
            },
        };
        parts.push(part);
        rest = behind;
    }
    parts
}

/// A part in quotation marks, and what follows its `;`; `None` if it is not in quotation marks up to there.
fn quoted(text: &str) -> Option<(String, Option<&str>)> {
    let mut rest = text.trim_start().strip_prefix('"')?;
    let mut part = String::new();
    loop {
        let (before, behind) = rest.split_once('"')?;
        part.push_str(before);
        match behind.strip_prefix('"') {
            Some(behind) => {
                part.push('"');
                rest = behind;
            }
            None => {
                let behind = behind.trim_start();
                return match behind.strip_prefix(';') {
                    Some(behind) => Some((part, Some(behind))),
                    None => behind.is_empty().then_some((part, None)),
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_divided() {
        for (value, most, wanted) in [
            (
                "FILE; a b.dtsx ;3;p;w",
                4,
                vec!["FILE", "a b.dtsx", "3", "p;w"],
            ),
            (
                r#"file;"a;b.dtsx";2;"p""w""#,
                4,
                vec!["file", "a;b.dtsx", "2", "p\"w"],
            ),
            (r#""whole path""#, 1, vec!["whole path"]),
            ("DTS", 3, vec!["DTS"]),
            ("DTS;", 3, vec!["DTS", ""]),
            (r#"F;a"b"#, 2, vec!["F", "a\"b"]),
        ] {
            assert_eq!(parts(value, most), wanted, "{value}");
        }
    }

    #[test]
    fn values_may_begin_as_options_do() {
        let parse = |texts: &[&str]| parse(texts.iter().map(OsString::from).collect());
        let given = parse(&["-fi", "/srv/a.dtsx", "/REMARK", "/q", "--Remark", "x"]).unwrap();
        let shown: Vec<_> = given
            .iter()
            .map(|given| (given.option.name, given.value.as_str()))
            .collect();
        let wanted = [
            (Name::File, "/srv/a.dtsx"),
            (Name::Remark, ""),
            (Name::Quiet, ""),
            (Name::Remark, "x"),
        ];
        assert_eq!(shown, wanted);
        for texts in [&["a.dtsx"][..], &["/FILE"], &["/nothing"], &["/"]] {
            assert_eq!(parse(texts).unwrap_err().exit as u8, 6, "{texts:?}");
        }
    }
}
