//! What a command line says: words to options, pure.
//!
//! Options may come in any order. Of an option that is given twice the last counts; those that say repeatable in the table
//! add up, /Set and /ConfigFile in the order given. A word that begins with `--` is an option of
//! `fletch run` (`--path-map`), and what follows it up to the next option of SSIS is its value.

use std::{collections::VecDeque, fmt};

use super::{
    console_log::ConsoleLog,
    options::{Name, Spec, Takes, named, option},
    parameter,
    reporting::Reporting,
    values::{bare, head, pairs, pieces},
    words::words,
};

/// Command files within command files.
const DEPTH_MAX: usize = 8;
/// Words of all command files together.
const WORDS_MAX: usize = 100_000;

/// Where the package is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A package file.
    File(String),
    /// A project, of which a package is named.
    Project(String),
    /// Of the package store, by its path there.
    Store(String),
}

/// A password: shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub(crate) String);

impl Secret {
    /// The password itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What changes the package, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A property gets a value.
    Set {
        /// `\Package.Variables[User::X].Value`.
        path: String,
        /// As text.
        value: String,
    },
    /// A configuration file is applied.
    ConfigFile(String),
}

/// What a command line says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// Help was asked for, of an option or all.
    pub help: Option<Option<String>>,
    /// Where the package is.
    pub source: Option<Source>,
    /// Name of the package in its project.
    pub package: Option<String>,
    /// The password that opens it.
    pub decrypt: Option<Secret>,
    /// What changes it, in order.
    pub changes: Vec<Change>,
    /// Names and values of parameters.
    pub parameters: Vec<(String, String)>,
    /// Connection managers, and the strings that they get.
    pub connections: Vec<(String, String)>,
    /// The checkpoint file; empty for none.
    pub check_file: Option<String>,
    /// Whether checkpoints are saved and used.
    pub check_pointing: Option<bool>,
    /// CheckpointUsage: 0 never, 1 if there is one, 2 always.
    pub restart: Option<u8>,
    /// Executables that run at once.
    pub max_concurrent: Option<i32>,
    /// Classes of log providers, and what configures them.
    pub loggers: Vec<(String, String)>,
    /// Every event is logged, also to this file.
    pub verbose_log: Option<Option<String>>,
    /// Log entries that are shown.
    pub console_log: Option<ConsoleLog>,
    /// Events that are shown.
    pub reporting: Reporting,
    /// The package is checked, not run.
    pub validate: bool,
    /// A package with warnings has failed.
    pub warn_as_error: bool,
    /// Row counts are shown.
    pub sum: bool,
    /// Major, minor, build, as far as they are given.
    pub verify_build: Vec<i64>,
    /// The id that the package must have.
    pub verify_package: Option<String>,
    /// The version id that it must have.
    pub verify_version: Option<String>,
    /// For `fletch run`.
    pub own: Vec<String>,
}

/// Why a command line cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandLineError {
    /// A name that no option has.
    #[error("`{word}` is not an option; /Help shows those there are")]
    Unknown {
        /// As it was given.
        word: String,
    },
    /// A value that belongs to no option.
    #[error("`{word}` stands where an option is wanted; name a package with /FILE `{word}`")]
    NoOption {
        /// As it was given.
        word: String,
    },
    /// An option without its value.
    #[error("option /{option}: nothing follows it; {wanted} is wanted")]
    Missing {
        /// Its full name.
        option: &'static str,
        /// What should follow.
        wanted: &'static str,
    },
    /// A value that does not fit.
    #[error("option /{option}: `{found}`: {wanted} is wanted")]
    Invalid {
        /// Its full name.
        option: &'static str,
        /// What was given; of a pair, the name alone.
        found: String,
        /// What would fit.
        wanted: String,
    },
    /// An option of SSIS for something that is not there.
    #[error("option /{option} is not supported: {why}")]
    Refused {
        /// Its full name.
        option: &'static str,
        /// What is not there, and what to do.
        why: &'static str,
    },
    /// A package has one place.
    #[error("two of /File, /DTS and /Project are given: a package comes from one place")]
    TwoSources,
    /// Nothing to run.
    #[error("no package is named: use /FILE file.dtsx, or /PROJECT file.ispac /PACKAGE name.dtsx")]
    NoSource,
    /// A command file that cannot be read.
    #[error("option /CommandFile: {0}")]
    CommandFile(String),
}

/// Reads words; `read` gives the text of a command file.
pub(super) fn parse(
    given: Vec<String>,
    read: &mut dyn FnMut(&str) -> Result<String, String>,
) -> Result<CommandLine, CommandLineError> {
    let mut line = CommandLine::default();
    let mut reader = Reader {
        line: &mut line,
        read,
        words_left: WORDS_MAX,
    };
    reader.all(given.into(), 0)?;
    if line.help.is_some() {
        return Ok(line);
    }
    match (&line.source, &line.package) {
        (None, _) => Err(CommandLineError::NoSource),
        (Some(Source::Project(_)), None) => Err(CommandLineError::Missing {
            option: "Package",
            wanted: "the name of a package of the project",
        }),
        (Some(Source::File(_) | Source::Store(_)), Some(package)) => {
            Err(CommandLineError::Invalid {
                option: "Package",
                found: package.clone(),
                wanted: "/Project, of which it names a package,".to_owned(),
            })
        }
        _ => Ok(line),
    }
}

struct Reader<'a> {
    line: &'a mut CommandLine,
    read: &'a mut dyn FnMut(&str) -> Result<String, String>,
    words_left: usize,
}

impl Reader<'_> {
    fn all(&mut self, mut words: VecDeque<String>, depth: usize) -> Result<(), CommandLineError> {
        self.words_left = self
            .words_left
            .checked_sub(words.len())
            .ok_or_else(|| CommandLineError::CommandFile(format!("more than {WORDS_MAX} words")))?;
        while let Some(word) = words.pop_front() {
            if self.line.help.is_some() {
                return Ok(());
            }
            if word.starts_with("--") {
                self.line.own.push(word);
                let is_value = |next: &mut String| option(next).is_none();
                while let Some(value) = words.pop_front_if(is_value) {
                    self.line.own.push(value);
                }
                continue;
            }
            if word.trim().is_empty() {
                continue;
            }
            let spec = option(&word).ok_or_else(|| match word.starts_with(['/', '-']) {
                true => CommandLineError::Unknown { word: word.clone() },
                false => CommandLineError::NoOption { word: word.clone() },
            })?;
            if spec.name == Name::Help {
                self.line.help = Some(words.pop_front().and_then(|of| help_of(&of)));
                return Ok(());
            }
            let is_value = |next: &String| option(next).is_none() && !next.starts_with("--");
            let value = match spec.takes {
                Takes::Nothing => None,
                Takes::Maybe | Takes::Value => words.pop_front_if(|next| is_value(next)),
            };
            if spec.takes == Takes::Value && value.is_none() {
                return Err(CommandLineError::Missing {
                    option: spec.text,
                    wanted: spec.value,
                });
            }
            let value = value.unwrap_or_default();
            match spec.name {
                Name::CommandFile => self.command_file(&value, depth)?,
                _ => apply(self.line, spec, &value)?,
            }
        }
        Ok(())
    }

    fn command_file(&mut self, value: &str, depth: usize) -> Result<(), CommandLineError> {
        let file = bare(value);
        if depth >= DEPTH_MAX {
            let message = format!("`{file}`: command files name each other {DEPTH_MAX} deep");
            return Err(CommandLineError::CommandFile(message));
        }
        let text = (self.read)(&file).map_err(CommandLineError::CommandFile)?;
        self.all(words(&text).into(), depth + 1)
    }
}

/// Puts an option into the command line.
fn apply(line: &mut CommandLine, spec: &Spec, value: &str) -> Result<(), CommandLineError> {
    let invalid = |wanted: &str| CommandLineError::Invalid {
        option: spec.text,
        // A value may be a secret: the name before it says enough.
        found: match spec.name {
            Name::Set | Name::Parameter | Name::Connection | Name::Logger => head(value).0,
            _ => value.to_owned(),
        },
        wanted: wanted.to_owned(),
    };
    match spec.name {
        Name::File => source(line, Source::File(bare(value)))?,
        Name::Project => source(line, Source::Project(bare(value)))?,
        Name::Dts => source(line, Source::Store(bare(value)))?,
        Name::Decrypt => line.decrypt = Some(Secret(bare(value))),
        Name::Package => line.package = Some(bare(value)),
        Name::Set | Name::Parameter | Name::Connection | Name::Logger => {
            pair(line, spec.name, value).map_err(|wanted| invalid(&wanted))?;
        }
        Name::ConfigFile => line.changes.push(Change::ConfigFile(bare(value))),
        Name::CheckFile => line.check_file = Some(bare(value)),
        Name::CheckPointing => {
            line.check_pointing = Some(switch(value).ok_or_else(|| invalid("on or off"))?);
        }
        Name::Restart => {
            let usage = usage(value).ok_or_else(|| invalid("deny, force or ifPossible"))?;
            line.restart = Some(usage);
        }
        Name::MaxConcurrent => {
            let number = bare(value).trim().parse().ok();
            let number = number.filter(|number| *number == -1 || *number > 0);
            line.max_concurrent =
                Some(number.ok_or_else(|| invalid("-1, or a number from 1 on,"))?);
        }
        Name::VLog => line.verbose_log = Some(Some(bare(value)).filter(|file| !file.is_empty())),
        Name::ConsoleLog => {
            let log = line.console_log.get_or_insert_default();
            log.add(value).map_err(invalid)?;
        }
        Name::Reporting => line.reporting = Reporting::read(value).map_err(invalid)?,
        Name::VerifyBuild => {
            line.verify_build = build(value).ok_or_else(|| invalid("major[;minor[;build]]"))?;
        }
        Name::VerifyPackageId => line.verify_package = Some(bare(value)),
        Name::VerifyVersionId => line.verify_version = Some(bare(value)),
        Name::Validate => line.validate = true,
        Name::WarnAsError => line.warn_as_error = true,
        Name::Sum => line.sum = true,
        Name::Rem | Name::CallerInfo | Name::X86 | Name::CommandFile | Name::Help => {}
        _ => {
            return Err(CommandLineError::Refused {
                option: spec.text,
                why: why_not(spec.name),
            });
        }
    }
    Ok(())
}

/// Puts in an option that gives something a value.
///
/// # Errors
/// What is wanted.
fn pair(line: &mut CommandLine, name: Name, value: &str) -> Result<(), String> {
    match name {
        Name::Set => {
            let (path, value) = head(value);
            let value = value.ok_or("path;value")?;
            if path.to_ascii_lowercase().starts_with("$sensitive::") {
                let wanted = "a path without $Sensitive::, which is for packages of a server,";
                return Err(wanted.to_owned());
            }
            let value = bare(value);
            line.changes.push(Change::Set { path, value });
        }
        Name::Parameter => match parameter::read(value)? {
            parameter::Parameter::Value { name, value } => line.parameters.push((name, value)),
            parameter::Parameter::Property { path, value } => {
                line.changes.push(Change::Set { path, value });
            }
        },
        Name::Connection => {
            line.connections
                .extend(pairs(value).ok_or("id_or_name;string")?);
        }
        _ => {
            let (class, configuration) = head(value);
            let configuration = configuration.ok_or("class;configuration")?;
            line.loggers.push((class, bare(configuration)));
        }
    }
    Ok(())
}

/// Of /CheckPointing.
fn switch(value: &str) -> Option<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "" | "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

/// Of /Restart: CheckpointUsage.
fn usage(value: &str) -> Option<u8> {
    match value.trim().to_ascii_lowercase().as_str() {
        "deny" => Some(0),
        "ifpossible" => Some(1),
        "" | "force" => Some(2),
        _ => None,
    }
}

/// Of /VerifyBuild: one to three numbers.
fn build(value: &str) -> Option<Vec<i64>> {
    let numbers: Option<Vec<i64>> = pieces(value)
        .iter()
        .map(|piece| piece.trim().parse().ok())
        .collect();
    numbers.filter(|numbers| numbers.len() <= 3)
}

/// The option that help is asked of.
fn help_of(value: &str) -> Option<String> {
    let name = value.trim().trim_start_matches(['/', '-']);
    named(name).map(|spec| spec.text.to_owned())
}

fn source(line: &mut CommandLine, source: Source) -> Result<(), CommandLineError> {
    let same = line
        .source
        .as_ref()
        .is_none_or(|old| std::mem::discriminant(old) == std::mem::discriminant(&source));
    if !same {
        return Err(CommandLineError::TwoSources);
    }
    line.source = Some(source);
    Ok(())
}

/// Why an option is refused.
fn why_not(name: Name) -> &'static str {
    match name {
        Name::Sql => "packages of msdb are not reached; save the package as a file and use /FILE",
        Name::IsServer | Name::EnvReference => {
            "the SSIS catalog is not there; use /PROJECT file.ispac /PACKAGE name.dtsx, with /PAR or /SET for what an environment would give"
        }
        Name::Server | Name::User | Name::Password => {
            "it belongs to packages of a server, which are not reached"
        }
        Name::VerifySigned => "signatures of packages are not checked",
        Name::Dump | Name::DumpOnError => "no memory dumps are written",
        _ => "it is not there",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<CommandLine, CommandLineError> {
        let mut file = |name: &str| match name {
            "rest.txt" => Ok("/SET \\Package.Variables[User::B].Value;\"2 3\"\r\n/VA".to_owned()),
            "itself.txt" => Ok("/COM itself.txt".to_owned()),
            other => Err(format!("`{other}`: there is no such file")),
        };
        parse(words(text), &mut file)
    }

    /// Command lines, and what they say; `!` before what is wrong with them.
    const TABLE: &str = include_str!("command_lines.txt");

    #[test]
    fn command_lines() {
        let mut cases = 0;
        for case in TABLE
            .split("\n\n")
            .map(str::trim)
            .filter(|case| !case.is_empty())
        {
            let (given, wanted) = case.split_once('\n').unwrap_or((case, ""));
            let found = match read(given) {
                Ok(line) => shown(&line),
                Err(error) => format!("! {error}"),
            };
            assert_eq!(found.trim(), wanted.trim(), "{given}");
            cases += 1;
        }
        assert!(cases > 30);
    }

    /// What a command line says, a part for each option.
    fn shown(line: &CommandLine) -> String {
        let mut parts = Vec::new();
        parts.extend(
            line.help
                .iter()
                .map(|of| format!("help {}", of.as_deref().unwrap_or("all"))),
        );
        parts.extend(line.source.iter().map(|source| match source {
            Source::File(file) => format!("file {file}"),
            Source::Project(file) => format!("project {file}"),
            Source::Store(path) => format!("store {path}"),
        }));
        parts.extend(
            line.decrypt
                .iter()
                .map(|secret| format!("decrypt {secret:?}")),
        );
        parts.extend(line.package.iter().map(|name| format!("package {name}")));
        parts.extend(line.changes.iter().map(|change| match change {
            Change::Set { path, value } => format!("set {path} = {value}"),
            Change::ConfigFile(file) => format!("config {file}"),
        }));
        let pairs = |what: &str, pairs: &[(String, String)]| -> Vec<String> {
            let pairs = pairs.iter();
            pairs
                .map(|(name, value)| format!("{what} {name} = {value}"))
                .collect()
        };
        parts.extend(pairs("parameter", &line.parameters));
        parts.extend(pairs("connection", &line.connections));
        parts.extend(pairs("logger", &line.loggers));
        parts.extend(
            line.check_file
                .iter()
                .map(|file| format!("check file {file}")),
        );
        parts.extend(
            line.check_pointing
                .iter()
                .map(|on| format!("checkpoints {on}")),
        );
        parts.extend(line.restart.iter().map(|usage| format!("restart {usage}")));
        parts.extend(
            line.max_concurrent
                .iter()
                .map(|most| format!("at once {most}")),
        );
        parts.extend(
            line.verbose_log
                .iter()
                .map(|file| format!("all events {file:?}")),
        );
        parts.extend(line.console_log.iter().map(|log| format!("{log:?}")));
        if line.reporting != Reporting::default() {
            parts.push(format!("{:?}", line.reporting));
        }
        let flags = [
            (line.validate, "validate"),
            (line.warn_as_error, "warnings are errors"),
            (line.sum, "sum"),
        ];
        parts.extend(
            flags
                .iter()
                .filter(|(on, _)| *on)
                .map(|(_, name)| (*name).to_owned()),
        );
        if !line.verify_build.is_empty() {
            parts.push(format!("build {:?}", line.verify_build));
        }
        parts.extend(
            line.verify_package
                .iter()
                .map(|id| format!("package id {id}")),
        );
        parts.extend(
            line.verify_version
                .iter()
                .map(|id| format!("version id {id}")),
        );
        if !line.own.is_empty() {
            parts.push(format!("own {}", line.own.join(" ")));
        }
        parts.join("\n")
    }

    proptest! {
        #[test]
        fn never_panics(text in "(/?[A-Za-z]{0,4}[ ;\"\\\\$:().é0-9-]{0,6}){0,12}", name in "[/-][A-Za-z]{1,9}", value in ".{0,20}") {
            drop(read(&text));
            drop(parse(vec![name, value], &mut |_| Ok(text.clone())));
        }

        #[test]
        fn words_come_back(given in proptest::collection::vec("[a-z;=:.\\[\\]]{1,8}( [a-z]{1,3})?", 0..5)) {
            let quoted: Vec<String> = given.iter().map(|word| format!("\"{word}\"")).collect();
            prop_assert_eq!(words(&quoted.join(" ")), given);
        }
    }
}
