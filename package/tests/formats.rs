//! Small packages of each format give the same typed view.

#![expect(clippy::panic, clippy::unwrap_used, reason = "tests")]

use dtsx::{
    ConstraintValue, DataFlow, DataType, Disposition, EvalOp, Executable, ExecutableKind,
    FlatFileColumnType, Package, Payload, SealedBy, UsageType,
};

const FORMAT_2: &str = include_str!("data/format_2.dtsx");
const FORMAT_3: &str = include_str!("data/format_3.dtsx");
const FORMAT_6: &str = include_str!("data/format_6.dtsx");
const FORMAT_8: &str = include_str!("data/format_8.dtsx");

fn read(text: &str) -> Package {
    Package::read(text.as_bytes()).unwrap()
}

fn executable<'a>(package: &'a Package, path: &str) -> &'a Executable {
    let found = package
        .executables()
        .find(|executable| executable.path == path);
    found.unwrap_or_else(|| panic!("no {path}"))
}

fn data_flow<'a>(package: &'a Package, path: &str) -> &'a DataFlow {
    match &executable(package, path).payload {
        Payload::DataFlow(flow) => flow,
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_round_trip() {
    for text in [FORMAT_2, FORMAT_3, FORMAT_6, FORMAT_8] {
        assert_eq!(read(text).write(), text.as_bytes());
    }
}

#[test]
fn property_elements_and_attributes_meet() {
    for (text, format, sequence) in [
        (FORMAT_2, 2, r"Package\Box"),
        (FORMAT_3, 3, r"Package\Box"),
        (FORMAT_8, 8, r"Package\Each"),
    ] {
        let package = read(text);
        assert_eq!(
            (package.format_version(), package.name()),
            (format, "Orders")
        );
        let load = executable(&package, &format!(r"{sequence}\Load"));
        assert_eq!(load.kind, ExecutableKind::Task(Some("Microsoft.Pipeline")));
        assert!(load.disabled);
        let flow = data_flow(&package, &load.path);
        let file = &flow.components[0];
        assert_eq!(file.class, Some("Microsoft.FlatFileSource"));
        let manager = package
            .connection_manager(&file.connections[0].connection_manager)
            .unwrap();
        assert_eq!(
            (manager.name.as_str(), manager.creation_name.as_str()),
            ("Orders file", "FLATFILE")
        );
        let column = &file.outputs[0].columns[0];
        assert_eq!(
            flow.components[1].inputs[0].columns[0].lineage_id,
            column.lineage_id
        );
        assert_eq!(flow.paths[0].start_id, file.outputs[0].id);
        assert_eq!(flow.paths[0].end_id, flow.components[1].inputs[0].id);
        assert_eq!(file.outputs[0].synchronous_input_id, None);
        let handler = &package.root().event_handlers[0];
        assert_eq!(handler.event_name, "OnError");
        assert_eq!(handler.container.path, "Package.EventHandlers[OnError]");
        assert_eq!(handler.container.executables.len(), 1);
    }
}

#[test]
fn control_flow_of_attributes() {
    let package = read(FORMAT_8);
    assert_eq!(package.protection_level(), 0);
    let paths: Vec<_> = package
        .executables()
        .map(|executable| executable.path.as_str())
        .collect();
    let wanted = [
        "Package",
        r"Package\Each",
        r"Package\Each\Load",
        r"Package\After",
        "Package.EventHandlers[OnError]",
        r"Package.EventHandlers[OnError]\Tell",
    ];
    assert_eq!(paths, wanted);
    assert_eq!(
        executable(&package, wanted[1]).kind,
        ExecutableKind::ForeachLoop
    );
    assert_eq!(
        executable(&package, wanted[5]).kind,
        ExecutableKind::Task(None)
    );
    let root = package.root();
    assert_eq!(root.properties.get("Unknown"), Some("kept"));
    assert_eq!(
        root.variables[0].expression.as_deref(),
        Some("\"a\"\n+ \"b\"")
    );
    assert!(root.variables[0].evaluate_as_expression);
    let logging = root.logging_options.as_ref().unwrap();
    assert_eq!((logging.mode, logging.filter_kind), (1, 0));
    assert_eq!(logging.events, ["OnError", "OnWarning"]);
    let columns = &logging.columns[0];
    assert_eq!(columns.event, "OnError");
    assert!(columns.computer && !columns.operator && columns.message);
    let provider = &package.log_providers()[0];
    assert_eq!(
        (provider.connection.as_str(), &provider.dtsid),
        ("Log file", &logging.providers[0])
    );
    assert_eq!(provider.property_expressions[0].property, "ConfigString");
    let constraint = &root.precedence_constraints[0];
    assert_eq!(
        (constraint.from.as_str(), constraint.to.as_str()),
        (r"Package\Each", r"Package\After")
    );
    assert_eq!(
        (constraint.value, constraint.eval_op),
        (ConstraintValue::Completion, EvalOp::ExpressionAndConstraint)
    );
    assert_eq!(constraint.expression.as_deref(), Some("@x > 1"));
    let parameter = &package.parameters()[0];
    assert_eq!(
        (
            parameter.name.as_str(),
            parameter.value.as_str(),
            parameter.data_type
        ),
        ("BatchSize", "500", 3)
    );
    assert!(parameter.required);
    let payload = package
        .payload(executable(&package, r"Package\After"))
        .unwrap();
    assert_eq!(
        payload.attribute("SqlStatementSource").as_deref(),
        Some("select 1\ngo")
    );
    let foreach = executable(&package, wanted[1]).foreach.as_ref().unwrap();
    assert_eq!(foreach.enumerator, "Microsoft.ForEachFileEnumerator");
    assert_eq!(
        (
            foreach.mappings[0].variable.as_str(),
            foreach.mappings[0].value_index
        ),
        ("User::File", 0)
    );
}

#[test]
fn control_flow_of_property_elements() {
    let package = read(FORMAT_3);
    assert_eq!(package.protection_level(), 2);
    assert_eq!(
        package.configurations()[0].configuration_string,
        "orders.dtsConfig"
    );
    let sequence = executable(&package, r"Package\Box");
    assert_eq!(sequence.kind, ExecutableKind::Sequence);
    let constraint = &sequence.precedence_constraints[0];
    assert_eq!(
        (constraint.from.as_str(), constraint.to.as_str()),
        (r"Package\Box\Load", r"Package\Box\Script")
    );
    assert_eq!(constraint.value, ConstraintValue::Failure);
    assert_eq!(sequence.executables.len(), 2);
    let variable = &package.root().variables[0];
    assert_eq!(
        (
            variable.name.as_str(),
            variable.value.as_str(),
            variable.data_type
        ),
        ("Count", "5", 3)
    );
    assert!(variable.read_only && variable.expression.is_none());
}

#[test]
fn flat_file_connections() {
    let (new, old) = (read(FORMAT_8), read(FORMAT_3));
    let manager = &new.connection_managers()[0];
    assert_eq!(manager.properties.get("HeaderRowDelimiter"), Some("\r\n"));
    assert_eq!(manager.properties.get("TextQualifier"), Some("\""));
    assert_eq!(manager.property_expressions[0].property, "ConnectionString");
    let [customer, amount] = manager.flat_file_columns.as_slice() else {
        panic!("{manager:?}")
    };
    assert_eq!(
        (customer.delimiter.as_str(), amount.delimiter.as_str()),
        ("|", "\r\n")
    );
    assert_eq!(
        customer.data_type,
        DataType::Str {
            length: 20,
            code_page: 1252
        }
    );
    assert_eq!(
        amount.data_type,
        DataType::Numeric {
            precision: 9,
            scale: 2
        }
    );
    let manager = &old.connection_managers()[0];
    assert_eq!(manager.ref_id, "Package.ConnectionManagers[Orders file]");
    assert_eq!(manager.properties.get("TextQualifier"), Some("<none>"));
    let customer = &manager.flat_file_columns[0];
    assert_eq!(
        (customer.column_type, customer.width),
        (FlatFileColumnType::FixedWidth, 12)
    );
    assert_eq!(
        customer.data_type,
        DataType::Str {
            length: 12,
            code_page: 437
        }
    );
}

#[test]
fn cache_connections() {
    let text = r#"<DTS:Executable xmlns:DTS="www.microsoft.com/SqlServer/Dts" DTS:ObjectName="P"><DTS:ConnectionManagers>
<DTS:ConnectionManager DTS:CreationName="CACHE" DTS:ObjectName="People"><DTS:ObjectData><DTS:ConnectionManager><DTS:CacheColumns>
<DTS:CacheColumn DTS:DataType="131" DTS:Precision="9" DTS:Scale="2" DTS:IndexPosition="1" DTS:ObjectName="Id" DTS:DTSID="{1}" DTS:CreationName=""/>
<DTS:CacheColumn DTS:DataType="130" DTS:Length="15" DTS:ObjectName="Name" DTS:DTSID="{2}" DTS:CreationName=""/>
</DTS:CacheColumns></DTS:ConnectionManager></DTS:ObjectData></DTS:ConnectionManager></DTS:ConnectionManagers></DTS:Executable>"#;
    let package = read(text);
    let manager = &package.connection_managers()[0];
    let shown: Vec<String> = manager
        .cache_columns
        .iter()
        .map(|column| {
            format!(
                "{} {} {}",
                column.name, column.data_type, column.index_position
            )
        })
        .collect();
    assert_eq!(shown, ["Id DT_NUMERIC,9,2 1", "Name DT_WSTR,15 0"]);
}

#[test]
fn secrets_are_named_not_shown() {
    let package = read(FORMAT_8);
    let manager = &package.connection_managers()[2];
    assert_eq!(manager.sealed, ["Password"]);
    assert_eq!(manager.properties.get("Password"), None);
    let sealed: Vec<String> = package.sealed().iter().map(ToString::to_string).collect();
    assert_eq!(sealed, ["Package.ConnectionManagers[Secret].Password"]);
    assert_eq!(package.sealed()[0].name, "Secret");
    assert_eq!(package.sealed()[0].by, SealedBy::UserKey);
    assert_eq!(
        package.connection_managers()[1]
            .properties
            .get("ConnectionString"),
        Some("SmtpServer=mail")
    );
}

#[test]
fn ciphers_under_a_password_are_no_properties() {
    let cipher = "<EncryptedData Salt=\"x\"><CipherData><CipherValue>QUJD</CipherValue></CipherData></EncryptedData>";
    let text = FORMAT_8.replace(
        "<SmtpConnectionManager ConnectionString=\"SmtpServer=mail\" />",
        &format!(
            "<SmtpConnectionManager ConnectionString=\"SmtpServer=mail\">{cipher}</SmtpConnectionManager>"
        ),
    );
    let package = read(&text);
    let manager = &package.connection_managers()[1];
    assert_eq!(manager.sealed, ["EncryptedData"]);
    assert_eq!(manager.properties.get("Salt"), None);
    assert_eq!(
        package.sealed()[0].to_string(),
        "Package.ConnectionManagers[Mail].EncryptedData"
    );
}

#[test]
fn wholly_encrypted_packages_load() {
    let start = "<DTS:Executable xmlns:DTS=\"www.microsoft.com/SqlServer/Dts\"";
    for (text, sealed) in [
        (
            format!("{start} DTS:ObjectName=\"P\" Encrypted=\"1\">QUJD</DTS:Executable>"),
            "Executable",
        ),
        (
            format!("{start}><EncryptedData>QUJD</EncryptedData></DTS:Executable>"),
            "EncryptedData",
        ),
        (
            "<EncryptedData xmlns=\"http://www.w3.org/2001/04/xmlenc#\">QUJD</EncryptedData>"
                .to_owned(),
            "EncryptedData",
        ),
    ] {
        let package = read(&text);
        assert_eq!(package.sealed()[0].to_string(), sealed);
        assert!(package.check_open().is_err());
        assert_eq!(package.executables().count(), 1);
    }
}

#[test]
fn columns_and_properties() {
    let package = read(FORMAT_8);
    let flow = data_flow(&package, r"Package\Each\Load");
    assert_eq!(flow.properties.int("defaultBufferMaxRows"), Some(5000));
    let [file, reader] = flow.components.as_slice() else {
        panic!("{flow:?}")
    };
    assert_eq!(
        (file.locale_id, file.properties.bool("RetainNulls")),
        (Some(1033), Some(true))
    );
    let column = &file.outputs[0].columns[0];
    assert_eq!(column.error_row_disposition, Disposition::RedirectRow);
    assert_eq!(
        column.truncation_row_disposition,
        Disposition::FailComponent
    );
    assert!(file.outputs[1].is_error);
    assert_eq!(reader.class, Some("Microsoft.DataReaderDestinationAdapter"));
    assert_eq!(
        reader.properties.property("Keys").unwrap().elements,
        ["a<b", "c"]
    );
    let input = &reader.inputs[0];
    assert!(input.has_side_effects);
    assert_eq!(
        (input.columns[0].name.as_str(), input.columns[0].usage),
        ("Customer", UsageType::ReadWrite)
    );
    let package = read(FORMAT_6);
    let compute = &data_flow(&package, r"Package\Flow").components[0];
    assert_eq!(compute.class, Some("Microsoft.DerivedColumn"));
    let output = &compute.outputs[0];
    assert_eq!(
        output.synchronous_input_id.as_deref(),
        Some(r"Package\Flow\Compute.Inputs[In]")
    );
    assert!(
        output.columns[0]
            .properties
            .property("Expression")
            .unwrap()
            .contains_id
    );
    assert_eq!(output.columns[0].data_type, DataType::WStr { length: 7 });
}

#[test]
fn wrong_values_are_located() {
    let text = FORMAT_6.replace("dataType=\"wstr\"", "dataType=\"wide\"");
    let message = Package::read(text.as_bytes()).unwrap_err().to_string();
    assert!(
        message.starts_with("line 13, column 21: outputColumn dataType is `wide`"),
        "{message}"
    );
    let message = Package::read(b"<a/>").unwrap_err().to_string();
    assert!(message.contains("root element `a`"), "{message}");
}

#[test]
fn a_component_names_its_manager_by_dtsid_and_by_refid() {
    let (id, name) = (
        "{00000000-0000-0000-0000-000000000011}",
        "Package.ConnectionManagers[Orders file]",
    );
    let reference =
        format!(r#"connectionManagerID="{id}:external" connectionManagerRefId="{name}""#);
    assert!(FORMAT_8.contains(&reference));
    let connection = |text: &str| {
        let package = read(&FORMAT_8.replace(&reference, text));
        let connection = &data_flow(&package, r"Package\Each\Load").components[0].connections[0];
        (
            connection.connection_manager.clone(),
            connection.ref_id.clone(),
        )
    };
    let both = (id.to_owned(), Some(name.to_owned()));
    assert_eq!(connection(&reference), both);
    let alone = |text: &str| (text.to_owned(), None);
    let only = |attribute: &str, value: &str| connection(&format!(r#"{attribute}="{value}""#));
    assert_eq!(
        only("connectionManagerID", &format!("{id}:invalid")),
        alone(id)
    );
    assert_eq!(only("connectionManagerRefId", name), alone(name));
    let names = format!(r#"connectionManagerID="{name}" connectionManagerRefId="{name}""#);
    assert_eq!(connection(&names), alone(name));
}
