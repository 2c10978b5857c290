//! An open connection to PostgreSQL.
//!
//! The client is async; its session waits for it on a runtime of one thread, where the connection is a task. The server's
//! answers come as fast as the session takes them: while a sink is full, nobody reads from the socket.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arrow::array::RecordBatch;
use futures::{StreamExt, stream};
use native_tls::TlsConnector;
use parking_lot::Mutex;
use postgres_native_tls::MakeTlsConnector;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_postgres::{AsyncMessage, CancelToken, Client, Config, config::SslMode};

use super::{
    describe::describe,
    failure::{failure, not_connected},
    load::PostgresLoad,
    statements::first_word,
};
use crate::{
    database::{
        Cancel, DatabaseError, Executed, Fault, Load, LoadOptions, PostgresTarget, ReadOptions,
        RowSink, Session, Statement, TableColumn, TableName, Target,
    },
    sql::Dialect,
};

/// How long the server may take to answer at first, unless the address says `connect_timeout`.
const CONNECT_WAIT: Duration = Duration::from_secs(15);
/// How long a session waits for its connection to say goodbye.
const GOODBYE_WAIT: Duration = Duration::from_millis(500);
/// What the server said and nobody asked for, at most.
const NOTICES_MAX: usize = 1000;

pub(crate) struct PostgresSession {
    runtime: Runtime,
    /// Gone only while the session ends.
    client: Option<Client>,
    connection: Option<JoinHandle<()>>,
    notices: Arc<Mutex<Vec<String>>>,
    interrupt: Arc<Interrupt>,
    name: String,
    /// A transaction is open, as far as this session was told.
    pub(super) within: bool,
}

struct Interrupt {
    token: CancelToken,
    tls: MakeTlsConnector,
    busy: AtomicBool,
    cancelled: AtomicBool,
}

impl std::fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interrupt")
    }
}

impl Interrupt {
    async fn send(&self) {
        // A server that cannot be reached has stopped by itself.
        drop(self.token.cancel_query(self.tls.clone()).await);
    }
}

impl Cancel for Interrupt {
    /// By a connection of its own; on a thread of its own, since the caller may be within a runtime.
    fn cancel(&self) {
        if !self.busy.load(Ordering::Acquire) {
            return;
        }
        self.cancelled.store(true, Ordering::Release);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                if let Ok(runtime) = Builder::new_current_thread().enable_all().build() {
                    runtime.block_on(self.send());
                }
            });
        });
    }
}

impl std::fmt::Debug for PostgresSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresSession")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Time that a statement may wait for the server; what its rows' taker needs does not count.
pub(super) struct Patience {
    left: Option<Duration>,
    seconds: u32,
}

impl Patience {
    pub(super) fn new(seconds: u32) -> Self {
        Self {
            left: (seconds > 0).then(|| Duration::from_secs(seconds.into())),
            seconds,
        }
    }

    /// `None` when the time is over.
    async fn wait<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let Some(left) = self.left else {
            return Some(work.await);
        };
        let begin = Instant::now();
        let done = timeout(left, work).await.ok();
        self.left = Some(left.saturating_sub(begin.elapsed()));
        done
    }
}

/// What the parts of a session that talk to the server need of it.
#[derive(Clone, Copy)]
pub(super) struct Talk<'s> {
    pub(super) client: &'s Client,
    runtime: &'s Runtime,
    name: &'s str,
    interrupt: &'s Interrupt,
    pub(super) sql: &'s str,
}

impl Talk<'_> {
    pub(super) fn block<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub(super) fn refuse(&self, fault: Fault, message: impl Into<String>) -> DatabaseError {
        DatabaseError::new(self.name, fault, message).with_statement(self.sql)
    }

    pub(super) fn fail(&self, error: &tokio_postgres::Error) -> DatabaseError {
        let mut failure = failure(self.name, error).with_statement(self.sql);
        if failure.fault == Fault::Other && self.client.is_closed() {
            failure.fault = Fault::Lost;
        }
        let stopped = failure.fault == Fault::Cancelled;
        if stopped && !self.interrupt.cancelled.load(Ordering::Acquire) {
            failure.fault = Fault::Timeout; // statement_timeout of the server
        }
        failure
    }

    /// Waits for an answer, as long as there is patience.
    pub(super) async fn wait<T>(
        &self,
        patience: &mut Patience,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, DatabaseError> {
        let work = async { work.await.map_err(|error| self.fail(&error)) };
        self.timed(patience, work).await
    }

    /// The same of several answers.
    pub(super) async fn timed<T>(
        &self,
        patience: &mut Patience,
        work: impl Future<Output = Result<T, DatabaseError>>,
    ) -> Result<T, DatabaseError> {
        match patience.wait(work).await {
            Some(done) => done,
            None => {
                self.interrupt.send().await;
                let seconds = patience.seconds;
                let message = format!("it took longer than the {seconds} s that are allowed");
                Err(self.refuse(Fault::Timeout, message))
            }
        }
    }

    pub(super) async fn stop(&self) {
        self.interrupt.send().await;
    }

    pub(super) async fn run(&self, sql: &str) -> Result<(), DatabaseError> {
        let done = self.client.batch_execute(sql).await;
        done.map_err(|error| self.fail(&error).with_statement(sql))
    }
}

/// `verify-ca` and `verify-full` are not the client's words, so they are taken out of the address.
fn config(name: &str, address: &str) -> Result<(Config, MakeTlsConnector), DatabaseError> {
    let unreachable = |message: String| DatabaseError::new(name, Fault::Unreachable, message);
    let full = address.contains("sslmode=verify-full");
    let authority = full || address.contains("sslmode=verify-ca");
    let address = address
        .replace("sslmode=verify-full", "sslmode=require")
        .replace("sslmode=verify-ca", "sslmode=require");
    let mut config: Config = address
        .parse()
        .map_err(|error: tokio_postgres::Error| unreachable(failure(name, &error).message))?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_WAIT);
    }
    if config.get_application_name().is_none() {
        config.application_name("fletching");
    }
    let connector = TlsConnector::builder()
        .danger_accept_invalid_certs(!authority)
        .danger_accept_invalid_hostnames(!full)
        .build();
    match connector {
        Ok(connector) => Ok((config, MakeTlsConnector::new(connector))),
        Err(error) => Err(unreachable(format!("TLS cannot be set up: {error}"))),
    }
}

impl PostgresSession {
    pub(crate) fn open(target: &PostgresTarget) -> Result<Self, DatabaseError> {
        let name = Target::Postgres(target.clone()).to_string();
        let (config, tls) = config(&name, &target.address)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|error| DatabaseError::new(&name, Fault::Full, error.to_string()))?;
        let connected = runtime
            .block_on(config.connect(tls.clone()))
            .map_err(|error| {
                let mut failure = not_connected(&name, &error);
                if config.get_ssl_mode() == SslMode::Require && failure.message.contains("TLS") {
                    failure.message.push_str(" (sslmode asks for TLS)");
                }
                failure
            });
        let (client, mut connection) = connected?;
        let notices = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&notices);
        let connection = runtime.spawn(async move {
            let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
            // Its failure reaches the session through its client.
            while let Some(Ok(message)) = messages.next().await {
                if let AsyncMessage::Notice(notice) = message {
                    let mut heard = heard.lock();
                    if heard.len() < NOTICES_MAX {
                        heard.push(notice.message().to_owned());
                    }
                }
            }
        });
        let interrupt = Arc::new(Interrupt {
            token: client.cancel_token(),
            tls,
            busy: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
        });
        Ok(Self {
            runtime,
            client: Some(client),
            connection: Some(connection),
            notices,
            interrupt,
            name,
            within: false,
        })
    }

    pub(super) fn error(&self, fault: Fault, message: impl Into<String>) -> DatabaseError {
        DatabaseError::new(&self.name, fault, message)
    }

    /// Works with the server until it is done; [`Cancel::cancel`] has an effect meanwhile.
    pub(super) fn talk<'s, T>(
        &'s self,
        sql: &'s str,
        work: impl FnOnce(Talk<'s>) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let Some(client) = &self.client else {
            return Err(self.error(Fault::Lost, "the session has ended"));
        };
        let talk = Talk {
            client,
            runtime: &self.runtime,
            name: &self.name,
            interrupt: &self.interrupt,
            sql,
        };
        self.interrupt.cancelled.store(false, Ordering::Release);
        self.interrupt.busy.store(true, Ordering::Release);
        let done = work(talk);
        self.interrupt.busy.store(false, Ordering::Release);
        done
    }

    pub(super) fn run(&self, sql: &str) -> Result<(), DatabaseError> {
        self.talk(sql, |talk| talk.block(talk.run(sql)))
    }

    /// Transactions that a statement begins or ends by itself.
    fn note(&mut self, statement: &str) {
        match first_word(statement).as_str() {
            "begin" | "start" => self.within = true,
            "commit" | "end" | "rollback" | "abort"
                if !statement.to_lowercase().contains(" to ") =>
            {
                self.within = false;
            }
            _ => {}
        }
    }
}

impl Drop for PostgresSession {
    fn drop(&mut self) {
        drop(self.client.take());
        if let Some(connection) = self.connection.take() {
            drop(
                self.runtime
                    .block_on(async { timeout(GOODBYE_WAIT, connection).await }),
            );
        }
    }
}

impl Session for PostgresSession {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn query(
        &mut self,
        statement: &Statement<'_>,
        options: &ReadOptions,
        sink: &mut dyn RowSink,
    ) -> Result<(), DatabaseError> {
        let within = self.within;
        self.talk(statement.sql, |talk| {
            super::read::query(talk, statement, options, sink, within)
        })
    }

    fn execute(&mut self, statement: &Statement<'_>) -> Result<Executed, DatabaseError> {
        self.notices.lock().clear();
        let mut done = self.talk(statement.sql, |talk| {
            talk.block(super::read::execute(talk, statement))
        })?;
        for statement in super::statements::split(statement.sql, false) {
            self.note(&statement);
        }
        done.messages = std::mem::take(&mut *self.notices.lock());
        Ok(done)
    }

    fn execute_each(
        &mut self,
        statement: &Statement<'_>,
        rows: &RecordBatch,
        go_on: bool,
    ) -> Result<Vec<Result<u64, DatabaseError>>, DatabaseError> {
        let own = !self.within;
        let rows = (rows, statement.timeout_seconds);
        self.talk(statement.sql, |talk| {
            talk.block(super::read::execute_each(talk, rows, go_on, own))
        })
    }

    fn describe(&mut self, table: &TableName) -> Result<Vec<TableColumn>, DatabaseError> {
        let (_, columns) = self.talk("", |talk| talk.block(describe(talk, table)))?;
        Ok(columns.into_iter().map(|column| column.column).collect())
    }

    fn load<'s>(
        &'s mut self,
        table: &TableName,
        columns: &[String],
        options: &LoadOptions,
    ) -> Result<Box<dyn Load + 's>, DatabaseError> {
        let (name, described) = self.talk("", |talk| talk.block(describe(talk, table)))?;
        Ok(Box::new(PostgresLoad::open(
            self,
            name,
            (columns, &described),
            options,
        )?))
    }

    fn begin(&mut self) -> Result<(), DatabaseError> {
        self.run("BEGIN")?;
        self.within = true;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), DatabaseError> {
        self.within = false;
        self.run("COMMIT")
    }

    fn rollback(&mut self) -> Result<(), DatabaseError> {
        match std::mem::take(&mut self.within) {
            true => self.run("ROLLBACK"),
            false => Ok(()),
        }
    }

    fn canceller(&self) -> Arc<dyn Cancel> {
        Arc::<Interrupt>::clone(&self.interrupt) as Arc<dyn Cancel>
    }
}
