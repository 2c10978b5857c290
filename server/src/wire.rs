//! The calls as they arrive: Flight SQL, and for clients without it a path `["folder/Package.dtsx#Destination"]`.

use arrow_flight::{
    Action, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo, HandshakeRequest, PollInfo,
    SchemaResult, Ticket, flight_descriptor::DescriptorType, flight_service_server::FlightService,
};
use tonic::{Request, Response, Status, Streaming};

use crate::{flight_sql::PackagesAsTables, query::Query, status};

#[derive(Debug, Clone)]
pub(crate) struct Wire {
    service: PackagesAsTables,
}

impl Wire {
    pub(crate) fn new(service: PackagesAsTables) -> Self {
        Self { service }
    }
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl FlightService for Wire {
    type HandshakeStream = <PackagesAsTables as FlightService>::HandshakeStream;
    type ListFlightsStream = <PackagesAsTables as FlightService>::ListFlightsStream;
    type DoGetStream = <PackagesAsTables as FlightService>::DoGetStream;
    type DoPutStream = <PackagesAsTables as FlightService>::DoPutStream;
    type DoActionStream = <PackagesAsTables as FlightService>::DoActionStream;
    type ListActionsStream = <PackagesAsTables as FlightService>::ListActionsStream;
    type DoExchangeStream = <PackagesAsTables as FlightService>::DoExchangeStream;

    async fn handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Answer<Self::HandshakeStream> {
        self.service.handshake(request).await
    }

    /// All destinations, by path. They have no schema and no ticket here: for that each would have to be prepared.
    async fn list_flights(&self, _request: Request<Criteria>) -> Answer<Self::ListFlightsStream> {
        let packages = self.service.packages().await?;
        let named = packages.into_iter().flat_map(|package| {
            let readers = package.readers.unwrap_or_default().into_iter();
            readers.map(move |reader| {
                let path = vec![format!("{}#{reader}", package.name)];
                Ok(FlightInfo::new().with_descriptor(FlightDescriptor::new_path(path)))
            })
        });
        let all: Vec<Result<FlightInfo, Status>> = named.collect();
        Ok(Response::new(Box::pin(futures::stream::iter(all))))
    }

    async fn get_flight_info(&self, request: Request<FlightDescriptor>) -> Answer<FlightInfo> {
        let descriptor = request.get_ref();
        if descriptor.r#type() != DescriptorType::Path {
            return self.service.get_flight_info(request).await;
        }
        let query = Query::table(&descriptor.path.join("/"));
        let query = query.map_err(|error| status::of_query(&error))?;
        self.service.info(query, request.into_inner()).await
    }

    async fn poll_flight_info(&self, request: Request<FlightDescriptor>) -> Answer<PollInfo> {
        // The answer is there at once: nothing has to run for it.
        let info = self.get_flight_info(request).await?.into_inner();
        Ok(Response::new(PollInfo {
            info: Some(info),
            flight_descriptor: None,
            progress: Some(1.0),
            expiration_time: None,
        }))
    }

    async fn get_schema(&self, request: Request<FlightDescriptor>) -> Answer<SchemaResult> {
        let info = self.get_flight_info(request).await?.into_inner();
        Ok(Response::new(SchemaResult {
            schema: info.schema,
        }))
    }

    async fn do_get(&self, request: Request<Ticket>) -> Answer<Self::DoGetStream> {
        self.service.do_get(request).await
    }

    async fn do_put(&self, request: Request<Streaming<FlightData>>) -> Answer<Self::DoPutStream> {
        self.service.do_put(request).await
    }

    async fn do_action(&self, request: Request<Action>) -> Answer<Self::DoActionStream> {
        self.service.do_action(request).await
    }

    async fn list_actions(&self, request: Request<Empty>) -> Answer<Self::ListActionsStream> {
        self.service.list_actions(request).await
    }

    async fn do_exchange(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Answer<Self::DoExchangeStream> {
        self.service.do_exchange(request).await
    }
}
