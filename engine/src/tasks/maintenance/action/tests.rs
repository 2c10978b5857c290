//! The generated T-SQL: each line of `statements.tsv` is a task and what is sent for it.
//!
//! Class, attributes (`Name=value;...`, `<Element Attribute=value>` for an element), and the batches with ` GO ` between
//! them, or `!` and a part of what is wrong. The database is `Sal]es`; its indexes and tables are below; the time is
//! 2024-03-01 10:15:30.1234567.

use chrono::{Local, TimeZone};
use dtsx::{Properties, Property};

use super::*;
use crate::tasks::maintenance::databases::Databases;

fn property(text: &str) -> Property {
    let (name, value) = text.split_once('=').unwrap();
    Property {
        name: name.to_owned(),
        value: value.to_owned(),
        ..Property::default()
    }
}

fn table(name: &str) -> Table {
    Table {
        schema: "dbo".to_owned(),
        name: name.to_owned(),
    }
}

fn indexes() -> Vec<Index> {
    let plain = Index {
        table: table("Orders"),
        name: "PK_Orders".to_owned(),
        is_of_rows: true,
        is_padded: false,
        no_recompute: false,
        ignores_duplicates: false,
        row_locks: true,
        page_locks: true,
    };
    let text = Index {
        name: "XML_Orders".to_owned(),
        is_of_rows: false,
        ..plain.clone()
    };
    vec![plain, text]
}

fn sent(action: &Action) -> Vec<String> {
    let now = Local.with_ymd_and_hms(2024, 3, 1, 10, 15, 30).unwrap()
        + chrono::Duration::nanoseconds(123_456_700);
    match action.within() {
        Within::Server => action.of_server(now).unwrap(),
        Within::Database => action.of_database("Sal]es", now),
        Within::Indexes => indexes()
            .iter()
            .filter_map(|one| action.of_index(one))
            .collect(),
        Within::Tables => action.of_table(&table("Orders")).into_iter().collect(),
    }
}

fn found(class: &str, attributes: &str) -> String {
    let (mut properties, mut selected) = (Properties::default(), Vec::new());
    for part in attributes.split(';').filter(|part| !part.is_empty()) {
        match part
            .strip_prefix('<')
            .and_then(|part| part.strip_suffix('>'))
        {
            Some(element) => {
                let (name, attribute) = element.split_once(' ').unwrap();
                let its = Properties::new(vec![property(attribute)]);
                selected.push((name.to_owned(), its));
            }
            None => properties.push(property(part)),
        }
    }
    let reader = Reader::new(&properties, &selected);
    let class = format!("Microsoft.DbMaintenance{class}");
    let action = Action::read(&class, &reader).unwrap();
    if action.within() != Within::Server {
        let selection = Databases::read(&reader);
        assert!(matches!(selection, Databases::All | Databases::These(_)));
    }
    let problems = reader.problems();
    match problems.is_empty() {
        true => sent(&action).join(" GO ").replace('\n', " / "),
        false => format!("!{problems:?}"),
    }
}

#[test]
fn every_task_has_its_statements() {
    let mut seen = 0;
    let lines = include_str!("statements.tsv").lines();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [class, attributes, expected] = fields[..] else {
            panic!("three fields are wanted: {line}");
        };
        let found = found(class, attributes);
        match expected.strip_prefix('!') {
            Some(part) => {
                assert!(
                    found.starts_with('!') && found.contains(part),
                    "{line}\n{found}"
                );
            }
            None => assert_eq!(found, expected, "{line}"),
        }
        seen += 1;
    }
    assert!(seen > 30, "{seen}");
}
