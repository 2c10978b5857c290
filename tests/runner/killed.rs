//! A process that is killed at any moment, and the run after it: by its checkpoint file, no finished task runs twice.
//!
//! Eight tasks, some beside each other, note each of their starts in a file of SQLite. The process is killed after a while
//! that differs from round to round; then the file is read, the package runs to its end, and the starts are counted.

use std::{
    fmt::Write,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use libtest_mimic::{Failed, Trial};
use rusqlite::Connection;
use tempfile::TempDir;

const TASKS: usize = 8;
const ROUNDS: u32 = 12;

pub fn trials() -> Vec<Trial> {
    let trial = Trial::test("killed: no finished task runs twice", || {
        let mut resumed = 0;
        for round in 0..ROUNDS {
            resumed +=
                check(round).map_err(|error| Failed::from(format!("round {round}: {error}")))?;
        }
        // Else the kills came too early or too late to say anything.
        match resumed {
            0 => Err(Failed::from("no run began where another had stopped")),
            _ => Ok(()),
        }
    });
    vec![trial]
}

/// A task that notes its start and is busy for a while.
fn task(number: usize, text: &mut String) {
    let busy = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n &lt; 400000) SELECT max(n) FROM c";
    write!(
        text,
        "<DTS:Executable DTS:refId=\"Package\\T{number}\" DTS:ExecutableType=\"Microsoft.ExecuteSQLTask\" \
         DTS:ObjectName=\"T{number}\" DTS:DTSID=\"{{T{number}}}\"><DTS:ObjectData><S:SqlTaskData \
         xmlns:S=\"www.microsoft.com/sqlserver/dts/tasks/sqltask\" S:Connection=\"Package.ConnectionManagers[Log]\" \
         S:SqlStatementSource=\"INSERT INTO Log VALUES ({number}); {busy}\"/></DTS:ObjectData></DTS:Executable>"
    )
    .unwrap_or_default();
}

fn package() -> String {
    let mut text = "<DTS:Executable xmlns:DTS=\"www.microsoft.com/SqlServer/Dts\" DTS:refId=\"Package\" \
                    DTS:ObjectName=\"Steps\" DTS:DTSID=\"{P}\" DTS:ExecutableType=\"Microsoft.Package\" \
                    DTS:MaxConcurrentExecutables=\"2\" DTS:SaveCheckpoints=\"True\" DTS:CheckpointUsage=\"1\" \
                    DTS:CheckpointFileName=\"steps.checkpoint\"><DTS:Property \
                    DTS:Name=\"PackageFormatVersion\">8</DTS:Property><DTS:ConnectionManagers><DTS:ConnectionManager \
                    DTS:refId=\"Package.ConnectionManagers[Log]\" DTS:CreationName=\"OLEDB\" \
                    DTS:ObjectName=\"Log\"><DTS:ObjectData><DTS:ConnectionManager \
                    DTS:ConnectionString=\"sqlite:log.db\"/></DTS:ObjectData></DTS:ConnectionManager>\
                    </DTS:ConnectionManagers><DTS:Executables>"
        .to_owned();
    (0..TASKS).for_each(|number| task(number, &mut text));
    text.push_str("</DTS:Executables><DTS:PrecedenceConstraints>");
    for number in 2..TASKS {
        let from = number - 2;
        write!(
            text,
            "<DTS:PrecedenceConstraint DTS:refId=\"Package.PrecedenceConstraints[C{number}]\" \
             DTS:ObjectName=\"C{number}\" DTS:From=\"Package\\T{from}\" DTS:To=\"Package\\T{number}\"/>"
        )
        .unwrap_or_default();
    }
    text.push_str("</DTS:PrecedenceConstraints></DTS:Executable>");
    text
}

fn fletch(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fletch"));
    command
        .args(["run", "--quiet", "Steps.dtsx"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// 1 if the second run began where the first had stopped.
fn check(round: u32) -> Result<u32, String> {
    let shown = |error: &dyn std::error::Error| error.to_string();
    let folder = TempDir::new().map_err(|error| shown(&error))?;
    let folder = folder.path();
    std::fs::write(folder.join("Steps.dtsx"), package()).map_err(|error| shown(&error))?;
    let log = Connection::open(folder.join("log.db")).map_err(|error| shown(&error))?;
    log.execute_batch("CREATE TABLE Log (Task integer)")
        .map_err(|error| shown(&error))?;
    let mut first = fletch(folder).spawn().map_err(|error| shown(&error))?;
    let file = folder.join("steps.checkpoint");
    // In every other round the first result is waited for, so that there is something to go on from.
    let patience = Instant::now() + Duration::from_secs(60);
    while round % 2 == 1 && !file.exists() && Instant::now() < patience {
        sleep(Duration::from_millis(1));
    }
    sleep(Duration::from_millis(u64::from(round) * 17));
    first.kill().map_err(|error| shown(&error))?;
    first.wait().map_err(|error| shown(&error))?;
    let finished = match std::fs::read_to_string(&file) {
        Ok(text) => {
            let record: serde_json::Value =
                serde_json::from_str(&text).map_err(|error| shown(&error))?;
            let ids = record["finished"].as_array().cloned().unwrap_or_default();
            let ids = ids
                .iter()
                .filter_map(|one| one["id"].as_str()?.get(2..3)?.parse().ok());
            ids.collect::<Vec<i64>>()
        }
        Err(_) => Vec::new(),
    };
    let second = fletch(folder).output().map_err(|error| shown(&error))?;
    if !second.status.success() {
        return Err(String::from_utf8_lossy(&second.stderr).into_owned());
    }
    if file.exists() {
        return Err("the checkpoint file is still there after a success".to_owned());
    }
    for task in 0..TASKS as i64 {
        let sql = "SELECT count(*) FROM Log WHERE Task = ?1";
        let starts: i64 = log
            .query_row(sql, [task], |row| row.get(0))
            .map_err(|error| shown(&error))?;
        let wanted = if finished.contains(&task) {
            1..=1
        } else {
            1..=2
        };
        if !wanted.contains(&starts) {
            return Err(format!(
                "task {task} has started {starts} times; finished before the kill: {finished:?}"
            ));
        }
    }
    Ok(u32::from(!finished.is_empty()))
}
