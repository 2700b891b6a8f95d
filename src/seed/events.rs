//! Events that came with a copy rest on it, and stay otherwise what they are.
//!
//! `ALTER EVENT` writes down the session's `sql_mode` and character set with the event, and makes whoever runs it its
//! definer unless another one is named (MySQL manual, "ALTER EVENT Statement"; MariaDB documentation, "ALTER EVENT").

use crate::{
    dialect::{identifier, literal},
    exec::{Fleet, StepError, journal::Journal, statements},
    model::HostName,
    transport::Row,
};

/// Lets the events of these databases rest as replication would have brought them; those of all databases where
/// none are named.
///
/// # Errors
/// When the server refuses.
pub async fn rest(
    host: &HostName,
    databases: Option<&[String]>,
    fleet: &Fleet<'_>,
    journal: &Journal,
) -> Result<(), StepError> {
    let failed = |e| StepError::new(host, "disable the copied events", e);
    let disable = fleet.dialect(host)?.disable_event();
    let mut sql = statements(host, fleet, journal).await?;
    let rows = sql
        .run(
            "SELECT EVENT_SCHEMA AS db, EVENT_NAME AS name, DEFINER AS definer, SQL_MODE AS mode, \
             CHARACTER_SET_CLIENT AS client, COLLATION_CONNECTION AS collation \
             FROM information_schema.EVENTS WHERE STATUS = 'ENABLED'",
        )
        .await
        .map_err(failed)?;
    for row in rows.iter().filter(|r| databases.is_none_or(|names| names.contains(&r.text("db")))) {
        sql.run(&as_created(row)).await.map_err(failed)?;
        sql.run(&alter(row, disable)).await.map_err(failed)?;
    }
    sql.sql.close().await;
    Ok(())
}

/// The session under which an event was made. A name that is not plain is spelled in our own character set.
fn as_created(row: &Row) -> String {
    let mut set = format!("SET SESSION sql_mode={}", literal(&row.text("mode")));
    if row.text("name").is_ascii() && row.text("db").is_ascii() && row.text("definer").is_ascii() {
        set.push_str(&format!(
            ", SESSION character_set_client={}, SESSION collation_connection={}",
            literal(&row.text("client")),
            literal(&row.text("collation"))
        ));
    }
    set
}

fn alter(row: &Row, disable: &str) -> String {
    let definer = row.text("definer");
    // A user's name may hold the sign, a host's may not.
    let (user, at) = definer.rsplit_once('@').unwrap_or((&definer, ""));
    let at = if at.is_empty() { String::new() } else { format!("@{}", identifier(at)) };
    format!(
        "ALTER DEFINER={}{at} EVENT {}.{} {disable}",
        identifier(user),
        identifier(&row.text("db")),
        identifier(&row.text("name"))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definer_stays() {
        let row = |definer: &str| {
            let columns = [
                ("db", "d"),
                ("name", "e`v"),
                ("definer", definer),
                ("mode", ""),
                ("client", "latin1"),
                ("collation", "latin1_bin"),
            ];
            Row::new(columns.map(|(name, value)| (name.to_owned(), Some(value.to_owned()))).to_vec())
        };
        assert_eq!(
            alter(&row("a@b@%"), "DISABLE ON SLAVE"),
            "ALTER DEFINER=`a@b`@`%` EVENT `d`.`e``v` DISABLE ON SLAVE"
        );
        assert_eq!(
            alter(&row("role"), "DISABLE ON SLAVE"),
            "ALTER DEFINER=`role` EVENT `d`.`e``v` DISABLE ON SLAVE"
        );
        assert!(as_created(&row("a@b")).contains("character_set_client='latin1'"));
        assert!(!as_created(&row("ä@b")).contains("character_set_client"));
    }
}
