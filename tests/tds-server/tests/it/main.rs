//! The server against clients of SQL Server that others wrote: each file one client.

#[cfg(test)]
mod bulk;
#[cfg(test)]
mod client;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod statements;
