//! The sessions of a copy at both ends.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::{Connect, CopyError, CopyFault};
use crate::{
    dialect::{CopyEnd, Dialect},
    transport::{Row, SqlError, SqlWriter},
};

/// What tells one server from another, as it was observed: names of variables and their values.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Identity(pub Vec<(String, String)>);

/// All sessions of a copy. Those that carry rows are pairs: one of each end.
#[derive(Debug)]
pub(super) struct Sessions {
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

/// The sessions of one end.
pub(super) struct Opened {
    /// The first one, whose settings were asked.
    pub first: SqlWriter,
    /// All others.
    pub others: Vec<SqlWriter>,
    /// The variables that a session of it has.
    pub names: BTreeSet<String>,
    /// Largest statement that the server takes.
    packet: u64,
    /// Whether its time ends late.
    late: bool,
}

impl Opened {
    /// Opens one, and so many others that are like it.
    pub(super) async fn at(place: &impl Connect, end: CopyEnd, others: usize) -> Result<Self, CopyError> {
        let failed = || CopyError::sql(end, "open a session for the copy");
        let connecting = (0..others).map(|_| place.connect());
        let (first, others) = tokio::join!(place.connect(), try_join_all(connecting));
        let (mut first, mut others) = (first.map_err(failed())?, others.map_err(failed())?);
        let dialect = place.dialect();
        let read = variables(&mut first, dialect).await;
        let variables = read.map_err(CopyError::sql(end, "read the settings of a session"))?;
        let packet = variables.iter().find(|(name, _)| name == "max_allowed_packet");
        let packet = packet.and_then(|(_, value)| value.parse().ok()).unwrap_or(1 << 20);
        let names: BTreeSet<String> = variables.into_iter().map(|(name, _)| name).collect();
        let settings = dialect.copy_session(end, &names);
        let settings: Vec<&str> =
            [dialect.spell_names()].into_iter().chain(settings.iter().map(String::as_str)).collect();
        let (late, prepared) = tokio::join!(
            answer(&mut first, &settings, Some(dialect.time_ends_late())),
            try_join_all(others.iter_mut().map(|sql| answer(sql, &settings, None))),
        );
        let prepared = late.and_then(|rows| prepared.map(|_| rows));
        let rows = prepared.map_err(CopyError::sql(end, "make the settings of a session"))?;
        let late = rows.first().map_or(Ok(false), |row| Ok(row.need("late")? == "1"));
        let late = late.map_err(CopyError::sql(end, "ask when its time ends"))?;
        Ok(Self { first, others, names, packet, late })
    }
}

/// Makes settings, and may ask something with them.
async fn answer(sql: &mut SqlWriter, settings: &[&str], query: Option<&str>) -> Result<Vec<Row>, SqlError> {
    let all: Vec<&str> = settings.iter().copied().chain(query).collect();
    let answers = sql.query_all(&all).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(answers.into_iter().next_back().unwrap_or_default())
}

impl Sessions {
    /// Opens them, `number` pairs for rows.
    pub(super) async fn open(
        source: &impl Connect,
        target: &impl Connect,
        number: usize,
    ) -> Result<Self, CopyError> {
        let (here, there) = tokio::try_join!(
            Opened::at(source, CopyEnd::Source, number),
            Opened::at(target, CopyEnd::Target, number),
        )?;
        Ok(Self {
            catalog: here.first,
            catalog_there: there.first,
            readers: here.others,
            writers: there.others,
            packet: there.packet,
            there: target.dialect(),
            lives_longer: there.late && !here.late,
        })
    }
}

/// Runs statements, some of them in one message, up to the first that fails.
pub(super) async fn run_all(sql: &mut SqlWriter, statements: &[String]) -> Result<(), SqlError> {
    const TOGETHER: usize = 20;
    for some in statements.chunks(TOGETHER) {
        let texts: Vec<&str> = some.iter().map(String::as_str).collect();
        sql.query_all(&texts).await.into_iter().try_for_each(|answer| answer.map(drop))?;
    }
    Ok(())
}

/// Holds that the server at the other end is the one that was observed.
pub(super) async fn prove(sql: &mut SqlWriter, identity: &Identity) -> Result<(), CopyError> {
    let tried = "prove that it is the declared server";
    let asked: Vec<String> =
        identity.0.iter().map(|(name, _)| format!("SELECT @@GLOBAL.{name} AS value")).collect();
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    let answers = sql.query_all(&asked).await.into_iter().collect::<Result<Vec<_>, _>>();
    let answers = answers.map_err(CopyError::sql(CopyEnd::Target, tried))?;
    for (at, (name, declared)) in identity.0.iter().enumerate() {
        let found = answers.get(at).and_then(|rows| rows.first()?.get("value")).unwrap_or_default();
        if found != declared {
            let (declared, found) = (declared.clone(), found.to_owned());
            return Err(CopyError::new(
                CopyEnd::Target,
                tried,
                CopyFault::AnotherServer { what: name.clone(), declared, found },
            ));
        }
    }
    Ok(())
}
