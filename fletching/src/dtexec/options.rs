//! The options that there are: names, what may be left out of them, what follows them.

/// An option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    CallerInfo,
    CheckFile,
    CheckPointing,
    CommandFile,
    ConfigFile,
    Connection,
    ConsoleLog,
    Decrypt,
    Dts,
    Dump,
    DumpOnError,
    EnvReference,
    File,
    Help,
    IsServer,
    Logger,
    MaxConcurrent,
    Package,
    Parameter,
    Password,
    Project,
    Rem,
    Reporting,
    Restart,
    Server,
    Set,
    Sql,
    Sum,
    User,
    VLog,
    Validate,
    VerifyBuild,
    VerifyPackageId,
    VerifySigned,
    VerifyVersionId,
    WarnAsError,
    X86,
}

/// What follows an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    /// A value, or nothing.
    Maybe,
    Value,
}

/// A line of the table.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) name: Name,
    /// In full.
    pub(super) text: &'static str,
    /// Letters that must be there.
    pub(super) shortest: usize,
    pub(super) takes: Takes,
    /// What is wanted, and what it is for.
    pub(super) value: &'static str,
    pub(super) help: &'static str,
}

const fn spec(
    name: Name,
    (text, shortest): (&'static str, usize),
    takes: Takes,
    value: &'static str,
    help: &'static str,
) -> Spec {
    Spec {
        name,
        text,
        shortest,
        takes,
        value,
        help,
    }
}

#[rustfmt::skip]
pub(super) static OPTIONS: &[Spec] = &[
    spec(Name::File, ("File", 1), Takes::Value, "file", "Run a package file."),
    spec(Name::Project, ("Project", 4), Takes::Value, "file.ispac", "Run a package of a project file (or of a project's folder), with /Package."),
    spec(Name::Package, ("Package", 4), Takes::Value, "name.dtsx", "The package of the project."),
    spec(Name::Set, ("Set", 3), Takes::Value, "path;value", "Set a property or variable: \\Package.Variables[User::X].Value;5. Repeatable, in order with /ConfigFile."),
    spec(Name::Parameter, ("Parameter", 3), Takes::Value, "[$Package::|$Project::]name[(type)];value", "Set a parameter, or a property of a connection manager (CM.name.property). Repeatable."),
    spec(Name::Connection, ("Connection", 4), Takes::Value, "id_or_name;string", "Point a connection manager elsewhere. Repeatable."),
    spec(Name::ConfigFile, ("ConfigFile", 4), Takes::Value, "file", "Set what an XML configuration file (.dtsConfig) says. Repeatable."),
    spec(Name::CommandFile, ("CommandFile", 3), Takes::Value, "file", "Read further options from a file."),
    spec(Name::CheckFile, ("CheckFile", 6), Takes::Maybe, "[file]", "The checkpoint file of the package (CheckpointFileName)."),
    spec(Name::CheckPointing, ("CheckPointing", 6), Takes::Maybe, "[on|off]", "Whether checkpoints are saved and used."),
    spec(Name::Restart, ("Restart", 3), Takes::Maybe, "[deny|force|ifPossible]", "Whether the run goes on from a checkpoint (CheckpointUsage)."),
    spec(Name::Logger, ("Logger", 1), Takes::Value, "class;configuration", "Log to a further log provider. Repeatable."),
    spec(Name::VLog, ("VLog", 4), Takes::Maybe, "[file]", "Log every event to the logs of the package, and to a text file."),
    spec(Name::ConsoleLog, ("ConsoleLog", 4), Takes::Maybe, "[NCOSGXMT][;I|E;name[;name...]]", "Show log entries: columns, and an inclusion or exclusion list of events, source names and ids."),
    spec(Name::Reporting, ("Reporting", 3), Takes::Value, "level[;event[;event...]]", "What is reported: E errors, W warnings, I information, C custom events, D data flows, P progress; V all, N nothing; and events that are not."),
    spec(Name::MaxConcurrent, ("MaxConcurrent", 1), Takes::Value, "number", "Executables that run at once; -1: as many as there are processors, and two."),
    spec(Name::Validate, ("Validate", 2), Takes::Nothing, "", "Check the package, do not run it."),
    spec(Name::WarnAsError, ("WarnAsError", 1), Takes::Nothing, "", "A package with warnings has failed."),
    spec(Name::VerifyBuild, ("VerifyBuild", 7), Takes::Value, "major[;minor[;build]]", "Run only a package of this version."),
    spec(Name::VerifyPackageId, ("VerifyPackageID", 7), Takes::Value, "guid", "Run only the package with this id."),
    spec(Name::VerifyVersionId, ("VerifyVersionID", 7), Takes::Value, "guid", "Run only the version with this id."),
    spec(Name::VerifySigned, ("VerifySigned", 7), Takes::Nothing, "", "Run only a signed package: not supported."),
    spec(Name::Decrypt, ("Decrypt", 2), Takes::Value, "password", "The password that opens the package."),
    spec(Name::Sum, ("Sum", 2), Takes::Nothing, "", "Show how many rows each component was sent."),
    spec(Name::Rem, ("Rem", 3), Takes::Maybe, "[comment]", "A comment."),
    spec(Name::CallerInfo, ("CallerInfo", 2), Takes::Maybe, "[text]", "Who runs the package: of SQL Server Agent, without effect."),
    spec(Name::X86, ("X86", 3), Takes::Nothing, "", "Run in 32 bits: of SQL Server Agent, without effect."),
    spec(Name::Sql, ("SQL", 2), Takes::Value, "package", "Run a package of msdb: not supported."),
    spec(Name::Dts, ("DTS", 1), Takes::Value, "package", "Run a package of the package store: the folder that FLETCHING_STORE names."),
    spec(Name::IsServer, ("ISServer", 8), Takes::Value, "package", "Run a package of the SSIS catalog: not supported."),
    spec(Name::Server, ("Server", 3), Takes::Value, "server", "Of /SQL, /DTS and /ISServer: not supported."),
    spec(Name::User, ("User", 1), Takes::Value, "name", "Of /SQL: not supported."),
    spec(Name::Password, ("Password", 1), Takes::Value, "password", "Of /SQL: not supported."),
    spec(Name::EnvReference, ("EnvReference", 3), Takes::Value, "id", "Of /ISServer: not supported."),
    spec(Name::Dump, ("Dump", 4), Takes::Value, "codes", "Write memory dumps: not supported."),
    spec(Name::DumpOnError, ("DumpOnError", 5), Takes::Nothing, "", "Write memory dumps: not supported."),
    spec(Name::Help, ("Help", 1), Takes::Maybe, "[option]", "Show this, or one option of it."),
];

/// The option that a word is: `/FILE`, `-f`, `/?`. `None` for any other word.
pub(super) fn option(word: &str) -> Option<&'static Spec> {
    named(word.strip_prefix(['/', '-'])?)
}

/// The option of a name, in full or cut short.
pub(super) fn named(name: &str) -> Option<&'static Spec> {
    let name = if name == "?" { "help" } else { name };
    OPTIONS.iter().find(|spec| {
        let start = spec.text.get(..name.len());
        name.len() >= spec.shortest && start.is_some_and(|start| start.eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cut_short() {
        for (word, wanted) in [
            ("/f", Some(Name::File)),
            ("-FILE", Some(Name::File)),
            ("/D", Some(Name::Dts)),
            ("/de", Some(Name::Decrypt)),
            ("/Dump", Some(Name::Dump)),
            ("/dumpo", Some(Name::DumpOnError)),
            ("/P", Some(Name::Password)),
            ("/Par", Some(Name::Parameter)),
            ("/Pack", Some(Name::Package)),
            ("/Proj", Some(Name::Project)),
            ("/CheckP", Some(Name::CheckPointing)),
            ("/CHECKPOINTING", Some(Name::CheckPointing)),
            ("/Conf", Some(Name::ConfigFile)),
            ("/Conn", Some(Name::Connection)),
            ("/Cons", Some(Name::ConsoleLog)),
            ("/Com", Some(Name::CommandFile)),
            ("/va", Some(Name::Validate)),
            ("/VerifyP", Some(Name::VerifyPackageId)),
            ("/?", Some(Name::Help)),
            ("/Con", None),
            ("/Check", None),
            ("/V", None),
            ("/Filed", None),
            ("/", None),
            ("file", None),
            ("/tmp/file", None),
            ("/é", None),
        ] {
            assert_eq!(option(word).map(|spec| spec.name), wanted, "{word}");
        }
    }
}
