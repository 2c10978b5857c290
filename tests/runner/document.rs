//! A component in TOML becomes a package: its inputs are fed by flat files, its outputs end in DataReader destinations.
//!
//! In the values of properties `{a}` stands for the lineage id of column `a`, `{Left/a}` for that of `a` at the input (or
//! output) `Left`, `{id:Left/a}` for the id of the input's own column. Names in TOML are those of the package.

use std::{collections::BTreeMap, fmt::Write};

use serde::Deserialize;

use super::table::{HeaderColumn, TypeText};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentToml {
    pub class: String,
    #[serde(default)]
    pub properties: BTreeMap<String, toml::Value>,
    #[serde(default)]
    pub inputs: Vec<InputToml>,
    #[serde(default)]
    pub outputs: Vec<OutputToml>,
    /// Name and value of variables: `"User::n" = 5`.
    #[serde(default)]
    pub variables: BTreeMap<String, toml::Value>,
    pub locale: Option<u32>,
    pub connection: Option<ConnectionToml>,
    pub database: Option<DatabaseToml>,
    pub cache: Option<CacheToml>,
}

/// A Cache connection manager; one without columns is that of the component in the data flow before.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheToml {
    /// Its name in the package.
    pub name: String,
    /// The `.caw` file, in the folder of the package.
    pub file: Option<String>,
    #[serde(default)]
    pub columns: Vec<CacheColumnToml>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheColumnToml {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub index: u32,
}

/// A connection manager that leads to the SQLite database of the case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseToml {
    /// Its name in the package.
    #[serde(default = "DatabaseToml::name")]
    pub name: String,
    /// `OLEDB`, `ADO.NET:...`, `ODBC`.
    #[serde(default = "DatabaseToml::kind")]
    pub kind: String,
    /// What the component calls its connection: `OleDbConnection`, `IDbConnection`, ...
    #[serde(default = "DatabaseToml::role")]
    pub role: String,
    /// `RetainSameConnection`, ...
    #[serde(default)]
    pub properties: BTreeMap<String, toml::Value>,
}

impl DatabaseToml {
    fn name() -> String {
        "Warehouse".to_owned()
    }

    fn kind() -> String {
        "OLEDB".to_owned()
    }

    fn role() -> String {
        "OleDbConnection".to_owned()
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputToml {
    pub name: String,
    /// What happens to a row that fails: `RedirectRow`, ...
    pub on_error: Option<String>,
    /// All columns that arrive if left out.
    pub columns: Option<Vec<ColumnToml>>,
    /// Columns of the table that no input column is mapped to.
    #[serde(default)]
    pub unmapped: Vec<ColumnToml>,
    #[serde(default)]
    pub properties: BTreeMap<String, toml::Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputToml {
    pub name: String,
    /// The input that a synchronous output passes on.
    pub input: Option<String>,
    #[serde(default)]
    pub group: u32,
    #[serde(default)]
    pub error: bool,
    /// What happens to a row that fails: `RedirectRow`, ...
    pub on_error: Option<String>,
    #[serde(default)]
    pub sorted: bool,
    #[serde(default)]
    pub columns: Vec<ColumnToml>,
    #[serde(default)]
    pub properties: BTreeMap<String, toml::Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnToml {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    #[serde(default)]
    pub properties: BTreeMap<String, toml::Value>,
    pub usage: Option<String>,
    pub error: Option<String>,
    pub truncation: Option<String>,
    #[serde(default)]
    pub sort: i32,
    #[serde(default)]
    pub flags: u32,
    /// The column of the file that it is written to or read from, by name.
    pub external: Option<String>,
}

/// A flat file connection manager: its properties, and its columns.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionToml {
    #[serde(default)]
    pub properties: BTreeMap<String, toml::Value>,
    pub columns: Vec<FileColumnToml>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileColumnToml {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub delimiter: Option<String>,
    pub width: Option<u32>,
    pub qualified: Option<bool>,
}

/// Rows that arrive at an input.
pub struct Feed<'a> {
    pub input: &'a str,
    pub columns: Vec<HeaderColumn>,
}

const FLOW: &str = "Package\\Flow";
const BEFORE: &str = "Package\\Before";
/// The file of the database of a case.
pub const DATABASE: &str = "warehouse.db";

/// A component with the rows that arrive at its inputs, and the outputs that are read.
pub struct Flow<'a> {
    pub component: &'a ComponentToml,
    pub feeds: Vec<Feed<'a>>,
    pub readers: Vec<&'a str>,
}

/// The package, its data flows one after the other. `file`: where the flat file of `[connection]` is; input files are
/// `<folder>/<input>.csv`.
pub fn package(
    before: Option<&Flow<'_>>,
    tested: &Flow<'_>,
    folder: &str,
    file: &str,
) -> Result<String, String> {
    let (mut managers, mut flows) = (String::new(), String::new());
    let mut constraints = String::new();
    if let Some(before) = before {
        constraints = format!(
            r#"<DTS:PrecedenceConstraints><DTS:PrecedenceConstraint DTS:refId="Package.PrecedenceConstraints[Next]" DTS:From="{BEFORE}" DTS:To="{FLOW}" DTS:LogicalAnd="True" DTS:ObjectName="Next"/></DTS:PrecedenceConstraints>"#
        );
        let (own, flow) = data_flow(before, folder, file)?;
        managers.push_str(&own);
        flows.push_str(
            &flow
                .replace(FLOW, BEFORE)
                .replace(r#"="Flow""#, r#"="Before""#),
        );
    }
    let (own, flow) = data_flow(tested, folder, file)?;
    managers.push_str(&own);
    flows.push_str(&flow);
    let variables: String = tested
        .component
        .variables
        .iter()
        .map(|(name, value)| variable(name, value))
        .collect();
    Ok(format!(
        r#"<?xml version="1.0"?>
<DTS:Executable xmlns:DTS="www.microsoft.com/SqlServer/Dts" DTS:refId="Package" DTS:ExecutableType="Microsoft.Package" DTS:ObjectName="Package" DTS:LocaleID="1033">
<DTS:Property DTS:Name="PackageFormatVersion">8</DTS:Property>
<DTS:ConnectionManagers>{managers}</DTS:ConnectionManagers><DTS:Variables>{variables}</DTS:Variables>
<DTS:Executables>{flows}</DTS:Executables>{constraints}</DTS:Executable>
"#
    ))
}

/// The connection managers of a data flow, and its task.
fn data_flow(flow: &Flow<'_>, folder: &str, file: &str) -> Result<(String, String), String> {
    let Flow {
        component,
        feeds,
        readers,
    } = flow;
    let mut writer = Writer {
        component,
        feeds,
        managers: String::new(),
        components: String::new(),
        paths: String::new(),
    };
    for feed in feeds {
        writer.feed(feed, folder)?;
    }
    if let Some(connection) = &component.connection {
        writer.manager("File", file, connection)?;
    }
    if let Some(database) = &component.database {
        writer.database(database);
    }
    if let Some(cache) = &component.cache
        && !cache.columns.is_empty()
    {
        writer.cache(cache)?;
    }
    writer.component()?;
    for output in readers.iter() {
        writer.reader(output)?;
    }
    let task = format!(
        r#"<DTS:Executable DTS:refId="{FLOW}" DTS:ExecutableType="Microsoft.Pipeline" DTS:ObjectName="Flow"><DTS:ObjectData>
<pipeline version="1"><components>{}</components><paths>{}</paths></pipeline>
</DTS:ObjectData></DTS:Executable>
"#,
        writer.components, writer.paths
    );
    Ok((writer.managers, task))
}

fn variable(name: &str, value: &toml::Value) -> String {
    let (namespace, name) = name.split_once("::").unwrap_or(("User", name));
    let code = match value {
        toml::Value::Integer(_) => 20,
        toml::Value::Float(_) => 5,
        toml::Value::Boolean(_) => 11,
        toml::Value::Array(_) => return object(namespace, name),
        _ => 8,
    };
    format!(
        r#"<DTS:Variable DTS:Namespace="{namespace}" DTS:ObjectName="{name}"><DTS:VariableValue DTS:DataType="{code}">{}</DTS:VariableValue></DTS:Variable>"#,
        escaped(&plain(value))
    )
}

/// `["object"]`: a variable of type Object.
fn object(namespace: &str, name: &str) -> String {
    format!(
        r#"<DTS:Variable DTS:Namespace="{namespace}" DTS:ObjectName="{name}"><DTS:VariableValue DTS:DataType="13"/></DTS:Variable>"#
    )
}

struct Writer<'a> {
    component: &'a ComponentToml,
    feeds: &'a [Feed<'a>],
    managers: String,
    components: String,
    paths: String,
}

impl Writer<'_> {
    /// Lineage id of a column that arrives at an input of the component.
    fn fed(&self, input: &str, column: &str) -> String {
        format!("{FLOW}\\Feed {input}.Outputs[Out].Columns[{column}]")
    }

    fn path(&mut self, start: &str, end: &str) {
        let _ = write!(
            self.paths,
            r#"<path refId="{FLOW}.Paths[{start}]" startId="{start}" endId="{end}" name="{start}"/>"#
        );
    }

    fn feed(&mut self, feed: &Feed<'_>, folder: &str) -> Result<(), String> {
        let input = feed.input;
        let last = feed.columns.len().saturating_sub(1);
        let columns = feed
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| FileColumnToml {
                name: column.name.clone(),
                kind: column.type_text.clone(),
                delimiter: Some(if at == last { "\n" } else { "," }.to_owned()),
                width: None,
                qualified: Some(true),
            });
        let connection = ConnectionToml {
            properties: BTreeMap::from([
                (
                    "TextQualifier".to_owned(),
                    toml::Value::String("\"".to_owned()),
                ),
                ("CodePage".to_owned(), toml::Value::Integer(65001)),
                (
                    "ColumnNamesInFirstDataRow".to_owned(),
                    toml::Value::Boolean(true),
                ),
                (
                    "HeaderRowDelimiter".to_owned(),
                    toml::Value::String("\n".to_owned()),
                ),
            ]),
            columns: columns.collect(),
        };
        self.manager(
            &format!("Feed {input}"),
            &format!("{folder}/{input}.csv"),
            &connection,
        )?;
        let source = format!("{FLOW}\\Feed {input}");
        let mut columns = String::new();
        for column in &feed.columns {
            let id = self.fed(input, &column.name);
            let sort = if column.sort_key == 0 {
                String::new()
            } else {
                format!(r#" sortKeyPosition="{}""#, column.sort_key)
            };
            let _ = write!(
                columns,
                r#"<outputColumn refId="{id}" lineageId="{id}" name="{}"{}{sort} externalMetadataColumnId="{source}.Ext[{}]" errorRowDisposition="FailComponent" truncationRowDisposition="FailComponent"/>"#,
                column.name,
                type_attributes(&column.type_text)?,
                column.name
            );
        }
        let mut external = String::new();
        for column in &feed.columns {
            external.push_str(&external_column(&source, &column.name, &column.type_text)?);
        }
        let sorted = feed.columns.iter().any(|column| column.sort_key != 0);
        let _ = write!(
            self.components,
            r#"<component refId="{source}" componentClassID="Microsoft.FlatFileSource" name="Feed {input}"><properties><property name="RetainNulls">true</property></properties><connections><connection refId="{source}.C" connectionManagerID="Package.ConnectionManagers[Feed {input}]" name="FlatFileConnection"/></connections><outputs><output refId="{source}.Outputs[Out]" name="Out" isSorted="{sorted}"><outputColumns>{columns}</outputColumns><externalMetadataColumns>{external}</externalMetadataColumns></output></outputs></component>"#
        );
        self.path(
            &format!("{source}.Outputs[Out]"),
            &format!("{FLOW}\\Tested.Inputs[{input}]"),
        );
        Ok(())
    }

    fn manager(
        &mut self,
        name: &str,
        file: &str,
        connection: &ConnectionToml,
    ) -> Result<(), String> {
        let mut attributes = String::new();
        let delimited = (
            "Format".to_owned(),
            toml::Value::String("Delimited".to_owned()),
        );
        let mut properties = BTreeMap::from([delimited]);
        properties.extend(connection.properties.clone());
        for (property, value) in &properties {
            let _ = write!(
                attributes,
                r#" DTS:{property}="{}""#,
                escaped(&hexed(property, &plain(value)))
            );
        }
        let mut columns = String::new();
        for column in &connection.columns {
            let kind = TypeText::parse(&column.kind)?;
            let _ = write!(
                columns,
                r#"<DTS:FlatFileColumn DTS:ColumnType="{}" DTS:ColumnDelimiter="{}" DTS:ColumnWidth="{}" DTS:MaximumWidth="{}" DTS:DataType="{}" DTS:DataPrecision="{}" DTS:DataScale="{}" DTS:TextQualified="{}" DTS:ObjectName="{}"/>"#,
                if column.width.is_some() {
                    "FixedWidth"
                } else {
                    "Delimited"
                },
                escaped(&hexed(
                    "ColumnDelimiter",
                    column.delimiter.as_deref().unwrap_or_default()
                )),
                column.width.unwrap_or(0),
                kind.length,
                kind.code(),
                kind.precision,
                kind.scale,
                if column.qualified.unwrap_or(false) {
                    "True"
                } else {
                    "False"
                },
                escaped(&column.name)
            );
        }
        let _ = write!(
            self.managers,
            r#"<DTS:ConnectionManager DTS:refId="Package.ConnectionManagers[{name}]" DTS:CreationName="FLATFILE" DTS:ObjectName="{name}"><DTS:ObjectData><DTS:ConnectionManager{attributes} DTS:ConnectionString="{}"><DTS:FlatFileColumns>{columns}</DTS:FlatFileColumns></DTS:ConnectionManager></DTS:ObjectData></DTS:ConnectionManager>"#,
            escaped(file)
        );
        Ok(())
    }

    /// The file is found in the folder of the package.
    fn database(&mut self, database: &DatabaseToml) {
        let properties: String = database
            .properties
            .iter()
            .map(|(name, value)| format!(r#" DTS:{name}="{}""#, escaped(&plain(value))))
            .collect();
        let (name, kind) = (escaped(&database.name), escaped(&database.kind));
        let _ = write!(
            self.managers,
            r#"<DTS:ConnectionManager DTS:refId="Package.ConnectionManagers[{name}]" DTS:CreationName="{kind}" DTS:ObjectName="{name}"><DTS:ObjectData><DTS:ConnectionManager{properties} DTS:ConnectionString="sqlite:{DATABASE}"/></DTS:ObjectData></DTS:ConnectionManager>"#
        );
    }

    fn cache(&mut self, cache: &CacheToml) -> Result<(), String> {
        let mut columns = String::new();
        for column in &cache.columns {
            let kind = TypeText::parse(&column.kind)?;
            let _ = write!(
                columns,
                r#"<DTS:CacheColumn DTS:DataType="{}" DTS:Length="{}" DTS:Precision="{}" DTS:Scale="{}" DTS:CodePage="{}" DTS:IndexPosition="{}" DTS:ObjectName="{}"/>"#,
                kind.code(),
                kind.length,
                kind.precision,
                kind.scale,
                kind.code_page,
                column.index,
                escaped(&column.name)
            );
        }
        let file = cache.file.as_ref();
        let file = file.map(|file| format!(r#" DTS:ConnectionString="{}""#, escaped(file)));
        let (name, file) = (escaped(&cache.name), file.unwrap_or_default());
        let _ = write!(
            self.managers,
            r#"<DTS:ConnectionManager DTS:refId="Package.ConnectionManagers[{name}]" DTS:CreationName="CACHE" DTS:ObjectName="{name}"><DTS:ObjectData><DTS:ConnectionManager{file}><DTS:CacheColumns>{columns}</DTS:CacheColumns></DTS:ConnectionManager></DTS:ObjectData></DTS:ConnectionManager>"#
        );
        Ok(())
    }

    /// The connections of the component.
    fn connections(&self) -> String {
        let file = ("FlatFileConnection", "File");
        let file = self.component.connection.as_ref().map(|_| file);
        let database = self.component.database.as_ref();
        let database = database.map(|database| (database.role.as_str(), database.name.as_str()));
        let cache = self.component.cache.as_ref();
        let cache = cache.map(|cache| ("CacheConnection", cache.name.as_str()));
        let connections: String = file
            .into_iter()
            .chain(database)
            .chain(cache)
            .map(|(role, manager)| {
                format!(r#"<connection refId="{FLOW}\Tested.Connections[{role}]" connectionManagerID="Package.ConnectionManagers[{manager}]" name="{role}"/>"#)
            })
            .collect();
        format!("<connections>{connections}</connections>")
    }

    fn component(&mut self) -> Result<(), String> {
        let component = self.component;
        let tested = format!("{FLOW}\\Tested");
        let mut inputs = String::new();
        for feed in self.feeds {
            let default = InputToml {
                name: feed.input.to_owned(),
                on_error: None,
                columns: None,
                unmapped: Vec::new(),
                properties: BTreeMap::new(),
            };
            let input = component
                .inputs
                .iter()
                .find(|input| input.name == feed.input)
                .unwrap_or(&default);
            inputs.push_str(&self.input(feed, input)?);
        }
        let mut outputs = String::new();
        for output in &component.outputs {
            outputs.push_str(&self.output(output)?);
        }
        let locale = component.locale.map(|id| format!(r#" localeId="{id}""#));
        let properties = self.properties(&component.properties);
        let _ = write!(
            self.components,
            r#"<component refId="{tested}" componentClassID="{}" name="Tested"{}>{properties}{}<inputs>{inputs}</inputs><outputs>{outputs}</outputs></component>"#,
            component.class,
            locale.unwrap_or_default(),
            self.connections()
        );
        Ok(())
    }

    fn input(&self, feed: &Feed<'_>, input: &InputToml) -> Result<String, String> {
        let id = format!("{FLOW}\\Tested.Inputs[{}]", feed.input);
        let all: Vec<ColumnToml> = feed
            .columns
            .iter()
            .map(|column| ColumnToml::named(&column.name))
            .collect();
        let mut columns = String::new();
        let mut external_columns = Vec::new();
        for column in input.columns.as_ref().unwrap_or(&all) {
            let arriving = feed.columns.iter().find(|one| one.name == column.name);
            let kind = arriving
                .map(|one| type_attributes(&one.type_text))
                .transpose()?
                .unwrap_or_default();
            let lineage = self.fed(feed.input, &column.name);
            let external = column.external.as_ref().unwrap_or(&column.name);
            let of_feed = arriving.map(|one| one.type_text.as_str());
            external_columns.extend(
                column
                    .kind
                    .as_deref()
                    .or(of_feed)
                    .map(|kind| (external.as_str(), kind)),
            );
            let _ = write!(
                columns,
                r#"<inputColumn refId="{id}.Columns[{0}]" lineageId="{lineage}" cachedName="{0}"{kind}{1} externalMetadataColumnId="{id}.Ext[{external}]">{2}</inputColumn>"#,
                column.name,
                column.attributes(),
                self.properties(&column.properties)
            );
        }
        let unmapped = input.unmapped.iter();
        external_columns
            .extend(unmapped.filter_map(|one| Some((one.name.as_str(), one.kind.as_deref()?))));
        let external = self.external(&id, &external_columns)?;
        let properties = self.properties(&input.properties);
        let on_error = input
            .on_error
            .as_ref()
            .map(|disposition| format!(r#" errorRowDisposition="{disposition}""#));
        Ok(format!(
            r#"<input refId="{id}" name="{}"{}>{properties}<inputColumns>{columns}</inputColumns>{external}</input>"#,
            feed.input,
            on_error.unwrap_or_default()
        ))
    }

    fn output(&self, output: &OutputToml) -> Result<String, String> {
        let id = format!("{FLOW}\\Tested.Outputs[{}]", output.name);
        let mut columns = output.columns.clone();
        if output.error {
            columns.extend([("ErrorCode", 1), ("ErrorColumn", 2)].map(|(name, flags)| {
                ColumnToml {
                    kind: Some("i4".to_owned()),
                    flags,
                    ..ColumnToml::named(name)
                }
            }));
        }
        let mut text = String::new();
        for column in &columns {
            let kind = column
                .kind
                .as_deref()
                .ok_or_else(|| format!("output column {} has no type", column.name))?;
            let external = column.external.as_ref().unwrap_or(&column.name);
            let _ = write!(
                text,
                r#"<outputColumn refId="{id}.Columns[{0}]" lineageId="{id}.Columns[{0}]" name="{0}"{1}{2} sortKeyPosition="{3}" specialFlags="{4}" externalMetadataColumnId="{id}.Ext[{external}]">{5}</outputColumn>"#,
                column.name,
                type_attributes(kind)?,
                column.attributes(),
                column.sort,
                column.flags,
                self.properties(&column.properties)
            );
        }
        let synchronous = output
            .input
            .as_ref()
            .map(|input| format!(r#" synchronousInputId="{FLOW}\Tested.Inputs[{input}]""#));
        let on_error = output
            .on_error
            .as_ref()
            .map(|disposition| format!(r#" errorRowDisposition="{disposition}""#));
        let external_columns: Vec<(&str, &str)> = columns
            .iter()
            .filter_map(|column| {
                let external = column.external.as_ref().unwrap_or(&column.name);
                Some((external.as_str(), column.kind.as_deref()?))
            })
            .collect();
        let external = self.external(&id, &external_columns)?;
        let properties = self.properties(&output.properties);
        Ok(format!(
            r#"<output refId="{id}" name="{}" isErrorOut="{}" isSorted="{}" exclusionGroup="{}"{}{}>{properties}<outputColumns>{text}</outputColumns>{external}</output>"#,
            output.name,
            output.error,
            output.sorted,
            output.group,
            synchronous.unwrap_or_default(),
            on_error.unwrap_or_default()
        ))
    }

    /// The columns of the file, or those that the component's own are mapped to in the database.
    fn external(&self, id: &str, of_database: &[(&str, &str)]) -> Result<String, String> {
        let mut columns = String::new();
        let of_database = of_database
            .iter()
            .filter(|_| self.component.database.is_some());
        for (name, kind) in of_database {
            columns.push_str(&external_column(id, name, kind)?);
        }
        for column in self
            .component
            .connection
            .iter()
            .flat_map(|connection| &connection.columns)
        {
            columns.push_str(&external_column(id, &column.name, &column.kind)?);
        }
        Ok(format!(
            "<externalMetadataColumns>{columns}</externalMetadataColumns>"
        ))
    }

    /// A DataReader destination after an output of the component.
    fn reader(&mut self, output: &str) -> Result<(), String> {
        let id = format!("{FLOW}\\{output}");
        let known = self.component.outputs.iter().find(|one| one.name == output);
        let known = known.ok_or_else(|| format!("the component has no output `{output}`"))?;
        let mut lineages: Vec<String> = Vec::new();
        if let Some(input) = &known.input {
            let feed = self.feeds.iter().find(|feed| feed.input == input);
            let feed = feed.ok_or_else(|| format!("no rows are given for the input `{input}`"))?;
            lineages.extend(
                feed.columns
                    .iter()
                    .map(|column| self.fed(input, &column.name)),
            );
        }
        let own = known.columns.iter().map(|column| column.name.as_str());
        let errors: &[&str] = if known.error {
            &["ErrorCode", "ErrorColumn"]
        } else {
            &[]
        };
        let own = own.chain(errors.iter().copied());
        lineages
            .extend(own.map(|name| format!("{FLOW}\\Tested.Outputs[{output}].Columns[{name}]")));
        let columns: String = lineages
            .iter()
            .map(|lineage| {
                let name = lineage.rsplit_once('[').map_or("", |(_, name)| name.trim_end_matches(']'));
                format!(r#"<inputColumn refId="{id}.Inputs[In].Columns[{lineage}]" lineageId="{lineage}" cachedName="{name}"/>"#)
            })
            .collect();
        let _ = write!(
            self.components,
            r#"<component refId="{id}" componentClassID="Microsoft.DataReaderDestinationAdapter" name="{output}"><inputs><input refId="{id}.Inputs[In]" name="In"><inputColumns>{columns}</inputColumns></input></inputs></component>"#
        );
        self.path(
            &format!("{FLOW}\\Tested.Outputs[{output}]"),
            &format!("{id}.Inputs[In]"),
        );
        Ok(())
    }

    fn properties(&self, properties: &BTreeMap<String, toml::Value>) -> String {
        let friendly = properties.get("Expression").map(|value| {
            let text = plain(value).replace('{', "[").replace('}', "]");
            format!(
                r#"<property name="FriendlyExpression">{}</property>"#,
                escaped(&text)
            )
        });
        let properties: String = properties
            .iter()
            .map(|(name, value)| {
                format!(
                    r#"<property name="{name}">{}</property>"#,
                    escaped(&self.referring(&plain(value)))
                )
            })
            .collect();
        format!(
            "<properties>{properties}{}</properties>",
            friendly.unwrap_or_default()
        )
    }

    /// `{a}`, `{Left/a}` and `{id:Left/a}` replaced; braces around anything else stay.
    fn referring(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((inside, behind)) = after.split_once('}') else {
                break;
            };
            out.push_str(before);
            match self.reference(inside) {
                Some(id) => {
                    let _ = write!(out, "#{{{id}}}");
                }
                None => {
                    let _ = write!(out, "{{{inside}}}");
                }
            }
            rest = behind;
        }
        out + rest
    }

    fn reference(&self, inside: &str) -> Option<String> {
        let has = |feed: &Feed<'_>, column: &str| feed.columns.iter().any(|one| one.name == column);
        if let Some((place, column)) = inside
            .strip_prefix("id:")
            .and_then(|rest| rest.split_once('/'))
        {
            return Some(format!("{FLOW}\\Tested.Inputs[{place}].Columns[{column}]"));
        }
        match inside.split_once('/') {
            Some((place, column))
                if self
                    .feeds
                    .iter()
                    .any(|feed| feed.input == place && has(feed, column)) =>
            {
                Some(self.fed(place, column))
            }
            Some((place, column)) => {
                let known = self
                    .component
                    .outputs
                    .iter()
                    .any(|output| output.name == place);
                known.then(|| format!("{FLOW}\\Tested.Outputs[{place}].Columns[{column}]"))
            }
            None => self
                .feeds
                .iter()
                .find(|feed| has(feed, inside))
                .map(|feed| self.fed(feed.input, inside)),
        }
    }
}

impl ColumnToml {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: None,
            properties: BTreeMap::new(),
            usage: None,
            error: None,
            truncation: None,
            sort: 0,
            flags: 0,
            external: None,
        }
    }

    fn attributes(&self) -> String {
        let named = [
            ("usageType", &self.usage),
            ("errorRowDisposition", &self.error),
            ("truncationRowDisposition", &self.truncation),
        ];
        named
            .iter()
            .filter_map(|(name, value)| Some(format!(r#" {name}="{}""#, value.as_ref()?)))
            .collect()
    }
}

fn external_column(id: &str, name: &str, kind: &str) -> Result<String, String> {
    let kind = type_attributes(kind)?;
    Ok(format!(
        r#"<externalMetadataColumn refId="{id}.Ext[{name}]" name="{name}"{kind}/>"#
    ))
}

fn type_attributes(text: &str) -> Result<String, String> {
    let kind = TypeText::parse(text)?;
    Ok(format!(
        r#" dataType="{}" length="{}" precision="{}" scale="{}" codePage="{}""#,
        kind.name, kind.length, kind.precision, kind.scale, kind.code_page
    ))
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(truth) => truth.to_string(),
        other => panic!("a property cannot be {other:?}"),
    }
}

/// Delimiters and qualifiers as packages have them: `_x000A_` for what is no letter or digit.
fn hexed(property: &str, text: &str) -> String {
    if !(property.ends_with("Delimiter") || property == "TextQualifier") || text == "<none>" {
        return text.to_owned();
    }
    text.chars()
        .map(|one| {
            if one.is_alphanumeric() {
                one.to_string()
            } else {
                format!("_x{:04X}_", one as u32)
            }
        })
        .collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\n', "&#xA;")
}
