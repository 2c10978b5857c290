//! Tables that a package reads and writes, made from its own metadata, and rows for them.
//!
//! Every integer of row *n* is *n*, so that keys meet; texts say their column and row; the other values come from a
//! generator with a fixed seed, and every fifth of them is NULL. Moments have six digits of a second: all that the engine
//! keeps.

use std::{collections::BTreeMap, fmt::Write};

use dtsx::{Component, DataType, ExternalColumn, Package, Payload};

use super::databases::Body;

/// A table by its name in SQLite: `Sales.Orders`, and `Orders` of the schema `dbo`.
#[derive(Debug, Default)]
pub struct Table {
    pub columns: Vec<Column>,
    /// A destination writes it: empty, unless a case asks for rows.
    pub written: bool,
}

#[derive(Debug)]
pub struct Column {
    pub name: String,
    pub kind: DataType,
    /// A key that no input gives.
    identity: bool,
}

/// The tables of some components: those that sources open, that lookups read whole, and that destinations write.
pub fn tables(package: &Package, wanted: impl Fn(&Component) -> bool) -> BTreeMap<String, Table> {
    let mut tables = BTreeMap::new();
    for component in components(package).filter(|component| wanted(component)) {
        let property = |name| component.properties.get(name).unwrap_or_default();
        let names = ["OpenRowset", "TableOrViewName", "BulkInsertTableName"];
        let opened = names
            .map(property)
            .into_iter()
            .find(|name| !name.is_empty());
        let opened = opened.unwrap_or_default();
        match component.class {
            Some("Microsoft.OLEDBSource" | "Microsoft.ADONETSource") if !opened.is_empty() => {
                let output = component.outputs.iter().find(|output| !output.is_error);
                let columns = output.map_or(&[][..], |output| &output.external_columns);
                add(&mut tables, opened, columns, |_| false);
            }
            Some(
                "Microsoft.OLEDBDestination"
                | "Microsoft.ADONETDestination"
                | "Microsoft.SQLServerDestination",
            ) => {
                let Some(input) = component.inputs.first() else {
                    continue;
                };
                let is_given = |column: &ExternalColumn| {
                    let mut columns = input.columns.iter();
                    columns.any(|given| given.external_column_id.as_ref() == Some(&column.id))
                };
                let table = add(&mut tables, opened, &input.external_columns, |column| {
                    column.name.ends_with("Key") && !is_given(column)
                });
                table.written = true;
            }
            Some("Microsoft.Lookup") => {
                if let Some(name) = whole_table(property("SqlCommand")) {
                    let columns = reference(property("ReferenceMetadataXml"));
                    add(&mut tables, name, &columns, |_| false);
                }
            }
            _ => {}
        }
    }
    tables
}

/// Procedures that sources call by `EXEC name ?, ? WITH RESULT SETS ((...))`: each gives the rows of a table of its own,
/// `Source.name`, in the order of the result set, if it gets its parameters.
pub fn procedures(package: &Package, tables: &mut BTreeMap<String, Table>) -> Vec<Body> {
    let mut procedures = Vec::new();
    for component in components(package) {
        let property = |name| component.properties.get(name).unwrap_or_default();
        let command = property("SqlCommand");
        let called = command.strip_prefix("EXEC ");
        let called = called.and_then(|rest| rest.split_whitespace().next());
        let (Some(name), Some((_, set))) = (called, command.split_once("RESULT SETS")) else {
            continue;
        };
        let Some(output) = component.outputs.iter().find(|output| !output.is_error) else {
            continue;
        };
        let table = format!("[Source].[{}]", name.rsplit('.').next().unwrap_or(name));
        add(tables, &table, &output.external_columns, |_| false);
        // `"@LastCutoff:Input",{60BD9010-...};`
        let mapping = match command.contains('?') {
            true => property("ParameterMapping"),
            false => "",
        };
        let parameters: Vec<String> = mapping
            .split(';')
            .filter_map(|mapping| {
                Some(
                    mapping
                        .trim_start_matches('"')
                        .split_once(':')?
                        .0
                        .to_owned(),
                )
            })
            .collect();
        let mut batch = format!("SELECT {} FROM {table}", columns(set).join(", "));
        for (at, parameter) in parameters.iter().enumerate() {
            let word = if at == 0 { "WHERE" } else { "AND" };
            batch.push_str(&format!(" {word} {parameter} IS NOT NULL"));
        }
        procedures.push(Body {
            name: name.to_owned(),
            batch,
            parameters,
        });
    }
    procedures
}

/// The names in `((\n [WWI City ID] int,\n City nvarchar(50)\n ))`, a column a line.
fn columns(set: &str) -> Vec<String> {
    let lines = set.lines().map(str::trim);
    let names = lines.filter_map(|line| match line.strip_prefix('[') {
        Some(rest) => Some(format!("[{}]", rest.split_once(']')?.0)),
        None => {
            let (name, _) = line.split_once(' ')?;
            name.starts_with(|letter: char| letter.is_alphabetic())
                .then(|| format!("[{name}]"))
        }
    });
    names.collect()
}

fn components(package: &Package) -> impl Iterator<Item = &Component> {
    let flows = package
        .executables()
        .filter_map(|executable| match &executable.payload {
            Payload::DataFlow(flow) => Some(flow),
            _ => None,
        });
    flows.flat_map(|flow| flow.components.iter())
}

/// `select * from [dbo].[dim_Product]`
fn whole_table(command: &str) -> Option<&str> {
    let command = command.trim();
    let lower = command.to_ascii_lowercase();
    let name = lower.strip_prefix("select * from ")?.len();
    let table = command.get(command.len() - name..)?;
    // `select * from (select * from [dbo].[DimCurrency]) as refTable where ...`
    (!table.contains('(')).then_some(table)
}

/// Columns of a lookup's `ReferenceMetadataXml`.
fn reference(xml: &str) -> Vec<ExternalColumn> {
    let columns = xml.split("<referenceColumn ").skip(1);
    let parsed = columns.map(|text| {
        let attribute = |name: &str| {
            let from = text.split_once(&format!("{name}=\""))?.1;
            Some(from.split_once('"')?.0.to_owned())
        };
        let number = |name: &str| attribute(name).and_then(|text| text.parse().ok());
        let kind = attribute("dataType").unwrap_or_default();
        ExternalColumn {
            id: String::new(),
            name: attribute("name").unwrap_or_default(),
            data_type: match kind.as_str() {
                "DT_I4" => DataType::I4,
                "DT_I8" => DataType::I8,
                "DT_BOOL" => DataType::Bool,
                "DT_DBDATE" => DataType::DbDate,
                "DT_DBTIMESTAMP" => DataType::DbTimeStamp,
                "DT_NUMERIC" => DataType::Numeric {
                    precision: number("precision").unwrap_or(18),
                    scale: number("scale").unwrap_or(0),
                },
                _ => DataType::WStr {
                    length: number("length").map_or(50, u32::from),
                },
            },
            properties: dtsx::Properties::default(),
        }
    });
    parsed.collect()
}

fn add<'t>(
    tables: &'t mut BTreeMap<String, Table>,
    name: &str,
    columns: &[ExternalColumn],
    identity: impl Fn(&ExternalColumn) -> bool,
) -> &'t mut Table {
    let wanted = sqlite_name(name);
    // Names differ in case only, as SQL Server takes them.
    let known = tables
        .keys()
        .find(|known| known.eq_ignore_ascii_case(&wanted));
    let name = known.cloned().unwrap_or(wanted);
    let table = tables.entry(name).or_default();
    for column in columns {
        let mut known = table.columns.iter_mut();
        match known.find(|known| known.name.eq_ignore_ascii_case(&column.name)) {
            Some(known) => known.identity |= identity(column),
            None => table.columns.push(Column {
                name: column.name.clone(),
                kind: column.data_type,
                identity: identity(column),
            }),
        }
    }
    table
}

/// `[dbo].[Orders]` -> `Orders`, `[Sales].[Orders]` -> `Sales.Orders`
pub fn sqlite_name(name: &str) -> String {
    let plain = name.trim().replace(['[', ']', '"'], "");
    let parts: Vec<&str> = plain.split('.').collect();
    match parts.as_slice() {
        [.., schema, table] if !schema.eq_ignore_ascii_case("dbo") => format!("{schema}.{table}"),
        [.., table] => (*table).to_owned(),
        [] => plain,
    }
}

/// `Sales.Orders` -> `[Sales].[Orders]`
fn bracketed(name: &str) -> String {
    format!("[{}]", name.replacen('.', "].[", 1))
}

/// T-SQL that makes the table and fills it.
pub fn script(name: &str, table: &Table, rows: usize) -> String {
    let mut columns = Vec::new();
    for column in &table.columns {
        // SQLite numbers rows of one column only.
        let identity = column.identity
            && !columns
                .iter()
                .any(|text: &String| text.contains("IDENTITY"));
        let ending = if identity {
            " IDENTITY(1,1) NOT NULL"
        } else {
            " NULL"
        };
        columns.push(format!(
            "[{}] {}{ending}",
            column.name,
            declared(column.kind)
        ));
    }
    let mut script = format!(
        "CREATE TABLE {} ({});\nGO\n",
        bracketed(name),
        columns.join(", ")
    );
    let given: Vec<&Column> = table
        .columns
        .iter()
        .filter(|column| !column.identity)
        .collect();
    let names: Vec<String> = given
        .iter()
        .map(|column| format!("[{}]", column.name))
        .collect();
    let mut random = Random(0x9E37_79B9_7F4A_7C15 ^ name.len() as u64);
    let into = format!("INSERT INTO {} ({})", bracketed(name), names.join(", "));
    for row in 0..rows {
        let values: Vec<String> = given
            .iter()
            .enumerate()
            .map(|(at, column)| value(column, row, at, &mut random))
            .collect();
        let (before, after) = match row % 200 {
            0 => (format!("{into} VALUES\n"), "("),
            _ => (String::new(), ",\n("),
        };
        let end = if row % 200 == 199 || row + 1 == rows {
            ");\n"
        } else {
            ")"
        };
        let _ = write!(script, "{before}{after}{}{end}", values.join(", "));
    }
    script
}

/// The type in T-SQL.
pub fn declared(kind: DataType) -> String {
    match kind {
        DataType::I1 | DataType::I2 | DataType::UI1 => "smallint".to_owned(),
        DataType::I4 | DataType::UI2 => "int".to_owned(),
        DataType::I8 | DataType::UI4 | DataType::UI8 => "bigint".to_owned(),
        DataType::R4 => "real".to_owned(),
        DataType::R8 => "float".to_owned(),
        DataType::Cy => "money".to_owned(),
        DataType::Decimal { scale } => format!("decimal(28, {scale})"),
        DataType::Numeric { precision, scale } => format!("decimal({precision}, {scale})"),
        DataType::Bool => "bit".to_owned(),
        DataType::Str { length, .. } => format!("varchar({length})"),
        DataType::WStr { length } => format!("nvarchar({length})"),
        DataType::Text { .. } => "varchar(max)".to_owned(),
        DataType::Image => "varbinary(max)".to_owned(),
        DataType::Bytes { length } => format!("varbinary({length})"),
        DataType::Guid => "uniqueidentifier".to_owned(),
        DataType::DbDate => "date".to_owned(),
        DataType::DbTime => "time(0)".to_owned(),
        DataType::DbTime2 { scale } => format!("time({scale})"),
        DataType::Date | DataType::DbTimeStamp | DataType::FileTime => "datetime".to_owned(),
        DataType::DbTimeStamp2 { scale } => format!("datetime2({scale})"),
        DataType::DbTimeStampOffset { scale } => format!("datetimeoffset({scale})"),
        DataType::NText | DataType::Null | DataType::Empty => "nvarchar(max)".to_owned(),
    }
}

/// A literal of T-SQL.
fn value(column: &Column, row: usize, at: usize, random: &mut Random) -> String {
    let number = row + 1;
    let text = format!("{} {number}", column.name.replace('\'', ""));
    let drawn = random.below(10_000);
    let short = |length: u32| {
        // The end tells the rows apart.
        let skipped = text.chars().count().saturating_sub(length as usize);
        format!("'{}'", text.chars().skip(skipped).collect::<String>())
    };
    let day = format!("2024-{:02}-{:02}", drawn % 12 + 1, drawn % 28 + 1);
    let time = format!("{:02}:{:02}:{:02}", drawn % 24, drawn % 60, drawn % 59);
    match column.kind {
        DataType::I1 | DataType::UI1 => (number % 100).to_string(),
        DataType::I2 | DataType::I4 | DataType::I8 => number.to_string(),
        DataType::UI2 | DataType::UI4 | DataType::UI8 => number.to_string(),
        DataType::Str { length, .. } => short(length),
        DataType::WStr { length } => format!("N{}", short(length)),
        DataType::Text { .. } | DataType::NText => short(u32::MAX),
        DataType::Guid => format!("'6F9619FF-8B86-D011-B42D-00C04FC9{number:04X}'"),
        _ if at > 0 && (row + at) % 5 == 4 => "NULL".to_owned(),
        DataType::Bool => (drawn % 2).to_string(),
        DataType::R4 | DataType::R8 => format!("{}.5", drawn),
        DataType::Cy => format!("{}.{:04}", drawn, drawn / 2),
        DataType::Decimal { scale } => decimal(drawn, 28, scale),
        DataType::Numeric { precision, scale } => decimal(drawn, precision, scale),
        DataType::Image | DataType::Bytes { .. } => format!("0x{drawn:08X}"),
        DataType::DbTime | DataType::DbTime2 { .. } => format!("'{time}'"),
        DataType::DbDate => format!("'{day}'"),
        DataType::Date | DataType::DbTimeStamp | DataType::FileTime => {
            format!("'{day} {time}.123'")
        }
        DataType::DbTimeStamp2 { .. } => format!("'{day} {time}.123456'"),
        DataType::DbTimeStampOffset { .. } => format!("'{day} {time}.123456 +02:00'"),
        DataType::Null | DataType::Empty => "NULL".to_owned(),
    }
}

fn decimal(drawn: u64, precision: u8, scale: u8) -> String {
    let whole = drawn % 10_u64.pow(u32::from(precision.saturating_sub(scale).min(4)));
    match scale {
        0 => whole.to_string(),
        scale => format!("{whole}.{:01$}", drawn % 10, usize::from(scale)),
    }
}

/// xorshift64*: the same rows everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }
}
