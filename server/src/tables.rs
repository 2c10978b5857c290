//! What a client finds when it looks around: one catalog `packages`, a schema for each package, a table for each DataReader
//! destination.

use std::sync::Arc;

use arrow::{array::RecordBatch, datatypes::Schema, error::ArrowError};
use arrow_flight::{
    error::FlightError,
    sql::{
        CommandGetCatalogs, CommandGetDbSchemas, CommandGetSqlInfo, CommandGetTableTypes,
        CommandGetTables, SqlInfo,
        metadata::{SqlInfoData, SqlInfoDataBuilder},
    },
};
use fletching::{FolderPackage, LoadOptions, PackageFolder};
use tonic::Status;

use crate::{
    CATALOG,
    query::Query,
    statement::{Statement, blocking},
    status,
};

/// The type of all tables.
const TABLE: &str = "TABLE";
/// Where a table's schema says why it has no columns.
const ERROR: &str = "fletching.error";

fn built(batch: Result<RecordBatch, FlightError>) -> Result<RecordBatch, Status> {
    batch.map_err(Status::from)
}

pub(crate) async fn packages(
    folder: &PackageFolder,
    load: &LoadOptions,
) -> Result<Vec<FolderPackage>, Status> {
    let (folder, load) = (folder.clone(), load.clone());
    blocking(move || {
        folder
            .packages(&load)
            .map_err(|error| status::of_folder(&error))
    })
    .await
}

pub(crate) fn catalogs(query: CommandGetCatalogs) -> Result<RecordBatch, Status> {
    let mut builder = query.into_builder();
    builder.append(CATALOG);
    built(builder.build())
}

pub(crate) fn table_types(query: CommandGetTableTypes) -> Result<RecordBatch, Status> {
    let mut builder = query.into_builder();
    builder.append(TABLE);
    built(builder.build())
}

/// The packages that cannot be read are among them: to ask for one says why.
pub(crate) fn schemas(
    query: CommandGetDbSchemas,
    packages: &[FolderPackage],
) -> Result<RecordBatch, Status> {
    let mut builder = query.into_builder();
    for package in packages {
        builder.append(CATALOG, &package.name);
    }
    built(builder.build())
}

/// With their columns if they are asked for, for which each package is prepared. One that cannot be has no columns, and the
/// metadata of its schema says why.
pub(crate) async fn tables(
    query: CommandGetTables,
    folder: &PackageFolder,
    load: &LoadOptions,
) -> Result<RecordBatch, Status> {
    let include_schema = query.include_schema;
    let mut builder = query.into_builder();
    for package in packages(folder, load).await? {
        for destination in package.readers.iter().flatten() {
            let schema = match include_schema {
                false => Arc::new(Schema::empty()),
                true => {
                    let query = Query {
                        columns: None,
                        package: package.name.clone(),
                        destination: destination.clone(),
                        parameters: Vec::new(),
                    };
                    match Statement::prepare(folder, load, query).await {
                        Ok(statement) => statement.schema,
                        Err(error) => {
                            let why = (ERROR.to_owned(), error.message().to_owned());
                            Arc::new(Schema::empty().with_metadata([why].into()))
                        }
                    }
                }
            };
            let added = builder.append(CATALOG, &package.name, destination, TABLE, &schema);
            added.map_err(Status::from)?;
        }
    }
    built(builder.build())
}

pub(crate) fn info(query: CommandGetSqlInfo) -> Result<RecordBatch, Status> {
    let data = server_info().map_err(Status::from)?;
    built(query.into_builder(&data).build())
}

fn server_info() -> Result<SqlInfoData, FlightError> {
    let mut builder = SqlInfoDataBuilder::new();
    builder.append(SqlInfo::FlightSqlServerName, "Fletching");
    builder.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    builder.append(SqlInfo::FlightSqlServerArrowVersion, arrow::ARROW_VERSION);
    builder.append(SqlInfo::FlightSqlServerReadOnly, true);
    builder.append(SqlInfo::FlightSqlServerSql, true);
    builder.append(SqlInfo::FlightSqlServerSubstrait, false);
    builder.append(SqlInfo::FlightSqlServerTransaction, 0_i32);
    builder.append(SqlInfo::FlightSqlServerCancel, true);
    builder.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    builder
        .build()
        .map_err(|error| FlightError::Arrow(ArrowError::ExternalError(Box::new(error))))
}
