//! A server and arrow-flight's own client: rows, parameters, a failure after the last row, cancellation.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the test makes its own files, and stops at the first fault"
)]

use std::{fmt::Write, net::SocketAddr, path::Path, time::Duration};

use arrow::array::{Array, Int32Array, RecordBatch, StringArray};
use arrow_flight::{
    CancelFlightInfoRequest, FlightClient, error::FlightError, sql::client::FlightSqlServiceClient,
};
use fletching::{
    LoadOptions, Package, Settings,
    dtsx::{DataType, FlatFileColumn, FlatFileColumnType, NewConstraint, PropertyOf, Variable},
};
use fletching_server::{Options, serve};
use futures::{StreamExt, TryStreamExt};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tonic::transport::{Channel, Endpoint};

const ROWS: usize = 400_000;
const QUERY: &str = "SELECT n FROM \"Numbers.dtsx#Rows\"";

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

/// A package that streams numbers, and then divides by `DtsClient::Divisor`.
fn numbers(folder: &Path) {
    let mut text = "n,name\r\n".to_owned();
    for n in 0..ROWS {
        write!(text, "{n},name {n}\r\n").unwrap();
    }
    std::fs::write(folder.join("numbers.csv"), text).unwrap();
    let mut package = Package::create("Numbers", folder).unwrap();
    let made = package.edit(|document| {
        document.add_connection_manager("FLATFILE", "In")?;
        document.set_connection_property("In", "ConnectionString", "numbers.csv")?;
        document.add_flat_file_column("In", &column("n", DataType::I4, ","))?;
        let name = DataType::WStr { length: 20 };
        document.add_flat_file_column("In", &column("name", name, "\r\n"))?;
        document.add_executable("Package", "Microsoft.Pipeline", "Flow")?;
        let task = document.add_executable("Package", "Microsoft.ExpressionTask", "Later")?;
        let divisor = Variable {
            namespace: "DtsClient".to_owned(),
            name: "Divisor".to_owned(),
            dtsid: String::new(),
            data_type: 3,
            value: "1".to_owned(),
            expression: None,
            evaluate_as_expression: false,
            read_only: false,
            sensitive: false,
            raise_changed_event: false,
        };
        document.add_variable("Package", &divisor)?;
        let text = "1 / @[DtsClient::Divisor]";
        document.set_executable_property(&task, PropertyOf::Payload, "Expression", text)?;
        document.add_precedence_constraint(r"Package\Flow", &task, &NewConstraint::default())
    });
    made.unwrap();
    let mut flow = package.pipeline(r"Package\Flow").unwrap();
    flow.add("Microsoft.FlatFileSource", "Read").unwrap();
    flow.use_connection("Read", "In").unwrap();
    flow.read_metadata("Read", &Settings::default()).unwrap();
    flow.add("Microsoft.DataReaderDestinationAdapter", "Rows")
        .unwrap();
    flow.connect("Read", "Rows").unwrap();
    flow.use_all_columns("Rows").unwrap();
    package.save(&folder.join("Numbers.dtsx")).unwrap();
}

/// Serves until the test lets go of the sender; the thread ends within two seconds.
fn served(folder: &Path) -> (SocketAddr, oneshot::Sender<()>, std::thread::JoinHandle<()>) {
    let options = Options {
        folder: folder.to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        token: None,
        tls: None,
        insecure: false,
        load: LoadOptions::default(),
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let (told, address) = std::sync::mpsc::sync_channel(1);
    let thread = std::thread::spawn(move || {
        let ready = move |address| told.send(address).unwrap();
        let stopped = async { drop(stopped.await) };
        let runtime = fletching::runtime(2).unwrap();
        runtime.block_on(serve(options, ready, stopped)).unwrap();
        runtime.shutdown_timeout(Duration::from_millis(200));
    });
    (address.recv().unwrap(), stop, thread)
}

async fn client(address: SocketAddr) -> (FlightSqlServiceClient<Channel>, FlightClient) {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let channel = endpoint.connect().await.unwrap();
    (
        FlightSqlServiceClient::new(channel.clone()),
        FlightClient::new(channel),
    )
}

#[test]
fn a_folder_is_served() {
    let folder = TempDir::new().unwrap();
    numbers(folder.path());
    let (address, stop, thread) = served(folder.path());
    let runtime = fletching::runtime(2).unwrap();
    runtime.block_on(async {
        let (mut sql, mut flight) = client(address).await;
        let info = sql.execute(QUERY.to_owned(), None).await.unwrap();
        let ticket = info.endpoint[0].ticket.clone().unwrap();
        let batches: Vec<RecordBatch> = sql
            .do_get(ticket.clone())
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        assert_eq!(
            batches.iter().map(RecordBatch::num_rows).sum::<usize>(),
            ROWS
        );
        assert_eq!(batches[0].schema().fields().len(), 1);

        // A failure after the last row is the end of the stream.
        let mut prepared = sql
            .prepare(format!("{QUERY} WITH (Divisor = ?)"), None)
            .await
            .unwrap();
        assert_eq!(prepared.parameter_schema().unwrap().fields().len(), 1);
        let zero = Int32Array::from(vec![0]);
        let bound = RecordBatch::try_from_iter([("1", std::sync::Arc::new(zero) as _)]).unwrap();
        prepared.set_parameters(bound).unwrap();
        let info = prepared.execute().await.unwrap();
        let failing = info.endpoint[0].ticket.clone().unwrap();
        let all: Vec<Result<RecordBatch, FlightError>> =
            sql.do_get(failing).await.unwrap().collect().await;
        let (last, before) = all.split_last().unwrap();
        assert_eq!(
            before
                .iter()
                .flatten()
                .map(RecordBatch::num_rows)
                .sum::<usize>(),
            ROWS
        );
        let failure = last.as_ref().unwrap_err().to_string();
        assert!(failure.contains("Later"), "{failure}");

        // A run that is cancelled ends its stream as that.
        let info = sql.execute(QUERY.to_owned(), None).await.unwrap();
        let ticket = info.endpoint[0].ticket.clone().unwrap();
        let mut rows = sql.do_get(ticket).await.unwrap();
        rows.next().await.unwrap().unwrap();
        flight
            .cancel_flight_info(CancelFlightInfoRequest::new(info))
            .await
            .unwrap();
        let rest: Vec<_> = rows.collect().await;
        let ended = rest.last().unwrap().as_ref().unwrap_err().to_string();
        assert!(ended.contains("cancelled"), "{ended}");

        let types = sql.get_table_types().await.unwrap();
        let ticket = types.endpoint[0].ticket.clone().unwrap();
        let types: Vec<RecordBatch> = sql
            .do_get(ticket)
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        let types = types[0]
            .column(0)
            .as_any()
            .downcast_ref::<StringArray>()
            .unwrap();
        assert_eq!((types.len(), types.value(0)), (1, "TABLE"));
    });
    drop(stop);
    thread.join().unwrap();
}
