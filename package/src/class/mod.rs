//! Class ids to canonical names: each component and each task has one name, that of format 8, whatever id, ProgID or
//! type name a package uses; log providers too. Static tables, one line a class.

mod component;
mod log_provider;
mod task;

pub(crate) use component::english_name;
pub use component::{component_classes, resolve_component};
pub use log_provider::{log_provider_classes, resolve_log_provider};
pub use task::{resolve_task, task_classes};

/// `{GUID}` in any case, with or without braces.
fn is_guid(text: &str) -> bool {
    let bare = text.trim_start_matches('{').trim_end_matches('}');
    bare.len() == 36
        && bare.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn same_guid(left: &str, right: &str) -> bool {
    let bare = |text: &str| {
        text.trim_start_matches('{')
            .trim_end_matches('}')
            .to_ascii_uppercase()
    };
    bare(left) == bare(right)
}

/// `DTSTransform.Sort` of `DTSTransform.Sort.3`.
fn without_version(prog_id: &str) -> &str {
    match prog_id.rsplit_once('.') {
        Some((stem, version))
            if !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            stem
        }
        _ => prog_id,
    }
}

/// The class of an assembly-qualified type name: `ExecuteSQLTask` of
/// `Microsoft.SqlServer.Dts.Tasks.ExecuteSQLTask.ExecuteSQLTask, Microsoft.SqlServer.SQLTask, Version=10.0.0.0, ...`.
fn class_name(type_name: &str) -> &str {
    let full = type_name
        .split_once(',')
        .map_or(type_name, |(full, _)| full)
        .trim();
    full.rsplit_once('.').map_or(full, |(_, class)| class)
}

/// Whether a CLR type is in a namespace of SQL Server: `Contoso.ScriptTask` is not the Script Task.
fn is_microsoft_type(type_name: &str) -> bool {
    let prefixes = [
        "Microsoft.SqlServer.",
        "Microsoft.DataTransformationServices.",
        "Attunity.SqlServer.",
    ];
    let start = |prefix: &str| {
        type_name
            .trim_start()
            .get(..prefix.len())
            .map(str::to_ascii_lowercase)
    };
    prefixes
        .iter()
        .any(|prefix| start(prefix).is_some_and(|start| start == prefix.to_ascii_lowercase()))
}
