//! Runs the statements of a batch for one connection.
//!
//! An error ends its statement; whether the batch goes on is as SQL Server has it: a failed constraint lets it,
//! most other errors do not, and inside TRY each goes to CATCH.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, Statement};

use crate::convert::{Fit, convert, text};
use crate::error::SqlError;
use crate::packet::{Peek, peek};
use crate::result::{self, Counts};
use crate::rewrite::{expression, quoted};
use crate::script::{Kind, Node, Tokens, word};
use crate::server::Shared;
use crate::sql_type::SqlType;
use crate::state::{State, View};
use crate::statement::{Plan, PlanKind, plan};
use crate::tokens::{
    COMMAND_DELETE, COMMAND_INSERT, COMMAND_SELECT, COMMAND_UPDATE, DONE_COUNT, DONE_ERROR,
    Replies, Stop,
};

/// Where control goes after a statement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Next,
    Break,
    Continue,
    Return,
}

/// How long a statement waits for another session's writing.
const LOCK_WAIT: Duration = Duration::from_secs(30);

pub(crate) struct Session {
    pub(crate) db: Connection,
    pub(crate) replies: Replies,
    pub(crate) shared: Arc<Shared>,
    pub(crate) state: State,
    pub(crate) counts: Counts,
    pub(crate) calls: crate::calls::Prepared,
    pub(crate) bulk: crate::bulk::Target,
}

impl Session {
    pub(crate) fn open(replies: Replies, shared: Arc<Shared>, state: State) -> Result<Self, Stop> {
        let db = Connection::open(&shared.database)?;
        db.busy_timeout(LOCK_WAIT)?;
        db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON;",
        )?;
        for setting in [
            rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DML,
            rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DDL,
        ] {
            db.set_db_config(setting, false)?;
        }
        crate::functions::register(&db)?;
        crate::catalog::create(&db, &state.database)?;
        let counts = Counts {
            close_after: shared.faults.lock().close_after_rows,
            ..Counts::default()
        };
        let session = Self {
            db,
            replies,
            shared,
            state,
            counts,
            calls: Default::default(),
            bulk: Default::default(),
        };
        session.listen()?;
        Ok(session)
    }

    /// While SQLite works, the client can only send an attention, or leave.
    pub(crate) fn listen(&self) -> Result<(), Stop> {
        let socket = self.replies.channel.socket()?;
        Ok(self.db.progress_handler(
            5000,
            Some(move || !matches!(peek(&socket), Ok(Peek::Quiet))),
        )?)
    }

    pub(crate) fn view(&self) -> View<'_> {
        View {
            db: &self.db,
            state: &self.state,
        }
    }

    /// Runs a batch and reports its errors; true when it ended with one.
    pub(crate) fn batch(&mut self, source: &str) -> Result<bool, Stop> {
        let delay = {
            let faults = self.shared.faults.lock();
            self.counts.close_after = faults.close_after_rows;
            let failing = faults
                .fail
                .iter()
                .filter(|(part, _)| !part.starts_with(crate::bulk::START))
                .find(|(part, _)| source.contains(part.as_str()));
            if let Some((part, number)) = failing {
                let error = SqlError::new(
                    *number,
                    format!("Failed on purpose: the statement contains '{part}'."),
                );
                drop(faults);
                self.report(error);
                return Ok(true);
            }
            faults.delay
        };
        if let Some(delay) = delay {
            self.replies.wait(delay)?;
        }
        let nodes = match crate::script::parse(source) {
            Ok(nodes) => nodes,
            Err(error) => {
                self.report(error);
                return Ok(true);
            }
        };
        match self.list(&nodes, false) {
            Ok(_) => Ok(false),
            Err(Stop::Sql(error)) => {
                self.report(error);
                Ok(true)
            }
            Err(stop) => Err(stop),
        }
    }

    fn report(&mut self, error: SqlError) {
        self.state.error = error.number;
        self.replies.error(&error);
        self.replies.done(DONE_ERROR, 0, 0);
    }

    fn list(&mut self, nodes: &[Node], inside_try: bool) -> Result<Flow, Stop> {
        for node in nodes {
            match self.node(node, inside_try) {
                Ok(Flow::Next) => {}
                Ok(other) => return Ok(other),
                Err(Stop::Sql(error)) => {
                    let error = error.at_line(node.line);
                    self.after_error()?;
                    if inside_try || error.ends_batch {
                        return Err(Stop::Sql(error));
                    }
                    self.report(error);
                    self.state.row_count = 0;
                }
                Err(stop) => return Err(stop),
            }
        }
        Ok(Flow::Next)
    }

    /// SET XACT_ABORT rolls back; so does SQLite itself after some errors.
    fn after_error(&mut self) -> Result<(), Stop> {
        if self.state.transactions > 0 && (self.state.abort || self.db.is_autocommit()) {
            self.rollback(None)?;
        }
        Ok(())
    }

    fn node(&mut self, node: &Node, inside_try: bool) -> Result<Flow, Stop> {
        match &node.kind {
            Kind::Block(nodes) => return self.list(nodes, inside_try),
            Kind::If {
                condition,
                then,
                otherwise,
            } => {
                if self.condition(condition)? {
                    return self.list(std::slice::from_ref(then.as_ref()), inside_try);
                }
                if let Some(otherwise) = otherwise {
                    return self.list(std::slice::from_ref(otherwise.as_ref()), inside_try);
                }
            }
            Kind::While { condition, body } => return self.repeat(condition, body, inside_try),
            Kind::Try { body, handler } => return self.guarded(body, handler, inside_try),
            Kind::Break => return Ok(Flow::Break),
            Kind::Continue => return Ok(Flow::Continue),
            Kind::Return(value) => {
                if let Some(value) = value {
                    let value = self.evaluate(value)?;
                    self.state.status = i32::try_from(number_of(&value)).unwrap_or_default();
                }
                return Ok(Flow::Return);
            }
            Kind::Sql(tokens) => self.sql(tokens)?,
            Kind::Execute(call) => self.execute(call)?,
            Kind::ExecuteText(tokens) => {
                let source = text(self.evaluate(tokens)?);
                return self.nested(&source).map(|()| Flow::Next);
            }
            other => self.plain(other)?,
        }
        Ok(Flow::Next)
    }

    fn repeat(&mut self, condition: &Tokens, body: &Node, inside_try: bool) -> Result<Flow, Stop> {
        while self.condition(condition)? {
            self.replies.wait(Duration::ZERO)?;
            match self.list(std::slice::from_ref(body), inside_try)? {
                Flow::Break => break,
                Flow::Return => return Ok(Flow::Return),
                _ => {}
            }
        }
        Ok(Flow::Next)
    }

    fn guarded(&mut self, body: &[Node], handler: &[Node], inside_try: bool) -> Result<Flow, Stop> {
        match self.list(body, true) {
            Err(Stop::Sql(error)) => {
                self.state.error = error.number;
                let before = self.state.caught.replace(error);
                let flow = self.list(handler, inside_try);
                self.state.caught = before;
                flow
            }
            other => other,
        }
    }

    /// Runs text inside the batch, its errors being the statement's.
    pub(crate) fn nested(&mut self, source: &str) -> Result<(), Stop> {
        let nodes = crate::script::parse(source)?;
        self.list(&nodes, false).map(|_| ())
    }

    fn plain(&mut self, kind: &Kind) -> Result<(), Stop> {
        match kind {
            Kind::Declare(declared) => {
                for (name, ty, initial) in declared {
                    let value = initial
                        .as_ref()
                        .map_or(Ok(Value::Null), |initial| self.evaluate(initial))?;
                    self.state
                        .variables
                        .insert(name.clone(), (*ty, convert(value, *ty, Fit::Cut)?));
                }
            }
            Kind::DeclareTable(name, body) => {
                let create = crate::ddl::table_statement(name, body, &self.view())?;
                self.db
                    .execute_batch(&format!("DROP TABLE IF EXISTS temp.{};", quoted(name)))?;
                self.db.execute_batch(&create)?;
            }
            Kind::Assign(name, tokens) => {
                let value = self.evaluate(tokens)?;
                self.assign(name, value)?;
            }
            Kind::Setting(words) => self.setting(words)?,
            Kind::Print(tokens) => {
                let message = text(self.evaluate(tokens)?);
                self.replies.information(0, &message);
            }
            Kind::RaiseError(arguments) => self.raise(arguments)?,
            Kind::Throw(arguments) => return Err(self.thrown(arguments)?.into()),
            Kind::Begin => self.begin()?,
            Kind::Commit => self.commit()?,
            Kind::Rollback(name) => self.rollback(name.as_deref())?,
            Kind::Save(name) => self.save(name)?,
            Kind::Use(name) => {
                let before = std::mem::replace(&mut self.state.database, name.clone());
                self.replies.environment(1, name, &before);
                self.replies
                    .information(5701, &format!("Changed database context to '{name}'."));
            }
            Kind::Wait(tokens) => {
                let clock = tokens.iter().find_map(|token| match &token.token {
                    sqlparser::tokenizer::Token::SingleQuotedString(clock) => {
                        crate::moment::Moment::parse(clock)
                    }
                    _ => None,
                });
                let clock = clock
                    .filter(|_| word(tokens.first()) == "DELAY")
                    .ok_or_else(|| SqlError::unsupported("this WAITFOR"))?;
                self.replies.wait(Duration::from_micros(
                    u64::try_from(clock.ticks / 10).unwrap_or_default(),
                ))?;
            }
            other => return Err(SqlError::unsupported(format_args!("{other:?}")).into()),
        }
        Ok(())
    }

    pub(crate) fn assign(&mut self, name: &str, value: Value) -> Result<(), SqlError> {
        let (ty, kept) = self.state.variables.get_mut(name).ok_or_else(|| {
            SqlError::new(137, format!("Must declare the scalar variable \"{name}\"."))
        })?;
        *kept = convert(value, *ty, Fit::Cut)?;
        Ok(())
    }

    pub(crate) fn evaluate(
        &mut self,
        tokens: &[sqlparser::tokenizer::TokenWithSpan],
    ) -> Result<Value, Stop> {
        let sql = format!("SELECT {}", expression(tokens, &self.view())?);
        self.single(&sql)
    }

    fn condition(&mut self, tokens: &[sqlparser::tokenizer::TokenWithSpan]) -> Result<bool, Stop> {
        let sql = format!(
            "SELECT CASE WHEN {} THEN 1 ELSE 0 END",
            expression(tokens, &self.view())?
        );
        Ok(self.single(&sql)? == Value::Integer(1))
    }

    fn single(&mut self, sql: &str) -> Result<Value, Stop> {
        let mut statement = self.db.prepare(sql)?;
        bind(&mut statement, &self.state)?;
        let mut rows = statement.raw_query();
        Ok(rows.next()?.map_or(Ok(Value::Null), |row| row.get(0))?)
    }

    fn sql(&mut self, tokens: &Tokens) -> Result<(), Stop> {
        if word(tokens.first()) == "INSERT" && word(tokens.get(1)) == "BULK" {
            self.bulk = crate::bulk::read_statement(tokens, &self.view())?;
            return Ok(());
        }
        if let Some(statements) = crate::ddl::statements(tokens, &self.view())? {
            if self.state.format_only {
                return Ok(());
            }
            self.before_write()?;
            for statement in statements {
                self.db
                    .execute_batch(&statement)
                    .map_err(|error| defined(&statement, error))?;
            }
            if !self.state.no_count {
                self.replies.done(0, 0, 0);
            }
            return Ok(());
        }
        let described = self.with_description(tokens)?;
        let tokens = described.as_ref().unwrap_or(tokens);
        let plan = plan(tokens, &self.view())?;
        self.state.error = 0;
        if self.state.format_only {
            return self.describe(&plan);
        }
        self.planned(plan)
    }

    fn describe(&mut self, plan: &Plan) -> Result<(), Stop> {
        let statement = self.db.prepare(&plan.sql)?;
        if !plan.sql.is_empty() && statement.column_count() > 0 {
            let mut columns = result::described(&statement, &plan.hints);
            result::rename(&mut columns, &mut self.replies)?;
            self.replies.columns(&columns);
            self.replies.done(0, COMMAND_SELECT, 0);
        }
        Ok(())
    }

    /// Makes a table of a query's columns and puts its rows in.
    fn fill(&mut self, table: &str, columns: &str, query: &str) -> Result<u64, Stop> {
        let temporary = if table.starts_with('#') { "TEMP " } else { "" };
        let table = quoted(table);
        self.db
            .execute_batch(&format!("CREATE {temporary}TABLE {table} ({columns})"))?;
        let mut filling = self.db.prepare(&format!("INSERT INTO {table} {query}"))?;
        bind(&mut filling, &self.state)?;
        Ok(filling.raw_execute()? as u64)
    }

    /// All steps or none.
    fn steps(&mut self, steps: &[String]) -> Result<u64, Stop> {
        self.before_write()?;
        self.db.execute_batch("SAVEPOINT tds_steps")?;
        let mut rows = 0;
        let result = steps.iter().try_for_each(|step| {
            let mut statement = self.db.prepare(step)?;
            bind(&mut statement, &self.state)?;
            let changed = statement.raw_execute()? as u64;
            let counts = ["INSERT", "UPDATE", "DELETE"]
                .iter()
                .any(|verb| step.starts_with(verb));
            rows += if counts { changed } else { 0 };
            Ok(())
        });
        let undo = if result.is_err() && !self.db.is_autocommit() {
            "ROLLBACK TO tds_steps;"
        } else {
            ""
        };
        if !self.db.is_autocommit() {
            self.db
                .execute_batch(&format!("{undo} RELEASE tds_steps"))?;
        }
        result.map(|()| rows)
    }

    fn planned(&mut self, plan: Plan) -> Result<(), Stop> {
        if let PlanKind::Steps(steps) = &plan.kind {
            self.state.row_count = self.steps(steps)?;
            if !self.state.no_count {
                self.replies
                    .done(DONE_COUNT, COMMAND_UPDATE, self.state.row_count);
            }
            return Ok(());
        }
        if !matches!(plan.kind, PlanKind::Rows | PlanKind::Assign { .. }) {
            self.before_write()?;
        }
        let mut statement = self.db.prepare(&plan.sql)?;
        bind(&mut statement, &self.state)?;
        let counted = if self.state.no_count { 0 } else { DONE_COUNT };
        let (rows, command) = match &plan.kind {
            PlanKind::Rows => {
                let rows = result::send(
                    &mut statement,
                    &plan.hints,
                    &mut self.replies,
                    &mut self.counts,
                )?;
                self.replies.done(counted, COMMAND_SELECT, rows);
                self.state.row_count = rows;
                return Ok(());
            }
            PlanKind::Assign { names, each } => {
                drop(statement);
                self.state.row_count = self.assign_rows(&plan.sql, names, each.as_deref())?;
                return Ok(());
            }
            PlanKind::Into(table) => {
                let columns = result::declarations(&mut statement, &plan.hints)?;
                drop(statement);
                (self.fill(table, &columns, &plan.sql)?, COMMAND_SELECT)
            }
            PlanKind::Steps(_) => (0, COMMAND_UPDATE),
            PlanKind::Insert { output: false, .. } => {
                (statement.raw_execute()? as u64, COMMAND_INSERT)
            }
            PlanKind::Update { output: false } => (statement.raw_execute()? as u64, COMMAND_UPDATE),
            PlanKind::Delete { output: false } => (statement.raw_execute()? as u64, COMMAND_DELETE),
            PlanKind::Insert { .. } | PlanKind::Update { .. } | PlanKind::Delete { .. } => (
                result::send(
                    &mut statement,
                    &plan.hints,
                    &mut self.replies,
                    &mut self.counts,
                )?,
                COMMAND_SELECT,
            ),
        };
        self.state.row_count = rows;
        if let Some(given) = given(&self.db, &plan.kind) {
            self.state.identity = given;
        }
        if !self.state.no_count || command == COMMAND_SELECT {
            self.replies.done(counted, command, rows);
        }
        Ok(())
    }
}

/// What an INSERT has given to an identity column, for one that has such a column.
fn given(db: &Connection, kind: &PlanKind) -> Option<Option<i64>> {
    let PlanKind::Insert {
        table,
        identity: Some(column),
        ..
    } = kind
    else {
        return None;
    };
    let sql = format!(
        "SELECT {} FROM {} ORDER BY rowid DESC LIMIT 1",
        quoted(column),
        quoted(table)
    );
    Some(db.query_row(&sql, [], |row| row.get(0)).ok())
}

impl Session {
    /// `SELECT @a = ...`: the last row stays, unless each row goes through an expression of its own.
    fn assign_rows(
        &mut self,
        sql: &str,
        names: &[String],
        each: Option<&str>,
    ) -> Result<u64, Stop> {
        let mut found = Vec::new();
        let mut count = 0;
        {
            let mut statement = self.db.prepare(sql)?;
            bind(&mut statement, &self.state)?;
            let width = statement.column_count();
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                let values: Result<Vec<Value>, rusqlite::Error> =
                    (0..width).map(|at| row.get(at)).collect();
                if each.is_none() {
                    found.clear();
                }
                found.push(values?);
                count += 1;
            }
        }
        for row in found {
            let values = match each {
                None => row,
                Some(each) => self.row_expressions(each, &row, names.len())?,
            };
            for (name, value) in names.iter().zip(values) {
                self.assign(name, value)?;
            }
        }
        Ok(count)
    }

    fn row_expressions(&self, sql: &str, row: &[Value], count: usize) -> Result<Vec<Value>, Stop> {
        let mut statement = self.db.prepare_cached(sql)?;
        bind(&mut statement, &self.state)?;
        for (at, value) in row.iter().enumerate() {
            if let Some(index) = statement.parameter_index(&format!(":c{at}"))? {
                statement.raw_bind_parameter(index, value)?;
            }
        }
        let mut rows = statement.raw_query();
        let row = rows.next()?.ok_or_else(|| SqlError::syntax("SELECT"))?;
        Ok((0..count).map(|at| row.get(at)).collect::<Result<_, _>>()?)
    }
}

pub(crate) fn number_of(value: &Value) -> i64 {
    match value {
        Value::Integer(number) => *number,
        _ => 0,
    }
}

fn defined(statement: &str, error: rusqlite::Error) -> SqlError {
    let error = SqlError::from(error);
    if error.number == 208 && statement.starts_with("DROP") {
        let message =
            "Cannot drop the object, because it does not exist or you do not have permission.";
        return SqlError::new(3701, format!("{message} ({})", error.message));
    }
    error
}

/// Gives a statement's parameters the values of the variables of the same name.
pub(crate) fn bind(statement: &mut Statement<'_>, state: &State) -> Result<(), Stop> {
    for at in 1..=statement.parameter_count() {
        let name = statement.parameter_name(at).unwrap_or_default().to_owned();
        let value = state
            .variables
            .get(&name)
            .map_or(&Value::Null, |(_, value)| value);
        statement.raw_bind_parameter(at, value)?;
    }
    Ok(())
}

/// The type a value has when nobody declared one.
pub(crate) fn type_of(value: &Value) -> SqlType {
    match value {
        Value::Integer(number) if i32::try_from(*number).is_ok() => SqlType::Int,
        Value::Integer(_) => SqlType::BigInt,
        Value::Real(_) => SqlType::Float,
        Value::Blob(_) => SqlType::VarBinary(crate::sql_type::MAX),
        _ => SqlType::NVarChar(crate::sql_type::MAX),
    }
}
