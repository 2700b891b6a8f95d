//! SQL that changes a server, each statement journalled; and the moment for which a closed server takes it.

use std::time::Duration;

use super::{On, StepError, Undo, prepare_undo, settle_undo};
use crate::{
    dialect::{Dialect, Statement},
    transport::{Replicates, Row, SqlError, SqlWriter},
};

/// Statements on one server, each one journalled under the text that may be shown.
pub(crate) struct Statements<'a> {
    /// Where, and for which run.
    pub on: On<'a>,
    /// The connection.
    pub sql: SqlWriter,
}

impl<'a> On<'a> {
    /// Statements that stay on this server, each journalled: none of them gets into the binary log.
    pub(crate) async fn statements(self) -> Result<Statements<'a>, StepError> {
        Ok(Statements { on: self, sql: self.local_sql().await? })
    }

    /// Statements that are meant for the server's replicas, too, each journalled.
    pub(crate) async fn replicated(self, why: Replicates) -> Result<Statements<'a>, StepError> {
        Ok(Statements { on: self, sql: self.replicated_sql(why).await? })
    }
}

impl Statements<'_> {
    /// Runs a statement that holds no secret.
    pub(crate) async fn run(&mut self, sql: &str) -> Result<Vec<Row>, SqlError> {
        let begun = std::time::Instant::now();
        let result = self.sql.query(sql).await;
        self.note(sql, begun, &result);
        result
    }

    /// The same with a limit of its own.
    pub(crate) async fn run_within(&mut self, sql: &str, limit: Duration) -> Result<Vec<Row>, SqlError> {
        let begun = std::time::Instant::now();
        let result = self.sql.query_within(sql, limit).await;
        self.note(sql, begun, &result);
        result
    }

    /// Runs statements in one message. The first that fails is the last that runs.
    pub(crate) async fn run_all<'s>(
        &mut self,
        statements: impl IntoIterator<Item = &'s str>,
    ) -> Result<Vec<Vec<Row>>, SqlError> {
        let statements: Vec<Statement> = statements.into_iter().map(|text| text.to_owned().into()).collect();
        self.run_statements(&statements).await
    }

    /// The same with a limit of its own for each of them.
    pub(crate) async fn run_all_within<'s>(
        &mut self,
        statements: impl IntoIterator<Item = &'s str>,
        limit: Duration,
    ) -> Result<Vec<Vec<Row>>, SqlError> {
        let begun = std::time::Instant::now();
        let texts: Vec<&str> = statements.into_iter().collect();
        let mut all = Vec::with_capacity(texts.len());
        for (answer, text) in self.sql.query_all_within(&texts, limit).await.into_iter().zip(&texts) {
            self.note(text, begun, &answer);
            all.push(answer?);
        }
        Ok(all)
    }

    /// The same with those that may hold a secret, each noted in its shown form.
    pub(crate) async fn run_statements(
        &mut self,
        statements: &[Statement],
    ) -> Result<Vec<Vec<Row>>, SqlError> {
        let begun = std::time::Instant::now();
        let texts: Vec<&str> = statements.iter().map(Statement::text).collect();
        let mut all = Vec::with_capacity(statements.len());
        for (answer, statement) in self.sql.query_all(&texts).await.into_iter().zip(statements) {
            self.note(statement.shown(), begun, &answer);
            all.push(answer?);
        }
        Ok(all)
    }

    /// Drops an account; one that is not there is no error.
    pub(crate) async fn drop_account(
        &mut self,
        dialect: Dialect,
        (user, host): (&str, &str),
    ) -> Result<(), SqlError> {
        match self.run(&dialect.drop_account(user, host)).await {
            Err(error) if !dialect.account_was_gone(error.code()) => Err(error),
            _ => Ok(()),
        }
    }

    /// Runs a statement that every server answers with a row.
    pub(crate) async fn first(&mut self, sql: &str) -> Result<Row, SqlError> {
        let rows = self.run(sql).await?;
        crate::transport::first(&rows, sql).cloned()
    }

    /// Runs a statement that may hold one, and notes its shown form.
    pub(crate) async fn run_secret(&mut self, statement: &Statement) -> Result<Vec<Row>, SqlError> {
        let begun = std::time::Instant::now();
        let result = match statement.text() == statement.shown() {
            true => self.sql.query(statement.text()).await,
            false => self.sql.query_secret(statement.text()).await,
        };
        self.note(statement.shown(), begun, &result);
        result
    }

    fn note(&self, shown: &str, begun: std::time::Instant, result: &Result<Vec<Row>, SqlError>) {
        let said = match result {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
        self.on.ran(shown, begun, &said);
    }
}

/// A server that takes no writes, not even an administrator's, takes those of a step until it is restored.
#[must_use]
pub(crate) struct WritesPermitted<'a>(Option<On<'a>>);

/// What the host sets again by itself, should this program not come to it.
const READ_ONLY: &str = "super-read-only";

/// Lifts `super_read_only` where it is on.
pub(crate) async fn lift_read_only(on: On<'_>) -> Result<WritesPermitted<'_>, StepError> {
    if !on.dialect()?.has_super_read_only() {
        return Ok(WritesPermitted(None));
    }
    let failed = |e| on.failed("lift super_read_only", e);
    let mut sql = on.statements().await?;
    let row = sql.sql.query_first("SELECT @@GLOBAL.super_read_only AS locked").await.map_err(failed)?;
    let locked = row.number::<u8>("locked").map_err(failed)? == 1;
    if locked {
        let back = ["SET GLOBAL super_read_only = ON".to_owned()];
        prepare_undo(on, Undo { name: READ_ONLY, sql: &back, record: None }).await?;
        sql.run("SET GLOBAL super_read_only = OFF").await.map_err(failed)?;
    }
    Ok(WritesPermitted(locked.then_some(on)))
}

impl WritesPermitted<'_> {
    /// Puts the server back to taking no writes, on a connection of its own: the step may have restarted it.
    pub(crate) async fn restore(self) -> Result<(), StepError> {
        let Some(on) = self.0 else { return Ok(()) };
        let mut sql = on.statements().await?;
        let closed = sql.run("SET GLOBAL super_read_only = ON").await;
        closed.map_err(|e| on.failed("set super_read_only again", e))?;
        settle_undo(on, READ_ONLY).await
    }
}
