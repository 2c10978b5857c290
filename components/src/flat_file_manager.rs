//! What a flat file connection manager says, typed: shared by the flat file source and destination.

use dtsx::{ConnectionManager, FlatFileColumn};

use crate::{Binding, Finding, Findings};

/// The property names of a FLATFILE connection manager, read once.
#[derive(Debug, Clone)]
pub(crate) struct FlatFileManager {
    pub(crate) name: String,
    pub(crate) format: FileFormat,
    pub(crate) unicode: bool,
    pub(crate) code_page: u32,
    pub(crate) locale_id: u32,
    pub(crate) header_row_delimiter: String,
    pub(crate) header_rows_to_skip: u64,
    pub(crate) data_rows_to_skip: u64,
    pub(crate) names_in_first_row: bool,
    /// `None` for `<none>`.
    pub(crate) text_qualifier: Option<String>,
    pub(crate) always_check_for_row_delimiters: bool,
    pub(crate) columns: Vec<FlatFileColumn>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileFormat {
    Delimited,
    FixedWidth,
    RaggedRight,
}

impl FlatFileManager {
    /// The manager that the component's connection names.
    pub(crate) fn of(binding: &Binding<'_>) -> Result<Self, Findings> {
        let Some(connection) = binding.component.connections.first() else {
            return Err(binding
                .finding("has no connection: choose a flat file connection manager")
                .into());
        };
        let Some(manager) = binding.connections.get(&connection.connection_manager) else {
            let message = format!(
                "its connection names the connection manager `{}`, which is neither in the package nor in its project",
                connection.connection_manager
            );
            return Err(binding.finding(message).into());
        };
        if !manager.creation_name.eq_ignore_ascii_case("FLATFILE") {
            let message = format!(
                "connection manager `{}` is of type {}, which is not supported here yet; FLATFILE is",
                manager.name, manager.creation_name
            );
            return Err(binding.unsupported(message).into());
        }
        Self::read(binding, manager)
    }

    fn read(binding: &Binding<'_>, manager: &ConnectionManager) -> Result<Self, Findings> {
        let properties = &manager.properties;
        let mut findings = Findings::default();
        let format = match properties
            .get("Format")
            .unwrap_or("Delimited")
            .to_ascii_lowercase()
            .as_str()
        {
            "delimited" | "" => FileFormat::Delimited,
            "fixedwidth" => FileFormat::FixedWidth,
            "raggedright" | "mixed" => FileFormat::RaggedRight,
            other => {
                let message = format!(
                    "connection manager `{}`: the format `{other}` is not supported",
                    manager.name
                );
                findings.push(binding.unsupported(message));
                FileFormat::Delimited
            }
        };
        if manager.flat_file_columns.is_empty() {
            let message = format!("connection manager `{}` defines no columns", manager.name);
            findings.push(binding.finding(message));
        }
        check_booleans(binding, manager, &mut findings);
        let mut number = |name: &str| read_number(binding, manager, name, &mut findings);
        let (header_rows_to_skip, data_rows_to_skip) =
            (number("HeaderRowsToSkip"), number("DataRowsToSkip"));
        let (code_page, locale_id) = (number("CodePage"), number("LocaleID"));
        let qualifier = properties.get("TextQualifier").unwrap_or_default();
        let read = Self {
            name: manager.name.clone(),
            format,
            unicode: properties.bool("Unicode").unwrap_or(false),
            code_page: u32::try_from(code_page)
                .ok()
                .filter(|page| *page != 0)
                .unwrap_or(1252),
            locale_id: u32::try_from(locale_id)
                .ok()
                .filter(|id| *id != 0)
                .unwrap_or(binding.locale_id),
            header_row_delimiter: properties
                .get("HeaderRowDelimiter")
                .unwrap_or_default()
                .to_owned(),
            header_rows_to_skip,
            data_rows_to_skip,
            names_in_first_row: properties
                .bool("ColumnNamesInFirstDataRow")
                .unwrap_or(false),
            text_qualifier: (!qualifier.is_empty() && !qualifier.eq_ignore_ascii_case("<none>"))
                .then(|| qualifier.to_owned()),
            always_check_for_row_delimiters: properties
                .bool("AlwaysCheckForRowDelimiters")
                .unwrap_or(true),
            columns: manager.flat_file_columns.clone(),
        };
        findings.none_or(read)
    }
}

/// A value that is neither true nor false would pass for the default.
fn check_booleans(binding: &Binding<'_>, manager: &ConnectionManager, findings: &mut Findings) {
    for name in [
        "Unicode",
        "ColumnNamesInFirstDataRow",
        "AlwaysCheckForRowDelimiters",
    ] {
        let value = manager.properties.get(name).unwrap_or_default().trim();
        if !value.is_empty() && dtsx::parse_bool(value).is_none() {
            let message = format!(
                "connection manager `{}`: {name} is `{value}`, True or False is wanted",
                manager.name
            );
            findings.push(binding.finding(message));
        }
    }
}

/// A count that is absent or empty is 0; anything else that is not a number is a finding.
fn read_number(
    binding: &Binding<'_>,
    manager: &ConnectionManager,
    name: &str,
    findings: &mut Findings,
) -> u64 {
    let text = manager.properties.get(name).unwrap_or_default().trim();
    if text.is_empty() {
        return 0;
    }
    text.parse().unwrap_or_else(|_| {
        let finding: Finding = binding.finding(format!(
            "connection manager `{}`: {name} is `{text}`, a whole number from 0 is wanted",
            manager.name
        ));
        findings.push(finding);
        0
    })
}
