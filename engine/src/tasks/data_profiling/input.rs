//! ProfileInput: the requests, as the package stores them.

use dtsx::{Document, Element};
use fletching_connections::database::TableName;

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
            self.unsupported.push(format!(
                "{label} is not supported: null ratio, statistics, length and value distribution of columns are"
            ));
            return Ok(());
        };
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
        let column = element.child("Column");
        let named = column.and_then(|column| column.attribute("ColumnName"));
        let named = named.filter(|name| !name.is_empty());
        let wildcard = column.and_then(|column| column.attribute("IsWildCard"));
        let is_wildcard = wildcard.is_some_and(|one| one == "true" || one == "1");
        if named.is_none() && !is_wildcard {
            return Err(format!("{label}: it names no column"));
        }
        self.requests.push(Request {
            source: text(element, "DataSourceID").unwrap_or_default(),
            table: TableName {
                parts: parts.collect(),
            },
            column: named.filter(|_| !is_wildcard).map(|name| name.into_owned()),
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

/// What profile a request is for; `None` for one that is not supported.
fn kind(element: Element<'_>) -> Result<Option<Kind>, String> {
    let flag = |name: &str| match text(element, name).as_deref() {
        None | Some("" | "false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(other) => Err(format!("{name} is `{other}`: true or false is wanted")),
    };
    Ok(Some(match element.local_name() {
        "ColumnNullRatioProfileRequest" => Kind::NullRatio,
        "ColumnStatisticsProfileRequest" => Kind::Statistics,
        "ColumnLengthDistributionProfileRequest" => Kind::Length {
            ignores_leading: flag("IgnoreLeadingSpace")?,
            ignores_trailing: flag("IgnoreTrailingSpace")?,
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
            r#"<ColumnNullRatioProfileRequest ID="a">{table}<Column IsWildCard="true"/></ColumnNullRatioProfileRequest><ColumnValueDistributionProfileRequest ID="b">{table}<Column IsWildCard="false" ColumnName="Town"/><Option>FrequentValues</Option><FrequentValueThreshold>0.5</FrequentValueThreshold></ColumnValueDistributionProfileRequest><CandidateKeyProfileRequest ID="k"/>"#
        ))
        .unwrap();
        assert_eq!(input.timeout_seconds, 30);
        assert_eq!(input.unsupported.len(), 1);
        let [one, other] = input.requests.as_slice() else {
            panic!("{input:?}")
        };
        assert_eq!((one.kind, one.column.as_deref()), (Kind::NullRatio, None));
        assert_eq!(other.kind, Kind::Values { threshold: 0.5 });
        assert_eq!(other.column.as_deref(), Some("Town"));
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
