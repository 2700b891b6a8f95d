//! The sessions of a copy at both ends.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;

use super::{Connect, CopyError, STATEMENT, Trouble};
use crate::{
    dialect::{CopyEnd, Dialect},
    transport::{SqlError, SqlWriter},
};

/// What tells one server from another, as it was observed: names of variables and their values.
#[derive(Debug, Clone, Default)]
pub struct Identity(pub Vec<(&'static str, String)>);

/// All sessions of a copy. Those that carry rows are pairs: one of each end.
#[derive(Debug)]
pub struct Sessions {
    /// Reads definitions.
    pub catalog: SqlWriter,
    /// The same on the target, which also makes what is not a table.
    pub catalog_there: SqlWriter,
    /// Read rows.
    pub readers: Vec<SqlWriter>,
    /// Write rows.
    pub writers: Vec<SqlWriter>,
    /// Largest statement that the target takes.
    pub packet: u64,
    /// The target's words.
    pub there: Dialect,
    /// Whether the target's time ends later than the source's.
    pub lives_longer: bool,
}

/// Servers whose answers come by name, not as bytes.
async fn variables(sql: &mut SqlWriter, dialect: Dialect) -> Result<Vec<(String, String)>, SqlError> {
    let rows = sql.query(dialect.show_session_variables()).await?;
    rows.iter()
        .map(|row| Ok((row.at(0)?.to_ascii_lowercase(), row.optional_at(1)?.unwrap_or_default().to_owned())))
        .collect()
}

/// Opens a session, which is then like every other one of this end.
async fn open(at: &impl Connect, end: CopyEnd, names: &BTreeSet<String>) -> Result<SqlWriter, CopyError> {
    let failed = || CopyError::sql(end, "open a session for the copy");
    let mut sql = at.connect().await.map_err(failed())?;
    prepare(&mut sql, at.dialect(), end, names).await.map_err(failed())?;
    Ok(sql)
}

async fn prepare(
    sql: &mut SqlWriter,
    dialect: Dialect,
    end: CopyEnd,
    names: &BTreeSet<String>,
) -> Result<(), SqlError> {
    let settings = dialect.copy_session(end, names);
    let all: Vec<&str> =
        [dialect.spell_names()].into_iter().chain(settings.iter().map(String::as_str)).collect();
    sql.query_all(&all).await.into_iter().try_for_each(|answer| answer.map(drop))
}

impl Sessions {
    /// Opens them, `number` pairs for rows.
    pub async fn open(
        source: &impl Connect,
        target: &impl Connect,
        number: usize,
    ) -> Result<Self, CopyError> {
        let (here, there) = (CopyEnd::Source, CopyEnd::Target);
        let (mut catalog, mut catalog_there) = tokio::try_join!(
            async { source.connect().await.map_err(CopyError::sql(here, "open a session for the copy")) },
            async { target.connect().await.map_err(CopyError::sql(there, "open a session for the copy")) },
        )?;
        let (of_source, of_target) = tokio::try_join!(
            async {
                let read = variables(&mut catalog, source.dialect()).await;
                read.map_err(CopyError::sql(here, "read the settings of a session"))
            },
            async {
                let read = variables(&mut catalog_there, target.dialect()).await;
                read.map_err(CopyError::sql(there, "read the settings of a session"))
            },
        )?;
        let packet = of_target.iter().find(|(name, _)| name == "max_allowed_packet");
        let packet = packet.and_then(|(_, value)| value.parse().ok()).unwrap_or(1 << 20);
        let names =
            |list: Vec<(String, String)>| list.into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>();
        let (of_source, of_target) = (names(of_source), names(of_target));
        let failed = |end| CopyError::sql(end, "make the settings of a session");
        prepare(&mut catalog, source.dialect(), here, &of_source).await.map_err(failed(here))?;
        prepare(&mut catalog_there, target.dialect(), there, &of_target).await.map_err(failed(there))?;
        let late = async |sql: &mut SqlWriter, dialect: Dialect, end| {
            let rows = sql.query_within(dialect.time_ends_late(), STATEMENT).await;
            rows.and_then(|rows| rows.first().map_or(Ok(false), |row| Ok(row.need("late")? == "1")))
                .map_err(CopyError::sql(end, "ask when its time ends"))
        };
        let (late, later) = tokio::try_join!(
            late(&mut catalog, source.dialect(), here),
            late(&mut catalog_there, target.dialect(), there),
        )?;
        let (readers, writers) = tokio::try_join!(
            try_join_all((0..number).map(|_| open(source, here, &of_source))),
            try_join_all((0..number).map(|_| open(target, there, &of_target))),
        )?;
        Ok(Self {
            catalog,
            catalog_there,
            readers,
            writers,
            packet,
            there: target.dialect(),
            lives_longer: later && !late,
        })
    }
}

/// Holds that the server at the other end is the one that was observed.
pub async fn prove(sql: &mut SqlWriter, identity: &Identity) -> Result<(), CopyError> {
    let tried = "prove that it is the declared server";
    for (name, declared) in &identity.0 {
        let row = sql.query_within(&format!("SELECT @@GLOBAL.{name} AS value"), STATEMENT).await;
        let rows = row.map_err(CopyError::sql(CopyEnd::Target, tried))?;
        let found = rows.first().and_then(|row| row.get("value")).unwrap_or_default();
        if found != declared {
            let (declared, found) = (declared.clone(), found.to_owned());
            return Err(CopyError::new(
                CopyEnd::Target,
                tried,
                Trouble::AnotherServer { what: name, declared, found },
            ));
        }
    }
    Ok(())
}
