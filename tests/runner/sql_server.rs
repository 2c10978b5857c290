//! A SQL Server for journeys: the TDS test server, with the procedures that tasks call.
//!
//! Those of msdb do nothing but leave what they were called with in the table `calls`, which the journey makes. There is
//! one database snapshot, `Sales_Snapshot`. `usp_totals` yields a row, returns 7, and hands three values back.

use std::path::Path;

use tds_server::{Answer, Options, Procedure, Server, SqlError, Value};

const PASSWORD: &str = "Passw0rd!";

/// Procedures, and their parameters.
const PROCEDURES: [(&str, &[&str]); 5] = [
    ("sp_delete_backuphistory", &["@oldest_date"]),
    ("sp_purge_jobhistory", &["@oldest_date"]),
    (
        "sp_maintplan_delete_log",
        &["@plan_id", "@subplan_id", "@oldest_time"],
    ),
    ("sp_start_job", &["@job_id"]),
    ("sp_notify_operator", &["@name", "@subject", "@body"]),
];

pub fn start(folder: &Path) -> Result<Server, String> {
    let options = Options {
        database: Some(folder.join("server.db")),
        password: PASSWORD.to_owned(),
        procedures: PROCEDURES
            .iter()
            .map(|(name, parameters)| noted(name, parameters))
            .chain([snapshot(), totals()])
            .collect(),
        ..Options::default()
    };
    Server::start(options).map_err(|error| error.to_string())
}

pub fn address(server: &Server) -> String {
    let port = server.port();
    format!("mssql://sa:{PASSWORD}@127.0.0.1:{port}/Sales?encrypt=no")
}

fn noted(name: &'static str, parameters: &[&str]) -> Procedure {
    Procedure::new(name, parameters, move |values| {
        let mut call = name.to_owned();
        for (parameter, value) in values {
            if let Value::Text(text) = value {
                call.push_str(&format!(" {parameter}={text}"));
            }
        }
        let call = call.replace('\'', "''");
        Ok(Answer {
            batch: Some(format!("INSERT INTO dbo.calls VALUES (N'{call}')")),
            ..Answer::default()
        })
    })
}

fn snapshot() -> Procedure {
    let parameters = ["@db_snapshot", "@lastLSN", "@lastLSN_str"];
    Procedure::new("sp_cdc_dbsnapshotLSN", &parameters, |values| {
        let name = values.first().map(|(_, name)| name.clone());
        if name != Some(Value::Text("Sales_Snapshot".to_owned())) {
            let message = "The database snapshot does not exist.";
            return Err(SqlError::new(22838, message));
        }
        let lsn = Value::Blob(vec![0, 0, 0, 0x2A, 0, 0, 0, 0x44, 0, 1]);
        Ok(Answer {
            outputs: vec![("@lastLSN".to_owned(), lsn)],
            ..Answer::default()
        })
    })
}

fn totals() -> Procedure {
    let parameters = ["@region", "@count", "@total", "@label"];
    Procedure::new("dbo.usp_totals", &parameters, |values| {
        let region = values.iter().find(|(name, _)| name == "@region");
        let region = match region {
            Some((_, Value::Text(region))) => region.clone(),
            _ => return Err(SqlError::new(50_000, "a region is wanted")),
        };
        Ok(Answer {
            status: 7,
            outputs: vec![
                ("@count".to_owned(), Value::Integer(3)),
                ("@total".to_owned(), Value::Text("12.50".to_owned())),
                ("@label".to_owned(), Value::Text(format!("{region}: drei"))),
            ],
            batch: Some("SELECT @region AS region".to_owned()),
        })
    })
}
