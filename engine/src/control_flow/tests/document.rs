//! A graph as a package.

use std::fmt::Write;

use dtsx::Package;

use super::{Arrow, Body, Graph, Node, model::path};
use crate::ExecutionResult;

const START: &str = r#"<?xml version="1.0"?>
<DTS:Executable xmlns:DTS="www.microsoft.com/SqlServer/Dts" DTS:refId="Package" DTS:ExecutableType="Microsoft.Package"
 DTS:CreationName="Microsoft.Package" DTS:ObjectName="Package" DTS:DTSID="{00000000-0000-0000-0000-000000000001}""#;
const VARIABLES: &str = r#"<DTS:Variables>
<DTS:Variable DTS:Namespace="User" DTS:ObjectName="Zero"><DTS:VariableValue DTS:DataType="3">0</DTS:VariableValue></DTS:Variable>
<DTS:Variable DTS:Namespace="User" DTS:ObjectName="Count"><DTS:VariableValue DTS:DataType="3">0</DTS:VariableValue></DTS:Variable>
</DTS:Variables>"#;

/// `MaxConcurrentExecutables` is `most`.
pub(super) fn package(graph: &Graph, most: u32) -> Package {
    let mut text = format!(
        "{START} DTS:MaxConcurrentExecutables=\"{most}\">\n<DTS:Property DTS:Name=\"PackageFormatVersion\">8</DTS:Property>\n{VARIABLES}"
    );
    children(graph, "Package", &mut text);
    text.push_str("</DTS:Executable>");
    Package::read(text.as_bytes()).unwrap()
}

fn children(graph: &Graph, parent: &str, text: &mut String) {
    text.push_str("<DTS:Executables>\n");
    for (place, node) in graph.nodes.iter().enumerate() {
        executable(node, &path(parent, place), text);
    }
    text.push_str("</DTS:Executables>\n<DTS:PrecedenceConstraints>\n");
    for (at, arrow) in graph.arrows.iter().enumerate() {
        constraint(arrow, parent, at, text);
    }
    text.push_str("</DTS:PrecedenceConstraints>\n");
}

fn executable(node: &Node, at: &str, text: &mut String) {
    let class = match node.body {
        Body::Task(_) => "Microsoft.ExpressionTask",
        Body::Sequence(_) => "STOCK:SEQUENCE",
        Body::Loop(..) => "STOCK:FORLOOP",
    };
    let name = at.rsplit('\\').next().unwrap();
    write!(
        text,
        "<DTS:Executable DTS:refId=\"{at}\" DTS:ObjectName=\"{name}\" DTS:CreationName=\"{class}\" \
         DTS:ExecutableType=\"{class}\" DTS:MaxErrorCount=\"{}\" DTS:FailParentOnFailure=\"{}\" DTS:Disabled=\"{}\"",
        node.most, node.fail_parent, node.disabled
    )
    .unwrap();
    let forced = match node.forced {
        None => "-1",
        Some(ExecutionResult::Success) => "0",
        Some(ExecutionResult::Failure) => "1",
        Some(ExecutionResult::Canceled) => "3",
    };
    write!(text, " DTS:ForceExecutionResult=\"{forced}\"").unwrap();
    match &node.body {
        Body::Task(fails) => {
            let expression = match fails {
                true => "@[User::Count] = 1 / @[User::Zero]",
                false => "@[User::Count] = @[User::Count] + 1",
            };
            write!(
                text,
                "><DTS:ObjectData><ExpressionTask Expression=\"{expression}\"/></DTS:ObjectData>"
            )
            .unwrap();
        }
        Body::Sequence(graph) => {
            text.push('>');
            children(graph, at, text);
        }
        Body::Loop(rounds, graph) => {
            write!(
                text,
                " DTS:InitExpression=\"@[User::Round] = 0\" DTS:EvalExpression=\"@[User::Round] &lt; {rounds}\" \
                 DTS:AssignExpression=\"@[User::Round] = @[User::Round] + 1\"><DTS:Variables><DTS:Variable \
                 DTS:Namespace=\"User\" DTS:ObjectName=\"Round\"><DTS:VariableValue \
                 DTS:DataType=\"3\">0</DTS:VariableValue></DTS:Variable></DTS:Variables>"
            )
            .unwrap();
            children(graph, at, text);
        }
    }
    text.push_str("</DTS:Executable>\n");
}

fn constraint(arrow: &Arrow, parent: &str, at: usize, text: &mut String) {
    let wanted = if arrow.holds { 0 } else { 1 };
    writeln!(
        text,
        "<DTS:PrecedenceConstraint DTS:refId=\"{parent}.PrecedenceConstraints[C{at}]\" DTS:ObjectName=\"C{at}\" \
         DTS:From=\"{}\" DTS:To=\"{}\" DTS:Value=\"{}\" DTS:EvalOp=\"{}\" DTS:LogicalAnd=\"{}\" \
         DTS:Expression=\"@[User::Zero] == {wanted}\"/>",
        path(parent, arrow.from),
        path(parent, arrow.to),
        arrow.value,
        arrow.op,
        if arrow.and { "True" } else { "False" },
    )
    .unwrap();
}
