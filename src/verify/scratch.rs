//! The database in which a writer's canary sits: made for the proof, and gone after it.
//!
//! Each writer has its own, named after its server id. So everything that is done for a canary stands in the
//! stream of events of one server, in one order: whenever and on whatever way a replica executes it, no other
//! writer's stream can take the database from under it. A database that two writers share can't be dropped
//! safely, since a replica that was away executes the drop of one before the rows of the other.
//!
//! It is marked by its collation, which nobody chooses by chance: so what a killed run left behind is known
//! for ours and removed by the next one, and a database of that name that somebody else made is not touched.

use crate::{
    dialect::{ReadStatement, identifier},
    exec::{On, StepError},
    model::HostName,
    transport::SqlWriter,
};

/// The table of the canary.
pub(super) const CANARY: &str = "canary";
/// The table into which rows are inserted while other writers do the same.
pub(super) const IDS: &str = "canary_ids";
/// The mark.
const COLLATION: &str = "ascii_bin";

/// One writer's database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ScratchDatabase {
    name: String,
}

impl ScratchDatabase {
    /// The database of the server with this id.
    pub(super) fn of(server_id: u64) -> Self {
        Self { name: format!("tandem_{server_id}") }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a killed run left it on a host.
    ///
    /// # Errors
    /// When the host has somebody else's database of this name, or can't be asked.
    pub(super) async fn left_on(&self, on: On<'_>) -> Result<bool, StepError> {
        let sql = on.reader().await?;
        let found = sql.query(&ReadStatement::scratch_database(&self.name, &[CANARY, IDS])).await;
        let tried = format!("put a canary into the database `{}`", self.name);
        let found = found.map_err(|e| on.failed(&tried, e))?;
        let ours = |row: &crate::transport::Row| {
            row.get("collation") == Some(COLLATION) && row.get("others") == Some("0")
        };
        match found.first() {
            Some(row) if !ours(row) => Err(on
                .failed(tried, "there is one of this name already, and it is not ours")
                .then("Rename it, or leave the host out with --limit.")),
            left => Ok(left.is_some()),
        }
    }

    /// Makes it on its writer. No statement asks whether something is there already: where it is, it would do
    /// nothing and not be logged, and the rows would come to replicas that have no table for them.
    ///
    /// # Errors
    /// When the server says no.
    pub(super) async fn make(&self, host: &HostName, sql: &mut SqlWriter) -> Result<(), StepError> {
        let name = identifier(&self.name);
        let statements = [
            format!("CREATE DATABASE {name} CHARACTER SET ascii COLLATE {COLLATION}"),
            // Filters look at the current database of a statement that is logged as text.
            format!("USE {name}"),
            format!("CREATE TABLE {CANARY} (run VARCHAR(60) NOT NULL PRIMARY KEY) ENGINE=InnoDB"),
            format!("CREATE TABLE {IDS} (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB"),
        ];
        let answers = sql.query_all(&statements.each_ref().map(String::as_str)).await;
        let failed = |e| StepError::new(host, format!("make the database `{}`", self.name), e);
        answers.into_iter().try_for_each(|answer| answer.map(drop).map_err(failed))
    }

    /// Removes it on its writer.
    ///
    /// # Errors
    /// When the server says no.
    pub(super) async fn remove(&self, host: &HostName, sql: &mut SqlWriter) -> Result<(), StepError> {
        let statement = format!("DROP DATABASE IF EXISTS {}", identifier(&self.name));
        sql.query(&statement).await.map_err(|e| {
            StepError::new(host, format!("remove the database `{}`", self.name), e)
                .then("The next `tandem verify` removes what is left.")
        })?;
        Ok(())
    }

    /// Counts our tables on a host.
    pub(super) fn tables_there(&self) -> ReadStatement {
        ReadStatement::tables_of(&self.name)
    }

    /// Whether the database is on a host, as a number.
    pub(super) fn there(&self) -> ReadStatement {
        ReadStatement::database_there(&self.name)
    }

    /// One of its tables.
    pub(super) fn table(&self, name: &str) -> String {
        format!("{}.{name}", identifier(&self.name))
    }
}
