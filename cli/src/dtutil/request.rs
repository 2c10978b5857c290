//! What the options ask for together: one source and one action, or what is wrong with them (exit code 6).

use fletching::dtsx::{ProtectionLevel, SsisCode};

use crate::{
    dtutil::{
        bad,
        command_line::{Given, parts},
        location::{Kind, Location, Setting},
        options::Name,
    },
    exit::{Exit, Failure},
    options::path_rule,
    protection::package_store,
};

/// A command line that can be carried out.
#[derive(Debug)]
pub(super) enum Request {
    /// Of one option or of all.
    Help(Option<String>),
    Folder(FolderAction, Setting),
    Package(Job, Setting),
}

/// Something done to a package.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) source: Location,
    pub(super) action: Action,
    /// Give what is written a new id.
    pub(super) new_id: bool,
}

#[derive(Debug)]
pub(super) enum Action {
    Copy(Location),
    Move(Location),
    Delete,
    Exists,
    Encrypt {
        to: Location,
        level: ProtectionLevel,
        password: Option<String>,
    },
    /// Nothing but a new id.
    NewId,
}

/// Something done to a folder of the package store.
#[derive(Debug)]
pub(super) enum FolderAction {
    Create {
        parent: String,
        name: String,
    },
    Delete {
        parent: String,
        name: String,
    },
    List {
        path: String,
        recursive: bool,
    },
    Exists {
        path: String,
    },
    Rename {
        parent: String,
        old: String,
        new: String,
    },
}

const SOURCES: [Name; 3] = [Name::File, Name::Dts, Name::Sql];
const ACTIONS: [Name; 7] = [
    Name::Copy,
    Name::Move,
    Name::Delete,
    Name::Exists,
    Name::Encrypt,
    Name::Sign,
    Name::Dump,
];
const FOLDERS: [Name; 5] = [
    Name::FCreate,
    Name::FDelete,
    Name::FDirectory,
    Name::FExists,
    Name::FRename,
];
const SOURCE_SERVER: [Name; 3] = [Name::SourceServer, Name::SourceUser, Name::SourcePassword];
const DEST_SERVER: [Name; 3] = [Name::DestServer, Name::DestUser, Name::DestPassword];

/// Reads what the options ask for.
///
/// # Errors
/// Exit code 6 for options that do not go together or values that are none; 1 for what is refused.
pub(super) fn read(given: Vec<Given>) -> Result<Request, Failure> {
    if given.is_empty() {
        return Ok(Request::Help(None));
    }
    if let Some(help) = value_of(&given, Name::Help) {
        return Ok(Request::Help(
            Some(help.to_owned()).filter(|option| !option.is_empty()),
        ));
    }
    check_repeated(&given)?;
    let setting = setting(&given)?;
    let source = one_of(&given, &SOURCES)?;
    let action = one_of(&given, &[&ACTIONS[..], &FOLDERS].concat())?;
    check_servers(&given, source, action)?;
    let Some(action) = action else {
        return new_id_only(&given, source, setting);
    };
    let new_id = has(&given, Name::IdRegenerate);
    match action.option.name {
        Name::Dump => Err(Failure::new(
            Exit::Failed,
            "/DUMP writes a debug dump of a process of Windows, which does not exist here; \
             take a core dump with the tools of this system",
        )),
        name if FOLDERS.contains(&name) => {
            if source.is_some() || new_id {
                let shown = action.option.shown();
                return Err(bad(format!(
                    "{shown} is about a folder: it goes with no package and no /IDREGENERATE"
                )));
            }
            Ok(Request::Folder(folder_action(action)?, setting))
        }
        name => {
            let source = source.ok_or_else(|| no_source(action))?;
            let action = package_action(action)?;
            if new_id && matches!(name, Name::Delete | Name::Exists) {
                return Err(bad("/IDREGENERATE goes with no /DELETE and no /EXISTS"));
            }
            let source = location_of(source);
            source.kind.check()?;
            let job = Job {
                source,
                action,
                new_id,
            };
            Ok(Request::Package(job, setting))
        }
    }
}

fn new_id_only(
    given: &[Given],
    source: Option<&Given>,
    setting: Setting,
) -> Result<Request, Failure> {
    let Some(id) = given
        .iter()
        .find(|given| given.option.name == Name::IdRegenerate)
    else {
        return Err(bad(
            "nothing is asked for: wanted /COPY, /MOVE, /DELETE, /EXISTS, /ENCRYPT, /IDREGENERATE or a folder operation",
        ));
    };
    let source = location_of(source.ok_or_else(|| no_source(id))?);
    source.kind.check()?;
    let job = Job {
        source,
        action: Action::NewId,
        new_id: true,
    };
    Ok(Request::Package(job, setting))
}

fn setting(given: &[Given]) -> Result<Setting, Failure> {
    let rules = given
        .iter()
        .filter(|given| given.option.name == Name::PathMap)
        .map(|given| path_rule(&given.value))
        .collect::<Result<_, _>>()?;
    Ok(Setting {
        store: value_of(given, Name::Store)
            .map(Into::into)
            .or_else(package_store),
        rules,
        quiet: has(given, Name::Quiet),
        password: value_of(given, Name::Decrypt).map(str::to_owned),
    })
}

fn check_repeated(given: &[Given]) -> Result<(), Failure> {
    for (index, one) in given.iter().enumerate() {
        let name = one.option.name;
        let again = given.iter().skip(index + 1);
        let may = matches!(name, Name::Remark | Name::PathMap);
        if !may && again.into_iter().any(|other| other.option.name == name) {
            return Err(bad(format!("{} is given twice", one.option.shown())));
        }
    }
    Ok(())
}

/// The options of servers go with packages in SQL Server, and passwords with users.
fn check_servers(
    given: &[Given],
    source: Option<&Given>,
    action: Option<&Given>,
) -> Result<(), Failure> {
    let is_sql = |given: &Given| {
        parts(&given.value, 2)
            .first()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("SQL"))
    };
    let from_sql = source.is_some_and(|source| source.option.name == Name::Sql);
    let to_sql = action.is_some_and(is_sql);
    let folders = action.is_some_and(|action| FOLDERS.contains(&action.option.name));
    for (names, fits, what) in [
        (
            SOURCE_SERVER,
            from_sql || (folders && to_sql),
            "a package of /SQL",
        ),
        (DEST_SERVER, to_sql && !folders, "a destination SQL;path"),
    ] {
        let present = given.iter().find(|one| names.contains(&one.option.name));
        if let Some(present) = present.filter(|_| !fits) {
            let shown = present.option.shown();
            return Err(bad(format!("{shown} goes with {what} only")));
        }
    }
    for (password, user) in [
        (Name::SourcePassword, Name::SourceUser),
        (Name::DestPassword, Name::DestUser),
    ] {
        if has(given, password) && !has(given, user) {
            return Err(bad("a password of a server needs its user"));
        }
    }
    Ok(())
}

fn package_action(given: &Given) -> Result<Action, Failure> {
    let most = match given.option.name {
        Name::Encrypt => 4,
        Name::Sign => 3,
        _ => 2,
    };
    let values = parts(&given.value, most);
    let to = |values: &[String]| -> Result<Location, Failure> {
        let [kind, path, ..] = values else {
            return Err(wrong_value(given));
        };
        let kind = Kind::parse(kind)?;
        kind.check()?;
        let path = path.clone();
        Ok(Location { kind, path })
    };
    match given.option.name {
        Name::Copy => Ok(Action::Copy(to(&values)?)),
        Name::Move => Ok(Action::Move(to(&values)?)),
        Name::Delete => Ok(Action::Delete),
        Name::Exists => Ok(Action::Exists),
        Name::Sign => {
            to(&values)?;
            let code = SsisCode::SIGN_PACKAGE_FAILED;
            Err(Failure::new(
                Exit::Failed,
                "/SIGN needs a certificate with its key in the store of a Windows user, which does not exist here; \
                 sign the package with dtutil on Windows",
            )
            .with_code(code))
        }
        _ => {
            let Some(level) = values.get(2) else {
                return Err(wrong_value(given));
            };
            let level = ProtectionLevel::parse(level).ok_or_else(|| {
                bad(format!(
                    "`{level}` is no protection level: wanted 0, 2 or 3"
                ))
            })?;
            Ok(Action::Encrypt {
                to: to(&values)?,
                level,
                password: values.get(3).cloned(),
            })
        }
    }
}

fn folder_action(given: &Given) -> Result<FolderAction, Failure> {
    let values = parts(&given.value, 5);
    let kind = values.first().ok_or_else(|| wrong_value(given))?;
    match Kind::parse(kind)? {
        Kind::File => return Err(wrong_value(given)),
        kind => kind.check()?,
    }
    match (given.option.name, values.get(1..).unwrap_or_default()) {
        (Name::FCreate, [parent, name]) => Ok(FolderAction::Create {
            parent: parent.clone(),
            name: name.clone(),
        }),
        (Name::FDelete, [parent, name]) => Ok(FolderAction::Delete {
            parent: parent.clone(),
            name: name.clone(),
        }),
        (Name::FDirectory, []) => Ok(FolderAction::List {
            path: String::new(),
            recursive: false,
        }),
        (Name::FDirectory, [path]) => Ok(FolderAction::List {
            path: path.clone(),
            recursive: false,
        }),
        (Name::FDirectory, [path, deep]) if deep.eq_ignore_ascii_case("S") => {
            Ok(FolderAction::List {
                path: path.clone(),
                recursive: true,
            })
        }
        (Name::FExists, [path]) => Ok(FolderAction::Exists { path: path.clone() }),
        (Name::FRename, [parent, old, new]) => Ok(FolderAction::Rename {
            parent: parent.clone(),
            old: old.clone(),
            new: new.clone(),
        }),
        _ => Err(wrong_value(given)),
    }
}

fn location_of(given: &Given) -> Location {
    let path = parts(&given.value, 1).pop().unwrap_or_default();
    let kind = match given.option.name {
        Name::Dts => Kind::Store,
        Name::Sql => Kind::Sql,
        _ => Kind::File,
    };
    Location { kind, path }
}

fn one_of<'a>(given: &'a [Given], names: &[Name]) -> Result<Option<&'a Given>, Failure> {
    let mut found = given
        .iter()
        .filter(|given| names.contains(&given.option.name));
    let first = found.next();
    match (first, found.next()) {
        (Some(first), Some(second)) => Err(bad(format!(
            "{} and {} do not go together: wanted one of them",
            first.option.shown(),
            second.option.shown()
        ))),
        _ => Ok(first),
    }
}

fn value_of(given: &[Given], name: Name) -> Option<&str> {
    let found = given.iter().find(|given| given.option.name == name);
    found.map(|given| given.value.as_str())
}

fn has(given: &[Given], name: Name) -> bool {
    value_of(given, name).is_some()
}

fn no_source(given: &Given) -> Failure {
    let shown = given.option.shown();
    bad(format!(
        "{shown} needs a package: wanted /FILE path or /DTS path"
    ))
}

/// Values may hold passwords, so they are not shown.
fn wrong_value(given: &Given) -> Failure {
    use crate::dtutil::options::Takes;
    let shown = given.option.shown();
    let wanted = match given.option.takes {
        Takes::Value(what) | Takes::Perhaps(what) => what,
        Takes::Nothing => "",
    };
    bad(format!(
        "the value of {shown} is none: wanted {shown} {wanted}"
    ))
}
