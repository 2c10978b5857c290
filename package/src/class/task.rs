//! Tasks and containers (spec `dtsx-format.md` section 3, `ssis-matrix.md` sections 8 and 9).

use crate::class::{class_name, is_guid, is_microsoft_type, same_guid, without_version};

/// Canonical name, other ids (GUIDs, ProgID stems), class names of managed types.
type Task = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

#[rustfmt::skip]
static TASKS: &[Task] = &[
    ("Microsoft.Package", &["MSDTS.Package", "SSIS.Package"], &[]),
    ("STOCK:SEQUENCE", &[], &[]),
    ("STOCK:FORLOOP", &[], &[]),
    ("STOCK:FOREACHLOOP", &[], &[]),
    ("Microsoft.Pipeline", &["DTS.Pipeline", "SSIS.Pipeline", "{5918251B-2970-45A4-AB5F-01C3C588FE5A}", "{E3CFBEA8-1F48-40D8-91E1-2DEDC1EDDD56}"], &[]),
    ("Microsoft.ExecutePackageTask", &["SSIS.ExecutePackageTask"], &["ExecutePackageTask"]),
    ("Microsoft.ExecuteSQLTask", &[], &["ExecuteSQLTask"]),
    ("Microsoft.ScriptTask", &[], &["ScriptTask"]),
    ("Microsoft.ExecuteProcess", &[], &["ExecuteProcess"]),
    ("Microsoft.FileSystemTask", &[], &["FileSystemTask"]),
    ("Microsoft.ExpressionTask", &[], &["ExpressionTask"]),
    ("Microsoft.SendMailTask", &[], &["SendMailTask"]),
    ("Microsoft.FtpTask", &[], &["FtpTask"]),
    ("Microsoft.BulkInsertTask", &[], &["BulkInsertTask"]),
    ("Microsoft.XMLTask", &[], &["XMLTask"]),
    ("Microsoft.WebServiceTask", &[], &["WebServiceTask"]),
    ("Microsoft.MessageQueueTask", &[], &["MessageQueueTask"]),
    ("Microsoft.WmiDataReaderTask", &[], &["WmiDataReaderTask"]),
    ("Microsoft.WmiEventWatcherTask", &[], &["WmiEventWatcherTask"]),
    ("Microsoft.DataProfilingTask", &[], &["DataProfilingTask"]),
    ("Microsoft.CdcControlTask", &["Attunity.CdcControlTask"], &["CdcControlTask"]),
    ("Microsoft.ASExecuteDDLTask", &[], &["ASExecuteDDLTask"]),
    ("Microsoft.DTSProcessingTask", &["Microsoft.ASProcessingTask"], &["DTSProcessingTask", "ASProcessingTask"]),
    ("Microsoft.DMQueryTask", &[], &["DMQueryTask"]),
    ("Microsoft.TransferDatabaseTask", &[], &["TransferDatabaseTask"]),
    ("Microsoft.TransferErrorMessagesTask", &[], &["TransferErrorMessagesTask"]),
    ("Microsoft.TransferJobsTask", &[], &["TransferJobsTask"]),
    ("Microsoft.TransferLoginsTask", &[], &["TransferLoginsTask"]),
    ("Microsoft.TransferStoredProceduresTask", &[], &["TransferStoredProceduresTask"]),
    ("Microsoft.TransferSqlServerObjectsTask", &[], &["TransferSqlServerObjectsTask"]),
    ("Microsoft.DbMaintenanceBackupTask", &[], &["DbMaintenanceBackupTask"]),
    ("Microsoft.DbMaintenanceCheckIntegrityTask", &[], &["DbMaintenanceCheckIntegrityTask"]),
    ("Microsoft.DbMaintenanceExecuteAgentJobTask", &[], &["DbMaintenanceExecuteAgentJobTask"]),
    ("Microsoft.DbMaintenanceTSQLExecuteTask", &[], &["DbMaintenanceTSQLExecuteTask"]),
    ("Microsoft.DbMaintenanceFileCleanupTask", &[], &["DbMaintenanceFileCleanupTask"]),
    ("Microsoft.DbMaintenanceHistoryCleanupTask", &[], &["DbMaintenanceHistoryCleanupTask"]),
    ("Microsoft.DbMaintenanceNotifyOperatorTask", &[], &["DbMaintenanceNotifyOperatorTask"]),
    ("Microsoft.DbMaintenanceReindexTask", &[], &["DbMaintenanceReindexTask"]),
    ("Microsoft.DbMaintenanceDefragmentIndexTask", &[], &["DbMaintenanceDefragmentIndexTask"]),
    ("Microsoft.DbMaintenanceShrinkTask", &[], &["DbMaintenanceShrinkTask"]),
    ("Microsoft.DbMaintenanceUpdateStatisticsTask", &[], &["DbMaintenanceUpdateStatisticsTask"]),
    ("Microsoft.ActiveXScriptTask", &[], &["ActiveXScriptTask"]),
    ("Microsoft.Exec80PackageTask", &[], &["Exec80PackageTask"]),
    // What the upgrade of a package leaves in place of a task that is gone.
    ("SSIS.ReplacementTask", &[], &[]),
];

/// All tasks and containers that are known, the package itself first: canonical names.
pub fn task_classes() -> impl Iterator<Item = &'static str> {
    TASKS.iter().map(|class| class.0)
}

/// The canonical name (`Microsoft.ExecuteSQLTask`, `STOCK:SEQUENCE`) of a task's or container's creation name: a
/// friendly name, a ProgID with or without version, a GUID, or an assembly-qualified type, matched on its class.
/// `None` for one that is not known.
pub fn resolve_task(creation_name: &str) -> Option<&'static str> {
    let wanted = creation_name.trim();
    let stem = without_version(wanted);
    let class = class_name(wanted);
    let from_microsoft = is_microsoft_type(wanted);
    let matches = |task: &&Task| {
        let (name, ids, classes) = task;
        name.eq_ignore_ascii_case(wanted)
            || ids.iter().any(|id| match is_guid(id) {
                true => same_guid(id, wanted),
                false => id.eq_ignore_ascii_case(stem),
            })
            || (from_microsoft
                && classes
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(class)))
    };
    TASKS.iter().find(matches).map(|task| task.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_task() {
        for (creation_name, canonical) in [
            ("DTS.Pipeline.1", Some("Microsoft.Pipeline")),
            ("SSIS.Pipeline.3", Some("Microsoft.Pipeline")),
            (
                "{5918251b-2970-45a4-ab5f-01c3c588fe5a}",
                Some("Microsoft.Pipeline"),
            ),
            ("MSDTS.Package.1", Some("Microsoft.Package")),
            ("STOCK:FOREACHLOOP", Some("STOCK:FOREACHLOOP")),
            (
                "Microsoft.SqlServer.Dts.Tasks.ExecuteSQLTask.ExecuteSQLTask, Microsoft.SqlServer.SQLTask, \
                 Version=9.0.242.0, Culture=neutral, PublicKeyToken=89845dcd8080cc91",
                Some("Microsoft.ExecuteSQLTask"),
            ),
            ("Contoso.Tasks.ScriptTask, Contoso", None),
            ("", None),
        ] {
            assert_eq!(resolve_task(creation_name), canonical, "{creation_name}");
        }
    }
}
