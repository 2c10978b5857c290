//! A connection of Microsoft's Rust client, and its results as lines.

use mssql_tds::connection::client_context::ClientContext;
use mssql_tds::connection::tds_client::{ResultSet, TdsClient};
use mssql_tds::connection_provider::tds_connection_provider::TdsConnectionProvider;
use mssql_tds::core::{EncryptionSetting, TdsResult};
use mssql_tds::datatypes::column_values::ColumnValues;
use mssql_tds::datatypes::sql_string::SqlString;
use mssql_tds::datatypes::sqltypes::SqlType;
use mssql_tds::message::parameters::rpc_parameters::{RpcParameter, StatusFlags};
use tds_server::{Options, Server};

pub(crate) fn server() -> Server {
    Server::start(Options::default()).unwrap()
}

pub(crate) fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

pub(crate) async fn try_connect(
    server: &Server,
    password: &str,
    encryption: EncryptionSetting,
) -> TdsResult<TdsClient> {
    let mut context = ClientContext::default();
    context.user_name = "sa".to_owned();
    context.password = password.to_owned();
    context.database = "Sales".to_owned();
    context.encryption_options.mode = encryption;
    context.encryption_options.trust_server_certificate = true;
    let source = format!("tcp:127.0.0.1,{}", server.port());
    Box::pin(TdsConnectionProvider {}.create_client(context, &source, None)).await
}

pub(crate) async fn connect(server: &Server) -> TdsClient {
    try_connect(server, "Passw0rd!", EncryptionSetting::PreferOff)
        .await
        .unwrap()
}

pub(crate) fn text(value: &ColumnValues) -> String {
    match value {
        ColumnValues::String(text) => text.to_utf8_string(),
        ColumnValues::Int(number) => number.to_string(),
        ColumnValues::BigInt(number) => number.to_string(),
        ColumnValues::Float(number) => number.to_string(),
        ColumnValues::Bit(bit) => bit.to_string(),
        ColumnValues::Null => "NULL".to_owned(),
        other => format!("{other:?}"),
    }
}

/// All results of a batch: a line per row, values with bars between, `--` between results.
pub(crate) async fn try_query(client: &mut TdsClient, sql: &str) -> TdsResult<String> {
    let mut lines = Vec::new();
    Box::pin(client.execute(sql.to_owned(), ())).await?;
    loop {
        if client.on_rows() {
            while let Some(row) = Box::pin(client.next_row()).await? {
                lines.push(row.iter().map(text).collect::<Vec<_>>().join("|"));
            }
        }
        if !Box::pin(client.advance_to_rows()).await? {
            break;
        }
        lines.push("--".to_owned());
    }
    Box::pin(client.close_query()).await?;
    Ok(lines.join("\n"))
}

pub(crate) async fn query(client: &mut TdsClient, sql: &str) -> String {
    try_query(client, sql).await.unwrap()
}

pub(crate) async fn error(client: &mut TdsClient, sql: &str) -> i64 {
    let error = try_query(client, sql).await.unwrap_err();
    number(&error)
}

pub(crate) fn number(error: &mssql_tds::error::Error) -> i64 {
    match error {
        mssql_tds::error::Error::SqlServerError { diagnostics } => {
            i64::from(diagnostics.errors[0].number)
        }
        other => panic!("not an error of the server: {other:?}"),
    }
}

pub(crate) fn named(name: &str, value: SqlType) -> RpcParameter {
    RpcParameter::new(Some(name.to_owned()), StatusFlags::NONE, value)
}

pub(crate) fn nvarchar(text: &str) -> SqlType {
    SqlType::NVarchar(Some(SqlString::from_utf8_string(text.to_owned())), 100)
}
