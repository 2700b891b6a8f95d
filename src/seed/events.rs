//! Events that came with a copy rest on it, and stay otherwise what they are.
//!
//! `ALTER EVENT` writes down the session's `sql_mode` and character set with the event, and makes whoever runs it its
//! definer unless another one is named (MySQL manual, "ALTER EVENT Statement"; MariaDB documentation, "ALTER EVENT").

use crate::{
    dialect::{identifier, literal},
    exec::{Fleet, Statements, StepError},
    transport::{Row, SqlError},
};

/// Lets the events of these databases rest as replication would have brought them; those of all databases where
/// none are named.
///
/// # Errors
/// When the server refuses.
pub async fn rest(
    sql: &mut Statements<'_>,
    databases: Option<&[String]>,
    fleet: &Fleet<'_>,
) -> Result<(), StepError> {
    let host = sql.on.host;
    let failed = |e| StepError::new(host, "disable the copied events", e);
    let disable = fleet.on(host).dialect()?.disable_event();
    let rows = sql
        .run(
            "SELECT EVENT_SCHEMA AS db, EVENT_NAME AS name, DEFINER AS definer, SQL_MODE AS mode, \
             CHARACTER_SET_CLIENT AS client, COLLATION_CONNECTION AS collation \
             FROM information_schema.EVENTS WHERE STATUS = 'ENABLED'",
        )
        .await
        .map_err(failed)?;
    for row in &rows {
        let event = Event::read(row).map_err(failed)?;
        if databases.is_none_or(|names| names.contains(&event.database)) {
            sql.run(&event.as_created()).await.map_err(failed)?;
            sql.run(&event.alter(disable)).await.map_err(failed)?;
        }
    }
    Ok(())
}

/// An event and the session under which it was made.
struct Event {
    database: String,
    name: String,
    definer: String,
    mode: String,
    client: String,
    collation: String,
}

impl Event {
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

    /// Makes the session that in which it was made. A name that is not plain is spelled in our own character set.
    fn as_created(&self) -> String {
        let mut set = format!("SET SESSION sql_mode={}", literal(&self.mode));
        if [&self.name, &self.database, &self.definer].iter().all(|name| name.is_ascii()) {
            set.push_str(&format!(
                ", SESSION character_set_client={}, SESSION collation_connection={}",
                literal(&self.client),
                literal(&self.collation)
            ));
        }
        set
    }

    fn alter(&self, disable: &str) -> String {
        // A user's name may hold the sign, a host's may not.
        let (user, at) = self.definer.rsplit_once('@').unwrap_or((&self.definer, ""));
        let at = if at.is_empty() { String::new() } else { format!("@{}", identifier(at)) };
        format!(
            "ALTER DEFINER={}{at} EVENT {}.{} {disable}",
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
        let event = |definer: &str| Event {
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
        assert!(event("a@b").as_created().contains("character_set_client='latin1'"));
        assert!(!event("ä@b").as_created().contains("character_set_client"));
    }
}
