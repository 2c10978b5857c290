//! The objects of a package as elements, as the designer of format 8 writes them.

use super::tag::Tag;
use crate::{
    Error, FlatFileColumn, FlatFileColumnType, Parameter, PrecedenceConstraint, Variable,
    class::resolve_task, document::encode_hex_escapes,
};

/// The locale that is written where nothing else is said: English (United States).
const LOCALE: &str = "1033";

pub(super) fn package(name: &str, id: &str, version: &str) -> Tag {
    Tag::new("DTS:Executable")
        .attribute("xmlns:DTS", "www.microsoft.com/SqlServer/Dts")
        .attribute("DTS:refId", "Package")
        .attribute("DTS:CreationName", "Microsoft.Package")
        .attribute("DTS:DTSID", id)
        .attribute("DTS:ExecutableType", "Microsoft.Package")
        .attribute("DTS:LastModifiedProductVersion", "16.0.5685.0")
        .attribute("DTS:LocaleID", LOCALE)
        .attribute("DTS:ObjectName", name)
        .attribute("DTS:PackageType", "5")
        .attribute("DTS:ProtectionLevel", "0")
        .attribute("DTS:VersionBuild", "1")
        .attribute("DTS:VersionGUID", version)
        .child(
            Tag::new("DTS:Property")
                .attribute("DTS:Name", "PackageFormatVersion")
                .text("8"),
        )
        .child(Tag::new("DTS:Variables"))
        .child(Tag::new("DTS:Executables"))
}

/// The elements that hold the settings of connection managers that have an element of their own.
const PAYLOADS: [(&str, &str); 4] = [
    ("SMTP", "SmtpConnectionManager"),
    ("WMI", "WmiConnectionManager"),
    ("MSMQ", "MsmqConnectionManager"),
    ("SMOServer", "SMOServerConnectionManager"),
];

pub(super) fn connection_manager(ref_id: &str, creation_name: &str, name: &str, id: &str) -> Tag {
    let own = PAYLOADS
        .iter()
        .find(|(class, _)| class.eq_ignore_ascii_case(creation_name));
    let kind = creation_name.to_ascii_uppercase();
    let payload = match (own, kind.as_str()) {
        (Some((_, element)), _) => Tag::new(element),
        (None, "FLATFILE") => Tag::new("DTS:ConnectionManager")
            .attribute("DTS:Format", "Delimited")
            .attribute("DTS:LocaleID", LOCALE)
            .attribute("DTS:HeaderRowDelimiter", "_x000D__x000A_")
            .attribute("DTS:ColumnNamesInFirstDataRow", "True")
            .attribute("DTS:RowDelimiter", "")
            .attribute("DTS:TextQualifier", "_x003C_none_x003E_")
            .attribute("DTS:CodePage", "1252")
            .attribute("DTS:ConnectionString", ""),
        (None, "HTTP") => Tag::new("DTS:ConnectionManager").child(Tag::new("DTS:HttpConnection")),
        (None, "FTP") => Tag::new("DTS:ConnectionManager").child(Tag::new("DTS:FtpConnection")),
        (None, _) => Tag::new("DTS:ConnectionManager").attribute("DTS:ConnectionString", ""),
    };
    Tag::new("DTS:ConnectionManager")
        .attribute("DTS:refId", ref_id)
        .attribute("DTS:CreationName", creation_name)
        .attribute("DTS:DTSID", id)
        .attribute("DTS:ObjectName", name)
        .child(Tag::new("DTS:ObjectData").child(payload))
}

pub(super) fn flat_file_column(column: &FlatFileColumn, id: &str) -> Tag {
    let kind = match column.column_type {
        FlatFileColumnType::Delimited => "Delimited",
        FlatFileColumnType::FixedWidth => "FixedWidth",
        FlatFileColumnType::RaggedRight => "RaggedRight",
    };
    let shape = column.data_type.shape();
    let maximum = match column.maximum_width {
        0 => shape.length,
        width => width,
    };
    Tag::new("DTS:FlatFileColumn")
        .attribute("DTS:ColumnType", kind)
        .unless(
            "",
            "DTS:ColumnDelimiter",
            encode_hex_escapes(&column.delimiter),
        )
        .unless("0", "DTS:ColumnWidth", column.width.to_string())
        .unless("0", "DTS:MaximumWidth", maximum.to_string())
        .attribute("DTS:DataType", column.data_type.code().to_string())
        .unless("0", "DTS:DataPrecision", shape.precision.to_string())
        .unless("0", "DTS:DataScale", shape.scale.to_string())
        .unless("False", "DTS:TextQualified", boolean(column.text_qualified))
        .attribute("DTS:ObjectName", &column.name)
        .attribute("DTS:DTSID", id)
        .attribute("DTS:CreationName", "")
}

pub(super) fn variable(variable: &Variable, id: &str) -> Tag {
    let value = Tag::new("DTS:VariableValue")
        .attribute("DTS:DataType", variable.data_type.to_string())
        .text(&variable.value);
    let evaluated = variable.evaluate_as_expression;
    let tag = Tag::new("DTS:Variable")
        .attribute("DTS:CreationName", "")
        .attribute("DTS:DTSID", id)
        .unless("False", "DTS:EvaluateAsExpression", boolean(evaluated));
    let tag = match &variable.expression {
        Some(expression) => tag.attribute("DTS:Expression", expression),
        None => tag,
    };
    tag.attribute("DTS:IncludeInDebugDump", "2345")
        .attribute("DTS:Namespace", &variable.namespace)
        .attribute("DTS:ObjectName", &variable.name)
        .unless(
            "False",
            "DTS:RaiseChangedEvent",
            boolean(variable.raise_changed_event),
        )
        .unless("False", "DTS:ReadOnly", boolean(variable.read_only))
        .child(value)
}

pub(super) fn parameter(parameter: &Parameter, id: &str) -> Tag {
    let kind = parameter.data_type.to_string();
    let value = Tag::new("DTS:Property")
        .attribute("DTS:DataType", &kind)
        .attribute("DTS:Name", "ParameterValue")
        .text(&parameter.value);
    Tag::new("DTS:PackageParameter")
        .attribute("DTS:CreationName", "")
        .attribute("DTS:DataType", kind)
        .attribute("DTS:DTSID", id)
        .attribute("DTS:ObjectName", &parameter.name)
        .unless("False", "DTS:Required", boolean(parameter.required))
        .unless("False", "DTS:Sensitive", boolean(parameter.sensitive))
        .child(value)
}

const TASKS_NAMESPACE: &str = "www.microsoft.com/sqlserver/dts/tasks/";

/// The element that holds the settings of a task.
fn payload(class: &str) -> Option<Tag> {
    let own_namespace = |prefix: &str, name: &str| {
        let namespace = format!("{TASKS_NAMESPACE}{}", prefix.to_ascii_lowercase());
        Tag::new(&format!("{prefix}:{name}")).attribute(&format!("xmlns:{prefix}"), namespace)
    };
    Some(match class {
        "Microsoft.Pipeline" => Tag::new("pipeline").attribute("version", "1"),
        "Microsoft.ExecuteSQLTask" => own_namespace("SQLTask", "SqlTaskData"),
        "Microsoft.BulkInsertTask" => own_namespace("BulkInsertTask", "BulkInsertTaskData"),
        "Microsoft.SendMailTask" => own_namespace("SendMailTask", "SendMailTaskData"),
        "Microsoft.ExpressionTask" => Tag::new("ExpressionTask").attribute("Expression", ""),
        "Microsoft.FileSystemTask" => Tag::new("FileSystemData"),
        "Microsoft.ExecuteProcess" => Tag::new("ExecuteProcessData"),
        "Microsoft.ExecutePackageTask" => Tag::new("ExecutePackageTask"),
        "Microsoft.FtpTask" => Tag::new("FtpData"),
        "Microsoft.XMLTask" => Tag::new("XMLTaskData"),
        _ => return None,
    })
}

/// Classes whose settings this crate knows how to write: containers and tasks.
pub(super) fn executable(path: &str, class: &str, name: &str, id: &str) -> Result<Tag, Error> {
    let canonical = resolve_task(class).unwrap_or_default();
    let tag = Tag::new("DTS:Executable")
        .attribute("DTS:refId", path)
        .attribute("DTS:CreationName", canonical)
        .attribute("DTS:DTSID", id)
        .attribute("DTS:ExecutableType", canonical)
        .attribute("DTS:LocaleID", "-1")
        .attribute("DTS:ObjectName", name)
        .child(Tag::new("DTS:Variables"));
    match (canonical, payload(canonical)) {
        ("STOCK:SEQUENCE" | "STOCK:FORLOOP" | "STOCK:FOREACHLOOP", _) => {
            Ok(tag.child(Tag::new("DTS:Executables")))
        }
        (_, Some(payload)) => Ok(tag.child(Tag::new("DTS:ObjectData").child(payload))),
        (_, None) => Err(Error::Edit {
            what: format!("task `{name}`"),
            detail: format!(
                "tasks of class `{class}` cannot be made here; a package that has one may be read and changed"
            ),
        }),
    }
}

pub(super) fn constraint(ref_id: &str, constraint: &PrecedenceConstraint, id: &str) -> Tag {
    use crate::{ConstraintValue, EvalOp};
    let eval_op = match constraint.eval_op {
        EvalOp::Expression => "1",
        EvalOp::Constraint => "2",
        EvalOp::ExpressionAndConstraint => "3",
        EvalOp::ExpressionOrConstraint => "4",
    };
    let value = match constraint.value {
        ConstraintValue::Success => "0",
        ConstraintValue::Failure => "1",
        ConstraintValue::Completion => "2",
        ConstraintValue::Canceled => "3",
    };
    let tag = Tag::new("DTS:PrecedenceConstraint")
        .attribute("DTS:refId", ref_id)
        .attribute("DTS:CreationName", "")
        .attribute("DTS:DTSID", id)
        .unless("2", "DTS:EvalOp", eval_op);
    let tag = match &constraint.expression {
        Some(expression) => tag.attribute("DTS:Expression", expression),
        None => tag,
    };
    tag.attribute("DTS:From", &constraint.from)
        .attribute("DTS:LogicalAnd", boolean(constraint.logical_and))
        .attribute("DTS:ObjectName", &constraint.name)
        .attribute("DTS:To", &constraint.to)
        .unless("0", "DTS:Value", value)
}

pub(super) fn event_handler(path: &str, event: &str, id: &str) -> Tag {
    Tag::new("DTS:EventHandler")
        .attribute("DTS:refId", path)
        .attribute("DTS:CreationName", event)
        .attribute("DTS:DTSID", id)
        .attribute("DTS:EventID", "0")
        .attribute("DTS:EventName", event)
        .attribute("DTS:LocaleID", "-1")
        .child(Tag::new("DTS:Variables"))
        .child(Tag::new("DTS:Executables"))
}

pub(super) fn property_expression(property: &str, expression: &str) -> Tag {
    Tag::new("DTS:PropertyExpression")
        .attribute("DTS:Name", property)
        .text(expression)
}

pub(super) fn boolean(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}
