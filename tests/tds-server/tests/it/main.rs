//! The server against clients of SQL Server that others wrote: each file one client.

#[cfg(test)]
mod mssql_tds_client;
#[cfg(test)]
mod programs;
