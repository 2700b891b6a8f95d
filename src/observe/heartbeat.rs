//! The heartbeat, as far as a server has one.

use super::{DatabaseFacts, HeartbeatFacts};
use crate::{
    dialect::{Dialect, HEARTBEAT},
    model::Fact,
    transport::{SqlError, SqlReader},
};

/// Reads it, where its database is there.
pub(super) async fn heartbeat(
    sql: &SqlReader,
    databases: &[DatabaseFacts],
    dialect: Dialect,
) -> Fact<HeartbeatFacts> {
    if !databases.iter().any(|d| d.name == HEARTBEAT && d.tables > 0) {
        return Fact::Absent;
    }
    read(sql, dialect).await.map_or_else(|e| Fact::Unread(e.to_string()), Fact::Known)
}

async fn read(sql: &SqlReader, dialect: Dialect) -> Result<HeartbeatFacts, SqlError> {
    let (event, stamps) =
        tokio::try_join!(sql.query(dialect.show_heartbeat_event()), sql.query(dialect.show_heartbeats()))?;
    let mut facts = HeartbeatFacts { minds_read_only: true, ..HeartbeatFacts::default() };
    if let Some(row) = event.first() {
        facts.minds_read_only = row.need("minds")? == "1";
        // One that beats once, or not by whole seconds, is not ours any more: 0 is no interval that can be declared.
        let every = row.optional("every")?.and_then(|seconds| seconds.parse().ok());
        facts.event = Some((row.text("state")?, every.unwrap_or(0)));
    }
    for row in &stamps {
        facts.stamps.insert(row.number("id")?, row.number("stamp")?);
    }
    Ok(facts)
}
