//! The tasks, a file each, and the list of them.

mod bulk_insert;
mod cdc_control;
mod custom;
mod data_flow;
mod data_profiling;
mod execute_package;
mod execute_process;
mod execute_sql;
mod expression;
mod file_cleanup;
mod file_system;
mod ftp;
mod maintenance;
mod on_session;
mod send_mail;
mod web_method;
mod xml;

use dtsx::{Executable, ExecutableKind};
use fletching_custom::Extensions;

use crate::task::Task;

pub(crate) use data_flow::plan;
pub(crate) use execute_package::children;

/// A class of tasks.
struct TaskClass {
    /// Canonical name.
    name: &'static str,
    /// Makes one of an executable whose property expressions are evaluated; `None` if it has no settings of this kind.
    new: fn(&Executable) -> Option<Box<dyn Task>>,
    /// Its properties, and the attributes of the payload that hold them.
    properties: &'static [(&'static str, &'static str)],
}

#[rustfmt::skip]
static CLASSES: &[TaskClass] = &[
    TaskClass { name: "Microsoft.Pipeline", new: data_flow::new, properties: &[] },
    TaskClass { name: "Microsoft.ExecuteSQLTask", new: execute_sql::new, properties: &[] },
    TaskClass { name: "Microsoft.DbMaintenanceTSQLExecuteTask", new: execute_sql::new, properties: &[] },
    TaskClass { name: "Microsoft.ExpressionTask", new: expression::new, properties: &[] },
    TaskClass { name: "Microsoft.BulkInsertTask", new: bulk_insert::new, properties: bulk_insert::PROPERTIES },
    TaskClass { name: "Microsoft.CdcControlTask", new: cdc_control::new, properties: cdc_control::PROPERTIES },
    TaskClass { name: "Microsoft.ExecutePackageTask", new: execute_package::new, properties: execute_package::PROPERTIES },
    TaskClass { name: "Microsoft.FtpTask", new: ftp::new, properties: ftp::PROPERTIES },
    TaskClass { name: "Microsoft.SendMailTask", new: send_mail::new, properties: send_mail::PROPERTIES },
    TaskClass { name: "Microsoft.WebServiceTask", new: web_method::new, properties: web_method::PROPERTIES },
    TaskClass { name: "Microsoft.XMLTask", new: xml::new, properties: xml::PROPERTIES },
    TaskClass { name: "Microsoft.DataProfilingTask", new: data_profiling::new, properties: data_profiling::PROPERTIES },
    TaskClass { name: "Microsoft.ExecuteProcess", new: execute_process::new, properties: execute_process::PROPERTIES },
    TaskClass { name: "Microsoft.FileSystemTask", new: file_system::new, properties: file_system::PROPERTIES },
    TaskClass { name: "Microsoft.DbMaintenanceFileCleanupTask", new: file_cleanup::new, properties: &[] },
    TaskClass { name: "Microsoft.DbMaintenanceBackupTask", new: maintenance::new, properties: maintenance::PROPERTIES },
    TaskClass { name: "Microsoft.DbMaintenanceCheckIntegrityTask", new: maintenance::new, properties: maintenance::PROPERTIES },
    TaskClass { name: "Microsoft.DbMaintenanceDefragmentIndexTask", new: maintenance::new, properties: maintenance::PROPERTIES },
    TaskClass { name: "Microsoft.DbMaintenanceExecuteAgentJobTask", new: maintenance::new, properties: maintenance::PROPERTIES },
    TaskClass { name: "Microsoft.DbMaintenanceHistoryCleanupTask", new: maintenance::new, properties: maintenance::PROPERTIES },
    TaskClass { name: "Microsoft.DbMaintenanceNotifyOperatorTask", new: maintenance::new, properties: maintenance::PROPERTIES },
    TaskClass { name: "Microsoft.DbMaintenanceReindexTask", new: maintenance::new, properties: maintenance::PROPERTIES },
    TaskClass { name: "Microsoft.DbMaintenanceShrinkTask", new: maintenance::new, properties: maintenance::PROPERTIES },
    TaskClass { name: "Microsoft.DbMaintenanceUpdateStatisticsTask", new: maintenance::new, properties: maintenance::PROPERTIES },
];

/// Canonical names of the tasks that run.
pub fn task_names() -> impl Iterator<Item = &'static str> {
    CLASSES.iter().map(|class| class.name)
}

fn class(executable: &Executable) -> Option<&'static TaskClass> {
    let ExecutableKind::Task(Some(name)) = executable.kind else {
        return None;
    };
    CLASSES.iter().find(|class| class.name == name)
}

/// The properties of a task that an expression can set, and the attributes that hold them.
pub(crate) fn properties(executable: &Executable) -> &'static [(&'static str, &'static str)] {
    class(executable).map_or(&[], |class| class.properties)
}

/// The task of an executable, its property expressions evaluated; `None` for a class that is not supported, and for a task
/// that was never configured or whose settings are sealed. `extensions` has the classes that are not ours.
pub(crate) fn task(executable: &Executable, extensions: &Extensions) -> Option<Box<dyn Task>> {
    match class(executable) {
        Some(class) => (class.new)(executable),
        None => custom::new(executable, extensions),
    }
}
