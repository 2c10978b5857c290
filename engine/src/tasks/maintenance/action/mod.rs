//! What a maintenance task does, and the T-SQL for it: what the designer shows as "View T-SQL".
//!
//! ```text
//!  attributes ──Action::read──▶ Action ──batches──▶ T-SQL, a batch each   (cases in statements.tsv)
//! ```

use chrono::{DateTime, Local};

use super::{
    backup::Backup,
    databases::{Index, Table, Without},
    quote::{bracketed, quoted},
    reader::Reader,
};
use crate::tasks::file_cleanup::Age;

/// A task with its own options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Backup(Backup),
    CheckIntegrity {
        /// After the name, and after WITH.
        no_index: bool,
        options: Vec<String>,
    },
    Shrink {
        beyond_megabytes: u32,
        free_percent: u32,
        returns_space: bool,
    },
    Rebuild(Rebuild),
    Reorganize {
        compacts: bool,
    },
    UpdateStatistics {
        /// `, INDEX`, `, COLUMNS` or nothing.
        which: &'static str,
        scan: String,
    },
    CleanHistory {
        backups: bool,
        jobs: bool,
        plans: bool,
        older_than: Age,
    },
    StartJob {
        id: String,
    },
    Notify {
        operators: Vec<String>,
        subject: String,
        message: String,
        profile: String,
    },
}

/// Rebuild Index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rebuild {
    /// `None`: the index keeps its own.
    fill_factor: Option<u32>,
    pads: bool,
    in_tempdb: bool,
    online: bool,
    skips_what_cannot_be_online: bool,
    max_dop: Option<u32>,
}

/// What an action works through within a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    /// The server as a whole.
    Server,
    Database,
    Indexes,
    Tables,
}

impl Action {
    /// `None` for a class that is none of these.
    pub(super) fn read(class: &str, reader: &Reader<'_>) -> Option<Self> {
        let name = class.strip_prefix("Microsoft.DbMaintenance")?;
        Some(match name {
            "BackupTask" => Self::Backup(Backup::read(reader)),
            "CheckIntegrityTask" => check_integrity(reader),
            "ShrinkTask" => Self::Shrink {
                beyond_megabytes: reader.number("DatabaseSizeLimit", 50),
                free_percent: reader.number("DatabasePercentLimit", 10),
                returns_space: reader.flag("DatabaseReturnFreeSpace", true),
            },
            "ReindexTask" => Self::Rebuild(Rebuild::read(reader)),
            "DefragmentIndexTask" => Self::Reorganize {
                compacts: reader.flag("CompactLargeObjects", true),
            },
            "UpdateStatisticsTask" => update_statistics(reader),
            "HistoryCleanupTask" => clean_history(reader),
            "ExecuteAgentJobTask" => {
                let id = reader.text("AgentJobID").trim_matches(['{', '}']);
                if id.is_empty() {
                    reader.invalid("AgentJobID is empty: the job to start is wanted");
                }
                Self::StartJob { id: id.to_owned() }
            }
            "NotifyOperatorTask" => notify(reader),
            _ => return None,
        })
    }

    pub(super) fn within(&self) -> Within {
        match self {
            Self::CleanHistory { .. } | Self::StartJob { .. } | Self::Notify { .. } => {
                Within::Server
            }
            Self::Backup(_) | Self::CheckIntegrity { .. } | Self::Shrink { .. } => Within::Database,
            Self::Rebuild(_) | Self::Reorganize { .. } => Within::Indexes,
            Self::UpdateStatistics { .. } => Within::Tables,
        }
    }

    /// Whether the database is the one that statements are sent in.
    pub(super) fn uses_database(&self) -> bool {
        !matches!(self.within(), Within::Server) && !matches!(self, Self::Backup(_))
    }

    /// Databases that it is not for.
    pub(super) fn without(&self) -> Without {
        match self {
            Self::Backup(backup) => backup.without(),
            _ => Without::Nothing,
        }
    }

    /// T-SQL for the server.
    pub(super) fn of_server(&self, now: DateTime<Local>) -> Result<Vec<String>, String> {
        match self {
            Self::CleanHistory {
                backups,
                jobs,
                plans,
                older_than,
            } => {
                let before = older_than
                    .before(now)
                    .ok_or("there is no moment as long ago as RemoveOlderThan says")?;
                let before = DateTime::<Local>::from(before).format("%Y-%m-%dT%H:%M:%S");
                let mut batches = Vec::new();
                batches.extend(backups.then(|| {
                    format!(
                        "declare @dt datetime select @dt = cast(N'{before}' as datetime) exec msdb.dbo.sp_delete_backuphistory \
                         @dt"
                    )
                }));
                batches.extend(jobs.then(|| {
                    format!("EXEC msdb.dbo.sp_purge_jobhistory  @oldest_date='{before}'")
                }));
                batches.extend(plans.then(|| {
                    format!("EXECUTE msdb..sp_maintplan_delete_log null,null,'{before}'")
                }));
                Ok(batches)
            }
            Self::StartJob { id } => {
                let id = quoted(id);
                Ok(vec![format!("EXEC msdb.dbo.sp_start_job @job_id={id}")])
            }
            Self::Notify {
                operators,
                subject,
                message,
                profile,
            } => {
                let profile = match profile.as_str() {
                    "" => String::new(),
                    profile => format!("@profile_name={},", quoted(profile)),
                };
                let (subject, message) = (quoted(subject), quoted(message));
                let each = operators.iter().map(|name| {
                    let name = quoted(name);
                    format!(
                        "EXECUTE msdb.dbo.sp_notify_operator {profile}@name={name},@subject={subject},@body={message}"
                    )
                });
                Ok(each.collect())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// T-SQL for a database as a whole.
    pub(super) fn of_database(&self, database: &str, now: DateTime<Local>) -> Vec<String> {
        let name = quoted(database);
        match self {
            Self::Backup(backup) => backup.batches(database, now),
            Self::CheckIntegrity { no_index, options } => {
                let no_index = if *no_index { ", NOINDEX" } else { "" };
                let options = options.join(", ");
                vec![format!("DBCC CHECKDB({name}{no_index})  WITH {options}")]
            }
            Self::Shrink {
                beyond_megabytes,
                free_percent,
                returns_space,
            } => {
                let space = match returns_space {
                    true => "TRUNCATEONLY",
                    false => "NOTRUNCATE",
                };
                vec![format!(
                    "IF (SELECT SUM(CONVERT(bigint, size)) / 128 FROM sys.database_files) > {beyond_megabytes}\n\
                     DBCC SHRINKDATABASE({name}, {free_percent}, {space})"
                )]
            }
            _ => Vec::new(),
        }
    }

    /// T-SQL for an index; `None` for one that is left out.
    pub(super) fn of_index(&self, index: &Index) -> Option<String> {
        let name = bracketed(&index.name);
        let table = table_name(&index.table);
        match self {
            Self::Rebuild(rebuild) => {
                let options = rebuild.options(index)?;
                let partition = if index.is_of_rows {
                    " PARTITION = ALL"
                } else {
                    ""
                };
                let with = match options.is_empty() {
                    true => String::new(),
                    false => format!(" WITH ({})", options.join(", ")),
                };
                Some(format!(
                    "ALTER INDEX {name} ON {table} REBUILD{partition}{with}"
                ))
            }
            Self::Reorganize { compacts } => {
                let compaction = on_off(*compacts);
                Some(format!(
                    "ALTER INDEX {name} ON {table} REORGANIZE  WITH ( LOB_COMPACTION = {compaction} )"
                ))
            }
            _ => None,
        }
    }

    /// T-SQL for a table.
    pub(super) fn of_table(&self, table: &Table) -> Option<String> {
        match self {
            Self::UpdateStatistics { which, scan } => {
                let table = table_name(table);
                Some(match (scan.as_str(), *which) {
                    ("", "") => format!("UPDATE STATISTICS {table}"),
                    ("", which) => format!("UPDATE STATISTICS {table} WITH {which}"),
                    (scan, "") => format!("UPDATE STATISTICS {table} WITH {scan}"),
                    (scan, which) => format!("UPDATE STATISTICS {table} WITH {scan}, {which}"),
                })
            }
            _ => None,
        }
    }
}

fn table_name(table: &Table) -> String {
    format!("{}.{}", bracketed(&table.schema), bracketed(&table.name))
}

fn on_off(on: bool) -> &'static str {
    if on { "ON" } else { "OFF" }
}

fn max_dop(reader: &Reader<'_>) -> Option<u32> {
    let number = reader.number("MaximumDegreeOfParallelism", 0);
    let used = reader.flag("MaximumDegreeOfParallelismUsed", false);
    used.then_some(number)
}

fn check_integrity(reader: &Reader<'_>) -> Action {
    let mut options = vec!["NO_INFOMSGS".to_owned()];
    for (name, option) in [("PhysicalOnly", "PHYSICAL_ONLY"), ("TabLock", "TABLOCK")] {
        options.extend(reader.flag(name, false).then(|| option.to_owned()));
    }
    options.extend(max_dop(reader).map(|number| format!("MAXDOP = {number}")));
    Action::CheckIntegrity {
        no_index: !reader.flag("IncludeIndexes", true),
        options,
    }
}

fn update_statistics(reader: &Reader<'_>) -> Action {
    let which = [("0", "INDEX"), ("1", "COLUMNS"), ("2", "")];
    let value = reader.number("UpdateSampleValue", 0);
    let scan = match reader.text("UpdateScanType") {
        "1" => format!("SAMPLE {value} PERCENT"),
        "2" => format!("SAMPLE {value} ROWS"),
        "3" => "FULLSCAN".to_owned(),
        "4" => "RESAMPLE".to_owned(),
        "" | "5" => String::new(),
        other => {
            reader.unsupported(format!(
                "UpdateScanType is `{other}`: percent (1), rows (2), full scan (3), resample (4) and default (5) are supported"
            ));
            String::new()
        }
    };
    Action::UpdateStatistics {
        which: reader.member("UpdateStatisticsType", &which, ""),
        scan,
    }
}

fn clean_history(reader: &Reader<'_>) -> Action {
    let (number, unit) = (reader.text("RemoveOlderThan"), reader.text("TimeUnitsType"));
    let older_than = Age::parse(number, unit).unwrap_or_else(|| {
        reader.unsupported(format!(
            "RemoveOlderThan `{number}` in the unit `{unit}` (TimeUnitsType) is not supported: days (0), weeks (1), months \
             (2), years (3) and hours (5) are"
        ));
        Age::Days(0)
    });
    Action::CleanHistory {
        backups: reader.flag("RemoveBackupRestoreHistory", true),
        jobs: reader.flag("RemoveAgentHistory", true),
        plans: reader.flag("RemoveDbMaintHistory", true),
        older_than,
    }
}

fn notify(reader: &Reader<'_>) -> Action {
    // Written with either element, as versions go.
    let mut operators = reader.list("OperatorNotify", "OperatorNotify");
    operators.extend(reader.list("OperatorNotifyList", "OperatorNotify"));
    if operators.is_empty() {
        reader.invalid("nobody is to be notified: an operator is wanted (OperatorNotify)");
    }
    let text = |name| reader.text(name).to_owned();
    Action::Notify {
        operators,
        subject: text("Subject"),
        message: text("Message"),
        profile: text("Profile"),
    }
}

impl Rebuild {
    fn read(reader: &Reader<'_>) -> Self {
        let free = reader.text("Percentage").to_owned();
        let keeps = reader.flag("UseOriginalAmount", true);
        let fill_factor = match (keeps, free.parse::<u32>()) {
            (true, _) => None,
            (false, Ok(free)) if free < 100 => Some(100 - free),
            (false, _) => {
                reader.invalid(format!(
                    "Percentage is `{free}`: the percentage of free space to leave on each page is wanted, 0 to 99"
                ));
                None
            }
        };
        Self {
            fill_factor,
            pads: reader.flag("PadIndex", false),
            in_tempdb: reader.flag("Sort", false),
            online: reader.flag("KeepOnline", false),
            skips_what_cannot_be_online: reader.flag("SkipUnsupported", false),
            max_dop: max_dop(reader),
        }
    }

    /// `None` for an index that is not to be rebuilt.
    fn options(&self, index: &Index) -> Option<Vec<String>> {
        if self.online && self.skips_what_cannot_be_online && !index.is_of_rows {
            return None;
        }
        let max_dop = self.max_dop.map(|number| format!("MAXDOP = {number}"));
        if !index.is_of_rows {
            return Some(max_dop.into_iter().collect());
        }
        let fill = self.fill_factor.filter(|fill| *fill > 0);
        let mut options: Vec<String> = fill
            .map(|fill| format!("FILLFACTOR = {fill}"))
            .into_iter()
            .collect();
        for (name, on) in [
            ("PAD_INDEX", self.pads || index.is_padded),
            ("STATISTICS_NORECOMPUTE", index.no_recompute),
            ("SORT_IN_TEMPDB", self.in_tempdb),
            ("IGNORE_DUP_KEY", index.ignores_duplicates),
            ("ONLINE", self.online),
            ("ALLOW_ROW_LOCKS", index.row_locks),
            ("ALLOW_PAGE_LOCKS", index.page_locks),
        ] {
            options.push(format!("{name} = {}", on_off(on)));
        }
        options.extend(max_dop);
        Some(options)
    }
}

#[cfg(test)]
mod tests;
