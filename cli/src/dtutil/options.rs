//! The options of dtutil, in one table: the parser, the checks and the help read it.

/// An option that dtutil knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Name {
    Copy,
    Decrypt,
    Delete,
    DestPassword,
    DestServer,
    DestUser,
    Dts,
    Dump,
    Encrypt,
    Exists,
    FCreate,
    FDelete,
    FDirectory,
    FExists,
    File,
    FRename,
    Help,
    IdRegenerate,
    Move,
    PathMap,
    Quiet,
    Remark,
    Sign,
    SourcePassword,
    SourceServer,
    SourceUser,
    Sql,
    Store,
}

/// What follows an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Value(&'static str),
    /// Taken if it does not begin as an option does.
    Perhaps(&'static str),
}

/// One line of the table.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Name,
    /// The whole spelling; upper case is what must be there at least.
    pub(super) spelling: &'static str,
    pub(super) takes: Takes,
    pub(super) help: &'static str,
}

const fn option(name: Name, spelling: &'static str, takes: Takes, help: &'static str) -> Entry {
    Entry {
        name,
        spelling,
        takes,
        help,
    }
}

use Takes::{Nothing, Perhaps, Value};

/// In order of name.
pub(super) static OPTIONS: [Entry; 28] = [
    option(
        Name::Copy,
        "Copy",
        Value("{FILE|DTS};path"),
        "Copies the package to that place.",
    ),
    option(
        Name::Decrypt,
        "DECrypt",
        Value("password"),
        "Password of the package that is loaded.",
    ),
    option(Name::Delete, "DELete", Nothing, "Deletes the package."),
    option(
        Name::DestPassword,
        "DESTPassword",
        Value("password"),
        "Needs SQL Server: refused.",
    ),
    option(
        Name::DestServer,
        "DESTServer",
        Value("server"),
        "Needs SQL Server: refused.",
    ),
    option(
        Name::DestUser,
        "DESTUser",
        Value("user"),
        "Needs SQL Server: refused.",
    ),
    option(
        Name::Dts,
        "DTs",
        Value("path"),
        "The package of that path in the package store.",
    ),
    option(
        Name::Dump,
        "DUMP",
        Value("process id"),
        "Debug dump of a process of Windows: refused.",
    ),
    option(
        Name::Encrypt,
        "ENcrypt",
        Value("FILE;path;level[;password]"),
        "Saves the package there with protection level 0 (secrets left out), 2 (secrets encrypted with the password) or 3 (all encrypted).",
    ),
    option(
        Name::Exists,
        "EXists",
        Nothing,
        "Says whether the package exists; exit code 4 if not.",
    ),
    option(
        Name::FCreate,
        "FCreate",
        Value("DTS;parent;name"),
        "Creates a folder in the package store.",
    ),
    option(
        Name::FDelete,
        "FDElete",
        Value("DTS;parent;name"),
        "Deletes an empty folder of the package store.",
    ),
    option(
        Name::FDirectory,
        "FDIrectory",
        Value("DTS[;path][;S]"),
        "Lists a folder of the package store; S: the folders in it too.",
    ),
    option(
        Name::FExists,
        "FExists",
        Value("DTS;path"),
        "Says whether a folder exists in the package store.",
    ),
    option(
        Name::File,
        "FIle",
        Value("path"),
        "The package file of that path.",
    ),
    option(
        Name::FRename,
        "FRename",
        Value("DTS;parent;old name;new name"),
        "Renames a folder of the package store.",
    ),
    option(
        Name::Help,
        "Help",
        Perhaps("option"),
        "Shows the options, or one of them.",
    ),
    option(
        Name::IdRegenerate,
        "Idregenerate",
        Nothing,
        "Gives the package, or the copy of it that is made, a new GUID.",
    ),
    option(
        Name::Move,
        "Move",
        Value("{FILE|DTS};path"),
        "Moves the package to that place.",
    ),
    option(
        Name::PathMap,
        "PATH-map",
        Value("WIN=LOCAL"),
        "Maps Windows paths to local ones; not an option of SSIS.",
    ),
    option(Name::Quiet, "Quiet", Nothing, "Overwrites without asking."),
    option(Name::Remark, "Remark", Perhaps("text"), "A comment."),
    option(
        Name::Sign,
        "SIgn",
        Value("{FILE|DTS};path;hash"),
        "Needs a certificate of Windows: refused.",
    ),
    option(
        Name::SourcePassword,
        "SOURCEPassword",
        Value("password"),
        "Needs SQL Server: refused.",
    ),
    option(
        Name::SourceServer,
        "SOURCEServer",
        Value("server"),
        "Needs SQL Server: refused.",
    ),
    option(
        Name::SourceUser,
        "SOURCEUser",
        Value("user"),
        "Needs SQL Server: refused.",
    ),
    option(
        Name::Sql,
        "SQl",
        Value("path"),
        "A package in msdb: refused.",
    ),
    option(
        Name::Store,
        "STORE",
        Value("folder"),
        "The package store; FLETCHING_STORE does the same. Not an option of SSIS.",
    ),
];

/// The option of a spelling, without regard to case: at least the upper case of the table, at most all of it.
pub(super) fn find(text: &str) -> Option<&'static Entry> {
    let text = text.to_ascii_lowercase();
    OPTIONS.iter().find(|option| {
        let whole = option.spelling.to_ascii_lowercase();
        text.len() >= option.shortest() && whole.starts_with(&text)
    })
}

pub(super) fn of(name: Name) -> Option<&'static Entry> {
    OPTIONS.iter().find(|option| option.name == name)
}

impl Entry {
    /// Letters that must be there.
    fn shortest(&self) -> usize {
        let is_lower = |letter: &char| letter.is_ascii_lowercase() || *letter == '-';
        let length = self.spelling.len();
        length - self.spelling.chars().rev().take_while(is_lower).count()
    }

    /// `/C[opy]`
    pub(super) fn shown(&self) -> String {
        let (must, may) = self.spelling.split_at(self.shortest());
        match may {
            "" => format!("/{must}"),
            may => format!("/{must}[{may}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The spellings of the documentation of dtutil.
    #[test]
    fn shortest_spellings() {
        for (text, name) in [
            ("c", Name::Copy),
            ("COPY", Name::Copy),
            ("Dec", Name::Decrypt),
            ("del", Name::Delete),
            ("destp", Name::DestPassword),
            ("dests", Name::DestServer),
            ("destu", Name::DestUser),
            ("dt", Name::Dts),
            ("dump", Name::Dump),
            ("en", Name::Encrypt),
            ("ex", Name::Exists),
            ("fc", Name::FCreate),
            ("fde", Name::FDelete),
            ("fdi", Name::FDirectory),
            ("fe", Name::FExists),
            ("fi", Name::File),
            ("fr", Name::FRename),
            ("h", Name::Help),
            ("i", Name::IdRegenerate),
            ("m", Name::Move),
            ("q", Name::Quiet),
            ("r", Name::Remark),
            ("si", Name::Sign),
            ("sourcep", Name::SourcePassword),
            ("sources", Name::SourceServer),
            ("sourceu", Name::SourceUser),
            ("sq", Name::Sql),
        ] {
            assert_eq!(find(text).map(|option| option.name), Some(name), "{text}");
        }
        for text in [
            "", "d", "de", "dest", "e", "f", "fd", "s", "source", "copyx", "x",
        ] {
            assert!(find(text).is_none(), "{text}");
        }
        assert!(OPTIONS.iter().all(|option| of(option.name).is_some()));
    }
}
