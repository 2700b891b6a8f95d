//! The database `tandem` on the writers: made for the proof, and gone after it.
//!
//! It is marked by its collation, which nobody chooses by chance: so what a killed run left behind is known
//! for ours and removed by the next one, while a database of that name that somebody else made is kept.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    apply::{Fleet, StepError},
    dialect::{identifier, literal},
    model::HostName,
    transport::SqlWriter,
};

/// The database.
pub const DATABASE: &str = "tandem";
/// The table of the canaries.
pub const CANARY: &str = "canary";
/// The table into which all writers insert at the same time.
pub const IDS: &str = "canary_ids";
/// The mark.
const COLLATION: &str = "ascii_bin";

/// What is there of it before a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Absent,
    /// What a killed run of ours left.
    Ours,
    /// Somebody else's database of this name.
    Foreign,
}

/// The database while it is used.
#[derive(Debug)]
pub struct ScratchDatabase {
    /// Whether it stays when the run ends, since it is somebody else's.
    keep: bool,
}

impl ScratchDatabase {
    /// Looks at all hosts that the canaries will reach.
    ///
    /// # Errors
    /// When a host can't be asked, or when some have a database of this name that is not ours and others
    /// have none: then neither keeping nor dropping it would leave everything as it was.
    pub async fn look(hosts: &BTreeSet<HostName>, fleet: &Fleet<'_>) -> Result<Self, StepError> {
        let mut found = BTreeMap::new();
        for host in hosts {
            found.insert(host, before(host, fleet).await?);
        }
        let foreign = found.values().filter(|b| **b == Before::Foreign).count();
        if foreign > 0 && foreign < found.len() {
            let host = found.iter().find(|(_, b)| **b == Before::Foreign).map(|(h, _)| *h);
            return Err(StepError::new(
                host.unwrap_or(&HostName::from("?")),
                "put a canary there",
                format!("the database `{DATABASE}` is not ours there, and others have none"),
            )
            .then("Rename it, or leave the canary out with --limit."));
        }
        Ok(Self { keep: foreign > 0 })
    }

    /// Makes it on one writer. The statements replicate, and do nothing where it is there already.
    ///
    /// # Errors
    /// When the server says no.
    pub async fn make(&self, host: &HostName, sql: &mut SqlWriter) -> Result<(), StepError> {
        let failed = |e| StepError::new(host, format!("make the database `{DATABASE}`"), e);
        if !self.keep {
            let database = format!(
                "CREATE DATABASE IF NOT EXISTS {} CHARACTER SET ascii COLLATE {COLLATION}",
                identifier(DATABASE)
            );
            sql.query(&database).await.map_err(failed)?;
        }
        // Filters look at the current database of a statement that is logged as text.
        sql.query(&format!("USE {}", identifier(DATABASE))).await.map_err(failed)?;
        for statement in [
            format!(
                "CREATE TABLE IF NOT EXISTS {CANARY} (origin INT UNSIGNED NOT NULL, run VARCHAR(60) NOT NULL, \
                 PRIMARY KEY (origin, run)) ENGINE=InnoDB"
            ),
            // The number alone is not unique: should two writers give out the same one, this table must not be
            // what stops replication.
            format!(
                "CREATE TABLE IF NOT EXISTS {IDS} (id BIGINT NOT NULL AUTO_INCREMENT, origin INT UNSIGNED NOT NULL, \
                 run VARCHAR(60) NOT NULL, PRIMARY KEY (origin, run, id), KEY (id)) ENGINE=InnoDB"
            ),
        ] {
            sql.query(&statement).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Counts what is left of it on a host.
    pub fn left(&self) -> String {
        match self.keep {
            true => tables_there(),
            false => format!(
                "SELECT COUNT(*) AS n FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {}",
                literal(DATABASE)
            ),
        }
    }

    /// Removes it on one writer.
    ///
    /// # Errors
    /// When the server says no.
    pub async fn remove(&self, host: &HostName, sql: &mut SqlWriter) -> Result<(), StepError> {
        let failed = |e| {
            StepError::new(host, format!("remove the database `{DATABASE}`"), e)
                .then("The next `tandem verify` removes what is left.")
        };
        let statement = match self.keep {
            true => format!("DROP TABLE IF EXISTS {CANARY}, {IDS}"),
            false => format!("DROP DATABASE IF EXISTS {}", identifier(DATABASE)),
        };
        sql.query(&statement).await.map_err(failed)?;
        Ok(())
    }
}

/// How many of our tables a host has.
pub fn tables_there() -> String {
    format!(
        "SELECT COUNT(*) AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = {} AND TABLE_NAME IN ('{CANARY}', '{IDS}')",
        literal(DATABASE)
    )
}

async fn before(host: &HostName, fleet: &Fleet<'_>) -> Result<Before, StepError> {
    let failed = |e| StepError::new(host, format!("look for the database `{DATABASE}`"), e);
    let mut sql = fleet.reader(host).await?;
    let found = sql
        .query(&format!(
            "SELECT DEFAULT_COLLATION_NAME AS collation, \
             (SELECT COUNT(*) FROM information_schema.TABLES t WHERE t.TABLE_SCHEMA = s.SCHEMA_NAME \
             AND t.TABLE_NAME NOT IN ('{CANARY}', '{IDS}')) AS others \
             FROM information_schema.SCHEMATA s WHERE SCHEMA_NAME = {}",
            literal(DATABASE)
        ))
        .await
        .map_err(failed)?;
    sql.close().await;
    Ok(match found.first() {
        None => Before::Absent,
        Some(row) if row.get("collation") == Some(COLLATION) && row.number("others") == Some(0) => {
            Before::Ours
        }
        Some(_) => Before::Foreign,
    })
}
