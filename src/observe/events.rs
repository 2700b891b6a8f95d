//! Events of the event scheduler, and what runs of them.

use crate::{
    dialect::{Dialect, ReadStatement},
    transport::{Row, SqlError, SqlReader},
};

/// An event of the event scheduler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFacts {
    /// Its database.
    pub database: String,
    /// Its name.
    pub name: String,
    /// Whether it runs where the scheduler does.
    pub state: EventState,
    /// `server_id` of the server on which it was made or changed last.
    pub originator: u64,
}

/// Whether an event runs where the scheduler does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventState {
    /// It does.
    Enabled,
    /// Somebody has disabled it.
    Disabled,
    /// It came from a source, and runs there. A server gives every event of its source this state, disabled ones too.
    OnReplica,
}

impl EventFacts {
    /// Reads one out of a row of [`Dialect::events`].
    ///
    /// # Errors
    /// When a column is missing.
    pub fn read(row: &Row) -> Result<Self, SqlError> {
        // SLAVESIDE_DISABLED, which MySQL 8.4 calls REPLICA_SIDE_DISABLED.
        let state = match row.need("status")? {
            "ENABLED" => EventState::Enabled,
            "DISABLED" => EventState::Disabled,
            _ => EventState::OnReplica,
        };
        Ok(Self {
            database: row.text("db")?,
            name: row.text("name")?,
            state,
            originator: row.optional_number("originator")?.unwrap_or(0),
        })
    }
}

/// All events but the heartbeat, which is each writer's own.
///
/// # Errors
/// When the server refuses to show them.
pub(crate) async fn events(sql: &SqlReader, dialect: Dialect) -> Result<Vec<EventFacts>, SqlError> {
    sql.query(&dialect.events()).await?.iter().map(EventFacts::read).collect()
}

/// Sessions in which the scheduler runs events now: they are no clients, and write like ones.
///
/// # Errors
/// When the server refuses to show them.
pub(crate) async fn running_events(sql: &SqlReader) -> Result<Vec<u64>, SqlError> {
    let mut found = Vec::new();
    for row in &sql.query(&ReadStatement::sessions()).await? {
        let text = |column: &str| Ok::<_, SqlError>(row.optional(column)?.unwrap_or_default().to_owned());
        let (user, statement) = (text("user")?, text("info")?);
        let of_the_server = user.is_empty() || user == "system user" || user == "event_scheduler";
        if row.need("command")? == "Connect" && !of_the_server && !statement.is_empty() {
            found.push(row.number("id")?);
        }
    }
    Ok(found)
}
