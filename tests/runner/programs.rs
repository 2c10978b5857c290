//! Programs that use the API: packages built object by object, and their DataReader destinations read while they run.

use std::{
    fmt::Write,
    path::Path,
    task::Poll,
    thread::sleep,
    time::{Duration, Instant},
};

use arrow::{array::RecordBatch, util::pretty::pretty_format_batches};
use dtsx::{
    DataType, FlatFileColumn, FlatFileColumnType, NewConstraint, Package as Document, SsisCode,
    Variable,
};
use fletching::{
    Aggregation, Application, ExecutionResult, Package, Reader, RunError, Settings, dtexec::Client,
};
use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

/// What a trial does.
type Program = fn() -> Outcome;
type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Rows of the file that the packages of these trials read.
const ROWS: usize = 20_000;
/// Bytes of it that travel as one batch.
const MORSEL: usize = 4096;

pub fn trials() -> Vec<Trial> {
    let trials: [(&str, Program); 10] = [
        ("a package built object by object", built),
        ("a reader blocks or is awaited", blocking_and_awaited),
        ("a reader waits no longer than it is told", bounded),
        ("a slow reader holds the package back", held_back),
        ("a reader that is dropped cancels", dropped),
        ("a late failure ends the rows", late_failure),
        ("a reader that asks for nothing", timed_out),
        ("several readers of one run", several),
        ("a connection string", connection_string),
        ("properties are saved", saved),
    ];
    let trial = |(name, run): (&str, Program)| {
        Trial::test(format!("programs: {name}"), move || {
            run().map_err(|error| Failed::from(error.to_string()))
        })
    };
    trials.into_iter().map(trial).collect()
}

fn example(name: &str) -> std::path::PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples")).join(name)
}

fn check(holds: bool, what: &str) -> Outcome {
    match holds {
        true => Ok(()),
        false => Err(what.into()),
    }
}

fn rows(reader: Reader) -> Result<String, Box<dyn std::error::Error>> {
    let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>()?;
    Ok(pretty_format_batches(&batches)?.to_string())
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

/// A connection manager for a file with these columns.
fn file(
    document: &mut Document,
    name: &str,
    path: &str,
    columns: &[(&str, DataType)],
) -> Result<(), dtsx::Error> {
    document.add_connection_manager("FLATFILE", name)?;
    document.set_connection_property(name, "ConnectionString", path)?;
    for (at, (column_name, data_type)) in columns.iter().enumerate() {
        let end = if at + 1 == columns.len() { "\r\n" } else { "," };
        document.add_flat_file_column(name, &column(column_name, *data_type, end))?;
    }
    Ok(())
}

/// The example `report`, made by calls.
fn built() -> Outcome {
    let shipped = Application::load(&example("report/Report.dtsx"), None)?;
    let expected = rows(shipped.reader("Totals by region", shipped.settings()?)?)?;
    let text = |length| DataType::Str {
        length,
        code_page: 1252,
    };
    let amount = DataType::Numeric {
        precision: 9,
        scale: 2,
    };
    let folder = TempDir::new()?;
    let mut package = Package::create("Report", folder.path())?;
    package.edit(|document| {
        let columns = [
            ("order_id", DataType::I4),
            ("ordered_on", DataType::DbDate),
            ("region", text(10)),
            ("product", text(12)),
            ("amount", amount),
        ];
        let orders = example("report/data/orders.csv");
        file(
            document,
            "Orders file",
            &orders.display().to_string(),
            &columns,
        )?;
        document.add_executable("Package", "Microsoft.Pipeline", "Report by region")
    })?;
    let settings = Settings::default();
    let mut flow = package.pipeline(r"\Package\Report by region")?;
    flow.add("Microsoft.FlatFileSource", "Read orders")?
        .use_connection("Read orders", "Orders file")?
        .read_metadata("Read orders", &settings)?
        .add("Microsoft.DerivedColumn", "Month")?
        .connect("Read orders", "Month")?
        .derive("Month", "month", "MONTH([ordered_on])")?
        .add("Microsoft.Aggregate", "Totals")?
        .connect("Month", "Totals")?
        .aggregate("Totals", "region", Aggregation::GroupBy, "region")?
        .aggregate("Totals", "month", Aggregation::GroupBy, "month")?
        .aggregate("Totals", "orders", Aggregation::CountAll, "")?
        .aggregate("Totals", "total", Aggregation::Sum, "amount")?
        .aggregate("Totals", "largest", Aggregation::Maximum, "amount")?
        .add("Microsoft.Sort", "Order")?
        .connect("Totals", "Order")?
        .sort_by("Order", &[("region", false), ("total", true)])?
        .add("Microsoft.DataReaderDestinationAdapter", "Totals by region")?
        .connect("Order", "Totals by region")?
        .use_all_columns("Totals by region")?;
    let wrong = flow.derive("Month", "bad", "[ordered_on] + 1").map(|_| ());
    check(wrong.is_err(), "an expression that does not fit was taken")?;
    check(
        rows(package.reader("Totals by region", settings.clone())?)? == expected,
        "the package as it was built reads other rows",
    )?;
    let saved = folder.path().join("Report.dtsx");
    package.save(&saved)?;
    let again = Application::load(&saved, None)?;
    check(
        format!("{:?}", again.document().root()) == format!("{:?}", package.document().root()),
        "the package is another one when it is read back",
    )?;
    check(
        rows(again.reader("Totals by region", settings)?)? == expected,
        "the package as it was saved reads other rows",
    )
}

fn blocking_and_awaited() -> Outcome {
    let package = Application::load(&example("report/Report.dtsx"), None)?;
    let settings = package.settings()?;
    let reader = package.reader("Totals by region", settings.clone())?;
    check(
        reader.schema().fields().len() == 5,
        "the schema is not known at once",
    )?;
    let blocked = rows(reader)?;
    let mut reader = package.reader("Totals by region", settings)?;
    let awaited = fletching::runtime(1)?.block_on(async {
        let mut batches = Vec::new();
        while let Some(batch) = futures::StreamExt::next(&mut reader).await {
            batches.push(batch?);
        }
        Ok::<_, RunError>(batches)
    })?;
    check(
        pretty_format_batches(&awaited)?.to_string() == blocked,
        "the stream has other rows than the iterator",
    )
}

/// A package that reads numbers from a file into one DataReader destination, or more.
fn numbers(folder: &Path, readers: &[&str]) -> Result<Package, Box<dyn std::error::Error>> {
    let mut text = "n,name\r\n".to_owned();
    for n in 0..ROWS {
        write!(text, "{n},name {n}\r\n")?;
    }
    std::fs::write(folder.join("numbers.csv"), text)?;
    let mut package = Package::create("Numbers", folder)?;
    package.edit(|document| {
        let name = DataType::WStr { length: 20 };
        file(
            document,
            "In",
            "numbers.csv",
            &[("n", DataType::I4), ("name", name)],
        )?;
        document.add_executable("Package", "Microsoft.Pipeline", "Flow")
    })?;
    let mut flow = package.pipeline(r"Package\Flow")?;
    flow.add("Microsoft.FlatFileSource", "Read")?
        .use_connection("Read", "In")?
        .read_metadata("Read", &Settings::default())?
        .add("Microsoft.Multicast", "Both")?
        .connect("Read", "Both")?;
    for (at, reader) in readers.iter().enumerate() {
        let output = format!("Multicast Output {}", at + 1);
        if at > 0 {
            flow.add_copy("Both", &output)?;
        }
        flow.add("Microsoft.DataReaderDestinationAdapter", reader)?
            .connect_ends(("Both", Some(&output)), (reader, None))?
            .use_all_columns(reader)?;
    }
    Ok(package)
}

fn small_batches(folder: &Path) -> Settings {
    Settings {
        base_dir: folder.to_owned(),
        morsel_bytes: MORSEL,
        threads: 2,
        ..Settings::default()
    }
}

fn held_back() -> Outcome {
    let folder = TempDir::new()?;
    let package = numbers(folder.path(), &["Rows"])?;
    let mut reader = package.reader("Rows", small_batches(folder.path()))?;
    let first = reader.next_batch().ok_or("no rows")??;
    sleep(Duration::from_millis(300));
    check(
        reader.running().report().is_none(),
        "the package has ended, though its rows were not read",
    )?;
    let rest: Vec<RecordBatch> = reader.collect::<Result<_, _>>()?;
    let rows = first.num_rows() + rest.iter().map(RecordBatch::num_rows).sum::<usize>();
    check(rows == ROWS, "rows are missing")
}

fn bounded() -> Outcome {
    let folder = TempDir::new()?;
    let package = numbers(folder.path(), &["Rows"])?;
    let mut reader = package.reader("Rows", small_batches(folder.path()))?;
    let (mut waits, mut count) = (0, 0);
    loop {
        let began = Instant::now();
        let next = reader.next_batch_within(Duration::from_millis(1));
        check(began.elapsed() < Duration::from_secs(5), "it waited long")?;
        match next {
            Poll::Pending => waits += 1,
            Poll::Ready(Some(batch)) => count += batch?.num_rows(),
            Poll::Ready(None) => break,
        }
    }
    check(waits > 0, "the first row was there before anything ran")?;
    check(count == ROWS, "rows are missing")
}

fn dropped() -> Outcome {
    let folder = TempDir::new()?;
    let package = numbers(folder.path(), &["Rows"])?;
    let mut reader = package.reader("Rows", small_batches(folder.path()))?;
    reader.next_batch().ok_or("no rows")??;
    let running = reader.running().clone();
    let began = Instant::now();
    drop(reader);
    let report = running
        .wait_for(Duration::from_secs(20))
        .ok_or("the run goes on")?;
    check(began.elapsed() < Duration::from_secs(20), "it took long")?;
    check(
        report.result == ExecutionResult::Canceled,
        "the run was not cancelled",
    )
}

fn late_failure() -> Outcome {
    let folder = TempDir::new()?;
    let mut package = numbers(folder.path(), &["Rows"])?;
    package.edit(|document| {
        let task = document.add_executable("Package", "Microsoft.ExpressionTask", "Later")?;
        let place = dtsx::PropertyOf::Payload;
        document.add_variable("Package", &variable("User", "Zero", 3, "0"))?;
        document.set_executable_property(&task, place, "Expression", "1 / @[User::Zero]")?;
        document.add_precedence_constraint(r"Package\Flow", &task, &NewConstraint::default())
    })?;
    let reader = package.reader("Rows", small_batches(folder.path()))?;
    let all: Vec<_> = reader.collect();
    let (last, before) = all.split_last().ok_or("no items")?;
    let read: usize = before.iter().flatten().map(RecordBatch::num_rows).sum();
    check(read == ROWS, "rows are missing before the failure")?;
    check(
        last.is_err(),
        "the rows ended as if the package had succeeded",
    )
}

fn variable(namespace: &str, name: &str, data_type: u16, value: &str) -> Variable {
    Variable {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        dtsid: String::new(),
        data_type,
        value: value.to_owned(),
        expression: None,
        evaluate_as_expression: false,
        read_only: false,
        sensitive: false,
        raise_changed_event: false,
    }
}

/// ReadTimeout and FailOnTimeout: the package fails, or goes on without its rows; the reader learns it either way.
fn timed_out() -> Outcome {
    let folder = TempDir::new()?;
    let mut package = numbers(folder.path(), &["Rows"])?;
    for fails in [false, true] {
        package.set_property(r"\Package\Flow.Properties[[Rows].[ReadTimeout]]", "50")?;
        package.set_property(
            r"\Package\Flow.Properties[[Rows].[FailOnTimeout]]",
            if fails { "true" } else { "false" },
        )?;
        let mut reader = package.reader("Rows", small_batches(folder.path()))?;
        let report = reader
            .running()
            .wait_for(Duration::from_secs(60))
            .ok_or("the package waits for its reader")?;
        let wanted = if fails {
            ExecutionResult::Failure
        } else {
            ExecutionResult::Success
        };
        check(
            report.result == wanted,
            &format!("the package ended as {:?}", report.result),
        )?;
        let said = report
            .warnings
            .iter()
            .any(|warning| warning.contains("dropped"));
        check(said != fails, "rows were dropped without a word")?;
        let mut last = None;
        while let Some(next) = reader.next_batch() {
            last = Some(next);
        }
        match last {
            Some(Err(error)) if error.code() == Some(SsisCode::READER_TIMEOUT) => {}
            Some(Err(error)) => return Err(format!("the rows ended with {error}").into()),
            _ => return Err("the rows ended without an error".into()),
        }
    }
    Ok(())
}

fn several() -> Outcome {
    let folder = TempDir::new()?;
    let package = numbers(folder.path(), &["Left", "Right"])?;
    let mut readers = package.readers(&["Left", "Right"], small_batches(folder.path()))?;
    let mut counts = vec![0; readers.len()];
    let mut ended = vec![false; readers.len()];
    while ended.contains(&false) {
        for (at, reader) in readers.iter_mut().enumerate() {
            match reader.next_batch() {
                Some(batch) => counts[at] += batch?.num_rows(),
                None => ended[at] = true,
            }
        }
    }
    check(
        counts == [ROWS, ROWS],
        &format!("{counts:?} rows were read"),
    )
}

fn connection_string() -> Outcome {
    let shipped = example("report/Report.dtsx");
    let package = Application::load(&shipped, None)?;
    let expected = rows(package.reader("Totals by region", package.settings()?)?)?;
    let client = Client::open(&format!("/FILE \"{}\" /REP N", shipped.display()))?;
    let read = rows(client.reader("Totals by region", &[])?)?;
    check(read == expected, "the connection string reads other rows")?;
    let folder = TempDir::new()?;
    let mut package = numbers(folder.path(), &["Rows"])?;
    package.edit(|document| {
        document.add_variable("Package", &variable("DtsClient", "Least", 3, "0"))
    })?;
    let mut flow = package.pipeline(r"Package\Flow")?;
    flow.add("Microsoft.ConditionalSplit", "Some")?
        .add("Microsoft.DataReaderDestinationAdapter", "Chosen")?
        .add_copy("Both", "To be chosen")?
        .connect_ends(("Both", Some("To be chosen")), ("Some", None))?
        .split("Some", "Greater", "[n] >= @[DtsClient::Least]")?
        .connect_ends(("Some", Some("Greater")), ("Chosen", None))?
        .use_all_columns("Chosen")?;
    let saved = folder.path().join("Numbers.dtsx");
    package.save(&saved)?;
    let client = Client::open(&format!("/F \"{}\"", saved.display()))?;
    let mut count = 0;
    for batch in client.reader("Chosen", &[("Least", "19990")])? {
        count += batch?.num_rows();
    }
    check(count == 10, &format!("{count} rows were chosen"))?;
    check(
        client.reader("Chosen", &[("Least", "many")]).is_err(),
        "a parameter of another type was taken",
    )?;
    check(Client::open("/ISSERVER x").is_err(), "a server was taken")
}

fn saved() -> Outcome {
    let folder = TempDir::new()?;
    let mut package = numbers(folder.path(), &["Rows"])?;
    let path = r"\Package.Connections[In].Properties[ConnectionString]";
    package.set_property(path, "other.csv")?;
    package.set_property(r"\Package\Flow.Properties[Disable]", "True")?;
    for (path, value) in [
        (r"\Package\None.Properties[Disable]", "True"),
        (r"\Package\Flow.Properties[None]", "1"),
        (r"\Package\Flow.Properties[Disable]", "perhaps"),
        ("nowhere", "1"),
    ] {
        check(package.set_property(path, value).is_err(), path)?;
    }
    let file = folder.path().join("Numbers.dtsx");
    package.save(&file)?;
    let again = Application::load(&file, None)?;
    check(
        again.property(path)? == "other.csv",
        "the property was not saved",
    )?;
    check(
        again.document().root().executables[0].disabled,
        "the task is not disabled",
    )
}
