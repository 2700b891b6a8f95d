//! Events of the scheduler change their state, and stay otherwise what they are: those that came with a copy rest on it.
//!
//! `ALTER EVENT` writes down the session's `sql_mode` and character set with the event, and makes whoever runs it its
//! definer unless another one is named (MySQL manual, "ALTER EVENT Statement"; MariaDB documentation, "ALTER EVENT").

use crate::{
    dialect::{HEARTBEAT, identifier, literal},
    exec::{Fleet, Statements, StepError},
    transport::{Row, SqlError},
};

/// Lets the events of these databases rest as replication would have brought them; those of all databases where
/// none are named.
///
/// # Errors
/// When the server refuses.
pub(super) async fn rest(
    sql: &mut Statements<'_>,
    databases: Option<&[String]>,
    fleet: &Fleet<'_>,
) -> Result<(), StepError> {
    let disable = fleet.on(sql.on.host).dialect()?.disable_event();
    for event in StoredEvent::all(sql, "STATUS = 'ENABLED'").await? {
        if databases.is_none_or(|names| names.contains(&event.database)) {
            event.change(sql, disable).await?;
        }
    }
    Ok(())
}

/// Lets all that run on a server rest, but for the heartbeat, which minds by itself who is written to.
///
/// # Errors
/// When the server refuses.
pub(crate) async fn rest_all(sql: &mut Statements<'_>) -> Result<(), StepError> {
    let disable = sql.on.dialect()?.disable_event();
    for event in StoredEvent::all(sql, "STATUS = 'ENABLED'").await? {
        if event.database != HEARTBEAT {
            event.change(sql, disable).await?;
        }
    }
    Ok(())
}

/// An event and the session under which it was made.
#[derive(Debug)]
pub(crate) struct StoredEvent {
    /// Its database.
    pub database: String,
    /// Its name.
    pub name: String,
    definer: String,
    mode: String,
    client: String,
    collation: String,
}

impl StoredEvent {
    /// The events that rest as on a replica, but for the heartbeat.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn resting(sql: &mut Statements<'_>) -> Result<Vec<Self>, StepError> {
        let mut events = Self::all(sql, "STATUS NOT IN ('ENABLED', 'DISABLED')").await?;
        events.retain(|event| event.database != HEARTBEAT);
        Ok(events)
    }

    async fn all(sql: &mut Statements<'_>, which: &str) -> Result<Vec<Self>, StepError> {
        let on = sql.on;
        let query = format!(
            "SELECT EVENT_SCHEMA AS db, EVENT_NAME AS name, DEFINER AS definer, SQL_MODE AS mode, \
             CHARACTER_SET_CLIENT AS client, COLLATION_CONNECTION AS collation \
             FROM {} WHERE {which}",
            on.dialect()?.stored_events()
        );
        let rows = sql.run(&query).await;
        rows.and_then(|rows| rows.iter().map(Self::read).collect())
            .map_err(|e| on.failed("read its events", e))
    }

    fn read(row: &Row) -> Result<Self, SqlError> {
        Ok(Self {
            database: row.text("db")?,
            name: row.text("name")?,
            definer: row.text("definer")?,
            mode: row.text("mode")?,
            client: row.text("client")?,
            collation: row.text("collation")?,
        })
    }

    /// Gives it another state: what stands behind `ALTER EVENT`. In its own database, since filters of replication judge
    /// the statement by that.
    ///
    /// # Errors
    /// When the server refuses, or the session under which it was made can't spell its name.
    pub(crate) async fn change(&self, sql: &mut Statements<'_>, state: &str) -> Result<(), StepError> {
        let tried = format!("change the state of the event {}.{} ({state})", self.database, self.name);
        let (on, change) = (sql.on, self.alter(state));
        let Some(begin) = self.as_created() else {
            let why = format!("it was made under {}, which can't spell its name here", self.client);
            return Err(on
                .failed(tried, why)
                .then(format!("Run it by hand under that character set: {change}")));
        };
        let database = format!("USE {}", identifier(&self.database));
        let back = "SET SESSION character_set_client=utf8mb4";
        let all = [back, database.as_str(), &begin, &change, back];
        sql.run_all(all).await.map(drop).map_err(|e| on.failed(tried, e))
    }

    /// Makes the session that in which it was made; nothing where its character set has other bytes for the names than ours.
    fn as_created(&self) -> Option<String> {
        let plain = [&self.name, &self.database, &self.definer].iter().all(|name| name.is_ascii());
        (plain || self.client.starts_with("utf8")).then(|| {
            format!(
                "SET SESSION sql_mode={}, SESSION character_set_client={}, SESSION collation_connection={}",
                literal(&self.mode),
                literal(&self.client),
                literal(&self.collation)
            )
        })
    }

    fn alter(&self, state: &str) -> String {
        // A user's name may hold the sign, a host's may not.
        let (user, at) = self.definer.rsplit_once('@').unwrap_or((&self.definer, ""));
        let at = if at.is_empty() { String::new() } else { format!("@{}", identifier(at)) };
        format!(
            "ALTER DEFINER={}{at} EVENT {}.{} {state}",
            identifier(user),
            identifier(&self.database),
            identifier(&self.name)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definer_stays() {
        let event = |definer: &str| StoredEvent {
            database: "d".into(),
            name: "e`v".into(),
            definer: definer.into(),
            mode: String::new(),
            client: "latin1".into(),
            collation: "latin1_bin".into(),
        };
        assert_eq!(
            event("a@b@%").alter("DISABLE ON SLAVE"),
            "ALTER DEFINER=`a@b`@`%` EVENT `d`.`e``v` DISABLE ON SLAVE"
        );
        assert_eq!(
            event("role").alter("DISABLE ON SLAVE"),
            "ALTER DEFINER=`role` EVENT `d`.`e``v` DISABLE ON SLAVE"
        );
        let session = event("a@b").as_created().expect("a session");
        assert!(session.contains("character_set_client='latin1'"), "{session}");
        assert_eq!(event("ä@b").as_created(), None);
    }
}
