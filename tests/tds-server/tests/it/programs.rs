//! Clients that are programs: FreeTDS' tsql and freebcp, and Microsoft's ODBC driver through isql.
//!
//! A program that is not installed is said and passes, but not where CI is set: there all of them must be.
#![expect(
    clippy::disallowed_methods,
    reason = "a test looks for programs and hands files to them"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tds_server::{Options, Server};

use crate::client::server;

fn on_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// Whether a program is there; without it the test is left.
fn installed(program: &str) -> bool {
    let found = std::env::var_os("PATH").is_some_and(|paths| {
        std::env::split_paths(&paths).any(|folder| folder.join(program).exists())
    });
    assert!(found || !on_ci(), "{program} is not installed");
    if !found {
        println!("{program} is not installed: not tested");
    }
    found
}

/// Microsoft's ODBC driver: the file `MSODBCSQL` names, or that of the wheel `mssql-python-odbc` for `python3`.
fn microsoft_odbc() -> Option<PathBuf> {
    let named = std::env::var_os("MSODBCSQL").map(PathBuf::from);
    let found = named.or_else(in_wheel).filter(|path| path.exists());
    let missing = "the ODBC driver of the wheel mssql-python-odbc is not installed";
    assert!(found.is_some() || !on_ci(), "{missing}");
    if found.is_none() {
        println!("{missing}: not tested");
    }
    found
}

fn in_wheel() -> Option<PathBuf> {
    let script = "import mssql_python_odbc; print(mssql_python_odbc.__path__[0])";
    let output = Command::new("python3").args(["-c", script]).output().ok()?;
    let package = String::from_utf8(output.stdout).ok()?;
    let folder = Path::new(package.trim()).join("libs/linux/debian_ubuntu/x86_64/lib");
    let files = std::fs::read_dir(folder).ok()?.flatten();
    files
        .map(|file| file.path())
        .find(|path| path.to_string_lossy().contains("libmsodbcsql"))
}

fn feed(command: &mut Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn tsql(server: &Server, sql: &str) -> String {
    let port = server.port().to_string();
    feed(
        Command::new("tsql").args([
            "-H",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            "sa",
            "-P",
            "Passw0rd!",
            "-o",
            "q",
        ]),
        &format!("{sql}\ngo\n"),
    )
}

fn freebcp(server: &Server, arguments: &[&str]) -> String {
    let address = format!("127.0.0.1:{}", server.port());
    feed(
        Command::new("freebcp").args(arguments).args([
            "-c",
            "-S",
            &address,
            "-U",
            "sa",
            "-P",
            "Passw0rd!",
        ]),
        "",
    )
}

fn isql(connection: &str, sql: &str) -> String {
    feed(
        Command::new("isql").args(["-v", "-b", "-d|", "-k", connection]),
        sql,
    )
}

#[test]
fn tsql_runs_batches() {
    if !installed("tsql") {
        return;
    }
    for tls in [false, true] {
        let options = Options {
            tls,
            ..Options::default()
        };
        tsql_with(&Server::start(options).unwrap());
    }
}

fn tsql_with(server: &Server) {
    let output = tsql(
        server,
        "create table t (id int, name nvarchar(9), amount decimal(9,2), day date, x varbinary(9))\n\
         insert into t values (1, N'Bö', 1.5, '2024-02-29', 0x0AFF), (2, null, null, null, null)\nselect * from t\nselect top 1 id from t order by id desc",
    );
    assert!(
        output.contains("1\tBö\t1.50\t")
            && output.contains("\t0aff\n")
            && output.ends_with("\n2\n"),
        "{output}"
    );
    let output = tsql(server, "select * from nope\n");
    assert!(
        output.contains("Msg 208") && output.contains("Invalid object name 'nope'."),
        "{output}"
    );
}

#[test]
fn freebcp_loads_and_unloads() {
    if !installed("freebcp") || !installed("tsql") {
        return;
    }
    let server = server();
    tsql(
        &server,
        "create table people (id int primary key, name nvarchar(50), amount decimal(12,2), note varchar(max), old text)",
    );
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("in.tsv"), folder.path().join("out.tsv"));
    let lines: String = (1..=2000)
        .map(|id| format!("{id}\tÄnn {id}\t{id}.25\tnote\told\n"))
        .collect();
    std::fs::write(&from, &lines).unwrap();
    let output = freebcp(
        &server,
        &["people", "in", from.to_str().unwrap(), "-b", "1500"],
    );
    assert!(output.contains("2000 rows copied"), "{output}");
    assert_eq!(
        server
            .recorded()
            .bulk
            .iter()
            .map(|bulk| bulk.rows)
            .collect::<Vec<_>>(),
        [1500, 500]
    );
    let output = freebcp(&server, &["people", "out", to.to_str().unwrap()]);
    assert!(output.contains("2000 rows copied"), "{output}");
    assert_eq!(std::fs::read_to_string(&to).unwrap(), lines);
}

const ODBC_BATCH: &str = "create table t (id int, name nvarchar(20), amount decimal(12,2), at datetime2(3), m money, u uniqueidentifier, old ntext)\n\
    insert into t values (1, N'Bö', 1.5, '2024-02-29 01:02:03.004', 2.5, '6F9619FF-8B86-D011-B42D-00C04FC964FF', N'ö')\n\
    select * from t\n";

#[test]
fn microsoft_odbc_reads_over_tls_and_without() {
    let (Some(driver), true) = (microsoft_odbc(), installed("isql")) else {
        return;
    };
    for (tls, encrypt) in [(false, "no"), (true, "yes")] {
        let server = Server::start(Options {
            tls,
            ..Options::default()
        })
        .unwrap();
        let connection = format!(
            "Driver={};Server=127.0.0.1,{};Encrypt={encrypt};TrustServerCertificate=yes;UID=sa;PWD=Passw0rd!;",
            driver.display(),
            server.port()
        );
        let output = isql(&connection, ODBC_BATCH);
        let row = "1|Bö|1.50|2024-02-29 01:02:03.004|2.5000|6F9619FF-8B86-D011-B42D-00C04FC964FF|ö";
        assert!(output.contains(row), "{output}");
    }
}

#[test]
fn freetds_odbc_reads() {
    let Some(driver) = ["/usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so"]
        .into_iter()
        .find(|path| Path::new(path).exists())
    else {
        assert!(!on_ci(), "tdsodbc is not installed");
        println!("tdsodbc is not installed: not tested");
        return;
    };
    if !installed("isql") {
        return;
    }
    let server = server();
    let connection = format!(
        "Driver={driver};TDS_Version=7.4;Server=127.0.0.1;Port={};UID=sa;PWD=Passw0rd!;ClientCharset=UTF-8;",
        server.port()
    );
    let output = isql(&connection, ODBC_BATCH);
    assert!(
        output.contains(
            "1|Bö|1.50|2024-02-29 01:02:03.004|2.5000|6F9619FF-8B86-D011-B42D-00C04FC964FF|ö"
        ),
        "{output}"
    );
}
