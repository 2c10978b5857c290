//! The settings that every package, container and task has (spec `ssis-matrix.md` section 8, "Common task properties").

use dtsx::Executable;
use fletching_connections::database::IsolationLevel;

use super::ExecutionResult;

/// Of one executable, its property expressions evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContainerSettings {
    pub(crate) disabled: bool,
    /// Errors at which it fails; `None` for no limit.
    pub(crate) error_count_max: Option<u32>,
    pub(crate) fail_package: bool,
    pub(crate) fail_parent: bool,
    pub(crate) forced_result: Option<ExecutionResult>,
    /// Text of the value that the execution is said to have.
    pub(crate) forced_value: Option<String>,
    /// The variable that takes the execution's value.
    pub(crate) value_variable: Option<String>,
    pub(crate) handlers_disabled: bool,
    pub(crate) transaction: TransactionOption,
    /// Of the transaction that it starts.
    pub(crate) isolation: IsolationLevel,
}

/// `TransactionOption`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransactionOption {
    NotSupported,
    Supported,
    Required,
}

impl Default for ContainerSettings {
    fn default() -> Self {
        Self {
            disabled: false,
            error_count_max: Some(1),
            fail_package: false,
            fail_parent: false,
            forced_result: None,
            forced_value: None,
            value_variable: None,
            handlers_disabled: false,
            transaction: TransactionOption::Supported,
            isolation: IsolationLevel::default(),
        }
    }
}

impl ContainerSettings {
    /// # Errors
    /// A property that has no value of its kind: name, what was found, what is wanted.
    pub(crate) fn of(executable: &Executable) -> Result<Self, String> {
        let properties = &executable.properties;
        let number = |name: &str, default: i64| match properties.get(name).map(str::trim) {
            None | Some("") => Ok(default),
            Some(found) => found
                .parse()
                .map_err(|_| format!("{name} is `{found}`: a whole number is wanted")),
        };
        let flag = |name: &str| match properties.get(name).map(str::trim) {
            None | Some("") => Ok(false),
            Some(found) => dtsx::parse_bool(found)
                .ok_or_else(|| format!("{name} is `{found}`: True or False is wanted")),
        };
        let errors = number("MaxErrorCount", 1)?;
        let errors = u32::try_from(errors).map_err(|_| {
            format!("MaximumErrorCount is {errors}: 0 (no limit) or more is wanted")
        })?;
        let variable = properties.get("ExecValueVariable").unwrap_or_default();
        let forced = flag("ForceExecValue")?.then(|| properties.get("ExecValue"));
        Ok(Self {
            disabled: flag("Disabled")?,
            error_count_max: (errors > 0).then_some(errors),
            fail_package: flag("FailPackageOnFailure")?,
            fail_parent: flag("FailParentOnFailure")?,
            forced_result: match number("ForceExecutionResult", -1)? {
                -1 => None,
                0 => Some(ExecutionResult::Success),
                1 => Some(ExecutionResult::Failure),
                // "Completion" says that it ended, whatever came of it.
                2 => Some(ExecutionResult::Success),
                3 => Some(ExecutionResult::Canceled),
                other => {
                    return Err(format!(
                        "ForceExecutionResult is {other}: -1 to 3 is wanted"
                    ));
                }
            },
            forced_value: forced.map(|value| value.unwrap_or_default().to_owned()),
            value_variable: Some(variable)
                .filter(|name| !matches!(*name, "" | "<none>"))
                .map(str::to_owned),
            handlers_disabled: flag("DisableEventHandlers")?,
            transaction: match number("TransactionOption", 1)? {
                0 => TransactionOption::NotSupported,
                1 => TransactionOption::Supported,
                2 => TransactionOption::Required,
                other => return Err(format!("TransactionOption is {other}: 0 to 2 is wanted")),
            },
            isolation: {
                let level = number("ISOLevel", 1_048_576)?;
                IsolationLevel::of_number(level).ok_or_else(|| {
                    format!(
                        "IsolationLevel is {level}: -1 (Unspecified), 256 (ReadUncommitted), 4096 (ReadCommitted), 65536 \
                         (RepeatableRead), 1048576 (Serializable) or 16777216 (Snapshot) is wanted"
                    )
                })?
            },
        })
    }
}
