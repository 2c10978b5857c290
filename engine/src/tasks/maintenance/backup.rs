//! Back Up Database: `BACKUP DATABASE` and `BACKUP LOG`, to files that the server writes.

use chrono::{DateTime, Local, Timelike};

use super::{
    databases::Without,
    quote::{bracketed, quoted},
    reader::Reader,
};

/// What is backed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Full,
    Differential,
    Log,
}

/// Where to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Destination {
    /// A file for each database, named by it and the time; an empty folder is the server's own.
    Folder {
        folder: String,
        folder_each: bool,
        extension: String,
    },
    /// These files, one part of the backup each.
    Files(Vec<String>),
}

/// The settings of the task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Backup {
    kind: Kind,
    destination: Destination,
    /// Options before the media's, and after the name.
    first: Vec<String>,
    last: Vec<&'static str>,
    overwrites: bool,
    verifies: bool,
    /// Only where the availability group prefers this replica.
    asks_for_replica: bool,
}

impl Backup {
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        let is_log = reader.member("BackupAction", &[("0", false), ("2", true)], false);
        let kind = match (is_log, reader.flag("BackupIsIncremental", false)) {
            (true, _) => Kind::Log,
            (false, true) => Kind::Differential,
            (false, false) => Kind::Full,
        };
        // Disk.
        reader.member("BackupDeviceType", &[("2", ())], ());
        reader.text("BackupPhisycalDestinationType");
        reader.text("BackupPhysicalDestinationType");
        reader.text("BackupDestinationType");
        let mut first = expiry(reader);
        let optional = [
            ("CopyOnlyBackup", "COPY_ONLY"),
            ("Checksum", "CHECKSUM"),
            ("ContinueOnError", "CONTINUE_AFTER_ERROR"),
        ];
        let on = optional.iter().filter(|(name, _)| reader.flag(name, false));
        first.extend(on.map(|(_, option)| (*option).to_owned()));
        for (used, size, option) in [
            ("IsBlockSizeUsed", "BlockSize", "BLOCKSIZE"),
            (
                "IsMaxTransferSizeUsed",
                "MaxTransferSize",
                "MAXTRANSFERSIZE",
            ),
        ] {
            let bytes = reader.number(size, 0);
            if reader.flag(used, false) {
                first.push(format!("{option} = {bytes}"));
            }
        }
        let compression = [
            ("0", None),
            ("1", Some("COMPRESSION")),
            ("2", Some("NO_COMPRESSION")),
        ];
        let last = reader.member("BackupCompressionAction", &compression, None);
        without_encryption(reader);
        Self {
            kind,
            destination: destination(reader, is_log),
            first,
            last: last.into_iter().collect(),
            overwrites: reader.member(
                "BackupActionForExistingBackups",
                &[("0", false), ("1", true)],
                false,
            ),
            verifies: reader.flag("BackupVerifyIntegrity", false),
            asks_for_replica: !reader.flag("IgnoreReplicaType", true),
        }
    }

    /// Databases that it is not for.
    pub(super) fn without(&self) -> Without {
        match self.kind {
            Kind::Full => Without::Nothing,
            Kind::Differential => Without::Master,
            Kind::Log => Without::Simple,
        }
    }

    pub(super) fn batches(&self, database: &str, now: DateTime<Local>) -> Vec<String> {
        let ticks = now.nanosecond() % 1_000_000_000 / 100;
        let stamp = format!("{}_{ticks:07}", now.format("%Y_%m_%d_%H%M%S"));
        let name = format!("{database}_backup_{stamp}");
        let mut batches = Vec::new();
        let files = match &self.destination {
            Destination::Files(files) => files.clone(),
            Destination::Folder {
                folder,
                folder_each,
                extension,
            } => {
                let folder = match folder_each {
                    true => joined(folder, database),
                    false => folder.clone(),
                };
                if *folder_each {
                    let make = format!("EXECUTE master.dbo.xp_create_subdir {}", quoted(&folder));
                    batches.push(make);
                }
                vec![joined(&folder, &format!("{name}.{extension}"))]
            }
        };
        let disks = files.iter().map(|file| format!(" DISK = {}", quoted(file)));
        let disks = disks.collect::<Vec<_>>().join(", ");
        let mut batch = self.statement(database, &name, &disks);
        if self.verifies {
            batch.push('\n');
            batch.push_str(&verification(database, &disks));
        }
        if self.asks_for_replica {
            let database = quoted(database);
            batch = format!(
                "IF sys.fn_hadr_backup_is_preferred_replica({database}) = 1\nBEGIN\n{batch}\nEND"
            );
        }
        batches.push(batch);
        batches
    }

    fn statement(&self, database: &str, name: &str, disks: &str) -> String {
        let what = match self.kind {
            Kind::Log => "LOG",
            Kind::Full | Kind::Differential => "DATABASE",
        };
        let mut options: Vec<String> = Vec::new();
        options.extend((self.kind == Kind::Differential).then(|| "DIFFERENTIAL".to_owned()));
        options.extend(self.first.iter().cloned());
        options.push("NOFORMAT".to_owned());
        options.push(if self.overwrites { "INIT" } else { "NOINIT" }.to_owned());
        options.push(format!("NAME = {}", quoted(name)));
        options.extend(["SKIP", "REWIND", "NOUNLOAD"].map(str::to_owned));
        options.extend(self.last.iter().map(|option| (*option).to_owned()));
        options.push("STATS = 10".to_owned());
        let (database, options) = (bracketed(database), options.join(", "));
        format!("BACKUP {what} {database} TO {disks} WITH {options}")
    }
}

fn destination(reader: &Reader<'_>, is_log: bool) -> Destination {
    let files = reader.list("BackupDestinationList", "BackupDestinationLocation");
    let folder = reader.text("BackupDestinationAutoFolderPath").to_owned();
    let folder_each = reader.flag("BackupCreateSubFolder", false);
    let extension = reader.text("BackupFileExtension").trim_start_matches('.');
    if !files.is_empty() {
        return Destination::Files(files);
    }
    if folder.is_empty() && folder_each {
        reader.invalid(
            "BackupCreateSubFolder wants BackupDestinationAutoFolderPath, the folder to make it in",
        );
    }
    Destination::Folder {
        folder,
        folder_each,
        extension: match (extension, is_log) {
            ("", true) => "trn".to_owned(),
            ("", false) => "bak".to_owned(),
            (extension, _) => extension.to_owned(),
        },
    }
}

fn expiry(reader: &Reader<'_>) -> Vec<String> {
    let (days, date) = (reader.number("RetainDays", 0), reader.text("ExpireDate"));
    let in_days = reader.flag("InDays", true);
    match (reader.flag("UseExpiration", false), in_days) {
        (false, _) => Vec::new(),
        (true, true) => vec![format!("RETAINDAYS = {days}")],
        (true, false) => vec![format!("EXPIREDATE = {}", quoted(date))],
    }
}

/// Parts of a backup that are not made.
fn without_encryption(reader: &Reader<'_>) {
    for name in ["IsBackupEncrypted", "BackupTailLog"] {
        if reader.flag(name, false) {
            reader.unsupported(format!("{name} is not supported"));
        }
    }
    if !reader.text("BackupFileGroupsFiles").is_empty() {
        reader.unsupported("backups of files and filegroups are not supported");
    }
    // How a backup would be encrypted, and where in a cloud it would go.
    for name in [
        "BackupEncryptionAlgorithm",
        "BackupEncryptorName",
        "BackupEncryptorType",
        "ContainerName",
        "CredentialName",
        "UrlPrefix",
    ] {
        reader.text(name);
    }
}

/// The server's own separator: it may run on Linux.
fn joined(folder: &str, name: &str) -> String {
    let separator = if folder.starts_with('/') { '/' } else { '\\' };
    match folder.trim_end_matches(['/', '\\']) {
        "" => name.to_owned(),
        folder => format!("{folder}{separator}{name}"),
    }
}

fn verification(database: &str, disks: &str) -> String {
    let name = quoted(database);
    let message = quoted(&format!(
        "Verify failed. Backup information for database '{database}' not found."
    ));
    format!(
        "declare @backupSetId as int\n\
         select @backupSetId = position from msdb..backupset where database_name={name} and backup_set_id=(select \
         max(backup_set_id) from msdb..backupset where database_name={name} )\n\
         if @backupSetId is null begin raiserror({message}, 16, 1) end\n\
         RESTORE VERIFYONLY FROM {disks} WITH  FILE = @backupSetId,  NOUNLOAD,  NOREWIND"
    )
}
