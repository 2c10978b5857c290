//! Packages of several tasks, for trials of the control flow: texts of connection managers, tasks and data flows.
//!
//! Rows have a number `id` and a text `name` everywhere, so that any component follows any other.

use std::fmt::Write;

/// An attribute's text.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
        .replace('\n', "&#xA;")
}

/// A package in the making.
#[derive(Debug, Clone, Default)]
pub struct Package {
    pub attributes: String,
    pub managers: String,
    pub variables: String,
    pub executables: String,
    pub constraints: String,
    pub handlers: String,
}

impl Package {
    pub fn text(&self) -> String {
        let Self {
            attributes,
            managers,
            variables,
            executables,
            constraints,
            handlers,
        } = self;
        format!(
            r#"<?xml version="1.0"?>
<DTS:Executable xmlns:DTS="www.microsoft.com/SqlServer/Dts" DTS:refId="Package" DTS:DTSID="{{P}}" DTS:ExecutableType="Microsoft.Package" DTS:ObjectName="Package" DTS:LocaleID="1033" {attributes}>
<DTS:Property DTS:Name="PackageFormatVersion">8</DTS:Property>
<DTS:ConnectionManagers>{managers}</DTS:ConnectionManagers><DTS:Variables>{variables}</DTS:Variables>
<DTS:Executables>{executables}</DTS:Executables><DTS:PrecedenceConstraints>{constraints}</DTS:PrecedenceConstraints>
<DTS:EventHandlers>{handlers}</DTS:EventHandlers></DTS:Executable>
"#
        )
    }

    /// A manager that leads to a database.
    pub fn database(mut self, name: &str, address: &str) -> Self {
        self.managers
            .push_str(&manager(name, "OLEDB", "", address, ""));
        self
    }

    /// A manager of a flat file with the two columns. `expression`: of its ConnectionString.
    pub fn file(mut self, name: &str, path: &str, expression: Option<&str>) -> Self {
        let attributes = r#" DTS:Format="Delimited" DTS:CodePage="65001" DTS:Unicode="False" DTS:ColumnNamesInFirstDataRow="True" DTS:HeaderRowDelimiter="_x000A_" DTS:LocaleID="1033""#;
        let columns = r#"<DTS:FlatFileColumns><DTS:FlatFileColumn DTS:ColumnType="Delimited" DTS:ColumnDelimiter="_x002C_" DTS:DataType="3" DTS:ObjectName="id"/><DTS:FlatFileColumn DTS:ColumnType="Delimited" DTS:ColumnDelimiter="_x000A_" DTS:MaximumWidth="20" DTS:DataType="130" DTS:ObjectName="name"/></DTS:FlatFileColumns>"#;
        let mut text = manager(name, "FLATFILE", attributes, path, columns);
        if let Some(expression) = expression {
            let expression = format!(
                r#"<DTS:PropertyExpression DTS:Name="ConnectionString">{}</DTS:PropertyExpression><DTS:ObjectData>"#,
                escaped(expression)
            );
            text = text.replacen("<DTS:ObjectData>", &expression, 1);
        }
        self.managers.push_str(&text);
        self
    }

    /// `kind`: 3 for a number, 8 for a text.
    pub fn variable(mut self, name: &str, kind: u8, value: &str) -> Self {
        let _ = write!(
            self.variables,
            r#"<DTS:Variable DTS:Namespace="User" DTS:ObjectName="{name}"><DTS:VariableValue DTS:DataType="{kind}">{value}</DTS:VariableValue></DTS:Variable>"#
        );
        self
    }

    pub fn task(mut self, text: &str) -> Self {
        self.executables.push_str(text);
        self
    }

    /// The second runs after the first; `when`: 0 for its success, 1 for its failure, 2 for its end.
    pub fn then(mut self, from: &str, to: &str, when: u8) -> Self {
        self.constraints.push_str(&after("Package", from, to, when));
        self
    }
}

/// A connection manager.
pub fn manager(name: &str, kind: &str, attributes: &str, address: &str, content: &str) -> String {
    format!(
        r#"<DTS:ConnectionManager DTS:refId="Package.ConnectionManagers[{name}]" DTS:CreationName="{kind}" DTS:ObjectName="{name}" DTS:DTSID="{{{name}}}"><DTS:ObjectData><DTS:ConnectionManager{attributes} DTS:ConnectionString="{}">{content}</DTS:ConnectionManager></DTS:ObjectData></DTS:ConnectionManager>"#,
        escaped(address)
    )
}

/// A constraint between two executables of a container.
pub fn after(container: &str, from: &str, to: &str, when: u8) -> String {
    format!(
        r#"<DTS:PrecedenceConstraint DTS:refId="{container}.PrecedenceConstraints[{from} {to}]" DTS:ObjectName="{from} {to}" DTS:From="{container}\{from}" DTS:To="{container}\{to}" DTS:LogicalAnd="True" DTS:Value="{when}"/>"#
    )
}

pub fn executable(path: &str, kind: &str, attributes: &str, content: &str) -> String {
    let name = path.rsplit('\\').next().unwrap_or(path);
    format!(
        r#"<DTS:Executable DTS:refId="{path}" DTS:DTSID="{{{path}}}" DTS:ExecutableType="{kind}" DTS:ObjectName="{name}" {attributes}>{content}</DTS:Executable>"#
    )
}

/// TransactionOption Required.
pub const REQUIRED: &str = r#"DTS:TransactionOption="2""#;

/// An Execute SQL task.
pub fn sql(path: &str, manager: &str, statement: &str, attributes: &str) -> String {
    let data = format!(
        r#"<DTS:ObjectData><S:SqlTaskData xmlns:S="www.microsoft.com/sqlserver/dts/tasks/sqltask" S:Connection="Package.ConnectionManagers[{manager}]" S:SqlStatementSource="{}"/></DTS:ObjectData>"#,
        escaped(statement)
    );
    executable(path, "Microsoft.ExecuteSQLTask", attributes, &data)
}

/// An Execute Process task that runs a line of the shell.
pub fn shell(path: &str, line: &str) -> String {
    let data = format!(
        r#"<DTS:ObjectData><ExecuteProcessData Executable="sh" Arguments="-c &quot;{}&quot;"/></DTS:ObjectData>"#,
        escaped(line)
    );
    executable(path, "Microsoft.ExecuteProcess", "", &data)
}

/// An Execute Package task of a file; `manager` is that of the file.
pub fn child(path: &str, file: &str, attributes: &str) -> String {
    let data = format!(
        "<DTS:ObjectData><ExecutePackageTask><UseProjectReference>True</UseProjectReference>\
         <PackageName>{file}</PackageName></ExecutePackageTask></DTS:ObjectData>"
    );
    executable(path, "Microsoft.ExecutePackageTask", attributes, &data)
}

pub fn sequence(path: &str, attributes: &str, content: &str, constraints: &str) -> String {
    let content = format!(
        "<DTS:Executables>{content}</DTS:Executables><DTS:PrecedenceConstraints>{constraints}</DTS:PrecedenceConstraints>"
    );
    executable(path, "STOCK:SEQUENCE", attributes, &content)
}

/// A For loop that counts `User::Round` from 1 to `rounds`.
pub fn for_loop(path: &str, rounds: u32, attributes: &str, content: &str) -> String {
    let attributes = format!(
        r#"DTS:InitExpression="@[User::Round] = 1" DTS:EvalExpression="@[User::Round] &lt;= {rounds}" DTS:AssignExpression="@[User::Round] = @[User::Round] + 1" {attributes}"#
    );
    let content = format!("<DTS:Executables>{content}</DTS:Executables>");
    executable(path, "STOCK:FORLOOP", &attributes, &content)
}

/// A Foreach loop that puts each of some texts into `User::Item`.
pub fn foreach_item(path: &str, items: &[&str], attributes: &str, content: &str) -> String {
    let rows: String = items
        .iter()
        .map(|item| format!(r#"<FEIEItem><FEIEItemValue Type="8" Value="{item}"/></FEIEItem>"#))
        .collect();
    let content = format!(
        r#"<DTS:ForEachEnumerator DTS:CreationName="Microsoft.ForEachItemEnumerator" DTS:ObjectName="E"><DTS:ObjectData><FEIEItems>{rows}</FEIEItems></DTS:ObjectData></DTS:ForEachEnumerator><DTS:Executables>{content}</DTS:Executables><DTS:ForEachVariableMappings><DTS:ForEachVariableMapping DTS:VariableName="User::Item" DTS:ValueIndex="0"/></DTS:ForEachVariableMappings>"#
    );
    executable(path, "STOCK:FOREACHLOOP", attributes, &content)
}

const COLUMNS: [(&str, &str); 2] = [
    ("id", r#"dataType="i4""#),
    ("name", r#"dataType="wstr" length="20""#),
];

/// A data flow in the making: each component follows the one before.
#[derive(Debug)]
pub struct Flow {
    path: String,
    components: String,
    paths: String,
    /// Where the next component's rows come from.
    output: String,
    /// Lineage ids of `id` and `name`.
    lineage: [String; 2],
}

impl Flow {
    pub fn new(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            components: String::new(),
            paths: String::new(),
            output: String::new(),
            lineage: Default::default(),
        }
    }

    pub fn task(self, attributes: &str) -> String {
        let data = format!(
            r#"<DTS:ObjectData><pipeline version="1"><components>{}</components><paths>{}</paths></pipeline></DTS:ObjectData>"#,
            self.components, self.paths
        );
        executable(&self.path, "Microsoft.Pipeline", attributes, &data)
    }

    fn component(
        &mut self,
        (class, name): (&str, &str),
        properties: &[(&str, &str)],
        connection: Option<(&str, &str)>,
        ends: &str,
    ) {
        let id = format!("{}\\{name}", self.path);
        let properties: String = properties
            .iter()
            .map(|(name, value)| {
                format!(r#"<property name="{name}">{}</property>"#, escaped(value))
            })
            .collect();
        let connection = connection.map(|(role, manager)| {
            format!(
                r#"<connections><connection refId="{id}.Connections[{role}]" connectionManagerID="Package.ConnectionManagers[{manager}]" name="{role}"/></connections>"#
            )
        });
        let _ = write!(
            self.components,
            r#"<component refId="{id}" componentClassID="Microsoft.{class}" name="{name}"><properties>{properties}</properties>{}{ends}</component>"#,
            connection.unwrap_or_default()
        );
    }

    fn externals(of: &str) -> String {
        let columns = COLUMNS.iter().map(|(name, kind)| {
            format!(r#"<externalMetadataColumn refId="{of}.Ext[{name}]" name="{name}" {kind}/>"#)
        });
        let columns: String = columns.collect();
        format!("<externalMetadataColumns>{columns}</externalMetadataColumns>")
    }

    fn source(
        &mut self,
        class: &str,
        name: &str,
        properties: &[(&str, &str)],
        connection: (&str, &str),
    ) {
        let out = format!("{}\\{name}.Outputs[Out]", self.path);
        self.lineage = COLUMNS.map(|(column, _)| format!("{out}.Columns[{column}]"));
        let columns: String = COLUMNS
            .iter()
            .map(|(column, kind)| {
                format!(
                    r#"<outputColumn refId="{out}.Columns[{column}]" lineageId="{out}.Columns[{column}]" name="{column}" {kind} externalMetadataColumnId="{out}.Ext[{column}]" errorRowDisposition="FailComponent" truncationRowDisposition="FailComponent"/>"#
                )
            })
            .collect();
        let ends = format!(
            r#"<outputs><output refId="{out}" name="Out"><outputColumns>{columns}</outputColumns>{}</output></outputs>"#,
            Self::externals(&out)
        );
        self.component((class, name), properties, Some(connection), &ends);
        self.output = out;
    }

    pub fn read_file(mut self, name: &str, manager: &str) -> Self {
        self.source("FlatFileSource", name, &[], ("FlatFileConnection", manager));
        self
    }

    pub fn read_query(mut self, name: &str, manager: &str, query: &str) -> Self {
        let properties = [("AccessMode", "2"), ("SqlCommand", query)];
        self.source(
            "OLEDBSource",
            name,
            &properties,
            ("OleDbConnection", manager),
        );
        self
    }

    /// An input with both columns, and the path to it.
    fn input(
        &mut self,
        name: &str,
        attributes: &str,
        of_columns: [&str; 2],
        externals: bool,
    ) -> String {
        let id = format!("{}\\{name}.Inputs[In]", self.path);
        let columns = COLUMNS.iter().zip(&self.lineage).zip(of_columns);
        let columns: String = columns
            .map(|(((column, kind), lineage), content)| {
                format!(
                    r#"<inputColumn refId="{id}.Columns[{column}]" lineageId="{lineage}" cachedName="{column}" {kind} externalMetadataColumnId="{id}.Ext[{column}]">{content}</inputColumn>"#
                )
            })
            .collect();
        let externals = match externals {
            true => Self::externals(&id),
            false => String::new(),
        };
        let _ = write!(
            self.paths,
            r#"<path refId="{}.Paths[{name}]" startId="{}" endId="{id}" name="{name}"/>"#,
            self.path, self.output
        );
        format!(
            r#"<inputs><input refId="{id}" name="In" {attributes}><inputColumns>{columns}</inputColumns>{externals}</input></inputs>"#
        )
    }

    /// An output that hands the rows of the input on.
    fn passes(&mut self, name: &str, attributes: &str, columns: &str) -> String {
        let id = format!("{}\\{name}", self.path);
        let out = format!("{id}.Outputs[Out]");
        self.output.clone_from(&out);
        format!(
            r#"<outputs><output refId="{out}" name="Out" synchronousInputId="{id}.Inputs[In]" {attributes}><outputColumns>{columns}</outputColumns></output></outputs>"#
        )
    }

    /// Replaces `name` by that of the same `id` in a table. `cache`: 0 all of it, 1 what was asked, 2 nothing.
    pub fn lookup(mut self, name: &str, manager: &str, table: &str, cache: &str) -> Self {
        let join =
            r#"<properties><property name="JoinToReferenceColumn">id</property></properties>"#;
        let lineage = self.lineage[0].clone();
        let input = self.input(name, "", [join, ""], false);
        let column = format!("{}\\{name}.Outputs[Out].Columns[found]", self.path);
        let added = format!(
            r#"<outputColumn refId="{column}" lineageId="{column}" name="found" dataType="wstr" length="20"><properties><property name="CopyFromReferenceColumn">name</property></properties></outputColumn>"#
        );
        let passes = self.passes(
            name,
            r#"exclusionGroup="1" errorRowDisposition="FailComponent""#,
            &added,
        );
        let query = format!("select id, name from {table}");
        let one = format!(
            "select * from (select id, name from {table}) [refTable] where [refTable].[id] = ?"
        );
        let parameters = format!("#{{{lineage}}};");
        let reference = r#"<referenceMetadata><referenceColumns><referenceColumn name="id" dataType="DT_I4" length="0" precision="0" scale="0" codePage="0"/><referenceColumn name="name" dataType="DT_WSTR" length="20" precision="0" scale="0" codePage="0"/></referenceColumns></referenceMetadata>"#;
        let properties = [
            ("CacheType", cache),
            ("SqlCommand", query.as_str()),
            ("SqlCommandParam", one.as_str()),
            ("ParameterMap", parameters.as_str()),
            ("ReferenceMetadataXml", reference),
        ];
        let ends = format!("{input}{passes}");
        self.component(
            ("Lookup", name),
            &properties,
            Some(("OleDbConnection", manager)),
            &ends,
        );
        self.lineage[1] = column;
        self
    }

    /// Runs a statement for each row, with its `id` and `name`.
    pub fn command(mut self, name: &str, manager: &str, statement: &str) -> Self {
        let input = self.input(
            name,
            r#"errorRowDisposition="FailComponent""#,
            ["", ""],
            true,
        );
        let passes = self.passes(name, r#"exclusionGroup="1""#, "");
        let ends = format!("{input}{passes}");
        self.component(
            ("OLEDBCommand", name),
            &[("SqlCommand", statement)],
            Some(("OleDbConnection", manager)),
            &ends,
        );
        self
    }

    /// Sorts by `name`.
    pub fn sort(mut self, name: &str) -> Self {
        let key = r#"<properties><property name="NewSortKeyPosition">1</property><property name="NewComparisonFlags">0</property></properties>"#;
        let given = self.lineage.clone();
        let other = key.replace('1', "0");
        let input = self.input(name, "", [&other, key], false);
        let out = format!("{}\\{name}.Outputs[Out]", self.path);
        let columns: String = COLUMNS
            .iter()
            .zip(given)
            .map(|((column, kind), lineage)| {
                let sort = u8::from(*column == "name");
                format!(
                    "<outputColumn refId=\"{out}.Columns[{column}]\" lineageId=\"{out}.Columns[{column}]\" name=\"{column}\" {kind} sortKeyPosition=\"{sort}\"><properties><property name=\"SortColumnId\">#{{{lineage}}}</property></properties></outputColumn>"
                )
            })
            .collect();
        let ends = format!(
            r#"{input}<outputs><output refId="{out}" name="Out" isSorted="true"><outputColumns>{columns}</outputColumns></output></outputs>"#
        );
        self.component(
            ("Sort", name),
            &[("EliminateDuplicates", "false")],
            None,
            &ends,
        );
        self.lineage = COLUMNS.map(|(column, _)| format!("{out}.Columns[{column}]"));
        self.output = out;
        self
    }

    pub fn write_file(mut self, name: &str, manager: &str) -> Self {
        let ends = self.input(name, "", ["", ""], true);
        let connection = ("FlatFileConnection", manager);
        self.component(
            ("FlatFileDestination", name),
            &[("Overwrite", "true")],
            Some(connection),
            &ends,
        );
        self
    }

    /// Into a table; `commit`: rows of a transaction, 0 for all. `redirects`: failing rows go to a file's manager.
    pub fn write_table(
        mut self,
        name: &str,
        manager: &str,
        table: &str,
        commit: u32,
        redirects: Option<&str>,
    ) -> Self {
        let disposition = match redirects {
            Some(_) => r#"errorRowDisposition="RedirectRow""#,
            None => r#"errorRowDisposition="FailComponent""#,
        };
        let input = self.input(name, disposition, ["", ""], true);
        let id = format!("{}\\{name}", self.path);
        let errors = format!("{id}.Outputs[Errors]");
        let columns: String = [("ErrorCode", 1), ("ErrorColumn", 2)]
            .iter()
            .map(|(column, flags)| {
                format!(
                    r#"<outputColumn refId="{errors}.Columns[{column}]" lineageId="{errors}.Columns[{column}]" name="{column}" dataType="i4" specialFlags="{flags}"/>"#
                )
            })
            .collect();
        let ends = format!(
            r#"{input}<outputs><output refId="{errors}" name="Errors" isErrorOut="true" exclusionGroup="1" synchronousInputId="{id}.Inputs[In]"><outputColumns>{columns}</outputColumns></output></outputs>"#
        );
        let commit = commit.to_string();
        let properties = [
            ("AccessMode", "3"),
            ("OpenRowset", table),
            ("FastLoadMaxInsertCommitSize", commit.as_str()),
        ];
        self.component(
            ("OLEDBDestination", name),
            &properties,
            Some(("OleDbConnection", manager)),
            &ends,
        );
        if let Some(file) = redirects {
            self.output = errors;
            self = self.write_file("Bad rows", file);
        }
        self
    }
}
