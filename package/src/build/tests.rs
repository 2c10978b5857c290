//! Packages built object by object, and read back.

use proptest::prelude::*;

use super::*;
use crate::{
    Component, ComponentConnection, ConstraintValue, DataType, Disposition, EvalOp, ExternalColumn,
    FlatFileColumn, FlatFileColumnType, ForeachMapping, Input, InputColumn, LineageId, Output,
    OutputColumn, Parameter, Payload, Properties, Property, Variable,
};

fn variable(name: &str, value: &str) -> Variable {
    Variable {
        namespace: "User".to_owned(),
        name: name.to_owned(),
        dtsid: String::new(),
        data_type: 8,
        value: value.to_owned(),
        expression: None,
        evaluate_as_expression: false,
        read_only: false,
        sensitive: false,
        raise_changed_event: false,
    }
}

fn column(name: &str, data_type: DataType, delimiter: &str) -> FlatFileColumn {
    FlatFileColumn {
        name: name.to_owned(),
        column_type: FlatFileColumnType::Delimited,
        delimiter: delimiter.to_owned(),
        width: 0,
        maximum_width: 0,
        data_type,
        text_qualified: true,
    }
}

/// A source and a destination with one column.
fn ends(task: &str) -> (Component, Component) {
    let source = component_id(task, "Read");
    let output = output_id(&source, "Rows");
    let made = column_id(&output, "a");
    let text = DataType::Str {
        length: 5,
        code_page: 1252,
    };
    let read = Component {
        id: source.clone(),
        name: "Read".to_owned(),
        class_id: "Microsoft.FlatFileSource".to_owned(),
        version: 1,
        uses_dispositions: true,
        locale_id: Some(1033),
        properties: Properties::new(vec![Property {
            name: "RetainNulls".to_owned(),
            value: "true".to_owned(),
            data_type: "System.Boolean".to_owned(),
            ..Property::default()
        }]),
        connections: vec![ComponentConnection {
            id: connection_id(&source, "FlatFileConnection"),
            name: "FlatFileConnection".to_owned(),
            connection_manager: connection_manager_id("In"),
            ref_id: None,
        }],
        outputs: vec![Output {
            id: output.clone(),
            name: "Rows".to_owned(),
            columns: vec![OutputColumn {
                id: made.clone(),
                name: "a".to_owned(),
                lineage_id: LineageId(made.clone()),
                data_type: text,
                sort_key_position: 0,
                comparison_flags: 0,
                special_flags: 0,
                external_column_id: Some(external_column_id(&output, "a")),
                error_row_disposition: Disposition::FailComponent,
                truncation_row_disposition: Disposition::RedirectRow,
                properties: Properties::default(),
            }],
            external_columns: vec![ExternalColumn {
                id: external_column_id(&output, "a"),
                name: "a".to_owned(),
                data_type: text,
                properties: Properties::default(),
            }],
            ..Output::default()
        }],
        ..Component::default()
    };
    let destination = component_id(task, "Write");
    let input = input_id(&destination, "Input");
    let write = Component {
        id: destination,
        name: "Write".to_owned(),
        class_id: "Microsoft.RecordsetDestination".to_owned(),
        inputs: vec![Input {
            id: input,
            name: "Input".to_owned(),
            has_side_effects: true,
            ..Input::default()
        }],
        ..Component::default()
    };
    (read, write)
}

#[test]
fn object_by_object() {
    let mut package = Package::create("Load").unwrap();
    package.add_connection_manager("FLATFILE", "In").unwrap();
    let text = DataType::Str {
        length: 5,
        code_page: 1252,
    };
    let first = column("a", text, ";");
    package.add_flat_file_column("In", &first).unwrap();
    let last = column(
        "b",
        DataType::Numeric {
            precision: 9,
            scale: 2,
        },
        "\r\n",
    );
    package.add_flat_file_column("In", &last).unwrap();
    package
        .set_connection_property("In", "ConnectionString", r"C:\in & out\a.csv")
        .unwrap();
    package
        .add_variable("Package", &variable("File", "a \"b\" <c>\n"))
        .unwrap();
    let parameter = Parameter {
        name: "Year".to_owned(),
        dtsid: String::new(),
        data_type: 3,
        value: "2026".to_owned(),
        required: true,
        sensitive: false,
    };
    package.add_parameter(&parameter).unwrap();
    let each = package
        .add_executable(r"\Package", "STOCK:FOREACHLOOP", "Each")
        .unwrap();
    package
        .set_enumerator(
            &each,
            "Microsoft.ForEachFileEnumerator",
            r#"<ForEachFileEnumeratorProperties><FEFEProperty Folder="C:\in"/></ForEachFileEnumeratorProperties>"#,
            &[ForeachMapping {
                variable: "User::File".to_owned(),
                value_index: 0,
            }],
        )
        .unwrap();
    let flow = package
        .add_executable(&each, "Microsoft.Pipeline", "Flow")
        .unwrap();
    let (read, write) = ends(&flow);
    let (output, input) = (read.outputs[0].id.clone(), write.inputs[0].id.clone());
    package.add_component(&flow, &read).unwrap();
    package.add_component(&flow, &write).unwrap();
    package.add_path(&flow, &output, &input).unwrap();
    let arriving = package.data_flow(&flow).unwrap().arriving(&input);
    let used = InputColumn {
        id: column_id(&input, "a"),
        name: "a".to_owned(),
        lineage_id: arriving[0].lineage_id.clone(),
        ..InputColumn::default()
    };
    package.add_input_column(&flow, &input, &used).unwrap();
    let sql = package
        .add_executable("Package", "Microsoft.ExecuteSQLTask", "Count")
        .unwrap();
    package
        .set_executable_property(
            &sql,
            PropertyOf::Payload,
            "SqlStatementSource",
            "SELECT 1 -- \"x\"",
        )
        .unwrap();
    package
        .set_executable_property(&sql, PropertyOf::Object, "Disabled", "True")
        .unwrap();
    package
        .add_sql_binding(
            &sql,
            "ResultBinding",
            &[("ResultName", "0"), ("DtsVariableName", "User::File")],
        )
        .unwrap();
    let constraint = NewConstraint {
        value: ConstraintValue::Completion,
        eval_op: EvalOp::ExpressionAndConstraint,
        expression: Some("@[User::File] != \"\"".to_owned()),
        ..NewConstraint::default()
    };
    package
        .add_precedence_constraint(&each, &sql, &constraint)
        .unwrap();
    let handler = package.add_event_handler("Package", "OnError").unwrap();
    package
        .add_executable(&handler, "Microsoft.ExpressionTask", "Note")
        .unwrap();
    package
        .set_property_expression("In", "ConnectionString", Some("@[User::File]"))
        .unwrap();

    let again = Package::read(&package.write()).unwrap();
    assert_eq!(
        format!("{:?}", again.root()),
        format!("{:?}", package.root())
    );
    let manager = &again.connection_managers()[0];
    assert_eq!(manager.flat_file_columns[1].delimiter, "\r\n");
    assert_eq!(manager.flat_file_columns[1].data_type, last.data_type);
    assert_eq!(manager.flat_file_columns[0].maximum_width, 5);
    assert_eq!(
        manager.properties.get("ConnectionString"),
        Some(r"C:\in & out\a.csv")
    );
    assert_eq!(manager.property_expressions[0].expression, "@[User::File]");
    assert_eq!(again.root().variables[0].value, "a \"b\" <c>\n");
    assert_eq!(again.parameters()[0].value, "2026");
    let loops = again.executable(&each).unwrap();
    let foreach = loops.foreach.as_ref().unwrap();
    assert_eq!(foreach.properties.get("Folder"), Some(r"C:\in"));
    assert_eq!(foreach.mappings[0].variable, "User::File");
    let read_back = again.data_flow(&flow).unwrap();
    assert_eq!(
        read_back.components[0].class,
        Some("Microsoft.FlatFileSource")
    );
    assert_eq!(
        read_back.components[0].outputs[0].columns[0].data_type,
        text
    );
    assert_eq!(
        read_back.components[1].inputs[0].columns[0].lineage_id,
        used.lineage_id
    );
    assert_eq!(read_back.paths[0].end_id, input);
    let task = again.executable(&sql).unwrap();
    assert!(task.disabled);
    let Payload::ExecuteSql(settings) = &task.payload else {
        panic!("no Execute SQL task");
    };
    assert_eq!(settings.statement, "SELECT 1 -- \"x\"");
    assert_eq!(again.root().precedence_constraints[0].to, sql);
    assert_eq!(
        again.root().event_handlers[0].container.executables[0].name,
        "Note"
    );

    package.remove_component(&flow, "Write").unwrap();
    assert!(package.data_flow(&flow).unwrap().paths.is_empty());
    package.remove_executable(&sql).unwrap();
    assert!(package.root().precedence_constraints.is_empty());
    package
        .set_property_expression("In", "ConnectionString", None)
        .unwrap();
    assert!(
        package.connection_managers()[0]
            .property_expressions
            .is_empty()
    );
}

#[test]
fn what_cannot_be_made() {
    let mut package = Package::create("Load").unwrap();
    let said = |result: Result<String, Error>| result.unwrap_err().to_string();
    let task = |package: &mut Package, class: &str, name: &str| {
        package.add_executable("Package", class, name)
    };
    assert!(
        said(task(&mut package, "Microsoft.Pipeline", "a.b")).contains("none of the characters")
    );
    assert!(said(task(&mut package, "Microsoft.ScriptTask", "a")).contains("cannot be made here"));
    let one = task(&mut package, "Microsoft.Pipeline", "a").unwrap();
    assert!(said(task(&mut package, "Microsoft.Pipeline", "A")).contains("already"));
    assert!(
        said(package.add_executable(&one, "Microsoft.Pipeline", "b")).contains("holds no tasks")
    );
    assert!(
        said(package.add_executable("Package\\x", "STOCK:SEQUENCE", "b"))
            .contains("none of that name")
    );
    let twice = package.add_precedence_constraint(&one, &one, &NewConstraint::default());
    assert!(twice.unwrap_err().to_string().contains("two executables"));
    assert!(Package::create("").is_err());
}

/// The form of formats 2 and 3.
#[test]
fn property_elements_stay_property_elements() {
    let text = r#"<DTS:Executable xmlns:DTS="www.microsoft.com/SqlServer/Dts"><DTS:Property DTS:Name="PackageFormatVersion">3</DTS:Property><DTS:ConnectionManager><DTS:Property DTS:Name="ObjectName">In</DTS:Property><DTS:ObjectData><DTS:ConnectionManager><DTS:Property DTS:Name="ConnectionString">a.csv</DTS:Property></DTS:ConnectionManager></DTS:ObjectData></DTS:ConnectionManager><DTS:Property DTS:Name="ObjectName">P</DTS:Property></DTS:Executable>"#;
    let mut package = Package::read(text.as_bytes()).unwrap();
    package
        .set_connection_property("In", "ConnectionString", "b.csv")
        .unwrap();
    package
        .set_executable_property("Package", PropertyOf::Object, "Disabled", "True")
        .unwrap();
    let written = String::from_utf8(package.write()).unwrap();
    assert!(written.contains(r#"<DTS:Property DTS:Name="ConnectionString">b.csv</DTS:Property>"#));
    assert!(written.contains(r#"DTS:Name="Disabled">True</DTS:Property>"#));
    assert!(package.root().disabled);
}

proptest! {
    /// Any text comes back from any place that holds one.
    #[test]
    fn texts_come_back(text in "[ -~\\n\\t\u{e9}\u{1F600}]{0,40}") {
        let mut package = Package::create("P").unwrap();
        package.add_connection_manager("OLEDB", "Db").unwrap();
        package.set_connection_property("Db", "ConnectionString", &text).unwrap();
        package.add_variable("Package", &variable("V", &text)).unwrap();
        let task = package.add_executable("Package", "Microsoft.ExpressionTask", "E").unwrap();
        package.set_executable_property(&task, PropertyOf::Payload, "Expression", &text).unwrap();
        package.set_property_expression(&task, "Description", Some(&text)).unwrap();
        let again = Package::read(&package.write()).unwrap();
        prop_assert_eq!(again.connection_managers()[0].properties.get("ConnectionString"), Some(text.as_str()));
        prop_assert_eq!(&again.root().variables[0].value, &text);
        let task = again.executable(&task).unwrap();
        prop_assert!(matches!(&task.payload, Payload::Expression(found) if *found == text));
        prop_assert_eq!(&task.property_expressions[0].expression, &text);
    }
}
