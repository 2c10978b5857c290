//! Queries of packages that a program builds, by the table function alone.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the test makes its own files, and stops at the first fault"
)]

use std::{path::Path, time::Duration};

use datafusion::{
    arrow::util::pretty::pretty_format_batches,
    prelude::{SessionConfig, SessionContext},
};
use fletching::{
    Package, PackageFolder,
    dtsx::{DataType, FlatFileColumn, FlatFileColumnType},
};
use fletching_sql::{
    Fault, PackageError, PackageFunction, SessionOptions, SqlError, query, session,
};

const ROWS: usize = 50_000;

/// Writes `Numbers.dtsx`, which reads `n,Name` from a file; `last` comes after its rows.
fn write(folder: &Path, last: &str) {
    let mut text = "n,Name\r\n".to_owned();
    (0..ROWS).for_each(|n| text.push_str(&format!("{n},name {n}\r\n")));
    text.push_str(last);
    std::fs::write(folder.join("numbers.csv"), text).unwrap();
    let mut package = Package::create("Numbers", folder).unwrap();
    let number = column("n", DataType::I4, ",");
    let name = column("Name", DataType::WStr { length: 20 }, "\r\n");
    package
        .edit(|document| {
            document.add_connection_manager("FLATFILE", "In")?;
            document.set_connection_property("In", "ConnectionString", "numbers.csv")?;
            document.add_flat_file_column("In", &number)?;
            document.add_flat_file_column("In", &name)?;
            document.add_executable("Package", "Microsoft.Pipeline", "Flow")
        })
        .unwrap();
    let settings = package.settings().unwrap();
    let mut flow = package.pipeline(r"\Package\Flow").unwrap();
    flow.add("Microsoft.FlatFileSource", "Read")
        .unwrap()
        .use_connection("Read", "In")
        .unwrap()
        .read_metadata("Read", &settings)
        .unwrap()
        .add("Microsoft.DataReaderDestinationAdapter", "Rows")
        .unwrap()
        .connect("Read", "Rows")
        .unwrap()
        .use_all_columns("Rows")
        .unwrap();
    package.save(&folder.join("Numbers.dtsx")).unwrap();
}

fn column(name: &str, data_type: DataType, delimiter: &str) -> FlatFileColumn {
    FlatFileColumn {
        name: name.to_owned(),
        column_type: FlatFileColumnType::Delimited,
        delimiter: delimiter.to_owned(),
        width: 0,
        maximum_width: 0,
        data_type,
        text_qualified: false,
    }
}

/// All rows of a query, as a table.
async fn rows(context: &SessionContext, sql: &str) -> Result<String, SqlError> {
    let mut rows = query(context, sql).await?;
    let mut batches = Vec::new();
    while let Some(batch) = rows.next().await {
        batches.push(batch?);
    }
    Ok(pretty_format_batches(&batches).unwrap().to_string())
}

fn cell(table: &str) -> &str {
    let line = table.lines().nth(3).unwrap_or_default();
    line.trim_matches(['|', ' '])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_is_a_run_and_a_limit_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "");
    let function = PackageFunction::at(folder.path()).settings(|settings| {
        settings.morsel_bytes = 4096;
    });
    let context = session(&SessionOptions::default(), &function).unwrap();
    let sql = "SELECT count(*) FROM package('Numbers.dtsx') a JOIN package('Numbers.dtsx', 'Rows') b ON a.n = b.n + 1";
    let counted = rows(&context, sql).await.unwrap();
    assert_eq!(cell(&counted), (ROWS - 1).to_string());
    let sql = "SELECT max(Name) FROM package('Numbers.dtsx') WHERE n < 10";
    assert_eq!(cell(&rows(&context, sql).await.unwrap()), "name 9");
    let sql = "SELECT n FROM package('Numbers.dtsx') LIMIT 1";
    assert_eq!(cell(&rows(&context, sql).await.unwrap()), "0");
    // A query that goes away with rows to come.
    let mut first = query(&context, "SELECT * FROM package('Numbers.dtsx')")
        .await
        .unwrap();
    assert!(first.next().await.unwrap().unwrap().num_rows() < ROWS);
    assert_eq!(function.runs().running(), 1);
    drop(first);
    let runs = function.runs().clone();
    let ended = tokio::task::spawn_blocking(move || runs.wait(Duration::from_secs(20)));
    assert!(ended.await.unwrap(), "a run goes on");
    assert_eq!(function.runs().take_warnings(), Vec::<String>::new());
}

/// In a context that is not ours: names in lower case, one thread, a runtime of one thread.
#[tokio::test]
async fn any_context_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "");
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    PackageFunction::at(folder.path()).register(&context);
    let sql = "SELECT count(DISTINCT \"Name\") FROM package('Numbers.dtsx') WHERE n % 2 = 0";
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    let table = pretty_format_batches(&batches).unwrap().to_string();
    assert_eq!(cell(&table), (ROWS / 2).to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_failure_fails_the_query() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "oops,x\r\n");
    let function = PackageFunction::at(folder.path());
    let context = session(&SessionOptions::default(), &function).unwrap();
    for sql in [
        "SELECT count(*)\nFROM package('Numbers.dtsx')",
        "SELECT max(n)\nFROM package('Numbers.dtsx') WHERE n < 100",
        "SELECT a.n\nFROM package('Numbers.dtsx') a LEFT JOIN (VALUES (1)) b(n) ON a.n = b.n",
    ] {
        let error = rows(&context, sql).await.unwrap_err();
        let place = error.place.map(|place| (place.line, place.column));
        assert_eq!(place, Some((2, 6)), "{error}");
        let package = error.package().unwrap();
        assert!(package.code().is_some(), "{error}");
        assert!(matches!(package.fault, Fault::Run(_)));
        assert!(error.to_string().contains("Numbers.dtsx"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_not_left() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    write(folder.path(), "");
    write(&inside, "");
    let function = PackageFunction::within(PackageFolder::open(&inside).unwrap());
    let context = SessionContext::new();
    function.register(&context);
    let count = "SELECT count(*) FROM package('Numbers.dtsx')";
    let batches = context.sql(count).await.unwrap().collect().await.unwrap();
    let table = pretty_format_batches(&batches).unwrap().to_string();
    assert_eq!(cell(&table), ROWS.to_string());
    let outside = folder.path().join("Numbers.dtsx").display().to_string();
    for name in ["../Numbers.dtsx", outside.as_str()] {
        let error = context
            .sql(&format!("SELECT * FROM package('{name}')"))
            .await;
        let error = error.unwrap_err();
        let found = PackageError::find(&error).unwrap();
        assert!(matches!(found.fault, Fault::Folder(_)), "{error}");
    }
}
