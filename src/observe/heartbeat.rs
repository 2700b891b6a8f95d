//! The heartbeat, as far as a server has one.

use std::collections::BTreeMap;

use super::{DatabaseFacts, HeartbeatFacts};
use crate::{
    dialect::{Dialect, HEARTBEAT},
    model::Fact,
    transport::{SqlError, SqlReader},
};

/// Reads it, where its database is there.
pub(super) async fn heartbeat(
    sql: &mut SqlReader,
    databases: &[DatabaseFacts],
    dialect: Dialect,
) -> Fact<HeartbeatFacts> {
    if !databases.iter().any(|d| d.name == HEARTBEAT && d.tables > 0) {
        return Fact::Absent;
    }
    read(sql, dialect).await.map_or_else(|e| Fact::Unread(e.to_string()), Fact::Known)
}

async fn read(sql: &mut SqlReader, dialect: Dialect) -> Result<HeartbeatFacts, SqlError> {
    let event = sql.query(&dialect.show_heartbeat_event()).await?;
    let minds_read_only = event.first().is_none_or(|row| row.number("minds") == Some(1));
    let event = event.first().map(|row| (row.text("state"), row.number("every").unwrap_or(0)));
    let rows = sql.query(&dialect.show_heartbeats()).await?;
    let stamps: BTreeMap<u64, u64> =
        rows.iter().filter_map(|row| Some((row.number("id")?, row.number("stamp")?))).collect();
    Ok(HeartbeatFacts { event, minds_read_only, stamps })
}
