//! ProfileInput: the requests, as the package stores them.

use dtsx::{Document, Element};
use fletching_connections::database::TableName;

use super::patterns::Settings;

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub(super) requests: Vec<Request>,
    /// Requests that are not supported: for a person.
    pub(super) unsupported: Vec<String>,
    /// 0 for none.
    pub(super) timeout_seconds: u32,
    /// The requests as they stand in the package: the output repeats them.
    pub(super) text: String,
}

#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) id: String,
    /// Id of a connection manager.
    pub(super) source: String,
    pub(super) table: TableName,
    /// `None`: all that the profile is for.
    pub(super) column: Option<String>,
    /// Columns of a key; `None` for a wildcard.
    pub(super) key: Vec<Option<String>>,
    /// What is asked of patterns; of no other profile.
    pub(super) patterns: Settings,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    NullRatio,
    Statistics,
    Length {
        ignores_leading: bool,
        ignores_trailing: bool,
    },
    /// Values of at least this part of the rows are listed.
    Values {
        threshold: f64,
    },
    Key {
        threshold: Threshold,
        violations_max: usize,
    },
    Patterns,
}

/// Which keys are reported.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Threshold {
    None,
    /// Those that are stronger.
    Specified(f64),
    Exact,
}

impl Input {
    /// # Errors
    /// What is wrong with it, for a person.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let text = text.trim().trim_start_matches('\u{feff}');
        // The declaration says UTF-16, which it is not here.
        let text = match text.strip_prefix("<?xml") {
            Some(rest) => rest.split_once("?>").map_or("", |(_, rest)| rest),
            None => text,
        };
        if text.trim().is_empty() {
            return Err("its ProfileInput is empty: it asks for no profile".to_owned());
        }
        let document = Document::read(text.as_bytes());
        let document = document.map_err(|error| format!("its ProfileInput: {error}"))?;
        let input = document.root().child("DataProfileInput");
        let input = input.ok_or("its ProfileInput has no element `DataProfileInput`")?;
        let mut found = Self {
            requests: Vec::new(),
            unsupported: Vec::new(),
            timeout_seconds: 0,
            text: String::new(),
        };
        if let Some(mode) = input.child("ProfileMode").map(Element::text)
            && mode.trim() != "Exact"
        {
            let mode = mode.trim();
            let message = format!("ProfileMode `{mode}` is not supported: Exact is");
            found.unsupported.push(message);
        }
        if let Some(timeout) = input.child("Timeout").map(Element::text) {
            let seconds = timeout.trim().parse();
            found.timeout_seconds =
                seconds.map_err(|_| format!("its Timeout is `{timeout}`: seconds are wanted"))?;
        }
        if let Some(requests) = input.child("Requests") {
            for request in requests.children() {
                found.add(request)?;
            }
            found.text = requests.inner_xml().trim().to_owned();
        }
        match found.requests.is_empty() && found.unsupported.is_empty() {
            true => Err("its ProfileInput asks for no profile".to_owned()),
            false => Ok(found),
        }
    }

    fn add(&mut self, element: Element<'_>) -> Result<(), String> {
        let class = element.local_name();
        let id = element.attribute("ID").unwrap_or_default().into_owned();
        let label = format!("{class} `{id}`");
        let kind = kind(element).map_err(|error| format!("{label}: {error}"))?;
        let Some(kind) = kind else {
            let known = "null ratio, statistics, length and value distribution and patterns of columns, and candidate keys are";
            self.unsupported.push(match class {
                "FunctionalDependencyProfileRequest" | "InclusionProfileRequest" => format!(
                    "{label} is not supported: no profile of this kind that SSIS wrote is known, so its form is not; delete the request from the task's requests, to have the others: {known} supported"
                ),
                _ => format!("{label} is not supported: {known}"),
            });
            return Ok(());
        };
        let patterns = match kind {
            Kind::Patterns => patterns(element).map_err(|error| format!("{label}: {error}"))?,
            _ => Settings::default(),
        };
        if kind == Kind::Patterns
            && text(element, "TagTableName").is_some_and(|name| !name.is_empty())
        {
            self.unsupported.push(format!(
                "{label} has a TagTableName, which is not supported: leave it empty"
            ));
            return Ok(());
        }
        let table = element.child("Table");
        let part = |name: &str| {
            let part = table.and_then(|table| table.attribute(name));
            part.unwrap_or_default().into_owned()
        };
        let (schema, name) = (part("Schema"), part("Table"));
        if name.is_empty() {
            return Err(format!("{label}: it names no table"));
        }
        let parts = [schema, name].into_iter().filter(|part| !part.is_empty());
        let mut column = None;
        let mut key = Vec::new();
        let nameless = || format!("{label}: it names no column");
        if matches!(kind, Kind::Key { .. }) {
            let columns = element.child("KeyColumns");
            for one in columns.iter().flat_map(|all| all.children()) {
                key.push(column_of(one).ok_or_else(nameless)?);
            }
            if key.is_empty() {
                return Err(nameless());
            }
        } else {
            let one = element.child("Column").and_then(column_of);
            column = one.ok_or_else(nameless)?;
        }
        self.requests.push(Request {
            source: text(element, "DataSourceID").unwrap_or_default(),
            table: TableName {
                parts: parts.collect(),
            },
            column,
            key,
            patterns,
            kind,
            id,
        });
        Ok(())
    }

    /// Ids of the connection managers.
    pub(super) fn sources(&self) -> Vec<&str> {
        let mut sources: Vec<&str> = Vec::new();
        for request in &self.requests {
            if !sources.contains(&request.source.as_str()) {
                sources.push(&request.source);
            }
        }
        sources
    }

    /// The requests of each table.
    pub(super) fn tables(&self) -> Vec<(&str, &TableName, Vec<&Request>)> {
        let mut tables: Vec<(&str, &TableName, Vec<&Request>)> = Vec::new();
        for request in &self.requests {
            let known = tables
                .iter_mut()
                .find(|(source, table, _)| *source == request.source && **table == request.table);
            match known {
                Some((_, _, requests)) => requests.push(request),
                None => tables.push((&request.source, &request.table, vec![request])),
            }
        }
        tables
    }
}

/// The text of a child element.
fn text(element: Element<'_>, name: &str) -> Option<String> {
    let child = element.child(name)?;
    Some(child.text().trim().to_owned())
}

/// The column that an element names: `Some(None)` for a wildcard.
fn column_of(element: Element<'_>) -> Option<Option<String>> {
    let wildcard = element.attribute("IsWildCard");
    if wildcard.is_some_and(|one| one == "true" || one == "1") {
        return Some(None);
    }
    let named = element.attribute("ColumnName");
    let named = named.filter(|name| !name.is_empty());
    named.map(|name| Some(name.into_owned()))
}

/// What is asked of a key.
fn key(element: Element<'_>) -> Result<Kind, String> {
    let threshold =
        match text(element, "ThresholdSetting").as_deref() {
            Some("None") => Threshold::None,
            Some("Exact") => Threshold::Exact,
            None | Some("" | "Specified") => {
                let number = text(element, "KeyStrengthThreshold");
                let number = number.as_deref().unwrap_or("0.95");
                let threshold = number.parse();
                Threshold::Specified(threshold.map_err(|_| {
                    format!("KeyStrengthThreshold is `{number}`: a number is wanted")
                })?)
            }
            Some(other) => {
                return Err(format!(
                    "ThresholdSetting is `{other}`: None, Specified or Exact is wanted"
                ));
            }
        };
    let violations = text(element, "MaxNumberOfViolations");
    let violations = violations.as_deref().unwrap_or("100");
    Ok(Kind::Key {
        threshold,
        violations_max: violations.parse().map_err(|_| {
            format!("MaxNumberOfViolations is `{violations}`: a whole number is wanted")
        })?,
    })
}

/// What is asked of patterns.
fn patterns(element: Element<'_>) -> Result<Settings, String> {
    let number = |name: &str, preset: &str, most: f64| {
        let number = text(element, name).filter(|number| !number.is_empty());
        let number = number.as_deref().unwrap_or(preset);
        let wanted = number.parse().ok().filter(|one| (0.0..=most).contains(one));
        wanted.ok_or_else(|| format!("{name} is `{number}`: a number of 0 to {most} is wanted"))
    };
    let characters = |name: &str| {
        let text = text(element, name).unwrap_or_default();
        let text = text.replace(r"\\", "\0").replace(r"\t", "\t");
        let text = text.replace(r"\r", "\r").replace(r"\n", "\n");
        text.replace('\0', r"\")
    };
    Ok(Settings {
        delimiters: characters("Delimiters"),
        symbols: characters("Symbols"),
        counts_case: flag(element, "CaseSensitive")?,
        patterns_max: number("MaxNumberOfPatterns", "10", 1000.0)? as usize,
        coverage: number("PercentageDataCoverageDesired", "95", 100.0)?,
    })
}

/// A child element that is true or false.
fn flag(element: Element<'_>, name: &str) -> Result<bool, String> {
    match text(element, name).as_deref() {
        None | Some("" | "false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(other) => Err(format!("{name} is `{other}`: true or false is wanted")),
    }
}

/// What profile a request is for; `None` for one that is not supported.
fn kind(element: Element<'_>) -> Result<Option<Kind>, String> {
    Ok(Some(match element.local_name() {
        "ColumnNullRatioProfileRequest" => Kind::NullRatio,
        "ColumnStatisticsProfileRequest" => Kind::Statistics,
        "ColumnLengthDistributionProfileRequest" => Kind::Length {
            ignores_leading: flag(element, "IgnoreLeadingSpace")?,
            ignores_trailing: flag(element, "IgnoreTrailingSpace")?,
        },
        "ColumnValueDistributionProfileRequest" => Kind::Values {
            threshold: match text(element, "Option").as_deref() {
                Some("AllValues") => 0.0,
                None | Some("" | "FrequentValues") => {
                    let number = text(element, "FrequentValueThreshold");
                    let number = number.as_deref().unwrap_or("0.001");
                    number.parse().map_err(|_| {
                        format!("FrequentValueThreshold is `{number}`: a number is wanted")
                    })?
                }
                Some(other) => {
                    return Err(format!(
                        "Option is `{other}`: AllValues or FrequentValues is wanted"
                    ));
                }
            },
        },
        "CandidateKeyProfileRequest" => key(element)?,
        "ColumnPatternProfileRequest" => Kind::Patterns,
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(requests: &str) -> Result<Input, String> {
        Input::read(&format!(
            r#"<?xml version="1.0" encoding="utf-16"?><DataProfile xmlns="http://schemas.microsoft.com/sqlserver/2008/DataDebugger/"><DataProfileInput><ProfileMode>Exact</ProfileMode><Timeout>30</Timeout><Requests>{requests}</Requests></DataProfileInput></DataProfile>"#
        ))
    }

    #[test]
    fn requests_are_read() {
        let table = r#"<DataSourceID>{1}</DataSourceID><Table Schema="dbo" Table="Sales"/>"#;
        let input = read(&format!(
            r#"<ColumnNullRatioProfileRequest ID="a">{table}<Column IsWildCard="true"/></ColumnNullRatioProfileRequest><ColumnValueDistributionProfileRequest ID="b">{table}<Column IsWildCard="false" ColumnName="Town"/><Option>FrequentValues</Option><FrequentValueThreshold>0.5</FrequentValueThreshold></ColumnValueDistributionProfileRequest><InclusionProfileRequest ID="p"/><CandidateKeyProfileRequest ID="k">{table}<KeyColumns><Column IsWildCard="true"/><Column ColumnName="Id"/></KeyColumns><ThresholdSetting>Exact</ThresholdSetting></CandidateKeyProfileRequest>"#
        ))
        .unwrap();
        assert_eq!(input.timeout_seconds, 30);
        assert_eq!(input.unsupported.len(), 1);
        let [one, other, key] = input.requests.as_slice() else {
            panic!("{input:?}")
        };
        assert_eq!((one.kind, one.column.as_deref()), (Kind::NullRatio, None));
        assert_eq!(other.kind, Kind::Values { threshold: 0.5 });
        assert_eq!(other.column.as_deref(), Some("Town"));
        assert_eq!(key.key, [None, Some("Id".to_owned())]);
        let (threshold, violations_max) = (Threshold::Exact, 100);
        let kind = Kind::Key {
            threshold,
            violations_max,
        };
        assert_eq!(key.kind, kind);
        assert_eq!(input.tables().len(), 1);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let request = |inner: &str| {
            let text = format!(
                "<ColumnStatisticsProfileRequest ID='a'>{inner}</ColumnStatisticsProfileRequest>"
            );
            read(&text).unwrap_err()
        };
        assert!(request("").contains("no table"));
        assert!(request("<Table Table='t'/><Column/>").contains("no column"));
        assert!(read("").unwrap_err().contains("no profile"));
        assert!(Input::read("").unwrap_err().contains("empty"));
        assert!(
            Input::read("<a/>")
                .unwrap_err()
                .contains("DataProfileInput")
        );
        assert!(Input::read("<a>").is_err());
    }
}
