//! Writes the profile: XML of the namespace `DataDebugger`.

use std::fmt::{Display, Write};

use arrow::datatypes::DataType;
use fletching_connections::database::{TableColumn, TableName};

use super::{
    input::{Input, Kind},
    keys::Key,
    measure::{Found, Measure},
    value,
};

const NAMESPACE: &str = "http://schemas.microsoft.com/sqlserver/2008/DataDebugger/";

/// The profiles of a table.
#[derive(Debug)]
pub(super) struct TableProfile<'t> {
    /// Id of the connection manager.
    pub(super) source: &'t str,
    pub(super) server: String,
    pub(super) database: String,
    pub(super) table: &'t TableName,
    pub(super) rows: u64,
    pub(super) measures: Vec<Measure>,
}

/// The profile as text; `sources` are ids and names of connection managers.
pub(super) fn write(
    input: &Input,
    sources: &[(&str, &str)],
    tables: &[TableProfile<'_>],
) -> String {
    let mut out = Writer {
        text: String::from("<?xml version=\"1.0\"?>\n"),
        depth: 0,
    };
    out.open(&format!(
        "DataProfile xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns=\"{NAMESPACE}\""
    ));
    out.leaf("ProfileVersion", "1.0");
    out.open("DataSources");
    for (id, name) in sources {
        out.open(&format!(
            "DtsDataSource ID=\"{}\" Name=\"{}\"",
            escaped(id),
            escaped(name)
        ));
        out.leaf("DtsConnectionManagerID", name);
        out.close("DtsDataSource");
    }
    out.close("DataSources");
    out.open("DataProfileInput");
    out.leaf("ProfileMode", "Exact");
    out.leaf("Timeout", input.timeout_seconds);
    out.open("Requests");
    out.line(&input.text);
    out.close("Requests");
    out.close("DataProfileInput");
    out.open("DataProfileOutput");
    out.open("Profiles");
    for table in tables {
        for measure in table
            .measures
            .iter()
            .filter(|one| one.has_values(table.rows))
        {
            out.profile(table, measure);
        }
    }
    out.close("Profiles");
    out.close("DataProfileOutput");
    out.close("DataProfile");
    out.text
}

struct Writer {
    text: String,
    depth: usize,
}

impl Writer {
    fn line(&mut self, line: &str) {
        for _ in 0..self.depth {
            self.text.push_str("  ");
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn open(&mut self, tag: &str) {
        self.line(&format!("<{tag}>"));
        self.depth += 1;
    }

    fn close(&mut self, name: &str) {
        self.depth -= 1;
        self.line(&format!("</{name}>"));
    }

    fn leaf(&mut self, name: &str, value: impl Display) {
        let value = escaped(&value.to_string());
        self.line(&format!("<{name}>{value}</{name}>"));
    }

    fn profile(&mut self, table: &TableProfile<'_>, measure: &Measure) {
        let class = match measure.kind {
            Kind::NullRatio => "ColumnNullRatioProfile",
            Kind::Statistics => "ColumnStatisticsProfile",
            Kind::Length { .. } => "ColumnLengthDistributionProfile",
            Kind::Values { .. } => "ColumnValueDistributionProfile",
            Kind::Key { .. } => "CandidateKeyProfile",
            Kind::Patterns => "ColumnPatternProfile",
        };
        let request = escaped(&measure.request);
        // The order is that of SSIS, class by class.
        self.open(&match measure.kind {
            Kind::NullRatio | Kind::Length { .. } | Kind::Patterns => {
                format!("{class} ProfileRequestID=\"{request}\" IsExact=\"true\"")
            }
            Kind::Statistics | Kind::Values { .. } | Kind::Key { .. } => {
                format!("{class} IsExact=\"true\" ProfileRequestID=\"{request}\"")
            }
        });
        self.leaf("DataSourceID", table.source);
        let rows = match measure.is_known() {
            true => "-1".to_owned(),
            false => table.rows.to_string(),
        };
        let mut tag = String::from("<Table");
        for (name, value) in [
            ("DataSource", table.server.as_str()),
            ("Database", &table.database),
            ("Schema", table.table.schema().unwrap_or_default()),
            ("Table", table.table.table()),
            ("RowCount", &rows),
        ] {
            push(&mut tag, name, value);
        }
        self.line(&format!("{tag} />"));
        let is_key = matches!(measure.kind, Kind::Key { .. });
        if is_key {
            self.open("KeyColumns");
        }
        for one in &measure.columns {
            self.line(&column(one));
        }
        if is_key {
            self.close("KeyColumns");
        }
        if let Kind::Length {
            ignores_leading,
            ignores_trailing,
        } = measure.kind
        {
            self.leaf("IgnoreLeadingSpace", ignores_leading);
            self.leaf("IgnoreTrailingSpace", ignores_trailing);
        }
        self.found(measure, table.rows);
        self.close(class);
    }

    fn found(&mut self, measure: &Measure, rows: u64) {
        match &measure.found {
            Found::Nulls(count) => self.leaf("NullCount", count),
            Found::Statistics(statistics) => {
                if let Some((least, greatest)) = statistics.range() {
                    self.leaf("MinValue", least);
                    self.leaf("MaxValue", greatest);
                }
                if let Some((mean, deviation)) = statistics.moments() {
                    self.leaf("Mean", value::number(mean, 15));
                    self.leaf("StdDev", value::number(deviation, 15));
                }
            }
            Found::Lengths(lengths) => {
                let ends = (lengths.keys().next(), lengths.keys().next_back());
                if let (Some(least), Some(greatest)) = ends {
                    self.leaf("MinLength", least);
                    self.leaf("MaxLength", greatest);
                }
                self.open("LengthDistribution");
                for (length, count) in lengths {
                    self.item(
                        "LengthDistributionItem",
                        "Length",
                        &length.to_string(),
                        *count,
                    );
                }
                self.close("LengthDistribution");
            }
            Found::Values(values) => {
                let threshold = match measure.kind {
                    Kind::Values { threshold } => threshold,
                    _ => 0.0,
                };
                self.leaf("NumberOfDistinctValues", values.len());
                let mut listed: Vec<(&String, &u64)> = values.iter().collect();
                listed.retain(|(_, count)| **count as f64 >= threshold * rows as f64);
                listed.sort_by_cached_key(|(value, _)| {
                    let number: Option<i128> = value.parse().ok();
                    (number.is_none(), number, value.to_lowercase(), *value)
                });
                self.open("ValueDistribution");
                for (value, count) in listed {
                    self.item("ValueDistributionItem", "Value", value, *count);
                }
                self.close("ValueDistribution");
            }
            Found::Key(key) => self.key(key),
            Found::Patterns(patterns) => {
                self.open("TopRegexPatterns");
                for (pattern, frequency) in patterns.finish() {
                    self.open("PatternDistributionItem");
                    self.leaf("RegexText", pattern);
                    self.leaf("Frequency", frequency);
                    self.close("PatternDistributionItem");
                }
                self.close("TopRegexPatterns");
            }
            // A key is finished before it is written.
            Found::Keys(_) => {}
        }
    }

    fn key(&mut self, key: &Key) {
        self.leaf("IsExactKey", key.strength.is_none());
        let Some(strength) = key.strength else {
            return;
        };
        let strength = (strength * 1e6).round() / 1e6;
        self.leaf("KeyStrength", value::number(strength, 15));
        self.open("KeyViolations");
        for (values, count) in &key.violations {
            self.open("MultiColumnValueDistributionItem");
            self.open("ColumnValues");
            for value in values {
                self.leaf("ColumnValue", value);
            }
            self.close("ColumnValues");
            self.leaf("Count", count);
            self.close("MultiColumnValueDistributionItem");
        }
        self.close("KeyViolations");
    }

    fn item(&mut self, name: &str, label: &str, value: &str, count: u64) {
        self.open(name);
        self.leaf(label, value);
        self.leaf("Count", count);
        self.close(name);
    }
}

/// What the database says of a column, in the words of SqlClient.
fn column(column: &TableColumn) -> String {
    let declared = column.declared.to_ascii_lowercase();
    let (word, arguments) = declared.split_once('(').unwrap_or((&declared, ""));
    let numbers = arguments.trim_end_matches([')', ' ']).split(',');
    let numbers: Vec<i64> = numbers.filter_map(|one| one.trim().parse().ok()).collect();
    let class = sql_type(word.trim(), &column.data_type);
    let is_text = column.data_type.is_string();
    let (precision, scale) = digits(class, column);
    let length = match numbers.first() {
        _ if !is_text && !column.data_type.is_binary() => 0,
        Some(first) => *first,
        // As long as anyone likes.
        None => -1,
    };
    let mut tag = String::from("<Column");
    for (name, value) in [
        ("Name", column.name.as_str()),
        ("SqlDbType", class),
        ("MaxLength", &length.to_string()),
        ("Precision", &precision.to_string()),
        ("Scale", &scale.to_string()),
        ("LCID", "-1"),
        ("CodePage", "0"),
        ("IsNullable", if column.nullable { "true" } else { "false" }),
        ("StringCompareOptions", "0"),
    ] {
        push(&mut tag, name, value);
    }
    tag + " />"
}

/// Digits, and those behind the point; 255 where INFORMATION_SCHEMA has NULL.
fn digits(class: &str, column: &TableColumn) -> (i64, i64) {
    match (class, &column.data_type) {
        ("TinyInt", _) => (3, 0),
        ("SmallInt", _) => (5, 0),
        ("Int", _) => (10, 0),
        ("BigInt", _) => (19, 0),
        ("Money", _) => (19, 4),
        ("SmallMoney", _) => (10, 4),
        ("Real", _) => (24, 255),
        ("Float", _) => (53, 255),
        (_, DataType::Decimal128(digits, places) | DataType::Decimal256(digits, places)) => {
            (i64::from(*digits), i64::from(*places))
        }
        _ => (255, 255),
    }
}

/// A member of SqlDbType.
fn sql_type(declared: &str, data_type: &DataType) -> &'static str {
    match declared {
        "char" => "Char",
        "nchar" => "NChar",
        "varchar" => "VarChar",
        "text" if data_type.is_string() => "Text",
        "ntext" => "NText",
        "datetime" => "DateTime",
        "smalldatetime" => "SmallDateTime",
        "tinyint" => "TinyInt",
        "smallint" => "SmallInt",
        "int" => "Int",
        "bigint" => "BigInt",
        "bit" => "Bit",
        "decimal" | "numeric" => "Decimal",
        "money" => "Money",
        "smallmoney" => "SmallMoney",
        "xml" => "Xml",
        _ => match data_type {
            DataType::Boolean => "Bit",
            DataType::Int8 | DataType::Int16 => "SmallInt",
            DataType::UInt8 => "TinyInt",
            DataType::UInt16 | DataType::Int32 => "Int",
            DataType::UInt32 | DataType::UInt64 | DataType::Int64 => "BigInt",
            DataType::Float16 | DataType::Float32 => "Real",
            DataType::Float64 => "Float",
            DataType::Decimal128(..) | DataType::Decimal256(..) => "Decimal",
            DataType::Date32 | DataType::Date64 => "Date",
            DataType::Time32(_) | DataType::Time64(_) => "Time",
            DataType::Timestamp(_, None) => "DateTime2",
            DataType::Timestamp(_, Some(_)) => "DateTimeOffset",
            DataType::FixedSizeBinary(16) => "UniqueIdentifier",
            one if one.is_binary() => "VarBinary",
            _ => "NVarChar",
        },
    }
}

fn push(tag: &mut String, name: &str, value: &str) {
    // A String takes whatever is written.
    let _written = write!(tag, " {name}=\"{}\"", escaped(value));
}

/// As XML has it; what XML has no way to write becomes the replacement character.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for one in text.chars() {
        match one {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\r' => escaped.push_str("&#xD;"),
            '\n' => escaped.push_str("&#xA;"),
            '\t' => escaped.push_str("&#x9;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            one => escaped.push(one),
        }
    }
    escaped
}
