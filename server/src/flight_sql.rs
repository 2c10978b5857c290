//! Flight SQL: queries, prepared statements, what there is, cancellation.
//!
//! ```text
//! GetFlightInfo(query) ─▶ schema and a ticket: a name for the run, and the query with its values
//! DoGet(ticket) ────────▶ the package runs, its rows are the stream; a ticket that is read twice runs it twice
//! ```

use std::{collections::BTreeMap, pin::Pin, sync::Arc};

use arrow::{array::RecordBatch, datatypes::Schema, ipc::writer::IpcWriteOptions};
use arrow_flight::{
    Action, ActionType, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus,
    FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest, HandshakeResponse, IpcMessage,
    SchemaAsIpc, Ticket,
    decode::FlightRecordBatchStream,
    encode::FlightDataEncoderBuilder,
    error::FlightError,
    flight_service_server::FlightService,
    sql::{
        ActionCancelQueryRequest, ActionCancelQueryResult, ActionClosePreparedStatementRequest,
        ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, Any,
        CommandGetCatalogs, CommandGetDbSchemas, CommandGetSqlInfo, CommandGetTableTypes,
        CommandGetTables, CommandPreparedStatementQuery, CommandStatementQuery,
        DoPutPreparedStatementResult, ProstMessageExt, SqlInfo, TicketStatementQuery,
        server::{FlightSqlService, PeekableFlightDataStream},
    },
};
use fletching::{FolderPackage, LoadOptions, PackageFolder};
use futures::{Stream, TryStreamExt};
use parking_lot::Mutex;
use prost::Message;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use crate::{
    access::Access, parameters, query::Query, runs::Runs, statement::Statement, status, tables,
};

/// Prepared statements that are open at a time.
const STATEMENTS_MAX: usize = 4096;

/// `ActionCancelQueryResult.CancelResult.CANCEL_RESULT_CANCELLING` of FlightSql.proto: arrow-flight does not export it.
const CANCELLING: i32 = 2;

type DoGet = <PackagesAsTables as FlightService>::DoGetStream;

/// A prepared statement, as it was written, and with the values that are bound.
#[derive(Debug, Clone)]
struct Open {
    query: Query,
    bound: Option<Query>,
}

#[derive(Debug, Clone)]
pub(crate) struct PackagesAsTables {
    pub(crate) folder: PackageFolder,
    pub(crate) load: LoadOptions,
    runs: Runs,
    access: Access,
    open: Arc<Mutex<BTreeMap<String, Open>>>,
}

impl PackagesAsTables {
    pub(crate) fn new(
        folder: PackageFolder,
        load: LoadOptions,
        runs: Runs,
        access: Access,
    ) -> Self {
        Self {
            folder,
            load,
            runs,
            access,
            open: Arc::default(),
        }
    }

    /// Schema and ticket of a query; nothing runs.
    pub(crate) async fn info(
        &self,
        query: Query,
        descriptor: FlightDescriptor,
    ) -> Result<Response<FlightInfo>, Status> {
        let handle = format!("{}\n{query}", Uuid::new_v4());
        let statement = Statement::prepare(&self.folder, &self.load, query).await?;
        let ticket = TicketStatementQuery {
            statement_handle: handle.into(),
        };
        described(
            &statement.schema,
            ticket.as_any().encode_to_vec(),
            descriptor,
        )
    }

    pub(crate) async fn packages(&self) -> Result<Vec<FolderPackage>, Status> {
        tables::packages(&self.folder, &self.load).await
    }

    fn open(&self, handle: &[u8]) -> Result<Open, Status> {
        let name = String::from_utf8_lossy(handle);
        let open = self.open.lock();
        open.get(&*name).cloned().ok_or_else(|| {
            Status::not_found("there is no such prepared statement: it was closed, or the server was started again")
        })
    }

    /// Cancels what the tickets of an answer name.
    fn cancel(&self, info: Option<FlightInfo>) -> Result<(), Status> {
        let endpoints = info.unwrap_or_default().endpoint.into_iter();
        let tickets = endpoints.filter_map(|endpoint| endpoint.ticket);
        let names: Vec<String> = tickets
            .filter_map(|ticket| Any::decode(&*ticket.ticket).ok()?.unpack().ok()?)
            .map(|ticket: TicketStatementQuery| {
                String::from_utf8_lossy(&ticket.statement_handle).into_owned()
            })
            .collect();
        if names.is_empty() {
            return Err(Status::invalid_argument(
                "the FlightInfo has no ticket of a query",
            ));
        }
        names.iter().for_each(|name| self.runs.cancel(name));
        Ok(())
    }
}

fn parse(text: &str) -> Result<Query, Status> {
    Query::parse(text).map_err(|error| status::of_query(&error))
}

fn described(
    schema: &Schema,
    ticket: Vec<u8>,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    let info = FlightInfo::new().try_with_schema(schema);
    let info = info.map_err(|error| Status::internal(error.to_string()))?;
    let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(ticket));
    let info = info.with_endpoint(endpoint).with_descriptor(descriptor);
    Ok(Response::new(info.with_ordered(true)))
}

fn sent(batch: RecordBatch) -> Response<DoGet> {
    let schema = batch.schema();
    let stream = FlightDataEncoderBuilder::new()
        .with_schema(schema)
        .build(futures::stream::iter([Ok(batch)]));
    Response::new(Box::pin(stream.map_err(Status::from)))
}

fn encoded(schema: &Schema) -> Result<prost::bytes::Bytes, Status> {
    let message = SchemaAsIpc::new(schema, &IpcWriteOptions::default()).try_into();
    let IpcMessage(bytes) = message.map_err(FlightError::Arrow).map_err(Status::from)?;
    Ok(bytes)
}

#[tonic::async_trait]
impl FlightSqlService for PackagesAsTables {
    type FlightService = Self;

    async fn do_handshake(
        &self,
        _request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<
        Response<Pin<Box<dyn Stream<Item = Result<HandshakeResponse, Status>> + Send>>>,
        Status,
    > {
        // Who comes here has shown the token.
        let header = self.access.token().map(|token| token.header());
        let payload = header
            .as_deref()
            .and_then(|header| header.strip_prefix("Bearer "));
        let answer = HandshakeResponse {
            protocol_version: 0,
            payload: payload.unwrap_or_default().to_owned().into(),
        };
        let stream: Pin<Box<dyn Stream<Item = _> + Send>> =
            Box::pin(futures::stream::iter([Ok(answer)]));
        let mut response = Response::new(stream);
        if let Some(Ok(value)) = header.map(|header| header.parse()) {
            response.metadata_mut().insert("authorization", value);
        }
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        // Marks without values are refused.
        let query = parse(&query.query)?.bind(Vec::new());
        let query = query.map_err(|error| status::of_query(&error))?;
        self.info(query, request.into_inner()).await
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let open = self.open(&query.prepared_statement_handle)?;
        let query = match open.bound {
            Some(bound) => bound,
            None => open
                .query
                .bind(Vec::new())
                .map_err(|error| status::of_query(&error))?,
        };
        self.info(query, request.into_inner()).await
    }

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        _request: Request<Ticket>,
    ) -> Result<Response<DoGet>, Status> {
        let handle = String::from_utf8_lossy(&ticket.statement_handle).into_owned();
        let Some((_, text)) = handle.split_once('\n') else {
            return Err(Status::invalid_argument("this is no ticket of this server"));
        };
        let query = parse(text)?;
        let place = self.runs.enter(&handle)?;
        let statement = Statement::prepare(&self.folder, &self.load, query).await?;
        let schema = Arc::clone(&statement.schema);
        let batches = statement.run(place).await?;
        let stream = FlightDataEncoderBuilder::new()
            .with_schema(schema)
            .build(batches);
        Ok(Response::new(Box::pin(stream.map_err(Status::from))))
    }

    async fn get_flight_info_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let ticket = query.as_any().encode_to_vec();
        let batch = tables::catalogs(query)?;
        described(&batch.schema(), ticket, request.into_inner())
    }

    async fn do_get_catalogs(
        &self,
        query: CommandGetCatalogs,
        _request: Request<Ticket>,
    ) -> Result<Response<DoGet>, Status> {
        Ok(sent(tables::catalogs(query)?))
    }

    async fn get_flight_info_table_types(
        &self,
        query: CommandGetTableTypes,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let ticket = query.as_any().encode_to_vec();
        let batch = tables::table_types(query)?;
        described(&batch.schema(), ticket, request.into_inner())
    }

    async fn do_get_table_types(
        &self,
        query: CommandGetTableTypes,
        _request: Request<Ticket>,
    ) -> Result<Response<DoGet>, Status> {
        Ok(sent(tables::table_types(query)?))
    }

    async fn get_flight_info_sql_info(
        &self,
        query: CommandGetSqlInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let ticket = query.as_any().encode_to_vec();
        let batch = tables::info(query)?;
        described(&batch.schema(), ticket, request.into_inner())
    }

    async fn do_get_sql_info(
        &self,
        query: CommandGetSqlInfo,
        _request: Request<Ticket>,
    ) -> Result<Response<DoGet>, Status> {
        Ok(sent(tables::info(query)?))
    }

    async fn get_flight_info_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let ticket = query.as_any().encode_to_vec();
        let batch = tables::schemas(query, &self.packages().await?)?;
        described(&batch.schema(), ticket, request.into_inner())
    }

    async fn do_get_schemas(
        &self,
        query: CommandGetDbSchemas,
        _request: Request<Ticket>,
    ) -> Result<Response<DoGet>, Status> {
        Ok(sent(tables::schemas(query, &self.packages().await?)?))
    }

    async fn get_flight_info_tables(
        &self,
        query: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let ticket = query.as_any().encode_to_vec();
        let batch = tables::tables(query, &self.folder, &self.load).await?;
        described(&batch.schema(), ticket, request.into_inner())
    }

    async fn do_get_tables(
        &self,
        query: CommandGetTables,
        _request: Request<Ticket>,
    ) -> Result<Response<DoGet>, Status> {
        Ok(sent(tables::tables(query, &self.folder, &self.load).await?))
    }

    async fn do_action_create_prepared_statement(
        &self,
        query: ActionCreatePreparedStatementRequest,
        _request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        let query = parse(&query.query)?;
        let statement = Statement::prepare(&self.folder, &self.load, query.clone()).await?;
        let parameter_schema = encoded(&parameters::schema(&query))?;
        let handle = Uuid::new_v4().to_string();
        let mut open = self.open.lock();
        if open.len() >= STATEMENTS_MAX {
            let message = format!("{STATEMENTS_MAX} prepared statements are open: close some");
            return Err(Status::resource_exhausted(message));
        }
        open.insert(handle.clone(), Open { query, bound: None });
        Ok(ActionCreatePreparedStatementResult {
            prepared_statement_handle: handle.into(),
            dataset_schema: encoded(&statement.schema)?,
            parameter_schema,
        })
    }

    async fn do_action_close_prepared_statement(
        &self,
        query: ActionClosePreparedStatementRequest,
        _request: Request<Action>,
    ) -> Result<(), Status> {
        let name = String::from_utf8_lossy(&query.prepared_statement_handle).into_owned();
        self.open.lock().remove(&name);
        Ok(())
    }

    async fn do_put_prepared_statement_query(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<DoPutPreparedStatementResult, Status> {
        let handle = query.prepared_statement_handle;
        let open = self.open(&handle)?;
        let data = request
            .into_inner()
            .map_err(|error| FlightError::Tonic(Box::new(error)));
        let mut rows = FlightRecordBatchStream::new_from_flight_data(data);
        let mut batches = Vec::new();
        while let Some(batch) = rows.try_next().await.map_err(Status::from)? {
            batches.push(batch);
            // More than one row is refused: no need to hold them.
            if batches.len() > 16 {
                return Err(Status::invalid_argument(
                    "a query takes one row of parameters",
                ));
            }
        }
        let bound = open.query.bind(parameters::values(&batches)?);
        let bound = bound.map_err(|error| status::of_query(&error))?;
        let name = String::from_utf8_lossy(&handle).into_owned();
        if let Some(open) = self.open.lock().get_mut(&name) {
            open.bound = Some(bound);
        }
        Ok(DoPutPreparedStatementResult {
            prepared_statement_handle: Some(handle),
        })
    }

    async fn do_action_cancel_query(
        &self,
        query: ActionCancelQueryRequest,
        _request: Request<Action>,
    ) -> Result<ActionCancelQueryResult, Status> {
        let info = FlightInfo::decode(query.info);
        self.cancel(Some(
            info.map_err(|error| Status::invalid_argument(error.to_string()))?,
        ))?;
        Ok(ActionCancelQueryResult { result: CANCELLING })
    }

    async fn do_action_fallback(
        &self,
        request: Request<Action>,
    ) -> Result<Response<<Self as FlightService>::DoActionStream>, Status> {
        let action = request.into_inner();
        if action.r#type != "CancelFlightInfo" {
            let message = format!("there is no action `{}`", action.r#type);
            return Err(Status::unimplemented(message));
        }
        let request = CancelFlightInfoRequest::decode(action.body);
        let request = request.map_err(|error| Status::invalid_argument(error.to_string()))?;
        self.cancel(request.info)?;
        let result = CancelFlightInfoResult {
            status: CancelStatus::Cancelling.into(),
        };
        let result = arrow_flight::Result {
            body: result.encode_to_vec().into(),
        };
        Ok(Response::new(Box::pin(futures::stream::iter([Ok(result)]))))
    }

    async fn list_custom_actions(&self) -> Option<Vec<Result<ActionType, Status>>> {
        Some(vec![Ok(ActionType {
            r#type: "CancelFlightInfo".to_owned(),
            description: "Cancels the run of a package.\nRequest: CancelFlightInfoRequest\nAnswer: CancelFlightInfoResult".to_owned(),
        })])
    }

    async fn register_sql_info(&self, _id: i32, _result: &SqlInfo) {}
}
